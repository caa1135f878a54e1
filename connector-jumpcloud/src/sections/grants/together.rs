//! Whether lists of several kinds can be relied on, found out before anything depends on it.
//!
//! JumpCloud's documents take several `targets` in one request, older ones take one. A service that reads only one of the
//! names, the same one for all objects or not, would lose the edges to all other kinds without an error. So up to 20 objects
//! of a kind are asked for all kinds together. If edges to each of these kinds come back in one of these lists together with
//! edges to another, such lists are relied on for this kind of object. If not, every kind is listed by itself, and nothing
//! that came together is used. Since a service may also change later, or differ by object, a few lists are compared with
//! those of each kind at the end ([`spot_check`](super::spot_check)).

use std::collections::BTreeMap;
use std::sync::Arc;

use connector_api::ConnectorError;
use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::ends::{End, Objects, choose};
use super::read::{enter, list_users};
use super::spot_check::{self, MixedList};
use crate::api::Id;
use crate::api::edge_lists::{EdgeList, EdgeReader, Mixed, WholeList};
use crate::api::graph;
use crate::api::kind::Kind;
use crate::client::ListingStats;
use crate::scan::progress::SectionProgress;

/// The most objects of a kind that are asked to find out whether lists of several kinds can be relied on.
const SAMPLE: usize = 20;

/// The lists to read, and those that were read to choose them.
#[derive(Default)]
pub(super) struct ChosenEnds {
    pub(super) ends: Vec<End>,
    samples: BTreeMap<Kind, Sample>,
    /// Statistics of listing the ids of the users, and the requests expected for it.
    users: Option<ListingStats>,
    pub(super) listing: u64,
}

/// Objects of a kind that were asked for several kinds together.
#[derive(Default)]
struct Sample {
    /// The kinds that were requested together.
    kinds: Arc<[Kind]>,
    /// Whether such lists can be relied on for all objects of the kind.
    proven: bool,
    /// The lists that are used, by object; `None` if it is gone.
    lists: BTreeMap<Id, Option<WholeList<Vec<graph::Edge>>>>,
    /// The lists requested.
    requested: u64,
    /// The requests for lists that are not used.
    unused: u64,
}

impl ChosenEnds {
    /// Chooses the lists to read. Until the opposite is seen, every kind of more than one object is expected to answer
    /// several kinds together; if one does not, none does that was not seen to.
    pub(super) async fn choose(
        reader: &EdgeReader<'_>,
        objects: &mut Objects,
        users_paths: &[&str],
    ) -> Result<Self, ConnectorError> {
        // Of a single object, a check would cost more than a list of several kinds saves.
        let several = |kind| objects.number(kind) > 1;
        let mut chosen = Self { ends: choose(&objects.counts(reader.limit), several), ..Self::default() };
        chosen.sample(reader, objects, users_paths).await?;
        if chosen.samples.values().any(|sample| !sample.proven) {
            chosen.ends = choose(&objects.counts(reader.limit), |kind| chosen.is_proven(kind));
            chosen.sample(reader, objects, users_paths).await?;
        }
        for End { of, to, objects } in &chosen.ends {
            let targets = to.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(",");
            let (listed, together) = (of.word(), chosen.is_proven(*of));
            tracing::info!(listed, targets, objects, together, "chose the end from which bindings are listed");
        }
        Ok(chosen)
    }

    fn is_proven(&self, kind: Kind) -> bool {
        self.samples.get(&kind).is_some_and(|sample| sample.proven)
    }

    /// Reads a sample of each kind that is asked for several, unless there is one.
    async fn sample(
        &mut self,
        reader: &EdgeReader<'_>,
        objects: &mut Objects,
        users_paths: &[&str],
    ) -> Result<(), ConnectorError> {
        if self.ends.iter().any(|end| end.of == Kind::User) && !objects.lists_users() {
            self.listing = objects.counts(reader.limit).listing;
            let (users, stats) = list_users(reader, users_paths, objects.known).await?;
            objects.enter_users(users);
            self.users = Some(stats);
        }
        let objects = &*objects;
        let open =
            self.ends.iter().filter(|end| end.to.len() > 1 && end.objects > 1 && !self.samples.contains_key(&end.of));
        let open: Vec<End> = open.cloned().collect();
        let samples = open.into_iter().map(|end| async move {
            let sample = Sample::read(reader, &end, objects.ids(end.of)).await?;
            Ok::<_, ConnectorError>((end.of, sample))
        });
        let samples = try_join_all(samples).await?;
        self.samples.extend(samples);
        Ok(())
    }

    /// The lists that are still to be read.
    pub(super) fn lists(&self, objects: &Objects) -> Vec<EdgeList> {
        let mut lists = Vec::new();
        for End { of, to, .. } in &self.ends {
            let sample = self.samples.get(of);
            let kinds: Vec<Arc<[Kind]>> = to.iter().map(|kind| Arc::from([*kind])).collect();
            for id in objects.ids(*of) {
                let list = |to: &Arc<[Kind]>| EdgeList { of: *of, id: id.clone(), to: Arc::clone(to) };
                match sample.and_then(|sample| Some((sample, sample.lists.get(id)?))) {
                    Some((_, None)) => {}
                    Some((sample, Some(_))) => {
                        lists.extend(kinds.iter().filter(|kind| !sample.kinds.contains(&kind[0])).map(list));
                    }
                    None if self.is_proven(*of) => lists.push(list(to)),
                    None => lists.extend(kinds.iter().map(list)),
                }
            }
        }
        lists
    }

    /// How many lists of each object there are, by kind and with the number of objects; and the requests for lists that
    /// are read in addition, to see whether all kinds are in one list.
    pub(super) fn cost(&self) -> (Vec<(Kind, u64, u64)>, u64) {
        let of_each = self.ends.iter().map(|End { of, to, objects }| {
            let lists = if self.is_proven(*of) { 1 } else { to.len() as u64 };
            (*of, lists, *objects)
        });
        let in_addition = self.samples.iter().map(|(of, sample)| {
            match self.ends.iter().find(|end| end.of == *of).filter(|_| sample.proven) {
                None => sample.requested,
                Some(End { to, .. }) => {
                    let lacking = to.iter().filter(|kind| !sample.kinds.contains(kind)).count();
                    let existing = sample.lists.values().flatten().count();
                    // Each list in `lists` is the one list of its object.
                    sample.requested - sample.lists.len() as u64 + (existing * lacking) as u64
                }
            }
        });
        let checks = self.ends.iter().filter(|end| end.to.len() > 1 && self.is_proven(end.of));
        let checks = checks.map(|End { to, objects, .. }| spot_check::number(*objects) * to.len() as u64);
        (of_each.collect(), in_addition.chain(checks).sum())
    }

    /// Enters what was read so far, and returns the lists of several kinds.
    pub(super) fn enter(self, progress: &mut SectionProgress) -> Vec<MixedList> {
        if let Some(stats) = self.users {
            progress.listing(stats);
        }
        let mut mixed = Vec::new();
        for (of, sample) in self.samples {
            progress.plan(sample.unused);
            let end = self.ends.iter().find(|end| end.of == of);
            // Other kinds are now listed from their own end.
            let used = |kind: &&Kind| end.is_some_and(|end| end.to.contains(kind));
            let used: Arc<[Kind]> = sample.kinds.iter().filter(used).copied().collect();
            for (id, found) in sample.lists {
                let list = EdgeList { of, id, to: Arc::clone(&sample.kinds) };
                if let Some(WholeList { found, .. }) = enter(&list, found, progress) {
                    mixed.push(MixedList { list, used: Arc::clone(&used), found });
                }
            }
        }
        mixed
    }
}

impl Sample {
    /// Asks objects from all over the list of a kind.
    async fn read(reader: &EdgeReader<'_>, end: &End, ids: &[Id]) -> Result<Self, ConnectorError> {
        let mut sample = Self { kinds: Arc::clone(&end.to), ..Self::default() };
        let list = |at: usize| EdgeList { of: end.of, id: ids[at].clone(), to: Arc::clone(&end.to) };
        let mut first: Vec<EdgeList> = spread(ids.len()).map(list).collect();
        // The first one alone, because the request may be refused.
        let others = first.split_off(first.len().min(1));
        for lists in [first, others] {
            sample.requested += lists.len() as u64;
            let mut lists = stream::iter(lists)
                .map(|list| async move { Ok::<_, ConnectorError>((reader.read_mixed(&list, None).await?, list.id)) })
                .buffered(reader.client.ahead());
            while let Some((mixed, id)) = lists.try_next().await? {
                match mixed {
                    Mixed::Whole(list) => _ = sample.lists.insert(id, Some(list)),
                    Mixed::Gone => _ = sample.lists.insert(id, None),
                    Mixed::Odd(stats) => sample.unused += stats.planned.unwrap_or(1),
                    Mixed::Refused => return Ok(sample.rejected()),
                }
            }
        }
        let lists = || sample.lists.values().flatten();
        sample.proven = end.to.iter().all(|kind| lists().any(|list| comes_with_another(&list.found, *kind)));
        Ok(if sample.proven { sample } else { sample.rejected() })
    }

    /// Nothing that came is relied on, except that objects are gone.
    fn rejected(mut self) -> Self {
        let planned = |list: &Option<WholeList<_>>| list.as_ref().and_then(|list| list.stats.planned).unwrap_or(1);
        self.unused = self.requested.max(self.unused + self.lists.values().map(planned).sum::<u64>());
        self.lists.retain(|_, list| list.is_none());
        self
    }
}

/// Whether edges to a kind are in one list with edges to another. In a list that was read, all are of kinds that were
/// requested.
fn comes_with_another(list: &[graph::Edge], kind: Kind) -> bool {
    let of_kind = list.iter().filter(|edge| edge.kind == kind.word()).count();
    0 < of_kind && of_kind < list.len()
}

/// The positions of a sample, as far from each other as possible.
fn spread(objects: usize) -> impl Iterator<Item = usize> {
    let sample = objects.min(SAMPLE);
    (0..sample).map(move |number| number * objects / sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_the_list_and_takes_no_object_twice() {
        for objects in [0, 1, 2, 19, 20, 21, 39, 1000] {
            let positions: Vec<usize> = spread(objects).collect();
            assert_eq!(positions.len(), objects.min(SAMPLE));
            assert!(positions.is_sorted_by(|a, b| a < b) && positions.iter().all(|at| *at < objects), "{positions:?}");
        }
        assert_eq!(spread(1000).last(), Some(950));
    }
}
