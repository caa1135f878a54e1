//! What an output knows before the first row.

use std::sync::Arc;

use connector_api::{Descriptor, EvidenceRow, GraphDescription, SectionDescription};

/// Where rows come from: the system and what its connector says of them.
#[derive(Debug, Clone, Default)]
pub struct Origin(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    system: String,
    os_type: String,
    graph: Option<GraphDescription>,
    evidence: Vec<EvidenceRow>,
    sections: Vec<SectionDescription>,
}

impl Origin {
    /// Rows of a system, which `descriptor` describes.
    pub fn new(system: &str, descriptor: &Descriptor) -> Self {
        Self(Arc::new(Inner {
            system: system.to_owned(),
            os_type: descriptor.os_type.clone(),
            graph: descriptor.graph.clone(),
            evidence: descriptor.evidence.clone(),
            sections: descriptor.sections.clone(),
        }))
    }

    /// The operator's name for the system.
    pub fn system(&self) -> &str {
        &self.0.system
    }

    pub(super) fn os_type(&self) -> &str {
        &self.0.os_type
    }

    pub(super) fn graph(&self) -> Option<&GraphDescription> {
        self.0.graph.as_ref()
    }

    pub(super) fn evidence(&self) -> &[EvidenceRow] {
        &self.0.evidence
    }

    pub(super) fn sections(&self) -> &[SectionDescription] {
        &self.0.sections
    }
}
