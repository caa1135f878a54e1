//! The ends of edges that have no row of their own, so that no edge leads to nothing.
//!
//! A row may be missing because its section was not read, or because it is gone while a membership of it is kept.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};

/// What an edge knows of one of its ends.
pub(super) struct End {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) name: String,
}

/// Which nodes there are, and which ends of edges are none of them.
#[derive(Default)]
pub(super) struct Ends {
    /// Digests of the ids, of which a million are few megabytes.
    nodes: HashSet<u64>,
    hasher: RandomState,
    /// Ends without a node so far, by id.
    open: BTreeMap<String, End>,
}

impl Ends {
    /// A node was written.
    pub(super) fn node(&mut self, id: &str) {
        self.nodes.insert(self.hasher.hash_one(id));
        self.open.remove(id);
    }

    /// An edge was written.
    pub(super) fn end(&mut self, end: End) {
        if !self.nodes.contains(&self.hasher.hash_one(end.id.as_str())) {
            self.open.entry(end.id.clone()).or_insert(end);
        }
    }

    /// The ends that have no node.
    pub(super) fn missing(self) -> impl Iterator<Item = End> {
        self.open.into_values()
    }
}
