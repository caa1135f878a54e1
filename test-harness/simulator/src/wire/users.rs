//! Directory users, as `GET /api/systemusers` lists them.

use super::{Object, time};
use crate::behaviour::{LocalNames, NoAdministrator, UnsetFields, V1Rows};
use crate::organization::{Dice, Kind, Node, Organization, User, UserMfa, UserRole, UserState};

/// Which endpoint gives a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserRow {
    /// `GET /api/systemusers`
    Listed,
    /// `GET /api/systemusers/{id}`
    One,
    /// `POST /api/search/systemusers`
    Found,
    /// `GET /api/v2/users`
    V2,
}

impl Organization {
    /// Writes a user, as an endpoint gives it.
    pub(crate) fn write_user(&self, user: &User, given: UserRow, o: &mut Object<'_>) {
        let mut dice = Dice::thrown(user.index, 0x0057, self.seed());
        match given {
            UserRow::V2 => o.put("id", &user.id),
            _ => self.write_v1_id(&user.id, o),
        }
        o.put("username", &user.username);
        if self.behaviour().local_names == LocalNames::Own {
            o.put("systemUsername", user.local_name.as_deref().unwrap_or_default());
        }
        o.put("email", &user.email);
        o.put("firstname", &user.given_name);
        o.put("lastname", &user.family_name);
        o.put("middlename", "");
        o.put("displayname", &user.display_name);
        self.write_employment(user, o);
        write_state(user, o);
        write_mfa(user, self.behaviour().v1_rows, o);
        write_password(user, o);
        self.write_origin(user, o);
        self.write_administrator_link(user, given, o);
        write_contact(user, given, &mut dice, o);
        write_keys(user, &mut dice, o);
        if self.behaviour().v1_rows == V1Rows::Recorded {
            o.put("tags", [(); 0]);
        }
        o.put("organization", self.organization_id());
        o.put("created", time(user.created));
    }

    fn write_employment(&self, user: &User, o: &mut Object<'_>) {
        let person = user.role == UserRole::Person;
        o.put("company", if person { "Northwind Ω Trading" } else { "" });
        o.put("costCenter", format!("CC-{}", 100 + user.index % 17));
        o.put("department", user.department);
        o.put("description", &user.description);
        match (self.behaviour().unset_fields, &user.employee_id) {
            (UnsetFields::Absent, None) => {}
            (_, id) => o.put("employeeIdentifier", id),
        }
        o.put(
            "employeeType",
            if !person {
                "Service"
            } else if user.index % 11 == 9 {
                "Contractor"
            } else {
                "Employee"
            },
        );
        o.put("jobTitle", if person { user.job_title.as_str() } else { "" });
        o.put("location", user.place.0);
        o.put_some("manager", user.manager.map(|index| self.id(Node::new(Kind::User, index))));
        o.list("relationships", user.manager.filter(|index| index % 5 == 0), |o, index| {
            o.put("type", "assistant");
            o.put("value", self.id(Node::new(Kind::User, index)));
        });
    }

    fn write_origin(&self, user: &User, o: &mut Object<'_>) {
        let external = user.source == Some("active_directory");
        o.put("externally_managed", external);
        let dn = format!("CN={},OU=Staff,DC=northwind,DC=example", user.username);
        o.put("external_dn", if external { dn.as_str() } else { "" });
        o.put("external_source_type", user.source.unwrap_or_default());
        o.put("creationSource", creation_source(user.source));
        match external {
            true => o.object("delegatedAuthority", |o| {
                o.put("id", self.id(Node::new(Kind::ActiveDirectory, 0)));
                o.put("name", "ActiveDirectory");
            }),
            false => o.put("delegatedAuthority", ()),
        }
        o.list("restrictedFields", ["username", "password"].into_iter().filter(|_| external), |o, field| {
            o.put("field", field);
            o.put("id", self.id(Node::new(Kind::ActiveDirectory, 0)));
            o.put("type", "active_directory");
        });
        o.put("ldap_binding_user", user.role == UserRole::LdapBinding);
        o.put("samba_service_user", user.role == UserRole::Samba);
    }

    /// Writes the console administrator that is linked to a user.
    fn write_administrator_link(&self, user: &User, given: UserRow, o: &mut Object<'_>) {
        let empty = self.behaviour().no_administrator == NoAdministrator::Empty;
        match (user.administrator, given) {
            (_, UserRow::Found) if empty => {}
            (Some(index), _) => o.object("admin", |o| {
                o.put("id", self.id(Node::new(Kind::Administrator, index)));
                o.put("roleName", "Administrator With Billing");
                o.put("roleNames", ["Administrator With Billing"]);
            }),
            (None, UserRow::One) if empty => o.object("admin", |_| {}),
            // Some rows have it null, others not at all.
            (None, _) if empty && user.index % 2 == 1 => {}
            (None, _) => o.put("admin", ()),
        }
    }
}

fn creation_source(source: Option<&str>) -> &'static str {
    match source {
        None => "jumpcloud:ui",
        Some("active_directory") => "jumpcloud:ad",
        Some("google_workspace") => "jumpcloud:gapps",
        Some("office_365") => "jumpcloud:office365",
        Some("workday") => "jumpcloud:workday",
        Some(_) => "jumpcloud:scim",
    }
}

fn write_state(user: &User, o: &mut Object<'_>) {
    if user.modern {
        o.put("state", user.state.name());
    }
    o.put("activated", user.activated);
    o.put("suspended", user.state == UserState::Suspended);
    o.put("account_locked", user.locked_at.is_some());
    o.put("account_locked_date", user.locked_at.map(time));
    o.put("badLoginAttempts", if user.locked_at.is_some() { 5 } else { user.index % 3 });
    o.put("sudo", user.sudo);
    o.put("passwordless_sudo", user.passwordless_sudo);
    o.put("enable_managed_uid", user.index % 6 == 1);
    o.put("unix_uid", 5_000 + user.index);
    o.put("unix_guid", 5_000 + user.index);
    o.put("disableDeviceMaxLoginAttempts", false);
}

fn write_mfa(user: &User, rows: V1Rows, o: &mut Object<'_>) {
    let UserMfa { status, configured, totp, required, excluded_until } = user.mfa;
    o.object("mfa", |o| {
        o.put("configured", configured);
        o.put("exclusion", excluded_until.is_some());
        o.put_some("exclusionUntil", excluded_until.map(time));
        o.put_some("exclusionDays", excluded_until.map(|_| 30));
    });
    if user.modern {
        o.object("mfaEnrollment", |o| {
            o.put("overallStatus", status);
            o.put("totpStatus", if totp { "ENROLLED" } else { "NOT_ENROLLED" });
            o.put("webAuthnStatus", if configured && !totp { "ENROLLED" } else { "NOT_ENROLLED" });
            o.put("pushStatus", if status == "ENROLLED" { "NOT_ENROLLED" } else { status });
            o.put("jcGoStatus", "DISABLED");
            if rows == V1Rows::Recorded {
                o.put("smsStatus", "NOT_ENROLLED");
            }
        });
    }
    o.put("totp_enabled", totp);
    o.put("enable_user_portal_multifactor", required);
}

fn write_password(user: &User, o: &mut Object<'_>) {
    o.put("password_expired", user.password_expired);
    o.put("password_never_expires", user.password_set_at.is_some() && user.password_expires_at.is_none());
    o.put("password_date", user.password_set_at.map(time));
    o.put("password_expiration_date", user.password_expires_at.map(time));
}

fn write_contact(user: &User, given: UserRow, dice: &mut Dice, o: &mut Object<'_>) {
    let (city, region, country, postal_code) = user.place;
    let person = user.role == UserRole::Person;
    o.put(
        "alternateEmail",
        if user.index % 4 == 2 { format!("{}@mail.example", user.username) } else { String::new() },
    );
    o.put("managedAppleId", "");
    if person && user.index.is_multiple_of(3) && given != UserRow::Found {
        o.object("recoveryEmail", |o| {
            o.put("address", format!("{}@home.example", user.username));
            o.put("verified", user.index.is_multiple_of(2));
        });
    }
    o.list("addresses", person.then_some("work"), |o, kind| {
        o.put("id", format!("{:024x}", dice.roll()));
        o.put("type", kind);
        o.put("streetAddress", format!("{} {}", dice.pick(crate::organization::STREETS), 1 + user.index % 200));
        o.put("poBox", "");
        o.put("extendedAddress", "");
        o.put("locality", city);
        o.put("region", region);
        o.put("postalCode", postal_code);
        o.put("country", country);
    });
    o.list("phoneNumbers", (user.index % 3 == 1).then_some("work_mobile"), |o, kind| {
        o.put("id", format!("{:024x}", dice.roll()));
        o.put("type", kind);
        o.put("number", format!("+1 555 {:04}", dice.below(10_000)));
    });
}

fn write_keys(user: &User, dice: &mut Dice, o: &mut Object<'_>) {
    o.put("allow_public_key", true);
    o.put("public_key", "");
    o.list("ssh_keys", 0..user.ssh_keys, |o, number| {
        o.put("_id", format!("{:024x}", dice.roll()));
        o.put("name", format!("laptop-{number}"));
        o.put("create_date", time(user.created));
        o.put(
            "public_key",
            format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA{:016x}{:016x} {}", dice.roll(), dice.roll(), user.username),
        );
    });
    o.list("attributes", (user.index % 5 == 4).then_some(()), |o, ()| {
        o.put("name", "badgeNumber");
        o.put("value", format!("B-{:05}", user.index));
    });
}
