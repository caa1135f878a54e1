//! The graph: groups, bindings and containers by index.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::lists::Lists;
use crate::raises::Raise;
use crate::rank::Rank;

/// The account or group whose access is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A group: the access that each of its members has through it.
    Group(u32),
    /// An account.
    Account(u32),
}

/// A resource to which an account or group is bound, or a container of resources.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bound {
    /// The resource's index.
    pub to: u32,
    /// The access that the binding gives by itself.
    pub rank: Rank,
    /// When the binding expires: a position in [`Parts::ends`], counted from one; 0 if it does not expire.
    pub ends: u32,
}

impl Bound {
    /// Creates a binding that does not expire.
    pub fn new(to: u32, rank: Rank) -> Self {
        Self { to, rank, ends: 0 }
    }
}

/// A resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// The index of its type, to which raises refer.
    pub resource_type: u16,
    /// Whether it is only a set of other resources, with nothing to reach itself.
    pub container: bool,
}

impl Target {
    /// Creates a resource of the type with this index.
    pub fn new(resource_type: u16) -> Self {
        Self { resource_type, container: false }
    }

    /// Creates a container of the type with this index.
    pub fn container(resource_type: u16) -> Self {
        Self { resource_type, container: true }
    }
}

/// The data of a [`Graph`]. Every list is by the index of its owner. Its order decides the order of paths of the same
/// length and rank.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Parts {
    /// For each account, the groups of which it is a direct member.
    pub groups_of: Lists<u32>,
    /// For each group, the groups of which it is a direct member.
    pub parents: Lists<u32>,
    /// For each account, its direct bindings.
    pub bindings_of_accounts: Lists<Bound>,
    /// For each group, its direct bindings.
    pub bindings_of_groups: Lists<Bound>,
    /// For each resource, the resources directly inside it.
    pub inside: Lists<u32>,
    /// The resources.
    pub resources: Vec<Target>,
    /// The raises of accounts and groups.
    pub raises: Vec<Raise>,
    /// For each group, its position in `raises`, counted from one; 0, or no entry, if it raises nothing.
    pub raises_of_groups: Vec<u32>,
    /// The same for each account.
    pub raises_of_accounts: Vec<u32>,
    /// The memberships of accounts in groups that expire: account and group, and when, as a position in `ends`, counted
    /// from one. All others do not expire.
    pub ends_of_memberships: BTreeMap<(u32, u32), u32>,
    /// The expiry of bindings and memberships, UTC.
    pub ends: Vec<Timestamp>,
}

/// Who is in which group and bound to what, with everything identified by its index.
///
/// Edges to an index that does not exist lead nowhere.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    pub(crate) parts: Parts,
    /// What walks need of each resource.
    nodes: Vec<Node>,
}

/// A resource as walks see it, in one machine word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub(crate) resource_type: u16,
    /// Whether it can be reached itself.
    pub(crate) is_target: bool,
    /// Whether there is something inside it.
    pub(crate) holds: bool,
}

impl Graph {
    /// Creates a graph from its data.
    pub fn new(parts: Parts) -> Self {
        let node = |(at, target): (u32, &Target)| Node {
            resource_type: target.resource_type,
            is_target: !target.container,
            holds: !parts.inside.of(at).is_empty(),
        };
        let nodes = (0..).zip(&parts.resources).map(node).collect();
        Self { parts, nodes }
    }

    /// Returns the graph's data.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Returns what a group raises for those who reach something through it.
    pub fn raise_of_group(&self, group: u32) -> Option<&Raise> {
        self.raise(&self.parts.raises_of_groups, group)
    }

    /// Returns what an account raises for itself.
    pub fn raise_of_account(&self, account: u32) -> Option<&Raise> {
        self.raise(&self.parts.raises_of_accounts, account)
    }

    fn raise(&self, of: &[u32], at: u32) -> Option<&Raise> {
        let place = of.get(at as usize)?.checked_sub(1)?;
        self.parts.raises.get(place as usize)
    }

    /// Returns a resource. An unknown index is something that cannot be reached.
    pub(crate) fn node(&self, resource: u32) -> Node {
        let nothing = Node { resource_type: 0, is_target: false, holds: false };
        self.nodes.get(resource as usize).copied().unwrap_or(nothing)
    }

    /// Returns when a binding or membership expires, if it does.
    pub(crate) fn end(&self, ends: u32) -> Option<Timestamp> {
        self.parts.ends.get(ends.checked_sub(1)? as usize).copied()
    }
}
