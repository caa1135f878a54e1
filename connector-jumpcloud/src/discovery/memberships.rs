//! Who is in which group: `GET /api/v2/usergroups/{id}/members`, for each group its direct members; members that are
//! groups are resolved later, in the graph.

use connector_api::{ConnectorError, ErrorCode, Retry};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::de::IgnoredAny;

use super::people::People;
use super::section::Tally;
use super::state::Members;
use crate::api::Id;
use crate::api::graph::{self, Edge, Kind};
use crate::client::{Client, Course, Meter, PageReader, is_absent};

/// Reads every group's members, many groups side by side, in the order of `groups`.
pub(super) async fn read(
    client: &Client,
    limit: u64,
    groups: &[Id],
    people: &mut People,
    tally: &mut Tally,
) -> Result<Vec<Option<Members>>, ConnectorError> {
    let meter = tally.meter.clone();
    let mut lists = stream::iter(groups.to_vec())
        .map(|group| {
            let reader = PageReader::new(client, &meter, graph::members(Kind::UserGroup, &group, limit));
            whole(reader, Listed::default(), Listed::enter)
        })
        .buffered(client.ahead());
    let mut members = Vec::with_capacity(groups.len());
    while let Some(list) = lists.try_next().await? {
        let Some((listed, course)) = list else {
            confirm_gone(client, &meter, Kind::UserGroup, &groups[members.len()]).await?;
            tally.note(format!("the group {} vanished while it was read", groups[members.len()]));
            tally.advance(0, None);
            members.push(None);
            continue;
        };
        tally.course(course);
        tally.advance(listed.count(), None);
        members.push(Some(listed.into_members(people)));
    }
    Ok(members)
}

/// Enters a whole list of edges into `found`; `None` when what it belongs to is gone.
pub(super) async fn whole<T>(
    mut reader: PageReader<Edge>,
    mut found: T,
    enter: fn(&mut T, Edge),
) -> Result<Option<(T, Course)>, ConnectorError> {
    loop {
        match reader.next().await {
            Ok(Some(more)) => more.into_iter().for_each(|edge| enter(&mut found, edge)),
            Ok(None) => return Ok(Some((found, reader.course()))),
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// How often a thing must be answered 404 itself before it is held to be gone.
const CONFIRMATIONS: u32 = 2;

/// Makes sure that a thing whose edges are answered 404 is gone: a 404 may be a gateway's accident, and two of them too,
/// and a group that is there must not pass for one without members.
pub(super) async fn confirm_gone(client: &Client, meter: &Meter, kind: Kind, id: &Id) -> Result<(), ConnectorError> {
    for _ in 0..CONFIRMATIONS {
        match client.json::<IgnoredAny>(meter, graph::one(kind, id)).await {
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error),
            Ok(_) => {
                return Err(ConnectorError::new(
                    ErrorCode::InconsistentListing,
                    format!("the {} {id} is there, but what it is connected with is answered 404", kind.word()),
                    "scan again; when it lasts, report it to JumpCloud",
                )
                .with_retry(Retry::Later));
            }
        }
    }
    Ok(())
}

/// A group's members as they are listed: ids alone, since a group may have a million.
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
pub(super) async fn counts(client: &Client, meter: &Meter, groups: &[Id]) -> Result<Vec<u64>, ConnectorError> {
    stream::iter(groups.to_vec())
        .map(|group| count(PageReader::new(client, meter, graph::members(Kind::UserGroup, &group, 1))))
        .buffered(client.ahead())
        .try_collect()
        .await
}

async fn count(mut reader: PageReader<Edge>) -> Result<u64, ConnectorError> {
    match reader.total().await {
        Ok(total) => Ok(total.unwrap_or(0)),
        Err(error) if is_absent(&error) => Ok(0),
        Err(error) => Err(error),
    }
}
