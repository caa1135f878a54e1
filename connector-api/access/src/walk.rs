//! The walk: from an account or a group to what it reaches, from a resource to who reaches it.

pub(crate) mod above;
pub(crate) mod chains;
pub(crate) mod edges;
pub(crate) mod from_subject;
pub(crate) mod to_resource;
pub(crate) mod ways;
