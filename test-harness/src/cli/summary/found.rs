//! How much was found.

use std::cmp::Reverse;

use connector_api::{Access, AccessLevel, AccountKind, ScanSummary, Section};
use indicatif::HumanCount;
use jiff::Timestamp;

use super::ends::{Ends, PrivilegedGrants};
use super::extent::{Extent, accounts_of_sections, owner_of};
use super::{counts, title, words};
use crate::cli::paragraph::{GLUE, labelled, listed};
use crate::cli::print::printable;
use connector_host::digest::{AccountCounts, Digest, Kinds, LastLogins, PolicyCounts};

/// How many of the largest groups are named.
const LARGEST_GROUPS: usize = 3;

/// The sections of resources.
const THINGS: [Section; 3] = [Section::SYSTEMS, Section::APPLICATIONS, Section::DIRECTORIES];

/// Below this width there is no room for columns.
pub(super) const NARROW: usize = 60;

/// Columns of a line's name, and of its number.
const NAME: usize = 18;
const NUMBER: usize = 7;

pub(super) fn render(summary: &ScanSummary, digest: &Digest, width: usize) -> String {
    let os_type = summary.os_type.as_str();
    let of = |section| Extent::of(summary, section);
    let line =
        |name: &str, extent: Extent, total: u64, details: Vec<String>| self::line(name, extent, total, details, width);
    let Digest { groups, memberships, resources, .. } = digest;
    let mut text = title("Found", width);
    for (section, kind) in accounts_of_sections(summary) {
        let counts = digest.accounts_of(&kind);
        let alone = counts.total.saturating_sub(counts.linked);
        let linked: &[_] = if kind == AccountKind::USER {
            &[("linked to an administrator", counts.linked)]
        } else if kind == AccountKind::ADMINISTRATOR {
            &[("linked to a user", counts.linked), ("not linked", alone)]
        } else {
            &[]
        };
        let extent = if section.core { Extent::Whole } else { of(section.section) };
        text += &line(&words::section(section.section), extent, counts.total, account_details(&counts, linked));
    }
    let mut details = kinds(&groups.by_type, os_type, "");
    details
        .extend(counts([("of them privileged", groups.privileged.total()), ("of them without members", groups.empty)]));
    text += &line("groups", Extent::Whole, groups.by_type.total(), details);
    text += &largest(digest, width);
    let mut details = kinds(memberships, os_type, "in ");
    details.extend(counts([("of them through nested groups", digest.nested_memberships)]));
    text += &line("memberships", Extent::Whole, memberships.total(), details);
    text += &things(summary, resources, width);
    let (ends, of_bindings) = (Ends::of(summary), bindings(&digest.bindings));
    let not_known = (ends == Ends::NotKnown).then(|| ends.words(0)).flatten();
    let bindings: Vec<String> = of_bindings.into_iter().chain(not_known.clone()).collect();
    text += &line("bindings", of(Section::GRANTS), digest.bindings.total(), bindings);
    let privileged = &digest.privileged_grants;
    let (of_privileged, of_other) = (of(Section::PRIVILEGED_GRANTS), of(Section::OTHER_GRANTS));
    let PrivilegedGrants { more_than_use, temporary, temporary_use } = PrivilegedGrants::of(digest);
    let (uses, others): (Vec<_>, Vec<_>) = privileged.iter().partition(|(access, _)| access.level <= AccessLevel::Use);
    let mut details = levels(others);
    details.extend(counts([("of them temporary", temporary)]));
    details.extend(not_known);
    text += &line("privileged grants", of_privileged, more_than_use, details);
    if temporary_use > 0 {
        text += &line("temporary use", of_privileged, temporary_use, levels(uses));
    }
    let (accounts, groups) = (digest.other_account_grants, digest.other_group_grants);
    text +=
        &line("other grants", of_other, accounts + groups, counts([("of accounts", accounts), ("of groups", groups)]));
    let policies = &digest.policies;
    let owner = owner_of(summary, "policy").map_or(Extent::Unknown, of);
    text += &line("policies", owner, policies.total, policy_details(policies));
    for (kind, count) in digest.further_records.iter() {
        text += &line(&printable(&words::kind(kind, os_type, 2)), Extent::Whole, count, Vec::new());
    }
    let logins = &digest.last_logins;
    let details = last_logins(logins, summary.finished_at);
    text += &line("last logins", of(Section::LAST_LOGIN), logins.known(), details);
    if digest.accounts.values().any(|counts| counts.linked > 0) {
        let linked = "Linked: accounts that may belong to the same person, by e-mail address or as the target reports.";
        text += &labelled("  ", linked, width);
    }
    if matches!(of(Section::GRANTS), Extent::Whole | Extent::Part) {
        let bindings =
            "A binding is what an administrator configured; a grant is what an account or group can use because of it.";
        text += &labelled("  ", bindings, width);
    }
    text + &longest_way(digest, width)
}

/// A name, how many were found, and details. What was not read has no number, not even 0.
fn line(name: &str, extent: Extent, total: u64, mut details: Vec<String>, width: usize) -> String {
    let number = match extent {
        Extent::Whole | Extent::Part => HumanCount(total).to_string(),
        Extent::NotRead | Extent::Skipped | Extent::NotSetUp => "–".to_owned(),
        Extent::Unknown => return String::new(),
    };
    match extent.lack() {
        Some(lack) if extent == Extent::Part => details.push(lack.to_owned()),
        Some(lack) => details = vec![lack.to_owned()],
        None => {}
    }
    fact(name, &number, &details, width)
}

/// A name, a number and details: in columns if the terminal is wide enough, else below each other.
fn fact(name: &str, number: &str, details: &[String], width: usize) -> String {
    if width < NARROW {
        let head = labelled("  ", &format!("{} {number}", name.trim_start()), width);
        return head + &listed("    ", details, ",", width);
    }
    let label = format!("  {name:<NAME$}{number:>NUMBER$}   ");
    if details.is_empty() { format!("{}\n", label.trim_end()) } else { listed(&label, details, ",", width) }
}

/// The resources, and which of them are missing.
fn things(summary: &ScanSummary, resources: &Kinds, width: usize) -> String {
    let all_are_unknown = THINGS.iter().all(|section| Extent::of(summary, *section) == Extent::Unknown);
    let extent = if all_are_unknown { Extent::Unknown } else { Extent::Whole };
    let mut details = kinds(resources, &summary.os_type, "");
    details.extend(missing_things(summary));
    line("resources", extent, resources.total(), details, width)
}

/// The sections of resources that are missing, each with the reason.
pub(super) fn missing_things(summary: &ScanSummary) -> impl Iterator<Item = String> {
    THINGS.into_iter().filter_map(|section| {
        let lack = Extent::of(summary, section).lack()?;
        Some(format!("{} {lack}", words::section(section)))
    })
}

fn account_details(accounts: &AccountCounts, linked: &[(&str, u64)]) -> Vec<String> {
    let details = [
        ("enabled", accounts.enabled),
        ("not enabled", accounts.disabled),
        ("locked", accounts.locked),
        ("without a second factor", accounts.without_mfa),
        ("with unknown second factor", accounts.mfa_unknown),
        ("non-human", accounts.non_human),
    ];
    counts(details.iter().chain(linked).copied())
}

fn kinds(kinds: &Kinds, os_type: &str, before: &str) -> Vec<String> {
    let of_kind = |(kind, count)| {
        format!(
            "{}{GLUE}{before}{}",
            HumanCount(count),
            words::kind(kind, os_type, if before.is_empty() { count } else { 2 })
        )
    };
    kinds.iter().map(of_kind).collect()
}

/// Bindings in plain words, by their ends.
fn bindings(bindings: &Kinds) -> Vec<String> {
    let words = |row_type: &str| match row_type {
        "accountToResource" => "of accounts".to_owned(),
        "localAccountToResource" => "of local accounts".to_owned(),
        "groupToResource" => "of groups".to_owned(),
        "resourceToResource" => "of resources in containers".to_owned(),
        "temporaryAccountToResource" => "of accounts for a limited time".to_owned(),
        "groupToGroup" => "of groups in groups".to_owned(),
        "temporaryGroupToResource" => "of groups for a limited time".to_owned(),
        other => words::spaced(other),
    };
    bindings.iter().map(|(row_type, count)| format!("{}{GLUE}{}", HumanCount(count), words(row_type))).collect()
}

fn levels(grants: Vec<(&Access, &u64)>) -> Vec<String> {
    let named: Vec<_> = grants.into_iter().map(|(access, count)| (words::access(access), *count)).collect();
    counts(named.iter().map(|(words, count)| (words.as_str(), *count)))
}

fn largest(digest: &Digest, width: usize) -> String {
    let groups = digest.groups.largest.iter().take(LARGEST_GROUPS).map(|(key, ())| key);
    let groups = groups.filter(|(members, _)| *members > 0);
    let names: Vec<String> =
        groups.map(|(members, Reverse(name))| format!("{} ({})", words::quoted(name), HumanCount(*members))).collect();
    if names.is_empty() {
        return String::new();
    }
    fact("  most members", "", &names, width)
}

pub(super) fn last_logins(logins: &LastLogins, now: Timestamp) -> Vec<String> {
    let mut details = counts([
        ("today", logins.between(now, 0, 0)),
        ("in the 7 days before that", logins.between(now, 1, 7)),
        ("between 8 and 30 days ago", logins.between(now, 8, 30)),
        ("earlier", logins.between(now, 31, i64::MAX)),
    ]);
    if let Some(since) = logins.since {
        details.push(format!(
            "no login of {} since {}",
            words::counted(logins.none_found, "account"),
            since.strftime("%F")
        ));
    }
    details.extend((logins.unknown > 0).then(|| format!("unknown for {}", words::counted(logins.unknown, "account"))));
    details
}

/// How many policies decide about sign-ins.
pub(super) fn policy_details(policies: &PolicyCounts) -> Vec<String> {
    counts([
        ("enforced", policies.enforced),
        ("only monitoring", policies.monitoring),
        ("not enabled", policies.disabled),
    ])
}

/// The longest path to administrator rights.
fn longest_way(digest: &Digest, width: usize) -> String {
    let Some(way) = &digest.longest_way else { return String::new() };
    let stops: Vec<String> = way
        .stops
        .iter()
        .enumerate()
        .map(|(at, stop)| if at == 0 { stop.clone() } else { format!("→ {stop}") })
        .collect();
    let whole = if digest.has_more_ways { " among the paths in the rows" } else { "" };
    let mut text = labelled("  ", &format!("Longest path {}{whole}:", words::access(&way.access)), width);
    text += &listed("    ", &stops, "", width);
    text
}
