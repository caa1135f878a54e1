//! One account: how powerful it is, why, and what it reaches.

use axum::http::StatusCode;
use connector_api::{Account, ConnectorError, Grant, Membership, Record};
use connector_store::LinkedAccount;
use connector_store::pages::Stood;
use jiff::Timestamp;
use maud::{Markup, html};

use super::rows::{account_link, group_of, named, reason};
use super::{Answer, account_facts, reach};
use crate::failure::Failure;
use crate::frame::Page;
use crate::sheet::Sheet;
use crate::text::{self, Name, and_ago, count};
use crate::visit::{Place, Visit};
use crate::ways::Ways;
use crate::words::{Mark, capital, severity, spaced};

/// Groups that are listed.
const GROUPS: usize = 200;

/// Linked accounts that are listed.
const LINKED: usize = 6;

struct Read {
    stood: Stood,
    account: Account,
    grants: Vec<Grant>,
    ways: Option<Ways>,
    groups: Vec<Membership>,
    linked: Vec<LinkedAccount>,
}

pub(super) fn missing(what: &str) -> Failure {
    Failure::new(
        StatusCode::NOT_FOUND,
        format!("There was no such {what} in this scan"),
        "Show another scan, or search for the name. It may be new, or gone.",
    )
}

pub(super) async fn show(visit: Visit) -> Result<Answer, Failure> {
    let read = visit.read_at(|store, place, query| {
        let id = query.needed("id")?;
        let (system, run) = (&place.system, place.run.id);
        let stood = store.stood(system, run, ("account", "", id))?.ok_or_else(|| missing("account"))?;
        let Record::Account(account) = &stood.record else { return Err(missing("account")) };
        let account = (**account).clone();
        let grants = store.why(system, run, id)?;
        let ways = reach::chosen(place, &grants, query).map(|grant| reach::ways(store, place, grant)).transpose()?;
        let groups = store.groups_of(system, run, id, GROUPS + 1)?;
        let linked = store.linked(system, Some(run), id)?;
        Ok(Read { stood, account, grants, ways, groups, linked })
    });
    let (place, read) = read.await?;
    if visit.query.get("format") == Some("csv") {
        return Ok(sheet(&read)?);
    }
    let Read { account, grants, .. } = &read;
    let here = account_link(&place, &account.external_id);
    let content = html! {
        div.head {
            div {
                p.soft { a href=(place.link("/privileged")) { "Privileged accounts" } }
                h1.row { (Name(&account.username)) " " (account_facts::severity(account.severity())) }
                p.lead { (reach::lead(&place, grants)) " " (second_factor(account)) }
            }
            @if !grants.is_empty() { div.row { a.button href=(here.clone().with("format", "csv")) { "Download CSV" } } }
        }
        div.two {
            section aria-labelledby="facts" { h2 #facts { "Facts" } div.panel { (facts(&read, &place, visit.now)) } }
            section aria-labelledby="reasons" { h2 #reasons tabindex="-1" { "Evidence" } div.panel { (evidence(account)) } }
        }
        (reach::why(&place, grants, &visit.query, read.ways.as_ref(), &here))
        section aria-labelledby="reach" {
            h2 #reach { "What it reaches: " (count(grants.len() as u64, "thing", "things")) }
            @if grants.is_empty() {
                div.note { p { "Nothing: no binding leads from this account or its groups to a device, application or directory that was read." } }
            } @else { (reach::table(&place, grants, &here, &visit)) }
        }
        section aria-labelledby="groups" {
            h2 #groups { "Groups" }
            @if read.groups.is_empty() {
                div.note { p { "In no group." } }
            } @else {
                div.panel { ul { @for group in read.groups.iter().take(GROUPS) { li { (group_of(&place, group)) } } } }
                @if read.groups.len() > GROUPS { p.small.soft { "The first " (GROUPS) ". There are more." } }
            }
        }
    };
    Ok(Page { title: account.username.clone(), entry: "/privileged", place: Some(place), content }.into())
}

fn second_factor(account: &Account) -> &'static str {
    match account.mfa.as_ref().and_then(|mfa| mfa.configured) {
        Some(true) => "Second factor is set up.",
        Some(false) => "No second factor is set up.",
        None => "",
    }
}

fn evidence(account: &Account) -> Markup {
    html! {
        @if account.reasons.is_empty() {
            p { "No evidence of privilege or risk was found." }
        } @else {
            ul.evidence { @for why in &account.reasons { li {
                (severity(why.severity)) " " (reason(why))
                span.under { (Name(&crate::failure::sentence(&why.remedy))) }
            } } }
        }
    }
}

fn facts(read: &Read, place: &Place, now: Timestamp) -> Markup {
    let account = &read.account;
    let optional = |title: &str, value: &Option<String>| {
        html! {
            @if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) { dt { (title) } dd { (Name(value)) } }
        }
    };
    html! {
        dl.facts {
            dt { "Kind" } dd { (capital(&spaced(account.kind.as_str()))) }
            (optional("Name", &account.display_name))
            (optional("Address", &account.email))
            (optional("Department", &account.department))
            (optional("Employee", &account.employee_id))
            dt { "State" } dd { (account_facts::enabled(account)) }
            dt { "Second factor" } dd { (account_facts::second_factor(account, now)) }
            dt { "Last login" } dd { (account_facts::last_login(account, place, now)) }
            @if let Some(protection) = &account.protection {
                @for (title, sign_in) in [("Sign-in to the portal", &protection.portal), ("Sign-in to the console", &protection.console)] {
                    @if let Some(sign_in) = sign_in {
                        dt { (title) } dd { (account_facts::sign_in(&sign_in.result)) span.under { (Name(&capital(&sign_in.reason))) } }
                    }
                }
            }
            @if let Some(password) = &account.password {
                dt { "Password" } dd {
                    @match password.changed_at {
                        Some(at) => { "Changed " (text::day(at)) (and_ago(at, now)) }
                        None => { "Not known when it was changed" }
                    }
                    @if password.expired == Some(true) { " " (Mark::Warn.with("Expired")) }
                    @if password.never_expires == Some(true) { " " (Mark::Warn.with("Never expires")) }
                    @else if let Some(end) = password.expires_at { span.under { @if end < now { "expired " } @else { "expires " } (text::day(end)) } }
                }
            }
            @if !account.credentials.is_empty() {
                dt { "Keys" } dd { ul { @for key in &account.credentials { li {
                    (capital(&spaced(key.kind.as_str())))
                    @if let Some(name) = &key.identifier { " " (Name(name)) }
                    span.under {
                        @match key.created_at { Some(at) => { "made " (text::day(at)) } None => { "not known when it was made" } }
                        @if key.usable == Some(false) { ", not usable" }
                        @if key.never_expires == Some(true) { ", never expires" }
                        @else if let Some(end) = key.expires_at { @if end < now { ", expired " } @else { ", expires " } (text::day(end)) }
                    }
                } } } }
            }
            @let others: Vec<_> = read.linked.iter().filter(|linked| linked.linked_with.is_some()).collect();
            @if !others.is_empty() {
                dt { "Linked to" } dd { ul { @for linked in others.iter().take(LINKED) { li {
                    (named(account_link(place, &linked.account.external_id), &linked.account.username)) ", "
                    (spaced(linked.account.kind.as_str()))
                    span.under { (spaced(&linked.evidence)) "; not merged" }
                } } }
                @if let Some(more) = others.len().checked_sub(LINKED).filter(|more| *more > 0) { span.under { "and " (count(more as u64, "more account", "more accounts")) } } }
            }
            @if let Some(created) = account.created_at { dt { "Created" } dd { (text::day(created)) } }
            dt { "First scanned" } dd { (text::day(read.stood.first_scanned)) }
            dt { "Id" } dd { code { (Name(&account.external_id)) } }
        }
    }
}

/// All that the account reaches, for a spreadsheet.
fn sheet(read: &Read) -> Result<Answer, ConnectorError> {
    let mut sheet = Sheet::new(COLUMNS)?;
    for grant in &read.grants {
        sheet.row(cells(grant))?;
    }
    Answer::file("access", sheet)
}

const COLUMNS: &[&str] = &[
    "principal",
    "principalKind",
    "resource",
    "resourceType",
    "resourceId",
    "level",
    "word",
    "direct",
    "expiresAt",
    "way",
];

fn cells(grant: &Grant) -> Vec<String> {
    let way = grant.via.first().map_or_else(String::new, |path| {
        path.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(" > ")
    });
    vec![
        grant.principal.name().to_owned(),
        grant.principal.kind().as_str().to_owned(),
        grant.resource.name.clone(),
        grant.resource.resource_type.clone(),
        grant.resource.external_id.clone(),
        grant.access.level.as_str().to_owned(),
        grant.access.word.to_string(),
        grant.direct.to_string(),
        grant.expires_at.map_or_else(String::new, |time| time.to_string()),
        way,
    ]
}
