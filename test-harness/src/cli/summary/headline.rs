//! The first lines: how the scan ended, and what is missing.

use connector_api::{ConnectorError, ErrorCode, Outcome, ScanSummary, Section, SectionReport, SectionStatus};
use console::style;
use indicatif::HumanBytes;

use super::{Form, words};
use crate::cli::paragraph::{GLUE, labelled};
use crate::cli::print::printable;

/// Width of the label before what is missing.
const LABEL: usize = 10;

/// How many warnings the short form shows.
const WARNINGS: usize = 10;

/// The first lines: how the scan ended, and what is missing.
pub(super) fn headline(summary: &ScanSummary, form: Form, width: usize) -> String {
    let gaps = gaps(summary);
    let failed = summary.outcome == Outcome::Failed;
    let outcome = match summary.outcome {
        Outcome::Complete => style("complete".to_owned()).green(),
        Outcome::Incomplete => {
            let is_missing =
                |section: &Section| gaps.iter().any(|gap| gap.sections().any(|missing| missing == *section));
            let missing = summary.sections.iter().map(|report| report.section).filter(is_missing);
            let names: Vec<String> = missing.map(words::section).collect();
            style(format!("complete except for {}", words::and(&names))).yellow()
        }
        _ => style("failed, so its rows do not count".to_owned()).red(),
    };
    let elapsed = summary.finished_at.duration_since(summary.started_at).as_secs_f64().max(0.0);
    let cost = match form {
        Form::Short => String::new(),
        Form::Long => {
            let bytes: u64 = summary.sections.iter().map(|section| section.bytes).sum();
            let bytes = HumanBytes(bytes).to_string().replace(' ', GLUE);
            format!(", {}, {bytes}", words::counted(summary.requests(), "request"))
        }
    };
    let head = format!(
        "{} {}: {}. {}{cost} in{GLUE}{elapsed:.1}{GLUE}s on{GLUE}{} (dates in UTC)",
        printable(&summary.os_type),
        printable(&summary.system),
        outcome.bold().for_stderr(),
        words::counted(summary.records(), "row"),
        summary.finished_at.strftime("%F"),
    );
    let mut text = format!("\n{}", labelled("", &head, width)) + &warnings(summary, form, width);
    for gap in &gaps {
        text += &format!("\n{}", if failed { gap.render("ALSO", width) } else { gap.render(gap.label(), width) });
    }
    if failed {
        return text;
    }
    if !gaps.is_empty() {
        let warning = "What was not read is not counted below, but may exist.";
        text += &labelled(&" ".repeat(LABEL), warning, width);
    }
    text + &skipped(summary, form, width)
}

/// The warnings: what makes the rows doubtful, although they were read. Each is shown; of more than anybody reads, the long
/// form alone shows the rest.
fn warnings(summary: &ScanSummary, form: Form, width: usize) -> String {
    let label = "WARNING";
    let warning = |warning: &str| {
        let text = labelled(&format!("{label:<LABEL$}"), &printable(warning), width);
        text.replacen(label, &style(label).yellow().bold().for_stderr().to_string(), 1)
    };
    let shown = if form == Form::Short { WARNINGS } else { usize::MAX };
    let mut text: String = summary.warnings.iter().take(shown).map(|text| warning(text)).collect();
    let hidden = summary.warnings.len().saturating_sub(shown);
    if hidden > 0 {
        text += &warning(&format!("and {hidden} more with --details"));
    }
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// The sections that were left out. The short form is silent about effective grants, which hold nothing that other rows
/// do not say, and about what is not set up.
fn skipped(summary: &ScanSummary, form: Form, width: usize) -> String {
    let reports = || summary.sections.iter().filter(|report| report.status == SectionStatus::Skipped);
    let names = |wanted: fn(&SectionReport) -> bool| -> Vec<String> {
        reports().filter(|report| wanted(report)).map(|report| words::section_with_name(report.section)).collect()
    };
    let matters = |report: &SectionReport| !report.is_not_set_up() && !words::is_effective(report.section);
    if form == Form::Short && !reports().any(matters) {
        return String::new();
    }
    let groups = [
        ("By settings", names(|report| !report.is_not_set_up() && !is_withheld(report))),
        ("Not available here", names(is_withheld)),
        ("Not set up", names(SectionReport::is_not_set_up)),
    ];
    let groups = groups.into_iter().filter(|(_, names)| !names.is_empty());
    let sentences: Vec<String> = groups.map(|(why, names)| format!("{why}: {}.", names.join(", "))).collect();
    if sentences.is_empty() {
        return String::new();
    }
    format!("\n{}", labelled(&format!("{:<LABEL$}", "SKIPPED"), &sentences.join(" "), width))
}

/// Whether the target was asked and does not show the section here. What a setting or the request leaves out costs no request.
fn is_withheld(report: &SectionReport) -> bool {
    report.requests > 0 && !report.notes.is_empty() && !report.is_not_set_up()
}

/// Sections that are not complete for one and the same reason.
pub(super) struct Gap {
    not_read: Vec<Section>,
    in_part: Vec<Section>,
    error: ConnectorError,
}

/// What is missing. Sections that are not complete for the same reason are one gap. For a failed scan: what failed in
/// addition to the error that ended it.
pub(super) fn gaps(summary: &ScanSummary) -> Vec<Gap> {
    let ended_by = Fault::of_scan(summary);
    let mut gaps: Vec<Gap> = Vec::new();
    for report in &summary.sections {
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
    // A section drawn from others is named with each of those that is not complete, since each is a reason.
    if ended_by.is_none() {
        for report in summary.sections.iter().filter(|report| report.status.error().is_some()) {
            let sources = drawn_from(summary, report.section);
            let affected = gaps.iter_mut().filter(|gap| gap.sections().any(|section| sources.contains(&section)));
            affected.for_each(|gap| gap.enter(report));
        }
    }
    gaps
}

/// The sections whose rows one is drawn from.
fn drawn_from(summary: &ScanSummary, section: Section) -> &[Section] {
    let described = summary.described.iter().find(|described| described.section == section);
    described.map_or(&[], |described| &described.drawn_from)
}

/// An error without the section at the start of its message, and that section.
pub(super) struct Fault {
    pub(super) section: Option<Section>,
    pub(super) error: ConnectorError,
}

impl Fault {
    pub(super) fn of(error: &ConnectorError, summary: &ScanSummary) -> Self {
        let mut error = error.clone();
        for section in summary.sections.iter().map(|report| report.section) {
            if let Some(cause) = error.message.strip_prefix(&format!("{section}: ")) {
                error.message = cause.to_owned();
                return Self { section: Some(section), error };
            }
        }
        Self { section: None, error }
    }

    /// Whether another error is this fault or a consequence of it.
    pub(super) fn is(&self, other: &ConnectorError) -> bool {
        let ends_all = matches!(self.error.code, ErrorCode::Cancelled | ErrorCode::Sink);
        self.error == *other || ends_all && self.error.code == other.code
    }

    /// The error that ended a failed scan.
    pub(super) fn of_scan(summary: &ScanSummary) -> Option<Self> {
        let error = summary.error.as_ref().filter(|_| summary.outcome == Outcome::Failed)?;
        Some(Self::of(error, summary))
    }
}

impl Gap {
    fn sections(&self) -> impl Iterator<Item = Section> {
        self.not_read.iter().chain(&self.in_part).copied()
    }

    fn enter(&mut self, report: &SectionReport) {
        if self.sections().any(|section| section == report.section || words::covers(section, report.section)) {
            return;
        }
        let not_read = matches!(report.status, SectionStatus::Unavailable { .. }) || report.records == 0;
        let sections = if not_read { &mut self.not_read } else { &mut self.in_part };
        sections.push(report.section);
    }

    fn label(&self) -> &'static str {
        if self.not_read.is_empty() { "PARTIAL" } else { "NOT READ" }
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
            (not_read, in_part) => format!("{}, and therefore part of {}", named(not_read), named(in_part)),
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
