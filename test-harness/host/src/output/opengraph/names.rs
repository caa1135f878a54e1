//! The names of a graph: of its kinds of nodes and edges, and of the nodes themselves.

use std::collections::HashMap;

use connector_api::{AccessLevel, GraphDescription, GraphNode, NodeKind, Record, RowType};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::output::Origin;

/// The edges that every connector has, with what they mean and whether a path leads on over them.
pub(super) const EDGES: &[(&str, &str, bool)] = &[
    ("MemberOf", "Is a member of the group, or a group inside it, and has what the group has", true),
    ("Contains", "Whoever reaches the container reaches what it contains", true),
    ("CanUse", "May use it as an ordinary user", false),
    ("CanWrite", "May change its content", true),
    ("CanAdminister", "May administer it", true),
    ("MayBeSamePerson", "May belong to the same person, such as by the same e-mail address", false),
];

/// Kept in ids. BloodHound writes ids in upper case, so capitals are encoded, and it allows no colon.
const ID: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'@');

/// The names of the graph of one system.
pub(super) struct Names {
    description: GraphDescription,
    /// The first part of all ids.
    base: String,
    /// The prefixed names of the kinds of nodes, by record and type.
    kinds: HashMap<(&'static str, String), String>,
}

impl Names {
    pub(super) fn new(origin: &Origin) -> Self {
        let description = origin.graph().cloned().unwrap_or_else(|| made(origin));
        let base = format!("{}/{}", description.namespace.to_ascii_lowercase(), encoded(origin.system()));
        let mut names = Self { description, base, kinds: HashMap::new() };
        for node in names.description.nodes.clone() {
            let record = [NodeKind::Account, NodeKind::Group, NodeKind::Resource].map(NodeKind::as_str);
            if let Some(record) = record.into_iter().find(|record| *record == node.rows.record) {
                names.kinds.insert((record, node.rows.row_type), names.prefixed(&node.name));
            }
        }
        names
    }

    pub(super) fn description(&self) -> &GraphDescription {
        &self.description
    }

    /// A name with the prefix of the connector.
    pub(super) fn prefixed(&self, name: &str) -> String {
        format!("{}_{name}", self.description.namespace)
    }

    /// What every node of the system is, in addition to its own kind.
    pub(super) fn source_kind(&self) -> String {
        format!("{}Base", self.description.namespace)
    }

    pub(super) fn environment_kind(&self) -> String {
        self.prefixed(&self.description.environment)
    }

    /// The id of what contains everything.
    pub(super) fn environment(&self) -> &str {
        &self.base
    }

    /// The kind of a node. One that no description names has that of its record.
    pub(super) fn kind(&self, record: NodeKind, row_type: &str) -> String {
        let named = self.kinds.get(&(record.as_str(), row_type.to_owned()));
        named.cloned().unwrap_or_else(|| self.prefixed(&pascal(record.as_str())))
    }

    /// The id of an account.
    pub(super) fn account(&self, external_id: &str) -> String {
        format!("{}/account/{}", self.base, encoded(external_id))
    }

    /// The id of a group or resource, which is unique only among those of its type; accounts are so among all.
    pub(super) fn node(&self, record: NodeKind, row_type: &str, external_id: &str) -> String {
        match record {
            NodeKind::Account => self.account(external_id),
            _ => format!("{}/{}/{}/{}", self.base, record.as_str(), encoded(row_type), encoded(external_id)),
        }
    }

    /// The kind of an edge that gives access.
    pub(super) fn access(&self, level: AccessLevel) -> String {
        self.prefixed(match level {
            AccessLevel::Use => "CanUse",
            AccessLevel::Write => "CanWrite",
            // Of a later version's levels, none allows less.
            _ => "CanAdminister",
        })
    }

    /// The kind of an edge that is evidence.
    pub(super) fn evidence(&self, code: &str) -> String {
        self.prefixed(&pascal(code))
    }
}

fn encoded(text: &str) -> String {
    let encoded = utf8_percent_encode(text, ID).to_string();
    let mut id = String::with_capacity(encoded.len());
    // The digits of an encoding are in upper case, too, which changes nothing.
    let mut of_encoding = 0;
    for letter in encoded.chars() {
        match letter {
            '%' => of_encoding = 3,
            capital if capital.is_ascii_uppercase() && of_encoding == 0 => {
                id.push_str(&format!("%{:02X}", u32::from(capital)));
                continue;
            }
            _ => {}
        }
        id.push(letter);
        of_encoding -= i32::from(of_encoding > 0);
    }
    id
}

/// A word of the contract or a target as a name: `JUMPCLOUD_USER_GROUP` and `userGroup` are `UserGroup` with what comes before.
pub(super) fn pascal(word: &str) -> String {
    let is_shouted = !word.chars().any(|letter| letter.is_ascii_lowercase());
    let parts = word.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let capitalised = |part: &str| {
        let (first, rest) = part.split_at(1);
        let rest = if is_shouted { rest.to_ascii_lowercase() } else { rest.to_owned() };
        first.to_ascii_uppercase() + &rest
    };
    let name: String = parts.map(capitalised).collect();
    if name.is_empty() { "Other".to_owned() } else { name }
}

/// A description of a connector that has none, from the types of its rows.
fn made(origin: &Origin) -> GraphDescription {
    let namespace: String = origin.os_type().chars().filter(char::is_ascii_alphanumeric).collect();
    // Names that begin with this are BloodHound's own.
    let is_free = !namespace.is_empty() && !namespace.to_ascii_lowercase().starts_with("tag");
    let namespace = if is_free { namespace } else { "Target".to_owned() };
    let is_node = |rows: &&RowType| ["account", "group", "resource"].contains(&rows.record.as_str());
    let owned = origin.sections().iter().flat_map(|section| &section.owns).filter(is_node);
    let mut nodes: Vec<GraphNode> = Vec::new();
    for rows in owned {
        let name = pascal(&rows.row_type);
        // A role may be a group and an account's word.
        let is_taken = name == "Environment" || nodes.iter().any(|node| node.name == name);
        let name = if is_taken { name + &pascal(&rows.record) } else { name };
        if nodes.iter().all(|node| node.name != name) {
            let icon = match rows.record.as_str() {
                "account" => "user",
                "group" => "users",
                _ => "server",
            };
            nodes.push(GraphNode::new(rows.clone(), &name, &rows.row_type).shown_as(icon, "#8A94A6"));
        }
    }
    GraphDescription::new(namespace, "Environment", nodes)
}

/// The record kind of a row that is a node.
pub(super) fn node_kind(record: &Record) -> Option<NodeKind> {
    match record {
        Record::Account(_) => Some(NodeKind::Account),
        Record::Group(_) => Some(NodeKind::Group),
        Record::Resource(_) => Some(NodeKind::Resource),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_no_colon_and_differ_in_more_than_the_case() {
        for (text, id) in
            [("a:b", "a%3Ab"), ("Root", "%52oot"), ("root", "root"), ("é/x", "%C3%A9%2Fx"), ("a-1.b_2@c", "a-1.b_2@c")]
        {
            assert_eq!(encoded(text), id);
        }
    }

    #[test]
    fn words_become_names() {
        for (word, name) in [
            ("JUMPCLOUD_USER_GROUP", "JumpcloudUserGroup"),
            ("serviceAccount", "ServiceAccount"),
            ("sudo_on_all", "SudoOnAll"),
            ("", "Other"),
            ("日本", "Other"),
        ] {
            assert_eq!(pascal(word), name);
        }
    }
}
