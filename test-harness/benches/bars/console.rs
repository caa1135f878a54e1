//! The page: how fast it shows what it shows, and what watching costs a scan.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use connector_api::{
    CancellationToken, Credential, Edition, Reason, ReasonKind, Record, Registry, Severity, SystemConfig,
};
use connector_console::{Console, Server, Settings};
use connector_host::stored_system::{PASSWORD, SecretSource, Secrets, StoredSystem};
use connector_host::systems::Systems;
use connector_store::Location;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use jumpcloud_simulator::{Simulator, SimulatorOptions};
use rusqlite::Connection;

use crate::bar::{Bar, Bound};
use crate::store::organisation::{DAY, DEVICE_TYPE, GROUP_TYPE, Organisation, SYSTEM, account_id, device_id, group_id};
use crate::{Result, Setup, median};

/// One in how many accounts holds privileges.
const PRIVILEGED: u32 = 20;
/// How often a page, and the query that it is compared with, is asked for.
const ASKED: u32 = 21;
/// How many times fewer users the organisation has that pages must not be much faster with.
const FEWER: u32 = 20;
/// What the names of lists begin with.
const LIST: &str = "list ";
/// Those who watch a scan.
const WATCHERS: usize = 50;
/// How often the watched scan is made, with them and without.
const SCANS: usize = 5;

pub(crate) async fn measure(setup: &Setup) -> Result<Vec<Bar>> {
    let users = if setup.quick { 20_000 } else { 1_000_000 };
    let (few, many) = (pages(users / FEWER).await?, pages(users).await?);
    let mut bars = Vec::new();
    for ((name, of_many), (_, of_few)) in many.times.iter().zip(&few.times) {
        if name.starts_with(LIST) {
            let title = format!("page, {name}: {users} users, against 50 rows by an index");
            bars.push(Bar::new(title, *of_many, many.query, "ms", Bound::AtMost(20.0)));
        }
        let title = format!("page, {name}: {users} users, against {}", users / FEWER);
        bars.push(Bar::new(title, *of_many, *of_few, "ms", Bound::AtMost(2.0)));
    }
    bars.push(watchers(if setup.quick { 2_000 } else { 20_000 }).await?);
    Ok(bars)
}

/// Times of first pages, in milliseconds.
struct Pages {
    /// That of one query for 50 rows by an index.
    query: f64,
    times: Vec<(&'static str, f64)>,
}

/// The first page of everything.
async fn pages(users: u32) -> Result<Pages> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("store.db");
    let location = Location::sqlite(&file);
    let kept = location.clone();
    tokio::task::spawn_blocking(move || -> Result<()> {
        let organisation = Organisation { users };
        for time in [0, DAY] {
            organisation.keep_as(&kept, time, &privileged)?;
        }
        Ok(())
    })
    .await??;
    let mut queries = tokio::task::spawn_blocking(move || query(&file, users)).await??;
    let query = median(&mut queries);
    let page = Page::of(location, Systems::in_memory()).await?;
    let (account, group, device) = (account_id(users / 2), group_id(0), device_id(0));
    let mut pages = Pages { query, times: Vec::new() };
    for (name, path) in [
        ("list of systems", "/".to_owned()),
        ("list of privileged accounts", "/privileged".to_owned()),
        ("list of findings", "/findings".to_owned()),
        ("charts", "/charts".to_owned()),
        ("list that search finds", "/search?q=user12".to_owned()),
        ("an account", format!("/account?id={account}")),
        ("the group of everybody", format!("/group?type={GROUP_TYPE}&id={group}")),
        ("the device of everybody", format!("/resource?type={DEVICE_TYPE}&id={device}")),
    ] {
        let mut times = Vec::new();
        for _ in 0..ASKED {
            let began = Instant::now();
            page.get(&path).await?;
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        pages.times.push((name, median(&mut times)));
    }
    Ok(pages)
}

fn privileged(mut record: Record) -> Record {
    if let Record::Account(account) = &mut record
        && u32::from_str_radix(&account.external_id, 16).is_ok_and(|id| id.is_multiple_of(PRIVILEGED))
    {
        let why = "is in a privileged group";
        account.reasons =
            vec![Reason::new("privileged_group", ReasonKind::Privilege, Severity::High, why, "check who needs this")];
    }
    record
}

/// Milliseconds for 50 accounts by their index, from places spread over it.
fn query(file: &std::path::Path, users: u32) -> Result<Vec<f64>> {
    let connection = Connection::open(file)?;
    let mut statement = connection.prepare(
        "select v.body from object o join account_version v on v.object = o.id and v.to_run is null \
         where o.system = 1 and o.kind = 'account' and o.type = '' and o.external_id >= ?1 order by o.external_id limit 50",
    )?;
    let mut times = Vec::new();
    for turn in 0..ASKED {
        let began = Instant::now();
        let bodies = statement.query_map([account_id(users / (ASKED + 1) * turn)], |row| row.get::<_, String>(0))?;
        let read: usize = bodies.map(|body| body.map(|body| body.len())).sum::<std::result::Result<_, _>>()?;
        if read == 0 {
            return Err("the query finds nothing".into());
        }
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times)
}

/// How long a scan takes that somebody watches, and that many watch, in turn.
async fn watchers(users: u64) -> Result<Bar> {
    let simulator = Simulator::start(SimulatorOptions { users, ..SimulatorOptions::default() }).await?;
    let config = SystemConfig::new("JumpCloud", simulator.url(), Credential::default()).with_name(SYSTEM);
    let secrets = BTreeMap::from([(PASSWORD.to_owned(), SecretSource::Entered)]);
    let systems = Systems::in_memory();
    let entered = Secrets::from([(PASSWORD.to_owned(), simulator.api_key().into())]);
    systems.save(StoredSystem { config, secrets }, entered)?;
    let folder = tempfile::tempdir()?;
    let page = Page::of(Location::sqlite(folder.path().join("store.db")), systems).await?;
    // The first one has everything to keep.
    page.scan(1).await?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..SCANS {
        without.push(page.scan(1).await?.as_secs_f64());
        with.push(page.scan(1 + WATCHERS).await?.as_secs_f64());
    }
    let name = format!("a scan of {users} users that {WATCHERS} more watch");
    Ok(Bar::new(name, median(&mut with), median(&mut without), "s", Bound::AtMost(1.05)))
}

/// A page on loopback, and somebody who is signed in.
struct Page {
    base: String,
    client: reqwest::Client,
    cookie: String,
    cancel: CancellationToken,
}

impl Drop for Page {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Page {
    async fn of(location: Location, systems: Systems) -> Result<Self> {
        let server = Server::listen("127.0.0.1:0".parse()?).await?;
        let (address, cancel) = (server.address(), CancellationToken::new());
        let (announce, announced) = channel();
        let console = Console::new(Settings {
            location,
            registry: Registry::discover()?,
            edition: Edition::Enterprise,
            systems,
            address,
            hosts: Vec::new(),
            clock: Timestamp::now,
            announce: Box::new(move |address| drop(announce.send(address.to_owned()))),
        });
        tokio::spawn(server.serve(console.router(), cancel.clone()));
        // The scanned connector may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()?;
        let entered = client.get(announced.recv()?).send().await?;
        let cookie = entered.headers().get("set-cookie").ok_or("no cookie")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(Self { base: format!("http://{address}"), client, cookie, cancel })
    }

    async fn get(&self, path: &str) -> Result<String> {
        let answer = self.client.get(format!("{}{path}", self.base)).header("cookie", &self.cookie).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    /// Scans the system with this number of people who watch. Returns the time until they have seen the end.
    async fn scan(&self, watchers: usize) -> Result<Duration> {
        let systems = self.get("/").await?;
        let token = systems.split("name=\"form-token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let fields = [("form-token", token.ok_or("no token")?), ("system", SYSTEM)];
        let began = Instant::now();
        let post = self.client.post(format!("{}/scan", self.base)).header("cookie", &self.cookie);
        let started = post.header("origin", &self.base).form(&fields).send().await?;
        if started.status() != 303 {
            return Err(started.text().await?.into());
        }
        let events = format!("/scan/events?system={SYSTEM}");
        let seen = try_join_all((0..watchers).map(|_| self.get(&events))).await?;
        let took = began.elapsed();
        if seen.iter().any(|events| !events.trim_end().ends_with("event: end\ndata: over")) {
            return Err("somebody has not seen the end".into());
        }
        Ok(took)
    }
}
