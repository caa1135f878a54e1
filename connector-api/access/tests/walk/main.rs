//! The walk compared with one that tries every path without a group twice, and with the highest rank over all walks, in random
//! graphs with cycles, nested containers and raises.
#![allow(clippy::unwrap_used)]

mod graphs;
mod oracle;

use std::cmp::Reverse as Descending;
use std::collections::{BTreeMap, BTreeSet};

use connector_access::connector_api::jiff::Timestamp;
use connector_access::{Bound, Graph, Lists, Parts, Path, Raise, Rank, Reverse, Subject, Target};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use graphs::{ACCOUNTS, RESOURCES, draw, mesh, subjects, without_expiring_memberships};
use oracle::{Way, assert_gives_more, expected, highest, nothing_is_gained_twice, passes_a_group_twice, walked, way};

#[test]
fn every_path_is_found_with_its_rank_and_one_with_a_group_twice_only_where_others_give_less() {
    let (mut many, mut own, mut nested, mut loops, mut exact) = (0, 0, 0, 0, 0);
    for seed in 0..60 {
        let graph = draw(seed);
        for subject in subjects() {
            let expected = expected(&graph, subject);
            let highest = highest(&graph, subject);
            let reach = graph.reach(subject);
            let context = format!("seed {seed}, {subject:?}");
            let found: Vec<u32> = reach.iter().map(|reached| reached.resource()).collect();
            assert_eq!(found, expected.keys().copied().collect::<Vec<_>>(), "{context}");
            for (reached, (resource, ways)) in reach.iter().zip(&expected) {
                let context = format!("{context}, resource {resource}");
                let paths = reached.paths();
                let all: BTreeSet<Way> = paths.shown.iter().map(way).collect();
                assert_eq!(all.len(), paths.shown.len(), "{context}: each once");
                let (twice, once): (Vec<&Path>, Vec<&Path>) =
                    paths.shown.iter().partition(|path| passes_a_group_twice(&walked(subject, path)));
                twice.iter().for_each(|path| assert_gives_more(&graph, subject, *resource, path, &paths.shown));
                let once: BTreeSet<Way> = once.into_iter().map(way).collect();
                assert!(once.is_subset(ways), "{context}: {once:?} of {ways:?}");
                let count = all.len() as u64 + paths.more;
                if paths.more == 0 {
                    assert_eq!(&once, ways, "{context}");
                } else if nothing_is_gained_twice(&graph, subject) {
                    assert_eq!(count, ways.len() as u64, "{context}");
                    exact += 1;
                }
                assert!(count >= ways.len() as u64, "{context}");
                assert_eq!(reached.rank(), highest[resource], "{context}");
                assert_eq!(reached.rank(), all.iter().map(|way| way.2).max().unwrap(), "{context}");
                let direct = ways.iter().any(|(groups, containers, ..)| groups.is_empty() && containers.is_empty());
                assert_eq!(reached.is_direct(), direct, "{context}");
                let order = |path: &Path| (path.groups.len() + path.containers.len(), Descending(path.rank));
                let sorted = paths.shown.is_sorted_by_key(order);
                assert!(sorted || paths.more > 0, "{context}: shortest first");
                many += u64::from(paths.more > 0);
                own += u64::from(all.iter().any(|way| way.3));
                nested += u64::from(all.iter().any(|way| way.1.len() > 1));
                loops += twice.len();
            }
        }
    }
    assert!(![many, own, nested, loops as u64, exact].contains(&0), "{many} {own} {nested} {loops} {exact}");
}

#[test]
fn groups_that_are_members_of_each_other_give_what_either_raises() {
    // Ada is in the first group, which is bound to a device and in the second; the second raises, and is in the first.
    let mut parts = Parts::default();
    parts.groups_of = Lists::new(1, [(0, 0)].into_iter());
    parts.parents = Lists::new(2, [(0, 1), (1, 0)].into_iter());
    parts.bindings_of_groups = Lists::new(2, [(0, Bound::new(0, Rank(0)))].into_iter());
    parts.bindings_of_accounts = Lists::new(1, std::iter::empty());
    parts.inside = Lists::new(1, std::iter::empty());
    parts.resources = vec![Target::new(0)];
    parts.raises = vec![Raise::new(Rank(7), [0])];
    parts.raises_of_groups = vec![0, 1];
    let graph = Graph::new(parts);
    let paths = |reach: &connector_access::Reach<'_>| -> Vec<(Vec<u32>, Rank)> {
        let reached = reach.iter().next().unwrap();
        assert_eq!((reached.rank(), reached.paths().more), (Rank(7), 0));
        reached.paths().shown.into_iter().map(|path| (path.groups, path.rank)).collect()
    };
    let expected = [
        (Subject::Group(0), vec![(vec![], Rank(0)), (vec![1, 0], Rank(7))]),
        (Subject::Group(1), vec![(vec![0], Rank(7))]),
        (Subject::Account(0), vec![(vec![0], Rank(0)), (vec![0, 1, 0], Rank(7))]),
    ];
    for (subject, expected) in &expected {
        assert_eq!(&paths(&graph.reach(*subject)), expected, "{subject:?}");
    }
    let who: Vec<_> = Reverse::of(&graph).who(0).map(|(subject, reach)| (subject, paths(&reach))).collect();
    assert_eq!(who, expected);
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
            let of_standing = highest(&without_expiring_memberships(&graph), subject);
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
                assert_eq!(reached.standing_rank(), of_standing.get(resource).copied(), "{context}");
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
    assert_eq!(ends[0], (vec![0], vec![0, 2, 0]), "a way passes a group twice if it raises more then");
    assert_eq!(ends[1], (vec![0, 1], vec![0, 2, 1]));
    assert_eq!(ends[2], (vec![0, 2], vec![0, 2]));
    assert_eq!(ends[3], (vec![0, 3], vec![0, 2, 3]));
    assert_eq!(graph.ends(Subject::Group(0)).len(), 3, "a group is not above itself");
}
