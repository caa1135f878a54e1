//! The devices in device groups. Where there are fewer devices than device groups, each device is asked for its groups.
//!
//! Only `/api/v2/systemgroups/{id}/members` lists direct members alone, with null records for those that are not returned.
//! So if anything is odd at the devices' end, the groups' end is read instead.

use connector_api::ConnectorError;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::ends::{Objects, of_device_groups};
use crate::api::Id;
use crate::api::edge_lists::{EdgeList, EdgeReader, WholeList, concerns_one_request};
use crate::api::graph::Reached;
use crate::api::kind::Kind;
use crate::api::level::Level;
use crate::scan::progress::SectionProgress;
use crate::scan::state::{Edge, Node};

/// The device groups of a device; `None` if it is gone.
type GroupsOf = (Id, Option<WholeList<Vec<Reached>>>);

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

/// Reads the edges from the devices' end, if that takes fewer requests. Returns the lists that remain to be read: the members
/// of the groups, or none.
pub(super) async fn read(
    reader: &EdgeReader<'_>,
    objects: &Objects,
    edges: &mut Vec<Edge>,
    progress: &mut SectionProgress,
) -> Result<Vec<EdgeList>, ConnectorError> {
    if of_device_groups(objects) == Kind::System {
        match of_devices(reader, objects.ids(Kind::System)).await {
            // Where no device is in a group, the endpoint may be one that answers nothing.
            Ok(lists) if lists.iter().flat_map(|(_, list)| list).all(|list| list.found.is_empty()) => {}
            Ok(lists) => {
                lists.into_iter().for_each(|list| connect(list, edges, progress));
                return Ok(Vec::new());
            }
            Err(error) if concerns_one_request(&error) => {
                tracing::info!(%error, "device groups are read by their members, because devices do not list their groups");
            }
            Err(error) => return Err(error),
        }
    }
    let groups = objects.ids(Kind::SystemGroup).iter();
    Ok(groups.map(|group| EdgeList::members(Kind::SystemGroup, group.clone())).collect())
}

/// The device groups of each device.
async fn of_devices(reader: &EdgeReader<'_>, devices: &[Id]) -> Result<Vec<GroupsOf>, ConnectorError> {
    let mut all = Vec::with_capacity(devices.len());
    // The first one alone, because the request may be refused.
    let (first, others) = devices.split_at(devices.len().min(1));
    for devices in [first, others] {
        let mut lists = stream::iter(devices.to_vec())
            .map(|device| async move {
                let groups = reader.groups_of_device(&device).await?;
                Ok::<_, ConnectorError>((device, groups))
            })
            .buffered(reader.client.ahead());
        while let Some(list) = lists.try_next().await? {
            all.push(list);
        }
    }
    Ok(all)
}

/// Makes edges of the groups that contain a device directly.
fn connect((device, list): GroupsOf, edges: &mut Vec<Edge>, progress: &mut SectionProgress) {
    let Some(WholeList { found, stats, .. }) = list else {
        progress.note(format!("the system {device} vanished while it was read"));
        return;
    };
    progress.listing(stats);
    // If there are no paths, the membership is direct: device groups do not contain each other.
    let direct: Vec<Reached> = found.into_iter().filter(|group| group.direct != Some(false)).collect();
    progress.advance(direct.len(), None);
    progress.edges(direct.len());
    for Reached { id, kind, .. } in direct {
        if kind != Kind::SystemGroup.word() {
            progress.unknown_kind(|| format!("system {device}"), || format!("{kind:?} {id}"));
            continue;
        }
        let from = Node { kind: Kind::SystemGroup, id };
        edges.push(Edge { from, to: Node { kind: Kind::System, id: device.clone() }, access: Level::Login });
    }
}
