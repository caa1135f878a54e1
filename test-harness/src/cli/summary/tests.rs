//! The summary as text.

use connector_api::{
    Access, AccessLevel, AccessPath, Account, AccountKind, Binding, Credential, Descriptor, Grant, Group, NodeKind,
    NodeRef, Outcome, PathStep, Policy, Principal, Reason, ReasonKind, Resource, ResourceRef, RowType, ScanFailure,
    ScanLedger, Section, SectionDescription, SectionReport, SectionStatus, Severity, SystemConfig, jiff,
};
use console::measure_text_width;

use super::*;
use connector_host::digest::Digest;

/// A group name meant to harm the terminal that shows it.
const HOSTILE: &str = "root\u{1b}[31m\neverywhere\u{202e} 漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字";

/// The same as it is shown.
const HOSTILE_SHOWN: &str =
    "root [31m everywhere  漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字";

/// A report with names and sentences longer than a line, from a connector with words that are not known here.
fn report() -> ScanReport {
    let mut digest = Digest::default();
    let reason =
        |severity, message: &str| Reason::new("x".repeat(90), ReasonKind::Privilege, severity, message, HOSTILE);
    let mut worst = Account::default();
    worst.username = format!("ada-{}", "a".repeat(150));
    worst.reasons = vec![
        reason(Severity::Low, &"y".repeat(200)).by_setting("patterns", HOSTILE),
        reason(Severity::High, &format!("may become {HOSTILE}")),
        reason(Severity::Low, "is third"),
        reason(Severity::Low, "is fourth"),
        reason(Severity::Low, "is fifth"),
    ];
    digest.observe(&worst.into());
    let reasons = vec![reason(Severity::Low, "has a name").by_setting("patterns", HOSTILE)];
    let mut group = Group::default();
    group.name = HOSTILE.into();
    group.member_count = Some(1234);
    group.group_type = HOSTILE.into();
    group.reasons = reasons;
    digest.observe(&group.into());
    let access = Access::new(AccessLevel::Administer, HOSTILE);
    let resource = ResourceRef::new("r", "system", HOSTILE);
    let mut grant = Grant::new(Principal::account("1", "ada"), resource, access.clone());
    grant.via = vec![AccessPath::new(access, vec![PathStep::new("", "", HOSTILE)])];
    grant.more_paths = 1;
    digest.observe(&grant.into());
    let error = ConnectorError::new(connector_api::ErrorCode::ServerError, HOSTILE, HOSTILE);
    let grants = SectionStatus::Incomplete { error: error.clone().context(Section::SYSTEMS) };
    let descriptor = Descriptor::new("Toy", "Toy", "1");
    let system = SystemConfig::new("Toy", "toy", Credential::default()).with_name(HOSTILE);
    let mut ledger = ScanLedger::start(&descriptor, &system);
    ledger.close(SectionReport::new(Section::USERS, SectionStatus::Complete));
    ledger.close(SectionReport::new(Section::SYSTEMS, SectionStatus::Unavailable { error }));
    ledger.close(SectionReport::new(Section::GRANTS, grants).with_records(1));
    ledger.warn(HOSTILE);
    let mut summary = ledger.finish(Ok(())).unwrap_or_else(|failure| failure.into_summary());
    summary.sections[0].planned_requests = Some(3);
    ScanReport { summary, digest, can_resume: false }
}

fn evidence() -> Vec<EvidenceRow> {
    let meaning = format!("Means {HOSTILE}. And more");
    vec![EvidenceRow::new("x".repeat(90), ReasonKind::Privilege, [Severity::High]).explained(meaning, "", "")]
}

fn rendered(form: Form, width: usize) -> String {
    console::strip_ansi_codes(&render(&report(), &evidence(), Kept::Nowhere, form, width)).into_owned()
}

/// A text without spaces and ends of lines.
fn letters(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace()).collect()
}

#[test]
fn whatever_the_rows_hold_no_line_is_longer_than_the_width_and_nothing_steers_the_terminal() {
    for width in [30, 40, 60, 80, 100, 140, 200] {
        for form in [Form::Short, Form::Long] {
            let text = rendered(form, width);
            let too_long: Vec<&str> = text.lines().filter(|line| measure_text_width(line) > width).collect();
            assert!(too_long.is_empty(), "{width}: {too_long:#?}");
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\r', '…']), "{text}");
            let evidence = format!("may become {HOSTILE_SHOWN}").replace(' ', "");
            assert!(width >= WIDE || letters(&text).contains(&evidence), "{text}");
        }
        let text = rendered(Form::Long, width);
        let letters = letters(&text);
        assert!(letters.contains(if width < WIDE { "3more" } else { "2more" }), "{text}");
        if width < WIDE {
            assert!(letters.contains(&"y".repeat(200)), "a sentence is cut: {text}");
        }
    }
}

#[test]
fn what_is_missing_comes_first_and_once() {
    for (form, counts) in [(Form::Short, "\nAccounts  "), (Form::Long, "\nFound")] {
        let text = rendered(form, 80);
        assert_eq!(
            text.matches("NOT READ  Devices (systems), and therefore part of who reaches what").count(),
            1,
            "{text}"
        );
        assert_eq!(text.matches("[server_error]").count(), 1, "{text}");
        let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words:?} in {text}"));
        assert!(place("NOT READ") < place("privileged") && place("privileged") < place(counts));
    }
    let text = rendered(Form::Long, 80);
    assert!(text.contains("among the paths in the rows"), "{text}");
}

#[test]
fn notes_that_are_not_shown_are_where_the_last_line_says_and_with_details_all_are_shown() {
    let mut report = report();
    report.summary.warnings.clear();
    report.summary.sections[2].notes = (0..14).map(|number| format!("note {number}")).collect();
    let noted = |report: &ScanReport, kept, form| {
        let text = render(report, &[], kept, form, 80);
        let shown = text.matches(": note ").count();
        let more = text.lines().find_map(|line| Some(line[line.find("  - and ")?..].to_owned()));
        (shown, more)
    };
    let file = Kept::In(Path::new("scan.ndjson"));
    let more = |elsewhere: &str| (4, Some(format!("  - and 10 more; {elsewhere}")));
    assert_eq!(noted(&report, Kept::Nowhere, Form::Short), more("--output saves them with the rows"));
    assert_eq!(noted(&report, file, Form::Short), more("see the summary at the end of the rows"));
    for kept in [Kept::Nowhere, file, Kept::Passed] {
        assert_eq!(noted(&report, kept, Form::Long), (14, None));
    }
    report.summary.outcome = Outcome::Failed;
    report.summary.error = Some(ConnectorError::cancelled());
    for (kept, all) in [(Kept::Nowhere, true), (file, true), (Kept::Passed, false)] {
        let (shown, more) = noted(&report, kept, Form::Short);
        assert_eq!((shown == 14, more.is_none()), (all, all), "under the name of a file that failed there is nothing");
    }
}

#[test]
fn warnings_come_first_and_are_no_remarks() {
    let mut report = report();
    report.summary.warnings = (0..13).map(|number| format!("doubt {number}")).collect();
    for (form, shown) in [(Form::Short, 10), (Form::Long, 13)] {
        let text = console::strip_ansi_codes(&render(&report, &[], Kept::Nowhere, form, 80)).into_owned();
        assert_eq!(text.matches("\nWARNING   doubt ").count(), shown, "{text}");
        assert_eq!(text.contains("WARNING   and 3 more with --details"), form == Form::Short, "{text}");
        let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words:?} in {text}"));
        assert!(place("(dates in UTC)") < place("WARNING") && place("doubt 9") < place("NOT READ"), "{text}");
        assert_eq!(text.matches("doubt ").count(), shown, "they are shown once: {text}");
    }
}

#[test]
fn a_login_without_an_account_is_shown_as_a_name_in_the_log() {
    let mut report = report();
    let mut section = SectionReport::new(Section::LAST_LOGIN, SectionStatus::Complete);
    section.dangling = 5;
    let (from, to) = ("login events".to_owned(), "user administrator".to_owned());
    section.dangling_examples.push(connector_api::DanglingReference::new(from, to));
    report.summary.sections.push(section);
    let text = render(&report, &[], Kept::Nowhere, Form::Short, 140);
    let expected = "last logins (lastLogin): 5 names in the log match no account, such as user administrator";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn without_an_output_the_summary_says_how_to_save_the_rows() {
    for (form, more) in [(Form::Short, true), (Form::Long, false)] {
        let of = |kept| render(&report(), &evidence(), kept, form, 80);
        let (nowhere, kept, passed) = (of(Kept::Nowhere), of(Kept::In(Path::new("scan.ndjson"))), of(Kept::Passed));
        assert!(nowhere.contains("The rows were not saved: --output scan.ndjson saves them"), "{nowhere}");
        assert!(kept.contains("evidence, are in scan.ndjson.") && !kept.contains("not saved"), "{kept}");
        assert!(!passed.contains("not saved") && !passed.contains("All rows"), "{passed}");
        for text in [nowhere, kept, passed] {
            assert_eq!(letters(&text).contains("--detailsshowsmorehere."), more, "{text}");
        }
    }
}

#[test]
fn a_failed_scan_names_every_other_fault_once_and_leaves_its_own_to_the_error() {
    let fault = |message: &str| ConnectorError::new(connector_api::ErrorCode::ServerError, message, "scan again");
    let (own, other) = (fault("members answered 500"), fault("applications answered 500"));
    let scan = own.clone().context(Section::MEMBERSHIPS);
    let incomplete = |error: &ConnectorError| SectionStatus::Incomplete { error: error.clone() };
    let mut failed = report();
    failed.summary.outcome = Outcome::Failed;
    failed.summary.error = Some(scan.clone());
    failed.summary.sections = [
        (Section::USERS, incomplete(&scan)),
        (Section::MEMBERSHIPS, incomplete(&own)),
        (Section::APPLICATIONS, incomplete(&other)),
        (Section::LAST_LOGIN, SectionStatus::Unavailable { error: fault("events answered 403") }),
        (Section::GRANTS, incomplete(&scan)),
    ]
    .map(|(section, status)| SectionReport::new(section, status))
    .into();
    failed.summary.sections[1].dangling = 2;
    let text = render(&failed, &[], Kept::Nowhere, Form::Short, 80);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (words, times) in [
        ("members answered 500", 0),
        ("ALSO Applications: applications answered 500 [server_error]. Scan again.", 1),
        ("ALSO Last logins (lastLogin): events answered 403 [server_error]. Scan again.", 1),
        ("ALSO", 2),
        ("references", 0),
        ("failed ", 1),
        ("stopped ", 2),
        ("incomplete ", 1),
        ("unavailable ", 1),
    ] {
        assert_eq!(text.matches(words).count(), times, "{words:?} in {text}");
    }
    let warnings = shortcomings(&failed.summary);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

#[test]
fn a_section_drawn_from_an_incomplete_one_is_named_with_it_and_for_its_own_reason() {
    let fault = |message: &str| ConnectorError::new(connector_api::ErrorCode::ServerError, message, "scan again");
    let mut report = report();
    let describe = |section: Section| connector_api::SectionDescription::new(section, section.as_str(), "", "", "");
    report.summary.described =
        vec![describe(Section::APPLICATIONS), describe(Section::GRANTS).drawn_from([Section::APPLICATIONS])];
    report.summary.sections = [(Section::APPLICATIONS, "no list"), (Section::GRANTS, "no edges")]
        .map(|(section, why)| SectionReport::new(section, SectionStatus::Incomplete { error: fault(why) }))
        .into();
    report.summary.outcome = Outcome::Incomplete;
    let text = render(&report, &[], Kept::Nowhere, Form::Short, 140);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("complete except for applications and who reaches what."), "{text}");
    assert!(text.contains("NOT READ Applications and who reaches what (grants): no list"), "{text}");
    assert!(text.contains("NOT READ Who reaches what (grants): no edges"), "{text}");
}

#[test]
fn a_failed_scan_shows_no_counts_that_could_be_taken_for_the_whole() {
    let mut failed = report();
    failed.summary = ScanFailure::new(ConnectorError::cancelled(), failed.summary).into_summary();
    for form in [Form::Short, Form::Long] {
        let text = render(&failed, &evidence(), Kept::Nowhere, form, 80);
        for word in ["Found", "Accounts  ", "privileged", "NOT READ", "--details"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }
}

/// A complete scan with as many kinds of rows, evidence and notes as a connector may have.
fn full_scan() -> ScanReport {
    let describe = |word: &'static str| SectionDescription::new(Section::of(word), word, "", "", "");
    let sections = [
        ("users", "user"),
        ("administrators", "administrator"),
        ("serviceAccounts", "serviceAccount"),
        ("localAccounts", "localAccount"),
    ];
    let of_accounts = sections.map(|(section, kind)| describe(section).owning([RowType::new("account", kind)]));
    let policies = describe("conditionalAccess").owning([RowType::new("policy", "conditionalAccess")]);
    let others = ["groups", "memberships", "systems", "applications", "directories", "grants", "privilegedGrants"];
    let others = others.into_iter().chain(["temporaryAccess", "otherGrants", "roles", "lastLogin"]);
    let mut descriptor = Descriptor::new("Toy", "Toy", "1");
    descriptor.sections = of_accounts.into_iter().chain(others.map(describe)).chain([policies]).collect();
    let system = SystemConfig::new("Toy", "toy", Credential::default()).with_name("hq");
    let mut ledger = ScanLedger::start(&descriptor, &system);
    for described in &descriptor.sections {
        let mut report = SectionReport::new(described.section, SectionStatus::Complete);
        match described.section.as_str() {
            "otherGrants" => report.status = SectionStatus::Skipped,
            "roles" | "temporaryAccess" => {
                report.status = SectionStatus::Skipped;
                report.notes.push(SectionReport::NOT_SET_UP.to_owned());
            }
            "applications" | "grants" | "systems" => {
                report.notes.push("a list was read again, because it moved".into())
            }
            _ => {}
        }
        ledger.close(report);
    }
    let summary = ledger.finish(Ok(())).unwrap_or_else(|failure| failure.into_summary());
    let mut digest = Digest::default();
    let severities = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
    for number in 0..200 {
        let kind = sections[number % sections.len()].1;
        let mut account = Account::new(number.to_string(), format!("somebody.with.a.name.{number}@northwind.example"));
        account.kind = AccountKind::new(kind);
        account.reasons = (0..20)
            .map(|code| {
                let severity = severities[(number % 3 + code) % severities.len()];
                let message =
                    format!("may do what takes more than a line to say, in sentence {code} about this account");
                let reason = Reason::new(format!("code{code}"), ReasonKind::Privilege, severity, message, "ask");
                let reason = reason.by_setting("s", "v");
                if number % 10 == 0 { reason.until(jiff::Timestamp::UNIX_EPOCH) } else { reason }
            })
            .collect();
        digest.observe(&account.into());
    }
    for (level, word) in [(AccessLevel::Use, "login"), (AccessLevel::Administer, "sudo")] {
        for number in 0..6 {
            let resource = ResourceRef::new(number.to_string(), "system", "box");
            let mut grant = Grant::new(Principal::account("1", "ada"), resource, Access::of_word(level, word));
            let ends = level == AccessLevel::Use || number == 0;
            grant.expires_at = ends.then_some(jiff::Timestamp::UNIX_EPOCH);
            digest.observe(&grant.into());
        }
    }
    for (number, kind) in ["system", "system", "application", "ldapServer", "gSuite", "office365"].iter().enumerate() {
        let mut resource = Resource::new(number.to_string(), *kind, "thing");
        resource.reasons =
            vec![Reason::new(format!("odd{number}"), ReasonKind::Risk, Severity::Medium, "is odd", "mend it")];
        let end = NodeRef::new(NodeKind::Account, "user", "1");
        let mut binding = Binding::new(end, &resource);
        binding.expires_at = (number == 0).then_some(jiff::Timestamp::UNIX_EPOCH);
        digest.observe(&binding.into());
        digest.observe(&resource.into());
    }
    for group_type in ["TOY_USER_GROUP", "TOY_CONSOLE_ROLE", "TOY_ADMIN_ROLE", "TOY_SERVICE_ACCOUNT_ROLE"] {
        for privileged in [false, true] {
            let mut group = Group::new("1", group_type, "group");
            (group.privileged, group.member_count) = (privileged, Some(0));
            digest.observe(&group.into());
        }
    }
    for monitor_only in [false, true, true] {
        let mut policy = Policy::default();
        (policy.enabled, policy.monitor_only) = (Some(true), Some(monitor_only));
        digest.observe(&policy.into());
    }
    ScanReport { summary, digest, can_resume: false }
}

#[test]
fn the_short_form_of_the_largest_scan_fits_on_a_screen() {
    let report = full_scan();
    let meaning = "Privileged, and reachable without a second factor. And more";
    let evidence = (0..20).map(|code| {
        EvidenceRow::new(format!("code{code}"), ReasonKind::Privilege, [Severity::High]).explained(meaning, "", "")
    });
    let evidence: Vec<_> = evidence.collect();
    for width in [80, 100, 140] {
        let text = render(&report, &evidence, Kept::Nowhere, Form::Short, width);
        let text = console::strip_ansi_codes(text.trim_end());
        assert!(text.lines().count() <= SCREEN, "{} lines at {width}: {text}", text.lines().count());
        let sentence = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [
            "Toy hq: complete. ",
            "200 of 200 accounts are privileged: 200 critical. Standing privilege: 180; only temporary: 20.",
            "200 of the 200 are privileged only by the setting s \"v\"",
            "Privileged, and reachable without a second factor (67 critical, 67 high, 66 medium)",
            " more kinds with --details; remedies: harness describe --os-type Toy",
            "50 users (50 privileged), 50 administrators (50 privileged), 50 service accounts (50 privileged), 50 local \
             accounts (50 privileged)",
            "2 devices, 1 application, 1 Google Workspace, 2 others",
            "6 bindings, 1 of them temporary; 6 privileged grants, 1 of them temporary; 6 temporary grants to use Policies",
            "50 are local accounts, which Toy cannot ask for one.",
            "On resources: 6 medium",
            "Groups 6 roles (3 privileged), 2 user groups (1 privileged), 8 empty; ",
            "Policies 3, 1 enforced, 2 only monitoring",
            "13 complete; 0 requests, none repeated; skipped: other grants; not set up: temporary access, roles",
        ] {
            assert!(sentence.contains(words), "{words:?} is not in {text}");
        }
        let most_severe = sentence.split(" most severe of the ").next().and_then(|text| text.rsplit(' ').next());
        assert!(most_severe.and_then(|shown| shown.parse::<usize>().ok()) >= Some(3), "{text}");
        assert!(!sentence.contains("At least"), "{text}");
    }
}

#[test]
fn what_the_target_does_not_show_is_no_setting_and_takes_no_evidence_away() {
    let mut report = full_scan();
    let mut settings = SectionReport::new(Section::ORGANIZATION, SectionStatus::Skipped);
    settings.requests = 1;
    settings.notes.push("this credential is not shown the settings".to_owned());
    report.summary.sections.push(settings);
    let text = render(&report, &[], Kept::Nowhere, Form::Long, 200);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = "SKIPPED By settings: other grants (otherGrants). Not available here: organization. Not set up: ";
    assert!(words.contains(expected), "{text}");
    assert!(!words.contains("At least 200 of"), "{text}");
}

#[test]
fn what_is_skipped_by_settings_is_named_first_where_it_may_hold_evidence() {
    let mut report = full_scan();
    let systems = report.summary.sections.iter_mut().find(|section| section.section == Section::SYSTEMS);
    systems.into_iter().for_each(|section| section.status = SectionStatus::Skipped);
    let text = render(&report, &[], Kept::Nowhere, Form::Short, 140);
    let expected = "SKIPPED   By settings: devices (systems), other grants (otherGrants). Not set up: temporary access \
                    (temporaryAccess), roles.\n\nAt least 200 of 200 accounts";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("2 others, devices skipped\n"), "{text}");
}
