//! Who is bound to what.

use super::Organization;
use super::groups::Drawn;
use super::node::{Kind, Node};

/// The direct members of a group that exist now, in the order in which the service lists them.
#[derive(Debug)]
pub struct Members {
    kind: Kind,
    own: Drawn,
    nested: Vec<u64>,
}

impl Members {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.own.count() + self.nested.len() as u64
    }

    /// The member at a position.
    pub(crate) fn at(&self, position: u64) -> Node {
        match position.checked_sub(self.own.count()) {
            None => Node::new(self.kind, self.own.at(position)),
            Some(position) => Node::new(Kind::UserGroup, self.nested[position as usize]),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Node> + '_ {
        (0..self.count()).map(|position| self.at(position))
    }
}

impl Organization {
    /// The direct members of a group: users and groups of a user group, devices of a device group.
    pub fn members(&self, group: Node) -> Members {
        let (kind, own) = match group.kind {
            Kind::UserGroup if self.users.now().is_undiminished() => {
                (Kind::User, self.drawn_members(group.index))
            }
            Kind::UserGroup => (Kind::User, Drawn::Named(self.group_users(group.index))),
            _ => (Kind::System, Drawn::Named(self.group_systems(group.index))),
        };
        let nested = match group.kind {
            Kind::UserGroup => self.nested_groups(group.index),
            _ => Vec::new(),
        };
        Members { kind, own, nested }
    }
}
