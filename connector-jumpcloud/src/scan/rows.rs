//! The rows that are made of what was read: groups, memberships, resources and grants. Accounts are made as the users
//! are read.

use connector_access::{Naming, Reach};
use connector_api::{Attributes, Grant, Group, Membership, Principal, Resource};

use crate::api::applications::Application;
use crate::api::directories::Directory;
use crate::api::graph::{Kind, sudo};
use crate::api::systems::{System, SystemGroup};
use crate::api::user_groups::UserGroup;
use crate::graph::privilege::Privilege;
use crate::graph::{Graph, USER_GROUP};
use crate::scan::progress::Tally;
use crate::scan::state::{Members, State};

pub(crate) fn group(group: &UserGroup, member_count: Option<u64>, at: u32, privilege: &Privilege<'_>) -> Group {
    let reasons = privilege.group(at);
    let mut row = Group::new(group.id.to_string(), USER_GROUP, group_name(group));
    row.description = group.description.clone();
    row.membership_method = group.membership_method.clone();
    row.member_count = member_count;
    row.privileged = !reasons.is_empty();
    row.reasons = reasons;
    row.raises = sudo(group.rest.get("attributes").as_ref()).raises_of_group();
    row.attributes = group.rest.clone();
    row
}

/// The members of one group. There may be a million, so their rows are made one by one.
pub(crate) struct GroupMembers<'a> {
    state: &'a State,
    graph: &'a Graph<'a>,
    group: &'a UserGroup,
    direct: &'a Members,
    /// Those that are in the scan, each with the groups between.
    indirect: Vec<(u32, Vec<u32>)>,
}

/// A group's members; `None` for a group that vanished.
pub(crate) fn members<'a>(state: &'a State, graph: &'a Graph<'_>, at: u32) -> Option<GroupMembers<'a>> {
    let direct = state.members.get(at as usize)?.as_ref()?;
    let mut indirect = graph.indirect_members(at);
    // One that is not in the scan is counted with the group that holds it.
    indirect.retain(|(user, _)| state.people.is_listed(*user));
    Some(GroupMembers { state, graph, group: &state.groups[at as usize], direct, indirect })
}

impl<'a> GroupMembers<'a> {
    /// How many of them are in the scan.
    pub(crate) fn count(&self) -> u64 {
        let direct = self.direct.users.iter().filter(|user| self.state.people.is_listed(**user));
        (direct.count() + self.indirect.len()) as u64
    }

    /// Counts those that are not in the scan.
    pub(crate) fn count_missing(&self, tally: &mut Tally) {
        let Self { state, graph, group, direct, .. } = self;
        let from = || format!("group {}", group.id);
        for missing in direct.groups.iter().filter(|id| !graph.has_group(id)) {
            tally.dangling(from, || format!("user_group {missing}"));
        }
        for missing in direct.users.iter().filter(|user| !state.people.is_listed(**user)) {
            tally.dangling(from, || format!("user {}", state.people.id(*missing)));
        }
    }

    /// Their memberships, direct ones first.
    pub(crate) fn rows(self) -> impl Iterator<Item = Membership> + use<'a> {
        let Self { state, graph, group, direct, indirect } = self;
        let (group_id, group_name) = (group.id.to_string(), group_name(group));
        let all = direct.users.iter().map(|user| (*user, Vec::new())).chain(indirect);
        all.filter_map(move |(user, via)| {
            let mut row = Membership::default();
            row.username = state.people.name(user)?.to_owned();
            row.account_external_id = state.people.id(user).to_string();
            row.group_name = group_name.clone();
            row.group_type = USER_GROUP.to_owned();
            row.group_external_id = group_id.clone();
            row.direct = via.is_empty();
            row.via = via.into_iter().map(|group| graph.group(group)).collect();
            Some(row)
        })
    }
}

pub(crate) fn system(system: &System) -> Resource {
    let mut row = Resource::new(
        system.id.to_string(),
        Kind::System.resource_type(),
        named(&system.display_name, &system.hostname, &system.id),
    );
    row.os = system.os.clone();
    row.os_version = system.version.clone();
    row.serial_number = system.serial_number.clone();
    row.active = system.active;
    row.last_contact_at = system.last_contact;
    row.created_at = system.created;
    row.attributes = with(system.rest.clone(), "hostname", system.hostname.as_deref());
    row
}

pub(crate) fn system_group(group: &SystemGroup) -> Resource {
    let mut row =
        Resource::new(group.id.to_string(), Kind::SystemGroup.resource_type(), named(&group.name, &None, &group.id));
    row.container = true;
    row.attributes = group.rest.clone();
    row
}

pub(crate) fn application(application: &Application) -> Resource {
    let mut row = Resource::new(
        application.id.to_string(),
        Kind::Application.resource_type(),
        named(&Some(application.label().to_owned()).filter(|label| !label.is_empty()), &None, &application.id),
    );
    row.active = application.active;
    row.created_at = application.created;
    row.attributes = with(
        with(application.rest.clone(), "name", application.name.as_deref()),
        "displayName",
        application.display_name.as_deref(),
    );
    row
}

pub(crate) fn directory(directory: &Directory) -> Resource {
    let kind = directory.graph_kind().map(Kind::resource_type).or(directory.kind.as_deref()).unwrap_or("directory");
    let attributes = with(Attributes::new(), "mfa", directory.mfa.as_deref());
    let mut row = Resource::new(directory.id.to_string(), kind, named(&directory.name, &None, &directory.id));
    row.attributes = with(attributes, "networkSourceIp", directory.network_source_ip.as_deref());
    row
}

/// The grants of one principal.
pub(crate) fn grants(graph: &Graph<'_>, principal: &Principal, reach: &Reach<'_>) -> Vec<Grant> {
    reach.iter().map(|reached| reached.grant(graph, principal)).collect()
}

pub(crate) fn group_name(group: &UserGroup) -> String {
    group.name.clone().unwrap_or_else(|| group.id.to_string())
}

fn named(first: &Option<String>, second: &Option<String>, id: &crate::api::Id) -> String {
    first.clone().or_else(|| second.clone()).unwrap_or_else(|| id.to_string())
}

fn with(mut attributes: Attributes, name: &str, value: Option<&str>) -> Attributes {
    if let Some(value) = value {
        attributes.insert(name, value);
    }
    attributes
}
