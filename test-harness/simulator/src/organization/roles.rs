//! Roles of the console.

use super::Organization;
use super::administrators::role_id;

/// A role of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Whether the organisation made it itself.
    pub is_custom: bool,
    /// What it may do.
    pub scopes: &'static [&'static str],
}

/// What the administrators may do.
const EVERYTHING: &[&str] = &[
    "accessmanagement",
    "accessrequest",
    "administrators",
    "applications",
    "associations",
    "authn",
    "commands",
    "directories",
    "directoryinsights.readonly",
    "groups",
    "mfa",
    "organizations",
    "passwordmanager",
    "radius",
    "reports",
    "roles",
    "serviceaccounts",
    "systeminsights.readonly",
    "systems",
    "users",
    "users.self",
];

/// What a manager may do.
const MANAGING: &[&str] = &[
    "applications.readonly",
    "associations",
    "commands",
    "directories.readonly",
    "directoryinsights.readonly",
    "groups",
    "systems",
    "users",
    "users.self",
];

/// What a reader may do.
const READING: &[&str] = &[
    "administrators.readonly",
    "applications.readonly",
    "associations.readonly",
    "commands.readonly",
    "directories.readonly",
    "directoryinsights.readonly",
    "groups.readonly",
    "organizations.readonly",
    "radius.readonly",
    "roles.readonly",
    "systems.readonly",
    "users.readonly",
    "users.self",
];

const fn built_in(name: &'static str, scopes: &'static [&'static str]) -> Role {
    Role { name, description: "", is_custom: false, scopes }
}

/// The roles, in the order in which the service lists them.
const ROLES: [Role; 9] = [
    Role { name: "Administrator With Billing", description: "Everything, and the bill", ..built_in("", EVERYTHING) },
    built_in("Administrator", EVERYTHING),
    built_in("Manager", MANAGING),
    built_in(
        "Help Desk",
        &["groups.readonly", "systems.readonly", "users.password.set", "users.readonly", "users.self"],
    ),
    built_in("Command Runner", &["commandrunner.legacy", "commands"]),
    built_in("Command Runner With Billing", &["billing", "commandrunner.legacy", "commands"]),
    built_in("Read Only", READING),
    Role {
        name: "Umsatz-Prüfer / Auditor",
        description: "Looks at reports, \"nothing\" else",
        is_custom: true,
        scopes: &["directoryinsights.readonly", "reports.readonly", "users.readonly"],
    },
    // Nobody has it, and its name does not say what it may do.
    Role { name: "Read Only (Projekte)", description: "", is_custom: true, scopes: &["groups", "users.readonly"] },
];

impl Role {
    /// Its id, the same in every organisation.
    pub fn id(&self) -> String {
        role_id(self.name)
    }
}

impl Organization {
    /// The roles, whether or not somebody has them.
    pub fn roles(&self) -> Vec<Role> {
        ROLES.to_vec()
    }
}
