//! What a JumpCloud organisation is called as a graph of attack paths.

use connector_api::{Field, GraphDescription, GraphLink, GraphNode, RowType};

use crate::api::kind::Kind;
use crate::graph::USER_GROUP;
use crate::sections::{administrators, roles, service_accounts};

/// Accounts, groups, containers of things, and things, each in a colour of their own.
const ACCOUNT: &str = "#17E625";
const GROUP: &str = "#DBE617";
const CONTAINER: &str = "#FFAA00";
const THING: &str = "#E67873";

/// The kinds of nodes: record, type, name, title, icon, colour.
#[rustfmt::skip]
const NODES: &[(&str, &str, &str, &str, &str, &str)] = &[
    ("account", "user", "User", "JumpCloud user", "user", ACCOUNT),
    ("account", "administrator", "Administrator", "JumpCloud administrator", "user-tie", ACCOUNT),
    ("account", "serviceAccount", "ServiceAccount", "JumpCloud service account", "robot", ACCOUNT),
    ("account", "localAccount", "LocalAccount", "Local account of a device", "user-gear", ACCOUNT),
    ("group", USER_GROUP, "UserGroup", "JumpCloud user group", "users", GROUP),
    ("group", administrators::ADMIN_ROLE, "AdministratorRole", "Role of administrators", "user-shield", GROUP),
    ("group", service_accounts::ROLE, "ServiceAccountRole", "Role of service accounts", "user-shield", GROUP),
    ("group", roles::CONSOLE_ROLE, "Role", "JumpCloud role", "user-shield", GROUP),
    ("resource", Kind::System.resource_type(), "Device", "JumpCloud device", "desktop", THING),
    ("resource", Kind::SystemGroup.resource_type(), "DeviceGroup", "JumpCloud device group", "layer-group", CONTAINER),
    ("resource", Kind::Application.resource_type(), "Application", "JumpCloud application", "window-maximize", THING),
    ("resource", Kind::ActiveDirectory.resource_type(), "ActiveDirectory", "Active Directory", "sitemap", THING),
    ("resource", "directory", "Directory", "Directory", "sitemap", THING),
    ("resource", Kind::GSuite.resource_type(), "GoogleWorkspace", "Google Workspace", "sitemap", THING),
    ("resource", Kind::LdapServer.resource_type(), "LdapServer", "LDAP server", "server", THING),
    ("resource", Kind::Office365.resource_type(), "Microsoft365", "Microsoft 365", "sitemap", THING),
    ("resource", Kind::RadiusServer.resource_type(), "RadiusServer", "RADIUS server", "wifi", THING),
    ("resource", "workday", "Workday", "Workday", "sitemap", THING),
];

/// Evidence that an account or group may change everything, or give itself what may. A role that may change less has the
/// same code, and its severity on the edge.
const CONTROLS: &[&str] = &["console_administrator", "console_role"];

pub(crate) fn graph_description() -> GraphDescription {
    let node = |&(record, row_type, name, title, icon, color): &(&str, &str, &str, &str, &str, &str)| {
        GraphNode::new(RowType::new(record, row_type), name, title).shown_as(icon, color)
    };
    let mut description = GraphDescription::new("JC", "Organization", NODES.iter().map(node).collect());
    description.controls_environment = CONTROLS.iter().map(|code| (*code).to_owned()).collect();
    let distinguished_name = Field::new("account", "attributes.external_dn").of_type("user");
    description.links = vec![GraphLink::new(distinguished_name, "SyncedToADUser", "User", "distinguishedname")];
    description
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;
    use crate::descriptor::descriptor;

    #[test]
    fn every_type_of_accounts_groups_and_resources_is_a_kind_of_nodes_with_a_name_of_its_own() {
        let (descriptor, graph) = (descriptor(), graph_description());
        let owned = descriptor.sections.iter().flat_map(|section| &section.owns);
        let nodes = owned.filter(|rows| ["account", "group", "resource"].contains(&rows.record.as_str()));
        let owned: BTreeSet<&RowType> = nodes.collect();
        let described: BTreeSet<&RowType> = graph.nodes.iter().map(|node| &node.rows).collect();
        assert_eq!(described, owned);
        let names: BTreeSet<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names.len(), graph.nodes.len());
        let codes: BTreeSet<&str> = descriptor.evidence.iter().map(|row| row.code.as_str()).collect();
        assert!(graph.controls_environment.iter().all(|code| codes.contains(code.as_str())));
    }
}
