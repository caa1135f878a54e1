//! The five records that a scan emits: accounts, groups, memberships, resources and grants.
//!
//! Every record is one flat JSON object with camelCase names and its kind in `record`. A field that the target
//! says nothing about is absent: `enabled: false` and "not known" are different facts.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Attributes;
use crate::reason::{Reason, Severity, gravest_of_privileged};
use crate::section::Section;

/// One row of a scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "record", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Record {
    /// Somebody or something that can sign in.
    Account(Box<Account>),
    /// A set of accounts that carries entitlements.
    Group(Box<Group>),
    /// One account in one group.
    Membership(Box<Membership>),
    /// A thing that accounts can reach.
    Resource(Box<Resource>),
    /// One principal's access to one resource.
    Grant(Box<Grant>),
}

impl Record {
    /// What makes the record that one and no other.
    pub(crate) fn key(&self) -> (u8, Vec<String>) {
        let parts = match self {
            Self::Account(one) => vec![one.external_id.clone()],
            Self::Group(one) => vec![one.group_type.clone(), one.external_id.clone()],
            Self::Membership(one) => {
                vec![one.group_type.clone(), one.group_external_id.clone(), one.account_external_id.clone()]
            }
            Self::Resource(one) => vec![one.resource_type.clone(), one.external_id.clone()],
            Self::Grant(one) => {
                vec![
                    format!("{:?}", one.principal),
                    one.resource.resource_type.clone(),
                    one.resource.external_id.clone(),
                ]
            }
        };
        (self.rank(), parts)
    }

    /// The place of the kind in the order in which rows come.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Self::Account(_) => 0,
            Self::Group(_) => 1,
            Self::Membership(_) => 2,
            Self::Resource(_) => 3,
            Self::Grant(_) => 5,
        }
    }

    /// What the row is to the target, within its kind: see [`RowType`](crate::RowType).
    pub fn row_type(&self) -> &str {
        match self {
            Self::Account(account) => account.kind.as_str(),
            Self::Group(group) => &group.group_type,
            Self::Membership(membership) => &membership.group_type,
            Self::Resource(resource) => &resource.resource_type,
            Self::Grant(grant) => match grant.principal {
                Principal::Account { .. } if grant.access > Access::Login => "privileged",
                _ => "other",
            },
        }
    }

    /// The kind's word, as in the JSON field `record`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Group(_) => "group",
            Self::Membership(_) => "membership",
            Self::Resource(_) => "resource",
            Self::Grant(_) => "grant",
        }
    }
}

macro_rules! into_record {
    ($($kind:ident),*) => {$(
        impl From<$kind> for Record {
            fn from(record: $kind) -> Self {
                Self::$kind(Box::new(record))
            }
        }
    )*};
}
into_record!(Account, Group, Membership, Resource, Grant);

/// Somebody or something that can sign in. Identity: `externalId`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The target's own immutable id.
    pub external_id: String,
    /// Whether this is a user of the directory or an administrator of the target itself.
    pub kind: AccountKind,
    /// Unique within one scan, and the same in every row that names this account.
    pub username: String,
    /// The name to show, with a fallback where the target has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The main e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Human or not: present only where the target gives evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_type: Option<AccountType>,
    /// Whether the account can be used now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The target's own word for the life-cycle state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Whether the account is locked out, as after too many failed logins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// What is known of multi-factor authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfa: Option<Mfa>,
    /// Whether the account administers the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<bool>,
    /// The last successful login, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login_at: Option<Timestamp>,
    /// More on recent logins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login: Option<LastLogin>,
    /// What is known of the password's age and expiry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordFacts>,
    /// When the account was made, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// The number in the personnel system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<String>,
    /// The department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Where the account is mastered, when not on the target itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Accounts that may belong to the same person, with the evidence. Never merged by the connector.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<AccountLink>,
    /// Evidence of privilege and risk, gravest first. The host's policy decides the level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// Everything else the target says of the account.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

impl Account {
    /// The gravest severity of the evidence, where some of it gives privilege; `None` for who is not privileged.
    pub fn severity(&self) -> Option<Severity> {
        gravest_of_privileged(&self.reasons)
    }
}

/// What an account is to the target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum AccountKind {
    /// A user of the directory.
    #[default]
    User,
    /// An administrator of the target's own console.
    Administrator,
}

impl AccountKind {
    /// The kind's word, as in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Administrator => "administrator",
        }
    }
}

/// Who stands behind an account, where there is evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccountType {
    /// A person.
    Human,
    /// A service, a machine, an application.
    NonHuman,
}

/// What is known of an account's multi-factor authentication.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mfa {
    /// A second factor is set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configured: Option<bool>,
    /// The target asks this account for a second factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// The account is exempt from the requirement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded: Option<bool>,
    /// When the exemption ends, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded_until: Option<Timestamp>,
    /// The target's own word for the enrolment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<String>,
    /// The factors that are enrolled: `totp`, `webAuthn`, `push`, ….
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<String>,
}

/// What is known of an account's password. Never the password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordFacts {
    /// The password has expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired: Option<bool>,
    /// The password never expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub never_expires: Option<bool>,
    /// When the password was last set, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Timestamp>,
    /// When the password expires, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// What is known of an account's recent logins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
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
    /// The first instant that was looked at, UTC: no login since then means just that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// Another account that may belong to the same person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountLink {
    /// The other account's `externalId`.
    pub external_id: String,
    /// The other account's kind.
    pub kind: AccountKind,
    /// Why they are linked: `sharedEmail`, `declaredByTarget`, ….
    pub evidence: String,
    /// The sections that it was drawn from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<Section>,
}

/// A set of accounts that carries entitlements. Identity: `groupType` and `externalId`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The target's own immutable id.
    pub external_id: String,
    /// A token that names product and kind, such as `JUMPCLOUD_USER_GROUP`.
    pub group_type: String,
    /// The name to show.
    pub name: String,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How accounts get in: the target's own word, such as `STATIC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership_method: Option<String>,
    /// How many membership rows this scan emitted for the group; absent when memberships were not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_count: Option<u64>,
    /// Whether there is evidence that members are privileged.
    #[serde(default)]
    pub privileged: bool,
    /// That evidence, gravest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// Everything else the target says of the group.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

impl Group {
    /// The gravest severity of the evidence; `None` for one whose members are not privileged by it.
    pub fn severity(&self) -> Option<Severity> {
        gravest_of_privileged(&self.reasons)
    }
}

/// One account in one group. Identity: the group and the account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// The account's `username`.
    pub username: String,
    /// The account's `externalId`.
    pub account_external_id: String,
    /// The group's `name`.
    pub group_name: String,
    /// The group's `groupType`.
    pub group_type: String,
    /// The group's `externalId`.
    pub group_external_id: String,
    /// Whether the account is a member of the group itself, not only of a group inside it.
    pub direct: bool,
    /// For an indirect membership: the groups from the account's own up to the one below this, in that order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<PathStep>,
}

/// A thing that accounts can reach. Identity: `resourceType` and `externalId`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// The target's own immutable id.
    pub external_id: String,
    /// What it is: `system` for a device, `application`, `ldapServer`, ….
    pub resource_type: String,
    /// The name to show.
    pub name: String,
    /// The operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// The operating system's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// The serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// Whether it is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// When the target last heard of it, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_contact_at: Option<Timestamp>,
    /// When it was made known to the target, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Everything else the target says of it.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

/// One principal's access to one resource. Identity: principal and resource; `access` is the strongest level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Who has the access.
    pub principal: Principal,
    /// What is reached.
    pub resource: ResourceRef,
    /// The strongest level over all paths.
    pub access: Access,
    /// Whether one of the paths is an edge from the principal to the resource itself.
    pub direct: bool,
    /// The paths that give access, shortest first, one of the strongest among them: the *why* of the grant. All there
    /// are, but for those counted in `more_paths`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<AccessPath>,
    /// How many more paths there are, at least, than `via` shows.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_paths: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The account or group that holds a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Principal {
    /// An account.
    Account {
        /// The account's `externalId`.
        external_id: String,
        /// The account's `username`.
        username: String,
    },
    /// A group: each of its members has the access.
    Group {
        /// The group's `externalId`.
        external_id: String,
        /// The group's `groupType`.
        group_type: String,
        /// The group's `name`.
        group_name: String,
    },
}

/// The resource of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRef {
    /// The resource's `externalId`.
    pub external_id: String,
    /// The resource's `resourceType`.
    pub resource_type: String,
    /// The resource's `name`.
    pub name: String,
}

/// What a grant allows, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Access {
    /// Sign in, as an ordinary user.
    Login,
    /// Sign in and become administrator with a password.
    Sudo,
    /// Sign in and become administrator without a password.
    SudoWithoutPassword,
}

/// One way from a principal to a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessPath {
    /// The level that this path gives.
    pub access: Access,
    /// What lies between principal and resource, in that order; empty for a direct edge.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<PathStep>,
    /// What raised the level above that of the edges, such as `accountSudo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raised_by: Option<String>,
}

/// One thing on a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PathStep {
    /// The `groupType` of the group passed, or the `resourceType` of what has its row among the resources.
    pub group_type: String,
    /// Its `externalId`.
    pub external_id: String,
    /// Its name.
    pub name: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_record_is_one_flat_object_with_its_kind_first() {
        let record = Record::from(Account { external_id: "1".into(), username: "ada".into(), ..Account::default() });
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(json, r#"{"record":"account","externalId":"1","kind":"user","username":"ada"}"#);
        assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
    }

    #[test]
    fn levels_of_access_are_ordered() {
        assert!(Access::Login < Access::Sudo && Access::Sudo < Access::SudoWithoutPassword);
    }
}
