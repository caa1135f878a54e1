//! Organisations, as `GET /api/organizations` lists them and `GET /api/organizations/{id}` gives one, and their password
//! policies.

use jiff::Timestamp;

use super::{Object, time};
use crate::behaviour::{OrganizationNames, V1Ids};
use crate::organization::{Organization, PasswordPolicy};

/// When the organisation of an index signed up, in seconds of Unix time.
const SIGNED_UP: i64 = 1_393_632_000;

impl Organization {
    /// Writes the id of a row of the V1 API.
    pub(crate) fn write_v1_id(&self, id: &str, o: &mut Object<'_>) {
        o.put("_id", id);
        if self.behaviour().v1_ids == V1Ids::Both {
            o.put("id", id);
        }
    }

    /// Writes what the list gives of the organisation.
    pub(crate) fn write_organization(&self, o: &mut Object<'_>) {
        let names = self.behaviour().organization_names;
        self.write_v1_id(&self.organization_id(), o);
        o.put("displayName", self.listed_name());
        o.put("logoUrl", (names == OrganizationNames::Given).then_some(""));
        if names != OrganizationNames::Given {
            o.put("created", self.signed_up());
        }
    }

    /// Writes the organisation with its settings; `provider` is the one that manages it.
    pub(crate) fn write_whole_organization(&self, provider: Option<&str>, o: &mut Object<'_>) {
        self.write_organization(o);
        if self.behaviour().organization_names == OrganizationNames::Given {
            o.put("created", self.signed_up());
            o.put_some("provider", provider);
        } else {
            o.put("provider", provider);
        }
        o.put("accessRestriction", "");
        o.object("entitlement", |o| {
            o.put("billingModel", "per_user");
            o.put("isManuallyBilled", false);
        });
        o.object("settings", |o| {
            o.put("name", self.display_name());
            o.put("contactEmail", format!("it@{}", self.domain()));
            o.put("maxSystemUsers", 0);
            o.put("requireAdminMFA", self.requires_admin_mfa());
            o.put("disableCommandRunner", false);
            o.put("systemUserPasswordExpirationInDays", 90);
            o.object("features", |o| {
                o.object("systemInsights", |o| o.put("enabled", true));
                o.object("directoryInsights", |o| o.put("enabled", true));
                o.object("directoryInsightsPremium", |o| o.put("enabled", self.behaviour().retention_days > 15));
            });
            o.put("passwordCompliance", "custom");
            if let Some(own) = self.password_policies().first() {
                o.object("passwordPolicy", |o| write_rules(own, o));
            }
            o.object("systemUserDefaults", |o| o.put("restrictedFields", [(); 0]));
        });
    }

    /// Writes a password policy, as the simulator lists them: definition `jumpcloud.password.Response`.
    pub(crate) fn write_password_policy(&self, policy: &PasswordPolicy, o: &mut Object<'_>) {
        o.put("objectId", &policy.id);
        o.object("policy", |o| {
            o.put("name", policy.name);
            o.put("description", "");
            o.put("default", policy.default);
            write_rules(policy, o);
        });
        let groups = self.user_groups().filter(|group| policy.groups.contains(&group.id));
        o.list("groups", groups, |o, group| {
            o.put("groupId", group.id);
            o.put("name", group.name);
        });
        o.put("cached", false);
    }

    fn signed_up(&self) -> String {
        time(Timestamp::from_second(SIGNED_UP).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}

fn write_rules(policy: &PasswordPolicy, o: &mut Object<'_>) {
    o.put("enableMinLength", true);
    o.put("minLength", policy.min_length);
    o.put("needsLowercase", true);
    o.put("needsUppercase", true);
    o.put("needsNumeric", true);
    o.put("needsSymbolic", false);
    o.put("enableMaxLoginAttempts", true);
    o.put("maxLoginAttempts", 6);
    o.put("enableLockoutTimeInSeconds", true);
    o.put("lockoutTimeInSeconds", 900);
    o.put("enablePasswordExpirationInDays", policy.expires_in_days.is_some());
    o.put("passwordExpirationInDays", policy.expires_in_days.unwrap_or(90));
    o.put("allowUsernameSubstring", false);
    o.put("enableMaxHistory", true);
    o.put("maxHistory", 5);
}
