//! Who is bound to what, directly and through groups.

use std::collections::BTreeMap;

use super::dice::{Dice, Shuffle};
use super::groups::{Drawn, cast as group};
use super::node::{Kind, Node};
use super::systems::cast as system_group;
use super::users::cast as user;
use super::{Organization, Stream, Sudo};

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

/// A direct edge from a user or user group to what it is bound to, or from a member to its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The user, or the group.
    pub from: Node,
    /// The resource, or the group.
    pub to: Node,
    /// The rights on the edge.
    pub sudo: Option<Sudo>,
}

/// A walk whose steps follow each other, from the object asked about to the object found.
pub(crate) type Path = Vec<Edge>;

/// Whether a walk goes from principals to resources, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    ToResources,
    ToPrincipals,
}

/// Organisations with more users do not bind everybody to everything.
const SMALL: u64 = 5_000;
/// The help desk clerk who is an administrator on every fifth device.
const CLERK: u64 = 10;

/// A resource that somebody reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// The resource.
    pub node: Node,
    /// The strongest rights of all ways to it, a principal's own rights left out.
    pub sudo: Sudo,
    /// Whether it is bound to the principal itself.
    pub direct: bool,
}

impl Organization {
    /// The direct members of a group: users and groups of a user group, devices of a device group.
    pub fn members(&self, group: Node) -> Members {
        let (kind, own) = match group.kind {
            Kind::UserGroup if self.users.now().is_undiminished() => (Kind::User, self.drawn_members(group.index)),
            Kind::UserGroup => (Kind::User, Drawn::Named(self.group_users(group.index))),
            _ => (Kind::System, Drawn::Named(self.group_systems(group.index))),
        };
        let nested = match group.kind {
            Kind::UserGroup => self.nested_groups(group.index),
            _ => Vec::new(),
        };
        Members { kind, own, nested }
    }

    /// The groups of which an object is a direct member.
    pub fn direct_groups(&self, member: Node) -> Vec<Node> {
        let nodes = |kind, indices: Vec<u64>| indices.into_iter().map(|index| Node::new(kind, index)).collect();
        match member.kind {
            Kind::User => nodes(Kind::UserGroup, self.groups_of(member.index)),
            Kind::UserGroup => nodes(Kind::UserGroup, self.parent_groups(member.index)),
            Kind::System => nodes(Kind::SystemGroup, self.system_groups_of(member.index)),
            _ => Vec::new(),
        }
    }

    /// The direct edges between an object and the objects of a kind, from principal to resource whichever is asked.
    pub fn edges(&self, node: Node, kind: Kind) -> Vec<Edge> {
        let census = self.census(kind);
        let candidates: Box<dyn Iterator<Item = u64>> = match (node.kind, kind) {
            (Kind::System, Kind::User) => {
                let mut users = vec![self.owner(node.index), CLERK, user::SUSPENDED_BUT_BOUND];
                users.sort_unstable();
                users.dedup();
                Box::new(users.into_iter().filter(|&index| census.contains(index)))
            }
            _ => Box::new((0..census.count()).map(|position| census.index(position))),
        };
        let towards_resource = node.kind.rank() < kind.rank();
        candidates
            .map(|index| Node::new(kind, index))
            .filter_map(|other| if towards_resource { self.edge(node, other) } else { self.edge(other, node) })
            .collect()
    }

    /// The whole graph as one predicate: whether and how an object is bound to one of a higher rank.
    fn edge(&self, from: Node, to: Node) -> Option<Edge> {
        let mut dice = Dice::thrown(self.seed, Stream::Edge as u64, from.index.rotate_left(32) ^ to.index);
        let sudo = |enabled, without_password| Some(Sudo { enabled, without_password });
        let drawn = |is_given: bool, dice: &mut Dice| {
            is_given.then(|| Sudo { enabled: true, without_password: dice.percent(20) })
        };
        let bound = match (from.kind, to.kind, from.index, to.index) {
            (Kind::User, Kind::System, CLERK, i) if i % 5 == 0 => Some(sudo(true, false)),
            (Kind::User, Kind::System, user::SUSPENDED_BUT_BOUND, 0) => Some(sudo(true, false)),
            (Kind::User, Kind::System, u, i) if u == self.owner(i) => Some(drawn(dice.percent(25), &mut dice)),
            (Kind::User, Kind::SystemGroup, user::HEAD_OF_IT, system_group::LINUX) => Some(sudo(true, false)),
            (Kind::User, Kind::Application, u, a) if a % 4 == 1 && u % 50 == a => Some(None),
            (Kind::User, Kind::LdapServer, user::LDAP_BINDING, _) => Some(None),
            (Kind::User, Kind::GSuite | Kind::Office365, u, _) if u % 97 == 11 => Some(None),
            (Kind::User, Kind::RadiusServer, u, r) if u % 101 == 20 + r => Some(None),
            (Kind::UserGroup, Kind::System, group::DBA, 0) => Some(sudo(true, false)),
            (Kind::UserGroup, Kind::System, g, i) if g % 11 == 4 && i % 40 == g % 40 => {
                Some(drawn(dice.administers(g, 50, 40), &mut dice))
            }
            (Kind::UserGroup, Kind::SystemGroup, g, s) => self.binding(g, s, &mut dice),
            (Kind::UserGroup, Kind::Application, group::ALL_EMPLOYEES, 0..3) => Some(None),
            (Kind::UserGroup, Kind::Application, g, a) if g != group::ALL_EMPLOYEES && g % 24 == a => Some(None),
            (Kind::UserGroup, Kind::LdapServer, g, _) if g % 5 == 2 => Some(None),
            (Kind::UserGroup, Kind::GSuite, g, _) if g % 7 == 3 => Some(None),
            (Kind::UserGroup, Kind::Office365, g, _) if g % 9 == 1 => Some(None),
            (Kind::UserGroup, Kind::ActiveDirectory, g, _) if g % 8 == 6 => Some(None),
            (Kind::UserGroup, Kind::RadiusServer, g, r) if g % 10 == r => Some(None),
            (Kind::UserGroup, Kind::IdpRoutingPolicy, g, _) if g % 9 == 4 => Some(None),
            (Kind::UserGroup, Kind::Policy, g, p) if g % 12 == 5 + p => Some(None),
            (Kind::UserGroup, Kind::PolicyGroup, g, p) if g % 14 == 9 + p => Some(None),
            (Kind::UserGroup, Kind::PasswordManagerItem, g, i) if g % 11 == 2 * i => Some(None),
            (Kind::User, Kind::PasswordManagerItem, u, i) if u % 53 == 7 + i => Some(None),
            (Kind::User, Kind::IdpRoutingPolicy, u, _) if u % 89 == 31 => Some(None),
            (Kind::System | Kind::SystemGroup, Kind::Command, s, c) if s % 9 == c => Some(None),
            (Kind::System | Kind::SystemGroup, Kind::Policy, s, p) if s % 7 == p => Some(None),
            (Kind::SystemGroup, Kind::PolicyGroup, s, p) if s % 3 == p => Some(None),
            (Kind::SystemGroup, Kind::RadiusServer, 2, 0) => Some(None),
            (Kind::Command, Kind::PasswordManagerItem, c, i) if c == i + 1 => Some(None),
            _ => None,
        };
        bound.map(|sudo| Edge { from, to, sudo })
    }

    fn binding(&self, user_group: u64, to: u64, dice: &mut Dice) -> Option<Option<Sudo>> {
        let sudo = |enabled, without_password| Some(Sudo { enabled, without_password });
        match (user_group, to) {
            (group::PRODUCTION_ROOT, system_group::PRODUCTION_SERVERS) => Some(sudo(true, true)),
            (group::DOMAIN_ADMINS | group::HELP_DESK, system_group::WINDOWS) => Some(sudo(true, false)),
            (group::ALL_EMPLOYEES, system_group::MACS) => (self.users.generated() <= SMALL).then_some(None),
            (g, s) if g >= group::SIZE && g % 6 == 5 && s == g / 6 % self.system_group_count() => {
                Some(dice.administers(g, 50, 15).then_some(Sudo { enabled: true, without_password: false }))
            }
            _ => None,
        }
    }

    /// The user who works with a device.
    fn owner(&self, system: u64) -> u64 {
        let users = self.users.generated().max(1);
        let shuffle = Shuffle::drawn(users, &mut Dice::thrown(self.seed, Stream::Owner as u64, 0));
        shuffle.index(system % users)
    }

    /// The user who works with a device, if that user exists.
    pub fn owner_of(&self, system: u64) -> Option<u64> {
        Some(self.owner(system)).filter(|&owner| self.users.now().contains(owner))
    }

    /// The devices that a user reaches by itself and through all of its groups, and the rights it has there.
    pub fn effective_systems(&self, user: u64) -> BTreeMap<u64, Sudo> {
        let mut reached: BTreeMap<Node, Sudo> = BTreeMap::new();
        let mut open = vec![(Node::new(Kind::User, user), Sudo::default())];
        while let Some((node, so_far)) = open.pop() {
            let rights = so_far.and(self.own_sudo(node));
            let known = reached.get(&node).copied();
            let merged = known.unwrap_or_default().and(Some(rights));
            if known == Some(merged) {
                continue;
            }
            reached.insert(node, merged);
            let next = self.successors(node, Direction::ToResources, Kind::System);
            open.extend(next.into_iter().map(|edge| (edge.to, merged.and(edge.sudo))));
        }
        reached
            .into_iter()
            .filter(|(node, _)| node.kind == Kind::System)
            .map(|(node, sudo)| (node.index, sudo))
            .collect()
    }

    /// What a user or a group reaches of one kind of resource, by itself and through all groups around it, in the order
    /// of the resources.
    pub fn reached(&self, principal: Node, kind: Kind) -> Vec<Reached> {
        let paths = self.paths(principal, Direction::ToResources, &[kind]);
        let reached = |(node, paths): (Node, Vec<Path>)| {
            let direct = paths.iter().any(|path| path.len() == 1);
            Reached { node, sudo: self.compiled(&paths), direct }
        };
        paths.into_iter().map(reached).collect()
    }

    /// All ways from an object to the objects of some kinds that pass no object twice.
    pub(crate) fn paths(&self, start: Node, direction: Direction, targets: &[Kind]) -> BTreeMap<Node, Vec<Path>> {
        let mut found: BTreeMap<Node, Vec<Path>> = BTreeMap::new();
        let mut open: Vec<Path> = vec![Vec::new()];
        while let Some(path) = open.pop() {
            let here = path.last().map_or(start, |step| step.to);
            if !path.is_empty() && targets.contains(&here.kind) {
                found.entry(here).or_default().push(path.clone());
            }
            let towards = targets.last().copied().unwrap_or(here.kind);
            for step in self.successors(here, direction, towards) {
                if step.to != start && path.iter().all(|passed| passed.to != step.to) {
                    open.push(path.iter().copied().chain([step]).collect());
                }
            }
        }
        found
    }

    /// The next steps of a walk towards objects of a kind; a step leads `from` here `to` there, whatever its direction.
    fn successors(&self, node: Node, direction: Direction, towards: Kind) -> Vec<Edge> {
        let step = |to| Edge { from: node, to, sudo: None };
        let bound = |kind| self.edges(node, kind);
        let back = |kind| bound(kind).into_iter().map(|edge| Edge { from: edge.to, to: edge.from, ..edge });
        match (direction, node.kind) {
            (Direction::ToResources, Kind::User | Kind::UserGroup) => {
                let mut steps: Vec<Edge> = self.direct_groups(node).into_iter().map(step).collect();
                if !matches!(towards, Kind::UserGroup) {
                    steps.extend(bound(towards));
                }
                if towards == Kind::System {
                    steps.extend(bound(Kind::SystemGroup));
                }
                steps
            }
            (Direction::ToResources, Kind::System) if towards == Kind::SystemGroup => {
                self.direct_groups(node).into_iter().map(step).collect()
            }
            (Direction::ToResources, Kind::SystemGroup) if towards == Kind::System => {
                self.group_systems(node.index).into_iter().map(|index| step(Node::new(Kind::System, index))).collect()
            }
            (Direction::ToPrincipals, Kind::UserGroup) => {
                let members = self.members(node);
                members.iter().filter(|member| towards == Kind::User || member.kind == towards).map(step).collect()
            }
            (Direction::ToPrincipals, Kind::SystemGroup) if towards == Kind::System => {
                self.members(node).iter().map(step).collect()
            }
            (Direction::ToPrincipals, kind) if Kind::RESOURCES.contains(&kind) && towards != Kind::System => {
                let mut steps: Vec<Edge> = back(Kind::UserGroup).collect();
                if towards == Kind::User {
                    steps.extend(back(Kind::User));
                }
                if kind == Kind::System {
                    steps.extend(self.direct_groups(node).into_iter().map(step));
                }
                steps
            }
            _ => Vec::new(),
        }
    }

    /// The rights that an object gives wherever it is bound.
    pub(crate) fn own_sudo(&self, node: Node) -> Option<Sudo> {
        match node.kind {
            Kind::UserGroup => self.user_group(node.index).sudo,
            _ => None,
        }
    }

    /// The rights that a set of paths gives.
    pub(crate) fn compiled(&self, paths: &[Path]) -> Sudo {
        paths.iter().flatten().fold(Sudo::default(), |rights, step| {
            rights.and(step.sudo).and(self.own_sudo(step.from)).and(self.own_sudo(step.to))
        })
    }
}

impl Sudo {
    /// These rights and those.
    fn and(self, other: Option<Self>) -> Self {
        let other = other.unwrap_or_default();
        Self {
            enabled: self.enabled || other.enabled,
            without_password: self.without_password || other.enabled && other.without_password,
        }
    }
}
