//! What stands around the content of every page: head, navigation, place, foot.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use connector_api::SectionStatus;
use connector_store::SectionState;
use maud::{DOCTYPE, Markup, html};

use crate::assets;
use crate::guard::FORM_TOKEN;
use crate::link::Link;
use crate::pages::{Entry, FLEET, NAVIGATION};
use crate::session::Session;
use crate::text::{and_ago, bare as unmarked};
use crate::visit::{Place, Visit};
use crate::words::Mark;
use crate::{text, words};

/// One page: what is its own.
#[derive(Debug)]
pub(crate) struct Page {
    /// For the window and the history of the browser. It may contain names of a target.
    pub(crate) title: String,
    /// The path of the entry of the navigation that it belongs to.
    pub(crate) entry: &'static str,
    /// The system and scan that it is about, for the strip and the links.
    pub(crate) place: Option<Place>,
    /// From `h1` on.
    pub(crate) content: Markup,
}

impl Page {
    /// The whole document.
    pub(crate) async fn document(&self, visit: &Visit, status: StatusCode) -> Response {
        let fleet = visit.console.has_fleet().await.then_some(&FLEET);
        let entries: Vec<_> = NAVIGATION.iter().chain(fleet).collect();
        let content = html! {
            (header(visit, &entries, self.entry, self.place.as_ref()))
            @if let Some(place) = &self.place { (strip(visit, place)) }
            main #main tabindex="-1" { (self.content) }
            (foot(&visit.session))
        };
        (status, document(&self.title, &content)).into_response()
    }
}

/// A page for somebody who is not signed in, or whose request a guard refused.
pub(crate) fn bare(title: &str, content: &Markup) -> Markup {
    let content = html! {
        header.top { a.name href="/" { "OrbisID reference host" } }
        main #main tabindex="-1" { (content) }
    };
    document(title, &content)
}

fn document(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (unmarked(title)) " · OrbisID reference host" }
                link rel="icon" type="image/svg+xml" href=(assets::address("icon.svg"));
                link rel="stylesheet" href=(assets::address("console.css"));
                script src=(assets::address("times.js")) defer {}
            }
            body {
                a.skip href="#main" { "Skip to content" }
                (content)
            }
        }
    }
}

fn header(visit: &Visit, entries: &[&Entry], entry: &str, place: Option<&Place>) -> Markup {
    let link = |path: &'static str| match place {
        // These are not about a system.
        _ if matches!(path, "/" | "/connectors" | "/fleet") => Link::to(path),
        Some(place) => place.link(path),
        None => Link::to(path),
    };
    let query = visit.query.get("q").unwrap_or_default();
    html! {
        header.top {
            a.name href="/" { "OrbisID reference host" }
            nav aria-label="Main" { ul {
                @for (path, title) in entries {
                    li { a href=(link(path)) aria-current=[(*path == entry).then_some("page")] { (title) } }
                }
            } }
            form.find role="search" action="/search" method="get" {
                @if let Some(place) = place { (hidden(&place.link("/search"))) }
                label.only-read for="q" { "Search accounts, groups, devices and applications" }
                input #q name="q" type="search" placeholder="Account, group, device …" autocomplete="off" maxlength="200" value=(query);
                button { "Search" }
            }
        }
    }
}

/// The parameters of a link as fields of a form.
pub(crate) fn hidden(link: &Link) -> Markup {
    html! { @for (name, value) in link.pairs() { input type="hidden" name=(name) value=(value); } }
}

/// What a page needs that follows something live: htmx, without anything that the policy forbids. Without scripts the page
/// stays as it was served.
pub(crate) fn live_scripts() -> Markup {
    html! {
        script src=(assets::address("htmx.js")) defer {}
        script src=(assets::address("live.js")) defer {}
        script src=(assets::address("htmx-sse.js")) defer {}
    }
}

/// The field that proves where a form comes from. Every form that posts has it.
pub(crate) fn form_token(session: &Session) -> Markup {
    html! { input type="hidden" name=(FORM_TOKEN) value=(session.form_token); }
}

/// Where the reader is, and how far the rows can be trusted.
pub(crate) fn strip(visit: &Visit, place: &Place) -> Markup {
    let here = visit.here(place);
    html! {
        div.where role="region" aria-label="System and scan shown" {
            strong { (text::Name(&place.system.name)) }
            span { "as of " (text::time(place.run.started_at)) (and_ago(place.run.started_at, visit.now)) }
            (trust(place))
            @if !place.is_latest() { span.tag { "Earlier scan" } }
            @if place.runs.len() > 1 {
                form method="get" action=(here.path()) {
                    (hidden(&here.clone().without("at").without("after")))
                    label for="at" { "Show as of" }
                    select #at name="at" {
                        @for run in &place.runs {
                            option value=(run.id) selected[run.id == place.run.id] {
                                (text::minute(run.started_at))
                                @if place.latest == run.id { " (latest)" }
                            }
                        }
                    }
                    button { "Show" }
                }
            }
        }
    }
}

/// How many sections are as new as the scan, and which are not.
fn trust(place: &Place) -> Markup {
    let older = place.older_sections();
    let kept = place.sections.iter().filter(|section| section.status != "skipped");
    let read = (kept.clone().count() + place.computed().count()) as u64;
    let unread: Vec<_> = place.computed().filter(|report| report.status != SectionStatus::Complete).collect();
    if older.is_empty() && unread.is_empty() {
        return Mark::Good.with(&format!("{} complete", text::count(read, "section", "sections")));
    }
    let is_older = |section: &&SectionState| older.iter().any(|older| older.section == section.section);
    let complete = read - (kept.filter(is_older).count() + unread.len()) as u64;
    let all = older.iter().map(|section| {
        let name = words::spaced(section.section.as_str());
        match section.as_of {
            Some(time) => format!("{name} not read, shown as of {}", time.strftime("%-d %b %Y")),
            None => format!("{name} never read"),
        }
    });
    let computed = unread.iter().map(|report| format!("{} not computed whole", words::spaced(report.section.as_str())));
    let all: Vec<String> = all.chain(computed).collect();
    Mark::Warn.with(&format!("{complete} of {read} sections complete; {}", all.join("; ")))
}

fn foot(session: &Session) -> Markup {
    html! {
        footer.foot {
            form.row method="post" action="/sign-out" {
                (form_token(session))
                span #zone { "Times are UTC." }
                button.plain { "Sign out" }
            }
        }
    }
}
