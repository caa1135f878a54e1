//! How much of each section was read.

use connector_api::{AccountKind, ScanSummary, Section, SectionDescription, SectionReport, SectionStatus};

/// The sections that contain accounts, each with the kind of account, in the order of the summary.
pub(super) fn accounts_of_sections(summary: &ScanSummary) -> impl Iterator<Item = (&SectionDescription, AccountKind)> {
    summary.described.iter().flat_map(|section| {
        let accounts = section.owns.iter().filter(|rows| rows.record == "account");
        accounts.map(move |rows| (section, AccountKind::new(rows.row_type.clone())))
    })
}

/// The section with rows of one kind of record, if there is one.
pub(super) fn owner_of(summary: &ScanSummary, record: &str) -> Option<Section> {
    let owns = |section: &&SectionDescription| section.owns.iter().any(|rows| rows.record == record);
    summary.described.iter().find(owns).map(|section| section.section)
}

/// How much of a section was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    Part,
    NotRead,
    Skipped,
    NotSetUp,
    /// The connector has no such section.
    Unknown,
}

impl Extent {
    pub(super) fn of(summary: &ScanSummary, section: Section) -> Self {
        let Some(report) = summary.section(section) else { return Self::Unknown };
        match report.status {
            SectionStatus::Complete => Self::Whole,
            SectionStatus::Incomplete { .. } if report.records > 0 => Self::Part,
            SectionStatus::Skipped if report.is_not_set_up() => Self::NotSetUp,
            SectionStatus::Skipped => Self::Skipped,
            _ => Self::NotRead,
        }
    }

    /// Words for what is missing.
    pub(super) const fn lack(self) -> Option<&'static str> {
        match self {
            Self::Whole | Self::Unknown => None,
            Self::Part => Some("read only in part"),
            Self::NotRead => Some("not read"),
            Self::Skipped => Some("skipped"),
            Self::NotSetUp => Some(SectionReport::NOT_SET_UP),
        }
    }
}
