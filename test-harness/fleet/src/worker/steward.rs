//! What has to be done now and then, by whichever worker comes first: schedules, permits that nobody passed on, lost workers.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use connector_api::ConnectorError;
use deadpool_postgres::Transaction;
use jiff::Timestamp;
use tracing::{info, warn};

use super::Shared;
use crate::database::{LOCKS, failed};
use crate::schedule::Schedule;
use crate::status::LEASE;
use crate::{remove, runs};

/// How many systems' schedules one transaction looks at.
const SCHEDULES: i64 = 1000;

/// How long the list of runs reaches back, except for the last of each system.
const RUNS: &str = "90 days";

/// Works with each heartbeat, for ever.
pub(super) async fn run(shared: &Shared) -> Infallible {
    let mut ticks = tokio::time::interval(shared.heartbeat());
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match tick(shared).await {
            Ok(()) => shared.health().answered = Instant::now(),
            Err(error) => warn!(target: "fleet", worker = shared.name, "schedules have to wait: {error}"),
        }
        let stores = Arc::clone(&shared.stores);
        // If it crashes, they stay open.
        let _ = tokio::task::spawn_blocking(move || stores.close_idle()).await;
    }
}

async fn tick(shared: &Shared) -> Result<(), ConnectorError> {
    let mut client = shared.database.client().await?;
    let sql = "insert into fleet.worker (name, version, concurrency, lease) \
               values ($1, $2, $3, make_interval(secs => $4)) on conflict (name) do update set seen_at = clock_timestamp()";
    let lease = shared.options.lease.as_secs_f64();
    let concurrency = i32::from(shared.options.concurrency);
    let version = env!("CARGO_PKG_VERSION");
    client.execute(sql, &[&shared.name, &version, &concurrency, &lease]).await.map_err(failed)?;
    let transaction = client.transaction().await.map_err(failed)?;
    let lock = format!("select pg_try_advisory_xact_lock({LOCKS}, 1)");
    if !transaction.query_one(&lock, &[]).await.map_err(failed)?.get::<_, bool>(0) {
        return Ok(());
    }
    request_due(&transaction).await?;
    remove::forget_removed(&transaction).await?;
    runs::pass_due_permits(&transaction).await?;
    forget(&transaction).await?;
    transaction.commit().await.map_err(failed)
}

/// Requests the runs whose time has come. Of several times that passed, one counts.
async fn request_due(transaction: &Transaction<'_>) -> Result<(), ConnectorError> {
    let sql = "select id, name, schedule, zone, clock_timestamp() from fleet.system \
               where next_at <= clock_timestamp() order by next_at limit $1 for no key update skip locked";
    let rows = transaction.query(sql, &[&SCHEDULES]).await.map_err(failed)?;
    if rows.is_empty() {
        return Ok(());
    }
    let (mut systems, mut times) = (Vec::new(), Vec::new());
    for row in &rows {
        let (name, text, zone): (&str, Option<&str>, Option<&str>) = (row.get(1), row.get(2), row.get(3));
        let now: Timestamp = row.get(4);
        let next = match text.map(|text| Schedule::parse(text, zone)).transpose() {
            Ok(schedule) => schedule.and_then(|schedule| schedule.next(now, name)),
            // Such as a zone that this machine does not know: the system is not scanned by itself any more.
            Err(error) => {
                warn!(target: "fleet", system = name, "the schedule rests: {error}");
                None
            }
        };
        systems.push(row.get::<_, i64>(0));
        times.push(next);
    }
    let sql = "update fleet.system s set next_at = due.next_at \
               from unnest($1::bigint[], $2::timestamptz[]) as due (id, next_at) where s.id = due.id";
    transaction.execute(sql, &[&systems, &times]).await.map_err(failed)?;
    let requested = runs::request(transaction, &systems).await?;
    info!(target: "fleet", due = systems.len(), requested, "schedules");
    Ok(())
}

/// Forgets workers that are long gone, and old runs.
async fn forget(transaction: &Transaction<'_>) -> Result<(), ConnectorError> {
    let sql = format!("delete from fleet.worker where seen_at < clock_timestamp() - 10 * {LEASE}");
    transaction.execute(&sql, &[]).await.map_err(failed)?;
    let sql = format!(
        "delete from fleet.run where id in (select r.id from fleet.run r where r.ended_at < now() - interval '{RUNS}' \
         and exists (select 1 from fleet.run later where later.system = r.system and later.id > r.id) limit 1000)"
    );
    transaction.execute(&sql, &[]).await.map_err(failed)?;
    Ok(())
}
