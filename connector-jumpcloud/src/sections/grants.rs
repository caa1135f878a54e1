//! The edges of the graph in addition to memberships: bindings to devices, device groups, applications and directories, and
//! the devices in device groups.
//!
//! Every kind of edge can be listed from either end ([`ends`]), and several kinds in one request where that is proven to work
//! ([`together`], [`spot_check`]).

mod device_groups;
mod ends;
mod read;
mod spot_check;
mod together;

use connector_access::Subject;
use connector_api::{ConnectorError, RowEstimate, Section, SectionPlan, async_trait};
use futures_util::future::BoxFuture;

use super::users::endpoint;
use super::{About, Context, Discovery, Read};
use crate::api::edge_lists::EdgeReader;
use crate::api::kind::Kind;
use crate::options::Switch;
use crate::rights::Right;
use crate::scan::outlet::{Known, Outlet};
use crate::scan::planner::{Planner, row_bytes};
use crate::scan::progress::SectionProgress;
use crate::scan::state::{Edge, State};
use ends::Objects;
use together::ChosenEnds;

/// The edges, as they are listed.
pub(crate) type Found = Vec<Edge>;

pub(crate) struct Grants;

static ABOUT: About = About {
    data: "Bindings of users and groups to devices, device groups, applications and directories, and the devices in device groups",
    source: "GET /api/v2/{kind}/{id}/associations, GET /api/v2/systemgroups/{id}/members, GET /api/v2/systems/{id}/memberof",
    cost: "1 request per object on the side of the bindings with fewer objects: devices, device groups, applications and \
           directories, or users and user groups; if JumpCloud does not return several kinds of binding in one list, 1 per \
           object and kind, each on its cheaper side. In addition 1 per device group, or per device if these are fewer; and \
           to check that lists are complete, up to 5 per kind of object and binding, and up to 5 for device groups",
    after: &[Section::GROUPS, Section::SYSTEMS, Section::APPLICATIONS, Section::DIRECTORIES],
    owns: &[("binding", &["accountToResource", "groupToResource", "resourceToResource"])],
    option: Some(Switch {
        name: "includeGrants",
        title: "Grants",
        description: "Discover who reaches which device, application and directory, and why. Costs at most \
                      one request for each device, application and directory, two for each device group, and a few to \
                      check that lists are complete. Where JumpCloud returns only one kind of binding in a list, that is two \
                      for each device, application and directory, three for each device group, and up to 25 for each kind \
                      of object and binding. Where devices do not list all their device groups, one more for each device.",
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
        Right::of_administrators("/api/v2/systems/{id}/memberof", "groups.readonly"),
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
        let mut objects = Objects::of(context.users, state);
        let users_paths = endpoint::of_ids(context.options.users_endpoint);
        Some(Box::pin(async move {
            let mut edges = Vec::new();
            let result = read::read(&reader, &mut objects, users_paths, &mut edges, &mut progress).await;
            // The same rows in the same order, whichever ends were listed.
            edges.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
            Read::new(progress, result, |state| state.found.grants = edges)
        }))
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let reader = EdgeReader { client: planner.client, meter: planner.meter.clone(), limit: planner.limit };
        let mut objects = Objects::counted(planner);
        let users_paths = endpoint::of_ids(planner.options.users_endpoint);
        let (requests, because) = match requests(&reader, &mut objects, users_paths).await {
            Ok(planned) => planned,
            // A plan does not check rights. The scan will report what may not be read.
            Err(error) if error.is_unavailable() => (1, "may not be read".to_owned()),
            Err(error) => return Err(error),
        };
        let groups = planner.groups.len() as u64;
        let things: u64 = planner.things.keys().map(|kind| planner.count_of(*kind)).sum();
        let in_groups = planner.count_of(Kind::System) * planner.count_of(Kind::SystemGroup);
        // Of what may be bound, nothing but the number is known.
        let rows = planner.users.map(|users| {
            RowEstimate::at_most((users + groups).saturating_mul(things).saturating_add(in_groups), row_bytes::BINDING)
        });
        planner.sections.push(SectionPlan::new(Section::GRANTS, requests, because).with_rows(rows));
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

/// The requests that reading takes, if no list is longer than a page, and how they are made up.
async fn requests(
    reader: &EdgeReader<'_>,
    objects: &mut Objects,
    users_paths: &[&str],
) -> Result<(u64, String), ConnectorError> {
    let (of, probes) = device_groups::end(reader, objects).await?;
    let chosen = ChosenEnds::choose(reader, objects, users_paths).await?;
    let (mut lists, in_addition) = chosen.cost();
    lists.insert(0, (of, 1, objects.number(of)));
    let others =
        [(chosen.listing, "for the ids of the users"), (in_addition + probes, "to check that lists are complete")];
    let requests = lists.iter().map(|(_, lists, objects)| lists * objects).sum::<u64>();
    Ok((requests + others.iter().map(|(requests, _)| requests).sum::<u64>(), ends::in_words(&lists, &others)))
}
