//! The graphs that are walked.

use connector_access::{Bound, Graph, Lists, Parts, Raise, Rank, Subject, Target};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub const ACCOUNTS: u32 = 6;
pub const GROUPS: u32 = 7;
pub const RESOURCES: u32 = 10;

/// Resources by index: the first four are containers, the next three of type 0, the others of type 1.
pub fn draw(seed: u64) -> Graph {
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

/// Groups that are all members of each other, with an account in the first and a resource bound to the last; a distant
/// group raises to the highest rank.
pub fn mesh(groups: u32) -> Graph {
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

pub fn without_expiring_memberships(graph: &Graph) -> Graph {
    let mut parts = graph.parts().clone();
    let all = parts.groups_of.pairs().map(|(account, group)| (account, *group));
    let standing: Vec<_> = all.filter(|of| !parts.ends_of_memberships.contains_key(of)).collect();
    parts.groups_of = Lists::new(ACCOUNTS as usize, standing.into_iter());
    Graph::new(parts)
}

pub fn subjects() -> impl Iterator<Item = Subject> {
    (0..GROUPS).map(Subject::Group).chain((0..ACCOUNTS).map(Subject::Account))
}
