//! Conditional access policies, as `GET /api/v2/authn/policies` lists them, and the lists of addresses of
//! `GET /api/v2/iplists`.

use super::Object;
use crate::organization::{AuthnCondition, AuthnEffect, AuthnPolicy, IP_LISTS, Kind, Organization};

/// How many lists of addresses there are.
pub(crate) const IP_LIST_COUNT: u64 = IP_LISTS.len() as u64;

impl Organization {
    /// Writes a conditional access policy.
    pub(crate) fn write_authn_policy(&self, policy: &AuthnPolicy, o: &mut Object<'_>) {
        o.put("id", policy.id());
        o.put("name", policy.name);
        o.put("description", "");
        o.put("disabled", policy.disabled);
        o.put("monitorOnly", policy.monitor_only);
        o.put("type", policy.kind);
        o.object("effect", |o| match policy.effect {
            AuthnEffect::Deny => o.put("action", "deny"),
            AuthnEffect::Allow => o.put("action", "allow"),
            AuthnEffect::AllowWithFactor => {
                o.put("action", "allow");
                o.object("obligations", |o| {
                    o.object("mfa", |o| o.put("required", true));
                    o.list("mfaFactors", ["TOTP", "WEBAUTHN"], |o, factor| o.put("type", factor));
                });
            }
        });
        o.object("conditions", |o| self.write_condition(policy.condition, o));
        o.object("targets", |o| self.write_targets(policy, o));
    }

    fn write_condition(&self, condition: Option<AuthnCondition>, o: &mut Object<'_>) {
        match condition {
            None => {}
            Some(AuthnCondition::OutsideOf(list)) => {
                o.object("not", |o| o.put("ipAddressIn", [self.ip_list_id(list)]));
            }
            Some(AuthnCondition::UntrustedDevice(countries)) => {
                o.list("any", 0..3, |o, part| match part {
                    0 => o.put("deviceManaged", false),
                    1 => o.put("deviceEncrypted", false),
                    _ => o.object("not", |o| o.object("locationIn", |o| o.put("countries", countries))),
                });
            }
        }
    }

    fn write_targets(&self, policy: &AuthnPolicy, o: &mut Object<'_>) {
        o.list("resources", [policy.application], |o, application| {
            o.put("type", policy.kind);
            o.put_some("id", application.and_then(|index| self.ids(Kind::Application, &[index]).pop()));
        });
        if !policy.excluded_applications.is_empty() {
            o.put("excludedApplications", self.ids(Kind::Application, policy.excluded_applications));
        }
        o.object("users", |o| {
            let everyone = policy.everyone.then(|| "ALL".to_owned());
            let users = everyone.into_iter().chain(self.ids(Kind::User, policy.users));
            o.put("inclusions", users.collect::<Vec<_>>());
        });
        o.object("userGroups", |o| {
            o.put("inclusions", self.ids(Kind::UserGroup, policy.groups));
            o.put("exclusions", self.ids(Kind::UserGroup, policy.excluded_groups));
        });
        if policy.spares_ldap_binding {
            o.object("userAttributes", |o| {
                o.list("exclusions", ["ldap_binding_user"], |o, field| {
                    o.put("field", field);
                    o.put("operator", "EQ");
                    o.put("value", true);
                });
            });
        }
    }

    /// Writes a list of addresses.
    pub(crate) fn write_ip_list(&self, index: u64, o: &mut Object<'_>) {
        let (name, addresses) = IP_LISTS[index as usize % IP_LISTS.len()];
        o.put("id", self.ip_list_id(index));
        o.put("name", name);
        o.put("description", "");
        o.put("ips", addresses);
    }
}
