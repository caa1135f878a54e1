#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! Data travels one way: `client` (transport, retry, pace, paging) → `api` (JumpCloud's resources) → `sections` (one
//! file each), scheduled by `scan` → the host's sink.

mod api;
mod client;
mod connector;
mod descriptor;
mod explain_refusal;
#[cfg(any(fuzzing, test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod graph;
mod graph_description;
mod options;
mod organization;
mod regions;
mod rights;
mod scan;
mod sections;
#[cfg(test)]
#[path = "../../test-harness/simulator/tests/skip/mod.rs"]
mod skip;
mod test_connection;
mod verification;

pub use connector::JumpCloud;
pub use descriptor::OS_TYPE;

use connector_api::Registration;

connector_api::inventory::submit! {
    Registration::of::<JumpCloud>()
}
