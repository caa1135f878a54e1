//! The devices in device groups. Where there are fewer devices than device groups, each device is asked for its groups.
//!
//! Only `/api/v2/systemgroups/{id}/members` lists direct members alone, with null records for those that are not returned.
//! So if anything is odd at the devices' end, the groups' end is read instead: a request that is refused, a null record,
//! a record that is not a device group, a group that contains the device only through others, or no group at all.

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

/// What was read at the devices' end.
#[derive(Default)]
pub(super) struct OfDevices {
    edges: Vec<Edge>,
    vanished: Vec<Id>,
    stats: ListingStats,
    /// The lists that remain to be read: the members of the groups, or none.
    remaining: Vec<EdgeList>,
}

/// The kind that is asked, and the requests in vain to find that out. If it is the devices, one of them is asked.
pub(super) async fn end(reader: &EdgeReader<'_>, objects: &Objects) -> Result<(Kind, u64), ConnectorError> {
    match (of_device_groups(objects), objects.ids(Kind::System)) {
        (Kind::System, [first, ..]) => match reader.groups_of_device(first).await {
            Ok(_) => Ok((Kind::System, 0)),
            Err(error) if concerns_one_request(&error) => Ok((Kind::SystemGroup, 1)),
            Err(error) => Err(error),
        },
        _ => Ok((Kind::SystemGroup, 0)),
    }
}

/// Reads the edges from the devices' end, if that takes fewer requests.
pub(super) async fn read(reader: &EdgeReader<'_>, objects: &Objects) -> Result<OfDevices, ConnectorError> {
    let mut read = OfDevices::default();
    if of_device_groups(objects) == Kind::System {
        match read.devices(reader, objects.ids(Kind::System)).await {
            Ok(()) if !read.edges.is_empty() => return Ok(read),
            // The endpoint may be one that answers nothing.
            Ok(()) => {}
            Err(error) if concerns_one_request(&error) => {
                tracing::info!(%error, "device groups are read by their members, because devices do not list their groups");
            }
            Err(error) => return Err(error),
        }
    }
    let groups = objects.ids(Kind::SystemGroup).iter();
    let remaining = groups.map(|group| EdgeList::members(Kind::SystemGroup, group.clone())).collect();
    // The requests were made, but nothing that came is used.
    let stats = ListingStats { planned: read.stats.planned, ..ListingStats::default() };
    Ok(OfDevices { remaining, stats, ..OfDevices::default() })
}

impl OfDevices {
    /// Reads the device groups of each device, up to the first error.
    async fn devices(&mut self, reader: &EdgeReader<'_>, devices: &[Id]) -> Result<(), ConnectorError> {
        // The first one alone, because the request may be refused.
        let first = devices.len().min(1);
        for range in [0..first, first..devices.len()] {
            let mut lists = stream::iter(range)
                .map(|at| async move { Ok::<_, ConnectorError>((at, reader.groups_of_device(&devices[at]).await?)) })
                .buffered(reader.client.ahead());
            while let Some((at, list)) = lists.try_next().await? {
                self.add(&devices[at], list);
            }
        }
        Ok(())
    }

    fn add(&mut self, device: &Id, list: Option<WholeList<Vec<Id>>>) {
        let Some(WholeList { found, stats, .. }) = list else {
            self.vanished.push(device.clone());
            return;
        };
        self.stats.planned = Some(self.stats.planned.unwrap_or(0) + stats.planned.unwrap_or(0));
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
