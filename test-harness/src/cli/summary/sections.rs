//! The status of each section, and its cost.

use connector_api::{ScanSummary, SectionReport};
use console::measure_text_width;
use indicatif::HumanCount;

use super::headline::Fault;
use super::{WIDE, counts, title, words};
use crate::cli::paragraph::labelled;
use crate::cli::table::Table;

/// The status of each section: in short if all of them are complete and the terminal is not wide.
pub(super) fn render(summary: &ScanSummary, width: usize) -> String {
    let is_fine = |section: &SectionReport| section.status.error().is_none();
    let all_are_fine = summary.error.is_none() && summary.sections.iter().all(is_fine);
    match summary.sections.is_empty() {
        true => String::new(),
        false if all_are_fine && width < WIDE => {
            title("Sections", width) + &labelled("  ", &format!("{}.", in_short(summary)), width)
        }
        false => table(summary, width),
    }
}

/// How many sections ended in which way, and what all of them cost.
pub(super) fn in_short(summary: &ScanSummary) -> String {
    let are = |status: &str| summary.sections.iter().filter(|section| section.status.as_str() == status).count() as u64;
    let statuses = ["complete", "incomplete", "unavailable", "unknown"];
    let statuses = counts(statuses.map(|status| (status, are(status)))).join(", ");
    let retries: u64 = summary.sections.iter().map(|section| section.retries).sum();
    format!(
        "{statuses}; {}, {} repeated",
        words::counted(summary.requests(), "request"),
        if retries == 0 { "none".to_owned() } else { HumanCount(retries).to_string() },
    )
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
