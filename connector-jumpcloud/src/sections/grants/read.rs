//! Reads the lists of edges that were chosen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use connector_api::ConnectorError;
use futures_util::future::join;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::device_groups;
use super::ends::{KnownIds, Objects};
use super::spot_check::{self, MixedList};
use super::together::ChosenEnds;
use crate::api::edge_lists::{EdgeList, EdgeReader, Mixed, WholeList};
use crate::api::graph;
use crate::api::kind::Kind;
use crate::api::users as users_api;
use crate::api::{Id, IdOnly};
use crate::client::{ListingStats, PageReader, TotalsWitness};
use crate::scan::progress::SectionProgress;
use crate::scan::state::{Edge, Node};

/// After this number of refused lists of several kinds, no further one is requested: each kind is listed by itself. Those
/// that were requested before are not affected, at most [`ahead`](crate::client::Client::ahead).
const REFUSALS: u32 = 8;

/// A list that was read.
enum Answer {
    /// A list, or `None` if its object is gone.
    Whole(Option<WholeList<Vec<graph::Edge>>>),
    /// The list of several kinds is not used, after this number of expected requests: each kind is read by itself.
    OneByOne(u64),
}

/// Reads all edges into `edges`, which keeps what was read before an error.
pub(super) async fn read(
    reader: &EdgeReader<'_>,
    objects: &mut Objects,
    users_paths: &[&str],
    edges: &mut Vec<Edge>,
    progress: &mut SectionProgress,
) -> Result<(), ConnectorError> {
    let things = objects.clone();
    // Neither ends the other, so that what one has read is kept if the other fails.
    let (of_devices, chosen) =
        join(device_groups::read(reader, &things), ChosenEnds::choose(reader, objects, users_paths)).await;
    let mut lists = of_devices?.enter(edges, progress);
    let chosen = chosen?;
    lists.extend(chosen.lists(objects));
    let mut mixed = chosen.enter(progress);
    let result = read_and_check(reader, lists, edges, &mut mixed, progress).await;
    mixed.into_iter().for_each(|list| list.connect(edges, progress));
    result.and_then(|()| progress.check_kinds())
}

/// Reads lists of one kind into `edges` and those of several into `mixed`. If a spot check disproves `mixed`, all its lists
/// are read one kind at a time instead.
async fn read_and_check(
    reader: &EdgeReader<'_>,
    lists: Vec<EdgeList>,
    edges: &mut Vec<Edge>,
    mixed: &mut Vec<MixedList>,
    progress: &mut SectionProgress,
) -> Result<(), ConnectorError> {
    read_rounds(reader, lists, edges, mixed, progress).await?;
    if spot_check::agrees(reader, mixed, progress).await? {
        return Ok(());
    }
    progress.note("lists of several kinds of bindings were not complete, so each kind was listed by itself");
    let one_by_one = std::mem::take(mixed).into_iter().flat_map(MixedList::one_by_one).collect();
    read_rounds(reader, one_by_one, edges, mixed, progress).await
}

/// Reads lists, and then those that take their place where they cannot be used.
async fn read_rounds(
    reader: &EdgeReader<'_>,
    mut lists: Vec<EdgeList>,
    edges: &mut Vec<Edge>,
    mixed: &mut Vec<MixedList>,
    progress: &mut SectionProgress,
) -> Result<(), ConnectorError> {
    let (totals, refusals) = (TotalsWitness::default(), AtomicU32::new(0));
    let mut witness = Some(&totals);
    let mut keep = |list: EdgeList, found, progress: &mut SectionProgress| match list.to.len() {
        1 => connect(&list, found, edges, progress),
        _ => mixed.push(MixedList { used: Arc::clone(&list.to), list, found }),
    };
    // Lists that ended by their totals wait until the totals are proven.
    let mut on_trust = Vec::new();
    while !lists.is_empty() {
        let mut next = Vec::new();
        read_lists(reader, lists, witness, &refusals, |list, answer| match answer {
            Answer::OneByOne(requests) => {
                progress.plan(requests);
                next.extend(list.one_by_one());
            }
            Answer::Whole(found) => match enter(&list, found, progress) {
                Some(WholeList { on_trust: true, found, .. }) => on_trust.push((list, found)),
                Some(WholeList { found, .. }) => keep(list, found, progress),
                None => {}
            },
        })
        .await?;
        if next.is_empty() && witness.is_some() && !totals.holds() {
            witness = None;
            next = std::mem::take(&mut on_trust).into_iter().map(|(list, _)| list).collect();
        }
        lists = next;
    }
    on_trust.into_iter().for_each(|(list, found)| keep(list, found, progress));
    Ok(())
}

/// Reads lists, many concurrently, in their order.
async fn read_lists(
    reader: &EdgeReader<'_>,
    lists: Vec<EdgeList>,
    witness: Option<&TotalsWitness>,
    refusals: &AtomicU32,
    mut enter: impl FnMut(EdgeList, Answer),
) -> Result<(), ConnectorError> {
    let mut lists = stream::iter(lists)
        .map(|list| async move {
            let answer = answer(reader, &list, witness, refusals).await?;
            Ok::<_, ConnectorError>((list, answer))
        })
        .buffered(reader.client.ahead());
    while let Some((list, answer)) = lists.try_next().await? {
        enter(list, answer);
    }
    Ok(())
}

async fn answer(
    reader: &EdgeReader<'_>,
    list: &EdgeList,
    witness: Option<&TotalsWitness>,
    refusals: &AtomicU32,
) -> Result<Answer, ConnectorError> {
    if list.to.len() == 1 {
        return Ok(Answer::Whole(reader.read(list, witness, Vec::new(), Vec::push).await?));
    }
    if refusals.load(Ordering::Relaxed) >= REFUSALS {
        return Ok(Answer::OneByOne(0));
    }
    Ok(match reader.read_mixed(list, witness).await? {
        Mixed::Whole(whole) => Answer::Whole(Some(whole)),
        Mixed::Gone => Answer::Whole(None),
        Mixed::Odd(stats) => Answer::OneByOne(stats.planned.unwrap_or(1)),
        Mixed::Refused => {
            refusals.fetch_add(1, Ordering::Relaxed);
            Answer::OneByOne(1)
        }
    })
}

/// The ids of the users, from the first listing that is served.
pub(super) async fn list_users(
    reader: &EdgeReader<'_>,
    paths: &[&str],
    known: KnownIds,
) -> Result<(Vec<Id>, ListingStats), ConnectorError> {
    let mut refused = None;
    for path in paths {
        let mut listing =
            PageReader::<IdOnly>::new(reader.client, &reader.meter, users_api::list_ids(path, reader.limit));
        let mut users = Vec::new();
        loop {
            match listing.next().await {
                Ok(Some(more)) => {
                    users.extend(more.into_iter().map(|user| user.id));
                    if known == KnownIds::FirstPage {
                        return Ok((users, listing.stats()));
                    }
                }
                Ok(None) => return Ok((users, listing.stats())),
                Err(error) if error.is_unavailable() => {
                    refused.get_or_insert(error);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
    }
    Err(refused.unwrap_or_else(|| ConnectorError::internal("there is no users' endpoint")))
}

/// Counts a list that was read; `None` if its object is gone.
pub(super) fn enter(
    EdgeList { of, id, .. }: &EdgeList,
    list: Option<WholeList<Vec<graph::Edge>>>,
    progress: &mut SectionProgress,
) -> Option<WholeList<Vec<graph::Edge>>> {
    let Some(mut list) = list else {
        progress.note(format!("the {} {id} vanished while it was read", of.word()));
        return None;
    };
    progress.listing(std::mem::take(&mut list.stats));
    progress.advance(list.found.len(), None);
    Some(list)
}

/// Makes edges from the far ends in one list.
pub(super) fn connect(list: &EdgeList, found: Vec<graph::Edge>, edges: &mut Vec<Edge>, progress: &mut SectionProgress) {
    let EdgeList { of, id, to } = list;
    progress.edges(found.len());
    for edge in found {
        let Some(other) = to.iter().copied().find(|kind| kind.word() == edge.kind) else {
            progress.unknown_kind(|| format!("{} {id}", of.word()), || format!("{:?} {}", edge.kind, edge.id));
            continue;
        };
        let (listed, other) = (Node { kind: *of, id: id.clone() }, Node { kind: other, id: edge.id });
        let (from, to) = if rank(listed.kind) < rank(other.kind) { (listed, other) } else { (other, listed) };
        edges.push(Edge { from, to, access: edge.access });
    }
}

/// What is bound, or contains, has a lower rank than what it is bound to, or contains.
fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::User | Kind::UserGroup => 0,
        Kind::SystemGroup => 1,
        _ => 2,
    }
}
