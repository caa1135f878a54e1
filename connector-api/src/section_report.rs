//! How completely one section was read, and what that cost.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::ConnectorError;
use crate::section::Section;

/// The status with which a section ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "status", rename_all = "camelCase")]
#[non_exhaustive]
pub enum SectionStatus {
    /// Everything that the target has was read.
    Complete,
    /// Something is missing, or may be.
    Incomplete {
        /// The reason.
        error: ConnectorError,
    },
    /// Excluded by the configuration or the request; not set up: see [`SectionReport::is_not_set_up`]; or not shown by the
    /// target to a credential of this kind: a note says so.
    Skipped,
    /// The credential may not read it, or the target does not have it.
    Unavailable {
        /// The reason, with the permission that is needed.
        error: ConnectorError,
    },
    /// A status from a later version of the contract. It counts as not complete.
    #[serde(other)]
    Unknown,
}

impl SectionStatus {
    /// Returns the status's word, as in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete { .. } => "incomplete",
            Self::Skipped => "skipped",
            Self::Unavailable { .. } => "unavailable",
            Self::Unknown => "unknown",
        }
    }

    /// Returns the error of an incomplete or unavailable section.
    pub const fn error(&self) -> Option<&ConnectorError> {
        match self {
            Self::Complete | Self::Skipped | Self::Unknown => None,
            Self::Incomplete { error } | Self::Unavailable { error } => Some(error),
        }
    }
}

/// Converts the error of a section that could not be read: unavailable if the credential may not read it or the target
/// does not have it, otherwise incomplete.
impl From<ConnectorError> for SectionStatus {
    fn from(error: ConnectorError) -> Self {
        if error.is_unavailable() { Self::Unavailable { error } } else { Self::Incomplete { error } }
    }
}

/// What one section read and what it cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SectionReport {
    /// The section.
    pub section: Section,
    /// The status.
    #[serde(flatten)]
    pub status: SectionStatus,
    /// Rows emitted.
    pub records: u64,
    /// Requests planned from counts alone, if there was a plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_requests: Option<u64>,
    /// Requests that got a response or failed, retries included.
    pub requests: u64,
    /// Requests that were retries.
    pub retries: u64,
    /// Time spent in back-off before retries, in milliseconds, summed over all requests.
    pub wait_ms: u64,
    /// Bytes of bodies that were received completely, after decompression.
    pub bytes: u64,
    /// Time from the first request to the last row, in milliseconds.
    pub duration_ms: u64,
    /// Rows that came more than once and were dropped.
    pub duplicates: u64,
    /// References to things that are not in the scan; they are omitted.
    pub dangling: u64,
    /// Examples of those references, for the operator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dangling_examples: Vec<DanglingReference>,
    /// Whether a setting left out data that may be evidence of privilege: the rows are whole, but somebody may be privileged
    /// whom they do not show as such. A note says what was left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lacks_evidence: bool,
    /// Notes for the operator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl SectionReport {
    /// The note of a skipped section whose feature the target does not have or has not set up: there is nothing to read.
    pub const NOT_SET_UP: &str = "not set up here";

    /// Creates a report without any counts.
    pub fn new(section: Section, status: SectionStatus) -> Self {
        Self {
            section,
            status,
            records: 0,
            planned_requests: None,
            requests: 0,
            retries: 0,
            wait_ms: 0,
            bytes: 0,
            duration_ms: 0,
            duplicates: 0,
            dangling: 0,
            lacks_evidence: false,
            dangling_examples: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// Creates the report of a complete section without any counts.
impl From<Section> for SectionReport {
    fn from(section: Section) -> Self {
        Self::new(section, SectionStatus::Complete)
    }
}

impl SectionReport {
    /// Returns whether the section was skipped because its feature is not set up, and not by a setting or a request.
    pub fn is_not_set_up(&self) -> bool {
        self.status == SectionStatus::Skipped && self.notes.iter().any(|note| note == Self::NOT_SET_UP)
    }

    /// Marks the section as incomplete.
    #[must_use]
    pub fn incomplete(mut self, error: ConnectorError) -> Self {
        self.status = SectionStatus::Incomplete { error };
        self
    }

    /// Sets the number of rows emitted.
    #[must_use]
    pub fn with_records(mut self, records: u64) -> Self {
        self.records = records;
        self
    }

    /// Sets the number of requests made.
    #[must_use]
    pub fn with_requests(mut self, requests: u64) -> Self {
        self.requests = requests;
        self
    }
}

/// A reference to something that is not in the scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DanglingReference {
    /// The origin of the reference, such as `group 5f…`.
    pub from: String,
    /// The missing thing, such as `user 5f…`.
    pub to: String,
}

impl DanglingReference {
    /// Creates a reference from its origin to the missing thing.
    pub fn new(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self { from: from.into(), to: to.into() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_feature_that_is_not_set_up_is_not_one_that_a_setting_skips() {
        let mut report = SectionReport::new(Section::SERVICE_ACCOUNTS, SectionStatus::Skipped);
        assert!(!report.is_not_set_up());
        report.notes.push(SectionReport::NOT_SET_UP.to_owned());
        assert!(report.is_not_set_up());
        report.status = SectionStatus::Complete;
        assert!(!report.is_not_set_up());
    }

    #[test]
    fn a_status_of_a_later_version_is_unknown_and_not_an_error() {
        let mut json = serde_json::to_value(SectionReport::new(Section::USERS, SectionStatus::Complete)).unwrap();
        json["status"] = "deferred".into();
        assert_eq!(serde_json::from_value::<SectionReport>(json).unwrap().status, SectionStatus::Unknown);
    }
}
