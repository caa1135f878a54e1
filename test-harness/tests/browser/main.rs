//! The page as people use it: in Chromium, on the server that they use.
//!
//! Each test has a browser context of its own. What only reads shares a server with the demo's data; what acts has a server of
//! its own. A test fails on any error in the browser's console, dialog, or request to another host, whatever it is about.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod access;
mod chromium;
#[path = "../../store/tests/store/cluster.rs"]
#[allow(dead_code, reason = "the tests of the store end servers as well")]
mod cluster;
mod fleet;
mod inputs;
mod names;
#[path = "../../console/tests/console/organisation.rs"]
mod organisation;
mod pages;
mod scans;
mod served;
mod sign_in;
#[path = "../../simulator/tests/skip/mod.rs"]
mod skip;
mod systems;
mod tab;
mod tour;
mod watch;
#[path = "../../console/tests/console/whole.rs"]
#[allow(dead_code, reason = "the tests without a browser use the rest")]
mod whole;
