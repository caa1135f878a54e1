//! Accepting a finding for a time, and withdrawing that.

use axum::response::Response;
use connector_host::typed::{self, MAX_NAME};
use connector_store::{Exception, MAX_REASON};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::Answer;
use super::act::go_to;
use crate::entries::Entries;
use crate::failure::{Failure, sentence};
use crate::frame::{Page, form_token};
use crate::text::{Name, day, plain};
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
    let (place, known) = known(&visit).await?;
    let mut entries = Entries::default();
    if let Some(known) = &known {
        entries.set("reason", &known.reason);
        entries.set("until", last_moment(known.expires).to_zoned(TimeZone::UTC).date().to_string());
        entries.set("by", known.by.clone().unwrap_or_default());
    }
    Ok(page(&visit, place, &entries, known.as_ref(), &Wrong::default()))
}

/// The last moment before an end: its day is the last one of an exception.
pub(super) fn last_moment(end: Timestamp) -> Timestamp {
    end - SignedDuration::from_nanos(1)
}

/// The exception of the finding that the address names, if it has one.
async fn known(visit: &Visit) -> Result<(Place, Option<Exception>), Failure> {
    let id = visit.query.needed("id")?.to_owned();
    let read = visit.read_at(move |store, place, _| {
        Ok(store.exceptions(&place.system)?.into_iter().find(|exception| exception.id == id))
    });
    read.await
}

pub(super) async fn send(visit: Visit, entries: Entries) -> Result<Answer, Failure> {
    let id = visit.query.needed("id")?.to_owned();
    let (place, known) = known(&visit).await?;
    let back = place.link("/findings");
    if entries.get("then") == Some("withdraw") {
        visit.write(move |store| Ok(store.withdraw(&place.system, &id)?)).await?;
        return Ok(go_to(&back).into());
    }
    let read = read(&entries, visit.now);
    let (reason, expires) = match read {
        Ok(read) => read,
        Err(wrong) => return Ok(page(&visit, place, &entries, known.as_ref(), &wrong).into()),
    };
    let exception = Exception { id, reason, expires, by: entries.get("by").map(str::to_owned) };
    visit.write(move |store| Ok(store.except(&place.system, place.run.id, &[exception])?)).await?;
    let response: Response = go_to(&back);
    Ok(response.into())
}

/// The reason and the end of the day that were entered, or what is wrong with them.
fn read(entries: &Entries, now: Timestamp) -> Result<(String, Timestamp), Wrong> {
    let said = |field: &str, most| entries.get(field).and_then(|text| typed::problem(text, most));
    let unsaid = || entries.get("reason").is_none().then(|| "say why the finding is accepted".to_owned());
    let until = end_of(entries.get("until").unwrap_or_default(), now);
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

/// The end of a day that somebody entered, or what is wrong with it.
fn end_of(day: &str, now: Timestamp) -> Result<Timestamp, &'static str> {
    if day.is_empty() {
        return Err("say until when, with a day such as 2027-03-31");
    }
    let date: Date = day.parse().map_err(|_| "there is no such day: write one such as 2027-03-31")?;
    let end = date.tomorrow().and_then(|next| next.to_zoned(TimeZone::UTC));
    let end = end.map_err(|_| "this day is beyond what a store can keep: choose one before the year 9999")?.timestamp();
    if end <= now { Err("this day is over: choose a later one") } else { Ok(end) }
}

fn page(visit: &Visit, place: Place, entries: &Entries, known: Option<&Exception>, wrong: &Wrong) -> Page {
    let (id, code) = (visit.query.get("id").unwrap_or_default(), visit.query.get("code").unwrap_or_default());
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
                @if code.is_empty() { "Finding" } @else { (Name(&capital(&spaced(code)))) }
                " " code { (plain(id)) } " of " (Name(&place.system.name)) ". It stays in the lists, marked as accepted, and counts \
                again when the time is over."
            }
        } }
        (errors(wrong))
        form.form method="post" action=(here) novalidate {
            (hidden("accept"))
            fieldset {
                legend { "Exception" }
                (field("reason", "Reason", "In one line; auditors read it.", entries, wrong.reason.as_deref(), "text"))
                (field("until", "Accepted until the end of", "A day, UTC. A review comes due after it.", entries, wrong.until.as_deref(), "date"))
                (field("by", "Accepted by", "A name; auditors read it.", entries, wrong.by.as_deref(), "text"))
            }
            div.row {
                button.primary { @if known.is_some() { "Change exception" } @else { "Accept finding" } }
                a href=(place.link("/findings")) { "Back to the findings" }
            }
        }
        @if let Some(known) = known {
            section aria-labelledby="withdraw" {
                h2 #withdraw { "Withdraw" }
                form.panel method="post" action=(here) {
                    (hidden("withdraw"))
                    p { "Accepted until the end of " (day(last_moment(known.expires))) ". Without the exception the finding counts again at once." }
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
            input id=(id) name=(id) type=(kind) value=[entries.raw(id)] required[!is_optional] autocomplete=[is_optional.then_some("name")]
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
        read(&entries, "2026-11-26T09:00:00Z".parse().unwrap())
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
