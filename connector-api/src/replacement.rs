//! What a scan replaces of what a host knew before: a plan as data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::descriptor::Descriptor;
use crate::reason::Reason;
use crate::scan::{Outcome, ScanSummary, SectionStatus};
use crate::section::{Field, RowType, Section};

/// What stays, goes and comes in a host's snapshot after a scan.
///
/// A host with a vector of rows and one with millions of them in SQL apply the same plan: for each type of rows either
/// replace those it has by those of the scan, or keep them; and for each field that a section fills in in rows of others
/// either take the scan's value or keep the one it had. What is kept stands since the last scan that replaced it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Replacement {
    /// What happens to the rows of each type.
    pub rows: Vec<RowReplacement>,
    /// What happens to each field that a section fills in in rows of others.
    pub fields: Vec<FieldReplacement>,
    /// The sections that were not read whole: reasons and links that were drawn from one of them stay on rows that stay.
    pub kept_sections: Vec<Section>,
}

/// What happens to the rows of one type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RowReplacement {
    /// The type.
    #[serde(flatten)]
    pub rows: RowType,
    /// The section that they come from.
    pub section: Section,
    /// What happens.
    pub action: Action,
}

/// What happens to one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FieldReplacement {
    /// The field.
    #[serde(flatten)]
    pub field: Field,
    /// The section that fills it in.
    pub section: Section,
    /// What happens.
    pub action: Action,
}

/// Whether what a host knew stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Action {
    /// What the scan brought takes the place of what was known; what it did not bring is gone.
    Replace,
    /// What was known stays, as old as it is. Rows of that type that the scan brought are not taken over.
    Keep,
}

impl ScanSummary {
    /// What this scan replaces. A section that is anything but complete keeps its rows and fields: incomplete,
    /// unavailable, skipped, not reported, or of a status that this version does not know. A failed scan keeps
    /// everything.
    pub fn replacement(&self, descriptor: &Descriptor) -> Replacement {
        let action = |section: Section| {
            let whole = self.section(section).is_some_and(|report| report.status == SectionStatus::Complete);
            if whole && self.outcome != Outcome::Failed { Action::Replace } else { Action::Keep }
        };
        let sections = || descriptor.sections.iter();
        let rows = sections().flat_map(|described| {
            let section = described.section;
            let row = move |rows: &RowType| RowReplacement { rows: rows.clone(), section, action: action(section) };
            described.owns.iter().map(row)
        });
        let fields = sections().flat_map(|described| {
            let section = described.section;
            let field =
                move |field: &Field| FieldReplacement { field: field.clone(), section, action: action(section) };
            described.fills_in.iter().map(field)
        });
        let kept = sections().map(|described| described.section).filter(|section| action(*section) == Action::Keep);
        Replacement { rows: rows.collect(), fields: fields.collect(), kept_sections: kept.collect() }
    }
}

impl Replacement {
    /// What happens to rows of one type; rows of a type that no section owns are kept.
    pub fn of_rows(&self, rows: &RowType) -> Action {
        self.rows.iter().find(|row| row.rows == *rows).map_or(Action::Keep, |row| row.action)
    }

    /// What happens to one field; one that no section fills in goes with its row.
    pub fn of_field(&self, field: &Field) -> Action {
        self.fields.iter().find(|row| row.field == *field).map_or(Action::Replace, |row| row.action)
    }

    /// Whether a reason that a host knew, on a row that is replaced, stays beside the reasons that the scan brought.
    pub fn keeps_reason(&self, reason: &Reason) -> bool {
        reason.sections.iter().any(|section| self.kept_sections.contains(section))
    }
}
