//! Makes accounts from directory users.

use connector_api::{Account, AccountType, Mfa, PasswordFacts};
use serde::de::{DeserializeSeed, Error, SeqAccess};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::fields::{FieldOrder, Fields};
use crate::api::lenient::{self, WireText};
use crate::api::level::Level;
use crate::api::{Id, Ids};
use crate::client::Identified;

/// An account from the user's own fields only; its name may not be unique yet.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) id: Id,
    /// The user name as it is on the target.
    pub(crate) user_name: Option<String>,
    /// What the user's own flags allow on every device that the user reaches.
    pub(crate) sudo: Level,
    /// The administrator that the user's `admin` names.
    pub(crate) administrator: Option<String>,
    /// The local name on devices, if it is not the user name.
    pub(crate) local_name: Option<String>,
    /// The organisation that the user's row names.
    pub(crate) organization: Option<String>,
    /// Boxed, as in a record, because it is large and moved several times.
    account: Box<Account>,
}

impl Identified for Draft {
    type Wire = Self;
    type Id = Id;

    fn id(&self) -> &Id {
        &self.id
    }

    fn read_all<'de, A: SeqAccess<'de>>(mut elements: A, mut take: impl FnMut(Option<Self>)) -> Result<(), A::Error> {
        let mut order = FieldOrder::default();
        while let Some(draft) = elements.next_element_seed(After(&mut order))? {
            take(Some(draft));
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Draft {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        After(&mut FieldOrder::default()).deserialize(deserializer)
    }
}

/// A user after another one, whose fields were in this order.
struct After<'o>(&'o mut FieldOrder);

/// Reads a user, definition `systemuserreturn`. A field of an unexpected type is never an error.
impl<'de> DeserializeSeed<'de> for After<'_> {
    type Value = Draft;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Draft, D::Error> {
        let mut fields: Fields<'de> = self.0.deserialize(deserializer)?;
        let mut take = |name| fields.take(name).unwrap_or_default();
        let id = Ids { v1: take("_id"), v2: take("id") }.read()?;
        let user = User::of(&fields);
        let user_name = user.username.text();
        let (administrator, admin) = user.admin();
        let (sudo, local_name, organization) = (user.sudo(), user.systemUsername.text(), user.organization.text());
        let mut account = user.account(&id, user_name.clone(), admin);
        // A field is put in `attributes` under JumpCloud's name unless a named field has the same value: fields without a
        // name in the contract, and those that a named field is derived from (dates, flags, objects about the second
        // factor). Null fields are dropped.
        let taken = [
            ("department", &account.department),
            ("description", &account.description),
            ("displayname", &account.display_name),
            ("email", &account.email),
            ("employeeIdentifier", &account.employee_id),
            ("state", &account.state),
            ("username", &user_name),
        ];
        taken.into_iter().filter(|(_, text)| text.is_some()).for_each(|(name, _)| fields.remove(name));
        account.attributes = fields.into_attributes().map_err(D::Error::custom)?;
        account.display_name = account.display_name.or_else(|| user.full_name());
        account.raises = sudo.raises_of_user();
        Ok(Draft { sudo, account: Box::new(account), id, user_name, administrator, local_name, organization })
    }
}

impl Draft {
    /// The name by which rows refer to the user, before it is made unique: the user name, else the address, else the id.
    pub(crate) fn name(&self) -> &str {
        &self.account.username
    }

    pub(crate) fn email(&self) -> Option<&str> {
        self.account.email.as_deref()
    }

    /// The account with its unique name.
    pub(crate) fn into_account(self, username: &str) -> Box<Account> {
        let mut account = self.account;
        if username != account.username {
            account.username = username.to_owned();
        }
        account.display_name.get_or_insert_with(|| username.to_owned());
        // The user name on the target, if the unique name is different.
        if let Some(user_name) = self.user_name.filter(|user_name| user_name != username) {
            account.attributes.insert("username", user_name);
        }
        account
    }
}

/// Declares the fields of a user that are used, in order of names, and how they are found.
macro_rules! user {
    ($($name:ident),* $(,)?) => {
        /// A user's fields, by JumpCloud's names.
        #[expect(non_snake_case)]
        struct User<'a> {
            $($name: WireText<'a>),*
        }

        impl<'a> User<'a> {
            #[expect(non_snake_case)]
            fn of(fields: &Fields<'a>) -> Self {
                let [$($name),*] = fields.select([$(stringify!($name)),*]);
                Self { $($name: WireText($name)),* }
            }
        }
    };
}

user! {
    account_locked,
    activated,
    admin,
    created,
    delegatedAuthority,
    department,
    description,
    displayname,
    email,
    employeeIdentifier,
    enable_user_portal_multifactor,
    external_source_type,
    externally_managed,
    firstname,
    lastname,
    ldap_binding_user,
    mfa,
    mfaEnrollment,
    middlename,
    organization,
    password_date,
    password_expiration_date,
    password_expired,
    password_never_expires,
    passwordless_sudo,
    samba_service_user,
    state,
    sudo,
    suspended,
    systemUsername,
    totp_enabled,
    username,
}

impl User<'_> {
    /// The account without attributes; its display name is only `displayname`.
    fn account(&self, id: &Id, user_name: Option<String>, admin: Option<bool>) -> Account {
        let email = self.email.any_text();
        let external_id = id.to_string();
        let username = user_name.or_else(|| email.clone()).unwrap_or_else(|| external_id.clone());
        let mut row = Account::new(external_id, username);
        row.display_name = self.displayname.any_text();
        row.account_type = self.account_type();
        row.enabled = self.enabled();
        row.state = self.state.any_text();
        row.locked = self.account_locked.flag();
        row.mfa = self.mfa();
        row.admin = admin;
        row.password = self.password();
        row.created_at = self.created.time();
        row.employee_id = self.employeeIdentifier.any_text();
        row.department = self.department.any_text();
        row.source = self.source();
        row.description = self.description.any_text();
        row.email = email;
        row
    }

    fn sudo(&self) -> Level {
        match (self.sudo.flag(), self.passwordless_sudo.flag()) {
            (Some(true), Some(true)) => Level::SudoWithoutPassword,
            (Some(true), _) => Level::Sudo,
            _ => Level::Login,
        }
    }

    /// The administrator to which the user is linked, and whether there is one. Other users may have an empty object.
    fn admin(&self) -> (Option<String>, Option<bool>) {
        match self.admin.get::<Value>() {
            Some(Value::Object(admin)) => {
                let text = |name| admin.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
                let (id, role) = (text("id"), text("roleName"));
                (id.map(str::to_owned), Some(id.is_some() || role.is_some()))
            }
            // This is how JumpCloud reports that a user is not linked to an administrator.
            Some(Value::Null) => (None, Some(false)),
            other => (None, other.as_ref().and_then(lenient::flag)),
        }
    }

    /// Whether it is enabled: activated, not suspended, and in no other state. Unknown if no field says so.
    fn enabled(&self) -> Option<bool> {
        let by_state = if self.state.is("ACTIVATED") {
            Some(true)
        } else {
            (self.state.is("STAGED") || self.state.is("SUSPENDED")).then_some(false)
        };
        let facts = [self.activated.flag(), self.suspended.flag().map(|suspended| !suspended), by_state];
        facts.into_iter().flatten().reduce(|usable, fact| usable && fact)
    }

    fn mfa(&self) -> Option<Mfa> {
        let status: MfaStatus<'_> = self.mfa.get().unwrap_or_default();
        let enrolment: Enrolment<'_> = self.mfaEnrollment.get().unwrap_or_default();
        let totp = self.totp_enabled.flag();
        let factors = enrolment.factors(totp == Some(true));
        let overall = enrolment.overall_status.any_text();
        let enrolled = overall.as_deref().map(|status| status == ENROLLED);
        let configured = match (status.configured.flag(), enrolled, totp) {
            (None, None, None) => None,
            (configured, enrolled, totp) => {
                Some([configured, enrolled, totp].contains(&Some(true)) || !factors.is_empty())
            }
        };
        let mut mfa = Mfa::default();
        mfa.configured = configured;
        mfa.required = self.enable_user_portal_multifactor.flag();
        mfa.excluded = status.exclusion.flag();
        mfa.excluded_until = status.exclusion_until.time();
        mfa.enrollment = overall;
        mfa.factors = factors;
        (mfa != Mfa::default()).then_some(mfa)
    }

    fn password(&self) -> Option<PasswordFacts> {
        let mut facts = PasswordFacts::default();
        facts.expired = self.password_expired.flag();
        facts.never_expires = self.password_never_expires.flag();
        facts.changed_at = self.password_date.time();
        facts.expires_at = self.password_expiration_date.time();
        (facts != PasswordFacts::default()).then_some(facts)
    }

    /// A user that binds to LDAP or serves Samba is a service; one with an employee number is a person. Names are not
    /// evidence.
    fn account_type(&self) -> Option<AccountType> {
        if self.ldap_binding_user.flag() == Some(true) || self.samba_service_user.flag() == Some(true) {
            return Some(AccountType::NonHuman);
        }
        self.employeeIdentifier.text().map(|_| AccountType::Human)
    }

    fn source(&self) -> Option<String> {
        let authority = || match self.delegatedAuthority.get::<Value>()?.get_mut("name")?.take() {
            Value::String(name) => Some(name),
            _ => None,
        };
        let named = self.external_source_type.text().or_else(authority);
        named.or_else(|| (self.externally_managed.flag() == Some(true)).then(|| "external".to_owned()))
    }

    fn full_name(&self) -> Option<String> {
        let parts = [self.firstname, self.middlename, self.lastname].map(WireText::text);
        let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        (!name.trim().is_empty()).then_some(name)
    }
}

/// The word for a second factor that is set up.
const ENROLLED: &str = "ENROLLED";

/// A user's `mfa`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct MfaStatus<'a> {
    #[serde(borrow)]
    configured: WireText<'a>,
    #[serde(borrow)]
    exclusion: WireText<'a>,
    #[serde(borrow)]
    exclusion_until: WireText<'a>,
}

/// A user's `mfaEnrollment`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Enrolment<'a> {
    #[serde(borrow)]
    overall_status: WireText<'a>,
    #[serde(borrow)]
    totp_status: WireText<'a>,
    #[serde(borrow)]
    web_authn_status: WireText<'a>,
    #[serde(borrow)]
    push_status: WireText<'a>,
    #[serde(borrow)]
    jc_go_status: WireText<'a>,
    #[serde(borrow)]
    sms_status: WireText<'a>,
}

impl Enrolment<'_> {
    /// The factors that are set up; the user's own flag may also show `totp`.
    fn factors(&self, totp: bool) -> Vec<String> {
        let factors = [
            ("totp", totp || self.totp_status.is(ENROLLED)),
            ("webAuthn", self.web_authn_status.is(ENROLLED)),
            ("push", self.push_status.is(ENROLLED)),
            ("jcGo", self.jc_go_status.is(ENROLLED)),
            ("sms", self.sms_status.is(ENROLLED)),
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
        let by_sms = read(json!({"mfaEnrollment": {"overallStatus": "IN_ENROLLMENT", "smsStatus": "ENROLLED"}})).mfa;
        let by_sms = by_sms.unwrap_or_default();
        assert_eq!((by_sms.configured, by_sms.factors), (Some(true), vec!["sms".to_owned()]));
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
    fn not_linked_to_an_administrator_is_known_only_if_reported() {
        assert_eq!(read(json!({"admin": null})).admin, Some(false));
        for nobody in [json!({}), json!({"id": "", "roleName": ""}), json!({"id": null}), json!({"roleNames": []})] {
            assert_eq!(read(json!({"admin": nobody})).admin, Some(false), "{nobody}");
        }
        for somebody in [json!({"id": "a1"}), json!({"roleName": "Manager"})] {
            assert_eq!(read(json!({"admin": somebody})).admin, Some(true), "{somebody}");
        }
        assert_eq!(read(json!({})).admin, None);
    }

    #[test]
    fn type_is_reported_only_on_evidence() {
        assert_eq!(read(json!({"username": "svc-backup"})).account_type, None);
        assert_eq!(read(json!({"ldap_binding_user": true})).account_type, Some(AccountType::NonHuman));
        assert_eq!(read(json!({"employeeIdentifier": "E7"})).account_type, Some(AccountType::Human));
    }
}
