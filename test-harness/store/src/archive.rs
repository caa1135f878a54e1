//! A scan of the reference host that is kept in a store.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use connector_api::{Checkpoint, ConnectorError, Descriptor, Outcome, Record, ScanSummary, SystemConfig};
use connector_host::run::Archive;
use connector_host::typed::{self, MAX_NAME};
use jiff::Timestamp;

use crate::{Ended, Fence, Hold, Location, OpenStores, Scan, Start, Store};

/// Keeps what a [`ScanJob`](connector_host::run::ScanJob) reads.
#[derive(Debug)]
pub struct StoreArchive {
    /// `None` once it has ended.
    scan: Option<Scan>,
    hold: Hold,
    /// What is different if it is one of many.
    many: Option<Many>,
    publishing: Arc<OnceLock<i64>>,
    ended: Arc<OnceLock<Ended>>,
}

/// One of many scans.
#[derive(Debug)]
struct Many {
    checkpoint_every: Duration,
    /// When the last one was stored.
    last: Instant,
    stores: Arc<OpenStores>,
}

impl StoreArchive {
    /// Creates an archive of a scan that has just begun.
    pub fn new(scan: Scan, hold: Hold) -> Self {
        Self { scan: Some(scan), hold, many: None, publishing: Arc::default(), ended: Arc::default() }
    }

    /// Creates an archive of one of many scans, each of which should cost the database little. Of a small scan, checkpoints are
    /// stored at most this often, and when it ends without being whole: each costs more than reading some rows again. It is
    /// published in one transaction. The store is given back to `stores` when it has ended.
    pub fn of_many(scan: Scan, hold: Hold, checkpoint_every: Duration, stores: &Arc<OpenStores>) -> Self {
        let many = Many { checkpoint_every, last: Instant::now(), stores: Arc::clone(stores) };
        Self { many: Some(many), ..Self::new(scan, hold) }
    }

    /// Returns where the run will stand as soon as it is being published. Until [`ended`](Self::ended) is set as well, nobody can
    /// know whether it is.
    pub fn publishing(&self) -> Arc<OnceLock<i64>> {
        Arc::clone(&self.publishing)
    }

    /// Opens a store, on a thread that may block, and begins a scan there that reserves its system itself.
    ///
    /// # Errors
    /// As for [`Store::open`] and [`Store::begin`], and `invalid_config` for a system that the store does not know, whose name has a
    /// [`problem`](typed::problem).
    pub async fn begin(
        location: &Location,
        name: &str,
        descriptor: &Descriptor,
        config: &SystemConfig,
        fresh: bool,
        hold: Hold,
    ) -> Result<Self, ConnectorError> {
        let location = location.clone();
        Self::begin_in(move || Store::open(&location), name, descriptor, config, fresh, hold).await
    }

    /// The same in the store that `open` opens.
    ///
    /// # Errors
    /// As for [`begin`](Self::begin), and any error of `open`.
    pub async fn begin_in(
        open: impl FnOnce() -> Result<Store, ConnectorError> + Send + 'static,
        name: &str,
        descriptor: &Descriptor,
        config: &SystemConfig,
        fresh: bool,
        hold: Hold,
    ) -> Result<Self, ConnectorError> {
        let name = name.to_owned();
        let (descriptor, config) = (descriptor.clone(), config.clone());
        let begun = tokio::task::spawn_blocking(move || {
            let (descriptor, config, now) = (&descriptor, &config, Timestamp::now());
            let start = Start { name: &name, descriptor, config, fence: Fence::Own, now, fresh };
            let mut store = open()?;
            // One that is known keeps its name, whatever was allowed when it was added.
            if store.system_called(Some(&name))?.is_none() {
                typed::check("the name of the system", &name, MAX_NAME)?;
            }
            Ok(Self::new(store.begin(start)?, hold))
        });
        begun.await.map_err(|_| ConnectorError::internal("the store crashed"))?
    }

    /// Returns why the interrupted scan of the system was discarded, if there was one that cannot be continued.
    pub fn discarded(&self) -> Option<&str> {
        self.scan.as_ref()?.discarded()
    }

    /// Returns where the end of the scan in the store will stand: empty if the scan does not get so far.
    pub fn ended(&self) -> Arc<OnceLock<Ended>> {
        Arc::clone(&self.ended)
    }

    fn scan(&mut self) -> Result<&mut Scan, ConnectorError> {
        self.scan.as_mut().ok_or_else(|| ConnectorError::internal("a scan goes on after its end"))
    }
}

impl Archive for StoreArchive {
    fn resume(
        &mut self,
        each: &mut dyn FnMut(Record) -> Result<(), ConnectorError>,
    ) -> Result<Option<Checkpoint>, ConnectorError> {
        let scan = self.scan()?;
        match scan.take_resume() {
            Some(checkpoint) => scan.staged(each).map(|()| Some(checkpoint)),
            None => Ok(None),
        }
    }

    fn records(&mut self, batch: &[Record]) -> Result<(), ConnectorError> {
        self.scan()?.stage(batch)
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), ConnectorError> {
        let is_early = self.many.as_ref().is_some_and(|many| many.last.elapsed() < many.checkpoint_every);
        let scan = self.scan()?;
        if is_early && scan.is_small() {
            return scan.defer_checkpoint(checkpoint);
        }
        scan.checkpoint(checkpoint)?;
        if let Some(many) = &mut self.many {
            many.last = Instant::now();
        }
        Ok(())
    }

    fn end(&mut self, summary: &ScanSummary) -> Result<bool, ConnectorError> {
        let scan = self.scan.take().ok_or_else(|| ConnectorError::internal("a scan ends twice"))?;
        if summary.outcome != Outcome::Failed {
            let _ = self.publishing.set(scan.run());
        }
        let ended = match &self.many {
            None => scan.publish(summary, self.hold)?,
            Some(many) => {
                let (store, ended) = scan.publish_at_once(summary, self.hold)?;
                many.stores.give_back(store);
                ended
            }
        };
        let can_resume = matches!(ended, Ended::Failed { can_resume: true, .. });
        let _ = self.ended.set(ended);
        Ok(can_resume)
    }
}
