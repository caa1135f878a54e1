//! Edges and paths, as the graph endpoints of the V2 API give them.

use super::{Object, list};
use crate::simulator::organization::{Edge, Kind, Node, Organization, Path, Sudo};

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
        for (name, (kind, id)) in [("from", from), ("to", to)] {
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
                o.put("sudo", self.compiled(paths));
            }
        });
        o.lists("paths", paths, |out, path| {
            list(out, path, |out, step| Object::write(out, None, |o| self.write_step(step, o)));
        });
    }

    fn write_step(&self, step: &Edge, o: &mut Object<'_>) {
        write_attributes(step.sudo, o);
        for (name, node) in [("from", step.from), ("to", step.to)] {
            o.object(name, |o| {
                write_attributes(self.own_sudo(node), o);
                o.put("id", self.id(node));
                o.put("type", node.kind.name());
            });
        }
    }
}

fn write_attributes(sudo: Option<Sudo>, o: &mut Object<'_>) {
    match sudo {
        Some(sudo) => o.object("attributes", |o| o.put("sudo", sudo)),
        None => o.put("attributes", ()),
    }
}
