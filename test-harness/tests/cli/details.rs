//! The long summary of a scan, held against the rows of the same scan.

use std::collections::BTreeMap;

use connector_api::{Account, ReasonKind, Severity};
use console::measure_text_width;
use jumpcloud_simulator::SimulatorOptions;

use crate::scanned::{can_be_used, codes, codes_of_resources, number, organization, scanned, unwrapped};

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_are_those_of_the_rows() {
    let simulator = organization(SimulatorOptions::default()).await;
    for width in [80, 140] {
        let scanned = scanned(&simulator, width, &["--details"]).await;
        let (accounts, privileged) = (scanned.accounts().count(), scanned.privileged());
        let mut by_severity: BTreeMap<Severity, usize> = BTreeMap::new();
        for account in &privileged {
            *by_severity.entry(account.reasons.iter().map(|reason| reason.severity).max().unwrap()).or_default() += 1;
        }
        let severities: Vec<String> =
            by_severity.iter().rev().map(|(severity, count)| format!("{} {severity}", number(*count))).collect();
        let usable: Vec<_> = privileged.iter().filter(|account| can_be_used(account)).collect();
        let has_none = |account: &Account| account.mfa.as_ref().and_then(|mfa| mfa.configured) == Some(false);
        let without = usable.iter().filter(|account| has_none(account)).count();
        scanned.assert_says(&format!(
            "{} of {accounts} accounts are privileged: {}.",
            privileged.len(),
            severities.join(", ")
        ));
        scanned.assert_says(&format!("{} of them can be used now; {without} of these have no second", usable.len()));
        // The demo's fifteen who are suspended and bound, and nothing else, are none of them.
        let only_left = scanned.accounts().filter(|account| {
            !account.reasons.is_empty() && account.reasons.iter().all(|reason| reason.code == "disabled_but_bound")
        });
        assert!(only_left.count() > 0);

        let mut by_type: BTreeMap<&str, usize> = BTreeMap::new();
        scanned.groups().for_each(|group| *by_type.entry(&group.group_type).or_default() += 1);
        let words = |group_type: &str| group_type.trim_start_matches("JUMPCLOUD_").replace('_', " ").to_lowercase();
        let of_types: Vec<String> = by_type.iter().map(|(one, count)| format!("{count} {}s", words(one))).collect();
        scanned.assert_says(&format!("groups {} {}", scanned.groups().count(), of_types.join(", ")));
        let nested = scanned.memberships().filter(|row| !row.direct).count();
        scanned.assert_says(&format!("memberships {} ", number(scanned.memberships().count())));
        scanned.assert_says(&format!("{} of them through nested groups", number(nested)));
        scanned.assert_says(&format!("bindings {} ", number(scanned.bindings().count())));
        let level = |word| scanned.grants().filter(|grant| grant.access.word == word).count();
        let levels = [
            ("login", "to use (login)"),
            ("localAdministrator", "to administer (local administrator)"),
            ("sudo", "to administer (sudo)"),
            ("sudoWithoutPassword", "to administer (sudo without password)"),
        ];
        let levels = levels.map(|(word, words)| (level(word), words));
        assert!(levels[1..].iter().all(|(count, _)| *count > 0));
        let uses = level("login");
        assert!(uses > 0);
        scanned.assert_says(&format!("temporary use {uses} {uses} to use (login) other grants "));
        let levels = levels[1..].iter().filter(|(count, _)| *count > 0);
        let levels: Vec<String> = levels.map(|(count, words)| format!("{} {words}", number(*count))).collect();
        scanned.assert_says(&format!(
            "privileged grants {} {}",
            number(scanned.grants().count() - uses),
            levels.join(", ")
        ));
        scanned.assert_says("other grants – skipped");
        scanned
            .assert_says("A binding is what an administrator configured; a grant is what an account or group can use");
        let looked_at = scanned.accounts().filter(|account| account.last_login.is_some());
        let (known, none): (Vec<_>, Vec<_>) = looked_at.partition(|account| account.last_login_at.is_some());
        scanned.assert_says(&format!("last logins {} ", known.len()));
        scanned.assert_says(&format!("no login of {} accounts since ", none.len()));
        let of_accounts =
            codes(&scanned).into_iter().map(|(code, count)| ("Evidence by number of accounts", code, count));
        let of_resources = codes_of_resources(&scanned);
        assert!(!of_resources.is_empty());
        let of_resources =
            of_resources.into_iter().map(|(code, count)| ("Evidence by number of resources", code, count));
        for (part, code, count) in of_accounts.chain(of_resources) {
            let line = scanned
                .part(part)
                .lines()
                .find(|line| line.split_whitespace().nth(1).is_some_and(|word| word.trim_end_matches(':') == code));
            let line = line.unwrap_or_else(|| panic!("no {code} in\n{}", scanned.text));
            assert_eq!(line.split_whitespace().next(), Some(number(count).as_str()), "{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ten_shown_are_the_ten_worst_each_with_whole_sentences_most_severe_first() {
    let simulator = organization(SimulatorOptions::default()).await;
    for width in [80, 140] {
        let scanned = scanned(&simulator, width, &["--details"]).await;
        assert!(scanned.text.lines().all(|line| measure_text_width(line) <= width), "{}", scanned.text);
        assert!(!scanned.text.contains('…'), "something is cut: {}", scanned.text);
        let part = scanned.part("The 10 most severe of the ");
        let starts: Vec<(usize, &str)> = part
            .lines()
            .enumerate()
            .filter(|(_, line)| line.starts_with(|letter: char| letter.is_ascii_uppercase()))
            .filter(|(_, line)| line.split(' ').next().is_some_and(|word| word.chars().all(|c| c.is_ascii_uppercase())))
            .collect();
        let worst = scanned.worst();
        assert_eq!(starts.len(), worst.len(), "{part}");
        let ends = starts.iter().skip(1).map(|(at, _)| *at).chain([part.lines().count()]);
        for (((start, line), end), account) in starts.iter().zip(ends).zip(&worst) {
            let severity = account.severity().unwrap().as_str().to_uppercase();
            let head = unwrapped(line);
            assert!(
                head.starts_with(&format!("{severity} {}", account.username)),
                "{line} is not {}",
                account.username
            );
            // At 140 columns the sentences stand in a column of their own.
            let why = part.lines().find_map(|line| line.find(" WHY")).map_or(0, |at| at + 1);
            let below = if width == 80 { start + 1 } else { *start };
            let lines = part.lines().skip(below).take(end - below);
            let shown: String = lines.map(|line| line.chars().skip(why).collect::<String>() + "\n").collect();
            // There the second factor has a column of its own, and is not said again.
            let is_said = |code: &str| width == 140 && code == "privileged_without_mfa";
            let reasons = account.reasons.iter().filter(|reason| !is_said(&reason.code));
            let mut expected: Vec<String> = reasons.map(|reason| reason.message.clone()).collect();
            let room = if width == 80 { 2 } else { 3 };
            if expected.len() > room {
                let hidden = expected.split_off(room).len();
                expected.push(format!("{hidden} more"));
            }
            assert_eq!(unwrapped(&shown), expected.join("; "));
        }
        for word in
            ["Ordered by the most severe evidence, then", "All rows, each account with all its evidence, are in "]
        {
            scanned.assert_says(word);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_that_is_too_wide_shows_with_its_widest_group() {
    let simulator = organization(SimulatorOptions::default()).await;
    let scanned = scanned(&simulator, 140, &["--details"]).await;
    let mut some_are_alone = false;
    for pattern in ["admin", "root"] {
        let is_by = |account: &Account, pattern: &str| -> (bool, bool) {
            let gives = || account.reasons.iter().filter(|reason| reason.kind == ReasonKind::Privilege);
            let by = |reason: &connector_api::Reason| reason.message.ends_with(&format!("contains \"{pattern}\""));
            // Another pattern is the same setting.
            (gives().any(by), gives().all(|reason| reason.message.contains("its name contains \"")))
        };
        let privileged = scanned.privileged();
        let all = privileged.iter().filter(|account| is_by(account, pattern).0).count();
        let alone = privileged.iter().filter(|account| is_by(account, pattern) == (true, true)).count();
        let named = scanned.groups().filter(|group| group.name.to_lowercase().contains(pattern));
        let widest = named.max_by_key(|group| group.member_count).unwrap();
        let members = number(usize::try_from(widest.member_count.unwrap()).unwrap());
        some_are_alone |= alone > 0;
        let alone = if alone > 0 {
            format!("{alone} of them only by this setting")
        } else {
            "all of them also by other evidence".to_owned()
        };
        scanned.assert_says(&format!(
            "privilegedGroupPatterns \"{pattern}\": {all} accounts, {alone}; largest group: \"{}\", {members} members",
            widest.name
        ));
    }
    assert!(some_are_alone, "{}", scanned.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_was_not_read_there_is_no_number_and_what_is_counted_is_at_least_so_much() {
    let forbidden = vec!["administrators".parse().unwrap(), "insights.events".parse().unwrap()];
    let simulator = organization(SimulatorOptions { forbidden, ..SimulatorOptions::default() }).await;
    let scanned = scanned(&simulator, 80, &["--details", "--without", "applications"]).await;
    let found: Vec<String> = scanned.part("\nFound\n").lines().map(unwrapped).collect();
    for line in ["administrators – not read", "last logins – not read"] {
        assert!(found.iter().any(|found| found == line), "{line} is not in {found:?}");
    }
    for words in [
        "complete except for administrators and last logins",
        "NOT READ Administrators: ",
        "SKIPPED By settings: applications, other grants (otherGrants).",
        "At least ",
        "applications skipped",
        "last login not known",
    ] {
        scanned.assert_says(words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_section_that_is_skipped_is_named_and_bindings_are_explained_only_where_they_are_counted() {
    let simulator = organization(SimulatorOptions::default()).await;
    let sentence = "A binding is what an administrator configured";
    for (without, skipped, explained) in [
        ("privilegedGrants", "privileged grants (privilegedGrants), other grants (otherGrants)", true),
        (
            "grants",
            "who reaches what (grants), privileged grants (privilegedGrants), other grants (otherGrants)",
            false,
        ),
    ] {
        let scanned = scanned(&simulator, 140, &["--details", "--without", without]).await;
        scanned.assert_says(&format!("SKIPPED By settings: {skipped}."));
        assert_eq!(unwrapped(&scanned.text).contains(sentence), explained, "{without}: {}", scanned.text);
    }
}
