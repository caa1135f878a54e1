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
    /// The ways that pass a group twice, in order.
    loops: Vec<u32>,
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
    /// before it. Other ways are followed until `others` ways have been added to the first ones.
    ///
    /// A way passes a group twice only if it raises more the second time. This happens where groups are members of each
    /// other, and so seldom that cycles end: each group has only a few levels.
    ///
    /// `of` is the account in whose groups they begin, if some of these memberships expire. Then a way that expires does
    /// not replace one that does not.
    pub(crate) fn up(
        graph: &Graph,
        edges: &impl Edges,
        first: impl Iterator<Item = u32>,
        others: usize,
        of: Option<u32>,
    ) -> Self {
        let mut levels = Levels::default();
        let step = |group| {
            let level = levels.raised(NO_LEVEL, graph.raise_of_group(group));
            Step { group, before: NONE, length: 1, level }
        };
        let steps = first.map(step).collect();
        let mut ways = Self { steps, levels, loops: Vec::new(), cut: HashMap::new() };
        if ways.steps.iter().any(|step| !edges.parents(step.group).is_empty()) {
            ways.follow(graph, edges, others, of);
        }
        ways
    }

    fn follow(&mut self, graph: &Graph, edges: &impl Edges, others: usize, of: Option<u32>) {
        let expires = |first: u32| of.is_some_and(|account| graph.ends_of_membership(account, first) != 0);
        let bound = self.steps.len() + others;
        let mut highest = Highest::default();
        for step in &self.steps {
            highest.exceeded(&mut self.levels, step.group, expires(step.group), step.level);
        }
        let mut at = 0;
        while at < self.steps.len() {
            let way = at as u32;
            let Step { group, length, level, .. } = self.steps[at];
            let expires = of.is_some() && self.groups(way).last().is_some_and(expires);
            let was_loop = self.is_loop(way);
            for &parent in edges.parents(group) {
                let is_loop = was_loop || self.groups(way).any(|passed| passed == parent);
                let level = self.levels.raised(level, graph.raise_of_group(parent));
                let better = highest.exceeded(&mut self.levels, parent, expires, level);
                if better || (!is_loop && self.steps.len() < bound) {
                    if is_loop {
                        self.loops.push(self.steps.len() as u32);
                    }
                    self.steps.push(Step { group: parent, before: way, length: length + 1, level });
                } else if others > 0 && !is_loop {
                    *self.cut.entry(parent).or_default() += 1;
                }
            }
            at += 1;
        }
    }

    /// Returns whether some way passes a group twice.
    pub(crate) fn has_loops(&self) -> bool {
        !self.loops.is_empty()
    }

    /// Returns whether a way passes a group twice.
    pub(crate) fn is_loop(&self, way: u32) -> bool {
        self.loops.binary_search(&way).is_ok()
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
        for (way, step) in (0_u32..).zip(&self.steps) {
            // Loops were not counted.
            if let Some(count) = others.get_mut(&step.group).filter(|_| !self.is_loop(way)) {
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

/// What the ways to each group raise together.
#[derive(Default)]
struct Highest {
    standing: HashMap<u32, Level>,
    /// Those of ways that expire, where they raise more.
    expiring: HashMap<u32, Level>,
}

impl Highest {
    /// Enters a way to a group, and returns whether it is the first or raises more than those before it that stand as
    /// long.
    fn exceeded(&mut self, levels: &mut Levels, group: u32, expires: bool, level: Level) -> bool {
        let of_others = if expires { self.standing.get(&group) } else { None };
        if of_others.is_some_and(|known| !levels.exceeds(level, *known)) {
            return false;
        }
        let place = if expires { self.expiring.entry(group) } else { self.standing.entry(group) };
        match place {
            Entry::Vacant(place) => {
                place.insert(level);
                true
            }
            Entry::Occupied(mut known) => {
                let better = levels.exceeds(level, *known.get());
                if better {
                    let both = levels.both(level, *known.get());
                    known.insert(both);
                }
                better
            }
        }
    }
}

/// Counts the ways up from `first` to each group that pass none twice, within a bound. Depth-first, so that distant groups are
/// counted too.
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
    /// with a group of which the account is a direct member, or with the group itself. A group is not above itself.
    pub fn ends(&self, subject: Subject) -> Vec<End> {
        match subject {
            Subject::Account(account) => self.ends_from(self.parts.groups_of.of(account).iter().copied()),
            Subject::Group(group) => {
                let mut ends = self.ends_from([group].into_iter());
                ends.remove(0);
                ends
            }
        }
    }

    /// Returns some groups and those above them, nearest first: what [`ends`](Self::ends) returns for an account that is a
    /// direct member of these alone.
    pub fn ends_from(&self, groups: impl Iterator<Item = u32>) -> Vec<End> {
        ends(&Ways::up(self, &Everything(self), groups, 0, None))
    }
}

/// Groups ways by their last group, in the order of the first way to each.
fn ends(ways: &Ways) -> Vec<End> {
    let mut ends: Vec<End> = Vec::with_capacity(ways.len());
    let mut places: HashMap<u32, usize> = HashMap::new();
    // Without nesting, each group ends exactly one way, so no lookup is needed.
    let alone = !ways.are_nested();
    for way in 0..ways.len() as u32 {
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
