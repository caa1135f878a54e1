//! The devices in device groups. Where there are fewer devices than device groups, each device is asked for its groups.
//!
//! Only `/api/v2/systemgroups/{id}/members` lists direct members alone, with null records for those that are not returned.
//! So if anything is odd at the devices' end, the groups' end is read instead: a request that is refused, a null record,
//! a record that is not a device group, a group that contains the device only through others, no group of the first devices,
//! or a group whose own members are not the devices that list it.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::ConnectorError;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::ends::{Objects, of_device_groups};
use crate::api::Id;
use crate::api::edge_lists::{EdgeList, EdgeReader, WholeList, concerns_one_request};
use crate::api::kind::Kind;
use crate::api::level::Level;
use crate::client::ListingStats;
use crate::scan::progress::SectionProgress;
use crate::scan::state::{Edge, Node};

/// The devices that are read first. If none of them is in a group, the endpoint may be one that answers nothing.
const SAMPLE: usize = 5;

/// The most groups whose members are compared with what the devices list.
const SPOT_CHECKS: usize = 5;

/// What was read at the devices' end.
#[derive(Default)]
pub(super) struct OfDevices {
    edges: Vec<Edge>,
    vanished: Vec<Id>,
    stats: ListingStats,
    /// The lists that remain to be read: the members of the groups, or none.
    remaining: Vec<EdgeList>,
}

/// The kind whose lists are read, and the probe requests in addition to these.
pub(super) async fn end(reader: &EdgeReader<'_>, objects: &Objects) -> Result<(Kind, u64), ConnectorError> {
    if of_device_groups(objects) == Kind::SystemGroup {
        return Ok((Kind::SystemGroup, 0));
    }
    let mut sample = OfDevices::default();
    let listed = sample.sample(reader, objects.ids(Kind::System)).await;
    match listed {
        Ok(()) if !sample.edges.is_empty() => {
            Ok((Kind::System, objects.number(Kind::SystemGroup).min(SPOT_CHECKS as u64)))
        }
        Err(error) if !concerns_one_request(&error) => Err(error),
        refused => Ok((Kind::SystemGroup, sample.planned() + u64::from(refused.is_err()))),
    }
}

/// Reads the edges from the devices' end, if that takes fewer requests.
pub(super) async fn read(reader: &EdgeReader<'_>, objects: &Objects) -> Result<OfDevices, ConnectorError> {
    let mut read = OfDevices::default();
    if of_device_groups(objects) == Kind::System {
        match read.devices(reader, objects).await {
            Ok(true) => return Ok(read),
            Ok(false) => {
                let groups = objects.number(Kind::SystemGroup);
                tracing::info!(groups, "device groups are read by their members, because devices do not list them all");
            }
            Err(error) if concerns_one_request(&error) => {
                read.plan(1);
                tracing::info!(%error, "device groups are read by their members, because devices do not list their groups");
            }
            Err(error) => return Err(error),
        }
    }
    let groups = objects.ids(Kind::SystemGroup).iter();
    let remaining = groups.map(|group| EdgeList::members(Kind::SystemGroup, group.clone())).collect();
    // The requests were made, but nothing that was received is used.
    let stats = ListingStats { planned: read.stats.planned, ..ListingStats::default() };
    Ok(OfDevices { remaining, stats, ..OfDevices::default() })
}

impl OfDevices {
    /// Reads the device groups of each device, up to the first error. Returns whether they can be relied on.
    async fn devices(&mut self, reader: &EdgeReader<'_>, objects: &Objects) -> Result<bool, ConnectorError> {
        let devices = objects.ids(Kind::System);
        self.sample(reader, devices).await?;
        if self.edges.is_empty() {
            return Ok(false);
        }
        self.groups_of(reader, devices.get(SAMPLE..).unwrap_or_default()).await?;
        self.spot_check(reader, objects).await
    }

    /// Reads the first devices, the very first one alone, because the request may be refused.
    async fn sample(&mut self, reader: &EdgeReader<'_>, devices: &[Id]) -> Result<(), ConnectorError> {
        let (first, others) = devices[..devices.len().min(SAMPLE)].split_at(devices.len().min(1));
        self.groups_of(reader, first).await?;
        self.groups_of(reader, others).await
    }

    async fn groups_of(&mut self, reader: &EdgeReader<'_>, devices: &[Id]) -> Result<(), ConnectorError> {
        let mut lists = stream::iter(0..devices.len())
            .map(|at| async move { Ok::<_, ConnectorError>((at, reader.groups_of_device(&devices[at]).await?)) })
            .buffered(reader.client.ahead());
        while let Some((at, list)) = lists.try_next().await? {
            self.add(&devices[at], list);
        }
        Ok(())
    }

    /// Compares the members of a few groups with the devices that list them: whether these are the same.
    async fn spot_check(&mut self, reader: &EdgeReader<'_>, objects: &Objects) -> Result<bool, ConnectorError> {
        let mut inside: BTreeMap<&Id, BTreeSet<&Id>> =
            objects.ids(Kind::SystemGroup).iter().map(|group| (group, BTreeSet::new())).collect();
        for edge in &self.edges {
            inside.entry(&edge.from.id).or_default().insert(&edge.to.id);
        }
        let mut groups: Vec<&Id> = objects.ids(Kind::SystemGroup).iter().collect();
        groups.sort_by_key(|group| inside[group].len());
        let with_devices = groups.iter().position(|group| !inside[group].is_empty()).unwrap_or(0);
        let devices: BTreeSet<&Id> =
            objects.ids(Kind::System).iter().filter(|device| !self.vanished.contains(device)).collect();
        let (mut planned, mut same) = (0, true);
        for at in spot_checks(groups.len(), with_devices) {
            let list = EdgeList::members(Kind::SystemGroup, groups[at].clone());
            let Some(list) = reader.read(&list, None, Vec::new(), Vec::push).await? else { continue };
            planned += list.stats.planned.unwrap_or(1);
            let members: BTreeSet<&Id> =
                list.found.iter().map(|edge| &edge.id).filter(|id| devices.contains(id)).collect();
            same &= members == inside[groups[at]];
        }
        self.plan(planned);
        Ok(same)
    }

    fn planned(&self) -> u64 {
        self.stats.planned.unwrap_or(0)
    }

    fn plan(&mut self, requests: u64) {
        self.stats.planned = Some(self.planned() + requests);
    }

    fn add(&mut self, device: &Id, list: Option<WholeList<Vec<Id>>>) {
        let Some(WholeList { found, stats, .. }) = list else {
            self.plan(1);
            self.vanished.push(device.clone());
            return;
        };
        self.plan(stats.planned.unwrap_or(1));
        self.stats.duplicates += stats.duplicates;
        self.stats.notes.extend(stats.notes);
        let device = Node { kind: Kind::System, id: device.clone() };
        self.edges.extend(found.into_iter().map(|id| Edge {
            from: Node { kind: Kind::SystemGroup, id },
            to: device.clone(),
            access: Level::Login,
        }));
    }

    /// Enters what was read, and returns the lists that remain to be read.
    pub(super) fn enter(self, edges: &mut Vec<Edge>, progress: &mut SectionProgress) -> Vec<EdgeList> {
        progress.listing(self.stats);
        for device in self.vanished {
            progress.note(format!("the system {device} vanished while it was read"));
        }
        if !self.edges.is_empty() {
            progress.advance(self.edges.len(), None);
        }
        progress.edges(self.edges.len());
        edges.extend(self.edges);
        self.remaining
    }
}

/// The positions of the groups to check, if all are in the order of their devices: the emptiest one, and others from the
/// emptiest with devices to the fullest.
fn spot_checks(groups: usize, with_devices: usize) -> BTreeSet<usize> {
    let last = groups.saturating_sub(1);
    let (steps, range) = (SPOT_CHECKS - 2, last.saturating_sub(with_devices));
    let mut checks: BTreeSet<usize> = (0..=steps).map(|step| with_devices + step * range / steps).chain([0]).collect();
    // Where positions are the same, the next emptiest.
    let others = (0..groups).filter(|at| !checks.contains(at)).take(SPOT_CHECKS - checks.len());
    let others: Vec<usize> = others.collect();
    checks.extend(others);
    checks.retain(|at| *at < groups);
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_groups_are_checked_as_a_plan_says() {
        for groups in 0..20 {
            for with_devices in 0..groups.max(1) {
                let checks = spot_checks(groups, with_devices);
                assert_eq!(checks.len(), groups.min(SPOT_CHECKS), "{groups} groups, {with_devices} without devices");
            }
        }
    }
}
