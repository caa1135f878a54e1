//! Groups: sets of accounts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Raises;
use crate::Attributes;
use crate::reason::{Reason, Severity, severity_of_privileged};

/// A set of accounts that carries entitlements. Identity: `groupType` and `externalId`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Group {
    /// The target's own immutable id.
    #[schemars(length(min = 1))]
    pub external_id: String,
    /// A token for product and kind, such as `JUMPCLOUD_USER_GROUP`.
    #[schemars(length(min = 1))]
    pub group_type: String,
    /// The display name.
    pub name: String,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How accounts become members: the target's own word, such as `STATIC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership_method: Option<String>,
    /// The number of membership rows that this scan emitted for the group; absent if memberships were not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_count: Option<u64>,
    /// Whether there is evidence that members are privileged.
    #[serde(default)]
    pub privileged: bool,
    /// The evidence, most severe first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// The access that members have on every resource of some types that they reach through the group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raises: Option<Raises>,
    /// Everything else that the target reports of the group.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

impl Group {
    /// Creates a group from id, type and name; everything else is unknown.
    pub fn new(external_id: impl Into<String>, group_type: impl Into<String>, name: impl Into<String>) -> Self {
        let (external_id, group_type, name) = (external_id.into(), group_type.into(), name.into());
        Self { external_id, group_type, name, ..Self::default() }
    }

    /// Returns the highest severity of the evidence, or `None` if the group makes nobody privileged.
    pub fn severity(&self) -> Option<Severity> {
        severity_of_privileged(&self.reasons)
    }
}
