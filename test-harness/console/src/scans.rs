//! The scans that run here: one for each system at a time, kept in the store as `harness scan --store` does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector_api::{
    CancellationToken, Connector, ConnectorError, Descriptor, ErrorCode, Retry, ScanRequest, SystemConfig,
};
use connector_host::live::{Live, Snapshot};
use connector_host::run::{ScanJob, ScanReport};
use connector_store::{Ended, Hold, StoreArchive};
use jiff::Timestamp;
use tokio::task::JoinHandle;

use crate::console::Console;
use crate::failure::Failure;
use crate::live::Newest;

/// How often those who watch get news.
const TICK: Duration = Duration::from_millis(500);

/// How long counting what a scan will cost may take.
const PLANNING: Duration = Duration::from_secs(30);

/// How long scans may take to end with the server. A connector that does not end is dropped by the host after a second.
const END: Duration = Duration::from_secs(15);

/// The scans, by the names of their systems. One that has ended stays until the next one of its system.
#[derive(Default)]
pub(crate) struct Scans {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    scans: BTreeMap<String, Arc<LiveScan>>,
    tasks: Vec<JoinHandle<()>>,
    is_ending: bool,
}

/// A scan that runs, or ran last.
pub(crate) struct LiveScan {
    pub(crate) live: Live,
    /// What those who watch see.
    pub(crate) newest: Newest<Snapshot>,
    cancel: CancellationToken,
}

impl LiveScan {
    pub(crate) fn has_ended(&self) -> bool {
        self.live.watch().borrow().has_ended
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Asks it to end. What it has read stays in the store for the next scan to go on with.
    pub(crate) fn cancel(&self) {
        if !self.cancel.is_cancelled() {
            self.live.log(Timestamp::now(), true, "cancelled: ends within a second");
            self.cancel.cancel();
        }
    }
}

impl Scans {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the scan of a system that runs, or ran last.
    pub(crate) fn of(&self, system: &str) -> Option<Arc<LiveScan>> {
        self.inner().scans.get(system).cloned()
    }

    /// Returns the scan of a system that runs.
    pub(crate) fn running(&self, system: &str) -> Option<Arc<LiveScan>> {
        self.of(system).filter(|scan| !scan.has_ended())
    }

    /// Starts a scan of a system that is set up here.
    ///
    /// # Errors
    /// If the system is not set up here, cannot be scanned as it is set up, or is being scanned already.
    pub(crate) async fn start(&self, console: &Arc<Console>, system: &str) -> Result<(), Failure> {
        let busy = || {
            let message = "this system is being scanned already";
            let error = ConnectorError::invalid_config(message, "watch that scan, or cancel it first");
            Failure::conflict(error.with_retry(Retry::Later))
        };
        if self.running(system).is_some() {
            return Err(busy());
        }
        let (.., config) = console.resolved(system).await?;
        let connector = console.connect(config.clone()).await.map_err(Failure::conflict)?;
        let descriptor = console.registry.descriptor(&config.os_type)?.clone();
        // A store that is gone is not something that could be done at another time.
        console.stores.read(|_| Ok(())).await?;
        let stores = console.stores.clone();
        let archive =
            StoreArchive::begin_in(move || stores.open(), system, &descriptor, &config, false, Hold::default());
        let archive = archive.await.map_err(Failure::conflict)?;
        let live = Live::new(&descriptor, Timestamp::now());
        if let Some(why) = archive.discarded() {
            live.log(Timestamp::now(), true, format!("the interrupted scan is discarded, not continued: {why}"));
        }
        let scan = Arc::new(LiveScan { live, newest: Newest::default(), cancel: CancellationToken::new() });
        let mut inner = self.inner();
        if inner.is_ending {
            return Err(ConnectorError::cancelled().into());
        }
        inner.scans.insert(system.to_owned(), Arc::clone(&scan));
        inner.tasks.retain(|task| !task.is_finished());
        let work = Work { scan, archive, connector, descriptor, config };
        inner.tasks.push(tokio::spawn(work.run()));
        Ok(())
    }

    /// Cancels all scans and waits for their ends.
    pub(crate) async fn end(&self) {
        let tasks = {
            let mut inner = self.inner();
            inner.is_ending = true;
            inner.scans.values().filter(|scan| !scan.has_ended()).for_each(|scan| scan.cancel());
            std::mem::take(&mut inner.tasks)
        };
        let all = async {
            for task in tasks {
                // One that crashed has ended as well.
                let _ = task.await;
            }
        };
        let _ = tokio::time::timeout(END, all).await;
    }
}

/// One scan to be made.
struct Work {
    scan: Arc<LiveScan>,
    archive: StoreArchive,
    connector: Box<dyn Connector>,
    descriptor: Descriptor,
    config: SystemConfig,
}

impl Work {
    async fn run(self) {
        let scan = Arc::clone(&self.scan);
        // The last snapshot comes even if the scan crashes: whoever watches must not wait for ever.
        let _end = End(&scan);
        let mut ticks = tokio::time::interval(TICK);
        let mut work = std::pin::pin!(self.scan());
        loop {
            tokio::select! {
                () = &mut work => return,
                _ = ticks.tick() => scan.live.publish(Timestamp::now()),
            }
        }
    }

    async fn scan(self) {
        let Self { scan, archive, connector, descriptor, config } = self;
        let log = |is_warning, text: String| scan.live.log(Timestamp::now(), is_warning, text);
        log(false, "started".to_owned());
        plan(&scan, &*connector).await;
        let ended = archive.ended();
        let job = ScanJob::without_output(scan.cancel.clone(), Arc::new(Follower(Arc::clone(&scan))));
        match job.run_kept(Box::new(archive), &*connector, &descriptor, &config).await {
            Ok(report) => conclude(&report, ended.get(), log),
            Err(error) => log(true, format!("not started: {error}")),
        }
    }
}

struct End<'a>(&'a LiveScan);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.live.end(Timestamp::now());
    }
}

/// Passes progress on to the scan's own watchers.
struct Follower(Arc<LiveScan>);

impl connector_host::progress::Reporter for Follower {
    fn progress(&self, progress: &connector_api::Progress) {
        self.0.live.progress(progress);
    }
}

/// Counts what the scan will cost. It works without.
async fn plan(scan: &LiveScan, connector: &dyn Connector) {
    let request = ScanRequest::with_cancel(scan.cancel.clone());
    let planned = scan.cancel.run_until_cancelled(tokio::time::timeout(PLANNING, connector.plan(&request))).await;
    let now = Timestamp::now();
    match planned {
        Some(Ok(Ok(Some(plan)))) => scan.live.plan(&plan, now),
        Some(Ok(Err(error))) => scan.live.log(now, true, format!("no plan: {}", error.message)),
        Some(Err(_)) => scan.live.log(now, true, "no plan: counting took too long"),
        Some(Ok(Ok(None))) | None => {}
    }
}

/// Logs what was not read, and how the scan ended.
fn conclude(report: &ScanReport, ended: Option<&Ended>, log: impl Fn(bool, String)) {
    for section in &report.summary.sections {
        if let Some(error) = section.status.error() {
            log(true, format!("{}: {}", section.section, error.message));
        }
    }
    if let Some(error) = &report.summary.error {
        let what = if error.code == ErrorCode::Cancelled { "cancelled" } else { "failed" };
        let more = if report.can_resume { "; the next scan goes on from the last checkpoint" } else { "" };
        log(true, format!("{what}: {}{more}", error.message));
    }
    match ended {
        Some(Ended::Published { run, .. }) => log(false, format!("taken over as run {run}")),
        Some(Ended::Held { run, .. }) => log(true, format!("run {run} is held: it would remove too much")),
        _ => {}
    }
}
