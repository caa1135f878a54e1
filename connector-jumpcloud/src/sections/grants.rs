//! The edges of the graph in addition to memberships: who is bound to which device, device group, application and directory,
//! and which devices a device group holds.
//!
//! Every kind of edge can be listed from either end, one request for each thing there. The end with fewer things is
//! cheaper.

use std::collections::BTreeMap;

use connector_api::ConnectorError;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::api::edge_lists::{EdgeList, EdgeReader, WholeList};
use crate::api::graph::{self, Kind};
use crate::api::users as users_api;
use crate::api::{Id, IdOnly};
use crate::client::{Listing, Witness};
use crate::scan::progress::{Tally, is_unavailable};
use crate::scan::state::{Edge, Node, State};

/// One kind of edge, and the end from which it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walk {
    /// Who is bound, or holds.
    from: Kind,
    /// What it is bound to, or held.
    to: Kind,
    /// The end whose things are asked, one after another.
    pub(crate) ask: Kind,
    /// The requests that this takes when no list is longer than a page.
    pub(crate) requests: u64,
}

impl Walk {
    /// The kind at the end that is not asked.
    fn other(&self) -> Kind {
        if self.ask == self.from { self.to } else { self.from }
    }
}

/// How many things there are of each kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    /// Users, when the target reports their number.
    pub(crate) users: Option<u64>,
    pub(crate) groups: u64,
    /// Everything that can be reached, and device groups.
    pub(crate) reachable: BTreeMap<Kind, u64>,
}

impl Counts {
    pub(crate) fn of(users: Option<u64>, state: &State) -> Self {
        let mut reachable = BTreeMap::from([
            (Kind::System, state.systems.len() as u64),
            (Kind::SystemGroup, state.system_groups.len() as u64),
            (Kind::Application, state.applications.len() as u64),
        ]);
        for kind in state.directories.iter().filter_map(|directory| directory.graph_kind()) {
            *reachable.entry(kind).or_default() += 1;
        }
        Self { users, groups: state.groups.len() as u64, reachable }
    }
}

/// Chooses the end from which each kind of edge is listed.
pub(crate) fn plan(counts: &Counts, limit: u64) -> Vec<Walk> {
    let mut walks = Vec::new();
    let device_groups = counts.reachable.get(&Kind::SystemGroup).copied().unwrap_or(0);
    walks.push(Walk { from: Kind::SystemGroup, to: Kind::System, ask: Kind::SystemGroup, requests: device_groups });
    // Users are not known by id yet, so the first walk that asks them takes a listing of their ids in addition.
    // Where their number is not reported they are never asked.
    // A number of none may be wrong, and no edge must be missed for it: the other end is asked then.
    let told = counts.users.filter(|users| *users > 0);
    let mut listing = told.map_or(0, |users| Listing::requests(users, limit));
    for (&to, &there) in &counts.reachable {
        let users = told.map(|users| users + listing);
        for (from, here) in [(Kind::User, users), (Kind::UserGroup, Some(counts.groups))] {
            let (ask, requests) = match here {
                Some(here) if here < there => (from, here),
                _ => (to, there),
            };
            if requests > 0 {
                if ask == Kind::User {
                    listing = 0;
                }
                let (from_word, to_word, asked) = (from.word(), to.word(), ask.word());
                // What each end would cost; unknown where the number of users is not reported.
                tracing::info!(
                    from = from_word,
                    to = to_word,
                    asked,
                    requests,
                    from_cost = here,
                    to_cost = there,
                    "chose the cheaper end of an edge"
                );
                walks.push(Walk { from, to, ask, requests });
            }
        }
    }
    walks.retain(|walk| walk.requests > 0);
    walks
}

/// The things that each walk asks, but for users: the index of the walk, and the id.
pub(crate) fn asked(walks: &[Walk], state: &State) -> Vec<(usize, Id)> {
    let ids = |kind: Kind| -> Vec<&Id> {
        match kind {
            Kind::User => Vec::new(),
            Kind::UserGroup => state.groups.iter().map(|group| &group.id).collect(),
            Kind::System => state.systems.iter().map(|system| &system.id).collect(),
            Kind::SystemGroup => state.system_groups.iter().map(|group| &group.id).collect(),
            Kind::Application => state.applications.iter().map(|application| &application.id).collect(),
            kind => {
                let of_kind = state.directories.iter().filter(|directory| directory.graph_kind() == Some(kind));
                of_kind.map(|directory| &directory.id).collect()
            }
        }
    };
    let all = walks.iter().enumerate();
    all.flat_map(|(at, walk)| ids(walk.ask).into_iter().map(move |id| (at, id.clone()))).collect()
}

/// Reads the edges of all walks into `edges`; what came before an error stays there.
pub(crate) async fn read(
    reader: &EdgeReader<'_>,
    walks: &[Walk],
    mut asked: Vec<(usize, Id)>,
    users_paths: &[&str],
    edges: &mut Vec<Edge>,
    tally: &mut Tally,
) -> Result<(), ConnectorError> {
    let of_users: Vec<usize> = (0..walks.len()).filter(|at| walks[*at].ask == Kind::User).collect();
    if !of_users.is_empty() {
        let users = list_users(reader, users_paths, tally).await?;
        asked.extend(of_users.iter().flat_map(|at| users.iter().map(|user| (*at, user.id.clone()))));
    }
    let witness = Witness::default();
    // Lists that ended by their totals wait until the totals are known to hold.
    let mut on_trust = Vec::new();
    read_lists(reader, walks, asked, Some(&witness), |walk, id, list| {
        let Some(list) = enter(walks, walk, &id, list, tally) else { return };
        if list.on_trust {
            on_trust.push((walk, id, list.found))
        } else {
            connect(&walks[walk], &id, list.found, edges, tally)
        }
    })
    .await?;
    if witness.holds() {
        on_trust.into_iter().for_each(|(walk, id, found)| connect(&walks[walk], &id, found, edges, tally));
        return tally.check_kinds();
    }
    let again = on_trust.into_iter().map(|(walk, id, _)| (walk, id)).collect();
    read_lists(reader, walks, again, None, |walk, id, list| {
        if let Some(list) = enter(walks, walk, &id, list, tally) {
            connect(&walks[walk], &id, list.found, edges, tally);
        }
    })
    .await?;
    tally.check_kinds()
}

/// The ids of the users, from the first of the listings that is served.
async fn list_users(reader: &EdgeReader<'_>, paths: &[&str], tally: &mut Tally) -> Result<Vec<IdOnly>, ConnectorError> {
    let mut refused = None;
    for path in paths {
        let mut users = Vec::new();
        match tally.read_into(reader.client, users_api::list_ids(path, reader.limit), &mut users).await {
            Ok(()) => return Ok(users),
            Err(error) if is_unavailable(&error) => _ = refused.get_or_insert(error),
            Err(error) => return Err(error),
        }
    }
    Err(refused.unwrap_or_else(|| ConnectorError::internal("there is no users' endpoint")))
}

/// Reads the lists of the walks, many side by side, in the order of `asked`.
async fn read_lists(
    reader: &EdgeReader<'_>,
    walks: &[Walk],
    asked: Vec<(usize, Id)>,
    witness: Option<&Witness>,
    mut enter: impl FnMut(usize, Id, Option<WholeList<Vec<graph::Edge>>>),
) -> Result<(), ConnectorError> {
    let mut lists = stream::iter(asked)
        .map(|(walk, id)| {
            let list = EdgeList { of: walks[walk].ask, id: id.clone(), to: walks[walk].other() };
            async move { Ok::<_, ConnectorError>((walk, id, reader.read(&list, witness, Vec::new(), Vec::push).await?)) }
        })
        .buffered(reader.client.ahead());
    while let Some((walk, id, list)) = lists.try_next().await? {
        enter(walk, id, list);
    }
    Ok(())
}

/// Counts a list that was read; `None` where what it belongs to is gone.
fn enter(
    walks: &[Walk],
    walk: usize,
    id: &Id,
    list: Option<WholeList<Vec<graph::Edge>>>,
    tally: &mut Tally,
) -> Option<WholeList<Vec<graph::Edge>>> {
    let Some(mut list) = list else {
        tally.note(format!("the {} {id} vanished while it was read", walks[walk].ask.word()));
        return None;
    };
    tally.listing(std::mem::take(&mut list.stats));
    tally.advance(list.found.len(), None);
    Some(list)
}

/// Makes edges of the far ends that one list holds.
fn connect(walk: &Walk, id: &Id, found: Vec<graph::Edge>, edges: &mut Vec<Edge>, tally: &mut Tally) {
    let expected = walk.other();
    tally.edges(found.len());
    for edge in found {
        if edge.kind != expected.word() {
            tally.unknown_kind(|| format!("{} {id}", walk.ask.word()), || format!("{:?} {}", edge.kind, edge.id));
            continue;
        }
        let (asked, other) = (Node { kind: walk.ask, id: id.clone() }, Node { kind: expected, id: edge.id });
        let (from, to) = if walk.ask == walk.from { (asked, other) } else { (other, asked) };
        edges.push(Edge { from, to, access: edge.access });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_end(users: Option<u64>, groups: u64, systems: u64, from: Kind) -> Option<Kind> {
        let counts = Counts { users, groups, reachable: BTreeMap::from([(Kind::System, systems)]) };
        plan(&counts, 100).into_iter().find(|walk| walk.from == from && walk.to == Kind::System).map(|walk| walk.ask)
    }

    #[test]
    fn the_end_with_fewer_things_is_asked() {
        assert_eq!(asked_end(Some(10_000), 30, 2000, Kind::UserGroup), Some(Kind::UserGroup));
        assert_eq!(asked_end(Some(10_000), 30, 20, Kind::UserGroup), Some(Kind::System));
        assert_eq!(asked_end(Some(10_000), 30, 2000, Kind::User), Some(Kind::System));
        assert_eq!(asked_end(Some(50), 30, 2000, Kind::User), Some(Kind::User));
        assert_eq!(asked_end(Some(1999), 30, 2000, Kind::User), Some(Kind::System), "listing the ids costs too");
    }

    #[test]
    fn the_ids_of_users_are_listed_once_for_all_walks_that_ask_users() {
        let reachable = BTreeMap::from([(Kind::System, 2000), (Kind::Application, 300)]);
        let walks = plan(&Counts { users: Some(250), groups: 0, reachable }, 100);
        let of_users = walks.iter().filter(|walk| walk.ask == Kind::User).map(|walk| walk.requests);
        assert_eq!(of_users.sum::<u64>(), 250 + 3 + 250);
    }

    #[test]
    fn users_whose_number_is_not_told_are_never_asked() {
        assert_eq!(asked_end(None, 30, 2000, Kind::User), Some(Kind::System));
        assert_eq!(asked_end(Some(0), 30, 2000, Kind::User), Some(Kind::System), "none are told");
    }
}
