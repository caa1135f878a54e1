//! The book that a connector keeps during a scan, and closes as a summary.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::config::SystemConfig;
use crate::descriptor::Descriptor;
use crate::error::ConnectorError;
use crate::record::Record;
use crate::scan::ScanSink;
use crate::section::Section;
use crate::section_description::SectionDescription;
use crate::section_report::SectionReport;
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

    /// Sends all rows of a section that was read whole, counts them, and enters its report once they were taken, and not
    /// before. Where nothing but the rows is counted, the section stands for its report.
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

    /// Closes the book: `result` is how the scan itself went, the sections decide the rest.
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
