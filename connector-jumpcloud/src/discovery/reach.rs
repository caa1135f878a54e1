//! The paths from accounts and groups to what they reach, and the level that each path gives.
//!
//! On a device the level is the highest of what the edge, the attributes of the groups on the path and, for an
//! account, its own global flags give. Elsewhere there is only `login`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use connector_api::{Access, AccessPath, PathStep};

use super::graph::{Graph, Reach, Ways};
use super::rows::resource_type;
use crate::api::graph::Kind;

/// Paths shown for one grant; of more of the same length or longer the number is reported.
const PATHS: usize = 32;

/// Steps that are made to count the ways that are not followed. There may be more ways than can be counted.
const COUNTED: usize = 20_000;

/// On how many devices somebody is administrator, each counted once, by the strongest level.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct AdministratorOn {
    pub(super) with_password: usize,
    pub(super) without_password: usize,
}

impl AdministratorOn {
    /// Whether it is on no device.
    pub(super) fn is_none(self) -> bool {
        self.with_password + self.without_password == 0
    }
}

/// For each target, by its index, the paths to it.
pub(super) type Paths = BTreeMap<u32, PathsTo>;

/// The paths to one target.
#[derive(Debug, Default)]
pub(super) struct PathsTo {
    /// Those that were followed, shortest first.
    pub(super) followed: Vec<AccessPath>,
    /// How many others there are, at least.
    more: u64,
}

impl Graph<'_> {
    /// What a user reaches, whose own flags allow `own` on every device.
    pub(super) fn reach_of_user(&self, user: u32, own: Access) -> Paths {
        let mut paths = Paths::new();
        for reach in self.user_reach.get(&user).into_iter().flatten() {
            self.enter(&mut paths, &[], reach, Access::Login, own);
        }
        let ways = self.ways_of_user(user);
        for way in &ways.all {
            self.enter_way(&mut paths, way, way, own);
        }
        self.count_others(&mut paths, &ways);
        in_order(paths)
    }

    /// What each member of a group reaches through the group: what it is bound to itself, and what the groups above
    /// it are bound to.
    pub(super) fn reach_of_group(&self, group: u32) -> Paths {
        let mut paths = Paths::new();
        let ways = self.ways_of_group(group);
        for way in &ways.all {
            self.enter_way(&mut paths, way, &way[1..], Access::Login);
        }
        self.count_others(&mut paths, &ways);
        in_order(paths)
    }

    /// The devices on which the last group of a way gives administrator rights to those who come that way.
    pub(super) fn administers(&self, way: &[u32]) -> AdministratorOn {
        let Some(&last) = way.last() else { return AdministratorOn::default() };
        let of_groups = self.sudo_of(way);
        self.administered(self.group_reach[last as usize].iter(), of_groups)
    }

    /// The devices on which a user is administrator by edges of the user's own.
    pub(super) fn administers_directly(&self, user: u32) -> AdministratorOn {
        self.administered(self.user_reach.get(&user).into_iter().flatten(), Access::Login)
    }

    /// How many devices a user reaches.
    pub(super) fn devices_of(&self, user: u32) -> usize {
        let own = self.user_reach.get(&user).into_iter().flatten();
        let groups = self.groups_of(user);
        let of_groups = groups.iter().filter_map(|end| end.shortest.last());
        let reaches = own.chain(of_groups.flat_map(|group| &self.group_reach[*group as usize]));
        let targets: HashSet<u32> = reaches.map(|reach| reach.target).collect();
        targets.into_iter().filter(|target| self.targets[*target as usize].kind == Kind::System).count()
    }

    /// Whether a user is bound to anything directly.
    pub(super) fn is_bound(&self, user: u32) -> bool {
        self.user_reach.get(&user).is_some_and(|reaches| !reaches.is_empty())
    }

    /// Whether a group is bound to anything itself.
    pub(super) fn group_is_bound(&self, group: u32) -> bool {
        !self.group_reach[group as usize].is_empty()
    }

    /// The devices among `reaches` on which these, or the attributes of the groups passed, give administrator rights.
    fn administered<'r>(&self, reaches: impl Iterator<Item = &'r Reach>, of_groups: Access) -> AdministratorOn {
        let mut levels: HashMap<u32, Access> = HashMap::new();
        for reach in reaches.filter(|reach| self.targets[reach.target as usize].kind == Kind::System) {
            let level = levels.entry(reach.target).or_insert(Access::Login);
            *level = reach.access.max(of_groups).max(*level);
        }
        let count = |level| levels.values().filter(|of_device| **of_device == level).count();
        AdministratorOn { with_password: count(Access::Sudo), without_password: count(Access::SudoWithoutPassword) }
    }

    /// Enters what the last group of a way is bound to; of the way, `shown` becomes part of the paths.
    fn enter_way(&self, paths: &mut Paths, way: &[u32], shown: &[u32], own: Access) {
        let Some(&last) = way.last() else { return };
        for reach in &self.group_reach[last as usize] {
            self.enter(paths, shown, reach, self.sudo_of(way), own);
        }
    }

    fn enter(&self, paths: &mut Paths, shown: &[u32], reach: &Reach, of_groups: Access, own: Access) {
        let mut steps: Vec<PathStep> = shown.iter().map(|group| self.step(*group)).collect();
        steps.extend(reach.through.map(|group| {
            let group = &self.state.system_groups[group as usize];
            PathStep {
                group_type: resource_type(Kind::SystemGroup).to_owned(),
                external_id: group.id.to_string(),
                name: group.name.clone().unwrap_or_else(|| group.id.to_string()),
            }
        }));
        let (access, raised_by) = if self.targets[reach.target as usize].kind == Kind::System {
            let of_edges = reach.access.max(of_groups);
            (of_edges.max(own), (own > of_edges).then(|| "accountSudo".to_owned()))
        } else {
            (Access::Login, None)
        };
        let path = AccessPath { access, steps, raised_by };
        let paths = &mut paths.entry(reach.target).or_default().followed;
        if !paths.contains(&path) {
            paths.push(path);
        }
    }

    /// Counts the paths by ways that were not followed.
    fn count_others(&self, paths: &mut Paths, ways: &Ways) {
        if ways.cut.is_empty() {
            return;
        }
        let mut others = self.count_ways(ways.all.iter().filter(|way| way.len() == 1).map(|way| way[0]));
        for way in &ways.all {
            if let Some(count) = way.last().and_then(|last| others.get_mut(last)) {
                *count = count.saturating_sub(1);
            }
        }
        for (group, cut) in &ways.cut {
            let count = others.entry(*group).or_default();
            *count = (*count).max(*cut);
        }
        for (group, count) in others.into_iter().filter(|(_, count)| *count > 0) {
            // Two edges to one thing are two paths only where a device group tells them apart.
            let reaches: HashSet<_> =
                self.group_reach[group as usize].iter().map(|reach| (reach.target, reach.through)).collect();
            for (target, _) in reaches {
                paths.entry(target).or_default().more += count;
            }
        }
    }

    /// How many ways there are up from `first` to each group, as far as a bound allows: into the depth, so that those that
    /// are far away are counted too.
    fn count_ways(&self, first: impl Iterator<Item = u32>) -> HashMap<u32, u64> {
        let mut counts: HashMap<u32, u64> = HashMap::new();
        let mut steps = 0;
        for group in first {
            let mut way = vec![(group, 0)];
            *counts.entry(group).or_default() += 1;
            while let Some((last, at)) = way.last_mut() {
                let Some(&parent) = self.parents[*last as usize].get(*at) else {
                    way.pop();
                    continue;
                };
                *at += 1;
                steps += 1;
                if steps > COUNTED {
                    return counts;
                }
                if way.iter().all(|(passed, _)| *passed != parent) {
                    *counts.entry(parent).or_default() += 1;
                    way.push((parent, 0));
                }
            }
        }
        counts
    }
}

fn in_order(mut paths: Paths) -> Paths {
    for paths in paths.values_mut() {
        paths.followed.sort_by_key(|path| (path.steps.len(), Reverse(path.access)));
    }
    paths
}

/// The paths of a grant that are shown, and how many there are in addition, at least.
pub(super) fn cut(paths: PathsTo) -> (Vec<AccessPath>, u64) {
    let PathsTo { followed: mut paths, more: others } = paths;
    let more = paths.len().saturating_sub(PATHS);
    // The strongest path stays, however long it is.
    if more > 0
        && let Some(strongest) = (0..paths.len()).max_by_key(|at| (paths[*at].access, Reverse(*at)))
        && strongest >= PATHS
    {
        paths.swap(PATHS - 1, strongest);
    }
    paths.truncate(PATHS);
    (paths, others + more as u64)
}
