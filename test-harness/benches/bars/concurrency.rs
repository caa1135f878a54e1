//! Concurrency: what the automatic number of requests in flight gains over sixteen, and over a plain client, for several
//! distributions of group sizes.

use std::time::Duration;

use jumpcloud_simulator::{GroupSizes, Simulator, SimulatorOptions};

use super::bar::{Bar, Bound};
use super::clients::{self, Kind};
use super::scan::{CONCURRENCY, Scan, Scope};
use super::{Result, Setup, median};

const LATENCY: Duration = Duration::from_millis(100);
/// The time with the automatic number, at most, as a share of that with sixteen.
const SHARE_OF_SIXTEEN: f64 = 0.6;
/// How many times as long a plain client takes, at least.
const TIMES_PLAIN: f64 = 1.5;

pub(crate) async fn measure(setup: &Setup) -> Result<Vec<Bar>> {
    let mut bars = Vec::new();
    // A list that ends on a full page needs one request more, to prove that it ends there: groups of 200 are the worst.
    let sizes = [
        (GroupSizes::Skewed, "core at 100 ms, a few large groups"),
        (GroupSizes::UpTo(400), "core at 100 ms, groups of up to 400"),
        (GroupSizes::Each(100), "core at 100 ms, groups of 100"),
        (GroupSizes::Each(200), "core at 100 ms, groups of 200"),
    ];
    for (group_sizes, what) in sizes {
        let (users, groups) = if setup.quick { (5_000, 250) } else { (10_000, 500) };
        let options = SimulatorOptions { users, groups, group_sizes, latency: LATENCY, ..SimulatorOptions::default() };
        bars.extend(compare(setup, options, what).await?);
    }
    Ok(bars)
}

/// Measures the three in turn.
async fn compare(setup: &Setup, options: SimulatorOptions, what: &str) -> Result<Vec<Bar>> {
    let rounds = if setup.quick { 1 } else { 3 };
    let simulator = Simulator::start(options).await?;
    let automatic = Scan::of(&simulator, Scope::Core);
    let sixteen = automatic.clone().with("concurrency", CONCURRENCY);
    let [mut automatics, mut sixteens, mut plains] = [const { Vec::new() }; 3];
    let (mut requests, mut plain_requests) = (0, 0);
    for _ in 0..rounds {
        let scanned = setup.run(&automatic).await?;
        automatics.push(scanned.usage.wall.as_secs_f64());
        requests = scanned.summary.requests();
        sixteens.push(setup.run(&sixteen).await?.usage.wall.as_secs_f64());
        let plain = clients::run(&simulator, Kind::Plain, CONCURRENCY, None).await?;
        plains.push(plain.usage.wall.as_secs_f64());
        plain_requests = plain.work.requests;
    }
    let [automatic, sixteen, plain] = [&mut automatics, &mut sixteens, &mut plains].map(|times| median(times));
    Ok(vec![
        Bar::new(
            format!("{what}: automatic, and {CONCURRENCY} in flight"),
            automatic,
            sixteen,
            "s",
            Bound::AtMost(SHARE_OF_SIXTEEN),
        ),
        Bar::new(
            format!("{what}: a plain client with {CONCURRENCY}, and automatic"),
            plain,
            automatic,
            "s",
            Bound::AtLeast(TIMES_PLAIN),
        ),
        Bar::new(
            format!("{what}: requests, and those of the plain client"),
            requests as f64,
            plain_requests as f64,
            "requests",
            Bound::None,
        ),
    ])
}
