//! What a scan replaces of what a host knew before: a plan as data.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::descriptor::Descriptor;
use crate::reason::Reason;
use crate::record::{AccountLink, Record};
use crate::row_type::{Field, RowType};
use crate::section::Section;
use crate::section_report::SectionStatus;
use crate::summary::{Outcome, ScanSummary};

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
        self.keeps_any(&reason.sections)
    }

    /// Whether a link that a host knew, on a row that is replaced, stays beside the links that the scan brought.
    pub fn keeps_link(&self, link: &AccountLink) -> bool {
        self.keeps_any(&link.sections)
    }

    fn keeps_any(&self, sections: &[Section]) -> bool {
        sections.iter().any(|section| self.kept_sections.contains(section))
    }

    /// Applies the plan to rows in memory: what a host knew, and what the scan brought. Kinds stay in their order.
    ///
    /// # Errors
    /// When a field that the descriptor names cannot stand in a row.
    pub fn apply(&self, known: Vec<Record>, scanned: Vec<Record>) -> Result<Vec<Record>, serde_json::Error> {
        let (kept, replaced): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|record| self.of_rows(&RowType::of(record)) == Action::Keep);
        let mut before: BTreeMap<_, Record> = replaced.into_iter().map(|record| (record.key(), record)).collect();
        let mut rows = kept;
        for record in scanned.into_iter().filter(|record| self.of_rows(&RowType::of(record)) == Action::Replace) {
            rows.push(match before.remove(&record.key()) {
                Some(known) => self.merge(&known, record)?,
                None => record,
            });
        }
        rows.sort_by_key(Record::rank);
        Ok(rows)
    }

    /// The row that the scan brought, with what is kept of the one that was known.
    fn merge(&self, known: &Record, mut scanned: Record) -> Result<Record, serde_json::Error> {
        let kept = |field: &&FieldReplacement| field.field.record == known.kind() && field.action == Action::Keep;
        let mut fields = self.fields.iter().filter(kept).peekable();
        if fields.peek().is_some() {
            let (before, mut now) = (serde_json::to_value(known)?, serde_json::to_value(&scanned)?);
            for FieldReplacement { field, .. } in fields {
                carry(&before, &mut now, &field.field);
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
                scanned.privileged |= crate::reason::gravest_of_privileged(&scanned.reasons).is_some();
            }
            _ => {}
        }
        Ok(scanned)
    }

    /// Adds the reasons that are kept, unless the scan brought the very same; the gravest first.
    fn carry_reasons(&self, known: &[Reason], scanned: &mut Vec<Reason>) {
        let kept = known.iter().filter(|reason| self.keeps_reason(reason));
        let kept = kept.filter(|reason| !scanned.contains(reason));
        let kept: Vec<Reason> = kept.cloned().collect();
        scanned.extend(kept);
        scanned.sort_by_key(|reason| std::cmp::Reverse(reason.severity));
    }
}

/// Puts the value of a field, or its absence, in place of another: `attributes.NAME` is an attribute.
fn carry(before: &serde_json::Value, now: &mut serde_json::Value, field: &str) {
    let (before, now, name) = match field.strip_prefix("attributes.") {
        Some(name) => (&before["attributes"], &mut now["attributes"], name),
        None => (before, now, field),
    };
    match (before.get(name), now) {
        (Some(value), serde_json::Value::Object(now)) => {
            now.insert(name.to_owned(), value.clone());
        }
        (Some(value), now @ serde_json::Value::Null) => *now = serde_json::json!({ name: value }),
        (None, serde_json::Value::Object(now)) => {
            now.shift_remove(name);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        Account, ConnectorError, Credential, ErrorCode, LastLogin, ReasonKind, ScanLedger, SectionDescription,
        SectionReport, Severity, SystemConfig,
    };

    fn descriptor() -> Descriptor {
        let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
        let administrators = describe(Section::ADMINISTRATORS).owning([RowType::new("account", "administrator")]);
        let logins = describe(Section::LAST_LOGIN)
            .filling_in([Field::new("account", "lastLogin"), Field::new("account", "attributes.seen")]);
        let users = describe(Section::USERS).core().owning([RowType::new("account", "user")]);
        Descriptor { sections: vec![users, administrators, logins], ..Descriptor::default() }
    }

    /// A scan in which every section is complete but those that are named with their status; `None` is not reported.
    fn summary(not_whole: &[(Section, Option<SectionStatus>)]) -> ScanSummary {
        let system = SystemConfig::new("Toy", "toy", Credential::default());
        let mut ledger = ScanLedger::start(&descriptor(), &system);
        for section in [Section::USERS, Section::ADMINISTRATORS, Section::LAST_LOGIN] {
            let status = not_whole.iter().find(|(one, _)| *one == section);
            let status = status.map_or(Some(SectionStatus::Complete), |(_, status)| status.clone());
            if let Some(status) = status {
                ledger.close(SectionReport::new(section, status));
            }
        }
        ledger.finish(Ok(())).unwrap_or_else(|failure| *failure.summary)
    }

    fn broken() -> ConnectorError {
        ConnectorError::new(ErrorCode::ServerError, "503", "try again")
    }

    fn administrator(id: &str) -> Record {
        let mut account = Account::new(id, id);
        account.kind = crate::AccountKind::ADMINISTRATOR;
        account.into()
    }

    fn user(id: &str) -> Account {
        Account::new(id, id)
    }

    fn ids(rows: &[Record]) -> Vec<&str> {
        rows.iter()
            .filter_map(|record| if let Record::Account(one) = record { Some(&*one.external_id) } else { None })
            .collect()
    }

    #[test]
    fn the_rows_of_a_section_that_is_not_complete_are_kept_whatever_the_status() {
        let known = || vec![user("ada").into(), user("gone").into(), administrator("root")];
        let scanned = || vec![user("ada").into(), user("new").into()];
        let statuses = [
            Some(SectionStatus::Incomplete { error: broken() }),
            Some(SectionStatus::Unavailable { error: broken() }),
            Some(SectionStatus::Skipped),
            Some(SectionStatus::Unknown),
            None,
        ];
        for status in statuses {
            let plan = summary(&[(Section::ADMINISTRATORS, status.clone())]).replacement(&descriptor());
            let rows = plan.apply(known(), scanned()).unwrap();
            assert_eq!(ids(&rows), ["root", "ada", "new"], "{status:?}");
        }
        let plan = summary(&[]).replacement(&descriptor());
        assert_eq!(ids(&plan.apply(known(), scanned()).unwrap()), ["ada", "new"]);
    }

    #[test]
    fn a_failed_scan_replaces_nothing() {
        let plan = summary(&[(Section::USERS, Some(SectionStatus::Skipped))]).replacement(&descriptor());
        let rows = plan.apply(vec![user("ada").into()], vec![user("new").into()]).unwrap();
        assert_eq!(ids(&rows), ["ada"]);
    }

    #[test]
    fn what_a_section_fills_in_and_what_was_drawn_from_it_stays_when_it_was_not_read() {
        let reason = |code: &str, section| {
            Reason::new(code, ReasonKind::Risk, Severity::Low, "is so", "look").drawn_from([section])
        };
        let mut known = user("ada");
        known.last_login = Some(LastLogin { service: Some("sso".into()), ..LastLogin::default() });
        known.display_name = Some("Ada".into());
        known.reasons = vec![reason("never_logged_in", Section::LAST_LOGIN), reason("old", Section::USERS)];
        known.attributes = serde_json::from_value(serde_json::json!({"seen": 1, "colour": "red"})).unwrap();
        let status = Some(SectionStatus::Incomplete { error: broken() });
        let plan = summary(&[(Section::LAST_LOGIN, status)]).replacement(&descriptor());
        let rows = plan.apply(vec![known.clone().into()], vec![user("ada").into()]).unwrap();
        let [Record::Account(ada)] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(ada.last_login, known.last_login);
        assert_eq!(ada.display_name, None, "what the users themselves say is new");
        assert_eq!(serde_json::to_value(&ada.attributes).unwrap(), serde_json::json!({"seen": 1}));
        assert_eq!(ada.reasons.iter().map(|reason| reason.code.as_str()).collect::<Vec<_>>(), ["never_logged_in"]);
    }
}
