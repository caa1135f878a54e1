//! Applications, RADIUS servers and administrators.

use jiff::{SignedDuration, Timestamp};

use super::{Object, time};
use crate::behaviour::V1Rows;
use crate::organization::{Administrator, Application, Node, Organization, RadiusServer};

impl Organization {
    /// Writes an application, as `GET /api/applications` lists it.
    pub(crate) fn write_application(&self, application: &Application, o: &mut Object<'_>) {
        let Application { index, id, name, label, sso_type, active, created } = application;
        let recorded = self.behaviour().v1_rows == V1Rows::Recorded;
        self.write_v1_id(id, o);
        o.put("name", name);
        o.put("displayName", label.split(" (").next());
        o.put("displayLabel", label);
        o.put("active", active);
        o.put("beta", false);
        o.put("description", "");
        o.put("learnMore", "");
        o.put("organization", self.organization_id());
        o.put("created", time(Timestamp::from_second(*created as i64).unwrap_or(Timestamp::UNIX_EPOCH)));
        o.put("ssoUrl", format!("https://sso.jumpcloud.com/{sso_type}/{name}-{index}"));
        o.object("sso", |o| {
            o.put("type", sso_type);
            o.put("beta", false);
            o.put("hidden", false);
            o.put("jit", index % 2 == 0);
            if recorded && *sso_type == "saml" {
                o.put("idpCertExpirationAt", time(self.now() + SignedDuration::from_hours(24 * (30 + *index as i64))));
            }
        });
        if recorded {
            o.object("logo", |o| o.put("url", format!("https://static.example/{name}.png")));
            o.put("color", ());
            o.list("databaseAttributes", (index % 5 == 1).then_some("role"), |o, attribute| {
                o.put("name", attribute);
                o.put("value", "readers");
            });
        }
        if recorded && index % 6 == 5 {
            o.put("config", "[REDACTED]");
            return;
        }
        o.object("config", |o| {
            o.object("acsUrl", |o| {
                o.put("label", "ACS URL");
                o.put("type", "text");
                o.put("value", format!("https://{name}.example/acs"));
                o.put("required", true);
                o.put("visible", true);
                o.put("readOnly", false);
                o.put("position", 1);
            });
            if recorded && index % 6 == 0 {
                o.object("constantAttributes", |o| {
                    o.put("type", "keyValuePairs");
                    o.list("value", ["arn:aws:iam::000000000000:role/admin"], |o, value| {
                        o.put("name", "role");
                        o.put("value", value);
                    });
                });
                o.object("idpPrivateKey", |o| {
                    o.put("type", "file");
                    o.put("value", format!("-----BEGIN PRIVATE KEY-----{:032x}", index + 1));
                });
            }
        });
    }

    /// Writes a RADIUS server, as `GET /api/radiusservers` lists it: its secret too.
    pub(crate) fn write_radius_server(&self, server: &RadiusServer, o: &mut Object<'_>) {
        self.write_v1_id(&server.id, o);
        o.put("name", server.name);
        o.put("networkSourceIp", format!("192.0.2.{}", 1 + server.index));
        o.put("sharedSecret", &server.shared_secret);
        o.put("mfa", server.mfa);
        o.put("organization", self.organization_id());
        o.put("authIdp", "JUMPCLOUD");
        o.put("userLockoutAction", "REMOVE");
        o.put("userPasswordExpirationAction", "MAINTAIN");
        o.put("userPasswordEnabled", true);
        o.put("userCertEnabled", false);
        o.put("deviceCertEnabled", false);
        if self.behaviour().v1_rows == V1Rows::Recorded {
            o.put("caSource", "NONE");
            o.put("radsecEnabled", false);
            o.put("requireRadsec", false);
            o.put("tagNames", [(); 0]);
        }
    }

    /// Writes an administrator, as `GET /api/users` lists it.
    pub(crate) fn write_administrator(
        &self,
        administrator: &Administrator,
        provider: Option<&str>,
        o: &mut Object<'_>,
    ) {
        self.write_v1_id(&administrator.id, o);
        o.put("email", &administrator.email);
        o.put("firstname", administrator.given_name);
        o.put("lastname", administrator.family_name);
        write_roles(administrator, o);
        o.put("suspended", administrator.suspended);
        o.put("enableMultiFactor", administrator.mfa);
        o.put("totpEnrolled", administrator.mfa);
        write_api_key(administrator, o);
        o.put_some("apiKeyUpdatedAt", administrator.api_key_created_at.map(time));
        o.put("created", time(administrator.created));
        o.put("passwordUpdatedAt", time(administrator.created));
        o.put("sessionCount", administrator.index * 3);
        o.put("disableIntroduction", true);
        o.put("organization", self.organization_id());
        o.put_some("provider", provider);
    }

    /// Writes an administrator, as `GET /api/v2/providers/{id}/administrators` lists it.
    pub(crate) fn write_provider_administrator(&self, administrator: &Administrator, o: &mut Object<'_>) {
        o.put("id", &administrator.id);
        o.put("email", &administrator.email);
        o.put("firstname", administrator.given_name);
        o.put("lastname", administrator.family_name);
        write_roles(administrator, o);
        o.put("suspended", administrator.suspended);
        o.put("enableMultiFactor", administrator.mfa);
        o.put("registered", true);
        write_api_key(administrator, o);
    }
}

impl Organization {
    /// Writes a link of an administrator to an organisation.
    pub(crate) fn write_organization_link(&self, administrator: Node, linked: &Organization, o: &mut Object<'_>) {
        o.put("administrator", self.id(administrator));
        o.put("organization", linked.organization_id());
    }
}

fn write_roles(administrator: &Administrator, o: &mut Object<'_>) {
    let role = administrator.role_id();
    o.put("role", &role);
    o.put("roleName", administrator.role);
    o.put("roles", [&role]);
    o.put("roleNames", [administrator.role]);
}

fn write_api_key(administrator: &Administrator, o: &mut Object<'_>) {
    o.put("apiKeyAllowed", true);
    o.put("apiKeySet", administrator.api_key_created_at.is_some());
    if let Some(created) = administrator.api_key_created_at {
        o.object("apiKeyHash", |o| {
            o.put("prefix", "jca_");
            o.put("createdAt", time(created));
            o.put_some("expireAt", administrator.api_key_expires_at.map(time));
        });
    }
}
