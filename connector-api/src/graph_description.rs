//! How tools that draw attack paths name what a connector's rows are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::row_type::{Field, RowType};

/// The names and rules by which a host writes rows as a graph, such as BloodHound's OpenGraph. A host makes names from the
/// types of the rows where a connector has no description.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GraphDescription {
    /// The prefix of all names, such as `JC`: letters and digits.
    pub namespace: String,
    /// The name of what contains everything, such as `Organization`: letters and digits.
    pub environment: String,
    /// The kinds of nodes.
    pub nodes: Vec<GraphNode>,
    /// The codes of evidence by which an account or group controls the whole environment, so that paths lead on from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls_environment: Vec<String>,
    /// The fields that name a node of another system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<GraphLink>,
}

impl GraphDescription {
    /// Creates a description from a prefix, the name of what contains everything, and the kinds of nodes.
    pub fn new(namespace: impl Into<String>, environment: impl Into<String>, nodes: Vec<GraphNode>) -> Self {
        Self { namespace: namespace.into(), environment: environment.into(), nodes, ..Self::default() }
    }

    /// Returns the kind of the nodes of a type of rows.
    pub fn node(&self, rows: &RowType) -> Option<&GraphNode> {
        self.nodes.iter().find(|node| node.rows == *rows)
    }
}

/// A kind of nodes: the rows of one type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GraphNode {
    /// The rows: accounts, groups or resources of one type.
    pub rows: RowType,
    /// The name, such as `User`: letters and digits. Without the prefix.
    pub name: String,
    /// The name that people read.
    pub title: String,
    /// The icon: the name of one in the free set of Font Awesome, such as `user`.
    pub icon: String,
    /// The colour of the icon, such as `#17E625`.
    pub color: String,
}

impl GraphNode {
    /// Creates a kind of nodes from its rows and names.
    pub fn new(rows: RowType, name: impl Into<String>, title: impl Into<String>) -> Self {
        let (icon, color) = ("circle".to_owned(), "#8A94A6".to_owned());
        Self { rows, name: name.into(), title: title.into(), icon, color }
    }

    /// Sets icon and colour.
    #[must_use]
    pub fn shown_as(mut self, icon: impl Into<String>, color: impl Into<String>) -> Self {
        (self.icon, self.color) = (icon.into(), color.into());
        self
    }
}

/// A field whose value names a node of another system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GraphLink {
    /// The field, of accounts, groups or resources.
    pub field: Field,
    /// The name of the edge, such as `SyncedToADUser`: letters and digits. Without the prefix.
    pub name: String,
    /// The kind of the other node in its own system's names, such as `User`.
    pub kind: String,
    /// The property of the other node that has the value in upper case, such as `distinguishedname`.
    pub property: String,
}

impl GraphLink {
    /// Creates a link by a field to the node of a kind with a property.
    pub fn new(field: Field, name: impl Into<String>, kind: impl Into<String>, property: impl Into<String>) -> Self {
        Self { field, name: name.into(), kind: kind.into(), property: property.into() }
    }
}
