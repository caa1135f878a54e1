//! `harness export`

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;

use clap::Args;
use connector_api::{
    ConnectorError, Descriptor, Outcome, Record, ScanFailure, ScanSummary, Section, SectionDescription, SectionReport,
    SectionStatus,
};
use connector_host::output::{Destination, Format};

use connector_store::SectionState;
use indicatif::HumanCount;

use super::scan::format_parser;
use super::store::FromArguments;
use super::{Exit, print, signals};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  harness export --store sqlite:history.db --at 2026-03-03 --output then.ndjson\n  \
harness export --store sqlite:history.db --format csv --output now/\n  harness export --from-file scan.ndjson --output \
scan.json\n\nEffective grants are not exported: they follow from the other rows, and `harness why` and `harness who` show \
them."
)]
pub(super) struct Arguments {
    /// File for the rows, or `-` for standard output. For csv it is a folder. With ndjson, a name ending in / is a folder
    /// with one file per kind of record
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Format of the rows [default: from the ending .ndjson, .json or .csv of --output; otherwise ndjson]
    #[arg(long, value_parser = format_parser())]
    format: Option<Format>,
    #[command(flatten)]
    from: FromArguments,
}

impl Arguments {
    pub(super) fn run(self) -> Result<Exit, ConnectorError> {
        let starting = signals::listen()?;
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
        if let Destination::Path(path) = &destination {
            self.from.check_output("--output", path)?;
        }
        let standing = rows.store.sections(rows.run)?;
        let mut described = Descriptor::new(&summary.os_type, "", "");
        described.sections.clone_from(&summary.described);
        let mut counts = BTreeMap::new();
        let cancel = starting.cancel_on_signal();
        let mut output = destination.open(format)?;
        let mut is_read = true;
        let each = &mut |record: Record| {
            if cancel.is_cancelled() {
                return Err(cancelled());
            }
            if let Some(section) = described.owner(&record) {
                *counts.entry(section).or_default() += 1;
            }
            output.record(&record).map_err(|error| {
                is_read = error.kind() != ErrorKind::BrokenPipe;
                destination.write_error(&error)
            })
        };
        let passed = rows.store.records(&rows.system, rows.run, each);
        let summary = of_snapshot(without_grants(summary), &standing, &counts);
        let ended = match passed {
            Ok(()) => output.commit(&summary).map_err(|error| {
                is_read = error.kind() != ErrorKind::BrokenPipe;
                destination.write_error(&error)
            }),
            Err(error) => {
                // Whoever reads the rows learns that they are cut. The error is more important than a failure to say so.
                let _ = output.abandon(&ScanFailure::new(error.clone(), summary).into_summary());
                Err(error)
            }
        };
        // A reader that has stopped has all it wanted.
        if destination == Destination::Stdout && !is_read {
            return Ok(Exit::Complete);
        }
        ended?;
        if destination != Destination::Stdout {
            let count = HumanCount(counts.values().sum());
            print::said(&format!(
                "{count} rows of {} {} are in {}.",
                rows.system.name,
                rows.as_of(),
                self.output.display()
            ));
        }
        Ok(Exit::Complete)
    }
}

fn cancelled() -> ConnectorError {
    let mut error = ConnectorError::cancelled();
    error.message = "the export was cancelled".to_owned();
    error.remedy = "run the same command again when you are ready".to_owned();
    error
}

/// The summary of a snapshot: a section that was not read, and whose rows stand since an earlier run, is there as of then.
fn of_snapshot(mut summary: ScanSummary, standing: &[SectionState], counts: &BTreeMap<Section, u64>) -> ScanSummary {
    for report in &mut summary.sections {
        report.records = counts.get(&report.section).copied().unwrap_or_default();
        let Some(state) = standing.iter().find(|state| state.section == report.section) else { continue };
        if let (false, Some(time)) = (report.status == SectionStatus::Complete, state.as_of) {
            report.notes.push(format!("not read in this run ({}): its rows are as of {time}", state.status));
            report.status = SectionStatus::Complete;
        }
    }
    let is_whole = |report: &SectionReport| matches!(report.status, SectionStatus::Complete | SectionStatus::Skipped);
    if summary.outcome == Outcome::Incomplete && summary.sections.iter().all(is_whole) {
        summary.outcome = Outcome::Complete;
    }
    summary
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
