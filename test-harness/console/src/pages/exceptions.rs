//! Accepting a finding for a time, and withdrawing that.

use axum::http::StatusCode;
use axum::response::Response;
use connector_host::typed::{self, MAX_NAME};
use connector_store::{Exception, Finding, MAX_REASON};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::Answer;
use super::act::go_to;
use super::findings::what;
use super::rows::{named, record_link};
use crate::entries::Entries;
use crate::failure::{Failure, sentence};
use crate::frame::{Page, form_token};
use crate::text::{self, Name, plain};
use crate::visit::{Place, Visit};
use crate::words::{capital, spaced};

/// What is wrong with each field.
#[derive(Default)]
struct Wrong {
    reason: Option<String>,
    until: Option<String>,
    by: Option<String>,
}

pub(super) async fn show(visit: Visit) -> Result<Page, Failure> {
    let (place, about) = about(&visit).await?;
    let mut entries = Entries::default();
    if let Some(known) = &about.exception {
        entries.set("reason", &known.reason);
        entries.set("until", as_field(known.expires));
        entries.set("by", known.by.clone().unwrap_or_default());
    }
    Ok(page(&visit, place, &entries, &about, &Wrong::default()))
}

/// What a page is about: at least one of the two is there.
struct About {
    id: String,
    /// The finding of the address, if it stands in the scan that is shown.
    finding: Option<Finding>,
    exception: Option<Exception>,
}

async fn about(visit: &Visit) -> Result<(Place, About), Failure> {
    let id = visit.query.needed("id")?.to_owned();
    let read = visit.read_at(move |store, place, _| {
        let mut finding = store.finding(&place.system, place.run.id, &id)?;
        let exception = match &mut finding {
            Some(finding) => finding.exception.take(),
            // One that was imported, or whose finding is gone, can still be withdrawn.
            None => store.exceptions(&place.system)?.into_iter().find(|exception| exception.id == id),
        };
        if finding.is_none() && exception.is_none() {
            let message = format!("There is no finding {id} as of run {}", place.run.id);
            return Err(Failure::new(StatusCode::NOT_FOUND, message, "Follow the link of a finding in the list."));
        }
        Ok(About { id, finding, exception })
    });
    read.await
}

/// The last day of an exception, if it ends with a day.
fn last_day(end: Timestamp) -> Option<Timestamp> {
    let last = end - SignedDuration::from_nanos(1);
    (end.to_zoned(TimeZone::UTC).time() == Time::midnight()).then_some(last)
}

/// Until when, for a sentence: `until the end of 27 Nov 2026`, `ended at 27 Nov 2026, 18:00`.
pub(super) fn until(exception: &Exception, now: Timestamp) -> Markup {
    html! {
        @if exception.is_expired(now) { "ended at " } @else { "until " }
        @match last_day(exception.expires) {
            Some(last) => { "the end of " (text::day(last)) }
            None => { (text::time(exception.expires)) }
        }
    }
}

/// An end as a field has it: a day, or a time where it is not the end of one.
fn as_field(end: Timestamp) -> String {
    match last_day(end) {
        Some(last) => last.to_zoned(TimeZone::UTC).date().to_string(),
        None => end.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
    }
}

pub(super) async fn send(visit: Visit, entries: Entries) -> Result<Answer, Failure> {
    let id = visit.query.needed("id")?.to_owned();
    let (place, about) = about(&visit).await?;
    let back = place.link("/findings");
    if entries.get("then") == Some("withdraw") {
        visit.write(move |store| Ok(store.withdraw(&place.system, &id)?)).await?;
        return Ok(go_to(&back).into());
    }
    let read = read(&entries, about.exception.as_ref(), visit.now);
    let (reason, expires) = match read {
        Ok(read) => read,
        Err(wrong) => return Ok(page(&visit, place, &entries, &about, &wrong).into()),
    };
    let exception = Exception { id, reason, expires, by: entries.get("by").map(str::to_owned) };
    visit.write(move |store| Ok(store.except(&place.system, place.run.id, &[exception])?)).await?;
    let response: Response = go_to(&back);
    Ok(response.into())
}

/// The reason and the end that were entered, or what is wrong with them. `known`: the exception until now.
fn read(entries: &Entries, known: Option<&Exception>, now: Timestamp) -> Result<(String, Timestamp), Wrong> {
    let said = |field: &str, most| entries.get(field).and_then(|text| typed::problem(text, most));
    let unsaid = || entries.get("reason").is_none().then(|| "say why the finding is accepted".to_owned());
    let until = end_of(entries.get("until").unwrap_or_default(), known.map(|known| known.expires), now);
    let wrong = Wrong {
        reason: said("reason", MAX_REASON).or_else(unsaid),
        by: said("by", MAX_NAME),
        until: until.err().map(str::to_owned),
    };
    match (entries.get("reason"), until) {
        (Some(reason), Ok(end)) if wrong.reason.is_none() && wrong.by.is_none() => Ok((reason.to_owned(), end)),
        _ => Err(wrong),
    }
}

/// The end of a day, or the time, that somebody entered, or what is wrong with it. What stood in the field before is the end
/// that it was made of, which may have a fraction of a second.
fn end_of(until: &str, known: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, &'static str> {
    if until.is_empty() {
        return Err("say until when, with a day such as 2027-03-31");
    }
    let end = match known.filter(|known| as_field(*known) == until) {
        Some(known) => known,
        None if is_time(until) => {
            let time: DateTime =
                until.parse().map_err(|_| "there is no such time: write one such as 2027-03-31T18:00")?;
            time.to_zoned(TimeZone::UTC).map_err(|_| BEYOND)?.timestamp()
        }
        None => {
            let date: Date = until.parse().map_err(|_| "there is no such day: write one such as 2027-03-31")?;
            date.tomorrow().and_then(|next| next.to_zoned(TimeZone::UTC)).map_err(|_| BEYOND)?.timestamp()
        }
    };
    match (end <= now, is_time(until)) {
        (false, _) => Ok(end),
        (true, false) => Err("this day is over: choose a later one"),
        (true, true) => Err("this time is over: choose a later one"),
    }
}

const BEYOND: &str = "this day is beyond what a store can keep: choose one before the year 9999";

/// Whether an entry is a time, not a day.
fn is_time(until: &str) -> bool {
    until.contains(['T', ':'])
}

/// What the finding is on, with a link.
fn subject(place: &Place, finding: &Finding) -> Markup {
    html! {
        (what(&finding.record)) " "
        @if let Some((link, name)) = record_link(place, &finding.record) { (named(link, &name)) }
    }
}

fn page(visit: &Visit, place: Place, entries: &Entries, about: &About, wrong: &Wrong) -> Page {
    let (id, known) = (&about.id, about.exception.as_ref());
    let (title, hint, kind) = match entries.get("until").is_some_and(is_time) {
        true => ("Accepted until", "A time, UTC. A review comes due after it.", "datetime-local"),
        false => ("Accepted until the end of", "A day, UTC. A review comes due after it.", "date"),
    };
    let here = visit.here(&place).with_any("at", (!place.is_latest()).then_some(place.run.id));
    let hidden = |then: &'static str| {
        html! {
            (form_token(&visit.session))
            input type="hidden" name="then" value=(then);
        }
    };
    let content = html! {
        div.head { div {
            h1 { @if known.is_some() { "Change an exception" } @else { "Accept a finding" } }
            p.lead {
                @match &about.finding {
                    Some(finding) => {
                        (Name(&capital(&spaced(&finding.reason.code)))) " " code { (plain(id)) } " on " (subject(&place, finding))
                        " of " (Name(&place.system.name)) ". It stays in the lists, marked as accepted, and counts again when the time \
                        is over."
                    }
                    None => {
                        "Finding " code { (plain(id)) } " of " (Name(&place.system.name)) ". It does not stand in this scan, so its exception \
                        can only be withdrawn."
                    }
                }
            }
        } }
        (errors(wrong))
        @if about.finding.is_some() { form.form method="post" action=(here) novalidate {
            (hidden("accept"))
            fieldset {
                legend { "Exception" }
                (field("reason", "Reason", "In one line; auditors read it.", entries, wrong.reason.as_deref(), "text"))
                (field("until", title, hint, entries, wrong.until.as_deref(), kind))
                (field("by", "Accepted by", "A name; auditors read it.", entries, wrong.by.as_deref(), "text"))
            }
            div.row {
                button.primary { @if known.is_some() { "Change exception" } @else { "Accept finding" } }
                a href=(place.link("/findings")) { "Back to the findings" }
            }
        } }
        @if let Some(known) = known {
            section aria-labelledby="withdraw" {
                h2 #withdraw { "Withdraw" }
                form.panel method="post" action=(here) {
                    (hidden("withdraw"))
                    @if known.is_expired(visit.now) {
                        p { "It " (until(known, visit.now)) ": the finding counts again. Withdrawing removes its reason from the lists." }
                    } @else {
                        p { "Accepted " (until(known, visit.now)) ". Without the exception the finding counts again at once." }
                    }
                    div.row { button.risky { "Withdraw exception" } }
                }
            }
        }
    };
    Page { title: "Exception of a finding".to_owned(), entry: "/findings", place: Some(place), content }
}

fn errors(wrong: &Wrong) -> Markup {
    let all = [
        ("reason", "Reason", &wrong.reason),
        ("until", "Accepted until", &wrong.until),
        ("by", "Accepted by", &wrong.by),
    ];
    let all: Vec<_> = all.into_iter().filter_map(|(id, title, why)| Some((id, title, why.as_ref()?))).collect();
    html! {
        @if !all.is_empty() {
            div.note.bad role="alert" tabindex="-1" autofocus {
                h2 { "This needs a change" }
                ul { @for (id, title, why) in &all { li { a href={ "#" (id) } { (title) ": " (sentence(why)) } } } }
            }
        }
    }
}

fn field(id: &str, title: &str, hint: &str, entries: &Entries, wrong: Option<&str>, kind: &str) -> Markup {
    let described = if wrong.is_some() { format!("{id}-error {id}-hint") } else { format!("{id}-hint") };
    let is_optional = id == "by";
    html! {
        div.field {
            label for=(id) { (title) @if is_optional { " " span.must { "(optional)" } } }
            @if let Some(wrong) = wrong { span.error id={ (id) "-error" } { (sentence(wrong)) } }
            input id=(id) name=(id) type=(kind) step=[(kind == "datetime-local").then_some("1")] value=[entries.raw(id)] required[!is_optional] autocomplete=[is_optional.then_some("name")]
                aria-describedby=(described) aria-invalid=[wrong.map(|_| "true")];
            span.hint id={ (id) "-hint" } { (hint) }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entered(reason: &str, until: &str, by: &str) -> Result<(String, Timestamp), Wrong> {
        let mut entries = Entries::default();
        entries.set("reason", reason);
        entries.set("until", until);
        entries.set("by", by);
        read(&entries, None, "2026-11-26T09:00:00Z".parse().unwrap())
    }

    #[test]
    fn an_exception_ends_with_its_day_and_needs_a_reason() {
        let (reason, expires) = entered(" agreed with the owner ", "2026-11-26", "").ok().unwrap();
        assert_eq!(reason, "agreed with the owner");
        assert_eq!(expires.to_string(), "2026-11-27T00:00:00Z");
        let (_, latest) = entered("x", "9998-12-31", "Ada").ok().unwrap();
        assert_eq!(latest.to_string(), "9999-01-01T00:00:00Z");
    }

    #[test]
    fn an_end_that_is_entered_as_it_is_shown_stays_that_end() {
        let (now, later) = ("2026-11-26T09:00:00Z".parse().unwrap(), "2027-01-01");
        for end in ["2026-11-27T00:00:00Z", "2026-11-26T18:30:00Z", "2026-11-26T18:30:05.25Z"] {
            let end: Timestamp = end.parse().unwrap();
            assert_eq!(end_of(&as_field(end), Some(end), now), Ok(end));
            assert_eq!(end_of(later, Some(end), now).map(|end| end.to_string()), Ok("2027-01-02T00:00:00Z".to_owned()));
        }
        let over: Timestamp = "2026-11-26T08:00:00Z".parse().unwrap();
        assert_eq!(end_of(&as_field(over), Some(over), now), Err("this time is over: choose a later one"));
        assert_eq!(
            end_of("2026-11-26T25:00", None, now),
            Err("there is no such time: write one such as 2027-03-31T18:00")
        );
        // As a browser sends it.
        assert_eq!(
            end_of("2026-11-26T18:30", None, now).map(|end| end.to_string()),
            Ok("2026-11-26T18:30:00Z".to_owned())
        );
    }

    #[test]
    fn what_is_wrong_with_a_field_is_said_at_that_field() {
        let most = "x".repeat(MAX_REASON);
        assert!(entered(&most, "2027-01-01", "").is_ok());
        for (reason, until, by, expected) in [
            ("", "2026-11-25", "", ["say why", "this day is over", ""]),
            ("x", "", "", ["", "say until when", ""]),
            ("x", "soon", "", ["", "there is no such day", ""]),
            ("x", "2026-11-31", "", ["", "there is no such day", ""]),
            ("x", "9999-12-31", "", ["", "before the year 9999", ""]),
            ("x", "9999-12-30", "", ["", "before the year 9999", ""]),
            (&format!("{most}x"), "2027-01-01", "", ["at most 1000 characters", "", ""]),
            ("a\nb", "2027-01-01", "", ["must be one line", "", ""]),
            ("a\0b", "2027-01-01", "Ada\u{202e}", ["U+0000", "", "U+202E"]),
            ("x", "2027-01-01", &"y".repeat(MAX_NAME + 1), ["", "", "at most 200 characters"]),
        ] {
            let Err(wrong) = entered(reason, until, by) else { panic!("{reason:?} {until} {by:?} is taken") };
            for (said, expected) in [wrong.reason, wrong.until, wrong.by].into_iter().zip(expected) {
                let said = said.unwrap_or_default();
                assert!(
                    said.contains(expected) && said.is_empty() == expected.is_empty(),
                    "{reason:?} {until}: {said}"
                );
            }
        }
    }
}
