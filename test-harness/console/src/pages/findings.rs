//! Evidence of privilege and risk, the worst first, with what was accepted for a time.

use connector_api::{ConnectorError, NodeKind, Record, Severity};
use connector_store::Finding;
use connector_store::Store;
use connector_store::pages::{Figures, FindingFilter, PageOf, Subject};
use maud::{Markup, html};

use super::choice::choose;
use super::exceptions::until;
use super::privileged::{SEVERITIES, severity_of};
use super::report::extent;
use super::rows::{named, reason, record_link, type_word};
use super::{Answer, paging};
use crate::failure::{Failure, sentence};
use crate::frame::{Page, hidden};
use crate::sheet::Sheet;
use crate::text::{self, Name, count, number};
use crate::visit::{Place, Query, Visit};
use crate::words::{severity, spaced, title};

/// Accounts, groups and things on a page.
const ROWS: usize = 20;

/// Findings of one of them in the list.
const EACH: usize = 6;

/// Rows of a CSV file: what a spreadsheet opens.
const SHEET_ROWS: usize = 100_000;

fn filter(query: &Query) -> FindingFilter {
    FindingFilter {
        severity: severity_of(query),
        code: query.get("code").map(str::to_owned),
        kind: query.get("kind").map(str::to_owned),
    }
}

pub(super) async fn show(visit: Visit) -> Result<Answer, Failure> {
    if visit.query.get("format") == Some("csv") {
        let (place, sheet) = visit.read_at(|store, place, query| Ok(sheet(store, place, &filter(query))?)).await?;
        return Ok(Answer::file(&format!("findings-run-{}", place.run.id), sheet)?);
    }
    let rows = visit.rows(ROWS);
    let read = visit.read_at(move |store, place, query| {
        let shown = store.findings_page(&place.system, place.run.id, &filter(query), paging::after(query), rows)?;
        Ok((store.figures(&place.system, place.run.id)?, shown, store.exceptions(&place.system)?.len()))
    });
    let (place, (figures, shown, exceptions)) = read.await?;
    let here = visit.here(&place).with_any("at", (!place.is_latest()).then_some(place.run.id));
    let is_filtered = ["severity", "code", "kind"].iter().any(|name| visit.query.get(name).is_some());
    let content = html! {
        div.head {
            div {
                h1 { "Findings" }
                p.lead { (lead(&figures)) }
                @if exceptions > 0 { p.soft { (count(exceptions as u64, "exception is", "exceptions are")) " recorded; what it covers is marked, and counted here." } }
            }
            div.row { a.button href=(here.clone().with("format", "csv")) { "Download CSV" } }
        }
        @if !is_filtered && visit.query.get("after").is_none() { (by_code(&place, &figures)) }
        section aria-labelledby="list" {
            h2 #list { "By account, group and thing" }
            (filters(&visit, &place, &figures))
            @if shown.rows.is_empty() {
                div.note {
                    @if !is_filtered { p { "No findings. " (count(figures.accounts(), "account was", "accounts were")) " checked." } }
                    @else if shown.next.is_some() { p { "None among those that were looked at so far." } }
                    @else { p { "No finding is of this kind. " a href=(place.link("/findings")) { "Clear filters" } } }
                }
            } @else {
                @if visit.is_report { p.soft { (listed(&figures, &shown)) } }
                div.scroll { (table(&visit, &place, &shown)) }
            }
            (paging::next("findings", &here, visit.query.get("after").is_none(), shown.next))
        }
    };
    Ok(Page { title: format!("Findings of {}", place.system.name), entry: "/findings", place: Some(place), content }
        .into())
}

/// All findings of a scan.
pub(super) fn all(figures: &Figures) -> u64 {
    SEVERITIES.iter().map(|severity| figures.findings(*severity)).sum()
}

/// How many of all findings a file lists.
fn listed(figures: &Figures, shown: &PageOf<Subject>) -> String {
    let listed = shown.rows.iter().map(|subject| subject.findings.len() as u64).sum();
    extent(listed, all(figures), "finding", "findings")
}

fn lead(figures: &Figures) -> String {
    let all = all(figures);
    let serious: Vec<String> = [Severity::Critical, Severity::High]
        .into_iter()
        .filter(|severity| figures.findings(*severity) > 0)
        .map(|severity| format!("{} {}", number(figures.findings(severity)), severity.as_str()))
        .collect();
    match (all, serious.is_empty()) {
        (0, _) => {
            format!("No findings on {}, its groups and things.", count(figures.accounts(), "account", "accounts"))
        }
        (_, true) => format!("{}, none critical or high.", count(all, "finding", "findings")),
        (_, false) => format!("{}, of them {}.", count(all, "finding", "findings"), serious.join(" and ")),
    }
}

/// How many of each kind there are.
fn by_code(place: &Place, figures: &Figures) -> Markup {
    let all = figures.findings_by_code();
    let most = all.iter().map(|(.., many)| *many).max().unwrap_or(1);
    html! {
        section aria-labelledby="kinds" {
            h2 #kinds { "By kind" }
            div.scroll { table.plain-plot.of-four {
                caption { "The most severe first" }
                thead { tr { th scope="col" { "Severity" } th scope="col" { "Finding" } th.num scope="col" { "Number" } th.bar-column scope="col" { span.only-read { "Share" } } } }
                tbody { @for (worst, code, many) in &all { tr {
                    td { (severity(*worst)) }
                    th scope="row" { a href=(place.link("/findings").with("severity", worst.as_str()).with("code", code)) { (Name(&crate::words::capital(&spaced(code)))) } }
                    td.num { (number(*many)) }
                    td.bar-column { (crate::plot::bar(*many, most, matches!(worst, Severity::Critical | Severity::High))) }
                } } }
            } }
        }
    }
}

fn filters(visit: &Visit, place: &Place, figures: &Figures) -> Markup {
    let query = &visit.query;
    let mut severities = vec![("", "All".to_owned())];
    severities.extend(
        SEVERITIES.map(|severity| {
            (severity.as_str(), format!("{} ({})", title(severity), number(figures.findings(severity))))
        }),
    );
    let mut codes: Vec<String> = figures.findings_by_code().into_iter().map(|(_, code, _)| code).collect();
    codes.sort();
    codes.dedup();
    let mut kinds_of_finding = vec![("", "All".to_owned())];
    kinds_of_finding.extend(codes.iter().map(|code| (code.as_str(), crate::words::capital(&spaced(code)))));
    let kinds = [("", "All"), ("account", "Accounts"), ("group", "Groups"), ("resource", "Things")]
        .map(|(value, title)| (value, title.to_owned()));
    html! {
        form.filters method="get" action="/findings" {
            (hidden(&place.link("/findings")))
            (choose("Severity", "severity", query.get("severity"), &severities))
            (choose("Finding", "code", query.get("code"), &kinds_of_finding))
            (choose("On", "kind", query.get("kind"), &kinds))
            button { "Filter" }
        }
    }
}

fn table(visit: &Visit, place: &Place, shown: &PageOf<Subject>) -> Markup {
    html! {
        table.stack role="table" {
            caption { "Those with the most severe finding first" }
            thead role="rowgroup" { tr role="row" {
                th.c-name scope="col" role="columnheader" { "On" }
                th scope="col" role="columnheader" { "Findings, and what to do" }
            } }
            tbody role="rowgroup" { @for subject in &shown.rows { tr role="row" {
                th scope="row" role="rowheader" {
                    @if let Some((link, name)) = record_link(place, &subject.record) { (named(link, &name)) }
                    span.under { (what(&subject.record)) }
                }
                td role="cell" data-label="Findings" { ul.evidence {
                    @for finding in subject.findings.iter().take(visit.rows(EACH)) { li { (one(finding, place, visit.now)) } }
                    @if let Some(more) = subject.findings.len().checked_sub(visit.rows(EACH)).filter(|more| *more > 0) {
                        li { @if let Some((link, _)) = record_link(place, &subject.record) { a href=(link.at("reasons")) { (count(more as u64, "more finding", "more findings")) } } }
                    }
                } }
            } } }
        }
    }
}

pub(super) fn what(record: &Record) -> String {
    match record {
        Record::Account(account) => spaced(account.kind.as_str()),
        Record::Group(_) => "group".to_owned(),
        Record::Resource(thing) => type_word(NodeKind::Resource, &thing.resource_type),
        other => other.kind().to_owned(),
    }
}

fn one(finding: &Finding, place: &Place, now: jiff::Timestamp) -> Markup {
    html! {
        (severity(finding.reason.severity)) " " (reason(&finding.reason))
        @if finding.since_run == place.latest && place.runs.len() > 1 { " " strong.small { "New" } }
        span.under { (Name(&sentence(&finding.reason.remedy))) " Since " (text::day(finding.since)) ". " code { (finding.id) } }
        @if place.is_latest() {
            span.under.acts { a href=(place.link("/exception").with("id", &finding.id)) {
                @if finding.exception.is_some() { "Change or withdraw the exception" } @else { "Accept for a time" }
                span.only-read { ": finding " (finding.id) }
            } }
        }
        @if let Some(exception) = &finding.exception {
            span.under {
                span.tag { @if exception.is_expired(now) { "Exception" } @else { "Accepted" } }
                " " (until(exception, now)) ": " (Name(&exception.reason))
            }
        }
    }
}

fn sheet(store: &mut Store, place: &Place, filter: &FindingFilter) -> Result<Sheet, ConnectorError> {
    let mut sheet = Sheet::new(&[
        "id",
        "severity",
        "code",
        "kind",
        "name",
        "externalId",
        "message",
        "remedy",
        "since",
        "exceptionReason",
        "exceptionExpires",
    ])?;
    let (mut after, mut rows) = (None, 0);
    loop {
        let page = store.findings_page(&place.system, place.run.id, filter, after, 500)?;
        for Subject { record, findings, .. } in &page.rows {
            let (name, id) = match record {
                Record::Account(row) => (&row.username, &row.external_id),
                Record::Group(row) => (&row.name, &row.external_id),
                Record::Resource(row) => (&row.name, &row.external_id),
                _ => continue,
            };
            for finding in findings {
                let exception = finding.exception.as_ref();
                sheet.row([
                    finding.id.clone(),
                    finding.reason.severity.as_str().to_owned(),
                    finding.reason.code.clone(),
                    record.kind().to_owned(),
                    name.clone(),
                    id.clone(),
                    finding.reason.message.clone(),
                    finding.reason.remedy.clone(),
                    finding.since.to_string(),
                    exception.map_or_else(String::new, |exception| exception.reason.clone()),
                    exception.map_or_else(String::new, |exception| exception.expires.to_string()),
                ])?;
                rows += 1;
            }
        }
        after = page.next;
        if after.is_none() || rows >= SHEET_ROWS {
            return Ok(sheet);
        }
    }
}
