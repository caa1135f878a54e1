//! One target, and the operations that tests run on it.

use std::sync::Arc;
use std::time::Duration;

use connector_api::{
    CancellationToken, ConnectionReport, Connector, ConnectorError, Descriptor, Edition, Record, Registry, ScanFailure,
    ScanRequest, ScanSummary, SystemConfig,
};
use tokio::time::timeout;

use super::fixture::{Fixture, Scenario, Target};
use super::probe::{Probe, Script};
use super::verdict::{Advice, Expect, Failure, NotPassed};

/// The time limit of one scan of a fixture's small target: about twice the maximum back-off of `connector_http`'s
/// default retries.
pub(super) const SCAN_LIMIT: Duration = Duration::from_secs(60);

/// The contract's 20 seconds, with a margin for the last response.
const CONNECTION_TEST_LIMIT: Duration = Duration::from_millis(20_500);

/// The advice for something that does not end.
pub(super) const WITHOUT_END: Advice = Advice {
    remedy: "set few attempts and short waits in the fixture's configuration, so that permanent failures end soon; \
             otherwise find what the connector waits for, and give it a time limit",
    explains: "connector_conformance::Fixture",
};

/// Returns the seed of the tests' random choices.
pub(super) fn seed() -> u64 {
    std::env::var("CONFORMANCE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// A target in one scenario.
pub(super) struct Bench {
    registry: Registry,
    pub(super) descriptor: Descriptor,
    pub(super) scenario: Scenario,
    pub(super) target: Target,
}

/// A finished scan: its result, and what the sink recorded.
pub(super) struct Run {
    pub(super) result: Result<ScanSummary, ScanFailure>,
    pub(super) sink: Arc<Probe>,
}

impl Bench {
    pub(super) async fn start(fixture: &dyn Fixture, scenario: Scenario) -> Result<Self, NotPassed> {
        let registration = fixture.registration();
        let registry = Registry::from_registrations([registration]).expecting("the connector registers")?;
        let target = fixture.start(scenario).await?;
        Ok(Self { registry, descriptor: registration.descriptor(), scenario, target })
    }

    /// Makes a connector for these settings, as a host does.
    pub(super) fn try_connect(&self, system: SystemConfig) -> Result<Box<dyn Connector>, ConnectorError> {
        let edition = self.descriptor.editions.first().copied().unwrap_or(Edition::Enterprise);
        self.registry.connect(system, edition)
    }

    /// Makes a connector for another edition than the first in the list.
    pub(super) fn try_edition(&self, edition: Edition) -> Result<Box<dyn Connector>, ConnectorError> {
        self.registry.connect(self.target.system.clone(), edition)
    }

    /// Makes a new connector to the target.
    pub(super) fn connect(&self) -> Result<Box<dyn Connector>, NotPassed> {
        self.try_connect(self.target.system.clone()).expecting(format!("a connector to {}", self.scenario))
    }

    /// Scans with a new connector.
    pub(super) async fn run(&self, request: ScanRequest, script: Script) -> Result<Run, NotPassed> {
        let connector = self.connect()?;
        let sink = Arc::new(Probe::new(script));
        let result = self.in_time("scan", connector.scan(request, sink.clone())).await?;
        Ok(Run { result, sink })
    }

    /// Awaits an operation of the connector, within the time limit.
    pub(super) async fn in_time<T>(&self, what: &str, doing: impl Future<Output = T>) -> Result<T, NotPassed> {
        let late = || Failure::late(format!("the {what} of {} ends", self.scenario), SCAN_LIMIT, WITHOUT_END);
        Ok(timeout(SCAN_LIMIT, doing).await.map_err(|_| late())?)
    }

    /// Tests the connection, within the contract's time limit.
    pub(super) async fn test_connection(&self) -> Result<ConnectionReport, NotPassed> {
        let connector = self.connect()?;
        let late = || {
            let advice = Advice {
                remedy: "give each request a time limit, and the whole connection test one of 20 seconds",
                explains: "connector_api::Connector::test_connection",
            };
            let expected = format!("the connection test of {} ends within 20 seconds", self.scenario);
            Failure::late(expected, CONNECTION_TEST_LIMIT, advice)
        };
        Ok(timeout(CONNECTION_TEST_LIMIT, connector.test_connection()).await.map_err(|_| late())?)
    }

    /// Runs a full scan that must succeed.
    pub(super) async fn scan(&self) -> Result<(ScanSummary, Vec<Record>), NotPassed> {
        let run = self.run(ScanRequest::default(), Script::Record).await?;
        let summary = run.result.expecting(format!("the scan of {} succeeds", self.scenario))?;
        let rows = std::mem::take(&mut run.sink.seen().rows);
        Ok((summary, rows))
    }

    /// Runs a scan that is cancelled at the n-th call of the sink.
    pub(super) async fn cancel_at(&self, call: usize) -> Result<Run, NotPassed> {
        let token = CancellationToken::new();
        self.run(ScanRequest::with_cancel(token.clone()), Script::CancelAt(call, token)).await
    }
}
