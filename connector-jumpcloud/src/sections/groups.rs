//! User groups: `GET /api/v2/usergroups`, and where its rows lack what makes a group privileged, each group by itself.
//!
//! JumpCloud was seen to list groups without `attributes` (sudo, POSIX and LDAP groups) and `membershipMethod`, which the
//! group itself has (`GET /api/v2/usergroups/{id}`). Without them a group's sudo would pass for plain login.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{ConnectorError, ErrorCode, Retry};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::api::edge_lists::confirm_gone;
use crate::api::graph::{Kind, sudo};
use crate::api::level::Level;
use crate::api::user_groups::{self, UserGroup};
use crate::api::{Id, IdOnly};
use crate::client::{Client, PageReader, is_absent};
use crate::options::GroupDetails;
use crate::scan::another_answered;
use crate::scan::progress::Tally;

/// The user groups as they were read.
#[derive(Default)]
pub(crate) struct Groups {
    pub(crate) rows: Vec<UserGroup>,
    /// Those that are listed and answer 404 by themselves: gone, unless their members are there.
    pub(crate) absent: BTreeSet<Id>,
}

/// Reads the groups into `found`; what came before an error stays there.
pub(crate) async fn read(
    client: &Client,
    limit: u64,
    how: GroupDetails,
    found: &mut Groups,
    tally: &mut Tally,
) -> Result<(), ConnectorError> {
    let Groups { rows: groups, absent } = found;
    tally.read_into(client, user_groups::list(limit), groups).await?;
    let which = match how {
        GroupDetails::Filtered => match filtered(client, limit, groups, tally).await? {
            Some(hits) => Which::Some(hits),
            None => Which::Lacking,
        },
        GroupDetails::Auto => Which::Lacking,
        GroupDetails::Each => Which::All,
        GroupDetails::List => Which::Some(BTreeSet::new()),
    };
    read_details(client, &which, groups, absent, tally).await?;
    let lacking = groups.iter().filter(|group| group.lacks_details()).count();
    if lacking > 0 && matches!(which, Which::Some(_)) {
        tally.note(format!(
            "the list lacks the attributes or the membership method of {lacking} groups, and they were not read one by one, \
             since groupDetails is {}",
            how.word()
        ));
    }
    Ok(())
}

/// The groups that are read by themselves.
enum Which {
    All,
    /// Those whose rows in the list lack what only the group shows.
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

/// How many groups a scan reads by themselves, from their rows in the list; unknown beforehand with filters.
pub(crate) fn details(how: GroupDetails, groups: &[UserGroup]) -> u64 {
    let which = match how {
        GroupDetails::Auto | GroupDetails::Filtered => Which::Lacking,
        GroupDetails::Each => Which::All,
        GroupDetails::List => return 0,
    };
    groups.iter().filter(|group| which.holds(group)).count() as u64
}

/// A group that answers 404 by itself must have no members either: else it is there, and what makes it privileged is not
/// known.
///
/// # Errors
/// `inconsistent_listing`.
pub(crate) fn check_absent(absent: &BTreeSet<Id>, is_there: impl Fn(&Id) -> bool) -> Result<(), ConnectorError> {
    match absent.iter().find(|id| is_there(id)) {
        None => Ok(()),
        Some(id) => Err(ConnectorError::new(
            ErrorCode::InconsistentListing,
            format!("the user_group {id} is listed and its members are there, but the group itself is answered 404"),
            "scan again; when it lasts, report it to JumpCloud, and set groupDetails to list meanwhile, with which the \
             sudo of groups may be missed",
        )
        .with_retry(Retry::Later)),
    }
}

/// Puts what the groups themselves show in the place of their rows in the list.
async fn read_details(
    client: &Client,
    which: &Which,
    groups: &mut [UserGroup],
    absent: &mut BTreeSet<Id>,
    tally: &mut Tally,
) -> Result<(), ConnectorError> {
    let places: Vec<usize> = (0..groups.len()).filter(|at| which.holds(&groups[*at])).collect();
    tally.plan(places.len() as u64);
    let meter = tally.meter.clone();
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
        tally.advance(0, None);
    }
    Ok(())
}

/// The membership methods by which groups are filtered, as `membershipMethod` has them.
const METHODS: [&str; 4] = ["NOTSET", "STATIC", "DYNAMIC_REVIEW_REQUIRED", "DYNAMIC_AUTOMATED"];

/// Finds by the published filters the groups that must be read by themselves (those with sudo, and those whose members
/// follow a rule), and enters the others' methods. `None` where the answers cannot be those of a filter.
async fn filtered(
    client: &Client,
    limit: u64,
    groups: &mut [UserGroup],
    tally: &mut Tally,
) -> Result<Option<BTreeSet<Id>>, ConnectorError> {
    if !groups.iter().any(UserGroup::lacks_details) {
        return Ok(Some(BTreeSet::new()));
    }
    let mut methods: BTreeMap<Id, &str> = BTreeMap::new();
    let mut came = 0;
    for method in METHODS {
        let Some(hits) = hits(client, limit, &format!("membershipMethod:eq:{method}"), tally).await? else {
            return unfiltered(tally, "the target refuses the filters");
        };
        came += hits.len();
        methods.extend(hits.into_iter().map(|id| (id, method)));
    }
    // Each group has one method, so the four lists hold each group once. A filter that is passed over gives all of them
    // each time.
    if came != groups.len() || !groups.iter().all(|group| methods.contains_key(&group.id)) {
        return unfiltered(tally, "the groups do not come once each under the filters for the membership method");
    }
    let mut found: BTreeSet<Id> = BTreeSet::new();
    for field in ["enabled", "withoutPassword"] {
        let Some(hits) = hits(client, limit, &format!("attributes.sudo.{field}:eq:true"), tally).await? else {
            return unfiltered(tally, "the target refuses the filters");
        };
        found.extend(hits);
    }
    if let Some(id) = found.first() {
        let group: UserGroup = client.json(&tally.meter, user_groups::one(id)).await?;
        if sudo(group.rest.get("attributes").as_ref()) == Level::Login {
            return unfiltered(tally, "a group without sudo comes under the filter for sudo");
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

fn unfiltered(tally: &mut Tally, why: &str) -> Result<Option<BTreeSet<Id>>, ConnectorError> {
    tally.note(format!("groups are read one by one, since {why}"));
    Ok(None)
}

/// The groups that a filter lets through; `None` where the target refuses it.
async fn hits(client: &Client, limit: u64, filter: &str, tally: &mut Tally) -> Result<Option<Vec<Id>>, ConnectorError> {
    let mut reader = PageReader::<IdOnly>::new(client, &tally.meter, user_groups::list_filtered(filter, limit));
    let mut found = Vec::new();
    let result = loop {
        match reader.next().await {
            Ok(Some(more)) => found.extend(more.into_iter().map(|group| group.id)),
            Ok(None) => break Ok(Some(found)),
            Err(error) if error.code == ErrorCode::MalformedResponse => break Ok(None),
            Err(error) => break Err(error),
        }
    };
    tally.listing(reader.stats());
    result
}
