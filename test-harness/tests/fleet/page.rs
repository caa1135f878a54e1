//! The page of the fleet, as `harness serve` shows it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use jumpcloud_simulator::{Simulator, SimulatorOptions};
use reqwest::Response;
use reqwest::redirect::Policy;
use serde_json::Value;

use crate::cluster;
use crate::fleet::{Fleet, PATIENCE, sql};
use crate::support::{Running, harness, run};

/// The name of a system that means harm, and how it is shown.
const ODD: &str = "<script>alert(1)</script>";
const ODD_SHOWN: &str = "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>";

const ENTRY: &str = "<a href=\"/fleet\">Fleet</a>";

/// A server of the page of a store, with somebody who is signed in.
struct Site {
    server: Running,
    client: reqwest::Client,
    base: String,
    cookie: String,
}

impl Site {
    async fn of(store: &str) -> Self {
        // It may be installed by another test already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut serve = harness(["serve"]);
        let mut server = Running(serve.env("ORBISID_STORE", store).stdout(Stdio::piped()).spawn().unwrap());
        let lines = BufReader::new(server.0.stdout.take().unwrap()).lines().map(Result::unwrap);
        let address =
            lines.filter_map(|line| Some(line.strip_prefix("To sign in, open: ")?.to_owned())).next().unwrap();
        let client = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        let entered = client.get(&address).send().await.unwrap();
        let cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let base = address.split("/sign-in").next().unwrap().to_owned();
        Self { server, client, base, cookie }
    }

    async fn send(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.base)).header("cookie", &self.cookie).send().await.unwrap()
    }

    /// The status and the text of a page.
    async fn page(&self, path: &str) -> (u16, String) {
        let answer = self.send(path).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Follows the fleet.
    async fn follow(&self) -> Followed {
        let events = self.send("/fleet/events").await;
        assert_eq!(events.headers()["content-type"], "text/event-stream");
        Followed { events, text: String::new() }
    }

    fn is_running(&mut self) -> bool {
        self.server.0.try_wait().unwrap().is_none()
    }
}

/// What the server sends by itself.
struct Followed {
    events: Response,
    text: String,
}

impl Followed {
    /// Waits until a text was sent, and forgets what came before.
    async fn until(&mut self, text: &str) {
        let reading = async {
            while !self.text.contains(text) {
                let bytes = self.events.chunk().await.unwrap().expect("more events");
                self.text.push_str(&String::from_utf8_lossy(&bytes));
            }
        };
        assert!(tokio::time::timeout(PATIENCE, reading).await.is_ok(), "never {text:?}: {}", self.text);
        self.text.clear();
    }
}

async fn console(users: u64, latency: Duration) -> Simulator {
    let options = SimulatorOptions { users, groups: 4, systems: 4, latency, ..SimulatorOptions::default() };
    Simulator::start(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_each_state_of_a_run_and_follows_it() {
    let Some(fleet) = Fleet::new() else { return };
    let (before, after) = (console(60, Duration::ZERO).await, console(20, Duration::ZERO).await);
    // Its scan lasts longer than the test.
    let slow = console(2_000, Duration::from_secs(1)).await;
    let keys = [("before", before.api_key()), ("after", after.api_key()), ("slow", slow.api_key()), ("wrong", "5f3a")];
    fleet.credentials(&keys);
    let add = |name: &str, console: &Simulator, credential: &str| {
        let url = console.url();
        fleet.json(&["add", name, "--hostname", &url, "--credential", credential, "--schedule", "every 24h"]);
        fleet.json(&["enqueue", name]);
    };
    let _worker = fleet.worker("log", &["--lease", "2s"]);
    add(ODD, &before, "before");
    fleet.until("complete", |status| status["runs"]["complete"] == 1);
    add(ODD, &after, "after");
    add("locked-out", &before, "wrong");
    add("first", &slow, "slow");
    add("second", &slow, "slow");
    let status = fleet.until("in each state", |status| {
        let has_one = |state: &str| status["runs"][state] == 1;
        let sections = status["running"][0]["progress"].as_object();
        let is_reading = |section: &Value| section["stage"] == "reading" && section["expected"].as_u64() > Some(0);
        let is_reading = sections.is_some_and(|all| all.values().any(is_reading));
        ["held", "failed", "running", "waiting"].into_iter().all(has_one) && is_reading
    });
    fleet.sql("update fleet.run set message = 'it said <img src=x onerror=alert(2)>' where state = 'failed'");

    fleet.sql(
        "insert into fleet.worker (name, version, concurrency, seen_at, lease) \
         values ('vanished', '0', 1, clock_timestamp() - interval '2 hours', interval '1 hour')",
    );

    let site = Site::of(&fleet.url).await;
    let (_, systems) = site.page("/").await;
    assert!(systems.contains(ENTRY), "{systems}");
    let (code, page) = site.page("/fleet").await;
    assert_eq!(code, 200, "{page}");
    let (worker, remedy) = (&status["workers"][0]["name"], &status["failed"][0]["remedy"]);
    let decide = "href=\"/scan?system=%3Cscript%3Ealert%281%29%3C%2Fscript%3E\"";
    for shown in [
        "4 systems. 2 need you: 1 scan is held, 1 failed.",
        "1 running, 0 queued, 1 waiting",
        "0 complete, 1 held, 1 failed, 0 cancelled",
        ODD_SHOWN,
        decide,
        // It was scanned before the others were added.
        &format!("<dt>Oldest scan</dt><dd>{ODD_SHOWN}, last complete on <time"),
        "It said &lt;img src=x onerror=alert(2)&gt;. <code>unauthorized</code>",
        // As a sentence, so its first letter is another one.
        &remedy.as_str().unwrap()[1..],
        "<bdi>first</bdi>",
        "<progress max=",
        "<bdi>slow</bdi>",
        "data-label=\"Waiting\">1</td>",
        "data-label=\"In use\">1</td>",
        "data-label=\"At most\">1</td>",
        worker.as_str().unwrap(),
        "<bdi>vanished</bdi>",
        "sse-connect=\"/fleet/events\"",
    ] {
        assert!(page.contains(shown), "no {shown:?} in {page}");
    }
    let rows = page.split("<tr").filter(|row| row.contains("data-label=\"Heartbeat\""));
    let lost: Vec<bool> = rows.map(|row| row.contains("Lost")).collect();
    assert_eq!(lost, [true, false], "{page}");
    let text = fleet.run(&["status"]);
    assert!(text.stdout.starts_with("4 systems, 1 worker (1 lost) at "), "{text:?}");
    for raw in ["<script>", "<img", "<bdi></bdi>", "<bdi>second</bdi>"] {
        assert!(!page.contains(raw), "{raw:?} in {page}");
    }
    let (code, scan) = site.page(&decide["href=\"".len()..decide.len() - 1]).await;
    assert!(code == 200 && scan.contains("Accept and remove"), "{code}: {scan}");

    let mut followed = site.follow().await;
    followed.until("event: said\ndata: 4 systems. 2 need you: 1 scan is held, 1 failed.").await;
    let held = status["held"][0]["storeRun"].to_string();
    let accepted = run(harness(["accept", &held, "--name", ODD]).env("ORBISID_STORE", &fleet.url));
    assert_eq!(accepted.code, 0, "{accepted:?}");
    followed.until("event: said\ndata: 4 systems. 1 needs you: 1 failed.").await;
    assert_eq!(fleet.json(&["cancel", "--all"])["cancelled"], 2);
    followed.until("0 running, 0 queued, 0 waiting").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_is_found_when_it_is_there_and_its_database_may_go_and_come_back() {
    let Some(url) = cluster::database() else { return };
    let mut site = Site::of(&url).await;
    assert!(!site.page("/").await.1.contains(ENTRY));
    let (code, none) = site.page("/fleet").await;
    assert!(code == 404 && none.contains("harness fleet init --store"), "{code}: {none}");
    let fleet = Fleet::at(url.clone());
    let (code, empty) = site.page("/fleet").await;
    assert!(code == 200 && empty.contains("The fleet has no system yet"), "{code}: {empty}");
    assert!(site.page("/").await.1.contains(ENTRY));

    let mut followed = site.follow().await;
    followed.until("The fleet has no system yet").await;
    let (server, name) = url.rsplit_once('/').unwrap();
    let server = format!("{server}/postgres");
    sql(&server, &format!("drop database {name} with (force)"));
    followed.until("The state of the fleet cannot be read.").await;
    let (code, gone) = site.page("/fleet").await;
    assert!(code != 200 && gone.contains("role=\"alert\"") && gone.contains(name), "{code}: {gone}");
    sql(&server, &format!("create database {name}"));
    assert_eq!(site.page("/fleet").await.0, 404);
    fleet.json(&["init"]);
    followed.until("The fleet has no system yet").await;
    assert_eq!(site.page("/fleet").await.0, 200);
    // However many look, one connection is enough. The pages of the store have none since it is gone.
    let pages: Vec<_> = (0..20).map(|_| site.page("/fleet")).collect();
    for (code, page) in futures_util::future::join_all(pages).await {
        assert_eq!(code, 200, "{page}");
    }
    let sessions = format!("select count(*) from pg_stat_activity where datname = '{name}'");
    assert_eq!(sql(&server, &sessions), ["1"]);
    assert!(site.is_running());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_a_file_has_no_fleet() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| format!("sqlite:{}", Path::new(folder.path()).join(name).display());
    let site = Site::of(&file("store.db")).await;
    assert!(!site.page("/").await.1.contains(ENTRY));
    let (code, page) = site.page("/fleet").await;
    assert!(code == 404 && page.contains("a fleet needs a PostgreSQL database"), "{code}: {page}");
    assert!(page.contains("--store postgres://USER@HOST/DATABASE"), "{page}");
}
