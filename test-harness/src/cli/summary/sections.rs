//! How completely each section was read, and what it cost.

use connector_api::{Outcome, ScanSummary, Section, SectionReport, SectionStatus};
use console::measure_text_width;
use indicatif::HumanCount;

use super::headline::Fault;
use super::{Kept, WIDE, counts, title, words};
use crate::cli::paragraph::labelled;
use crate::cli::print::printable;
use crate::cli::table::Table;

/// How many remarks are shown.
const MAX_REMARKS: usize = 10;

/// How completely each section was read, and what there is to remark.
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

/// The sections in one sentence, where all of them are complete.
fn in_short(summary: &ScanSummary, width: usize) -> String {
    let complete = summary.sections.iter().filter(|section| section.status == SectionStatus::Complete).count() as u64;
    let retries: u64 = summary.sections.iter().map(|section| section.retries).sum();
    let sentence = format!(
        "{} {} read completely, with {}, {} of them repeated.",
        words::counted(complete, "section"),
        if complete == 1 { "was" } else { "were" },
        words::counted(summary.requests(), "request"),
        if retries == 0 { "none".to_owned() } else { HumanCount(retries).to_string() },
    );
    title("Sections", width) + &labelled("  ", &sentence, width)
}

/// The columns of the table: those further behind are left out where there is no room.
const COLUMNS: [&str; 7] = ["SECTION", "STATUS", "ROWS", "REQUESTS", "REPEATED", "PLANNED", "TIME"];

fn table(summary: &ScanSummary, width: usize) -> String {
    let shown = (3..=COLUMNS.len()).rev().map(|columns| (columns, grid(summary, columns)));
    let mut fitting = shown.filter(|(_, grid)| grid.lines().all(|line| measure_text_width(line) <= width));
    let (columns, body) = fitting.next().unwrap_or_else(|| (0, lines(summary, width)));
    let text = title("Sections", width) + &body;
    if let Some(fault) = Fault::of_scan(summary) {
        let failed = if fault.section.is_some() { "Failed is what ended the scan. " } else { "" };
        let stopped = "Stopped is what ended with the scan, however much of it had been read.";
        return text + &labelled("  ", &format!("{failed}{stopped}"), width);
    }
    let shown = &COLUMNS[..columns];
    let mut explained =
        "A section's rows are of all kinds that it brings: administrators, for instance, also brings their \
                         roles and who has these."
            .to_owned();
    if shown.contains(&"REPEATED") {
        explained += " Repeated requests are among the requests.";
    }
    if shown.contains(&"PLANNED") {
        explained += " Planned is what the counts alone let expect.";
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

/// The sections where there is no room for columns.
fn lines(summary: &ScanSummary, width: usize) -> String {
    let line = |section: &SectionReport| {
        let (name, status) = (words::section_with_name(section.section), status(summary, section));
        labelled("  ", &format!("{name}: {status}, {}", words::counted(section.records, "row")), width)
    };
    summary.sections.iter().map(line).collect()
}

/// A section's status. Of a failed scan it says which section failed, and which ones only ended with it.
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
        // Of a scan that failed no row counts, so none is odd.
        if summary.outcome != Outcome::Failed {
            lines.extend(oddities(section).map(|oddity| format!("{name}: {oddity}")));
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    // Where those left out would stand nowhere, none is.
    let elsewhere = match kept {
        Kept::Passed => Some("in the summary at the end of the rows"),
        _ if summary.outcome == Outcome::Failed => None,
        Kept::In(_) => Some("in the summary at the end of the rows"),
        Kept::Nowhere => Some("which --output would keep with the rows"),
    };
    let mut text = title("Worth a look", width);
    let shown = if elsewhere.is_some() { MAX_REMARKS } else { lines.len() };
    for line in lines.iter().take(shown) {
        text += &labelled("  - ", &printable(line), width);
    }
    if let Some(elsewhere) = elsewhere.filter(|_| lines.len() > shown) {
        text += &labelled("  - ", &format!("and {} more, {elsewhere}", lines.len() - shown), width);
    }
    text
}

/// Rows that were dropped or kept aside.
fn oddities(section: &SectionReport) -> Option<String> {
    let lost = match section.section {
        Section::LAST_LOGIN => "of the names in the log belong to no account",
        _ => "references lead to what is not in the scan, and are in no row",
    };
    let mut oddities = counts([("rows came twice and are taken once", section.duplicates)]);
    if section.dangling > 0 {
        let example = section.dangling_examples.first().map(|reference| match section.section {
            Section::LAST_LOGIN => format!(", such as {}", reference.to),
            _ => format!(", such as from {} to {}", reference.from, reference.to),
        });
        oddities.push(format!("{} {lost}{}", HumanCount(section.dangling), example.unwrap_or_default()));
    }
    (!oddities.is_empty()).then(|| oddities.join("; "))
}
