//! What a scan found, for a person at a terminal: first what is missing and who is privileged, then how much there is.

mod found;
mod sections;
mod words;
mod worst;

use std::path::Path;

use connector_api::{ConnectorError, ScanSummary};
use console::{Term, style};
use indicatif::HumanCount;

use super::paragraph::labelled;
use super::print;
use crate::host::run::ScanReport;

/// The width where neither a terminal nor `COLUMNS` says one.
const DEFAULT_WIDTH: usize = 100;

/// The least width that the summary is made for.
const MIN_WIDTH: usize = 60;

/// From this width on, things stand beside each other that otherwise stand below.
const WIDE: usize = 120;

/// Where the rows of a scan are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kept<'a> {
    /// Nowhere: only the summary is shown.
    Nowhere,
    /// In a file or folder.
    In(&'a Path),
    /// Whoever reads standard output has them.
    Passed,
}

/// Prints the summary on standard error.
pub(super) fn print(report: &ScanReport, kept: Kept<'_>) {
    print::note(render(report, kept, width()).trim_end());
}

/// What is missing in a scan, as errors, for who does not see the summary.
pub(super) fn shortcomings(summary: &ScanSummary) -> Vec<ConnectorError> {
    sections::gaps(summary).into_iter().map(sections::Gap::into_error).collect()
}

fn width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || Term::stderr().size_checked().map(|(_, columns)| usize::from(columns));
    told.or_else(terminal).unwrap_or(DEFAULT_WIDTH).max(MIN_WIDTH)
}

fn render(report: &ScanReport, kept: Kept<'_>, width: usize) -> String {
    let ScanReport { summary, digest, error, .. } = report;
    let mut text = sections::headline(summary, width);
    // What a failed scan counted could be taken for the whole.
    if error.is_none() {
        text += &worst::render(summary, digest, width);
        text += &found::render(summary, digest, width);
    }
    text += &sections::render(summary, width);
    if error.is_none() {
        text += &whereabouts(kept, width);
    }
    text
}

/// Where the rows are, or how to keep them.
fn whereabouts(kept: Kept<'_>, width: usize) -> String {
    let sentence = match kept {
        Kept::Passed => return String::new(),
        Kept::In(path) => format!(
            "The rows, with everything that is left out here, are in {}.",
            print::printable(&path.display().to_string())
        ),
        Kept::Nowhere => "Nothing was kept. To keep the rows, with everything that is left out here, scan again with \
                          --output scan.ndjson; with --output scan.csv they become a folder for spreadsheets."
            .to_owned(),
    };
    format!("\n{}", labelled("", &sentence, width))
}

fn title(text: &str) -> String {
    format!("\n{}\n", style(text).bold().for_stderr())
}

/// `3 enabled`, `1 disabled`, without zeros.
fn counts<'a>(counts: impl IntoIterator<Item = (&'a str, u64)>) -> Vec<String> {
    let present = counts.into_iter().filter(|(_, count)| *count > 0);
    present.map(|(name, count)| format!("{} {name}", HumanCount(count))).collect()
}
