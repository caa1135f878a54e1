//! Descriptions of sections, with the rows and fields that come from each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::row_type::{Field, RowType};
use crate::section::Section;

/// A connector's description of one of its sections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SectionDescription {
    /// The section.
    pub section: Section,
    /// The display name, such as `Last logins`.
    pub title: String,
    /// Whether a scan fails unless this section is complete.
    #[serde(default)]
    pub core: bool,
    /// The data that it discovers.
    pub data: String,
    /// The source of that data.
    pub source: String,
    /// The cost in requests.
    pub cost: String,
    /// The permissions that the credential needs for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rights: Vec<String>,
    /// The sections that its rows are drawn from directly. It is incomplete if one of them is, and rows that
    /// depend on a skipped one are missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drawn_from: Vec<Section>,
    /// The row types that it owns. No other section of the connector has rows of these types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owns: Vec<RowType>,
    /// The fields that it fills in on other sections' rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fills_in: Vec<Field>,
}

/// Returns the sections that a section is drawn from, directly and through others.
pub(crate) fn sources(described: &[SectionDescription], section: Section) -> Vec<Section> {
    let (mut all, mut next) = (Vec::new(), vec![section]);
    while let Some(section) = next.pop() {
        let of = described.iter().find(|described| described.section == section);
        for source in of.into_iter().flat_map(|described| &described.drawn_from) {
            if !all.contains(source) {
                all.push(*source);
                next.push(*source);
            }
        }
    }
    all
}

impl SectionDescription {
    /// Creates the description of an optional section: its data, their source, and the cost.
    pub fn new(
        section: Section,
        title: impl Into<String>,
        data: impl Into<String>,
        source: impl Into<String>,
        cost: impl Into<String>,
    ) -> Self {
        Self {
            section,
            title: title.into(),
            core: false,
            data: data.into(),
            source: source.into(),
            cost: cost.into(),
            rights: Vec::new(),
            drawn_from: Vec::new(),
            owns: Vec::new(),
            fills_in: Vec::new(),
        }
    }

    /// Makes the section core: a scan without it fails.
    #[must_use]
    pub fn core(mut self) -> Self {
        self.core = true;
        self
    }

    /// Adds sections that the rows are drawn from.
    #[must_use]
    pub fn drawn_from(mut self, sections: impl IntoIterator<Item = Section>) -> Self {
        self.drawn_from.extend(sections);
        self
    }

    /// Adds row types that the section owns.
    #[must_use]
    pub fn owning(mut self, types: impl IntoIterator<Item = RowType>) -> Self {
        self.owns.extend(types);
        self
    }

    /// Adds fields that the section fills in on other sections' rows.
    #[must_use]
    pub fn filling_in(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.fills_in.extend(fields);
        self
    }

    /// Adds permissions that the credential needs for the section.
    #[must_use]
    pub fn needing(mut self, rights: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.rights.extend(rights.into_iter().map(Into::into));
        self
    }
}
