//! The book that a connector keeps during a scan, and closes as a summary.

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
    /// Opens the book of a scan that begins now.
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

    /// The same book for a scan that began earlier and goes on now.
    #[must_use]
    pub fn started_at(mut self, started_at: Timestamp) -> Self {
        self.started_at = started_at;
        self
    }

    /// Enters how a section ended, in place of an earlier entry for it.
    pub fn close(&mut self, report: SectionReport) {
        self.sections.retain(|earlier| earlier.section != report.section);
        self.sections.push(report);
    }

    /// Enters that a section could not be read whole, and why.
    pub fn close_incomplete(&mut self, section: Section, error: ConnectorError) {
        self.close(SectionReport::from(section).incomplete(error));
    }

    /// What was read of a core section. Where it could not be read, that is entered, and the error ends the scan.
    ///
    /// # Errors
    /// That of the reading.
    pub fn core<T>(&mut self, section: Section, read: Result<T, ConnectorError>) -> Result<T, ConnectorError> {
        read.map_err(|error| {
            self.close_incomplete(section, error.clone());
            error.context(section)
        })
    }

    /// What `reading` finds of an optional section; `None` where there is nothing to send, and how it ended is entered: it
    /// was left out, or all that it is [drawn from](SectionDescription::drawn_from); one of these is not whole; or it could not
    /// be read. Only in the last case is it read at all.
    ///
    /// # Errors
    /// That of a reading after which nothing else can be read: `cancelled`, `sink`, `address_blocked`, `internal`.
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

    /// How a section ends by those that it is drawn from; `None` where they let it be read.
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

    /// Sends all rows of a section that was read whole, counts them, and enters its report once they were taken, and not
    /// before. Where nothing but the rows is counted, the section stands for its report. Rows that are made of references are
    /// collected first: a closure over them may not be sent between threads.
    ///
    /// # Errors
    /// The sink's, or `cancelled`; the section is then not entered.
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

    /// Enters a fact about the target.
    pub fn fact(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.facts.insert(name.into(), value.into());
    }

    /// Enters something that an operator should look at.
    pub fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    /// The entry of a section, where it has one.
    pub fn section(&self, section: Section) -> Option<&SectionReport> {
        self.sections.iter().find(|report| report.section == section)
    }

    /// The entries so far, in the order in which they were made.
    pub fn sections(&self) -> &[SectionReport] {
        &self.sections
    }

    /// Closes the book: `result` is how the scan itself went, the sections decide the rest. An optional section that was never
    /// entered makes the scan incomplete, a core one fails it.
    ///
    /// # Errors
    /// The error of `result`, or that of the first core section that is not complete.
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

/// Whether nothing else can be read after an error.
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
