//! Discovers what a JumpCloud organisation holds about access: users, groups, memberships, administrators, devices,
//! applications, directories, who reaches what and why, and last logins.
//!
//! A host compiles it in, keeps it linked with one line, `use connector_jumpcloud as _;`, and finds it as the OS Type
//! `JumpCloud` in [`connector_api::Registry`]. It only reads, over HTTPS, and never follows a redirect.
//!
//! Data travels one way: `client` (transport, retry, pace, paging) → `api` (JumpCloud's resources) → `sections` (one
//! file each), scheduled by `scan` → the host's sink.
//!
//! # Features
//!
//! `fuzzing`: the functions by which fuzzing enters, for benchmarks. Not part of the API.

mod api;
mod client;
mod connector;
mod descriptor;
mod explain_refusal;
#[cfg(any(fuzzing, test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod graph;
mod options;
mod organization;
mod regions;
mod rights;
mod scan;
mod sections;
mod test_connection;

pub use connector::JumpCloud;
pub use descriptor::OS_TYPE;

use connector_api::Registration;

connector_api::inventory::submit! {
    Registration::of::<JumpCloud>()
}
