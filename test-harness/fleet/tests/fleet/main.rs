//! The rules of a fleet, with workers in this process, a connector that a test steers, and a real PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../../../store/tests/store/cluster.rs"]
#[allow(dead_code, reason = "the tests of the store end servers as well")]
mod cluster;

mod cost;
mod leases;
mod metrics;
mod providers;
mod remove;
mod rules;
mod schedules;
mod standing;
mod support;
mod toy;
