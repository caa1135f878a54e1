//! Directory users become accounts.

use connector_api::{Access, Account, AccountKind, AccountType, Mfa, PasswordFacts};
use serde_json::Value;

use crate::api::lenient;
use crate::api::users::User;

/// What a scan must remember of a user after its account has gone to the sink.
pub(super) struct Remembered {
    pub(super) name: String,
    /// What the user's own flags allow on every device that the user reaches.
    pub(super) sudo: Access,
}

/// The name by which rows refer to a user, before it is made unique: the user name, else the address, else the id.
pub(super) fn remembered(user: &User) -> Remembered {
    let name = user.text("username").or_else(|| user.text("email")).map_or_else(|| user.id.to_string(), str::to_owned);
    let sudo = match (user.flag("sudo"), user.flag("passwordless_sudo")) {
        (Some(true), Some(true)) => Access::SudoWithoutPassword,
        (Some(true), _) => Access::Sudo,
        _ => Access::Login,
    };
    Remembered { name, sudo }
}

/// Makes an account of a user. Every field that a named one does not take over as it is reaches `attributes` under
/// JumpCloud's name: those without a name of their own, and those of which a named one is drawn (dates, flags, the
/// objects on the second factor). Fields that are null say nothing and are left out.
pub(super) fn account(mut user: User, username: &str) -> Account {
    let enabled = enabled(&user);
    let mfa = mfa(&user);
    let password = password(&user);
    let account_type = account_type(&user);
    let source = source(&user);
    let admin = match user.fields.get("admin") {
        Some(Value::Object(admin)) => Some(!admin.is_empty()),
        // So JumpCloud says that a user is not linked to an administrator.
        Some(Value::Null) => Some(false),
        other => other.and_then(lenient::flag),
    };
    let display_name = user.take_text("displayname").or_else(|| full_name(&user));
    let told = user.take_text("username");
    // The name as it is on the target, where rows had to use another.
    if let Some(told) = told.filter(|told| told != username) {
        user.fields.insert("username".to_owned(), told.into());
    }
    Account {
        external_id: user.id.to_string(),
        kind: AccountKind::User,
        username: username.to_owned(),
        display_name: display_name.or_else(|| Some(username.to_owned())),
        email: user.take_text("email"),
        account_type,
        enabled,
        state: user.take_text("state"),
        locked: user.flag("account_locked"),
        mfa,
        admin,
        last_login_at: None,
        last_login: None,
        password,
        created_at: user.time("created"),
        employee_id: user.take_text("employeeIdentifier"),
        department: user.take_text("department"),
        source,
        description: user.take_text("description"),
        links: Vec::new(),
        reasons: Vec::new(),
        attributes: user.into_attributes(),
    }
}

/// Usable now: activated, not suspended, and not in a state that says otherwise. Unknown where nothing says.
fn enabled(user: &User) -> Option<bool> {
    let by_state = match user.text("state") {
        Some("ACTIVATED") => Some(true),
        Some("STAGED" | "SUSPENDED") => Some(false),
        _ => None,
    };
    let facts = [user.flag("activated"), user.flag("suspended").map(|suspended| !suspended), by_state];
    let known: Vec<bool> = facts.into_iter().flatten().collect();
    if known.is_empty() { None } else { Some(known.into_iter().all(|usable| usable)) }
}

fn mfa(user: &User) -> Option<Mfa> {
    let part = |object: &str, name: &str| user.fields.get(object).and_then(|object| object.get(name));
    let status = |name| part("mfaEnrollment", name).and_then(Value::as_str);
    let factor = |name, label: &str| (status(name) == Some("ENROLLED")).then(|| label.to_owned());
    let mut factors: Vec<String> = [
        factor("totpStatus", "totp"),
        factor("webAuthnStatus", "webAuthn"),
        factor("pushStatus", "push"),
        factor("jcGoStatus", "jcGo"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if user.flag("totp_enabled") == Some(true) && !factors.iter().any(|factor| factor == "totp") {
        factors.insert(0, "totp".to_owned());
    }
    let enrollment = status("overallStatus").map(str::to_owned);
    let told = part("mfa", "configured").and_then(lenient::flag);
    let enrolled = enrollment.as_deref().map(|status| status == "ENROLLED");
    let configured = match (told, enrolled, user.flag("totp_enabled")) {
        (None, None, None) => None,
        (told, enrolled, totp) => Some([told, enrolled, totp].contains(&Some(true)) || !factors.is_empty()),
    };
    let mfa = Mfa {
        configured,
        required: user.flag("enable_user_portal_multifactor"),
        excluded: part("mfa", "exclusion").and_then(lenient::flag),
        excluded_until: part("mfa", "exclusionUntil").and_then(lenient::time),
        enrollment,
        factors,
    };
    (mfa != Mfa::default()).then_some(mfa)
}

fn password(user: &User) -> Option<PasswordFacts> {
    let facts = PasswordFacts {
        expired: user.flag("password_expired"),
        never_expires: user.flag("password_never_expires"),
        changed_at: user.time("password_date"),
        expires_at: user.time("password_expiration_date"),
    };
    (facts != PasswordFacts::default()).then_some(facts)
}

/// A user that binds to LDAP or serves Samba is a service; one with a number in the personnel system is a person.
/// Names are custom, not evidence.
fn account_type(user: &User) -> Option<AccountType> {
    if user.flag("ldap_binding_user") == Some(true) || user.flag("samba_service_user") == Some(true) {
        return Some(AccountType::NonHuman);
    }
    user.text("employeeIdentifier").map(|_| AccountType::Human)
}

fn source(user: &User) -> Option<String> {
    let authority = || user.fields.get("delegatedAuthority").and_then(|authority| authority.get("name"));
    let named = user.text("external_source_type").or_else(|| authority().and_then(Value::as_str));
    named.map(str::to_owned).or_else(|| (user.flag("externally_managed") == Some(true)).then(|| "external".to_owned()))
}

fn full_name(user: &User) -> Option<String> {
    let parts = [user.text("firstname"), user.text("middlename"), user.text("lastname")];
    let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    (!name.trim().is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn read(fields: Value) -> Account {
        let mut fields = fields;
        fields["_id"] = json!("5f0000000000000000000001");
        let user: User = serde_json::from_value(fields).unwrap();
        let name = remembered(&user).name;
        account(user, &name)
    }

    #[test]
    fn enabled_needs_every_known_fact_to_agree() {
        for (fields, enabled) in [
            (json!({}), None),
            (json!({"activated": true}), Some(true)),
            (json!({"activated": true, "suspended": false, "state": "ACTIVATED"}), Some(true)),
            (json!({"activated": true, "suspended": true}), Some(false)),
            (json!({"activated": false, "state": "ACTIVATED"}), Some(false)),
            (json!({"state": "STAGED"}), Some(false)),
            (json!({"state": "SUSPENDED", "activated": true}), Some(false)),
            (json!({"state": null, "activated": "true"}), Some(true)),
        ] {
            assert_eq!(read(fields.clone()).enabled, enabled, "{fields}");
        }
    }

    #[test]
    fn fields_without_a_name_of_their_own_reach_the_attributes_as_they_came() {
        let account = read(json!({
            "username": "ada", "unix_uid": 5005, "brandNew": {"x": [1]}, "mfa": {"configured": true, "exclusionDays": 3},
            "jobTitle": null, "attributes": [{"name": "badge", "value": "7"}],
        }));
        assert_eq!(account.attributes["unix_uid"], 5005);
        assert_eq!(account.attributes["brandNew"]["x"][0], 1);
        assert_eq!(account.attributes["mfa"]["exclusionDays"], 3);
        assert_eq!(account.attributes["attributes"][0]["value"], "7");
        assert!(!account.attributes.contains_key("jobTitle") && !account.attributes.contains_key("username"));
    }

    #[test]
    fn a_second_factor_counts_from_any_of_its_signs() {
        let configured = |fields| read(fields).mfa.and_then(|mfa| mfa.configured);
        assert_eq!(configured(json!({})), None);
        assert_eq!(configured(json!({"mfa": {"configured": false}, "totp_enabled": false})), Some(false));
        assert_eq!(configured(json!({"totp_enabled": true})), Some(true));
        assert_eq!(configured(json!({"mfaEnrollment": {"overallStatus": "ENROLLED"}})), Some(true));
        assert_eq!(configured(json!({"mfaEnrollment": {"overallStatus": "PENDING_ACTIVATION"}})), Some(false));
    }

    #[test]
    fn wrong_types_never_break_a_user() {
        let account = read(json!({
            "username": 7, "email": [], "activated": {}, "created": "long ago", "mfa": "yes", "sudo": 1, "admin": {"id": "x"},
        }));
        assert_eq!(account.username, "5f0000000000000000000001");
        assert_eq!(account.created_at, None);
        assert_eq!(account.attributes["created"], "long ago");
        assert_eq!(account.admin, Some(true));
    }

    #[test]
    fn not_linked_to_an_administrator_is_known_only_where_it_is_told() {
        assert_eq!(read(json!({"admin": null})).admin, Some(false));
        assert_eq!(read(json!({"admin": {}})).admin, Some(false));
        assert_eq!(read(json!({})).admin, None);
    }

    #[test]
    fn type_is_told_only_on_evidence() {
        assert_eq!(read(json!({"username": "svc-backup"})).account_type, None);
        assert_eq!(read(json!({"ldap_binding_user": true})).account_type, Some(AccountType::NonHuman));
        assert_eq!(read(json!({"employeeIdentifier": "E7"})).account_type, Some(AccountType::Human));
    }
}
