//! The devices on which accounts and groups are administrator: the part of their reach that is evidence of privilege.

use std::collections::{HashMap, HashSet};

use connector_access::{Bound, Subject};

use crate::api::Id;
use crate::api::kind::Kind;
use crate::api::level::Level;
use crate::graph::Graph;

/// On how many devices a subject is administrator; each device is counted once, at its strongest level.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct AdministratorOn {
    pub(crate) with_password: usize,
    pub(crate) without_password: usize,
}

impl AdministratorOn {
    /// Whether there is no such device.
    pub(crate) fn is_none(self) -> bool {
        self.with_password + self.without_password == 0
    }
}

/// How many devices a group itself is bound to, and on how many of them the binding gives administrator rights.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct GroupDevices {
    all: usize,
    by_edges: AdministratorOn,
}

impl GroupDevices {
    /// The devices on which members are administrator, if the groups on their path give the level `of_groups`.
    fn administered(self, of_groups: Level) -> AdministratorOn {
        let AdministratorOn { without_password, .. } = self.by_edges;
        match of_groups {
            Level::Login => self.by_edges,
            Level::Sudo => AdministratorOn { with_password: self.all - without_password, without_password },
            Level::SudoWithoutPassword => AdministratorOn { with_password: 0, without_password: self.all },
        }
    }
}

impl Graph<'_> {
    /// The devices on which the last group of a path gives administrator rights to members on that path.
    pub(crate) fn administers(&self, way: &[u32]) -> AdministratorOn {
        let Some(&last) = way.last() else { return AdministratorOn::default() };
        self.group_devices[last as usize].administered(self.sudo_of(way))
    }

    /// The devices on which a user is administrator by direct bindings that do not end.
    pub(crate) fn administers_directly(&self, user: u32) -> AdministratorOn {
        match self.bindings(Subject::Account(user)) {
            [] => AdministratorOn::default(),
            _ => self.count_devices(self.standing_bindings(user)).by_edges,
        }
    }

    /// The direct bindings of a user that do not end.
    fn standing_bindings(&self, user: u32) -> impl Iterator<Item = &Bound> {
        self.bindings(Subject::Account(user)).iter().filter(|bound| bound.ends == 0)
    }

    /// Whether a user reaches a device until a certain time, by a binding or membership that expires.
    pub(crate) fn has_devices_temporarily(&self, user: u32, id: Option<&Id>) -> bool {
        let is_device = |to: u32| matches!(self.kind(to), Kind::System | Kind::SystemGroup);
        let bindings = id.map_or(&[][..], |id| self.temporary().bindings(id));
        bindings.iter().any(|(to, _)| is_device(*to))
            || self.expiring_groups(user).keys().any(|group| self.group_devices[*group as usize].all > 0)
    }

    /// How many devices a user reaches by what does not end.
    pub(crate) fn devices_of(&self, user: u32) -> usize {
        let groups = self.standing_ends(user);
        let of_groups = groups.iter().filter_map(|end| end.shortest.last());
        let of_groups = of_groups.flat_map(|group| self.bindings(Subject::Group(*group)));
        let bindings = self.standing_bindings(user).chain(of_groups);
        bindings.flat_map(|bound| self.devices(bound)).collect::<HashSet<u32>>().len()
    }

    /// Whether a user's direct bindings that do not end reach any resource.
    pub(crate) fn is_bound(&self, user: u32) -> bool {
        self.leads_somewhere(self.standing_bindings(user))
    }

    /// Whether a group's own bindings reach any resource.
    pub(crate) fn group_is_bound(&self, group: u32) -> bool {
        self.leads_somewhere(self.bindings(Subject::Group(group)).iter())
    }

    /// Whether the members of a group reach a device through it or through a parent group.
    pub(crate) fn group_reaches_device(&self, group: u32) -> bool {
        let above = self.ends(Subject::Group(group));
        let above = above.iter().filter_map(|end| end.shortest.last().copied());
        std::iter::once(group).chain(above).any(|group| self.group_devices[group as usize].all > 0)
    }

    fn leads_somewhere<'b>(&self, mut bindings: impl Iterator<Item = &'b Bound>) -> bool {
        bindings.any(|bound| self.kind(bound.to) != Kind::SystemGroup || !self.inside(bound.to).is_empty())
    }

    pub(crate) fn devices_of_group(&self, group: u32) -> GroupDevices {
        self.count_devices(self.bindings(Subject::Group(group)).iter())
    }

    /// Counts the devices that bindings lead to, each by its strongest level.
    fn count_devices<'b>(&self, bindings: impl Iterator<Item = &'b Bound>) -> GroupDevices {
        let mut levels: HashMap<u32, Level> = HashMap::new();
        for bound in bindings {
            for device in self.devices(bound) {
                let level = levels.entry(device).or_default();
                *level = Level::of_rank(bound.rank).max(*level);
            }
        }
        let count = |level| levels.values().filter(|of_device| **of_device == level).count();
        let (with_password, without_password) = (count(Level::Sudo), count(Level::SudoWithoutPassword));
        GroupDevices { all: levels.len(), by_edges: AdministratorOn { with_password, without_password } }
    }

    /// The devices that a binding leads to.
    fn devices(&self, bound: &Bound) -> impl Iterator<Item = u32> {
        let itself = (self.kind(bound.to) == Kind::System).then_some(bound.to);
        let inside = self.inside(bound.to).iter().copied().filter(|inner| self.kind(*inner) == Kind::System);
        itself.into_iter().chain(inside)
    }
}
