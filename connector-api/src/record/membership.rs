//! Memberships: which account is in which group.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Account, Group, PathStep};

/// One account in one group. Identity: the group and the account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Membership {
    /// The account's `username`.
    #[schemars(length(min = 1))]
    pub username: String,
    /// The account's `externalId`.
    #[schemars(length(min = 1))]
    pub account_external_id: String,
    /// The group's `name`.
    pub group_name: String,
    /// The group's `groupType`.
    #[schemars(length(min = 1))]
    pub group_type: String,
    /// The group's `externalId`.
    #[schemars(length(min = 1))]
    pub group_external_id: String,
    /// Whether the account is a member of the group itself, not only of a group inside it.
    pub direct: bool,
    /// For an indirect membership: the groups from the one that the account is in up to the one just below this, in
    /// that order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<PathStep>,
    /// When the membership expires, UTC. For a direct one that is its own expiry, even if another way into the group does
    /// not expire; for an indirect one the latest expiry of all ways, absent unless every way expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The target's id of the request by which it was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Membership {
    /// Creates a direct membership of an account in a group.
    pub fn new(account: &Account, group: &Group) -> Self {
        Self {
            username: account.username.clone(),
            account_external_id: account.external_id.clone(),
            group_name: group.name.clone(),
            group_type: group.group_type.clone(),
            group_external_id: group.external_id.clone(),
            direct: true,
            via: Vec::new(),
            expires_at: None,
            request_id: None,
        }
    }
}
