//! Processor: what a scan takes, and a client that only downloads the same bodies.

use std::time::Duration;

use jumpcloud_simulator::{Simulator, SimulatorOptions};

use super::bar::{Bar, Bound};
use super::bare::{self, Then};
use super::scan::Scope;
use super::{Result, Setup};

/// Scan and download are measured in turn so often, and the least of each counts: noise only adds.
const ROUNDS: usize = 5;

pub(crate) async fn measure(setup: &Setup) -> Result<Vec<Bar>> {
    let users = if setup.quick { 5_000 } else { 50_000 };
    let mut bars = Vec::new();
    for gzip in [true, false] {
        let options = SimulatorOptions { users, groups: 100, gzip, ..SimulatorOptions::default() };
        let simulator = Simulator::start(options).await?;
        let [mut scan, mut download, mut reading] = [Duration::MAX; 3];
        let (mut wall, mut ceiling) = (Duration::MAX, 0.0_f64);
        for _ in 0..ROUNDS {
            let scanned = setup.scan(&simulator, Scope::Core).await?;
            scan = scan.min(scanned.usage.processor);
            wall = wall.min(scanned.usage.wall);
            let (usage, downloaded) = bare::run(&simulator, Then::Forget).await?;
            download = download.min(usage.processor);
            reading = reading.min(bare::run(&simulator, Then::ReadAndWrite).await?.0.processor);
            ceiling = ceiling.max(downloaded.pages as f64 / downloaded.seconds);
        }
        let how = if gzip { "gzip" } else { "plain" };
        let [scan, download, reading] = [scan, download, reading].map(|time| time.as_secs_f64());
        bars.push(Bar::new(
            format!("processor against a bare download of {users} users, {how}"),
            scan,
            download,
            "s",
            Bound::AtMost(2.0),
        ));
        bars.push(Bar::fact(format!("the same download, pages read as JSON and written, {how}"), reading, "s"));
        bars.push(Bar::fact(format!("users a core-second, {how}"), users as f64 / scan, "users"));
        bars.push(Bar::fact(format!("wall time at no latency, {how}"), wall.as_secs_f64(), "s"));
        bars.push(Bar::fact(format!("the simulator's own ceiling, {how}"), ceiling, "pages/s"));
    }
    Ok(bars)
}
