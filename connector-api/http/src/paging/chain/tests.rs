//! Each kind of paging against a small server over a real socket.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use reqwest::header::{AUTHORIZATION, HeaderValue, LINK};

use super::*;
use crate::auth::Auth;
use crate::builder::ClientBuilder;
use crate::options::ClientOptions;
use crate::paging::row::Row;
use crate::retry::RetryPolicy;
use crate::words::Words;

/// A response of the server: a body, and a `Link` header.
type Reply = (String, Option<String>);

/// A server of 25 rows that records the requests: path and query, and whether the credential was sent.
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<(String, bool)>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves what `reply` returns for the server's own address and a request's query.
async fn serve(reply: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Server {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (asked, reply) = (Arc::default(), Arc::new(reply));
    let (log, own) = (Arc::clone(&asked), address.clone());
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (log, reply, own) = (Arc::<Mutex<Vec<_>>>::clone(&log), Arc::clone(&reply), own.clone());
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let signed = request.headers().contains_key(AUTHORIZATION);
                log.lock().unwrap().push((request.uri().to_string(), signed));
                let (body, link) = reply(&own, request.uri().query().unwrap_or_default());
                let mut answer = hyper::Response::new(Full::new(bytes::Bytes::from(body)));
                if let Some(link) = link {
                    answer.headers_mut().insert(LINK, HeaderValue::from_str(&link).unwrap());
                }
                async move { Ok::<_, std::convert::Infallible>(answer) }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Server { address, asked, task }
}

impl Server {
    fn client(&self) -> HttpClient {
        let options =
            ClientOptions { retry: RetryPolicy { attempts: 1, ..RetryPolicy::default() }, ..ClientOptions::default() };
        let url = format!("http://{}", self.address).parse().unwrap();
        ClientBuilder::new(url, Words::DEFAULT).options(options).build(Auth::bearer("key".into()).unwrap()).unwrap()
    }

    fn requests(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

fn rows(from: usize, to: usize) -> String {
    let rows: Vec<String> = (from..to.min(25)).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
    format!("[{}]", rows.join(","))
}

fn ids(rows: Result<Vec<Row>, ConnectorError>) -> Vec<usize> {
    rows.unwrap().iter().map(|row| row.id.parse().unwrap()).collect()
}

fn all() -> Vec<usize> {
    (0..25).collect()
}

fn call() -> Call {
    Call::get("/users").query("limit", "10")
}

async fn links(server: &Server) -> Result<Vec<Row>, ConnectorError> {
    server.client().list_links(&Meter::default(), call(), PageShape::ARRAY).await
}

/// Pages of ten, each linking to the next one at `base`.
fn linked(base: impl Fn(&str) -> String, query: &str, own: &str) -> Reply {
    let from = parameter(query, "after").map_or(0, |after| after.parse().unwrap());
    let link = (from + 10 < 25).then(|| {
        format!(
            r#"<{}/users?limit=10>; rel="self", <{}/users?limit=10&after={}>; rel="next""#,
            base(own),
            base(own),
            from + 10
        )
    });
    (rows(from, from + 10), link)
}

#[tokio::test]
async fn links_are_followed_to_the_last_page_absolute_or_relative() {
    for absolute in [true, false] {
        let base = move |own: &str| if absolute { format!("http://{own}") } else { String::new() };
        let server = serve(move |own, query| linked(base, query, own)).await;
        assert_eq!(ids(links(&server).await), all());
        assert_eq!(server.requests(), 3);
        assert!(server.asked.lock().unwrap().iter().all(|(_, signed)| *signed), "each request is signed");
    }
}

#[tokio::test]
async fn a_next_link_to_a_foreign_origin_is_refused_by_name_and_never_asked() {
    let foreign = serve(|_, _| ("[]".to_owned(), None)).await;
    let other_port = foreign.address.clone();
    for (base, named) in [
        ("http://evil.example".to_owned(), "http://evil.example"),
        ("//evil.example".to_owned(), "http://evil.example"),
        (format!("http://{other_port}"), other_port.as_str()),
        ("https://127.0.0.1".to_owned(), "https://127.0.0.1"),
        ("http://user:geheim@OWN".to_owned(), "another user name"),
        ("file://".to_owned(), "file://"),
    ] {
        let server = serve({
            let base = base.clone();
            move |own, query| linked(|_| base.replace("OWN", own), query, own)
        })
        .await;
        let error = links(&server).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::UnexpectedRedirect, "{base}");
        assert!(error.message.contains(named) && !error.message.contains("geheim"), "{base}: {error:?}");
        assert_eq!((server.requests(), foreign.requests()), (1, 0), "{base}");
    }
}

#[tokio::test]
async fn a_chain_that_leads_back_or_never_ends_is_named() {
    let circle = serve(|_, _| (rows(0, 10), Some("</users?limit=10&after=0>; rel=next".to_owned()))).await;
    let error = links(&circle).await.unwrap_err();
    assert_eq!((error.code, circle.requests()), (ErrorCode::InconsistentListing, 2));
    let endless = serve(|_, query| {
        let page = parameter(query, "page").map_or(0, |page| page.parse::<u64>().unwrap());
        ("[]".to_owned(), Some(format!("</users?page={}>; rel=next", page + 1)))
    })
    .await;
    let error = links(&endless).await.unwrap_err();
    assert!(error.code == ErrorCode::InconsistentListing && error.message.contains("does not end"), "{error:?}");
}

const TOKENS: PageShape =
    PageShape { next: Some("/meta/next"), total: Some("/meta/total"), ..PageShape::rows("items") };

async fn tokens(server: &Server) -> Result<Vec<Row>, ConnectorError> {
    server.client().list_tokens(&Meter::default(), call(), TOKENS, "pageToken").await
}

#[tokio::test]
async fn tokens_are_repeated_as_they_are_until_a_page_has_none() {
    for last in ["", r#","next":null"#, r#","next":"""#] {
        let server = serve(move |_, query| {
            // A token of characters that a query must escape, followed by the number of the next row.
            let from = parameter(query, "pageToken")
                .map_or(0, |token| token.strip_prefix("a%2Bb%26%3D+").unwrap().parse().unwrap());
            let next = if from + 10 < 25 { format!(r#","next":"a+b&= {}""#, from + 10) } else { last.to_owned() };
            (format!(r#"{{"items":{},"meta":{{"total":25{next}}}}}"#, rows(from, from + 10)), None)
        })
        .await;
        assert_eq!(ids(tokens(&server).await), all());
        assert_eq!(server.requests(), 3);
    }
}

#[tokio::test]
async fn fewer_rows_than_are_counted_are_no_whole_listing() {
    let server = serve(|_, _| (format!(r#"{{"items":{},"meta":{{"total":25}}}}"#, rows(0, 10)), None)).await;
    let error = tokens(&server).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InconsistentListing);
    assert!(error.message.contains("10 rows were returned, but its total is 25"), "{error:?}");
}

#[tokio::test]
async fn pages_without_rows_are_passed_and_rows_that_come_twice_come_once() {
    let server = serve(|_, query| {
        let at = parameter(query, "pageToken").map_or(0, |token| token.parse::<usize>().unwrap());
        let rows = [rows(0, 10), rows(10, 10), rows(5, 20), rows(25, 25), rows(20, 25)][at].clone();
        let next = if at < 4 { format!(r#""next":"{}""#, at + 1) } else { String::new() };
        (format!(r#"{{"meta":{{{next}}},"items":{rows}}}"#), None)
    })
    .await;
    assert_eq!(ids(tokens(&server).await), all());
}

#[tokio::test]
async fn a_page_without_its_rows_is_malformed_and_no_end() {
    let server = serve(|_, _| (r#"{"error":"backend unavailable"}"#.to_owned(), None)).await;
    let error = tokens(&server).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::MalformedResponse);
    assert!(error.message.contains("backend unavailable"), "{error:?}");
}

async fn cursor(server: &Server, more: Option<&'static str>) -> Result<Vec<Row>, ConnectorError> {
    let shape = PageShape { more, ..PageShape::rows("data") };
    server.client().list_cursor(&Meter::default(), call(), shape, "starting_after").await
}

fn behind(query: &str) -> usize {
    parameter(query, "starting_after").map_or(0, |id| id.parse::<usize>().unwrap() + 1)
}

#[tokio::test]
async fn a_cursor_leads_behind_the_last_row_until_no_more_are_promised() {
    let server = serve(|_, query| {
        let from = behind(query);
        (format!(r#"{{"data":{},"has_more":{}}}"#, rows(from, from + 10), from + 10 < 25), None)
    })
    .await;
    assert_eq!(ids(cursor(&server, Some("/has_more")).await), all());
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn without_such_a_promise_only_an_empty_page_ends_the_list() {
    let server = serve(|_, query| {
        // A short page in the middle.
        let from = behind(query);
        (format!(r#"{{"data":{}}}"#, rows(from, if from == 10 { 13 } else { from + 10 })), None)
    })
    .await;
    assert_eq!(ids(cursor(&server, None).await), all());
    assert_eq!(server.requests(), 5);
}

#[tokio::test]
async fn a_cursor_that_the_target_ignores_or_does_not_follow_up_is_named() {
    for (body, more) in [
        (format!(r#"{{"data":{},"has_more":true}}"#, rows(0, 10)), Some("/has_more")),
        (format!(r#"{{"data":{}}}"#, rows(0, 10)), Some("/has_more")),
        (r#"{"data":[],"has_more":true}"#.to_owned(), Some("/has_more")),
        (format!(r#"{{"data":{}}}"#, rows(0, 10)), None),
    ] {
        let server = serve({
            let body = body.clone();
            move |_, _| (body.clone(), None)
        })
        .await;
        assert_eq!(cursor(&server, more).await.unwrap_err().code, ErrorCode::InconsistentListing, "{body}");
        assert!(server.requests() < 4, "{body}");
    }
}

#[tokio::test]
async fn json_is_read_below_the_base_path() {
    let server = serve(|_, _| (r#"{"name":"x"}"#.to_owned(), None)).await;
    let url = format!("http://{}", server.address).parse().unwrap();
    let builder = ClientBuilder::new(url, Words::DEFAULT).base_path("/scim/v2/");
    let client = builder.build(Auth::bearer("key".into()).unwrap()).unwrap();
    let read: serde_json::Value = client.get_json(&Meter::default(), "/Users").await.unwrap();
    assert_eq!(read["name"], "x");
    assert_eq!(server.asked.lock().unwrap()[0].0, "/scim/v2/Users");
}
