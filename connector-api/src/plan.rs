//! The estimated cost of a scan.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::section::Section;

/// The requests that a scan would make, estimated from counts alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ScanPlan {
    /// Requests made to find the counts.
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

/// The requests that one section would make.
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
}

impl SectionPlan {
    /// Creates the estimate of a section, with its explanation.
    pub fn new(section: Section, requests: u64, because: impl Into<String>) -> Self {
        Self { section, requests, because: because.into() }
    }
}
