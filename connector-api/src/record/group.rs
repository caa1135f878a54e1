//! Groups: sets of accounts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Raises;
use crate::Attributes;
use crate::reason::{Reason, Severity, gravest_of_privileged};

/// A set of accounts that carries entitlements. Identity: `groupType` and `externalId`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Group {
    /// The target's own immutable id.
    #[schemars(length(min = 1))]
    pub external_id: String,
    /// A token that names product and kind, such as `JUMPCLOUD_USER_GROUP`.
    #[schemars(length(min = 1))]
    pub group_type: String,
    /// The name to show.
    pub name: String,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How accounts get in: the target's own word, such as `STATIC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership_method: Option<String>,
    /// How many membership rows this scan emitted for the group; absent when memberships were not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_count: Option<u64>,
    /// Whether there is evidence that members are privileged.
    #[serde(default)]
    pub privileged: bool,
    /// That evidence, gravest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// What its members have by it on every resource of some types that they reach through it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raises: Option<Raises>,
    /// Everything else the target says of the group.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

impl Group {
    /// A group by id, type and name, of which nothing else is known.
    pub fn new(external_id: impl Into<String>, group_type: impl Into<String>, name: impl Into<String>) -> Self {
        let (external_id, group_type, name) = (external_id.into(), group_type.into(), name.into());
        Self { external_id, group_type, name, ..Self::default() }
    }

    /// The gravest severity of the evidence; `None` for one whose members are not privileged by it.
    pub fn severity(&self) -> Option<Severity> {
        gravest_of_privileged(&self.reasons)
    }
}
