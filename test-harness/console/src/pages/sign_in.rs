//! Signing in and out.

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use serde::Deserialize;

use crate::console::Console;
use crate::visit::Query;
use crate::{frame, guard};

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Entries {
    token: String,
}

/// Exchanges the token of the address, or asks for one.
pub(super) async fn form(State(console): State<Arc<Console>>, uri: Uri) -> Response {
    match Query::parse(uri.query().unwrap_or_default()).get("token") {
        Some(token) => enter(&console, token),
        None => ask(None),
    }
}

pub(super) async fn exchange(State(console): State<Arc<Console>>, Form(entries): Form<Entries>) -> Response {
    enter(&console, &entries.token)
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
