//! The summary of a scan, held against the rows of the same scan.

use std::collections::BTreeMap;

use connector_api::{AccessLevel, Account, AccountKind, AccountType, Group, Severity, jiff};
use console::measure_text_width;
use jumpcloud_simulator::{Behaviour, Simulator, SimulatorOptions};

use crate::scanned::{Scanned, can_be_used, codes, codes_of_resources, number, organization, scanned, unwrapped};
use crate::support::{run, scan, small};

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_are_those_of_the_rows() {
    let simulator = organization(SimulatorOptions::default()).await;
    for width in [80, 140] {
        let scanned = scanned(&simulator, width, &[]).await;
        assert!(scanned.text.lines().all(|line| measure_text_width(line) <= width), "{}", scanned.text);
        assert!(!scanned.text.contains('…'), "something is cut: {}", scanned.text);
        let privileged = scanned.privileged();
        let usable: Vec<_> = privileged.iter().filter(|account| can_be_used(account)).collect();
        let has_none = |account: &Account| account.mfa.as_ref().and_then(|mfa| mfa.configured) == Some(false);
        let is_program = |account: &Account| account.account_type == Some(AccountType::NonHuman);
        let is_unknown = |account: &Account| account.mfa.as_ref().and_then(|mfa| mfa.configured).is_none();
        scanned.assert_says(&format!(
            "{} of them can be used now; {} of these have no second factor set up; {} are local accounts, which JumpCloud \
             cannot ask for one.",
            usable.len(),
            usable.iter().filter(|account| has_none(account)).count(),
            usable.iter().filter(|account| account.kind == AccountKind::LOCAL_ACCOUNT).count(),
        ));
        let is_asked = |account: &Account| account.kind != AccountKind::LOCAL_ACCOUNT && !is_program(account);
        assert!(!usable.iter().any(|account| is_unknown(account) && is_asked(account)), "it is known of all others");
        let kinds: Vec<String> = ["user", "administrator", "serviceAccount", "localAccount"]
            .map(|kind| {
                let of_kind = |account: &&&Account| account.kind.as_str() == kind;
                let all = scanned.accounts().filter(|account| of_kind(&account)).count();
                let words = kind.replace('A', " a");
                format!("{all} {words}s ({} privileged)", privileged.iter().filter(of_kind).count())
            })
            .into();
        scanned.assert_says(&format!("Accounts {}; ", kinds.join(", ")));
        let count = |chosen: fn(&Account) -> bool| scanned.accounts().filter(|account| chosen(account)).count();
        scanned.assert_says(&format!(
            "; {} not enabled, {} locked, {} without a second factor",
            count(|account| account.enabled == Some(false)),
            count(|account| account.locked == Some(true)),
            scanned.accounts().filter(|account| has_none(account)).count(),
        ));
        scanned.assert_says(&format!(
            "Groups {}, {} empty; {} memberships, {} nested",
            groups_and_roles(&scanned),
            scanned.groups().filter(|group| group.member_count == Some(0)).count(),
            number(scanned.memberships().count()),
            scanned.memberships().filter(|row| !row.direct).count(),
        ));
        let standing = |temporary: usize| match temporary {
            0 => "all standing".to_owned(),
            temporary => format!("{temporary} of them temporary"),
        };
        scanned.assert_says(&format!(
            "Access {} bindings, {}; {} privileged grants, {}; {} temporary grants to use Policies ",
            number(scanned.bindings().count()),
            standing(scanned.bindings().filter(|binding| binding.expires_at.is_some()).count()),
            number(scanned.grants().filter(|grant| grant.access.level > AccessLevel::Use).count()),
            standing(
                scanned.grants().filter(|grant| grant.access.level > AccessLevel::Use && grant.is_temporary()).count()
            ),
            scanned.grants().filter(|grant| grant.access.level == AccessLevel::Use && grant.is_temporary()).count(),
        ));
        let days: Vec<i64> = last_logins(&scanned);
        let within = |most: i64| number(days.iter().filter(|days| **days <= most).count());
        let earlier = number(days.iter().filter(|days| **days > 30).count());
        scanned.assert_says(&format!("{} within 7 days, {} within 30 days, {earlier} earlier", within(7), within(30)));
        scanned.assert_says(&format!("On resources: {}", by_severity(&findings_on_resources(&scanned))));
        scanned.assert_says(&format!("Evidence on all accounts: {}", by_severity(&findings(&scanned))));
        scanned.assert_says(&format!(
            "{} more kinds with --details; remedies: ",
            codes(&scanned).len() + codes_of_resources(&scanned).len() - kinds_shown(&scanned)
        ));
        scanned.assert_says("repeated; skipped: other grants");
    }
}

/// The highest severity of each code on each account.
fn findings(scanned: &Scanned) -> Vec<Severity> {
    let highest = scanned.accounts().flat_map(|account| {
        let mut highest: BTreeMap<&str, Severity> = BTreeMap::new();
        for reason in &account.reasons {
            let severity = highest.entry(&reason.code).or_insert(reason.severity);
            *severity = reason.severity.max(*severity);
        }
        highest.into_values()
    });
    highest.collect()
}

fn findings_on_resources(scanned: &Scanned) -> Vec<Severity> {
    let highest = scanned.resources().flat_map(|resource| {
        let of = |code: &str| {
            resource.reasons.iter().filter(|reason| reason.code == code).map(|reason| reason.severity).max()
        };
        let mut codes: Vec<&str> = resource.reasons.iter().map(|reason| reason.code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        codes.into_iter().filter_map(of).collect::<Vec<_>>()
    });
    highest.collect()
}

/// `24 user groups (10 privileged), 20 roles (20 privileged)`, most first.
fn groups_and_roles(scanned: &Scanned) -> String {
    let of = |is_role: bool, words: &str| {
        let all: Vec<&Group> =
            scanned.groups().filter(|group| (group.group_type != "JUMPCLOUD_USER_GROUP") == is_role).collect();
        let privileged = all.iter().filter(|group| group.privileged).count();
        format!("{} {words} ({privileged} privileged)", all.len())
    };
    format!("{}, {}", of(false, "user groups"), of(true, "roles"))
}

/// How many days ago each account last signed in.
fn last_logins(scanned: &Scanned) -> Vec<i64> {
    let day = |time: jiff::Timestamp| time.as_second().div_euclid(86_400);
    let logins = scanned.accounts().filter_map(|account| account.last_login_at);
    logins.map(|at| (day(jiff::Timestamp::now()) - day(at)).max(0)).collect()
}

/// `1 critical, 2 high`
fn by_severity(severities: &[Severity]) -> String {
    let mut counts: BTreeMap<Severity, usize> = BTreeMap::new();
    severities.iter().for_each(|severity| *counts.entry(*severity).or_default() += 1);
    let counts = counts.iter().rev().map(|(severity, count)| format!("{} {severity}", number(*count)));
    counts.collect::<Vec<_>>().join(", ")
}

/// How many kinds of evidence are listed: each begins with its number.
fn kinds_shown(scanned: &Scanned) -> usize {
    let start = scanned.text.find("\nEvidence on all accounts").unwrap();
    let block = scanned.text[start + 1..].split("\n\n").next().unwrap();
    let starts =
        |line: &&str| line.starts_with("  ") && line.split("  ").any(|part| part.trim().parse::<u32>().is_ok());
    block.lines().filter(starts).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_accounts_shown_are_the_worst_each_with_a_whole_sentence_of_its_evidence() {
    let simulator = organization(SimulatorOptions::default()).await;
    for width in [60, 80] {
        let scanned = scanned(&simulator, width, &[]).await;
        let text = unwrapped(&scanned.text);
        let shown = text.split(" most severe of the ").next().and_then(|text| text.rsplit(' ').next());
        let shown: usize = shown.unwrap().parse().unwrap();
        assert!((3..=10).contains(&shown), "{}", scanned.text);
        let worst = scanned.worst();
        let names: Vec<&str> = scanned
            .text
            .lines()
            .filter(|line| ["CRITICAL ", "HIGH ", "MEDIUM "].iter().any(|severity| line.starts_with(severity)))
            .filter_map(|line| line.split_whitespace().nth(1))
            .collect();
        let expected: Vec<&str> = worst[..shown].iter().map(|account| account.username.as_str()).collect();
        assert_eq!(names, expected, "{}", scanned.text);
        let last = worst[shown - 1].severity().unwrap();
        let as_severe = scanned.privileged().iter().filter(|account| account.severity() == Some(last)).count();
        let more = as_severe - worst[..shown].iter().filter(|account| account.severity() == Some(last)).count();
        let privileged = scanned.privileged().len();
        let heading = match more {
            0 => format!("The {shown} most severe of the {privileged} privileged accounts "),
            1 => format!("privileged accounts; 1 more is {last} "),
            more => format!("privileged accounts; {more} more are {last} "),
        };
        scanned.assert_says(&heading);
        // The second factor has a column or a line of its own.
        let main = |account: &&Account| {
            let first = account.reasons.iter().find(|reason| reason.code != "privileged_without_mfa");
            first.map(|reason| reason.message.clone())
        };
        worst[..shown].iter().filter_map(main).for_each(|sentence| scanned.assert_says(&sentence));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_was_not_read_there_is_no_number_and_what_is_counted_is_a_minimum() {
    let forbidden = vec!["administrators".parse().unwrap(), "insights.events".parse().unwrap()];
    let simulator = organization(SimulatorOptions { forbidden, ..SimulatorOptions::default() }).await;
    for width in [60, 140] {
        let scanned = scanned(&simulator, width, &["--without", "applications"]).await;
        assert!(scanned.text.lines().all(|line| measure_text_width(line) <= width), "{}", scanned.text);
        for words in [
            "complete except for administrators and last logins.",
            "NOT READ Administrators: ",
            "SKIPPED By settings: applications, other grants (otherGrants).",
            "At least ",
            ", administrators not read, ",
            "applications skipped",
            "Last logins not read",
            "2 unavailable; ",
        ] {
            scanned.assert_says(words);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_called_standing_if_what_ends_was_not_read() {
    let simulator = small(SimulatorOptions::default()).await;
    for arguments in [&["--without", "temporaryAccess"][..], &["--set", "includeTemporaryAccess=false"]] {
        for form in [&[][..], &["--details"]] {
            let text = unwrapped(&run(scan(&simulator, arguments).args(form)).stderr);
            assert!(!text.contains("all standing") && !text.contains("of them temporary"), "{text}");
            assert!(text.contains(" not known whether any is temporary"), "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn privileged_accounts_are_a_minimum_where_a_setting_leaves_evidence_out() {
    let simulator = small(SimulatorOptions::default()).await;
    for (details, at_least) in [("auto", false), ("each", false), ("list", true), ("filtered", true)] {
        let text = unwrapped(&run(&mut scan(&simulator, &["--set", &format!("groupDetails={details}")])).stderr);
        assert!(text.contains(" accounts are privileged: "), "{text}");
        assert_eq!(text.contains("At least "), at_least, "{details}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn differences_from_the_targets_own_access_come_first_and_with_details_are_shown_whole() {
    let behaviour = Behaviour::observed().with("direct-right=supersedes").unwrap();
    // With few users, some own a device on which a group of theirs makes them administrators.
    let options = SimulatorOptions { users: 14, groups: 16, systems: 60, behaviour, ..SimulatorOptions::default() };
    let simulator = Simulator::start(options).await.unwrap();
    let ended = run(&mut scan(&simulator, &["--quiet", "--set", "verifyGrants=1000"]));
    assert!(ended.stderr.starts_with("warning: verifyGrants: "), "{}", ended.stderr);
    let scanned = scanned(&simulator, 80, &["--set", "verifyGrants=1000", "--details"]).await;
    let place = |words: &str| scanned.text.find(words).unwrap_or_else(|| panic!("no {words:?} in {}", scanned.text));
    assert!(place("WARNING   verifyGrants: ") < place(" accounts are privileged"), "{}", scanned.text);
    let text = unwrapped(&scanned.text);
    let shown = text.matches(": JumpCloud reports ").count();
    assert!(shown == 10 || shown > 0 && !text.contains("more differences"), "{}", scanned.text);
    assert!(!text.contains("- and "), "nothing is cut: {}", scanned.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_grants_are_counted_with_the_privileged_ones_where_they_are_rows() {
    let simulator = organization(SimulatorOptions::default()).await;
    let scanned = scanned(&simulator, 140, &["--set", "effectiveGrants=all"]).await;
    let others = scanned.grants().filter(|grant| !grant.is_privileged()).count();
    assert!(others > 0);
    scanned.assert_says(&format!(" temporary grants to use; {} other grants Policies ", number(others)));
}

#[tokio::test(flavor = "multi_thread")]
async fn details_are_shown_even_if_the_scan_is_to_be_quiet_and_not_with_a_plan() {
    let simulator = small(SimulatorOptions::default()).await;
    let ended = run(&mut scan(&simulator, &["--quiet", "--details"]));
    assert!(ended.stderr.contains("\nFound\n"), "{}", ended.stderr);
    let ended = run(&mut scan(&simulator, &["--quiet"]));
    assert_eq!(ended.stderr, "");
    let ended = run(&mut scan(&simulator, &["--plan", "--details"]));
    ended.assert_error(2, "invalid_config", "harness scan --help");
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
    for gap in ["NOT READ Devices (systems), local accounts (localAccounts)", "NOT READ Applications"] {
        assert_eq!(text.matches(gap).count(), 1, "{gap:?} in {}", ended.stderr);
    }
    assert!(text.contains("complete except for devices, local accounts, applications"), "{}", ended.stderr);
    // Without a summary it is the same, in lines.
    let ended = run(&mut scan(&simulator, &["--quiet", "--set", "attempts=1", "--set", "retryWaitMilliseconds=1"]));
    for warning in ["]: systems, localAccounts", "]: applications, "] {
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
