#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! [`Fleet`] is what a command or a page does: it adds systems, requests runs and shows their state. A [`Worker`] claims runs and
//! scans, with the [`Credentials`] that it knows. The tables decide, and every change in them is one transaction; a run can only
//! be published in a transaction that also finds its lease standing.

#[cfg(test)]
#[path = "../../store/tests/store/cluster.rs"]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    dead_code,
    reason = "it belongs to the tests of the store"
)]
mod cluster;
mod credentials;
mod database;
mod exclude;
mod fleet;
mod metrics;
mod provider;
mod remove;
mod retry;
mod runs;
mod schedule;
mod status;
mod system;
mod worker;

pub use credentials::Credentials;
pub use exclude::Excluded;
pub use fleet::{Added, Fleet, Which};
pub use provider::Listed;
pub use remove::Removed;
pub use schedule::Schedule;
pub use status::{Oldest, RunStatus, Status, SystemStatus, Waiting, WorkerState};
pub use system::NewSystem;
pub use worker::{Worker, WorkerOptions, forbid_core_dumps};
