//! Edges and paths, as the graph endpoints of the V2 API give them.

use std::collections::BTreeSet;

use super::groups::write_group_attributes;
use super::{Object, list};
use crate::behaviour::{DirectRight, EdgeFrom, PathAttributes, PathStart};
use crate::organization::{Edge, Kind, Node, Organization, Path, Sudo};

impl Organization {
    /// Writes a direct edge from one object to another: `GraphConnection`.
    pub(crate) fn write_connection(
        &self,
        from: (Kind, &str),
        to: (Kind, &str),
        sudo: Option<Sudo>,
        o: &mut Object<'_>,
    ) {
        write_attributes(sudo, o);
        let from = Some(("from", from)).filter(|_| self.behaviour().edge_from == EdgeFrom::Given);
        for (name, (kind, id)) in from.into_iter().chain([("to", to)]) {
            o.object(name, |o| {
                o.put("attributes", ());
                o.put("id", id);
                o.put("type", kind.name());
            });
        }
    }

    /// Writes an object and the ways to it: `GraphObjectWithPaths`.
    pub(crate) fn write_reached(&self, node: Node, paths: &[Path], o: &mut Object<'_>) {
        o.put("id", self.id(node));
        o.put("type", node.kind.name());
        o.object("compiledAttributes", |o| {
            let on_device = |kind| matches!(kind, Kind::System | Kind::SystemGroup);
            if paths.iter().flatten().any(|step| on_device(step.from.kind) || on_device(step.to.kind)) {
                o.put("sudo", self.compiled_here(paths));
            }
            if self.behaviour().path_attributes == PathAttributes::Whole {
                self.write_ldap_groups(paths, o);
            }
        });
        o.lists("paths", paths, |out, path| {
            list(out, path.iter().enumerate(), |out, (number, step)| {
                let from_there = number > 0 || self.behaviour().path_start == PathStart::Given;
                Object::write(out, None, |o| self.write_step(step, from_there, o));
            });
        });
    }

    /// The rights that a traversal compiles.
    fn compiled_here(&self, paths: &[Path]) -> Sudo {
        let ends = |step: &Edge| [step.from.kind, step.to.kind];
        let is_direct = |path: &&Path| {
            let [step] = path.as_slice() else { return false };
            ends(step).contains(&Kind::User) && ends(step).contains(&Kind::System)
        };
        let direct: Vec<Path> = paths.iter().filter(is_direct).cloned().collect();
        let supersedes = self.behaviour().direct_right == DirectRight::Supersedes && !direct.is_empty();
        self.compiled(if supersedes { &direct } else { paths })
    }

    fn write_step(&self, step: &Edge, from_there: bool, o: &mut Object<'_>) {
        write_attributes(step.sudo, o);
        let from = from_there.then_some(("from", step.from));
        for (name, node) in from.into_iter().chain([("to", step.to)]) {
            o.object(name, |o| {
                self.write_own_attributes(node, o);
                o.put("id", self.id(node));
                o.put("type", node.kind.name());
            });
        }
    }

    /// Writes what a node of a path gives to all who come by.
    fn write_own_attributes(&self, node: Node, o: &mut Object<'_>) {
        if node.kind == Kind::UserGroup && self.behaviour().path_attributes == PathAttributes::Whole {
            let group = self.user_group(node.index);
            return o.object("attributes", |o| write_group_attributes(&group, o));
        }
        write_attributes(self.own_sudo(node), o);
    }

    /// Writes the LDAP groups of all user groups on the way.
    fn write_ldap_groups(&self, paths: &[Path], o: &mut Object<'_>) {
        let steps = paths.iter().flatten().flat_map(|step| [step.from, step.to]);
        let groups: BTreeSet<u64> = steps.filter(|node| node.kind == Kind::UserGroup).map(|node| node.index).collect();
        let names: Vec<String> = groups.into_iter().filter_map(|group| self.user_group(group).ldap_group).collect();
        if !names.is_empty() {
            o.list("ldapGroups", names, |o, name| o.put("name", name));
        }
    }
}

fn write_attributes(sudo: Option<Sudo>, o: &mut Object<'_>) {
    match sudo {
        Some(sudo) => o.object("attributes", |o| o.put("sudo", sudo)),
        None => o.put("attributes", ()),
    }
}
