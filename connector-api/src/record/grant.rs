//! Grants: who reaches what, and why.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Access, AccessLevel, NodeKind};

/// One principal's effective access to one resource. Identity: principal and resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Grant {
    /// The account or group that has the access.
    pub principal: Principal,
    /// The resource that is reached.
    pub resource: ResourceRef,
    /// The strongest access of all paths.
    pub access: Access,
    /// Whether one of the paths is an edge from the principal to the resource itself.
    pub direct: bool,
    /// The paths that give access, shortest first, including one of the strongest: the *why* of the grant. The number
    /// of paths may be capped; `more_paths` counts the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<AccessPath>,
    /// A lower bound of the number of paths that `via` does not show.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_paths: u64,
    /// When the whole access expires, UTC: the latest expiry of all paths, including those that `via` does not show.
    /// Absent unless every path expires. The strongest access may end earlier than the whole: see the paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Grant {
    /// Creates a grant without paths, not direct.
    pub fn new(principal: Principal, resource: ResourceRef, access: Access) -> Self {
        Self { principal, resource, access, direct: false, via: Vec::new(), more_paths: 0, expires_at: None }
    }

    /// Returns whether an account holds the grant and the access is more than use, or temporary. Such a grant belongs
    /// to [`Section::PRIVILEGED_GRANTS`](crate::Section::PRIVILEGED_GRANTS), any other to
    /// [`Section::OTHER_GRANTS`](crate::Section::OTHER_GRANTS).
    pub fn is_privileged(&self) -> bool {
        let is_account = matches!(self.principal, Principal::Account { .. });
        is_account && (self.access.level > AccessLevel::Use || self.is_temporary())
    }

    /// Returns whether the access expires: the whole of it or, if it is more than use, all of it that is more than use.
    pub fn is_temporary(&self) -> bool {
        let is_more = |level: AccessLevel| level > AccessLevel::Use;
        let counts = |path: &&AccessPath| !is_more(self.access.level) || is_more(path.access.level);
        let mut paths = self.via.iter().filter(counts).peekable();
        let mut every_path_ends = || paths.peek().is_some() && paths.all(|path| path.expires_at.is_some());
        self.expires_at.is_some() || (self.more_paths == 0 && every_path_ends())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The account or group that has a grant.
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
    /// Creates a principal from an account's id and name.
    pub fn account(external_id: impl Into<String>, username: impl Into<String>) -> Self {
        Self::Account { external_id: external_id.into(), username: username.into() }
    }

    /// Creates a principal from a group's id, type and name.
    pub fn group(external_id: impl Into<String>, group_type: impl Into<String>, group_name: impl Into<String>) -> Self {
        Self::Group { external_id: external_id.into(), group_type: group_type.into(), group_name: group_name.into() }
    }

    /// Returns its `externalId`.
    pub fn external_id(&self) -> &str {
        match self {
            Self::Account { external_id, .. } | Self::Group { external_id, .. } => external_id,
        }
    }

    /// Returns the kind of its row.
    pub const fn kind(&self) -> NodeKind {
        match self {
            Self::Account { .. } => NodeKind::Account,
            Self::Group { .. } => NodeKind::Group,
        }
    }

    /// Returns an account's `username` or a group's `name`.
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
    /// Creates a reference from id, type and name.
    pub fn new(external_id: impl Into<String>, resource_type: impl Into<String>, name: impl Into<String>) -> Self {
        Self { external_id: external_id.into(), resource_type: resource_type.into(), name: name.into() }
    }
}

/// One path from a principal to a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccessPath {
    /// The access that the path gives.
    pub access: Access,
    /// The steps between principal and resource, in that order; empty for a direct edge. A group is there twice if it gives
    /// more the second time, which happens where groups are members of each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<PathStep>,
    /// What raised the access above that of the edges, such as `accountSudo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raised_by: Option<String>,
    /// When the path expires, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl AccessPath {
    /// Creates a path with its access and steps; no steps for a direct edge.
    pub fn new(access: Access, steps: Vec<PathStep>) -> Self {
        Self { access, steps, raised_by: None, expires_at: None }
    }
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PathStep {
    /// The `groupType` of a group, or the `resourceType` of a resource.
    #[schemars(length(min = 1))]
    pub group_type: String,
    /// Its `externalId`.
    #[schemars(length(min = 1))]
    pub external_id: String,
    /// Its name.
    pub name: String,
}

impl PathStep {
    /// Creates a step from type, id and name.
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

    #[test]
    fn administration_that_ends_is_temporary_although_the_use_of_the_same_does_not_end() {
        let path = |level, ends: bool| {
            let mut path = AccessPath::new(Access::of_word(level, "word"), Vec::new());
            path.expires_at = ends.then_some(Timestamp::UNIX_EPOCH);
            path
        };
        let (login, sudo) = (AccessLevel::Use, AccessLevel::Administer);
        for (paths, more_paths, expected) in [
            (vec![path(login, false), path(sudo, true)], 0, true),
            (vec![path(login, false), path(sudo, true)], 1, false),
            (vec![path(login, true), path(sudo, false)], 0, false),
            (vec![path(sudo, true), path(sudo, false)], 0, false),
            (vec![path(sudo, true), path(sudo, true)], 0, true),
            (vec![], 0, false),
        ] {
            let resource = ResourceRef::new("r", "system", "box");
            let mut grant = Grant::new(Principal::account("1", "ada"), resource, Access::of_word(sudo, "sudo"));
            (grant.via, grant.more_paths) = (paths, more_paths);
            assert_eq!(grant.is_temporary(), expected, "{grant:?}");
        }
    }
}
