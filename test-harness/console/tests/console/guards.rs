//! Who gets in, and from where.

use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::organisation::{login, rows};
use crate::site::{ADDRESS, Site, links};

/// Every page, for a store with one system.
pub const PAGES: &[&str] = &[
    "/",
    "/privileged",
    "/findings",
    "/changes",
    "/charts",
    "/connectors",
    "/connector?id=Scim",
    "/search?q=user",
    "/account?id=id%2F0000",
    "/group?type=CREW&id=g%3F1",
    "/resource?type=system&id=d%3D1",
    "/resource?type=rack&id=r%261",
    "/system?os-type=Scim",
    "/scan?system=toy",
    "/exception?id=0123456789ab",
];

#[tokio::test]
async fn nobody_sees_a_page_without_signing_in() {
    let site = Site::with(&[rows(4, login())]).await;
    for path in PAGES {
        let answer = site.send(Request::get(*path).header("host", ADDRESS).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert_eq!(answer.headers["location"], "/sign-in", "{path}");
        assert_eq!(answer.body, "", "{path}");
        let forged =
            Request::get(*path).header("host", ADDRESS).header("cookie", "console-8080=00").body(Body::empty());
        assert_eq!(site.send(forged.unwrap()).await.status, StatusCode::SEE_OTHER, "{path}");
    }
}

#[tokio::test]
async fn a_token_is_exchanged_once_for_a_strict_cookie_and_a_fresh_one_is_announced() {
    let site = Site::empty().await;
    let first = site.announced.lock().unwrap()[0].clone();
    assert_eq!(site.announced.lock().unwrap().len(), 2);
    let path = first.strip_prefix("http://127.0.0.1:8080").unwrap();
    let again = site.send(Request::get(path).header("host", ADDRESS).body(Body::empty()).unwrap()).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
    assert!(!again.headers.contains_key("set-cookie"));
    let fresh = site.announced.lock().unwrap().last().unwrap().clone();
    let token = fresh.split_once("token=").unwrap().1;
    // The form takes the token as well.
    let form = Request::post("/sign-in").header("host", ADDRESS).header("origin", "http://127.0.0.1:8080");
    let form =
        form.header("content-type", "application/x-www-form-urlencoded").body(Body::from(format!("token={token}")));
    let entered = site.send(form.unwrap()).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER);
    let cookie = entered.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
}

#[tokio::test]
async fn whoever_only_looks_at_the_address_or_loads_it_ahead_does_not_use_its_token() {
    let site = Site::empty().await;
    let address = site.announced.lock().unwrap().last().unwrap().clone();
    let path = address.strip_prefix("http://127.0.0.1:8080").unwrap();
    let ask = async |method: &str, header: Option<(&str, &str)>| {
        let request = Request::builder().method(method).uri(path).header("host", ADDRESS);
        let request = header.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        site.send(request.body(Body::empty()).unwrap()).await
    };
    let looked = ask("HEAD", None).await;
    assert_eq!((looked.status, looked.body.as_str()), (StatusCode::OK, ""));
    for (name, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "Prefetch"),
    ] {
        let ahead = ask("GET", Some((name, value))).await;
        assert_eq!(ahead.status, StatusCode::SERVICE_UNAVAILABLE, "{name}: {value}");
        assert!(ahead.body.contains("it is still valid"), "{}", ahead.body);
        assert!(!ahead.headers.contains_key("set-cookie"), "{name}: {value}");
    }
    let opened = ask("GET", Some(("sec-purpose", "navigate"))).await;
    assert_eq!(opened.status, StatusCode::SEE_OTHER);
    assert!(opened.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn a_form_for_signing_in_that_cannot_be_read_is_a_page() {
    let site = Site::empty().await;
    for (media_type, form) in [("text/plain", "token=x"), ("application/x-www-form-urlencoded", "other=x")] {
        let request = Request::post("/sign-in").header("host", ADDRESS).header("origin", "http://127.0.0.1:8080");
        let answer = site.send(request.header("content-type", media_type).body(Body::from(form)).unwrap()).await;
        assert!(answer.status.is_client_error() && answer.body.contains("<h1>"), "{}: {}", answer.status, answer.body);
    }
}

#[tokio::test]
async fn a_page_of_another_site_cannot_send_a_form() {
    let site = Site::empty().await;
    let page = site.page("/").await;
    let token = page.split("name=\"form-token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let post = async |headers: &[(&str, &str)], body: String| {
        let mut request =
            site.request("/sign-out").method("POST").header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        site.send(request.body(Body::from(body)).unwrap()).await.status
    };
    let with_token = || format!("form-token={token}");
    let here: &[(&str, &str)] = &[("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:8080")];
    let refused = StatusCode::FORBIDDEN;
    assert_eq!(post(&[], with_token()).await, refused);
    assert_eq!(post(&[("sec-fetch-site", "cross-site")], with_token()).await, refused);
    assert_eq!(post(&[("origin", "http://evil.example")], with_token()).await, refused);
    assert_eq!(post(&[("origin", "http://localhost:9999")], with_token()).await, refused);
    assert_eq!(post(here, String::new()).await, refused);
    assert_eq!(post(here, "form-token=00".to_owned()).await, refused);
    assert_eq!(post(here, format!("form-token={token}&x={}", "y".repeat(70_000))).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(site.get("/").await.status, StatusCode::OK);
    assert_eq!(post(here, with_token()).await, StatusCode::SEE_OTHER);
    // Signed out.
    assert_eq!(site.get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_name_that_was_rebound_to_this_machine_gets_nothing() {
    let site = Site::empty().await;
    for host in ["evil.example:8080", "evil.example", "127.0.0.1", "127.0.0.1:8081", "192.0.2.1:8080"] {
        for path in ["/", "/sign-in", "/static/console.css"] {
            let answer = site.send(Request::get(path).header("host", host).body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host} {path}");
        }
    }
    let answer = site.send(Request::get("/sign-in").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    // The name of the proxy in front.
    let answer =
        site.send(Request::get("/sign-in").header("host", "console.example").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn every_page_forbids_what_is_from_elsewhere_and_has_nothing_inline() {
    let site = Site::with(&[rows(4, login()), rows(5, login())]).await;
    for path in PAGES.iter().chain(&["/sign-in", "/missing", "/account?id=nobody", "/privileged?system=none"]) {
        let answer = site.get(path).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'self'; ") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
        for inline in [" style=\"", "<style", "<script>", " onclick", "javascript:", "data:"] {
            assert!(!answer.body.contains(inline), "{path} has {inline}");
        }
        for script in answer.body.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/static/") && script.contains("></script>"), "{path}: {script}");
        }
        assert!(answer.body.len() < 150_000, "{path} has {} bytes", answer.body.len());
        for link in links(&answer.body) {
            assert!(link.starts_with('/') || link.starts_with('#'), "{path} leads to {link}");
        }
    }
}

#[tokio::test]
async fn every_link_of_every_page_leads_to_a_page() {
    let site = Site::with(&[rows(6, login()), rows(7, login())]).await;
    let mut known = std::collections::BTreeSet::new();
    let mut pending: Vec<String> = vec!["/".to_owned()];
    while let Some(path) = pending.pop() {
        let answer = site.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        if answer.headers["content-type"].to_str().unwrap().starts_with("text/html") {
            let found = links(&answer.body).into_iter().filter(|link| link.starts_with('/'));
            let found = found.map(|link| link.split('#').next().unwrap().to_owned());
            pending.extend(found.filter(|link| known.insert(link.clone())));
        }
    }
    assert!(known.len() > 40, "{} links", known.len());
}

#[tokio::test]
async fn files_are_kept_by_browsers_until_they_change() {
    let site = Site::empty().await;
    let page = site.page("/").await;
    let sheet = links(&page).into_iter().find(|link| link.starts_with("/static/console.css?v=")).unwrap();
    let answer = site.get(&sheet).await;
    assert_eq!(answer.headers["content-type"], "text/css; charset=utf-8");
    assert!(answer.headers["cache-control"].to_str().unwrap().contains("immutable"));
    let known = site.request(&sheet).header("if-none-match", &answer.headers["etag"]).body(Body::empty()).unwrap();
    assert_eq!(site.send(known).await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(site.get("/static/none.css").await.status, StatusCode::NOT_FOUND);
}
