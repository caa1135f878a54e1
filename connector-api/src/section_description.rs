//! How a connector describes a section, and which rows and fields come from it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::row_type::{Field, RowType};
use crate::section::Section;

/// What a connector says of one of its sections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SectionDescription {
    /// Its word.
    pub section: Section,
    /// Its name for people, such as `Last logins`.
    pub title: String,
    /// Whether a scan without it, whole, is a failed scan.
    #[serde(default)]
    pub core: bool,
    /// What it discovers.
    pub data: String,
    /// Where that comes from.
    pub source: String,
    /// What it costs, in requests.
    pub cost: String,
    /// What the credential must be allowed to do for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rights: Vec<String>,
    /// The sections that its own rows are drawn from, directly. It is incomplete where one of them is, and lacks what is
    /// left out of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drawn_from: Vec<Section>,
    /// The rows that come from it. No other section of the connector has rows of these types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owns: Vec<RowType>,
    /// The fields that it fills in in rows of other sections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fills_in: Vec<Field>,
}

/// The sections that one is drawn from, directly and through others.
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
    /// A section that is not core, with what it discovers, where from, and at what cost.
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

    /// The same section, without which a scan fails.
    #[must_use]
    pub fn core(mut self) -> Self {
        self.core = true;
        self
    }

    /// The same section, whose rows are drawn from these sections.
    #[must_use]
    pub fn drawn_from(mut self, sections: impl IntoIterator<Item = Section>) -> Self {
        self.drawn_from.extend(sections);
        self
    }

    /// The same section with the rows of these types in addition.
    #[must_use]
    pub fn owning(mut self, types: impl IntoIterator<Item = RowType>) -> Self {
        self.owns.extend(types);
        self
    }

    /// The same section, which fills in these fields in rows of other sections.
    #[must_use]
    pub fn filling_in(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.fills_in.extend(fields);
        self
    }

    /// The same section, for which the credential needs these rights.
    #[must_use]
    pub fn needing(mut self, rights: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.rights.extend(rights.into_iter().map(Into::into));
        self
    }
}
