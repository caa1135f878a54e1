//! What there is to find: every path without a group twice, and the highest rank over all walks.

use std::collections::{BTreeMap, BTreeSet};

use connector_access::{Bound, Graph, Path, Raise, Rank, Subject};

/// Groups, containers, rank, and whether the account raised it.
pub type Way = (Vec<u32>, Vec<u32>, Rank, bool);

/// Returns every path of a subject that passes no group twice, by trying all.
pub fn expected(graph: &Graph, subject: Subject) -> BTreeMap<u32, BTreeSet<Way>> {
    let parts = graph.parts();
    let mut all = BTreeMap::new();
    let mut ways: Vec<Vec<u32>> = match subject {
        Subject::Account(account) => parts.groups_of.of(account).iter().map(|group| vec![*group]).collect(),
        Subject::Group(group) => vec![vec![group]],
    };
    while let Some(way) = ways.pop() {
        for bound in parts.bindings_of_groups.of(way[way.len() - 1]) {
            enter(graph, subject, &way, bound, &mut Vec::new(), bound.to, &mut all);
        }
        let next = parts.parents.of(way[way.len() - 1]).iter().filter(|parent| !way.contains(parent));
        ways.extend(next.map(|parent| way.iter().copied().chain([*parent]).collect()));
    }
    if let Subject::Account(account) = subject {
        for bound in parts.bindings_of_accounts.of(account) {
            enter(graph, subject, &[], bound, &mut Vec::new(), bound.to, &mut all);
        }
    }
    all
}

/// Returns the highest rank of a subject on each resource, whatever groups lead there and however often.
pub fn highest(graph: &Graph, subject: Subject) -> BTreeMap<u32, Rank> {
    let parts = graph.parts();
    let mut all = BTreeMap::new();
    for of_type in 0..2 {
        let of_groups = raised(graph, subject, of_type);
        let own = match subject {
            Subject::Account(account) => on(graph.raise_of_account(account), of_type),
            Subject::Group(_) => Rank(0),
        };
        let direct = match subject {
            Subject::Account(account) => parts.bindings_of_accounts.of(account),
            Subject::Group(_) => &[],
        };
        let through = of_groups.iter().flat_map(|(group, rank)| {
            parts.bindings_of_groups.of(*group).iter().map(|bound| (bound.to, bound.rank.max(*rank)))
        });
        for (to, rank) in direct.iter().map(|bound| (bound.to, bound.rank)).chain(through) {
            let (mut seen, mut open) = (BTreeSet::from([to]), vec![to]);
            while let Some(at) = open.pop() {
                let target = parts.resources[at as usize];
                if !target.container && target.resource_type == of_type {
                    let known = all.entry(at).or_insert(own);
                    *known = rank.max(*known);
                }
                open.extend(parts.inside.of(at).iter().filter(|inner| seen.insert(**inner)));
            }
        }
    }
    all
}

/// Returns what all walks to each group raise together on a type.
pub fn raised(graph: &Graph, subject: Subject, of_type: u16) -> BTreeMap<u32, Rank> {
    let parts = graph.parts();
    let mut open: Vec<(u32, Rank)> = match subject {
        Subject::Account(account) => parts.groups_of.of(account).iter().map(|group| (*group, Rank(0))).collect(),
        Subject::Group(group) => vec![(group, Rank(0))],
    };
    let mut all: BTreeMap<u32, Rank> = BTreeMap::new();
    while let Some((group, below)) = open.pop() {
        let rank = below.max(on(graph.raise_of_group(group), of_type));
        if all.get(&group).is_none_or(|known| *known < rank) {
            all.insert(group, rank);
            open.extend(parts.parents.of(group).iter().map(|parent| (*parent, rank)));
        }
    }
    all
}

pub fn on(raise: Option<&Raise>, of_type: u16) -> Rank {
    raise.filter(|raise| raise.types.contains(&of_type)).map_or(Rank(0), |raise| raise.rank)
}

/// The groups of a path as it was walked: those of a group begin with itself.
pub fn walked(subject: Subject, path: &Path) -> Vec<u32> {
    let first = match subject {
        Subject::Account(_) => None,
        Subject::Group(group) => Some(group),
    };
    first.into_iter().chain(path.groups.iter().copied()).collect()
}

pub fn passes_a_group_twice(walked: &[u32]) -> bool {
    walked.iter().collect::<BTreeSet<_>>().len() < walked.len()
}

/// Asserts that a path which passes a group twice exists, and gives more than those between the same ends that do not.
pub fn assert_gives_more(graph: &Graph, subject: Subject, resource: u32, path: &Path, all: &[Path]) {
    let (groups, parts) = (walked(subject, path), graph.parts());
    assert!(groups.windows(2).all(|pair| parts.parents.of(pair[0]).contains(&pair[1])), "{path:?}");
    if let Subject::Account(account) = subject {
        assert!(parts.groups_of.of(account).contains(&groups[0]), "{path:?}");
    }
    let mut of_groups = BTreeMap::new();
    for bound in parts.bindings_of_groups.of(groups[groups.len() - 1]) {
        enter(graph, subject, &groups, bound, &mut Vec::new(), bound.to, &mut of_groups);
    }
    assert!(of_groups[&resource].contains(&way(path)), "{path:?} of {of_groups:?}");
    let ends = |path: &Path| (path.groups.last().copied(), path.containers.clone());
    for other in all.iter().filter(|other| ends(other) == ends(path)) {
        let twice = passes_a_group_twice(&walked(subject, other));
        assert!(other.rank < path.rank || twice, "{path:?} and {other:?}");
    }
}

pub fn enter(
    graph: &Graph,
    subject: Subject,
    way: &[u32],
    bound: &Bound,
    containers: &mut Vec<u32>,
    to: u32,
    all: &mut BTreeMap<u32, BTreeSet<Way>>,
) {
    let target = graph.parts().resources[to as usize];
    let on = |raise| on(raise, target.resource_type);
    if !target.container {
        let of_groups = way.iter().map(|group| on(graph.raise_of_group(*group))).max().unwrap_or(Rank(0));
        let (own, shown) = match subject {
            Subject::Account(account) => (on(graph.raise_of_account(account)), way),
            Subject::Group(_) => (Rank(0), &way[1..]),
        };
        let of_edges = bound.rank.max(of_groups);
        let path = (shown.to_vec(), containers.clone(), of_edges.max(own), own > of_edges);
        all.entry(to).or_default().insert(path);
    }
    containers.push(to);
    for inner in graph.parts().inside.of(to) {
        if !containers.contains(inner) {
            enter(graph, subject, way, bound, containers, *inner, all);
        }
    }
    containers.pop();
}

pub fn way(path: &Path) -> Way {
    (path.groups.clone(), path.containers.clone(), path.rank, path.raised)
}

/// Whether no walk to a group raises more than those that pass no group twice.
pub fn nothing_is_gained_twice(graph: &Graph, subject: Subject) -> bool {
    let first: Vec<u32> = match subject {
        Subject::Account(account) => graph.parts().groups_of.of(account).to_vec(),
        Subject::Group(group) => vec![group],
    };
    (0..2).all(|of_type| {
        let mut once: BTreeMap<u32, Rank> = BTreeMap::new();
        let mut ways: Vec<Vec<u32>> = first.iter().map(|group| vec![*group]).collect();
        while let Some(way) = ways.pop() {
            let last = way[way.len() - 1];
            let rank = way.iter().map(|group| on(graph.raise_of_group(*group), of_type)).max().unwrap();
            let known = once.entry(last).or_insert(rank);
            *known = rank.max(*known);
            let next = graph.parts().parents.of(last).iter().filter(|parent| !way.contains(parent));
            ways.extend(next.map(|parent| way.iter().copied().chain([*parent]).collect()));
        }
        once == raised(graph, subject, of_type)
    })
}
