//! A client against a small target on loopback: how it signs in, what it refuses, and what its requests carry.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

use connector_api::secrecy::SecretString;
use connector_api::{ConnectorError, Credential, ErrorCode, SystemConfig, async_trait};
use connector_http::header::{HeaderMap, HeaderName, HeaderValue};
use connector_http::{
    Auth, Call, ClientBuilder, ClientCredentials, ClientOptions, Exchange, HttpClient, Listing, Meter, Offsets,
    PageShape, Refusal, RetryPolicy, Row, Service, Target, Token, TokenSource, Url, Verdict, Words,
};
use serde_json::Value;
use support::{Server, ok, status};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

const SECRET: &str = "geheim-7f3a9";

fn builder(server: &Server, target: impl Target) -> ClientBuilder {
    let config = SystemConfig::new("X", server.url.clone(), Credential::from_secret(SECRET));
    let first_wait = Duration::from_millis(1);
    let retry = RetryPolicy { attempts: 3, first_wait, longest_wait: first_wait, ..RetryPolicy::default() };
    HttpClient::builder(&config, target).unwrap().options(ClientOptions { retry, ..ClientOptions::default() })
}

async fn get(client: &HttpClient, path: &str) -> Result<Value, ConnectorError> {
    client.get_json(&Meter::default(), path).await
}

fn url(server: &Server, path: &str) -> Url {
    Url::parse(&server.url).unwrap().join(path).unwrap()
}

fn client_credentials(server: &Server) -> ClientCredentials {
    ClientCredentials {
        token_url: url(server, "/token"),
        client_id: "client".into(),
        client_secret: SECRET.into(),
        scope: Some("read".into()),
    }
}

#[tokio::test]
async fn a_key_travels_in_its_header_and_a_token_as_bearer() {
    let server = Server::start(|_| ok("{}")).await;
    let key = Auth::header(HeaderName::from_static("x-key"), SECRET.into()).unwrap();
    get(&builder(&server, Words::DEFAULT).build(key).unwrap(), "/a").await.unwrap();
    get(&builder(&server, Words::DEFAULT).build(Auth::bearer(SECRET.into()).unwrap()).unwrap(), "/b").await.unwrap();
    let asked = server.asked();
    assert_eq!((asked[0].headers["x-key"].to_str().unwrap(), &asked[0].authorization), (SECRET, &None));
    assert_eq!(asked[1].authorization.as_deref(), Some(format!("Bearer {SECRET}").as_str()));
    for broken in ["a\nb", "\u{0}"] {
        assert_eq!(Auth::bearer(broken.into()).unwrap_err().code, ErrorCode::InvalidConfig);
    }
}

#[tokio::test]
async fn an_error_has_its_cause_without_the_secret() {
    let config = SystemConfig::new("X", "http://127.0.0.1:1", Credential::from_secret(SECRET));
    let retry = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
    let builder = HttpClient::builder(&config, Words::DEFAULT).unwrap();
    let builder = builder.options(ClientOptions { retry, ..ClientOptions::default() });
    let client = builder.build(Auth::bearer(SECRET.into()).unwrap()).unwrap();
    let error = get(&client, &format!("/a?key={SECRET}")).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("127.0.0.1:1") && cause.contains("efused"), "{cause}");
    assert!(!cause.contains(SECRET) && !format!("{error:?}").contains(SECRET), "{error:?}");
}

#[tokio::test]
async fn client_credentials_fetch_one_token_for_many_requests_and_renew_it_when_it_is_refused() {
    let (tokens, revoked) = (AtomicU32::new(0), AtomicU32::new(0));
    let server = Server::start(move |request| match request.path.as_str() {
        "/token" => ok(format!(r#"{{"access_token":"t{}","expires_in":3600}}"#, tokens.fetch_add(1, SeqCst))),
        "/revoke" => {
            revoked.fetch_add(1, SeqCst);
            ok("{}")
        }
        _ if request.authorization == Some(format!("Bearer t{}", revoked.load(SeqCst))) => ok("{}"),
        _ => status(401, r#"{"message":"expired"}"#),
    })
    .await;
    let client = builder(&server, Words::DEFAULT).build(Auth::renewed(client_credentials(&server))).unwrap();
    let many = (0..20).map(|at| {
        let client = client.clone();
        tokio::spawn(async move { get(&client, &format!("/users/{at}")).await })
    });
    for one in many.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    assert_eq!(server.asked_for("/token"), 1);
    let token = server.asked().into_iter().find(|request| request.path == "/token").unwrap();
    assert_eq!(token.body, "grant_type=client_credentials&scope=read");
    assert!(token.authorization.unwrap().starts_with("Basic "));

    get(&client, "/revoke").await.unwrap();
    get(&client, "/users/0").await.unwrap();
    assert_eq!((server.asked_for("/token"), server.asked_for("/users/0")), (2, 3), "refused once, then renewed");
}

#[tokio::test]
async fn a_token_that_ends_is_renewed_before_it_is_used() {
    let server = Server::start(|request| match request.path.as_str() {
        "/token" => ok(r#"{"access_token":"t","expires_in":0}"#),
        _ => ok("{}"),
    })
    .await;
    let client = builder(&server, Words::DEFAULT).build(Auth::renewed(client_credentials(&server))).unwrap();
    for _ in 0..3 {
        get(&client, "/a").await.unwrap();
    }
    assert_eq!(server.asked_for("/token"), 3);
}

#[tokio::test]
async fn a_token_that_is_always_refused_or_never_given_ends_the_request_with_its_remedy() {
    let refusing = Server::start(|request| match request.path.as_str() {
        "/token" => ok(r#"{"access_token":"a-token"}"#),
        _ => status(401, r#"{"message":"no: a-token"}"#),
    })
    .await;
    let client = builder(&refusing, Words::DEFAULT).build(Auth::renewed(client_credentials(&refusing))).unwrap();
    let error = get(&client, "/a").await.unwrap_err();
    assert_eq!((error.code, refusing.asked_for("/a")), (ErrorCode::Unauthorized, 2));
    assert!(!error.message.contains("a-token"), "{error:?}");

    let stingy = Server::start(|_| status(401, format!(r#"{{"error":"invalid_client {SECRET}"}}"#))).await;
    let client = builder(&stingy, Words::DEFAULT).build(Auth::renewed(client_credentials(&stingy))).unwrap();
    let error = get(&client, "/a").await.unwrap_err();
    assert_eq!((error.code, stingy.asked_for("/a")), (ErrorCode::Unauthorized, 0));
    assert!(error.message.contains("invalid_client") && !format!("{error:?}").contains(SECRET), "{error:?}");
    assert!(error.remedy.contains("client secret"), "{error:?}");
}

/// A custom source of tokens: an assertion in a form.
#[derive(Debug)]
struct Assertion(Url);

#[async_trait]
impl TokenSource for Assertion {
    async fn fetch(&self, exchange: Exchange<'_>) -> Result<Token, Verdict> {
        exchange.token(&self.0, None, &[("assertion", "signed")]).await
    }

    fn url(&self) -> &Url {
        &self.0
    }

    fn secrets(&self) -> Vec<SecretString> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_connector_may_bring_a_source_of_tokens_of_its_own() {
    let server = Server::start(|request| match request.body.as_str() {
        "assertion=signed" => ok(r#"{"access_token":"own"}"#),
        _ => ok(format!("{:?}", request.authorization.as_deref().unwrap_or_default())),
    })
    .await;
    let auth = Auth::renewed(Assertion(url(&server, "/token")));
    assert_eq!(get(&builder(&server, Words::DEFAULT).build(auth).unwrap(), "/a").await.unwrap(), "Bearer own");
}

fn bearer(server: &Server) -> HttpClient {
    builder(server, Words::DEFAULT).build(Auth::bearer(SECRET.into()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_redirect_is_refused_and_never_followed() {
    let elsewhere = Server::start(|_| ok("{}")).await;
    let location = format!("{}/b", elsewhere.url);
    let server = Server::start(move |_| (302, Some(("location", location.clone())), String::new())).await;
    let error = get(&bearer(&server), "/a").await.unwrap_err();
    assert_eq!((error.code, elsewhere.asked().len()), (ErrorCode::UnexpectedRedirect, 0));
}

#[tokio::test]
async fn what_passes_by_itself_is_tried_again_and_counted() {
    let server = Server::start({
        let asked = AtomicU32::new(0);
        move |_| match asked.fetch_add(1, SeqCst) {
            0 => status(503, ""),
            1 => (429, Some(("retry-after", "0".to_owned())), String::new()),
            _ => ok("{}"),
        }
    })
    .await;
    let meter = Meter::default();
    bearer(&server).get_json::<Value>(&meter, "/a").await.unwrap();
    let counts = meter.read();
    assert_eq!((counts.requests, counts.retries), (3, 2));
}

#[tokio::test]
async fn a_body_larger_than_is_accepted_is_named() {
    let server = Server::start(|_| ok(format!("[{}]", " ".repeat(3_000_000)))).await;
    let options = ClientOptions { largest_body: 1024 * 1024, ..ClientOptions::default() };
    let client = builder(&server, Words::DEFAULT).options(options).build(Auth::bearer(SECRET.into()).unwrap()).unwrap();
    let error = get(&client, "/a").await.unwrap_err();
    assert_eq!((error.code, server.asked().len()), (ErrorCode::ResponseTooLarge, 1));
}

const LOG: Service = Service::named("log");

/// A target with its own header, service and verdict.
#[derive(Debug)]
struct Own;

impl Target for Own {
    fn words(&self) -> &Words {
        &Words::DEFAULT
    }

    fn headers(&self, call: &Call) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static("x-tenant"), HeaderValue::from_str(call.path()).unwrap())])
    }

    fn judge(&self, refusal: &Refusal<'_>) -> Verdict {
        match refusal.status.as_u16() {
            418 if refusal.asked.service == LOG => refusal.forbidden("the log is a teapot", "ask for the log"),
            _ => refusal.standard(),
        }
    }
}

#[tokio::test]
async fn a_target_has_headers_services_and_verdicts_of_its_own() {
    let log = Server::start(|_| status(418, "no")).await;
    let server = Server::start(|_| ok("{}")).await;
    let builder = builder(&server, Own).service(LOG, url(&log, "/v1"));
    let client = builder.build(Auth::bearer(SECRET.into()).unwrap()).unwrap();
    let meter = Meter::default();
    client.json::<Value>(&meter, Call::get("/a")).await.unwrap();
    client.json::<Value>(&meter, Call::get("/b").bare()).await.unwrap();
    let tenants: Vec<bool> = server.asked().iter().map(|request| request.headers.contains_key("x-tenant")).collect();
    assert_eq!(tenants, [true, false]);
    let error = client.json::<Value>(&meter, Call::get("/events").at(LOG)).await.unwrap_err();
    assert!(error.code == ErrorCode::Forbidden && error.message.ends_with("\"no\": the log is a teapot"), "{error:?}");
    assert_eq!(log.asked()[0].path, "/v1/events");
    let error = client.json::<Value>(&meter, Call::get("/x").at(Service::named("none"))).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Internal);
}

#[tokio::test]
async fn a_target_may_have_addresses_on_this_machine_and_on_others() {
    let server = Server::start(|_| ok("{}")).await;
    let elsewhere = Url::parse("https://target.invalid/").unwrap();
    let auth = || Auth::bearer(SECRET.into()).unwrap();
    let mixed = builder(&server, Words::DEFAULT).service(LOG, elsewhere.clone()).build(auth()).unwrap();
    get(&mixed, "/a").await.unwrap();
    let options =
        || ClientOptions { retry: RetryPolicy { attempts: 1, ..RetryPolicy::default() }, ..ClientOptions::default() };
    let mixed = ClientBuilder::new(elsewhere, Words::DEFAULT).service(LOG, url(&server, "/")).options(options());
    let client = mixed.build(auth()).unwrap();
    client.json::<Value>(&Meter::default(), Call::get("/b").at(LOG)).await.unwrap();
    assert_eq!(server.asked().len(), 2);

    // A name that is never looked up: plain HTTP is refused before.
    let plain = ClientBuilder::new(url(&server, "/"), Words::DEFAULT)
        .service(LOG, Url::parse("http://target.invalid/").unwrap())
        .options(options());
    let error =
        plain.build(auth()).unwrap().json::<Value>(&Meter::default(), Call::get("/c").at(LOG)).await.unwrap_err();
    assert_ne!(error.code, ErrorCode::Dns, "{error:?}");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("scheme"), "{error:?}");
}

#[tokio::test]
async fn a_client_that_was_stopped_asks_no_more_and_a_fresh_one_does() {
    let server = Server::start(|_| status(403, "your IP address is blocked")).await;
    let client = bearer(&server);
    for _ in 0..2 {
        assert_eq!(get(&client, "/a").await.unwrap_err().code, ErrorCode::AddressBlocked);
    }
    assert_eq!(server.asked().len(), 1);
    assert_eq!(get(&client.fresh(), "/a").await.unwrap_err().code, ErrorCode::AddressBlocked);
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_brisk_client_makes_two_attempts() {
    let server = Server::start(|_| status(500, "")).await;
    let client = bearer(&server);
    let began = Instant::now();
    assert_eq!(get(&client.brisk(), "/a").await.unwrap_err().code, ErrorCode::ServerError);
    assert!(server.asked().len() == 2 && began.elapsed() < Duration::from_secs(8));
    assert_eq!(get(&client, "/a").await.unwrap_err().code, ErrorCode::ServerError);
    assert_eq!(server.asked().len(), 5);
}

/// Rows counted from one, in an object with their number.
const LISTS: Offsets = Offsets {
    skip: "startIndex",
    limit: "count",
    sort: "sortBy",
    first: 1,
    page: PageShape { total: Some("/totalResults"), may_lack_rows: true, ..PageShape::rows("Resources") },
};

#[tokio::test]
async fn rows_may_be_counted_from_one_and_a_check_names_their_number() {
    let server = Server::start(|request| {
        let number = |name: &str| -> u64 {
            request.path.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)).unwrap().parse().unwrap()
        };
        let (start, count) = (number("startIndex="), number("count="));
        assert!(start > 0);
        let rows: Vec<String> = (start..(start + count).min(251)).map(|row| format!(r#"{{"id":"u{row}"}}"#)).collect();
        ok(format!(r#"{{"totalResults":250,"Resources":[{}]}}"#, rows.join(",")))
    })
    .await;
    let client = bearer(&server);
    let listing = || Listing::new(LISTS, Call::get("/Users"), 100);
    let rows: Vec<Row> = client.list_offset(&Meter::default(), listing()).await.unwrap();
    assert_eq!(rows.len(), 250);
    assert_eq!((rows[0].id.as_str(), rows[249].id.as_str()), ("u1", "u250"));
    assert_eq!(client.check::<Row>("users", listing()).await.found, "250 users");
}

#[tokio::test]
async fn no_form_of_a_client_shows_its_secret() {
    let server = Server::start(|_| ok("{}")).await;
    let client = bearer(&server);
    let renewed = builder(&server, Words::DEFAULT).build(Auth::renewed(client_credentials(&server))).unwrap();
    get(&renewed, "/a").await.unwrap_err();
    for shown in
        [format!("{client:?}"), format!("{renewed:?}"), client.line(&format!("{SECRET} {}", SECRET.to_uppercase()))]
    {
        assert!(!shown.to_lowercase().contains(SECRET), "{shown}");
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_may_be_one_of_too_many() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let closing = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // The request is read, so that the connection was of use until then.
            let _ = stream.read(&mut [0; 4096]).await;
        }
    });
    for (concurrency, hint) in [(Some("inFlight"), true), (None, false)] {
        let words = Words { concurrency, ..Words::DEFAULT };
        let options =
            ClientOptions { retry: RetryPolicy { attempts: 1, ..RetryPolicy::default() }, ..ClientOptions::default() };
        let client = ClientBuilder::new(address.clone(), words).options(options);
        let error = get(&client.build(Auth::bearer(SECRET.into()).unwrap()).unwrap(), "/a").await.unwrap_err();
        assert!(error.code == ErrorCode::Connect && error.message.contains("was lost"), "{error:?}");
        assert!(error.remedy.starts_with("ensure that this server can reach"), "{error:?}");
        assert_eq!(error.remedy.contains("if inFlight is set, lower it or set it to 0"), hint, "{error:?}");
    }
    closing.abort();
}
