//! What a row is called.

use connector_api::Record;

/// Returns the name of what a row is about; a binding has none, only its two ends have.
pub(super) fn of(record: &Record) -> String {
    match record {
        Record::Account(account) => account.username.clone(),
        Record::Group(group) => group.name.clone(),
        Record::Resource(resource) => resource.name.clone(),
        Record::Policy(policy) => policy.name.clone(),
        Record::Membership(membership) => format!("{} in {}", membership.username, membership.group_name),
        Record::Grant(grant) => format!("{} on {}", grant.principal.name(), grant.resource.name),
        _ => String::new(),
    }
}
