//! The edges that a walk goes over.

use crate::graph::{Bound, Graph, Subject};

/// The edges that a walk goes over: all of a graph, or those that lead to one resource.
pub(crate) trait Edges {
    /// The groups that hold an account directly.
    fn groups_of(&self, account: u32) -> impl Iterator<Item = u32>;
    /// The groups that a group is a member of, directly.
    fn parents(&self, group: u32) -> &[u32];
    /// What an account or group is bound to itself.
    fn bindings(&self, subject: Subject) -> &[Bound];
    /// The resources inside another.
    fn inside(&self, resource: u32) -> &[u32];
    /// Whether a resource is asked for.
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
