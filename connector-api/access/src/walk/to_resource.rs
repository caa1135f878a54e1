//! Who reaches one resource.

use hashbrown::{HashMap, HashSet};

use crate::graph::{Bound, Graph, Subject};
use crate::lists::Lists;
use crate::walk::edges::{Edges, Everything};
use crate::walk::from_subject::Reach;
use crate::walk::ways::{WAYS, Ways};

/// The reversed edges of a graph, for finding who reaches a resource. Made once for many queries.
#[derive(Debug, Clone)]
pub struct Reverse<'g> {
    graph: &'g Graph,
    /// For each group, the accounts that are its direct members.
    accounts: Lists<u32>,
    /// For each group, the groups that are its direct members.
    children: Lists<u32>,
    /// For each resource, the containers that it is directly in.
    containers: Lists<u32>,
    /// For each resource, the accounts that are bound to it, with the position among their bindings.
    bindings_of_accounts: Lists<(u32, u32)>,
    /// The same for groups.
    bindings_of_groups: Lists<(u32, u32)>,
}

impl<'g> Reverse<'g> {
    /// Reverses the edges of a graph.
    pub fn of(graph: &'g Graph) -> Self {
        let parts = &graph.parts;
        let resources = parts.resources.len();
        let turned = |lists: &'g Lists<u32>, count| Lists::new(count, lists.pairs().map(|(from, to)| (*to, from)));
        let bindings = |lists: &'g Lists<Bound>| {
            let places = (0..lists.len() as u32).flat_map(move |from| {
                (0_u32..).zip(lists.of(from)).map(move |(place, bound)| (bound.to, (from, place)))
            });
            Lists::new(resources, places)
        };
        Self {
            graph,
            accounts: turned(&parts.groups_of, parts.bindings_of_groups.len()),
            children: turned(&parts.parents, parts.parents.len()),
            containers: turned(&parts.inside, resources),
            bindings_of_accounts: bindings(&parts.bindings_of_accounts),
            bindings_of_groups: bindings(&parts.bindings_of_groups),
        }
    }

    /// Returns who reaches a resource: groups first, then accounts, each by index. The [`Reach`] of each is limited to
    /// the resource.
    pub fn who(&self, resource: u32) -> Who<'g> {
        let edges = Only::of(self, resource);
        let parts = &self.graph.parts;
        let mut accounts = Bits::new(parts.groups_of.len().max(parts.bindings_of_accounts.len()));
        let held = edges.groups.all().flat_map(|group| self.accounts.of(group)).copied();
        held.chain(edges.bindings_of_accounts.keys().copied()).for_each(|account| accounts.insert(account));
        let groups = edges.groups.all().map(Subject::Group);
        let subjects: Vec<Subject> = groups.chain(accounts.all().map(Subject::Account)).collect();
        Who { graph: self.graph, edges, subjects: subjects.into_iter(), ways_above: HashMap::new() }
    }
}

/// The edges that lead to one resource.
struct Only<'g> {
    graph: &'g Graph,
    resource: u32,
    /// For each container that holds the resource, directly or through others, what leads there.
    inside: HashMap<u32, Vec<u32>>,
    bindings_of_accounts: HashMap<u32, Vec<Bound>>,
    bindings_of_groups: HashMap<u32, Vec<Bound>>,
    /// The groups that reach it.
    groups: Bits,
    /// For each of those groups, the others that it is inside of, if there are any.
    parents: HashMap<u32, Vec<u32>>,
}

impl<'g> Only<'g> {
    fn of(reverse: &Reverse<'g>, resource: u32) -> Self {
        let graph = reverse.graph;
        let around = all_from([resource], |at| reverse.containers.of(at));
        let leading = |of: &Lists<u32>, at: u32, to: &HashSet<u32>| -> Vec<u32> {
            of.of(at).iter().copied().filter(|next| to.contains(next)).collect()
        };
        let inside = around.iter().map(|at| (*at, leading(&graph.parts.inside, *at, &around)));
        let bindings = |reverse: &Lists<(u32, u32)>, all: &Lists<Bound>| {
            let mut places: HashMap<u32, Vec<u32>> = HashMap::new();
            for (from, place) in around.iter().flat_map(|at| reverse.of(*at)) {
                places.entry(*from).or_default().push(*place);
            }
            let in_order = |(from, mut places): (u32, Vec<u32>)| {
                places.sort_unstable();
                (from, places.into_iter().map(|place| all.of(from)[place as usize]).collect())
            };
            places.into_iter().map(in_order).collect::<HashMap<u32, Vec<Bound>>>()
        };
        let bindings_of_groups = bindings(&reverse.bindings_of_groups, &graph.parts.bindings_of_groups);
        let groups = all_from(bindings_of_groups.keys().copied(), |at| reverse.children.of(at));
        let parents = groups.iter().map(|at| (*at, leading(&graph.parts.parents, *at, &groups)));
        Self {
            graph,
            resource,
            inside: inside.collect(),
            bindings_of_accounts: bindings(&reverse.bindings_of_accounts, &graph.parts.bindings_of_accounts),
            bindings_of_groups,
            parents: parents.filter(|(_, parents)| !parents.is_empty()).collect(),
            groups: Bits::of(graph.parts.parents.len().max(graph.parts.bindings_of_groups.len()), &groups),
        }
    }
}

/// A set of indices, one bit each.
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    /// An empty set of indices below `count`.
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    pub(crate) fn of(count: usize, set: &HashSet<u32>) -> Self {
        let mut bits = Self::new(count);
        set.iter().filter(|at| (**at as usize) < count).for_each(|at| bits.insert(*at));
        bits
    }

    /// Adds an index below the count; a larger one may be left out.
    fn insert(&mut self, at: u32) {
        if let Some(bits) = self.0.get_mut(at as usize / 64) {
            *bits |= 1 << (at % 64);
        }
    }

    pub(crate) fn has(&self, at: u32) -> bool {
        self.0.get(at as usize / 64).is_some_and(|bits| bits >> (at % 64) & 1 == 1)
    }

    /// Returns the indices in the set, in order.
    fn all(&self) -> impl Iterator<Item = u32> {
        let without_lowest = |bits: &u64| Some(bits & bits.wrapping_sub(1)).filter(|left| *left != 0);
        let words = (0_u32..).step_by(64).zip(self.0.iter().copied());
        words.filter(|(_, bits)| *bits != 0).flat_map(move |(first, bits)| {
            std::iter::successors(Some(bits), without_lowest).map(move |left| first + left.trailing_zeros())
        })
    }
}

/// Returns everything that can be reached from `first`, including it.
pub(crate) fn all_from<'l>(first: impl IntoIterator<Item = u32>, next: impl Fn(u32) -> &'l [u32]) -> HashSet<u32> {
    let mut open: Vec<u32> = first.into_iter().collect();
    let mut all: HashSet<u32> = open.iter().copied().collect();
    while let Some(at) = open.pop() {
        open.extend(next(at).iter().copied().filter(|next| all.insert(*next)));
    }
    all
}

impl Edges for Only<'_> {
    fn groups_of(&self, account: u32) -> impl Iterator<Item = u32> {
        let groups = self.graph.parts.groups_of.of(account).iter().copied();
        groups.filter(|group| self.groups.has(*group))
    }

    fn parents(&self, group: u32) -> &[u32] {
        self.parents.get(&group).map_or(&[], Vec::as_slice)
    }

    fn bindings(&self, subject: Subject) -> &[Bound] {
        let bindings = match subject {
            Subject::Account(account) => self.bindings_of_accounts.get(&account),
            Subject::Group(group) => self.bindings_of_groups.get(&group),
        };
        bindings.map_or(&[], Vec::as_slice)
    }

    fn inside(&self, resource: u32) -> &[u32] {
        self.inside.get(&resource).map_or(&[], Vec::as_slice)
    }

    fn asks_for(&self, resource: u32) -> bool {
        resource == self.resource
    }
}

/// An iterator over those who reach a resource.
pub struct Who<'g> {
    graph: &'g Graph,
    edges: Only<'g>,
    subjects: std::vec::IntoIter<Subject>,
    /// The number of ways up from a group; `None` if more than [`WAYS`] exist.
    ways_above: HashMap<u32, Option<usize>>,
}

impl Who<'_> {
    /// Returns whether all ways up from a subject are followed. If not, which ones are followed depends on all edges.
    fn follows_all(&mut self, subject: Subject) -> bool {
        let Self { graph, edges, ways_above, .. } = self;
        let everything = Everything(graph);
        let mut above = |group: u32| {
            if everything.parents(group).is_empty() {
                return Some(0);
            }
            *ways_above.entry(group).or_insert_with(|| {
                let ways = Ways::up(graph, &everything, [group].into_iter(), WAYS, None);
                (!ways.is_cut()).then(|| ways.len() - 1)
            })
        };
        match subject {
            Subject::Group(group) => above(group).is_some(),
            Subject::Account(account) => {
                // A way that leads no further was not cut off.
                if edges.groups_of(account).all(|group| edges.parents(group).is_empty()) {
                    return true;
                }
                let groups = graph.parts.groups_of.of(account).iter();
                let all: Option<usize> = groups.map(|group| above(*group)).sum();
                all.is_some_and(|all| all <= WAYS)
            }
        }
    }
}

impl<'g> Iterator for Who<'g> {
    type Item = (Subject, Reach<'g>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let subject = self.subjects.next()?;
            let reach = if self.follows_all(subject) {
                Reach::of(self.graph, &self.edges, subject)
            } else {
                Reach::of(self.graph, &Everything(self.graph), subject).only(self.edges.resource)
            };
            if !reach.is_empty() {
                return Some((subject, reach));
            }
        }
    }
}
