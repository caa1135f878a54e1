//! A worker: claims runs and scans, as many at a time as it may.

mod scan;
mod steward;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use connector_api::{CancellationToken, ConnectorError, Edition, Registry};
use connector_store::{Hold, Location, OpenStores};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use self::scan::RunningScan;
use crate::credentials::Credentials;
use crate::database::{Database, failed};
use crate::fleet::Fleet;
use crate::{metrics, provider, runs};

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
    /// The least time between two checkpoints that a scan of a small system stores, from which another worker would go on. Each
    /// costs the database as much as many rows.
    pub checkpoint_every: Duration,
    /// When a scan that removes much is held.
    pub hold: Hold,
    /// Where the worker's figures and its health are served, if anywhere.
    pub listen: Option<SocketAddr>,
}

/// A worker of a fleet.
pub struct Worker {
    shared: Arc<Shared>,
    listener: Option<TcpListener>,
}

/// What all scans of a worker use.
pub(crate) struct Shared {
    options: WorkerOptions,
    database: Database,
    /// The connections of scans, which stay open from one to the next.
    stores: Arc<OpenStores>,
    /// The worker's own name: no other one has or had it.
    name: String,
    woken: Notify,
    health: Mutex<Health>,
    /// Why the worker cannot work any more, such as a store that a later version has changed.
    unfit: OnceLock<ConnectorError>,
}

/// What a worker did, and when.
#[derive(Debug)]
pub(crate) struct Health {
    /// The scans that are running.
    pub(crate) running: usize,
    /// How many scans ended here in each way.
    pub(crate) ended: BTreeMap<&'static str, u64>,
    /// When it last looked for runs.
    pub(crate) looked: Instant,
    /// When the database last answered.
    pub(crate) answered: Instant,
}

impl Shared {
    pub(crate) fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn options(&self) -> &WorkerOptions {
        &self.options
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

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
        let listener = match options.listen {
            Some(address) => Some(metrics::listen(address).await?),
            None => None,
        };
        let now = Instant::now();
        let health = Health { running: 0, ended: BTreeMap::new(), looked: now, answered: now };
        let (woken, health) = (Notify::new(), Mutex::new(health));
        let stores = Arc::new(OpenStores::new(&options.location));
        let shared = Shared { options, database, stores, name, woken, health, unfit: OnceLock::new() };
        Ok(Self { shared: Arc::new(shared), listener })
    }

    /// Returns the worker's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Returns the address at which its figures are served, with the port that was chosen.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Works until it is cancelled. Then its scans are given back within ten seconds, and what they have read stays staged.
    ///
    /// # Errors
    /// If it cannot work any more, such as `invalid_config` for a store that a later version has changed. Its scans are given back
    /// then, too.
    pub async fn run(mut self, cancel: &CancellationToken) -> Result<(), ConnectorError> {
        let listener = self.listener.take();
        let shared = &self.shared;
        info!(target: "fleet", worker = shared.name, "started");
        tokio::select! {
            () = self.work(cancel) => {}
            never = listen(shared) => match never {},
            never = steward::run(shared) => match never {},
            never = providers(shared) => match never {},
            never = metrics::serve(listener, Arc::clone(shared)) => match never {},
        }
        if let Err(error) = self.leave().await {
            warn!(target: "fleet", worker = shared.name, "the worker stays on the list: {error}");
        }
        info!(target: "fleet", worker = shared.name, "ended");
        shared.unfit.get().map_or(Ok(()), |error| Err(error.clone().context("this worker cannot work any more")))
    }

    async fn work(&self, cancel: &CancellationToken) {
        let shared = &self.shared;
        let ending = cancel.child_token();
        let mut scans = JoinSet::new();
        let mut ticks = tokio::time::interval(shared.heartbeat());
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !ending.is_cancelled() {
            shared.health().looked = Instant::now();
            while scans.len() < usize::from(shared.options.concurrency) && !ending.is_cancelled() {
                match runs::claim(&shared.database, &shared.name, shared.options.lease).await {
                    Ok(Some(claim)) => {
                        let scan = RunningScan::new(Arc::clone(shared), claim, &ending);
                        scans.spawn(scan.run());
                        shared.health().running = scans.len();
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
                () = ending.cancelled() => {}
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
    let mut health = shared.health();
    *health.ended.entry(how).or_default() += 1;
    health.running = health.running.saturating_sub(1);
}

/// Asks providers for their organisations, with each heartbeat one whose time has come.
async fn providers(shared: &Shared) -> Infallible {
    let WorkerOptions { credentials, registry, edition, .. } = &shared.options;
    let mut ticks = tokio::time::interval(shared.heartbeat());
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match provider::list_due(&shared.database, credentials, registry, *edition).await {
            Ok(None) => {}
            Ok(Some((provider, Ok(listed)))) => {
                let provider::Listed { organizations, added, gone, .. } = listed;
                info!(target: "fleet", provider, organizations, added, gone, "listed");
            }
            Ok(Some((provider, Err(error)))) => {
                warn!(target: "fleet", provider, code = %error.code, "not listed: {}", error.message);
            }
            Err(error) => warn!(target: "fleet", worker = shared.name, "providers have to wait: {error}"),
        }
    }
}

/// Listens for runs that are queued. Without it, the worker looks with each heartbeat.
async fn listen(shared: &Shared) -> Infallible {
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
