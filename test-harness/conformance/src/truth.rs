//! Records as comparable keys: what a target contains, compared with what a scan found.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{Account, Group, Membership, NodeKind, NodeRef, Policy, Principal, Record, Resource};
use serde_json::Value;

/// The records that a scan must find. For each identity, one fact is compared:
///
/// | record | identity | fact |
/// |---|---|---|
/// | account | `externalId` | `username` |
/// | group | `groupType`, `externalId` | `name` |
/// | membership | group and account | `direct` or `indirect` |
/// | resource | `resourceType`, `externalId` | `name` |
/// | binding | both ends, the access and the request | |
/// | grant | principal and resource | the access |
/// | policy | `externalId` | `name` |
///
/// Bindings are compared only if the fixture's truth has some. Every other field that a record of the truth sets is
/// compared, too, such as `enabled` and `admin` of an account: see [`Truth::differing_fields`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    rows: BTreeMap<String, Row>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    kind: &'static str,
    fact: String,
    /// The record as JSON.
    fields: Value,
}

impl Truth {
    /// Creates the truth from records. Of each, the identity, the fact and the fields that it sets are used.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let row = |record: &Record| Row {
            kind: record.kind(),
            fact: fact(record),
            // A row that cannot be serialised has no right field; another test reports it.
            fields: serde_json::to_value(record).unwrap_or_default(),
        };
        Self { rows: records.into_iter().map(|record| (identity(record), row(record))).collect() }
    }

    /// Returns the number of records.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns what `seen` is missing, has in addition or has with another fact, one line each; `None` if there is no
    /// difference.
    pub fn difference(&self, seen: &Self) -> Option<String> {
        let knows_bindings = self.rows.keys().any(|key| key.starts_with(BINDING));
        let lines: Vec<String> = self
            .rows
            .keys()
            .chain(seen.rows.keys().filter(|key| knows_bindings || !key.starts_with(BINDING)))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .filter_map(|key| match (self.rows.get(key), seen.rows.get(key)) {
                (Some(wanted), Some(found)) if wanted.fact == found.fact => None,
                (Some(wanted), Some(found)) => Some(format!("{key} is `{}`, not `{}`", found.fact, wanted.fact)),
                (Some(_), None) => Some(format!("{key} is missing")),
                (None, _) => Some(format!("{key} does not exist")),
            })
            .collect();
        (!lines.is_empty()).then(|| shortened(&lines))
    }

    /// Returns the fields that a record of the truth sets and that differ in `seen`, one line each; `None` if there are
    /// none.
    ///
    /// A field is not compared if it is absent in the truth's record, or if it has the value of an otherwise unknown
    /// record, such as `privileged: false`. Within an object, only the fields that the truth sets are compared. Records
    /// that `seen` is missing are reported by [`difference`](Self::difference).
    pub fn differing_fields(&self, seen: &Self) -> Option<String> {
        let mut lines = Vec::new();
        for (key, wanted, found) in self.in_both(seen) {
            for (field, value) in wanted.set() {
                differing(field, value, &found.fields[field], &mut |field, wanted, found| {
                    lines.push(format!("`{field}` of {key} is {}, not {}", shown(found), shown(wanted)));
                });
            }
        }
        (!lines.is_empty()).then(|| shortened(&lines))
    }

    /// Returns whether some record of that kind sets the field.
    pub(super) fn sets(&self, kind: &str, field: &str) -> bool {
        self.rows.values().any(|row| row.kind == kind && row.set().any(|(set, _)| set == field))
    }

    fn in_both<'t>(&'t self, other: &'t Self) -> impl Iterator<Item = (&'t str, &'t Row, &'t Row)> {
        self.rows.iter().filter_map(|(key, row)| Some((key.as_str(), row, other.rows.get(key)?)))
    }
}

impl Row {
    /// Returns the fields that the record sets.
    fn set(&self) -> impl Iterator<Item = (&str, &Value)> {
        let blank = blank(self.kind);
        let fields = self.fields.as_object().into_iter().flatten();
        fields
            .filter(move |(field, value)| blank[field.as_str()] != **value)
            .map(|(field, value)| (field.as_str(), value))
    }
}

/// Returns a record of which nothing is known, as JSON. Records of other kinds have no field that is always present.
fn blank(kind: &str) -> Value {
    let record = match kind {
        "account" => Record::from(Account::new("", "")),
        "group" => Group::new("", "", "").into(),
        "membership" => Membership::default().into(),
        "resource" => Resource::new("", "", "").into(),
        "policy" => Policy::default().into(),
        _ => return Value::Null,
    };
    let mut fields = serde_json::to_value(record).unwrap_or_default();
    if let Some(fields) = fields.as_object_mut() {
        // The kind of an account and whether a membership is direct are never unknown.
        fields.retain(|field, _| !matches!(field.as_str(), "kind" | "direct"));
    }
    fields
}

/// Calls `report` with the path of each value of `wanted` that differs in `found`.
fn differing(path: &str, wanted: &Value, found: &Value, report: &mut dyn FnMut(&str, &Value, &Value)) {
    match (wanted, found) {
        (Value::Object(fields), Value::Object(_)) => {
            for (field, value) in fields {
                differing(&format!("{path}.{field}"), value, &found[field], report);
            }
        }
        _ if wanted == found => {}
        _ => report(path, wanted, found),
    }
}

/// Formats a value, or its absence.
fn shown(value: &Value) -> String {
    if value.is_null() { "absent".to_owned() } else { brief(value) }
}

/// Returns the start of a value.
pub(super) fn brief(value: &Value) -> String {
    const SHOWN: usize = 80;
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Joins the first few lines, and adds the number of the others.
pub(super) fn shortened(lines: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = lines.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("; ");
    if lines.len() > SHOWN {
        text.push_str(&format!("; and {} more", lines.len() - SHOWN));
    }
    text
}

/// The prefix of the keys of bindings.
const BINDING: &str = "binding of ";

/// Returns what identifies a record.
pub(super) fn identity(record: &Record) -> String {
    match record {
        Record::Account(account) => account_key(&account.external_id),
        Record::Group(group) => group_key(&group.group_type, &group.external_id),
        Record::Membership(membership) => format!(
            "membership of {} in {}",
            account_key(&membership.account_external_id),
            group_key(&membership.group_type, &membership.group_external_id)
        ),
        Record::Resource(resource) => resource_key(&resource.resource_type, &resource.external_id),
        Record::Binding(binding) => {
            let access = binding.access.as_ref().map_or("", |access| &access.word);
            let request = binding.request_id.as_deref().unwrap_or_default();
            format!("{BINDING}{} to {} {access} {request}", node_key(&binding.from), node_key(&binding.to))
        }
        Record::Grant(grant) => format!(
            "grant of {} to {}",
            resource_key(&grant.resource.resource_type, &grant.resource.external_id),
            principal_key(&grant.principal)
        ),
        Record::Policy(policy) => policy_key(&policy.external_id),
        other => format!("{} {other:?}", other.kind()),
    }
}

fn fact(record: &Record) -> String {
    match record {
        Record::Account(account) => account.username.clone(),
        Record::Group(group) => group.name.clone(),
        Record::Membership(membership) => if membership.direct { "direct" } else { "indirect" }.to_owned(),
        Record::Resource(resource) => resource.name.clone(),
        Record::Policy(policy) => policy.name.clone(),
        Record::Grant(grant) => format!("{} {}", grant.access.level, grant.access.word),
        _ => String::new(),
    }
}

pub(super) fn account_key(external_id: &str) -> String {
    format!("account {external_id}")
}

pub(super) fn policy_key(external_id: &str) -> String {
    format!("policy {external_id}")
}

pub(super) fn group_key(group_type: &str, external_id: &str) -> String {
    format!("{group_type} {external_id}")
}

pub(super) fn resource_key(resource_type: &str, external_id: &str) -> String {
    format!("{resource_type} {external_id}")
}

pub(super) fn node_key(node: &NodeRef) -> String {
    match node.kind {
        NodeKind::Account => account_key(&node.external_id),
        NodeKind::Group => group_key(&node.node_type, &node.external_id),
        _ => resource_key(&node.node_type, &node.external_id),
    }
}

pub(super) fn principal_key(principal: &Principal) -> String {
    match principal {
        Principal::Group { external_id, group_type, .. } => group_key(group_type, external_id),
        other => account_key(other.external_id()),
    }
}

#[cfg(test)]
mod tests {
    use connector_api::Binding;

    use super::*;

    fn account(id: &str, username: &str) -> Record {
        Account::new(id, username).into()
    }

    #[test]
    fn a_difference_names_what_is_missing_invented_and_wrong() {
        let wanted = Truth::of(&[account("1", "ada"), account("2", "bob")]);
        let found = Truth::of(&[account("2", "eve"), account("3", "cid")]);
        assert_eq!(
            wanted.difference(&found).as_deref(),
            Some("account 1 is missing; account 2 is `eve`, not `bob`; account 3 does not exist")
        );
        assert_eq!(wanted.difference(&wanted), None);
    }

    #[test]
    fn every_field_that_the_truth_sets_is_compared_and_no_other() {
        let row = |enabled, admin, configured| {
            let mut row = Account::new("1", "ada");
            (row.enabled, row.admin, row.state) = (enabled, admin, Some("ACTIVE".into()));
            let mut mfa = connector_api::Mfa::default();
            (mfa.configured, mfa.required) = (configured, Some(true));
            row.mfa = Some(mfa);
            row
        };
        let seen = |enabled, admin| Truth::of(&[row(enabled, admin, Some(true)).into()]);
        let mut wanted = row(Some(false), None, Some(true));
        wanted.state = None;
        wanted.mfa.as_mut().map(|mfa| mfa.required.take());
        let wanted = Truth::of(&[wanted.into()]);
        assert_eq!(wanted.differing_fields(&seen(Some(false), Some(true))), None);
        let differs = |truth: &Truth, seen: &Truth| truth.differing_fields(seen).unwrap_or_default();
        assert_eq!(differs(&wanted, &seen(Some(true), None)), "`enabled` of account 1 is true, not false");
        assert_eq!(differs(&wanted, &seen(None, None)), "`enabled` of account 1 is absent, not false");
        let nested = Truth::of(&[row(Some(false), None, Some(false)).into()]);
        assert_eq!(differs(&wanted, &nested), "`mfa.configured` of account 1 is false, not true");
        assert_eq!((wanted.sets("account", "enabled"), wanted.sets("account", "state")), (true, false));
    }

    #[test]
    fn what_an_account_is_and_how_a_member_got_in_is_always_compared() {
        let mut administrator = Account::new("1", "ada");
        administrator.kind = connector_api::AccountKind::ADMINISTRATOR;
        let difference = Truth::of(&[account("1", "ada")]).differing_fields(&Truth::of(&[administrator.into()]));
        assert_eq!(difference.as_deref(), Some(r#"`kind` of account 1 is "administrator", not "user""#));
    }

    #[test]
    fn bindings_count_where_the_truth_has_some() {
        let end = |id: &str| NodeRef::new(NodeKind::Group, "CREW", id);
        let binding = |from: &str| Record::from(Binding::new(end(from), end("all")));
        let seen = Truth::of(&[account("1", "ada"), binding("a"), binding("b")]);
        assert_eq!(Truth::of(&[account("1", "ada")]).difference(&seen), None);
        let wanted = Truth::of(&[account("1", "ada"), binding("a"), binding("c")]);
        let difference = wanted.difference(&seen).unwrap_or_default();
        assert_eq!(
            difference,
            "binding of CREW b to CREW all   does not exist; binding of CREW c to CREW all   is missing"
        );
    }
}
