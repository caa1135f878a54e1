//! `harness export`

mod evidence_pack;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use connector_api::{
    CancellationToken, ConnectorError, Descriptor, Outcome, Record, Registry, ScanFailure, ScanSummary, Section,
    SectionDescription, SectionReport, SectionStatus,
};
use connector_host::output::{Destination, Format, Output};

use connector_store::{EachRecord, SectionState};
use indicatif::HumanCount;

use super::store::{FromArguments, Rows};
use super::{Exit, print, signals};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  harness export --store sqlite:history.db --at 2026-03-03 --output then.ndjson\n  \
harness export --store sqlite:history.db --format csv --output now/\n  harness export --from-file scan.ndjson --output \
scan.json\n  harness export --store sqlite:history.db --format evidence-pack --output 2026-q4/\n  harness export --format \
evidence-pack --check 2026-q4/\n\nExit codes of --check: 0 as the manifest says, 1 something differs.\n\n\
Effective grants are not exported: they follow from the other rows, and `harness why` and `harness who` show them."
)]
pub(super) struct Arguments {
    /// File for the rows, or `-` for standard output. For a format of several files it is a folder. With ndjson, a name
    /// ending in / is a folder with one file per kind of record
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Format of the rows [default: from the ending .ndjson, .json or .csv of --output; otherwise ndjson]
    #[arg(long, value_parser = form_parser())]
    format: Option<Form>,
    /// Check the evidence pack in this folder instead: whether its files are as its manifest says
    #[arg(long, value_name = "FOLDER", requires = "format", conflicts_with_all = ["output", "from_file", "store", "store_file", "name", "at"])]
    check: Option<PathBuf>,
    #[command(flatten)]
    from: FromArguments,
}

/// What is written.
#[derive(Debug, Clone, Copy)]
enum Form {
    Rows(Format),
    EvidencePack,
}

/// The name of an evidence pack on the command line.
const EVIDENCE_PACK: &str = "evidence-pack";

fn form_parser() -> impl TypedValueParser<Value = Form> {
    let rows = Format::ALL.iter().map(|format| PossibleValue::new(format.as_str()).help(format.description()));
    let pack =
        "A folder for an auditor: roster, reasons, findings, what was not read, report, and a manifest of hashes";
    // The parser accepts only these names.
    PossibleValuesParser::new(rows.chain([PossibleValue::new(EVIDENCE_PACK).help(pack)]))
        .map(|name| Format::by_name(&name).map_or(Form::EvidencePack, Form::Rows))
}

impl Arguments {
    pub(super) fn run(self, registry: Registry) -> Result<Exit, ConnectorError> {
        if let Some(folder) = &self.check {
            return match self.format {
                Some(Form::EvidencePack) => evidence_pack::check(folder),
                _ => Err(ConnectorError::invalid_config(
                    "only an evidence pack can be checked",
                    "use --format evidence-pack --check FOLDER",
                )),
            };
        }
        let format = match self.format {
            Some(Form::EvidencePack) => return evidence_pack::write(&self.from, &self.output, registry),
            Some(Form::Rows(format)) => format,
            None => Format::by_ending(&self.output).unwrap_or_default(),
        };
        let starting = signals::listen()?;
        let mut rows = self.from.open()?;
        let destination = destination(&self.from, &self.output)?;
        let cancel = starting.cancel_on_signal();
        let output = destination.open(format, &rows.origin()?)?;
        let written = write(&mut rows, &destination, output, &cancel, Ok, Ok)?;
        if let (Some(count), Destination::Path(_)) = (written, &destination) {
            let count = HumanCount(count);
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

/// Where the rows go: `-` is standard output. Refuses a file that is read from.
pub(super) fn destination(from: &FromArguments, output: &Path) -> Result<Destination, ConnectorError> {
    if output.as_os_str() == "-" {
        return Ok(Destination::Stdout);
    }
    from.check_output("--output", output)?;
    Ok(Destination::Path(output.to_path_buf()))
}

/// Writes the rows and their summary as `record` and `summary` change them, and returns how many there are; `None` if whoever
/// reads standard output has stopped, who then has all that was wanted.
pub(super) fn write(
    rows: &mut Rows,
    destination: &Destination,
    mut output: Box<dyn Output>,
    cancel: &CancellationToken,
    record: impl Fn(Record) -> Result<Record, ConnectorError>,
    summary: impl Fn(ScanSummary) -> Result<ScanSummary, ConnectorError>,
) -> Result<Option<u64>, ConnectorError> {
    let (mut is_read, mut count) = (true, 0);
    let mut failed = |error: &std::io::Error| {
        is_read = error.kind() != ErrorKind::BrokenPipe;
        destination.write_error(error)
    };
    let (whole, passed) = snapshot(rows, &mut |row| {
        go_on(cancel)?;
        count += 1;
        output.record(&record(row)?).map_err(|error| failed(&error))
    })?;
    let whole = summary(whole)?;
    let ended = match passed {
        Ok(()) => output.commit(&whole).map_err(|error| failed(&error)),
        Err(error) => {
            // Whoever reads the rows learns that they are cut. The error is more important than a failure to say so.
            let _ = output.abandon(&ScanFailure::new(error.clone(), whole.clone()).into_summary());
            Err(error)
        }
    };
    if *destination == Destination::Stdout && !is_read {
        return Ok(None);
    }
    ended.map(|()| Some(count))
}

/// Passes on the rows, and returns the summary of those that were passed on, and whether all were.
pub(super) fn snapshot(
    rows: &mut Rows,
    each: EachRecord<'_>,
) -> Result<(ScanSummary, Result<(), ConnectorError>), ConnectorError> {
    let summary = rows.summary()?;
    let standing = rows.store.sections(rows.run)?;
    let mut described = Descriptor::new(&summary.os_type, "", "");
    described.sections.clone_from(&summary.described);
    let mut counts = BTreeMap::new();
    let passed = rows.store.records(&rows.system, rows.run, &mut |record| {
        if let Some(section) = described.owner(&record) {
            *counts.entry(section).or_default() += 1;
        }
        each(record)
    });
    Ok((of_snapshot(without_grants(summary), &standing, &counts), passed))
}

/// Ends the work if it was cancelled.
fn go_on(cancel: &CancellationToken) -> Result<(), ConnectorError> {
    if cancel.is_cancelled() { Err(cancelled()) } else { Ok(()) }
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
