//! The summary of a scan, held against the rows of the same scan.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;

use connector_api::{Account, Binding, Grant, Group, Membership, ReasonKind, Record, Severity};
use console::measure_text_width;
use jumpcloud_simulator::{Simulator, SimulatorOptions};
use serde_json::Value;

use crate::support::{run, scan, small};

/// A scan: its rows, and its summary at one width.
struct Scanned {
    rows: Vec<Record>,
    text: String,
}

/// Scans an organisation as big as the demo's, whose summary is `width` columns wide.
async fn scanned(simulator: &Simulator, width: usize, arguments: &[&str]) -> Scanned {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.ndjson");
    let mut command = scan(simulator, &["--log-level", "scan_progress=off", "--output", path.to_str().unwrap()]);
    let ended = run(command.args(arguments).env("COLUMNS", width.to_string()));
    assert!(matches!(ended.code, 0 | 3), "{ended:?}");
    let text = fs::read_to_string(&path).unwrap();
    let rows = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let rows = rows.filter(|row| row["record"] != "summary").map(|row| serde_json::from_value(row).unwrap()).collect();
    Scanned { rows, text: ended.stderr }
}

async fn organization(options: SimulatorOptions) -> Simulator {
    Simulator::start(SimulatorOptions { users: 300, ..options }).await.unwrap()
}

impl Scanned {
    fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.rows.iter().filter_map(|row| if let Record::Account(account) = row { Some(&**account) } else { None })
    }

    fn groups(&self) -> impl Iterator<Item = &Group> {
        self.rows.iter().filter_map(|row| if let Record::Group(group) = row { Some(&**group) } else { None })
    }

    fn memberships(&self) -> impl Iterator<Item = &Membership> {
        self.rows.iter().filter_map(|row| if let Record::Membership(row) = row { Some(&**row) } else { None })
    }

    fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.rows.iter().filter_map(|row| if let Record::Grant(grant) = row { Some(&**grant) } else { None })
    }

    fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.rows.iter().filter_map(|row| if let Record::Binding(binding) = row { Some(&**binding) } else { None })
    }

    fn privileged(&self) -> Vec<&Account> {
        let gives = |account: &&Account| account.reasons.iter().any(|reason| reason.kind == ReasonKind::Privilege);
        self.accounts().filter(gives).collect()
    }

    /// The ten worst, by what the summary says it orders by.
    fn worst(&self) -> Vec<&Account> {
        let mut privileged = self.privileged();
        privileged.sort_by_key(|account| {
            let mut severities: Vec<Severity> = account.reasons.iter().map(|reason| reason.severity).collect();
            severities.sort_by_key(|severity| Reverse(*severity));
            let usable = can_be_used(account);
            (Reverse((severities[0], usable, severities)), account.username.clone())
        });
        privileged.truncate(10);
        privileged
    }

    /// The part of the summary behind a title.
    fn part(&self, title: &str) -> &str {
        let start = self.text.find(title).unwrap_or_else(|| panic!("no {title:?} in\n{}", self.text));
        let part = &self.text[start..];
        let end =
            ["\nEvidence by ", "\nFound\n", "\nSections\n"].iter().filter_map(|title| part[1..].find(title)).min();
        end.map_or(part, |end| &part[..=end])
    }

    #[track_caller]
    fn assert_says(&self, expected: &str) {
        let text = unwrapped(&self.text);
        assert!(text.contains(expected), "{expected:?} is not in\n{}", self.text);
    }
}

fn can_be_used(account: &Account) -> bool {
    account.enabled != Some(false) && account.locked != Some(true)
}

/// A text with one space for each end of a line and what follows.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn number(count: usize) -> String {
    indicatif::HumanCount(count as u64).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_are_those_of_the_rows() {
    let simulator = organization(SimulatorOptions::default()).await;
    for width in [80, 140] {
        let scanned = scanned(&simulator, width, &[]).await;
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
        scanned.assert_says(&format!(
            "privileged grants {} {} to administer (local administrator), {} to administer (sudo), {} to administer (sudo \
             without password)",
            number(scanned.grants().count()),
            number(level("localAdministrator")),
            number(level("sudo")),
            number(level("sudoWithoutPassword")),
        ));
        scanned.assert_says("other grants – skipped");
        scanned
            .assert_says("A binding is what an administrator configured; a grant is what an account or group can use");
        let looked_at = scanned.accounts().filter(|account| account.last_login.is_some());
        let (known, none): (Vec<_>, Vec<_>) = looked_at.partition(|account| account.last_login_at.is_some());
        scanned.assert_says(&format!("last logins {} ", known.len()));
        scanned.assert_says(&format!("no login of {} accounts since ", none.len()));
        for (code, count) in codes(&scanned) {
            let line = scanned
                .part("Evidence by ")
                .lines()
                .find(|line| line.split_whitespace().nth(1).is_some_and(|word| word.trim_end_matches(':') == code));
            let line = line.unwrap_or_else(|| panic!("no {code} in\n{}", scanned.text));
            assert_eq!(line.split_whitespace().next(), Some(number(count).as_str()), "{line}");
        }
    }
}

/// On how many accounts each code was found.
fn codes(scanned: &Scanned) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for account in scanned.accounts() {
        let mut codes: Vec<&str> = account.reasons.iter().map(|reason| reason.code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        for code in codes {
            *counts.entry(code).or_default() += 1;
        }
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ten_shown_are_the_ten_worst_each_with_whole_sentences_most_severe_first() {
    let simulator = organization(SimulatorOptions::default()).await;
    for width in [80, 140] {
        let scanned = scanned(&simulator, width, &[]).await;
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
        for word in ["Ordered by the most severe evidence, then", "All rows are in "] {
            scanned.assert_says(word);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_that_is_too_wide_shows_with_its_widest_group() {
    let simulator = organization(SimulatorOptions::default()).await;
    let scanned = scanned(&simulator, 140, &[]).await;
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
    let scanned = scanned(&simulator, 80, &["--without", "applications"]).await;
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
        let scanned = scanned(&simulator, 140, &["--without", without]).await;
        scanned.assert_says(&format!("SKIPPED By settings: {skipped}."));
        assert_eq!(unwrapped(&scanned.text).contains(sentence), explained, "{without}: {}", scanned.text);
    }
}

#[test]
fn without_a_terminal_or_with_no_color_there_are_no_colours() {
    let ended = run(crate::support::harness(["scan", "--demo"]).env("NO_COLOR", "1"));
    assert!(!ended.stderr.contains('\u{1b}'), "{}", ended.stderr);
    let ended = run(&mut crate::support::harness(["scan", "--demo"]));
    assert!(!ended.stderr.contains('\u{1b}'), "{}", ended.stderr);
    assert!(ended.stderr.lines().all(|line| measure_text_width(line) <= 100 || line.contains("scan_progress")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_scan_names_everything_that_failed_by_itself_once_and_what_only_ended_with_it() {
    let fault = |text: &str| text.parse().unwrap();
    let faults = ["status=500:on=applications", "status=500:on=usergroups.members", "status=403:on=insights.events"];
    let simulator = small(SimulatorOptions { faults: faults.map(fault).into(), ..SimulatorOptions::default() }).await;
    // One at a time and one attempt: the others have failed by then.
    let quick = ["--set", "attempts=1", "--set", "retryWaitMilliseconds=1", "--log-level", "scan_progress=off"];
    let ended = run(scan(&simulator, &quick).env("COLUMNS", "100"));
    assert_eq!(ended.code, 1);
    let text = unwrapped(&ended.stderr);
    assert_eq!(text.matches("error[").count(), 1, "{}", ended.stderr);
    assert!(text.contains("error[server_error]: memberships: "), "{}", ended.stderr);
    let row = |name: &str| {
        let line = ended.stderr.lines().find(|line| line.trim_start().starts_with(&format!("{name} ")));
        unwrapped(line.unwrap_or_else(|| panic!("no {name} in {}", ended.stderr)))
    };
    assert!(row("memberships").starts_with("memberships failed "), "{}", ended.stderr);
    assert!(row("users").starts_with("users stopped "), "{}", ended.stderr);
    assert_eq!(
        text.matches("ALSO ").count(),
        text.matches("ALSO Applications: ").count() + text.matches("ALSO Last logins (lastLogin): ").count()
    );
    for (name, also) in [("applications", "ALSO Applications: "), ("last logins", "ALSO Last logins (lastLogin): ")] {
        // Which of them had failed by the time of the end is a race that the table settles.
        let by_itself = !row(name).contains(" stopped ");
        assert_eq!(text.matches(also).count(), usize::from(by_itself), "{}", ended.stderr);
    }
    assert!(
        text.contains("Failed: this section ended the scan. Stopped: this section ended with the scan"),
        "{}",
        ended.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reaches_what_is_named_at_each_thing_that_it_lacks() {
    let forbidden = vec!["systems".parse().unwrap()];
    let faults = vec!["status=500:on=applications".parse().unwrap()];
    let simulator = small(SimulatorOptions { forbidden, faults, ..SimulatorOptions::default() }).await;
    let ended =
        run(scan(&simulator, &["--set", "attempts=1", "--set", "retryWaitMilliseconds=1"]).env("COLUMNS", "80"));
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let text = unwrapped(&ended.stderr);
    for gap in [
        "NOT READ Devices (systems), and therefore part of local accounts (localAccounts) and who reaches what (grants): ",
        "NOT READ Applications, and therefore part of who reaches what (grants): ",
    ] {
        assert_eq!(text.matches(gap).count(), 1, "{gap:?} in {}", ended.stderr);
    }
    assert!(
        text.contains("complete except for devices, local accounts, applications and who reaches what."),
        "{}",
        ended.stderr
    );
    // Without a summary it is the same, in lines.
    let ended = run(&mut scan(&simulator, &["--quiet", "--set", "attempts=1", "--set", "retryWaitMilliseconds=1"]));
    for warning in ["]: systems, localAccounts, grants: ", "]: applications, grants: "] {
        assert_eq!(ended.stderr.matches(warning).count(), 1, "{warning:?} in {}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_scan_shows_no_counts_that_could_be_taken_for_the_whole() {
    let faults = vec!["status=404:on=usergroups".parse().unwrap()];
    let simulator = small(SimulatorOptions { faults, ..SimulatorOptions::default() }).await;
    let ended = run(&mut scan(&simulator, &[]));
    assert_eq!(ended.code, 1);
    for word in ["\nFound\n", "privileged:", "are privileged", "NOT READ", "ALSO"] {
        assert!(!ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
    assert!(ended.stderr.contains("failed") && ended.stderr.contains("error[not_found]: "), "{}", ended.stderr);
}
