//! Grants as the rows of a table and as JSON.

use std::collections::BTreeSet;

use connector_api::{AccessPath, Grant, Membership, Principal};
use serde_json::{Value, json};

/// The columns of grants.
pub(super) const COLUMNS: &[&str] = &[
    "principalKind",
    "principal",
    "principalId",
    "enabled",
    "resourceType",
    "resource",
    "resourceId",
    "level",
    "word",
    "expiresAt",
    "way",
    "wayLevel",
    "wayWord",
    "wayExpiresAt",
    "raisedBy",
    "morePaths",
];

/// A row for each way of a grant. `disabled` has the ids of the accounts that are.
pub(super) fn cells(grant: &Grant, disabled: &BTreeSet<String>) -> Vec<Vec<String>> {
    let end = |time: Option<jiff::Timestamp>| time.map(|end| end.to_string()).unwrap_or_default();
    let row = |way: [String; 5]| {
        let (principal, resource) = (&grant.principal, &grant.resource);
        let more = if grant.more_paths > 0 { grant.more_paths.to_string() } else { String::new() };
        let mut cells = vec![
            principal.kind().as_str().to_owned(),
            principal.name().to_owned(),
            principal.external_id().to_owned(),
            if is_disabled(principal, disabled) { "false".to_owned() } else { String::new() },
            resource.resource_type.clone(),
            resource.name.clone(),
            resource.external_id.clone(),
            grant.access.level.to_string(),
            grant.access.word.to_string(),
            end(grant.expires_at),
        ];
        cells.extend(way);
        cells.push(more);
        cells
    };
    if grant.via.is_empty() {
        return vec![row(Default::default())];
    }
    let way = |way: &AccessPath| {
        let steps: Vec<&str> = way.steps.iter().map(|step| step.name.as_str()).collect();
        let steps = if steps.is_empty() { "directly".to_owned() } else { steps.join(" > ") };
        let (level, word) = (way.access.level.to_string(), way.access.word.to_string());
        row([steps, level, word, end(way.expires_at), way.raised_by.clone().unwrap_or_default()])
    };
    grant.via.iter().map(way).collect()
}

/// The row of a member of the group that is asked about.
pub(super) fn member_cells(member: &Membership, disabled: &BTreeSet<String>) -> Vec<String> {
    let mut cells = vec![String::new(); COLUMNS.len()];
    let values = [
        (0, "account".to_owned()),
        (1, member.username.clone()),
        (2, member.account_external_id.clone()),
        (3, if disabled.contains(&member.account_external_id) { "false".to_owned() } else { String::new() }),
        (9, member.expires_at.map(|end| end.to_string()).unwrap_or_default()),
        (10, if member.direct { "member" } else { "indirect member" }.to_owned()),
    ];
    for (column, value) in values {
        if let Some(cell) = cells.get_mut(column) {
            *cell = value;
        }
    }
    cells
}

/// The row of a membership whose account has no row.
pub(super) fn cells_without_row(member: &Membership) -> Vec<String> {
    let mut cells = member_cells(member, &BTreeSet::new());
    if let Some(relation) = cells.last_mut() {
        *relation = "no row".to_owned();
    }
    cells
}

/// A grant as a row of a scan has it; the principal says if it is a disabled account.
pub(super) fn as_json(grant: &Grant, disabled: &BTreeSet<String>) -> Value {
    let mut json = json!(grant);
    if is_disabled(&grant.principal, disabled) {
        json["principal"]["enabled"] = false.into();
    }
    json
}

pub(super) fn member_as_json(member: &Membership, disabled: &BTreeSet<String>) -> Value {
    let is_disabled = disabled.contains(&member.account_external_id);
    json!({
        "externalId": member.account_external_id,
        "username": member.username,
        "enabled": is_disabled.then_some(false),
        "direct": member.direct,
        "expiresAt": member.expires_at,
    })
}

fn is_disabled(principal: &Principal, disabled: &BTreeSet<String>) -> bool {
    matches!(principal, Principal::Account { external_id, .. } if disabled.contains(external_id))
}

/// How a principal is called in texts.
pub(super) fn name(principal: &Principal, disabled: &BTreeSet<String>) -> String {
    let mark = if is_disabled(principal, disabled) { DISABLED } else { "" };
    format!("{}{mark}", principal.name())
}

/// After the name of an account that cannot be used.
pub(in crate::cli) const DISABLED: &str = " (disabled)";
