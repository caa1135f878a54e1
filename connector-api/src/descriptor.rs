//! What a connector says of itself before anything is configured.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::error::ConnectorError;
use crate::reason::{ReasonKind, Severity};
use crate::record::Access;
use crate::scan::Section;

/// Everything that a host shows or decides about a connector without talking to a target.
///
/// It is data, made without I/O; a host in another language can take it as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The identifier by which a system chooses the connector, such as `JumpCloud`. Unique in a registry.
    pub os_type: String,
    /// The name to show.
    pub display_name: String,
    /// What the connector is for, in one or two sentences.
    pub description: String,
    /// The connector's own version.
    pub version: String,
    /// The host's class of system, such as `Directory Service`.
    pub system_type: String,
    /// Lower is scanned first.
    pub default_scan_priority: i32,
    /// The port that a form fills in.
    pub default_port: u16,
    /// The host name that a form fills in, when there is a usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_hostname: Option<String>,
    /// How the target is spoken to.
    pub protocols: Vec<Protocol>,
    /// The host editions that include the connector.
    pub editions: Vec<Edition>,
    /// What each credential field means for this target.
    pub credential: CredentialMapping,
    /// What the credential must be allowed to do, one line each.
    pub required_permissions: Vec<String>,
    /// What is discovered, and from where.
    pub discovers: Vec<Discovery>,
    /// The evidence that rows may carry as [`Reason`](crate::Reason)s, one line for each code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceRow>,
    /// The group and resource types that rows may carry.
    pub emits: Vec<String>,
    /// The accesses that rows may carry, weakest first: of two words of one level, too, the later allows more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accesses: Vec<Access>,
    /// What an operator does step by step to set it up.
    pub configuration_steps: Vec<String>,
    /// What an operator may meet, and what to do then.
    pub troubleshooting: Vec<TroubleshootingRow>,
    /// JSON Schema 2020-12 of `system.attributes`.
    pub config_schema: Schema,
    /// The attributes that only tune how the target is asked: pace, attempts, time-outs, the way through the network.
    /// They do not decide what is read, so an interrupted scan goes on when they change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tuning: Vec<String>,
}

impl Descriptor {
    /// Refuses an edition that does not include the connector.
    ///
    /// # Errors
    /// `edition_not_supported`, naming the editions that do.
    pub fn check_edition(&self, edition: Edition) -> Result<(), ConnectorError> {
        if self.editions.contains(&edition) {
            return Ok(());
        }
        let editions: Vec<_> = self.editions.iter().map(Edition::to_string).collect();
        Err(ConnectorError::new(
            crate::ErrorCode::EditionNotSupported,
            format!("{} is not part of the {edition} edition", self.display_name),
            format!("use one of: {}", editions.join(", ")),
        ))
    }
}

/// An edition of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Edition {
    /// The free edition.
    Community,
    /// The edition for one team.
    Pro,
    /// The edition for large organisations.
    Enterprise,
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Community => "Community",
            Self::Pro => "Pro",
            Self::Enterprise => "Enterprise",
        })
    }
}

impl FromStr for Edition {
    type Err = ConnectorError;

    /// Reads an edition's name in any case.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Community, Self::Pro, Self::Enterprise]
            .into_iter()
            .find(|edition| edition.to_string().eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                ConnectorError::invalid_config(
                    format!("there is no edition `{name}`"),
                    "use community, pro or enterprise",
                )
            })
    }
}

/// One way to reach the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Protocol {
    /// The protocol's name, such as `REST API (HTTPS)`.
    pub name: String,
    /// The port.
    pub port: u16,
    /// What an operator should know of it.
    pub notes: String,
}

/// What each credential field means for this target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialMapping {
    /// `credential.username`; absent when it is ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<CredentialField>,
    /// `credential.password`, always a secret.
    pub password: CredentialField,
}

/// The meaning of one credential field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialField {
    /// What to enter, such as `JumpCloud API key`.
    pub meaning: String,
    /// Whether it must be given.
    pub required: bool,
}

/// One line of "what is discovered".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Discovery {
    /// The section of the scan that it belongs to.
    pub section: Section,
    /// What is discovered.
    pub data: String,
    /// Where it comes from.
    pub source: String,
    /// What it costs, in requests.
    pub cost: String,
}

/// One kind of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceRow {
    /// The code of the reasons.
    pub code: String,
    /// Whether it gives privilege or is a risk.
    pub kind: ReasonKind,
    /// The severities that such a reason may have, gravest first; `meaning` says when it has which.
    pub severities: Vec<Severity>,
    /// When it is so, and of whom.
    pub meaning: String,
    /// What an auditor or administrator does about it, as in the reasons.
    pub remedy: String,
    /// Where it comes from.
    pub source: String,
}

/// One row of the troubleshooting table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TroubleshootingRow {
    /// The code that the host shows.
    pub code: crate::ErrorCode,
    /// What the operator sees.
    pub symptom: String,
    /// What is usually behind it.
    pub likely_cause: String,
    /// What to do.
    pub resolution: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_edition_is_read_in_any_case() {
        assert_eq!("enterprise".parse::<Edition>().unwrap(), Edition::Enterprise);
        assert!("free".parse::<Edition>().unwrap_err().remedy.contains("community"));
    }
}
