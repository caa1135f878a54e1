//! A worker: claims runs and scans, as many at a time as it may.

mod scan;
mod steward;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector_api::{CancellationToken, ConnectorError, Edition, Registry};
use connector_store::{Hold, Location};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use self::scan::RunningScan;
use self::steward::Steward;
use crate::credentials::Credentials;
use crate::database::{Database, failed};
use crate::fleet::Fleet;
use crate::runs;

/// How many heartbeats a lease lasts: one may be late, and some may be lost.
const HEARTBEATS: u32 = 6;

/// How long scans may take to end with the worker.
const END: Duration = Duration::from_secs(9);

/// How long nobody waits for a database that is gone, before it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What a worker needs.
pub struct WorkerOptions {
    /// The store, in whose database the fleet is.
    pub location: Location,
    /// The connectors.
    pub registry: Registry,
    /// The edition of the host, which decides which connectors there are.
    pub edition: Edition,
    /// The credentials that it can use.
    pub credentials: Credentials,
    /// The most scans at a time.
    pub concurrency: u16,
    /// How long a scan stays this worker's without a sign of life. There are six in that time.
    pub lease: Duration,
    /// How long one start of a scan may take. A later one goes on where it stopped.
    pub time_limit: Duration,
    /// When a scan that removes much is held.
    pub hold: Hold,
}

/// A worker of a fleet.
pub struct Worker {
    shared: Arc<Shared>,
}

/// What all scans of a worker use.
pub(crate) struct Shared {
    options: WorkerOptions,
    database: Database,
    /// The worker's own name: no other one has or had it.
    name: String,
    woken: Notify,
    /// How many runs ended in each way, since the worker started.
    ended: std::sync::Mutex<BTreeMap<&'static str, u64>>,
}

impl Shared {
    fn heartbeat(&self) -> Duration {
        self.options.lease / HEARTBEATS
    }
}

impl Worker {
    /// Prepares a worker.
    ///
    /// # Errors
    /// As for [`Fleet::open`].
    pub async fn new(options: WorkerOptions) -> Result<Self, ConnectorError> {
        let database = Fleet::open(&options.location).await?.database;
        let host = whoami::hostname().unwrap_or_else(|_| "unknown".to_owned());
        let name = format!("{host}/{}/{:08x}", std::process::id(), fastrand::u32(..));
        let (woken, ended) = (Notify::new(), std::sync::Mutex::default());
        Ok(Self { shared: Arc::new(Shared { options, database, name, woken, ended }) })
    }

    /// Returns the worker's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Works until it is cancelled. Then its scans are given back within ten seconds, and what they have read stays staged.
    pub async fn run(self, cancel: &CancellationToken) {
        let shared = &self.shared;
        info!(target: "fleet", worker = shared.name, "started");
        let (listening, stewardship) = (listen(shared), Steward::new(shared).run());
        tokio::select! {
            () = self.work(cancel) => {}
            () = listening => {}
            () = stewardship => {}
        }
        if let Err(error) = self.leave().await {
            warn!(target: "fleet", worker = shared.name, "the worker stays on the list: {error}");
        }
        info!(target: "fleet", worker = shared.name, "ended");
    }

    async fn work(&self, cancel: &CancellationToken) {
        let shared = &self.shared;
        let mut scans = JoinSet::new();
        let mut ticks = tokio::time::interval(shared.heartbeat());
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !cancel.is_cancelled() {
            while scans.len() < usize::from(shared.options.concurrency) && !cancel.is_cancelled() {
                match runs::claim(&shared.database, &shared.name, shared.options.lease).await {
                    Ok(Some(claim)) => {
                        let scan = RunningScan::new(Arc::clone(shared), claim, cancel.child_token());
                        scans.spawn(scan.run());
                    }
                    Ok(None) => break,
                    Err(error) => {
                        warn!(target: "fleet", worker = shared.name, "no run can be claimed: {error}");
                        tokio::time::sleep(AGAIN.min(shared.heartbeat())).await;
                        break;
                    }
                }
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                Some(ended) = scans.join_next() => note(shared, ended),
                () = shared.woken.notified() => {}
                _ = ticks.tick() => {}
            }
        }
        let all = async {
            while let Some(ended) = scans.join_next().await {
                note(shared, ended);
            }
        };
        if tokio::time::timeout(END, all).await.is_err() {
            warn!(target: "fleet", worker = shared.name, "a scan did not end in time: its lease will end by itself");
        }
    }

    async fn leave(&self) -> Result<(), ConnectorError> {
        let client = self.shared.database.client().await?;
        client.execute("delete from fleet.worker where name = $1", &[&self.shared.name]).await.map_err(failed)?;
        Ok(())
    }
}

fn note(shared: &Shared, ended: Result<&'static str, tokio::task::JoinError>) {
    let how = ended.unwrap_or_else(|_| {
        error!(target: "fleet", worker = shared.name, "a scan crashed: its lease will end by itself");
        "crashed"
    });
    *shared.ended.lock().unwrap_or_else(std::sync::PoisonError::into_inner).entry(how).or_default() += 1;
}

/// Listens for runs that are queued. Without it, the worker looks with each heartbeat.
async fn listen(shared: &Shared) {
    loop {
        if let Err(error) = shared.database.listen(&shared.woken).await {
            warn!(target: "fleet", worker = shared.name, "not listening for runs: {error}");
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Forbids this process to write an image of its memory, in which keys would be, when it crashes.
///
/// # Errors
/// `internal` if the system does not allow it.
pub fn forbid_core_dumps() -> Result<(), ConnectorError> {
    #[cfg(unix)]
    nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0)
        .map_err(|error| ConnectorError::internal("core dumps cannot be turned off").with_source(error))?;
    Ok(())
}
