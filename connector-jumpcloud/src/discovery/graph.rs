//! The graph of who is bound to what, and the walks through it: nested groups, and the paths to a resource.

use std::collections::{BTreeMap, HashMap};

use connector_api::{Access, AccessPath, PathStep};

use super::section::Tally;
use super::state::{self, Node, People, State};
use crate::api::Id;
use crate::api::graph::{Kind, sudo};

/// Group type of user groups.
pub(super) const USER_GROUP: &str = "JUMPCLOUD_USER_GROUP";
/// Group type of device groups.
pub(super) const SYSTEM_GROUP: &str = "JUMPCLOUD_SYSTEM_GROUP";

/// Paths shown for one grant; more of the same length or longer are left out.
const PATHS: usize = 32;

/// The graph of one scan, with everything named by its index.
pub(super) struct Graph<'a> {
    state: &'a State,
    /// For each group, the groups that it is a member of, directly.
    parents: Vec<Vec<u32>>,
    /// For each group, the groups that are its members, directly.
    children: Vec<Vec<u32>>,
    /// For each user, the groups that hold the user directly.
    groups_of: Rows,
    group_index: HashMap<&'a Id, u32>,
    /// What each group reaches by itself.
    group_reach: Vec<Vec<Reach>>,
    /// What a user is bound to directly.
    user_reach: HashMap<u32, Vec<Reach>>,
    /// The things that can be reached.
    pub(super) targets: Vec<Target<'a>>,
}

/// A thing that can be reached.
pub(super) struct Target<'a> {
    pub(super) kind: Kind,
    pub(super) id: &'a Id,
    pub(super) name: &'a str,
}

/// One way from a user or a group to a target, with at most a device group between.
#[derive(Debug, Clone, Copy)]
struct Reach {
    target: u32,
    access: Access,
    through: Option<u32>,
}

/// Lists of indices, one for each of many things, in two flat vectors: there may be millions.
struct Rows {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Rows {
    fn new(count: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut starts = vec![0_u32; count + 1];
        for (row, _) in pairs.clone() {
            starts[row as usize + 1] += 1;
        }
        for at in 0..count {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let mut items = vec![0; starts[count] as usize];
        for (row, item) in pairs {
            items[next[row as usize] as usize] = item;
            next[row as usize] += 1;
        }
        Self { starts, items }
    }

    fn of(&self, row: u32) -> &[u32] {
        let row = row as usize;
        match (self.starts.get(row), self.starts.get(row + 1)) {
            (Some(from), Some(to)) => &self.items[*from as usize..*to as usize],
            _ => &[],
        }
    }
}

impl<'a> Graph<'a> {
    /// Builds the graph; an edge whose end is not in the scan is counted in `tally` and left out.
    /// As long as no user was listed, every user that an edge names may still come.
    pub(super) fn new(state: &'a State, people: &People, tally: &mut Tally) -> Self {
        let group_index: HashMap<&Id, u32> = state.groups.iter().map(|group| &group.id).zip(0..).collect();
        let mut children = vec![Vec::new(); state.groups.len()];
        let mut parents = vec![Vec::new(); state.groups.len()];
        for (at, members) in (0_u32..).zip(&state.members) {
            for member in members.iter().flat_map(|members| &members.groups) {
                // A group that is not listed was counted when the memberships were read.
                if let Some(&child) = group_index.get(member) {
                    children[at as usize].push(child);
                    parents[child as usize].push(at);
                }
            }
        }
        let pairs = (0_u32..).zip(&state.members).flat_map(|(group, members)| {
            members.iter().flat_map(move |members| members.users.iter().map(move |user| (*user, group)))
        });
        let mut graph = Self {
            state,
            parents,
            children,
            groups_of: Rows::new(people.len(), pairs),
            group_reach: vec![Vec::new(); state.groups.len()],
            user_reach: HashMap::new(),
            targets: targets(state),
            group_index,
        };
        graph.enter_edges(people, tally);
        graph
    }

    fn enter_edges(&mut self, people: &People, tally: &mut Tally) {
        let target_index: HashMap<(Kind, &Id), u32> =
            self.targets.iter().map(|target| (target.kind, target.id)).zip(0..).collect();
        let system_group_index: HashMap<&Id, u32> =
            self.state.system_groups.iter().map(|group| &group.id).zip(0..).collect();
        let mut in_group: Vec<Vec<u32>> = vec![Vec::new(); self.state.system_groups.len()];
        let mut dangling = |edge: &state::Edge| {
            let name = |node: &Node| format!("{} {}", node.kind.word(), node.id);
            tally.dangling(|| name(&edge.from), || name(&edge.to));
        };
        for edge in &self.state.edges {
            if edge.from.kind == Kind::SystemGroup {
                match (system_group_index.get(&edge.from.id), target_index.get(&(edge.to.kind, &edge.to.id))) {
                    (Some(&group), Some(&system)) => in_group[group as usize].push(system),
                    _ => dangling(edge),
                }
            }
        }
        for edge in &self.state.edges {
            let reaches: Vec<Reach> = match edge.to.kind {
                _ if edge.from.kind == Kind::SystemGroup => continue,
                Kind::SystemGroup => match system_group_index.get(&edge.to.id) {
                    Some(&group) => in_group[group as usize]
                        .iter()
                        .map(|&target| Reach { target, access: edge.access, through: Some(group) })
                        .collect(),
                    None => {
                        dangling(edge);
                        continue;
                    }
                },
                kind => match target_index.get(&(kind, &edge.to.id)) {
                    Some(&target) => {
                        let access = if kind == Kind::System { edge.access } else { Access::Login };
                        vec![Reach { target, access, through: None }]
                    }
                    None => {
                        dangling(edge);
                        continue;
                    }
                },
            };
            match edge.from.kind {
                Kind::User => match people.find(&edge.from.id) {
                    Some(user) if people.listed().is_empty() || people.name(user).is_some() => {
                        self.user_reach.entry(user).or_default().extend(reaches);
                    }
                    _ => dangling(edge),
                },
                _ => match self.group_index.get(&edge.from.id) {
                    Some(&group) => self.group_reach[group as usize].extend(reaches),
                    None => dangling(edge),
                },
            }
        }
    }

    /// The groups that hold a user: each with the way up to it, which begins with a group that holds the user
    /// directly and ends with the group itself. Shortest ways first; each group once, so cycles end.
    pub(super) fn groups_of(&self, user: u32) -> Vec<Vec<u32>> {
        let mut ways: Vec<Vec<u32>> = self.groups_of.of(user).iter().map(|group| vec![*group]).collect();
        if ways.iter().all(|way| self.parents[way[0] as usize].is_empty()) {
            return ways;
        }
        let mut reached: std::collections::HashSet<u32> = ways.iter().map(|way| way[0]).collect();
        let mut at = 0;
        while at < ways.len() {
            let way = ways[at].clone();
            for &parent in &self.parents[way[way.len() - 1] as usize] {
                if reached.insert(parent) {
                    ways.push(way.iter().copied().chain([parent]).collect());
                }
            }
            at += 1;
        }
        ways
    }

    /// Every way from a user up to each group, for the paths of grants: as [`groups_of`](Self::groups_of), but a group
    /// may be reached by several ways. No way passes a group twice.
    fn ways_of(&self, user: u32) -> Vec<Vec<u32>> {
        let mut ways: Vec<Vec<u32>> = self.groups_of.of(user).iter().map(|group| vec![*group]).collect();
        let bound = ways.len() + 1024;
        let mut at = 0;
        while at < ways.len() && ways.len() < bound {
            let way = ways[at].clone();
            for &parent in &self.parents[way[way.len() - 1] as usize] {
                if !way.contains(&parent) {
                    ways.push(way.iter().copied().chain([parent]).collect());
                }
            }
            at += 1;
        }
        ways
    }

    /// The users of a group that it does not hold directly: each with the groups between, from the user's own up to
    /// the one below `group`. Shortest way first; each user once.
    pub(super) fn indirect_members(&self, group: u32) -> Vec<(u32, Vec<u32>)> {
        if self.children[group as usize].is_empty() {
            return Vec::new();
        }
        let users =
            |group: u32| self.state.members[group as usize].iter().flat_map(|members| members.users.iter().copied());
        let mut seen: std::collections::HashSet<u32> = users(group).collect();
        let mut reached = std::collections::HashSet::from([group]);
        let mut level: Vec<Vec<u32>> = vec![vec![group]];
        let mut members = Vec::new();
        while !level.is_empty() {
            let mut below = Vec::new();
            for way in &level {
                for &child in &self.children[way[0] as usize] {
                    if reached.insert(child) {
                        below.push([child].into_iter().chain(way.iter().copied()).collect::<Vec<u32>>());
                    }
                }
            }
            for way in &below {
                for user in users(way[0]).filter(|user| seen.insert(*user)) {
                    members.push((user, way[..way.len() - 1].to_vec()));
                }
            }
            level = below;
        }
        members
    }

    /// What a user reaches, whose own flags allow `own` on every device: for each target every path, shortest first.
    pub(super) fn reach_of_user(&self, user: u32, own: Access) -> BTreeMap<u32, Vec<AccessPath>> {
        let mut reach: BTreeMap<u32, Vec<AccessPath>> = BTreeMap::new();
        for step in self.user_reach.get(&user).into_iter().flatten() {
            self.enter(&mut reach, &[], *step, Access::Login, own);
        }
        for way in self.ways_of(user) {
            let last = way[way.len() - 1] as usize;
            if self.group_reach[last].is_empty() {
                continue;
            }
            let of_groups = way.iter().map(|group| self.group_sudo(*group)).max().unwrap_or(Access::Login);
            for step in &self.group_reach[last] {
                self.enter(&mut reach, &way, *step, of_groups, own);
            }
        }
        for paths in reach.values_mut() {
            paths.sort_by_key(|path| (path.steps.len(), std::cmp::Reverse(path.access)));
            // The strongest path stays, however long it is.
            if paths.len() > PATHS
                && let Some(strongest) = (0..paths.len()).max_by_key(|at| (paths[*at].access, std::cmp::Reverse(*at)))
                && strongest >= PATHS
            {
                paths.swap(PATHS - 1, strongest);
            }
            paths.truncate(PATHS);
        }
        reach
    }

    /// What a group reaches by itself.
    pub(super) fn reach_of_group(&self, group: u32) -> BTreeMap<u32, Vec<AccessPath>> {
        let mut reach = BTreeMap::new();
        for step in &self.group_reach[group as usize] {
            self.enter(&mut reach, &[], *step, self.group_sudo(group), Access::Login);
        }
        reach
    }

    /// The devices on which a group, by itself or through the groups that it is in, gives administrator rights.
    pub(super) fn sudo_systems(&self, group: u32) -> usize {
        let of_group = self.group_sudo(group);
        let mut systems: Vec<u32> = self.group_reach[group as usize]
            .iter()
            .filter(|reach| self.targets[reach.target as usize].kind == Kind::System)
            .filter(|reach| reach.access.max(of_group) > Access::Login)
            .map(|reach| reach.target)
            .collect();
        systems.sort_unstable();
        systems.dedup();
        systems.len()
    }

    /// The kinds of what a user is bound to directly, or through a device group, and the level that each edge gives.
    pub(super) fn direct_reach(&self, user: u32) -> impl Iterator<Item = (Kind, Access)> {
        let reach = self.user_reach.get(&user).into_iter().flatten();
        reach.map(|reach| (self.targets[reach.target as usize].kind, reach.access))
    }

    /// Whether a user is bound to anything directly.
    pub(super) fn is_bound(&self, user: u32) -> bool {
        self.user_reach.contains_key(&user)
    }

    /// Whether a group is in the scan.
    pub(super) fn has_group(&self, group: &Id) -> bool {
        self.group_index.contains_key(group)
    }

    /// Whether a group reaches anything by itself.
    pub(super) fn group_is_bound(&self, group: u32) -> bool {
        !self.group_reach[group as usize].is_empty()
    }

    /// The level that a group's own attributes give its members on every device that the group reaches.
    pub(super) fn group_sudo(&self, group: u32) -> Access {
        sudo(self.state.groups[group as usize].rest.get("attributes"))
    }

    /// A group as a step of a path.
    pub(super) fn step(&self, group: u32) -> PathStep {
        let group = &self.state.groups[group as usize];
        PathStep {
            group_type: USER_GROUP.to_owned(),
            external_id: group.id.to_string(),
            name: group.name.clone().unwrap_or_else(|| group.id.to_string()),
        }
    }

    fn enter(
        &self,
        reach: &mut BTreeMap<u32, Vec<AccessPath>>,
        way: &[u32],
        step: Reach,
        of_groups: Access,
        own: Access,
    ) {
        let mut steps: Vec<PathStep> = way.iter().map(|group| self.step(*group)).collect();
        steps.extend(step.through.map(|group| {
            let group = &self.state.system_groups[group as usize];
            PathStep {
                group_type: SYSTEM_GROUP.to_owned(),
                external_id: group.id.to_string(),
                name: group.name.clone().unwrap_or_else(|| group.id.to_string()),
            }
        }));
        let (access, raised_by) = if self.targets[step.target as usize].kind == Kind::System {
            let of_edges = step.access.max(of_groups);
            (of_edges.max(own), (own > of_edges).then(|| "accountSudo".to_owned()))
        } else {
            (Access::Login, None)
        };
        let path = AccessPath { access, steps, raised_by };
        let paths = reach.entry(step.target).or_default();
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
}

fn targets(state: &State) -> Vec<Target<'_>> {
    let systems = state.systems.iter().map(|system| Target {
        kind: Kind::System,
        id: &system.id,
        name: system.display_name.as_deref().or(system.hostname.as_deref()).unwrap_or_default(),
    });
    let applications = state.applications.iter().map(|application| Target {
        kind: Kind::Application,
        id: &application.id,
        name: application.label(),
    });
    let directories = state.directories.iter().filter_map(|directory| {
        let kind = directory.graph_kind()?;
        Some(Target { kind, id: &directory.id, name: directory.name.as_deref().unwrap_or_default() })
    });
    systems.chain(applications).chain(directories).collect()
}
