//! One file a section.

pub(crate) mod administrators;
pub(crate) mod grants;
pub(crate) mod groups;
pub(crate) mod last_login;
pub(crate) mod memberships;
pub(crate) mod users;
