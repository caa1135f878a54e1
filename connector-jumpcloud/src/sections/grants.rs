//! The edges of the graph in addition to memberships: bindings to devices, device groups, applications and directories, and
//! the devices in device groups.
//!
//! Every kind of edge can be listed from either end, one request per object there. The end with fewer objects is cheaper.

use std::collections::BTreeMap;

use connector_access::Subject;
use connector_api::{ConnectorError, RowEstimate, Section, SectionPlan, async_trait};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::users::endpoint;
use super::{About, Context, Discovery, Read};
use crate::api::edge_lists::{EdgeList, EdgeReader, WholeList};
use crate::api::graph;
use crate::api::kind::Kind;
use crate::api::users as users_api;
use crate::api::{Id, IdOnly};
use crate::client::{Listing, TotalsWitness};
use crate::options::Switch;
use crate::rights::Right;
use crate::scan::outlet::{Known, Outlet};
use crate::scan::planner::{Planner, row_bytes};
use crate::scan::progress::SectionProgress;
use crate::scan::state::{Edge, Node, State};

/// The edges, as they are listed.
pub(crate) type Found = Vec<Edge>;

pub(crate) struct Grants;

static ABOUT: About = About {
    data: "Bindings of users and groups to devices, device groups, applications and directories, and the devices in device groups",
    source: "GET /api/v2/{kind}/{id}/associations, GET /api/v2/systemgroups/{id}/members",
    cost: "for each kind of binding, 1 request per object on the side with fewer objects",
    after: &[Section::GROUPS, Section::SYSTEMS, Section::APPLICATIONS, Section::DIRECTORIES],
    owns: &[("binding", &["accountToResource", "groupToResource", "resourceToResource"])],
    option: Some(Switch {
        name: "includeGrants",
        title: "Grants",
        description: "Discover who reaches which device, application and directory, and why. Costs at most \
                      two requests per device, application and directory, and three per device group.",
    }),
    rights: &[
        Right::of_administrators("/api/v2/systemgroups/{id}/members", "systems.readonly"),
        Right::of_administrators("/api/v2/systemgroups/{id}/membership", "systems.readonly"),
        Right::of_administrators("/api/v2/{kind}/{id}/associations", "associations.readonly"),
        // Traversals need the scope of their target.
        Right::of_administrators("/api/v2/{kind}/{id}/users", "users.readonly"),
        Right::of_administrators("/api/v2/{kind}/{id}/usergroups", "groups.readonly"),
        Right::of_administrators("/api/v2/{kind}/{id}/systems", "systems.readonly"),
        Right::of_administrators("/api/v2/{kind}/{id}/systemgroups", "groups.readonly"),
        Right::of_administrators("/api/v2/{kind}/{id}/memberof", "groups.readonly"),
    ],
    ..About::new(Section::GRANTS, "Bindings")
};

#[async_trait]
impl Discovery for Grants {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read<'a>(
        &self,
        context: Context<'a>,
        state: &State,
        mut progress: SectionProgress,
    ) -> Option<BoxFuture<'a, Read>> {
        let reader = context.edge_reader(&progress);
        let walks = plan(&Counts::of(context.users, state), context.limit);
        let asked = asked(&walks, state);
        let users_paths = endpoint::of_ids(context.options.users_endpoint);
        Some(Box::pin(async move {
            let mut edges = Vec::new();
            let result = read(&reader, &walks, asked, users_paths, &mut edges, &mut progress).await;
            Read::new(progress, result, |state| state.found.grants = edges)
        }))
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let counts =
            Counts { users: planner.users, groups: planner.groups.len() as u64, things: planner.things.clone() };
        let walks = plan(&counts, planner.limit);
        let requests = walks.iter().map(|walk| walk.requests).sum();
        let things: u64 = counts.things.values().sum();
        let in_groups = planner.count_of(Kind::System) * planner.count_of(Kind::SystemGroup);
        // Of what may be bound, nothing but the number is known.
        let rows = counts.users.map(|users| {
            RowEstimate::at_most(
                (users + counts.groups).saturating_mul(things).saturating_add(in_groups),
                row_bytes::BINDING,
            )
        });
        planner.sections.push(SectionPlan::new(Section::GRANTS, requests, in_words(&walks, &counts)).with_rows(rows));
        Ok(())
    }

    async fn emit(&self, _: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        let Known { state, graph, .. } = known;
        for binding in graph.devices_in_groups() {
            outlet.send(Section::GRANTS, binding).await?;
        }
        let groups = (0..state.found.groups.rows.len() as u32).map(Subject::Group);
        let users = state.people.listed().iter().copied().map(Subject::Account);
        for subject in groups.chain(users) {
            for binding in graph.bound(subject, &state.people) {
                outlet.send(Section::GRANTS, binding).await?;
            }
        }
        Ok(())
    }
}

/// One kind of edge, and the end from which it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Walk {
    /// The kind that is bound, or that contains.
    from: Kind,
    /// The kind that it is bound to, or that it contains.
    to: Kind,
    /// The end whose objects are requested, one by one.
    ask: Kind,
    /// The requests, if no list is longer than a page.
    requests: u64,
}

impl Walk {
    /// The kind at the other end.
    fn other(&self) -> Kind {
        if self.ask == self.from { self.to } else { self.from }
    }
}

/// How many there are of each kind.
#[derive(Debug, Clone, Default)]
struct Counts {
    /// The number of users, if the target reports it.
    users: Option<u64>,
    groups: u64,
    /// Everything to which accounts and groups can be bound.
    things: BTreeMap<Kind, u64>,
}

impl Counts {
    fn of(users: Option<u64>, state: &State) -> Self {
        let mut things = BTreeMap::new();
        super::things(&state.found).iter().for_each(|thing| *things.entry(thing.kind).or_default() += 1);
        Self { users, groups: state.found.groups.rows.len() as u64, things }
    }
}

/// Chooses the end from which each kind of edge is listed.
fn plan(counts: &Counts, limit: u64) -> Vec<Walk> {
    let mut walks = Vec::new();
    let device_groups = counts.things.get(&Kind::SystemGroup).copied().unwrap_or(0);
    walks.push(Walk { from: Kind::SystemGroup, to: Kind::System, ask: Kind::SystemGroup, requests: device_groups });
    // The ids of users are not known yet, so the first walk from users also needs a listing of their ids.
    // If their number is not reported, users are never asked.
    // A reported number of 0 may be wrong, and no edge must be missed because of it: then the other end is asked.
    let known = counts.users.filter(|users| *users > 0);
    let mut listing = known.map_or(0, |users| Listing::requests(users, limit));
    for (&to, &there) in &counts.things {
        let users = known.map(|users| users + listing);
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
                // The cost of each end; unknown if the number of users is not reported.
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

/// The requests of the walks in a sentence: how many lists are read of each object, by the kind of object.
fn in_words(walks: &[Walk], counts: &Counts) -> String {
    let mut lists_of: Vec<(Kind, u64)> = Vec::new();
    for walk in walks {
        match lists_of.iter_mut().find(|(kind, _)| *kind == walk.ask) {
            Some((_, lists)) => *lists += 1,
            None => lists_of.push((walk.ask, 1)),
        }
    }
    // Kinds with one name and as many lists are one part of the sentence.
    let mut parts: Vec<(&str, u64, u64)> = Vec::new();
    for (kind, lists) in lists_of {
        let objects = match kind {
            Kind::User => counts.users.unwrap_or(0),
            Kind::UserGroup => counts.groups,
            kind => counts.things.get(&kind).copied().unwrap_or(0),
        };
        match parts.iter_mut().find(|(name, known, _)| *name == plural(kind) && *known == lists) {
            Some((.., total)) => *total += objects,
            None => parts.push((plural(kind), lists, objects)),
        }
    }
    let of_each = |(name, lists, objects): &(&str, u64, u64)| {
        format!("{lists} {} for each of {objects} {name}", if *lists == 1 { "list" } else { "lists" })
    };
    let mut sentence: Vec<String> = parts.iter().map(of_each).collect();
    let lists: u64 = parts.iter().map(|(_, lists, objects)| lists * objects).sum();
    let requests: u64 = walks.iter().map(|walk| walk.requests).sum();
    if requests > lists {
        sentence.push(format!("{} for the ids of the users", requests - lists));
    }
    sentence.join(", ")
}

/// The plain name of several objects of a kind.
fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "users",
        Kind::UserGroup => "user groups",
        Kind::System => "devices",
        Kind::SystemGroup => "device groups",
        Kind::Application => "applications",
        _ => "directories",
    }
}

/// The objects that each walk requests, except users: the index of the walk, and the id.
fn asked(walks: &[Walk], state: &State) -> Vec<(usize, Id)> {
    let things = super::things(&state.found);
    let ids = |kind: Kind| -> Vec<&Id> {
        match kind {
            Kind::User => Vec::new(),
            Kind::UserGroup => state.found.groups.rows.iter().map(|group| &group.id).collect(),
            kind => things.iter().filter(|thing| thing.kind == kind).map(|thing| thing.id).collect(),
        }
    };
    let all = walks.iter().enumerate();
    all.flat_map(|(at, walk)| ids(walk.ask).into_iter().map(move |id| (at, id.clone()))).collect()
}

/// Reads the edges of all walks into `edges`, which keeps what was read before an error.
async fn read(
    reader: &EdgeReader<'_>,
    walks: &[Walk],
    mut asked: Vec<(usize, Id)>,
    users_paths: &[&str],
    edges: &mut Vec<Edge>,
    progress: &mut SectionProgress,
) -> Result<(), ConnectorError> {
    let of_users: Vec<usize> = (0..walks.len()).filter(|at| walks[*at].ask == Kind::User).collect();
    if !of_users.is_empty() {
        let users = list_users(reader, users_paths, progress).await?;
        asked.extend(of_users.iter().flat_map(|at| users.iter().map(|user| (*at, user.id.clone()))));
    }
    let witness = TotalsWitness::default();
    // Lists that ended by their totals wait until the totals are proven.
    let mut on_trust = Vec::new();
    read_lists(reader, walks, asked, Some(&witness), |walk, id, list| {
        let Some(list) = enter(walks, walk, &id, list, progress) else { return };
        if list.on_trust {
            on_trust.push((walk, id, list.found))
        } else {
            connect(&walks[walk], &id, list.found, edges, progress)
        }
    })
    .await?;
    if witness.holds() {
        on_trust.into_iter().for_each(|(walk, id, found)| connect(&walks[walk], &id, found, edges, progress));
        return progress.check_kinds();
    }
    let again = on_trust.into_iter().map(|(walk, id, _)| (walk, id)).collect();
    read_lists(reader, walks, again, None, |walk, id, list| {
        if let Some(list) = enter(walks, walk, &id, list, progress) {
            connect(&walks[walk], &id, list.found, edges, progress);
        }
    })
    .await?;
    progress.check_kinds()
}

/// The ids of the users, from the first listing that is served.
async fn list_users(
    reader: &EdgeReader<'_>,
    paths: &[&str],
    progress: &mut SectionProgress,
) -> Result<Vec<IdOnly>, ConnectorError> {
    let mut refused = None;
    for path in paths {
        let mut users = Vec::new();
        match progress.read_into(reader.client, users_api::list_ids(path, reader.limit), &mut users).await {
            Ok(()) => return Ok(users),
            Err(error) if error.is_unavailable() => _ = refused.get_or_insert(error),
            Err(error) => return Err(error),
        }
    }
    Err(refused.unwrap_or_else(|| ConnectorError::internal("there is no users' endpoint")))
}

/// Reads the lists of the walks, many concurrently, in the order of `asked`.
async fn read_lists(
    reader: &EdgeReader<'_>,
    walks: &[Walk],
    asked: Vec<(usize, Id)>,
    witness: Option<&TotalsWitness>,
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

/// Counts a list that was read; `None` if its object is gone.
fn enter(
    walks: &[Walk],
    walk: usize,
    id: &Id,
    list: Option<WholeList<Vec<graph::Edge>>>,
    progress: &mut SectionProgress,
) -> Option<WholeList<Vec<graph::Edge>>> {
    let Some(mut list) = list else {
        progress.note(format!("the {} {id} vanished while it was read", walks[walk].ask.word()));
        return None;
    };
    progress.listing(std::mem::take(&mut list.stats));
    progress.advance(list.found.len(), None);
    Some(list)
}

/// Makes edges from the far ends in one list.
fn connect(walk: &Walk, id: &Id, found: Vec<graph::Edge>, edges: &mut Vec<Edge>, progress: &mut SectionProgress) {
    let expected = walk.other();
    progress.edges(found.len());
    for edge in found {
        if edge.kind != expected.word() {
            progress.unknown_kind(|| format!("{} {id}", walk.ask.word()), || format!("{:?} {}", edge.kind, edge.id));
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
        let counts = Counts { users, groups, things: BTreeMap::from([(Kind::System, systems)]) };
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
        let things = BTreeMap::from([(Kind::System, 2000), (Kind::Application, 300)]);
        let walks = plan(&Counts { users: Some(250), groups: 0, things }, 100);
        let of_users = walks.iter().filter(|walk| walk.ask == Kind::User).map(|walk| walk.requests);
        assert_eq!(of_users.sum::<u64>(), 250 + 3 + 250);
    }

    #[test]
    fn a_plan_names_each_kind_of_object_once() {
        let things = [(Kind::SystemGroup, 5), (Kind::System, 60), (Kind::LdapServer, 1), (Kind::RadiusServer, 2)];
        let counts = Counts { users: Some(300), groups: 24, things: BTreeMap::from(things) };
        assert_eq!(
            in_words(&plan(&counts, 100), &counts),
            "3 lists for each of 5 device groups, 1 list for each of 60 devices, 1 list for each of 24 user groups, \
             2 lists for each of 3 directories"
        );
        let counts = Counts { users: Some(250), groups: 0, things: BTreeMap::from([(Kind::Application, 300)]) };
        assert_eq!(in_words(&plan(&counts, 100), &counts), "1 list for each of 250 users, 3 for the ids of the users");
    }

    #[test]
    fn users_whose_number_is_not_reported_are_never_asked() {
        assert_eq!(asked_end(None, 30, 2000, Kind::User), Some(Kind::System));
        assert_eq!(asked_end(Some(0), 30, 2000, Kind::User), Some(Kind::System), "none are reported");
    }
}
