//! Records as comparable keys: what a target holds against what a scan says it holds.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{NodeKind, NodeRef, Principal, Record};

/// The records that a scan must find: for each identity the one fact that is compared beside it.
///
/// | record | identity | fact |
/// |---|---|---|
/// | account | `externalId` | `username` |
/// | group | `groupType`, `externalId` | `name` |
/// | membership | group and account | `direct` or `indirect` |
/// | resource | `resourceType`, `externalId` | `name` |
/// | binding | both ends, the access and the request | |
/// | grant | principal and resource | the access |
///
/// Bindings are compared only where the fixture's truth has some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    rows: BTreeMap<String, String>,
}

impl Truth {
    /// The truth of these records; of each, only identity and fact matter.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        Self { rows: records.into_iter().map(|record| (identity(record), fact(record))).collect() }
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What `seen` lacks, has too much or has otherwise, one line each; `None` when both are equal.
    pub fn difference(&self, seen: &Self) -> Option<String> {
        let knows_bindings = self.rows.keys().any(|key| key.starts_with(BINDING));
        let lines: Vec<String> = self
            .rows
            .keys()
            .chain(seen.rows.keys().filter(|key| knows_bindings || !key.starts_with(BINDING)))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .filter_map(|key| match (self.rows.get(key), seen.rows.get(key)) {
                (Some(wanted), Some(found)) if wanted == found => None,
                (Some(wanted), Some(found)) => Some(format!("{key} is `{found}`, not `{wanted}`")),
                (Some(_), None) => Some(format!("{key} is missing")),
                (None, _) => Some(format!("{key} does not exist")),
            })
            .collect();
        (!lines.is_empty()).then(|| shortened(&lines))
    }
}

/// The first few lines and how many more there are.
pub(super) fn shortened(lines: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = lines.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("; ");
    if lines.len() > SHOWN {
        text.push_str(&format!("; and {} more", lines.len() - SHOWN));
    }
    text
}

/// How the keys of bindings begin.
const BINDING: &str = "binding of ";

/// What makes a record that one and no other.
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
        other => format!("{} {other:?}", other.kind()),
    }
}

fn fact(record: &Record) -> String {
    match record {
        Record::Account(account) => account.username.clone(),
        Record::Group(group) => group.name.clone(),
        Record::Membership(membership) => if membership.direct { "direct" } else { "indirect" }.to_owned(),
        Record::Resource(resource) => resource.name.clone(),
        Record::Grant(grant) => format!("{} {}", grant.access.level, grant.access.word),
        _ => String::new(),
    }
}

pub(super) fn account_key(external_id: &str) -> String {
    format!("account {external_id}")
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
    use connector_api::{Account, Binding};

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
