//! The server on a real socket.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_api::{CancellationToken, Edition, Registry};
use connector_console::{Console, Server, Settings};
use connector_host::systems::Systems;
use connector_store::Location;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::site::now;

async fn ask(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_browser_signs_in_and_the_server_ends_tidily() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = server.address();
    let announced = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&announced);
    let console = Console::new(Settings {
        location: Location::sqlite(folder.path().join("store.db")),
        registry: Registry::discover().unwrap(),
        edition: Edition::Enterprise,
        systems: Systems::in_memory(),
        address,
        hosts: Vec::new(),
        clock: now,
        announce: Box::new(move |address| to.lock().unwrap().push(address.to_owned())),
    });
    let cancel = CancellationToken::new();
    let served = tokio::spawn(server.serve(console.router(), cancel.clone()));
    let sign_in = announced.lock().unwrap()[0].clone();
    let path = sign_in.strip_prefix(&format!("http://{address}")).unwrap().to_owned();
    let request =
        |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{more}\r\n");
    let entered = ask(&mut TcpStream::connect(address).await.unwrap(), &request(&path, "")).await;
    assert!(entered.starts_with("HTTP/1.1 303 "), "{entered}");
    let cookie = entered.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let cookie = format!("cookie: {}\r\n", cookie.split(';').next().unwrap());
    let page = ask(&mut TcpStream::connect(address).await.unwrap(), &request("/", &cookie)).await;
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("<h1>Systems</h1>"), "{page}");
    let long = format!("x: {}\r\n", "y".repeat(100_000));
    let mut greedy = TcpStream::connect(address).await.unwrap();
    // The server may end the connection before it has read all.
    let _ = greedy.write_all(request("/", &long).as_bytes()).await;
    let mut answer = Vec::new();
    let _ = greedy.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&answer));
    // An idle connection does not hold the end up.
    let idle = TcpStream::connect(address).await.unwrap();
    cancel.cancel();
    tokio::time::timeout(Duration::from_secs(20), served).await.unwrap().unwrap();
    drop(idle);
    assert!(TcpStream::connect(address).await.is_err());
}
