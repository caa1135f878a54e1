//! How much was found, in a few lines.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use connector_api::{AccountKind, ScanSummary, Section, SectionReport, SectionStatus};
use console::{Alignment, pad_str};
use indicatif::HumanCount;

use super::ends::{Ends, PrivilegedGrants};
use super::extent::{Extent, accounts_of_sections, owner_of};
use super::found::{NARROW, missing_things, policy_details};
use super::{counts, sections, words};
use crate::cli::paragraph::{GLUE, labelled};
use crate::cli::print::printable;
use connector_host::digest::{Digest, LastLogins};

/// Width of a line's name.
const NAME: usize = "Worth a look".len();

/// How many types of resources are named; the others are counted together.
const TYPES: usize = 3;

/// One line for each kind of row, then the sections.
pub(super) fn render(summary: &ScanSummary, digest: &Digest, width: usize) -> String {
    let line = |name: &str, text: String| self::line(name, &text, width);
    let further = digest.further_records.iter().map(|(kind, count)| {
        let name = words::sentence(&printable(&words::kind(kind, &summary.os_type, 2)));
        line(&name, HumanCount(count).to_string())
    });
    [
        "\n".to_owned(),
        line("Accounts", accounts(summary, digest)),
        line("Groups", groups(summary, digest)),
        line("Resources", resources(summary, digest)),
        line("Access", access(summary, digest)),
        line("Policies", policies(summary, digest)),
        further.collect(),
        line("Last logins", logins(summary, digest)),
        line("Sections", sections(summary)),
    ]
    .concat()
}

/// Text after its name; nothing without text.
fn line(name: &str, text: &str, width: usize) -> String {
    match text {
        "" => String::new(),
        text if width < NARROW => labelled("", &format!("{name}: {text}"), width),
        text => labelled(&label(name), text, width),
    }
}

/// A name in its column.
pub(super) fn label(name: &str) -> String {
    format!("{}  ", pad_str(name, NAME, Alignment::Left, None))
}

/// The accounts by kind with the privileged ones, and the states that matter.
fn accounts(summary: &ScanSummary, digest: &Digest) -> String {
    let mut kinds: Vec<AccountKind> = Vec::new();
    let mut items = Vec::new();
    for (section, kind) in accounts_of_sections(summary) {
        let extent = Extent::of(summary, section.section);
        match (extent, extent.lack()) {
            (Extent::Part, Some(lack)) => items.push(format!("{}, {lack}", of_kind(&kind, digest, summary))),
            (_, None) => items.push(of_kind(&kind, digest, summary)),
            (Extent::NotRead | Extent::Skipped, Some(lack)) => {
                items.push(format!("{} {lack}", printable(&words::kind(kind.as_str(), &summary.os_type, 2))));
            }
            _ => {}
        }
        kinds.push(kind);
    }
    let others = digest.accounts.keys().filter(|kind| !kinds.contains(kind));
    items.extend(others.map(|kind| of_kind(kind, digest, summary)));
    let all = digest.all_accounts();
    let states = [("not enabled", all.disabled), ("locked", all.locked), ("without a second factor", all.without_mfa)];
    let parts = [items.join(", "), counts(states).join(", ")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

/// `8 administrators (6 privileged)`
fn of_kind(kind: &AccountKind, digest: &Digest, summary: &ScanSummary) -> String {
    let total = digest.accounts_of(kind).total;
    let accounts = counted(total, &words::kind(kind.as_str(), &summary.os_type, total));
    match digest.privileged.by_kind.get(kind) {
        None => accounts,
        Some(privileged) => format!("{accounts} ({}{GLUE}privileged)", HumanCount(*privileged)),
    }
}

/// `3 devices`, not broken across lines.
fn counted(count: u64, words: &str) -> String {
    format!("{}{GLUE}{}", HumanCount(count), printable(words))
}

/// Groups and roles, which are groups, too, each with the privileged ones.
fn groups(summary: &ScanSummary, digest: &Digest) -> String {
    let Digest { groups, memberships, .. } = digest;
    let words = |kind: &str, count| words::kind(kind, &summary.os_type, count);
    // Types with the same last word, such as the roles of different kinds of accounts, are counted together.
    let mut alike: BTreeMap<String, Vec<(&str, u64)>> = BTreeMap::new();
    for (kind, count) in groups.by_type.by_number() {
        let words = words(kind, 2);
        alike.entry(words.rsplit(' ').next().unwrap_or_default().to_owned()).or_default().push((kind, count));
    }
    let mut alike: Vec<_> = alike
        .into_iter()
        .map(|(last, types)| (types.iter().map(|(_, count)| count).sum::<u64>(), last, types))
        .collect();
    alike.sort_by_key(|(all, ..)| Reverse(*all));
    let of_types = alike.iter().map(|(all, last, types)| {
        let name = if let [(kind, _)] = types[..] { words(kind, *all) } else { last.clone() };
        match types.iter().map(|(kind, _)| groups.privileged.of(kind)).sum() {
            0 => counted(*all, &name),
            privileged => format!("{} ({}{GLUE}privileged)", counted(*all, &name), HumanCount(privileged)),
        }
    });
    let none = alike.is_empty().then(|| "none".to_owned());
    let groups: Vec<String> = of_types.chain(none).chain(counts([("empty", groups.empty)])).collect();
    let nested = counts([("nested", digest.nested_memberships)]);
    let memberships: Vec<String> =
        [words::counted(memberships.total(), "membership")].into_iter().chain(nested).collect();
    format!("{}; {}", groups.join(", "), memberships.join(", "))
}

/// The types of resources with the most, how many there are of the others, and what is missing.
fn resources(summary: &ScanSummary, digest: &Digest) -> String {
    let types = digest.resources.by_number();
    let shown = if types.len() == TYPES + 1 { TYPES + 1 } else { TYPES };
    let named =
        types.iter().take(shown).map(|(kind, count)| counted(*count, &words::kind(kind, &summary.os_type, *count)));
    let others: u64 = types.iter().skip(shown).map(|(_, count)| count).sum();
    let others = (others > 0).then(|| counted(others, "others"));
    named.chain(others).chain(missing_things(summary)).collect::<Vec<_>>().join(", ")
}

/// How many policies decide about sign-ins.
fn policies(summary: &ScanSummary, digest: &Digest) -> String {
    let extent = owner_of(summary, "policy").map_or(Extent::Unknown, |section| Extent::of(summary, section));
    let details = policy_details(&digest.policies);
    match (extent, extent.lack()) {
        (Extent::Unknown | Extent::NotSetUp, _) => String::new(),
        (Extent::NotRead | Extent::Skipped, Some(lack)) => lack.to_owned(),
        (_, None) if digest.policies.total == 0 => "none".to_owned(),
        (_, lack) => {
            let total = HumanCount(digest.policies.total).to_string();
            [total].into_iter().chain(details).chain(lack.map(str::to_owned)).collect::<Vec<_>>().join(", ")
        }
    }
}

/// Bindings and grants: how many are standing, and how many end by themselves.
fn access(summary: &ScanSummary, digest: &Digest) -> String {
    let ends = Ends::of(summary);
    let bindings = Edges {
        extent: Extent::of(summary, Section::GRANTS),
        thing: "binding",
        total: digest.bindings.total(),
        ends: ends.words(digest.temporary_bindings),
    };
    let PrivilegedGrants { more_than_use, temporary, temporary_use } = PrivilegedGrants::of(digest);
    let privileged = Edges {
        extent: Extent::of(summary, Section::PRIVILEGED_GRANTS),
        thing: "privileged grant",
        total: more_than_use,
        ends: ends.words(temporary),
    };
    // They are rows of the same section because they end, not because they are privileged.
    let use_that_ends = (temporary_use > 0).then(|| words::counted(temporary_use, "temporary grant") + " to use");
    // Those that a setting leaves out are named with the sections.
    let others = Edges {
        extent: Some(Extent::of(summary, Section::OTHER_GRANTS))
            .filter(|extent| *extent != Extent::Skipped)
            .unwrap_or(Extent::Unknown),
        thing: "other grant",
        total: digest.other_account_grants + digest.other_group_grants,
        ends: None,
    };
    let parts = [bindings.render(), privileged.render(), use_that_ends, others.render()];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Bindings or grants.
struct Edges {
    extent: Extent,
    thing: &'static str,
    total: u64,
    /// How many of them end by themselves.
    ends: Option<String>,
}

impl Edges {
    fn render(self) -> Option<String> {
        let Self { extent, thing, total, ends } = self;
        match (extent, extent.lack()) {
            (Extent::Unknown | Extent::NotSetUp, _) => return None,
            (Extent::NotRead | Extent::Skipped, Some(lack)) => return Some(format!("{thing}s {lack}")),
            (Extent::Part, Some(lack)) if total == 0 => return Some(format!("{thing}s {lack}")),
            _ if total == 0 => return Some(format!("no {thing}s")),
            _ => {}
        }
        let parts = [Some(words::counted(total, thing)), ends, extent.lack().map(str::to_owned)];
        Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

fn logins(summary: &ScanSummary, digest: &Digest) -> String {
    let extent = Extent::of(summary, Section::LAST_LOGIN);
    let LastLogins { none_found, since, unknown, .. } = &digest.last_logins;
    match (extent, extent.lack()) {
        (Extent::Unknown | Extent::NotSetUp, _) => return String::new(),
        (Extent::NotRead | Extent::Skipped, Some(lack)) => return lack.to_owned(),
        _ => {}
    }
    let between = |from, to| digest.last_logins.between(summary.finished_at, from, to);
    let mut items = counts([
        ("today", between(0, 0)),
        ("within 7 days", between(0, 7)),
        ("within 30 days", between(0, 30)),
        ("earlier", between(31, i64::MAX)),
    ]);
    items
        .extend(since.map(|since| {
            format!("none for {} since {}", words::counted(*none_found, "account"), since.strftime("%F"))
        }));
    items.extend((*unknown > 0).then(|| format!("not known for {}", HumanCount(*unknown))));
    items.extend(extent.lack().map(str::to_owned));
    items.join(", ")
}

/// How the sections ended. Those left out by settings, and those with nothing to read, are named.
fn sections(summary: &ScanSummary) -> String {
    let named = |why: &str, chosen: &dyn Fn(&SectionReport) -> bool| {
        let chosen = summary.sections.iter().filter(|report| chosen(report));
        let names: Vec<String> = chosen.map(|report| words::section(report.section)).collect();
        (!names.is_empty()).then(|| format!("{why}: {}", names.join(", ")))
    };
    let is_skipped = |report: &SectionReport| report.status == SectionStatus::Skipped;
    let parts = [
        (!summary.sections.is_empty()).then(|| sections::in_short(summary)),
        named("skipped", &|report| is_skipped(report) && !report.is_not_set_up()),
        named("not set up", &SectionReport::is_not_set_up),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}
