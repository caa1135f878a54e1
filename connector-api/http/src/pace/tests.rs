#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use tokio::time::sleep;

use super::*;
use crate::seeds::seeds;

/// Sends requests as fast as the pace allows to a target that serves `allowed` per second and refuses the rest.
async fn run(pace: &Pace, allowed: f64, seconds: u64) -> (u32, u32) {
    let (mut served, mut refused, mut tokens, mut filled) = (0, 0, 1.0_f64, Instant::now());
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        let sent = pace.slot().await;
        tokio::time::advance(Duration::from_micros(500)).await;
        let now = Instant::now();
        tokens = (tokens + (now - filled).as_secs_f64() * allowed).min((allowed * 0.2).max(1.0));
        filled = now;
        if tokens >= 1.0 {
            tokens -= 1.0;
            served += 1;
            pace.served("", sent);
        } else {
            refused += 1;
            pace.refused(sent);
        }
    }
    (served, refused)
}

#[tokio::test(start_paused = true)]
async fn a_fixed_allowance_is_used_almost_fully_with_few_refusals() {
    for allowed in [10.0, 50.0, 200.0] {
        let pace = Pace::new(Concurrency::Fixed(16), None);
        run(&pace, allowed, 5).await;
        let (served, refused) = run(&pace, allowed, 60).await;
        assert!(f64::from(served) >= 0.9 * allowed * 60.0, "{allowed}: served {served}");
        assert!(f64::from(refused) < 0.02 * f64::from(served + refused), "{allowed}: refused {refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_allowance_is_followed_within_seconds() {
    let pace = Pace::new(Concurrency::Fixed(16), None);
    run(&pace, 100.0, 20).await;
    run(&pace, 30.0, 3).await;
    let (served, refused) = run(&pace, 30.0, 20).await;
    assert!(served >= 500 && refused < 30, "after a fall: {served} served, {refused} refused");
    run(&pace, 120.0, 15).await;
    let (served, _) = run(&pace, 120.0, 20).await;
    assert!(served >= 2000, "after a rise: {served} served");
}

#[tokio::test(start_paused = true)]
async fn a_window_in_which_requests_waited_does_not_bring_the_rate_to_a_crawl() {
    let pace = Pace::new(Concurrency::Fixed(16), None);
    run(&pace, 100.0, 20).await;
    for _ in 0..16 {
        pace.refused(Instant::now());
    }
    tokio::time::advance(Duration::from_secs(3)).await;
    pace.served("", Instant::now());
    for _ in 0..16 {
        pace.refused(Instant::now());
    }
    let (served, _) = run(&pace, 25.0, 10).await;
    assert!(served >= 200, "{served} served of 250");
}

#[tokio::test(start_paused = true)]
async fn refusals_that_have_nothing_to_do_with_the_rate_do_not_bring_it_down() {
    let mut dice = fastrand::Rng::with_seed(7);
    for share in [0.01, 0.03, 0.1, 0.2] {
        let pace = Pace::new(Concurrency::Fixed(16), None);
        let (mut asked, end) = (0, Instant::now() + Duration::from_secs(60));
        while Instant::now() < end {
            let sent = pace.slot().await;
            tokio::time::advance(Duration::from_millis(5)).await;
            asked += 1;
            if dice.f64() < share { pace.refused(sent) } else { pace.served("", sent) }
        }
        assert!(asked > 6_000, "{share}: asked {asked} of 12,000");
    }
}

#[tokio::test(start_paused = true)]
async fn the_operators_own_limit_holds_from_the_start() {
    let pace = Pace::new(Concurrency::Fixed(16), Some(10.0));
    let start = Instant::now();
    for _ in 0..21 {
        pace.slot().await;
    }
    assert_eq!(start.elapsed().as_secs(), 2);
}

/// How a target limits the rate.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Limiter {
    /// A token bucket that fills evenly and holds this many seconds' worth of tokens.
    Bucket(f64),
    /// A counter that restarts every second.
    PerSecond,
    /// A counter of what was served in the last second.
    Sliding,
}

/// A target that serves `rate` requests per second.
#[derive(Debug)]
struct Target {
    limiter: Limiter,
    rate: f64,
    tokens: f64,
    filled: f64,
    /// When it served requests in the last second.
    recent: VecDeque<f64>,
    /// The seconds in its `Retry-After`.
    retry_after: Option<f64>,
    start: Instant,
    /// When it was asked, and whether it served.
    log: Vec<(f64, bool)>,
}

impl Target {
    fn new(limiter: Limiter, retry_after: Option<f64>) -> Self {
        Self {
            limiter,
            rate: 0.0,
            tokens: 0.0,
            filled: 0.0,
            recent: VecDeque::new(),
            retry_after,
            start: Instant::now(),
            log: Vec::new(),
        }
    }

    fn allow(&mut self, rate: f64) {
        self.rate = rate;
        self.tokens = self.most();
    }

    fn most(&self) -> f64 {
        match self.limiter {
            Limiter::Bucket(seconds) => (self.rate * seconds).max(1.0),
            Limiter::PerSecond | Limiter::Sliding => self.rate,
        }
    }

    fn serves(&mut self) -> bool {
        let now = self.start.elapsed().as_secs_f64();
        match self.limiter {
            Limiter::Bucket(_) => self.tokens = (self.tokens + (now - self.filled) * self.rate).min(self.most()),
            Limiter::PerSecond if now.floor() > self.filled.floor() => self.tokens = self.most(),
            Limiter::PerSecond => {}
            Limiter::Sliding => {
                self.recent.retain(|served| *served > now - 1.0);
                self.tokens = self.rate - self.recent.len() as f64;
            }
        }
        self.filled = now;
        let served = self.tokens >= 1.0;
        if served {
            self.tokens -= 1.0;
            self.recent.push_back(now);
        }
        self.log.push((now, served));
        served
    }
}

/// Makes one request after another, each until it is served, as the client does.
async fn ask(pace: Arc<Pace>, target: Arc<Mutex<Target>>, latency: f64, mut dice: fastrand::Rng) {
    loop {
        let mut permit = pace.permit(Urgency::Needed).await;
        let mut bound = 0.5;
        loop {
            let sent = pace.slot().await;
            let served = target.lock().unwrap().serves();
            sleep(Duration::from_secs_f64(latency * (0.1 + 0.9 * dice.f64()))).await;
            if served {
                pace.served("", sent);
                break;
            }
            pace.refused(sent);
            drop(permit);
            let wait = bound * dice.f64();
            let asked = target.lock().unwrap().retry_after.map_or(0.0, |asked| asked + 0.5 * dice.f64());
            sleep(Duration::from_secs_f64(wait.max(asked))).await;
            permit = pace.permit_again().await;
            bound = (2.0_f64 * bound).min(30.0);
        }
    }
}

/// What a target served and refused.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    /// The share of its last allowance that it served, from 5 s to 20 s after the last change.
    served: f64,
    /// The share of all requests that it refused at that time.
    refused: f64,
    /// The number of requests that it refused in the whole scan.
    refusals: f64,
}

impl Found {
    fn add(&mut self, other: Self) {
        self.served += other.served;
        self.refused += other.refused;
        self.refusals += other.refusals;
    }
}

/// Scans a target. Each allowance lasts for 20 s.
async fn scan(
    concurrency: Concurrency,
    limiter: Limiter,
    retry_after: Option<f64>,
    allowances: &[f64],
    seed: u64,
) -> Found {
    let pace = Arc::new(Pace::new(concurrency, None));
    let target = Arc::new(Mutex::new(Target::new(limiter, retry_after)));
    let mut workers = tokio::task::JoinSet::new();
    let mut dice = fastrand::Rng::with_seed(seed);
    for &allowed in allowances {
        target.lock().unwrap().allow(allowed);
        while workers.len() < 40 {
            workers.spawn(ask(pace.clone(), target.clone(), 0.05, dice.fork()));
        }
        sleep(Duration::from_secs(20)).await;
    }
    let end = target.lock().unwrap().start.elapsed().as_secs_f64();
    let log = std::mem::take(&mut target.lock().unwrap().log);
    let judged: Vec<_> = log.iter().filter(|(when, _)| *when >= end - 15.0).collect();
    let served = judged.iter().filter(|(_, served)| *served).count() as f64;
    Found {
        served: served / 15.0 / allowances.last().unwrap(),
        refused: 1.0 - served / judged.len() as f64,
        refusals: log.iter().filter(|(_, served)| !served).count() as f64,
    }
}

/// Allowances that are constant, and that change during the scan.
const STEADY: [&[f64]; 5] = [&[10.0], &[25.0], &[50.0], &[100.0], &[200.0]];
const CHANGED: [&[f64]; 5] = [&[50.0, 100.0], &[100.0, 25.0], &[100.0, 30.0], &[30.0, 120.0], &[200.0, 50.0]];

/// Returns over how many random runs a result is averaged, unless `CASES` sets another number: few requests are few
/// chances to be refused.
fn runs(allowances: &[f64]) -> u64 {
    match allowances.last() {
        Some(rate) if *rate <= 10.0 => 12,
        Some(rate) if *rate <= 50.0 => 3,
        Some(rate) if *rate <= 120.0 => 2,
        _ => 1,
    }
}

/// The goal: the share of an allowance that is used, and the share of all requests that is refused.
const AIM: (f64, f64) = (0.9, 0.02);

/// Returns whether, on average, more than `served` of each allowance is used and less than `refused` of all requests
/// are refused, whether the limit on requests in flight is fixed or automatic.
async fn holds(
    limiter: Limiter,
    retry_after: Option<f64>,
    allowances: impl IntoIterator<Item = &'static [f64]>,
    (served, refused): (f64, f64),
) {
    for allowances in allowances {
        for concurrency in [Concurrency::Fixed(16), Concurrency::Automatic] {
            let seeds = seeds(runs(allowances));
            let mut found = Found::default();
            for seed in seeds.clone() {
                found.add(scan(concurrency, limiter, retry_after, allowances, seed).await);
            }
            let runs = seeds.count() as f64;
            let what = format!("{concurrency:?}, {limiter:?}, {allowances:?}, {retry_after:?}: {found:.3?} in {runs}");
            assert!(found.served > runs * served && found.refused < runs * refused, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_with_a_small_burst_is_kept_to() {
    for retry_after in [None, Some(1.0)] {
        holds(Limiter::Bucket(0.2), retry_after, STEADY.into_iter().chain(CHANGED), AIM).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_with_a_large_burst_is_kept_to() {
    holds(Limiter::Bucket(1.0), None, STEADY.into_iter().chain(CHANGED), AIM).await;
    holds(Limiter::Bucket(1.0), Some(1.0), STEADY.into_iter().chain(CHANGED), (AIM.0, 0.03)).await;
}

#[tokio::test(start_paused = true)]
async fn a_count_of_the_second_before_is_kept_to() {
    for retry_after in [None, Some(1.0)] {
        holds(Limiter::Sliding, retry_after, STEADY.into_iter().chain(CHANGED), AIM).await;
    }
}

/// The second in which a probe ends may refuse many requests, which shows while the limit is new.
#[tokio::test(start_paused = true)]
async fn a_count_by_the_second_is_kept_to_with_more_refusals_where_the_limit_changes() {
    for retry_after in [None, Some(1.0)] {
        holds(Limiter::PerSecond, retry_after, STEADY, AIM).await;
        holds(Limiter::PerSecond, retry_after, CHANGED, (AIM.0, 0.06)).await;
    }
}

/// Such a limiter refuses whatever comes a moment early, and timers are only accurate to a millisecond.
#[tokio::test(start_paused = true)]
async fn a_bucket_without_any_burst_is_kept_to_as_far_as_timers_are_exact() {
    let falls = CHANGED.into_iter().filter(|change| change[0] > change[1]);
    holds(Limiter::Bucket(0.0), None, STEADY.into_iter().chain(falls), (0.75, 0.03)).await;
}

/// `CASES=50 cargo test -p connector-http pace` compares more runs.
#[tokio::test(start_paused = true)]
async fn automatic_concurrency_is_refused_as_seldom_as_sixteen_at_once_and_served_as_much() {
    let (mut automatic, mut sixteen) = (Found::default(), Found::default());
    let limiters = [
        (Limiter::Bucket(0.2), None),
        (Limiter::Bucket(1.0), None),
        (Limiter::Sliding, Some(1.0)),
        (Limiter::PerSecond, None),
    ];
    for (limiter, retry_after) in limiters {
        for allowances in [STEADY[1], STEADY[2], STEADY[3], CHANGED[0], CHANGED[1], CHANGED[3]] {
            for seed in seeds(3) {
                automatic.add(scan(Concurrency::Automatic, limiter, retry_after, allowances, seed).await);
                sixteen.add(scan(Concurrency::Fixed(16), limiter, retry_after, allowances, seed).await);
            }
        }
    }
    let what = format!("{automatic:.3?} against {sixteen:.3?}");
    assert!(automatic.served > 0.98 * sixteen.served, "{what}");
    assert!(automatic.refused <= 1.05 * sixteen.refused && automatic.refusals <= 1.05 * sixteen.refusals, "{what}");
    println!("{what}");
}
