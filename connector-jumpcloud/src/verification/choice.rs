//! Which objects are compared: first those that can show a difference, then others, spread over their list.

use std::collections::HashMap;

use connector_access::Subject;

use crate::api::kind::Kind;
use crate::api::level::Level;
use crate::graph::Graph;

/// The most direct bindings that are examined for a group that gives another level.
const EXAMINED: usize = 10_000;

/// Objects of a kind, by what a comparison of their access can show.
#[derive(Default)]
struct Classes {
    /// To which a user is bound directly, and at another level through a group.
    of_two_levels: Vec<u32>,
    /// To which users and groups are bound.
    mixed: Vec<u32>,
    others: Vec<u32>,
}

/// Chooses up to `number` objects of a kind, the same ones each time, in the order of their list. `paths_alone` is the graph
/// without users' own raises.
pub(super) fn choose(graph: &Graph<'_>, paths_alone: &connector_access::Graph, kind: Kind, number: usize) -> Vec<u32> {
    let Classes { of_two_levels, mixed, others } = classes(graph, paths_alone, kind);
    let mut chosen = Vec::with_capacity(number);
    for class in [of_two_levels, mixed, others] {
        chosen.extend(spread(&class, number - chosen.len()));
    }
    chosen.sort_unstable();
    chosen
}

fn classes(graph: &Graph<'_>, paths_alone: &connector_access::Graph, kind: Kind) -> Classes {
    let parts = paths_alone.parts();
    let mut around: HashMap<u32, Vec<u32>> = HashMap::new();
    for (container, inside) in parts.inside.pairs() {
        around.entry(*inside).or_default().push(container);
    }
    let mut groups_of: HashMap<u32, HashMap<u32, Level>> = HashMap::new();
    for (group, bound) in parts.bindings_of_groups.pairs() {
        let level = groups_of.entry(bound.to).or_default().entry(group).or_default();
        *level = (*level).max(Level::of_rank(bound.rank));
    }
    let mut direct: HashMap<u32, Vec<(u32, Level)>> = HashMap::new();
    for (user, bound) in parts.bindings_of_accounts.pairs().filter(|(_, bound)| graph.kind(bound.to) == kind) {
        direct.entry(bound.to).or_default().push((user, Level::of_rank(bound.rank)));
    }
    let mut classes = Classes::default();
    let mut examined = 0;
    for resource in (0..graph.things() as u32).filter(|resource| graph.kind(*resource) == kind) {
        let containers = around.get(&resource).into_iter().flatten();
        let bound = || containers.clone().chain([&resource]).filter_map(|at| groups_of.get(at));
        let users = direct.get(&resource).map_or(&[][..], Vec::as_slice);
        if users.is_empty() || bound().next().is_none() {
            classes.others.push(resource);
            continue;
        }
        let has_two_levels = users.iter().take(EXAMINED.saturating_sub(examined)).any(|(user, level)| {
            graph.ends(Subject::Account(*user)).iter().any(|end| {
                let Some(last) = end.shortest.last() else { return false };
                let raised = if kind == Kind::System { graph.sudo_of(end.strongest()) } else { Level::Login };
                bound().filter_map(|groups| groups.get(last)).any(|of_group| raised.max(*of_group) != *level)
            })
        });
        examined += users.len();
        if has_two_levels { &mut classes.of_two_levels } else { &mut classes.mixed }.push(resource);
    }
    classes
}

/// Up to `number` of a list, at equal distances.
fn spread(list: &[u32], number: usize) -> impl Iterator<Item = u32> {
    let chosen = number.min(list.len());
    (0..chosen).map(move |at| list[at * list.len() / chosen])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_spread_over_the_list_and_never_repeats() {
        let list: Vec<u32> = (0..10).collect();
        for (number, expected) in
            [(0, vec![]), (1, vec![0]), (3, vec![0, 3, 6]), (10, list.clone()), (99, list.clone())]
        {
            assert_eq!(spread(&list, number).collect::<Vec<_>>(), expected, "{number}");
        }
        assert_eq!(spread(&[], 4).count(), 0);
    }
}
