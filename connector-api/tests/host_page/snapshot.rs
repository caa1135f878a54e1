use std::collections::BTreeMap;

use connector_api::jiff::Timestamp;
use connector_api::{ConnectorError, Descriptor, Record, ScanFailure, ScanSummary, Section};

/// What a host knows of one system.
#[derive(Default)]
struct Snapshot {
    rows: Vec<Record>,
    /// When each section was last read completely. One that is not here never was.
    as_of: BTreeMap<Section, Timestamp>,
}

impl Snapshot {
    fn take(
        &mut self,
        scanned: Result<ScanSummary, ScanFailure>,
        rows: Vec<Record>,
        descriptor: &Descriptor,
    ) -> Result<ScanSummary, ConnectorError> {
        let summary = scanned.unwrap_or_else(ScanFailure::into_summary);
        summary.verify()?;
        let plan = summary.replacement(descriptor);
        let known = std::mem::take(&mut self.rows);
        self.rows = plan.apply(known, rows).map_err(|error| ConnectorError::internal(error.to_string()))?;
        for described in &descriptor.sections {
            let section = described.section;
            if !plan.kept_sections.contains(&section) && !plan.kept_in_part.contains(&section) {
                self.as_of.insert(section, plan.as_of);
            }
        }
        Ok(summary)
    }
}
