//! A scan as it runs: how far it is, each section, the pace as a curve, the log.

use std::time::Duration;

use connector_host::live::{LiveSection, LogLine, PacePoint, Snapshot};
use maud::{Markup, html};

use crate::link::Link;
use crate::text::{count, moment, number, plain};
use crate::words::Mark;

/// Width and height of the curve, in its own units.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 100.0;

/// The part that changes. `page` is its page, for those without scripts and for the end.
pub(super) fn part(snapshot: &Snapshot, page: &Link) -> Markup {
    if snapshot.has_ended {
        // With scripts, the summary takes the place of the page.
        return html! {
            p.lead hx-get=(page) hx-trigger="load" hx-target="#main" hx-select="#main" hx-swap="outerHTML" {
                "The scan has ended. " a href=(page) { "Show what it read" }
            }
        };
    }
    html! {
        div {
            p.lead { (lead(snapshot)) }
            p.soft {
                (sections_read(snapshot)) " As of " (moment(snapshot.as_of)) ". "
                a href=(page) { "Reload" }
            }
        }
        (sections(snapshot))
        (curve_and_log(snapshot))
    }
}

/// The curve and the log of a scan that has ended.
pub(super) fn afterwards(snapshot: &Snapshot) -> Markup {
    curve_and_log(snapshot)
}

/// A sentence for those who listen, whenever a section has ended.
pub(super) fn said(snapshot: &Snapshot) -> Option<String> {
    if snapshot.has_ended {
        return Some("The scan has ended.".to_owned());
    }
    let done = snapshot.sections.iter().filter(|section| section.is_done()).count();
    (done > 0).then(|| sections_read(snapshot))
}

fn sections_read(snapshot: &Snapshot) -> String {
    let done = snapshot.sections.iter().filter(|section| section.is_done()).count() as u64;
    format!("{} of {} read.", number(done), count(snapshot.sections.len() as u64, "section is", "sections are"))
}

fn lead(snapshot: &Snapshot) -> String {
    if snapshot.requests() == 0 && snapshot.share().is_none() {
        return "Counting what there is to read …".to_owned();
    }
    let done = match snapshot.share() {
        Some(share) => format!("{:.0} % of the planned requests are done.", share * 100.0),
        None => format!(
            "{} so far; how many there will be is not known.",
            count(snapshot.requests(), "request", "requests")
        ),
    };
    match snapshot.left() {
        Some(left) => format!("{done} About {} left.", span(left)),
        None => done,
    }
}

/// A span in whole units.
pub(super) fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ ..60 => format!("{} s", seconds.max(1)),
        seconds @ ..7200 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{} h", seconds.div_ceil(3600)),
    }
}

fn waited(milliseconds: u64) -> String {
    if milliseconds == 0 { String::new() } else { span(Duration::from_millis(milliseconds)) }
}

fn some(many: u64) -> String {
    if many == 0 { String::new() } else { number(many) }
}

fn sections(snapshot: &Snapshot) -> Markup {
    html! {
        section aria-labelledby="sections" {
            h2 #sections { "Sections" }
            div.scroll { table.stack role="table" {
                caption { "What each section has read so far. Waits are those before retries, of all requests together." }
                thead role="rowgroup" { tr role="row" {
                    th scope="col" role="columnheader" { "Section" }
                    th scope="col" role="columnheader" { "State" }
                    th.num scope="col" role="columnheader" { "Read" }
                    th.c-10 scope="col" role="columnheader" { "Done" }
                    th.num scope="col" role="columnheader" { "Requests" }
                    th.num scope="col" role="columnheader" { "Waited" }
                    th.num scope="col" role="columnheader" { "Refused" }
                } }
                tbody role="rowgroup" { @for section in &snapshot.sections { (row(section)) } }
                tfoot role="rowgroup" { tr role="row" {
                    th scope="row" role="rowheader" { "Together" }
                    td role="cell" {} td role="cell" {} td role="cell" {}
                    td.num role="cell" data-label="Requests" {
                        (number(snapshot.requests()))
                        @if let Some(planned) = snapshot.planned() { span.under { "of about " (number(planned)) } }
                    }
                    td.num role="cell" data-label="Waited" { (waited(snapshot.wait_ms())) }
                    td.num role="cell" data-label="Refused" { (some(snapshot.refusals())) }
                } }
            } }
        }
    }
}

fn row(section: &LiveSection) -> Markup {
    let progress = section.progress.as_ref();
    let state = match progress {
        None => Mark::Off.with("Not begun"),
        Some(_) if section.is_done() => Mark::Good.with("Read"),
        Some(_) => Mark::Busy.with("Reading"),
    };
    let expected = progress.and_then(|progress| progress.expected).filter(|_| !section.is_done());
    let share = progress.zip(expected).filter(|(_, expected)| *expected > 0);
    html! {
        tr role="row" {
            th scope="row" role="rowheader" { (plain(&section.title)) }
            td role="cell" data-label="State" { (state) }
            td.num role="cell" data-label="Read" {
                @if let Some(progress) = progress { (number(progress.done)) }
                @if let Some(expected) = expected { span.under { "of about " (number(expected)) } }
            }
            td role="cell" data-label="Done" {
                @if let Some((progress, expected)) = share {
                    progress max=(expected) value=(progress.done.min(expected)) aria-label=(section.title) {}
                }
            }
            td.num role="cell" data-label="Requests" {
                (some(section.requests()))
                @if let Some(planned) = section.planned { span.under { "of about " (number(planned)) } }
            }
            td.num role="cell" data-label="Waited" { (waited(progress.map_or(0, |progress| progress.wait_ms))) }
            td.num role="cell" data-label="Refused" { (some(progress.map_or(0, |progress| progress.refusals))) }
        }
    }
}

fn curve_and_log(snapshot: &Snapshot) -> Markup {
    let title = match (snapshot.has_ended, snapshot.refusals()) {
        (true, 0) => format!("Pace: {} in all, none refused", count(snapshot.requests(), "request", "requests")),
        (false, 0) => {
            let rate = count(snapshot.rate().round() as u64, "request", "requests");
            format!("Pace: {rate} a second, none refused")
        }
        (_, refused) => {
            let all = count(snapshot.requests(), "request", "requests");
            format!("Pace: {all}, {} refused for their rate", number(refused))
        }
    };
    html! {
        div.two {
            section aria-labelledby="pace" {
                h2 #pace { (title) }
                div.panel { (curve(snapshot)) }
            }
            section aria-labelledby="log" {
                h2 #log { "Log" }
                div.log role="region" tabindex="0" aria-label="Lines of the log" { ol {
                    @for line in snapshot.log.iter().rev() { (log_line(line)) }
                    @if snapshot.lines_before > 0 { li { (number(snapshot.lines_before)) " earlier lines are no longer kept" } }
                } }
            }
        }
    }
}

fn log_line(line: &LogLine) -> Markup {
    html! { li.warn[line.is_warning] { (moment(line.at)) " " (plain(&line.text)) } }
}

/// Requests a second over the time of the scan, with a bar where some were refused.
fn curve(snapshot: &Snapshot) -> Markup {
    let points = &snapshot.pace;
    let highest = points.iter().map(PacePoint::rate).fold(0.0, f64::max);
    if points.len() < 2 || highest <= 0.0 {
        return html! { p.soft { "Too short for a curve." } };
    }
    let top = round_up(highest);
    let end = points.last().map_or(1.0, |point| point.second.max(f64::MIN_POSITIVE));
    let (mut line, mut refused) = (String::new(), String::new());
    for (at, point) in points.iter().enumerate() {
        let (x, y) = (point.second / end * WIDTH, HEIGHT - point.rate() / top * HEIGHT);
        let step = if at == 0 { "M" } else { "L" };
        line.push_str(&format!("{step}{x:.1} {y:.1}"));
        if point.refusals > 0 {
            let share = point.refusals as f64 / (point.requests.max(point.refusals)) as f64;
            refused.push_str(&format!("M{x:.1} {HEIGHT}V{:.1}", HEIGHT - 5.0 - share * 30.0));
        }
    }
    let seen = span(Duration::from_secs_f64(end));
    let mean = snapshot.requests() as f64 / end;
    let label =
        format!("Requests a second over {seen}: at most {highest:.0}, {mean:.0} on average. The log has each change.");
    html! {
        div.plot role="img" aria-label=(label) {
            div.y { span { (format!("{top:.0}")) } span { (format!("{:.0}", top / 2.0)) } span { "0" } }
            svg viewBox="0 0 600 100" preserveAspectRatio="none" aria-hidden="true" {
                path.grid d="M0 0H600M0 50H600" {}
                path d=(line) {}
                @if !refused.is_empty() { path.refused d=(refused) {} }
            }
            div.x { span { "0 s" } span { (seen) } }
        }
        p.small.soft {
            span.key { svg viewBox="0 0 14 14" aria-hidden="true" { rect.f1 y="6" width="14" height="2" {} } "Requests a second" }
            span.key { svg viewBox="0 0 14 14" aria-hidden="true" { rect.f-bad x="6" y="4" width="3" height="10" {} } "Refused" }
        }
    }
}

/// The next even number of one digit and zeros: a top that a scale can have.
fn round_up(rate: f64) -> f64 {
    let power = 10_f64.powf(rate.log10().floor());
    [2.0, 4.0, 6.0, 8.0, 10.0].into_iter().map(|digit| digit * power).find(|top| *top >= rate).unwrap_or(rate).max(2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_a_scale_is_a_round_number_at_or_above_the_curve() {
        let tops: Vec<f64> = [0.3, 1.0, 13.0, 20.0, 61.0, 950.0].into_iter().map(round_up).collect();
        assert_eq!(tops, [2.0, 2.0, 20.0, 20.0, 80.0, 1000.0]);
    }

    #[test]
    fn a_span_is_in_whole_units_and_never_nothing() {
        let shown = |seconds| span(Duration::from_secs(seconds));
        assert_eq!([shown(0), shown(59), shown(61), shown(7201)], ["1 s", "59 s", "2 min", "3 h"]);
    }
}
