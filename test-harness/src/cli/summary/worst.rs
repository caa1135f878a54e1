//! Who is privileged: how many, by which evidence, and the most severe of them.

use connector_api::{EvidenceRow, Mfa, Reason, ScanSummary, SectionStatus, Severity};
use console::{Alignment, StyledObject, measure_text_width, pad_str, style};
use indicatif::HumanCount;
use jiff::Timestamp;

use super::{WIDE, counts, title, words};
use crate::cli::paragraph::{GLUE, labelled, side_by_side};
use crate::cli::print::printable;
use connector_host::digest::{Digest, LastSeen, Privileged, PrivilegedAccount, days_before};

/// How many sentences are shown below an account, and how many in a column of their own.
const REASONS_BELOW: usize = 2;
const REASONS_IN_COLUMN: usize = 3;

/// The one code that is known here: the column of second factors already shows it. A target with another code for it only
/// shows it twice.
const WITHOUT_MFA: &str = "privileged_without_mfa";

/// Widths of a severity, of counts by severity, of a last login, and of a name at most.
const SEVERITY: usize = 8;
const COUNTS: usize = "999 critical, 999 high, 999 medium".len();
const LOGIN: usize = "last login 2026-11-30, 999 days ago".len();
const NAME: usize = 40;

pub(super) fn render(summary: &ScanSummary, digest: &Digest, meanings: &[EvidenceRow], width: usize) -> String {
    let now = summary.finished_at;
    let privileged = &digest.privileged;
    let mut text = lead(summary, digest, width);
    if privileged.accounts > 0 {
        text += &settings(privileged, width);
        text += &worst(privileged, now, width);
    }
    text + &evidence(privileged, meanings, &summary.os_type, width)
}

/// How many accounts are privileged, in sentences.
fn lead(summary: &ScanSummary, digest: &Digest, width: usize) -> String {
    let Digest { accounts, privileged, .. } = digest;
    let all = accounts.values().map(|counts| counts.total).sum();
    // What was not read may contain more evidence.
    let is_whole = summary.sections.iter().all(|section| section.status == SectionStatus::Complete);
    let all = words::counted(all, "account");
    let sentences = if privileged.accounts == 0 {
        format!("None of {all} has evidence of privilege{}.", if is_whole { "" } else { " in what was read" })
    } else {
        let by_severity = privileged.by_severity.iter().rev().map(|(severity, count)| (severity.as_str(), *count));
        format!(
            "{}{} of {all} {} privileged: {}. {}",
            if is_whole { "" } else { "At least " },
            HumanCount(privileged.accounts),
            if privileged.accounts == 1 { "is" } else { "are" },
            counts(by_severity).join(", "),
            usable(privileged),
        )
    };
    format!("\n{}", labelled("", &sentences, width))
}

/// How many privileged accounts can be used now, and how many of these have no second factor, as far as that is known.
fn usable(privileged: &Privileged) -> String {
    let Privileged { usable, usable_without_mfa: without, usable_mfa_unknown: unknown, .. } = *privileged;
    let known = format!(
        "{} of these {} no second factor set up",
        HumanCount(without),
        if without == 1 { "has" } else { "have" }
    );
    let mfa = match (without, unknown) {
        _ if usable == 0 => return "None of them can be used now.".to_owned(),
        (_, 0) => known,
        (0, unknown) if unknown == usable => "it is not known whether these have a second factor set up".to_owned(),
        (_, unknown) => format!("{known}, and for {} it is not known", HumanCount(unknown)),
    };
    format!("{} of them can be used now; {mfa}.", HumanCount(usable))
}

/// How many accounts each setting makes privileged, largest number first.
fn settings(privileged: &Privileged, width: usize) -> String {
    let mut settings: Vec<_> = privileged.settings.iter().collect();
    settings.sort_by_key(|(setting, count)| (std::cmp::Reverse(count.accounts), *setting));
    if settings.is_empty() {
        return String::new();
    }
    let mut text = title("Privileged by a setting that you can change", width);
    for (setting, count) in settings {
        let accounts = words::counted(count.accounts, "account");
        let mut sentence = format!("{} {}: {accounts}, ", setting.name, words::quoted(&setting.value));
        sentence += &match count.by_nothing_else {
            0 => "all of them also by other evidence".to_owned(),
            all if all == count.accounts => "only by this setting".to_owned(),
            some => format!("{} of them only by this setting", HumanCount(some)),
        };
        if let Some((members, group)) = &count.widest_group {
            let members = words::counted(*members, "member");
            sentence += &format!("; largest group: {}, {members}", words::quoted(group));
        }
        text += &labelled("  ", &printable(&sentence), width);
    }
    text
}

/// The most severe accounts, and how they are ordered.
fn worst(privileged: &Privileged, now: Timestamp, width: usize) -> String {
    let accounts: Vec<_> = privileged.worst.iter().map(|(_, account)| account).collect();
    let heading = if privileged.accounts > accounts.len() as u64 {
        format!("The {} most severe of the {} privileged accounts", accounts.len(), HumanCount(privileged.accounts))
    } else {
        "The privileged accounts, most severe first".to_owned()
    };
    let mut text = title(&heading, width);
    let order = "Ordered by the most severe evidence, then whether the account can be used now, then its other \
                 evidence, then name.";
    text += &labelled("", &format!("{order}{}", as_severe(privileged, &accounts)), width);
    text.push('\n');
    text + &if width >= WIDE { wide(&accounts, now, width) } else { narrow(&accounts, now, width) }
}

/// How many more are as severe as the last that is shown.
fn as_severe(privileged: &Privileged, shown: &[&PrivilegedAccount]) -> String {
    let Some(last) = shown.last() else { return String::new() };
    let shown = shown.iter().filter(|account| account.severity == last.severity).count() as u64;
    let all = privileged.by_severity.get(&last.severity).copied().unwrap_or_default();
    match all.saturating_sub(shown) {
        0 => String::new(),
        more => format!(" {} more {} {}.", HumanCount(more), if more == 1 { "is" } else { "are" }, last.severity),
    }
}

fn name(account: &PrivilegedAccount) -> String {
    let remark = match (account.enabled, account.locked) {
        (Some(false), _) => " (not enabled)",
        (_, Some(true)) => " (locked)",
        _ => "",
    };
    printable(&account.username) + remark
}

fn date(time: Timestamp) -> String {
    time.strftime("%F").to_string()
}

/// When an account last signed in, or since when it did not, after words that say which.
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

/// The first `shown` sentences of the evidence, and how many more there are.
fn sentences<'a>(reasons: impl Iterator<Item = &'a Reason>, shown: usize) -> String {
    let mut sentences: Vec<String> = reasons.map(|reason| printable(&reason.message)).collect();
    let hidden = sentences.len().saturating_sub(shown);
    if hidden > 0 {
        sentences.truncate(shown);
        sentences.push(format!("{hidden}{GLUE}more"));
    }
    sentences.join("; ")
}

fn narrow(accounts: &[&PrivilegedAccount], now: Timestamp, width: usize) -> String {
    let indent = " ".repeat(SEVERITY + 2);
    let rooms = width.saturating_sub(indent.len() + LOGIN + 2);
    let mut text = String::new();
    for account in accounts {
        let (name, (what, when)) = (name(account), last_login(account, now));
        let login = format!("{what} {when}");
        let head = if measure_text_width(&name) <= rooms {
            vec![format!("{}  {login}", pad_str(&name, rooms, Alignment::Left, None))]
        } else {
            side_by_side(&[(format!("{name}, {login}"), width - indent.len())])
        };
        text += &after_severity(account.severity, &head);
        text += &labelled(&indent, &sentences(account.reasons.iter(), REASONS_BELOW), width);
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
        side_by_side(&[(one, columns[0]), (two, columns[1]), (three, columns[2]), (four, rest)])
    };
    let heading = row(["ACCOUNT", "LAST LOGIN", "SECOND FACTOR", "WHY"].map(str::to_owned));
    let mut text = format!("{}{}\n", " ".repeat(SEVERITY + 2), heading.join(""));
    for account in accounts {
        let says_none = account.mfa.as_ref().and_then(|mfa| mfa.configured) == Some(false);
        let others = account.reasons.iter().filter(|reason| !(says_none && reason.code == WITHOUT_MFA));
        let why = sentences(others, REASONS_IN_COLUMN);
        let lines = row([name(account), login(account), second_factor(account.mfa.as_ref()), why]);
        text += &after_severity(account.severity, &lines);
    }
    text
}

/// Lines, the first after the severity.
fn after_severity(severity: Severity, lines: &[String]) -> String {
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

/// A severity, padded to the widest.
fn severity(severity: Severity) -> StyledObject<String> {
    let word = style(format!("{:<SEVERITY$}", severity.as_str().to_uppercase())).for_stderr();
    match severity {
        Severity::Critical => word.red().bold(),
        Severity::High => word.red(),
        Severity::Medium => word.yellow(),
        _ => word,
    }
}

/// Each kind of evidence: on how many accounts it was found, with which severities, and what it means.
fn evidence(privileged: &Privileged, meanings: &[EvidenceRow], os_type: &str, width: usize) -> String {
    let mut kinds: Vec<_> = privileged.evidence.iter().collect();
    // By the number of accounts at the highest severity, then at the next, and so on.
    let weight = |counts: &std::collections::BTreeMap<Severity, u64>| {
        counts.iter().rev().map(|(severity, count)| (*severity, *count)).collect::<Vec<_>>()
    };
    kinds.sort_by_key(|(code, count)| (std::cmp::Reverse(weight(&count.accounts)), *code));
    if kinds.is_empty() {
        return String::new();
    }
    let mut text = title("Evidence by number of accounts, most severe first", width);
    let longest = kinds.iter().map(|(code, _)| measure_text_width(code)).max().unwrap_or_default().min(NAME);
    let digits = kinds.iter().map(|(_, count)| HumanCount(count.total()).to_string().len()).max().unwrap_or_default();
    for (code, count) in kinds {
        let by_severity = count.accounts.iter().rev().map(|(severity, count)| (severity.as_str(), *count));
        let mut found = counts(by_severity).join(", ");
        if count.not_privileged > 0 {
            found += &format!(", {}{GLUE}of{GLUE}them{GLUE}not{GLUE}privileged", HumanCount(count.not_privileged));
        }
        let (code, meaning) = (printable(code), printable(meaning(meanings, code)));
        let number = format!("  {:>digits$}  ", HumanCount(count.total()).to_string());
        if width >= WIDE {
            let rest = width - number.len() - longest - COUNTS - 4;
            let lines = side_by_side(&[(code, longest), (found, COUNTS), (meaning, rest)]);
            let indent = " ".repeat(number.len());
            let start = |at: usize| if at == 0 { &number } else { &indent };
            text.extend(lines.iter().enumerate().map(|(at, line)| format!("{}{line}\n", start(at))));
        } else {
            let colon = if meaning.is_empty() { "" } else { ":" };
            text += &labelled(&number, &format!("{code} ({found}){colon} {meaning}"), width);
        }
    }
    let what_to_do = format!("Remedies for each: harness describe --os-type {}", printable(os_type));
    text + &labelled("  ", &what_to_do, width)
}

/// The first sentence of a code's meaning.
fn meaning<'a>(meanings: &'a [EvidenceRow], code: &str) -> &'a str {
    let row = meanings.iter().find(|row| row.code == code);
    row.and_then(|row| row.meaning.split(". ").next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use connector_api::AccountKind;

    use super::*;

    #[test]
    fn an_unknown_second_factor_is_not_reported_as_missing() {
        for (usable, without, unknown, words) in [
            (91, 0, 91, "91 of them can be used now; it is not known whether these have a second factor set up."),
            (91, 0, 0, "91 of them can be used now; 0 of these have no second factor set up."),
            (
                91,
                1,
                3,
                "91 of them can be used now; 1 of these has no second factor set up, and for 3 it is not known.",
            ),
            (0, 0, 0, "None of them can be used now."),
        ] {
            let (usable_without_mfa, usable_mfa_unknown) = (without, unknown);
            let privileged = Privileged { usable, usable_without_mfa, usable_mfa_unknown, ..Privileged::default() };
            assert_eq!(super::usable(&privileged), words);
        }
    }

    #[test]
    fn the_number_of_further_accounts_as_severe_as_the_last_is_shown() {
        let mut digest = Digest::default();
        for number in 0..15 {
            let severity = if number < 2 { Severity::Critical } else { Severity::High };
            let reasons =
                vec![Reason::new("power", connector_api::ReasonKind::Privilege, severity, "has power", "ask")];
            let username = format!("u{number:02}");
            let mut account = connector_api::Account::new("", username);
            account.reasons = reasons;
            digest.observe(&account.into());
        }
        let shown: Vec<_> = digest.privileged.worst.iter().map(|(_, account)| account).collect();
        assert_eq!(as_severe(&digest.privileged, &shown), " 5 more are high.");
        assert_eq!(as_severe(&digest.privileged, &shown[..2]), "");
    }

    #[test]
    fn an_account_that_cannot_be_used_now_is_marked_and_evidence_is_shown_with_its_meaning() {
        let mut digest = Digest::default();
        let power = Reason::new("power", connector_api::ReasonKind::Privilege, Severity::High, "has power", "ask");
        let left = Reason::new("left", connector_api::ReasonKind::Risk, Severity::Low, "is left", "remove it");
        for (username, enabled, locked, reasons) in [
            ("ada", true, true, vec![power.clone()]),
            ("bob", false, true, vec![power, left.clone()]),
            ("eve", false, false, vec![left]),
        ] {
            let (username, enabled, locked) = (username.to_owned(), Some(enabled), Some(locked));
            let mut account = connector_api::Account::new("", username);
            (account.enabled, account.locked, account.reasons) = (enabled, locked, reasons);
            digest.observe(&account.into());
        }
        let names: Vec<String> = digest.privileged.worst.iter().map(|(_, account)| name(account)).collect();
        assert_eq!(names, ["bob (not enabled)", "ada (locked)"]);
        let meanings = [EvidenceRow::new("left", connector_api::ReasonKind::Risk, [Severity::Low]).explained(
            "Is left over. Whoever it is",
            "remove it",
            "somewhere",
        )];
        let text = evidence(&digest.privileged, &meanings, "Toy", 80);
        assert!(text.contains("2  left (2 low, 1 of them not privileged): Is left over\n"), "{text}");
        assert!(text.contains("2  power (2 high)\n"), "{text}");
    }

    #[test]
    fn a_last_login_has_its_date_and_its_age() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap_or_default();
        let now = time("2026-11-26T03:37:00Z");
        for (last_seen, words) in [
            (LastSeen::At(time("2026-11-26T01:00:00Z")), "last login 2026-11-26, today"),
            (LastSeen::At(time("2026-11-25T23:00:00Z")), "last login 2026-11-25, 1 day ago"),
            (LastSeen::At(time("2026-11-09T00:00:00Z")), "last login 2026-11-09, 17 days ago"),
            (LastSeen::NoneSince(time("2026-08-28T03:37:00Z")), "no login since 2026-08-28"),
            (LastSeen::Unknown, "last login not known"),
        ] {
            let account = PrivilegedAccount {
                username: String::new(),
                kind: AccountKind::USER,
                enabled: None,
                locked: None,
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
