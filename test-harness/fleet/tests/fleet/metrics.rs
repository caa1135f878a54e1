//! What a worker shows to Prometheus.

use std::io::Write;
use std::process::{Command, Stdio};

use connector_fleet::{Which, Worker};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::cluster::real_part;
use crate::support::Env;

/// Asks the worker at an address, and returns the status and the body.
pub async fn ask(address: std::net::SocketAddr, path: &str) -> (u16, String) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_shows_its_figures_those_of_the_fleet_and_its_health() {
    let Some(env) = Env::new().await else { return };
    env.add_named(&["a", "b"], "acme").await;
    env.fleet.enqueue(Which::All).await.unwrap();
    let mut options = env.options(3);
    options.listen = Some(([127, 0, 0, 1], 0).into());
    let worker = Worker::new(options).await.unwrap();
    let address = worker.address().unwrap();
    let worker = Env::run(worker);
    env.until_running(1).await;
    env.until("heard of", async |env: &Env| !env.sql("select 1 from fleet.worker").await.is_empty()).await;
    env.sql(
        "insert into fleet.worker (name, version, concurrency, seen_at, lease) values \
         ('vanished', '0', 1, clock_timestamp() - interval '2 hours', interval '1 hour'), ('old', '0', 1, clock_timestamp(), null)",
    )
    .await;
    let (status, text) = ask(address, "/metrics").await;
    assert_eq!(status, 200);
    let has = |line: &str| assert!(text.lines().any(|other| other == line), "{line} in\n{text}");
    has("fleet_worker_concurrency 3");
    has("fleet_worker_running 1");
    has("fleet_systems 2");
    // One that was not heard of for longer than its lease is not there, and one of an earlier version says nothing of it.
    has("fleet_workers 2");
    has("fleet_runs{state=\"running\"} 1");
    has("fleet_runs{state=\"waiting\"} 1");
    env.target.open();
    env.until_state("b", "complete").await;
    env.until("counted", async |_: &Env| {
        ask(address, "/metrics").await.1.contains("fleet_worker_scans_total{how=\"complete\"} 2")
    })
    .await;
    for path in ["/livez", "/readyz"] {
        assert_eq!(ask(address, path).await.0, 200, "{path}");
    }
    worker.end().await;
    is_understood(&text);
}

/// Has the tool of Prometheus look at a text, where it is installed.
fn is_understood(text: &str) {
    let mut tool = Command::new("promtool");
    let started = tool
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok();
    let Some(mut promtool) = real_part("promtool", started) else { return };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let checked = promtool.wait_with_output().unwrap();
    assert!(
        checked.status.success(),
        "{}{}",
        String::from_utf8_lossy(&checked.stdout),
        String::from_utf8_lossy(&checked.stderr)
    );
}
