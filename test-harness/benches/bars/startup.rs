//! Start-up: connectors that are compiled in are not felt, be there one or two hundred.

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use connector_api::{
    ConnectionReport, Connector, ConnectorError, Credential, Descriptor, Registration, Registry, ScanFailure,
    ScanLedger, ScanRequest, ScanSink, ScanSummary, SystemConfig, async_trait,
};
use connector_jumpcloud::JumpCloud;

use super::bar::{Bar, Bound};
use super::{Result, Setup};

const STARTS: usize = 30;
const LOOKUPS: u32 = 10_000;

pub(crate) fn measure(setup: &Setup) -> Result<Vec<Bar>> {
    let mut start = Duration::MAX;
    for _ in 0..STARTS {
        let began = Instant::now();
        let status = Command::new(&setup.harness).arg("connectors").stdout(Stdio::null()).status()?;
        start = start.min(began.elapsed());
        if !status.success() {
            return Err("`harness connectors` failed".into());
        }
    }
    let registrations = registrations();
    let began = Instant::now();
    let registry = Registry::from_registrations(registrations)?;
    let collect = began.elapsed();
    let names: Vec<String> = registry.descriptors().map(|descriptor| descriptor.os_type.clone()).collect();
    let began = Instant::now();
    for name in names.iter().cycle().take(LOOKUPS as usize) {
        black_box(registry.descriptor(black_box(name))?);
    }
    let lookup = began.elapsed() / LOOKUPS;
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    Ok(vec![
        Bar::new("`harness connectors`", milliseconds(start), 20.0, "ms", Bound::AtMost(1.0)),
        Bar::new("collecting 200 connectors", milliseconds(collect), 20.0, "ms", Bound::AtMost(1.0)),
        Bar::new("finding one of 200", lookup.as_nanos() as f64, 1_000.0, "ns", Bound::AtMost(1.0)),
    ])
}

/// A connector with the descriptor of JumpCloud's and a name of its own.
struct Numbered<const NUMBER: usize>;

impl<const NUMBER: usize> TryFrom<SystemConfig> for Numbered<NUMBER> {
    type Error = ConnectorError;

    fn try_from(_: SystemConfig) -> std::result::Result<Self, ConnectorError> {
        Ok(Self)
    }
}

#[async_trait]
impl<const NUMBER: usize> Connector for Numbered<NUMBER> {
    fn describe() -> Descriptor {
        let mut descriptor = JumpCloud::describe();
        descriptor.os_type = format!("Target {NUMBER}");
        descriptor
    }

    async fn test_connection(&self) -> ConnectionReport {
        ConnectionReport::default()
    }

    async fn scan(&self, _: ScanRequest, _: Arc<dyn ScanSink>) -> std::result::Result<ScanSummary, ScanFailure> {
        let system = SystemConfig::new("", "", Credential::default());
        ScanLedger::start(&Self::describe(), &system).finish(Ok(()))
    }
}

/// Two hundred of them.
fn registrations() -> Vec<Registration> {
    macro_rules! tens {
        ($($tens:literal),*) => {vec![$(
            Registration::of::<Numbered<{ $tens * 10 }>>(), Registration::of::<Numbered<{ $tens * 10 + 1 }>>(),
            Registration::of::<Numbered<{ $tens * 10 + 2 }>>(), Registration::of::<Numbered<{ $tens * 10 + 3 }>>(),
            Registration::of::<Numbered<{ $tens * 10 + 4 }>>(), Registration::of::<Numbered<{ $tens * 10 + 5 }>>(),
            Registration::of::<Numbered<{ $tens * 10 + 6 }>>(), Registration::of::<Numbered<{ $tens * 10 + 7 }>>(),
            Registration::of::<Numbered<{ $tens * 10 + 8 }>>(), Registration::of::<Numbered<{ $tens * 10 + 9 }>>(),
        )*]};
    }
    tens!(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19)
}
