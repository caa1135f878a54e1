//! The pages over a store of a test's own.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{self, Body};
use axum::http::{HeaderMap, Request, StatusCode};
use connector_api::{Credential, Edition, Record, Registry, Section, SystemConfig};
use connector_console::{Console, Settings};
use connector_host::systems::Systems;
use connector_store::{Ended, Fence, Hold, Location, Start, Store};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::organisation::{descriptor, summary};

pub const ADDRESS: &str = "127.0.0.1:8080";

/// The time at which all pages are read.
pub fn now() -> Timestamp {
    "2026-11-26T09:37:00Z".parse().unwrap()
}

pub struct Site {
    pub router: Router,
    pub console: Arc<Console>,
    pub location: Location,
    pub announced: Arc<Mutex<Vec<String>>>,
    cookie: String,
    pub folder: TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

/// Scans rows into a store, as of some hours ago.
pub fn keep(location: &Location, name: &str, hours_ago: i64, rows: &[Record], not_whole: &[Section]) -> i64 {
    let (descriptor, config) =
        (descriptor(), SystemConfig::new("Toy", "toy", Credential::from_secret("x")).with_name(name));
    let now = now() - SignedDuration::from_hours(hours_ago);
    let start = Start { name, descriptor: &descriptor, config: &config, fence: Fence::Own, now, fresh: true };
    let mut scan = Store::open(location).unwrap().begin(start).unwrap();
    scan.stage(rows).unwrap();
    match scan.publish(&summary(&config, not_whole), Hold { above_percent: 100, at_least: 0 }).unwrap() {
        Ended::Published { run, .. } => run,
        other => panic!("{other:?}"),
    }
}

impl Site {
    /// Serves an empty store to somebody who is signed in.
    pub async fn empty() -> Self {
        Self::of(Registry::discover().unwrap(), Edition::Enterprise).await
    }

    /// The same with these connectors.
    pub async fn of(registry: Registry, edition: Edition) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::sqlite(folder.path().join("store.db"));
        let announced = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&announced);
        let console = Console::new(Settings {
            location: location.clone(),
            registry,
            edition,
            systems: Systems::in_folder(&folder.path().join("systems"), "Toy").unwrap(),
            address: ADDRESS.parse().unwrap(),
            hosts: vec!["console.example".to_owned()],
            clock: now,
            announce: Box::new(move |address| to.lock().unwrap().push(address.to_owned())),
        });
        let mut site = Self { router: console.router(), console, location, announced, cookie: String::new(), folder };
        site.cookie = site.sign_in().await;
        site
    }

    /// Serves one system, `toy`, with these scans, an hour apart.
    pub async fn with(scans: &[Vec<Record>]) -> Self {
        let site = Self::empty().await;
        for (at, rows) in scans.iter().enumerate() {
            keep(&site.location, "toy", (scans.len() - at) as i64, rows, &[]);
        }
        site
    }

    /// Uses the newest address for signing in. Returns the cookie.
    pub async fn sign_in(&self) -> String {
        let address = self.announced.lock().unwrap().last().unwrap().clone();
        let path = address.strip_prefix(&format!("http://{ADDRESS}")).unwrap().to_owned();
        let answer = self.send(Request::get(path).header("host", ADDRESS).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(answer.headers["location"], "/");
        answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, content) = response.into_parts();
        let content = body::to_bytes(content, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(content.to_vec()).unwrap() }
    }

    pub fn request(&self, path: &str) -> axum::http::request::Builder {
        Request::builder().uri(path).header("host", ADDRESS).header("cookie", &self.cookie)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(path).body(Body::empty()).unwrap()).await
    }

    /// Sends a form of a page, with its token.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.page("/").await;
        let token = page.split("name=\"form-token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        self.post_with(&token, path, fields).await
    }

    /// The same with a token that is known.
    pub async fn post_with(&self, token: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let form = form.append_pair("form-token", token).extend_pairs(fields).finish();
        let request = self.request(path).method("POST").header("origin", format!("http://{ADDRESS}"));
        self.send(request.header("content-type", "application/x-www-form-urlencoded").body(Body::from(form)).unwrap())
            .await
    }

    /// A page that is there.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body
    }
}

impl Answer {
    pub fn lead(&self) -> String {
        lead(&self.body)
    }
}

/// The text of the first sentence of a page.
pub fn lead(page: &str) -> String {
    let rest = page.split("<p class=\"lead\">").nth(1).expect("a page has a first sentence");
    let markup = rest.split("</p>").next().unwrap();
    let mut text = String::new();
    let mut is_tag = false;
    for letter in markup.chars() {
        match letter {
            '<' => is_tag = true,
            '>' => is_tag = false,
            letter if !is_tag => text.push(letter),
            _ => {}
        }
    }
    text
}

/// The addresses of the links of a page, as a browser reads them.
pub fn links(page: &str) -> Vec<String> {
    let parts = page.split("href=\"").skip(1).filter_map(|part| part.split('"').next());
    parts.map(|link| link.replace("&amp;", "&")).collect()
}
