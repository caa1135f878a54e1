//! The walk compared with one that tries every path, over random graphs with cycles, nested containers and raises.
#![allow(clippy::unwrap_used)]

use std::cmp::Reverse as Descending;
use std::collections::{BTreeMap, BTreeSet};

use connector_access::connector_api::jiff::Timestamp;
use connector_access::{Bound, Graph, Lists, Parts, Path, Raise, Rank, Reverse, Subject, Target};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ACCOUNTS: u32 = 6;
const GROUPS: u32 = 7;
const RESOURCES: u32 = 10;

/// Groups, containers, rank, and whether the account raised it.
type Way = (Vec<u32>, Vec<u32>, Rank, bool);

/// Resources by index: the first four are containers, the next three of type 0, the others of type 1.
fn draw(seed: u64) -> Graph {
    let dice = &mut ChaCha8Rng::seed_from_u64(seed);
    let pairs = |dice: &mut ChaCha8Rng, from: u32, to: std::ops::Range<u32>, share: f64| -> Vec<(u32, u32)> {
        let all = (0..from).flat_map(|from| to.clone().map(move |to| (from, to)));
        let mut pairs: Vec<_> = all.filter(|_| dice.random_bool(share)).collect();
        // Edges come in a different order than the indices.
        pairs.sort_by_cached_key(|_| dice.random::<u32>());
        pairs
    };
    let bound = |dice: &mut ChaCha8Rng, from| -> Vec<(u32, Bound)> {
        let pairs = pairs(dice, from, 0..RESOURCES, 0.2);
        let some = |to, dice: &mut ChaCha8Rng| Bound::new(to, Rank(dice.random_range(0..3)));
        pairs.into_iter().map(|(from, to)| (from, some(to, dice))).collect()
    };
    let lists = |count, pairs: Vec<(u32, u32)>| Lists::new(count as usize, pairs.into_iter());
    let raised =
        |dice: &mut ChaCha8Rng, count| (0..count).map(|_| dice.random_range(0..6_u32).saturating_sub(2)).collect();
    let mut of_account = Raise::new(Rank(2), [0]);
    of_account.raised_by = Some("own".to_owned());
    let mut parts = Parts::default();
    parts.groups_of = lists(ACCOUNTS, pairs(dice, ACCOUNTS, 0..GROUPS, 0.3));
    parts.parents = lists(GROUPS, pairs(dice, GROUPS, 0..GROUPS, 0.25));
    parts.bindings_of_accounts = Lists::new(ACCOUNTS as usize, bound(dice, ACCOUNTS).into_iter());
    parts.bindings_of_groups = Lists::new(GROUPS as usize, bound(dice, GROUPS).into_iter());
    parts.inside = lists(RESOURCES, pairs(dice, 4, 0..RESOURCES, 0.3));
    parts.resources =
        (0..RESOURCES).map(|at| if at < 3 { Target::container(0) } else { Target::new(u16::from(at > 6)) }).collect();
    parts.raises = vec![Raise::new(Rank(1), [0]), Raise::new(Rank(2), [1]), of_account];
    parts.raises_of_groups = raised(dice, GROUPS);
    parts.raises_of_accounts = raised(dice, ACCOUNTS);
    Graph::new(parts)
}

/// Returns every path of a subject, by trying all.
fn expected(graph: &Graph, subject: Subject) -> BTreeMap<u32, BTreeSet<Way>> {
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

fn enter(
    graph: &Graph,
    subject: Subject,
    way: &[u32],
    bound: &Bound,
    containers: &mut Vec<u32>,
    to: u32,
    all: &mut BTreeMap<u32, BTreeSet<Way>>,
) {
    let target = graph.parts().resources[to as usize];
    let on = |raise: Option<&Raise>| {
        raise.filter(|raise| raise.types.contains(&target.resource_type)).map_or(Rank(0), |raise| raise.rank)
    };
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

fn subjects() -> impl Iterator<Item = Subject> {
    (0..GROUPS).map(Subject::Group).chain((0..ACCOUNTS).map(Subject::Account))
}

fn way(path: &Path) -> Way {
    (path.groups.clone(), path.containers.clone(), path.rank, path.raised)
}

#[test]
fn every_path_is_found_with_its_rank_and_none_that_is_not_there() {
    let (mut many, mut raised, mut nested) = (0, 0, 0);
    for seed in 0..60 {
        let graph = draw(seed);
        for subject in subjects() {
            let expected = expected(&graph, subject);
            let reach = graph.reach(subject);
            let context = format!("seed {seed}, {subject:?}");
            let found: Vec<u32> = reach.iter().map(|reached| reached.resource()).collect();
            assert_eq!(found, expected.keys().copied().collect::<Vec<_>>(), "{context}");
            for (reached, (resource, ways)) in reach.iter().zip(&expected) {
                let context = format!("{context}, resource {resource}");
                let paths = reached.paths();
                let shown: BTreeSet<Way> = paths.shown.iter().map(way).collect();
                assert_eq!(shown.len(), paths.shown.len(), "{context}: each once");
                assert!(shown.is_subset(ways), "{context}: {shown:?} of {ways:?}");
                assert_eq!(shown.len() as u64 + paths.more, ways.len() as u64, "{context}");
                assert_eq!(reached.rank(), ways.iter().map(|way| way.2).max().unwrap(), "{context}");
                assert_eq!(reached.rank(), shown.iter().map(|way| way.2).max().unwrap(), "{context}");
                let direct = ways.iter().any(|(groups, containers, ..)| groups.is_empty() && containers.is_empty());
                assert_eq!(reached.is_direct(), direct, "{context}");
                let order = |path: &Path| (path.groups.len() + path.containers.len(), Descending(path.rank));
                let sorted = paths.shown.is_sorted_by_key(order);
                assert!(sorted || paths.more > 0, "{context}: shortest first");
                many += u64::from(paths.more > 0);
                raised += u64::from(shown.iter().any(|way| way.3));
                nested += u64::from(shown.iter().any(|way| way.1.len() > 1));
            }
        }
    }
    assert!(many > 0 && raised > 0 && nested > 0, "everything occurs: {many} {raised} {nested}");
}

#[test]
fn who_reaches_a_resource_is_the_same_as_all_that_everybody_reaches() {
    for seed in 0..60 {
        let graph = draw(seed);
        let reverse = Reverse::of(&graph);
        let all: Vec<_> = graph.all().collect();
        assert_eq!(all.iter().map(|(subject, _)| *subject).collect::<Vec<_>>(), subjects().collect::<Vec<_>>());
        for resource in 0..RESOURCES {
            let expected: Vec<_> = all
                .iter()
                .filter_map(|(subject, reach)| {
                    let reached = reach.iter().find(|reached| reached.resource() == resource)?;
                    Some((*subject, reached.rank(), reached.is_direct(), reached.paths()))
                })
                .collect();
            let found: Vec<_> = reverse
                .who(resource)
                .flat_map(|(subject, reach)| {
                    let each = reach.iter().map(|reached| {
                        assert_eq!(reached.resource(), resource);
                        (subject, reached.rank(), reached.is_direct(), reached.paths())
                    });
                    each.collect::<Vec<_>>()
                })
                .collect();
            assert_eq!(found, expected, "seed {seed}, resource {resource}");
        }
    }
}

#[test]
fn who_is_not_above_a_rank_reaches_nothing_with_more_than_that() {
    let (mut spared, mut privileged) = (0, 0);
    for seed in 0..300 {
        let graph = draw(seed);
        for rank in [Rank(0), Rank(1)] {
            let above = graph.above(rank);
            for subject in subjects() {
                let reach = graph.reach(subject);
                let reached: Vec<_> = reach.iter().filter(|reached| reached.is_above(rank)).collect();
                assert!(reached.iter().all(|reached| reached.rank() > rank), "seed {seed}: {subject:?}");
                assert!(above.may_reach(subject) || reached.is_empty(), "seed {seed}: {subject:?}");
                spared += usize::from(!above.may_reach(subject));
                privileged += reached.len();
            }
        }
    }
    assert!(spared > 300 && privileged > 1_000, "{spared} spared, {privileged} privileged");
}

#[test]
fn a_path_that_ends_is_above_every_rank() {
    let mut bound = Bound::new(0, Rank(0));
    bound.ends = 1;
    let mut parts = Parts::default();
    parts.groups_of = Lists::new(2, [(0, 0)].into_iter());
    parts.parents = Lists::new(2, [(0, 1)].into_iter());
    parts.bindings_of_accounts = Lists::new(2, [(1, Bound::new(0, Rank(0)))].into_iter());
    parts.bindings_of_groups = Lists::new(2, [(1, bound)].into_iter());
    parts.inside = Lists::new(1, std::iter::empty());
    parts.resources = vec![Target::new(0)];
    parts.ends = vec![Timestamp::UNIX_EPOCH];
    let graph = Graph::new(parts);
    let above = graph.above(Rank(0));
    let is_above = |subject| graph.reach(subject).iter().all(|reached| reached.is_above(Rank(0)));
    for (subject, expected) in [(Subject::Account(0), true), (Subject::Group(0), true), (Subject::Account(1), false)] {
        assert_eq!((above.may_reach(subject), is_above(subject)), (expected, expected), "{subject:?}");
    }
}

/// Groups that are all members of each other, with an account in the first and a resource bound to the last; a distant
/// group raises to the highest rank.
fn mesh(groups: u32) -> Graph {
    let each = (0..groups).flat_map(move |from| (0..groups).filter(move |to| *to != from).map(move |to| (from, to)));
    let mut parts = Parts::default();
    parts.groups_of = Lists::new(1, [(0, 0)].into_iter());
    parts.parents = Lists::new(groups as usize, each);
    parts.bindings_of_groups = Lists::new(groups as usize, [(groups - 1, Bound::new(0, Rank(0)))].into_iter());
    parts.bindings_of_accounts = Lists::new(1, std::iter::empty());
    parts.inside = Lists::new(1, std::iter::empty());
    parts.resources = vec![Target::default()];
    parts.raises = vec![Raise::new(Rank(7), [0])];
    parts.raises_of_groups = (0..groups).map(|group| u32::from(group == groups - 2)).collect();
    Graph::new(parts)
}

#[test]
fn more_ways_than_anybody_can_list_end_with_the_shortest_the_strongest_and_a_lower_bound() {
    let graph = mesh(14);
    let reach = graph.reach(Subject::Account(0));
    let reached = reach.iter().next().unwrap();
    let paths = reached.paths();
    assert_eq!((reached.rank(), paths.shown.len()), (Rank(7), 32));
    assert!(paths.shown.iter().any(|path| path.rank == Rank(7) && path.groups == [0, 12, 13]), "{paths:?}");
    assert_eq!(paths.shown[0].groups, [0, 13]);
    assert!(paths.more > 500, "{}", paths.more);
    let reverse = Reverse::of(&graph);
    let (_, of_resource) = reverse.who(0).last().unwrap();
    assert_eq!(of_resource.iter().next().unwrap().paths(), paths, "also if not all ways are followed");
}

#[test]
fn access_ends_when_its_last_binding_does_however_many_ways_lead_there() {
    let times = [1, 2].map(|second| Timestamp::from_second(second).unwrap());
    let ends_at = |of_group: u32, of_account: u32| {
        let ending = |ends| {
            let mut bound = Bound::new(0, Rank(0));
            bound.ends = ends;
            bound
        };
        let mut parts = mesh(14).parts().clone();
        parts.ends = times.to_vec();
        parts.bindings_of_groups = Lists::new(14, [(13, ending(of_group))].into_iter());
        parts.bindings_of_accounts = Lists::new(1, [(0, ending(of_account))].into_iter());
        let graph = Graph::new(parts);
        let reach = graph.reach(Subject::Account(0));
        let reached = reach.iter().next().unwrap();
        assert!(reached.paths().more > 500);
        reached.ends_at()
    };
    assert_eq!((ends_at(1, 2), ends_at(1, 1)), (Some(times[1]), Some(times[0])));
    assert_eq!((ends_at(0, 2), ends_at(1, 0)), (None, None));
}

#[test]
fn a_path_ends_with_the_membership_at_its_beginning_and_access_with_the_last_path() {
    let (mut ending, mut standing, mut partly) = (0, 0, 0);
    for seed in 0..60 {
        let mut parts = draw(seed).parts().clone();
        let dice = &mut ChaCha8Rng::seed_from_u64(seed);
        parts.ends = (1..9).map(|second| Timestamp::from_second(second).unwrap()).collect();
        let memberships: Vec<(u32, u32)> = parts.groups_of.pairs().map(|(account, group)| (account, *group)).collect();
        parts.ends_of_memberships = memberships
            .into_iter()
            .flat_map(|of| dice.random_bool(0.5).then(|| (of, dice.random_range(1..9))))
            .collect();
        let graph = Graph::new(parts);
        let (reverse, above) = (Reverse::of(&graph), graph.above(Rank(9)));
        for account in 0..ACCOUNTS {
            let subject = Subject::Account(account);
            let end_of = |way: &[u32]| graph.end_of_membership(account, *way.first()?);
            let expected = expected(&graph, subject);
            let reach = graph.reach(subject);
            assert!(above.may_reach(subject) || reach.iter().all(|reached| reached.ends_at().is_none()), "seed {seed}");
            for (reached, (resource, ways)) in reach.iter().zip(&expected) {
                let context = format!("seed {seed}, account {account}, resource {resource}");
                let ends: Vec<Option<Timestamp>> = ways.iter().map(|(groups, ..)| end_of(groups)).collect();
                let whole = ends.iter().copied().reduce(|one, other| Some(one?.max(other?))).flatten();
                assert_eq!(reached.ends_at(), whole, "{context}");
                assert!(reached.is_above(Rank(9)) || whole.is_none(), "{context}");
                for path in reached.paths().shown {
                    assert_eq!(path.ends_at, end_of(&path.groups), "{context}: {path:?}");
                }
                let who = reverse.who(*resource).find(|(who, _)| *who == subject).unwrap().1;
                let same = who.iter().next().unwrap();
                assert_eq!((same.ends_at(), same.paths()), (whole, reached.paths()), "{context}: from the other end");
                ending += usize::from(whole.is_some());
                standing += usize::from(whole.is_none());
                partly += usize::from(whole.is_none() && ends.iter().any(Option::is_some));
            }
            let groups: BTreeMap<u32, Timestamp> = graph.expiring_groups(account).into_iter().collect();
            let of_groups = graph.ends(subject).into_iter().map(|end| end.shortest);
            let latest = of_groups.filter_map(|way| {
                let group = *way.last()?;
                let first = graph.parts().groups_of.of(account).iter().copied();
                let leading = first.filter(|first| {
                    graph.ends_from([*first].into_iter()).iter().any(|end| end.shortest.last() == Some(&group))
                });
                let ends = leading.map(|first| graph.end_of_membership(account, first));
                Some((group, ends.reduce(|one, other| Some(one?.max(other?)))??))
            });
            assert_eq!(groups, latest.collect(), "seed {seed}, account {account}");
        }
    }
    assert!(ending > 100 && standing > 100 && partly > 100, "everything occurs: {ending} {standing} {partly}");
}

#[test]
fn an_edge_to_nothing_leads_nowhere() {
    let mut parts = mesh(3).parts().clone();
    parts.bindings_of_accounts = Lists::new(1, [(0, Bound::new(77, Rank(1))), (9, Bound::new(0, Rank(1)))].into_iter());
    parts.inside = Lists::new(1, [(0, 55)].into_iter());
    let graph = Graph::new(parts);
    assert_eq!(graph.reach(Subject::Account(0)).iter().count(), 1);
    assert!(graph.reach(Subject::Account(5)).is_empty() && graph.reach(Subject::Group(5)).is_empty());
    assert_eq!(Reverse::of(&graph).who(77).count(), 0);
}

#[test]
fn the_ends_of_ways_are_the_groups_above_each_with_the_nearest_and_the_strongest_way() {
    let graph = mesh(4);
    let ends = graph.ends(Subject::Account(0));
    let ends: Vec<_> = ends.iter().map(|end| (end.shortest.clone(), end.strongest().to_vec())).collect();
    assert_eq!(ends[0], (vec![0], vec![0]), "no way passes a group twice");
    assert_eq!(ends[1], (vec![0, 1], vec![0, 2, 1]));
    assert_eq!(ends[2], (vec![0, 2], vec![0, 2]));
    assert_eq!(ends[3], (vec![0, 3], vec![0, 2, 3]));
    assert_eq!(graph.ends(Subject::Group(0)).len(), 3, "a group is not above itself");
}
