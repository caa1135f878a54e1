//! The whole of a large organisation: time against a client that makes the same requests, and memory.

use std::time::Duration;

use jumpcloud_simulator::{Simulator, SimulatorOptions};

use super::bar::{Bar, Bound};
use super::clients::{self, Kind};
use super::scan::Scope;
use super::{Result, Setup};

/// A scan may take at most this many times as long as a replay of its requests.
const MOST: f64 = 1.3;
/// Requests that the replay has in flight: the most that automatic concurrency, the default of a scan, has.
const IN_FLIGHT: usize = 32;
/// The most that may be resident, in MiB.
const MEMORY: f64 = 192.0;

/// The latency of a service that is near.
const NEAR: Duration = Duration::from_millis(20);

pub(crate) async fn measure(setup: &Setup) -> Result<Vec<Bar>> {
    let mut bars = compare(setup, Duration::ZERO).await?;
    bars.extend(compare(setup, NEAR).await?);
    Ok(bars)
}

async fn compare(setup: &Setup, latency: Duration) -> Result<Vec<Bar>> {
    let (users, groups, systems) = if setup.quick { (5_000, 250, 1_000) } else { (100_000, 5_000, 20_000) };
    let options = SimulatorOptions { users, groups, systems, latency, record: true, ..SimulatorOptions::default() };
    let simulator = Simulator::start(options).await?;
    let scanned = setup.scan(&simulator, Scope::Whole).await?;
    let requests = tempfile::NamedTempFile::new()?;
    serde_json::to_writer(&requests, &simulator.recorded())?;
    let replay = clients::run(&simulator, Kind::Replay, IN_FLIGHT, Some(requests.path())).await?;

    let what = format!("{users} users, {groups} groups, {systems} systems, {} ms", latency.as_millis());
    let [wall, least] = [&scanned.usage, &replay.usage].map(|usage| usage.wall.as_secs_f64());
    let [processor, replayed] = [&scanned.usage, &replay.usage].map(|usage| usage.processor.as_secs_f64());
    let [requested, again] = [scanned.summary.requests(), replay.work.requests].map(|requests| requests as f64);
    for section in &scanned.summary.sections {
        if let Some(error) = section.status.error() {
            return Err(format!("{} is not complete: {error}", section.section).into());
        }
    }
    Ok(vec![
        Bar::new(format!("whole of {what}, against a replay"), wall, least, "s", Bound::AtMost(MOST)),
        Bar::new("memory of the same", scanned.usage.peak_mib(), MEMORY, "MiB", Bound::AtMost(1.0)),
        Bar::new("processor of the same, and of the replay", processor, replayed, "s", Bound::None),
        Bar::new("requests of the same, and of the replay", requested, again, "requests", Bound::None),
        Bar::fact("rows of the same", scanned.summary.records() as f64, "rows"),
        Bar::fact("rows of the same in bytes", scanned.bytes as f64, "bytes"),
    ])
}
