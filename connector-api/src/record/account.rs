//! Accounts.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccountCredential, Protection, Raises};
use crate::Attributes;
use crate::reason::{Reason, Severity, severity_of_privileged};
use crate::section::Section;

/// A user, an administrator or a program that can sign in. Identity: `externalId`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Account {
    /// The target's own immutable id, unique among accounts of all kinds.
    #[schemars(length(min = 1))]
    pub external_id: String,
    /// The kind: a user of the directory, an administrator of the target itself, ….
    pub kind: AccountKind,
    /// The account's name, unique within one scan and the same in every row that names the account.
    #[schemars(length(min = 1))]
    pub username: String,
    /// The display name, with a fallback if the target has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The main e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Human or not; present only if the target gives evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_type: Option<AccountType>,
    /// Whether the account can be used now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The target's own word for the life-cycle state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Whether the account is locked, for example after too many failed logins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// Multi-factor authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfa: Option<Mfa>,
    /// Whether the account administers the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<bool>,
    /// The last successful login, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login_at: Option<Timestamp>,
    /// Details of recent logins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login: Option<LastLogin>,
    /// The password's age and expiry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordFacts>,
    /// The credentials with which the account calls the target's API, without the secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<AccountCredential>,
    /// When the account was created, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// The employee number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<String>,
    /// The department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// The system that manages the account, if it is not the target itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The access that the account has on every resource of some types that it reaches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raises: Option<Raises>,
    /// What protects the account's sign-ins. Absent if the policies that decide were not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// Accounts that may belong to the same person, with the evidence. A connector never merges them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<AccountLink>,
    /// Evidence of privilege and risk, most severe first. The host's policy decides the privilege level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// Everything else that the target reports of the account.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

impl Account {
    /// Creates a user with an id and a name; everything else is unknown.
    pub fn new(external_id: impl Into<String>, username: impl Into<String>) -> Self {
        Self { external_id: external_id.into(), username: username.into(), ..Self::default() }
    }

    /// Returns the highest severity of all evidence, or `None` if the account is not privileged.
    pub fn severity(&self) -> Option<Severity> {
        severity_of_privileged(&self.reasons)
    }
}

/// The kind of an account: one of the words below, or the connector's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AccountKind(Cow<'static, str>);

impl AccountKind {
    /// A user of the directory.
    pub const USER: Self = Self(Cow::Borrowed("user"));
    /// An administrator of the target's own console.
    pub const ADMINISTRATOR: Self = Self(Cow::Borrowed("administrator"));
    /// An account that a program uses to sign in.
    pub const SERVICE_ACCOUNT: Self = Self(Cow::Borrowed("serviceAccount"));
    /// An account local to a resource, unknown to the directory.
    pub const LOCAL_ACCOUNT: Self = Self(Cow::Borrowed("localAccount"));
    /// An administrator of the provider, who manages the target for its owner.
    pub const PROVIDER_ADMINISTRATOR: Self = Self(Cow::Borrowed("providerAdministrator"));

    /// Creates a kind from its word, in camelCase.
    pub fn new(word: impl Into<Cow<'static, str>>) -> Self {
        Self(word.into())
    }

    /// Returns the kind's word, as in JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A user.
impl Default for AccountKind {
    fn default() -> Self {
        Self::USER
    }
}

impl fmt::Display for AccountKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Whether a person or a program uses an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum AccountType {
    /// A person.
    Human,
    /// A service, a machine or an application.
    NonHuman,
}

/// An account's multi-factor authentication, as far as known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Mfa {
    /// Whether a second factor is set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configured: Option<bool>,
    /// Whether a setting of the account itself, or of all accounts of its kind, requires a second factor. What policies
    /// require in addition is in [`Account::protection`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// Whether the account is exempt from the requirement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded: Option<bool>,
    /// When the exemption ends, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded_until: Option<Timestamp>,
    /// The target's own word for the enrolment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<String>,
    /// The enrolled factors: `totp`, `webAuthn`, `push`, ….
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<String>,
}

/// Facts about an account's password, as far as known. Never the password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PasswordFacts {
    /// Whether the password has expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired: Option<bool>,
    /// Whether the password never expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub never_expires: Option<bool>,
    /// When the password was last set, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Timestamp>,
    /// When the password expires, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// An account's recent logins, as far as known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LastLogin {
    /// The last login that succeeded, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub succeeded_at: Option<Timestamp>,
    /// The last login that failed, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<Timestamp>,
    /// The service of the last successful login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Whether the last successful login used a second factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfa: Option<bool>,
    /// The start of the period that was searched, UTC: without a login in it, nothing is known of the time before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// Another account that may belong to the same person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccountLink {
    /// The other account's `externalId`.
    #[schemars(length(min = 1))]
    pub external_id: String,
    /// The other account's kind.
    pub kind: AccountKind,
    /// The reason for the link: `sharedEmail`, `declaredByTarget`, ….
    pub evidence: String,
    /// The sections that it was drawn from. If one of them was not complete, a host keeps the links that it had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<Section>,
}

impl AccountLink {
    /// Creates a link to another account, with its evidence.
    pub fn new(external_id: impl Into<String>, kind: AccountKind, evidence: impl Into<String>) -> Self {
        Self { external_id: external_id.into(), kind, evidence: evidence.into(), sections: Vec::new() }
    }

    /// Adds sections that the link was drawn from.
    #[must_use]
    pub fn drawn_from(mut self, sections: impl IntoIterator<Item = Section>) -> Self {
        self.sections.extend(sections);
        self
    }
}
