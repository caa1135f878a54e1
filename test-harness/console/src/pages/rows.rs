//! Rows of a store as links, and evidence as sentences.

use connector_api::{Membership, NodeKind, Principal, Reason, Record, ResourceRef};
use connector_host::words;
use maud::{Markup, html};

use crate::link::Link;
use crate::text::{self, Name};
use crate::visit::Place;

/// The page of an account.
pub(super) fn account_link(place: &Place, external_id: &str) -> Link {
    place.link("/account").with("id", external_id)
}

/// The page of a group.
pub(super) fn group_link(place: &Place, group_type: &str, external_id: &str) -> Link {
    place.link("/group").with("type", group_type).with("id", external_id)
}

/// The page of a resource.
pub(super) fn resource_link(place: &Place, resource_type: &str, external_id: &str) -> Link {
    place.link("/resource").with("type", resource_type).with("id", external_id)
}

/// The page of a row, with its name.
pub(super) fn record_link(place: &Place, record: &Record) -> Option<(Link, String)> {
    Some(match record {
        Record::Account(account) => (account_link(place, &account.external_id), account.username.clone()),
        Record::Group(group) => (group_link(place, &group.group_type, &group.external_id), group.name.clone()),
        Record::Resource(thing) => (resource_link(place, &thing.resource_type, &thing.external_id), thing.name.clone()),
        _ => return None,
    })
}

/// A link with the name that it leads to.
pub(super) fn named(link: Link, name: &str) -> Markup {
    html! { a href=(link) { (Name(if name.is_empty() { "(no name)" } else { name })) } }
}

pub(super) fn principal(place: &Place, principal: &Principal) -> Markup {
    match principal {
        Principal::Account { external_id, username } => named(account_link(place, external_id), username),
        Principal::Group { external_id, group_type, group_name } => {
            named(group_link(place, group_type, external_id), group_name)
        }
        other => html! { (Name(other.name())) },
    }
}

pub(super) fn resource(place: &Place, resource: &ResourceRef) -> Markup {
    named(resource_link(place, &resource.resource_type, &resource.external_id), &resource.name)
}

/// The group of a membership, and how the account is in it.
pub(super) fn group_of(place: &Place, membership: &Membership) -> Markup {
    html! {
        (named(group_link(place, &membership.group_type, &membership.group_external_id), &membership.group_name))
        (how(membership))
    }
}

/// How an account is in a group, unless directly and for good.
pub(super) fn how(membership: &Membership) -> Markup {
    html! {
        @if !membership.via.is_empty() {
            span.under {
                "through "
                @for (at, step) in membership.via.iter().enumerate() {
                    @if at > 0 { " → " }
                    (Name(&step.name))
                }
            }
        }
        @if let Some(end) = membership.expires_at {
            span.under { span.tag.temporary { "Temporary" } " until " (text::time(end)) }
        }
    }
}

/// What a reason says, as part of a sentence about its subject. The connector has names of the target in it.
pub(super) fn reason(reason: &Reason) -> Markup {
    html! {
        (Name(&crate::words::capital(&reason.message)))
        @if let Some(end) = reason.expires_at { " " span.tag.temporary { "Temporary" } " until " (text::time(end)) }
    }
}

/// The word for things of a type, such as `device`.
pub(super) fn type_word(kind: NodeKind, of_type: &str) -> String {
    if kind == NodeKind::Group { "group".to_owned() } else { words::of_type(of_type) }
}

/// The word before the name of a thing, unless the name begins with it, as that of a product does.
pub(super) fn word_before(of_type: &str, name: &str) -> Option<String> {
    let word = type_word(NodeKind::Resource, of_type);
    (!name.to_lowercase().starts_with(&word.to_lowercase())).then_some(word)
}

/// The word for several.
pub(super) fn type_words(kind: NodeKind, of_type: &str) -> String {
    words::several(&type_word(kind, of_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_that_is_called_as_its_type_is_has_no_word_before_its_name() {
        assert_eq!(word_before("ldapServer", "jumpcloud").as_deref(), Some("LDAP server"));
        assert_eq!(word_before("office365", "Microsoft 365"), None);
        assert_eq!(word_before("gSuite", "Google Workspace – northwind.example"), None);
    }
}
