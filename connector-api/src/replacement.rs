//! What a scan replaces in a host's snapshot: a plan as data.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::descriptor::Descriptor;
use crate::reason::{Reason, ReasonKind, Severity};
use crate::record::{AccountLink, Record};
use crate::row_type::{Field, RowType};
use crate::section::Section;
use crate::section_description::sources;
use crate::section_report::SectionStatus;
use crate::summary::{Outcome, ScanSummary};

/// What a scan replaces, adds and keeps in a host's snapshot.
///
/// The plan is the same for a host with a vector of rows and for one with millions of rows in SQL. For each row type it
/// says whether the scan's rows replace the known ones. For each field that a section fills in on other sections' rows
/// it says whether the scan's value replaces the known one. What is kept dates from the last scan that replaced it.
///
/// [`apply`](Self::apply) follows these rules for rows in memory:
/// - A scanned row of a replaced type takes the place of the known row with the same [key](Record::key), even if that
///   one is of a kept type: a grant that became privileged is not an ordinary one as well.
/// - A new row is taken as scanned. On a known row that is replaced, kept fields keep their known value; where there
///   was none, the scan's is taken.
/// - On a kept row, only the fields that a complete section filled in are updated.
/// - A row that refers to a row of a kept type is kept as well ([`of_row`](Self::of_row)): both ends of a binding
///   count, the group and resource of a grant, and the group of a membership. So is a grant or membership of an account
///   whose row is kept. For example, if devices were skipped, bindings to devices are kept and bindings to
///   applications are replaced.
/// - A row that was known under a replaced type and is scanned under a kept one is taken as scanned: it is not gone. A
///   grant that moved into a section that was skipped is not in the scan, and is removed.
/// - A known reason or link is kept if one of its sections was not complete. It replaces a scanned one with the same
///   [key](Reason::key). Other data of the scan may contradict it: it is as old as the section. If only its details are
///   from such a section, it is kept as long as the scan has a reason with the same key, since a scan that did not read
///   what the reason counts assumes the worst case.
/// - A reason that is new is taken, also from a section that was not complete: what was read of it is true. If it is a
///   privilege more severe than all that were known, a risk that the scan found more severe than it was known is taken
///   as scanned, since its severity follows from the privilege.
/// - Kept rows may refer to rows that are gone, and may have a user name that another account has now. Rows of a type
///   that no section owns are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Replacement {
    /// When the scan began, UTC. What is replaced is as of then; what is kept is as of its last replacement.
    pub as_of: Timestamp,
    /// What happens to the rows of each type.
    pub rows: Vec<RowReplacement>,
    /// What happens to each field that a section fills in on other sections' rows.
    pub fields: Vec<FieldReplacement>,
    /// The sections that were not complete. Reasons and links drawn from one of them are kept on the rows that
    /// remain.
    pub kept_sections: Vec<Section>,
    /// The sections that were read completely but are drawn from one that was not. Some of their rows may be kept, so only a
    /// part of them is as of this scan.
    pub kept_in_part: Vec<Section>,
}

/// What happens to the rows of one type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RowReplacement {
    /// The row type.
    #[serde(flatten)]
    pub rows: RowType,
    /// The section that owns it.
    pub section: Section,
    /// The action.
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
    /// The action.
    pub action: Action,
}

/// Whether known data is replaced or kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Action {
    /// The scan's data replaces the known data; what the scan did not find is removed.
    Replace,
    /// The known data is kept, as old as it is. Rows of such a type in the scan are not taken.
    Keep,
}

impl Action {
    /// Combines two actions: keep wins.
    fn or(self, other: Self) -> Self {
        if self == Self::Keep { self } else { other }
    }
}

impl ScanSummary {
    /// Returns what this scan replaces. A section that is not complete keeps its rows and fields, whether it is
    /// incomplete, unavailable, skipped, not reported, or of an unknown status. A failed scan replaces nothing.
    pub fn replacement(&self, descriptor: &Descriptor) -> Replacement {
        let action = |section: Section| {
            let whole = self.section(section).is_some_and(|report| report.status == SectionStatus::Complete);
            if whole && self.outcome != Outcome::Failed { Action::Replace } else { Action::Keep }
        };
        // The sections as described when the scan ran; the connector may have changed since.
        let described = if self.described.is_empty() { &descriptor.sections } else { &self.described };
        let sections = || described.iter();
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
        let in_part = sections().map(|described| described.section).filter(|section| {
            action(*section) == Action::Replace
                && sources(described, *section).iter().any(|of| action(*of) == Action::Keep)
        });
        Replacement {
            as_of: self.started_at,
            rows: rows.collect(),
            fields: fields.collect(),
            kept_sections: kept.collect(),
            kept_in_part: in_part.collect(),
        }
    }
}

impl Replacement {
    /// Returns what happens to rows of a type. Rows of a type that no section owns are kept.
    pub fn of_rows(&self, rows: &RowType) -> Action {
        self.of_type(&rows.record, &rows.row_type).unwrap_or(Action::Keep)
    }

    /// Returns what happens to a row. It is kept if its own type is, or the type of a row that it refers to.
    pub fn of_row(&self, record: &Record) -> Action {
        let own = self.of_type(record.kind(), &record.row_type()).unwrap_or(Action::Keep);
        record.named().filter_map(|(kind, row_type)| self.of_type(kind.as_str(), row_type)).fold(own, Action::or)
    }

    /// Returns what happens to rows of a type, if a section owns them.
    fn of_type(&self, record: &str, row_type: &str) -> Option<Action> {
        let of_type = self.rows.iter().filter(|row| row.rows.record == record && row.rows.row_type == row_type);
        of_type.map(|row| row.action).reduce(Action::or)
    }

    /// Returns what happens to a field. A field that no section fills in follows its row.
    pub fn of_field(&self, field: &Field) -> Action {
        let kept = self.fields.iter().any(|row| row.field == *field && row.action == Action::Keep);
        if kept { Action::Keep } else { Action::Replace }
    }

    /// Returns whether a known reason on a replaced row is kept in addition to the scanned reasons.
    pub fn keeps_reason(&self, reason: &Reason) -> bool {
        self.keeps_any(&reason.sections)
    }

    /// Returns whether a known link on a replaced row is kept in addition to the scanned links.
    pub fn keeps_link(&self, link: &AccountLink) -> bool {
        self.keeps_any(&link.sections)
    }

    fn keeps_any(&self, sections: &[Section]) -> bool {
        sections.iter().any(|section| self.kept_sections.contains(section))
    }

    /// Applies the plan to the known and the scanned rows, in memory. Kinds keep their order; within a kind, kept rows
    /// come first.
    ///
    /// # Errors
    /// Returns an error if a row cannot hold the value of a field that the descriptor names.
    pub fn apply(&self, known: Vec<Record>, scanned: Vec<Record>) -> Result<Vec<Record>, serde_json::Error> {
        let kept_accounts: BTreeSet<String> = known
            .iter()
            .filter_map(|record| match record {
                Record::Account(account) if self.of_row(record) == Action::Keep => Some(account.external_id.clone()),
                _ => None,
            })
            .collect();
        let is_kept = |record: &Record| {
            self.of_row(record) == Action::Keep
                || record.account().is_some_and(|account| kept_accounts.contains(account))
        };
        let (set_aside, taken): (Vec<_>, Vec<_>) = scanned.into_iter().partition(is_kept);
        let mut in_part: BTreeMap<_, Record> = set_aside.into_iter().map(|record| (record.key(), record)).collect();
        let mut before: BTreeMap<_, Record> = known.into_iter().map(|record| (record.key(), record)).collect();
        let mut rows = Vec::with_capacity(before.len().max(taken.len()));
        for record in taken {
            rows.push(match before.remove(&record.key()) {
                Some(known) if !is_kept(&known) => self.merge(&known, record)?,
                _ => record,
            });
        }
        let mut kept = Vec::new();
        for (key, record) in before {
            match in_part.remove(&key) {
                Some(part) if is_kept(&record) => kept.push(self.fill_in(record, &part)?),
                // It has another type now: the scan has seen it, so it is not gone.
                Some(part) => kept.push(part),
                None if is_kept(&record) => kept.push(record),
                None => {}
            }
        }
        let mut rows: Vec<Record> = kept.into_iter().chain(rows).collect();
        rows.sort_by_key(Record::rank);
        Ok(rows)
    }

    /// Updates a kept row with the fields that complete sections filled in on its scanned version.
    fn fill_in(&self, kept: Record, part: &Record) -> Result<Record, serde_json::Error> {
        let filled =
            |field: &&FieldReplacement| field.field.is_of(&kept) && self.of_field(&field.field) == Action::Replace;
        let mut fields = self.fields.iter().filter(filled).peekable();
        if fields.peek().is_none() {
            return Ok(kept);
        }
        let (part, mut now) = (serde_json::to_value(part)?, serde_json::to_value(&kept)?);
        for FieldReplacement { field, .. } in fields {
            carry(&part, &mut now, field);
        }
        serde_json::from_value(now)
    }

    /// Merges what is kept of the known row into the scanned one.
    fn merge(&self, known: &Record, mut scanned: Record) -> Result<Record, serde_json::Error> {
        let kept = |field: &&FieldReplacement| field.field.is_of(known) && self.of_field(&field.field) == Action::Keep;
        let mut fields = self.fields.iter().filter(kept).peekable();
        if fields.peek().is_some() {
            let (before, mut now) = (serde_json::to_value(known)?, serde_json::to_value(&scanned)?);
            for FieldReplacement { field, .. } in fields {
                carry(&before, &mut now, field);
            }
            scanned = serde_json::from_value(now)?;
        }
        match (known, &mut scanned) {
            (Record::Account(known), Record::Account(scanned)) => {
                self.carry_reasons(&known.reasons, &mut scanned.reasons);
                let has = |link: &&AccountLink| {
                    scanned
                        .links
                        .iter()
                        .any(|one| (&one.external_id, &one.evidence) == (&link.external_id, &link.evidence))
                };
                let links = known.links.iter().filter(|link| self.keeps_link(link) && !has(link));
                let links: Vec<AccountLink> = links.cloned().collect();
                scanned.links.extend(links);
            }
            (Record::Group(known), Record::Group(scanned)) => {
                self.carry_reasons(&known.reasons, &mut scanned.reasons);
                scanned.privileged |= crate::reason::severity_of_privileged(&scanned.reasons).is_some();
            }
            (Record::Resource(known), Record::Resource(scanned)) => {
                self.carry_reasons(&known.reasons, &mut scanned.reasons);
            }
            _ => {}
        }
        Ok(scanned)
    }

    /// Replaces scanned reasons by kept ones with the same key, each wholly one or the other, and sorts by severity, most severe first.
    fn carry_reasons(&self, known: &[Reason], scanned: &mut Vec<Reason>) {
        let is_still_so = |known: &Reason| scanned.iter().any(|reason| reason.key() == known.key());
        let keeps_words = |known: &Reason| self.keeps_any(&known.details_from) && is_still_so(known);
        let kept = known.iter().filter(|reason| self.keeps_reason(reason) || keeps_words(reason));
        let mut kept: Vec<Reason> = kept.cloned().collect();
        let is_kept = |kept: &[Reason], reason: &Reason| kept.iter().any(|known| known.key() == reason.key());
        // How severe a risk is follows from the privileges of its row, also from one that is known since this scan alone.
        let taken = worst_privilege(scanned.iter().filter(|reason| !is_kept(&kept, reason)));
        if taken > worst_privilege(known) {
            let is_worse = |risk: &Reason| {
                scanned.iter().any(|reason| reason.key() == risk.key() && reason.severity > risk.severity)
            };
            kept.retain(|reason| reason.kind != ReasonKind::Risk || !is_worse(reason));
        }
        scanned.retain(|reason| !is_kept(&kept, reason));
        scanned.extend(kept);
        scanned.sort_by_key(|reason| std::cmp::Reverse(reason.severity));
    }
}

/// The severity of the most severe privilege.
fn worst_privilege<'a>(reasons: impl IntoIterator<Item = &'a Reason>) -> Option<Severity> {
    let privileges = reasons.into_iter().filter(|reason| reason.kind == ReasonKind::Privilege);
    privileges.map(|reason| reason.severity).max()
}

/// Copies a field's value, if there is one.
fn carry(before: &serde_json::Value, now: &mut serde_json::Value, field: &Field) {
    let path: Vec<&str> = match field.field.strip_prefix("attributes.") {
        // The name of an attribute may contain dots.
        Some(name) => vec!["attributes", name],
        None => field.field.split('.').collect(),
    };
    let Some((last, objects)) = path.split_last() else { return };
    let Some(value) = path.iter().try_fold(before, |value, name| value.get(name)) else { return };
    let mut now = now;
    for name in objects {
        let serde_json::Value::Object(fields) = now else { return };
        now = fields.entry(*name).or_insert_with(|| serde_json::json!({}));
    }
    if let serde_json::Value::Object(fields) = now {
        fields.insert((*last).to_owned(), value.clone());
    }
}

#[cfg(test)]
mod tests;
