//! What a connector says of itself before anything is configured.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::error::ConnectorError;
use crate::form::FormGroup;
use crate::reason::{ReasonKind, Severity};
use crate::record::{Access, Record};
use crate::row_type::{Field, RowType};
use crate::section::Section;
use crate::section_description::{SectionDescription, sources};

/// Everything that a host shows or decides about a connector without talking to a target.
///
/// It is data, made without I/O; a host in another language can take it as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
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
    /// The sections of a scan, in the order in which a summary lists them: what each discovers, which rows it owns, and
    /// which fields it fills in in rows of others.
    pub sections: Vec<SectionDescription>,
    /// Fields that change by themselves, such as the last login: a change of one is no change of the row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volatile: Vec<Field>,
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
    /// JSON Schema 2020-12 of `system.attributes`, as [`settings_schema`](crate::settings_schema) makes it. An attribute
    /// that is not set is absent; `null` counts as not set.
    pub config_schema: Schema,
    /// How a form shows the attributes: its groups in their order, each with its attributes in their order. Attributes that
    /// stand in no group come last, in the order of the schema: [`form_groups`](Self::form_groups) has them all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub form: Vec<FormGroup>,
    /// The attributes that only tune how the target is asked: pace, attempts, time-outs, the way through the network.
    /// They do not decide what is read, so an interrupted scan goes on when they change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tuning: Vec<String>,
}

impl Descriptor {
    /// A descriptor with what no connector can do without; the rest is empty and is set field by field.
    pub fn new(os_type: impl Into<String>, display_name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            os_type: os_type.into(),
            display_name: display_name.into(),
            version: version.into(),
            default_port: 443,
            ..Self::default()
        }
    }

    /// The description of one section.
    pub fn section(&self, section: Section) -> Option<&SectionDescription> {
        self.sections.iter().find(|described| described.section == section)
    }

    /// The sections that one is drawn from, directly and through others.
    pub fn sources(&self, section: Section) -> Vec<Section> {
        sources(&self.sections, section)
    }

    /// Whether a scan without this section, whole, is a failed scan.
    pub fn is_core(&self, section: Section) -> bool {
        self.section(section).is_some_and(|described| described.core)
    }

    /// The section that a row comes from. `None` for a row of a type that no section owns, which conformance forbids.
    pub fn owner(&self, record: &Record) -> Option<Section> {
        let (kind, row_type) = (record.kind(), record.row_type());
        let is_of = |rows: &RowType| rows.record == kind && rows.row_type == row_type;
        let owns = |described: &&SectionDescription| described.owns.iter().any(is_of);
        self.sections.iter().find(owns).map(|described| described.section)
    }

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
#[non_exhaustive]
pub struct Protocol {
    /// The protocol's name, such as `REST API (HTTPS)`.
    pub name: String,
    /// The port.
    pub port: u16,
    /// What an operator should know of it.
    pub notes: String,
}

impl Protocol {
    /// A protocol on a port, and what an operator should know of it.
    pub fn new(name: impl Into<String>, port: u16, notes: impl Into<String>) -> Self {
        Self { name: name.into(), port, notes: notes.into() }
    }
}

/// What each credential field means for this target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CredentialMapping {
    /// `credential.username`; absent when it is ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<CredentialField>,
    /// `credential.password`, always a secret.
    pub password: CredentialField,
}

impl CredentialMapping {
    /// The meaning of the password; the user name is ignored.
    pub fn new(password: CredentialField) -> Self {
        Self { username: None, password }
    }

    /// The same mapping, with the meaning of the user name.
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
    /// Whether it must be given.
    pub required: bool,
}

impl CredentialField {
    /// A field that must be filled in.
    pub fn required(meaning: impl Into<String>) -> Self {
        Self { meaning: meaning.into(), required: true }
    }

    /// A field that may be left empty.
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
    /// The severities that such a reason may have, gravest first; `meaning` says when it has which.
    pub severities: Vec<Severity>,
    /// When it is so, and of whom.
    pub meaning: String,
    /// What an auditor or administrator does about it, as in the reasons.
    pub remedy: String,
    /// Where it comes from.
    pub source: String,
}

impl EvidenceRow {
    /// A kind of evidence, with the severities that it may have, gravest first.
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

    /// The same evidence: when it is so, what to do about it, and where it comes from.
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
    /// The code that the host shows.
    pub code: crate::ErrorCode,
    /// What the operator sees.
    pub symptom: String,
    /// What is usually behind it.
    pub likely_cause: String,
    /// What to do.
    pub resolution: String,
}

impl TroubleshootingRow {
    /// What an operator sees, what is usually behind it, and what to do.
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
