//! Who reaches one resource.

use hashbrown::{HashMap, HashSet};

use crate::graph::{Bound, Graph, Subject};
use crate::lists::Lists;
use crate::walk::edges::{Edges, Everything};
use crate::walk::from_subject::Reach;
use crate::walk::ways::{WAYS, Ways};

/// The edges of a graph from their other ends, which asking who reaches a resource takes. It is made once for many.
#[derive(Debug, Clone)]
pub struct Reverse<'g> {
    graph: &'g Graph,
    /// For each group, the accounts that it holds directly.
    accounts: Lists<u32>,
    /// For each group, the groups that it holds directly.
    children: Lists<u32>,
    /// For each resource, those that it is inside of, directly.
    containers: Lists<u32>,
    /// For each resource, the accounts that are bound to it, and which of their bindings it is.
    bindings_of_accounts: Lists<(u32, u32)>,
    /// The same for groups.
    bindings_of_groups: Lists<(u32, u32)>,
}

impl<'g> Reverse<'g> {
    /// The other ends of a graph's edges.
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

    /// Who reaches a resource: groups first, each in the order of its kind, with what of its [`Reach`] is about the
    /// resource.
    pub fn who(&self, resource: u32) -> Who<'g> {
        let edges = Only::of(self, resource);
        let groups = edges.groups.all();
        let held = groups.iter().flat_map(|group| self.accounts.of(*group)).copied();
        let mut accounts: Vec<u32> = held.chain(edges.bindings_of_accounts.keys().copied()).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let groups = groups.into_iter().map(Subject::Group);
        let subjects: Vec<Subject> = groups.chain(accounts.into_iter().map(Subject::Account)).collect();
        Who { graph: self.graph, edges, subjects: subjects.into_iter(), ways_above: HashMap::new() }
    }
}

/// The edges that lead to one resource.
struct Only<'g> {
    graph: &'g Graph,
    resource: u32,
    /// Of containers that hold it, directly or through others, what leads there.
    inside: HashMap<u32, Vec<u32>>,
    bindings_of_accounts: HashMap<u32, Vec<Bound>>,
    bindings_of_groups: HashMap<u32, Vec<Bound>>,
    /// The groups from which it is reached.
    groups: Bits,
    /// Those of them that are inside of others of them, with these.
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

/// Some of many things, a bit for each.
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    pub(crate) fn of(count: usize, set: &HashSet<u32>) -> Self {
        let mut bits = vec![0; count.div_ceil(64)];
        for at in set.iter().filter(|at| (**at as usize) < count) {
            bits[*at as usize / 64] |= 1 << (at % 64);
        }
        Self(bits)
    }

    pub(crate) fn has(&self, at: u32) -> bool {
        self.0.get(at as usize / 64).is_some_and(|bits| bits >> (at % 64) & 1 == 1)
    }

    /// Those that are set, in order.
    fn all(&self) -> Vec<u32> {
        (0..self.0.len() as u32 * 64).filter(|at| self.has(*at)).collect()
    }
}

/// Everything that is reached over some edges.
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

/// Those who reach a resource, one after another.
pub struct Who<'g> {
    graph: &'g Graph,
    edges: Only<'g>,
    subjects: std::vec::IntoIter<Subject>,
    /// How many ways lead up from a group; `None` where more than are followed.
    ways_above: HashMap<u32, Option<usize>>,
}

impl Who<'_> {
    /// Whether all ways up from a subject are followed, wherever they lead. If not, those that are depend on all.
    fn follows_all(&mut self, subject: Subject) -> bool {
        let Self { graph, edges, ways_above, .. } = self;
        let everything = Everything(graph);
        let mut above = |group: u32| {
            if everything.parents(group).is_empty() {
                return Some(0);
            }
            *ways_above.entry(group).or_insert_with(|| {
                let ways = Ways::up(graph, &everything, [group].into_iter(), WAYS);
                (!ways.is_cut()).then(|| ways.len() - 1)
            })
        };
        match subject {
            Subject::Group(group) => above(group).is_some(),
            Subject::Account(account) => {
                // Where no way leads on, none was left out.
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
