//! Resources: what accounts can reach.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Attributes;
use crate::reason::{Reason, Severity};

/// A thing that accounts can reach. Identity: `resourceType` and `externalId`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Resource {
    /// The target's own immutable id.
    #[schemars(length(min = 1))]
    pub external_id: String,
    /// The type: `system` for a device, `application`, `ldapServer`, ….
    #[schemars(length(min = 1))]
    pub resource_type: String,
    /// The display name.
    pub name: String,
    /// Whether it is only a set of other resources, such as a device group. Who is bound to it reaches what is inside;
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
    /// Whether it is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// When it last contacted the target, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_contact_at: Option<Timestamp>,
    /// When it was registered on the target, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Evidence of risk, most severe first. Of the kind [`ReasonKind::Risk`](crate::ReasonKind::Risk) only: a thing has no
    /// privileges, those who reach it have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// Everything else that the target reports of it.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

impl Resource {
    /// Creates a resource from id, type and name; everything else is unknown.
    pub fn new(external_id: impl Into<String>, resource_type: impl Into<String>, name: impl Into<String>) -> Self {
        let (external_id, resource_type, name) = (external_id.into(), resource_type.into(), name.into());
        Self { external_id, resource_type, name, ..Self::default() }
    }

    /// Returns the highest severity of the evidence, or `None` without any.
    pub fn severity(&self) -> Option<Severity> {
        self.reasons.iter().map(|reason| reason.severity).max()
    }
}
