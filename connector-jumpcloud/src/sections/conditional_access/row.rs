//! The row of a policy. Whatever cannot be read leaves open whom it applies to or what it does: it is never taken for less.

use connector_api::{
    AccountFilter, AccountKind, NodeKind, NodeRef, Policy, PolicyEffect, PolicySubjects, PolicyTargets, SignInKind,
    SignInTarget,
};
use serde_json::Value;

use super::conditions;
use crate::api::authn_policies::{AuthnPolicy, IpList};
use crate::api::kind::Kind;
use crate::api::{Id, lenient};
use crate::graph::USER_GROUP;

/// The type of the rows.
pub(super) const CONDITIONAL_ACCESS: &str = "conditionalAccess";

/// Makes the row of a policy; `position` counts from 1.
pub(super) fn row(policy: &AuthnPolicy, position: u64, lists: &[IpList]) -> Policy {
    let field = |name| policy.fields.get(name).unwrap_or_default();
    let id = policy.id.to_string();
    let name = lenient::text(field("name")).unwrap_or_else(|| id.clone());
    let (effect, targets, conditions) = (field("effect"), field("targets"), field("conditions"));
    let mut row = Policy::new(id, CONDITIONAL_ACCESS, name, self::effect(&effect));
    row.enabled = flag(&field("disabled")).map(|disabled| !disabled);
    row.monitor_only = flag(&field("monitorOnly"));
    row.position = Some(position);
    row.subjects = subjects(&targets);
    row.targets = self::targets(&targets, &field("type"));
    row.conditions = conditions::words(&conditions, lists);
    row.description = lenient::text(field("description"));
    let obligations = effect.get("obligations").cloned().unwrap_or_default();
    let action = effect.get("action").cloned().unwrap_or_default();
    for (name, value) in [
        ("type", field("type")),
        ("action", action),
        ("obligations", obligations),
        ("conditions", conditions),
        ("resources", targets.get("resources").cloned().unwrap_or_default()),
    ] {
        if !is_empty(&value) {
            row.attributes.insert(name, value);
        }
    }
    row
}

/// A flag that the target leaves out if it is not set; `None` if it cannot be read.
fn flag(value: &Value) -> Option<bool> {
    if value.is_null() { Some(false) } else { lenient::flag(value) }
}

/// Whether a value says nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Whether an object has other fields than these, with a value; so has anything else than an object.
fn has_more(value: &Value, known: &[&str]) -> bool {
    match value {
        Value::Null => false,
        Value::Object(fields) => fields.iter().any(|(name, value)| !known.contains(&name.as_str()) && !is_empty(value)),
        _ => true,
    }
}

fn effect(effect: &Value) -> PolicyEffect {
    let nothing = Value::Null;
    let part = |value: &Value, name: &str| value.get(name).unwrap_or(&nothing).clone();
    let obligations = part(effect, "obligations");
    let (factor, verification) = (part(&obligations, "mfa"), part(&obligations, "userVerification"));
    let verification = part(&verification, "requirement");
    let verifies = !is_empty(&verification) && verification != "none" && verification != "optional";
    let has_more =
        has_more(&obligations, &["mfa", "mfaFactors", "userVerification"]) || has_more(&factor, &["required"]);
    match effect.get("action").and_then(Value::as_str) {
        Some("deny") => PolicyEffect::DENY,
        Some("allow") => match flag(&part(&factor, "required")) {
            Some(true) => PolicyEffect::REQUIRE_SECOND_FACTOR,
            // Another obligation may be as good as a second factor.
            Some(false) if !has_more && !verifies => PolicyEffect::ALLOW,
            _ => PolicyEffect::NOT_KNOWN,
        },
        _ => PolicyEffect::NOT_KNOWN,
    }
}

/// The texts of a list; `None` if it is no list of texts. An absent list is empty.
fn texts<'v>(value: &'v Value, name: &str) -> Option<Vec<&'v str>> {
    match value.get(name) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(values)) => values.iter().map(Value::as_str).collect(),
        Some(_) => None,
    }
}

fn subjects(targets: &Value) -> PolicySubjects {
    let mut all = PolicySubjects::default();
    let nothing = Value::Null;
    let part = |name| targets.get(name).unwrap_or(&nothing);
    let (users, groups, filters) = (part("users"), part("userGroups"), part("userAttributes"));
    for (named, kind) in [(users, NodeKind::Account), (groups, NodeKind::Group)] {
        match texts(named, "inclusions") {
            Some(ids) => ids.into_iter().for_each(|id| match node(kind, id) {
                _ if kind == NodeKind::Account && id.eq_ignore_ascii_case("all") => all.everyone = true,
                Some(node) => all.included.push(node),
                None => all.more_included = true,
            }),
            None => all.more_included = true,
        }
        match texts(named, "exclusions") {
            Some(ids) => ids.into_iter().for_each(|id| match node(kind, id) {
                Some(node) => all.excluded.push(node),
                None => all.more_excluded = true,
            }),
            None => all.more_excluded = true,
        }
    }
    let (included_by, excluded_by) = (by_fields(filters, "inclusions"), by_fields(filters, "exclusions"));
    all.more_included |= included_by.is_none();
    all.more_excluded |= excluded_by.is_none();
    (all.included_by, all.excluded_by) = (included_by.unwrap_or_default(), excluded_by.unwrap_or_default());
    // A list of inclusions that is empty includes nobody; no list at all may mean everybody.
    all.more_included |= [users, groups, filters].iter().all(|part| part.get("inclusions").is_none_or(Value::is_null));
    let lists = ["inclusions", "exclusions"];
    let has_more = [users, groups, filters].into_iter().any(|part| has_more(part, &lists))
        || has_more(targets, &["resources", "excludedApplications", "users", "userGroups", "userAttributes"]);
    all.more_included |= has_more;
    all.more_excluded |= has_more;
    all
}

fn node(kind: NodeKind, id: &str) -> Option<NodeRef> {
    // Ids are compared with those of rows, which are written in lower case.
    let id: Id = id.to_ascii_lowercase().parse().ok()?;
    // Words that stand for several accounts are no ids.
    let is_word = id.to_string().bytes().all(|byte| byte.is_ascii_alphabetic());
    let node_type = if kind == NodeKind::Group { USER_GROUP.to_owned() } else { AccountKind::USER.to_string() };
    (!is_word).then(|| NodeRef::new(kind, node_type, id.to_string()))
}

/// Filters by fields; `None` if one cannot be read.
fn by_fields(filters: &Value, name: &str) -> Option<Vec<AccountFilter>> {
    let filters = match filters.get(name) {
        None | Some(Value::Null) => return Some(Vec::new()),
        Some(filters) => filters.as_array()?,
    };
    let one = |filter: &Value| {
        let text = |name| filter.get(name)?.as_str();
        let value = match filter.get("value")? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some(AccountFilter::new(text("field")?, text("operator")?, value))
    };
    filters.iter().map(one).collect()
}

fn kind(word: &Value) -> SignInKind {
    match word.as_str() {
        Some("user_portal") => SignInKind::PORTAL,
        Some("admin_portal") => SignInKind::CONSOLE,
        Some("ldap") => SignInKind::LDAP,
        Some("application") => SignInKind::APPLICATION,
        _ => SignInKind::NOT_KNOWN,
    }
}

fn targets(targets: &Value, policy_type: &Value) -> PolicyTargets {
    let mut all = PolicyTargets::default();
    let own = kind(policy_type);
    let excluded = texts(targets, "excludedApplications").and_then(|ids| {
        let application = |id: &str| Some(resource(Kind::Application, &id.parse().ok()?));
        ids.into_iter().map(application).collect::<Option<Vec<_>>>()
    });
    all.included = match targets.get("resources") {
        Some(Value::Array(resources)) if !resources.is_empty() => resources.iter().map(target).collect(),
        // The type says what it is for; if that is applications, they would be named.
        None | Some(Value::Null | Value::Array(_)) if own != SignInKind::APPLICATION => {
            vec![SignInTarget::all(own.clone())]
        }
        _ => vec![NOT_KNOWN],
    };
    if !policy_type.is_null() && !own.is_known() && !all.included.contains(&NOT_KNOWN) {
        all.included.push(NOT_KNOWN);
    }
    match excluded {
        Some(excluded) => all.excluded = excluded,
        None => {
            let may_be_excluded = |target: &SignInTarget| target.kind == SignInKind::APPLICATION;
            all.included.iter_mut().filter(|target| may_be_excluded(target)).for_each(|target| *target = NOT_KNOWN);
        }
    }
    all
}

/// A target that cannot be read.
const NOT_KNOWN: SignInTarget = SignInTarget::all(SignInKind::NOT_KNOWN);

fn target(of: &Value) -> SignInTarget {
    let kind = kind(of.get("type").unwrap_or(&Value::Null));
    let thing = match kind.as_str() {
        "application" => Kind::Application,
        "ldap" => Kind::LdapServer,
        // There is only one of the others.
        _ => return SignInTarget::all(kind),
    };
    match of.get("id") {
        None | Some(Value::Null) => SignInTarget::all(kind),
        Some(id) => match id.as_str().and_then(|id| id.parse().ok()) {
            Some(id) => SignInTarget::one(kind, resource(thing, &id)),
            None => NOT_KNOWN,
        },
    }
}

fn resource(kind: Kind, id: &Id) -> NodeRef {
    NodeRef::new(NodeKind::Resource, kind.resource_type(), id.to_string())
}
