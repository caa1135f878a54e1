//! A scan: what is asked for, where the rows go, and how completely each section was read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::checkpoint::Checkpoint;
use crate::error::ConnectorError;
use crate::record::Record;

/// One part of a scan that is read, counted and judged by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Section {
    /// The directory's users. Core.
    Users,
    /// The groups. Core.
    Groups,
    /// Which account is in which group. Core.
    Memberships,
    /// The administrators of the target itself, and their roles.
    Administrators,
    /// Devices.
    Systems,
    /// Applications.
    Applications,
    /// Directories and network services that accounts are provisioned to.
    Directories,
    /// Who reaches which resource, and why.
    Grants,
    /// When and how accounts last signed in.
    LastLogin,
}

impl Section {
    /// Every section, in the order in which a summary lists them.
    pub const ALL: [Section; 9] = [
        Self::Users,
        Self::Groups,
        Self::Memberships,
        Self::Administrators,
        Self::Systems,
        Self::Applications,
        Self::Directories,
        Self::Grants,
        Self::LastLogin,
    ];

    /// Whether a scan without this section, whole, is a failed scan.
    pub const fn is_core(self) -> bool {
        matches!(self, Self::Users | Self::Groups | Self::Memberships)
    }

    /// The section's word, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Memberships => "memberships",
            Self::Administrators => "administrators",
            Self::Systems => "systems",
            Self::Applications => "applications",
            Self::Directories => "directories",
            Self::Grants => "grants",
            Self::LastLogin => "lastLogin",
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Section {
    type Err = ConnectorError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|section| section.as_str() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|section| section.as_str()).collect();
            ConnectorError::invalid_config(
                format!("there is no section `{name}`"),
                format!("use one of: {}", names.join(", ")),
            )
        })
    }
}

/// What the host asks of one scan.
#[derive(Debug, Clone, Default)]
pub struct ScanRequest {
    /// Ends the scan, within a second, when it is cancelled.
    pub cancel: CancellationToken,
    /// Sections that this scan leaves out, beside those that the configuration switches off. Core sections cannot
    /// be left out.
    pub without: BTreeSet<Section>,
    /// Whether the sink wants checkpoints; they cost memory and time only then.
    pub checkpoints: bool,
    /// Where an interrupted scan goes on.
    pub resume: Option<Checkpoint>,
}

impl ScanRequest {
    /// A full scan that can be cancelled through `cancel`.
    pub fn with_cancel(cancel: CancellationToken) -> Self {
        Self { cancel, ..Self::default() }
    }
}

/// Where a scan's rows go.
///
/// The connector awaits every call, so a slow sink slows the scan and memory stays bounded. Rows come in this
/// order: accounts, groups, memberships, resources, grants; and those of one kind in the same order each time the target
/// answers alike.
#[async_trait]
pub trait ScanSink: Send + Sync {
    /// Takes a batch of rows, some hundreds at most.
    ///
    /// # Errors
    /// Any error ends the scan; the code should be `sink`.
    async fn records(&self, batch: Vec<Record>) -> Result<(), ConnectorError>;

    /// Takes a checkpoint: once this returns, every row received so far must be kept safe together with it, and
    /// rows received later must be dropped before a scan resumes from it.
    ///
    /// # Errors
    /// Any error ends the scan; the code should be `sink`.
    async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<(), ConnectorError> {
        drop(checkpoint);
        Ok(())
    }

    /// Hears how far a section is. Must return at once.
    fn progress(&self, progress: Progress) {
        let _ = progress;
    }
}

/// How far one section is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Which section.
    pub section: Section,
    /// What stage it is in.
    pub stage: Stage,
    /// Items read so far: users, groups, memberships, events, ….
    pub done: u64,
    /// Items expected in all, as far as the target tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
    /// Requests made so far for this section.
    pub requests: u64,
}

/// The stage of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// It is being read from the target.
    Reading,
    /// Nothing more will be read.
    Done,
}

/// How one section ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "camelCase")]
pub enum SectionStatus {
    /// Everything that the target holds was read.
    Complete,
    /// Something is missing, or may be.
    Incomplete {
        /// Why.
        error: ConnectorError,
    },
    /// Switched off, by the configuration or the request.
    Skipped,
    /// The credential may not read it, or the target does not have it.
    Unavailable {
        /// Why, with the right that is needed.
        error: ConnectorError,
    },
}

impl SectionStatus {
    /// The status's word, as in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete { .. } => "incomplete",
            Self::Skipped => "skipped",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    /// The error of an incomplete or unavailable section.
    pub const fn error(&self) -> Option<&ConnectorError> {
        match self {
            Self::Complete | Self::Skipped => None,
            Self::Incomplete { error } | Self::Unavailable { error } => Some(error),
        }
    }
}

/// What one section read and what it cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SectionReport {
    /// Which section.
    pub section: Section,
    /// How it ended.
    #[serde(flatten)]
    pub status: SectionStatus,
    /// Rows emitted.
    pub records: u64,
    /// Requests planned from the counts alone, when there was a plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_requests: Option<u64>,
    /// Requests answered or failed, retries included.
    pub requests: u64,
    /// Requests that were made again.
    pub retries: u64,
    /// Time spent waiting to try again, in milliseconds, summed over all requests.
    pub wait_ms: u64,
    /// Bytes of bodies that were received as a whole, after decompression.
    pub bytes: u64,
    /// From the first request to the last row, in milliseconds.
    pub duration_ms: u64,
    /// Rows that came more than once and were dropped.
    pub duplicates: u64,
    /// References to things that are not in the scan, and were kept aside.
    pub dangling: u64,
    /// Some of those references, for an operator to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dangling_examples: Vec<DanglingReference>,
    /// What an operator should know besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl SectionReport {
    /// A report of a section that read nothing yet.
    pub fn new(section: Section, status: SectionStatus) -> Self {
        Self {
            section,
            status,
            records: 0,
            planned_requests: None,
            requests: 0,
            retries: 0,
            wait_ms: 0,
            bytes: 0,
            duration_ms: 0,
            duplicates: 0,
            dangling: 0,
            dangling_examples: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// A reference to something that is not in the scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DanglingReference {
    /// What refers to it, such as `group 5f…`.
    pub from: String,
    /// What is referred to, such as `user 5f…`.
    pub to: String,
}

/// How the scan as a whole ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Every section that was asked for is complete.
    Complete,
    /// The core sections are complete, an optional one is not.
    Incomplete,
    /// A core section is not complete, or the scan was ended: the rows must not replace an earlier snapshot.
    Failed,
}

/// What a scan read, section by section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScanSummary {
    /// The connector.
    pub os_type: String,
    /// The operator's name for the system.
    pub system: String,
    /// When the scan began, UTC.
    pub started_at: Timestamp,
    /// When it ended, UTC.
    pub finished_at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// The error of a failed scan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ConnectorError>,
    /// Every section, in the order of [`Section::ALL`] as far as the connector has it.
    pub sections: Vec<SectionReport>,
    /// Facts about the target: which endpoint served, the organisation's name, ….
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, Value>,
    /// What an operator should look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl ScanSummary {
    /// The report of one section.
    pub fn section(&self, section: Section) -> Option<&SectionReport> {
        self.sections.iter().find(|report| report.section == section)
    }

    /// Requests over all sections.
    pub fn requests(&self) -> u64 {
        self.sections.iter().map(|report| report.requests).sum()
    }

    /// Rows over all sections.
    pub fn records(&self) -> u64 {
        self.sections.iter().map(|report| report.records).sum()
    }

    /// The one rule by which sections make an outcome: a core section that is not complete, or not reported at all,
    /// fails the scan; an optional one that is incomplete or unavailable is shown.
    ///
    /// # Errors
    /// The error of the first core section that is not complete; `internal` for one that is skipped or missing.
    pub fn judge(sections: &[SectionReport]) -> Result<Outcome, ConnectorError> {
        let mut outcome = Outcome::Complete;
        for report in sections {
            match (&report.status, report.section.is_core()) {
                (SectionStatus::Complete, _) | (SectionStatus::Skipped, false) => {}
                (SectionStatus::Skipped, true) => {
                    return Err(ConnectorError::internal(format!("the core section {} was skipped", report.section)));
                }
                (SectionStatus::Incomplete { error } | SectionStatus::Unavailable { error }, true) => {
                    return Err(error.clone().context(report.section));
                }
                (SectionStatus::Incomplete { .. } | SectionStatus::Unavailable { .. }, false) => {
                    outcome = Outcome::Incomplete;
                }
            }
        }
        let reported = |section: &Section| sections.iter().any(|report| report.section == *section);
        match Section::ALL.iter().find(|section| section.is_core() && !reported(section)) {
            Some(section) => Err(ConnectorError::internal(format!("the core section {section} was not reported"))),
            None => Ok(outcome),
        }
    }
}

/// A failed scan: why, and how far it came. Rows already emitted must not be taken for the whole.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanFailure {
    /// Why the scan failed.
    pub error: ConnectorError,
    /// How far it came; its outcome is [`Outcome::Failed`].
    pub summary: Box<ScanSummary>,
}

impl fmt::Display for ScanFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for ScanFailure {}

/// The requests that a scan would make, from the counts alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScanPlan {
    /// Requests made to find the counts.
    pub probes: u64,
    /// One line for each section that would be read.
    pub sections: Vec<SectionPlan>,
}

impl ScanPlan {
    /// Requests over all sections.
    pub fn requests(&self) -> u64 {
        self.sections.iter().map(|section| section.requests).sum()
    }
}

/// The requests that one section would make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SectionPlan {
    /// Which section.
    pub section: Section,
    /// Requests, without retries.
    pub requests: u64,
    /// How that number comes about.
    pub because: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ErrorCode;

    fn report(section: Section, status: SectionStatus) -> SectionReport {
        SectionReport::new(section, status)
    }

    fn broken() -> ConnectorError {
        ConnectorError::new(ErrorCode::ServerError, "502", "try again")
    }

    #[test]
    fn a_core_section_that_is_not_complete_fails_the_scan() {
        for status in [SectionStatus::Incomplete { error: broken() }, SectionStatus::Unavailable { error: broken() }] {
            let sections = [report(Section::Users, SectionStatus::Complete), report(Section::Memberships, status)];
            assert_eq!(ScanSummary::judge(&sections).unwrap_err().message, "memberships: 502");
        }
    }

    #[test]
    fn a_core_section_that_nobody_speaks_of_fails_the_scan() {
        let core = Section::ALL.into_iter().filter(|section| section.is_core());
        let complete: Vec<_> = core.map(|section| report(section, SectionStatus::Complete)).collect();
        assert_eq!(ScanSummary::judge(&complete).unwrap(), Outcome::Complete);
        for missing in 0..complete.len() {
            let mut sections = complete.clone();
            let missing = sections.remove(missing).section;
            let error = ScanSummary::judge(&sections).unwrap_err();
            assert_eq!(error.message, format!("the core section {missing} was not reported"));
        }
    }

    #[test]
    fn an_optional_section_that_fails_shows_in_the_outcome() {
        let core = Section::ALL.into_iter().filter(|section| section.is_core());
        let mut sections: Vec<_> = core.map(|section| report(section, SectionStatus::Complete)).collect();
        sections.push(report(Section::Systems, SectionStatus::Skipped));
        assert_eq!(ScanSummary::judge(&sections).unwrap(), Outcome::Complete);
        sections.push(report(Section::LastLogin, SectionStatus::Unavailable { error: broken() }));
        assert_eq!(ScanSummary::judge(&sections).unwrap(), Outcome::Incomplete);
    }

    #[test]
    fn the_word_of_a_section_is_its_json() {
        for section in Section::ALL {
            assert_eq!(serde_json::to_value(section).unwrap(), section.as_str());
            assert_eq!(section.as_str().parse::<Section>().unwrap(), section);
        }
    }
}
