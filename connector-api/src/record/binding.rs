//! Bindings: edges made by an administrator.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Access, Account, AccountKind, Group, Resource};

/// An edge made by an administrator, other than an account in a group, which is a direct
/// [`Membership`](crate::Membership).
///
/// A binding from an account or group to a resource gives access: to the resource itself or, if it is a
/// [`container`](crate::Resource::container), to everything inside, now or later. A binding from a group to a group, or
/// from a resource to a container, means that the first is inside the second. Identity: both ends, the word of the
/// access, and the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Binding {
    /// The principal that has the access, or what is inside.
    pub from: NodeRef,
    /// The resource that it is bound to, or the container or group that it is in.
    pub to: NodeRef,
    /// The access that the edge gives by itself; absent if one thing is inside another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// When the binding expires, UTC. A binding that does is of another [`RowType`](crate::RowType) than one that does
    /// not, so that a section of its own can have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The target's id of the request by which it was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Binding {
    /// Creates an edge from what is inside to what contains it.
    pub fn new(from: impl Into<NodeRef>, to: impl Into<NodeRef>) -> Self {
        Self { from: from.into(), to: to.into(), access: None, expires_at: None, request_id: None }
    }

    /// Sets the access that the edge gives.
    #[must_use]
    pub fn with_access(self, access: Access) -> Self {
        Self { access: Some(access), ..self }
    }
}

/// One end of a binding: a reference to an account, group or resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NodeRef {
    /// The record kind.
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
    /// Creates a reference from kind, type and `externalId`.
    pub fn new(kind: NodeKind, node_type: impl Into<String>, external_id: impl Into<String>) -> Self {
        Self { kind, node_type: node_type.into(), external_id: external_id.into() }
    }

    /// Returns its word in the type of a binding: that of its kind, except for a local account. The resource itself gives
    /// a local account its access, not the directory, so another section finds it.
    pub(super) fn word(&self) -> &str {
        let local = AccountKind::LOCAL_ACCOUNT;
        let is_local = self.kind == NodeKind::Account && self.node_type == local.as_str();
        if is_local { &self.node_type } else { self.kind.as_str() }
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

/// The kind of a binding's end.
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
    /// Returns the kind's word, as in JSON and in [`Record::kind`](crate::Record::kind).
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

    #[test]
    fn the_binding_of_a_local_account_is_of_a_type_of_its_own() {
        let of = |kind, node_type: &str| {
            let binding =
                Binding::new(NodeRef::new(kind, node_type, "1"), NodeRef::new(NodeKind::Resource, "system", "s"));
            Record::from(binding).row_type().into_owned()
        };
        assert_eq!(of(NodeKind::Account, AccountKind::LOCAL_ACCOUNT.as_str()), "localAccountToResource");
        assert_eq!(of(NodeKind::Account, "user"), "accountToResource");
        assert_eq!(of(NodeKind::Group, "localAccount"), "groupToResource");
    }
}
