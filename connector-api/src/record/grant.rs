//! Grants: who reaches what, and why.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Access, AccessLevel, NodeKind};

/// One principal's access to one resource. Identity: principal and resource; `access` is the strongest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Grant {
    /// Who has the access.
    pub principal: Principal,
    /// What is reached.
    pub resource: ResourceRef,
    /// The strongest over all paths.
    pub access: Access,
    /// Whether one of the paths is an edge from the principal to the resource itself.
    pub direct: bool,
    /// The paths that give access, shortest first, one of the strongest among them: the *why* of the grant. All of
    /// them, or as many as are shown at most; `more_paths` counts the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<AccessPath>,
    /// How many more paths there are, at least, than `via` shows.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_paths: u64,
    /// When all of the access ends by itself, UTC: the latest end of all paths, those that `via` does not show included, where
    /// each has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Grant {
    /// A grant by its paths, none of them direct yet.
    pub fn new(principal: Principal, resource: ResourceRef, access: Access) -> Self {
        Self { principal, resource, access, direct: false, via: Vec::new(), more_paths: 0, expires_at: None }
    }

    /// Whether an account has it and it is more than use, or temporary: then it belongs to
    /// [`Section::PRIVILEGED_GRANTS`](crate::Section::PRIVILEGED_GRANTS), else to
    /// [`Section::OTHER_GRANTS`](crate::Section::OTHER_GRANTS).
    pub fn is_privileged(&self) -> bool {
        let is_account = matches!(self.principal, Principal::Account { .. });
        is_account && (self.access.level > AccessLevel::Use || self.is_temporary())
    }

    /// Whether all of the access ends by itself: it says so, or every one of its paths does.
    pub fn is_temporary(&self) -> bool {
        let every_path_ends = || !self.via.is_empty() && self.via.iter().all(|path| path.expires_at.is_some());
        self.expires_at.is_some() || (self.more_paths == 0 && every_path_ends())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The account or group that holds a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Principal {
    /// An account.
    Account {
        /// The account's `externalId`.
        #[schemars(length(min = 1))]
        external_id: String,
        /// The account's `username`.
        username: String,
    },
    /// A group: each of its members has the access.
    Group {
        /// The group's `externalId`.
        #[schemars(length(min = 1))]
        external_id: String,
        /// The group's `groupType`.
        #[schemars(length(min = 1))]
        group_type: String,
        /// The group's `name`.
        group_name: String,
    },
}

impl Principal {
    /// An account, by id and name.
    pub fn account(external_id: impl Into<String>, username: impl Into<String>) -> Self {
        Self::Account { external_id: external_id.into(), username: username.into() }
    }

    /// A group, by id, type and name.
    pub fn group(external_id: impl Into<String>, group_type: impl Into<String>, group_name: impl Into<String>) -> Self {
        Self::Group { external_id: external_id.into(), group_type: group_type.into(), group_name: group_name.into() }
    }

    /// Its `externalId`.
    pub fn external_id(&self) -> &str {
        match self {
            Self::Account { external_id, .. } | Self::Group { external_id, .. } => external_id,
        }
    }

    /// The kind of its row.
    pub const fn kind(&self) -> NodeKind {
        match self {
            Self::Account { .. } => NodeKind::Account,
            Self::Group { .. } => NodeKind::Group,
        }
    }

    /// An account's `username`, or a group's `name`.
    pub fn name(&self) -> &str {
        match self {
            Self::Account { username, .. } => username,
            Self::Group { group_name, .. } => group_name,
        }
    }
}

/// The resource of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResourceRef {
    /// The resource's `externalId`.
    #[schemars(length(min = 1))]
    pub external_id: String,
    /// The resource's `resourceType`.
    #[schemars(length(min = 1))]
    pub resource_type: String,
    /// The resource's `name`.
    pub name: String,
}

impl ResourceRef {
    /// A resource by id, type and name.
    pub fn new(external_id: impl Into<String>, resource_type: impl Into<String>, name: impl Into<String>) -> Self {
        Self { external_id: external_id.into(), resource_type: resource_type.into(), name: name.into() }
    }
}

/// One way from a principal to a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccessPath {
    /// What this path gives.
    pub access: Access,
    /// What lies between principal and resource, in that order; empty for a direct edge.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<PathStep>,
    /// What raised the access above what the edges give, such as `accountSudo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raised_by: Option<String>,
    /// When it ends by itself, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl AccessPath {
    /// A path that gives an access over steps; none for a direct edge.
    pub fn new(access: Access, steps: Vec<PathStep>) -> Self {
        Self { access, steps, raised_by: None, expires_at: None }
    }
}

/// One thing on a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PathStep {
    /// The `groupType` of the group passed, or the `resourceType` of what has its row among the resources.
    #[schemars(length(min = 1))]
    pub group_type: String,
    /// Its `externalId`.
    #[schemars(length(min = 1))]
    pub external_id: String,
    /// Its name.
    pub name: String,
}

impl PathStep {
    /// A step by type, id and name.
    pub fn new(group_type: impl Into<String>, external_id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { group_type: group_type.into(), external_id: external_id.into(), name: name.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AccessLevel;

    #[test]
    fn more_than_use_or_an_end_makes_an_accounts_grant_privileged() {
        let grant = |principal, level| {
            Grant::new(principal, ResourceRef::new("r", "system", "box"), Access::of_word(level, "login"))
        };
        let (ada, staff) = (|| Principal::account("1", "ada"), || Principal::group("g", "GROUP", "Staff"));
        let mut ending = grant(ada(), AccessLevel::Use);
        assert!(!ending.is_privileged() && grant(ada(), AccessLevel::Write).is_privileged());
        ending.expires_at = Some(Timestamp::UNIX_EPOCH);
        assert!(ending.is_privileged());
        assert!(!grant(staff(), AccessLevel::Administer).is_privileged(), "a group is nobody");
    }
}
