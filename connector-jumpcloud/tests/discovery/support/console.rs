//! A console that lists what a test puts into it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use super::event_log::EventLog;
use super::{Scanned, scan};
use bytes::Bytes;
use connector_api::SystemConfig;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub const KEY: &str = "key-of-a-console-made-by-hand";

/// What a console holds: rows by path, and by `path?targets=kind` for associations. Several targets are answered together,
/// unless a test puts another answer there. What it does not hold is empty,
/// except for `/api/v2/users`, which is not served. Lists of groups sort by `name` alone, directories by nothing.
#[derive(Debug, Clone, Default)]
pub struct Content {
    lists: BTreeMap<String, Vec<Value>>,
    answers: BTreeMap<String, (u16, &'static str, String)>,
    /// Totals that are not the number of rows.
    totals: BTreeMap<String, usize>,
    events_a_page: Option<usize>,
    log: Option<EventLog>,
    now: Option<Timestamp>,
    /// Answers to the first requests for a path, one each.
    first: BTreeMap<String, Vec<Early>>,
    /// The tokens that are issued one after another; each except the last expires after this number of requests.
    tokens: Option<(Vec<&'static str>, usize)>,
    /// Paths that are answered only once another one was requested.
    after: BTreeMap<String, String>,
    /// Notified of each request.
    requested: Arc<Notify>,
}

/// An answer that is given once.
#[derive(Debug, Clone)]
pub struct Early {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: HeaderMap,
    pub body: Value,
}

/// A running console.
pub struct Console {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Content {
    pub fn list(mut self, path: &str, rows: impl IntoIterator<Item = Value>) -> Self {
        self.lists.insert(path.to_owned(), rows.into_iter().collect());
        self
    }

    /// Edges from the owner of `path` to objects of `kind`, with their attributes.
    pub fn edges<'a>(self, path: &str, kind: &str, to: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let edge = |(id, attributes)| json!({"attributes": attributes, "to": {"id": id, "type": kind}});
        let rows: Vec<Value> = to.into_iter().map(edge).collect();
        self.list(path, rows)
    }

    /// Counts another number of rows in a list than it holds.
    pub fn total(mut self, path: &str, total: usize) -> Self {
        self.totals.insert(path.to_owned(), total);
        self
    }

    /// Answers a path, or `path?targets=kinds`, with a status and a body.
    pub fn answer(mut self, path: &str, status: u16, body: Value) -> Self {
        self.answers.insert(path.to_owned(), (status, "application/json", body.to_string()));
        self
    }

    /// Answers a path with a web page.
    pub fn page(mut self, path: &str, status: u16, page: &str) -> Self {
        self.answers.insert(path.to_owned(), (status, "text/html", page.to_owned()));
        self
    }

    /// Answers the first request for a path, or the next one after those already given, otherwise than the later ones.
    pub fn first(mut self, path: &str, status: u16, headers: &[(&'static str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.first.entry(path.to_owned()).or_default().push(Early { status, headers, body: body.to_owned() });
        self
    }

    /// Issues these tokens one after another, and accepts each except the last for this number of requests.
    pub fn tokens(mut self, tokens: &[&'static str], requests: usize) -> Self {
        self.tokens = Some((tokens.to_vec(), requests));
        self
    }

    /// Answers a path only once another one was requested.
    pub fn after(mut self, path: &str, other: &str) -> Self {
        self.after.insert(path.to_owned(), other.to_owned());
        self
    }

    /// Returns this number of events at a time, without reporting the limit.
    pub fn events_a_page(mut self, events: usize) -> Self {
        self.events_a_page = Some(events);
        self
    }

    /// Keeps these events as Directory Insights does, and answers queries of them. Events that are entered by
    /// [`list`](Self::list) come whatever is asked.
    pub fn log(mut self, events: impl IntoIterator<Item = Value>) -> Self {
        self.log = Some(EventLog::of(events));
        self
    }

    /// Refuses queries of the log that begin before a time.
    pub fn refusing_starts_before(mut self, first: Timestamp) -> Self {
        self.log.as_mut().unwrap().first_start = first;
        self
    }

    /// Has this time, by the header `Date`.
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// Serves it and scans it, with few attempts that follow each other at once.
    pub async fn scanned(self) -> (Console, Scanned) {
        let console = self.serve().await;
        let system = console.system().with_attribute("retryWaitMilliseconds", 1).with_attribute("attempts", 2);
        let scanned = scan(system).await;
        (console, scanned)
    }

    pub async fn serve(self) -> Console {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (content, asked) = (Arc::new(self), Arc::new(Mutex::new(Vec::new())));
        let log = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (content, log) = (Arc::clone(&content), Arc::clone(&log));
                let service = service_fn(move |request| {
                    let (content, log) = (Arc::clone(&content), Arc::clone(&log));
                    async move { Ok::<_, Infallible>(content.respond(request, &log).await) }
                });
                tokio::spawn(async move {
                    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Console { address, asked, task }
    }

    async fn respond(&self, request: Request<Incoming>, log: &Mutex<Vec<Asked>>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let path = parts.uri.path().to_owned();
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        while let Some(other) = self.after.get(&path) {
            let next = self.requested.notified();
            if log.lock().unwrap().iter().any(|asked| asked.path == *other) {
                break;
            }
            next.await;
        }
        let mut response = {
            let log = log.lock().unwrap();
            let given = self.early(&path, &parts.headers, &log);
            given.unwrap_or_else(|| self.answer_to(&path, &query, &body))
        };
        if let Some(now) = self.now {
            let date = httpdate::fmt_http_date(now.into());
            response.headers_mut().insert("date", date.parse().unwrap());
        }
        log.lock().unwrap().push(Asked { method: parts.method.to_string(), path, query, headers: parts.headers, body });
        self.requested.notify_waiters();
        response
    }

    /// What depends on the requests before.
    fn early(&self, path: &str, headers: &HeaderMap, log: &[Asked]) -> Option<Response<Full<Bytes>>> {
        let before = log.iter().filter(|asked| asked.path == path).count();
        if let Some(early) = self.first.get(path).and_then(|answers| answers.get(before)) {
            let mut response = Response::builder().status(early.status);
            for (name, value) in &early.headers {
                response = response.header(*name, value);
            }
            return Some(response.body(Full::from(early.body.clone())).unwrap());
        }
        let (tokens, requests) = self.tokens.as_ref()?;
        if path == "/oauth2/token" {
            let token = tokens[before.min(tokens.len() - 1)];
            let body = json!({"access_token": token, "token_type": "bearer", "expires_in": 3600}).to_string();
            return Some(Response::new(Full::from(body)));
        }
        let sent = headers.get("authorization").map_or("", |value| value.to_str().unwrap());
        let used =
            log.iter().filter(|asked| asked.headers.get("authorization") == headers.get("authorization")).count();
        let dead = *tokens.last().unwrap() != sent.trim_start_matches("Bearer ") && used >= *requests;
        dead.then(|| Response::builder().status(401).body(Full::from(r#"{"message":"Unauthorized"}"#)).unwrap())
    }

    fn answer_to(&self, path: &str, query: &BTreeMap<String, String>, asked: &Value) -> Response<Full<Bytes>> {
        let response = |status: u16, kind: &str, total: Option<usize>, body: String| {
            let mut response = Response::builder().status(status).header("content-type", kind);
            if let Some(total) = total {
                response = response.header("x-total-count", total);
            }
            response.body(Full::from(body)).unwrap()
        };
        let key = query.get("targets").map_or_else(|| path.to_owned(), |targets| format!("{path}?targets={targets}"));
        if let Some((status, kind, body)) = self.answers.get(&key).or_else(|| self.answers.get(path)) {
            return response(*status, kind, None, body.clone());
        }
        if path == "/api/v2/users" && !self.lists.contains_key(path) {
            return response(404, "application/json", None, json!({"message": "Not Found"}).to_string());
        }
        // As the service was seen to do.
        if let Some(sort) = query.get("sort") {
            let sorts: Option<&[&str]> = match path {
                "/api/v2/usergroups" | "/api/v2/systemgroups" => Some(&["name", "-name"]),
                "/api/v2/directories" => Some(&[]),
                _ => None,
            };
            if sorts.is_some_and(|sorts| !sorts.contains(&sort.as_str())) {
                let message = format!("failed to list collection objects: invalid sort field: {sort}");
                return response(400, "application/json", None, json!({"message": message}).to_string());
            }
        }
        if let Some(log) = self.log.as_ref().filter(|_| path.starts_with("/insights/")) {
            return log.answer(path, asked, self.now.unwrap_or_else(Timestamp::now));
        }
        if path.ends_with("/events/count") {
            return response(200, "application/json", None, json!({"count": 0}).to_string());
        }
        if let Some(one) = self.one(path) {
            return match one {
                Some(row) => response(200, "application/json", None, row.to_string()),
                None => response(404, "application/json", None, json!({"message": "Not Found"}).to_string()),
            };
        }
        let rows = match self.lists.get(&key) {
            Some(rows) => rows.clone(),
            // Edges of all kinds together: those that are asked for.
            None => {
                let asked = query.get("targets").map(String::as_str).unwrap_or_default();
                let is_asked = |row: &Value| asked.split(',').any(|kind| row["to"]["type"] == kind);
                let of_all = self.lists.get(path).into_iter().flatten().filter(|row| is_asked(row));
                let of_each = asked.split(',').filter_map(|kind| self.lists.get(&format!("{path}?targets={kind}")));
                of_all.chain(of_each.flatten()).cloned().collect()
            }
        };
        let number = |name: &str, default| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let page: Vec<&Value> = rows.iter().skip(number("skip", 0)).take(number("limit", 10)).collect();
        let total = self.totals.get(&key).or_else(|| self.totals.get(path)).copied().unwrap_or(rows.len());
        if path.starts_with("/api/v2/") {
            return response(200, "application/json", Some(total), json!(page).to_string());
        }
        if let Some(events) = self.events_a_page.filter(|_| path.starts_with("/insights/")) {
            let had = asked["search_after"][0].as_u64().unwrap_or(0) as usize;
            let page: Vec<&Value> = rows.iter().skip(had).take(events).collect();
            let after = json!([had + page.len()]).to_string();
            let mut response = response(200, "application/json", None, json!(page).to_string());
            response.headers_mut().insert("x-search_after", after.parse().unwrap());
            return response;
        }
        if path.starts_with("/insights/") {
            return response(200, "application/json", None, json!(rows).to_string());
        }
        response(200, "application/json", None, json!({"totalCount": total, "results": page}).to_string())
    }
}

impl Content {
    /// The user, group or organisation that a path names by itself, if it names one and there is one.
    fn one(&self, path: &str) -> Option<Option<&Value>> {
        let (list, id) = path.rsplit_once('/')?;
        let all = self.lists.get(list).map(Vec::as_slice).unwrap_or_default();
        let of_kind =
            ["/api/systemusers", "/api/organizations", "/api/v2/usergroups", "/api/v2/systemgroups"].contains(&list);
        of_kind.then(|| all.iter().find(|row| row["id"] == id || row["_id"] == id))
    }
}

impl Console {
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn system(&self) -> SystemConfig {
        super::system(&self.url(), KEY)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An id that differs from others in its last digits.
pub fn id(number: u64) -> String {
    format!("{number:024x}")
}
