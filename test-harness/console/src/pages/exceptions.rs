//! Accepting a finding for a time, and withdrawing that.

use axum::response::Response;
use connector_store::{Exception, MAX_REASON};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use maud::{Markup, html};

use super::Answer;
use super::act::go_to;
use crate::entries::Entries;
use crate::failure::Failure;
use crate::frame::{Page, form_token};
use crate::link::Link;
use crate::text::{Name, day, number, plain};
use crate::visit::{Place, Visit};
use crate::words::{capital, spaced};

/// The most characters of a name.
const NAME: usize = 100;

/// What is wrong with the two fields.
#[derive(Default)]
struct Wrong {
    reason: Option<String>,
    until: Option<String>,
}

pub(super) async fn show(visit: Visit) -> Result<Page, Failure> {
    let (id, code) = (visit.query.needed("id")?.to_owned(), visit.query.get("code").unwrap_or_default().to_owned());
    let (place, known) = known(&visit, &id).await?;
    let mut entries = Entries::default();
    entries.set("id", id);
    entries.set("code", code);
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

async fn known(visit: &Visit, id: &str) -> Result<(Place, Option<Exception>), Failure> {
    let id = id.to_owned();
    let read = visit.read_at(move |store, place, _| {
        Ok(store.exceptions(&place.system)?.into_iter().find(|exception| exception.id == id))
    });
    read.await
}

pub(super) async fn send(visit: Visit, entries: Entries) -> Result<Answer, Failure> {
    let id = entries.needed("id")?.to_owned();
    let (place, known) = known(&visit, &id).await?;
    let back = place.link("/findings");
    if entries.get("then") == Some("withdraw") {
        visit.write(move |store| Ok(store.withdraw(&place.system, &id)?)).await?;
        return Ok(go_to(&back).into());
    }
    let (reason, expires, wrong) = read(&entries, visit.now);
    let (Some(reason), Some(expires)) = (reason, expires) else {
        return Ok(page(&visit, place, &entries, known.as_ref(), &wrong).into());
    };
    let by = entries.get("by").map(|by| by.chars().take(NAME).collect());
    let exception = Exception { id, reason, expires, by };
    visit.write(move |store| Ok(store.except(&place.system, &[exception])?)).await?;
    let response: Response = go_to(&back);
    Ok(response.into())
}

/// The reason and the end of the day that were entered, or what is wrong with them.
fn read(entries: &Entries, now: Timestamp) -> (Option<String>, Option<Timestamp>, Wrong) {
    let mut wrong = Wrong::default();
    let reason = match entries.get("reason") {
        None => Err("Say why the finding is accepted.".to_owned()),
        Some(reason) if reason.chars().count() > MAX_REASON => {
            Err(format!("At most {} characters.", number(MAX_REASON as u64)))
        }
        Some(reason) if reason.contains(['\n', '\r']) => Err("One line.".to_owned()),
        Some(reason) => Ok(reason.to_owned()),
    };
    let reason = reason.map_err(|why| wrong.reason = Some(why)).ok();
    let date = entries.get("until").and_then(|until| until.parse::<Date>().ok());
    let end = date.and_then(|date| date.checked_add(1.day()).ok()).and_then(|next| next.to_zoned(TimeZone::UTC).ok());
    let expires = match end.map(|end| end.timestamp()) {
        None => Err("A day, such as 2027-03-31."),
        Some(end) if end <= now => Err("A day that is not over."),
        Some(end) => Ok(end),
    };
    let expires = expires.map_err(|why| wrong.until = Some(why.to_owned())).ok();
    (reason, expires, wrong)
}

fn page(visit: &Visit, place: Place, entries: &Entries, known: Option<&Exception>, wrong: &Wrong) -> Page {
    let (id, code) = (entries.get("id").unwrap_or_default(), entries.get("code").unwrap_or_default());
    let here = Link::to("/exception").with("system", &place.system.name);
    let hidden = |then: &'static str| {
        html! {
            (form_token(&visit.session))
            input type="hidden" name="id" value=(id);
            input type="hidden" name="code" value=(code);
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
                (field("reason", "Reason", "In one line; auditors read it.", entries.raw("reason"), wrong.reason.as_deref(), "text"))
                (field("until", "Accepted until the end of", "A day, UTC. A review comes due after it.", entries.raw("until"), wrong.until.as_deref(), "date"))
                div.field {
                    label for="by" { "Accepted by " span.must { "(optional)" } }
                    input #by name="by" value=[entries.raw("by")] autocomplete="name" maxlength=(NAME) aria-describedby="by-hint";
                    span.hint #by-hint { "A name; auditors read it." }
                }
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
    let all = [("reason", "Reason", &wrong.reason), ("until", "Accepted until", &wrong.until)];
    let all: Vec<_> = all.into_iter().filter_map(|(id, title, why)| Some((id, title, why.as_ref()?))).collect();
    html! {
        @if !all.is_empty() {
            div.note.bad role="alert" tabindex="-1" autofocus {
                h2 { "This needs a change" }
                ul { @for (id, title, why) in &all { li { a href={ "#" (id) } { (title) ": " (why) } } } }
            }
        }
    }
}

fn field(id: &str, title: &str, hint: &str, value: Option<&str>, wrong: Option<&str>, kind: &str) -> Markup {
    let described = if wrong.is_some() { format!("{id}-error {id}-hint") } else { format!("{id}-hint") };
    html! {
        div.field {
            label for=(id) { (title) }
            @if let Some(wrong) = wrong { span.error id={ (id) "-error" } { (wrong) } }
            input id=(id) name=(id) type=(kind) value=[value] required aria-describedby=(described) aria-invalid=[wrong.map(|_| "true")];
            span.hint id={ (id) "-hint" } { (hint) }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entered(reason: &str, until: &str) -> (Option<String>, Option<Timestamp>, Wrong) {
        let mut entries = Entries::default();
        entries.set("reason", reason);
        entries.set("until", until);
        read(&entries, "2026-11-26T09:00:00Z".parse().unwrap())
    }

    #[test]
    fn an_exception_ends_with_its_day_and_needs_a_reason() {
        let (reason, expires, _) = entered(" agreed with the owner ", "2026-11-26");
        assert_eq!(reason.unwrap(), "agreed with the owner");
        assert_eq!(expires.unwrap().to_string(), "2026-11-27T00:00:00Z");
        for (reason, until, is_reason, is_until) in [
            ("", "2026-11-25", true, true),
            ("x", "soon", false, true),
            ("x", "2026-11-31", false, true),
            ("", "2027-01-01", true, false),
            (&"x".repeat(MAX_REASON), "2027-01-01", false, false),
            (&"x".repeat(MAX_REASON + 1), "2027-01-01", true, false),
        ] {
            let (.., wrong) = entered(reason, until);
            assert_eq!((wrong.reason.is_some(), wrong.until.is_some()), (is_reason, is_until), "{reason} {until}");
        }
    }
}
