//! One group: what it gives, and to whom.

use connector_api::{Grant, Group, ReasonKind, Record};
use connector_store::pages::{Member, PageOf};
use maud::{Markup, html};

use super::account::missing;
use super::rows::{account_link, group_link, how, named, reason};
use super::{Answer, account_facts, paging, reach};
use crate::failure::Failure;
use crate::frame::Page;
use crate::text::{Name, count, counted};
use crate::visit::{Place, Visit};
use crate::words::{capital, severity, spaced};

/// Members on a page.
const ROWS: usize = 50;

pub(super) async fn show(visit: Visit) -> Result<Answer, Failure> {
    let read = visit.read_at(|store, place, query| {
        let (of_type, id) = (query.needed("type")?, query.needed("id")?);
        let (system, run) = (&place.system, place.run.id);
        let stood = store.stood(system, run, ("group", of_type, id))?.ok_or_else(|| missing("group"))?;
        let Record::Group(group) = stood.record else { return Err(missing("group")) };
        let grants = store.group_grants(system, run, (of_type, id))?;
        let ways = reach::chosen(place, &grants, query).map(|grant| reach::ways(store, place, grant)).transpose()?;
        let members = store.members_page(system, run, (of_type, id), paging::after(query), ROWS)?;
        let many = store.members_counted(system, run, (of_type, id), paging::most(query))?;
        Ok((group, grants, ways, many, members))
    });
    let (place, (group, grants, ways, many, members)) = read.await?;
    let here = group_link(&place, &group.group_type, &group.external_id);
    let content = html! {
        div.head { div {
            p.soft { "Group" }
            h1.row { (Name(&group.name)) " " (account_facts::severity(group.severity())) }
            p.lead {
                (capital(&counted(many, "member", "members"))) "." (paging::count_all(&here, many)) " " (lead(&place, &group, &grants))
            }
        } }
        div.two {
            section aria-labelledby="facts" { h2 #facts { "Facts" } div.panel { (facts(&group)) } }
            section aria-labelledby="reasons" { h2 #reasons { "Evidence" } div.panel {
                @if group.reasons.is_empty() { p { "No evidence that its members are privileged." } }
                @else { ul.evidence { @for why in &group.reasons { li { (severity(why.severity)) " " (reason(why)) span.under { (Name(&crate::failure::sentence(&why.remedy))) } } } } }
            } }
        }
        (reach::why(&place, &grants, &visit.query, ways.as_ref(), &here))
        section aria-labelledby="reach" {
            h2 #reach { "What its members reach through it: " (count(grants.len() as u64, "thing", "things")) }
            @if grants.is_empty() { div.note { p { "Nothing: the group is bound to no device, application or directory that was read." } } }
            @else { (reach::table(&place, &grants, &here, &visit)) }
        }
        section aria-labelledby="members" {
            h2 #members tabindex="-1" { "Members" }
            (table(&place, &members))
            (paging::next("members", &here.clone().at("members"), visit.query.get("after").is_none(), members.next))
        }
    };
    Ok(Page { title: group.name.clone(), entry: "", place: Some(place), content }.into())
}

/// What the group gives. Where only its evidence knows, as of a role of administrators, that stands below.
fn lead(place: &Place, group: &Group, grants: &[Grant]) -> String {
    let gives = group.reasons.iter().any(|reason| reason.kind == ReasonKind::Privilege);
    if grants.is_empty() && gives {
        String::new()
    } else if grants.is_empty() {
        "The group gives access to nothing that was read.".to_owned()
    } else {
        reach::lead(place, grants)
    }
}

fn facts(group: &Group) -> Markup {
    html! {
        dl.facts {
            dt { "Type" } dd { (capital(&spaced(&group.group_type))) }
            @if let Some(text) = group.description.as_deref().filter(|text| !text.is_empty()) { dt { "Description" } dd { (Name(text)) } }
            @if let Some(method) = &group.membership_method { dt { "Members come by" } dd { (Name(&spaced(method))) } }
            dt { "Id" } dd { code { (Name(&group.external_id)) } }
        }
    }
}

fn table(place: &Place, members: &PageOf<Member>) -> Markup {
    html! {
        @if members.rows.is_empty() {
            div.note { p { "No account is in this group." } }
        } @else {
            div.scroll { table.stack role="table" {
                caption { "Those first that were known first" }
                thead role="rowgroup" { tr role="row" {
                    th scope="col" role="columnheader" { "Account" }
                    th scope="col" role="columnheader" { "How" }
                    th scope="col" role="columnheader" { "State" }
                    th scope="col" role="columnheader" { "Severity" }
                } }
                tbody role="rowgroup" { @for member in &members.rows { @let membership = &member.membership; tr role="row" {
                    th scope="row" role="rowheader" {
                        (named(account_link(place, &membership.account_external_id), &membership.username))
                        @if let Some(name) = member.account.as_ref().and_then(|account| account.display_name.as_deref()) { span.under { (Name(name)) } }
                    }
                    td role="cell" data-label="How" { @if membership.direct { "Directly" } @else { "Through a group" } (how(membership)) }
                    @match &member.account {
                        Some(account) => {
                            td role="cell" data-label="State" { (account_facts::enabled(account)) }
                            td role="cell" data-label="Severity" { (account_facts::severity(account.severity())) }
                        }
                        None => {
                            td role="cell" data-label="State" { "Not read" }
                            td role="cell" data-label="Severity" { "Not known" }
                        }
                    }
                } } }
            } }
        }
    }
}
