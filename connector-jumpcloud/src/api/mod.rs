//! JumpCloud's resources: one file each, with its wire types, the endpoint they come from, and the calls.

pub(crate) mod access_requests;
pub(crate) mod administrators;
pub(crate) mod applications;
pub(crate) mod authn_policies;
pub(crate) mod compiled;
pub(crate) mod directories;
pub(crate) mod edge_lists;
pub(crate) mod events;
pub(crate) mod graph;
mod id;
pub(crate) mod kind;
pub(crate) mod lenient;
pub(crate) mod level;
pub(crate) mod local_accounts;
pub(crate) mod organizations;
pub(crate) mod password_policies;
pub(crate) mod roles;
pub(crate) mod secrets;
pub(crate) mod sent_attributes;
pub(crate) mod service_accounts;
pub(crate) mod systems;
pub(crate) mod user_groups;
pub(crate) mod users;

pub(crate) use id::{Id, IdOnly, own_id};
