//! The simulator against the published specifications, its own truth, and what its options and faults say.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod access;
mod behaviour;
mod fault_text;
mod faults;
mod graph;
mod insights;
mod listings;
mod nonsense;
mod published_documents;
mod recording;
mod shapes;
#[path = "../skip/mod.rs"]
mod skip;
mod support;
