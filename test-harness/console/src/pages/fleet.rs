//! The fleet: which of its systems need somebody, what waits and runs, and on which workers. It follows by itself.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use connector_api::{ConnectorError, ErrorCode};
use connector_fleet::{Oldest, RunStatus, Status, Waiting, WorkerState};
use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::Value;

use crate::console::Console;
use crate::failure::{Failure, sentence};
use crate::fleet::Seen;
use crate::frame::{Page, live_scripts};
use crate::link::Link;
use crate::live::{Part, follow};
use crate::text::{self, Name, ago, count, moment, number, plain};
use crate::visit::Visit;
use crate::words::{Mark, capital, spaced};

/// Workers on the page.
const WORKERS: usize = 50;

pub(super) async fn show(visit: Visit) -> Result<Page, Failure> {
    let status = visit.console.fleet.status().await.map_err(no_fleet)?;
    let content = html! {
        (live_scripts())
        div.head { h1 { "Fleet" } }
        div.live hx-ext="sse" sse-connect="/fleet/events" {
            div.live sse-swap="part" { (part(&status)) }
            p.only-read role="status" sse-swap="said" {}
        }
    };
    Ok(Page { title: "Fleet".to_owned(), entry: "/fleet", place: None, content })
}

/// Says how a store gets a fleet, if that is what it lacks.
fn no_fleet(error: ConnectorError) -> Failure {
    if error.code != ErrorCode::InvalidConfig {
        return error.into();
    }
    let remedy = format!(
        "A fleet scans many systems with several workers, into a store in PostgreSQL. To have one, run harness fleet init --store \
         postgres://USER@HOST/DATABASE, and serve that store. What is missing here: {}",
        error.message
    );
    Failure::new(StatusCode::NOT_FOUND, "The store that is shown here has no fleet", remedy)
}

pub(super) async fn events(State(console): State<Arc<Console>>, headers: HeaderMap) -> Response {
    let fleet = Arc::clone(&console.fleet);
    let states = fleet.follow().await;
    follow(&console, &headers, states, move |seen| fleet.newest.part(seen, news))
}

/// What those who follow see.
fn news(seen: &Seen) -> Part {
    let (content, said) = match seen {
        Ok(status) => (part(status), lead(status)),
        Err(error) => (unread(error), UNREAD.to_owned()),
    };
    Part { content, said: Some(said), is_last: false }
}

const UNREAD: &str = "The state of the fleet cannot be read.";

fn unread(error: &ConnectorError) -> Markup {
    html! {
        p.lead { (UNREAD) }
        div.note.bad {
            p { (plain(&sentence(&error.message))) " " code { (error.code.as_str()) } }
            p { (plain(&sentence(&error.remedy))) }
            p { "It is read again every few seconds. " a href="/fleet" { "Reload" } }
        }
    }
}

fn part(status: &Status) -> Markup {
    html! {
        div {
            p.lead { (lead(status)) }
            p.soft { "As of " (moment(status.at)) ". " a #reload href="/fleet" { "Reload" } }
        }
        (facts(status))
        (held(status))
        (failed(status))
        (waiting(status))
        (running(status))
        (workers(status))
    }
}

/// How many systems have their last run in a state.
fn runs(status: &Status, state: &str) -> u64 {
    status.runs.get(state).copied().unwrap_or_default().unsigned_abs()
}

/// The answer: how many systems need somebody, and why.
fn lead(status: &Status) -> String {
    let systems = match status.systems.unsigned_abs() {
        0 => return "The fleet has no system yet: add some with harness fleet add.".to_owned(),
        many => count(many, "system", "systems"),
    };
    let (held, failed) = (runs(status, "held"), runs(status, "failed"));
    let why = [
        (held > 0).then(|| format!("{} held", count(held, "scan is", "scans are"))),
        (failed > 0).then(|| format!("{} failed", number(failed))),
    ];
    let why: Vec<String> = why.into_iter().flatten().collect();
    let systems = match held + failed {
        0 => format!("{systems}. None needs you."),
        1 => format!("{systems}. 1 needs you: {}.", why.join(", ")),
        needy => format!("{systems}. {} need you: {}.", number(needy), why.join(", ")),
    };
    match status.worker_counts().0 == 0 {
        true => format!("No worker is there: start one with harness fleet worker. {systems}"),
        false => systems,
    }
}

fn facts(status: &Status) -> Markup {
    let of = |states: &[&str]| {
        let words = states.iter().map(|state| format!("{} {state}", number(runs(status, state))));
        words.collect::<Vec<_>>().join(", ")
    };
    html! {
        div.panel { dl.facts {
            dt { "Open runs" } dd { (of(&["running", "queued", "waiting"])) }
            dt { "Last runs" } dd { (of(&["complete", "held", "failed", "cancelled"])) }
            dt { "Never run" } dd { (count(runs(status, "never"), "system", "systems")) }
            @if let Some(oldest) = &status.oldest { dt { "Oldest scan" } dd { (longest(oldest, status.at)) } }
        } }
    }
}

/// The system that was not scanned for the longest time.
fn longest(oldest: &Oldest, now: Timestamp) -> Markup {
    html! {
        (Name(&oldest.system))
        @match oldest.scanned_at {
            Some(time) => { ", last complete on " (since(time, now)) }
            None => { ", added on " (since(oldest.added_at, now)) " and never complete" }
        }
    }
}

fn since(time: Timestamp, now: Timestamp) -> Markup {
    html! { (text::time(time)) ", " (ago(time, now)) }
}

/// A cell with a moment, and how long ago it was.
fn when(label: &str, time: Option<Timestamp>, now: Timestamp) -> Markup {
    html! {
        td role="cell" data-label=(label) {
            @if let Some(time) = time { (text::time(time)) span.under { (ago(time, now)) } }
        }
    }
}

/// A column: its title and class.
type Column = (&'static str, Option<&'static str>);

/// A list under its title, unless it is empty. `all` is how many rows there are in truth.
fn list(id: &str, title: &str, caption: &str, columns: &[Column], rows: &[Markup], all: u64) -> Markup {
    if rows.is_empty() {
        return Markup::default();
    }
    let shown = rows.len() as u64;
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { (title) }
            div.scroll { table.stack.fixed role="table" {
                caption { (caption) @if all > shown { " The first " (number(shown)) " of " (number(all)) "." } }
                thead role="rowgroup" { tr role="row" {
                    @for (title, class) in columns { th class=[class] scope="col" role="columnheader" { (title) } }
                } }
                tbody role="rowgroup" { @for row in rows { tr role="row" { (row) } } }
            } }
        }
    }
}

/// The system of a run, with what stands under its name.
fn system(run: &RunStatus, under: &str) -> Markup {
    html! { th scope="row" role="rowheader" { (Name(&run.system)) span.under { (Name(under)) } } }
}

fn held(status: &Status) -> Markup {
    let row = |run: &RunStatus| {
        html! {
            (system(run, &run.credential))
            (when("Since", run.ended_at, status.at))
            td role="cell" data-label="Run" { @if let Some(run) = run.store_run { (run) } }
            td role="cell" data-label="To do" {
                // Its id keeps the focus when news replace it.
                a id=[run.run.map(|run| format!("run-{run}"))] href=(Link::to("/scan").with("system", &run.system)) {
                    "See what it would remove, and decide" span.only-read { " on " (text::bare(&run.system)) }
                }
            }
        }
    };
    let rows: Vec<Markup> = status.held.iter().map(row).collect();
    let columns = [("System", None), ("Since", Some("c-10")), ("Run", Some("c-6")), ("What to do", None)];
    let caption = "Scans that would remove much: somebody has to accept them, the latest first.";
    list("held", "Held", caption, &columns, &rows, runs(status, "held"))
}

fn failed(status: &Status) -> Markup {
    let row = |run: &RunStatus| {
        let text = |text: &Option<String>| text.as_deref().map(|text| plain(&sentence(text))).unwrap_or_default();
        html! {
            (system(run, &run.credential))
            (when("Since", run.ended_at, status.at))
            td role="cell" data-label="Happened" {
                (text(&run.message)) @if let Some(code) = &run.code { " " code { (plain(code)) } }
            }
            td role="cell" data-label="To do" { (text(&run.remedy)) }
        }
    };
    let rows: Vec<Markup> = status.failed.iter().map(row).collect();
    let columns = [("System", None), ("Since", Some("c-10")), ("What happened", None), ("What to do", None)];
    let caption = "Systems whose last run failed for good, the latest first. harness fleet retry requests them again.";
    list("failed", "Failed", caption, &columns, &rows, runs(status, "failed"))
}

fn waiting(status: &Status) -> Markup {
    let row = |waiting: &Waiting| {
        let numbers = [
            ("Waiting", waiting.runs),
            ("For later", waiting.later),
            ("In use", waiting.in_use),
            ("At most", waiting.cap.into()),
        ];
        html! {
            th scope="row" role="rowheader" { (Name(&waiting.credential)) }
            @for (label, many) in numbers { td.num role="cell" data-label=(label) { (number(many.unsigned_abs())) } }
        }
    };
    let rows: Vec<Markup> = status.waiting.iter().map(row).collect();
    let columns = [
        ("Credential", None),
        ("Waiting", Some("num c-9")),
        ("For later", Some("num c-9")),
        ("In use", Some("num c-9")),
        ("At most", Some("num c-9")),
    ];
    let caption = "Runs that wait until a scan of the same credential ends, or for later: for the time of their next try. \
                   The credentials with the most come first.";
    list("waiting", "Waiting for a credential", caption, &columns, &rows, rows.len() as u64)
}

fn running(status: &Status) -> Markup {
    let row = |run: &RunStatus| {
        html! {
            (system(run, run.worker.as_deref().unwrap_or_default()))
            (when("Since", run.started_at, status.at))
            td role="cell" data-label="State" {
                (state(run, status.at)) @if run.attempt > 1 { span.under { "Attempt " (run.attempt) } }
            }
            td role="cell" data-label="Progress" { (progress(run)) }
        }
    };
    let rows: Vec<Markup> = status.running.iter().map(row).collect();
    let columns = [("System", None), ("Since", Some("c-10")), ("State", Some("c-10")), ("Progress", None)];
    let caption = "What workers are scanning, those that began first at the top.";
    list("running", "Running", caption, &columns, &rows, runs(status, "running"))
}

fn state(run: &RunStatus, now: Timestamp) -> Markup {
    if run.lease_until.is_some_and(|until| until < now) {
        Mark::Warn.with("Its worker is lost")
    } else if run.cancel {
        Mark::Off.with("Being cancelled")
    } else {
        Mark::Busy.with("Scanning")
    }
}

/// The sections that are being read, and how many were.
fn progress(run: &RunStatus) -> Markup {
    let sections = run.progress.iter().filter_map(Value::as_object).flatten();
    let (reading, read): (Vec<_>, Vec<_>) = sections.partition(|(_, progress)| progress["stage"] == "reading");
    if reading.is_empty() && read.is_empty() {
        return html! { "Nothing was read yet" };
    }
    html! {
        ul { @for (section, progress) in reading {
            @let title = capital(&spaced(section));
            @let done = progress["done"].as_u64().unwrap_or_default();
            @let expected = progress["expected"].as_u64().filter(|expected| *expected > 0);
            li {
                (plain(&title)) ": " (number(done))
                @if let Some(expected) = expected {
                    " of about " (number(expected))
                    progress max=(expected) value=(done.min(expected)) aria-label=(text::bare(&title)) {}
                }
            }
        } }
        span.under { (count(read.len() as u64, "section is", "sections are")) " read" }
    }
}

fn workers(status: &Status) -> Markup {
    let row = |worker: &WorkerState| {
        html! {
            th scope="row" role="rowheader" { (Name(&worker.name)) }
            td role="cell" data-label="Version" { (plain(&worker.version)) }
            td.num role="cell" data-label="Scans" { (number(worker.concurrency.unsigned_abs().into())) }
            td role="cell" data-label="Heartbeat" {
                (moment(worker.seen_at)) span.under { (ago(worker.seen_at, status.at)) }
                @if worker.is_lost { (Mark::Warn.with("Lost")) }
            }
        }
    };
    let mut workers: Vec<&WorkerState> = status.workers.iter().collect();
    // Those that may be lost first.
    workers.sort_by_key(|worker| worker.seen_at);
    let rows: Vec<Markup> = workers.into_iter().take(WORKERS).map(row).collect();
    let columns = [
        ("Worker", None),
        ("Version", Some("c-9")),
        ("Scans at a time", Some("num c-10")),
        ("Last heartbeat", Some("c-10")),
    ];
    let caption = "Workers, those that were last heard of longest ago first. One that was not heard of for the length of its \
                   leases is lost, and others go on with its scans.";
    list("workers", "Workers", caption, &columns, &rows, status.workers.len() as u64)
}
