//! How many accounts are privileged, in sentences.

use std::cmp::Reverse;

use connector_api::{ScanSummary, Section, SectionReport, SectionStatus};
use indicatif::HumanCount;

use super::{Form, counts, title, words};
use crate::cli::paragraph::labelled;
use crate::cli::print::printable;
use connector_host::digest::{Digest, Privileged};

/// How many accounts are privileged, how severely, and by which settings.
pub(super) fn render(summary: &ScanSummary, digest: &Digest, form: Form, width: usize) -> String {
    let Digest { accounts, privileged, .. } = digest;
    let all = accounts.values().map(|counts| counts.total).sum();
    // What was not read may contain more evidence.
    let is_whole = summary.sections.iter().all(is_settled);
    let all = words::counted(all, "account");
    if privileged.accounts == 0 {
        let read = if is_whole { "" } else { " in what was read" };
        let sentence = format!("None of {all} has evidence of privilege{read}.");
        return format!("\n{}", labelled("", &sentence, width));
    }
    let by_severity = privileged.by_severity.iter().rev().map(|(severity, count)| (severity.as_str(), *count));
    let sentences = [
        format!(
            "{}{} of {all} {} privileged: {}.",
            if is_whole { "" } else { "At least " },
            HumanCount(privileged.accounts),
            are(privileged.accounts),
            counts(by_severity).join(", "),
        ),
        standing(privileged),
        usable(privileged, &printable(&summary.os_type)),
        if form == Form::Short { by_setting_alone(privileged) } else { String::new() },
    ];
    let sentences: Vec<String> = sentences.into_iter().filter(|sentence| !sentence.is_empty()).collect();
    let text = format!("\n{}", labelled("", &sentences.join(" "), width));
    if form == Form::Short { text } else { text + &settings(privileged, width) }
}

/// Whether a section cannot hold further evidence of privilege: it is complete and no setting left evidence
/// out, there is nothing to read, it was only left
/// out of the rows, as effective grants are, which follow from bindings, or it has settings that make nobody privileged.
fn is_settled(report: &SectionReport) -> bool {
    match report.status {
        SectionStatus::Complete => !report.lacks_evidence,
        SectionStatus::Skipped => {
            report.is_not_set_up() || words::is_effective(report.section) || report.section == Section::ORGANIZATION
        }
        _ => false,
    }
}

const fn are(count: u64) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// How many accounts have standing privilege, if that of others ends by itself.
fn standing(privileged: &Privileged) -> String {
    match privileged.temporary {
        0 => String::new(),
        temporary => {
            format!(
                "Standing privilege: {}; only temporary: {}.",
                HumanCount(privileged.standing),
                HumanCount(temporary)
            )
        }
    }
}

/// How many privileged accounts can be used now, and how many of these have no second factor, as far as that is known.
/// Nothing is unknown of local accounts: the target cannot ask for one when they sign in.
fn usable(privileged: &Privileged, target: &str) -> String {
    let Privileged { usable, usable_without_mfa: without, usable_mfa_unknown: unknown, usable_local: local, .. } =
        *privileged;
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
    let local = match local {
        0 => String::new(),
        1 => format!("; 1 is a local account, which {target} cannot ask for one"),
        local => format!("; {} are local accounts, which {target} cannot ask for one", HumanCount(local)),
    };
    format!("{} of them can be used now; {mfa}{local}.", HumanCount(usable))
}

/// The setting that alone makes the most accounts privileged.
fn by_setting_alone(privileged: &Privileged) -> String {
    let alone = privileged.settings.iter().filter(|(_, count)| count.by_nothing_else > 0);
    let Some((setting, count)) = alone.max_by_key(|(setting, count)| (count.by_nothing_else, Reverse(*setting))) else {
        return String::new();
    };
    let group = count.widest_group.as_ref().map(|(members, group)| {
        format!(" (largest group: {}, {})", words::quoted(group), words::counted(*members, "member"))
    });
    printable(&format!(
        "{} of the {} {} privileged only by the setting {} {}{}.",
        HumanCount(count.by_nothing_else),
        HumanCount(privileged.accounts),
        are(count.by_nothing_else),
        setting.name,
        words::quoted(&setting.value),
        group.unwrap_or_default(),
    ))
}

/// How many accounts each setting makes privileged, largest number first.
fn settings(privileged: &Privileged, width: usize) -> String {
    let mut settings: Vec<_> = privileged.settings.iter().collect();
    settings.sort_by_key(|(setting, count)| (Reverse(count.accounts), *setting));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standing_and_temporary_privilege_are_counted_separately() {
        let privileged = |standing, temporary| Privileged { standing, temporary, ..Privileged::default() };
        assert_eq!(super::standing(&privileged(149, 12)), "Standing privilege: 149; only temporary: 12.");
        assert_eq!(super::standing(&privileged(161, 0)), "");
    }

    #[test]
    fn local_accounts_are_no_accounts_with_an_unknown_second_factor() {
        let privileged =
            |usable_local| Privileged { usable: 9, usable_without_mfa: 2, usable_local, ..Privileged::default() };
        assert_eq!(
            super::usable(&privileged(5), "Toy"),
            "9 of them can be used now; 2 of these have no second factor set up; 5 are local accounts, which Toy cannot ask \
             for one."
        );
        assert!(
            super::usable(&privileged(1), "Toy").ends_with("; 1 is a local account, which Toy cannot ask for one.")
        );
    }

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
            assert_eq!(super::usable(&privileged, "Toy"), words);
        }
    }
}
