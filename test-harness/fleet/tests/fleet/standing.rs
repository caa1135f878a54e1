//! How systems stand, which triggers keep.

use std::sync::atomic::Ordering;

use connector_api::{ConnectorError, ErrorCode};
use connector_fleet::{Fleet, Which, Worker};
use connector_store::Store;

use crate::metrics::ask;
use crate::support::{Env, schedule};
use crate::toy::USERS;

/// The tables of the first version, and what a worker of it left in them.
const FIRST: &str = "drop schema fleet cascade; create schema fleet; \
    create table fleet.migration (version integer primary key, name text not null, oldest integer not null, \
    at timestamptz not null default clock_timestamp()); \
    insert into fleet.migration (version, name, oldest) values (1, 'fleet', 1);";
const LEFT: &str = "insert into fleet.credential (name) values ('acme'); \
    insert into fleet.system (name, os_type, hostname, credential, priority) \
    select name, 'Toy', 'toy', 'acme', 1 from unnest(array['new', 'well', 'ill', 'busy']) name; \
    insert into fleet.run (system, credential, priority, state, requested_at, ended_at) \
    select s.id, 'acme', 1, r.state, r.at, case when r.state <> 'waiting' then r.at end from fleet.system s join (values \
    ('well', 'failed', timestamptz '2026-03-01Z'), ('well', 'complete', '2026-03-02Z'), ('ill', 'complete', '2026-03-03Z'), \
    ('ill', 'failed', '2026-03-04Z'), ('busy', 'complete', '2026-03-05Z'), ('busy', 'waiting', '2026-03-06Z') \
    ) r (name, state, at) on r.name = s.name order by r.at";

#[tokio::test(flavor = "multi_thread")]
async fn systems_of_an_earlier_version_stand_as_their_runs_say() {
    let Some(env) = Env::new().await else { return };
    env.sql(FIRST).await;
    env.sql(include_str!("../../migrations/0001_fleet.sql")).await;
    env.sql(LEFT).await;
    Fleet::init(&env.location).await.unwrap();
    let stands = "select name, state, ended_at at time zone 'UTC', scanned_at at time zone 'UTC' from fleet.last_run order by name";
    let expected = [
        "busy|waiting||2026-03-05 00:00:00",
        "ill|failed|2026-03-04 00:00:00|2026-03-03 00:00:00",
        "new|||",
        "well|complete|2026-03-02 00:00:00|2026-03-02 00:00:00",
    ];
    assert_eq!(env.sql(stands).await, expected);
    let status = env.fleet.status().await.unwrap();
    let of = |state: &str| status.runs.get(state).copied();
    assert_eq!(
        (status.systems, of("waiting"), of("never"), of("failed"), of("complete")),
        (4, Some(1), Some(1), Some(1), Some(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_stands_as_its_last_run_and_the_one_without_a_complete_scan_for_longest_is_named() {
    let Some(env) = Env::new().await else { return };
    let with = |name| {
        let mut system = env.system(name, "acme");
        system.schedule = schedule("every 1d");
        system
    };
    env.add(&[with("first"), with("second")]).await;
    env.add_named(&["by-hand"], "acme").await;
    let oldest = async || env.fleet.status().await.unwrap().oldest.unwrap().system;
    assert_eq!(oldest().await, "first");
    env.target.open();
    let worker = env.worker(1).await;
    env.fleet.enqueue(Which::Named("first")).await.unwrap();
    env.until_state("first", "complete").await;
    assert_eq!(oldest().await, "second");
    let scanned = env.fleet.list().await.unwrap()[1].scanned_at.unwrap();
    env.target.fail(ConnectorError::new(ErrorCode::ServerError, "it is down", "wait"));
    env.fleet.enqueue(Which::Named("first")).await.unwrap();
    env.until_state("first", "failed").await;
    worker.end().await;
    let first = env.fleet.list().await.unwrap().remove(1);
    assert_eq!((first.last.state.as_deref(), first.scanned_at), (Some("failed"), Some(scanned)));
    assert_eq!(env.fleet.status().await.unwrap().failed[0].system, "first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_held_is_complete_wherever_it_is_shown_once_somebody_has_accepted_it() {
    let Some(env) = Env::new().await else { return };
    let with = |name| {
        let mut system = env.system(name, "acme");
        system.schedule = schedule("every 1d");
        system
    };
    env.add(&[with("hq"), with("branch")]).await;
    env.target.open();
    let mut options = env.options(1);
    options.listen = Some(([127, 0, 0, 1], 0).into());
    let worker = Worker::new(options).await.unwrap();
    let address = worker.address().unwrap();
    let worker = Env::run(worker);
    for name in ["hq", "branch"] {
        env.fleet.enqueue(Which::Named(name)).await.unwrap();
        env.until_state(name, "complete").await;
    }
    env.target.gone.store(USERS / 2, Ordering::Relaxed);
    env.fleet.enqueue(Which::Named("hq")).await.unwrap();
    env.until_state("hq", "held").await;
    let counted =
        async |line: &str| assert!(ask(address, "/metrics").await.1.lines().any(|other| other == line), "{line}");
    let status = env.fleet.status().await.unwrap();
    assert_eq!((status.runs["held"], status.held.len(), status.oldest.unwrap().system.as_str()), (1, 1, "hq"));
    counted("fleet_systems_held 1").await;
    let held = env.fleet.list().await.unwrap().remove(1).last;
    assert_eq!(held.state.as_deref(), Some("held"));

    let (location, run) = (env.location.clone(), held.store_run.unwrap());
    let accept = move || {
        let mut store = Store::open(&location).unwrap();
        let system = store.systems().unwrap().into_iter().find(|system| system.name == "hq").unwrap();
        store.accept(&system, run.into()).unwrap();
    };
    tokio::task::spawn_blocking(accept).await.unwrap();
    let status = env.fleet.status().await.unwrap();
    assert_eq!((status.runs.get("held"), status.runs["complete"], status.held.len()), (None, 2, 0));
    // Its last complete scan is later than that of the other now.
    assert_eq!(status.oldest.unwrap().system, "branch");
    counted("fleet_systems_held 0").await;
    let accepted = env.fleet.list().await.unwrap().remove(1);
    assert_eq!((accepted.last.state.as_deref(), accepted.scanned_at), (Some("complete"), held.ended_at));
    worker.end().await;
}
