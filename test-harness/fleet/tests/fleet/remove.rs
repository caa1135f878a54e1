//! What is taken out of the fleet.

use connector_api::{Edition, ErrorCode, Organization};
use connector_fleet::{Credentials, Which};
use serde_json::Map;

use crate::support::{Env, all_users, schedule};
use crate::toy::registry;

/// Whether a run of a removed system is left.
async fn has_run_without_system(env: &Env) -> bool {
    !env.sql("select 1 from fleet.run where system is null").await.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_of_a_removed_system_stops_and_only_then_passes_on_its_permit_and_its_history_stays() {
    let Some(env) = Env::new().await else { return };
    env.add_named(&["hq", "next"], "acme").await;
    env.fleet.enqueue(Which::Named("hq")).await.unwrap();
    env.target.gate.add_permits(1);
    let worker = env.worker(2).await;
    env.until_state("hq", "complete").await;
    env.fleet.enqueue(Which::Named("hq")).await.unwrap();
    env.until_running(1).await;
    env.fleet.enqueue(Which::Named("next")).await.unwrap();

    let removed = env.fleet.remove(&["hq"]).await.unwrap();
    assert_eq!(
        (&removed.systems[..], removed.cancelled, &removed.kept[..]),
        (&["hq".into()][..], 1, &["hq".into()][..])
    );
    let list = env.fleet.list().await.unwrap();
    assert_eq!(list.iter().map(|system| system.last.system.as_str()).collect::<Vec<_>>(), ["next"]);
    env.until("next", async |env: &Env| env.target.seen().starts.last().unwrap().0 == "next").await;
    // With two places, but one permit.
    assert_eq!(env.target.seen().most, 1);
    env.target.open();
    env.until_state("next", "complete").await;
    env.until("forgotten", async |env: &Env| !has_run_without_system(env).await).await;
    worker.end().await;
    assert_eq!(env.users("hq").await, all_users("hq"));

    // Added again, it goes on with its history.
    env.add_named(&["hq"], "acme").await;
    assert_eq!(env.fleet.enqueue(Which::All).await.unwrap(), 2);
    let worker = env.worker(1).await;
    env.until_state("hq", "complete").await;
    worker.end().await;
    assert_eq!(env.users("hq").await, all_users("hq"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_permit_of_a_removed_system_is_free_when_the_lease_of_its_lost_worker_has_ended() {
    let Some(env) = Env::new().await else { return };
    env.add_named(&["hq", "next"], "acme").await;
    env.fleet.enqueue(Which::Named("hq")).await.unwrap();
    let worker = env.worker(1).await;
    env.until_running(1).await;
    worker.kill().await;
    env.fleet.enqueue(Which::Named("next")).await.unwrap();
    assert_eq!(env.fleet.remove(&["hq"]).await.unwrap().cancelled, 1);
    assert_eq!(env.state("next").await, "waiting");
    env.target.open();
    let worker = env.worker(1).await;
    env.until_state("next", "complete").await;
    worker.end().await;
    assert!(!has_run_without_system(&env).await);
    assert_eq!(env.target.seen().starts.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_system_that_waits_has_no_schedule_and_no_run_any_more() {
    let Some(env) = Env::new().await else { return };
    let mut hourly = env.system("hourly", "acme");
    hourly.schedule = schedule("every 1h");
    env.add(&[env.system("hq", "acme"), hourly]).await;
    assert_eq!(env.fleet.enqueue(Which::All).await.unwrap(), 2);
    let removed = env.fleet.remove(&["hourly", "hq"]).await.unwrap();
    assert_eq!((&removed.systems[..], removed.cancelled), (&["hourly".into(), "hq".into()][..], 2));
    assert!(removed.kept.is_empty());
    for table in ["system", "run", "standing"] {
        assert!(env.sql(&format!("select 1 from fleet.{table}")).await.is_empty(), "{table}");
    }
    let status = env.fleet.status().await.unwrap();
    assert!(status.systems == 0 && status.oldest.is_none() && status.waiting.is_empty(), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_has_is_answered_with_the_nearest_and_nothing_is_removed() {
    let Some(env) = Env::new().await else { return };
    env.add_named(&["hq", "branch"], "acme").await;
    for (wrong, help) in [("brunch", "did you mean branch?"), ("nowhere", "harness fleet list")] {
        let error = env.fleet.remove(&["hq", wrong]).await.unwrap_err();
        assert_eq!(
            (error.code, error.message.as_str()),
            (ErrorCode::InvalidConfig, &*format!("the fleet has no system {wrong}"))
        );
        assert!(error.remedy.contains(help), "{error:?}");
    }
    let error = env.fleet.remove_provider("brunch").await.unwrap_err();
    assert!(error.message.contains("no provider brunch"), "{error:?}");
    let error = env.fleet.remove_credential("acne").await.unwrap_err();
    assert!(error.remedy.contains("acme"), "{error:?}");
    assert_eq!(env.sql("select name from fleet.system order by name").await, ["branch", "hq"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_removed_with_its_systems_which_cannot_be_removed_alone_as_long_as_it_lists_them() {
    let Some(env) = Env::new().await else { return };
    let list = |names: &[&str]| {
        let organizations = names.iter().map(|name| Organization::new(*name, *name, Map::new())).collect();
        *env.target.organizations.lock().unwrap() = organizations;
    };
    let (credentials, _) = Credentials::read(&env.credentials()).unwrap();
    let provider = env.system("msp", "acme");
    let add = async || env.fleet.add_provider(&provider, &credentials, &registry(), Edition::Enterprise).await.unwrap();
    list(&["A", "B", "C"]);
    add().await;
    env.add_named(&["hq"], "acme").await;

    let error = env.fleet.remove(&["msp / A"]).await.unwrap_err();
    assert!(error.message.contains("msp lists msp / A") && error.remedy.contains("--provider \"msp\""), "{error:?}");
    let error = env.fleet.remove(&["msp"]).await.unwrap_err();
    assert!(error.remedy.contains("--provider \"msp\""), "{error:?}");
    // One that is gone does not come back.
    list(&["B", "C"]);
    add().await;
    assert_eq!(env.fleet.remove(&["msp / A"]).await.unwrap().systems, ["msp / A"]);

    assert_eq!(env.fleet.remove_provider("msp").await.unwrap().systems, ["msp / B", "msp / C"]);
    assert_eq!(env.sql("select name from fleet.system").await, ["hq"]);
    assert!(env.sql("select 1 from fleet.provider").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_removed_with_its_cap_once_nothing_uses_it() {
    let Some(env) = Env::new().await else { return };
    env.add_named(&["hq"], "acme").await;
    env.fleet.set_cap("acme", 4).await.unwrap();
    let error = env.fleet.remove_credential("acme").await.unwrap_err();
    assert!(error.code == ErrorCode::InvalidConfig && error.message.starts_with("1 systems"), "{error:?}");
    env.fleet.remove(&["hq"]).await.unwrap();
    env.fleet.remove_credential("acme").await.unwrap();
    assert!(env.sql("select 1 from fleet.credential").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_run_of_a_removed_system_whose_worker_was_lost_keeps_nobody_from_claiming_the_next() {
    let Some(env) = Env::new().await else { return };
    env.add_named(&["hq", "next"], "acme").await;
    env.fleet.set_cap("acme", 2).await.unwrap();
    env.fleet.enqueue(Which::All).await.unwrap();
    // Before anybody could forget it.
    env.sql(
        "update fleet.run set state = 'running', lease = 1, lease_until = now(), system = null, cancel = true \
         where system = (select id from fleet.system where name = 'hq')",
    )
    .await;
    let claimed = env.sql(&include_str!("../../src/claim.sql").replace("$1", "'worker'").replace("$2", "60")).await;
    assert!(claimed.len() == 1 && claimed[0].contains("|next|"), "{claimed:?}");
}
