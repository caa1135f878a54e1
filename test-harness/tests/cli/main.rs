//! The command line and the reference host from outside.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod answers;
mod archive;
mod bad_input;
mod conformance;
mod details;
mod duckdb;
mod evidence;
mod graph;
mod host;
mod kept;
mod keys;
#[cfg(unix)]
mod killed;
#[cfg(unix)]
mod locked;
mod maintenance;
mod odd_rows;
mod odd_text;
mod outputs;
mod places;
mod plan;
mod reports;
mod sanitized;
mod scan;
mod scanned;
#[cfg(unix)]
mod serve;
mod shells;
#[path = "../../simulator/tests/skip/mod.rs"]
mod skip;
mod summary;
mod support;
mod terminal;
mod toy;
