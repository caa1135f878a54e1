//! `harness export`

use std::path::PathBuf;

use clap::Args;
use connector_api::{ConnectorError, ScanSummary, SectionDescription, SectionStatus};
use connector_host::output::{Destination, Format};

use super::Exit;
use super::scan::format_parser;
use super::store::FromArguments;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  harness export --store sqlite:history.db --at 2026-03-03 --output then.ndjson\n  \
harness export --store sqlite:history.db --format csv --output now/\n  harness export --from-file scan.ndjson --output \
scan.json\n\nEffective grants are not exported: they follow from the other rows, and `harness why` and `harness who` show \
them."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    from: FromArguments,
    /// File for the rows, or `-` for standard output. For csv it is a folder. With ndjson, a name ending in / is a folder
    /// with one file per kind of record
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Format of the rows [default: from the ending .ndjson, .json or .csv of --output; otherwise ndjson]
    #[arg(long, value_parser = format_parser())]
    format: Option<Format>,
}

impl Arguments {
    pub(super) fn run(self) -> Result<Exit, ConnectorError> {
        let mut rows = self.from.open()?;
        let run = rows.store.runs(&rows.system)?.into_iter().find(|run| run.id == rows.run);
        let summary = run.and_then(|run| run.summary).ok_or_else(|| {
            ConnectorError::internal(format!("run {} of {} has no summary", rows.run, rows.system.name))
        })?;
        let format = self.format.or_else(|| Format::by_ending(&self.output)).unwrap_or_default();
        let destination = match self.output.as_os_str() {
            out if out == "-" => Destination::Stdout,
            _ => Destination::Path(self.output.clone()),
        };
        let mut output = destination.open(format)?;
        let each = &mut |record| output.record(&record).map_err(|error| destination.write_error(&error));
        rows.store.records(&rows.system, rows.run, each)?;
        output.commit(&without_grants(summary)).map_err(|error| destination.write_error(&error))?;
        Ok(Exit::Complete)
    }
}

/// The summary of rows without effective grants: their sections are skipped, so that nobody takes them for empty.
fn without_grants(mut summary: ScanSummary) -> ScanSummary {
    let has_grants = |described: &&SectionDescription| described.owns.iter().any(|of| of.record == "grant");
    let sections: Vec<_> = summary.described.iter().filter(has_grants).map(|described| described.section).collect();
    for report in summary.sections.iter_mut().filter(|report| sections.contains(&report.section)) {
        report.status = SectionStatus::Skipped;
        report.records = 0;
        report.notes = vec!["a store keeps no effective grants: they follow from the other rows".to_owned()];
    }
    summary
}
