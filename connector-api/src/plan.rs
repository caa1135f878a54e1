//! The estimated cost of a scan.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::section::Section;

/// The requests that a scan would make and the rows that it would send, estimated from counts and, where these do not decide,
/// from a few sample requests. It must take far fewer requests than a scan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ScanPlan {
    /// Requests made for the counts and samples.
    pub probes: u64,
    /// One row for each section that would be read.
    pub sections: Vec<SectionPlan>,
}

impl ScanPlan {
    /// Creates a plan that took `probes` requests to make.
    pub fn new(probes: u64, sections: Vec<SectionPlan>) -> Self {
        Self { probes, sections }
    }

    /// Returns the requests of all sections.
    pub fn requests(&self) -> u64 {
        self.sections.iter().map(|section| section.requests).fold(0, u64::saturating_add)
    }
}

/// The requests that one section would make, and its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SectionPlan {
    /// The section.
    pub section: Section,
    /// Requests, without retries.
    pub requests: u64,
    /// The explanation of that number.
    pub because: String,
    /// The rows that it would send. `None` if the connector cannot estimate them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<RowEstimate>,
}

impl SectionPlan {
    /// Creates the estimate of a section, with its explanation and without an estimate of its rows.
    pub fn new(section: Section, requests: u64, because: impl Into<String>) -> Self {
        Self { section, requests, because: because.into(), rows: None }
    }

    /// Adds an estimate of the rows.
    #[must_use]
    pub fn with_rows(mut self, rows: impl Into<Option<RowEstimate>>) -> Self {
        self.rows = rows.into();
        self
    }
}

/// The rows that a section would send.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RowEstimate {
    /// How many there are.
    pub count: u64,
    /// Their size as NDJSON, in bytes.
    pub bytes: u64,
    /// Whether both are upper bounds, which may be far above the truth, rather than estimates.
    pub at_most: bool,
}

impl RowEstimate {
    /// Creates an estimate of `count` rows that take about `bytes_per_row` bytes each as NDJSON.
    pub fn about(count: u64, bytes_per_row: u64) -> Self {
        Self { count, bytes: count.saturating_mul(bytes_per_row), at_most: false }
    }

    /// Creates an upper bound of `count` rows that take about `bytes_per_row` bytes each as NDJSON.
    pub fn at_most(count: u64, bytes_per_row: u64) -> Self {
        Self { at_most: true, ..Self::about(count, bytes_per_row) }
    }

    /// Returns the estimate of these rows and others together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            bytes: self.bytes.saturating_add(other.bytes),
            at_most: self.at_most || other.at_most,
        }
    }
}
