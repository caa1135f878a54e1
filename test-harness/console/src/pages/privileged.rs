//! Privileged accounts, the worst first.

use connector_api::{ConnectorError, Severity};
use connector_store::Store;
use connector_store::pages::{Factor, Figures, PageOf, PrivilegedAccount, PrivilegedFilter};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::choice::choose;
use super::report::extent;
use super::rows::{account_link, named, reason};
use super::{Answer, account_facts, paging};
use crate::failure::Failure;
use crate::frame::{Page, hidden};
use crate::sheet::Sheet;
use crate::text::{self, Name, count, number};
use crate::visit::{Place, Query, Visit};
use crate::words::{severity, title};

/// Accounts on a page.
const ROWS: usize = 30;

/// Rows of a CSV file: what a spreadsheet opens.
const SHEET_ROWS: usize = 100_000;

/// Reasons of an account in the list. Its own page has all.
const REASONS: usize = 3;

pub(super) const SEVERITIES: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];

pub(super) fn severity_of(query: &Query) -> Option<Severity> {
    let word = query.get("severity")?;
    SEVERITIES.into_iter().find(|severity| severity.as_str() == word)
}

fn filter(now: Timestamp, place: &Place, query: &Query) -> PrivilegedFilter {
    // As of an earlier scan, last logins are not known.
    let login = query.get("login").filter(|_| place.is_latest());
    let days = login.and_then(|login| login.parse::<i64>().ok()).filter(|days| (1..=3650).contains(days));
    PrivilegedFilter {
        severity: severity_of(query),
        factor: query.get("factor").and_then(Factor::of_word),
        enabled: match query.get("enabled") {
            Some("yes") => Some(true),
            Some("no") => Some(false),
            _ => None,
        },
        no_login_since: days.map(|days| now - SignedDuration::from_hours(24 * days)),
        no_login: login == Some("none"),
    }
}

pub(super) async fn show(visit: Visit) -> Result<Answer, Failure> {
    let now = visit.now;
    if visit.query.get("format") == Some("csv") {
        return sheet(&visit).await;
    }
    let rows = visit.rows(ROWS);
    let read = visit.read_at(move |store, place, query| {
        let shown =
            store.privileged(&place.system, place.run.id, &filter(now, place, query), paging::after(query), rows)?;
        let first = store.first_run(&place.system)?;
        Ok((store.figures(&place.system, place.run.id)?, shown, first))
    });
    let (place, (figures, shown, first)) = read.await?;
    let content = html! {
        div.head {
            div {
                h1 { "Privileged accounts" }
                p.lead { (lead(&figures)) }
            }
            @if figures.privileged() > 0 {
                div.row { a.button href=(visit.here(&place).with_any("at", (!place.is_latest()).then_some(place.run.id)).with("format", "csv")) { "Download CSV" } }
            }
        }
        section aria-label="Accounts" {
            (filters(&visit, &place, &figures))
            @if shown.rows.is_empty() {
                div.note {
                    @if figures.privileged() == 0 {
                        p { "No privileged accounts. " (count(figures.accounts(), "account was", "accounts were")) " checked." }
                    } @else if shown.next.is_some() {
                        p { "None of the accounts that were looked at so far is of this kind." }
                    } @else {
                        p { "No privileged account is of this kind. " a href=(place.link("/privileged")) { "Clear filters" } }
                    }
                }
            } @else {
                @if visit.is_report {
                    p.soft { (extent(shown.rows.len() as u64, figures.privileged(), "privileged account", "privileged accounts")) }
                }
                div.scroll { (table(&visit, &place, &shown, first)) }
            }
            (paging::next("accounts", &here(&visit, &place), visit.query.get("after").is_none(), shown.next))
        }
    };
    Ok(Page {
        title: format!("Privileged accounts of {}", place.system.name),
        entry: "/privileged",
        place: Some(place),
        content,
    }
    .into())
}

fn here(visit: &Visit, place: &Place) -> crate::link::Link {
    visit.here(place).with_any("at", (!place.is_latest()).then_some(place.run.id))
}

fn lead(figures: &Figures) -> String {
    let privileged = figures.privileged();
    let without = figures.privileged_without_factor();
    let verb = if privileged == 1 { "holds" } else { "hold" };
    let all = count(figures.accounts(), "account", "accounts");
    match (privileged, without) {
        (0, _) => format!("None of {all} holds privileges."),
        (_, 0) => format!(
            "{} of {all} {verb} privileges. No enabled one is known to lack a second factor.",
            number(privileged)
        ),
        (_, 1) => {
            format!("{} of {all} {verb} privileges. 1 of the enabled ones has no second factor.", number(privileged))
        }
        _ => format!(
            "{} of {all} {verb} privileges. {} of the enabled ones have no second factor.",
            number(privileged),
            number(without)
        ),
    }
}

fn filters(visit: &Visit, place: &Place, figures: &Figures) -> Markup {
    let query = &visit.query;
    let mut severities = vec![("", "All".to_owned())];
    severities.extend(SEVERITIES.map(|severity| {
        (severity.as_str(), format!("{} ({})", title(severity), number(figures.privileged_of(severity))))
    }));
    let factors = [
        ("", "Any"),
        ("notSetUp", "Not set up"),
        ("exempt", "Not set up, exempt"),
        ("setUp", "Set up"),
        ("notKnown", "Not known"),
    ];
    let logins =
        [("", "Any"), ("none", "None found"), ("30", "Over 30 days ago, or none"), ("90", "Over 90 days ago, or none")];
    let states = [("", "Enabled and disabled"), ("yes", "Enabled"), ("no", "Disabled")];
    let owned = |choices: &[(&'static str, &str)]| {
        choices.iter().map(|(value, title)| (*value, (*title).to_owned())).collect::<Vec<_>>()
    };
    html! {
        form.filters method="get" action="/privileged" {
            (hidden(&place.link("/privileged")))
            (choose("Severity", "severity", query.get("severity"), &severities))
            (choose("Second factor", "factor", query.get("factor"), &owned(&factors)))
            @if place.is_latest() { (choose("Last login", "login", query.get("login"), &owned(&logins))) }
            (choose("State", "enabled", query.get("enabled"), &owned(&states)))
            button { "Filter" }
        }
    }
}

fn table(visit: &Visit, place: &Place, shown: &PageOf<PrivilegedAccount>, first: Option<i64>) -> Markup {
    html! {
        table.stack.fixed role="table" {
            caption { "The most severe first; of one severity, those first that were known first" }
            thead role="rowgroup" { tr role="row" {
                th.c-6 scope="col" role="columnheader" { "Severity" }
                th.c-name scope="col" role="columnheader" { "Account" }
                th scope="col" role="columnheader" { "Why" }
                th.c-10 scope="col" role="columnheader" { "Second factor" }
                th.c-9 scope="col" role="columnheader" { "Last login" }
                th.c-9 scope="col" role="columnheader" { "Since" }
            } }
            tbody role="rowgroup" { @for row in &shown.rows {
                @let account = &row.account;
                @let link = account_link(place, &account.external_id);
                tr role="row" {
                    td role="cell" { @if let Some(worst) = account.severity() { (severity(worst)) } }
                    th scope="row" role="rowheader" {
                        (named(link.clone(), &account.username))
                        span.under {
                            @if let Some(name) = &account.display_name { (Name(name)) }
                            @if account.enabled == Some(false) { " " span.tag { "Disabled" } }
                        }
                    }
                    td role="cell" data-label="Why" { ul {
                        @for why in account.reasons.iter().take(REASONS) { li { (reason(why)) } }
                        @if let Some(more) = account.reasons.len().checked_sub(REASONS).filter(|more| *more > 0) {
                            li { a href=(link.clone().at("reasons")) { (count(more as u64, "more reason", "more reasons")) } }
                        }
                    } }
                    td role="cell" data-label="Second factor" { (account_facts::second_factor(account, visit.now)) }
                    td role="cell" data-label="Last login" { (account_facts::last_login(account, place, visit.now)) }
                    td role="cell" data-label="Since" {
                        @if first == Some(row.since_run) {
                            "Since the first scan" span.under { (text::day(row.since)) }
                        } @else {
                            @if row.since_run == place.latest { strong { "New" } " since " }
                            (text::day(row.since))
                        }
                    }
                }
            } }
        }
    }
}

/// The word for a column: whether it is exempt stands in another one.
fn factor_word(factor: Factor) -> &'static str {
    if Factor::WITHOUT.contains(&factor) { Factor::NotSetUp.as_str() } else { factor.as_str() }
}

/// All accounts of the filters as a file for a spreadsheet.
async fn sheet(visit: &Visit) -> Result<Answer, Failure> {
    let now = visit.now;
    let (place, sheet) =
        visit.read_at(move |store, place, query| Ok(rows_of_sheet(store, place, &filter(now, place, query))?)).await?;
    Ok(Answer::file(&format!("privileged-run-{}", place.run.id), sheet)?)
}

fn rows_of_sheet(store: &mut Store, place: &Place, filter: &PrivilegedFilter) -> Result<Sheet, ConnectorError> {
    let mut sheet = Sheet::new(&[
        "severity",
        "username",
        "externalId",
        "kind",
        "displayName",
        "email",
        "enabled",
        "secondFactor",
        "lastLoginAt",
        "privilegedSince",
        "reasons",
        "secondFactorExempt",
    ])?;
    let (mut after, mut rows) = (None, 0);
    loop {
        let page = store.privileged(&place.system, place.run.id, filter, after, 500)?;
        for PrivilegedAccount { account, since, .. } in &page.rows {
            let reasons: Vec<&str> = account.reasons.iter().map(|reason| reason.message.as_str()).collect();
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            let exempt = account.mfa.as_ref().and_then(|mfa| mfa.excluded);
            let login = account.last_login.as_ref().and_then(|login| login.succeeded_at).max(account.last_login_at);
            sheet.row([
                account.severity().map_or("", Severity::as_str).to_owned(),
                account.username.clone(),
                account.external_id.clone(),
                account.kind.as_str().to_owned(),
                text(&account.display_name),
                text(&account.email),
                account.enabled.map_or_else(String::new, |enabled| enabled.to_string()),
                factor_word(Factor::of(account)).to_owned(),
                login.map_or_else(String::new, |time| time.to_string()),
                since.to_string(),
                reasons.join("; "),
                exempt.map_or_else(String::new, |exempt| exempt.to_string()),
            ])?;
        }
        rows += page.rows.len();
        after = page.next;
        if after.is_none() || rows >= SHEET_ROWS {
            return Ok(sheet);
        }
    }
}
