//! Who is privileged: how many, by which evidence, and the worst of them.

use connector_api::{Mfa, ScanSummary, SectionStatus, Severity};
use console::{Alignment, StyledObject, measure_text_width, pad_str, style};
use indicatif::HumanCount;
use jiff::Timestamp;

use super::{WIDE, counts, title};
use crate::cli::paragraph::{GLUE, beside, labelled};
use crate::cli::print::printable;
use connector_host::digest::{Digest, LastSeen, Privileged, PrivilegedAccount, days_before};

/// How many sentences stand behind an account.
const REASONS: usize = 3;

/// Columns of a severity, of counts by severity, of a last login, and of a name at most.
const SEVERITY: usize = 8;
const COUNTS: usize = "999 critical, 999 high, 999 medium".len();
const LOGIN: usize = "last login 30 Nov 2026, 999 days ago".len();
const NAME: usize = 40;

pub(super) fn render(summary: &ScanSummary, digest: &Digest, width: usize) -> String {
    let now = summary.finished_at;
    let privileged = &digest.privileged;
    let mut text = lead(summary, digest, width);
    if privileged.accounts > 0 {
        text += &settings(privileged, width);
        text += &worst(privileged, now, width);
    }
    text + &evidence(privileged, &summary.os_type, width)
}

/// How many are privileged, in sentences.
fn lead(summary: &ScanSummary, digest: &Digest, width: usize) -> String {
    let Digest { users, administrators, privileged, .. } = digest;
    let all = users.total + administrators.total;
    if privileged.accounts == 0 {
        let sentence = format!("None of {} accounts shows evidence of privilege.", HumanCount(all));
        return format!("\n{}", labelled("", &sentence, width));
    }
    let by_severity = privileged.by_severity.iter().rev().map(|(severity, count)| (severity.as_str(), *count));
    let [accounts, usable, without] =
        [privileged.accounts, privileged.usable, privileged.usable_without_mfa].map(HumanCount);
    // What was not read may hold more evidence.
    let is_whole = summary.sections.iter().all(|section| section.status == SectionStatus::Complete);
    let sentences = format!(
        "{}{accounts} of {} accounts {} privileged: {}. {usable} of them can be used now; {without} of these {} no second \
         factor set up.",
        if is_whole { "" } else { "At least " },
        HumanCount(all),
        if privileged.accounts == 1 { "is" } else { "are" },
        counts(by_severity).join(", "),
        if privileged.usable_without_mfa == 1 { "has" } else { "have" },
    );
    format!("\n{}", labelled("", &sentences, width))
}

/// Whom each setting makes privileged, the one that makes most first.
fn settings(privileged: &Privileged, width: usize) -> String {
    let mut settings: Vec<_> = privileged.settings.iter().collect();
    settings.sort_by_key(|(setting, count)| (std::cmp::Reverse(count.accounts), *setting));
    if settings.is_empty() {
        return String::new();
    }
    let mut text = title("Privileged by a setting of this scan, which you can change", width);
    for (setting, count) in settings {
        let accounts = if count.accounts == 1 { "account" } else { "accounts" };
        let mut sentence =
            format!("{} \"{}\": {} {accounts}, ", setting.name, setting.value, HumanCount(count.accounts),);
        sentence += &match count.by_nothing_else {
            0 => "all by something else too".to_owned(),
            some => format!("{} of them by nothing else", HumanCount(some)),
        };
        if let Some((members, group)) = &count.widest_group {
            let members_of = if *members == 1 { "member" } else { "members" };
            sentence += &format!("; widest group: {group}, {} {members_of}", HumanCount(*members));
        }
        text += &labelled("  ", &printable(&sentence), width);
    }
    text
}

/// The worst accounts, and by what order they are that.
fn worst(privileged: &Privileged, now: Timestamp, width: usize) -> String {
    let accounts: Vec<_> = privileged.worst.iter().map(|(_, account)| account).collect();
    let heading = if privileged.accounts > accounts.len() as u64 {
        format!("The {} worst of the {} privileged accounts", accounts.len(), HumanCount(privileged.accounts))
    } else {
        "The privileged accounts, worst first".to_owned()
    };
    let mut text = title(&heading, width);
    let order =
        "By the gravest evidence; of equals, first those that can be used, then those with more grave evidence.";
    text += &labelled("", order, width);
    text.push('\n');
    text + &if width >= WIDE { wide(&accounts, now, width) } else { narrow(&accounts, now, width) }
}

fn name(account: &PrivilegedAccount) -> String {
    let remark = if account.enabled == Some(false) { " (not enabled)" } else { "" };
    printable(&account.username) + remark
}

fn date(time: Timestamp) -> String {
    time.strftime("%-d %b %Y").to_string()
}

/// When somebody last signed in, or since when not, behind words that say which.
fn last_login(account: &PrivilegedAccount, now: Timestamp) -> (&'static str, String) {
    match account.last_seen {
        LastSeen::At(at) => {
            let age = match days_before(at, now) {
                0 => "today".to_owned(),
                1 => "1 day ago".to_owned(),
                days => format!("{} days ago", HumanCount(days.unsigned_abs())),
            };
            ("last login", format!("{}, {age}", date(at)))
        }
        LastSeen::NoneSince(since) => ("no login", format!("since {}", date(since))),
        LastSeen::Unknown => ("last login", "not known".to_owned()),
    }
}

/// The first sentences of the evidence, and how many are left out.
fn reasons(account: &PrivilegedAccount) -> Vec<String> {
    let mut shown: Vec<String> = account.reasons.iter().take(REASONS).cloned().collect();
    let hidden = account.reasons.len().saturating_sub(REASONS);
    if hidden > 0 {
        shown.push(format!("{hidden}{GLUE}more"));
    }
    shown
}

fn narrow(accounts: &[&PrivilegedAccount], now: Timestamp, width: usize) -> String {
    let indent = " ".repeat(SEVERITY + 2);
    let rooms = width - indent.len() - LOGIN - 2;
    let mut text = String::new();
    for account in accounts {
        let (name, (what, when)) = (name(account), last_login(account, now));
        let login = format!("{what} {when}");
        let head = if measure_text_width(&name) <= rooms {
            vec![format!("{}  {login}", pad_str(&name, rooms, Alignment::Left, None))]
        } else {
            beside(&[(format!("{name}, {login}"), width - indent.len())])
        };
        text += &behind_severity(account.severity, &head);
        text += &labelled(&indent, &printable(&reasons(account).join("; ")), width);
    }
    text
}

fn wide(accounts: &[&PrivilegedAccount], now: Timestamp, width: usize) -> String {
    let login = |account: &PrivilegedAccount| match last_login(account, now) {
        ("no login", since) => format!("none {since}"),
        (_, when) => when,
    };
    let names = accounts.iter().map(|account| measure_text_width(&name(account)));
    let of_name = names.max().unwrap_or_default().clamp("ACCOUNT".len(), NAME);
    let columns = [of_name, LOGIN - "last login ".len(), "SECOND FACTOR".len()];
    let rest = width - SEVERITY - 2 - columns.iter().map(|column| column + 2).sum::<usize>();
    let row = |cells: [String; 4]| {
        let [one, two, three, four] = cells;
        beside(&[(one, columns[0]), (two, columns[1]), (three, columns[2]), (four, rest)])
    };
    let heading = row(["ACCOUNT", "LAST LOGIN", "SECOND FACTOR", "WHY"].map(str::to_owned));
    let mut text = format!("{}{}\n", " ".repeat(SEVERITY + 2), heading.join(""));
    for account in accounts {
        let why = printable(&reasons(account).join("; "));
        let lines = row([name(account), login(account), second_factor(account.mfa.as_ref()), why]);
        text += &behind_severity(account.severity, &lines);
    }
    text
}

/// Lines, the first behind the word of the severity.
fn behind_severity(severity: Severity, lines: &[String]) -> String {
    let indent = " ".repeat(SEVERITY);
    let line = |(at, line): (usize, &String)| match at {
        0 => format!("{}  {line}\n", self::severity(severity)),
        _ => format!("{indent}  {line}\n"),
    };
    lines.iter().enumerate().map(line).collect()
}

/// The second factor in plain words.
fn second_factor(mfa: Option<&Mfa>) -> String {
    let factor = |factor: &String| match factor.as_str() {
        "totp" => "app code".to_owned(),
        "webAuthn" => "security key".to_owned(),
        "push" => "app push".to_owned(),
        other => printable(other),
    };
    match mfa.and_then(|mfa| mfa.configured.map(|configured| (configured, &mfa.factors))) {
        None => "not known".to_owned(),
        Some((false, _)) => "not set up".to_owned(),
        Some((true, factors)) if factors.is_empty() => "set up".to_owned(),
        Some((true, factors)) => factors.iter().map(factor).collect::<Vec<_>>().join(", "),
    }
}

/// The word of a severity, as wide as the widest.
fn severity(severity: Severity) -> StyledObject<String> {
    let word = style(format!("{:<SEVERITY$}", severity.as_str().to_uppercase())).for_stderr();
    match severity {
        Severity::Critical => word.red().bold(),
        Severity::High => word.red(),
        Severity::Medium => word.yellow(),
        _ => word,
    }
}

/// Each kind of evidence: on how many accounts it was found, how grave it is there, and what to do.
fn evidence(privileged: &Privileged, os_type: &str, width: usize) -> String {
    let mut kinds: Vec<_> = privileged.evidence.iter().collect();
    // By how many accounts have it at the gravest severity, then at the next, and so on.
    let weight = |counts: &std::collections::BTreeMap<Severity, u64>| {
        counts.iter().rev().map(|(severity, count)| (*severity, *count)).collect::<Vec<_>>()
    };
    kinds.sort_by_key(|(code, count)| (std::cmp::Reverse(weight(&count.accounts)), *code));
    if kinds.is_empty() {
        return String::new();
    }
    let mut text = title("Evidence, gravest first: on how many accounts, and what to do about it", width);
    let longest = kinds.iter().map(|(code, _)| measure_text_width(code)).max().unwrap_or_default().min(NAME);
    for (code, count) in kinds {
        let by_severity = count.accounts.iter().rev().map(|(severity, count)| (severity.as_str(), *count));
        let by_severity = counts(by_severity).join(", ");
        let (code, remedy) = (printable(code), printable(&count.remedy));
        let number = format!("  {:>7}  ", HumanCount(count.total()).to_string());
        if width >= WIDE {
            let rest = width - number.len() - longest - COUNTS - 4;
            let lines = beside(&[(code, longest), (by_severity, COUNTS), (remedy, rest)]);
            let indent = " ".repeat(number.len());
            let start = |at: usize| if at == 0 { &number } else { &indent };
            text.extend(lines.iter().enumerate().map(|(at, line)| format!("{}{line}\n", start(at))));
        } else {
            text += &labelled(&number, &format!("{code}: {by_severity}"), width);
            text += &labelled(&" ".repeat(number.len()), &remedy, width);
        }
    }
    let command = format!("What each word means: harness describe --os-type {}", printable(os_type));
    text + &labelled("  ", &command, width)
}

#[cfg(test)]
mod tests {
    use connector_api::AccountKind;

    use super::*;

    #[test]
    fn a_last_login_has_its_date_and_its_age() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap_or_default();
        let now = time("2026-11-26T03:37:00Z");
        for (last_seen, words) in [
            (LastSeen::At(time("2026-11-26T01:00:00Z")), "last login 26 Nov 2026, today"),
            (LastSeen::At(time("2026-11-25T23:00:00Z")), "last login 25 Nov 2026, 1 day ago"),
            (LastSeen::At(time("2026-11-09T00:00:00Z")), "last login 9 Nov 2026, 17 days ago"),
            (LastSeen::NoneSince(time("2026-08-28T03:37:00Z")), "no login since 28 Aug 2026"),
            (LastSeen::Unknown, "last login not known"),
        ] {
            let account = PrivilegedAccount {
                username: String::new(),
                kind: AccountKind::USER,
                enabled: None,
                severity: Severity::Low,
                mfa: None,
                last_seen,
                reasons: Vec::new(),
            };
            let (what, when) = last_login(&account, now);
            assert_eq!(format!("{what} {when}"), words);
        }
    }
}
