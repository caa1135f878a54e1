//! The walk from an account or group to what it reaches, and from a resource to who reaches it.

pub(crate) mod above;
pub(crate) mod chains;
pub(crate) mod edges;
pub(crate) mod expiry;
pub(crate) mod from_subject;
pub(crate) mod to_resource;
pub(crate) mod ways;
