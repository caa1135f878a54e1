//! Makes accounts from directory users.

use connector_api::{Account, AccountType, Mfa, PasswordFacts};
use hashbrown::HashMap;
use serde::de::{DeserializeSeed, Error, SeqAccess};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::fields::{Fields, Layouts};
use crate::api::Id;
use crate::api::lenient::{self, WireText};
use crate::api::level::Level;
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
        let mut before = Before::default();
        while let Some(draft) = elements.next_element_seed(&mut before)? {
            take(Some(draft));
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Draft {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Before::default().deserialize(deserializer)
    }
}

/// What was read for the users before in a page. Most have one of a few layouts of fields, and objects with the same text.
struct Before<'a> {
    layouts: Layouts<'a>,
    objects: Objects<'a>,
}

impl Default for Before<'_> {
    fn default() -> Self {
        Self { layouts: Layouts::new(User::NAMES), objects: Objects::default() }
    }
}

/// Objects about the second factor, by their text.
#[derive(Default)]
struct Objects<'a> {
    mfa: HashMap<&'a str, MfaStatus<'a>>,
    enrolments: HashMap<&'a str, Enrolment<'a>>,
}

/// The object of a text, read once. One that cannot be read is empty.
fn read<'a, T: Deserialize<'a> + Copy + Default>(known: &mut HashMap<&'a str, T>, json: WireText<'a>) -> T {
    json.0.map(|text| *known.entry(text).or_insert_with(|| json.get().unwrap_or_default())).unwrap_or_default()
}

/// Reads a user, definition `systemuserreturn`. A field of an unexpected type is never an error.
impl<'de> DeserializeSeed<'de> for &mut Before<'de> {
    type Value = Draft;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Draft, D::Error> {
        let Before { layouts, objects } = self;
        let mut fields: Fields<'_, 'de> = layouts.deserialize(deserializer)?;
        let user = User::of(&fields);
        let id = user.id()?;
        let user_name = user.username.text();
        let (administrator, admin) = user.admin();
        let (sudo, local_name, organization) = (user.sudo(), user.systemUsername.text(), user.organization.text());
        let mut account = user.account(&id, user_name.clone(), admin, objects);
        // A field is put in `attributes` under JumpCloud's name unless a named field has the same value: fields without a
        // name in the contract, and those that a named field is derived from (dates, flags, objects about the second
        // factor). Null fields are dropped.
        let taken = [
            (Name::department, &account.department),
            (Name::description, &account.description),
            (Name::displayname, &account.display_name),
            (Name::email, &account.email),
            (Name::employeeIdentifier, &account.employee_id),
            (Name::state, &account.state),
            (Name::username, &user_name),
        ];
        let taken = taken.into_iter().filter(|(_, text)| text.is_some()).map(|(name, _)| name);
        taken.chain([Name::_id, Name::id]).for_each(|name| fields.remove(name as usize));
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

/// Declares the fields of a user that are used, and how they are found.
macro_rules! user {
    ($($name:ident),* $(,)?) => {
        /// A user's fields, by JumpCloud's names.
        #[expect(non_snake_case)]
        struct User<'a> {
            $($name: WireText<'a>),*
        }

        /// The positions of these names.
        #[expect(non_camel_case_types)]
        #[allow(dead_code)]
        #[derive(Clone, Copy)]
        enum Name {
            $($name),*
        }

        impl<'a> User<'a> {
            const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            #[expect(non_snake_case)]
            fn of(fields: &Fields<'_, 'a>) -> Self {
                let mut selected = fields.selected().map(WireText);
                $(let $name = selected.next().unwrap_or_default();)*
                Self { $($name),* }
            }
        }
    };
}

user! {
    _id,
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
    id,
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

impl<'a> User<'a> {
    /// Its id: `_id` on V1, `id` on V2.
    fn id<E: Error>(&self) -> Result<Id, E> {
        let id = self._id.string().or_else(|| self.id.string()).ok_or_else(|| E::missing_field("_id"))?;
        id.parse().map_err(E::custom)
    }

    /// The account without attributes; its display name is only `displayname`.
    fn account(&self, id: &Id, user_name: Option<String>, admin: Option<bool>, objects: &mut Objects<'a>) -> Account {
        let email = self.email.any_text();
        let external_id = id.to_text();
        let username = user_name.or_else(|| email.clone()).unwrap_or_else(|| external_id.clone());
        let mut row = Account::new(external_id, username);
        row.display_name = self.displayname.any_text();
        row.account_type = self.account_type();
        row.enabled = self.enabled();
        row.state = self.state.any_text();
        row.locked = self.account_locked.flag();
        row.mfa = self.mfa(objects);
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

    fn mfa(&self, objects: &mut Objects<'a>) -> Option<Mfa> {
        let status = read(&mut objects.mfa, self.mfa);
        let enrolment = read(&mut objects.enrolments, self.mfaEnrollment);
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
#[derive(Debug, Default, Clone, Copy, Deserialize)]
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
#[derive(Debug, Default, Clone, Copy, Deserialize)]
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
mod tests;
