//! The kinds of evidence: how often each was found, and what it means.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use connector_api::{EvidenceRow, Severity};
use console::measure_text_width;
use indicatif::HumanCount;

use super::{WIDE, counts, title};
use crate::cli::paragraph::{GLUE, first_that_fit, labelled, side_by_side};
use crate::cli::print::printable;
use connector_host::digest::{Digest, EvidenceCount};

/// Widths of a code at most, and of counts by severity.
const CODE: usize = 40;
const COUNTS: usize = "999 critical, 999 high, 999 medium".len();

/// The number of findings, and in `lines` lines the kinds with the most severe of them. Of resources the number alone, if
/// accounts have evidence, too.
pub(super) fn short(digest: &Digest, meanings: &[EvidenceRow], os_type: &str, lines: usize, width: usize) -> String {
    let of_accounts = most_severe_first(&digest.privileged.evidence);
    let of_resources = most_severe_first(&digest.resource_evidence);
    let (what, kinds, others) = match (&of_accounts[..], &of_resources[..]) {
        ([], []) => return String::new(),
        ([], kinds) => ("resources", kinds, &[][..]),
        (kinds, others) => ("all accounts", kinds, others),
    };
    let mut text = title(&format!("Evidence on {what}: {}", all(kinds)), width);
    let digits = digits(kinds);
    let kinds_in_lines = kinds.iter().map(|(code, count)| {
        let number = format!("  {:>digits$}  ", HumanCount(count.total()).to_string());
        let meaning = Some(meaning(meanings, code)).filter(|meaning| !meaning.is_empty()).unwrap_or(code);
        labelled(&number, &format!("{} ({})", printable(meaning), by_severity(count)), width)
    });
    let shown = first_that_fit(kinds_in_lines, 1, lines);
    text += &shown.concat();
    if !others.is_empty() {
        text += &labelled("  ", &format!("On resources: {}", all(others)), width);
    }
    let more = match kinds.len() - shown.len() + others.len() {
        0 => "Remedies".to_owned(),
        1 => "1 more kind with --details; remedies".to_owned(),
        more => format!("{more} more kinds with --details; remedies"),
    };
    text + &labelled("  ", &format!("{more}: harness describe --os-type {}", printable(os_type)), width)
}

/// Each kind of evidence: on how many accounts and resources it was found, with which severities, and what it means.
pub(super) fn long(digest: &Digest, meanings: &[EvidenceRow], os_type: &str, width: usize) -> String {
    let of_accounts = table("accounts", &digest.privileged.evidence, meanings, width);
    let of_resources = table("resources", &digest.resource_evidence, meanings, width);
    if of_accounts.is_empty() && of_resources.is_empty() {
        return String::new();
    }
    let what_to_do = format!("Remedies for each: harness describe --os-type {}", printable(os_type));
    of_accounts + &of_resources + &labelled("  ", &what_to_do, width)
}

/// Each kind of evidence on one kind of rows.
fn table(of: &str, evidence: &BTreeMap<String, EvidenceCount>, meanings: &[EvidenceRow], width: usize) -> String {
    let kinds = most_severe_first(evidence);
    if kinds.is_empty() {
        return String::new();
    }
    let mut text = title(&format!("Evidence by number of {of}, most severe first"), width);
    let longest = kinds.iter().map(|(code, _)| measure_text_width(code)).max().unwrap_or_default().min(CODE);
    let digits = digits(&kinds);
    for (code, count) in kinds {
        let found = by_severity(count);
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
    text
}

/// The findings of all kinds, by severity.
fn all(kinds: &[(&str, &EvidenceCount)]) -> String {
    let mut all: BTreeMap<Severity, u64> = BTreeMap::new();
    for (severity, count) in kinds.iter().flat_map(|(_, count)| &count.by_severity) {
        *all.entry(*severity).or_default() += count;
    }
    counts(all.iter().rev().map(|(severity, count)| (severity.as_str(), *count))).join(", ")
}

/// The first sentence of a code's meaning.
fn meaning<'a>(meanings: &'a [EvidenceRow], code: &str) -> &'a str {
    let row = meanings.iter().find(|row| row.code == code);
    row.and_then(|row| row.meaning.split(". ").next()).unwrap_or_default()
}

/// The kinds of evidence by the number of rows at the highest severity, then at the next, and so on.
fn most_severe_first(evidence: &BTreeMap<String, EvidenceCount>) -> Vec<(&str, &EvidenceCount)> {
    let weight = |counts: &BTreeMap<Severity, u64>| {
        counts.iter().rev().map(|(severity, count)| (*severity, *count)).collect::<Vec<_>>()
    };
    let mut kinds: Vec<_> = evidence.iter().map(|(code, count)| (code.as_str(), count)).collect();
    kinds.sort_by_key(|(code, count)| (Reverse(weight(&count.by_severity)), *code));
    kinds
}

/// The rows with one kind of evidence, by severity.
fn by_severity(count: &EvidenceCount) -> String {
    let by_severity = count.by_severity.iter().rev().map(|(severity, count)| (severity.as_str(), *count));
    let mut found = counts(by_severity).join(", ");
    if count.not_privileged > 0 {
        found += &format!(", {}{GLUE}of{GLUE}them{GLUE}not{GLUE}privileged", HumanCount(count.not_privileged));
    }
    found
}

/// The width of the largest number.
fn digits(kinds: &[(&str, &EvidenceCount)]) -> usize {
    kinds.iter().map(|(_, count)| HumanCount(count.total()).to_string().len()).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use connector_api::{Account, Reason, ReasonKind, Resource};

    use super::*;

    #[test]
    fn evidence_is_shown_with_its_meaning_and_without_one_by_its_code() {
        let mut digest = Digest::default();
        let power = Reason::new("power", ReasonKind::Privilege, Severity::High, "has power", "ask");
        let left = Reason::new("left", ReasonKind::Risk, Severity::Low, "is left", "remove it");
        for (username, reasons) in
            [("ada", vec![power.clone()]), ("bob", vec![power, left.clone()]), ("eve", vec![left])]
        {
            let mut account = Account::new("", username);
            account.reasons = reasons;
            digest.observe(&account.into());
        }
        let meanings = [EvidenceRow::new("left", ReasonKind::Risk, [Severity::Low]).explained(
            "Is left over. Whoever it is",
            "remove it",
            "somewhere",
        )];
        let text = long(&digest, &meanings, "Toy", 80);
        assert!(text.contains("2  left (2 low, 1 of them not privileged): Is left over\n"), "{text}");
        assert!(text.contains("2  power (2 high)\n"), "{text}");
        let text = short(&digest, &meanings, "Toy", 6, 80);
        let text = text.replace(GLUE, " ");
        let expected = "Evidence on all accounts: 2 high, 2 low\n  2  power (2 high)\n  \
                        2  Is left over (2 low, 1 of them not privileged)\n  \
                        Remedies: harness describe --os-type Toy\n";
        assert_eq!(console::strip_ansi_codes(text.trim_start()), expected);
    }

    #[test]
    fn the_short_form_names_the_kinds_with_the_most_severe_findings_and_counts_the_others() {
        let shown = |kinds: usize| {
            let mut account = Account::new("", "ada");
            let reason = |n| Reason::new(format!("code{n}"), ReasonKind::Privilege, Severity::Low, "is", "ask");
            account.reasons = (0..kinds).map(reason).collect();
            account.reasons.push(Reason::new("worst", ReasonKind::Risk, Severity::Critical, "is", "ask"));
            let mut digest = Digest::default();
            digest.observe(&account.into());
            short(&digest, &[], "Toy", 6, 80)
        };
        let (six, nine) = (shown(5), shown(8));
        assert!(six.contains("\n  1  worst (1 critical)\n"), "{six}");
        assert!(six.contains("code4") && six.contains("\n  Remedies: "), "{six}");
        assert!(!nine.contains("code5") && nine.contains("\n  3 more kinds with --details; remedies"), "{nine}");
    }

    #[test]
    fn evidence_on_resources_has_a_line_and_with_details_a_table() {
        let risk = |code: &str, severity| Reason::new(code, ReasonKind::Risk, severity, "is odd", "mend it");
        let mut digest = Digest::default();
        for (severity, code) in [(Severity::High, "broken"), (Severity::Low, "open"), (Severity::Low, "open")] {
            let mut resource = Resource::new("1", "system", "box");
            resource.reasons = vec![risk(code, severity)];
            digest.observe(&resource.into());
        }
        let short = |digest: &Digest| short(digest, &[], "Toy", 6, 80).replace(GLUE, " ");
        assert!(short(&digest).contains("Evidence on resources: 1 high, 2 low"), "{}", short(&digest));
        assert!(
            short(&digest).contains("\n  1  broken (1 high)\n  2  open (2 low)\n  Remedies: "),
            "{}",
            short(&digest)
        );
        let mut account = Account::new("", "ada");
        account.reasons = vec![risk("left", Severity::Low)];
        digest.observe(&account.into());
        let expected = "\n  1  left (1 low, 1 of them not privileged)\n  On resources: 1 high, 2 low\n  2 more kinds with --details";
        assert!(short(&digest).contains(expected), "{}", short(&digest));
        let text = long(&digest, &[], "Toy", 80).replace(GLUE, " ");
        let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words:?} in {text}"));
        assert!(place("number of accounts") < place("1  left") && place("1  left") < place("number of resources"));
        assert!(
            place("number of resources") < place("1  broken (1 high)") && place("2  open (2 low)") < place("Remedies")
        );
    }
}
