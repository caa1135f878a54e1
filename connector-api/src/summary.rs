//! The summary of a scan: its sections, and the one rule that derives the outcome.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::ConnectorError;
use crate::section::Section;
use crate::section_description::SectionDescription;
use crate::section_report::{SectionReport, SectionStatus};

/// The outcome of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Outcome {
    /// Every section that was requested is complete.
    Complete,
    /// The core sections are complete, but an optional one is not.
    Incomplete,
    /// A core section is not complete, or the scan was aborted: its rows must not replace an earlier snapshot.
    Failed,
}

/// What a scan read, section by section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ScanSummary {
    /// The version of the format of rows and summary: see [`verify`](Self::verify).
    pub schema_version: u32,
    /// The connector's OS Type.
    pub os_type: String,
    /// The connector's version.
    #[serde(default)]
    pub connector_version: String,
    /// The operator's name for the system.
    pub system: String,
    /// When the scan began, UTC.
    pub started_at: Timestamp,
    /// When it ended, UTC.
    pub finished_at: Timestamp,
    /// The outcome.
    pub outcome: Outcome,
    /// The error of a failed scan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ConnectorError>,
    /// Every section, in the order of the descriptor.
    pub sections: Vec<SectionReport>,
    /// The descriptor's sections, so that the rows explain themselves: which rows each section owns, and which fields
    /// it fills in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub described: Vec<SectionDescription>,
    /// Facts about the target: the endpoint in use, the organisation's name, ….
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, Value>,
    /// Warnings for the operator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Reserved: how far this scan read, in the connector's own format, for
    /// [`ScanRequest::since`](crate::ScanRequest::since) of a later scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Value>,
}

impl ScanSummary {
    /// The version of the format that this crate writes.
    pub const SCHEMA_VERSION: u32 = 2;

    /// Refuses a summary in a later format than this crate knows: its rows may contain what this version cannot read.
    ///
    /// # Errors
    /// Returns `invalid_config`.
    pub fn verify(&self) -> Result<(), ConnectorError> {
        if self.schema_version <= Self::SCHEMA_VERSION {
            return Ok(());
        }
        let (known, given) = (Self::SCHEMA_VERSION, self.schema_version);
        let message = format!("the rows have format {given}, and this version reads at most {known}");
        Err(ConnectorError::invalid_config(message, "read them with the version that wrote them, or a later one"))
    }

    /// Returns the report of a section.
    pub fn section(&self, section: Section) -> Option<&SectionReport> {
        self.sections.iter().find(|report| report.section == section)
    }

    /// Returns the requests of all sections.
    pub fn requests(&self) -> u64 {
        self.sections.iter().map(|report| report.requests).sum()
    }

    /// Returns the rows of all sections.
    pub fn records(&self) -> u64 {
        self.sections.iter().map(|report| report.records).sum()
    }

    /// The one rule by which sections make an outcome: a core section that is not complete, or not reported at all,
    /// fails the scan; an optional one that is incomplete, unavailable or not reported is shown.
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
                    return Err(ConnectorError::internal(format!("{section} ended with an unknown status")));
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
        if described.iter().any(|described| !reported(&described.section)) {
            outcome = Outcome::Incomplete;
        }
        let missing = core().find(|section| !reported(section));
        match missing {
            Some(section) => Err(ConnectorError::internal(format!("the core section {section} was not reported"))),
            None => Ok(outcome),
        }
    }
}

/// A failed scan: the error, and the summary up to that point. Rows already emitted are not complete.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanFailure {
    /// Boxed to keep results small. Its error is always set.
    summary: Box<ScanSummary>,
}

impl ScanFailure {
    /// Creates a failure from its error; the summary is marked as failed, whatever it was before.
    pub fn new(error: ConnectorError, mut summary: ScanSummary) -> Self {
        summary.outcome = Outcome::Failed;
        summary.error = Some(error);
        Self { summary: Box::new(summary) }
    }

    /// Returns why the scan failed.
    #[expect(clippy::expect_used, reason = "it is set where a failure is made, and nowhere else")]
    pub fn error(&self) -> &ConnectorError {
        self.summary.error.as_ref().expect("a failed scan has an error")
    }

    /// Returns the summary up to the failure; its outcome is [`Outcome::Failed`].
    pub fn summary(&self) -> &ScanSummary {
        &self.summary
    }

    /// Returns the same summary, with the error, by value.
    pub fn into_summary(self) -> ScanSummary {
        *self.summary
    }
}

impl fmt::Display for ScanFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error().fmt(f)
    }
}

impl std::error::Error for ScanFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.error())
    }
}

impl From<ScanFailure> for ConnectorError {
    fn from(failure: ScanFailure) -> Self {
        failure.error().clone()
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

    /// The core sections complete, and the others skipped.
    fn complete() -> Vec<SectionReport> {
        let status = |core| if core { SectionStatus::Complete } else { SectionStatus::Skipped };
        described().iter().map(|described| SectionReport::new(described.section, status(described.core))).collect()
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
    fn rows_of_a_later_form_are_refused() {
        let system = crate::SystemConfig::new("Toy", "toy", crate::Credential::default());
        let mut ledger = crate::ScanLedger::start(&crate::Descriptor::default(), &system);
        ledger.close(Section::USERS.into());
        let mut summary = ledger.finish(Ok(())).unwrap();
        assert_eq!(summary.verify(), Ok(()));
        summary.schema_version += 1;
        assert_eq!(summary.verify().unwrap_err().code, ErrorCode::InvalidConfig);
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
    fn an_optional_section_that_fails_or_is_not_reported_shows_in_the_outcome() {
        assert_eq!(judge(&complete()).unwrap(), Outcome::Complete);
        for status in [SectionStatus::Unavailable { error: broken() }, SectionStatus::Unknown] {
            let mut sections = complete();
            sections[3].status = status;
            assert_eq!(judge(&sections).unwrap(), Outcome::Incomplete);
        }
        let mut sections = complete();
        sections.remove(3);
        assert_eq!(judge(&sections).unwrap(), Outcome::Incomplete);
    }
}
