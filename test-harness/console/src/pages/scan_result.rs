//! What became of a scan: its outcome, plan against fact, and what a held one would remove.

use std::time::Duration;

use connector_api::{Section, SectionDescription, SectionReport, SectionStatus};
use connector_store::{Changes, Counts, Removal, Run, RunState};
use jiff::Timestamp;
use maud::{Markup, html};

use super::scan_live::span;
use crate::failure::sentence;
use crate::frame::form_token;
use crate::link::Link;
use crate::text::{Name, ago, count, number, percent, plain, time};
use crate::visit::Visit;
use crate::words::{Mark, capital, spaced};

/// The answer.
pub(super) fn lead(run: &Run) -> String {
    let sections = || run.summary.as_ref().map_or(&[][..], |summary| &summary.sections);
    match run.state {
        RunState::Staging => {
            "It did not end: the next scan goes on from its last checkpoint, if it has one.".to_owned()
        }
        RunState::Held => format!("Held: it would remove {}. Nothing was changed.", removed(&run.removals)),
        RunState::Failed if run.is_cancelled() => "Cancelled: nothing was changed.".to_owned(),
        RunState::Failed => "Failed: nothing was changed.".to_owned(),
        RunState::Discarded => "Discarded: nothing was changed.".to_owned(),
        _ => {
            let is_unread =
                |section: &&SectionReport| !matches!(section.status, SectionStatus::Complete | SectionStatus::Skipped);
            let unread = sections().iter().filter(is_unread).count() as u64;
            let changes = changed(run.changes.as_ref());
            match unread {
                0 => format!("Complete and taken over: {changes}."),
                some => format!(
                    "Taken over: {changes}. {} not read whole; what was known of it is kept.",
                    count(some, "section was", "sections were")
                ),
            }
        }
    }
}

/// Such as `3 accounts new, 1 group changed`.
pub(super) fn changed(changes: Option<&Changes>) -> String {
    let Some(Changes(kinds)) = changes else { return "nothing changed".to_owned() };
    let of = |many: fn(&Counts) -> u64, word: &str| {
        let kinds = kinds.iter().filter(move |(_, counts)| many(counts) > 0);
        let kinds: Vec<String> = kinds
            .map(|(kind, counts)| {
                count(many(counts), kind, &if kind == "policy" { "policies".to_owned() } else { format!("{kind}s") })
            })
            .collect();
        (!kinds.is_empty()).then(|| format!("{} {word}", kinds.join(" and ")))
    };
    let all =
        [of(|counts| counts.new, "new"), of(|counts| counts.changed, "changed"), of(|counts| counts.gone, "gone")];
    let all: Vec<String> = all.into_iter().flatten().collect();
    if all.is_empty() { "nothing changed".to_owned() } else { all.join("; ") }
}

/// Such as `112 of 300 users`.
fn removed(removals: &[Removal]) -> String {
    let section = |removal: &Removal| {
        format!(
            "{} of {} of {}",
            number(removal.removed),
            count(removal.rows, "row", "rows"),
            spaced(removal.section.as_str())
        )
    };
    removals.iter().map(section).collect::<Vec<_>>().join(", ")
}

/// When it began, and how long it took.
pub(super) fn when(run: &Run, now: Timestamp) -> Markup {
    html! {
        p.soft {
            "Run " (run.id) ", begun " (time(run.started_at)) ", " (ago(run.started_at, now))
            @if let Some(end) = run.ended_at {
                ". " (took(run, end))
                @if let Some(summary) = &run.summary { " and " (count(summary.requests(), "request", "requests")) }
            }
            "."
        }
    }
}

/// How long a run took: from its start to its end, as `harness history` has them. The time between attempts is none of work.
fn took(run: &Run, end: Timestamp) -> String {
    let seconds = end.duration_since(run.started_at).as_millis_f64() / 1000.0;
    let span = span(Duration::from_secs(seconds.round() as u64));
    match run.attempt {
        ..=1 => format!("It took {span}"),
        attempts => {
            let attempts = number(attempts.unsigned_abs());
            format!("It ended {span} after its first start, with {attempts} attempts and the time between them")
        }
    }
}

pub(super) fn result(visit: &Visit, name: &str, run: &Run) -> Markup {
    let summary = run.summary.as_ref();
    html! {
        @if run.state == RunState::Held { (held(visit, name, run)) }
        @if let Some(error) = summary.and_then(|summary| summary.error.as_ref()) {
            div.note.bad[!run.is_cancelled()] {
                p { (plain(&sentence(&error.message))) " " code { (error.code.as_str()) } }
                p { (plain(&sentence(&error.remedy))) }
            }
        } @else if let Some(reason) = &run.reason {
            div.note.bad { p { (plain(&sentence(reason))) } }
        }
        @if let Some(summary) = summary {
            (sections(&summary.sections, &summary.described, summary.error.is_some()))
            @if !summary.warnings.is_empty() {
                div.note.warn { ul { @for warning in &summary.warnings { li { (plain(&sentence(warning))) } } } }
            }
        }
        @if run.state == RunState::Published {
            div.row {
                a.button href=(Link::to("/privileged").with("system", name)) { "Privileged accounts" }
                a.button href=(Link::to("/changes").with("system", name)) { "Changes" }
                a.button href=(Link::to("/findings").with("system", name)) { "Findings" }
            }
        }
    }
}

/// What accepting would remove, and the decision.
fn held(visit: &Visit, name: &str, run: &Run) -> Markup {
    let all: u64 = run.removals.iter().map(|removal| removal.removed).sum();
    // Bindings have no names.
    let has_examples = run.removals.iter().any(|removal| !removal.examples.is_empty());
    html! {
        section aria-labelledby="held" {
            div.note.warn {
                h2 #held { "Somebody has to look at this scan" }
                p {
                    "It was read completely, but lists far fewer rows than the scan before. Until you decide, every page shows \
                     the scan before. Check on the target whether these are really gone."
                }
                div.scroll tabindex="0" role="region" aria-label="What accepting would remove" { table {
                    caption { "What accepting would remove" }
                    thead { tr {
                        th scope="col" { "Section" } th.num scope="col" { "Before" } th.num scope="col" { "Removed" } @if has_examples { th scope="col" { "Such as" } }
                    } }
                    tbody { @for removal in &run.removals { tr {
                        th scope="row" { (capital(&spaced(removal.section.as_str()))) }
                        td.num { (number(removal.rows)) }
                        td.num { strong { (number(removal.removed)) } " (" (percent(removal.removed, removal.rows)) ")" }
                        @if has_examples { td {
                            @for (at, example) in removal.examples.iter().enumerate() { @if at > 0 { ", " } (Name(example)) }
                            @if !removal.examples.is_empty() && removal.removed > removal.examples.len() as u64 { ", …" }
                        } }
                    } } }
                } }
                div.row {
                    form method="post" action="/scan/accept" {
                        (form_token(&visit.session))
                        input type="hidden" name="system" value=(name);
                        input type="hidden" name="run" value=(run.id);
                        button.risky { "Accept and remove " (count(all, "row", "rows")) }
                    }
                }
            }
        }
    }
}

fn sections(all: &[SectionReport], described: &[SectionDescription], has_failed: bool) -> Markup {
    let planned: Vec<u64> = all.iter().filter_map(|section| section.planned_requests).collect();
    let requests: u64 = all.iter().map(|section| section.requests).sum();
    html! {
        section aria-labelledby="sections" {
            h2 #sections { "Sections: plan and fact" }
            div.scroll { table.stack role="table" {
                caption {
                    @if has_failed { "What was read before the scan ended" } @else { "What each section read, and what it cost" }
                }
                thead role="rowgroup" { tr role="row" {
                    th scope="col" role="columnheader" { "Section" }
                    th scope="col" role="columnheader" { "State" }
                    th.num scope="col" role="columnheader" { "Rows" }
                    th.num scope="col" role="columnheader" { "Planned requests" }
                    th.num scope="col" role="columnheader" { "Requests" }
                    th.num scope="col" role="columnheader" { "Retries" }
                    th.num scope="col" role="columnheader" { "Waited" }
                    th.num scope="col" role="columnheader" { "Took" }
                } }
                tbody role="rowgroup" { @for section in all { (row(section, described)) } }
                tfoot role="rowgroup" { tr role="row" {
                    th scope="row" role="rowheader" { "Together" }
                    td role="cell" {}
                    td.num role="cell" data-label="Rows" { (number(all.iter().map(|section| section.records).sum())) }
                    td.num role="cell" data-label="Planned" { @if planned.is_empty() { "No plan" } @else { (number(planned.iter().sum())) } }
                    td.num role="cell" data-label="Requests" { (number(requests)) }
                    td.num role="cell" data-label="Retries" { (number(all.iter().map(|section| section.retries).sum())) }
                    td role="cell" {} td role="cell" {}
                } }
            } }
        }
    }
}

/// The title of a section, as its connector has it.
fn title(section: Section, described: &[SectionDescription]) -> String {
    let known = described.iter().find(|described| described.section == section);
    known.map_or_else(|| capital(&spaced(section.as_str())), |known| known.title.clone())
}

fn row(section: &SectionReport, described: &[SectionDescription]) -> Markup {
    let state = match &section.status {
        SectionStatus::Complete => Mark::Good.with("Complete"),
        SectionStatus::Skipped if section.is_not_set_up() => Mark::Off.with("Not set up there"),
        SectionStatus::Skipped => Mark::Off.with("Switched off"),
        SectionStatus::Unavailable { .. } => Mark::Warn.with("Not read"),
        _ => Mark::Warn.with("Incomplete"),
    };
    let shown = |milliseconds: u64| match milliseconds {
        0 => String::new(),
        some @ ..1000 => format!("{some} ms"),
        more => span(Duration::from_millis(more)),
    };
    html! {
        tr role="row" {
            th scope="row" role="rowheader" {
                (plain(&title(section.section, described)))
                @if let Some(error) = section.status.error() {
                    span.under { (plain(&sentence(&error.message))) " " code { (error.code.as_str()) } " " (plain(&sentence(&error.remedy))) }
                }
                @for note in section.notes.iter().filter(|note| *note != SectionReport::NOT_SET_UP) { span.under { (plain(&sentence(note))) } }
            }
            td role="cell" data-label="State" { (state) }
            td.num role="cell" data-label="Rows" { (number(section.records)) }
            td.num role="cell" data-label="Planned" { @if let Some(planned) = section.planned_requests { (number(planned)) } }
            td.num role="cell" data-label="Requests" { (number(section.requests)) }
            td.num role="cell" data-label="Retries" { @if section.retries > 0 { (number(section.retries)) } }
            td.num role="cell" data-label="Waited" { (shown(section.wait_ms)) }
            td.num role="cell" data-label="Took" { (shown(section.duration_ms)) }
        }
    }
}
