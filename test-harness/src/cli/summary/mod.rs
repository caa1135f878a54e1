//! What a scan found, for a person at a terminal: first what is missing and who is privileged, then how much there is.

mod found;
mod sections;
mod words;
mod worst;

use std::path::Path;

use connector_api::{ConnectorError, ScanSummary};
use console::{Term, style};
use indicatif::HumanCount;

use super::paragraph::labelled;
use super::print;
use connector_host::run::ScanReport;

/// The width where neither a terminal nor `COLUMNS` says one.
const DEFAULT_WIDTH: usize = 100;

/// The least width that the summary is made for.
const MIN_WIDTH: usize = 60;

/// From this width on, things stand beside each other that otherwise stand below.
const WIDE: usize = 120;

/// Where the rows of a scan are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kept<'a> {
    /// Nowhere: only the summary is shown.
    Nowhere,
    /// In a file or folder.
    In(&'a Path),
    /// Whoever reads standard output has them.
    Passed,
}

/// Prints the summary on standard error.
pub(super) fn print(report: &ScanReport, kept: Kept<'_>) {
    let text = render(report, kept, width());
    // The error of a scan that failed comes behind.
    let end = if report.error.is_some() { "\n" } else { "" };
    print::note(format_args!("{}{end}", text.trim_end()));
}

/// What is missing in a scan, as errors, for who does not see the summary.
pub(super) fn shortcomings(summary: &ScanSummary) -> Vec<ConnectorError> {
    sections::gaps(summary).into_iter().map(sections::Gap::into_error).collect()
}

fn width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || Term::stderr().size_checked().map(|(_, columns)| usize::from(columns));
    told.or_else(terminal).unwrap_or(DEFAULT_WIDTH).max(MIN_WIDTH)
}

fn render(report: &ScanReport, kept: Kept<'_>, width: usize) -> String {
    let ScanReport { summary, digest, error, .. } = report;
    let mut text = sections::headline(summary, width);
    // What a failed scan counted could be taken for the whole.
    if error.is_none() {
        text += &worst::render(summary, digest, width);
        text += &found::render(summary, digest, width);
    }
    text += &sections::render(summary, width);
    if error.is_none() {
        text += &whereabouts(kept, width);
    }
    text
}

/// Where the rows are, or how to keep them.
fn whereabouts(kept: Kept<'_>, width: usize) -> String {
    let sentence = match kept {
        Kept::Passed => return String::new(),
        Kept::In(path) => format!(
            "The rows, with everything that is left out here, are in {}.",
            print::printable(&path.display().to_string())
        ),
        Kept::Nowhere => "Nothing was kept. To keep the rows, with everything that is left out here, scan again with \
                          --output scan.ndjson; with --output scan.csv they become a folder for spreadsheets."
            .to_owned(),
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
    present.map(|(name, count)| format!("{} {name}", HumanCount(count))).collect()
}

#[cfg(test)]
mod tests {
    use connector_api::{
        Access, AccessLevel, AccessPath, Account, Grant, Group, Outcome, PathStep, Principal, Reason, ReasonKind,
        ResourceRef, Section, SectionReport, SectionStatus, Severity,
    };
    use console::measure_text_width;
    use jiff::Timestamp;

    use super::*;
    use connector_host::digest::Digest;

    /// What somebody could call a group to harm who reads of it.
    const HOSTILE: &str = "root\u{1b}[31m\neverywhere\u{202e} 漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字";

    /// A report of names and sentences longer than a line, and of a connector whose words are not known here.
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
        let grants = SectionStatus::Incomplete { error: error.clone().context(Section::Systems) };
        let mut summary = ScanSummary {
            os_type: "Toy".into(),
            system: HOSTILE.into(),
            started_at: Timestamp::UNIX_EPOCH,
            finished_at: Timestamp::UNIX_EPOCH,
            outcome: Outcome::Incomplete,
            error: None,
            sections: vec![
                SectionReport::new(Section::Users, SectionStatus::Complete),
                SectionReport::new(Section::Systems, SectionStatus::Unavailable { error }),
                SectionReport { records: 1, ..SectionReport::new(Section::Grants, grants) },
            ],
            facts: Default::default(),
            warnings: vec![HOSTILE.into()],
        };
        summary.sections[0].planned_requests = Some(3);
        ScanReport { summary, digest, error: None, can_resume: false }
    }

    fn rendered(width: usize) -> String {
        console::strip_ansi_codes(&render(&report(), Kept::Nowhere, width)).into_owned()
    }

    #[test]
    fn whatever_the_rows_hold_no_line_is_longer_than_the_width_and_nothing_steers_the_terminal() {
        for width in [60, 80, 100, 140, 200] {
            let text = rendered(width);
            let too_long: Vec<&str> = text.lines().filter(|line| measure_text_width(line) > width).collect();
            assert!(too_long.is_empty(), "{width}: {too_long:#?}");
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\r', '…']), "{text}");
            let letters: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
            assert!(letters.contains("2more"), "{text}");
            if width < WIDE {
                assert!(letters.contains(&"y".repeat(200)), "a sentence is cut: {text}");
            }
        }
    }

    #[test]
    fn what_is_missing_comes_first_and_once() {
        let text = rendered(80);
        assert_eq!(
            text.matches("NOT READ  Devices (systems), and so only a part of who reaches what").count(),
            1,
            "{text}"
        );
        assert_eq!(text.matches("[server_error]").count(), 1, "{text}");
        let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words:?} in {text}"));
        assert!(place("NOT READ") < place("privileged") && place("privileged") < place("\nFound"));
        assert!(text.contains("as far as the rows show ways"), "{text}");
    }

    #[test]
    fn who_kept_nothing_reads_how_to_keep_it() {
        assert!(rendered(80).contains("Nothing was kept. To keep the rows"));
        let kept = render(&report(), Kept::In(Path::new("scan.ndjson")), 80);
        assert!(kept.contains("are in scan.ndjson.") && !kept.contains("Nothing was kept"), "{kept}");
        assert!(!render(&report(), Kept::Passed, 80).contains("kept."));
    }

    #[test]
    fn a_failed_scan_shows_no_counts_that_could_be_taken_for_the_whole() {
        let mut failed = ScanReport { error: Some(ConnectorError::cancelled()), ..report() };
        failed.summary.outcome = Outcome::Failed;
        let text = render(&failed, Kept::Nowhere, 80);
        assert!(!text.contains("Found") && !text.contains("privileged") && !text.contains("NOT READ"), "{text}");
    }
}
