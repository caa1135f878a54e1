//! A connection test, as its checks are made; and saving what was tested.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use connector_api::{Check, CheckStatus};
use connector_host::stored_system::StoredSystem;
use maud::{Markup, html};

use super::act::go_to;
use super::system_form;
use crate::console::Console;
use crate::drafts::{Draft, Purpose, Tested};
use crate::entries::Entries;
use crate::failure::{Failure, sentence};
use crate::frame::{Page, form_token, live_scripts};
use crate::link::Link;
use crate::live::{Part, follow};
use crate::text::{Name, count, number, plain};
use crate::visit::{Query, Visit};
use crate::words::{Mark, capital, spaced};

/// Tests the connection of a system that is set up.
pub(super) async fn start(visit: Visit, entries: Entries) -> Result<Response, Failure> {
    let system = entries.needed("system")?;
    let console = &visit.console;
    let (stored, entered, config) = console.resolved(system).await?;
    let connector = console.connect(config).await.map_err(Failure::conflict)?;
    let draft = console.drafts.test(stored, entered, Purpose::Test, connector);
    Ok(go_to(&Link::to("/test").with("draft", &draft.id)))
}

pub(super) async fn show(visit: Visit) -> Result<Page, Failure> {
    let draft = visit.console.drafts.find(visit.query.needed("draft")?)?;
    let tested = Arc::clone(&draft.watch().borrow());
    let link = |path| Link::to(path).with("draft", &draft.id);
    let StoredSystem { config, .. } = &draft.stored;
    let content = html! {
        (live_scripts())
        div.head { div {
            h1 { "Connection test of " (Name(&config.name)) }
            p.soft { (plain(&config.os_type)) ", " (Name(&config.hostname)) }
        } }
        @if tested.has_ended { div.live { (part(&tested, None)) } } @else {
            div hx-ext="sse" sse-connect=(link("/test/events")) sse-close="end" {
                div.live sse-swap="part" { (part(&tested, Some(&link("/test")))) }
                p.only-read role="status" sse-swap="said" {}
            }
        }
        div.row {
            @if draft.purpose != Purpose::Test {
                form method="post" action="/test/save" {
                    (form_token(&visit.session))
                    input type="hidden" name="draft" value=(draft.id);
                    button.primary { "Save system" }
                }
                a.button href=(link("/system")) { "Change settings" }
            } @else {
                (super::set_up::button(&visit, "/test", &config.name, "Test again"))
                (super::set_up::button(&visit, "/scan", &config.name, "Scan now"))
            }
            a href="/" { "Systems" }
        }
    };
    Ok(Page { title: format!("Connection test of {}", config.name), entry: "/", place: None, content })
}

/// Saves what was tested.
pub(super) async fn save(visit: Visit, entries: Entries) -> Result<Response, Failure> {
    let draft = visit.console.drafts.find(entries.needed("draft")?)?;
    let (stored, entered) = (draft.stored.clone(), draft.entered.clone());
    let name = stored.config.name.clone();
    system_form::save(&visit, stored, entered, draft.purpose).await?;
    visit.console.drafts.forget(&draft.id);
    Ok(go_to(&Link::to("/scan").with("system", name)))
}

pub(super) async fn events(State(console): State<Arc<Console>>, headers: HeaderMap, uri: axum::http::Uri) -> Response {
    let query = Query::parse(uri.query().unwrap_or_default());
    let draft: Result<Arc<Draft>, Failure> = query.needed("draft").and_then(|id| console.drafts.find(id));
    match draft {
        Ok(draft) => follow(&console, &headers, draft.watch(), |tested: &Arc<Tested>| {
            let said = tested.has_ended.then(|| lead(tested));
            Arc::new(Part { content: part(tested, None), said, is_last: tested.has_ended })
        }),
        Err(failure) => failure.into_response(),
    }
}

fn lead(tested: &Tested) -> String {
    let of = |status| tested.checks.iter().filter(|check| check.status == status).count() as u64;
    let passed = of(CheckStatus::Passed);
    let not_tried = match of(CheckStatus::Skipped) {
        0 => String::new(),
        some => format!(", {} not tried", number(some)),
    };
    match (tested.has_ended, of(CheckStatus::Failed), of(CheckStatus::Warning)) {
        (false, ..) if tested.checks.is_empty() => "Connecting …".to_owned(),
        (false, ..) => format!(
            "{} so far, more follow.",
            count(tested.checks.len() as u64 - of(CheckStatus::Skipped), "check", "checks")
        ),
        (true, 0, 0) => format!("The connection works: {} passed{not_tried}.", count(passed, "check", "checks")),
        (true, 0, some) => format!("The connection works, with {}.", count(some, "warning", "warnings")),
        (true, some, _) => format!("The connection does not work: {} failed.", count(some, "check", "checks")),
    }
}

/// What follows the test. `reload`: the page itself, where it does not follow by itself.
fn part(tested: &Tested, reload: Option<&Link>) -> Markup {
    let took: u64 = tested.checks.iter().map(|check| check.duration_ms).sum();
    html! {
        p.lead { (lead(tested)) @if let Some(page) = reload { " " a href=(page) { "Reload" } } }
        div.panel {
            ol.checks { @for check in &tested.checks { (one(check)) } }
            @if tested.has_ended { p.small.soft { "Took " (seconds(took)) ". Nothing is saved by a test." } }
        }
    }
}

fn seconds(milliseconds: u64) -> String {
    if milliseconds < 1_000 { format!("{milliseconds} ms") } else { format!("{:.1} s", milliseconds as f64 / 1000.0) }
}

fn one(check: &Check) -> Markup {
    let mark = match check.status {
        CheckStatus::Passed => Mark::Good.with("Passed"),
        CheckStatus::Warning => Mark::Warn.with("Warning"),
        CheckStatus::Skipped => Mark::Off.with("Not tried"),
        _ => Mark::Bad.with("Failed"),
    };
    html! {
        li {
            (mark)
            span { (capital(&spaced(&check.name))) }
            @if check.status != CheckStatus::Skipped { span.soft { (seconds(check.duration_ms)) } } @else { span {} }
            span.under {
                @match &check.error {
                    Some(error) => {
                        (plain(&sentence(&error.message))) " " code { (error.code.as_str()) } " " (plain(&sentence(&error.remedy)))
                    }
                    None => { (plain(&sentence(&check.found))) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use connector_api::{ConnectorError, ErrorCode};

    use super::*;

    fn of(checks: Vec<Check>) -> String {
        lead(&Tested { checks, has_ended: true })
    }

    #[test]
    fn checks_that_were_not_tried_are_not_among_those_that_passed() {
        let passed = |name: &'static str| Check::passed(name, "it answers", std::time::Duration::ZERO);
        let skipped = Check::skipped("access", "is not needed");
        assert_eq!(of(vec![passed("dns"), passed("tls")]), "The connection works: 2 checks passed.");
        let with_one = vec![passed("dns"), passed("tls"), skipped];
        assert_eq!(of(with_one.clone()), "The connection works: 2 checks passed, 1 not tried.");
        let so_far = Tested { checks: with_one, has_ended: false };
        assert_eq!(lead(&so_far), "2 checks so far, more follow.");
        let error = ConnectorError::new(ErrorCode::Unauthorized, "the key is wrong", "enter another one");
        let failed = Check::failed("key", error, std::time::Duration::ZERO);
        assert_eq!(of(vec![passed("dns"), failed]), "The connection does not work: 1 check failed.");
    }
}
