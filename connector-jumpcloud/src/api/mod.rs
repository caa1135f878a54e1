//! JumpCloud's resources: one file each, with its wire types, the endpoint they come from, and the calls.

pub(crate) mod administrators;
pub(crate) mod applications;
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
pub(crate) mod sent_attributes;
pub(crate) mod systems;
pub(crate) mod user_groups;
pub(crate) mod users;

pub(crate) use id::{Id, IdOnly, own_id};
