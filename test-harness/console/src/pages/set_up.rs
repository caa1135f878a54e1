//! The systems that are set up here, and what can be done with each: a part of the page of systems.

use connector_host::systems::{KnownSystem, Listed};
use maud::{Markup, html};

use crate::failure::{Failure, sentence};
use crate::frame::form_token;
use crate::link::Link;
use crate::text::{self, Name, plain};
use crate::visit::Visit;
use crate::words::Mark;

/// The part, with the systems that are set up.
pub(super) async fn section(visit: &Visit) -> Result<Markup, Failure> {
    let Listed { systems, errors, .. } =
        visit.console.with_systems(|systems| Ok(systems.list())).await?.map_err(Failure::unavailable)?;
    let place = match visit.console.systems.folder() {
        Some(folder) => format!("Each is a file in {}, without the secrets that were entered here.", folder.display()),
        None => "They are kept in memory until the server ends; start it with --systems DIR to keep them.".to_owned(),
    };
    Ok(html! {
        section aria-labelledby="set-up" {
            div.head {
                h2 #set-up { "Set up here" }
                div.row { a.button.primary href="/system" { "Add system" } }
            }
            @for error in &errors {
                div.note.bad { p { (plain(&sentence(&error.message))) " " (plain(&sentence(&error.remedy))) } }
            }
            @if systems.is_empty() {
                div.note { p { "No system is set up here. Add one to test its connection and to scan it from this page." } }
            } @else {
                div.scroll { (table(visit, &systems)) }
            }
            p.small.soft { (plain(&place)) }
        }
    })
}

fn table(visit: &Visit, systems: &[KnownSystem]) -> Markup {
    html! {
        table.stack role="table" {
            caption { "Systems that can be tested and scanned from here, by name" }
            thead role="rowgroup" { tr role="row" {
                th scope="col" role="columnheader" { "System" }
                th.c-10 scope="col" role="columnheader" { "Now" }
                th scope="col" role="columnheader" { "Do" }
            } }
            tbody role="rowgroup" { @for known in systems { (row(visit, known)) } }
        }
    }
}

fn row(visit: &Visit, known: &KnownSystem) -> Markup {
    let (name, config) = (known.name(), &known.stored.config);
    let scan = Link::to("/scan").with("system", name);
    let running = visit.console.scans.running(name);
    html! {
        tr role="row" {
            th scope="row" role="rowheader" {
                a href=(scan) { (Name(name)) }
                span.under { (plain(&config.os_type)) ", " (Name(&config.hostname)) }
            }
            td role="cell" data-label="Now" {
                @match &running {
                    Some(scan) => { (Mark::Busy.with(&scanning(&scan.live.snapshot(visit.now)))) }
                    None => { (Mark::Off.with("Not scanning")) }
                }
            }
            td role="cell" data-label="Do" { div.row {
                @if running.is_some() {
                    a.button href=(scan) { "Watch scan" }
                } @else {
                    (button(visit, "/scan", name, "Scan now"))
                }
                (button(visit, "/test", name, "Test connection"))
                @if known.is_ours {
                    a href=(Link::to("/system").with("system", name)) { "Change settings" }
                } @else if let Some(file) = &known.file {
                    span.soft.small { "Its file is written by hand: " (plain(&file.display().to_string())) }
                }
            } }
        }
    }
}

/// How far a scan is.
pub(super) fn scanning(snapshot: &connector_host::live::Snapshot) -> String {
    match snapshot.share() {
        Some(share) => format!("Scanning, {:.0} %", share * 100.0),
        None => format!("Scanning, {}", text::count(snapshot.requests(), "request", "requests")),
    }
}

/// A button that does something with a system. The names of several differ for those who hear them.
pub(super) fn button(visit: &Visit, action: &str, system: &str, title: &str) -> Markup {
    html! {
        form method="post" action=(action) {
            (form_token(&visit.session))
            input type="hidden" name="system" value=(system);
            button { (title) span.only-read { " of " (text::bare(system)) } }
        }
    }
}
