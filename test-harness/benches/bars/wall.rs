//! Wall time: what the latency and the concurrency allow, and little more.

use std::time::Duration;

use jumpcloud_simulator::{Simulator, SimulatorOptions};

use super::bar::{Bar, Bound};
use super::scan::{CONCURRENCY, Scan, Scope};
use super::{Result, Setup};

/// The time of another released connector for 1,000 users, 31 groups and their memberships at 20 ms latency, in seconds: it makes 755
/// requests, most of them one after another.
const OTHER: f64 = 16.8;

pub(crate) async fn measure(setup: &Setup) -> Result<Vec<Bar>> {
    let (users, groups, systems) = if setup.quick { (1_000, 50, 200) } else { (10_000, 500, 2_000) };
    let latency = Duration::from_millis(50);
    let options = SimulatorOptions { users, groups, systems, latency, ..SimulatorOptions::default() };
    let simulator = Simulator::start(options).await?;
    let whole = setup.run(&Scan::of(&simulator, Scope::Whole).with("concurrency", CONCURRENCY)).await?;
    let wall = whole.usage.wall.as_secs_f64();
    let one_by_one = whole.summary.requests() as f64 * latency.as_secs_f64();
    let ideal = one_by_one / CONCURRENCY as f64;

    let latency = Duration::from_millis(20);
    let options = SimulatorOptions { users: 1_000, groups: 31, latency, ..SimulatorOptions::default() };
    let small = Simulator::start(options).await?;
    let small = setup.run(&Scan::of(&small, Scope::Core).with("concurrency", CONCURRENCY)).await?;
    let what = format!("{users} users, {groups} groups, {systems} systems");
    Ok(vec![
        Bar::new(format!("wall time at 50 ms, {what}"), wall, ideal, "s", Bound::AtMost(1.25)),
        Bar::new("one by one would take (computed)", one_by_one, wall, "s", Bound::AtLeast(10.0)),
        Bar::new(
            "50 × the time of another connector, 1,000 users and 31 groups at 20 ms",
            small.usage.wall.as_secs_f64(),
            OTHER / 50.0,
            "s",
            Bound::AtMost(1.0),
        ),
    ])
}
