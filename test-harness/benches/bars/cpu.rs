//! Processor: what a scan takes, and the least that its rows can be made in.

use jumpcloud_simulator::{Simulator, SimulatorOptions};

use super::bar::{Bar, Bound};
use super::clients::{self, Kind};
use super::scan::{CONCURRENCY, Scan, Scope};
use super::{Result, Setup, median};

/// A scan may take at most this many times the processor time of the lower bound.
const MOST: f64 = 1.5;

pub(crate) async fn measure(setup: &Setup) -> Result<Vec<Bar>> {
    let (users, rounds) = if setup.quick { (5_000, 3) } else { (50_000, 12) };
    let mut bars = Vec::new();
    for (gzip, how) in [(true, "gzip"), (false, "plain")] {
        let options = SimulatorOptions { users, groups: 100, gzip, ..SimulatorOptions::default() };
        let simulator = Simulator::start(options).await?;
        // A real service compresses, so only that has a bound.
        let bound = if gzip { Bound::AtMost(MOST) } else { Bound::None };
        bars.extend(compare(setup, &simulator, users, rounds, how, bound).await?);
    }
    Ok(bars)
}

/// Measures the scan and the clients in turn. What else the machine does meets both of a pair alike.
async fn compare(
    setup: &Setup,
    simulator: &Simulator,
    users: u64,
    rounds: usize,
    how: &str,
    bound: Bound,
) -> Result<Vec<Bar>> {
    let [mut ratios, mut scans, mut lowers, mut ones, mut downloads, mut walls, mut ceilings] =
        [const { Vec::new() }; 7];
    let mut facts = Vec::new();
    let scan_of_core = Scan::of(simulator, Scope::Core).with("concurrency", CONCURRENCY);
    for round in 0..rounds {
        let scanned = setup.run(&scan_of_core).await?;
        let lower = clients::run(simulator, Kind::LowerBound, CONCURRENCY, None).await?;
        let one = clients::run(simulator, Kind::LowerBoundOnOneThread, CONCURRENCY, None).await?;
        let download = clients::run(simulator, Kind::Download, CONCURRENCY, None).await?;
        let [scan, least] = [&scanned.usage, &lower.usage].map(|usage| usage.processor.as_secs_f64());
        ratios.push(scan / least);
        scans.push(scan);
        lowers.push(least);
        ones.push(one.usage.processor.as_secs_f64());
        downloads.push(download.usage.processor.as_secs_f64());
        walls.push(scanned.usage.wall.as_secs_f64());
        ceilings.push(download.work.requests as f64 / download.work.seconds);
        if round == 0 {
            let pair = |what: &str, scan: u64, lower: u64, unit| {
                let name = format!("{what} of the scan, and of the lower bound, {how}");
                Bar::new(name, scan as f64, lower as f64, unit, Bound::None)
            };
            facts = vec![
                pair("requests", scanned.summary.requests(), lower.work.requests, "requests"),
                pair("rows", scanned.summary.records(), lower.work.rows, "rows"),
                pair("bytes of rows", scanned.bytes, lower.work.written_bytes, "bytes"),
            ];
        }
    }
    let scan = median(&mut scans);
    let name = format!("processor by lower bound, {users} users, median of {rounds}, {how}");
    let mut bars = vec![Bar::new(name, median(&mut ratios), 1.0, "×", bound)];
    let fact = |what: &str, value: f64, unit| Bar::fact(format!("{what}, {how}"), value, unit);
    bars.extend([
        fact("processor of the scan", scan, "s"),
        fact("processor of the lower bound", median(&mut lowers), "s"),
        fact("processor of the lower bound on one thread", median(&mut ones), "s"),
        fact("processor of a bare download", median(&mut downloads), "s"),
        fact("users a core-second", users as f64 / scan, "users"),
        fact("wall time at no latency", median(&mut walls), "s"),
        fact("the simulator's own ceiling", median(&mut ceilings), "requests/s"),
    ]);
    bars.extend(facts);
    Ok(bars)
}
