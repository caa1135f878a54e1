//! A scan: what is asked for, where the rows go, and how completely each section was read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::checkpoint::Checkpoint;
use crate::descriptor::Descriptor;
use crate::error::ConnectorError;
use crate::record::Record;
use crate::section::{Section, SectionDescription};

/// What the host asks of one scan.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ScanRequest {
    /// Ends the scan, within a second, when it is cancelled.
    pub cancel: CancellationToken,
    /// Sections that this scan leaves out, beside those that the configuration switches off. Core sections cannot
    /// be left out.
    pub without: BTreeSet<Section>,
    /// Reserved: the [`ScanSummary::watermark`] of an earlier scan, to get only what changed since. No connector reads
    /// it yet, and one that does not is free to send everything.
    pub since: Option<Value>,
    /// Whether the sink wants checkpoints; they cost memory and time only then.
    pub checkpoints: bool,
    /// Where an interrupted scan goes on.
    pub resume: Option<Checkpoint>,
}

impl ScanRequest {
    /// Refuses a request to leave out a section that the connector does not have, or a core section.
    ///
    /// # Errors
    /// `invalid_config`, naming the sections that can be left out.
    pub fn verify(&self, descriptor: &Descriptor) -> Result<(), ConnectorError> {
        let optional = || descriptor.sections.iter().filter(|described| !described.core);
        let refused = self.without.iter().find(|section| !optional().any(|described| described.section == **section));
        let Some(section) = refused else { return Ok(()) };
        let names: Vec<&str> = optional().map(|described| described.section.as_str()).collect();
        let message = match descriptor.section(*section) {
            Some(_) => format!("{section} is a core section and cannot be left out"),
            // Not repeated: it may be a secret in the wrong place.
            None => "the connector has no section of that name".to_owned(),
        };
        Err(ConnectorError::invalid_config(message, format!("these can be left out: {}", names.join(", "))))
    }

    /// A full scan that can be cancelled through `cancel`.
    pub fn with_cancel(cancel: CancellationToken) -> Self {
        Self { cancel, ..Self::default() }
    }

    /// The same request without these sections.
    #[must_use]
    pub fn leaving_out(mut self, sections: impl IntoIterator<Item = Section>) -> Self {
        self.without.extend(sections);
        self
    }

    /// The same request, with checkpoints for the sink.
    #[must_use]
    pub fn with_checkpoints(mut self) -> Self {
        self.checkpoints = true;
        self
    }

    /// The same request, which goes on from a checkpoint.
    #[must_use]
    pub fn resuming(mut self, checkpoint: Checkpoint) -> Self {
        self.resume = Some(checkpoint);
        self
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

    /// Reserved for scans since a watermark: takes the keys of rows ([`Record::key`]) that are gone.
    ///
    /// # Errors
    /// Unless a sink implements it, `internal`: a row that is gone must never be lost in silence.
    async fn gone(&self, keys: Vec<String>) -> Result<(), ConnectorError> {
        Err(ConnectorError::internal(format!("this host takes no news of rows that are gone, and got {}", keys.len())))
    }

    /// Hears how far a section is. Must return at once.
    fn progress(&self, progress: Progress) {
        let _ = progress;
    }
}

/// How far one section is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
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

impl Progress {
    /// A section that is being read, and has read `done` items.
    pub fn reading(section: Section, done: u64) -> Self {
        Self { section, stage: Stage::Reading, done, expected: None, requests: 0 }
    }

    /// A section of which nothing more will be read.
    pub fn done(section: Section, done: u64) -> Self {
        Self { stage: Stage::Done, ..Self::reading(section, done) }
    }

    /// The same progress, with the items that are expected in all.
    #[must_use]
    pub fn of(mut self, expected: Option<u64>) -> Self {
        self.expected = expected;
        self
    }

    /// The same progress, with the requests made so far.
    #[must_use]
    pub fn with_requests(mut self, requests: u64) -> Self {
        self.requests = requests;
        self
    }
}

/// The stage of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Stage {
    /// It is being read from the target.
    Reading,
    /// Nothing more will be read.
    Done,
}

/// How one section ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "camelCase")]
#[non_exhaustive]
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
    /// A status of a later version of the contract: it counts as not complete.
    #[serde(other)]
    Unknown,
}

impl SectionStatus {
    /// The status's word, as in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete { .. } => "incomplete",
            Self::Skipped => "skipped",
            Self::Unavailable { .. } => "unavailable",
            Self::Unknown => "unknown",
        }
    }

    /// The error of an incomplete or unavailable section.
    pub const fn error(&self) -> Option<&ConnectorError> {
        match self {
            Self::Complete | Self::Skipped | Self::Unknown => None,
            Self::Incomplete { error } | Self::Unavailable { error } => Some(error),
        }
    }
}

/// What one section read and what it cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
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

impl SectionReport {
    /// The same report with the rows that were emitted.
    #[must_use]
    pub fn with_records(mut self, records: u64) -> Self {
        self.records = records;
        self
    }

    /// The same report with the requests that were made.
    #[must_use]
    pub fn with_requests(mut self, requests: u64) -> Self {
        self.requests = requests;
        self
    }
}

/// A reference to something that is not in the scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DanglingReference {
    /// What refers to it, such as `group 5f…`.
    pub from: String,
    /// What is referred to, such as `user 5f…`.
    pub to: String,
}

impl DanglingReference {
    /// What refers, and to what.
    pub fn new(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self { from: from.into(), to: to.into() }
    }
}

/// How the scan as a whole ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
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
#[non_exhaustive]
pub struct ScanSummary {
    /// The version of the form of rows and summary: a host refuses one that is greater than it knows.
    pub schema_version: u32,
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
    /// Every section, in the order of the descriptor.
    pub sections: Vec<SectionReport>,
    /// What the descriptor says of the sections, so that the rows explain themselves: which rows each owns, and which
    /// fields it fills in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub described: Vec<SectionDescription>,
    /// Facts about the target: which endpoint served, the organisation's name, ….
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, Value>,
    /// What an operator should look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Reserved: how far this scan read, in the connector's own words, for [`ScanRequest::since`] of a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Value>,
}

impl ScanSummary {
    /// The version of the form of rows and summary that this crate writes.
    pub const SCHEMA_VERSION: u32 = 2;

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
    pub fn judge(described: &[SectionDescription], sections: &[SectionReport]) -> Result<Outcome, ConnectorError> {
        let core = || described.iter().filter(|described| described.core).map(|described| described.section);
        let mut outcome = Outcome::Complete;
        for report in sections {
            match (&report.status, core().any(|section| section == report.section)) {
                (SectionStatus::Complete, _) | (SectionStatus::Skipped, false) => {}
                (SectionStatus::Unknown, true) => {
                    let section = report.section;
                    return Err(ConnectorError::internal(format!("{section} ended with a status that is not known")));
                }
                (SectionStatus::Skipped, true) => {
                    return Err(ConnectorError::internal(format!("the core section {} was skipped", report.section)));
                }
                (SectionStatus::Incomplete { error } | SectionStatus::Unavailable { error }, true) => {
                    return Err(error.clone().context(report.section));
                }
                (
                    SectionStatus::Incomplete { .. } | SectionStatus::Unavailable { .. } | SectionStatus::Unknown,
                    false,
                ) => {
                    outcome = Outcome::Incomplete;
                }
            }
        }
        let reported = |section: &Section| sections.iter().any(|report| report.section == *section);
        let missing = core().find(|section| !reported(section));
        match missing {
            Some(section) => Err(ConnectorError::internal(format!("the core section {section} was not reported"))),
            None => Ok(outcome),
        }
    }
}

/// A failed scan: why, and how far it came. Rows already emitted must not be taken for the whole.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ScanFailure {
    /// Why the scan failed.
    pub error: ConnectorError,
    /// How far it came; its outcome is [`Outcome::Failed`].
    pub summary: Box<ScanSummary>,
}

impl ScanFailure {
    /// A scan that failed with `error`; the summary says so too, whatever it said before.
    pub fn new(error: ConnectorError, mut summary: ScanSummary) -> Self {
        summary.outcome = Outcome::Failed;
        summary.error = Some(error.clone());
        Self { error, summary: Box::new(summary) }
    }
}

impl fmt::Display for ScanFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for ScanFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<ScanFailure> for ConnectorError {
    fn from(failure: ScanFailure) -> Self {
        failure.error
    }
}

/// The requests that a scan would make, from the counts alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ScanPlan {
    /// Requests made to find the counts.
    pub probes: u64,
    /// One line for each section that would be read.
    pub sections: Vec<SectionPlan>,
}

impl ScanPlan {
    /// A plan that took `probes` requests to make.
    pub fn new(probes: u64, sections: Vec<SectionPlan>) -> Self {
        Self { probes, sections }
    }

    /// Requests over all sections.
    pub fn requests(&self) -> u64 {
        self.sections.iter().map(|section| section.requests).sum()
    }
}

/// The requests that one section would make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SectionPlan {
    /// Which section.
    pub section: Section,
    /// Requests, without retries.
    pub requests: u64,
    /// How that number comes about.
    pub because: String,
}

impl SectionPlan {
    /// The requests that a section would make, and how that number comes about.
    pub fn new(section: Section, requests: u64, because: impl Into<String>) -> Self {
        Self { section, requests, because: because.into() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ErrorCode;

    const CORE: [Section; 3] = [Section::USERS, Section::GROUPS, Section::MEMBERSHIPS];

    fn described() -> Vec<SectionDescription> {
        let optional = [Section::SYSTEMS, Section::LAST_LOGIN];
        let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
        CORE.into_iter().map(|section| describe(section).core()).chain(optional.into_iter().map(describe)).collect()
    }

    fn judge(sections: &[SectionReport]) -> Result<Outcome, ConnectorError> {
        ScanSummary::judge(&described(), sections)
    }

    fn complete() -> Vec<SectionReport> {
        CORE.into_iter().map(|section| SectionReport::new(section, SectionStatus::Complete)).collect()
    }

    fn broken() -> ConnectorError {
        ConnectorError::new(ErrorCode::ServerError, "502", "try again")
    }

    #[test]
    fn a_core_section_that_is_not_complete_fails_the_scan() {
        for status in [SectionStatus::Incomplete { error: broken() }, SectionStatus::Unavailable { error: broken() }] {
            let mut sections = complete();
            sections[2].status = status;
            assert_eq!(judge(&sections).unwrap_err().message, "memberships: 502");
        }
        for status in [SectionStatus::Skipped, SectionStatus::Unknown] {
            let mut sections = complete();
            sections[2].status = status;
            assert_eq!(judge(&sections).unwrap_err().code, ErrorCode::Internal);
        }
    }

    #[test]
    fn a_core_section_that_nobody_speaks_of_fails_the_scan() {
        assert_eq!(judge(&complete()).unwrap(), Outcome::Complete);
        for missing in 0..CORE.len() {
            let mut sections = complete();
            let missing = sections.remove(missing).section;
            assert_eq!(judge(&sections).unwrap_err().message, format!("the core section {missing} was not reported"));
        }
    }

    #[test]
    fn an_optional_section_that_fails_shows_in_the_outcome() {
        let mut sections = complete();
        sections.push(SectionReport::new(Section::SYSTEMS, SectionStatus::Skipped));
        assert_eq!(judge(&sections).unwrap(), Outcome::Complete);
        for status in [SectionStatus::Unavailable { error: broken() }, SectionStatus::Unknown] {
            let failed = SectionReport::new(Section::LAST_LOGIN, status);
            assert_eq!(judge(&[sections.clone(), vec![failed]].concat()).unwrap(), Outcome::Incomplete);
        }
    }

    #[test]
    fn a_status_of_a_later_version_is_unknown_and_not_an_error() {
        let mut json = serde_json::to_value(SectionReport::new(Section::USERS, SectionStatus::Complete)).unwrap();
        json["status"] = "deferred".into();
        assert_eq!(serde_json::from_value::<SectionReport>(json).unwrap().status, SectionStatus::Unknown);
    }

    #[test]
    fn only_optional_sections_can_be_left_out() {
        let descriptor = Descriptor { sections: described(), ..Descriptor::default() };
        let without = |section| ScanRequest::default().leaving_out([section]);
        assert_eq!(without(Section::SYSTEMS).verify(&descriptor), Ok(()));
        let error = without(Section::GROUPS).verify(&descriptor).unwrap_err();
        assert!(error.message.contains("core") && error.remedy.contains("systems, lastLogin"), "{error:?}");
        assert!(
            without(Section::DIRECTORIES).verify(&descriptor).unwrap_err().message.contains("no section of that name")
        );
    }
}
