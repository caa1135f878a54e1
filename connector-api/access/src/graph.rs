//! Everything by its index: who is in which group and bound to what.

use jiff::Timestamp;

use crate::lists::Lists;
use crate::raises::Raise;
use crate::rank::Rank;

/// Whose access is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A group: what each of its members has through it.
    Group(u32),
    /// An account.
    Account(u32),
}

/// What somebody is bound to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bound {
    /// The resource.
    pub to: u32,
    /// What the binding gives by itself.
    pub rank: Rank,
    /// When it ends: a place in [`Parts::ends`], counted from one; 0 where it does not.
    pub ends: u32,
}

impl Bound {
    /// A binding that does not end by itself.
    pub fn new(to: u32, rank: Rank) -> Self {
        Self { to, rank, ends: 0 }
    }
}

/// A resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// The number of its type, by which raises name it.
    pub resource_type: u16,
    /// Whether it is only a set of others, and nothing to reach by itself.
    pub container: bool,
}

impl Target {
    /// Something to reach, of the type with this number.
    pub fn new(resource_type: u16) -> Self {
        Self { resource_type, container: false }
    }

    /// A set of others, of the type with this number.
    pub fn container(resource_type: u16) -> Self {
        Self { resource_type, container: true }
    }
}

/// What a [`Graph`] is made of. Every list is by the index of the thing that it belongs to, in the order in which paths of
/// one length and rank are to come.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Parts {
    /// For each account, the groups that hold it directly.
    pub groups_of: Lists<u32>,
    /// For each group, the groups that it is a member of, directly.
    pub parents: Lists<u32>,
    /// For each account, what it is bound to directly.
    pub bindings_of_accounts: Lists<Bound>,
    /// For each group, what it is bound to itself.
    pub bindings_of_groups: Lists<Bound>,
    /// For each resource, those inside it, directly.
    pub inside: Lists<u32>,
    /// The resources.
    pub resources: Vec<Target>,
    /// What accounts and groups may raise.
    pub raises: Vec<Raise>,
    /// For each group, its place in `raises`, counted from one; 0 for one that raises nothing, as one that is not here.
    pub raises_of_groups: Vec<u32>,
    /// The same for each account.
    pub raises_of_accounts: Vec<u32>,
    /// When bindings end.
    pub ends: Vec<Timestamp>,
}

/// Who is in which group and bound to what, everything named by its index.
///
/// An edge to something that is not there leads nowhere.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    pub(crate) parts: Parts,
    /// What walks ask of each resource.
    nodes: Vec<Node>,
}

/// A resource as walks see it, in one word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub(crate) resource_type: u16,
    /// Whether it is something to reach.
    pub(crate) is_target: bool,
    /// Whether there is something inside.
    pub(crate) holds: bool,
}

impl Graph {
    /// The graph of these parts.
    pub fn new(parts: Parts) -> Self {
        let node = |(at, target): (u32, &Target)| Node {
            resource_type: target.resource_type,
            is_target: !target.container,
            holds: !parts.inside.of(at).is_empty(),
        };
        let nodes = (0..).zip(&parts.resources).map(node).collect();
        Self { parts, nodes }
    }

    /// What it is made of.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// What a group raises for those who come through it.
    pub fn raise_of_group(&self, group: u32) -> Option<&Raise> {
        self.raise(&self.parts.raises_of_groups, group)
    }

    /// What an account raises for itself.
    pub fn raise_of_account(&self, account: u32) -> Option<&Raise> {
        self.raise(&self.parts.raises_of_accounts, account)
    }

    fn raise(&self, of: &[u32], at: u32) -> Option<&Raise> {
        let place = of.get(at as usize)?.checked_sub(1)?;
        self.parts.raises.get(place as usize)
    }

    /// A resource; what is not there is nothing to reach.
    pub(crate) fn node(&self, resource: u32) -> Node {
        let nothing = Node { resource_type: 0, is_target: false, holds: false };
        self.nodes.get(resource as usize).copied().unwrap_or(nothing)
    }

    /// When a binding ends.
    pub(crate) fn end(&self, ends: u32) -> Option<Timestamp> {
        self.parts.ends.get(ends.checked_sub(1)? as usize).copied()
    }
}
