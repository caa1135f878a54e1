//! `harness fleet` as its users run it: processes, a real PostgreSQL, and simulated consoles.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../../store/tests/store/cluster.rs"]
#[allow(dead_code, reason = "each test uses its part")]
mod cluster;
#[path = "../cli/support.rs"]
mod support;

mod commands;
mod fleet;
mod page;
mod rounds;
