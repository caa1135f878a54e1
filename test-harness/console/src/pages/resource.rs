//! One thing: who reaches it, how strongly, by which ways.

use connector_api::{Account, Grant, Principal, Record, Resource};
use connector_store::pages::{Counted, WhoPage};
use maud::{Markup, html};
use std::collections::BTreeMap;

use super::account::missing;
use super::rows::{account_link, group_link, principal, reason, resource_link, type_word};
use super::{Answer, account_facts, paging, reach};
use crate::failure::Failure;
use crate::frame::Page;
use crate::link::Link;
use crate::text::{self, Name, count, counted};
use crate::visit::{Place, Visit};
use crate::ways::Ways;
use crate::words::{capital, level, level_cell, severity};

/// Accounts on a page.
const ROWS: usize = 50;

/// Groups on a page.
const GROUPS: usize = 50;

pub(super) async fn show(visit: Visit) -> Result<Answer, Failure> {
    let read = visit.read_at(|store, place, query| {
        let (of_type, id) = (query.needed("type")?, query.needed("id")?);
        let (system, run) = (&place.system, place.run.id);
        let stood = store.stood(system, run, ("resource", of_type, id))?.ok_or_else(|| missing("thing"))?;
        let Record::Resource(resource) = stood.record else { return Err(missing("thing")) };
        let rows = (ROWS, paging::most(query));
        let who = store.who_page(system, run, (of_type, id), paging::after(query), rows)?;
        let mut accounts = BTreeMap::new();
        for grant in &who.grants {
            if let Principal::Account { external_id, .. } = &grant.principal
                && let Some(stood) = store.stood(system, run, ("account", "", external_id))?
                && let Record::Account(account) = stood.record
            {
                accounts.insert(external_id.clone(), *account);
            }
        }
        let strongest = who.grants.iter().max_by_key(|grant| (place.strength(&grant.access), grant.via.len()));
        let ways = strongest.map(|grant| reach::ways(store, place, grant)).transpose()?;
        Ok((resource, who, accounts, ways))
    });
    let (place, (resource, who, accounts, ways)) = read.await?;
    let here = resource_link(&place, &resource.resource_type, &resource.external_id);
    let word = type_word(connector_api::NodeKind::Resource, &resource.resource_type);
    let content = html! {
        div.head { div {
            p.soft { (capital(&word)) }
            h1.row {
                (Name(&resource.name))
                @if let Some(worst) = resource.severity() { " " (severity(worst)) }
            }
            p.lead { (lead(&place, &resource, &who, &word)) (paging::count_all(&here, who.accounts)) }
        } }
        div.two {
            section aria-labelledby="facts" { h2 #facts { "Facts" } div.panel { (facts(&resource, visit.now)) } }
            section aria-labelledby="reasons" { h2 #reasons { "Evidence" } div.panel {
                @if resource.reasons.is_empty() { p { "No evidence of risk was found." } }
                @else { ul.evidence { @for why in &resource.reasons { li { (severity(why.severity)) " " (reason(why)) span.under { (Name(&crate::failure::sentence(&why.remedy))) } } } } }
            } }
        }
        @if !resource.container {
            section aria-labelledby="who" {
                h2 #who tabindex="-1" { "Who reaches it" }
                @if who.grants.is_empty() {
                    div.note { p { "Nobody: no account or group is bound to it, or to what it is in." } }
                } @else { (table(&place, &who, &accounts, &resource, visit.now)) }
                (paging::next("accounts", &here.clone().at("who"), visit.query.get("after").is_none(), who.next))
            }
            @if let Some(ways) = &ways { (strongest(ways)) }
        }
    };
    Ok(Page { title: resource.name.clone(), entry: "", place: Some(place), content }.into())
}

fn lead(place: &Place, resource: &Resource, who: &WhoPage, word: &str) -> String {
    if resource.container {
        return format!("This {word} is not reached itself: who is bound to it reaches what is inside.");
    }
    let groups = who.grants.iter().filter(|grant| matches!(grant.principal, Principal::Group { .. })).count() as u64;
    let strongest =
        who.grants.iter().max_by_key(|grant| place.strength(&grant.access)).map(|grant| level(&grant.access));
    match (who.accounts, strongest) {
        (Counted::All(0), None) => "Nobody reaches it.".to_owned(),
        (accounts, strongest) => {
            let through = count(groups, "group leads", "groups lead");
            let accounts = capital(&counted(accounts, "account reaches", "accounts reach"));
            let level = strongest.map_or_else(String::new, |level| format!(" The strongest level here is {level}."));
            format!("{accounts} it; {through} to it.{level}")
        }
    }
}

fn facts(resource: &Resource, now: jiff::Timestamp) -> Markup {
    html! {
        dl.facts {
            @if let Some(os) = &resource.os { dt { "System" } dd { (Name(os)) @if let Some(version) = &resource.os_version { " " (Name(version)) } } }
            @if let Some(serial) = &resource.serial_number { dt { "Serial number" } dd { (Name(serial)) } }
            dt { "State" } dd { @match resource.active { Some(true) => { "Active" } Some(false) => { "Not active" } None => { "Not known" } } }
            @if let Some(at) = resource.last_contact_at { dt { "Last contact" } dd { (text::day(at)) (text::and_ago(at, now)) } }
            @if let Some(at) = resource.created_at { dt { "Registered" } dd { (text::day(at)) } }
            dt { "Id" } dd { code { (Name(&resource.external_id)) } }
        }
    }
}

/// The page that shows the ways of a grant.
fn why_link(place: &Place, grant: &Grant, resource: &Resource) -> Link {
    let link = match &grant.principal {
        Principal::Group { external_id, group_type, .. } => group_link(place, group_type, external_id),
        other => account_link(place, other.external_id()),
    };
    link.with("resource-type", &resource.resource_type).with("resource", &resource.external_id).at("why")
}

fn table(
    place: &Place,
    who: &WhoPage,
    accounts: &BTreeMap<String, Account>,
    resource: &Resource,
    now: jiff::Timestamp,
) -> Markup {
    let mut grants: Vec<&Grant> = who.grants.iter().collect();
    grants.sort_by_key(|grant| {
        let is_account = matches!(grant.principal, Principal::Account { .. });
        (is_account, std::cmp::Reverse(place.strength(&grant.access)), grant.principal.name().to_owned())
    });
    // The groups stand on each page, and there may be hundreds.
    let groups = grants.iter().filter(|grant| matches!(grant.principal, Principal::Group { .. })).count();
    grants.drain(groups.min(GROUPS)..groups);
    html! {
        div.scroll { table.stack role="table" {
            caption { "Groups first, then accounts; on this page, the strongest level first" }
            thead role="rowgroup" { tr role="row" {
                th scope="col" role="columnheader" { "Who" }
                th scope="col" role="columnheader" { "Level" }
                th scope="col" role="columnheader" { "Ways" }
                th scope="col" role="columnheader" { "Lasts" }
                th scope="col" role="columnheader" { "Second factor" }
            } }
            tbody role="rowgroup" { @for grant in grants { tr role="row" {
                @let account = accounts.get(grant.principal.external_id());
                th scope="row" role="rowheader" {
                    (principal(place, &grant.principal))
                    span.under {
                        @if matches!(grant.principal, Principal::Group { .. }) { "group" }
                        @if let Some(name) = account.and_then(|account| account.display_name.as_deref()) { (Name(name)) }
                        @if account.is_some_and(|account| account.enabled == Some(false)) { " " span.tag { "Disabled" } }
                    }
                }
                td role="cell" data-label="Level" { (level_cell(&grant.access)) }
                td role="cell" data-label="Ways" {
                    a href=(why_link(place, grant, resource)) { (count(grant.via.len() as u64 + grant.more_paths, "way", "ways")) }
                    @if grant.direct { span.under { "bound directly" } }
                }
                td role="cell" data-label="Lasts" {
                    @match grant.expires_at { None => { "Standing" } Some(end) => { span.tag.temporary { "Temporary" } span.under { "until " (text::time(end)) } } }
                }
                td role="cell" data-label="Second factor" {
                    @match account { Some(account) => { (account_facts::second_factor(account, now)) } None => { span.soft { "See its members" } } }
                }
            } } }
        } }
        p.small.soft {
            (capital(&counted(who.accounts, "account", "accounts"))) " in all."
            @if groups > GROUPS { " The " (GROUPS) " strongest of " (count(groups as u64, "group", "groups")) "." }
        }
    }
}

/// The ways of one of the strongest grants of the page.
fn strongest(ways: &Ways) -> Markup {
    html! {
        section aria-labelledby="why" {
            h2 #why { "An example of the strongest access: why " (Name(&ways.from.name)) " reaches it" }
            // Side by side, the picture would be wider than its half.
            div.panel { h3 { (ways.title()) } (ways.list()) (ways.picture()) }
        }
    }
}
