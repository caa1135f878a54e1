//! The request for a scan, the sink for its rows, and its progress.

use std::collections::BTreeSet;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::checkpoint::Checkpoint;
use crate::descriptor::Descriptor;
use crate::error::ConnectorError;
use crate::record::{Record, RecordKey};
use crate::section::Section;

/// What the host requests of one scan.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ScanRequest {
    /// Cancels the scan, which then ends within a second.
    pub cancel: CancellationToken,
    /// Sections to skip, in addition to those that the configuration skips. Core sections cannot be skipped.
    pub without: BTreeSet<Section>,
    /// Reserved: the [`ScanSummary::watermark`](crate::ScanSummary::watermark) of an earlier scan, to get only what has
    /// changed since. No connector supports it yet; a connector without support sends everything.
    pub since: Option<Value>,
    /// Whether the sink wants checkpoints. They cost memory and time only if it does.
    pub checkpoints: bool,
    /// The checkpoint from which to resume an interrupted scan.
    pub resume: Option<Checkpoint>,
}

impl ScanRequest {
    /// Refuses a request that skips an unknown section or a core section.
    ///
    /// # Errors
    /// Returns `invalid_config`; the remedy names the sections that can be skipped.
    pub fn verify(&self, descriptor: &Descriptor) -> Result<(), ConnectorError> {
        let optional = || descriptor.sections.iter().filter(|described| !described.core);
        let refused = self.without.iter().find(|section| !optional().any(|described| described.section == **section));
        let Some(section) = refused else { return Ok(()) };
        let names: Vec<&str> = optional().map(|described| described.section.as_str()).collect();
        let message = match descriptor.section(*section) {
            Some(_) => format!("{section} is a core section and cannot be skipped"),
            // The name is not repeated: it may be a secret in the wrong place.
            None => "the connector has no section of that name".to_owned(),
        };
        Err(ConnectorError::invalid_config(message, format!("skip only these: {}", names.join(", "))))
    }

    /// Creates a request for a full scan that `cancel` can cancel.
    pub fn with_cancel(cancel: CancellationToken) -> Self {
        Self { cancel, ..Self::default() }
    }

    /// Skips these sections.
    #[must_use]
    pub fn leaving_out(mut self, sections: impl IntoIterator<Item = Section>) -> Self {
        self.without.extend(sections);
        self
    }

    /// Asks for checkpoints.
    #[must_use]
    pub fn with_checkpoints(mut self) -> Self {
        self.checkpoints = true;
        self
    }

    /// Resumes from a checkpoint.
    #[must_use]
    pub fn resuming(mut self, checkpoint: Checkpoint) -> Self {
        self.resume = Some(checkpoint);
        self
    }
}

/// The receiver of a scan's rows.
///
/// The connector awaits every call, so a slow sink slows the scan and memory stays bounded. Rows come in this order of
/// kinds: accounts, groups, memberships, resources, bindings, grants. Within a kind, the order is the same whenever the
/// target's responses are.
#[async_trait]
pub trait ScanSink: Send + Sync {
    /// Takes a batch of rows, at most 1,000.
    ///
    /// # Errors
    /// Any error ends the scan; the code should be `sink`.
    async fn records(&self, batch: Vec<Record>) -> Result<(), ConnectorError>;

    /// Takes a checkpoint. Once this returns, all rows received so far must be stored safely together with it. Rows
    /// received later must be dropped before a scan resumes from it. Serialise it, and drop it before this returns: it shares
    /// the connector's state, which the connector must otherwise copy to go on. A host may also keep it in memory, and store it
    /// later or never: if the scan ends before that, it resumes from the checkpoint before.
    ///
    /// # Errors
    /// Any error ends the scan; the code should be `sink`.
    async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<(), ConnectorError> {
        drop(checkpoint);
        Ok(())
    }

    /// Reserved for scans since a watermark: takes the keys ([`Record::key`]) of rows that are gone.
    ///
    /// # Errors
    /// Returns `internal` unless the sink implements it: a removed row must never get lost silently.
    async fn gone(&self, keys: Vec<RecordKey>) -> Result<(), ConnectorError> {
        Err(ConnectorError::internal(format!("this host does not support removed rows, and got {}", keys.len())))
    }

    /// Takes the progress of a section. Must return at once.
    fn progress(&self, progress: Progress) {
        let _ = progress;
    }
}

/// The progress of one section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Progress {
    /// The section.
    pub section: Section,
    /// Its stage.
    pub stage: Stage,
    /// Items read so far: users, groups, memberships, events, ….
    pub done: u64,
    /// Items expected in total, if the target reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
    /// Requests made so far for this section.
    pub requests: u64,
    /// Requests so far that the target refused because of their rate.
    #[serde(default)]
    pub refusals: u64,
    /// Time spent so far in back-off before retries, in milliseconds, summed over all requests.
    #[serde(default)]
    pub wait_ms: u64,
}

impl Progress {
    /// Creates the progress of a section that is being read and has `done` items.
    pub fn reading(section: Section, done: u64) -> Self {
        Self { section, stage: Stage::Reading, done, expected: None, requests: 0, refusals: 0, wait_ms: 0 }
    }

    /// Creates the progress of a section that is finished.
    pub fn done(section: Section, done: u64) -> Self {
        Self { stage: Stage::Done, ..Self::reading(section, done) }
    }

    /// Sets the number of expected items.
    #[must_use]
    pub fn of(mut self, expected: Option<u64>) -> Self {
        self.expected = expected;
        self
    }

    /// Sets the number of requests made so far.
    #[must_use]
    pub fn with_requests(mut self, requests: u64) -> Self {
        self.requests = requests;
        self
    }

    /// Sets how many requests were refused because of their rate so far, and the milliseconds spent in back-off.
    #[must_use]
    pub fn with_waits(mut self, refusals: u64, wait_ms: u64) -> Self {
        (self.refusals, self.wait_ms) = (refusals, wait_ms);
        self
    }
}

/// The stage of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Stage {
    /// It is being read from the target.
    Reading,
    /// Nothing more will be read.
    Done,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::section_description::SectionDescription;

    #[test]
    fn only_optional_sections_can_be_left_out() {
        let descriptor = {
            let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
            let optional = [Section::SYSTEMS, Section::LAST_LOGIN].map(describe);
            let sections = [describe(Section::GROUPS).core()].into_iter().chain(optional).collect();
            Descriptor { sections, ..Descriptor::default() }
        };
        let without = |section| ScanRequest::default().leaving_out([section]);
        assert_eq!(without(Section::SYSTEMS).verify(&descriptor), Ok(()));
        let error = without(Section::GROUPS).verify(&descriptor).unwrap_err();
        assert!(error.message.contains("core") && error.remedy.contains("systems, lastLogin"), "{error:?}");
        assert!(
            without(Section::DIRECTORIES).verify(&descriptor).unwrap_err().message.contains("no section of that name")
        );
    }
}
