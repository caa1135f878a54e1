//! A folder with the graph as BloodHound reads it: nodes and edges, the extension schema, and links to other systems.
//!
//! The edges are what administrators made: memberships, bindings and evidence. Effective access is not among them, because
//! BloodHound finds paths itself. The graph is as large as the rows, and is written as they come.

mod extension;
mod names;
mod properties;

use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use connector_api::{Binding, GraphLink, Membership, NodeKind, NodeRef, Reason, Record, ScanSummary};
use serde::Serialize;
use serde_json::{Map, Value, json};

use self::extension::extension;
use self::names::{Names, node_kind};
use self::properties::text;
use super::folder::Folder;
use super::{Origin, Output};
use crate::files::Draft;

/// The files of the folder.
const FILES: [&str; 3] = ["graph.json", "extension.json", "links.json"];

/// A folder that gets its final name when the scan is complete.
pub struct OpenGraphFolder {
    folder: Folder,
    origin: Origin,
    names: Names,
    /// The beginning of the graph, and its edges, which are put behind the nodes at the end.
    nodes: List,
    edges: List,
    /// Edges to nodes of other systems. They are a graph of their own, because a graph with a source makes all nodes of its
    /// edges its own.
    links: List,
}

impl OpenGraphFolder {
    /// A folder that becomes `path` and replaces an earlier one of the same kind.
    ///
    /// # Errors
    /// If it cannot be created, or `path` is not the folder of an earlier scan.
    pub fn create(path: &Path, origin: &Origin) -> io::Result<Self> {
        let folder = Folder::of(path, FILES.map(str::to_owned).to_vec())?;
        let names = Names::new(origin);
        let metadata = json!({"source_kind": names.source_kind()});
        let nodes = List::new(&folder, &format!("{{\"metadata\":{metadata},\"graph\":{{\"nodes\":["))?;
        let edges = List::new(&folder, "")?;
        let links = List::new(&folder, "{\"graph\":{\"nodes\":[],\"edges\":[")?;
        Ok(Self { folder, origin: origin.clone(), names, nodes, edges, links })
    }

    fn node(&mut self, record: &Record, kind: NodeKind) -> io::Result<()> {
        let (external_id, reasons): (&str, &[Reason]) = match record {
            Record::Account(account) => (&account.external_id, &account.reasons),
            Record::Group(group) => (&group.external_id, &group.reasons),
            Record::Resource(resource) => (&resource.external_id, &resource.reasons),
            _ => return Ok(()),
        };
        let row_type = record.row_type();
        let id = self.names.node(kind, &row_type, external_id);
        let properties = properties::of_node(record, self.names.environment())?;
        let kinds = [self.names.kind(kind, &row_type)];
        self.nodes.add(&json!({"id": id, "kinds": kinds, "properties": properties}))?;
        for reason in reasons {
            self.evidence(&id, reason)?;
        }
        if let Record::Account(account) = record {
            for link in &account.links {
                // Each of the two names the other: one edge is enough.
                if account.external_id < link.external_id {
                    let properties = one("evidence", &link.evidence);
                    self.edge("MayBeSamePerson", &id, &self.names.account(&link.external_id), properties)?;
                }
            }
        }
        let links: Vec<GraphLink> = self.names.description().links.clone();
        links.iter().filter(|link| link.field.is_of(record)).try_for_each(|link| self.link(&id, record, link))
    }

    fn evidence(&mut self, id: &str, reason: &Reason) -> io::Result<()> {
        let mut properties = Map::new();
        properties.insert("severity".to_owned(), reason.severity.as_str().into());
        properties.insert("evidence".to_owned(), reason.kind.as_str().into());
        properties.insert("message".to_owned(), text(&reason.message));
        properties.insert("remedy".to_owned(), text(&reason.remedy));
        if let Some(subject) = &reason.subject {
            properties.insert("subject".to_owned(), text(subject));
        }
        if let Some(end) = reason.expires_at {
            properties.insert("expiresat".to_owned(), end.to_string().into());
        }
        let kind = self.names.evidence(&reason.code);
        self.edges.add(&edge(&kind, id, self.names.environment(), properties))
    }

    fn link(&mut self, id: &str, record: &Record, link: &GraphLink) -> io::Result<()> {
        let row = serde_json::to_value(record)?;
        let found = link.field.field.split('.').try_fold(&row, |value, name| value.get(name));
        let Some(value) = found.and_then(Value::as_str).filter(|value| !value.is_empty()) else { return Ok(()) };
        let matchers = json!([{"key": link.property, "operator": "equals", "value": value.to_uppercase()}]);
        self.links.add(&json!({
            "kind": self.names.prefixed(&link.name),
            "start": {"match_by": "id", "value": id},
            "end": {"match_by": "property", "property_matchers": matchers, "kind": link.kind},
        }))
    }

    fn edge(&mut self, kind: &str, from: &str, to: &str, properties: Map<String, Value>) -> io::Result<()> {
        self.edges.add(&edge(&self.names.prefixed(kind), from, to, properties))
    }

    fn membership(&mut self, membership: &Membership) -> io::Result<()> {
        // An indirect one follows from the groups inside each other.
        if !membership.direct {
            return Ok(());
        }
        let from = self.names.account(&membership.account_external_id);
        let to = self.names.node(NodeKind::Group, &membership.group_type, &membership.group_external_id);
        self.edge("MemberOf", &from, &to, ends(membership.expires_at.as_ref()))
    }

    fn binding(&mut self, binding: &Binding) -> io::Result<()> {
        let id = |node: &NodeRef| self.names.node(node.kind, &node.node_type, &node.external_id);
        let (from, to) = (id(&binding.from), id(&binding.to));
        let mut properties = ends(binding.expires_at.as_ref());
        match (&binding.access, binding.from.kind, binding.to.kind) {
            (Some(access), ..) => {
                properties.insert("access".to_owned(), text(&access.word));
                let kind = self.names.access(access.level);
                self.edges.add(&edge(&kind, &from, &to, properties))
            }
            (None, NodeKind::Account | NodeKind::Group, NodeKind::Group) => {
                self.edge("MemberOf", &from, &to, properties)
            }
            // From what contains the other, since a path leads into it.
            (None, NodeKind::Resource, NodeKind::Resource) => self.edge("Contains", &to, &from, properties),
            (None, ..) => self.edge("CanUse", &from, &to, properties),
        }
    }

    fn environment(&self, summary: &ScanSummary) -> Value {
        let mut properties = Map::new();
        properties.insert("name".to_owned(), text(self.origin.system()));
        properties.insert("environmentid".to_owned(), self.names.environment().into());
        properties.insert("collected".to_owned(), true.into());
        properties.insert("scannedat".to_owned(), summary.started_at.to_string().into());
        for (name, fact) in &summary.facts {
            if let Value::String(fact) = fact {
                properties.entry(name.to_lowercase()).or_insert_with(|| text(fact));
            }
        }
        json!({"id": self.names.environment(), "kinds": [self.names.environment_kind()], "properties": properties})
    }
}

impl Output for OpenGraphFolder {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        match record {
            Record::Membership(membership) => self.membership(membership),
            Record::Binding(binding) => self.binding(binding),
            _ => node_kind(record).map_or(Ok(()), |kind| self.node(record, kind)),
        }
    }

    fn commit(mut self: Box<Self>, summary: &ScanSummary) -> io::Result<()> {
        let environment = self.environment(summary);
        self.nodes.add(&environment)?;
        let title = if self.origin.os_type().is_empty() { &summary.os_type } else { self.origin.os_type() };
        let extension = extension(&self.names, title, self.origin.evidence());
        let Self { folder, mut nodes, edges, links, .. } = *self;
        nodes.bytes.write_all(b"\n],\"edges\":[")?;
        let mut graph = nodes.finish("")?;
        let mut edges = edges.finish("")?;
        edges.file().rewind()?;
        io::copy(edges.file(), graph.file())?;
        graph.write_all(b"\n]}}\n")?;
        let mut schema = folder.draft()?;
        schema.write_all(&serde_json::to_vec_pretty(&extension)?)?;
        folder.commit(vec![graph, schema, links.finish("\n]}}\n")?], summary)
    }

    fn abandon(self: Box<Self>, _: &ScanSummary) -> io::Result<()> {
        Ok(())
    }
}

fn edge(kind: &str, from: &str, to: &str, properties: Map<String, Value>) -> Value {
    json!({
        "kind": kind,
        "start": {"match_by": "id", "value": from},
        "end": {"match_by": "id", "value": to},
        "properties": properties,
    })
}

fn one(name: &str, value: &str) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), text(value))])
}

/// When an edge ends by itself.
fn ends(expires_at: Option<&impl ToString>) -> Map<String, Value> {
    expires_at.map(|end| one("expiresat", &end.to_string())).unwrap_or_default()
}

/// A list of JSON values in a file, one on a line.
struct List {
    bytes: BufWriter<Draft>,
    is_empty: bool,
}

impl List {
    fn new(folder: &Folder, beginning: &str) -> io::Result<Self> {
        let mut bytes = BufWriter::with_capacity(64 * 1024, folder.draft()?);
        bytes.write_all(beginning.as_bytes())?;
        Ok(Self { bytes, is_empty: true })
    }

    fn add(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.bytes.write_all(if self.is_empty { b"\n" } else { b",\n" })?;
        self.is_empty = false;
        serde_json::to_writer(&mut self.bytes, value).map_err(io::Error::from)
    }

    fn finish(mut self, end: &str) -> io::Result<Draft> {
        self.bytes.write_all(end.as_bytes())?;
        self.bytes.into_inner().map_err(io::IntoInnerError::into_error)
    }
}
