//! Directory users become accounts.

use connector_api::{Access, Account, AccountKind, AccountType, Fields, Mfa, PasswordFacts};
use jiff::Timestamp;
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::api::{Id, Ids, lenient};
use crate::client::Identified;

/// An account as far as the user's own fields tell: its name may be another's too.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(super) id: Id,
    /// The user name as it is on the target.
    pub(super) told: Option<String>,
    /// What the user's own flags allow on every device that the user reaches.
    pub(super) sudo: Access,
    /// The administrator that the user's `admin` names.
    pub(super) administrator: Option<String>,
    /// In a box, as a record has it, for it is large and passed on several times.
    account: Box<Account>,
}

impl Identified for Draft {
    fn id(&self) -> &Id {
        &self.id
    }
}

/// Reads a user, definition `systemuserreturn`. A field of another type than published never breaks it.
impl<'de> Deserialize<'de> for Draft {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut user = User(Fields::deserialize(deserializer)?);
        let id = Ids { v1: user.take_any("_id"), v2: user.take_any("id") }.read()?;
        let told = user.text("username");
        if told.is_some() {
            user.take_any("username");
        }
        let (administrator, admin) = user.admin();
        Ok(Self {
            sudo: user.sudo(),
            account: Box::new(user.into_account(&id, told.clone(), admin).map_err(D::Error::custom)?),
            id,
            told,
            administrator,
        })
    }
}

impl Draft {
    /// The name by which rows refer to the user, before it is made unique: the user name, else the address, else the id.
    pub(super) fn name(&self) -> &str {
        &self.account.username
    }

    pub(super) fn email(&self) -> Option<&str> {
        self.account.email.as_deref()
    }

    /// The account under a name that no other has.
    pub(super) fn into_account(self, username: &str) -> Box<Account> {
        let mut account = self.account;
        if username != account.username {
            account.username = username.to_owned();
        }
        account.display_name.get_or_insert_with(|| username.to_owned());
        // The name as it is on the target, where rows had to use another.
        if let Some(told) = self.told.filter(|told| told != username) {
            account.attributes.insert("username", told);
        }
        account
    }
}

/// A user's fields as they came.
struct User<'a>(Fields<'a>);

impl User<'_> {
    fn take_any(&mut self, name: &str) -> Value {
        self.0.take(name).unwrap_or_default()
    }

    /// Takes a text out of the fields; one that is not text stays there.
    fn take_text(&mut self, name: &str) -> Option<String> {
        let text = lenient::text(self.0.get(name)?)?;
        self.0.take(name).map(|IgnoredAny| text)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|text: &String| !text.is_empty())
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self.0.json(name)? {
            "true" => Some(true),
            "false" => Some(false),
            _ => lenient::flag(&self.0.get(name)?),
        }
    }

    fn time(&self, name: &str) -> Option<Timestamp> {
        lenient::time(&self.0.get(name)?)
    }

    /// Makes an account. Every field that a named one does not take over as it is reaches `attributes` under JumpCloud's
    /// name: those without a name of their own, and those of which a named one is drawn (dates, flags, the objects on the
    /// second factor). Fields that are null say nothing and are left out.
    fn into_account(
        mut self,
        id: &Id,
        told: Option<String>,
        admin: Option<bool>,
    ) -> Result<Account, serde_json::Error> {
        let enabled = self.enabled();
        let mfa = self.mfa();
        let password = self.password();
        let account_type = self.account_type();
        let source = self.source();
        let full_name = self.full_name();
        let email = self.take_text("email");
        let external_id = id.to_string();
        let username = told.or_else(|| email.clone()).unwrap_or_else(|| external_id.clone());
        Ok(Account {
            external_id,
            kind: AccountKind::User,
            display_name: self.take_text("displayname").or(full_name),
            username,
            email,
            account_type,
            enabled,
            state: self.take_text("state"),
            locked: self.flag("account_locked"),
            mfa,
            admin,
            last_login_at: None,
            last_login: None,
            password,
            created_at: self.time("created"),
            employee_id: self.take_text("employeeIdentifier"),
            department: self.take_text("department"),
            source,
            description: self.take_text("description"),
            links: Vec::new(),
            reasons: Vec::new(),
            attributes: self.0.into_attributes()?,
        })
    }

    fn sudo(&self) -> Access {
        match (self.flag("sudo"), self.flag("passwordless_sudo")) {
            (Some(true), Some(true)) => Access::SudoWithoutPassword,
            (Some(true), _) => Access::Sudo,
            _ => Access::Login,
        }
    }

    /// The administrator to whom the user is linked, and whether there is one.
    fn admin(&self) -> (Option<String>, Option<bool>) {
        match self.0.get::<Value>("admin") {
            Some(Value::Object(admin)) => {
                (admin.get("id").and_then(Value::as_str).map(str::to_owned), Some(!admin.is_empty()))
            }
            // So JumpCloud says that a user is not linked to an administrator.
            Some(Value::Null) => (None, Some(false)),
            other => (None, other.as_ref().and_then(lenient::flag)),
        }
    }

    /// Usable now: activated, not suspended, and not in a state that says otherwise. Unknown where nothing says.
    fn enabled(&self) -> Option<bool> {
        let by_state = self.text("state").and_then(|state| match state.as_str() {
            "ACTIVATED" => Some(true),
            "STAGED" | "SUSPENDED" => Some(false),
            _ => None,
        });
        let facts = [self.flag("activated"), self.flag("suspended").map(|suspended| !suspended), by_state];
        facts.into_iter().flatten().reduce(|usable, fact| usable && fact)
    }

    fn mfa(&self) -> Option<Mfa> {
        let status: MfaStatus = self.0.get("mfa").unwrap_or_default();
        let enrolment: Enrolment = self.0.get("mfaEnrollment").unwrap_or_default();
        let totp = self.flag("totp_enabled");
        let factors = enrolment.factors(totp == Some(true));
        let enrolled = enrolment.overall_status.as_deref().map(|status| status == ENROLLED);
        let configured = match (status.configured, enrolled, totp) {
            (None, None, None) => None,
            (told, enrolled, totp) => Some([told, enrolled, totp].contains(&Some(true)) || !factors.is_empty()),
        };
        let mfa = Mfa {
            configured,
            required: self.flag("enable_user_portal_multifactor"),
            excluded: status.exclusion,
            excluded_until: status.exclusion_until,
            enrollment: enrolment.overall_status,
            factors,
        };
        (mfa != Mfa::default()).then_some(mfa)
    }

    fn password(&self) -> Option<PasswordFacts> {
        let facts = PasswordFacts {
            expired: self.flag("password_expired"),
            never_expires: self.flag("password_never_expires"),
            changed_at: self.time("password_date"),
            expires_at: self.time("password_expiration_date"),
        };
        (facts != PasswordFacts::default()).then_some(facts)
    }

    /// A user that binds to LDAP or serves Samba is a service; one with a number in the personnel system is a person.
    /// Names are custom, not evidence.
    fn account_type(&self) -> Option<AccountType> {
        if self.flag("ldap_binding_user") == Some(true) || self.flag("samba_service_user") == Some(true) {
            return Some(AccountType::NonHuman);
        }
        self.text("employeeIdentifier").map(|_| AccountType::Human)
    }

    fn source(&self) -> Option<String> {
        let authority = || match self.0.get::<Value>("delegatedAuthority")?.get_mut("name")?.take() {
            Value::String(name) => Some(name),
            _ => None,
        };
        let named = self.text("external_source_type").or_else(authority);
        named.or_else(|| (self.flag("externally_managed") == Some(true)).then(|| "external".to_owned()))
    }

    fn full_name(&self) -> Option<String> {
        let parts = ["firstname", "middlename", "lastname"].map(|part| self.text(part));
        let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        (!name.trim().is_empty()).then_some(name)
    }
}

/// The word for a second factor that is set up.
const ENROLLED: &str = "ENROLLED";

/// A user's `mfa`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct MfaStatus {
    #[serde(deserialize_with = "lenient::de_flag")]
    configured: Option<bool>,
    #[serde(deserialize_with = "lenient::de_flag")]
    exclusion: Option<bool>,
    #[serde(deserialize_with = "lenient::de_time")]
    exclusion_until: Option<Timestamp>,
}

/// A user's `mfaEnrollment`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Enrolment {
    #[serde(deserialize_with = "lenient::de_text")]
    overall_status: Option<String>,
    #[serde(deserialize_with = "lenient::de_text")]
    totp_status: Option<String>,
    #[serde(deserialize_with = "lenient::de_text")]
    web_authn_status: Option<String>,
    #[serde(deserialize_with = "lenient::de_text")]
    push_status: Option<String>,
    #[serde(deserialize_with = "lenient::de_text")]
    jc_go_status: Option<String>,
}

impl Enrolment {
    /// The factors that are set up; whether `totp` is, the user's own flag may tell too.
    fn factors(&self, totp: bool) -> Vec<String> {
        let enrolled = |status: &Option<String>| status.as_deref() == Some(ENROLLED);
        let factors = [
            ("totp", totp || enrolled(&self.totp_status)),
            ("webAuthn", enrolled(&self.web_authn_status)),
            ("push", enrolled(&self.push_status)),
            ("jcGo", enrolled(&self.jc_go_status)),
        ];
        factors.into_iter().filter(|(_, enrolled)| *enrolled).map(|(factor, _)| factor.to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn read(fields: Value) -> Account {
        let mut fields = fields;
        fields["_id"] = json!("5f0000000000000000000001");
        let draft: Draft = serde_json::from_str(&fields.to_string()).unwrap();
        let name = draft.name().to_owned();
        *draft.into_account(&name)
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
        let expected = r#"{"attributes":[{"name":"badge","value":"7"}],"brandNew":{"x":[1]},"mfa":{"configured":true,"exclusionDays":3},"unix_uid":5005}"#;
        assert_eq!(account.attributes.as_json(), expected);
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
        assert_eq!(account.attributes.get("created"), Some(json!("long ago")));
        assert_eq!(account.attributes.get("username"), Some(json!(7)));
        assert_eq!(account.admin, Some(true));
        assert_eq!(read(json!({"username": ""})).attributes.get("username"), Some(json!("")));
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
