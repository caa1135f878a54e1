//! Ways up through groups.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use smallvec::SmallVec;

use crate::graph::{Graph, Subject};
use crate::raises::{Level, Levels, NO_LEVEL};
use crate::walk::edges::{Edges, Everything};

/// The number of ways through nested groups that are followed from one account or group. Beyond it, only ways are
/// followed that are the nearest to a group or the nearest of those that give more. More ways than this exist only
/// where groups are members of each other in hundreds of combinations.
pub const WAYS: usize = 1024;

/// The maximum number of steps for counting the ways that are not followed. There may be more ways than can be counted.
const COUNTED: usize = 20_000;

/// The predecessor of the first group of a way.
const NONE: u32 = u32::MAX;

/// A way, stored as its last group and the way before it, so that ways with the same beginning share it.
#[derive(Debug, Clone, Copy)]
struct Step {
    group: u32,
    before: u32,
    /// The number of groups in the way.
    length: u32,
    /// What the groups raise.
    level: Level,
}

/// Ways up through groups, shortest first. No two pass the same groups in the same order.
#[derive(Debug)]
pub(crate) struct Ways {
    /// Inline where there are few: most accounts have some, and each has ways of its own.
    steps: SmallVec<[Step; 4]>,
    pub(crate) levels: Levels,
    /// The groups to which more ways lead than were followed, with a lower bound of their number.
    cut: HashMap<u32, u64>,
}

/// A group that can be reached, with the ways that end at it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct End {
    /// The shortest way.
    pub shortest: Vec<u32>,
    /// The last way that raises more than every shorter one, if there is one.
    stronger: Option<Vec<u32>>,
}

impl End {
    /// Returns the shortest of the ways that raise most.
    pub fn strongest(&self) -> &[u32] {
        self.stronger.as_ref().unwrap_or(&self.shortest)
    }
}

impl Ways {
    /// Follows the ways up from `first`: the shortest to each group, and the shortest that raises more than those
    /// before it. Other ways are followed until `others` ways have been added to the first ones. No way passes a group
    /// twice, so cycles end.
    pub(crate) fn up(graph: &Graph, edges: &impl Edges, first: impl Iterator<Item = u32>, others: usize) -> Self {
        let mut levels = Levels::default();
        let step = |group| {
            let level = levels.raised(NO_LEVEL, graph.raise_of_group(group));
            Step { group, before: NONE, length: 1, level }
        };
        let steps = first.map(step).collect();
        let mut ways = Self { steps, levels, cut: HashMap::new() };
        if ways.steps.iter().any(|step| !edges.parents(step.group).is_empty()) {
            ways.follow(graph, edges, others);
        }
        ways
    }

    fn follow(&mut self, graph: &Graph, edges: &impl Edges, others: usize) {
        let bound = self.steps.len() + others;
        let mut highest: HashMap<u32, Level> = self.steps.iter().map(|step| (step.group, step.level)).collect();
        let mut at = 0;
        while at < self.steps.len() {
            let Step { group, length, level, .. } = self.steps[at];
            for &parent in edges.parents(group) {
                if self.groups(at as u32).any(|passed| passed == parent) {
                    continue;
                }
                let level = self.levels.raised(level, graph.raise_of_group(parent));
                let better = match highest.entry(parent) {
                    Entry::Vacant(place) => {
                        place.insert(level);
                        true
                    }
                    Entry::Occupied(mut known) => {
                        let better = self.levels.exceeds(level, *known.get());
                        if better {
                            let both = self.levels.both(level, *known.get());
                            known.insert(both);
                        }
                        better
                    }
                };
                if better || self.steps.len() < bound {
                    self.steps.push(Step { group: parent, before: at as u32, length: length + 1, level });
                } else if others > 0 {
                    *self.cut.entry(parent).or_default() += 1;
                }
            }
            at += 1;
        }
    }

    /// Returns whether some way has more than one group.
    pub(crate) fn are_nested(&self) -> bool {
        self.steps.last().is_some_and(|step| step.length > 1)
    }

    /// Returns the number of ways.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Returns whether there are more ways than were followed.
    pub(crate) fn is_cut(&self) -> bool {
        !self.cut.is_empty()
    }

    /// Returns the groups of a way, last one first.
    pub(crate) fn groups(&self, way: u32) -> impl Iterator<Item = u32> {
        let step = |at: u32| self.steps.get(at as usize);
        std::iter::successors(step(way), move |last| step(last.before)).map(|step| step.group)
    }

    pub(crate) fn last(&self, way: u32) -> u32 {
        self.steps[way as usize].group
    }

    pub(crate) fn length(&self, way: u32) -> u32 {
        self.steps[way as usize].length
    }

    pub(crate) fn level(&self, way: u32) -> Level {
        self.steps[way as usize].level
    }

    /// Returns, for each group, a lower bound of the number of ways that were not followed.
    pub(crate) fn others(&self, edges: &impl Edges) -> HashMap<u32, u64> {
        if self.cut.is_empty() {
            return HashMap::new();
        }
        let first = self.steps.iter().filter(|step| step.length == 1).map(|step| step.group);
        let mut others = count(edges, first);
        for step in &self.steps {
            if let Some(count) = others.get_mut(&step.group) {
                *count = count.saturating_sub(1);
            }
        }
        for (group, cut) in &self.cut {
            let count = others.entry(*group).or_default();
            *count = (*count).max(*cut);
        }
        others.retain(|_, count| *count > 0);
        others
    }
}

/// Counts the ways up from `first` to each group, within a bound. Depth-first, so that distant groups are counted too.
fn count(edges: &impl Edges, first: impl Iterator<Item = u32>) -> HashMap<u32, u64> {
    let mut counts: HashMap<u32, u64> = HashMap::new();
    let mut steps = 0;
    for group in first {
        let mut way = vec![(group, 0)];
        *counts.entry(group).or_default() += 1;
        while let Some((last, at)) = way.last_mut() {
            let Some(&parent) = edges.parents(*last).get(*at) else {
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

impl Graph {
    /// Returns the groups that contain an account, or that are above a group, nearest first. The ways to each begin
    /// with a group of which the account is a direct member, or with the group itself.
    pub fn ends(&self, subject: Subject) -> Vec<End> {
        let edges = Everything(self);
        match subject {
            Subject::Account(account) => {
                let first = self.parts.groups_of.of(account).iter().copied();
                ends(&Ways::up(self, &edges, first, 0), 0)
            }
            Subject::Group(group) => ends(&Ways::up(self, &edges, [group].into_iter(), 0), 1),
        }
    }

    /// Returns some groups and those above them, nearest first: what [`ends`](Self::ends) returns for an account that is a
    /// direct member of these alone.
    pub fn ends_from(&self, groups: impl Iterator<Item = u32>) -> Vec<End> {
        ends(&Ways::up(self, &Everything(self), groups, 0), 0)
    }
}

/// Groups ways by their last group, in the order of the first way to each. Skips the first `hidden` ways.
fn ends(ways: &Ways, hidden: u32) -> Vec<End> {
    let mut ends: Vec<End> = Vec::with_capacity(ways.len());
    let mut places: HashMap<u32, usize> = HashMap::new();
    // Without nesting, each group ends exactly one way, so no lookup is needed.
    let alone = !ways.are_nested();
    for way in hidden..ways.len() as u32 {
        let mut groups: Vec<u32> = ways.groups(way).collect();
        groups.reverse();
        let known = if alone { None } else { places.get(&ways.last(way)) };
        match known {
            Some(at) => ends[*at].stronger = Some(groups),
            None => {
                if !alone {
                    places.insert(ways.last(way), ends.len());
                }
                ends.push(End { shortest: groups, stronger: None });
            }
        }
    }
    ends
}
