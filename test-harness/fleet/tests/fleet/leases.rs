//! Workers that end, vanish or lose their leases.

use std::time::Duration;

use connector_api::ErrorCode;
use connector_fleet::Which;

use crate::support::{Env, all_users};
use crate::toy::USERS;

/// A scan that is half way, and its worker.
async fn half_way() -> Option<(Env, crate::support::RunningWorker)> {
    let env = Env::new().await?;
    env.add_named(&["hq"], "acme").await;
    env.fleet.enqueue(Which::All).await.unwrap();
    let worker = env.worker(1).await;
    env.until_running(1).await;
    // The first heartbeat after the checkpoint: it is safe.
    env.until("staged", async |env: &Env| !env.sql("select 1 from checkpoint").await.is_empty()).await;
    Some((env, worker))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_ends_gives_its_scan_back_and_another_goes_on_from_what_was_staged() {
    let Some((env, worker)) = half_way().await else { return };
    worker.end().await;
    assert_eq!(env.state("hq").await, "queued");
    env.target.open();
    let other = env.worker(1).await;
    env.until_state("hq", "complete").await;
    other.end().await;
    assert_eq!(env.target.seen().starts, [("hq".to_owned(), 0), ("hq".to_owned(), u64::from(USERS / 2))]);
    assert_eq!(env.users("hq").await, all_users("hq"));
    assert_eq!(env.sql("select attempt, retries from fleet.run").await, ["2|0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scan_of_a_worker_that_vanished_goes_on_elsewhere_once_its_lease_has_ended() {
    let Some((env, worker)) = half_way().await else { return };
    worker.kill().await;
    let other = env.worker(1).await;
    env.target.open();
    env.until_state("hq", "complete").await;
    other.end().await;
    assert_eq!(env.target.seen().starts, [("hq".to_owned(), 0), ("hq".to_owned(), u64::from(USERS / 2))]);
    assert_eq!(env.users("hq").await, all_users("hq"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_worker_scanned_goes_on_elsewhere_within_its_lease_and_two_heartbeats() {
    let Some(env) = Env::new().await else { return };
    // Long enough that a slow machine is late by less than the heartbeat that is left.
    let lease = Duration::from_secs(9);
    let options = || {
        let mut options = env.options(3);
        options.lease = lease;
        options
    };
    let names = ["a", "b", "c"];
    env.fleet.set_cap("acme", 3).await.unwrap();
    env.add_named(&names, "acme").await;
    env.fleet.enqueue(Which::All).await.unwrap();
    let worker = env.worker_with(options()).await;
    env.until_running(3).await;
    let other = env.worker_with(options()).await;
    env.until("two workers", async |env: &Env| env.sql("select 1 from fleet.worker").await.len() == 2).await;
    worker.kill().await;
    // By the clock of the database, as all times of runs are.
    env.sql("create table lost as select clock_timestamp() as at").await;
    let again =
        "select extract(epoch from started_at - at) from fleet.run, lost where state = 'running' and attempt = 2";
    env.until("gone on", async |env: &Env| env.sql(again).await.len() == names.len()).await;
    let limit = lease + 2 * (lease / 6);
    for waited in env.sql(again).await {
        assert!(waited.parse::<f64>().unwrap() <= limit.as_secs_f64(), "{waited} s, and at most {limit:?}");
    }
    env.target.open();
    for name in names {
        env.until_state(name, "complete").await;
    }
    other.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_lease_has_ended_publishes_nothing_even_if_nobody_took_it() {
    let Some((env, worker)) = half_way().await else { return };
    // The worker is busy with it, so it cannot claim it.
    env.sql("update fleet.run set lease_until = clock_timestamp() - interval '1 second'").await;
    env.target.open();
    env.until("complete", async |env: &Env| {
        env.sql("update fleet.run set not_before = clock_timestamp() where state = 'waiting'").await;
        env.state("hq").await == "complete"
    })
    .await;
    worker.end().await;
    // The first scan read all of it, and was not published: the run was claimed again.
    assert_eq!(env.sql("select attempt from fleet.run").await, ["2"]);
    assert_eq!(env.sql("select count(*) from run where state = 'published'").await, ["1"]);
    assert_eq!(env.users("hq").await, all_users("hq"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_lease_stops_within_a_heartbeat() {
    let Some((env, worker)) = half_way().await else { return };
    // Somebody else has it, for long.
    env.sql("update fleet.run set lease = lease + 1000, lease_until = clock_timestamp() + interval '1 hour', worker = 'other'")
        .await;
    env.until_running(0).await;
    worker.end().await;
    assert_eq!(env.sql("select state, worker from fleet.run").await, ["running|other"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_store_a_later_version_has_changed_gives_its_scans_back_and_ends() {
    let Some((env, worker)) = half_way().await else { return };
    env.sql("insert into migration (version, name) values (999, 'of a later version')").await;
    env.target.open();
    let error = worker.failed().await;
    assert!(error.code == ErrorCode::InvalidConfig && error.message.contains("version 999"), "{error}");
    assert_eq!(env.sql("select state, retries, code from fleet.run").await, ["queued|0|"]);
    env.sql("delete from migration where version = 999").await;
    let other = env.worker(1).await;
    env.until_state("hq", "complete").await;
    other.end().await;
    assert_eq!(env.users("hq").await, all_users("hq"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_takes_too_long_ends_and_the_next_goes_on() {
    let Some(env) = Env::new().await else { return };
    env.add_named(&["hq"], "acme").await;
    env.fleet.enqueue(Which::All).await.unwrap();
    let mut options = env.options(1);
    options.time_limit = Duration::from_millis(1);
    let worker = env.worker_with(options).await;
    env.until_state("hq", "waiting").await;
    worker.end().await;
    assert_eq!(env.sql("select code, retries from fleet.run").await, ["timeout|1"]);
    env.sql("update fleet.run set not_before = clock_timestamp()").await;
    env.target.open();
    let worker = env.worker(1).await;
    env.until_state("hq", "complete").await;
    worker.end().await;
    assert_eq!(env.users("hq").await, all_users("hq"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_are_terminated_cost_no_run() {
    let Some(env) = Env::new().await else { return };
    let names: Vec<String> = (0..12).map(|at| format!("s{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    env.fleet.set_cap("acme", 12).await.unwrap();
    env.add_named(&names, "acme").await;
    env.fleet.enqueue(Which::All).await.unwrap();
    let worker = env.worker(4).await;
    env.until_running(4).await;
    for _ in 0..5 {
        let terminate = "select pg_terminate_backend(pid) from pg_stat_activity \
                         where datname = current_database() and pid <> pg_backend_pid()";
        env.sql(terminate).await;
        env.target.gate.add_permits(2);
        // Those that failed because of it need not wait.
        env.sql("update fleet.run set not_before = clock_timestamp() where state = 'waiting'").await;
        env.until_running(4).await;
    }
    env.target.open();
    env.until("all complete", async |env: &Env| {
        env.sql("update fleet.run set not_before = clock_timestamp() where state = 'waiting'").await;
        env.sql("select 1 from fleet.last_run where state = 'complete'").await.len() == 12
    })
    .await;
    worker.end().await;
    for name in names {
        assert_eq!(env.users(name).await, all_users(name));
    }
    assert_eq!(env.target.seen().most, 4);
}
