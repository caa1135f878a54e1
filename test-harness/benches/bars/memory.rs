//! Memory: the most that is resident while an organisation is scanned into a file.

use jumpcloud_simulator::{Simulator, SimulatorOptions};

use super::bar::{Bar, Bound};
use super::scan::Scope;
use super::{Result, Setup};

/// The most MiB for the largest organisation, whatever it contains.
const LARGEST: f64 = 256.0;

pub(crate) async fn measure(setup: &Setup) -> Result<Vec<Bar>> {
    let small = peak(setup, 10_000, 500, Scope::Whole).await?;
    let mut bars =
        vec![Bar::new("memory for 10,000 users, 500 groups, everything", small, 64.0, "MiB", Bound::AtMost(1.0))];
    let middle = peak(setup, 100_000, 2_000, Scope::Core).await?;
    bars.push(Bar::new("memory for 100,000 users, 2,000 groups", middle, LARGEST, "MiB", Bound::AtMost(1.0)));
    if !setup.quick {
        let large = peak(setup, 1_000_000, 20_000, Scope::Core).await?;
        let name = "memory for 1,000,000 users, 20,000 groups";
        bars.push(Bar::new(name, large, LARGEST, "MiB", Bound::AtMost(1.0)));
        let bytes = (large - middle) * 1024.0 * 1024.0 / 900_000.0;
        bars.push(Bar::fact("each further user with its five memberships", bytes, "bytes"));
    }
    Ok(bars)
}

async fn peak(setup: &Setup, users: u64, groups: u64, scope: Scope) -> Result<f64> {
    let options = SimulatorOptions { users, groups, ..SimulatorOptions::default() };
    let simulator = Simulator::start(options).await?;
    let scanned = setup.scan(&simulator, scope).await?;
    eprintln!(
        "  {users} users: {} rows, {} requests, {:.1} s, {:.1} s of processor, {:.0} MiB",
        scanned.summary.records(),
        scanned.summary.requests(),
        scanned.usage.wall.as_secs_f64(),
        scanned.usage.processor.as_secs_f64(),
        scanned.usage.peak_mib(),
    );
    Ok(scanned.usage.peak_mib())
}
