//! What a host must run: a Tokio runtime with I/O and time. Without it Tokio panics, at the first request.
#![allow(clippy::unwrap_used)]

use std::net::TcpListener;
use std::pin::pin;
use std::task::{Context, Waker};

use connector_api::{Credential, SystemConfig};
use connector_http::{Auth, Call, HttpClient, Meter, PageShape, Row, Words};
use tokio::runtime::Builder;

/// Asks a server that accepts connections and never answers.
async fn ask() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let config = SystemConfig::new("Example", url, Credential::from_secret("token"));
    let auth = Auth::bearer(config.credential.secret().clone()).unwrap();
    let client = HttpClient::builder(&config, Words::DEFAULT).unwrap().build(auth).unwrap();
    let _: Vec<Row> =
        client.list_links(&Meter::default(), Call::get("/users"), PageShape::ARRAY).await.unwrap_or_default();
}

#[test]
#[should_panic(expected = "there is no reactor running, must be called from the context of a Tokio 1.x runtime")]
fn a_request_outside_of_a_tokio_runtime_panics() {
    let _ = pin!(ask()).poll(&mut Context::from_waker(Waker::noop()));
}

#[test]
#[should_panic(expected = "A Tokio 1.x context was found, but timers are disabled")]
fn a_request_on_a_runtime_without_time_panics() {
    Builder::new_current_thread().enable_io().build().unwrap().block_on(ask());
}

#[test]
#[should_panic(expected = "A Tokio 1.x context was found, but IO is disabled")]
fn a_request_on_a_runtime_without_io_panics() {
    Builder::new_current_thread().enable_time().build().unwrap().block_on(ask());
}
