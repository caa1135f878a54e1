//! What each request passes before a page: headers, host, origin, time, session, token of the form.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{self, Body};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};

use crate::console::Console;
use crate::failure::Failure;
use crate::pages;
use crate::session::Session;

/// The largest body of a form, in bytes.
const BODY: usize = 64 * 1024;

/// How long a page may take.
const TIME: Duration = Duration::from_secs(30);

/// The name of the field with the token of the form.
pub(crate) const FORM_TOKEN: &str = "form-token";

/// Nothing from elsewhere, and nothing within the page: no script or style but what the server serves as files.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    // With no referrer at all, browsers would not name the origin of a form either.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-frame-options", "DENY"),
];

/// Returns the pages with the guards in front of them.
pub(crate) fn guarded(console: &Arc<Console>) -> Router<Arc<Console>> {
    let state = || Arc::clone(console);
    // The last one sees a request first.
    pages::router(|closed| closed.layer(middleware::from_fn_with_state(state(), check_session)))
        .layer(middleware::from_fn(limit_time))
        .layer(middleware::from_fn(check_origin))
        .layer(middleware::from_fn_with_state(state(), check_host))
        .layer(middleware::from_fn(add_headers))
}

async fn add_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The names by which browsers may reach this server. A name of another site that leads here (DNS rebinding) is none.
#[derive(Debug)]
pub(crate) struct Hosts {
    address: SocketAddr,
    /// Names of a proxy in front.
    names: Vec<String>,
}

impl Hosts {
    pub(crate) fn of(address: SocketAddr, names: Vec<String>) -> Self {
        Self { address, names }
    }

    /// Whether `host` is `localhost` or an address at which the server listens, with its port, or a name of a proxy.
    fn accept(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
            _ => (host, Some(80)),
        };
        // Nobody else can make such a name lead here, and the port is that of the proxy.
        if self.names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return true;
        }
        if port != Some(self.address.port()) {
            return false;
        }
        let (ours, is_local) = (self.address.ip(), self.address.ip().is_loopback());
        if name.eq_ignore_ascii_case("localhost") {
            return is_local || ours.is_unspecified();
        }
        // An address cannot be rebound: only names can.
        let ip = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        ip.is_ok_and(|ip| ip == ours || ours.is_unspecified() || is_local && ip.is_loopback())
    }
}

/// The host that a request names.
fn host(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let stated = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    uri.authority().map(|authority| authority.as_str()).or(stated).map(str::to_owned)
}

async fn check_host(State(console): State<Arc<Console>>, request: Request, next: Next) -> Response {
    match host(request.headers(), request.uri()) {
        Some(host) if console.hosts.accept(&host) => next.run(request).await,
        _ => Failure::new(
            StatusCode::MISDIRECTED_REQUEST,
            "This server does not answer under that name",
            "Open the address that the server printed when it started.",
        )
        .into_response(),
    }
}

/// A request that changes something comes from a page of this server.
async fn check_origin(request: Request, next: Next) -> Response {
    if is_reading(request.method()) || is_from_here(request.headers(), request.uri()) {
        return next.run(request).await;
    }
    refused()
}

fn is_reading(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn is_from_here(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let is_same_site = text("sec-fetch-site").map(|site| site == "same-origin");
    let is_same_origin = text("origin").map(|origin| {
        let here = host(headers, uri).unwrap_or_default();
        origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(&here))
    });
    match (is_same_site, is_same_origin) {
        (None, None) => false,
        (site, origin) => site.unwrap_or(true) && origin.unwrap_or(true),
    }
}

fn refused() -> Response {
    Failure::new(
        StatusCode::FORBIDDEN,
        "This request did not come from a page of this server",
        "Open the page again and send its form. Nothing was changed.",
    )
    .into_response()
}

async fn limit_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(TIME, next.run(request)).await.unwrap_or_else(|_| {
        Failure::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The page took too long",
            "Reload it in a moment, or choose narrower filters.",
        )
        .into_response()
    })
}

/// The key of the session that a request names.
pub(crate) fn key<'a>(console: &Console, headers: &'a HeaderMap) -> Option<&'a str> {
    let name = console.sessions.cookie();
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(cookie, _)| *cookie == name).map(|(_, key)| key)
}

async fn check_session(State(console): State<Arc<Console>>, mut request: Request, next: Next) -> Response {
    let session = key(&console, request.headers()).and_then(|key| console.sessions.find(key));
    let Some(session) = session else {
        return match is_reading(request.method()) {
            true => Redirect::to("/sign-in").into_response(),
            false => refused(),
        };
    };
    if !is_reading(request.method()) {
        request = match with_form_token(request, &session).await {
            Ok(request) => request,
            Err(refused) => return refused,
        };
    }
    request.extensions_mut().insert(session);
    next.run(request).await
}

/// Lets a form pass whose token is that of the session.
async fn with_form_token(request: Request, session: &Session) -> Result<Request, Response> {
    let (parts, body) = request.into_parts();
    let form = body::to_bytes(body, BODY).await.map_err(|_| {
        Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The form is too large",
            "Shorten what it contains, then send it again.",
        )
        .into_response()
    })?;
    let is_accepted =
        url::form_urlencoded::parse(&form).any(|(name, value)| name == FORM_TOKEN && session.accepts(&value));
    if is_accepted { Ok(Request::from_parts(parts, Body::from(form))) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_local_names_and_addresses_lead_to_a_server_on_loopback() {
        let hosts = Hosts::of("127.0.0.1:8080".parse().unwrap(), Vec::new());
        for accepted in ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080"] {
            assert!(hosts.accept(accepted), "{accepted}");
        }
        for refused in ["", "127.0.0.1", "localhost", "127.0.0.1:80", "evil.example:8080", "192.0.2.1:8080", "[::1]"] {
            assert!(!hosts.accept(refused), "{refused}");
        }
    }

    #[test]
    fn any_address_but_no_name_leads_to_a_server_on_all_addresses() {
        let hosts = Hosts::of("0.0.0.0:80".parse().unwrap(), Vec::new());
        for (host, is_accepted) in [("192.0.2.1", true), ("[2001:db8::1]:80", true), ("evil.example", false)] {
            assert_eq!(hosts.accept(host), is_accepted, "{host}");
        }
    }

    #[test]
    fn a_name_of_a_proxy_leads_to_a_server_with_any_port_and_no_other_name_does() {
        let hosts = Hosts::of("127.0.0.1:8080".parse().unwrap(), vec!["console.example".to_owned()]);
        for accepted in ["console.example", "Console.Example:443", "127.0.0.1:8080"] {
            assert!(hosts.accept(accepted), "{accepted}");
        }
        for refused in ["evil.example", "evil.console.example", "console.example.evil:443", "console.example:x:1"] {
            assert!(!hosts.accept(refused), "{refused}");
        }
    }

    #[test]
    fn a_form_of_another_origin_is_not_from_here() {
        let from_here = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("127.0.0.1:8080"));
            pairs.iter().for_each(|(name, value)| drop(headers.insert(*name, HeaderValue::from_static(value))));
            is_from_here(&headers, &Uri::from_static("/accept"))
        };
        assert!(!from_here(&[]));
        assert!(from_here(&[("sec-fetch-site", "same-origin")]));
        assert!(from_here(&[("origin", "http://127.0.0.1:8080")]));
        assert!(!from_here(&[("origin", "null")]));
        assert!(!from_here(&[("origin", "http://127.0.0.1:8081")]));
        assert!(!from_here(&[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:8080")]));
        assert!(!from_here(&[("sec-fetch-site", "same-origin"), ("origin", "http://evil.example")]));
    }
}
