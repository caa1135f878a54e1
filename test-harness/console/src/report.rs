//! The pages of one system as one file: no server, no script, nothing from elsewhere.
//!
//! The pages are made as for a browser. Then what acts is taken out of them, and a link leads to the part of the file that has
//! its page, or is text.

mod standalone;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use connector_api::{ConnectorError, Edition, Registry};
use connector_host::systems::Systems;
use connector_store::{At, Location, Store, System};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use self::standalone::standalone;
use crate::assets::STYLES;
use crate::console::{Console, Settings};
use crate::frame;
use crate::pages::report::{Part, parts, scope};
use crate::session::Session;
use crate::stores::Stores;
use crate::text::{self, Name, bare};
use crate::visit::{Query, Visit};

/// Makes the report of a system after a published run, as one HTML document.
///
/// # Errors
/// If the store cannot be read.
pub async fn report(
    store: Store,
    registry: Registry,
    system: &System,
    run: i64,
    now: fn() -> Timestamp,
) -> Result<String, ConnectorError> {
    let stores = Stores::of(store);
    let of = system.clone();
    let runs = stores.read(move |store| Ok((store.run_at(&of, At::Now)?, store.run_at(&of, At::Before(run)).is_ok())));
    let (latest, has_changes) = runs.await?;
    let console = Console::over(
        stores,
        Settings {
            // Nothing is opened: the store is.
            location: Location::sqlite(""),
            registry,
            edition: Edition::Enterprise,
            systems: Systems::in_memory(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            hosts: Vec::new(),
            clock: now,
            announce: Box::new(|_| {}),
        },
    );
    let query = address_of(system, (run != latest).then_some(run), has_changes);
    let visit =
        Visit { console, session: Session::of_nobody(), query, path: "/".to_owned(), now: now(), is_report: true };
    let parts = parts(&visit).await?;
    let scope = scope(&visit, &parts).await?;
    document(&visit, system, &parts, &scope)
}

/// The parameters of the pages.
fn address_of(system: &System, at: Option<i64>, has_changes: bool) -> Query {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("system", &system.name);
    if let Some(run) = at {
        query.append_pair("at", &run.to_string());
    }
    if has_changes {
        query.append_pair("has-changes", "true");
    }
    Query::parse(&query.finish())
}

fn document(visit: &Visit, system: &System, parts: &[Part], scope: &[String]) -> Result<String, ConnectorError> {
    let places: BTreeMap<String, String> =
        parts.iter().enumerate().map(|(at, part)| (part.address.clone(), place(at))).collect();
    let contents = parts.iter().enumerate().map(|(at, part)| standalone(&part.page.content.0, &place(at), &places));
    let contents = contents.collect::<Result<Vec<String>, ConnectorError>>()?;
    let strip = parts.first().and_then(|part| part.page.place.as_ref()).map(|place| frame::strip(visit, place));
    let strip = standalone(&strip.unwrap_or_default().0, "scan", &places)?;
    let digest = BASE64_STANDARD.encode(Sha256::digest(STYLES));
    let policy = format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'");
    let document: Markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { "Access report of " (bare(&system.name)) }
                style { (PreEscaped(STYLES)) }
            }
            body {
                a.skip href="#main" { "Skip to content" }
                (PreEscaped(strip))
                main #main tabindex="-1" {
                    div.head { div {
                        h1 { "Access report of " (Name(&system.name)) }
                        p.soft { "Made on " (text::time(visit.now)) " by the reference host. It needs no network." }
                        @for sentence in scope { p { (sentence) } }
                        p { "All accounts, reasons and findings are in the evidence pack: " code { "harness export --format evidence-pack" } "." }
                    } }
                    section aria-labelledby="contents" {
                        h2 #contents { "Contents" }
                        ul { @for (at, part) in parts.iter().enumerate() {
                            li { a href={ "#" (place(at)) } { (text::plain(&part.page.title)) } }
                        } }
                    }
                    @for (at, content) in contents.iter().enumerate() {
                        div.live id=(place(at)) { (PreEscaped(content)) }
                    }
                }
                footer.foot { "Times are UTC." }
            }
        }
    };
    Ok(document.into_string())
}

/// The place of a part in the file.
fn place(at: usize) -> String {
    format!("part-{}", at + 1)
}
