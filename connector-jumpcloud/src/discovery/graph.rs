//! The graph of who is in which group and bound to what, everything named by its index.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use connector_api::{Access, PathStep};

use super::people::People;
use super::section::Tally;
use super::state::{self, Node, State};
use crate::api::Id;
use crate::api::graph::{Kind, sudo};

/// Group type of user groups.
pub(crate) const USER_GROUP: &str = "JUMPCLOUD_USER_GROUP";

/// Ways through nested groups that are followed from one account or group, beside those to each group that show how near
/// and how strong it is. More would need groups that are members of each other in hundreds of combinations.
const WAYS: usize = 1024;

/// A group that can be reached, and how: each way ends with it.
pub(super) struct End {
    pub(super) shortest: Vec<u32>,
    /// The shortest of those that give a higher level, if there are any.
    stronger: Option<Vec<u32>>,
}

impl End {
    /// The shortest of the ways that give the highest level.
    pub(super) fn strongest(&self) -> &[u32] {
        self.stronger.as_ref().unwrap_or(&self.shortest)
    }
}

/// Ways up through groups, which each end with another one or come another way.
pub(super) struct Ways {
    pub(super) all: Vec<Vec<u32>>,
    /// The groups to which there are more ways than were followed, and how many at least.
    pub(super) cut: HashMap<u32, u64>,
}

/// The graph of one scan.
pub(super) struct Graph<'a> {
    pub(super) state: &'a State,
    /// For each group, the groups that it is a member of, directly.
    pub(super) parents: Vec<Vec<u32>>,
    /// For each group, the groups that are its members, directly.
    children: Vec<Vec<u32>>,
    /// For each user, the groups that hold the user directly.
    groups_of: Rows,
    /// The groups that did not vanish while the scan went on.
    group_index: HashMap<&'a Id, u32>,
    /// For each group, the level that its own attributes give its members on every device that it reaches.
    group_sudo: Vec<Access>,
    /// What each group is bound to by itself.
    pub(super) group_reach: Vec<Vec<Reach>>,
    /// What a user is bound to directly.
    pub(super) user_reach: HashMap<u32, Vec<Reach>>,
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
pub(super) struct Reach {
    pub(super) target: u32,
    pub(super) access: Access,
    pub(super) through: Option<u32>,
}

/// Lists of indices, one for each of many things, in two flat vectors: there may be millions.
struct Rows {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Rows {
    fn new(count: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        // Each start is first moved to its row's end, and back as the row is filled from its end.
        let mut starts = vec![0_u32; count + 1];
        for (row, _) in pairs.clone() {
            starts[row as usize] += 1;
        }
        for at in 1..=count {
            starts[at] += starts[at - 1];
        }
        let mut items = vec![0; starts[count] as usize];
        for (row, item) in pairs {
            let start = &mut starts[row as usize];
            *start -= 1;
            items[*start as usize] = item;
        }
        Self { starts, items }
    }

    /// The row's items, in the order in which they were entered.
    fn of(&self, row: u32) -> impl Iterator<Item = u32> {
        let row = row as usize;
        let range = match (self.starts.get(row), self.starts.get(row + 1)) {
            (Some(from), Some(to)) => *from as usize..*to as usize,
            _ => 0..0,
        };
        self.items[range].iter().rev().copied()
    }
}

impl<'a> Graph<'a> {
    /// Builds the graph; an edge whose end is not in the scan is counted in `tally` and left out.
    /// As long as no user was listed, every user that an edge names may still come.
    pub(super) fn new(state: &'a State, people: &People, tally: &mut Tally) -> Self {
        let vanished = |at: u32| state.members.get(at as usize).is_some_and(Option::is_none);
        let groups = state.groups.iter().map(|group| &group.id).zip(0..);
        let group_index: HashMap<&Id, u32> = groups.filter(|(_, at)| !vanished(*at)).collect();
        let mut children = vec![Vec::new(); state.groups.len()];
        let mut parents = vec![Vec::new(); state.groups.len()];
        for (at, members) in (0_u32..).zip(&state.members) {
            for member in members.iter().flat_map(|members| &members.groups) {
                // A group that is not in the scan is counted when the memberships are sent.
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
            group_index,
            group_sudo: state.groups.iter().map(|group| sudo(group.rest.get("attributes").as_ref())).collect(),
            group_reach: vec![Vec::new(); state.groups.len()],
            user_reach: HashMap::new(),
            targets: targets(state),
        };
        graph.enter_edges(people, tally);
        graph
    }

    fn enter_edges(&mut self, people: &People, tally: &mut Tally) {
        let state = self.state;
        let target_index: HashMap<(Kind, &Id), u32> =
            self.targets.iter().map(|target| (target.kind, target.id)).zip(0..).collect();
        let system_group_index: HashMap<&Id, u32> =
            state.system_groups.iter().map(|group| &group.id).zip(0..).collect();
        let mut dangling = |edge: &state::Edge| {
            let name = |node: &Node| format!("{} {}", node.kind.word(), node.id);
            tally.dangling(|| name(&edge.from), || name(&edge.to));
        };
        let (held, bound): (Vec<_>, Vec<_>) = state.edges.iter().partition(|edge| edge.from.kind == Kind::SystemGroup);
        let mut in_group: Vec<Vec<u32>> = vec![Vec::new(); state.system_groups.len()];
        for edge in held {
            match (system_group_index.get(&edge.from.id), target_index.get(&(edge.to.kind, &edge.to.id))) {
                (Some(&group), Some(&system)) => in_group[group as usize].push(system),
                _ => dangling(edge),
            }
        }
        for edge in bound {
            let access = edge.access;
            let reaches: Option<Vec<Reach>> = match edge.to.kind {
                Kind::SystemGroup => system_group_index.get(&edge.to.id).map(|&group| {
                    let systems = in_group[group as usize].iter();
                    systems.map(|&target| Reach { target, access, through: Some(group) }).collect()
                }),
                kind => {
                    let target = target_index.get(&(kind, &edge.to.id));
                    target.map(|&target| vec![Reach { target, access, through: None }])
                }
            };
            let bound = match edge.from.kind {
                Kind::User => people
                    .find(&edge.from.id)
                    .filter(|user| people.listed().is_empty() || people.is_listed(*user))
                    .map(|user| self.user_reach.entry(user).or_default()),
                _ => self.group_index.get(&edge.from.id).map(|&group| &mut self.group_reach[group as usize]),
            };
            match (bound, reaches) {
                (Some(bound), Some(reaches)) => bound.extend(reaches),
                _ => dangling(edge),
            }
        }
    }

    /// The groups that hold a user: each with the ways up to it, which begin with a group that holds the user
    /// directly. The nearest first.
    pub(super) fn groups_of(&self, user: u32) -> Vec<End> {
        ends(self.ways_up(self.groups_of.of(user), 0).all)
    }

    /// Every way up from the groups that hold a user directly. No way passes a group twice.
    pub(super) fn ways_of_user(&self, user: u32) -> Ways {
        self.ways_up(self.groups_of.of(user), WAYS)
    }

    /// Every way up from a group, which each begins with. No way passes a group twice.
    pub(super) fn ways_of_group(&self, group: u32) -> Ways {
        self.ways_up([group], WAYS)
    }

    /// The groups above a group, each with the ways up to it, which begin with the group itself.
    pub(super) fn groups_above(&self, group: u32) -> Vec<End> {
        ends(self.ways_up([group], 0).all.split_off(1))
    }

    /// The ways up from `first`, shortest first: to each group the shortest, and the shortest that gives a higher level
    /// than those before it; and others as long as there are fewer than `others`. No way passes a group twice, so cycles
    /// end.
    fn ways_up(&self, first: impl IntoIterator<Item = u32>, others: usize) -> Ways {
        let mut ways: Vec<Vec<u32>> = first.into_iter().map(|group| vec![group]).collect();
        if ways.iter().all(|way| self.parents[way[0] as usize].is_empty()) {
            return Ways { all: ways, cut: HashMap::new() };
        }
        let (bound, mut cut) = (ways.len() + others, HashMap::<u32, u64>::new());
        let mut highest: HashMap<u32, Access> = ways.iter().map(|way| (way[0], self.group_sudo(way[0]))).collect();
        let mut at = 0;
        while at < ways.len() {
            let way = ways[at].clone();
            let level = self.sudo_of(&way);
            for &parent in &self.parents[way[way.len() - 1] as usize] {
                if way.contains(&parent) {
                    continue;
                }
                let level = level.max(self.group_sudo(parent));
                let better = highest.get(&parent).is_none_or(|highest| level > *highest);
                if better {
                    highest.insert(parent, level);
                }
                if better || ways.len() < bound {
                    ways.push(way.iter().copied().chain([parent]).collect());
                } else if others > 0 {
                    *cut.entry(parent).or_default() += 1;
                }
            }
            at += 1;
        }
        Ways { all: ways, cut }
    }

    /// The level that the attributes of the groups on a way give.
    pub(super) fn sudo_of(&self, way: &[u32]) -> Access {
        way.iter().map(|group| self.group_sudo(*group)).max().unwrap_or(Access::Login)
    }

    /// The users of a group that it does not hold directly: each with the groups between, from the user's own up to
    /// the one below `group`. Shortest way first; each user once.
    pub(super) fn indirect_members(&self, group: u32) -> Vec<(u32, Vec<u32>)> {
        if self.children[group as usize].is_empty() {
            return Vec::new();
        }
        let users =
            |group: u32| self.state.members[group as usize].iter().flat_map(|members| members.users.iter().copied());
        let mut seen: HashSet<u32> = users(group).collect();
        let mut reached = HashSet::from([group]);
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

    /// Whether a group is in the scan.
    pub(super) fn has_group(&self, group: &Id) -> bool {
        self.group_index.contains_key(group)
    }

    /// The level that a group's own attributes give its members on every device that the group reaches.
    pub(super) fn group_sudo(&self, group: u32) -> Access {
        self.group_sudo[group as usize]
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
}

/// Ways by the groups that they end with, in the order of the first to each.
fn ends(ways: Vec<Vec<u32>>) -> Vec<End> {
    let end = |shortest| End { shortest, stronger: None };
    // Those that hold somebody directly differ, and most are held by no other.
    if ways.iter().all(|way| way.len() == 1) {
        return ways.into_iter().map(end).collect();
    }
    let mut ends: Vec<End> = Vec::with_capacity(ways.len());
    let mut places: HashMap<u32, usize> = HashMap::new();
    for way in ways {
        match places.entry(way[way.len() - 1]) {
            Entry::Occupied(at) => ends[*at.get()].stronger = Some(way),
            Entry::Vacant(place) => {
                place.insert(ends.len());
                ends.push(end(way));
            }
        }
    }
    ends
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_what_belongs_to_each() {
        let rows = Rows::new(4, [(0, 7), (2, 1), (0, 9), (2, 3), (2, 5)].into_iter());
        let of = |row| rows.of(row).collect::<Vec<_>>();
        assert_eq!([of(0), of(1), of(2), of(3), of(9)], [vec![7, 9], vec![], vec![1, 3, 5], vec![], vec![]]);
    }
}
