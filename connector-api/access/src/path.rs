//! The paths to one resource: which are shown, and in which order.

use std::cmp::Reverse;

use connector_api::{Access, AccessPath, Grant, PathStep, Principal, ResourceRef};
use jiff::Timestamp;

use crate::rank::Rank;
use crate::walk::from_subject::{DIRECT, Reached};

/// The maximum number of paths shown for one grant. Further ones are only counted.
const PATHS: usize = 32;

/// The paths to one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Paths {
    /// The shortest paths, including one of the strongest. Sorted by length, then stronger ones first.
    pub shown: Vec<Path>,
    /// A lower bound of the number of other paths.
    pub more: u64,
}

/// One path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Path {
    /// The access that the path gives.
    pub rank: Rank,
    /// Whether the account's own raise lifts it above what edges and groups give.
    pub raised: bool,
    /// The groups passed, in order.
    pub groups: Vec<u32>,
    /// The containers passed after the groups, outermost first.
    pub containers: Vec<u32>,
    /// When the path expires, UTC.
    pub ends_at: Option<Timestamp>,
}

/// A path that may or may not be shown.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    length: u32,
    rank: Rank,
    /// `None` if the path begins with the subject's own binding.
    way: Option<u32>,
    chain: u32,
    ends: u32,
    raised: bool,
}

impl Reached<'_> {
    /// Returns the paths.
    pub fn paths(&self) -> Paths {
        let (shown, more) = self.shown();
        Paths { shown: shown.into_iter().map(|candidate| self.path(candidate)).collect(), more }
    }

    /// Returns the paths to show, and a lower bound of the number of others.
    fn shown(&self) -> (Vec<Candidate>, u64) {
        let mut shown = self.candidates();
        let mut more = shown.len().saturating_sub(PATHS) as u64 + self.uncounted();
        // The strongest path is always shown, however long it is.
        if shown.len() > PATHS
            && let Some(strongest) = (0..shown.len()).max_by_key(|at| (shown[*at].rank, Reverse(*at)))
            && strongest >= PATHS
        {
            shown.swap(PATHS - 1, strongest);
        }
        shown.truncate(PATHS);
        more += self.reach.more.get(&self.resource()).copied().unwrap_or(0);
        (shown, more)
    }

    /// Returns every path that was followed, shortest first, without duplicates. A path passes a group twice only where no
    /// other one between the same ends gives as much.
    fn candidates(&self) -> Vec<Candidate> {
        let reach = self.reach;
        let resource_type = reach.graph.node(self.resource()).resource_type;
        let own = reach.own(resource_type);
        let mut all = Vec::new();
        for source in self.sources() {
            let inside = reach.chains.length(source.chain);
            let first = all.len();
            let mut push = |way: Option<u32>| {
                let (passed, of_groups) = match way {
                    Some(way) => {
                        let level = reach.ways.levels.on(reach.ways.level(way), resource_type);
                        (reach.ways.length(way) - reach.hidden(), level)
                    }
                    None => (0, Rank::default()),
                };
                let of_edges = source.rank.max(of_groups);
                let (rank, raised) = (of_edges.max(own), own > of_edges);
                let chain = source.chain;
                let ends = way.map_or(source.ends, |way| reach.ends_along(way, source.ends));
                all.push(Candidate { length: passed + inside, rank, way, chain, ends, raised });
            };
            match source.end {
                DIRECT => push(None),
                end => reach.ways_of_end(end).for_each(|way| push(Some(way))),
            }
            if reach.ways.has_loops() {
                self.leave_out_loops(&mut all, first);
            }
        }
        if all.len() > 1 {
            let order = |one: &Candidate| (one.length, Reverse(one.rank), one.way);
            all.sort_by_key(order);
            // A raise can make two bindings between the same ends the same path.
            let mut each = Vec::with_capacity(all.len());
            for candidate in all {
                let alike = each.iter().rev().take_while(|known| order(known) == order(&candidate));
                if !alike.into_iter().any(|known| self.are_alike(known, &candidate)) {
                    each.push(candidate);
                }
            }
            return each;
        }
        all
    }

    /// Leaves out the paths from `first` on that pass a group twice and give no more than others: what the way raises may not
    /// count here, because of the resource's type, or because the binding gives as much.
    fn leave_out_loops(&self, all: &mut Vec<Candidate>, first: usize) {
        let (ways, graph) = (&self.reach.ways, self.reach.graph);
        let is_loop = |candidate: &Candidate| candidate.way.is_some_and(|way| ways.is_loop(way));
        let (loops, mut kept): (Vec<_>, Vec<_>) = all.drain(first..).partition(is_loop);
        for candidate in loops {
            let lasts = |known: u32| known == candidate.ends || graph.earlier(known, candidate.ends) == candidate.ends;
            if !kept.iter().any(|known| known.rank >= candidate.rank && lasts(known.ends)) {
                kept.push(candidate);
            }
        }
        all.append(&mut kept);
    }

    fn are_alike(&self, one: &Candidate, other: &Candidate) -> bool {
        (one.ends, one.raised) == (other.ends, other.raised) && self.reach.chains.are_alike(one.chain, other.chain)
    }

    /// Returns a lower bound of the number of paths along ways that were not followed.
    fn uncounted(&self) -> u64 {
        let reach = self.reach;
        if reach.others_of_ends.is_empty() {
            return 0;
        }
        let mut distinct: Vec<(u32, u32)> = Vec::new();
        for source in self.sources().filter(|source| source.end != DIRECT) {
            // Two bindings between the same ends are two paths only if a container distinguishes them.
            let known = |(end, chain): &(u32, u32)| *end == source.end && reach.chains.are_alike(*chain, source.chain);
            if !distinct.iter().any(known) {
                distinct.push((source.end, source.chain));
            }
        }
        distinct.iter().filter_map(|(end, _)| reach.others_of_ends.get(end)).sum()
    }

    fn path(&self, candidate: Candidate) -> Path {
        let mut groups: Vec<u32> = self.groups(candidate).collect();
        groups.reverse();
        let mut containers: Vec<u32> = self.reach.chains.containers(candidate.chain).collect();
        containers.reverse();
        let Candidate { rank, raised, ends, .. } = candidate;
        Path { rank, raised, groups, containers, ends_at: self.reach.graph.end(ends) }
    }

    /// Returns the groups passed, last one first.
    fn groups(&self, candidate: Candidate) -> impl Iterator<Item = u32> {
        let ways = &self.reach.ways;
        let passed = |way: u32| ways.groups(way).take((ways.length(way) - self.reach.hidden()) as usize);
        candidate.way.into_iter().flat_map(passed)
    }

    /// Returns when the whole access expires: the latest expiry, if every path has one. It depends on bindings and
    /// memberships, so this also covers paths that were not followed.
    pub fn ends_at(&self) -> Option<Timestamp> {
        let ends = self.sources().map(|source| self.reach.graph.end(self.reach.ends_of(source)));
        ends.reduce(|one, other| Some(one?.max(other?))).flatten()
    }

    /// Returns the strongest access of all paths that do not expire.
    pub fn standing_rank(&self) -> Option<Rank> {
        let standing = self.candidates().into_iter().filter(|candidate| self.reach.graph.end(candidate.ends).is_none());
        standing.map(|candidate| candidate.rank).max()
    }

    /// Creates the grant of this access to a principal, as a row.
    pub fn grant(&self, naming: &impl Naming, principal: &Principal) -> Grant {
        let (shown, more) = self.shown();
        let access = naming.access(self.rank());
        let mut grant = Grant::new(principal.clone(), naming.resource(self.resource()), access);
        grant.direct = self.is_direct();
        grant.via = shown.into_iter().map(|candidate| self.row_of_path(naming, candidate)).collect();
        grant.more_paths = more;
        grant.expires_at = self.ends_at();
        grant
    }

    fn row_of_path(&self, naming: &impl Naming, candidate: Candidate) -> AccessPath {
        let reach = self.reach;
        let mut steps = Vec::with_capacity(candidate.length as usize);
        steps.extend(reach.chains.containers(candidate.chain).map(|container| {
            let ResourceRef { resource_type, external_id, name, .. } = naming.resource(container);
            PathStep::new(resource_type, external_id, name)
        }));
        steps.extend(self.groups(candidate).map(|group| naming.group(group)));
        steps.reverse();
        let mut path = AccessPath::new(naming.access(candidate.rank), steps);
        path.raised_by = reach.raised_by().filter(|_| candidate.raised).map(str::to_owned);
        path.expires_at = reach.graph.end(candidate.ends);
        path
    }
}

/// Maps a graph's indices to the names in rows.
pub trait Naming {
    /// Returns a group as a step of a path.
    fn group(&self, group: u32) -> PathStep;

    /// Returns a resource.
    fn resource(&self, resource: u32) -> ResourceRef;

    /// Returns an access.
    fn access(&self, rank: Rank) -> Access;
}
