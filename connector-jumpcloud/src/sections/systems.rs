//! Devices and device groups: `GET /api/systems` and `GET /api/v2/systemgroups`.

use connector_api::{ConnectorError, ErrorCode, Resource, Section, async_trait};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::{About, Context, Discovery, Read, Thing, enter_text, local_accounts};
use crate::api::kind::Kind;
use crate::api::systems::{self as api, System, SystemGroup};
use crate::graph::evidence_table::Evidence;
use crate::options::Switch;
use crate::organization;
use crate::rights::Right;
use crate::scan::outlet::{Known, Outlet};
use crate::scan::planner::{Planner, row_bytes};
use crate::scan::progress::SectionProgress;
use crate::scan::state::State;

/// Devices and device groups, as they are listed.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Found {
    pub(crate) devices: Vec<System>,
    pub(crate) groups: Vec<SystemGroup>,
}

pub(crate) struct Systems;

static ABOUT: About = About {
    data: "Devices and device groups",
    source: "GET /api/systems, GET /api/v2/systemgroups",
    cost: "1 request per 100 devices and per 100 device groups",
    owns: &[("resource", &[Kind::System.resource_type(), Kind::SystemGroup.resource_type()])],
    volatile: &[
        ("resource", "active"),
        ("resource", "attributes.connectionHistory"),
        ("resource", "attributes.networkInterfaces"),
        ("resource", "attributes.policyStats"),
        ("resource", "attributes.remoteIP"),
        ("resource", "lastContactAt"),
    ],
    option: Some(Switch {
        name: "includeSystems",
        title: "Devices",
        description: "Discover devices. Costs one request for each 100 devices and each 100 device groups.",
    }),
    rights: &[
        Right::of_administrators("/api/systems", "systems.readonly"),
        Right::of_administrators("/api/systems/{id}", "systems.readonly"),
        Right::of_administrators("/api/v2/systemgroups", "groups.readonly"),
        Right::of_administrators("/api/v2/systemgroups/{id}", "groups.readonly"),
    ],
    // A device of another organisation.
    fatal: &[ErrorCode::WrongOrganization],
    ..About::new(Section::SYSTEMS, "Devices")
};

#[async_trait]
impl Discovery for Systems {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn read<'a>(&self, context: Context<'a>, _: &State, mut progress: SectionProgress) -> Option<BoxFuture<'a, Read>> {
        let Context { client, limit, .. } = context;
        Some(Box::pin(async move {
            let Found { mut devices, mut groups } = Found::default();
            let main = progress.read_into(client, api::list(limit), &mut devices).await;
            let main = main.and_then(|()| organization::check_devices(client.org_id(), &devices));
            let result = progress.read_besides(main, client, api::list_groups(limit), &mut groups).await;
            Read::new(progress, result, |state| {
                state.found.systems = Found { devices, groups };
                // They name devices by their place in the list, so they are read again, also by a scan that goes on later.
                state.found.local_accounts = local_accounts::Found::default();
                state.reports.remove(&Section::LOCAL_ACCOUNTS);
            })
        }))
    }

    async fn plan(&self, planner: &mut Planner<'_>) -> Result<(), ConnectorError> {
        let devices = planner.count_things(Kind::System, api::list_ids(planner.limit)).await?;
        let groups = planner.count_things(Kind::SystemGroup, api::list_groups(planner.limit)).await?;
        planner.add(
            Section::SYSTEMS,
            &[("devices", devices, &[row_bytes::DEVICE]), ("device groups", groups, &[row_bytes::DEVICE_GROUP])],
        );
        Ok(())
    }

    fn things<'s>(&self, found: &'s super::Found) -> Vec<Thing<'s>> {
        let Found { devices, groups } = &found.systems;
        let devices = devices.iter().map(|device| Thing { kind: Kind::System, id: &device.id, name: device.label() });
        let groups = groups.iter().map(|group| Thing {
            kind: Kind::SystemGroup,
            id: &group.id,
            name: group.name.as_deref().unwrap_or_default(),
        });
        devices.chain(groups).collect()
    }

    async fn emit(&self, _: &str, known: &Known<'_>, outlet: &mut Outlet<'_>) -> Result<(), ConnectorError> {
        let Found { devices, groups } = &known.state.found.systems;
        for device in devices {
            outlet.send(Section::SYSTEMS, device_row(device)).await?;
        }
        for group in groups {
            outlet.send(Section::SYSTEMS, group_row(group)).await?;
        }
        Ok(())
    }
}

fn device_row(device: &System) -> Resource {
    let id = device.id.to_string();
    let name = if device.label().is_empty() { id.clone() } else { device.label().to_owned() };
    let mut row = Resource::new(id, Kind::System.resource_type(), name);
    row.os = device.os.clone();
    row.os_version = device.version.clone();
    row.serial_number = device.serial_number.clone();
    row.active = device.active;
    row.last_contact_at = device.last_contact;
    row.created_at = device.created;
    row.attributes = device.rest.clone();
    enter_text(&mut row.attributes, "hostname", device.hostname.as_deref());
    let root = device.lets_root_in().then(|| Evidence::SshRootLogin.reason("lets root sign in by SSH"));
    let no_factor = device.is_without_second_factor();
    let no_factor = no_factor.then(|| Evidence::DeviceWithoutMfa.reason("lets users sign in without a second factor"));
    row.reasons = root.into_iter().chain(no_factor).collect();
    row
}

fn group_row(group: &SystemGroup) -> Resource {
    let id = group.id.to_string();
    let name = group.name.as_ref().unwrap_or(&id).clone();
    let mut row = Resource::new(id, Kind::SystemGroup.resource_type(), name);
    row.container = true;
    row.attributes = group.rest.clone();
    row
}
