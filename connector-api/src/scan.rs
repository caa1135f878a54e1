//! A scan under way: what is asked for, where the rows go, and how far it is.

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

/// What the host asks of one scan.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ScanRequest {
    /// Ends the scan, within a second, when it is cancelled.
    pub cancel: CancellationToken,
    /// Sections that this scan leaves out, in addition to those that the configuration switches off. Core sections cannot
    /// be left out.
    pub without: BTreeSet<Section>,
    /// Reserved: the [`ScanSummary::watermark`](crate::ScanSummary::watermark) of an earlier scan, to get only what changed since. No connector reads
    /// it yet, and one that does not is free to send everything.
    pub since: Option<Value>,
    /// Whether the sink wants checkpoints; they cost memory and time only then.
    pub checkpoints: bool,
    /// Where an interrupted scan goes on.
    pub resume: Option<Checkpoint>,
}

impl ScanRequest {
    /// Refuses a request to leave out a section that the connector does not have, or a core section.
    ///
    /// # Errors
    /// `invalid_config`, naming the sections that can be left out.
    pub fn verify(&self, descriptor: &Descriptor) -> Result<(), ConnectorError> {
        let optional = || descriptor.sections.iter().filter(|described| !described.core);
        let refused = self.without.iter().find(|section| !optional().any(|described| described.section == **section));
        let Some(section) = refused else { return Ok(()) };
        let names: Vec<&str> = optional().map(|described| described.section.as_str()).collect();
        let message = match descriptor.section(*section) {
            Some(_) => format!("{section} is a core section and cannot be left out"),
            // Not repeated: it may be a secret in the wrong place.
            None => "the connector has no section of that name".to_owned(),
        };
        Err(ConnectorError::invalid_config(message, format!("these can be left out: {}", names.join(", "))))
    }

    /// A full scan that can be cancelled through `cancel`.
    pub fn with_cancel(cancel: CancellationToken) -> Self {
        Self { cancel, ..Self::default() }
    }

    /// The same request without these sections.
    #[must_use]
    pub fn leaving_out(mut self, sections: impl IntoIterator<Item = Section>) -> Self {
        self.without.extend(sections);
        self
    }

    /// The same request, with checkpoints for the sink.
    #[must_use]
    pub fn with_checkpoints(mut self) -> Self {
        self.checkpoints = true;
        self
    }

    /// The same request, which goes on from a checkpoint.
    #[must_use]
    pub fn resuming(mut self, checkpoint: Checkpoint) -> Self {
        self.resume = Some(checkpoint);
        self
    }
}

/// Where a scan's rows go.
///
/// The connector awaits every call, so a slow sink slows the scan and memory stays bounded. Rows come in this
/// order: accounts, groups, memberships, resources, bindings, grants; and those of one kind in the same order each time the target
/// answers alike.
#[async_trait]
pub trait ScanSink: Send + Sync {
    /// Takes a batch of rows, at most 1,000.
    ///
    /// # Errors
    /// Any error ends the scan; the code should be `sink`.
    async fn records(&self, batch: Vec<Record>) -> Result<(), ConnectorError>;

    /// Takes a checkpoint: once this returns, every row received so far must be kept safe together with it, and
    /// rows received later must be dropped before a scan resumes from it.
    ///
    /// # Errors
    /// Any error ends the scan; the code should be `sink`.
    async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<(), ConnectorError> {
        drop(checkpoint);
        Ok(())
    }

    /// Reserved for scans since a watermark: takes the keys of rows ([`Record::key`]) that are gone.
    ///
    /// # Errors
    /// Unless a sink implements it, `internal`: a row that is gone must never be lost in silence.
    async fn gone(&self, keys: Vec<RecordKey>) -> Result<(), ConnectorError> {
        Err(ConnectorError::internal(format!("this host takes no news of rows that are gone, and got {}", keys.len())))
    }

    /// Hears how far a section is. Must return at once.
    fn progress(&self, progress: Progress) {
        let _ = progress;
    }
}

/// How far one section is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Progress {
    /// Which section.
    pub section: Section,
    /// What stage it is in.
    pub stage: Stage,
    /// Items read so far: users, groups, memberships, events, ….
    pub done: u64,
    /// Items expected in all, as far as the target tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
    /// Requests made so far for this section.
    pub requests: u64,
}

impl Progress {
    /// A section that is being read, and has read `done` items.
    pub fn reading(section: Section, done: u64) -> Self {
        Self { section, stage: Stage::Reading, done, expected: None, requests: 0 }
    }

    /// A section of which nothing more will be read.
    pub fn done(section: Section, done: u64) -> Self {
        Self { stage: Stage::Done, ..Self::reading(section, done) }
    }

    /// The same progress, with the items that are expected in all.
    #[must_use]
    pub fn of(mut self, expected: Option<u64>) -> Self {
        self.expected = expected;
        self
    }

    /// The same progress, with the requests made so far.
    #[must_use]
    pub fn with_requests(mut self, requests: u64) -> Self {
        self.requests = requests;
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
