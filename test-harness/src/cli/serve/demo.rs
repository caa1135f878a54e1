//! The store of `--demo`: the demo organisation as of yesterday and of today.

use std::sync::Arc;

use connector_api::{CancellationToken, ConnectorError, Credential, Edition, Registry, SystemConfig};
use connector_host::output::{Destination, Format};
use connector_host::progress::Quiet;
use connector_host::run::ScanJob;
use connector_store::{Fence, Hold, Location, Start, Store, StoreArchive};
use jiff::{SignedDuration, Timestamp};
use jumpcloud_simulator::SimulatorOptions;
use tempfile::TempDir;

use crate::cli::target::DEFAULT_OS_TYPE;
use crate::cli::{print, simulate};

/// A store that is removed when this is dropped.
pub(super) struct Demo {
    folder: TempDir,
}

impl Demo {
    /// Scans the organisation twice.
    pub(super) async fn scan(registry: &Registry, cancel: &CancellationToken) -> Result<Self, ConnectorError> {
        let folder = tempfile::Builder::new().prefix("harness-demo-").tempdir().map_err(|error| {
            ConnectorError::sink(format!("no temporary folder can be made: {error}"), "free some space, or set TMPDIR")
        })?;
        let demo = Self { folder };
        print::said("Scanning the demo organisation as of yesterday and of today …");
        let (today, now) = (SimulatorOptions::default(), Timestamp::now());
        let yesterday = SimulatorOptions { users: today.users - 4, ..SimulatorOptions::default() };
        demo.scan_once(registry, cancel, yesterday, now - SignedDuration::from_hours(24)).await?;
        demo.scan_once(registry, cancel, today, now).await?;
        Ok(demo)
    }

    /// Returns where the store is.
    pub(super) fn location(&self) -> Result<Location, ConnectorError> {
        format!("sqlite:{}", self.folder.path().join("demo.db").display()).parse()
    }

    async fn scan_once(
        &self,
        registry: &Registry,
        cancel: &CancellationToken,
        options: SimulatorOptions,
        now: Timestamp,
    ) -> Result<(), ConnectorError> {
        let simulator = simulate::start(options).await?;
        let key = Credential::from_secret(simulator.api_key());
        let config = SystemConfig::new(DEFAULT_OS_TYPE, simulator.url(), key).with_name("demo");
        let descriptor = registry.descriptor(DEFAULT_OS_TYPE)?;
        let connector = registry.connect(config.clone(), Edition::Enterprise)?;
        let start = Start { name: "demo", descriptor, config: &config, fence: Fence::Own, now, fresh: true };
        let archive = StoreArchive::new(Store::open(&self.location()?)?.begin(start)?, Hold::default());
        let job = ScanJob {
            destination: Destination::Nowhere,
            format: Format::default(),
            checkpoint: None,
            inputs: Vec::new(),
            without: Vec::new(),
            cancel: cancel.clone(),
            reporter: Arc::new(Quiet),
        };
        let report = job.run_kept(Box::new(archive), &*connector, descriptor, &config).await?;
        report.summary.error.map_or(Ok(()), Err)
    }
}
