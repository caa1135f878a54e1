//! Converts SCIM resources to records.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use connector_api::{
    Account, Binding, DanglingReference, Group, Membership, NodeKind, NodeRef, PathStep, Reason, ReasonKind, Severity,
};
use serde_json::Value;

/// The type of every group.
pub(super) const GROUP_TYPE: &str = "SCIM_GROUP";

/// A group is privileged if its name contains one of these words.
const PRIVILEGED: [&str; 4] = ["admin", "privilege", "superuser", "root"];

/// What to do about a group with such a name.
const REMEDY: &str = "Check what the group gives access to, and who needs to be in it";

/// A text in a resource, if it is not empty.
fn text(resource: &Value, pointer: &str) -> Option<String> {
    resource.pointer(pointer)?.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The account of a resource of `/Users`; `None` if it has no user name.
pub(super) fn account(id: &str, user: &Value) -> Option<Account> {
    let username = text(user, "/userName")?;
    let parts = [text(user, "/name/givenName"), text(user, "/name/familyName")];
    let full = parts.into_iter().flatten().reduce(|given, family| format!("{given} {family}"));
    let display_name = text(user, "/displayName").or_else(|| text(user, "/name/formatted")).or(full);
    let emails = user["emails"].as_array().map(Vec::as_slice).unwrap_or_default();
    let email = emails.iter().find(|email| email["primary"] == true).or(emails.first());
    let mut row = Account::new(id, &username);
    row.display_name = display_name.or(Some(username));
    row.email = email.and_then(|email| text(email, "/value"));
    row.enabled = user["active"].as_bool();
    row.created_at = text(user, "/meta/created").and_then(|time| time.parse().ok());
    row.attributes = text(user, "/externalId").map(|id| ("externalId".to_owned(), id.into())).into_iter().collect();
    Some(row)
}

/// The group of a resource of `/Groups`, without its number of members.
pub(super) fn group(id: &str, resource: &Value) -> Group {
    let name = text(resource, "/displayName").unwrap_or_else(|| id.to_owned());
    let lower = name.to_lowercase();
    let reasons: Vec<Reason> = PRIVILEGED
        .into_iter()
        .filter(|word| lower.contains(word))
        .map(|word| {
            let message = format!("its name contains \"{word}\"");
            Reason::new("privileged_name", ReasonKind::Privilege, Severity::Low, message, REMEDY).about(word)
        })
        .collect();
    let mut row = Group::new(id, GROUP_TYPE, name);
    row.privileged = !reasons.is_empty();
    row.reasons = reasons;
    row
}

/// Every account in the group and in nested groups, each with its shortest path, sorted by id. Members that are neither user
/// nor group are returned separately.
pub(super) fn memberships(
    group: &Group,
    accounts: &BTreeMap<String, Account>,
    groups: &BTreeMap<String, Value>,
) -> (Vec<Membership>, Vec<DanglingReference>) {
    let (mut found, mut dangling) = (BTreeMap::new(), Vec::new());
    let mut visited = BTreeSet::from([group.external_id.as_str()]);
    let mut queue = VecDeque::from([(group.external_id.as_str(), Vec::<PathStep>::new())]);
    while let Some((id, via)) = queue.pop_front() {
        let members = groups[id]["members"].as_array().map(Vec::as_slice).unwrap_or_default();
        for member in members.iter().filter_map(|member| member["value"].as_str()) {
            if let Some(account) = accounts.get(member) {
                found.entry(member).or_insert_with(|| {
                    let mut row = Membership::new(account, group);
                    (row.direct, row.via) = (via.is_empty(), via.clone());
                    row
                });
            } else if let Some(resource) = groups.get(member) {
                if visited.insert(member) {
                    let Group { group_type, external_id, name, .. } = self::group(member, resource);
                    let step = PathStep::new(group_type, external_id, name);
                    queue.push_back((member, [vec![step], via.clone()].concat()));
                }
            } else if via.is_empty() {
                dangling.push(DanglingReference::new(format!("group {id}"), format!("member {member}")));
            }
        }
    }
    (found.into_values().collect(), dangling)
}

/// The groups that are direct members of a group.
pub(super) fn nested(group: &Group, groups: &BTreeMap<String, Value>) -> Vec<Binding> {
    let members = groups[&group.external_id]["members"].as_array().map(Vec::as_slice).unwrap_or_default();
    let inner = members.iter().filter_map(|member| member["value"].as_str()).filter(|id| groups.contains_key(*id));
    let end = |id: &str| NodeRef::new(NodeKind::Group, &group.group_type, id);
    inner.map(|id| Binding::new(end(id), end(&group.external_id))).collect()
}
