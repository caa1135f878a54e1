//! The records that a scan emits: accounts, groups, memberships, resources, bindings, grants and policies,
//! one file each.
//!
//! Every record is one flat JSON object with camelCase names and its kind in `record`. A field that the target does not
//! report is absent: `enabled: false` and "not known" are different facts.

mod access;
mod account;
mod binding;
mod credential;
mod grant;
mod group;
mod key;
mod membership;
mod policy;
mod protection;
mod resource;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use access::{Access, AccessLevel, Raises};
pub use account::{Account, AccountKind, AccountLink, AccountType, LastLogin, Mfa, PasswordFacts};
pub use binding::{Binding, NodeKind, NodeRef};
pub use credential::{AccountCredential, CredentialCreator, CredentialKind};
pub use grant::{AccessPath, Grant, PathStep, Principal, ResourceRef};
pub use group::Group;
pub use key::RecordKey;
pub use membership::Membership;
pub use policy::{AccountFilter, Policy, PolicyEffect, PolicySubjects, PolicyTargets, SignInKind, SignInTarget};
pub use protection::{Protection, SignIn, SignInResult};
pub use resource::Resource;

/// One row of a scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "record", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Record {
    /// A user, an administrator or a program that can sign in.
    Account(Box<Account>),
    /// A set of accounts that carries entitlements.
    Group(Box<Group>),
    /// One account in one group.
    Membership(Box<Membership>),
    /// A thing that accounts can reach.
    Resource(Box<Resource>),
    /// An edge made by an administrator: a group in a group, an account or group bound to a resource.
    Binding(Box<Binding>),
    /// One principal's access to one resource.
    Grant(Box<Grant>),
    /// A rule that decides whether and how accounts may sign in.
    Policy(Box<Policy>),
}

impl Record {
    /// The words of the kinds, in the order in which a scan emits them.
    pub const KINDS: &'static [&'static str] =
        &["account", "group", "membership", "resource", "binding", "grant", "policy"];

    /// Returns the position of the kind in the order of emission.
    pub(crate) fn rank(&self) -> usize {
        Self::KINDS.iter().position(|kind| *kind == self.kind()).unwrap_or(Self::KINDS.len())
    }

    /// Returns the row's type on the target, within its kind: see [`RowType`](crate::RowType).
    pub fn row_type(&self) -> Cow<'_, str> {
        match self {
            Self::Account(account) => account.kind.as_str().into(),
            Self::Group(group) => group.group_type.as_str().into(),
            Self::Membership(membership) => membership.group_type.as_str().into(),
            Self::Resource(resource) => resource.resource_type.as_str().into(),
            Self::Binding(binding) => {
                let (from, to) = (binding.from.word(), binding.to.kind.as_str());
                match binding.expires_at {
                    None => format!("{from}To{}", capitalized(to)),
                    Some(_) => format!("temporary{}To{}", capitalized(from), capitalized(to)),
                }
                .into()
            }
            Self::Grant(grant) => if grant.is_privileged() { "privileged" } else { "other" }.into(),
            Self::Policy(policy) => policy.policy_type.as_str().into(),
        }
    }

    /// Returns the kind's word, as in the JSON field `record`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Group(_) => "group",
            Self::Membership(_) => "membership",
            Self::Resource(_) => "resource",
            Self::Binding(_) => "binding",
            Self::Grant(_) => "grant",
            Self::Policy(_) => "policy",
        }
    }
}

/// A word in camelCase, for the middle of another one.
fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
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
into_record!(Account, Group, Membership, Resource, Binding, Grant, Policy);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_record_is_one_flat_object_with_its_kind_first() {
        let record = Record::from(Account::new("1", "ada"));
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(json, r#"{"record":"account","externalId":"1","kind":"user","username":"ada"}"#);
        assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
    }

    #[test]
    fn a_binding_that_expires_has_a_type_of_its_own() {
        let end = |kind| NodeRef::new(kind, "t", "1");
        let mut binding = Binding::new(end(NodeKind::Group), end(NodeKind::Resource));
        assert_eq!(Record::from(binding.clone()).row_type(), "groupToResource");
        binding.expires_at = Some(jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(Record::from(binding).row_type(), "temporaryGroupToResource");
    }
}
