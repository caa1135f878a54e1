//! What a scan has read so far: the sections read before the users, and what is kept of the users.
//!
//! It is small, because it is in memory for the whole scan and is stored in checkpoints.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{Section, SectionReport, SectionStatus};
use serde::{Deserialize, Serialize};

use super::people::People;
use crate::api::Id;
use crate::api::kind::Kind;
use crate::api::level::Level;
use crate::sections::Found;

/// Everything that was read. A section that is not in `reports` has not been read completely.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct State {
    pub(crate) reports: BTreeMap<Section, SectionReport>,
    /// The sections that the request skips.
    pub(crate) without: BTreeSet<Section>,
    /// The paths of listings that refuse to sort.
    pub(crate) refused_sorts: BTreeSet<String>,
    pub(crate) users_endpoint: Option<String>,
    /// Warnings for the operator.
    pub(crate) warnings: Vec<String>,
    pub(crate) people: People,
    pub(crate) found: Found,
}

impl State {
    /// Whether a section was read, and completely.
    pub(crate) fn has_read(&self, section: Section) -> bool {
        self.reports.get(&section).is_some_and(|report| report.status == SectionStatus::Complete)
    }

    /// Checks that the parts are consistent, because a checkpoint comes from a file.
    ///
    /// # Errors
    /// The first inconsistency.
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
        self.found.local_accounts.check(self.found.systems.devices.len(), self.people.len())
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

/// An edge of the graph, from the bound subject to the object it is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Edge {
    pub(crate) from: Node,
    pub(crate) to: Node,
    pub(crate) access: Level,
}

/// An object in the graph.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) id: Id,
}
