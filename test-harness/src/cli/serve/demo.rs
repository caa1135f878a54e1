//! The store of `--demo`: the demo organisation as of yesterday and of today.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector_api::{
    Account, CancellationToken, Checkpoint, ConnectorError, Credential, Edition, Record, Registry, ScanSummary,
    SystemConfig,
};
use connector_host::progress::Quiet;
use connector_host::run::{Archive, ScanJob};
use connector_host::stored_system::{PASSWORD, SecretSource, Secrets, StoredSystem};
use connector_host::systems::Systems;
use connector_store::{Fence, Hold, Location, Start, Store, StoreArchive};
use jiff::{SignedDuration, Timestamp};
use jumpcloud_simulator::{Simulator, SimulatorOptions};
use tempfile::TempDir;

use crate::cli::target::DEFAULT_OS_TYPE;
use crate::cli::{print, simulate};

/// How long the organisation takes for each request when somebody scans it from the page: long enough to watch.
const LATENCY: Duration = Duration::from_millis(150);

/// A store that is removed when this is dropped, and the organisation, which can be scanned until then.
pub(super) struct Demo {
    folder: TempDir,
    organisation: Simulator,
}

impl Demo {
    /// Scans the organisation twice.
    pub(super) async fn scan(registry: &Registry, cancel: &CancellationToken) -> Result<Self, ConnectorError> {
        let folder = tempfile::Builder::new().prefix("harness-demo-").tempdir().map_err(|error| {
            ConnectorError::sink(format!("no temporary folder can be made: {error}"), "free some space, or set TMPDIR")
        })?;
        let organisation =
            simulate::start(SimulatorOptions { latency: LATENCY, ..SimulatorOptions::default() }).await?;
        let demo = Self { folder, organisation };
        print::said("Scanning the demo organisation as of yesterday and of today …");
        let (simulator, now) = (simulate::start(SimulatorOptions::default()).await?, Timestamp::now());
        let yesterday = now - SignedDuration::from_hours(24);
        demo.scan_once(registry, cancel, &simulator, yesterday, |archive| Box::new(Yesterday(archive))).await?;
        demo.scan_once(registry, cancel, &simulator, now, |archive| Box::new(archive)).await?;
        Ok(demo)
    }

    /// Returns the organisation as a system that is set up.
    pub(super) fn systems(&self) -> Result<Systems, ConnectorError> {
        let config = SystemConfig::new(DEFAULT_OS_TYPE, self.organisation.url(), Credential::default());
        let secrets = BTreeMap::from([(PASSWORD.to_owned(), SecretSource::Entered)]);
        let entered = Secrets::from([(PASSWORD.to_owned(), self.organisation.api_key().into())]);
        let systems = Systems::in_memory();
        systems.save(StoredSystem { config: config.with_name("demo"), secrets }, entered)?;
        Ok(systems)
    }

    /// Returns where the store is.
    pub(super) fn location(&self) -> Result<Location, ConnectorError> {
        format!("sqlite:{}", self.folder.path().join("demo.db").display()).parse()
    }

    async fn scan_once(
        &self,
        registry: &Registry,
        cancel: &CancellationToken,
        simulator: &Simulator,
        now: Timestamp,
        archive: impl FnOnce(StoreArchive) -> Box<dyn Archive>,
    ) -> Result<(), ConnectorError> {
        let key = Credential::from_secret(simulator.api_key());
        let config = SystemConfig::new(DEFAULT_OS_TYPE, simulator.url(), key).with_name("demo");
        let descriptor = registry.descriptor(DEFAULT_OS_TYPE)?;
        let connector = registry.connect(config.clone(), Edition::Enterprise)?;
        let start = Start { name: "demo", descriptor, config: &config, fence: Fence::Own, now, fresh: true };
        let scan = Store::open(&self.location()?)?.begin(start)?;
        let archive = archive(StoreArchive::new(scan, Hold::default()));
        let job = ScanJob::without_output(cancel.clone(), Arc::new(Quiet));
        let report = job.run_kept(archive, &*connector, descriptor, &config).await?;
        report.summary.error.map_or(Ok(()), Err)
    }
}

/// The organisation a day before: some accounts, memberships and bindings of today are not there yet, one account still is,
/// and some second factors are not set up.
struct Yesterday(StoreArchive);

/// One in how many rows of a kind is another one.
const ACCOUNTS: u32 = 90;
const FACTORS: u32 = 40;
const MEMBERSHIPS: u32 = 80;
const BINDINGS: u32 = 50;

/// Chooses one in `share`, by ids: the same each time.
fn is_chosen(ids: &[&str], share: u32) -> bool {
    let mixed = ids
        .iter()
        .flat_map(|id| id.bytes())
        .fold(0_u32, |mixed, byte| (mixed ^ u32::from(byte)).wrapping_mul(16_777_619));
    (mixed >> 8).is_multiple_of(share)
}

impl Yesterday {
    fn stood(record: &mut Record) -> bool {
        let is_new = |account: &str| is_chosen(&[account], ACCOUNTS);
        match record {
            Record::Account(account) => {
                if is_chosen(&["factor", &account.external_id], FACTORS)
                    && let Some(mfa) = &mut account.mfa
                {
                    mfa.configured = Some(false);
                    mfa.factors.clear();
                }
                !is_new(&account.external_id)
            }
            Record::Membership(membership) => {
                let (account, group) = (&membership.account_external_id, &membership.group_external_id);
                !is_new(account) && !is_chosen(&[account, group], MEMBERSHIPS)
            }
            Record::Binding(binding) => {
                let (from, to) = (&binding.from.external_id, &binding.to.external_id);
                !is_new(from) && !is_chosen(&[from, to], BINDINGS)
            }
            _ => true,
        }
    }
}

impl Archive for Yesterday {
    fn resume(
        &mut self,
        each: &mut dyn FnMut(Record) -> Result<(), ConnectorError>,
    ) -> Result<Option<Checkpoint>, ConnectorError> {
        self.0.resume(each)
    }

    fn records(&mut self, batch: &[Record]) -> Result<(), ConnectorError> {
        let rows = batch.iter().cloned().filter_map(|mut record| Self::stood(&mut record).then_some(record));
        self.0.records(&rows.collect::<Vec<_>>())
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), ConnectorError> {
        self.0.checkpoint(checkpoint)
    }

    fn end(&mut self, summary: &ScanSummary) -> Result<bool, ConnectorError> {
        let mut gone = Account::new("demo-account-gone-today", "dana.petrov88");
        gone.display_name = Some("Dana Petrov".to_owned());
        gone.enabled = Some(true);
        self.0.records(&[gone.into()])?;
        self.0.end(summary)
    }
}
