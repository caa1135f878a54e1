//! Who may reach something more strongly than others do, found without a walk to what is reached.

use crate::graph::{Bound, Graph, Subject};
use crate::lists::Lists;
use crate::rank::Rank;
use crate::walk::from_subject::Reached;
use crate::walk::to_resource::{Bits, all_from};

/// The accounts and groups that may reach something with more than a rank, or for a limited time.
///
/// Some of them may not: a raise counts even where nothing is reached. Who is not among them certainly does not. With many
/// accounts that reach many things, most need no walk for this reason.
pub struct Above<'g> {
    graph: &'g Graph,
    rank: Rank,
    /// Groups that give it to their members, by themselves or by a group above.
    groups: Bits,
}

impl Graph {
    /// Who may reach something with more than `rank`, or for a limited time.
    pub fn above(&self, rank: Rank) -> Above<'_> {
        let parts = self.parts();
        let count = parts.parents.len().max(parts.bindings_of_groups.len());
        let children = Lists::new(count, parts.parents.pairs().map(|(group, parent)| (*parent, group)));
        let gives = |group: &u32| {
            self.raise_of_group(*group).is_some_and(|raise| raise.rank > rank)
                || parts.bindings_of_groups.of(*group).iter().any(|bound| is_above(bound, rank))
        };
        let giving: Vec<u32> = (0..count as u32).filter(gives).collect();
        Above { graph: self, rank, groups: Bits::of(count, &all_from(giving, |group| children.of(group))) }
    }
}

impl Above<'_> {
    /// Whether a subject is among them.
    pub fn may_reach(&self, subject: Subject) -> bool {
        match subject {
            Subject::Group(group) => self.groups.has(group),
            Subject::Account(account) => {
                let parts = self.graph.parts();
                self.graph.has_expiring_memberships(account)
                    || parts.groups_of.of(account).iter().any(|group| self.groups.has(*group))
                    || parts.bindings_of_accounts.of(account).iter().any(|bound| is_above(bound, self.rank))
                    || self.graph.raise_of_account(account).is_some_and(|raise| raise.rank > self.rank)
            }
        }
    }
}

impl Reached<'_> {
    /// Whether it is reached with more than `rank`, or by a binding that ends by itself.
    pub fn is_above(&self, rank: Rank) -> bool {
        self.sources().any(|source| self.reach.ends_of(source) != 0) || self.rank() > rank
    }
}

fn is_above(bound: &Bound, rank: Rank) -> bool {
    bound.rank > rank || bound.ends != 0
}
