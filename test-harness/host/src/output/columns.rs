//! The columns of the CSV files, and how each cell is derived from a record.
//!
//! The columns are fixed and named as the fields of the records. Several values of a field are joined with `; `, and the
//! names on a path with ` > `, so that both can be read and filtered. Only attributes, which differ from row to row, are
//! JSON text.

use std::borrow::Cow;
use std::collections::BTreeSet;

use connector_api::{
    Account, AccountCredential, AccountFilter, Attributes, Binding, Grant, Group, Membership, NodeRef, PathStep,
    Policy, Principal, Reason, Resource, SignInTarget,
};
use serde::Serialize;

pub(super) type Cell<'a> = Option<Cow<'a, str>>;

/// A column: its heading, and the function that derives its cell from a record.
pub(super) type Column<R> = (&'static str, for<'a> fn(&'a R) -> Cell<'a>);

pub(super) const ACCOUNTS: &[Column<Account>] = &[
    ("externalId", |account| text(&account.external_id)),
    ("kind", |account| word(&account.kind)),
    ("username", |account| text(&account.username)),
    ("displayName", |account| text(account.display_name.as_ref()?)),
    ("email", |account| text(account.email.as_ref()?)),
    ("accountType", |account| word(&account.account_type?)),
    ("enabled", |account| shown(account.enabled?)),
    ("state", |account| text(account.state.as_ref()?)),
    ("locked", |account| shown(account.locked?)),
    ("mfaConfigured", |account| shown(account.mfa.as_ref()?.configured?)),
    ("mfaRequired", |account| shown(account.mfa.as_ref()?.required?)),
    ("mfaExcluded", |account| shown(account.mfa.as_ref()?.excluded?)),
    ("mfaExcludedUntil", |account| shown(account.mfa.as_ref()?.excluded_until?)),
    ("mfaEnrollment", |account| text(account.mfa.as_ref()?.enrollment.as_ref()?)),
    ("mfaFactors", |account| joined(&account.mfa.as_ref()?.factors)),
    ("admin", |account| shown(account.admin?)),
    ("lastLoginAt", |account| shown(account.last_login_at?)),
    ("lastLoginService", |account| text(account.last_login.as_ref()?.service.as_ref()?)),
    ("lastLoginMfa", |account| shown(account.last_login.as_ref()?.mfa?)),
    ("lastFailedLoginAt", |account| shown(account.last_login.as_ref()?.failed_at?)),
    ("loginsLookedAtSince", |account| shown(account.last_login.as_ref()?.since?)),
    ("passwordExpired", |account| shown(account.password.as_ref()?.expired?)),
    ("passwordNeverExpires", |account| shown(account.password.as_ref()?.never_expires?)),
    ("passwordChangedAt", |account| shown(account.password.as_ref()?.changed_at?)),
    ("passwordExpiresAt", |account| shown(account.password.as_ref()?.expires_at?)),
    ("credentialKinds", |account| words(account.credentials.iter().map(|one| &one.kind))),
    ("credentialIdentifiers", |account| of_each(&account.credentials, |one| one.identifier.clone())),
    ("credentialStatuses", |account| of_each(&account.credentials, |one| one.status.clone())),
    ("credentialsUsable", |account| of_each(&account.credentials, |one| Some(one.usable?.to_string()))),
    ("credentialsExpireAt", |account| of_each(&account.credentials, expiry)),
    ("createdAt", |account| shown(account.created_at?)),
    ("employeeId", |account| text(account.employee_id.as_ref()?)),
    ("department", |account| text(account.department.as_ref()?)),
    ("source", |account| text(account.source.as_ref()?)),
    ("description", |account| text(account.description.as_ref()?)),
    ("raisesAccess", |account| text(&account.raises.as_ref()?.access.word)),
    ("raisesOn", |account| joined(&account.raises.as_ref()?.resource_types)),
    ("portalSignIn", |account| word(&account.protection.as_ref()?.portal.as_ref()?.result)),
    ("portalSignInReason", |account| text(&account.protection.as_ref()?.portal.as_ref()?.reason)),
    ("consoleSignIn", |account| word(&account.protection.as_ref()?.console.as_ref()?.result)),
    ("consoleSignInReason", |account| text(&account.protection.as_ref()?.console.as_ref()?.reason)),
    ("linkedAccounts", |account| joined(account.links.iter().map(|link| &link.external_id))),
    ("linkEvidence", |account| joined(account.links.iter().map(|link| &link.evidence))),
    ("severity", |account| word(&account.severity()?)),
    ("reasonCodes", |account| joined(account.reasons.iter().map(|reason| &reason.code))),
    ("reasonKinds", |account| words(account.reasons.iter().map(|reason| reason.kind))),
    ("reasonsExpireAt", |account| of_each(&account.reasons, end)),
    ("reasonSeverities", |account| words(account.reasons.iter().map(|reason| reason.severity))),
    ("reasons", |account| joined(account.reasons.iter().map(|reason| &reason.message))),
    ("remedies", |account| remedies(&account.reasons)),
    ("attributes", |account| json(&account.attributes)),
];

/// The cells of an account in the columns with these headings, as in `accounts.csv`; empty where there is no such column.
pub fn account_cells<'a>(account: &'a Account, headings: &[&str]) -> Vec<Cow<'a, str>> {
    let cell = |heading: &&str| {
        let column = ACCOUNTS.iter().find(|(known, _)| known == heading);
        column.and_then(|(_, cell)| cell(account)).unwrap_or_default()
    };
    headings.iter().map(cell).collect()
}

pub(super) const GROUPS: &[Column<Group>] = &[
    ("externalId", |group| text(&group.external_id)),
    ("groupType", |group| text(&group.group_type)),
    ("name", |group| text(&group.name)),
    ("description", |group| text(group.description.as_ref()?)),
    ("membershipMethod", |group| text(group.membership_method.as_ref()?)),
    ("memberCount", |group| shown(group.member_count?)),
    ("privileged", |group| shown(group.privileged)),
    ("raisesAccess", |group| text(&group.raises.as_ref()?.access.word)),
    ("raisesOn", |group| joined(&group.raises.as_ref()?.resource_types)),
    ("severity", |group| word(&group.severity()?)),
    ("reasonCodes", |group| joined(group.reasons.iter().map(|reason| &reason.code))),
    ("reasonKinds", |group| words(group.reasons.iter().map(|reason| reason.kind))),
    ("reasonsExpireAt", |group| of_each(&group.reasons, end)),
    ("reasonSeverities", |group| words(group.reasons.iter().map(|reason| reason.severity))),
    ("reasons", |group| joined(group.reasons.iter().map(|reason| &reason.message))),
    ("remedies", |group| remedies(&group.reasons)),
    ("attributes", |group| json(&group.attributes)),
];

pub(super) const MEMBERSHIPS: &[Column<Membership>] = &[
    ("username", |membership| text(&membership.username)),
    ("accountExternalId", |membership| text(&membership.account_external_id)),
    ("groupName", |membership| text(&membership.group_name)),
    ("groupType", |membership| text(&membership.group_type)),
    ("groupExternalId", |membership| text(&membership.group_external_id)),
    ("direct", |membership| shown(membership.direct)),
    ("path", |membership| path(&membership.via)),
    ("expiresAt", |membership| shown(membership.expires_at?)),
    ("requestId", |membership| text(membership.request_id.as_ref()?)),
];

pub(super) const RESOURCES: &[Column<Resource>] = &[
    ("externalId", |resource| text(&resource.external_id)),
    ("resourceType", |resource| text(&resource.resource_type)),
    ("name", |resource| text(&resource.name)),
    ("container", |resource| shown(resource.container)),
    ("os", |resource| text(resource.os.as_ref()?)),
    ("osVersion", |resource| text(resource.os_version.as_ref()?)),
    ("serialNumber", |resource| text(resource.serial_number.as_ref()?)),
    ("active", |resource| shown(resource.active?)),
    ("lastContactAt", |resource| shown(resource.last_contact_at?)),
    ("createdAt", |resource| shown(resource.created_at?)),
    ("severity", |resource| word(&resource.severity()?)),
    ("reasonCodes", |resource| joined(resource.reasons.iter().map(|reason| &reason.code))),
    ("reasonKinds", |resource| words(resource.reasons.iter().map(|reason| reason.kind))),
    ("reasonsExpireAt", |resource| of_each(&resource.reasons, end)),
    ("reasonSeverities", |resource| words(resource.reasons.iter().map(|reason| reason.severity))),
    ("reasons", |resource| joined(resource.reasons.iter().map(|reason| &reason.message))),
    ("remedies", |resource| remedies(&resource.reasons)),
    ("attributes", |resource| json(&resource.attributes)),
];

pub(super) const BINDINGS: &[Column<Binding>] = &[
    ("fromKind", |binding| word(&binding.from.kind)),
    ("fromType", |binding| text(&binding.from.node_type)),
    ("fromExternalId", |binding| text(&binding.from.external_id)),
    ("toKind", |binding| word(&binding.to.kind)),
    ("toType", |binding| text(&binding.to.node_type)),
    ("toExternalId", |binding| text(&binding.to.external_id)),
    ("access", |binding| text(&binding.access.as_ref()?.word)),
    ("accessLevel", |binding| word(&binding.access.as_ref()?.level)),
    ("expiresAt", |binding| shown(binding.expires_at?)),
    ("requestId", |binding| text(binding.request_id.as_ref()?)),
];

pub(super) const GRANTS: &[Column<Grant>] = &[
    ("principalKind", |grant| word(&grant.principal.kind())),
    ("principalExternalId", |grant| text(grant.principal.external_id())),
    ("username", |grant| match &grant.principal {
        Principal::Account { username, .. } => text(username),
        _ => None,
    }),
    ("groupType", |grant| match &grant.principal {
        Principal::Group { group_type, .. } => text(group_type),
        _ => None,
    }),
    ("groupName", |grant| match &grant.principal {
        Principal::Group { group_name, .. } => text(group_name),
        _ => None,
    }),
    ("resourceType", |grant| text(&grant.resource.resource_type)),
    ("resourceExternalId", |grant| text(&grant.resource.external_id)),
    ("resourceName", |grant| text(&grant.resource.name)),
    ("access", |grant| text(&grant.access.word)),
    ("accessLevel", |grant| word(&grant.access.level)),
    ("direct", |grant| shown(grant.direct)),
    ("path", |grant| path(&grant.via.first()?.steps)),
    ("pathAccess", |grant| text(&grant.via.first()?.access.word)),
    ("raisedBy", |grant| joined(grant.via.iter().filter_map(|path| path.raised_by.as_ref()).collect::<BTreeSet<_>>())),
    ("otherPaths", |grant| joined(grant.via.iter().skip(1).map(|way| names(&way.steps)))),
    ("morePaths", |grant| shown(grant.more_paths).filter(|_| grant.more_paths > 0)),
    ("expiresAt", |grant| shown(grant.expires_at?)),
];

pub(super) const POLICIES: &[Column<Policy>] = &[
    ("externalId", |policy| text(&policy.external_id)),
    ("policyType", |policy| text(&policy.policy_type)),
    ("name", |policy| text(&policy.name)),
    ("enabled", |policy| shown(policy.enabled?)),
    ("monitorOnly", |policy| shown(policy.monitor_only?)),
    ("position", |policy| shown(policy.position?)),
    ("effect", |policy| text(policy.effect.as_str())),
    ("everyone", |policy| shown(policy.subjects.everyone)),
    ("included", |policy| nodes(&policy.subjects.included)),
    ("excluded", |policy| nodes(&policy.subjects.excluded)),
    ("includedBy", |policy| joined(policy.subjects.included_by.iter().map(filter))),
    ("excludedBy", |policy| joined(policy.subjects.excluded_by.iter().map(filter))),
    ("moreIncluded", |policy| shown(policy.subjects.more_included)),
    ("moreExcluded", |policy| shown(policy.subjects.more_excluded)),
    ("targets", |policy| joined(policy.targets.included.iter().map(target))),
    ("excludedTargets", |policy| nodes(&policy.targets.excluded)),
    ("conditions", |policy| text(policy.conditions.as_ref()?)),
    ("description", |policy| text(policy.description.as_ref()?)),
    ("attributes", |policy| json(&policy.attributes)),
];

/// Accounts, groups or resources, each with its type and id.
fn nodes(nodes: &[NodeRef]) -> Cell<'static> {
    joined(nodes.iter().map(node))
}

fn node(node: &NodeRef) -> String {
    format!("{} {}", node.node_type, node.external_id)
}

fn filter(filter: &AccountFilter) -> String {
    format!("{} {} {}", filter.field, filter.operator, filter.value)
}

fn target(target: &SignInTarget) -> String {
    match &target.resource {
        Some(resource) => node(resource),
        None => target.kind.to_string(),
    }
}

/// A text from the target.
fn text(text: &str) -> Cell<'_> {
    Some(cell_text(text))
}

/// Returns a text as the cell of a spreadsheet: a leading `'` keeps it from being run as a formula.
pub fn cell_text(text: &str) -> Cow<'_, str> {
    if is_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Whether a spreadsheet may interpret a text as a formula, or as more than one cell.
fn is_formula(text: &str) -> bool {
    // Some programs ignore invisible characters at the start.
    let unseen =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    let number = text.strip_prefix(['+', '-']).is_some_and(|digits| {
        digits.starts_with(|c: char| c.is_ascii_digit()) && digits.bytes().all(|c| c.is_ascii_digit() || c == b'.')
    });
    let seen = text.trim_start_matches(unseen);
    text.starts_with(['\t', '\r', '\n']) || !number && seen.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

/// A number, a truth value or a time.
fn shown(value: impl ToString) -> Cell<'static> {
    Some(Cow::Owned(value.to_string()))
}

/// A word of the contract, as in JSON.
fn word<T: Serialize>(value: &T) -> Cell<'static> {
    let value = serde_json::to_value(value).ok()?;
    Some(Cow::Owned(value.as_str()?.to_owned()))
}

/// Several texts; none are an empty cell.
fn joined(items: impl IntoIterator<Item = impl AsRef<str>>) -> Cell<'static> {
    let items: Vec<_> = items.into_iter().collect();
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    text(&items.join("; ")).map(|cell| Cow::Owned(cell.into_owned()))
}

/// Words of the contract, as in JSON.
fn words<T: Serialize>(values: impl IntoIterator<Item = T>) -> Cell<'static> {
    joined(values.into_iter().filter_map(|value| word(&value)))
}

/// One text for each item in its order, `?` for what is not known, so that columns of the same items fit together.
fn of_each<T>(items: &[T], text: impl Fn(&T) -> Option<String>) -> Cell<'static> {
    joined(items.iter().map(|item| text(item).unwrap_or_else(|| "?".to_owned())))
}

/// When what a reason reports ends by itself: a time, or `never`.
fn end(reason: &Reason) -> Option<String> {
    Some(reason.expires_at.map_or_else(|| "never".to_owned(), |end| end.to_string()))
}

/// When a credential expires: a time, or `never`.
fn expiry(credential: &AccountCredential) -> Option<String> {
    let never = (credential.never_expires == Some(true)).then(|| "never".to_owned());
    credential.expires_at.map(|end| end.to_string()).or(never)
}

/// What to do about several reasons, each once, in their order.
fn remedies(reasons: &[Reason]) -> Cell<'static> {
    let mut remedies: Vec<&str> = Vec::new();
    for reason in reasons {
        if !remedies.contains(&reason.remedy.as_str()) {
            remedies.push(&reason.remedy);
        }
    }
    joined(remedies)
}

/// The names on a path; empty for a direct one.
fn path(steps: &[PathStep]) -> Cell<'static> {
    text(&names(steps)).map(|cell| Cow::Owned(cell.into_owned()))
}

fn names(steps: &[PathStep]) -> String {
    steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(" > ")
}

fn json(attributes: &Attributes) -> Cell<'_> {
    (!attributes.is_empty()).then(|| attributes.as_json().into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_formula_becomes_text_and_a_number_stays() {
        for (cell, expected) in [
            ("=1+1", "'=1+1"),
            ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("\n=1", "'\n=1"),
            (" =1", "' =1"),
            ("\u{200b}=1", "'\u{200b}=1"),
            ("＝1+1", "'＝1+1"),
            ("＋1", "'＋1"),
            ("－1", "'－1"),
            ("＠x", "'＠x"),
            ("-inf", "'-inf"),
            ("-", "'-"),
            ("-12.5", "-12.5"),
            ("+49", "+49"),
            ("a=1", "a=1"),
            ("plain", "plain"),
            ("", ""),
        ] {
            assert_eq!(text(cell).unwrap(), expected);
        }
    }

    #[test]
    fn several_values_are_one_text_that_is_safe_as_a_whole() {
        let step = |name: &str| PathStep::new(String::new(), String::new(), name);
        assert_eq!(joined(["a", "b"]).unwrap(), "a; b");
        assert_eq!(joined(["=a", "b"]).unwrap(), "'=a; b");
        assert_eq!(joined([""; 0]).unwrap(), "");
        assert_eq!(path(&[step("-a"), step("b")]).unwrap(), "'-a > b");
    }
}
