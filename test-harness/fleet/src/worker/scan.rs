//! One scan of a worker: under a lease that heartbeats renew, and kept in the store only as long as it stands.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use connector_api::{CancellationToken, ConnectorError, ErrorCode, Progress, Retry, Section, SystemConfig};
use connector_host::progress::Reporter;
use connector_host::run::ScanJob;
use connector_store::{Ended, Fence, Start, Store, StoreArchive};
use jiff::Timestamp;
use serde_json::Value;
use tracing::{info, warn};

use super::Shared;
use crate::retry::{Again, again};
use crate::runs::{Claim, Release, Renewed};

/// How often letting go of a run is tried, where the database is gone. Otherwise its lease ends by itself.
const RELEASES: u32 = 5;

/// A run that this worker has claimed.
pub(super) struct RunningScan {
    shared: Arc<Shared>,
    claim: Claim,
    cancel: CancellationToken,
    /// Ends the worker.
    ending: CancellationToken,
    stopped: Arc<OnceLock<Stop>>,
    progress: Arc<Sections>,
}

/// Why a scan was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Somebody wants it to end.
    Requested,
    /// Its lease has ended: the run belongs to nobody, or to another worker.
    LeaseLost,
    TimeLimit,
}

impl RunningScan {
    pub(super) fn new(shared: Arc<Shared>, claim: Claim, ending: &CancellationToken) -> Self {
        let (cancel, ending) = (ending.child_token(), ending.clone());
        Self { shared, claim, cancel, ending, stopped: Arc::default(), progress: Arc::default() }
    }

    /// Scans, and lets go of the run. Returns the word for how it ended here.
    pub(super) async fn run(self) -> &'static str {
        let Claim { run, lease, attempt, system, .. } = &self.claim;
        info!(target: "fleet", run, system = system.name, lease, attempt, "claimed");
        let scanned = if self.claim.is_cancelled {
            let _ = self.stopped.set(Stop::Requested);
            Err(ConnectorError::cancelled())
        } else {
            tokio::select! {
                scanned = self.scan() => scanned,
                never = self.keep_lease() => match never {},
            }
        };
        if scanned.as_ref().is_err_and(|error| error.retry == Retry::Never)
            && let Err(error) = self.check_store().await
        {
            // It is not the system's fault.
            let _ = self.shared.unfit.set(error);
            self.ending.cancel();
        }
        let how = self.conclude(scanned.as_ref());
        let word = match (&how, &scanned) {
            (None, Ok(Ended::Held { .. })) => "held",
            (None, Ok(_)) => "complete",
            (None, Err(_)) => "lost",
            (Some(Release::GivenBack), _) => "given_back",
            (Some(Release::Cancelled), _) => "cancelled",
            (Some(Release::Failed(_, Again::Never)), _) => "failed",
            (Some(Release::Failed(_, Again::After(_))), _) => "retried",
        };
        match &scanned {
            Ok(Ended::Published { run: kept, .. }) => {
                info!(target: "fleet", run, system = system.name, kept, "{word}");
            }
            Err(error) if how.is_some() => {
                warn!(target: "fleet", run, system = system.name, code = %error.code, "{word}: {}", error.message);
            }
            _ => info!(target: "fleet", run, system = system.name, "{word}"),
        }
        if word != "lost" {
            self.release(how).await;
        }
        word
    }

    /// Decides how to let go of the run: `None` if the store has ended it, or if it is no longer this worker's.
    fn conclude<'a>(&self, scanned: Result<&Ended, &'a ConnectorError>) -> Option<Release<'a>> {
        let error = match (scanned, self.stopped.get()) {
            (Ok(_), _) | (_, Some(Stop::LeaseLost)) => return None,
            (Err(_), Some(Stop::Requested)) => return Some(Release::Cancelled),
            (Err(error), _) => error,
        };
        if self.stopped.get().is_none() && self.cancel.is_cancelled() {
            return Some(Release::GivenBack);
        }
        let retries = u32::try_from(self.claim.retries).unwrap_or_default();
        Some(Release::Failed(error, again(error, retries, fastrand::f64())))
    }

    /// Refuses a store that this worker cannot use, until something is changed.
    async fn check_store(&self) -> Result<(), ConnectorError> {
        let location = self.shared.options.location.clone();
        match tokio::task::spawn_blocking(move || Store::open_to_read(&location).map(drop)).await {
            Ok(Err(error)) if error.retry == Retry::Never => Err(error),
            _ => Ok(()),
        }
    }

    async fn release(&self, how: Option<Release<'_>>) {
        for _ in 0..RELEASES {
            match self.claim.release(&self.shared.database, how.clone()).await {
                Ok(()) => return,
                Err(error) => {
                    let (run, system) = (self.claim.run, &self.claim.system.name);
                    warn!(target: "fleet", run, system, "the run cannot be let go of: {error}");
                    tokio::time::sleep(self.shared.heartbeat()).await;
                }
            }
        }
    }

    fn stop(&self, why: Stop) {
        if self.stopped.set(why).is_ok() {
            self.cancel.cancel();
        }
    }

    /// Renews the lease with each heartbeat, and cancels the scan if it must end.
    async fn keep_lease(&self) -> std::convert::Infallible {
        let Shared { options, database, .. } = &*self.shared;
        // Before the moment from which the database counts, so here the lease ends first.
        let mut renewed = self.claim.since;
        // The claim was the first.
        let heartbeat = self.shared.heartbeat();
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + heartbeat, heartbeat);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.claim.since.elapsed() > options.time_limit {
                self.stop(Stop::TimeLimit);
            }
            let now = Instant::now();
            let progress = self.progress.json();
            let renewing = self.claim.renew(database, options.lease, &progress);
            let left = options.lease.saturating_sub(renewed.elapsed());
            match tokio::time::timeout(left, renewing).await {
                Ok(Ok(Renewed::Held)) => renewed = now,
                Ok(Ok(Renewed::Cancelled)) => {
                    renewed = now;
                    self.stop(Stop::Requested);
                }
                Ok(Ok(Renewed::Lost)) | Err(_) => self.stop(Stop::LeaseLost),
                Ok(Err(error)) => {
                    let (run, system) = (self.claim.run, &self.claim.system.name);
                    warn!(target: "fleet", run, system, "the lease cannot be renewed: {error}");
                }
            }
        }
    }

    /// Scans the system into the store. An error is one of the scan, or of what comes before or after it.
    async fn scan(&self) -> Result<Ended, ConnectorError> {
        let Shared { options, .. } = &*self.shared;
        let system = &self.claim.system;
        let descriptor = options.registry.descriptor(&system.os_type)?;
        // Before the key is fetched, which nobody needs then.
        descriptor.check_edition(options.edition)?;
        let credential = options.credentials.resolve(&system.credential, &system.name, &system.hostname).await?;
        let mut config = SystemConfig::new(&system.os_type, &system.hostname, credential).with_name(&system.name);
        config.port = system.port;
        config.attributes.clone_from(&system.attributes);
        let connector = options.registry.connect(config.clone(), options.edition)?;
        let archive = self.begin(&config).await?;
        let ended = archive.ended();
        let job = ScanJob::without_output(self.cancel.clone(), Arc::clone(&self.progress) as Arc<dyn Reporter>);
        let report = job.run_kept(Box::new(archive), &*connector, descriptor, &config).await?;
        match (ended.get(), report.summary.error) {
            (Some(ended @ (Ended::Published { .. } | Ended::Held { .. })), _) => Ok(ended.clone()),
            (_, Some(error)) if self.stopped.get() == Some(&Stop::TimeLimit) && error.code == ErrorCode::Cancelled => {
                Err(late(options.time_limit))
            }
            (_, Some(error)) => Err(error),
            (_, None) => Err(ConnectorError::internal("a scan ended without a result")),
        }
    }

    /// Begins the scan in the store under the lease.
    async fn begin(&self, config: &SystemConfig) -> Result<StoreArchive, ConnectorError> {
        let Shared { options, stores, .. } = &*self.shared;
        let descriptor = options.registry.descriptor(&config.os_type)?.clone();
        let (config, name) = (config.clone(), self.claim.system.name.clone());
        let (number, hold, every) = (self.claim.lease, options.hold, options.checkpoint_every);
        let stores = Arc::clone(stores);
        let begun = tokio::task::spawn_blocking(move || {
            let fence = Fence::Kept { number, at_end: Claim::AT_END };
            let (descriptor, config, now) = (&descriptor, &config, Timestamp::now());
            let start = Start { name: &name, descriptor, config, fence, now, fresh: false };
            let scan = stores.take()?.begin(start)?;
            Ok::<_, ConnectorError>(StoreArchive::of_many(scan, hold, every, &stores))
        });
        let archive = begun.await.map_err(|_| ConnectorError::internal("the store crashed"))??;
        if let Some(why) = archive.discarded() {
            let (run, system) = (self.claim.run, &self.claim.system.name);
            warn!(target: "fleet", run, system, "the interrupted scan is discarded, not continued: {why}");
        }
        Ok(archive)
    }
}

fn late(limit: Duration) -> ConnectorError {
    ConnectorError::new(
        ErrorCode::Timeout,
        format!("the scan did not end within {} s", limit.as_secs()),
        "nothing, if the next try goes on from here; otherwise allow more time with --time-limit",
    )
    .with_retry(Retry::Later)
}

/// The last progress of each section.
#[derive(Debug, Default)]
struct Sections(Mutex<BTreeMap<Section, Progress>>);

impl Sections {
    fn json(&self) -> Value {
        let sections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sections
            .iter()
            .map(|(section, progress)| {
                let mut progress = serde_json::to_value(progress).unwrap_or_default();
                if let Some(fields) = progress.as_object_mut() {
                    fields.shift_remove("section");
                }
                (section.to_string(), progress)
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}

impl Reporter for Sections {
    fn progress(&self, progress: &Progress) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(progress.section, progress.clone());
    }

    /// A whole scan is not interrupted while it is kept: that is the store's matter, and takes a moment.
    fn finishing(&self) {}
}
