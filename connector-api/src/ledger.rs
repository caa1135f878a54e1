//! The ledger that a connector keeps during a scan and closes as a summary.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::config::SystemConfig;
use crate::descriptor::Descriptor;
use crate::error::{ConnectorError, ErrorCode};
use crate::record::Record;
use crate::scan::{ScanRequest, ScanSink};
use crate::section::Section;
use crate::section_description::SectionDescription;
use crate::section_report::{SectionReport, SectionStatus};
use crate::send::send;
use crate::summary::{Outcome, ScanFailure, ScanSummary};

/// Collects section reports, facts and warnings, and turns them into a [`ScanSummary`] or a [`ScanFailure`] by the
/// contract's rule, so that no connector has to repeat it.
#[derive(Debug)]
pub struct ScanLedger {
    os_type: String,
    connector_version: String,
    system: String,
    started_at: Timestamp,
    sections: Vec<SectionReport>,
    described: Vec<SectionDescription>,
    facts: BTreeMap<String, Value>,
    warnings: Vec<String>,
}

impl ScanLedger {
    /// Opens the ledger of a scan that begins now.
    pub fn start(descriptor: &Descriptor, config: &SystemConfig) -> Self {
        Self {
            os_type: descriptor.os_type.clone(),
            connector_version: descriptor.version.clone(),
            system: config.name.clone(),
            started_at: Timestamp::now(),
            sections: Vec::new(),
            described: descriptor.sections.clone(),
            facts: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    /// Sets an earlier start, for a scan that resumes.
    #[must_use]
    pub fn started_at(mut self, started_at: Timestamp) -> Self {
        self.started_at = started_at;
        self
    }

    /// Records a section's report and replaces an earlier one.
    pub fn close(&mut self, report: SectionReport) {
        self.sections.retain(|earlier| earlier.section != report.section);
        self.sections.push(report);
    }

    /// Records that a section could not be read completely, with the reason.
    pub fn close_incomplete(&mut self, section: Section, error: ConnectorError) {
        self.close(SectionReport::from(section).incomplete(error));
    }

    /// Returns what was read of a core section. If it could not be read, records that and returns the error, which ends
    /// the scan.
    ///
    /// # Errors
    /// Returns the error of `read`.
    pub fn core<T>(&mut self, section: Section, read: Result<T, ConnectorError>) -> Result<T, ConnectorError> {
        read.map_err(|error| {
            self.close_incomplete(section, error.clone());
            error.context(section)
        })
    }

    /// Reads an optional section. Returns `None`, and records the section's status, if there is nothing to send:
    /// - the section was skipped, or every section that it is [drawn from](SectionDescription::drawn_from) was:
    ///   skipped;
    /// - a section that it is drawn from is not complete: incomplete;
    /// - reading it failed: incomplete or unavailable.
    ///
    /// `reading` is polled only if neither of the first two applies.
    ///
    /// # Errors
    /// Returns an error after which nothing else can be read: `cancelled`, `sink`, `address_blocked` or `internal`.
    pub async fn optional<T>(
        &mut self,
        request: &ScanRequest,
        section: Section,
        reading: impl Future<Output = Result<T, ConnectorError>>,
    ) -> Result<Option<T>, ConnectorError> {
        let status = if request.without.contains(&section) {
            Some(SectionStatus::Skipped)
        } else {
            self.status_by_sources(section)
        };
        let status = match status {
            Some(status) => status,
            None => match reading.await {
                Ok(found) => return Ok(Some(found)),
                Err(error) if ends_all(&error) => return Err(error.context(section)),
                Err(error) => error.into(),
            },
        };
        self.close(SectionReport::new(section, status));
        Ok(None)
    }

    /// Returns the status of a section that follows from its sources, or `None` if it can be read.
    fn status_by_sources(&self, section: Section) -> Option<SectionStatus> {
        let described = self.described.iter().find(|described| described.section == section)?;
        let sources: Vec<&SectionStatus> =
            described.drawn_from.iter().filter_map(|source| Some(&self.section(*source)?.status)).collect();
        if let Some(error) = sources.iter().find_map(|status| status.error()) {
            return Some(SectionStatus::Incomplete { error: error.clone() });
        }
        let are_left_out = !sources.is_empty() && sources.iter().all(|status| **status == SectionStatus::Skipped);
        are_left_out.then_some(SectionStatus::Skipped)
    }

    /// Sends all rows of a section that was read completely and counts them. Records the section's report only once the sink
    /// has taken them.
    ///
    /// Pass the section itself as its report if there is nothing else to count. Collect rows that borrow data first: a
    /// closure over references may not be `Send`.
    ///
    /// # Errors
    /// Returns the sink's error, or `cancelled`; the section is then not recorded.
    pub async fn send_section(
        &mut self,
        sink: &dyn ScanSink,
        cancel: &CancellationToken,
        report: impl Into<SectionReport>,
        rows: impl IntoIterator<Item = impl Into<Record>>,
    ) -> Result<(), ConnectorError> {
        let mut records = 0;
        send(sink, cancel, rows.into_iter().inspect(|_| records += 1)).await?;
        self.close(report.into().with_records(records));
        Ok(())
    }

    /// Records a fact about the target.
    pub fn fact(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.facts.insert(name.into(), value.into());
    }

    /// Records a warning for the operator.
    pub fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    /// Returns the report of a section, if there is one.
    pub fn section(&self, section: Section) -> Option<&SectionReport> {
        self.sections.iter().find(|report| report.section == section)
    }

    /// Returns the reports so far, in the order in which they were recorded.
    pub fn sections(&self) -> &[SectionReport] {
        &self.sections
    }

    /// Closes the ledger. `result` is the result of the scan itself; the sections decide the rest. An optional section
    /// without a report makes the scan incomplete, a core one makes it fail.
    ///
    /// # Errors
    /// Returns the error of `result`, or that of the first core section that is not complete.
    pub fn finish(self, result: Result<(), ConnectorError>) -> Result<ScanSummary, ScanFailure> {
        let mut sections = self.sections;
        let place = |report: &SectionReport| {
            self.described.iter().position(|described| described.section == report.section).unwrap_or(usize::MAX)
        };
        sections.sort_by_key(place);
        let verdict = result.and_then(|()| ScanSummary::judge(&self.described, &sections));
        let summary = ScanSummary {
            schema_version: ScanSummary::SCHEMA_VERSION,
            os_type: self.os_type,
            connector_version: self.connector_version,
            system: self.system,
            started_at: self.started_at,
            finished_at: Timestamp::now(),
            outcome: Outcome::Failed,
            error: None,
            sections,
            described: self.described,
            facts: self.facts,
            warnings: self.warnings,
            watermark: None,
        };
        match verdict {
            Ok(outcome) => Ok(ScanSummary { outcome, ..summary }),
            Err(error) => Err(ScanFailure::new(error, summary)),
        }
    }
}

/// Returns whether nothing else can be read after an error.
fn ends_all(error: &ConnectorError) -> bool {
    matches!(error.code, ErrorCode::Cancelled | ErrorCode::Sink | ErrorCode::AddressBlocked | ErrorCode::Internal)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Credential;

    fn ledger() -> ScanLedger {
        let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
        let sections = vec![
            describe(Section::USERS).core(),
            describe(Section::APPLICATIONS),
            describe(Section::GRANTS).drawn_from([Section::APPLICATIONS]),
        ];
        let descriptor = Descriptor { sections, ..Descriptor::default() };
        ScanLedger::start(&descriptor, &SystemConfig::new("Toy", "toy", Credential::default()))
    }

    fn error(code: ErrorCode) -> ConnectorError {
        ConnectorError::new(code, "so it is", "change it")
    }

    #[test]
    fn a_core_section_that_cannot_be_read_is_entered_and_ends_the_scan() {
        let mut ledger = ledger();
        assert_eq!(ledger.core(Section::USERS, Ok(7)), Ok(7));
        assert!(ledger.section(Section::USERS).is_none(), "its rows were not sent yet");
        let ended = ledger.core(Section::USERS, Err::<(), _>(error(ErrorCode::Forbidden))).unwrap_err();
        assert_eq!(ended.message, "users: so it is");
        assert_eq!(ledger.section(Section::USERS).unwrap().status.as_str(), "incomplete");
    }

    #[tokio::test]
    async fn an_optional_section_ends_by_its_error_or_as_what_it_is_drawn_from() {
        let (everything, unread) = (ScanRequest::default(), async { panic!("it is not read") });
        let mut ledger = ledger();
        let forbidden = async { Err::<(), _>(error(ErrorCode::Forbidden)) };
        assert_eq!(ledger.optional(&everything, Section::APPLICATIONS, forbidden).await, Ok(None));
        assert_eq!(ledger.optional::<()>(&everything, Section::GRANTS, unread).await, Ok(None));
        let status = |ledger: &ScanLedger, section| ledger.section(section).unwrap().status.as_str();
        assert_eq!(status(&ledger, Section::APPLICATIONS), "unavailable");
        assert_eq!(status(&ledger, Section::GRANTS), "incomplete");

        let mut ledger = self::ledger();
        let without = ScanRequest::default().leaving_out([Section::APPLICATIONS]);
        for section in [Section::APPLICATIONS, Section::GRANTS] {
            let unread = async { panic!("it is not read") };
            assert_eq!(ledger.optional::<()>(&without, section, unread).await, Ok(None));
            assert_eq!(status(&ledger, section), "skipped");
        }
        assert_eq!(self::ledger().optional(&everything, Section::GRANTS, async { Ok(7) }).await, Ok(Some(7)));
        let cancelled = async { Err::<(), _>(ConnectorError::cancelled()) };
        let ended = self::ledger().optional(&everything, Section::GRANTS, cancelled).await;
        assert_eq!(ended.unwrap_err().code, ErrorCode::Cancelled);
    }
}
