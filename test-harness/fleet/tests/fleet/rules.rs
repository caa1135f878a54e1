//! What is scanned, when, and how many at a time.

use connector_api::{ConnectorError, Credential, Edition, ErrorCode, Retry, SystemConfig};
use connector_fleet::{Credentials, Fleet, Which};

use crate::support::{Env, KEY, all_users};
use crate::toy::registry;

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_is_requested_is_scanned_into_the_store_once_at_a_time() {
    let Some(env) = Env::new().await else { return };
    env.add_named(&["hq"], "acme").await;
    assert_eq!(env.fleet.enqueue(Which::Named("hq")).await.unwrap(), 1);
    assert_eq!(env.fleet.enqueue(Which::Named("hq")).await.unwrap(), 0);
    assert_eq!(env.fleet.enqueue(Which::All).await.unwrap(), 0);
    let worker = env.worker(4).await;
    env.until_running(1).await;
    assert_eq!(env.fleet.enqueue(Which::Named("hq")).await.unwrap(), 0);
    env.target.open();
    env.until_state("hq", "complete").await;
    assert_eq!(env.users("hq").await, all_users("hq"));
    assert_eq!(env.fleet.enqueue(Which::Named("hq")).await.unwrap(), 1);
    env.until("twice", async |env: &Env| env.sql("select 1 from fleet.run where state = 'complete'").await.len() == 2)
        .await;
    worker.end().await;
    assert_eq!(env.target.seen().most, 1);
    assert_eq!(env.sql("select 1 from fleet.worker").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_scans_use_a_credential_at_a_time_than_its_cap_says() {
    let Some(env) = Env::new().await else { return };
    env.fleet.set_cap("acme", 2).await.unwrap();
    env.add_named(&["a", "b", "c", "d", "e"], "acme").await;
    assert_eq!(env.fleet.enqueue(Which::All).await.unwrap(), 5);
    let (first, second) = (env.worker(3).await, env.worker(3).await);
    env.until_running(2).await;
    env.until("two workers", async |env: &Env| env.sql("select 1 from fleet.worker").await.len() == 2).await;
    let status = env.fleet.status().await.unwrap();
    let waiting = &status.waiting[0];
    assert_eq!((waiting.credential.as_str(), waiting.cap, waiting.in_use, waiting.runs), ("acme", 2, 2, 3));
    assert_eq!((status.running.len(), status.workers.len(), status.runs["waiting"]), (2, 2, 3));
    // One more permit at once.
    env.fleet.set_cap("acme", 3).await.unwrap();
    env.until_running(3).await;
    env.target.open();
    for system in ["a", "b", "c", "d", "e"] {
        env.until_state(system, "complete").await;
    }
    first.end().await;
    second.end().await;
    assert_eq!(env.target.seen().most, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lowest_priority_comes_first_and_a_negative_one_only_by_hand() {
    let Some(env) = Env::new().await else { return };
    let with = |name, priority| {
        let mut system = env.system(name, "acme");
        system.priority = Some(priority);
        system
    };
    env.add(&[with("last", 500), with("never", -1), with("second", 10), with("first", 0)]).await;
    assert_eq!(env.fleet.enqueue(Which::All).await.unwrap(), 3);
    env.target.open();
    let worker = env.worker(1).await;
    env.until_state("last", "complete").await;
    assert_eq!(env.state("never").await, "");
    assert_eq!(env.fleet.enqueue(Which::Named("never")).await.unwrap(), 1);
    env.until_state("never", "complete").await;
    worker.end().await;
    // The first that was requested got the permit before the others were there.
    let order: Vec<String> = env.target.seen().starts.into_iter().map(|(system, _)| system).collect();
    assert_eq!(order, ["first", "second", "last", "never"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connectors_error_decides_whether_a_run_is_tried_again() {
    let Some(env) = Env::new().await else { return };
    env.add_named(&["hq"], "acme").await;
    env.target.open();
    let error = |retry| ConnectorError::new(ErrorCode::ServerError, "it is down", "wait").with_retry(retry);
    env.target.fail(error(Retry::Later));
    env.target.fail(error(Retry::After { seconds: 7200 }));
    env.target.fail(error(Retry::Never));
    env.fleet.enqueue(Which::All).await.unwrap();
    let worker = env.worker(1).await;
    let wait = "select round(extract(epoch from not_before - clock_timestamp())), code, message, remedy, retries \
                from fleet.run where state = 'waiting'";
    for (retries, least, most) in [(1, 15, 38), (2, 7190, 7921)] {
        env.until("waiting", async |env: &Env| {
            env.sql(wait).await.iter().any(|row| row.ends_with(&format!("|{retries}")))
        })
        .await;
        let row = env.sql(wait).await.remove(0);
        let (seconds, rest) = row.split_once('|').unwrap();
        assert!((least..=most).contains(&seconds.parse::<i64>().unwrap()), "{row}");
        assert_eq!(rest, format!("server_error|it is down|wait|{retries}"));
        // Meanwhile its credential is free.
        assert_eq!(env.sql("select 1 from fleet.run where state in ('queued', 'running')").await.len(), 0);
        env.sql("update fleet.run set not_before = clock_timestamp()").await;
    }
    env.until_state("hq", "failed").await;
    let failed = &env.fleet.status().await.unwrap().failed[0];
    assert_eq!(failed.code.as_deref(), Some("server_error"));
    assert_eq!((failed.message.as_deref(), failed.remedy.as_deref()), (Some("it is down"), Some("wait")));
    assert_eq!(env.fleet.retry(Which::All).await.unwrap(), 1);
    env.until_state("hq", "complete").await;
    assert_eq!(env.fleet.retry(Which::All).await.unwrap(), 0);
    let error = env.fleet.retry(Which::Named("hq")).await.unwrap_err();
    assert!(error.message.contains("complete, not failed"), "{error}");
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_cancelled_wherever_it_is() {
    let Some(env) = Env::new().await else { return };
    env.add_named(&["running", "waiting"], "acme").await;
    env.fleet.enqueue(Which::Named("running")).await.unwrap();
    let worker = env.worker(2).await;
    env.until_running(1).await;
    env.fleet.enqueue(Which::Named("waiting")).await.unwrap();
    assert_eq!(env.state("waiting").await, "waiting");
    assert_eq!(env.fleet.cancel(Which::Named("waiting")).await.unwrap(), 1);
    assert_eq!(env.state("waiting").await, "cancelled");
    assert_eq!(env.fleet.cancel(Which::All).await.unwrap(), 1);
    assert_eq!(env.fleet.cancel(Which::All).await.unwrap(), 0);
    env.until_state("running", "cancelled").await;
    // Its permit is free again.
    env.target.open();
    assert_eq!(env.fleet.retry(Which::All).await.unwrap(), 2);
    env.until_state("running", "complete").await;
    env.until_state("waiting", "complete").await;
    worker.end().await;
    assert_eq!(env.target.seen().most, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_scanned_as_it_is_set_up_is_refused_and_nothing_of_it_is_added() {
    let Some(env) = Env::new().await else { return };
    let mut wrong = env.system("wrong", "acme");
    wrong.os_type = "Toi".to_owned();
    let error = env.fleet.add(&[env.system("hq", "acme"), wrong], &registry(), Edition::Enterprise).await.unwrap_err();
    assert!(error.message.starts_with("wrong: ") && error.remedy.contains("Toy"), "{error:?}");
    let one_line = "the name of a system must be one line";
    for (name, why) in
        [("", "a system needs a name"), ("a\nb", one_line), ("a\u{202e}b", "must not have the character U+202E")]
    {
        let odd = [env.system("hq", "acme"), env.system(name, "acme")];
        let error = env.fleet.add(&odd, &registry(), Edition::Enterprise).await.unwrap_err();
        assert!(error.message.contains(why), "{name:?}: {error}");
    }
    let error = env.fleet.add(&[env.system("hq", KEY)], &registry(), Edition::Community).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::EditionNotSupported);
    let spaced = format!("{KEY} ");
    let error = env.fleet.add(&[env.system("hq", &spaced)], &registry(), Edition::Enterprise).await.unwrap_err();
    assert!(!format!("{error:?}").contains(KEY), "{error:?}");
    let error = env.fleet.enqueue(Which::Named("hq")).await.unwrap_err();
    assert!(error.message.contains("no system hq"), "{error}");
    assert_eq!(env.sql("select 1 from fleet.system").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_that_the_workers_edition_lacks_fails_with_the_registrys_error_and_is_not_tried_again() {
    let Some(env) = Env::new().await else { return };
    env.add_named(&["hq"], "acme").await;
    env.fleet.enqueue(Which::All).await.unwrap();
    let mut options = env.options(1);
    // It does not even ask for the key.
    (options.edition, options.credentials) = (Edition::Community, Credentials::default());
    let worker = env.worker_with(options).await;
    env.until_state("hq", "failed").await;
    worker.end().await;
    let config = SystemConfig::new("Toy", &env.host, Credential::default());
    let error = registry().connect(config, Edition::Community).err().unwrap();
    assert_eq!((error.code, error.retry), (ErrorCode::EditionNotSupported, Retry::Never));
    let failed = env.fleet.status().await.unwrap().failed.remove(0);
    assert_eq!((failed.code.as_deref(), failed.attempt), (Some("edition_not_supported"), 1));
    assert_eq!((failed.message.unwrap(), failed.remedy.unwrap()), (error.message, error.remedy));
    assert_eq!(env.sql("select retries from fleet.run").await, ["0"]);
    assert!(env.target.seen().starts.is_empty());
    // It is the worker's edition, not the system's.
    env.target.open();
    env.fleet.retry(Which::All).await.unwrap();
    let worker = env.worker(1).await;
    env.until_state("hq", "complete").await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_can_be_brought_up_to_date_at_any_time_and_a_store_without_them_says_so() {
    let Some(env) = Env::new().await else { return };
    env.add_named(&["hq"], "acme").await;
    env.fleet.enqueue(Which::All).await.unwrap();
    let (again, at_once) = tokio::join!(Fleet::init(&env.location), Fleet::init(&env.location));
    again.unwrap();
    at_once.unwrap();
    env.target.open();
    let worker = env.worker(1).await;
    env.until_state("hq", "complete").await;
    worker.end().await;
    // The numbers of leases go on where the store is, even if the fleet begins again.
    env.sql("drop schema fleet cascade").await;
    let error = Fleet::open(&env.location).await.unwrap_err();
    assert!(error.remedy.contains("fleet init"), "{error:?}");
    Fleet::init(&env.location).await.unwrap();
    env.add_named(&["hq"], "acme").await;
    env.fleet.enqueue(Which::All).await.unwrap();
    let worker = env.worker(1).await;
    env.until_state("hq", "complete").await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_anywhere_in_the_database() {
    let Some(env) = Env::new().await else { return };
    env.add_named(&["hq"], "acme").await;
    env.target.fail(ConnectorError::new(ErrorCode::ServerError, "it is down", "wait"));
    env.target.open();
    env.fleet.enqueue(Which::All).await.unwrap();
    let worker = env.worker(1).await;
    env.until_state("hq", "failed").await;
    env.fleet.retry(Which::All).await.unwrap();
    env.until_state("hq", "complete").await;
    worker.end().await;
    let tables = "select format('%I.%I', schemaname, tablename) from pg_tables \
                  where schemaname not in ('pg_catalog', 'information_schema')";
    let tables = env.sql(tables).await;
    assert!(tables.len() > 20, "{tables:?}");
    for table in tables {
        let rows = env.sql(&format!("select t::text from {table} t")).await;
        assert!(!rows.iter().any(|row| row.contains(KEY)), "{table}");
    }
}
