//! What a scan of a small system costs the database.

use std::path::Path;
use std::time::Duration;

use connector_fleet::Which;

use crate::cluster::{Cluster, required};
use crate::support::Env;

/// Statements of a scan in which little has changed, from the claim to the end: more would be a step back.
const STATEMENTS: usize = 75;

/// The server notes each statement, with the program that it is from.
const NOTES: &str = "log_min_duration_statement = 0\nlog_line_prefix = '%a|'";

/// The statements of workers in the log of the server, and how many of them were prepared.
fn counted(log: &Path) -> [usize; 2] {
    let text = std::fs::read_to_string(log).unwrap();
    let of_workers = || text.lines().filter(|line| line.starts_with("connector-store|") && line.contains(" ms  "));
    let are = |what: &str| of_workers().filter(|line| line.contains(&format!(" ms  {what} "))).count();
    // The first is of those without parameters, such as a commit.
    [are("statement:") + are("execute"), are("parse")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_of_a_small_system_takes_few_statements_and_has_none_planned_that_was_before() {
    let start = || required(|| Cluster::start_with(5432, NOTES, &[]));
    let Some(cluster) = tokio::task::spawn_blocking(start).await.unwrap() else { return };
    cluster.create("fleet");
    let env = Env::at(cluster.url("fleet")).await;
    let log = Path::new(&env.sql("show data_directory").await[0]).join("log");
    let names: Vec<String> = (0..10).map(|at| format!("s{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    env.add_named(&names, "acme").await;
    env.target.open();
    let mut options = env.options(1);
    // No heartbeat is counted, and no checkpoint is due.
    (options.lease, options.checkpoint_every) = (Duration::from_secs(3600), Duration::from_secs(600));
    let worker = env.worker_with(options).await;
    let mut counts = Vec::new();
    // The first scans have more to do, and the first statements are prepared in them.
    for _ in 0..3 {
        let before = counted(&log);
        env.fleet.enqueue(Which::All).await.unwrap();
        env.until("all complete", async |env: &Env| {
            env.sql("select 1 from fleet.run where state <> 'complete'").await.is_empty()
        })
        .await;
        let after = counted(&log);
        counts.push([0, 1].map(|at| (after[at] - before[at]) / names.len()));
    }
    worker.end().await;
    let [statements, prepared] = counts[2];
    assert!(statements <= STATEMENTS && statements > 20 && prepared == 0, "{counts:?}");
}
