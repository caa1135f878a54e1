//! A connector that a test steers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use connector_api::{
    Account, Checkpoint, ConnectionReport, Connector, ConnectorError, Descriptor, Edition, Organization, Record,
    Registration, Registry, RowType, ScanFailure, ScanLedger, ScanRequest, ScanSink, ScanSummary, Section,
    SectionDescription, SectionReport, SectionStatus, SystemConfig, async_trait,
};
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::Semaphore;

/// The users of each system: half of them are read before the gate, and the others after it.
pub const USERS: u32 = 20;

/// A target, by its host name.
static TARGETS: Mutex<BTreeMap<String, Arc<Target>>> = Mutex::new(BTreeMap::new());

/// What a target does, and what was done to it.
pub struct Target {
    /// A scan waits here for a permit, half way.
    pub gate: Semaphore,
    /// How the next scans fail. Without one, they are complete.
    pub failures: Mutex<VecDeque<ConnectorError>>,
    /// How many of the last users are no longer there.
    pub gone: AtomicU32,
    pub seen: Mutex<Seen>,
    pub organizations: Mutex<Vec<Organization>>,
}

#[derive(Debug, Default, Clone)]
pub struct Seen {
    /// Which system each scan was of, and how many users it began after.
    pub starts: Vec<(String, u64)>,
    pub running: usize,
    /// The most scans at a time.
    pub most: usize,
}

impl Target {
    pub fn of(hostname: &str) -> Arc<Self> {
        let new = || Self {
            gate: Semaphore::new(0),
            failures: Mutex::default(),
            gone: AtomicU32::new(0),
            seen: Mutex::default(),
            organizations: Mutex::default(),
        };
        Arc::clone(TARGETS.lock().unwrap().entry(hostname.to_owned()).or_insert_with(|| Arc::new(new())))
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Lets all scans pass.
    pub fn open(&self) {
        self.gate.add_permits(10_000);
    }

    pub fn fail(&self, error: ConnectorError) {
        self.failures.lock().unwrap().push_back(error);
    }
}

struct Toy {
    config: SystemConfig,
    target: Arc<Target>,
}

pub fn registry() -> Registry {
    Registry::from_registrations([Registration::of::<Toy>()]).unwrap()
}

impl TryFrom<SystemConfig> for Toy {
    type Error = ConnectorError;

    fn try_from(config: SystemConfig) -> Result<Self, ConnectorError> {
        let target = Target::of(&config.hostname);
        Ok(Self { config, target })
    }
}

pub fn users(system: &str, ids: std::ops::Range<u32>) -> Vec<Record> {
    ids.map(|id| Account::new(id.to_string(), format!("{system}-{id}")).into()).collect()
}

impl Toy {
    async fn stream(&self, request: &ScanRequest, sink: &dyn ScanSink) -> Result<(), ConnectorError> {
        let read = request.resume.as_ref().map_or(Ok(0), |checkpoint| checkpoint.state.read::<u64>())?;
        self.target.seen.lock().unwrap().starts.push((self.config.name.clone(), read));
        if read == 0 {
            sink.records(users(&self.config.name, 0..USERS / 2)).await?;
            let state = json!(USERS / 2);
            sink.checkpoint(Checkpoint::new(&Self::describe(), &self.config, Timestamp::now(), state)).await?;
        }
        tokio::select! {
            passed = self.target.gate.acquire() => passed.unwrap().forget(),
            () = request.cancel.cancelled() => return Err(ConnectorError::cancelled()),
        }
        if let Some(error) = self.target.failures.lock().unwrap().pop_front() {
            return Err(error);
        }
        let gone = self.target.gone.load(Ordering::Relaxed);
        sink.records(users(&self.config.name, USERS / 2..USERS - gone)).await
    }
}

/// Counts a scan as long as it runs.
struct Running<'a>(&'a Target);

impl<'a> Running<'a> {
    fn new(target: &'a Target) -> Self {
        let mut seen = target.seen.lock().unwrap();
        seen.running += 1;
        seen.most = seen.most.max(seen.running);
        Self(target)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.seen.lock().unwrap().running -= 1;
    }
}

#[async_trait]
impl Connector for Toy {
    fn describe() -> Descriptor {
        let mut descriptor = Descriptor::new("Toy", "Toy", "1");
        let users = SectionDescription::new(Section::USERS, "Users", "users", "the test", "nothing");
        descriptor.sections = vec![users.core().owning([RowType::new("account", "user")])];
        descriptor.config_schema = schemars::json_schema!({
            "type": "object",
            "properties": { "id": { "type": "string", "title": "Organisation" } },
            "additionalProperties": false
        });
        descriptor.editions = vec![Edition::Pro, Edition::Enterprise];
        descriptor
    }

    async fn test_connection(&self) -> ConnectionReport {
        ConnectionReport::new(Vec::new())
    }

    async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure> {
        let _running = Running::new(&self.target);
        let mut ledger = ScanLedger::start(&Self::describe(), &self.config);
        let streamed = self.stream(&request, &*sink).await;
        if streamed.is_ok() {
            ledger.close(SectionReport::new(Section::USERS, SectionStatus::Complete));
        }
        ledger.finish(streamed)
    }

    async fn organizations(&self) -> Result<Vec<Organization>, ConnectorError> {
        Ok(self.target.organizations.lock().unwrap().clone())
    }
}
