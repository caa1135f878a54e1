//! The JumpCloud connector against the simulator and consoles made by hand: what it discovers is what is there.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod administrators;
mod answers;
mod bindings;
mod cases;
mod changed_modes;
mod conditional_access;
mod core;
mod device_groups;
mod effective_grants;
mod evidence;
mod evidence_of_accounts;
mod evidence_of_groups;
mod grants;
mod group_details;
mod last_login;
mod local_accounts;
mod look_back;
mod null_edges;
mod organization;
mod plan;
mod resources;
mod roles;
mod service_accounts;
mod several_targets;
mod standing_and_temporary;
mod support;
mod temporary_access;
mod tenants;
mod test_connection;
mod users_left_out;
mod verification;
mod walks;
mod ways;
mod whose_login;
