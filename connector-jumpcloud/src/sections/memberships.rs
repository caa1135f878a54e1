//! Who is in which group: `GET /api/v2/usergroups/{id}/members`, for each group its direct members; members that are
//! groups are resolved later, in the graph.

use connector_api::ConnectorError;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::api::Id;
use crate::api::edge_lists::{EdgeList, EdgeReader, WholeList};
use crate::api::graph::{Edge, Kind};
use crate::client::Witness;
use crate::scan::people::People;
use crate::scan::progress::Tally;
use crate::scan::state::Members;

/// Reads every group's members, many groups side by side, in the order of `groups`.
pub(crate) async fn read(
    reader: &EdgeReader<'_>,
    groups: &[Id],
    people: &mut People,
    tally: &mut Tally,
) -> Result<Vec<Option<Members>>, ConnectorError> {
    let witness = Witness::default();
    let mut members: Vec<Option<Members>> = groups.iter().map(|_| None).collect();
    let mut on_trust = Vec::new();
    let all: Vec<usize> = (0..groups.len()).collect();
    read_some(reader, groups, all, Some(&witness), |at, list| {
        if let Some(WholeList { on_trust: true, .. }) = &list {
            on_trust.push(at);
        }
        members[at] = enter(&groups[at], list, people, tally);
    })
    .await?;
    if !witness.holds() {
        let again = std::mem::take(&mut on_trust);
        read_some(reader, groups, again, None, |at, list| members[at] = enter(&groups[at], list, people, tally))
            .await?;
    }
    if !on_trust.is_empty() {
        tally.note(format!(
            "{} lists of full pages ended by their totals; the others proved theirs right",
            on_trust.len()
        ));
    }
    // Only now: a list that was taken at its word may have been read again.
    for (group, members) in groups.iter().zip(&members) {
        members.iter().for_each(|members| count(group, members, tally));
    }
    tally.check_kinds().map(|()| members)
}

/// Reads the lists of some of `groups`, by their places there.
async fn read_some(
    reader: &EdgeReader<'_>,
    groups: &[Id],
    places: Vec<usize>,
    witness: Option<&Witness>,
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

/// The members that one list holds; `None` for a group that vanished.
fn enter(group: &Id, list: Option<WholeList<Listed>>, people: &mut People, tally: &mut Tally) -> Option<Members> {
    let Some(WholeList { found, stats, .. }) = list else {
        tally.note(format!("the group {group} vanished while it was read"));
        tally.advance(0, None);
        return None;
    };
    tally.listing(stats);
    tally.advance(found.count(), None);
    Some(found.into_members(people))
}

/// Counts a group's members, and those of kinds that are not known.
fn count(group: &Id, members: &Members, tally: &mut Tally) {
    let Members { users, groups, others } = members;
    tally.edges(users.len() + groups.len() + others.len());
    for (kind, id) in others {
        tally.unknown_kind(|| format!("group {group}"), || format!("{kind:?} {id}"));
    }
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
pub(crate) async fn counts(reader: &EdgeReader<'_>, groups: &[Id]) -> Result<Vec<u64>, ConnectorError> {
    stream::iter(groups.to_vec())
        .map(|group| {
            let list = EdgeList::members(Kind::UserGroup, group);
            async move { reader.count(&list).await }
        })
        .buffered(reader.client.ahead())
        .try_collect()
        .await
}
