//! The addresses: one line each. Only those of the second table are there for somebody without a session.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{MethodRouter, get, post};

use super::act::act;
#[cfg(feature = "fleet")]
use super::fleet;
use super::{
    account, changes, charts, connectors, exceptions, findings, group, page, privileged, resource, scan, search,
    sign_in, system_form, systems, test_connection,
};
use crate::assets;
use crate::console::Console;
use crate::failure::Failure;
use crate::frame::Page;
use crate::visit::Visit;

/// One address, with what it takes.
type Route = (&'static str, MethodRouter<Arc<Console>>);

/// What needs a session.
fn closed() -> Vec<Route> {
    #[cfg_attr(not(feature = "fleet"), expect(unused_mut, reason = "only the fleet's pages are added"))]
    let mut routes = vec![
        ("/", page(systems::show)),
        ("/privileged", page(privileged::show)),
        ("/findings", page(findings::show)),
        ("/changes", page(changes::show)),
        ("/charts", page(charts::show)),
        ("/search", page(search::show)),
        ("/connectors", page(connectors::list)),
        ("/connector", page(connectors::show)),
        ("/account", page(account::show)),
        ("/group", page(group::show)),
        ("/resource", page(resource::show)),
        ("/system", page(system_form::show).merge(act(system_form::send))),
        ("/test", page(test_connection::show).merge(act(test_connection::start))),
        ("/test/save", act(test_connection::save)),
        ("/test/events", get(test_connection::events)),
        ("/scan", page(scan::show).merge(act(scan::start))),
        ("/scan/cancel", act(scan::cancel)),
        ("/scan/accept", act(scan::accept)),
        ("/scan/events", get(scan::events)),
        ("/exception", page(exceptions::show).merge(act(exceptions::send))),
        ("/sign-out", post(sign_in::sign_out)),
    ];
    #[cfg(feature = "fleet")]
    routes.extend([("/fleet", page(fleet::show)), ("/fleet/events", get(fleet::events))]);
    routes
}

/// What needs none.
fn open() -> Vec<Route> {
    vec![
        ("/sign-in", get(sign_in::form).merge(post(sign_in::exchange))),
        ("/static/", get(no_file)),
        ("/static/{*name}", get(assets::show)),
    ]
}

/// Serves all addresses, those that need a session behind `check`.
pub(crate) fn router(check: impl FnOnce(Router<Arc<Console>>) -> Router<Arc<Console>>) -> Router<Arc<Console>> {
    let of = |routes: Vec<Route>| {
        let router = routes.into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods));
        router.method_not_allowed_fallback(not_taken)
    };
    // Nobody without a session learns which addresses there are.
    check(of(closed()).fallback(page(missing))).merge(of(open()))
}

async fn missing(_: Visit) -> Result<Page, Failure> {
    Err(Failure::not_found())
}

async fn no_file() -> Failure {
    Failure::not_found()
}

async fn not_taken() -> Failure {
    Failure::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "This address takes no such request",
        "Open a page, and use what it offers. Nothing was changed.",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;

    use axum::body::{self, Body};
    use axum::http::{HeaderMap, Request, header};
    use connector_api::{Edition, Registry};
    use connector_host::systems::Systems;
    use connector_store::Location;
    use tower::ServiceExt;

    use super::*;
    use crate::console::Settings;
    use crate::guard::FORM_TOKEN;

    const HERE: &str = "127.0.0.1:8080";

    /// The pages over an empty store, and the addresses for signing in.
    struct Site {
        router: Router,
        announced: Arc<Mutex<Vec<String>>>,
        _folder: tempfile::TempDir,
    }

    struct SignedIn {
        cookie: String,
        form_token: String,
    }

    impl Site {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let announced = Arc::new(Mutex::new(Vec::new()));
            let to = Arc::clone(&announced);
            let console = Console::new(Settings {
                location: Location::sqlite(folder.path().join("store.db")),
                registry: Registry::from_registrations([]).unwrap(),
                edition: Edition::Enterprise,
                systems: Systems::in_memory(),
                address: HERE.parse().unwrap(),
                hosts: Vec::new(),
                clock: jiff::Timestamp::now,
                announce: Box::new(move |address| to.lock().unwrap().push(address.to_owned())),
            });
            Self { router: console.router(), announced, _folder: folder }
        }

        async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
            let (parts, content) = self.router.clone().oneshot(request).await.unwrap().into_parts();
            let content = body::to_bytes(content, usize::MAX).await.unwrap();
            (parts.status, parts.headers, String::from_utf8(content.to_vec()).unwrap())
        }

        async fn get(&self, path: &str, cookie: &str) -> (StatusCode, HeaderMap, String) {
            let request = Request::get(path).header("host", HERE).header("cookie", cookie);
            self.send(request.body(Body::empty()).unwrap()).await
        }

        async fn sign_in(&self) -> SignedIn {
            let address = self.announced.lock().unwrap().last().unwrap().clone();
            let (_, headers, _) = self.get(address.strip_prefix(&format!("http://{HERE}")).unwrap(), "").await;
            let cookie = headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
            let (.., page) = self.get("/", &cookie).await;
            let form_token = page.split(&format!("name=\"{FORM_TOKEN}\" value=\"")).nth(1).unwrap();
            SignedIn { form_token: form_token.split('"').next().unwrap().to_owned(), cookie }
        }

        async fn post(&self, path: &str, origin: &str, cookie: &str, form: &str) -> StatusCode {
            let request = Request::post(path).header("host", HERE).header("origin", origin).header("cookie", cookie);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            self.send(request.body(Body::from(form.to_owned())).unwrap()).await.0
        }
    }

    #[tokio::test]
    async fn no_address_takes_a_form_without_the_token_of_its_session_or_from_another_origin() {
        let (site, here) = (Site::new(), format!("http://{HERE}"));
        let SignedIn { mut cookie, mut form_token } = site.sign_in().await;
        let mut acting = Vec::new();
        for (path, _) in closed() {
            let other = site.sign_in().await.form_token;
            let with = |token: &str| format!("{FORM_TOKEN}={token}&system=lab&id=0123456789ab&draft=x&run=1");
            let own = with(&form_token);
            for (origin, cookie, form, why) in [
                (&*here, &*cookie, "system=lab", "no token"),
                (&*here, &*cookie, &*with(""), "an empty token"),
                (&*here, &*cookie, &*with(&other), "the token of another session"),
                (&*here, "", &*own, "no session"),
                ("http://evil.example", &*cookie, &*own, "another site"),
                ("http://127.0.0.1:8081", &*cookie, &*own, "another port"),
                ("null", &*cookie, &*own, "no origin"),
            ] {
                let status = site.post(path, origin, cookie, form).await;
                assert_eq!(status, StatusCode::FORBIDDEN, "{path} takes a form with {why}");
            }
            // With it, the form arrives where there is something to do, and nowhere else.
            let status = site.post(path, &here, &cookie, &own).await;
            assert_ne!(status, StatusCode::FORBIDDEN, "{path}");
            if status != StatusCode::METHOD_NOT_ALLOWED {
                acting.push(path);
            }
            if path == "/sign-out" {
                SignedIn { cookie, form_token } = site.sign_in().await;
            }
        }
        assert_eq!(site.get("/", &cookie).await.0, StatusCode::OK, "nothing signed anybody out");
        acting.sort_unstable();
        let all =
            ["/exception", "/scan", "/scan/accept", "/scan/cancel", "/sign-out", "/system", "/test", "/test/save"];
        assert_eq!(acting, all, "what a form can be sent to");
    }

    #[tokio::test]
    async fn what_needs_no_session_takes_no_form_of_another_origin() {
        let site = Site::new();
        for (path, _) in open() {
            let status = site.post(path, "http://evil.example", "", "token=x").await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
        }
    }

    #[tokio::test]
    async fn every_address_answers_somebody_without_a_session_with_a_page_that_is_guarded() {
        let site = Site::new();
        let more =
            ["/static", "/static//", "/static/a/b", "/static/%ff", "/static/none.css", "//", "/sign-in/", "/nowhere"];
        let paths = closed().into_iter().chain(open()).map(|(path, _)| path).filter(|path| !path.contains('{'));
        for path in paths.chain(more) {
            let (status, headers, page) = site.get(path, "").await;
            match status {
                StatusCode::SEE_OTHER => assert_eq!(headers[header::LOCATION], "/sign-in", "{path}"),
                StatusCode::NOT_FOUND => {
                    assert!(path.starts_with("/static/") && page.contains("There is no such page"), "{path}: {page}");
                }
                status => assert_eq!((status, path), (StatusCode::OK, "/sign-in"), "{page}"),
            }
            assert!(headers.contains_key(header::CONTENT_SECURITY_POLICY), "{path}");
        }
        let cookie = site.sign_in().await.cookie;
        for path in ["/test/save", "/static/"] {
            let request = Request::delete(path).header("host", HERE).header("cookie", &cookie);
            let (status, headers, _) = site.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
            assert!(headers.contains_key(header::CONTENT_SECURITY_POLICY), "{path}");
        }
        let (status, _, page) = site.get("/test/save", &cookie).await;
        assert!(status == StatusCode::METHOD_NOT_ALLOWED && page.contains("takes no such request"), "{status} {page}");
    }
}
