//! What is known about access that ends by itself.

use connector_api::{AccessLevel, ScanSummary, Section};
use indicatif::HumanCount;

use super::extent::Extent;
use connector_host::digest::Digest;

/// Whether it is known which access ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// What was approved until a certain time was read, or cannot exist.
    Known,
    /// It was not read, or only in part.
    NotKnown,
    /// The connector has no section for it.
    NoSection,
}

impl Ends {
    pub(super) fn of(summary: &ScanSummary) -> Self {
        match Extent::of(summary, Section::TEMPORARY_ACCESS) {
            Extent::Whole | Extent::NotSetUp => Self::Known,
            Extent::Part | Extent::NotRead | Extent::Skipped => Self::NotKnown,
            Extent::Unknown => Self::NoSection,
        }
    }

    /// How many of some bindings or grants are temporary.
    pub(super) fn words(self, temporary: u64) -> Option<String> {
        match (temporary, self) {
            (0, Self::Known) => Some("all standing".to_owned()),
            (0, Self::NotKnown) => Some("not known whether any is temporary".to_owned()),
            (0, Self::NoSection) => None,
            (temporary, Self::NotKnown) => Some(format!("at least {} of them temporary", HumanCount(temporary))),
            (temporary, _) => Some(format!("{} of them temporary", HumanCount(temporary))),
        }
    }
}

/// The rows of the section of privileged grants. A grant to use is among them only because it is temporary.
pub(super) struct PrivilegedGrants {
    /// Grants of more than use.
    pub(super) more_than_use: u64,
    /// Those of them that are temporary.
    pub(super) temporary: u64,
    /// Temporary grants to use.
    pub(super) temporary_use: u64,
}

impl PrivilegedGrants {
    pub(super) fn of(digest: &Digest) -> Self {
        let rows = |is_use: bool| {
            let rows =
                digest.privileged_grants.iter().filter(|(access, _)| (access.level <= AccessLevel::Use) == is_use);
            rows.map(|(_, count)| count).sum::<u64>()
        };
        let (more_than_use, temporary_use) = (rows(false), rows(true));
        Self { more_than_use, temporary: digest.temporary_grants.saturating_sub(temporary_use), temporary_use }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_is_standing_only_if_what_ends_was_read() {
        for (ends, temporary, words) in [
            (Ends::Known, 0, Some("all standing")),
            (Ends::Known, 2, Some("2 of them temporary")),
            (Ends::NotKnown, 0, Some("not known whether any is temporary")),
            (Ends::NotKnown, 2, Some("at least 2 of them temporary")),
            (Ends::NoSection, 0, None),
            (Ends::NoSection, 2, Some("2 of them temporary")),
        ] {
            assert_eq!(ends.words(temporary).as_deref(), words);
        }
    }
}
