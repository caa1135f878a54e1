//! What becomes of runs. Each change is one transaction, and the database's clock decides.
//!
//! ```text
//! waiting --> queued --> running --> complete | held | failed | cancelled
//!    ^                      |
//!    +--- a later try ------+
//! ```
//!
//! A run waits for a permit of its credential. With a permit it is queued, and any worker may claim it: so a claim finds the
//! next run in an index, however many wait for credentials that are in use. A worker that stops gives its run back to the queue.
//! One that vanishes loses its lease, and the run is claimed as it is.

use std::time::{Duration, Instant};

use connector_api::ConnectorError;
use deadpool_postgres::{GenericClient, Transaction};
use serde_json::Value;
use tokio_postgres::Row;

use crate::database::{CHANNEL, Database, failed};
use crate::retry::Again;
use crate::system::Target;

/// A run that this worker has the lease of.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) run: i64,
    pub(crate) lease: i64,
    /// Before the lease began.
    pub(crate) since: Instant,
    pub(crate) attempt: i32,
    pub(crate) retries: i32,
    /// Whether somebody wants it to end.
    pub(crate) is_cancelled: bool,
    /// Its credential is the one that the run has a permit of.
    pub(crate) system: Target,
}

/// What a worker learns when it renews a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Renewed {
    Held,
    /// Somebody wants the run to end.
    Cancelled,
    /// The lease has ended: the run is no longer this worker's.
    Lost,
}

/// How a worker lets go of a run that was not kept.
#[derive(Debug, Clone)]
pub(crate) enum Release<'a> {
    /// Another worker goes on with it.
    GivenBack,
    /// Somebody cancelled it.
    Cancelled,
    Failed(&'a ConnectorError, Again),
}

/// Claims a run, in a file of its own because a benchmark measures it too.
const CLAIM: &str = include_str!("claim.sql");

/// Claims the run of a lost worker, or else the next one of the queue.
pub(crate) async fn claim(database: &Database, worker: &str, lease: Duration) -> Result<Option<Claim>, ConnectorError> {
    let client = database.client().await?;
    let since = Instant::now();
    let statement = client.prepare_cached(CLAIM).await.map_err(failed)?;
    let row = client.query_opt(&statement, &[&worker, &lease.as_secs_f64()]).await.map_err(failed)?;
    row.map(|row| claim_of(&row, since)).transpose()
}

fn claim_of(row: &Row, since: Instant) -> Result<Claim, ConnectorError> {
    Ok(Claim {
        run: row.get("id"),
        lease: row.get("lease"),
        since,
        attempt: row.get("attempt"),
        retries: row.get("retries"),
        is_cancelled: row.get("cancel"),
        system: Target::read(row)?,
    })
}

impl Claim {
    /// Renews the lease, and stores the progress.
    pub(crate) async fn renew(
        &self,
        database: &Database,
        lease: Duration,
        progress: &Value,
    ) -> Result<Renewed, ConnectorError> {
        let client = database.client().await?;
        let sql = "update fleet.run set lease_until = clock_timestamp() + make_interval(secs => $3), progress = $4 \
                   where id = $1 and lease = $2 and state = 'running' and lease_until > clock_timestamp() \
                   returning cancel";
        let statement = client.prepare_cached(sql).await.map_err(failed)?;
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
            [&self.run, &self.lease, &lease.as_secs_f64(), progress];
        let row = client.query_opt(&statement, &parameters).await.map_err(failed)?;
        Ok(match row.map(|row| row.get(0)) {
            Some(true) => Renewed::Cancelled,
            Some(false) => Renewed::Held,
            None => Renewed::Lost,
        })
    }

    /// The statement with which the store ends the run in its own transaction, as long as the lease stands. The lease says
    /// which run: each has a number of its own.
    pub(crate) const AT_END: &'static str = "update fleet.run set store_run = ?2, \
        outcome = (select outcome from run where id = ?2), \
        state = case cast(?1 as text) when 'published' then 'complete' when 'held' then 'held' else state end, \
        ended_at = case when cast(?1 as text) in ('published', 'held') then clock_timestamp() end, \
        code = null, message = null, remedy = null \
        where lease = ?3 and state = 'running' and lease_until > clock_timestamp()";

    /// Lets go of the run, if it is still this worker's, and passes on its permit unless it goes on at once. A run that the store
    /// has ended only has its permit passed on.
    pub(crate) async fn release(&self, database: &Database, how: Option<Release<'_>>) -> Result<(), ConnectorError> {
        let mut client = database.client().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        // Before the run, as everyone does who locks both.
        lock(&transaction, &[&self.system.credential]).await?;
        if let Some(how) = how {
            let (state, wait, error) = match &how {
                Release::GivenBack => ("queued", Duration::ZERO, None),
                Release::Cancelled => ("cancelled", Duration::ZERO, None),
                Release::Failed(error, Again::Never) => ("failed", Duration::ZERO, Some(error)),
                Release::Failed(error, Again::After(wait)) => ("waiting", *wait, Some(error)),
            };
            // One that somebody wants to end is not tried again.
            let sql = "update fleet.run set lease_until = null, \
                       state = case when cancel and $3 in ('queued', 'waiting') then 'cancelled' else $3 end, \
                       not_before = clock_timestamp() + make_interval(secs => $4), \
                       retries = retries + case when $3 = 'waiting' then 1 else 0 end, \
                       ended_at = case when cancel or $3 in ('failed', 'cancelled') then clock_timestamp() end, \
                       code = $5, message = $6, remedy = $7 \
                       where id = $1 and lease = $2 and state = 'running'";
            let code = error.map(|error| error.code.as_str());
            let (message, remedy) = (error.map(|error| &error.message), error.map(|error| &error.remedy));
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
                [&self.run, &self.lease, &state, &wait.as_secs_f64(), &code, &message, &remedy];
            let statement = transaction.prepare_cached(sql).await.map_err(failed)?;
            transaction.execute(&statement, &parameters).await.map_err(failed)?;
            wake(&transaction).await?;
        }
        pass_locked(&transaction, &[&self.system.credential]).await?;
        transaction.commit().await.map_err(failed)
    }
}

/// Gives the free permits of credentials to the first of those that wait. Returns how many got one.
///
/// The credentials are locked until the end of the transaction: so it counts what others gave away.
pub(crate) async fn pass_permits(transaction: &Transaction<'_>, credentials: &[&str]) -> Result<u64, ConnectorError> {
    if credentials.is_empty() {
        return Ok(0);
    }
    lock(transaction, credentials).await?;
    pass_locked(transaction, credentials).await
}

/// The same for credentials that are locked already.
async fn pass_locked(transaction: &Transaction<'_>, credentials: &[&str]) -> Result<u64, ConnectorError> {
    let sql = "with free as (\
               select c.name, c.cap - (select count(*) from fleet.run r \
               where r.credential = c.name and r.state in ('queued', 'running')) as permits \
               from fleet.credential c where c.name = any($1)) \
               update fleet.run set state = 'queued' where state = 'waiting' and id in (\
               select next.id from free, lateral (select r.id from fleet.run r where r.credential = free.name \
               and r.state = 'waiting' and r.not_before <= clock_timestamp() \
               order by r.priority, r.requested_at, r.id limit greatest(free.permits, 0)) next)";
    let statement = transaction.prepare_cached(sql).await.map_err(failed)?;
    let passed = transaction.execute(&statement, &[&credentials]).await.map_err(failed)?;
    if passed > 0 {
        wake(transaction).await?;
    }
    Ok(passed)
}

/// Locks credentials, always in the same order. Whoever changes runs that wait does it first.
async fn lock(transaction: &Transaction<'_>, credentials: &[&str]) -> Result<(), ConnectorError> {
    let sql = "select 1 from fleet.credential where name = any($1) order by name for no key update";
    let statement = transaction.prepare_cached(sql).await.map_err(failed)?;
    transaction.execute(&statement, &[&credentials]).await.map_err(failed)?;
    Ok(())
}

/// Wakes idle workers when the transaction is committed.
async fn wake(transaction: &Transaction<'_>) -> Result<(), ConnectorError> {
    let statement = transaction.prepare_cached("select pg_notify($1, '')").await.map_err(failed)?;
    transaction.execute(&statement, &[&CHANNEL]).await.map_err(failed)?;
    Ok(())
}

/// Requests runs of systems, by their ids, unless one is open already. Returns how many are new.
pub(crate) async fn request(transaction: &Transaction<'_>, systems: &[i64]) -> Result<u64, ConnectorError> {
    let sql = "with requested as (insert into fleet.run (system, credential, priority) \
               select id, credential, greatest(priority, 0) from fleet.system where id = any($1) order by id for key share \
               on conflict (system) where state in ('waiting', 'queued', 'running') do nothing returning credential) \
               select credential, count(*) from requested group by credential";
    let rows = transaction.query(sql, &[&systems]).await.map_err(failed)?;
    let credentials: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    pass_permits(transaction, &credentials).await?;
    Ok(rows.iter().map(|row| row.get::<_, i64>(1).unsigned_abs()).sum())
}

/// Locks the credentials that open runs of systems use, and returns their names.
pub(crate) async fn lock_credentials_of(
    transaction: &Transaction<'_>,
    systems: &[i64],
) -> Result<Vec<String>, ConnectorError> {
    let sql = "select distinct credential from fleet.run \
               where system = any($1) and state in ('waiting', 'queued', 'running')";
    let rows = transaction.query(sql, &[&systems]).await.map_err(failed)?;
    let credentials: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    lock(transaction, &credentials.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    Ok(credentials)
}

/// Cancels the open runs of systems: at once if no worker has them, otherwise with the next heartbeat. Returns how many.
pub(crate) async fn cancel(transaction: &Transaction<'_>, systems: &[i64]) -> Result<u64, ConnectorError> {
    let credentials = lock_credentials_of(transaction, systems).await?;
    let credentials: Vec<&str> = credentials.iter().map(String::as_str).collect();
    let sql = "update fleet.run set cancel = true, state = case state when 'running' then state else 'cancelled' end, \
               ended_at = case state when 'running' then null else clock_timestamp() end \
               where system = any($1) and state in ('waiting', 'queued', 'running') and not cancel";
    let cancelled = transaction.execute(sql, &[&systems]).await.map_err(failed)?;
    pass_permits(transaction, &credentials).await?;
    Ok(cancelled)
}

/// Passes on the permits that nobody did: to runs whose time has come, and those of a worker that died before it could.
/// Returns how many.
pub(crate) async fn pass_due_permits(transaction: &Transaction<'_>) -> Result<u64, ConnectorError> {
    let sql = "select credential from (select distinct credential from fleet.run \
               where state = 'waiting' and not_before <= clock_timestamp()) waiting \
               where (select count(*) from fleet.run r where r.credential = waiting.credential \
               and r.state in ('queued', 'running')) \
               < (select cap from fleet.credential c where c.name = waiting.credential) limit 1000";
    let rows = transaction.query(sql, &[]).await.map_err(failed)?;
    let credentials: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    pass_permits(transaction, &credentials).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_store::Location;
    use deadpool_postgres::Client;

    use super::*;
    use crate::Fleet;
    use crate::cluster;

    /// The pages that the database looks at for a claim.
    async fn pages(client: &Client) -> u64 {
        let sql = format!("explain (analyze, buffers, format json) {CLAIM}");
        let plan: Value = client.query_one(&sql, &[&"worker", &60.0]).await.unwrap().get(0);
        let plan = &plan[0]["Plan"];
        ["Shared Hit Blocks", "Shared Read Blocks"].iter().map(|blocks| plan[blocks].as_u64().unwrap()).sum()
    }

    /// Pages of a claim of each kind, with this number of systems that are requested: one in ten has a credential of its own, and the
    /// others wait for ten.
    async fn pages_with(systems: i64) -> Option<[u64; 2]> {
        let url = tokio::task::spawn_blocking(cluster::database).await.unwrap()?;
        let location: Location = url.parse().unwrap();
        let fleet = Fleet::init(&location).await.unwrap();
        let mut client = fleet.database.client().await.unwrap();
        let add = format!(
            "insert into fleet.credential (name) select 'c' || n from generate_series(0, {systems}) n; \
             insert into fleet.system (name, os_type, hostname, credential, priority) \
             select 's' || n, 'Toy', 'toy', 'c' || case when n % 10 = 0 then n else n % 10 end, 10 \
             from generate_series(1, {systems}) n"
        );
        client.batch_execute(&add).await.unwrap();
        let transaction = client.transaction().await.unwrap();
        let all: Vec<i64> = (1..=systems).collect();
        assert_eq!(request(&transaction, &all).await.unwrap(), all.len() as u64);
        transaction.commit().await.unwrap();
        client.batch_execute("analyze").await.unwrap();
        let next = pages(&client).await;
        client.batch_execute("update fleet.run set lease_until = now() where state = 'running'").await.unwrap();
        Some([next, pages(&client).await])
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_claim_costs_the_same_however_many_systems_there_are_and_wait() {
        let (Some(few), Some(many)) = (pages_with(1_000).await, pages_with(100_000).await) else { return };
        for (few, many) in few.into_iter().zip(many) {
            assert!(many <= 2 * few, "{many} pages with 100,000 systems, {few} with 1,000");
        }
    }
}
