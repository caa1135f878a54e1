//! Bindings: the edges that somebody made.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Access, Account, Group, Resource};

/// An edge that somebody made, but for an account in a group, which a direct [`Membership`](crate::Membership) says.
///
/// From an account or group to a resource it gives access, to the resource or, where that is a
/// [`container`](crate::Resource::container), to everything inside, now or later. From a group to a group, and from a
/// resource to a container, it says that the one is in the other. Identity: both ends, the word of the access, and the
/// request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Binding {
    /// Who has the access, or what is inside.
    pub from: NodeRef,
    /// What it is bound to, or inside of.
    pub to: NodeRef,
    /// What it allows by itself; absent where one thing is in another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// When it ends by itself, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The target's own id of the request that it was approved by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Binding {
    /// A thing in another.
    pub fn new(from: impl Into<NodeRef>, to: impl Into<NodeRef>) -> Self {
        Self { from: from.into(), to: to.into(), access: None, expires_at: None, request_id: None }
    }

    /// The same edge, which gives an access.
    #[must_use]
    pub fn with_access(self, access: Access) -> Self {
        Self { access: Some(access), ..self }
    }
}

/// One end of a binding: the account, group or resource of another row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NodeRef {
    /// The kind of the row.
    pub kind: NodeKind,
    /// An account's `kind`, a group's `groupType` or a resource's `resourceType`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1))]
    pub node_type: String,
    /// Its `externalId`.
    #[schemars(length(min = 1))]
    pub external_id: String,
}

impl NodeRef {
    /// An end by its kind, its type and its `externalId`.
    pub fn new(kind: NodeKind, node_type: impl Into<String>, external_id: impl Into<String>) -> Self {
        Self { kind, node_type: node_type.into(), external_id: external_id.into() }
    }
}

impl From<&Account> for NodeRef {
    fn from(account: &Account) -> Self {
        Self::new(NodeKind::Account, account.kind.as_str(), account.external_id.as_str())
    }
}

impl From<&Group> for NodeRef {
    fn from(group: &Group) -> Self {
        Self::new(NodeKind::Group, group.group_type.as_str(), group.external_id.as_str())
    }
}

impl From<&Resource> for NodeRef {
    fn from(resource: &Resource) -> Self {
        Self::new(NodeKind::Resource, resource.resource_type.as_str(), resource.external_id.as_str())
    }
}

/// What an end of a binding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum NodeKind {
    /// An account.
    Account,
    /// A group.
    Group,
    /// A resource.
    Resource,
}

impl NodeKind {
    /// The kind's word, as in JSON and as that of its record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Group => "group",
            Self::Resource => "resource",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{AccessLevel, Record};

    #[test]
    fn a_binding_names_the_kind_and_type_of_both_ends() {
        let from = NodeRef::new(NodeKind::Group, "CREW", "g1");
        let binding = Binding::new(from, NodeRef::new(NodeKind::Resource, "system", "s1"))
            .with_access(Access::new(AccessLevel::Administer, "sudo"));
        let json = serde_json::to_value(Record::from(binding.clone())).unwrap();
        let expected = serde_json::json!({
            "record": "binding",
            "from": {"kind": "group", "type": "CREW", "externalId": "g1"},
            "to": {"kind": "resource", "type": "system", "externalId": "s1"},
            "access": {"level": "administer", "word": "sudo"},
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Record>(json).unwrap(), binding.into());
    }
}
