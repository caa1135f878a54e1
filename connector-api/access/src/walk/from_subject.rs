//! What one account or group reaches.

use hashbrown::hash_map::Entry as Place;
use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;

use crate::graph::{Bound, Graph, Subject};
use crate::lists::Lists;
use crate::raises::{Level, NO_LEVEL, Raise};
use crate::rank::Rank;
use crate::walk::chains::{Chains, NO_CHAIN};
use crate::walk::edges::{Edges, Everything};
use crate::walk::ways::{WAYS, Ways};

/// The end of a subject's own bindings, which pass through no group.
pub(crate) const DIRECT: u32 = u32::MAX;

/// A resource that is reached, with its [`Source`]. Small, and ordered by these fields: there may be many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) resource: u32,
    pub(crate) source: u32,
}

/// One binding through one chain of containers, by all ways to the group that is bound.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    /// The index of the bound group among the ends, or [`DIRECT`].
    pub(crate) end: u32,
    pub(crate) chain: u32,
    /// When the binding expires, as in [`Bound`].
    pub(crate) ends: u32,
    /// The access that the binding gives by itself.
    pub(crate) rank: Rank,
}

impl Graph {
    /// Returns what an account or group reaches, with the paths.
    pub fn reach(&self, subject: Subject) -> Reach<'_> {
        Reach::of(self, &Everything(self), subject)
    }

    /// Returns what every group and every account reaches, one after another, groups first.
    pub fn all(&self) -> impl Iterator<Item = (Subject, Reach<'_>)> {
        let groups = (0..self.parts.bindings_of_groups.len() as u32).map(Subject::Group);
        let accounts = (0..self.parts.groups_of.len() as u32).map(Subject::Account);
        groups.chain(accounts).map(|subject| (subject, self.reach(subject)))
    }
}

/// What one account or group reaches, with the paths.
///
/// Each edge involved is stored once, however many ways lead to it. Paths are built on demand.
#[derive(Debug)]
pub struct Reach<'g> {
    pub(crate) graph: &'g Graph,
    pub(crate) subject: Subject,
    pub(crate) ways: Ways,
    pub(crate) chains: Chains,
    /// For each group that is reached, the ways that end at it; `None` if no way has two groups, so that each way is
    /// its own end.
    ways_of_ends: Option<Lists<u32>>,
    /// For each group that is reached, what those ways raise together; empty in the same case.
    levels_of_ends: Vec<Level>,
    /// The account's own raise.
    own: Option<&'g Raise>,
    /// For each end, a lower bound of the number of ways that were not followed.
    pub(crate) others_of_ends: HashMap<u32, u64>,
    /// For each resource, a lower bound of the paths that were not followed because there are too many chains of
    /// containers.
    pub(crate) more: HashMap<u32, u64>,
    /// The groups that an account is in only by memberships that expire, each with the latest expiry.
    pub(crate) expiring: HashMap<u32, u32>,
    /// Inline where there are few: who reaches one resource has one or two.
    sources: SmallVec<[Source; 2]>,
    /// Sorted by resource, then in the order of discovery.
    entries: SmallVec<[Entry; 2]>,
}

impl<'g> Reach<'g> {
    /// Walks from a subject over the given edges.
    pub(crate) fn of(graph: &'g Graph, edges: &impl Edges, subject: Subject) -> Self {
        let ways = match subject {
            Subject::Account(account) => {
                let of = graph.has_expiring_memberships(account).then_some(account);
                Ways::up(graph, edges, edges.groups_of(account), WAYS, of)
            }
            Subject::Group(group) => Ways::up(graph, edges, [group].into_iter(), WAYS, None),
        };
        let mut reach = Self {
            graph,
            subject,
            ways,
            chains: Chains::default(),
            ways_of_ends: None,
            own: match subject {
                Subject::Account(account) => graph.raise_of_account(account),
                Subject::Group(_) => None,
            },
            levels_of_ends: Vec::new(),
            others_of_ends: HashMap::new(),
            more: HashMap::new(),
            expiring: match subject {
                Subject::Account(account) => graph.expiring(edges, account),
                Subject::Group(_) => HashMap::new(),
            },
            sources: SmallVec::new(),
            entries: SmallVec::new(),
        };
        if let Subject::Account(_) = subject {
            edges.bindings(subject).iter().for_each(|bound| reach.enter(edges, bound, DIRECT));
        }
        if !reach.ways.are_nested() {
            for way in 0..reach.ways.len() as u32 {
                let group = Subject::Group(reach.ways.last(way));
                edges.bindings(group).iter().for_each(|bound| reach.enter(edges, bound, way));
            }
            reach.sort();
            return reach;
        }
        let groups = reach.enter_ends();
        for (end, group) in (0_u32..).zip(&groups) {
            edges.bindings(Subject::Group(*group)).iter().for_each(|bound| reach.enter(edges, bound, end));
        }
        if reach.ways.is_cut() {
            let others = reach.ways.others(edges);
            let ends = (0_u32..).zip(&groups);
            reach.others_of_ends = ends.filter_map(|(end, group)| Some((end, *others.get(group)?))).collect();
        }
        reach.sort();
        reach
    }

    fn sort(&mut self) {
        // One comparison per pair.
        self.entries.sort_unstable_by_key(|entry| u64::from(entry.resource) << 32 | u64::from(entry.source));
    }

    /// Enters the last groups of all ways, and returns them in the order of the first way to each.
    fn enter_ends(&mut self) -> Vec<u32> {
        let Self { ways, levels_of_ends, .. } = self;
        let (mut groups, mut places) = (Vec::new(), HashMap::<u32, u32>::new());
        let mut end_of_ways = Vec::with_capacity(ways.len());
        for way in 0..ways.len() as u32 {
            let (group, level) = (ways.last(way), ways.level(way));
            match places.entry(group) {
                Place::Occupied(end) => {
                    let known = &mut levels_of_ends[*end.get() as usize];
                    *known = ways.levels.both(*known, level);
                    end_of_ways.push(*end.get());
                }
                Place::Vacant(place) => {
                    place.insert(groups.len() as u32);
                    end_of_ways.push(groups.len() as u32);
                    groups.push(group);
                    levels_of_ends.push(level);
                }
            }
        }
        self.ways_of_ends = Some(Lists::new(groups.len(), end_of_ways.into_iter().zip(0..)));
        groups
    }

    /// Enters what a binding leads to.
    fn enter(&mut self, edges: &impl Edges, bound: &Bound, end: u32) {
        let node = self.graph.node(bound.to);
        if node.is_target && edges.asks_for(bound.to) {
            let source = self.source(bound, end, NO_CHAIN);
            self.entries.push(Entry { resource: bound.to, source });
        }
        if node.holds {
            let chain = self.chains.behind(NO_CHAIN, bound.to);
            let mut nested = Vec::new();
            self.enter_inside(edges, bound, end, chain, bound.to, &mut nested);
            if !nested.is_empty() {
                self.enter_nested(edges, bound, end, nested);
            }
        }
    }

    /// Enters what is inside the last container of a chain. Resources that contain something themselves go to `nested`.
    fn enter_inside(
        &mut self,
        edges: &impl Edges,
        bound: &Bound,
        end: u32,
        chain: u32,
        container: u32,
        nested: &mut Vec<(u32, u32)>,
    ) {
        let source = self.source(bound, end, chain);
        for &resource in edges.inside(container) {
            let node = self.graph.node(resource);
            if node.holds {
                // A resource is not reached through itself.
                if self.chains.containers(chain).any(|container| container == resource) {
                    continue;
                }
                nested.push((chain, resource));
            }
            if node.is_target && edges.asks_for(resource) {
                self.entries.push(Entry { resource, source });
            }
        }
    }

    /// Enters what is inside nested containers.
    fn enter_nested(&mut self, edges: &impl Edges, bound: &Bound, end: u32, mut nested: Vec<(u32, u32)>) {
        let first = self.chains.len();
        let mut passed = HashSet::new();
        while let Some((before, container)) = nested.pop() {
            if passed.insert(container) || self.chains.len() - first < WAYS {
                let chain = self.chains.behind(before, container);
                self.enter_inside(edges, bound, end, chain, container, &mut nested);
            } else {
                let reached = edges.inside(container).iter().filter(|held| self.graph.node(**held).is_target);
                reached.for_each(|held| *self.more.entry(*held).or_default() += 1);
            }
        }
    }

    fn source(&mut self, bound: &Bound, end: u32, chain: u32) -> u32 {
        self.sources.push(Source { end, chain, ends: bound.ends, rank: bound.rank });
        self.sources.len() as u32 - 1
    }

    /// Keeps only what concerns one resource.
    pub(crate) fn only(mut self, resource: u32) -> Self {
        self.entries.retain(|entry| entry.resource == resource);
        self
    }

    /// Returns the resources that are reached, by index.
    pub fn iter(&self) -> impl Iterator<Item = Reached<'_>> {
        let of_one = self.entries.chunk_by(|one, next| one.resource == next.resource);
        of_one.map(|entries| Reached { reach: self, entries })
    }

    /// Returns whether nothing is reached.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the account's own raise on a resource type.
    pub(crate) fn own(&self, resource_type: u16) -> Rank {
        self.own.map_or(Rank::default(), |raise| raise.on(resource_type))
    }

    /// Returns the word for that raise in a path.
    pub(crate) fn raised_by(&self) -> Option<&'g str> {
        self.own?.raised_by.as_deref()
    }

    /// Returns what all ways that end at a reached group raise together.
    fn level_of_end(&self, end: u32) -> Level {
        match &self.ways_of_ends {
            _ if end == DIRECT => NO_LEVEL,
            Some(_) => self.levels_of_ends[end as usize],
            None => self.ways.level(end),
        }
    }

    /// Returns when a binding expires for the subject, whichever way it takes to the bound group.
    pub(crate) fn ends_of(&self, source: &Source) -> u32 {
        if self.expiring.is_empty() || source.end == DIRECT {
            return source.ends;
        }
        let group = self.ways_of_end(source.end).next().map(|way| self.ways.last(way));
        let of_membership = group.and_then(|group| self.expiring.get(&group)).copied().unwrap_or(0);
        self.graph.earlier(source.ends, of_membership)
    }

    /// Returns when the path along a way to a binding expires.
    pub(crate) fn ends_along(&self, way: u32, ends: u32) -> u32 {
        match (self.subject, self.ways.groups(way).last()) {
            (Subject::Account(account), Some(first)) if self.graph.has_expiring_memberships(account) => {
                self.graph.earlier(ends, self.graph.ends_of_membership(account, first))
            }
            _ => ends,
        }
    }

    /// Returns the ways that end at a reached group.
    pub(crate) fn ways_of_end(&self, end: u32) -> impl Iterator<Item = u32> {
        let (own, ways) = match &self.ways_of_ends {
            Some(ways) => (None, ways.of(end)),
            None => (Some(end), &[][..]),
        };
        own.into_iter().chain(ways.iter().copied())
    }

    /// Returns the number of leading groups of a way that paths do not show: a group's own paths do not start with
    /// itself.
    pub(crate) fn hidden(&self) -> u32 {
        u32::from(matches!(self.subject, Subject::Group(_)))
    }
}

/// A resource that a subject reaches.
#[derive(Debug, Clone, Copy)]
pub struct Reached<'r> {
    pub(crate) reach: &'r Reach<'r>,
    pub(crate) entries: &'r [Entry],
}

impl<'r> Reached<'r> {
    /// Returns the resource's index.
    pub fn resource(&self) -> u32 {
        self.entries.first().map_or(u32::MAX, |entry| entry.resource)
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = &'r Source> {
        let sources = &self.reach.sources;
        self.entries.iter().map(|entry| &sources[entry.source as usize])
    }

    /// Returns the strongest access of all paths.
    pub fn rank(&self) -> Rank {
        let resource_type = self.reach.graph.node(self.resource()).resource_type;
        let rank = |source: &Source| {
            let level = self.reach.level_of_end(source.end);
            source.rank.max(self.reach.ways.levels.on(level, resource_type))
        };
        let of_edges = self.sources().map(rank).max().unwrap_or_default();
        of_edges.max(self.reach.own(resource_type))
    }

    /// Returns whether one of the paths is a binding of the subject itself to the resource itself.
    pub fn is_direct(&self) -> bool {
        let own = |source: &Source| match self.reach.subject {
            Subject::Account(_) => source.end == DIRECT,
            // A group's first way is the group itself.
            Subject::Group(_) => source.end == 0,
        };
        self.sources().any(|source| source.chain == NO_CHAIN && own(source))
    }
}
