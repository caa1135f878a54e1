//! Lists of several kinds, compared with those of each kind once all are read.
//!
//! A service may answer the first objects completely and others not: it was updated in between, or answers by object or at
//! random. So of each kind of object a few lists are read again, one kind at a time: above all those that show edges to no
//! kind, or not to all of them, because these may lack some. A difference may be a change in between. Then the list of
//! several kinds, read once more, must show the same; if it does not, no list of several kinds is used.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector_api::ConnectorError;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::read::connect;
use crate::api::Id;
use crate::api::edge_lists::{EdgeList, EdgeReader, Mixed, WholeList};
use crate::api::graph;
use crate::api::kind::Kind;
use crate::api::level::Level;
use crate::scan::progress::SectionProgress;
use crate::scan::state::Edge;

/// The most lists of a kind of object that are checked.
const MOST: u64 = 5;
/// Of fewer objects, one in this number is checked.
const ONE_IN: u64 = 8;

/// A list of several kinds that was read.
pub(super) struct MixedList {
    /// As it was requested.
    pub(super) list: EdgeList,
    /// The kinds whose edges are used.
    pub(super) used: Arc<[Kind]>,
    pub(super) found: Vec<graph::Edge>,
}

/// The far ends of one object's edges.
type FarEnds = BTreeSet<(String, Id, Level)>;

impl MixedList {
    /// Enters the edges to the kinds that are used.
    pub(super) fn connect(self, edges: &mut Vec<Edge>, progress: &mut SectionProgress) {
        let Self { list, used, mut found } = self;
        let list = EdgeList { to: used, ..list };
        found.retain(|edge| list.requests(&edge.kind));
        connect(&list, found, edges, progress);
    }

    /// A list for each kind that is used.
    pub(super) fn one_by_one(self) -> impl Iterator<Item = EdgeList> {
        EdgeList { to: self.used, ..self.list }.one_by_one()
    }

    /// How much the list shows, from what needs a check most.
    fn coverage(&self) -> Coverage {
        let kinds: BTreeSet<&str> = self.found.iter().map(|edge| &*edge.kind).collect();
        match kinds.len() {
            0 => Coverage::None,
            kinds if kinds < self.list.to.len() => Coverage::SomeKinds,
            _ => Coverage::AllKinds,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Coverage {
    SomeKinds,
    None,
    AllKinds,
}

/// The number of lists to check of one kind of object that has `lists`.
pub(super) fn number(lists: u64) -> u64 {
    (lists / ONE_IN).clamp(lists.min(1), MOST)
}

/// Checks a few of the lists: whether all can be relied on. A list that changed since is replaced.
pub(super) async fn agrees(
    reader: &EdgeReader<'_>,
    lists: &mut [MixedList],
    progress: &mut SectionProgress,
) -> Result<bool, ConnectorError> {
    let chosen = choose(lists);
    let one_by_one = one_by_one(reader, lists, &chosen, progress).await?;
    for (at, alone) in one_by_one {
        let MixedList { list, found, .. } = &mut lists[at];
        if far_ends(found) == alone {
            continue;
        }
        match reader.read_mixed(list, None).await? {
            Mixed::Whole(again) if far_ends(&again.found) == alone => {
                progress.listing(again.stats);
                *found = again.found;
            }
            again => {
                let requests = match again {
                    Mixed::Whole(WholeList { stats, .. }) => stats.planned.unwrap_or(1),
                    _ => 1,
                };
                progress.plan(requests);
                tracing::info!(of = list.of.word(), id = %list.id, "a list of several kinds lacks edges that those of each kind show");
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Reads the chosen lists one kind at a time; those of objects that are gone are left out.
async fn one_by_one(
    reader: &EdgeReader<'_>,
    lists: &[MixedList],
    chosen: &[usize],
    progress: &mut SectionProgress,
) -> Result<BTreeMap<usize, FarEnds>, ConnectorError> {
    let each: Vec<(usize, EdgeList)> =
        chosen.iter().flat_map(|at| lists[*at].list.clone().one_by_one().map(|list| (*at, list))).collect();
    let mut answers = stream::iter(each)
        .map(|(at, list)| async move {
            Ok::<_, ConnectorError>((at, reader.read(&list, None, Vec::new(), Vec::push).await?))
        })
        .buffered(reader.client.ahead());
    let (mut found, mut gone) = (BTreeMap::<usize, FarEnds>::new(), BTreeSet::new());
    while let Some((at, list)) = answers.try_next().await? {
        match list {
            None => _ = gone.insert(at),
            Some(list) => {
                progress.listing(list.stats);
                found.entry(at).or_default().extend(far_ends(&list.found));
            }
        }
    }
    found.retain(|at, _| !gone.contains(at));
    Ok(found)
}

fn far_ends(found: &[graph::Edge]) -> FarEnds {
    found.iter().map(|edge| (edge.kind.to_string(), edge.id.clone(), edge.access)).collect()
}

/// The positions of the lists to check: of each kind of object in turn from those that show some kinds, none and all, the
/// last one first.
fn choose(lists: &[MixedList]) -> Vec<usize> {
    let mut of_kinds: BTreeMap<Kind, BTreeMap<Coverage, Vec<usize>>> = BTreeMap::new();
    for (at, list) in lists.iter().enumerate() {
        of_kinds.entry(list.list.of).or_default().entry(list.coverage()).or_default().push(at);
    }
    let mut chosen = Vec::new();
    for classes in of_kinds.into_values() {
        let classes: Vec<Vec<usize>> = classes.into_values().collect();
        let sizes: Vec<usize> = classes.iter().map(Vec::len).collect();
        for (class, share) in classes.iter().zip(shares(&sizes)) {
            // From the last backwards, as far from each other as possible.
            chosen.extend((0..share).map(|number| class[class.len() - 1 - number * class.len() / share]));
        }
    }
    chosen
}

/// How many to check of each class, one of each in turn.
fn shares(sizes: &[usize]) -> Vec<usize> {
    let mut shares = vec![0; sizes.len()];
    let mut open = number(sizes.iter().sum::<usize>() as u64);
    while open > 0 {
        for (share, size) in shares.iter_mut().zip(sizes) {
            if open > 0 && *share < *size {
                *share += 1;
                open -= 1;
            }
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handful_is_checked_and_never_more_than_there_are() {
        let checked = [0, 1, 7, 8, 16, 39, 40, 10_000].map(number);
        assert_eq!(checked, [0, 1, 1, 1, 2, 4, 5, 5]);
    }

    #[test]
    fn each_class_has_its_share() {
        assert_eq!(shares(&[1000, 1000, 1000]), [2, 2, 1]);
        assert_eq!(shares(&[1, 0, 1000]), [1, 0, 4]);
        assert_eq!(shares(&[3, 6, 7]), [1, 1, 0]);
        assert!(shares(&[]).is_empty());
    }
}
