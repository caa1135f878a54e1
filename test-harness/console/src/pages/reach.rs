//! What an account or group reaches, and the ways to one thing.

use std::collections::BTreeMap;

use connector_api::{Access, ConnectorError, Grant, NodeKind, Principal};
use connector_store::Store;
use maud::{Markup, html};

use super::rows::{group_link, resource, resource_link, type_word, type_words, word_before};
use crate::link::Link;
use crate::text::{self, Name, count};
use crate::visit::{Place, Query, Strength, Visit};
use crate::ways::{Node, Ways};
use crate::words::level_cell;

/// Lines of the table, and things in one of them.
const LINES: usize = 60;
const THINGS: usize = 25;

/// Makes the ways of a grant: the store knows which steps are containers.
pub(super) fn ways(store: &mut Store, place: &Place, grant: &Grant) -> Result<Ways, ConnectorError> {
    let mut containers = BTreeMap::<String, bool>::new();
    for step in grant.via.iter().flat_map(|path| &path.steps) {
        if !containers.contains_key(&step.group_type) {
            let found = store.stood(&place.system, place.run.id, ("group", &step.group_type, &step.external_id))?;
            containers.insert(step.group_type.clone(), found.is_none());
        }
    }
    let (kind, of_type, link) = match &grant.principal {
        Principal::Group { external_id, group_type, .. } => {
            (NodeKind::Group, group_type.as_str(), group_link(place, group_type, external_id))
        }
        other => (NodeKind::Account, "account", super::rows::account_link(place, other.external_id())),
    };
    let from = Node { name: grant.principal.name().to_owned(), word: type_word(kind, of_type), link };
    let target = &grant.resource;
    let to = Node {
        name: target.name.clone(),
        word: type_word(NodeKind::Resource, &target.resource_type),
        link: resource_link(place, &target.resource_type, &target.external_id),
    };
    Ok(Ways::of(grant, from, to, |of_type, id, name| {
        let is_container = containers.get(of_type) == Some(&true);
        let (kind, link) = match is_container {
            true => (NodeKind::Resource, resource_link(place, of_type, id)),
            false => (NodeKind::Group, group_link(place, of_type, id)),
        };
        (Node { name: name.to_owned(), word: type_word(kind, of_type), link }, is_container)
    }))
}

/// The grant to ask *why* of: the one to the thing of the address, or else a strongest one.
pub(super) fn chosen<'a>(place: &Place, grants: &'a [Grant], query: &Query) -> Option<&'a Grant> {
    let (of_type, id) = (query.get("resource-type"), query.get("resource"));
    let named = grants.iter().find(|grant| {
        Some(grant.resource.external_id.as_str()) == id
            && of_type.is_none_or(|known| known == grant.resource.resource_type)
    });
    match id {
        Some(_) => named,
        None => grants.iter().max_by_key(|grant| {
            (place.strength(&grant.access), grant.via.len(), std::cmp::Reverse(&grant.resource.name))
        }),
    }
}

/// How much is reached: `Administrator on 40 of …`. The strongest first.
pub(super) fn lead(place: &Place, grants: &[Grant]) -> String {
    let mut by_level = BTreeMap::<(std::cmp::Reverse<Strength>, &str, &str), u64>::new();
    for grant in grants {
        let level = crate::words::level(&grant.access);
        *by_level
            .entry((std::cmp::Reverse(place.strength(&grant.access)), level, &grant.resource.resource_type))
            .or_default() += 1;
    }
    let mut parts: Vec<String> = by_level
        .into_iter()
        .map(|((_, level, of_type), many)| {
            let (one, several) = (type_word(NodeKind::Resource, of_type), type_words(NodeKind::Resource, of_type));
            format!("{level} on {}", count(many, &one, &several))
        })
        .collect();
    if parts.len() > 4 {
        let more = parts.len() - 4;
        parts.truncate(4);
        parts.push(format!("and {}", count(more as u64, "more kind of access", "more kinds of access")));
    }
    if parts.is_empty() {
        "Reaches nothing that was read.".to_owned()
    } else {
        crate::failure::sentence(&parts.join(", "))
    }
}

/// One line of the table: grants of one kind, level, ways and end.
struct Line<'a> {
    access: &'a Access,
    of_type: &'a str,
    way: String,
    more_ways: usize,
    ends: Option<jiff::Timestamp>,
    grants: Vec<&'a Grant>,
}

fn lines<'a>(place: &Place, grants: &'a [Grant]) -> Vec<Line<'a>> {
    let mut lines = BTreeMap::new();
    for grant in grants {
        let strongest = grant.via.iter().filter(|path| path.access == grant.access).min_by_key(|path| path.steps.len());
        let way = strongest.or(grant.via.first()).map_or_else(String::new, |path| {
            path.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(" → ")
        });
        let more_ways = (grant.via.len() + grant.more_paths as usize).saturating_sub(1);
        let rank =
            (std::cmp::Reverse(place.strength(&grant.access)), &grant.access.word, &grant.resource.resource_type);
        lines
            .entry((rank, way.clone(), more_ways, grant.expires_at))
            .or_insert_with(|| Line {
                access: &grant.access,
                of_type: &grant.resource.resource_type,
                way,
                more_ways,
                ends: grant.expires_at,
                grants: Vec::new(),
            })
            .grants
            .push(grant);
    }
    lines.into_values().collect()
}

/// The table of what is reached. `why` is the page with the ways to a thing.
pub(super) fn table(place: &Place, grants: &[Grant], why: &Link, visit: &Visit) -> Markup {
    let (lines, shown) = (lines(place, grants), visit.rows(LINES));
    html! {
        @if lines.len() > shown {
            p.small.soft { "The " (shown) " strongest of " (text::number(lines.len() as u64)) " lines. " (visit.all_is()) }
        }
        div.scroll { table.stack role="table" {
            caption { "By level, kind and the strongest way; the strongest level first" }
            thead role="rowgroup" { tr role="row" {
                th scope="col" role="columnheader" { "Level" }
                th scope="col" role="columnheader" { "What" }
                th scope="col" role="columnheader" { "Strongest way" }
                th scope="col" role="columnheader" { "Lasts" }
            } }
            tbody role="rowgroup" { @for line in lines.iter().take(shown) { tr role="row" {
                th scope="row" role="rowheader" { (level_cell(line.access)) }
                td role="cell" data-label="What" { (things(place, line, why)) }
                td role="cell" data-label="Way" {
                    @if line.way.is_empty() { "Bound directly" } @else { (Name(&line.way)) }
                    @if line.more_ways > 0 { span.under { (count(line.more_ways as u64, "more way", "more ways")) } }
                }
                td role="cell" data-label="Lasts" {
                    @match line.ends {
                        None => { "Standing" }
                        Some(end) => { span.tag.temporary { "Temporary" } span.under { "until " (text::time(end)) } }
                    }
                }
            } } }
        } }
    }
}

fn things(place: &Place, line: &Line<'_>, why: &Link) -> Markup {
    let links = |grants: &[&Grant]| {
        html! {
            @for (at, grant) in grants.iter().take(THINGS).enumerate() {
                @if at > 0 { ", " }
                (resource(place, &grant.resource)) " "
                a.small.acts href=(why.clone().with("resource-type", &grant.resource.resource_type).with("resource", &grant.resource.external_id).at("why"))
                    aria-label={ "Why " (text::bare(&grant.resource.name)) } { "why" }
            }
            @if let Some(more) = grants.len().checked_sub(THINGS).filter(|more| *more > 0) { " and " (text::number(more as u64)) " more" }
        }
    };
    let many = line.grants.len() as u64;
    let word = type_word(NodeKind::Resource, line.of_type);
    html! {
        @if let [only] = &line.grants[..] {
            @if let Some(word) = word_before(line.of_type, &only.resource.name) { (crate::words::capital(&word)) " " }
            (links(&line.grants))
        } @else {
            details {
                summary { (count(many, &word, &type_words(NodeKind::Resource, line.of_type))) }
                (links(&line.grants))
            }
        }
    }
}

/// The section with the ways to one thing, with a choice of another one.
pub(super) fn why(place: &Place, grants: &[Grant], query: &Query, ways: Option<&Ways>, here: &Link) -> Markup {
    html! {
        section aria-labelledby="why" {
            div.head {
                h2 #why tabindex="-1" {
                    @match ways {
                        Some(ways) => { "Why " (Name(&ways.from.name)) " reaches " (Name(&ways.to.name)) }
                        None => { "Why" }
                    }
                }
                (choice(place, grants, ways, here))
            }
            @match ways {
                Some(ways) => { div.panel { h3 { (ways.title()) } (ways.list()) (ways.picture()) } }
                None if query.get("resource").is_some() => {
                    div.note { p { "No way leads there as of this scan. " a href=(place.link("/search")) { "Search" } " for something else, or show another scan." } }
                }
                None => { div.note { p { "There is nothing to explain: no binding leads anywhere." } } }
            }
        }
    }
}

/// Things to choose from in one list.
const CHOICES: usize = 300;

fn choice(place: &Place, grants: &[Grant], ways: Option<&Ways>, here: &Link) -> Markup {
    let base = here.clone().without("resource").without("resource-type");
    let mut things: Vec<&Grant> = grants.iter().collect();
    things.sort_by_key(|grant| (std::cmp::Reverse(place.strength(&grant.access)), &grant.resource.name));
    things.truncate(CHOICES);
    html! {
        @if things.len() > 1 {
            form.row method="get" action=(here.path()) {
                (crate::frame::hidden(&base))
                label.soft.small for="thing" { "Another thing" }
                select #thing name="resource" {
                    @for grant in things {
                        @let is_shown = ways.is_some_and(|ways| ways.to.link == resource_link_of(&ways.to.link, grant));
                        option value=(grant.resource.external_id) selected[is_shown] { (text::cut(&grant.resource.name, 40)) }
                    }
                }
                button { "Show why" }
            }
        }
    }
}

/// The link of a thing, if it is the one of `shown`.
fn resource_link_of(shown: &Link, grant: &Grant) -> Link {
    shown.clone().with("type", &grant.resource.resource_type).with("id", &grant.resource.external_id)
}
