//! The parts by themselves: `cargo bench -p test-harness --bench micro`.

use std::fs;
use std::sync::Arc;

use axum::extract::Query;
use axum::routing::get;
use axum::{Json, Router};
use connector_api::{
    Account, Connector, ConnectorError, Credential, Edition, Group, Membership, Record, Registry, ScanRequest,
    ScanSink, Section, SystemConfig, async_trait,
};
use connector_host::output::{Destination, Format, Origin};
use connector_jumpcloud::JumpCloud;
use connector_jumpcloud::fuzzing;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use jumpcloud_simulator::{Simulator, SimulatorOptions};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

type Fallible = Result<(), Box<dyn std::error::Error + Send + Sync>>;

fn main() {
    divan::main();
}

/// Takes rows and drops them.
struct Drain;

#[async_trait]
impl ScanSink for Drain {
    async fn records(&self, batch: Vec<Record>) -> Result<(), ConnectorError> {
        drop(black_box(batch));
        Ok(())
    }
}

/// A listing of users who have no more than an id, from a server that does next to nothing: what paging takes.
#[divan::bench(args = [1_000, 10_000], sample_count = 20)]
fn paging(bencher: Bencher<'_, '_>, users: u64) {
    let Ok(runtime) = Runtime::new() else { return };
    let Ok(url) = runtime.block_on(serve_ids(users)) else { return };
    let config = SystemConfig::new("JumpCloud", url, Credential::from_secret("key"));
    let without =
        JumpCloud::describe().sections.into_iter().filter(|one| !one.core).map(|one| one.section).collect::<Vec<_>>();
    let scan = || -> Fallible {
        let connector = Registry::discover()?.connect(config.clone(), Edition::Enterprise)?;
        let request = ScanRequest::default().leaving_out(without.iter().copied());
        let summary = runtime.block_on(connector.scan(request, Arc::new(Drain))).map_err(ConnectorError::from)?;
        assert_eq!(summary.section(Section::USERS).map(|report| report.records), Some(users));
        Ok(())
    };
    bencher
        .counter(ItemsCount::new(users))
        .bench_local(|| scan().map_err(|error| error.to_string()).unwrap_or_else(|error| panic!("{error}")));
}

/// Answers a listing of users, and no groups.
async fn serve_ids(users: u64) -> std::io::Result<String> {
    #[derive(serde::Deserialize)]
    struct Window {
        #[serde(default)]
        skip: u64,
        limit: u64,
    }
    let page = move |Query(Window { skip, limit }): Query<Window>| async move {
        let rows: Vec<_> = (skip..(skip + limit).min(users)).map(|at| json!({"_id": format!("{at:024x}")})).collect();
        Json(json!({"totalCount": users, "results": rows}))
    };
    let router = Router::new()
        .route("/api/systemusers", get(page))
        .route("/api/v2/usergroups", get(async || ([("x-total-count", "0")], Json(json!([])))));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

/// One page of a hundred users as the simulator answers it, and the accounts that they become.
#[divan::bench]
fn parse_users(bencher: Bencher<'_, '_>) {
    let Ok(page) = page(|_| Some("/api/systemusers?sort=_id&limit=100".to_owned())) else { return };
    bencher.counter(BytesCount::of_slice(&page)).bench_local(|| fuzzing::users(black_box(&page)));
}

/// One page of a hundred members.
#[divan::bench]
fn parse_members(bencher: Bencher<'_, '_>) {
    let path = |groups: &Value| Some(format!("/api/v2/usergroups/{}/members?limit=100", groups[0]["id"].as_str()?));
    let Ok(page) = page(path) else { return };
    bencher.counter(BytesCount::of_slice(&page)).bench_local(|| fuzzing::edges(black_box(&page)));
}

/// What the simulator answers to a path, which may depend on its groups.
fn page(path: impl Fn(&Value) -> Option<String>) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        let simulator = Simulator::start(SimulatorOptions { users: 1_000, ..SimulatorOptions::default() }).await?;
        let client = reqwest::Client::new();
        let get = async |path: &str| {
            let url = format!("{}{path}", simulator.url());
            client.get(url).header("x-api-key", simulator.api_key()).send().await?.error_for_status()?.bytes().await
        };
        let groups: Value = serde_json::from_slice(&get("/api/v2/usergroups?limit=1").await?)?;
        Ok(get(&path(&groups).ok_or("there is no group")?).await?.to_vec())
    })
}

/// The state of a checkpoint, read, and its graph walked from every user and group to everything within reach. Groups stand in chains of five; each
/// user is in five groups, each group bound to two devices.
#[divan::bench(args = [100, 1_000, 10_000])]
fn graph(bencher: Bencher<'_, '_>, users: usize) {
    let state = state(users).to_string().into_bytes();
    bencher.counter(ItemsCount::new(users)).bench_local(|| assert!(fuzzing::state_is_good(black_box(&state))));
}

fn state(users: usize) -> Value {
    let groups = users / 10;
    let id = |kind: usize, at: usize| format!("{kind:04x}{at:020x}");
    let mut members = vec![Vec::new(); groups];
    for user in 0..users {
        (0..5).for_each(|step| members[(user + 7 * step) % groups].push(user));
    }
    let members = members.into_iter().enumerate().map(|(group, users)| {
        let inner: Vec<String> = (group % 5 > 0).then(|| id(2, group - 1)).into_iter().collect();
        json!({"users": users, "groups": inner, "others": []})
    });
    let edge = |group: usize, system: usize| json!({"from": {"kind": "UserGroup", "id": id(2, group)}, "to": {"kind": "System", "id": id(3, system)}, "access": "login"});
    json!({
        "people": {
            "ids": (0..users).map(|user| id(1, user)).collect::<Vec<_>>(),
            "names": (0..users).map(|user| format!("user{user}")).collect::<Vec<_>>(),
            "sudo": vec!["login"; users],
            "listed": (0..users).collect::<Vec<_>>(),
            "links": [],
        },
        "found": {
            "groups": {"rows": (0..groups).map(|group| json!({"id": id(2, group), "name": format!("group {group}")})).collect::<Vec<_>>()},
            "memberships": members.collect::<Vec<_>>(),
            "systems": {"devices": (0..2 * groups).map(|system| json!({"id": id(3, system)})).collect::<Vec<_>>()},
            "grants": (0..groups).flat_map(|group| [edge(group, 2 * group), edge(group, 2 * group + 1)]).collect::<Vec<_>>(),
        },
    })
}

/// Paging, parsing, the graph and the rows together: a scan without a process, a file or a network between.
#[divan::bench(args = [100, 1_000, 5_000], sample_count = 10)]
fn scan(bencher: Bencher<'_, '_>, users: u64) {
    let Ok(runtime) = Runtime::new() else { return };
    let options = SimulatorOptions { users, gzip: false, ..SimulatorOptions::default() };
    let Ok(simulator) = runtime.block_on(Simulator::start(options)) else { return };
    let config = SystemConfig::new("JumpCloud", simulator.url(), Credential::from_secret(simulator.api_key()));
    let scan = || -> Fallible {
        let connector = Registry::discover()?.connect(config.clone(), Edition::Enterprise)?;
        runtime.block_on(connector.scan(ScanRequest::default(), Arc::new(Drain))).map_err(ConnectorError::from)?;
        Ok(())
    };
    bencher.counter(ItemsCount::new(users)).bench_local(scan);
}

/// A thousand rows into each form.
#[divan::bench(args = Format::ALL)]
fn output(bencher: Bencher<'_, '_>, format: Format) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let rows = rows();
    let path = folder.path().join("rows");
    let write = || -> Fallible {
        let mut output = Destination::Path(path.clone()).open(format, &Origin::default())?;
        for row in &rows {
            output.record(row)?;
        }
        // Without the end, where the file is made safe on the disk, which is the disk's time.
        drop(output);
        Ok(())
    };
    bencher.counter(ItemsCount::new(rows.len())).bench_local(write);
    let _ = fs::remove_dir_all(path);
}

fn rows() -> Vec<Record> {
    let account = |at: usize| {
        let mut row = Account::new(format!("{at:024x}"), format!("user{at}"));
        row.display_name = Some(format!("Üser Number {at}"));
        row.email = Some(format!("user{at}@northwind.example"));
        row.enabled = Some(true);
        row.attributes = (0..40).map(|field| (format!("field{field}"), "some value".into())).collect();
        row
    };
    let everybody = Group::new(format!("{:024x}", 7), "JUMPCLOUD_USER_GROUP", "Everybody");
    (0..500)
        .map(account)
        .flat_map(|account| {
            let membership = Membership::new(&account, &everybody);
            [Record::from(account), Record::from(membership)]
        })
        .collect()
}
