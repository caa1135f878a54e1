//! The identity of a record within one scan and across scans.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NodeRef, Principal, Record};

/// The identity of a record, the same in every scan that finds it. It consists of the record's kind and its identifying
/// fields, joined by `/`; within a part, `~` is written `~0` and `/` is written `~1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RecordKey(String);

impl RecordKey {
    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of<'p>(kind: &str, parts: impl IntoIterator<Item = &'p str>) -> Self {
        let mut key = kind.to_owned();
        for part in parts {
            key.push('/');
            for letter in part.chars() {
                match letter {
                    '~' => key.push_str("~0"),
                    '/' => key.push_str("~1"),
                    letter => key.push(letter),
                }
            }
        }
        Self(key)
    }
}

/// Restores a key from its text.
impl From<String> for RecordKey {
    fn from(key: String) -> Self {
        Self(key)
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Record {
    /// Returns the record's identity, the same in every scan that finds it.
    pub fn key(&self) -> RecordKey {
        match self {
            Self::Account(account) => RecordKey::of(self.kind(), [account.external_id.as_str()]),
            Self::Group(group) => RecordKey::of(self.kind(), [group.group_type.as_str(), &group.external_id]),
            Self::Membership(membership) => {
                let parts =
                    [membership.group_type.as_str(), &membership.group_external_id, &membership.account_external_id];
                RecordKey::of(self.kind(), parts)
            }
            Self::Resource(resource) => {
                RecordKey::of(self.kind(), [resource.resource_type.as_str(), &resource.external_id])
            }
            Self::Binding(binding) => {
                let end =
                    |end: &'_ NodeRef| [end.kind.as_str().to_owned(), end.node_type.clone(), end.external_id.clone()];
                let access = binding.access.as_ref().map(|access| access.word.to_string());
                let request = binding.request_id.clone();
                let parts: Vec<String> = end(&binding.from)
                    .into_iter()
                    .chain(end(&binding.to))
                    .chain([access.unwrap_or_default(), request.unwrap_or_default()])
                    .collect();
                RecordKey::of(self.kind(), parts.iter().map(String::as_str))
            }
            Self::Grant(grant) => {
                let principal = match &grant.principal {
                    Principal::Account { external_id, .. } => ["account", "", external_id],
                    Principal::Group { external_id, group_type, .. } => ["group", group_type, external_id],
                };
                let resource = [grant.resource.resource_type.as_str(), &grant.resource.external_id];
                RecordKey::of(self.kind(), principal.into_iter().chain(resource))
            }
            Self::Policy(policy) => RecordKey::of(self.kind(), [policy.external_id.as_str()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Access, AccessLevel, Account, Binding, Group, NodeKind};

    #[test]
    fn a_key_has_what_identifies_a_record_and_nothing_else() {
        let mut account = Account::new("1", "ada");
        let key = Record::from(account.clone()).key();
        assert_eq!(key.as_str(), "account/1");
        account.username = "eve".into();
        assert_eq!(Record::from(account).key(), key);
    }

    #[test]
    fn no_two_records_have_one_key_whatever_their_parts_hold() {
        let group = |group_type: &str, id: &str| Record::from(Group::new(id, group_type, "")).key();
        assert_ne!(group("a/b", "c"), group("a", "b/c"));
        assert_ne!(group("a~1b", "c"), group("a/b", "c"));
    }

    #[test]
    fn two_accesses_between_the_same_ends_are_two_bindings() {
        let end = |kind| NodeRef::new(kind, "t", "1");
        let binding = Binding::new(end(NodeKind::Account), end(NodeKind::Resource));
        let read = binding.clone().with_access(Access::new(AccessLevel::Use, "read"));
        let own = binding.with_access(Access::new(AccessLevel::Administer, "owner"));
        assert_eq!(Record::from(read.clone()).key().as_str(), "binding/account/t/1/resource/t/1/read/");
        assert_ne!(Record::from(read).key(), Record::from(own).key());
    }
}
