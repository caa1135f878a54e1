//! Directories, and what else stands in lists of the V2 API apart from groups.

use super::{Object, time};
use crate::behaviour::{UnsetFields, V1Rows};
use crate::organization::{Directory, Kind, Node, Organization};

/// Names of policies and the systems that they are for.
const POLICIES: [(&str, &str); 5] = [
    ("Disk encryption", "darwin"),
    ("Screen lock after 5 minutes", "windows"),
    ("No root login", "linux"),
    ("Firewall „strict“", "darwin"),
    ("Patches", "windows"),
];

impl Organization {
    /// Writes a directory, as `GET /api/v2/directories` lists it.
    pub(crate) fn write_directory(&self, directory: &Directory, o: &mut Object<'_>) {
        o.put("id", &directory.id);
        o.put("name", directory.name);
        o.put("type", directory.node.kind.name());
        if directory.node.kind == Kind::GSuite {
            o.object("defaultDomain", |o| {
                o.put("id", format!("{:024x}", directory.node.index + 1));
                o.put("domain", "northwind.example");
            });
        }
        match directory.node.kind {
            kind @ (Kind::GSuite | Kind::Office365) => o.object("oAuthStatus", |o| {
                let expires = self.now().as_second() + if kind == Kind::GSuite { 3_600 } else { -86_400 };
                o.object("expiry", |o| o.put("seconds", expires.to_string()));
                if kind == Kind::Office365 {
                    o.put("error", "invalid_grant");
                    o.put("errorMessage", "the refresh token has expired");
                }
            }),
            _ if self.behaviour().unset_fields == UnsetFields::Null => o.put("oAuthStatus", ()),
            _ => {}
        }
    }

    /// Writes an object that `GET /api/v2/{kind}` lists, of any kind but groups.
    pub(crate) fn write_listed(&self, node: Node, o: &mut Object<'_>) {
        let index = node.index as usize;
        o.put("id", self.id(node));
        match node.kind {
            Kind::LdapServer => {
                o.put("name", "jumpcloud");
                o.put("userLockoutAction", "remove");
                o.put("userPasswordExpirationAction", "disable");
            }
            Kind::ActiveDirectory => {
                o.put("domain", "DC=northwind,DC=example");
                o.put("useCase", "ADASAUTHORITY");
                o.put("groupsEnabled", true);
                o.put("delegationState", "ENABLED");
                o.put("permission", "PERMISSION_OWNER");
                o.put("primaryAgent", format!("{:024x}", 7));
                o.put("primaryImportAgent", format!("{:024x}", 8));
                o.put("updatedAt", time(self.now()));
            }
            Kind::Policy => {
                let (name, family) = POLICIES[index % POLICIES.len()];
                o.put("name", name);
                o.object("template", |o| {
                    o.put("id", format!("{:024x}", index + 1));
                    o.put("name", format!("template_{index}"));
                    o.put("displayName", name);
                    o.put("osMetaFamily", family);
                });
            }
            _ => {
                o.put("name", ["Baseline", "Servers"][index % 2]);
                o.put("type", "policy_group");
                o.put("description", "");
                o.put("email", "");
                o.put("attributes", ());
            }
        }
    }

    /// Writes a command, as `GET /api/commands` lists it.
    pub(crate) fn write_command(&self, index: u64, o: &mut Object<'_>) {
        let kind = ["linux", "mac", "windows"][index as usize % 3];
        self.write_v1_id(&self.id(Node::new(Kind::Command, index)), o);
        o.put("name", format!("Housekeeping {index}"));
        o.put("command", if kind == "windows" { "Get-Service" } else { "systemctl list-units" });
        o.put("commandType", kind);
        o.put("description", "");
        o.put("launchType", if index.is_multiple_of(2) { "manual" } else { "trigger" });
        o.put("trigger", if index.is_multiple_of(2) { String::new() } else { format!("housekeeping-{index}") });
        o.put("listensTo", "");
        o.put("schedule", "");
        o.put("scheduleRepeatType", "");
        o.put("organization", self.organization_id());
        if self.behaviour().v1_rows == V1Rows::Recorded {
            o.put("sudo", index == 0);
            o.put("user", "000000000000000000000000");
            o.put("commandRunners", [(); 0]);
        }
    }
}
