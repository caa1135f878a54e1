//! The JumpCloud connector against the simulator and consoles made by hand: what it discovers is what is there.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod administrators;
mod cases;
mod core;
mod evidence;
mod grants;
mod last_login;
mod look_back;
mod support;
mod tenants;
mod test_connection;
mod ways;
mod whose_login;
