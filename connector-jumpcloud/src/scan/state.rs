//! What a scan has read so far: the sections that were read before the users, and what is remembered of the users.
//!
//! It is kept small, since it is held in memory for the whole scan, and it is what a checkpoint stores.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{Section, SectionReport};
use serde::{Deserialize, Serialize};

use super::people::People;
use crate::api::Id;
use crate::api::kind::Kind;
use crate::api::level::Level;
use crate::sections::Found;

/// Everything that was read. A section that is not in `reports` has not been read to its end.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct State {
    pub(crate) reports: BTreeMap<Section, SectionReport>,
    /// The sections that the request leaves out.
    pub(crate) without: BTreeSet<Section>,
    /// The paths of listings that refuse to sort.
    pub(crate) refused_sorts: BTreeSet<String>,
    pub(crate) users_endpoint: Option<String>,
    /// What the operator should look at.
    pub(crate) warnings: Vec<String>,
    pub(crate) people: People,
    pub(crate) found: Found,
}

impl State {
    /// Whether the parts fit together: a checkpoint comes from a file.
    ///
    /// # Errors
    /// What does not fit.
    pub(crate) fn check(&self) -> Result<(), String> {
        let known = self.people.len() as u32;
        let members = self.found.memberships.iter().flatten();
        if members.clone().flat_map(|members| &members.users).any(|user| *user >= known) {
            return Err("a membership names a user that is not there".to_owned());
        }
        let fit = self.found.memberships.len() == self.found.groups.rows.len();
        if self.reports.contains_key(&Section::MEMBERSHIPS) && !fit {
            return Err("the memberships do not fit the groups".to_owned());
        }
        Ok(())
    }
}

/// A group's direct members.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Members {
    /// Indices into [`People`].
    pub(crate) users: Vec<u32>,
    pub(crate) groups: Vec<Id>,
    /// Members of other kinds, by kind.
    pub(crate) others: Vec<(String, Id)>,
}

/// An edge of the graph, from who is bound to what it is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Edge {
    pub(crate) from: Node,
    pub(crate) to: Node,
    pub(crate) access: Level,
}

/// A thing in the graph.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) id: Id,
}
