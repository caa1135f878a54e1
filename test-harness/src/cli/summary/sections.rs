//! How completely each section was read, and what it cost.

use connector_api::{ConnectorError, Outcome, ScanSummary, Section, SectionReport, SectionStatus};
use console::style;
use indicatif::{HumanBytes, HumanCount};

use super::{counts, title, words};
use crate::cli::paragraph::labelled;
use crate::cli::print::printable;
use crate::cli::table::Table;

/// Columns of the word before what is missing.
const LABEL: usize = 10;

/// How many remarks are shown.
const MAX_REMARKS: usize = 10;

/// The first lines: how the scan ended, and what of it is missing.
pub(super) fn headline(summary: &ScanSummary, width: usize) -> String {
    let gaps = gaps(summary);
    let outcome = match summary.outcome {
        Outcome::Complete => style("complete".to_owned()).green(),
        Outcome::Incomplete => {
            let names: Vec<String> =
                gaps.iter().flat_map(Gap::sections).map(words::section).map(str::to_owned).collect();
            style(format!("complete but for {}", words::and(&names))).yellow()
        }
        _ => style("failed, so nothing that it read counts".to_owned()).red(),
    };
    let elapsed = summary.finished_at.duration_since(summary.started_at).as_secs_f64().max(0.0);
    let bytes: u64 = summary.sections.iter().map(|section| section.bytes).sum();
    let head = format!(
        "{} {}: {}. {} rows, {} requests, {}, {elapsed:.1} s",
        printable(&summary.os_type),
        printable(&summary.system),
        outcome.bold().for_stderr(),
        HumanCount(summary.records()),
        HumanCount(summary.requests()),
        HumanBytes(bytes),
    );
    let mut text = format!("\n{}", labelled("", &head, width));
    if summary.outcome == Outcome::Failed {
        return text;
    }
    for gap in &gaps {
        text += &format!("\n{}", gap.render(width));
    }
    if !gaps.is_empty() {
        let warning = "That nothing of these is shown below does not mean that there is nothing.";
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

/// What is missing. What several sections lack for one reason is one gap.
pub(super) fn gaps(summary: &ScanSummary) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for report in &summary.sections {
        let Some(error) = report.status.error() else { continue };
        let mut error = error.clone();
        // A section that lacks what another one lacks names that one.
        let mut sections = summary.sections.iter().map(|report| report.section);
        let cause = sections.find_map(|section| error.message.strip_prefix(section.as_str())?.strip_prefix(": "));
        if let Some(cause) = cause {
            error.message = cause.to_owned();
        }
        let at = gaps.iter().position(|gap| gap.error == error).unwrap_or_else(|| {
            gaps.push(Gap { not_read: Vec::new(), in_part: Vec::new(), error });
            gaps.len() - 1
        });
        let not_read = matches!(report.status, SectionStatus::Unavailable { .. }) || report.records == 0;
        let sections = if not_read { &mut gaps[at].not_read } else { &mut gaps[at].in_part };
        sections.push(report.section);
    }
    gaps
}

impl Gap {
    fn sections(&self) -> impl Iterator<Item = Section> {
        self.not_read.iter().chain(&self.in_part).copied()
    }

    /// The error, with the sections that it concerns.
    pub(super) fn into_error(self) -> ConnectorError {
        let sections: Vec<String> = self.sections().map(|section| section.to_string()).collect();
        let sections = sections.join(", ");
        self.error.context(sections)
    }

    fn render(&self, width: usize) -> String {
        let named = |sections: &[Section]| {
            words::and(&sections.iter().map(|section| words::section_with_name(*section)).collect::<Vec<_>>())
        };
        let (label, what) = match (&self.not_read[..], &self.in_part[..]) {
            ([], in_part) => ("IN PART", named(in_part)),
            (not_read, []) => ("NOT READ", named(not_read)),
            (not_read, in_part) => {
                ("NOT READ", format!("{}, and so only a part of {}", named(not_read), named(in_part)))
            }
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

/// The table of sections, and what there is to remark.
pub(super) fn render(summary: &ScanSummary, width: usize) -> String {
    table(summary, width) + &remarks(summary, width)
}

fn table(summary: &ScanSummary, width: usize) -> String {
    if summary.sections.is_empty() {
        return String::new();
    }
    let planned = summary.sections.iter().any(|section| section.planned_requests.is_some());
    let heading = ["SECTION", "STATUS", "ROWS", "REQUESTS", "REPEATED", "TIME", "PLANNED"];
    let shown = match (planned, width) {
        (_, ..80) => &heading[..4],
        (false, _) => &heading[..6],
        (true, _) => &heading[..],
    };
    let mut table = Table::new(shown, &[2, 3, 4, 5, 6]);
    for section in &summary.sections {
        let mut row = vec![
            section.section.to_string(),
            section.status.as_str().to_owned(),
            HumanCount(section.records).to_string(),
            HumanCount(section.requests).to_string(),
            HumanCount(section.retries).to_string(),
            format!("{:.1} s", section.duration_ms as f64 / 1000.0),
        ];
        if planned {
            row.push(
                section.planned_requests.map_or_else(|| "–".to_owned(), |planned| HumanCount(planned).to_string()),
            );
        }
        row.truncate(shown.len());
        table.row(row);
    }
    let text = title("Sections", width) + &table.render(2);
    if summary.outcome == Outcome::Failed {
        return text;
    }
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

fn remarks(summary: &ScanSummary, width: usize) -> String {
    let mut lines: Vec<String> = summary.warnings.clone();
    for section in &summary.sections {
        lines.extend(section.notes.iter().map(|note| format!("{}: {note}", section.section)));
        lines.extend(oddities(section));
    }
    if lines.is_empty() {
        return String::new();
    }
    let mut text = title("Worth a look", width);
    for line in lines.iter().take(MAX_REMARKS) {
        text += &labelled("  - ", &printable(line), width);
    }
    if lines.len() > MAX_REMARKS {
        text +=
            &labelled("  - ", &format!("and {} more, in the summary of the rows", lines.len() - MAX_REMARKS), width);
    }
    text
}

/// Rows that were dropped or kept aside.
fn oddities(section: &SectionReport) -> Option<String> {
    let counted = counts([
        ("rows that came twice and are taken once", section.duplicates),
        ("references to what is not in the scan, kept aside", section.dangling),
    ]);
    if counted.is_empty() {
        return None;
    }
    let example = section.dangling_examples.first();
    let example = example.map(|reference| format!(", such as from {} to {}", reference.from, reference.to));
    Some(format!("{}: {}{}", section.section, counted.join(", "), example.unwrap_or_default()))
}
