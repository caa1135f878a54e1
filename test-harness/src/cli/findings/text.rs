//! Findings as text: those of one kind together, under what to do about them.

use std::fmt::Write;

use connector_api::{Reason, Record, Severity};
use connector_store::Finding;
use indicatif::HumanCount;

use crate::cli::print::printable;
use crate::cli::reach::DISABLED;
use crate::cli::store::{day, shown};
use crate::cli::table::Table;
use crate::cli::{colour, name, paragraph};

/// The findings that no exception covers, in the order in which they come: the worst first and those of one code together.
/// `about` says which are asked for. Lines are wrapped to `width`, if there is one.
pub(super) fn listed(findings: &[&Finding], excepted: usize, about: &str, width: Option<usize>) -> String {
    let text = match findings.len() {
        0 => format!("There are no findings {about}.\n"),
        1 => format!("1 finding {about}: {}.\n", severities(findings)),
        several => format!("{} findings {about}: {}.\n", HumanCount(several as u64), severities(findings)),
    };
    let mut text = paragraph::fitted(&text, width);
    match excepted {
        0 => {}
        1 => text += "1 finding is excepted.\n",
        several => _ = writeln!(text, "{} findings are excepted.", HumanCount(several as u64)),
    }
    for alike in findings.chunk_by(|one, two| kind(&one.reason) == kind(&two.reason)) {
        text += &of_one_kind(alike, width);
    }
    text
}

/// What findings that are shown together have in common.
fn kind(reason: &Reason) -> (Severity, &str, &str) {
    (reason.severity, &reason.code, &reason.remedy)
}

/// Such as `2 critical, 17 high`.
fn severities(findings: &[&Finding]) -> String {
    let of_one = |alike: &[&Finding]| {
        let severity = alike.first().map_or("", |finding| finding.reason.severity.as_str());
        format!("{} {severity}", HumanCount(alike.len() as u64))
    };
    let counts = findings.chunk_by(|one, two| one.reason.severity == two.reason.severity).map(of_one);
    counts.collect::<Vec<_>>().join(", ")
}

fn of_one_kind(findings: &[&Finding], width: Option<usize>) -> String {
    let Some(Finding { reason, .. }) = findings.first() else { return String::new() };
    let severity = colour::severity(reason.severity, reason.severity.as_str().to_uppercase());
    let heading = format!(
        "\n{severity} {}: {}\n  {}\n",
        printable(&reason.code),
        HumanCount(findings.len() as u64),
        printable(&reason.remedy)
    );
    let mut table = Table::new(&["  ID", "SINCE", "FINDING"], &[]);
    for finding in findings {
        table.row([format!("  {}", finding.id), day(finding.since), fact(finding)]);
    }
    let table = width.map_or_else(|| table.render(0), |width| table.render_within(width));
    paragraph::fitted(&heading, width) + &table
}

/// Such as `ada: has no second factor set up`.
fn fact(finding: &Finding) -> String {
    // One that holds is not shown.
    let expired = finding.exception.as_ref().map_or_else(String::new, |exception| {
        let by = exception.by.as_ref().map_or_else(String::new, |by| format!(" by {by}"));
        format!(" (was excepted{by} until {}: {})", shown(exception.expires), exception.reason)
    });
    let mark = if enabled(&finding.record) == Some(false) { DISABLED } else { "" };
    format!("{}{mark}: {}{expired}", name::of(&finding.record), finding.reason.message)
}

/// Whether an account can be used, as far as it is known.
pub(super) fn enabled(record: &Record) -> Option<bool> {
    match record {
        Record::Account(account) => account.enabled,
        _ => None,
    }
}
