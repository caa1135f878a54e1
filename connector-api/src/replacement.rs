//! What a scan replaces in a host's snapshot: a plan as data.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::descriptor::Descriptor;
use crate::reason::Reason;
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
///   whose row is kept. For example, if devices were left out, bindings to devices are kept and bindings to
///   applications are replaced.
/// - A row that was known under a replaced type and is scanned under a kept one is taken as scanned: it is not gone. A
///   grant that moved into a section that was left out is not in the scan, and is removed.
/// - A known reason or link is kept if one of its sections was not read whole. It replaces a scanned one with the same
///   [key](Reason::key). Other data of the scan may contradict it: it is as old as the section. If only its details are
///   from such a section, it is kept as long as the scan has a reason with the same key, since a scan that did not read
///   what the reason counts assumes the worst case.
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
    /// The sections that were not read whole. Reasons and links drawn from one of them are kept on the rows that
    /// remain.
    pub kept_sections: Vec<Section>,
    /// The sections that were read whole but are drawn from one that was not. Some of their rows may be kept, so only a
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
        let filled = |field: &&FieldReplacement| {
            field.field.record == kept.kind() && self.of_field(&field.field) == Action::Replace
        };
        let mut fields = self.fields.iter().filter(filled).peekable();
        if fields.peek().is_none() {
            return Ok(kept);
        }
        let (part, mut now) = (serde_json::to_value(part)?, serde_json::to_value(&kept)?);
        for FieldReplacement { field, .. } in fields {
            carry(&part, &mut now, &field.field);
        }
        serde_json::from_value(now)
    }

    /// Merges what is kept of the known row into the scanned one.
    fn merge(&self, known: &Record, mut scanned: Record) -> Result<Record, serde_json::Error> {
        let kept = |field: &&FieldReplacement| {
            field.field.record == known.kind() && self.of_field(&field.field) == Action::Keep
        };
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
                scanned.privileged |= crate::reason::severity_of_privileged(&scanned.reasons).is_some();
            }
            _ => {}
        }
        Ok(scanned)
    }

    /// Replaces scanned reasons by kept ones with the same key, and sorts by severity, most severe first.
    fn carry_reasons(&self, known: &[Reason], scanned: &mut Vec<Reason>) {
        let is_still_so = |known: &Reason| scanned.iter().any(|reason| reason.key() == known.key());
        let keeps_words = |known: &Reason| self.keeps_any(&known.details_from) && is_still_so(known);
        let kept = known.iter().filter(|reason| self.keeps_reason(reason) || keeps_words(reason));
        let kept: Vec<Reason> = kept.cloned().collect();
        scanned.retain(|reason| kept.iter().all(|known| known.key() != reason.key()));
        scanned.extend(kept);
        scanned.sort_by_key(|reason| std::cmp::Reverse(reason.severity));
    }
}

/// Copies a field's value, if there is one; `attributes.NAME` is an attribute.
fn carry(before: &serde_json::Value, now: &mut serde_json::Value, field: &str) {
    let serde_json::Value::Object(now) = now else { return };
    let Some(name) = field.strip_prefix("attributes.") else {
        if let Some(value) = before.get(field) {
            now.insert(field.to_owned(), value.clone());
        }
        return;
    };
    if let Some(value) = before.get("attributes").and_then(|attributes| attributes.get(name))
        && let serde_json::Value::Object(attributes) = now.entry("attributes").or_insert_with(|| serde_json::json!({}))
    {
        attributes.insert(name.to_owned(), value.clone());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        Access, AccessLevel, Account, Binding, ConnectorError, Credential, ErrorCode, Grant, Group, LastLogin,
        Membership, NodeKind, NodeRef, Principal, ReasonKind, ResourceRef, ScanLedger, SectionDescription,
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

    /// The summary of a scan in which every section is complete but those given with their status; `None` means not
    /// reported.
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
        ledger.finish(Ok(())).unwrap_or_else(|failure| failure.into_summary())
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

    #[test]
    fn no_key_stands_twice_when_a_row_moves_from_a_kept_type_to_a_replaced_one() {
        let mut kept = user("ada");
        kept.kind = crate::AccountKind::ADMINISTRATOR;
        let plan = summary(&[(Section::ADMINISTRATORS, Some(SectionStatus::Skipped))]).replacement(&descriptor());
        let rows = plan.apply(vec![kept.into()], vec![user("ada").into()]).unwrap();
        assert_eq!(rows, [Record::from(user("ada"))]);
    }

    #[test]
    fn a_row_that_changed_into_a_kept_type_is_not_gone() {
        let plan = summary(&[(Section::ADMINISTRATORS, Some(SectionStatus::Skipped))]).replacement(&descriptor());
        let rows = plan.apply(vec![user("ada").into()], vec![administrator("ada")]).unwrap();
        assert_eq!(rows, [administrator("ada")]);
    }

    #[test]
    fn what_an_account_has_is_kept_with_it() {
        let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
        let sections = vec![
            describe(Section::USERS).owning([RowType::new("account", "user")]),
            describe(Section::SERVICE_ACCOUNTS).owning([RowType::new("account", "serviceAccount")]),
            describe(Section::MEMBERSHIPS).owning([RowType::new("membership", "CREW")]),
        ];
        let descriptor = Descriptor { sections, ..Descriptor::default() };
        let mut ledger = ScanLedger::start(&descriptor, &SystemConfig::new("Toy", "toy", Credential::default()));
        ledger.close(SectionReport::new(Section::SERVICE_ACCOUNTS, SectionStatus::Skipped));
        [Section::USERS, Section::MEMBERSHIPS].into_iter().for_each(|section| ledger.close(section.into()));
        let plan = ledger.finish(Ok(())).unwrap().replacement(&descriptor);
        let mut robot = user("robot");
        robot.kind = crate::AccountKind::SERVICE_ACCOUNT;
        let member = |account: &Account| Record::from(Membership::new(account, &Group::new("g", "CREW", "Crew")));
        let known = vec![robot.clone().into(), user("ada").into(), member(&robot), member(&user("ada"))];
        let after = plan.apply(known, vec![user("ada").into()]).unwrap();
        assert_eq!(after, [robot.clone().into(), user("ada").into(), member(&robot)]);
    }

    #[test]
    fn a_row_that_names_one_of_a_kept_type_is_kept_itself() {
        let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
        let sections = vec![
            describe(Section::SYSTEMS).owning([RowType::new("resource", "system")]),
            describe(Section::APPLICATIONS).owning([RowType::new("resource", "application")]),
            describe(Section::GRANTS)
                .drawn_from([Section::SYSTEMS, Section::APPLICATIONS])
                .owning(RowType::several("binding", ["accountToResource"])),
            describe(Section::OTHER_GRANTS).owning(RowType::several("grant", ["other"])),
        ];
        let descriptor = Descriptor { sections, ..Descriptor::default() };
        let mut ledger = ScanLedger::start(&descriptor, &SystemConfig::new("Toy", "toy", Credential::default()));
        ledger.close(SectionReport::new(Section::SYSTEMS, SectionStatus::Skipped));
        for section in [Section::APPLICATIONS, Section::GRANTS, Section::OTHER_GRANTS] {
            ledger.close(section.into());
        }
        let plan = ledger.finish(Ok(())).unwrap().replacement(&descriptor);
        let binding = |of: &str| {
            let end = |kind, node_type| NodeRef::new(kind, node_type, "1");
            Record::from(Binding::new(end(NodeKind::Account, "user"), end(NodeKind::Resource, of)))
        };
        let grant = |of: &str| {
            let access = Access::of_word(AccessLevel::Use, "login");
            Record::from(Grant::new(Principal::account("1", "ada"), ResourceRef::new("1", of, "it"), access))
        };
        let known = ["system", "application"].into_iter().flat_map(|of| [binding(of), grant(of)]).collect();
        assert_eq!(plan.apply(known, Vec::new()).unwrap(), [binding("system"), grant("system")]);
        assert_eq!(plan.kept_in_part, [Section::GRANTS]);
    }

    #[test]
    fn the_words_of_a_reason_stay_while_their_section_is_not_read_and_it_is_still_so() {
        let power = |message: &str| {
            let reason = Reason::new("power", ReasonKind::Privilege, Severity::High, message, "look");
            reason.drawn_from([Section::USERS]).with_details_from([Section::LAST_LOGIN])
        };
        let with = |reasons| {
            let mut account = user("ada");
            account.reasons = reasons;
            Record::from(account)
        };
        let plan = summary(&[(Section::LAST_LOGIN, Some(SectionStatus::Skipped))]).replacement(&descriptor());
        let known = || vec![with(vec![power("on 3 devices")])];
        let still = plan.apply(known(), vec![with(vec![power("not known on how many")])]).unwrap();
        assert_eq!(still, known());
        let mut at_worst = power("not known on how many");
        at_worst.severity = Severity::Critical;
        assert_eq!(plan.apply(known(), vec![with(vec![at_worst])]).unwrap(), known());
        assert_eq!(plan.apply(known(), vec![with(Vec::new())]).unwrap(), [with(Vec::new())]);
    }

    #[test]
    fn a_reason_of_what_was_not_read_stands_once_as_it_was_known() {
        let power = |message: &str, subject: &str| {
            let reason = Reason::new("power", ReasonKind::Privilege, Severity::High, message, "look");
            reason.about(subject).drawn_from([Section::USERS, Section::LAST_LOGIN])
        };
        let with = |reasons| {
            let mut account = user("ada");
            account.reasons = reasons;
            account
        };
        let known = with(vec![power("on 3 devices", "g1")]);
        let scanned = with(vec![power("not known on how many", "g1"), power("not known on how many", "g2")]);
        let plan = summary(&[(Section::LAST_LOGIN, Some(SectionStatus::Skipped))]).replacement(&descriptor());
        let rows = plan.apply(vec![known.into()], vec![scanned.into()]).unwrap();
        let [Record::Account(ada)] = &rows[..] else { panic!("{rows:?}") };
        let mut messages: Vec<&str> = ada.reasons.iter().map(|reason| reason.message.as_str()).collect();
        messages.sort_unstable();
        assert_eq!(messages, ["not known on how many", "on 3 devices"]);
    }

    #[test]
    fn a_kept_row_takes_what_a_whole_section_filled_in_and_an_absent_value_is_no_reason_to_drop_a_new_one() {
        let login = |service: &str| Some(LastLogin { service: Some(service.into()), ..LastLogin::default() });
        let as_administrator = |service| {
            let mut account = user("root");
            account.kind = crate::AccountKind::ADMINISTRATOR;
            account.last_login = login(service);
            account
        };
        let plan = summary(&[(Section::ADMINISTRATORS, Some(SectionStatus::Skipped))]).replacement(&descriptor());
        let rows = plan.apply(vec![as_administrator("old").into()], vec![as_administrator("new").into()]).unwrap();
        let [Record::Account(root)] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(root.last_login, login("new"));

        let mut scanned = user("ada");
        scanned.last_login = login("first");
        let plan = summary(&[(Section::LAST_LOGIN, Some(SectionStatus::Skipped))]).replacement(&descriptor());
        let rows = plan.apply(vec![user("ada").into()], vec![scanned.clone().into()]).unwrap();
        assert_eq!(rows, [Record::from(scanned)]);
    }
}
