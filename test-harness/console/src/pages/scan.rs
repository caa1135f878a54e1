//! The scan of a system: live while it runs, afterwards what became of it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use connector_api::ConnectorError;
use connector_host::live::Snapshot;
use connector_store::{Run, Store, System};
use maud::html;

use super::act::go_to;
use super::{scan_live, scan_result, set_up};
use crate::console::Console;
use crate::entries::Entries;
use crate::failure::Failure;
use crate::frame::{Page, form_token, live_scripts};
use crate::link::Link;
use crate::live::{Part, follow};
use crate::scans::LiveScan;
use crate::text::{self, Name};
use crate::visit::{Query, Visit};

pub(super) async fn show(visit: Visit) -> Result<Page, Failure> {
    let name = visit.query.needed("system")?.to_owned();
    match visit.console.scans.running(&name) {
        Some(scan) => Ok(running(&visit, &name, &scan)),
        None => ended(&visit, &name).await,
    }
}

fn running(visit: &Visit, name: &str, scan: &LiveScan) -> Page {
    let snapshot = scan.live.snapshot(visit.now);
    let link = |path| Link::to(path).with("system", name);
    let content = html! {
        (live_scripts())
        div.head {
            div {
                h1 { "Scanning " (Name(name)) }
                p.soft {
                    "Started " (text::time(snapshot.started_at)) ". Rows are taken over when the scan is whole; until then \
                     every page shows the scan before."
                }
            }
            @if scan.is_cancelled() { p.soft { "It is being cancelled." } } @else {
                form method="post" action="/scan/cancel" {
                    (form_token(&visit.session))
                    input type="hidden" name="system" value=(name);
                    button.risky { "Cancel scan" }
                }
            }
        }
        div.live hx-ext="sse" sse-connect=(link("/scan/events")) sse-close="end" {
            div.live sse-swap="part" { (scan_live::part(&snapshot, &link("/scan"))) }
            p.only-read role="status" sse-swap="said" {}
        }
    };
    Page { title: format!("Scan of {name}"), entry: "/", place: None, content }
}

async fn ended(visit: &Visit, name: &str) -> Result<Page, Failure> {
    let wanted = name.to_owned();
    let read = visit.read(move |store, _| {
        let Some(system) = system(store, &wanted)? else { return Ok(None) };
        let runs = store.runs(&system)?;
        Ok(runs.into_iter().next())
    });
    let run: Option<Run> = read.await?;
    let wanted = name.to_owned();
    let is_set_up = visit.console.with_systems(move |systems| Ok(systems.find(&wanted).is_ok())).await?;
    if run.is_none() && !is_set_up {
        return Err(no_such_system());
    }
    let last = visit.console.scans.of(name).map(|scan| scan.live.snapshot(visit.now));
    let content = html! {
        div.head {
            div {
                h1 { "Scan of " (Name(name)) }
                p.lead { @match &run { Some(run) => { (scan_result::lead(run)) } None => { "Not scanned yet." } } }
                @if let Some(run) = &run { (scan_result::when(run, visit.now)) }
            }
            div.row {
                @if is_set_up {
                    (set_up::button(visit, "/scan", name, if run.is_some() { "Scan again" } else { "Scan now" }))
                    (set_up::button(visit, "/test", name, "Test connection"))
                } @else {
                    span.soft { "This system is not set up here: add it under this name to scan it from this page." }
                }
            }
        }
        @if let Some(run) = &run { (scan_result::result(visit, name, run)) }
        @if let Some(last) = &last { (scan_live::afterwards(last)) }
    };
    Ok(Page { title: format!("Scan of {name}"), entry: "/", place: None, content })
}

fn no_such_system() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "There is no system of that name", "Choose one of the systems.")
}

/// Finds a system of the store.
fn system(store: &mut Store, name: &str) -> Result<Option<System>, ConnectorError> {
    store.system_called(Some(name))
}

pub(super) async fn start(visit: Visit, entries: Entries) -> Result<Response, Failure> {
    let system = entries.needed("system")?;
    visit.console.scans.start(&visit.console, system).await?;
    Ok(go_to(&Link::to("/scan").with("system", system)))
}

pub(super) async fn cancel(visit: Visit, entries: Entries) -> Result<Response, Failure> {
    let system = entries.needed("system")?;
    // One that has ended meanwhile shows how.
    if let Some(scan) = visit.console.scans.running(system) {
        scan.cancel();
    }
    Ok(go_to(&Link::to("/scan").with("system", system)))
}

/// Takes over a scan that was held.
pub(super) async fn accept(visit: Visit, entries: Entries) -> Result<Response, Failure> {
    let name = entries.needed("system")?.to_owned();
    let run = entries.needed("run")?.parse::<i64>().map_err(|_| {
        Failure::new(StatusCode::BAD_REQUEST, "The form names no run", "Open the page again and send its form.")
    })?;
    let wanted = name.clone();
    let accepted = visit.write(move |store| {
        let system = system(store, &wanted)?.ok_or_else(no_such_system)?;
        if store.run(&system, run)?.is_none() {
            let message = format!("{wanted} has no run {run}");
            return Err(Failure::new(StatusCode::NOT_FOUND, message, "Open the scan of the system again."));
        }
        store.accept(&system, run).map_err(Failure::conflict)
    });
    accepted.await?;
    Ok(go_to(&Link::to("/scan").with("system", name)))
}

pub(super) async fn events(State(console): State<Arc<Console>>, headers: HeaderMap, uri: axum::http::Uri) -> Response {
    let query = Query::parse(uri.query().unwrap_or_default());
    let Some((name, scan)) = query.get("system").and_then(|name| Some((name, console.scans.of(name)?))) else {
        return Failure::not_found().into_response();
    };
    let page = Link::to("/scan").with("system", name);
    let part = move |snapshot: &Snapshot| Part {
        content: scan_live::part(snapshot, &page),
        said: scan_live::said(snapshot),
        is_last: snapshot.has_ended,
    };
    follow(&console, &headers, scan.live.watch(), move |snapshot| scan.newest.part(snapshot, &part))
}
