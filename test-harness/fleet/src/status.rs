//! What the fleet is doing: for people, for other programs and for the page.

use std::collections::BTreeMap;

use connector_api::ConnectorError;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::Row;

use crate::database::failed;
use crate::fleet::Fleet;

/// How long the leases of a worker are, as its row says. A worker of an earlier version does not, and nearly all have the default.
pub(crate) const LEASE: &str = "coalesce(lease, interval '60 seconds')";

/// How many of the runs in each list are shown.
const SHOWN: i64 = 50;

/// The state of a fleet.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Status {
    /// When it was read, by the clock of the database.
    pub at: Timestamp,
    /// How many systems there are.
    pub systems: i64,
    /// How many runs are in each state. Those that have ended are the last ones of their systems.
    pub runs: BTreeMap<String, i64>,
    /// The workers, also those that are lost.
    pub workers: Vec<WorkerState>,
    /// The credentials that runs wait for, those with the most first.
    pub waiting: Vec<Waiting>,
    /// What is running.
    pub running: Vec<RunStatus>,
    /// Systems whose last run failed, the latest first.
    pub failed: Vec<RunStatus>,
    /// Systems whose last run is held, until somebody accepts it.
    pub held: Vec<RunStatus>,
    /// The system with a schedule that has been without a complete scan for the longest time.
    pub oldest: Option<Oldest>,
}

/// A worker.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WorkerState {
    /// Host, process and a number.
    pub name: String,
    /// The version of its program.
    pub version: String,
    /// The most scans at a time.
    pub concurrency: i32,
    /// Its last heartbeat.
    pub seen_at: Timestamp,
    /// Whether that is so long ago that others go on with its scans.
    pub is_lost: bool,
}

/// The runs that wait for a credential.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Waiting {
    /// The credential.
    pub credential: String,
    /// How many scans may use it at the same time.
    pub cap: i32,
    /// How many have a permit.
    pub in_use: i64,
    /// How many wait for one.
    pub runs: i64,
    /// How many wait for the time of their next try.
    pub later: i64,
}

/// A system and its last run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RunStatus {
    /// The system.
    pub system: String,
    /// Its credential.
    pub credential: String,
    /// The number of the run, if there is one.
    pub run: Option<i64>,
    /// Its state.
    pub state: Option<String>,
    /// Whether somebody wants it to end.
    pub cancel: bool,
    /// How often it was started.
    pub attempt: i32,
    /// The worker that has or had it.
    pub worker: Option<String>,
    /// When it was last started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it is tried again, if it waits.
    pub not_before: Option<Timestamp>,
    /// Until when its worker has it.
    pub lease_until: Option<Timestamp>,
    /// Its progress by section: `stage`, `done`, `expected`, `requests`, `refusals`, `waitMs`.
    pub progress: Option<Value>,
    /// The run of the store.
    pub store_run: Option<i32>,
    /// The outcome of the scan: `complete`, or `incomplete` if an optional section was not read.
    pub outcome: Option<String>,
    /// The code of its last error.
    pub code: Option<String>,
    /// What happened.
    pub message: Option<String>,
    /// What to do.
    pub remedy: Option<String>,
}

/// A system of the list.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SystemStatus {
    /// Its OS Type.
    pub os_type: String,
    /// Its host name.
    pub hostname: String,
    /// Its priority.
    pub priority: i32,
    /// Its schedule.
    pub schedule: Option<String>,
    /// The time zone of its schedule.
    pub zone: Option<String>,
    /// When its schedule requests the next run.
    pub next_at: Option<Timestamp>,
    /// The provider that lists it.
    pub provider: Option<String>,
    /// Since when the provider no longer does.
    pub gone_at: Option<Timestamp>,
    /// When its last complete scan ended.
    pub scanned_at: Option<Timestamp>,
    /// Its last run.
    #[serde(flatten)]
    pub last: RunStatus,
}

/// The system that was not scanned for the longest time.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Oldest {
    /// The system.
    pub system: String,
    /// When its last complete scan ended, if there was one.
    pub scanned_at: Option<Timestamp>,
    /// When it was added.
    pub added_at: Timestamp,
}

/// The columns of a [`RunStatus`].
const RUN: &str = "name, credential, run, state, cancel, attempt, worker, started_at, ended_at, \
                   case when state = 'waiting' and not_before > clock_timestamp() then not_before end, \
                   case when state = 'running' then lease_until end, \
                   case when state = 'running' then progress end, store_run, outcome, code, message, remedy";

fn run(row: &Row) -> RunStatus {
    RunStatus {
        system: row.get(0),
        credential: row.get(1),
        run: row.get(2),
        state: row.get(3),
        cancel: row.get::<_, Option<bool>>(4).unwrap_or_default(),
        attempt: row.get::<_, Option<i32>>(5).unwrap_or_default(),
        worker: row.get(6),
        started_at: row.get(7),
        ended_at: row.get(8),
        not_before: row.get(9),
        lease_until: row.get(10),
        progress: row.get(11),
        store_run: row.get(12),
        outcome: row.get(13),
        code: row.get(14),
        message: row.get(15),
        remedy: row.get(16),
    }
}

impl Status {
    /// Returns how many workers are there, and how many are lost.
    pub fn worker_counts(&self) -> (usize, usize) {
        let lost = self.workers.iter().filter(|worker| worker.is_lost).count();
        (self.workers.len() - lost, lost)
    }
}

impl Fleet {
    /// Returns the state of the fleet, all of one moment.
    ///
    /// # Errors
    /// `sink` if the database cannot be read.
    pub async fn status(&self) -> Result<Status, ConnectorError> {
        let mut client = self.database.client().await?;
        let snapshot = client.build_transaction().isolation_level(tokio_postgres::IsolationLevel::RepeatableRead);
        let reading = snapshot.read_only(true).start().await.map_err(failed)?;
        let at = reading.query_one("select clock_timestamp()", &[]).await.map_err(failed)?.get(0);
        // Of those that were held, each is looked at: there are few.
        let sql = "select state, sum(count)::bigint from (\
                   select coalesce(state, 'never') as state, count(*) as count from fleet.standing \
                   where state is distinct from 'held' group by 1 \
                   union all select state, count(*) from fleet.last_run where ended_as = 'held' group by 1) counts group by 1";
        let runs = reading.query(sql, &[]).await.map_err(failed)?;
        let runs: BTreeMap<String, i64> = runs.iter().map(|row| (row.get(0), row.get(1))).collect();
        let sql = format!(
            "select name, version, concurrency, seen_at, seen_at + {LEASE} < clock_timestamp() from fleet.worker order by name"
        );
        let workers = reading.query(&sql, &[]).await.map_err(failed)?;
        let sql = "select c.name, c.cap, (select count(*) from fleet.run r where r.credential = c.name \
                   and r.state in ('queued', 'running')), w.runs, w.later from (select credential, \
                   count(*) filter (where not_before <= clock_timestamp()) as runs, \
                   count(*) filter (where not_before > clock_timestamp()) as later \
                   from fleet.run where state = 'waiting' group by credential) w \
                   join fleet.credential c on c.name = w.credential order by w.runs desc, c.name limit $1";
        let waiting = reading.query(sql, &[&SHOWN]).await.map_err(failed)?;
        let list = async |state: &str, order: &str| -> Result<Vec<RunStatus>, ConnectorError> {
            let sql = format!(
                "select {RUN} from fleet.last_run where ended_as = $1 and state = $1 order by {order}, run limit $2"
            );
            Ok(reading.query(&sql, &[&state, &SHOWN]).await.map_err(failed)?.iter().map(run).collect())
        };
        let running = list("running", "started_at").await?;
        let (failures, held) = (list("failed", "ended_at desc").await?, list("held", "ended_at desc").await?);
        let sql = "select name, scanned_at, added_at from fleet.oldest_scan";
        let oldest = reading.query_opt(sql, &[]).await.map_err(failed)?;
        Ok(Status {
            at,
            systems: runs.values().sum(),
            runs,
            workers: workers.iter().map(worker).collect(),
            waiting: waiting.iter().map(waits).collect(),
            running,
            failed: failures,
            held,
            oldest: oldest.map(|row| Oldest { system: row.get(0), scanned_at: row.get(1), added_at: row.get(2) }),
        })
    }

    /// Returns all systems with their last runs, by name.
    ///
    /// # Errors
    /// As for [`status`](Self::status).
    pub async fn list(&self) -> Result<Vec<SystemStatus>, ConnectorError> {
        let client = self.database.client().await?;
        let sql = format!(
            "select {RUN}, os_type, hostname, priority, schedule, zone, next_at, provider, gone_at, scanned_at \
             from fleet.last_run order by name"
        );
        let rows = client.query(&sql, &[]).await.map_err(failed)?;
        Ok(rows.iter().map(system).collect())
    }
}

fn worker(row: &Row) -> WorkerState {
    WorkerState {
        name: row.get(0),
        version: row.get(1),
        concurrency: row.get(2),
        seen_at: row.get(3),
        is_lost: row.get(4),
    }
}

fn waits(row: &Row) -> Waiting {
    Waiting { credential: row.get(0), cap: row.get(1), in_use: row.get(2), runs: row.get(3), later: row.get(4) }
}

fn system(row: &Row) -> SystemStatus {
    SystemStatus {
        os_type: row.get(17),
        hostname: row.get(18),
        priority: row.get(19),
        schedule: row.get(20),
        zone: row.get(21),
        next_at: row.get(22),
        provider: row.get(23),
        gone_at: row.get(24),
        scanned_at: row.get(25),
        last: run(row),
    }
}
