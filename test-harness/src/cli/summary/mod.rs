//! The summary on a terminal: first what is missing and who is privileged, then the counts.

mod account;
mod ends;
mod evidence;
mod extent;
mod found;
mod headline;
mod lead;
mod remarks;
mod sections;
mod totals;
mod words;
mod worst;

use std::path::Path;

use connector_api::{ConnectorError, EvidenceRow, ScanSummary};
use console::style;
use indicatif::HumanCount;

use super::paragraph::{GLUE, labelled};
use super::{print, screen};
use connector_host::run::ScanReport;

/// From this width on, details are in columns rather than below each other.
const WIDE: usize = 120;

/// Where the rows of a scan are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kept<'a> {
    /// Nowhere: only the summary is shown.
    Nowhere,
    /// In a file or folder.
    In(&'a Path),
    /// On standard output.
    Passed,
}

/// How much the summary shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// What fits on a screen.
    Short,
    /// Everything that was counted.
    Long,
}

/// The lines of the short form: those of a screen of 50 without the command and the next prompt.
const SCREEN: usize = 48;

/// Prints the summary on standard error; `evidence` says what each code means.
pub(super) fn print(report: &ScanReport, evidence: &[EvidenceRow], kept: Kept<'_>, form: Form) {
    let text = render(report, evidence, kept, form, screen::width());
    // The error of a failed scan follows.
    let end = if report.summary.error.is_some() { "\n" } else { "" };
    print::note(format_args!("{}{end}", text.trim_end()));
}

/// What is missing in a scan, as errors, if the summary is not shown.
pub(super) fn shortcomings(summary: &ScanSummary) -> Vec<ConnectorError> {
    headline::gaps(summary).into_iter().map(headline::Gap::into_error).collect()
}

fn render(report: &ScanReport, evidence: &[EvidenceRow], kept: Kept<'_>, form: Form, width: usize) -> String {
    let ScanReport { summary, digest, .. } = report;
    let head = headline::headline(summary, form, width);
    let remarks = |lines| remarks::render(summary, kept, form, lines, width);
    let [most, ..] = remarks::LINES;
    if summary.error.is_some() {
        // The counts of a failed scan could be mistaken for complete ones.
        return head + &sections::render(summary, width) + &remarks(most);
    }
    let (privileged, os_type, now) = (&digest.privileged, summary.os_type.as_str(), summary.finished_at);
    let head = head + &lead::render(summary, digest, form, width);
    match form {
        Form::Short => {
            let (totals, whereabouts) = (totals::render(summary, digest, width), whereabouts(kept, form, width));
            let with = |(remark_lines, accounts, lines): (usize, usize, usize)| {
                let evidence = evidence::short(digest, evidence, os_type, lines, width);
                let end = format!("{evidence}{totals}{}{whereabouts}", remarks(remark_lines));
                let room = SCREEN.saturating_sub(head.lines().count() + end.lines().count());
                format!("{head}{}{end}", worst::short(privileged, now, accounts, room, width))
            };
            // Accounts matter more than kinds of evidence, but both have a minimum, for which remarks make room.
            let of_accounts = (3..=5).rev().flat_map(|accounts| (3..=6).rev().map(move |lines| (accounts, lines)));
            let choices = remarks::LINES
                .into_iter()
                .flat_map(|remarks| of_accounts.clone().map(move |(accounts, lines)| (remarks, accounts, lines)));
            let mut fitting = choices.map(with).filter(|text| text.lines().count() <= SCREEN);
            fitting.next().unwrap_or_else(|| with((1, 3, 3)))
        }
        Form::Long => {
            head + &worst::long(privileged, now, width)
                + &evidence::long(digest, evidence, os_type, width)
                + &found::render(summary, digest, width)
                + &sections::render(summary, width)
                + &remarks(most)
                + &whereabouts(kept, form, width)
        }
    }
}

/// Where the rows are, or how to keep them, and where more is shown.
fn whereabouts(kept: Kept<'_>, form: Form, width: usize) -> String {
    let rows = match kept {
        Kept::Passed => String::new(),
        Kept::In(path) => format!(
            "All rows, each account with all its evidence, are in {}. ",
            print::printable(&path.display().to_string())
        ),
        Kept::Nowhere => "The rows were not saved: --output scan.ndjson saves them, --output scan.csv as a folder of \
                          spreadsheet files. "
            .to_owned(),
    };
    let more = match form {
        Form::Short => "--details shows more here.",
        Form::Long => "",
    };
    let text = format!("{rows}{more}");
    if text.is_empty() { text } else { format!("\n{}", labelled("", text.trim_end(), width)) }
}

fn title(text: &str, width: usize) -> String {
    let lines = labelled("", text, width);
    lines.lines().fold("\n".to_owned(), |text, line| text + &format!("{}\n", style(line).bold().for_stderr()))
}

/// `3 enabled`, `1 disabled`, without zeros.
fn counts<'a>(counts: impl IntoIterator<Item = (&'a str, u64)>) -> Vec<String> {
    let present = counts.into_iter().filter(|(_, count)| *count > 0);
    present.map(|(name, count)| format!("{}{GLUE}{name}", HumanCount(count))).collect()
}

#[cfg(test)]
mod tests;
