//! The systems: which need somebody.

use connector_api::SectionStatus;
use connector_store::pages::{Need, Standing, StandingKey};
use connector_store::{Run, RunState};
use maud::{Markup, html};

use super::set_up;
use crate::failure::{Failure, sentence};
use crate::frame::Page;
use crate::link::Link;
use crate::text::{self, Name, count};
use crate::visit::Visit;
use crate::words::{Mark, spaced};

/// Systems on a page.
const ROWS: usize = 50;

pub(super) async fn show(visit: Visit) -> Result<Page, Failure> {
    let read = visit.read(|store, query| {
        let after = query.get("after").and_then(StandingKey::from_text);
        let shown = store.standings(after.as_ref(), ROWS + 1)?;
        Ok((store.needs()?, shown))
    });
    let (needs, mut shown) = read.await?;
    let next = (shown.len() > ROWS).then(|| shown.truncate(ROWS)).and_then(|()| shown.last().map(Standing::key));
    let set_up = set_up::section(&visit).await?;
    let content = html! {
        div.head { div {
            h1 { "Systems" }
            p.lead { (lead(&needs)) }
        } }
        @if !shown.is_empty() {
            section aria-label="All systems" {
                div.scroll { (table(&visit, &shown)) }
                @if let Some(next) = next {
                    nav.pages aria-label="Pages of systems" {
                        span.soft { "More systems follow." }
                        a.button rel="next" href=(Link::to("/").with("after", next.to_text())) { "Next page" }
                    }
                }
            }
        }
        (set_up)
    };
    Ok(Page { title: "Systems".to_owned(), entry: "/", place: None, content })
}

/// The answer: how many need somebody, and why.
fn lead(needs: &[(Need, u64)]) -> String {
    let all: u64 = needs.iter().map(|(_, many)| many).sum();
    let words = |need: Need, many: u64| match (need, many) {
        (Need::Decision, 1) => "one scan is held".to_owned(),
        (Need::Decision, many) => format!("{} scans are held", text::number(many)),
        (Need::Repair, 1) => "one failed".to_owned(),
        (Need::Repair, many) => format!("{} failed", text::number(many)),
        (Need::Look, 1) => "one could not read a section".to_owned(),
        (Need::Look, many) => format!("{} could not read a section", text::number(many)),
        (_, 1) => "one was never scanned to the end".to_owned(),
        (_, many) => format!("{} were never scanned to the end", text::number(many)),
    };
    let urgent: Vec<_> = needs.iter().filter(|(need, _)| *need != Need::Nothing).collect();
    if all == 0 {
        return "No system was scanned yet. Add one here, or run harness scan with the same store.".to_owned();
    }
    let systems = count(all, "system", "systems");
    let needy: u64 = urgent.iter().map(|(_, many)| many).sum();
    match needy {
        0 => format!("{systems}. None needs you."),
        _ => {
            let why: Vec<String> = urgent.iter().map(|(need, many)| words(*need, *many)).collect();
            let verb = if needy == 1 { "needs" } else { "need" };
            format!("{systems}. {} {verb} you: {}.", text::number(needy), why.join(", "))
        }
    }
}

fn table(visit: &Visit, shown: &[Standing]) -> Markup {
    html! {
        table.stack.fixed role="table" {
            caption {
                "Systems, those that need you first. The squares stand for the sections in the connector’s order: filled is \
                 complete, an outline could not be read whole, a dash was switched off."
            }
            thead role="rowgroup" { tr role="row" {
                th scope="col" role="columnheader" { "System" }
                th.c-10 scope="col" role="columnheader" { "Status" }
                th.c-10 scope="col" role="columnheader" { "Last published scan" }
                th scope="col" role="columnheader" { "Sections, newest scan" }
                th.c-10 scope="col" role="columnheader" { "Next" }
            } }
            tbody role="rowgroup" { @for standing in shown { (row(visit, standing)) } }
        }
    }
}

fn row(visit: &Visit, standing: &Standing) -> Markup {
    let Standing { system, newest, published, .. } = standing;
    let link = |path| Link::to(path).with("system", &system.name);
    html! {
        tr role="row" {
            th scope="row" role="rowheader" {
                @if published.is_some() { a href=(link("/privileged")) { (Name(&system.name)) } } @else { (Name(&system.name)) }
                span.under { (text::plain(&system.os_type)) }
            }
            td role="cell" data-label="Status" { (status(visit, standing)) }
            td role="cell" data-label="Last published" {
                @match published {
                    Some(run) => {
                        (text::time(run.started_at))
                        span.under { (text::ago(run.started_at, visit.now)) }
                    }
                    None => { "None" }
                }
            }
            td role="cell" data-label="Sections" {
                @match newest { Some(run) => { (sections(run)) } None => { "Not read yet" } }
            }
            td role="cell" data-label="Next" {
                @if published.is_some() {
                    a href=(link("/privileged")) { "Privileged accounts" }
                    span.under { a href=(link("/changes")) { "Changes" } }
                } @else { "Scan it" }
            }
        }
    }
}

fn status(visit: &Visit, standing: &Standing) -> Markup {
    let Some(run) = &standing.newest else { return Mark::Off.with("Never scanned") };
    match (run.state, standing.need) {
        (RunState::Held, _) => Mark::Warn.with("Held"),
        (RunState::Failed, _) if run.is_cancelled() => Mark::Off.with("Cancelled"),
        (RunState::Failed, _) => Mark::Bad.with("Failed"),
        (RunState::Discarded, _) => Mark::Bad.with("Discarded"),
        (RunState::Staging, _) if visit.console.scans.running(&standing.system.name).is_some() => {
            Mark::Busy.with("Scanning")
        }
        (RunState::Staging, _) => Mark::Busy.with("Scanning elsewhere, or interrupted"),
        (_, Need::Look) => {
            let (read, all) = read_of(run);
            Mark::Warn.with(&format!("{read} of {all} read"))
        }
        _ => Mark::Good.with("Complete"),
    }
}

/// How many sections were read completely, of those that were not switched off.
fn read_of(run: &Run) -> (usize, usize) {
    let sections = run.summary.as_ref().map_or(&[][..], |summary| &summary.sections);
    let read = sections.iter().filter(|section| section.status == SectionStatus::Complete).count();
    let all = sections.iter().filter(|section| !matches!(section.status, SectionStatus::Skipped)).count();
    (read, all)
}

/// The sections as squares, with what to know about them in words.
fn sections(run: &Run) -> Markup {
    let Some(summary) = &run.summary else { return html! { "Not read to the end" } };
    let (read, all) = read_of(run);
    let width = summary.sections.len() * 12;
    let unread = summary.sections.iter().find_map(|section| Some((section, section.status.error()?)));
    html! {
        svg.strip viewBox={ "0 0 " (width) " 14" } preserveAspectRatio="xMinYMid" aria-hidden="true" {
            @for (at, section) in summary.sections.iter().enumerate() {
                @let x = at * 12;
                @match section.status {
                    SectionStatus::Complete => { rect.f2 x=(x) width="9" height="14" {} }
                    SectionStatus::Skipped => { rect.f2 x=(x) y="6" width="9" height="2" {} }
                    _ => { path.f-bad d=(format!("M{x} 0h9v14h-9z M{} 2v10h5v-10z", x + 2)) fill-rule="evenodd" {} }
                }
            }
        }
        span.under {
            @match (&summary.error, unread) {
                (Some(error), _) => { (text::plain(&sentence(&error.message))) " " code { (error.code.as_str()) } }
                (None, Some((section, error))) => {
                    (sentence(&format!("{} not read whole: {}", spaced(section.section.as_str()), error.message)))
                    " " code { (error.code.as_str()) }
                }
                (None, None) => { (read) " of " (all) " complete" }
            }
        }
    }
}
