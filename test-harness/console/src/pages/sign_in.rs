//! Signing in and out.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;

use crate::console::Console;
use crate::entries::Entries;
use crate::failure::Failure;
use crate::visit::Query;
use crate::{frame, guard};

/// Exchanges the token of the address, or asks for one.
pub(super) async fn form(
    State(console): State<Arc<Console>>,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let query = Query::parse(uri.query().unwrap_or_default());
    match query.get("token") {
        // Whoever only looks whether the address answers does not sign in.
        Some(_) if method == Method::HEAD => ask(None),
        Some(_) if is_ahead(&headers) => Failure::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "This address signs in once, so it is not loaded ahead",
            "Open it when you want to sign in: it is still valid.",
        )
        .into_response(),
        Some(token) => enter(&console, token),
        None => ask(None),
    }
}

/// Whether a browser loads an address before anybody has opened it. It would keep another answer than a failure, and show that
/// instead of signing in.
fn is_ahead(headers: &HeaderMap) -> bool {
    let values = ["sec-purpose", "purpose", "x-purpose", "x-moz"].into_iter().flat_map(|name| headers.get_all(name));
    values.filter_map(|value| value.to_str().ok()).any(|value| {
        let mut words = value.split([';', ',']).map(str::trim);
        words.any(|word| ["prefetch", "prerender", "preview"].iter().any(|ahead| word.eq_ignore_ascii_case(ahead)))
    })
}

pub(super) async fn exchange(State(console): State<Arc<Console>>, entries: Entries) -> Response {
    match entries.needed("token") {
        Ok(token) => enter(&console, token),
        Err(failure) => failure.into_response(),
    }
}

fn enter(console: &Console, token: &str) -> Response {
    // Somebody may paste the whole address.
    let token = token.rsplit_once("token=").map_or(token, |(_, token)| token);
    let Some(key) = console.sessions.sign_in(token) else {
        return ask(Some("This token is not valid, or was used before. The newest one on the terminal is valid."));
    };
    let cookie = format!("{}={key}; Path=/; HttpOnly; SameSite=Strict", console.sessions.cookie());
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

fn ask(wrong: Option<&str>) -> Response {
    let content = html! {
        div.head { div {
            h1 { "Sign in" }
            p.lead { "Open the address that the server printed last, or paste its token." }
        } }
        form.form method="post" action="/sign-in" {
            fieldset {
                legend { "Token" }
                div.field {
                    label for="token" { "Token from the terminal" }
                    span.hint #token-hint { "Each one is valid once; after each use the server prints the next." }
                    @if let Some(wrong) = wrong { span.error #token-error role="alert" { (wrong) } }
                    input #token name="token" type="password" autocomplete="off" required maxlength="500"
                        aria-describedby=(if wrong.is_some() { "token-error token-hint" } else { "token-hint" })
                        aria-invalid=[wrong.map(|_| "true")];
                }
                button.primary { "Sign in" }
            }
        }
    };
    let status = if wrong.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    (status, frame::bare("Sign in", &content)).into_response()
}

pub(super) async fn sign_out(State(console): State<Arc<Console>>, headers: HeaderMap) -> Response {
    if let Some(key) = guard::key(&console, &headers) {
        console.sessions.sign_out(key);
    }
    let cookie = format!("{}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0", console.sessions.cookie());
    ([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response()
}
