//! Systems that are scanned by themselves.

use crate::support::{Env, schedule};

#[tokio::test(flavor = "multi_thread")]
async fn a_system_is_requested_when_its_time_comes_and_once_for_times_that_passed() {
    let Some(env) = Env::new().await else { return };
    let with = |name, text, priority| {
        let mut system = env.system(name, "acme");
        (system.schedule, system.priority) = (schedule(text), Some(priority));
        system
    };
    env.add(&[with("hourly", "every 1h", 1), with("nightly", "0 3 * * *", 1), with("never", "every 1h", -1)]).await;
    env.add_named(&["by-hand"], "acme").await;
    let next = "select name from fleet.system where next_at > clock_timestamp() order by name";
    assert_eq!(env.sql(next).await, ["hourly", "nightly"]);
    env.target.open();
    // Days have passed.
    env.sql("update fleet.system set next_at = clock_timestamp() - interval '3 days' where name = 'hourly'").await;
    let worker = env.worker(2).await;
    env.until_state("hourly", "complete").await;
    env.until("due again", async |env: &Env| env.sql(next).await.len() == 2).await;
    worker.end().await;
    assert_eq!(env.target.seen().starts.len(), 1);
    // A system that is changed keeps its time, unless its schedule is another one.
    let times = "select next_at from fleet.system where name = 'hourly'";
    let before = env.sql(times).await;
    env.add(&[with("hourly", "every 1h", 7)]).await;
    assert_eq!(env.sql(times).await, before);
    env.add(&[with("hourly", "every 2d", 7)]).await;
    assert_ne!(env.sql(times).await, before);
    env.add_named(&["hourly"], "acme").await;
    assert_eq!(env.sql(next).await, ["nightly"]);
}
