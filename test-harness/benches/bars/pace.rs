//! Pace: against a limit of requests a second, near to it and seldom beyond, also when it changes.

use std::time::Duration;

use futures_util::future::try_join_all;
use jumpcloud_simulator::{Counting, Simulator, SimulatorOptions};
use tokio::time::{Instant, sleep, sleep_until};

use super::bar::{Bar, Bound};
use super::scan::Scope;
use super::{Result, Setup};

/// A limit, how long it holds, and how long the pace may take to find it.
struct Phase {
    limit: u32,
    seconds: u64,
    settle: u64,
}

/// How the limits are kept, and the words for it.
const LIMITERS: [(Counting, Option<u64>, &str); 3] = [
    (Counting::Bucket, None, "bucket"),
    (Counting::LastSecond, Some(1), "last second, Retry-After"),
    (Counting::EachSecond, None, "each second"),
];

/// Several scans at once: the limits see to it that they are no burden to each other.
pub(crate) async fn measure(setup: &Setup) -> Result<Vec<Bar>> {
    let scale = if setup.quick { 1 } else { 2 };
    let phases = [
        Phase { limit: 50, seconds: 15 * scale, settle: 5 },
        Phase { limit: 100, seconds: 10 * scale, settle: 5 },
        Phase { limit: 25, seconds: 10 * scale, settle: 5 },
    ];
    let bars = try_join_all(LIMITERS.map(|(counting, retry_after, how)| {
        let options = SimulatorOptions {
            users: 30_000,
            groups: 1_500,
            systems: 2_000,
            rate_limit: Some(phases[0].limit),
            counting,
            retry_after,
            ..SimulatorOptions::default()
        };
        limited(setup, &phases, options, how)
    }));
    Ok(bars.await?.into_iter().flatten().collect())
}

async fn limited(setup: &Setup, phases: &[Phase], options: SimulatorOptions, how: &str) -> Result<Vec<Bar>> {
    let simulator = Simulator::start(options).await?;
    let scan = setup.scan(&simulator, Scope::Whole);
    tokio::pin!(scan);
    tokio::select! {
        ended = &mut scan => Err(ended.err().unwrap_or_else(|| "the scan ended before the pace was measured".into())),
        bars = watch(&simulator, phases, how) => {
            simulator.set_rate_limit(None);
            scan.await?;
            bars
        }
    }
}

async fn watch(simulator: &Simulator, phases: &[Phase], how: &str) -> Result<Vec<Bar>> {
    while simulator.requests().total == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    let mut bars = Vec::new();
    for (at, phase) in phases.iter().enumerate() {
        let Phase { limit, seconds, settle } = *phase;
        simulator.set_rate_limit(Some(limit));
        let began = Instant::now();
        sleep_until(began + Duration::from_secs(settle)).await;
        let before = simulator.requests();
        sleep_until(began + Duration::from_secs(seconds)).await;
        let after = simulator.requests();
        let refused = (after.with_status(429) - before.with_status(429)) as f64;
        let all = (after.total - before.total) as f64;
        let served = (all - refused) / (seconds - settle) as f64;
        let limit_before = if at == 0 { String::new() } else { format!(" after {}", phases[at - 1].limit) };
        let when = format!("at {limit}/s{limit_before}: {how}");
        bars.push(Bar::new(format!("pace {when}"), served, limit.into(), "/s", Bound::AtLeast(0.9)));
        let most = (all * 0.02).max(1.0);
        bars.push(Bar::new(format!("refused {when}"), refused, most, "requests", Bound::AtMost(1.0)));
    }
    Ok(bars)
}
