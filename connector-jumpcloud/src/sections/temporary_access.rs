//! Access that was approved until a certain time: `GET /api/v2/approvalflowrequest`, and `GET /api/v2/accessrequests` where it
//! is served.
//!
//! Only what is in force becomes rows: a binding with an end and the request, or the end of a membership.

use std::collections::BTreeMap;

use connector_api::{ConnectorError, RowEstimate, Section, SectionPlan, async_trait};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{About, Context, Discovery, Read};
use crate::api::Id;
use crate::api::access_requests::{self as api, AccessRequest, FlowRequest, Request, State as RequestState};
use crate::api::kind::Kind;
use crate::api::level::Level;
use crate::client::{Listing, grouped, is_absent};
use crate::graph::evidence_table::quoted;
use crate::options::Switch;
use crate::rights::Right;
use crate::scan::outlet::{Known, Outlet};
use crate::scan::planner::{Planner, row_bytes, shown};
use crate::scan::progress::SectionProgress;
use crate::scan::state::{Node, State};

/// What is in force, in the order of the requests' ids.
pub(crate) type Found = Vec<ApprovedAccess>;

/// Access that somebody has until a certain time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApprovedAccess {
    /// The request's id.
    pub(crate) id: String,
    pub(crate) user: Id,
    /// The resource, if it is of a kind that can be reached, or the group.
    pub(crate) to: Option<Node>,
    /// The group by which the user has the access.
    pub(crate) temp_group: Option<Id>,
    pub(crate) level: Level,
    pub(crate) expires_at: Timestamp,
}

pub(crate) struct TemporaryAccess;

static ABOUT: About = About {
    data: "Access that was approved until a certain time: bindings and memberships that expire, each with its request",
    source: "GET /api/v2/approvalflowrequest, GET /api/v2/accessrequests",
    cost: "1 request per 100 access requests, and 1 for the list of granted access, which is rarely served",
    // Whether a request is a binding of its own depends on its group's members and bindings.
    after: &[
        Section::GROUPS,
        Section::MEMBERSHIPS,
        Section::SYSTEMS,
        Section::APPLICATIONS,
        Section::DIRECTORIES,
        Section::GRANTS,
    ],
    owns: &[("binding", &["temporaryAccountToResource"])],
    fills_in: &[("membership", "expiresAt"), ("membership", "requestId")],
    option: Some(Switch {
        name: "includeTemporaryAccess",
        title: "Temporary access",
        description: "Discover access that was approved until a certain time, which is otherwise taken for standing \
                      access or not seen. Costs one request for each 100 access requests, and one more.",
    }),
    rights: &[
        Right::of_feature("/api/v2/approvalflowrequest", "accessmanagement.readonly"),
        // The list is not published; the scope is that of the published calls for single requests.
        Right::of_feature("/api/v2/accessrequests", "accessrequest.readonly"),
    ],
    ..About::new(Section::TEMPORARY_ACCESS, "Temporary access")
};

#[async_trait]
impl Discovery for TemporaryAccess {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read<'a>(&self, context: Context<'a>, _: &State, mut progress: SectionProgress) -> Option<BoxFuture<'a, Read>> {
        let Context { client, limit, .. } = context;
        Some(Box::pin(async move {
            let (mut flows, mut granted) = (Vec::<FlowRequest>::new(), Vec::<AccessRequest>::new());
            let main = progress.read_into(client, api::list_of_flows(limit), &mut flows).await;
            let result = match main {
                Err(error) if !is_absent(&error) => Err(error),
                main => match progress.read_into(client, api::list(limit), &mut granted).await {
                    // Most organisations have at most one of the two lists.
                    Err(error) if is_absent(&error) => main,
                    other => other,
                },
            };
            let found = in_force(api::merged(flows, granted), client.clock().now(), &mut progress);
            Read::new(progress, result, |state| state.found.temporary_access = found)
        }))
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let flows = planner.count::<FlowRequest>(api::list_of_flows(1)).await?;
        let granted = planner.count::<AccessRequest>(api::list(1)).await?;
        let requests = |count: Option<u64>| count.map_or(1, |count| Listing::requests(count, planner.limit));
        let because = format!("{} requests for access", shown(flows.or(granted)));
        // How many of them are in force is not counted.
        let rows =
            flows.or(granted).map(|count| RowEstimate::at_most(count + granted.unwrap_or(0), row_bytes::BINDING));
        let all = requests(flows) + requests(granted);
        planner.sections.push(SectionPlan::new(Section::TEMPORARY_ACCESS, all, because).with_rows(rows));
        Ok(())
    }

    #[cfg(any(fuzzing, test, feature = "fuzzing"))]
    fn fuzz(&self, bytes: &[u8]) {
        drop(api::merged(crate::fuzzing::rows(bytes), crate::fuzzing::rows(bytes)));
    }

    async fn emit(&self, _: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        let Known { state, graph, .. } = known;
        for access in &graph.temporary().unmatched {
            let to = access
                .to
                .as_ref()
                .map_or("a resource of an unknown kind".to_owned(), |to| format!("{} {}", to.kind.word(), to.id));
            outlet.aside(Section::TEMPORARY_ACCESS).dangling(|| format!("request {}", access.id), || to);
        }
        for (binding, access) in graph.bound_temporarily() {
            if state.people.find(&access.user).is_some_and(|user| state.people.is_listed(user)) {
                outlet.send(Section::TEMPORARY_ACCESS, binding).await?;
            } else {
                let user = || format!("user {}", access.user);
                outlet.aside(Section::TEMPORARY_ACCESS).dangling(|| format!("request {}", access.id), user);
            }
        }
        Ok(())
    }
}

/// What of some requests is in force at a time. Those of which that cannot be said are noted.
fn in_force(requests: Vec<Request>, now: Timestamp, progress: &mut SectionProgress) -> Found {
    let mut unread = BTreeMap::<String, u64>::new();
    let mut note = |why: String| *unread.entry(why).or_default() += 1;
    let mut found = Vec::new();
    for request in requests {
        match &request.state {
            // What has ended gives nothing, whatever became of it.
            _ if request.expires_at.is_some_and(|end| end <= now) => {}
            RequestState::Unknown(word) if word.is_empty() => note(not_taken("without a status")),
            RequestState::Unknown(word) => note(not_taken(&format!("of the unknown status {}", quoted(word)))),
            RequestState::Granted if request.expires_at.is_none() => note(not_taken("approved without an end")),
            _ if !request.is_in_force(now) => {}
            _ => found.extend(access(request, &mut note)),
        }
    }
    for (why, count) in unread {
        let requests = if count == 1 { "1 request".to_owned() } else { format!("{} requests", grouped(count)) };
        progress.note(format!("{requests} for access {why}"));
    }
    found
}

/// The end of a note about requests that give nothing.
fn not_taken(why: &str) -> String {
    format!("{why}: not taken as temporary access")
}

/// What a request in force gives; `None`, with a note, if it does not say to whom or what.
fn access(request: Request, note: &mut impl FnMut(String)) -> Option<ApprovedAccess> {
    let Some(user) = request.user.as_ref().and_then(|user| user.parse::<Id>().ok()) else {
        note(not_taken("naming no user by id"));
        return None;
    };
    let temp_group = request.temp_group.and_then(|group| group.parse::<Id>().ok());
    let to = match (request.kind, request.resource.and_then(|id| id.parse().ok())) {
        (Some(Ok(kind)), Some(id)) => Some(Node { kind, id }),
        (Some(Err(word)), _) if temp_group.is_none() => {
            note(not_taken(&format!("to a resource of the unknown type {}", quoted(&word))));
            return None;
        }
        _ if temp_group.is_none() => {
            note(not_taken("naming no resource by type and id"));
            return None;
        }
        _ => None,
    };
    let has_levels = to.as_ref().is_some_and(|to| matches!(to.kind, Kind::System | Kind::SystemGroup));
    let level = match request.level {
        Some(Ok(level)) if has_levels => level,
        Some(Err(word)) if has_levels => {
            note(format!("with the unknown permission {}: taken as login", quoted(&word)));
            Level::Login
        }
        _ => Level::Login,
    };
    Some(ApprovedAccess { id: request.id, user, to, temp_group, level, expires_at: request.expires_at? })
}
