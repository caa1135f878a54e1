//! User groups: `GET /api/v2/usergroups`, and each group individually if its row omits what makes it privileged.
//!
//! JumpCloud was observed to list groups without `attributes` (sudo, POSIX and LDAP groups) and `membershipMethod`, which
//! `GET /api/v2/usergroups/{id}` includes. Without them a group's sudo would look like plain login.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{ConnectorError, ErrorCode, Group, Reason, Retry, RowEstimate, Section, SectionPlan, async_trait};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::{About, Context, Discovery, Read, memberships};
use crate::api::edge_lists::confirm_gone;
use crate::api::graph::sudo;
use crate::api::kind::Kind;
use crate::api::level::Level;
use crate::api::user_groups::{self, UserGroup};
use crate::api::{Id, IdOnly};
use crate::client::{Client, Listing, PageReader, grouped, is_absent};
use crate::graph::USER_GROUP;
use crate::options::GroupDetails;
use crate::options::attribute::GROUP_DETAILS;
use crate::rights::Right;
use crate::scan::another_answered;
use crate::scan::outlet::{Known, Outlet};
use crate::scan::planner::{Planner, row_bytes};
use crate::scan::progress::SectionProgress;
use crate::scan::state::State;

/// The user groups, from the list or read individually.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Found {
    pub(crate) rows: Vec<UserGroup>,
    /// Listed groups that answer 404 when read individually: gone, unless they have members.
    pub(crate) absent: BTreeSet<Id>,
}

pub(crate) struct Groups;

static ABOUT: About = About {
    core: true,
    data: "User groups, with privilege evidence and membership method",
    source: "GET /api/v2/usergroups, and GET /api/v2/usergroups/{id} for details that the list omits",
    cost: "1 request per 100 groups, plus 1 for each group whose details the list omits (see groupDetails)",
    owns: &[("group", &[USER_GROUP])],
    rights: &[
        Right::of_managers("/api/v2/usergroups", "groups.readonly"),
        Right::of_managers("/api/v2/usergroups/{id}", "groups.readonly"),
    ],
    ..About::new(Section::GROUPS, "Groups")
};

#[async_trait]
impl Discovery for Groups {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read<'a>(&self, context: Context<'a>, _: &State, mut progress: SectionProgress) -> Option<BoxFuture<'a, Read>> {
        let Context { client, options, limit, .. } = context;
        Some(Box::pin(async move {
            let mut found = Found::default();
            let result = read(client, limit, options.group_details, &mut found, &mut progress).await;
            Read::new(progress, result, |state| state.found.groups = found)
        }))
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let groups: Vec<UserGroup> =
            planner.client.list_offset(&planner.meter, user_groups::list(planner.limit)).await?;
        let count = groups.len() as u64;
        let details = details(planner.options.group_details, &groups);
        let requests = Listing::requests(count, planner.limit) + details;
        let because = format!("{} groups, {} of them read individually", grouped(count), grouped(details));
        let rows = RowEstimate::about(count, row_bytes::GROUP);
        planner.sections.push(SectionPlan::new(Section::GROUPS, requests, because).with_rows(rows));
        planner.groups = groups.into_iter().map(|group| group.id).collect();
        Ok(())
    }

    async fn emit(&self, _: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        for (at, group) in (0_u32..).zip(&known.state.found.groups.rows) {
            outlet.step().await?;
            let Some(members) = memberships::of_group(known.state, known.graph, at) else { continue };
            outlet.send(Section::GROUPS, row(group, members.count(), known.privilege.group(at))).await?;
        }
        Ok(())
    }
}

fn row(group: &UserGroup, member_count: u64, reasons: Vec<Reason>) -> Group {
    let mut row = Group::new(group.id.to_string(), USER_GROUP, group.shown_name());
    row.description = group.description.clone();
    row.membership_method = group.membership_method.clone();
    row.member_count = Some(member_count);
    row.privileged = !reasons.is_empty();
    row.reasons = reasons;
    row.raises = sudo(group.rest.get("attributes").as_ref()).raises_of_group();
    row.attributes = group.rest.clone();
    row
}

/// Reads the groups into `found`, which keeps what was read before an error.
async fn read(
    client: &Client,
    limit: u64,
    how: GroupDetails,
    found: &mut Found,
    progress: &mut SectionProgress,
) -> Result<(), ConnectorError> {
    let Found { rows: groups, absent } = found;
    progress.read_into(client, user_groups::list(limit), groups).await?;
    let which = match how {
        GroupDetails::Filtered => match filtered(client, limit, groups, progress).await? {
            Some(hits) => Which::Some(hits),
            None => Which::Lacking,
        },
        GroupDetails::Auto => Which::Lacking,
        GroupDetails::Each => Which::All,
        GroupDetails::List => Which::Some(BTreeSet::new()),
    };
    read_details(client, &which, groups, absent, progress).await?;
    let lacking = groups.iter().filter(|group| group.lacks_details()).count() as u64;
    if lacking > 0 && matches!(which, Which::Some(_)) {
        let groups = if lacking == 1 { "1 group".to_owned() } else { format!("{} groups", grouped(lacking)) };
        progress.lack_evidence(match how {
            GroupDetails::Filtered => format!(
                "filters show that {groups} {} no sudo, so {} not read individually; a POSIX group of administrators \
                 would not show ({GROUP_DETAILS} is {how})",
                if lacking == 1 { "has" } else { "have" },
                if lacking == 1 { "it was" } else { "these were" },
            ),
            _ => format!(
                "sudo, POSIX groups and the membership method of {groups} are not known: the list omits them, and \
                 {GROUP_DETAILS} is {how}"
            ),
        });
    }
    Ok(())
}

/// The groups that are read individually.
enum Which {
    All,
    /// Those whose rows in the list omit details.
    Lacking,
    Some(BTreeSet<Id>),
}

impl Which {
    fn holds(&self, group: &UserGroup) -> bool {
        match self {
            Self::All => true,
            Self::Lacking => group.lacks_details(),
            Self::Some(ids) => ids.contains(&group.id),
        }
    }
}

/// How many groups a scan reads individually, judged by their rows in the list; an upper bound with filters.
fn details(how: GroupDetails, groups: &[UserGroup]) -> u64 {
    let which = match how {
        GroupDetails::Auto | GroupDetails::Filtered => Which::Lacking,
        GroupDetails::Each => Which::All,
        GroupDetails::List => return 0,
    };
    groups.iter().filter(|group| which.holds(group)).count() as u64
}

/// Checks that a group that answers 404 has no members: otherwise it exists, and it is not known what makes it privileged.
///
/// # Errors
/// `inconsistent_listing`.
pub(crate) fn check_absent(absent: &BTreeSet<Id>, is_there: impl Fn(&Id) -> bool) -> Result<(), ConnectorError> {
    match absent.iter().find(|id| is_there(id)) {
        None => Ok(()),
        Some(id) => Err(ConnectorError::new(
            ErrorCode::InconsistentListing,
            format!("the user_group {id} is listed and has a list of members, but JumpCloud answers 404 for the group itself"),
            format!(
                "scan again; if it persists, report it to JumpCloud, and set {GROUP_DETAILS} to {} until then, which may miss \
                 the sudo of groups",
                GroupDetails::List
            ),
        )
        .with_retry(Retry::Later)),
    }
}

/// Replaces rows of the list by the groups read individually.
async fn read_details(
    client: &Client,
    which: &Which,
    groups: &mut [UserGroup],
    absent: &mut BTreeSet<Id>,
    progress: &mut SectionProgress,
) -> Result<(), ConnectorError> {
    let places: Vec<usize> = (0..groups.len()).filter(|at| which.holds(&groups[*at])).collect();
    progress.plan(places.len() as u64);
    let meter = progress.meter.clone();
    let ids: Vec<(usize, Id)> = places.into_iter().map(|at| (at, groups[at].id.clone())).collect();
    let mut details = stream::iter(ids)
        .map(|(at, id)| {
            let meter = meter.clone();
            async move {
                match client.json::<UserGroup>(&meter, user_groups::one(&id)).await {
                    Ok(group) if group.id == id => Ok((at, Some(group))),
                    Ok(another) => Err(another_answered("user_group", &id, &another.id)),
                    Err(error) if is_absent(&error) => {
                        confirm_gone(client, &meter, Kind::UserGroup, &id).await?;
                        Ok((at, None))
                    }
                    Err(error) => Err(error),
                }
            }
        })
        .buffered(client.ahead());
    while let Some((at, group)) = details.try_next().await? {
        match group {
            Some(group) => groups[at] = UserGroup { name: group.name.or(groups[at].name.take()), ..group },
            None => _ = absent.insert(groups[at].id.clone()),
        }
        progress.advance(0, None);
    }
    Ok(())
}

/// The values of `membershipMethod` by which groups are filtered.
const METHODS: [&str; 4] = ["NOTSET", "STATIC", "DYNAMIC_REVIEW_REQUIRED", "DYNAMIC_AUTOMATED"];

/// Finds with the published filters the groups that must be read individually (those with sudo or a membership rule), and
/// enters the methods of the others. `None` if the filters do not work.
async fn filtered(
    client: &Client,
    limit: u64,
    groups: &mut [UserGroup],
    progress: &mut SectionProgress,
) -> Result<Option<BTreeSet<Id>>, ConnectorError> {
    if !groups.iter().any(UserGroup::lacks_details) {
        return Ok(Some(BTreeSet::new()));
    }
    let mut methods: BTreeMap<Id, &str> = BTreeMap::new();
    let mut received = 0;
    for method in METHODS {
        let Some(hits) = hits(client, limit, &format!("membershipMethod:eq:{method}"), progress).await? else {
            return unfiltered(progress, "JumpCloud refuses the filters");
        };
        received += hits.len();
        methods.extend(hits.into_iter().map(|id| (id, method)));
    }
    // Each group has one method, so each group must be in exactly one of the four lists. An ignored filter returns all
    // groups each time.
    if received != groups.len() || !groups.iter().all(|group| methods.contains_key(&group.id)) {
        return unfiltered(progress, "the filters for the membership method do not return each group exactly once");
    }
    let mut found: BTreeSet<Id> = BTreeSet::new();
    for field in ["enabled", "withoutPassword"] {
        let Some(hits) = hits(client, limit, &format!("attributes.sudo.{field}:eq:true"), progress).await? else {
            return unfiltered(progress, "JumpCloud refuses the filters");
        };
        found.extend(hits);
    }
    if let Some(id) = found.first() {
        let group: UserGroup = client.json(&progress.meter, user_groups::one(id)).await?;
        if sudo(group.rest.get("attributes").as_ref()) == Level::Login {
            return unfiltered(progress, "the filter for sudo returns a group without sudo");
        }
    }
    for group in groups.iter_mut() {
        let Some(method) = methods.get(&group.id) else { continue };
        if method.starts_with("DYNAMIC") {
            found.insert(group.id.clone());
        }
        group.membership_method.get_or_insert_with(|| (*method).to_owned());
    }
    Ok(Some(found))
}

fn unfiltered(progress: &mut SectionProgress, why: &str) -> Result<Option<BTreeSet<Id>>, ConnectorError> {
    progress.note(format!("groups are read individually, because {why}"));
    Ok(None)
}

/// The groups that match a filter; `None` if the target refuses it.
async fn hits(
    client: &Client,
    limit: u64,
    filter: &str,
    progress: &mut SectionProgress,
) -> Result<Option<Vec<Id>>, ConnectorError> {
    let mut reader = PageReader::<IdOnly>::new(client, &progress.meter, user_groups::list_filtered(filter, limit));
    let mut found = Vec::new();
    let result = loop {
        match reader.next().await {
            Ok(Some(more)) => found.extend(more.into_iter().map(|group| group.id)),
            Ok(None) => break Ok(Some(found)),
            Err(error) if error.code == ErrorCode::MalformedResponse => break Ok(None),
            Err(error) => break Err(error),
        }
    };
    progress.listing(reader.stats());
    result
}
