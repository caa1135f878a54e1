//! Resources: what can be reached.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Attributes;

/// A thing that accounts can reach. Identity: `resourceType` and `externalId`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Resource {
    /// The target's own immutable id.
    #[schemars(length(min = 1))]
    pub external_id: String,
    /// What it is: `system` for a device, `application`, `ldapServer`, ….
    #[schemars(length(min = 1))]
    pub resource_type: String,
    /// The name to show.
    pub name: String,
    /// Whether it is but a set of other resources, such as a device group: who is bound to it reaches what is inside, and
    /// there is nothing else to reach.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub container: bool,
    /// The operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// The operating system's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// The serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// Whether it is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// When the target last heard of it, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_contact_at: Option<Timestamp>,
    /// When it was made known to the target, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Everything else the target says of it.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

impl Resource {
    /// A resource by id, type and name, of which nothing else is known.
    pub fn new(external_id: impl Into<String>, resource_type: impl Into<String>, name: impl Into<String>) -> Self {
        let (external_id, resource_type, name) = (external_id.into(), resource_type.into(), name.into());
        Self { external_id, resource_type, name, ..Self::default() }
    }
}
