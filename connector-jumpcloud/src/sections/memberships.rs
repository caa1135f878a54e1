//! Memberships: `GET /api/v2/usergroups/{id}/members` lists the direct members of each group; nested groups are resolved
//! later, in the graph.

use std::collections::HashSet;

use connector_access::Naming;
use connector_api::{ConnectorError, Membership, RowEstimate, Section, SectionPlan, async_trait};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{About, Context, Discovery, Read, groups};
use crate::api::Id;
use crate::api::edge_lists::{EdgeList, EdgeReader, WholeList};
use crate::api::graph::Edge;
use crate::api::kind::Kind;
use crate::api::user_groups::UserGroup;
use crate::client::{Listing, TotalsWitness, grouped};
use crate::graph::{Graph, USER_GROUP};
use crate::rights::Right;
use crate::scan::outlet::{Known, Outlet};
use crate::scan::people::People;
use crate::scan::planner::{Planner, row_bytes};
use crate::scan::progress::SectionProgress;
use crate::scan::state::{Members, State};

/// The direct members of each group, in the order of the groups; `None` for a group that vanished meanwhile.
pub(crate) type Found = Vec<Option<Members>>;

pub(crate) struct Memberships;

static ABOUT: About = About {
    core: true,
    data: "Group memberships, with nested groups resolved, and the groups in groups",
    source: "GET /api/v2/usergroups/{id}/members",
    cost: "1 request per 100 members of each group, at least 1 per group",
    after: &[Section::GROUPS],
    owns: &[("membership", &[USER_GROUP]), ("binding", &["groupToGroup"])],
    fills_in_of_type: &[("group", USER_GROUP, "memberCount")],
    // Members need the scope of users, not of groups.
    rights: &[
        Right::of_managers("/api/v2/usergroups/{id}/members", "users.readonly"),
        Right::of_managers("/api/v2/usergroups/{id}/membership", "users.readonly"),
    ],
    ..About::new(Section::MEMBERSHIPS, "Memberships")
};

#[async_trait]
impl Discovery for Memberships {
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
        let groups: Vec<_> = state.found.groups.rows.iter().map(|group| group.id.clone()).collect();
        let absent = state.found.groups.absent.clone();
        let mut people = People::expecting(context.users.unwrap_or(0));
        Some(Box::pin(async move {
            let read = read(&reader, &groups, &mut people, &mut progress).await;
            let read = read.and_then(|members| {
                let there: HashSet<_> =
                    groups.iter().zip(&members).filter_map(|(id, list)| list.as_ref().map(|_| id)).collect();
                groups::check_absent(&absent, |id| there.contains(id)).map(|()| members)
            });
            let (members, result) = match read {
                Ok(members) => (members, Ok(())),
                Err(error) => (Vec::new(), Err(error)),
            };
            Read::new(progress, result, |state| (state.people, state.found.memberships) = (people, members))
        }))
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let reader = EdgeReader { client: planner.client, meter: planner.meter.clone(), limit: planner.limit };
        let members = counts(&reader, &planner.groups).await?;
        let requests = Listing::requests_of_many(&members, planner.limit);
        let because =
            format!("{} groups with {} members", grouped(planner.groups.len() as u64), grouped(members.iter().sum()));
        let rows = RowEstimate::about(members.iter().sum(), row_bytes::MEMBERSHIP);
        planner.sections.push(SectionPlan::new(Section::MEMBERSHIPS, requests, because).with_rows(rows));
        Ok(())
    }

    async fn emit(&self, record: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        let Known { state, graph, .. } = *known;
        if record == "binding" {
            for binding in graph.nested() {
                outlet.send(Section::MEMBERSHIPS, binding).await?;
            }
            return Ok(());
        }
        for at in 0..state.found.groups.rows.len() as u32 {
            outlet.step().await?;
            let Some(members) = of_group(state, graph, at) else { continue };
            members.count_missing(outlet.aside(Section::MEMBERSHIPS));
            for membership in members.rows() {
                outlet.send(Section::MEMBERSHIPS, membership).await?;
            }
        }
        Ok(())
    }
}

/// Members whose names are looked up together, because the names are far apart: the processor fetches them all at the same
/// time, and would wait for each if a row were made in between.
const AT_ONCE: usize = 32;

/// The members of one group. There may be a million, so their rows are made on demand.
pub(crate) struct GroupMembers<'a> {
    people: &'a People,
    graph: &'a Graph<'a>,
    /// The index of the group.
    at: u32,
    group: &'a UserGroup,
    direct: &'a Members,
    /// Those that are in the scan, each with the groups between.
    indirect: Vec<(u32, Vec<u32>)>,
}

/// A group's members; `None` for a group that vanished.
pub(crate) fn of_group<'a>(state: &'a State, graph: &'a Graph<'a>, at: u32) -> Option<GroupMembers<'a>> {
    let direct = state.found.memberships.get(at as usize)?.as_ref()?;
    let mut indirect = graph.indirect_members(at);
    // A member that is not in the scan is counted for its own group.
    indirect.retain(|(user, _)| state.people.is_listed(*user));
    Some(GroupMembers {
        people: &state.people,
        graph,
        at,
        group: &state.found.groups.rows[at as usize],
        direct,
        indirect,
    })
}

impl<'a> GroupMembers<'a> {
    /// How many of them are in the scan.
    pub(crate) fn count(&self) -> u64 {
        let direct = self.direct.users.iter().filter(|user| self.people.is_listed(**user));
        (direct.count() + self.indirect.len()) as u64
    }

    /// Counts those that are not in the scan.
    pub(crate) fn count_missing(&self, progress: &mut SectionProgress) {
        let Self { people, graph, group, direct, .. } = self;
        let from = || format!("group {}", group.id);
        for missing in direct.groups.iter().filter(|id| !graph.has_group(id)) {
            progress.dangling(from, || format!("user_group {missing}"));
        }
        for missing in direct.users.iter().filter(|user| !people.is_listed(**user)) {
            progress.dangling(from, || format!("user {}", people.id(*missing)));
        }
    }

    /// Their memberships, direct ones first.
    pub(crate) fn rows(self) -> impl Iterator<Item = Membership> + use<'a> {
        let Self { people, graph, at, group, direct, indirect } = self;
        let (group_id, group_name) = (group.id.to_text(), group.shown_name());
        let name = move |user: u32| people.name(user).map(|name| (user, name, people.id(user)));
        let direct = direct
            .users
            .chunks(AT_ONCE)
            .flat_map(move |users| users.iter().filter_map(|user| name(*user)).collect::<Vec<_>>());
        let direct = direct.map(|member| (member, Vec::new()));
        let indirect = indirect.into_iter().filter_map(move |(user, via)| Some((name(user)?, via)));
        direct.chain(indirect).map(move |((user, username, id), via)| {
            let mut row = Membership::default();
            row.username = username.to_owned();
            row.account_external_id = id.to_text();
            row.group_name = group_name.clone();
            row.group_type = USER_GROUP.to_owned();
            row.group_external_id = group_id.clone();
            row.direct = via.is_empty();
            row.via = via.into_iter().map(|group| graph.group(group)).collect();
            if row.direct {
                let request = graph.temporary().membership(user, at);
                row.expires_at = request.map(|request| request.expires_at);
                row.request_id = request.map(|request| request.id.clone());
            } else {
                row.expires_at = graph.expiring_groups(user).get(&at).copied();
            }
            row
        })
    }
}

/// Reads every group's members, many groups concurrently, in the order of `groups`.
async fn read(
    reader: &EdgeReader<'_>,
    groups: &[Id],
    people: &mut People,
    progress: &mut SectionProgress,
) -> Result<Vec<Option<Members>>, ConnectorError> {
    let witness = TotalsWitness::default();
    let mut members: Vec<Option<Members>> = groups.iter().map(|_| None).collect();
    let mut on_trust = Vec::new();
    let all: Vec<usize> = (0..groups.len()).collect();
    read_some(reader, groups, all, Some(&witness), |at, list| {
        if let Some(WholeList { on_trust: true, .. }) = &list {
            on_trust.push(at);
        }
        members[at] = enter(&groups[at], list, people, progress);
    })
    .await?;
    if !witness.holds() {
        let again = std::mem::take(&mut on_trust);
        read_some(reader, groups, again, None, |at, list| members[at] = enter(&groups[at], list, people, progress))
            .await?;
    }
    if !on_trust.is_empty() {
        progress.note(format!(
            "{} lists of full pages ended by their totals; the others proved theirs right",
            grouped(on_trust.len() as u64)
        ));
    }
    // Only now: a list that was first trusted may have been read again.
    for (group, members) in groups.iter().zip(&members) {
        members.iter().for_each(|members| count(group, members, progress));
    }
    progress.check_kinds().map(|()| members)
}

/// Reads the lists of some of `groups`, by index.
async fn read_some(
    reader: &EdgeReader<'_>,
    groups: &[Id],
    places: Vec<usize>,
    witness: Option<&TotalsWitness>,
    mut enter: impl FnMut(usize, Option<WholeList<Listed>>),
) -> Result<(), ConnectorError> {
    let mut lists = stream::iter(places)
        .map(|at| {
            let list = EdgeList::members(Kind::UserGroup, groups[at].clone());
            async move {
                Ok::<_, ConnectorError>((at, reader.read(&list, witness, Listed::default(), Listed::enter).await?))
            }
        })
        .buffered(reader.client.ahead());
    while let Some((at, list)) = lists.try_next().await? {
        enter(at, list);
    }
    Ok(())
}

/// The members in one list; `None` for a group that vanished.
fn enter(
    group: &Id,
    list: Option<WholeList<Listed>>,
    people: &mut People,
    progress: &mut SectionProgress,
) -> Option<Members> {
    let Some(WholeList { found, stats, .. }) = list else {
        progress.note(format!("the group {group} vanished while it was read"));
        progress.advance(0, None);
        return None;
    };
    progress.listing(stats);
    progress.advance(found.count(), None);
    Some(found.into_members(people))
}

/// Counts a group's members, and those of unknown kinds.
fn count(group: &Id, members: &Members, progress: &mut SectionProgress) {
    let Members { users, groups, others } = members;
    progress.edges(users.len() + groups.len() + others.len());
    for (kind, id) in others {
        progress.unknown_kind(|| format!("group {group}"), || format!("{kind:?} {id}"));
    }
}

/// A group's members as they are listed: only ids, since a group may have a million.
#[derive(Default)]
struct Listed {
    users: Vec<Id>,
    groups: Vec<Id>,
    others: Vec<(String, Id)>,
}

impl Listed {
    fn enter(&mut self, edge: Edge) {
        match edge.kind.as_ref() {
            "user" => self.users.push(edge.id),
            "user_group" => self.groups.push(edge.id),
            _ => self.others.push((edge.kind.into_owned(), edge.id)),
        }
    }

    fn count(&self) -> usize {
        self.users.len() + self.groups.len() + self.others.len()
    }

    fn into_members(self, people: &mut People) -> Members {
        let users = self.users.iter().map(|id| people.intern(id)).collect();
        Members { users, groups: self.groups, others: self.others }
    }
}

/// Counts each group's members, without reading them.
async fn counts(reader: &EdgeReader<'_>, groups: &[Id]) -> Result<Vec<u64>, ConnectorError> {
    stream::iter(groups.to_vec())
        .map(|group| {
            let list = EdgeList::members(Kind::UserGroup, group);
            async move { reader.count(&list).await }
        })
        .buffered(reader.client.ahead())
        .try_collect()
        .await
}
