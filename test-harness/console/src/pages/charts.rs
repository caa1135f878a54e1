//! Charts: tables with bars, and one curve.

use connector_api::SectionStatus;
use connector_store::pages::{Factor, Figures};
use jiff::Timestamp;
use maud::{Markup, html};

use super::Answer;
use super::privileged::SEVERITIES;
use crate::failure::Failure;
use crate::frame::Page;
use crate::plot::{bars, curve};
use crate::text::{self, count, number, percent};
use crate::visit::{Place, Visit};
use crate::words::{Mark, capital, severity, spaced};

/// Scans of the curve.
const RUNS: usize = 60;

pub(super) async fn show(visit: Visit) -> Result<Answer, Failure> {
    let read = visit.read_at(|store, place, _| {
        let (system, run) = (&place.system, place.run.id);
        Ok((store.figures(system, run)?, store.privileged_over_time(system, run, RUNS)?))
    });
    let (place, (figures, over_time)) = read.await?;
    let at = place.run.started_at;
    let content = html! {
        div.head { div {
            h1 { "Charts" }
            p.lead { (lead(&figures)) }
        } }
        div.two {
            section aria-labelledby="factors" { h2 #factors { "Accounts by state and second factor" } (factors(&figures)) }
            section aria-labelledby="findings" { h2 #findings { "Findings by severity" } (findings(&figures)) }
        }
        section aria-labelledby="course" { h2 #course { (course_title(&over_time)) } (course(&over_time)) }
        div.two {
            section aria-labelledby="passwords" { h2 #passwords { "Age of passwords" } (ages("password", &figures.passwords(), at)) }
            section aria-labelledby="keys" { h2 #keys { "Age of keys" } (ages("key", &figures.keys(), at)) }
        }
        div.two {
            section aria-labelledby="logins" { h2 #logins { "Last logins" } (last_logins(&figures.last_logins(), at)) }
            section aria-labelledby="sections" { h2 #sections { "Sections and how completely they were read" } (sections(&place)) }
        }
    };
    Ok(Page { title: format!("Charts of {}", place.system.name), entry: "/charts", place: Some(place), content }.into())
}

fn lead(figures: &Figures) -> String {
    let all = figures.accounts();
    let set_up: u64 =
        [Some(true), Some(false), None].iter().map(|state| figures.accounts_by(*state, Factor::SetUp)).sum();
    format!(
        "{}, {} of them privileged. {} have a second factor.",
        count(all, "account", "accounts"),
        number(figures.privileged()),
        percent(set_up, all)
    )
}

fn factors(figures: &Figures) -> Markup {
    let mut rows = Vec::new();
    for (state, title) in [(Some(true), "Enabled"), (Some(false), "Disabled"), (None, "State not known")] {
        for (factor, words) in [
            (Factor::NotSetUp, "second factor not set up"),
            (Factor::Exempt, "second factor not set up, exempt from it"),
            (Factor::SetUp, "second factor set up"),
            (Factor::NotKnown, "second factor not known"),
        ] {
            let many = figures.accounts_by(state, factor);
            if many > 0 {
                let is_bad = state == Some(true) && Factor::WITHOUT.contains(&factor);
                rows.push((html! { (title) ", " (words) }, many, is_bad));
            }
        }
    }
    bars("Enabled accounts first, the least protected first", "Accounts", &rows)
}

fn findings(figures: &Figures) -> Markup {
    let rows: Vec<_> = SEVERITIES
        .iter()
        .map(|one| (severity(*one), figures.findings(*one), *one >= connector_api::Severity::High))
        .collect();
    bars("The most severe first", "Severity", &rows)
}

fn course_title(over_time: &[(Timestamp, u64)]) -> String {
    match over_time {
        [] | [_] => "Privileged accounts over time".to_owned(),
        [(_, first), .., (_, last)] if first == last => {
            format!("Privileged accounts: {}, as many as at first", number(*last))
        }
        [(_, first), .., (_, last)] => {
            let word = if last > first { "up" } else { "down" };
            format!("Privileged accounts: {word} from {} to {}", number(*first), number(*last))
        }
    }
}

fn course(over_time: &[(Timestamp, u64)]) -> Markup {
    html! {
        @if over_time.len() > 1 { (curve("Privileged accounts after each scan", over_time)) }
        @else { div.note { p { "A curve needs two scans. There is one." } } }
    }
}

/// Ages in classes that people use for rules.
const AGES: [(&str, i64); 5] = [
    ("Under 30 days", 30),
    ("30 to 90 days", 90),
    ("90 to 180 days", 180),
    ("180 days to a year", 365),
    ("One to three years", 3 * 365),
];

/// Months as ages at a time: counted from the middle of the month.
fn by_age<'a>(months: impl Iterator<Item = (&'a str, u64)>, at: Timestamp) -> (Vec<(String, u64)>, u64) {
    let (mut classes, mut not_known) = (vec![0; AGES.len() + 1], 0);
    for (month, many) in months {
        let middle = format!("{month}-15T00:00:00Z").parse::<Timestamp>();
        match middle {
            Ok(middle) => {
                let days = at.duration_since(middle).as_hours() / 24;
                let class = AGES.iter().position(|(_, below)| days < *below).unwrap_or(AGES.len());
                classes[class] += many;
            }
            Err(_) => not_known += many,
        }
    }
    let titles = AGES.iter().map(|(title, _)| *title).chain(["Over three years"]);
    (titles.map(str::to_owned).zip(classes).collect(), not_known)
}

fn ages(what: &str, months: &[(&str, u64)], at: Timestamp) -> Markup {
    let (classes, not_known) = by_age(months.iter().copied(), at);
    let mut rows: Vec<_> =
        classes.into_iter().rev().map(|(title, many)| (html! { (title) }, many, title.starts_with("Over"))).collect();
    if not_known > 0 {
        rows.push((html! { "Not known" }, not_known, false));
    }
    html! {
        @if months.is_empty() { div.note { p { "No " (what) " with an age is known." } } }
        @else { (bars("The oldest first, by the month of the last change", "Age", &rows)) }
    }
}

fn last_logins(logins: &[(&str, u64)], at: Timestamp) -> Markup {
    if logins.is_empty() {
        return html! { div.note { p { "The last logins as of this scan are not known. Those as of the newest one are." } } };
    }
    let (classes, none) = by_age(logins.iter().copied(), at);
    let mut rows = vec![(html! { "None found" }, none, true)];
    rows.extend(
        classes
            .into_iter()
            .rev()
            .filter(|(_, many)| *many > 0)
            .map(|(title, many)| (html! { (title) " ago" }, many, false)),
    );
    bars("The longest ago first, by month; none found means in the logins that were read", "Last login", &rows)
}

fn sections(place: &Place) -> Markup {
    html! {
        div.scroll { table.plain-plot {
            caption { "In the order of their names; those that are computed last" }
            thead { tr { th scope="col" { "Section" } th scope="col" { "This scan" } th scope="col" { "Rows as of" } } }
            tbody { @for section in &place.sections { tr {
                th scope="row" { (capital(&spaced(section.section.as_str()))) }
                td {
                    @match section.status.as_str() {
                        "complete" if section.in_part => { (Mark::Warn.with("Complete in part")) }
                        "complete" => { (Mark::Good.with("Complete")) }
                        "skipped" => { (Mark::Off.with("Switched off")) }
                        "incomplete" => { (Mark::Warn.with("Incomplete")) }
                        _ => { (Mark::Bad.with("Not read")) }
                    }
                    @if let Some(code) = &section.code { " " code { (text::plain(code)) } }
                }
                td { @match section.as_of { Some(time) => { (text::time(time)) } None => { "Never read" } } }
            } }
            @for report in place.computed() { tr {
                th scope="row" { (capital(&spaced(report.section.as_str()))) }
                td {
                    @match report.status {
                        SectionStatus::Complete => { (Mark::Good.with("Complete")) }
                        _ => { (Mark::Warn.with("Incomplete")) }
                    }
                    @if let Some(error) = report.status.error() { " " code { (error.code.as_str()) } }
                }
                td { "Computed from the others" }
            } } }
        } }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn months_become_ages_and_what_is_not_known_stays_apart() {
        let at = "2026-11-26T00:00:00Z".parse().unwrap();
        let months = [("2026-11", 3), ("2026-09", 2), ("2020-01", 4), ("notKnown", 5)];
        let (classes, not_known) = by_age(months.into_iter(), at);
        let counts: Vec<u64> = classes.iter().map(|(_, many)| *many).collect();
        assert_eq!((counts, not_known), (vec![3, 2, 0, 0, 0, 4], 5));
    }
}
