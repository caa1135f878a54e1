//! The rows that are made of what was read: groups, memberships, resources and grants. Accounts are made as the users
//! are read.

use connector_api::{AccessPath, Attributes, Grant, Group, Membership, Principal, Resource, ResourceRef};

use super::graph::{Graph, USER_GROUP};
use super::privilege::Privilege;
use super::reach::Paths;
use super::section::Tally;
use super::state::State;
use crate::api::applications::Application;
use crate::api::directories::Directory;
use crate::api::graph::Kind;
use crate::api::systems::{System, SystemGroup};
use crate::api::user_groups::UserGroup;

/// The resource type of each kind of thing that can be reached.
pub(super) const fn resource_type(kind: Kind) -> &'static str {
    match kind {
        Kind::System => "system",
        Kind::SystemGroup => "systemGroup",
        Kind::Application => "application",
        Kind::LdapServer => "ldapServer",
        Kind::GSuite => "gSuite",
        Kind::Office365 => "office365",
        Kind::ActiveDirectory => "activeDirectory",
        Kind::RadiusServer => "radiusServer",
        Kind::User | Kind::UserGroup => "account",
    }
}

pub(super) fn group(group: &UserGroup, member_count: Option<u64>, at: u32, privilege: &Privilege<'_>) -> Group {
    let reasons = privilege.group(at);
    Group {
        external_id: group.id.to_string(),
        group_type: USER_GROUP.to_owned(),
        name: group_name(group),
        description: group.description.clone(),
        membership_method: group.membership_method.clone(),
        member_count,
        privileged: !reasons.is_empty(),
        reasons,
        attributes: group.rest.unpack(),
    }
}

/// A group's memberships, direct ones first. Members that are not in the scan are counted in `tally`.
pub(super) fn memberships(state: &State, graph: &Graph<'_>, at: u32, tally: &mut Tally) -> Vec<Membership> {
    let group = &state.groups[at as usize];
    let name = group_name(group);
    let Some(members) = &state.members[at as usize] else { return Vec::new() };
    let from = || format!("group {}", group.id);
    for missing in members.groups.iter().filter(|id| !graph.has_group(id)) {
        tally.dangling(from, || format!("user_group {missing}"));
    }
    for (kind, id) in &members.others {
        tally.dangling(from, || format!("{kind:?} {id}"));
    }
    let mut rows = Vec::with_capacity(members.users.len());
    let mut row = |user: u32, via: Vec<u32>| match state.people.name(user) {
        Some(username) => rows.push(Membership {
            username: username.to_owned(),
            account_external_id: state.people.id(user).to_string(),
            group_name: name.clone(),
            group_type: USER_GROUP.to_owned(),
            group_external_id: group.id.to_string(),
            direct: via.is_empty(),
            via: via.into_iter().map(|group| graph.step(group)).collect(),
        }),
        // An indirect member that is not in the scan is counted with the group that holds it.
        None if via.is_empty() => tally.dangling(from, || format!("user {}", state.people.id(user))),
        None => {}
    };
    for user in &members.users {
        row(*user, Vec::new());
    }
    for (user, via) in graph.indirect_members(at) {
        row(user, via);
    }
    rows
}

pub(super) fn system(system: &System) -> Resource {
    Resource {
        external_id: system.id.to_string(),
        resource_type: resource_type(Kind::System).to_owned(),
        name: named(&system.display_name, &system.hostname, &system.id),
        os: system.os.clone(),
        os_version: system.version.clone(),
        serial_number: system.serial_number.clone(),
        active: system.active,
        last_contact_at: system.last_contact,
        created_at: system.created,
        attributes: with(system.rest.unpack(), "hostname", system.hostname.as_deref()),
    }
}

pub(super) fn system_group(group: &SystemGroup) -> Resource {
    Resource {
        external_id: group.id.to_string(),
        resource_type: resource_type(Kind::SystemGroup).to_owned(),
        name: named(&group.name, &None, &group.id),
        attributes: group.rest.unpack(),
        ..Resource::default()
    }
}

pub(super) fn application(application: &Application) -> Resource {
    Resource {
        external_id: application.id.to_string(),
        resource_type: resource_type(Kind::Application).to_owned(),
        name: named(&Some(application.label().to_owned()).filter(|label| !label.is_empty()), &None, &application.id),
        active: application.active,
        created_at: application.created,
        attributes: with(
            with(application.rest.unpack(), "name", application.name.as_deref()),
            "displayName",
            application.display_name.as_deref(),
        ),
        ..Resource::default()
    }
}

pub(super) fn directory(directory: &Directory) -> Resource {
    let kind = directory.graph_kind().map(resource_type).or(directory.kind.as_deref()).unwrap_or("directory");
    let attributes = with(Attributes::new(), "mfa", directory.mfa.as_deref());
    Resource {
        external_id: directory.id.to_string(),
        resource_type: kind.to_owned(),
        name: named(&directory.name, &None, &directory.id),
        attributes: with(attributes, "networkSourceIp", directory.network_source_ip.as_deref()),
        ..Resource::default()
    }
}

/// The grants of one principal.
pub(super) fn grants(graph: &Graph<'_>, principal: &Principal, paths: Paths) -> Vec<Grant> {
    let grant = |(target, via): (u32, Vec<AccessPath>)| {
        let target = &graph.targets[target as usize];
        Some(Grant {
            principal: principal.clone(),
            resource: ResourceRef {
                external_id: target.id.to_string(),
                resource_type: resource_type(target.kind).to_owned(),
                name: if target.name.is_empty() { target.id.to_string() } else { target.name.to_owned() },
            },
            access: via.iter().map(|path| path.access).max()?,
            direct: via.iter().any(|path| path.steps.is_empty()),
            via,
        })
    };
    paths.into_iter().filter_map(grant).collect()
}

pub(super) fn group_name(group: &UserGroup) -> String {
    group.name.clone().unwrap_or_else(|| group.id.to_string())
}

fn named(first: &Option<String>, second: &Option<String>, id: &crate::api::Id) -> String {
    first.clone().or_else(|| second.clone()).unwrap_or_else(|| id.to_string())
}

fn with(mut attributes: Attributes, name: &str, value: Option<&str>) -> Attributes {
    if let Some(value) = value {
        attributes.insert(name.to_owned(), value.into());
    }
    attributes
}
