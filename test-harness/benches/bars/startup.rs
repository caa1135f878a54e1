//! Start-up: connectors that are compiled in are not felt, be there one or two hundred.

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use connector_api::{Connector, ConnectorError, Descriptor, Registration, Registry, SystemConfig};

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
    let registry = Registry::from_registrations(&registrations)?;
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

/// Two hundred connectors with the descriptor of JumpCloud's, each with a name of its own.
fn registrations() -> Vec<Registration> {
    fn descriptor<const NUMBER: usize>() -> Descriptor {
        let mut descriptor = connector_jumpcloud::descriptor();
        descriptor.os_type = format!("Target {NUMBER}");
        descriptor
    }
    fn factory(_: SystemConfig) -> std::result::Result<Box<dyn Connector>, ConnectorError> {
        Err(ConnectorError::internal("there is nothing behind it"))
    }
    macro_rules! tens {
        ($($tens:literal),*) => {[$(
            descriptor::<{ $tens * 10 }>, descriptor::<{ $tens * 10 + 1 }>, descriptor::<{ $tens * 10 + 2 }>,
            descriptor::<{ $tens * 10 + 3 }>, descriptor::<{ $tens * 10 + 4 }>, descriptor::<{ $tens * 10 + 5 }>,
            descriptor::<{ $tens * 10 + 6 }>, descriptor::<{ $tens * 10 + 7 }>, descriptor::<{ $tens * 10 + 8 }>,
            descriptor::<{ $tens * 10 + 9 }>,
        )*]};
    }
    let descriptors: [fn() -> Descriptor; 200] =
        tens!(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19);
    descriptors.map(|descriptor| Registration { descriptor, factory }).into()
}
