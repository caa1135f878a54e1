//! What a host knows of a connector before anything is configured.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::error::ConnectorError;
use crate::form::FormGroup;
use crate::graph_description::GraphDescription;
use crate::reason::{ReasonKind, Severity};
use crate::record::{Access, Record};
use crate::row_type::{Field, RowType};
use crate::section::Section;
use crate::section_description::{SectionDescription, sources};

/// Everything that a host shows or decides about a connector without a request to the target.
///
/// It is plain data, made without I/O; a host in another language can read it as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Descriptor {
    /// The identifier by which a system chooses the connector, such as `JumpCloud`. Unique in a registry.
    pub os_type: String,
    /// The display name.
    pub display_name: String,
    /// The connector's purpose, in one or two sentences.
    pub description: String,
    /// The connector's own version.
    pub version: String,
    /// The host's class of system, such as `Directory Service`.
    pub system_type: String,
    /// The default scan priority; lower is scanned first.
    pub default_scan_priority: i32,
    /// The port that a form suggests.
    pub default_port: u16,
    /// The host name that a form suggests, if there is a usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_hostname: Option<String>,
    /// The protocols by which the target is reached.
    pub protocols: Vec<Protocol>,
    /// The host editions that include the connector.
    pub editions: Vec<Edition>,
    /// What each credential field means for this target.
    pub credential: CredentialMapping,
    /// The permissions that the credential needs, one line each.
    pub required_permissions: Vec<String>,
    /// The sections of a scan, in the order of the summary: what each discovers, which rows it owns, and which fields
    /// it fills in on other sections' rows.
    pub sections: Vec<SectionDescription>,
    /// The fields that change by themselves, such as the last login. A change of only these is not a change of the row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volatile: Vec<Field>,
    /// The evidence that rows may carry as [`Reason`](crate::Reason)s, one row for each code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceRow>,
    /// The group and resource types that rows may have.
    pub emits: Vec<String>,
    /// The accesses that rows may carry, weakest first. Among words of one level, too, a later one allows more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accesses: Vec<Access>,
    /// The names of the rows as a graph of attack paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<GraphDescription>,
    /// The steps by which an operator sets the system up.
    pub configuration_steps: Vec<String>,
    /// The problems that an operator may see, each with its resolution.
    pub troubleshooting: Vec<TroubleshootingRow>,
    /// The JSON Schema (2020-12) of `system.attributes`, as [`settings_schema`](crate::settings_schema) makes it. An
    /// attribute that is not set is absent; `null` counts as not set.
    pub config_schema: Schema,
    /// The groups of the form, in order, each with its attributes in order. Attributes in no group come last, in the
    /// order of the schema: [`form_groups`](Self::form_groups) returns all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub form: Vec<FormGroup>,
    /// The attributes that only tune the requests: pace, attempts, time-outs, proxy. They do not change what is read,
    /// so an interrupted scan can resume when they change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tuning: Vec<String>,
}

impl Descriptor {
    /// Creates a descriptor with the required fields; the others are empty and are set one by one.
    pub fn new(os_type: impl Into<String>, display_name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            os_type: os_type.into(),
            display_name: display_name.into(),
            version: version.into(),
            default_port: 443,
            ..Self::default()
        }
    }

    /// Returns the description of a section.
    pub fn section(&self, section: Section) -> Option<&SectionDescription> {
        self.sections.iter().find(|described| described.section == section)
    }

    /// Returns the sections that a section is drawn from, directly and through others.
    pub fn sources(&self, section: Section) -> Vec<Section> {
        sources(&self.sections, section)
    }

    /// Returns whether a scan fails unless this section is complete.
    pub fn is_core(&self, section: Section) -> bool {
        self.section(section).is_some_and(|described| described.core)
    }

    /// Returns the section that owns a row, or `None` if no section owns rows of its type, which the conformance suite
    /// forbids.
    pub fn owner(&self, record: &Record) -> Option<Section> {
        let (kind, row_type) = (record.kind(), record.row_type());
        let is_of = |rows: &RowType| rows.record == kind && rows.row_type == row_type;
        let owns = |described: &&SectionDescription| described.owns.iter().any(is_of);
        self.sections.iter().find(owns).map(|described| described.section)
    }

    /// Refuses an edition that does not include the connector.
    ///
    /// # Errors
    /// Returns `edition_not_supported`; the remedy names the editions that include it.
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
#[non_exhaustive]
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

    /// Parses an edition's name in any case.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Community, Self::Pro, Self::Enterprise]
            .into_iter()
            .find(|edition| edition.to_string().eq_ignore_ascii_case(name))
            .ok_or_else(|| {
                ConnectorError::invalid_config(format!("unknown edition `{name}`"), "use community, pro or enterprise")
            })
    }
}

/// One protocol by which the target is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Protocol {
    /// The protocol's name, such as `REST API (HTTPS)`.
    pub name: String,
    /// The port.
    pub port: u16,
    /// Notes for the operator.
    pub notes: String,
}

impl Protocol {
    /// Creates a protocol with its port and notes for the operator.
    pub fn new(name: impl Into<String>, port: u16, notes: impl Into<String>) -> Self {
        Self { name: name.into(), port, notes: notes.into() }
    }
}

/// What each credential field means for this target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CredentialMapping {
    /// The meaning of `credential.username`; absent if it is ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<CredentialField>,
    /// The meaning of `credential.password`, which is always a secret.
    pub password: CredentialField,
}

impl CredentialMapping {
    /// Creates a mapping in which only the password has a meaning.
    pub fn new(password: CredentialField) -> Self {
        Self { username: None, password }
    }

    /// Sets the meaning of the user name.
    #[must_use]
    pub fn with_username(mut self, username: CredentialField) -> Self {
        self.username = Some(username);
        self
    }
}

/// The meaning of one credential field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CredentialField {
    /// What to enter, such as `JumpCloud API key`.
    pub meaning: String,
    /// Whether it is required.
    pub required: bool,
}

impl CredentialField {
    /// Creates a required field.
    pub fn required(meaning: impl Into<String>) -> Self {
        Self { meaning: meaning.into(), required: true }
    }

    /// Creates an optional field.
    pub fn optional(meaning: impl Into<String>) -> Self {
        Self { meaning: meaning.into(), required: false }
    }
}

/// One kind of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EvidenceRow {
    /// The code of the reasons.
    pub code: String,
    /// Whether it gives privilege or is a risk.
    pub kind: ReasonKind,
    /// The severities that such a reason may have, most severe first; `meaning` explains when each applies.
    pub severities: Vec<Severity>,
    /// When the evidence applies, and to which rows.
    pub meaning: String,
    /// What an auditor or administrator does about it, as in the reasons.
    pub remedy: String,
    /// The source of the evidence.
    pub source: String,
}

impl EvidenceRow {
    /// Creates a kind of evidence with its severities, most severe first.
    pub fn new(code: impl Into<String>, kind: ReasonKind, severities: impl Into<Vec<Severity>>) -> Self {
        Self {
            code: code.into(),
            kind,
            severities: severities.into(),
            meaning: String::new(),
            remedy: String::new(),
            source: String::new(),
        }
    }

    /// Sets the meaning, the remedy and the source.
    #[must_use]
    pub fn explained(
        mut self,
        meaning: impl Into<String>,
        remedy: impl Into<String>,
        source: impl Into<String>,
    ) -> Self {
        (self.meaning, self.remedy, self.source) = (meaning.into(), remedy.into(), source.into());
        self
    }
}

/// One row of the troubleshooting table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TroubleshootingRow {
    /// The error code that the host shows.
    pub code: crate::ErrorCode,
    /// The symptom that the operator sees.
    pub symptom: String,
    /// The likely cause.
    pub likely_cause: String,
    /// The resolution.
    pub resolution: String,
}

impl TroubleshootingRow {
    /// Creates a row of the troubleshooting table.
    pub fn new(
        code: crate::ErrorCode,
        symptom: impl Into<String>,
        likely_cause: impl Into<String>,
        resolution: impl Into<String>,
    ) -> Self {
        Self { code, symptom: symptom.into(), likely_cause: likely_cause.into(), resolution: resolution.into() }
    }
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
