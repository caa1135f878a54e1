//! How completely each section was read, and what it cost.

use connector_api::{ConnectorError, ErrorCode, Outcome, ScanSummary, Section, SectionReport, SectionStatus};
use console::{measure_text_width, style};
use indicatif::{HumanBytes, HumanCount};

use super::{Kept, WIDE, counts, title, words};
use crate::cli::paragraph::{GLUE, labelled};
use crate::cli::print::printable;
use crate::cli::table::Table;

/// Columns of the word before what is missing.
const LABEL: usize = 10;

/// How many remarks are shown.
const MAX_REMARKS: usize = 10;

/// The first lines: how the scan ended, and what of it is missing.
pub(super) fn headline(summary: &ScanSummary, width: usize) -> String {
    let gaps = gaps(summary);
    let failed = summary.outcome == Outcome::Failed;
    let outcome = match summary.outcome {
        Outcome::Complete => style("complete".to_owned()).green(),
        Outcome::Incomplete => {
            let is_missing =
                |section: &Section| gaps.iter().any(|gap| gap.sections().any(|missing| missing == *section));
            let missing = summary.sections.iter().map(|report| report.section).filter(is_missing);
            let names: Vec<String> = missing.map(words::section).collect();
            style(format!("complete but for {}", words::and(&names))).yellow()
        }
        _ => style("failed, so nothing that it read counts".to_owned()).red(),
    };
    let elapsed = summary.finished_at.duration_since(summary.started_at).as_secs_f64().max(0.0);
    let bytes: u64 = summary.sections.iter().map(|section| section.bytes).sum();
    let head = format!(
        "{} {}: {}. {}, {}, {}, {elapsed:.1}{GLUE}s, on{GLUE}{} (UTC, as all dates here)",
        printable(&summary.os_type),
        printable(&summary.system),
        outcome.bold().for_stderr(),
        words::counted(summary.records(), "row"),
        words::counted(summary.requests(), "request"),
        HumanBytes(bytes).to_string().replace(' ', GLUE),
        summary.finished_at.strftime("%F"),
    );
    let mut text = format!("\n{}", labelled("", &head, width));
    for gap in &gaps {
        text += &format!("\n{}", if failed { gap.render("ALSO", width) } else { gap.render(gap.label(), width) });
    }
    if failed {
        return text;
    }
    if !gaps.is_empty() {
        let warning = "What is missing of these is not shown below, and may be there all the same.";
        text += &labelled(&" ".repeat(LABEL), warning, width);
    }
    let left_out = summary.sections.iter().filter(|section| section.status == SectionStatus::Skipped);
    let left_out: Vec<String> = left_out.map(|section| words::section_with_name(section.section)).collect();
    if !left_out.is_empty() {
        text += &format!(
            "\n{}",
            labelled(&format!("{:<LABEL$}", "LEFT OUT"), &format!("As set: {}.", left_out.join(", ")), width)
        );
    }
    text
}

/// Sections that are not complete for one and the same reason.
pub(super) struct Gap {
    not_read: Vec<Section>,
    in_part: Vec<Section>,
    error: ConnectorError,
}

/// What is missing. What several sections lack for one reason is one gap. Of a failed scan it is what failed in addition to
/// what ended it.
pub(super) fn gaps(summary: &ScanSummary) -> Vec<Gap> {
    let ended_by = Fault::of_scan(summary);
    let mut gaps: Vec<Gap> = Vec::new();
    let is_lacking = |section| summary.section(section).is_some_and(|report| report.status.error().is_some());
    // What is effective is made of the bindings: these stand for it.
    let effective = [Section::PRIVILEGED_GRANTS, Section::OTHER_GRANTS];
    let stands_for_itself =
        |report: &&SectionReport| !effective.contains(&report.section) || !is_lacking(Section::GRANTS);
    for report in summary.sections.iter().filter(stands_for_itself) {
        let Some(error) = report.status.error() else { continue };
        let Fault { error, .. } = Fault::of(error, summary);
        if ended_by.as_ref().is_some_and(|fault| fault.is(&error)) {
            continue;
        }
        let at = gaps.iter().position(|gap| gap.error == error).unwrap_or_else(|| {
            gaps.push(Gap { not_read: Vec::new(), in_part: Vec::new(), error });
            gaps.len() - 1
        });
        gaps[at].enter(report);
    }
    // What an account reaches is not whole where things to reach are missing: each time, whatever else is missing.
    if let Some(grants) = summary.section(Section::GRANTS).filter(|grants| grants.status.error().is_some())
        && ended_by.is_none()
    {
        let to_reach = [Section::SYSTEMS, Section::APPLICATIONS, Section::DIRECTORIES];
        let lack = gaps.iter_mut().filter(|gap| gap.sections().any(|section| to_reach.contains(&section)));
        lack.for_each(|gap| gap.enter(grants));
    }
    gaps
}

/// An error without the section that it names first, and that section.
struct Fault {
    section: Option<Section>,
    error: ConnectorError,
}

impl Fault {
    fn of(error: &ConnectorError, summary: &ScanSummary) -> Self {
        let mut error = error.clone();
        for section in summary.sections.iter().map(|report| report.section) {
            if let Some(cause) = error.message.strip_prefix(&format!("{section}: ")) {
                error.message = cause.to_owned();
                return Self { section: Some(section), error };
            }
        }
        Self { section: None, error }
    }

    /// Whether another error is this fault, or what came of it.
    fn is(&self, other: &ConnectorError) -> bool {
        let ends_all = matches!(self.error.code, ErrorCode::Cancelled | ErrorCode::Sink);
        self.error == *other || ends_all && self.error.code == other.code
    }

    /// What ended a scan that failed.
    fn of_scan(summary: &ScanSummary) -> Option<Self> {
        let error = summary.error.as_ref().filter(|_| summary.outcome == Outcome::Failed)?;
        Some(Self::of(error, summary))
    }
}

impl Gap {
    fn sections(&self) -> impl Iterator<Item = Section> {
        self.not_read.iter().chain(&self.in_part).copied()
    }

    fn enter(&mut self, report: &SectionReport) {
        if self.sections().any(|section| section == report.section) {
            return;
        }
        let not_read = matches!(report.status, SectionStatus::Unavailable { .. }) || report.records == 0;
        let sections = if not_read { &mut self.not_read } else { &mut self.in_part };
        sections.push(report.section);
    }

    fn label(&self) -> &'static str {
        if self.not_read.is_empty() { "IN PART" } else { "NOT READ" }
    }

    /// The error, with the sections that it concerns.
    pub(super) fn into_error(self) -> ConnectorError {
        let sections: Vec<String> = self.sections().map(|section| section.to_string()).collect();
        let sections = sections.join(", ");
        self.error.context(sections)
    }

    fn render(&self, label: &str, width: usize) -> String {
        let named = |sections: &[Section]| {
            words::and(&sections.iter().map(|section| words::section_with_name(*section)).collect::<Vec<_>>())
        };
        let what = match (&self.not_read[..], &self.in_part[..]) {
            ([], in_part) => named(in_part),
            (not_read, []) => named(not_read),
            (not_read, in_part) => format!("{}, and so only a part of {}", named(not_read), named(in_part)),
        };
        let ConnectorError { code, message, remedy, .. } = &self.error;
        let sentences = format!(
            "{}: {} [{code}]. {}.",
            words::sentence(&what),
            printable(message),
            words::sentence(&printable(remedy)),
        );
        let text = labelled(&format!("{label:<LABEL$}"), &sentences, width);
        text.replacen(label, &style(label).yellow().bold().for_stderr().to_string(), 1)
    }
}

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
