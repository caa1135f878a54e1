//! A folder with the graph as BloodHound reads it: nodes and edges, the extension schema, and links to other systems.
//!
//! The edges are what administrators made: memberships, bindings and evidence. Effective access is not among them, because
//! BloodHound finds paths itself. The graph is as large as the rows, and is written as they come.

mod ends;
mod extension;
mod names;
mod properties;

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use connector_api::{
    Account, AccountLink, Binding, EvidenceRow, GraphLink, Membership, NodeKind, NodeRef, Reason, Record, ScanSummary,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use self::ends::{End, Ends};
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
    ends: Ends,
    /// Evidence whose code the connector does not describe, such as that of an earlier version, by code.
    undescribed: BTreeMap<String, EvidenceRow>,
    /// Digests of the pairs of accounts that have an edge. They are seeded: nobody can choose ids that share one.
    linked: HashSet<[u64; 2]>,
    seeds: [RandomState; 2],
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
        Ok(Self {
            folder,
            origin: origin.clone(),
            names,
            nodes,
            edges,
            ends: Ends::default(),
            undescribed: BTreeMap::new(),
            linked: HashSet::new(),
            seeds: [RandomState::new(), RandomState::new()],
            links,
        })
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
        self.nodes.add(&Node { id: &id, kinds: [&self.names.kind(kind, &row_type)], properties })?;
        self.ends.node(&id);
        for reason in reasons {
            self.evidence(&id, reason)?;
        }
        if let Record::Account(account) = record {
            account.links.iter().try_for_each(|link| self.same_person(&id, account, link))?;
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
        let is_described = self.origin.evidence().iter().any(|row| row.code == reason.code);
        if !is_described && !self.undescribed.contains_key(&reason.code) {
            let row = EvidenceRow::new(&reason.code, reason.kind, [reason.severity]);
            let row = row.explained(extension::sentence(&reason.code), &reason.remedy, "");
            self.undescribed.insert(reason.code.clone(), row);
        }
        let kind = self.names.evidence(&reason.code);
        self.edges.add(&Edge::new(&kind, id, self.names.environment(), properties))
    }

    /// One edge for two accounts, whether one of them names the other or each does.
    fn same_person(&mut self, id: &str, account: &Account, link: &AccountLink) -> io::Result<()> {
        let is_first = account.external_id < link.external_id;
        let mut pair = [account.external_id.as_str(), &link.external_id];
        pair.sort_unstable();
        if !self.linked.insert(self.seeds.each_ref().map(|seed| seed.hash_one((pair, &link.evidence)))) {
            return Ok(());
        }
        let other = self.end(NodeKind::Account, link.kind.as_str(), &link.external_id, &link.external_id);
        let kind = self.names.prefixed("MayBeSamePerson");
        let [from, to] = if is_first { [id, &other.id] } else { [&other.id, id] };
        self.edges.add(&Edge::new(&kind, from, to, one("evidence", &link.evidence)))?;
        self.ends.end(other);
        Ok(())
    }

    fn link(&mut self, id: &str, record: &Record, link: &GraphLink) -> io::Result<()> {
        let Some(value) = properties::field(record, &link.field.field)? else { return Ok(()) };
        let matchers = json!([{"key": link.property, "operator": "equals", "value": text(&value.to_uppercase())}]);
        self.links.add(&json!({
            "kind": self.names.prefixed(&link.name),
            "start": {"match_by": "id", "value": id},
            "end": {"match_by": "property", "property_matchers": matchers, "kind": link.kind},
        }))
    }

    /// An end of an edge. Its name is that of the row, if the edge knows it.
    fn end(&self, kind: NodeKind, row_type: &str, external_id: &str, name: &str) -> End {
        let id = self.names.node(kind, row_type, external_id);
        End { id, kind: self.names.kind(kind, row_type), name: name.to_owned() }
    }

    fn edge(&mut self, kind: &str, from: End, to: End, properties: Map<String, Value>) -> io::Result<()> {
        self.edges.add(&Edge::new(kind, &from.id, &to.id, properties))?;
        self.ends.end(from);
        self.ends.end(to);
        Ok(())
    }

    fn membership(&mut self, membership: &Membership) -> io::Result<()> {
        // An indirect one follows from the groups inside each other.
        if !membership.direct {
            return Ok(());
        }
        // Only its row says of which kind the account is.
        let from = self.end(NodeKind::Account, "", &membership.account_external_id, &membership.username);
        let group = (&membership.group_type, &membership.group_external_id, &membership.group_name);
        let to = self.end(NodeKind::Group, group.0, group.1, group.2);
        self.edge(&self.names.prefixed("MemberOf"), from, to, ends(membership.expires_at.as_ref()))
    }

    fn binding(&mut self, binding: &Binding) -> io::Result<()> {
        let end = |node: &NodeRef| self.end(node.kind, &node.node_type, &node.external_id, &node.external_id);
        let (from, to) = (end(&binding.from), end(&binding.to));
        let mut properties = ends(binding.expires_at.as_ref());
        match (&binding.access, binding.from.kind, binding.to.kind) {
            (Some(access), ..) => {
                properties.insert("access".to_owned(), text(&access.word));
                self.edge(&self.names.access(access.level), from, to, properties)
            }
            (None, NodeKind::Account | NodeKind::Group, NodeKind::Group) => {
                self.edge(&self.names.prefixed("MemberOf"), from, to, properties)
            }
            // From what contains the other, since a path leads into it.
            (None, NodeKind::Resource, NodeKind::Resource) => {
                self.edge(&self.names.prefixed("Contains"), to, from, properties)
            }
            (None, ..) => self.edge(&self.names.prefixed("CanUse"), from, to, properties),
        }
    }

    fn environment(&self, summary: &ScanSummary) -> Map<String, Value> {
        let mut properties = Map::new();
        properties.insert("name".to_owned(), text(self.origin.system()));
        properties.insert("environmentid".to_owned(), self.names.environment().into());
        properties.insert("collected".to_owned(), true.into());
        properties.insert("scannedat".to_owned(), summary.started_at.to_string().into());
        for (name, fact) in &summary.facts {
            let name = name.to_lowercase();
            if let (Value::String(fact), false) = (fact, properties::is_reserved(&name)) {
                properties.entry(name).or_insert_with(|| text(fact));
            }
        }
        properties
    }

    /// What contains everything, and nodes for the ends of edges that have no row.
    fn finish_nodes(&mut self, summary: &ScanSummary) -> io::Result<()> {
        let environment = self.names.environment();
        for End { id, kind, name } in std::mem::take(&mut self.ends).missing() {
            let mut properties = one("name", &name);
            properties.insert("environmentid".to_owned(), environment.into());
            self.nodes.add(&Node { id: &id, kinds: [&kind], properties })?;
        }
        let kinds = [&*self.names.environment_kind()];
        self.nodes.add(&Node { id: environment, kinds, properties: self.environment(summary) })
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
        self.finish_nodes(summary)?;
        let title = if self.origin.os_type().is_empty() { &summary.os_type } else { self.origin.os_type() };
        let evidence = self.origin.evidence().iter().chain(self.undescribed.values());
        let extension = extension(&self.names, title, evidence);
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

#[derive(Serialize)]
struct Node<'a> {
    id: &'a str,
    kinds: [&'a str; 1],
    properties: Map<String, Value>,
}

#[derive(Serialize)]
struct Edge<'a> {
    kind: &'a str,
    start: ById<'a>,
    end: ById<'a>,
    properties: Map<String, Value>,
}

#[derive(Serialize)]
#[serde(tag = "match_by", rename = "id")]
struct ById<'a> {
    value: &'a str,
}

impl<'a> Edge<'a> {
    fn new(kind: &'a str, from: &'a str, to: &'a str, properties: Map<String, Value>) -> Self {
        Self { kind, start: ById { value: from }, end: ById { value: to }, properties }
    }
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
