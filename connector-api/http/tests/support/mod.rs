//! A small target on loopback that records the requests.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use connector_http::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

/// One request as received by the target.
#[derive(Debug, Clone)]
pub struct Request {
    /// Path and query.
    pub path: String,
    pub authorization: Option<String>,
    pub headers: hyper::HeaderMap,
    pub body: String,
}

/// A response: a status, one additional header, and a body.
pub type Reply = (u16, Option<(&'static str, String)>, String);

/// Stops when it is dropped.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Request>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Responds to each request with what `reply` returns.
    pub async fn start(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (log, reply) = (Arc::clone(&asked), Arc::new(reply));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, reply) = (Arc::clone(&log), Arc::clone(&reply));
                let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    let (log, reply) = (Arc::clone(&log), Arc::clone(&reply));
                    async move {
                        let (parts, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
                        let request = Request {
                            path: parts.uri.to_string(),
                            authorization: text("authorization"),
                            headers: parts.headers.clone(),
                            body: String::from_utf8(body.to_vec()).unwrap(),
                        };
                        log.lock().unwrap().push(request.clone());
                        let (status, header, body) = reply(&request);
                        let mut answer = hyper::Response::builder().status(status);
                        if let Some((name, value)) = header {
                            answer = answer.header(name, value);
                        }
                        Ok::<_, Infallible>(answer.body(Full::new(Bytes::from(body))).unwrap())
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { url, asked, task }
    }

    /// Returns every request so far.
    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }

    /// Returns the number of requests whose path starts with `path`.
    pub fn asked_for(&self, path: &str) -> usize {
        self.asked().iter().filter(|request| request.path.starts_with(path)).count()
    }
}

/// A response with status 200 and a body.
pub fn ok(body: impl Into<String>) -> Reply {
    (200, None, body.into())
}

/// A response with a status and a body.
pub fn status(status: u16, body: impl Into<String>) -> Reply {
    (status, None, body.into())
}
