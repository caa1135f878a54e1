//! The edges that a walk follows.

use crate::graph::{Bound, Graph, Subject};

/// The edges that a walk follows: all edges of a graph, or those that lead to one resource.
pub(crate) trait Edges {
    /// Returns the groups of which an account is a direct member.
    fn groups_of(&self, account: u32) -> impl Iterator<Item = u32>;
    /// Returns the groups of which a group is a direct member.
    fn parents(&self, group: u32) -> &[u32];
    /// Returns the direct bindings of an account or group.
    fn bindings(&self, subject: Subject) -> &[Bound];
    /// Returns the resources inside a resource.
    fn inside(&self, resource: u32) -> &[u32];
    /// Returns whether the walk wants to know of a resource.
    fn asks_for(&self, resource: u32) -> bool;
}

/// All edges of a graph.
pub(crate) struct Everything<'g>(pub(crate) &'g Graph);

impl Edges for Everything<'_> {
    fn groups_of(&self, account: u32) -> impl Iterator<Item = u32> {
        self.0.parts.groups_of.of(account).iter().copied()
    }

    fn parents(&self, group: u32) -> &[u32] {
        self.0.parts.parents.of(group)
    }

    fn bindings(&self, subject: Subject) -> &[Bound] {
        match subject {
            Subject::Account(account) => self.0.parts.bindings_of_accounts.of(account),
            Subject::Group(group) => self.0.parts.bindings_of_groups.of(group),
        }
    }

    fn inside(&self, resource: u32) -> &[u32] {
        self.0.parts.inside.of(resource)
    }

    fn asks_for(&self, _: u32) -> bool {
        true
    }
}
