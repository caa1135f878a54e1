//! The status of each section, and its cost.

use connector_api::{Outcome, ScanSummary, Section, SectionReport, SectionStatus};
use console::measure_text_width;
use indicatif::HumanCount;

use super::headline::Fault;
use super::{Kept, WIDE, counts, title, words};
use crate::cli::paragraph::labelled;
use crate::cli::print::printable;
use crate::cli::table::Table;

/// How many notes are shown.
const MAX_REMARKS: usize = 10;

/// The status of each section, and the notes.
pub(super) fn render(summary: &ScanSummary, kept: Kept<'_>, width: usize) -> String {
    let is_fine = |section: &SectionReport| section.status.error().is_none();
    let all_are_fine = summary.error.is_none() && summary.sections.iter().all(is_fine);
    let sections = match summary.sections.is_empty() {
        true => String::new(),
        false if all_are_fine && width < WIDE => in_short(summary, width),
        false => table(summary, width),
    };
    sections + &remarks(summary, kept, width)
}

/// The sections in one sentence, if all of them are complete.
fn in_short(summary: &ScanSummary, width: usize) -> String {
    let complete = summary.sections.iter().filter(|section| section.status == SectionStatus::Complete).count() as u64;
    let retries: u64 = summary.sections.iter().map(|section| section.retries).sum();
    let sentence = format!(
        "{} {} complete, with {}, {} of them repeated.",
        words::counted(complete, "section"),
        if complete == 1 { "is" } else { "are" },
        words::counted(summary.requests(), "request"),
        if retries == 0 { "none".to_owned() } else { HumanCount(retries).to_string() },
    );
    title("Sections", width) + &labelled("  ", &sentence, width)
}

/// The columns of the table: the last ones are left out on a narrow terminal.
const COLUMNS: [&str; 7] = ["SECTION", "STATUS", "ROWS", "REQUESTS", "REPEATED", "PLANNED", "TIME"];

fn table(summary: &ScanSummary, width: usize) -> String {
    let shown = (3..=COLUMNS.len()).rev().map(|columns| (columns, grid(summary, columns)));
    let mut fitting = shown.filter(|(_, grid)| grid.lines().all(|line| measure_text_width(line) <= width));
    let (columns, body) = fitting.next().unwrap_or_else(|| (0, lines(summary, width)));
    let text = title("Sections", width) + &body;
    if let Some(fault) = Fault::of_scan(summary) {
        let failed = if fault.section.is_some() { "Failed: this section ended the scan. " } else { "" };
        let stopped = "Stopped: this section ended with the scan, however much of it had been read.";
        return text + &labelled("  ", &format!("{failed}{stopped}"), width);
    }
    let shown = &COLUMNS[..columns];
    let mut explained =
        "ROWS counts all rows of a section: for administrators also their roles and who holds these.".to_owned();
    if shown.contains(&"REPEATED") {
        explained += " REQUESTS includes REPEATED.";
    }
    if shown.contains(&"PLANNED") {
        explained += " PLANNED is the estimate from counts.";
    }
    text + &labelled("  ", &explained, width)
}

/// The first `columns` columns of the table.
fn grid(summary: &ScanSummary, columns: usize) -> String {
    let mut table = Table::new(&COLUMNS[..columns], &[2, 3, 4, 5, 6]);
    for section in &summary.sections {
        let planned = section.planned_requests;
        let mut row = vec![
            words::section_with_name(section.section),
            status(summary, section).to_owned(),
            HumanCount(section.records).to_string(),
            HumanCount(section.requests).to_string(),
            HumanCount(section.retries).to_string(),
            planned.map_or_else(|| "–".to_owned(), |planned| HumanCount(planned).to_string()),
            format!("{:.1} s", section.duration_ms as f64 / 1000.0),
        ];
        row.truncate(columns);
        table.row(row);
    }
    table.render(2)
}

/// The sections on a terminal that is too narrow for columns.
fn lines(summary: &ScanSummary, width: usize) -> String {
    let line = |section: &SectionReport| {
        let (name, status) = (words::section_with_name(section.section), status(summary, section));
        labelled("  ", &format!("{name}: {status}, {}", words::counted(section.records, "row")), width)
    };
    summary.sections.iter().map(line).collect()
}

/// A section's status. In a failed scan it shows which section failed and which ones only ended with it.
fn status(summary: &ScanSummary, section: &SectionReport) -> &'static str {
    let (Some(scan), Some(error)) = (Fault::of_scan(summary), section.status.error()) else {
        return section.status.as_str();
    };
    match scan.is(&Fault::of(error, summary).error) {
        true if scan.section == Some(section.section) => "failed",
        true => "stopped",
        false => section.status.as_str(),
    }
}

fn remarks(summary: &ScanSummary, kept: Kept<'_>, width: usize) -> String {
    let mut lines: Vec<String> = summary.warnings.clone();
    for section in &summary.sections {
        let name = words::section_with_name(section.section);
        lines.extend(section.notes.iter().map(|note| format!("{name}: {note}")));
        // The rows of a failed scan do not count.
        if summary.outcome != Outcome::Failed {
            lines.extend(oddities(section).map(|oddity| format!("{name}: {oddity}")));
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    // If they are nowhere else, all of them are shown.
    let elsewhere = match kept {
        Kept::Passed => Some("see the summary at the end of the rows"),
        _ if summary.outcome == Outcome::Failed => None,
        Kept::In(_) => Some("see the summary at the end of the rows"),
        Kept::InStore(_) => Some("see `harness history --format json`"),
        Kept::Nowhere => Some("--output saves them with the rows"),
    };
    let mut text = title("Worth a look", width);
    let shown = if elsewhere.is_some() { MAX_REMARKS } else { lines.len() };
    for line in lines.iter().take(shown) {
        text += &labelled("  - ", &printable(line), width);
    }
    if let Some(elsewhere) = elsewhere.filter(|_| lines.len() > shown) {
        text += &labelled("  - ", &format!("and {} more; {elsewhere}", lines.len() - shown), width);
    }
    text
}

/// Rows and references that were dropped.
fn oddities(section: &SectionReport) -> Option<String> {
    let lost = match section.section {
        Section::LAST_LOGIN => "names in the log match no account",
        _ => "references to objects that are not in the scan were dropped",
    };
    let mut oddities = counts([("duplicate rows were dropped", section.duplicates)]);
    if section.dangling > 0 {
        let example = section.dangling_examples.first().map(|reference| match section.section {
            Section::LAST_LOGIN => format!(", such as {}", reference.to),
            _ => format!(", such as from {} to {}", reference.from, reference.to),
        });
        oddities.push(format!("{} {lost}{}", HumanCount(section.dangling), example.unwrap_or_default()));
    }
    (!oddities.is_empty()).then(|| oddities.join("; "))
}
