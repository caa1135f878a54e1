//! What a scan found, for a person at a terminal.

use std::collections::BTreeMap;
use std::fmt::Write;

use connector_api::{Access, AccountKind, Outcome, ScanSummary, SectionReport};
use console::{Term, measure_text_width, style, truncate_str};
use indicatif::{HumanBytes, HumanCount};

use super::print::{self, printable};
use super::table::Table;
use crate::host::digest::{AccountCounts, Digest};
use crate::host::run::ScanReport;

/// The width where there is no terminal to tell one.
const DEFAULT_WIDTH: usize = 140;

/// How many of the largest groups are named.
const LARGEST_GROUPS: usize = 5;

/// How many warnings, and examples of dangling references, are shown.
const MAX_LINES: usize = 10;

/// Prints the summary on standard error.
pub(super) fn print(report: &ScanReport) {
    let width = Term::stderr().size_checked().map_or(DEFAULT_WIDTH, |(_, columns)| usize::from(columns));
    print::note(render(report, width.max(60)).trim_end());
}

fn render(report: &ScanReport, width: usize) -> String {
    let ScanReport { summary, digest, .. } = report;
    let mut text = headline(summary);
    if report.error.is_none() {
        text += &found(digest, width);
        text += &privileged(digest, width);
        text += &evidence(digest, width);
    }
    text += &sections(summary);
    text += &remarks(summary, width);
    text
}

fn headline(summary: &ScanSummary) -> String {
    let elapsed = summary.finished_at.duration_since(summary.started_at).as_secs_f64().max(0.0);
    let outcome = match summary.outcome {
        Outcome::Complete => style("complete").green(),
        Outcome::Incomplete => style("core complete, an optional section is not").yellow(),
        Outcome::Failed => style("failed").red(),
    };
    let bytes: u64 = summary.sections.iter().map(|section| section.bytes).sum();
    let mut text = format!(
        "\n{} {}: {} in {elapsed:.1} s, {} rows, {} requests, {}\n",
        printable(&summary.os_type),
        printable(&summary.system),
        outcome.bold().for_stderr(),
        HumanCount(summary.records()),
        HumanCount(summary.requests()),
        HumanBytes(bytes),
    );
    for (name, value) in &summary.facts {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let _ = writeln!(text, "  {name}: {}", printable(&value));
    }
    text
}

fn found(digest: &Digest, width: usize) -> String {
    let mut lines: Vec<(&str, u64, Vec<String>)> = vec![
        ("users", digest.users.total, account_details(&digest.users)),
        ("administrators", digest.administrators.total, administrator_details(&digest.administrators)),
    ];
    let groups = &digest.groups;
    lines.push(("groups", groups.total, counts([("privileged", groups.privileged), ("empty", groups.empty)])));
    let largest: Vec<String> = groups
        .largest
        .iter()
        .take(LARGEST_GROUPS)
        .filter(|(members, _)| *members > 0)
        .map(|(members, name)| format!("{name} ({})", HumanCount(members)))
        .collect();
    let memberships = digest.direct_memberships + digest.nested_memberships;
    let nested = counts([("through a group in a group", digest.nested_memberships)]);
    lines.push(("memberships", memberships, nested));
    lines.push(("resources", digest.resources.total(), counts(digest.resources.iter())));
    lines.push(("account grants", digest.account_grants.values().sum(), levels(&digest.account_grants)));
    lines.push(("group grants", digest.group_grants.values().sum(), levels(&digest.group_grants)));

    let mut text = title("Found");
    for (name, total, details) in lines {
        text += &wrapped(&format!("  {name:<16}{:>9}   ", HumanCount(total).to_string()), &details, width);
        if name == "groups" && !largest.is_empty() {
            text += &wrapped(&format!("  {:<16}{:>9}   ", "", "largest:"), &largest, width);
        }
    }
    text
}

/// `start` and then the items, over as many lines as they need.
fn wrapped(start: &str, items: &[String], width: usize) -> String {
    let indent = measure_text_width(start);
    let mut lines = vec![start.to_owned()];
    for (at, item) in items.iter().enumerate() {
        let comma = if at + 1 < items.len() { "," } else { "" };
        let item = format!("{}{comma}", printable(item));
        match lines.last_mut() {
            Some(line) if measure_text_width(line) + measure_text_width(&item) < width || line.trim().is_empty() => {
                line.push_str(&item);
                line.push(' ');
            }
            _ => lines.push(format!("{}{item} ", " ".repeat(indent))),
        }
    }
    lines.iter().map(|line| format!("{}\n", truncate_str(line.trim_end(), width, "…"))).collect()
}

fn account_details(accounts: &AccountCounts) -> Vec<String> {
    counts([
        ("enabled", accounts.enabled),
        ("disabled", accounts.disabled),
        ("locked", accounts.locked),
        ("without MFA", accounts.without_mfa),
        ("with a stale key", accounts.stale_key),
        ("not human", accounts.non_human),
        ("linked", accounts.linked),
    ])
}

fn administrator_details(accounts: &AccountCounts) -> Vec<String> {
    let alone = accounts.total.saturating_sub(accounts.linked);
    let mut details = account_details(accounts);
    details.extend(counts([("without a directory user", alone)]));
    details
}

fn level(access: Access) -> &'static str {
    match access {
        Access::Login => "login",
        Access::Sudo => "sudo",
        Access::SudoWithoutPassword => "sudo without password",
        _ => "other",
    }
}

fn levels(grants: &BTreeMap<Access, u64>) -> Vec<String> {
    counts(grants.iter().map(|(access, count)| (level(*access), *count)))
}

/// `3 enabled`, `1 disabled`, without zeros.
fn counts<'a>(counts: impl IntoIterator<Item = (&'a str, u64)>) -> Vec<String> {
    let present = counts.into_iter().filter(|(_, count)| *count > 0);
    present.map(|(name, count)| format!("{} {name}", HumanCount(count))).collect()
}

fn privileged(digest: &Digest, width: usize) -> String {
    if digest.privileged_accounts == 0 {
        return String::new();
    }
    let mut text = title(&format!("Privileged accounts ({})", HumanCount(digest.privileged_accounts)));
    let name = |username: &str, kind| match kind {
        AccountKind::Administrator => format!("{} (administrator)", printable(username)),
        _ => printable(username),
    };
    let accounts: Vec<_> =
        digest.most_privileged.iter().map(|(_, account)| (name(&account.username, account.kind), account)).collect();
    let longest = accounts.iter().map(|(name, _)| measure_text_width(name)).max().unwrap_or_default().min(40);
    for (name, account) in &accounts {
        let name = console::pad_str(name, longest, console::Alignment::Left, Some("…"));
        let line = format!("  {name}  {}", printable(&account.reasons.join("; ")));
        let _ = writeln!(text, "{}", truncate_str(&line, width, "…"));
    }
    let hidden = digest.privileged_accounts.saturating_sub(accounts.len() as u64);
    if hidden > 0 {
        let _ = writeln!(text, "  and {} more", HumanCount(hidden));
    }
    text
}

/// Each kind of evidence with how many accounts it was found on and an example, and the longest way to be
/// administrator.
fn evidence(digest: &Digest, width: usize) -> String {
    if digest.evidence.is_empty() {
        return String::new();
    }
    let mut kinds: Vec<_> = digest.evidence.iter().collect();
    kinds.sort_by_key(|(code, evidence)| (std::cmp::Reverse(evidence.accounts), *code));
    let longest = kinds.iter().map(|(code, _)| measure_text_width(code)).max().unwrap_or_default().min(40);
    let mut text = title("Evidence");
    for (code, evidence) in kinds {
        let (count, example) = (HumanCount(evidence.accounts), format!("{} {}", evidence.example, evidence.message));
        let line = format!("  {:<longest$}{:>9}   e.g. {}", printable(code), count.to_string(), printable(&example));
        let _ = writeln!(text, "{}", truncate_str(&line, width, "…"));
    }
    if let Some(way) = &digest.longest_way {
        let stops: Vec<String> = way.stops.iter().map(|stop| printable(stop)).collect();
        let line = format!("  longest way: {} ({})", stops.join(" → "), level(way.access));
        let _ = writeln!(text, "{}", truncate_str(&line, width, "…"));
    }
    text
}

fn sections(summary: &ScanSummary) -> String {
    if summary.sections.is_empty() {
        return String::new();
    }
    let planned = summary.sections.iter().any(|section| section.planned_requests.is_some());
    let heading = ["SECTION", "STATUS", "ROWS", "REQUESTS", "RETRIES", "TIME", "PLANNED"];
    let shown = if planned { &heading[..] } else { &heading[..6] };
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
            row.push(section.planned_requests.map_or_else(String::new, |planned| HumanCount(planned).to_string()));
        }
        table.row(row);
    }
    title("Sections") + &table.render(2)
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
    let mut text = title("Worth a look");
    for line in lines.iter().take(MAX_LINES) {
        let line = printable(line);
        let _ = writeln!(text, "  {}", truncate_str(&line, width.saturating_sub(2), "…"));
    }
    if lines.len() > MAX_LINES {
        let _ = writeln!(text, "  and {} more in the summary of the output", lines.len() - MAX_LINES);
    }
    text
}

/// Rows that were dropped or kept aside.
fn oddities(section: &SectionReport) -> Option<String> {
    let counted = counts([("duplicates dropped", section.duplicates), ("dangling references", section.dangling)]);
    if counted.is_empty() {
        return None;
    }
    let example = section.dangling_examples.first();
    let example = example.map(|reference| format!(", such as {} → {}", reference.from, reference.to));
    Some(format!("{}: {}{}", section.section, counted.join(", "), example.unwrap_or_default()))
}

fn title(text: &str) -> String {
    format!("\n{}\n", style(text).bold().for_stderr())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_api::{Account, Group, Mfa, Reason, Section, SectionStatus};
    use jiff::Timestamp;

    use super::*;

    fn report() -> ScanReport {
        let mut digest = Digest::default();
        let ada = Account {
            username: "ada".into(),
            enabled: Some(true),
            mfa: Some(Mfa { configured: Some(false), ..Mfa::default() }),
            reasons: vec![Reason::new("sudo", "May become root\neverywhere."), Reason::new("x", "y".repeat(200))],
            ..Account::default()
        };
        digest.observe(&ada.into());
        digest.observe(&Group { name: "Crew".into(), member_count: Some(1234), ..Group::default() }.into());
        let mut users = SectionReport::new(Section::Users, SectionStatus::Complete);
        users.planned_requests = Some(3);
        let summary = ScanSummary {
            os_type: "Toy".into(),
            system: "here".into(),
            started_at: Timestamp::UNIX_EPOCH,
            finished_at: Timestamp::UNIX_EPOCH,
            outcome: Outcome::Complete,
            error: None,
            sections: vec![users],
            facts: BTreeMap::new(),
            warnings: vec!["look here".into()],
        };
        ScanReport { summary, digest, error: None, can_resume: false }
    }

    #[test]
    fn the_summary_names_counts_groups_privilege_sections_and_warnings() {
        let text = console::strip_ansi_codes(&render(&report(), 80)).into_owned();
        for expected in [
            "Toy here: complete in 0.0 s",
            "  users                   1   1 enabled, 1 without MFA\n",
            "largest:   Crew (1,234)",
            "  ada  May become root everywhere.; yyyy",
            "PLANNED",
            "  look here\n",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in\n{text}");
        }
        assert!(text.lines().all(|line| measure_text_width(line) <= 80), "{text}");
    }

    #[test]
    fn a_failed_scan_shows_no_counts_that_could_be_taken_for_the_whole() {
        let error = connector_api::ConnectorError::cancelled();
        let failed = ScanReport { error: Some(error), ..report() };
        assert!(!render(&failed, 80).contains("Found"));
    }
}
