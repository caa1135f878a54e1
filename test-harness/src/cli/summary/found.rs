//! How much was found.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use connector_api::{Access, ScanSummary, Section, SectionStatus};
use indicatif::HumanCount;
use jiff::Timestamp;

use super::{counts, title, words};
use crate::cli::paragraph::{labelled, listed};
use crate::host::digest::{AccountCounts, Digest, Kinds, LastLogins};

/// How many of the largest groups are named.
const LARGEST_GROUPS: usize = 5;

/// Columns of a line's name, and of its number.
const NAME: usize = 18;
const NUMBER: usize = 7;

pub(super) fn render(summary: &ScanSummary, digest: &Digest, width: usize) -> String {
    let os_type = summary.os_type.as_str();
    let line = |name: &str, total: u64, details: Vec<String>| {
        let total = HumanCount(total).to_string();
        let label = format!("  {name:<NAME$}{total:>NUMBER$}   ");
        if details.is_empty() { format!("{}\n", label.trim_end()) } else { listed(&label, &details, ",", width) }
    };
    let Digest { users, administrators, groups, memberships, resources, .. } = digest;
    let mut text = title("Found");
    let linked = [("linked to an administrator", users.linked)];
    text += &line("users", users.total, account_details(users, &linked));
    let alone = administrators.total.saturating_sub(administrators.linked);
    let linked = [("linked to a user", administrators.linked), ("linked to none", alone)];
    text += &line("administrators", administrators.total, account_details(administrators, &linked));
    let mut details = kinds(&groups.by_type, os_type, "");
    details.extend(counts([("of them privileged", groups.privileged), ("of them without members", groups.empty)]));
    text += &line("groups", groups.by_type.total(), details);
    text += &largest(digest, width);
    let mut details = kinds(&memberships.clone(), os_type, "in ");
    details.extend(counts([("of them through a group in a group", digest.nested_memberships)]));
    text += &line("memberships", memberships.total(), details);
    text += &line("things to reach", resources.total(), kinds(resources, os_type, ""));
    let reads_grants = reads(summary, Section::Grants);
    if reads_grants {
        text += &line("grants to accounts", digest.account_grants.values().sum(), levels(&digest.account_grants));
        text += &line("grants to groups", digest.group_grants.values().sum(), levels(&digest.group_grants));
    }
    if reads(summary, Section::LastLogin) {
        let logins = &digest.last_logins;
        text += &line("last logins", logins.known(), last_logins(logins, summary.finished_at));
    }
    if users.linked + administrators.linked > 0 {
        let linked = "Linked are two accounts that may be one person's: they have one address, or the target says so.";
        text += &labelled("  ", linked, width);
    }
    if reads_grants {
        let access = "A grant is a pair: an account, or a group for all of its members, and one thing that it reaches.";
        text += &labelled("  ", access, width);
    }
    text + &longest_way(digest, width)
}

/// Whether a section was read, at least in part.
fn reads(summary: &ScanSummary, section: Section) -> bool {
    let report = summary.section(section);
    report.is_some_and(|report| matches!(report.status, SectionStatus::Complete | SectionStatus::Incomplete { .. }))
}

fn account_details(accounts: &AccountCounts, linked: &[(&str, u64)]) -> Vec<String> {
    let details = [
        ("enabled", accounts.enabled),
        ("not enabled", accounts.disabled),
        ("locked", accounts.locked),
        ("without a second factor", accounts.without_mfa),
        ("not a person", accounts.non_human),
    ];
    counts(details.iter().chain(linked).copied())
}

fn kinds(kinds: &Kinds, os_type: &str, before: &str) -> Vec<String> {
    let of_kind = |(kind, count)| {
        format!(
            "{} {before}{}",
            HumanCount(count),
            words::kind(kind, os_type, if before.is_empty() { count } else { 2 })
        )
    };
    kinds.iter().map(of_kind).collect()
}

fn levels(grants: &BTreeMap<Access, u64>) -> Vec<String> {
    counts(grants.iter().map(|(access, count)| (words::grant(*access), *count)))
}

fn largest(digest: &Digest, width: usize) -> String {
    let groups = digest.groups.largest.iter().take(LARGEST_GROUPS).map(|(key, ())| key);
    let groups = groups.filter(|(members, _)| *members > 0);
    let names: Vec<String> =
        groups.map(|(members, Reverse(name))| format!("{name} ({})", HumanCount(*members))).collect();
    if names.is_empty() {
        return String::new();
    }
    let label = format!("  {:<NAME$}{:>NUMBER$}   ", "  most members", "");
    listed(&label, &names, ",", width)
}

fn last_logins(logins: &LastLogins, now: Timestamp) -> Vec<String> {
    let mut details = counts([
        ("today", logins.between(now, 0, 0)),
        ("in the 7 days before that", logins.between(now, 1, 7)),
        ("between 8 and 30 days ago", logins.between(now, 8, 30)),
        ("earlier", logins.between(now, 31, i64::MAX)),
    ]);
    if let Some(since) = logins.since {
        details.push(format!(
            "none of {} accounts since {}",
            HumanCount(logins.none_found),
            since.strftime("%-d %b %Y")
        ));
    }
    details.extend(counts([("accounts of which nothing is known", logins.unknown)]));
    details
}

/// The way to administrator rights over the most steps.
fn longest_way(digest: &Digest, width: usize) -> String {
    let Some(way) = &digest.longest_way else { return String::new() };
    let stops: Vec<String> = way
        .stops
        .iter()
        .enumerate()
        .map(|(at, stop)| if at == 0 { stop.clone() } else { format!("→ {stop}") })
        .collect();
    let whole = if digest.has_more_ways { ", as far as the rows show ways" } else { "" };
    let mut text = labelled("  ", &format!("The longest way to be {}{whole}:", words::access(way.access)), width);
    text += &listed("    ", &stops, "", width);
    text
}
