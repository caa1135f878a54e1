//! The summary on a terminal: first what is missing and who is privileged, then the counts.

mod found;
mod headline;
mod sections;
mod words;
mod worst;

use std::path::Path;

use connector_api::{ConnectorError, EvidenceRow, ScanSummary};
use console::style;
use indicatif::HumanCount;

use super::paragraph::{GLUE, labelled};
use super::{print, screen};
use connector_host::run::ScanReport;

/// From this width on, details are in columns rather than below each other.
const WIDE: usize = 120;

/// Where the rows of a scan are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kept<'a> {
    /// Nowhere: only the summary is shown.
    Nowhere,
    /// In a file or folder.
    In(&'a Path),
    /// In a store, whose URL is shown without its password.
    InStore(&'a str),
    /// On standard output.
    Passed,
}

/// Prints the summary on standard error; `evidence` says what each code means.
pub(super) fn print(report: &ScanReport, evidence: &[EvidenceRow], kept: Kept<'_>) {
    let text = render(report, evidence, kept, screen::width());
    // The error of a failed scan follows.
    let end = if report.summary.error.is_some() { "\n" } else { "" };
    print::note(format_args!("{}{end}", text.trim_end()));
}

/// What is missing in a scan, as errors, if the summary is not shown.
pub(super) fn shortcomings(summary: &ScanSummary) -> Vec<ConnectorError> {
    headline::gaps(summary).into_iter().map(headline::Gap::into_error).collect()
}

fn render(report: &ScanReport, evidence: &[EvidenceRow], kept: Kept<'_>, width: usize) -> String {
    let ScanReport { summary, digest, .. } = report;
    let mut text = headline::headline(summary, width);
    // The counts of a failed scan could be mistaken for complete ones.
    if summary.error.is_none() {
        text += &worst::render(summary, digest, evidence, width);
        text += &found::render(summary, digest, width);
    }
    text += &sections::render(summary, kept, width);
    if summary.error.is_none() {
        text += &whereabouts(kept, width);
    }
    text
}

/// Where the rows are, or how to keep them.
fn whereabouts(kept: Kept<'_>, width: usize) -> String {
    let sentence = match kept {
        Kept::Passed => return String::new(),
        Kept::InStore(url) => format!("All rows but grants are in {}.", print::printable(url)),
        Kept::In(path) => format!("All rows are in {}.", print::printable(&path.display().to_string())),
        Kept::Nowhere => {
            "The rows were not saved. To save them, scan again with --output scan.ndjson, or with --output \
                          scan.csv for a folder of spreadsheet files."
                .to_owned()
        }
    };
    format!("\n{}", labelled("", &sentence, width))
}

fn title(text: &str, width: usize) -> String {
    let lines = labelled("", text, width);
    lines.lines().fold("\n".to_owned(), |text, line| text + &format!("{}\n", style(line).bold().for_stderr()))
}

/// `3 enabled`, `1 disabled`, without zeros.
fn counts<'a>(counts: impl IntoIterator<Item = (&'a str, u64)>) -> Vec<String> {
    let present = counts.into_iter().filter(|(_, count)| *count > 0);
    present.map(|(name, count)| format!("{}{GLUE}{name}", HumanCount(count))).collect()
}

#[cfg(test)]
mod tests {
    use connector_api::{
        Access, AccessLevel, AccessPath, Account, Credential, Descriptor, Grant, Group, Outcome, PathStep, Principal,
        Reason, ReasonKind, ResourceRef, ScanFailure, ScanLedger, Section, SectionReport, SectionStatus, Severity,
        SystemConfig,
    };
    use console::measure_text_width;

    use super::*;
    use connector_host::digest::Digest;

    /// A group name meant to harm the terminal that shows it.
    const HOSTILE: &str = "root\u{1b}[31m\neverywhere\u{202e} 漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字";

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

    fn rendered(width: usize) -> String {
        console::strip_ansi_codes(&render(&report(), &evidence(), Kept::Nowhere, width)).into_owned()
    }

    #[test]
    fn whatever_the_rows_hold_no_line_is_longer_than_the_width_and_nothing_steers_the_terminal() {
        for width in [30, 40, 60, 80, 100, 140, 200] {
            let text = rendered(width);
            let too_long: Vec<&str> = text.lines().filter(|line| measure_text_width(line) > width).collect();
            assert!(too_long.is_empty(), "{width}: {too_long:#?}");
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\r', '…']), "{text}");
            let letters: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
            assert!(letters.contains(if width < WIDE { "3more" } else { "2more" }), "{text}");
            if width < WIDE {
                assert!(letters.contains(&"y".repeat(200)), "a sentence is cut: {text}");
            }
        }
    }

    #[test]
    fn what_is_missing_comes_first_and_once() {
        let text = rendered(80);
        assert_eq!(
            text.matches("NOT READ  Devices (systems), and therefore part of who reaches what").count(),
            1,
            "{text}"
        );
        assert_eq!(text.matches("[server_error]").count(), 1, "{text}");
        let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words:?} in {text}"));
        assert!(place("NOT READ") < place("privileged") && place("privileged") < place("\nFound"));
        assert!(text.contains("among the paths in the rows"), "{text}");
    }

    #[test]
    fn notes_that_are_not_shown_are_where_the_last_line_says() {
        let mut report = report();
        report.summary.warnings = (0..13).map(|number| format!("remark {number}")).collect();
        report.summary.sections[2].notes = vec!["a list was read again".into()];
        let more = |report: &ScanReport, kept| {
            let text = render(report, &[], kept, 80);
            let shown = text.matches("  - remark").count();
            let more = text.lines().find(|line| line.starts_with("  - and ")).map(str::to_owned);
            (shown, more)
        };
        let file = Kept::In(Path::new("scan.ndjson"));
        assert_eq!(
            more(&report, Kept::Nowhere),
            (10, Some("  - and 4 more; --output saves them with the rows".to_owned()))
        );
        assert_eq!(
            more(&report, file),
            (10, Some("  - and 4 more; see the summary at the end of the rows".to_owned()))
        );
        report.summary.outcome = Outcome::Failed;
        report.summary.error = Some(ConnectorError::cancelled());
        assert_eq!(more(&report, Kept::Nowhere), (13, None));
        assert_eq!(more(&report, file), (13, None), "nothing is under that name");
        assert!(more(&report, Kept::Passed).1.is_some());
    }

    #[test]
    fn a_login_without_an_account_is_shown_as_a_name_in_the_log() {
        let mut report = report();
        let mut section = SectionReport::new(Section::LAST_LOGIN, SectionStatus::Complete);
        section.dangling = 5;
        let (from, to) = ("login events".to_owned(), "user administrator".to_owned());
        section.dangling_examples.push(connector_api::DanglingReference::new(from, to));
        report.summary.sections.push(section);
        let text = render(&report, &[], Kept::Nowhere, 140);
        let expected = "last logins (lastLogin): 5 names in the log match no account, such as user administrator";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn without_an_output_the_summary_says_how_to_save_the_rows() {
        assert!(rendered(80).contains("The rows were not saved. To save them"));
        let kept = render(&report(), &evidence(), Kept::In(Path::new("scan.ndjson")), 80);
        assert!(kept.contains("All rows are in scan.ndjson.") && !kept.contains("not saved"), "{kept}");
        let passed = render(&report(), &evidence(), Kept::Passed, 80);
        assert!(!passed.contains("not saved") && !passed.contains("All rows are in"), "{passed}");
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
        let text = render(&failed, &[], Kept::Nowhere, 80);
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
        let text = render(&report, &[], Kept::Nowhere, 140);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("complete except for applications and who reaches what."), "{text}");
        assert!(text.contains("NOT READ Applications and who reaches what (grants): no list"), "{text}");
        assert!(text.contains("NOT READ Who reaches what (grants): no edges"), "{text}");
    }

    #[test]
    fn a_failed_scan_shows_no_counts_that_could_be_taken_for_the_whole() {
        let mut failed = report();
        failed.summary = ScanFailure::new(ConnectorError::cancelled(), failed.summary).into_summary();
        let text = render(&failed, &evidence(), Kept::Nowhere, 80);
        assert!(!text.contains("Found") && !text.contains("privileged") && !text.contains("NOT READ"), "{text}");
    }
}
