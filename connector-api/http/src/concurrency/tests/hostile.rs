//! Targets that change, fail for a while, or do both at random.

use std::sync::atomic::{AtomicBool, AtomicU64};

use super::*;
use crate::concurrency::settings::CONCURRENCY;

/// A target whose latency is set from outside, and that fails a share of all requests while it is down.
#[derive(Debug)]
struct Unstable {
    latency_ms: AtomicU64,
    failing_percent: AtomicU64,
}

impl Unstable {
    fn new(latency_ms: u64) -> Arc<Self> {
        Arc::new(Self { latency_ms: latency_ms.into(), failing_percent: 0.into() })
    }

    fn set(&self, latency_ms: u64, failing_percent: u64) {
        self.latency_ms.store(latency_ms, SeqCst);
        self.failing_percent.store(failing_percent, SeqCst);
    }

    async fn respond(&self, dice: &mut fastrand::Rng) -> bool {
        let latency = self.latency_ms.load(SeqCst) as f64 * (0.9 + 0.2 * dice.f64());
        sleep(Duration::from_secs_f64(latency / 1000.0)).await;
        dice.u64(0..100) >= self.failing_percent.load(SeqCst)
    }
}

/// Makes requests without end, 64 at a time, each until it is served.
fn make_requests(permits: &Arc<Permits>, target: &Arc<Unstable>, seed: u64) -> (JoinSet<()>, Arc<AtomicUsize>) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let served = Arc::new(AtomicUsize::new(0));
    let mut running = JoinSet::new();
    for _ in 0..64 {
        let (permits, target, served, mut dice) = (permits.clone(), target.clone(), served.clone(), dice.fork());
        running.spawn(async move {
            loop {
                let mut permit = permits.acquire(Urgency::Needed).await;
                loop {
                    let sent = Instant::now();
                    if target.respond(&mut dice).await {
                        permits.served("/users", sent);
                        served.fetch_add(1, SeqCst);
                        break;
                    }
                    permits.failed(sent);
                    sleep(Duration::from_millis(dice.u64(1..500))).await;
                    permit = permits.renew(permit).await;
                }
            }
        });
    }
    (running, served)
}

#[tokio::test(start_paused = true)]
async fn while_a_line_is_thirty_times_as_long_it_stays_filled_and_so_it_does_afterwards() {
    for seed in seeds(2) {
        let (permits, target) = (automatic(), Unstable::new(10));
        let (_running, served) = make_requests(&permits, &target, seed);
        sleep(Duration::from_secs(10)).await;
        assert_eq!(limit(&permits), Concurrency::MOST, "seed {seed}");
        for latency_ms in [300, 10] {
            target.set(latency_ms, 0);
            let before = served.load(SeqCst);
            sleep(Duration::from_secs(60)).await;
            let share = (served.load(SeqCst) - before) as f64 * latency_ms as f64 / 60_000.0 / Concurrency::MOST as f64;
            assert!(share > 0.85, "seed {seed}: at {latency_ms} ms {share:.2} of what 32 at a time are served");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_few_are_in_flight_and_after_it_soon_as_many_as_before() {
    for seed in seeds(5) {
        for (failing_percent, at_most) in [(100, 2), (60, 4), (30, 8)] {
            let (permits, target) = (automatic(), Unstable::new(50));
            let (_running, served) = make_requests(&permits, &target, seed);
            sleep(Duration::from_secs(10)).await;
            assert_eq!(limit(&permits), Concurrency::MOST);
            target.set(50, failing_percent);
            sleep(Duration::from_secs(10)).await;
            let what = format!("seed {seed}, {failing_percent} % failing");
            assert!(limit(&permits) <= at_most, "{what}: {}", limit(&permits));
            target.set(50, 0);
            let before = served.load(SeqCst);
            sleep(Duration::from_secs(10)).await;
            let after = served.load(SeqCst) - before;
            assert!(limit(&permits) >= 24, "{what}: back to {} after {after} responses", limit(&permits));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_serves_more_than_sixteen_at_once_but_not_all_refuses_few() {
    for connections in [12, 18, 24, 30] {
        for seed in seeds(3) {
            let target = Arc::new(super::Target { connections, ..super::Target::new(50, 5, 1_000) });
            let (took, failures) = run(&automatic(), &target, &ONE_KIND, 4_000, seed).await;
            let (best, _) = run(&fixed(connections), &target, &ONE_KIND, 4_000, seed).await;
            let what =
                format!("{connections} connections, seed {seed}: {failures} failures, {took:.1} s of {best:.1} s");
            assert!(failures < 120, "{what}");
            assert!(took < 1.6 * best, "{what}");
        }
    }
}

/// What holds whenever a request gets a permit.
struct Watch {
    permits: Arc<Permits>,
    in_flight: AtomicUsize,
    fell: std::sync::Mutex<Instant>,
    fixed: Option<usize>,
}

impl Watch {
    fn limit(&self) -> usize {
        self.fixed.unwrap_or_else(|| limit(&self.permits))
    }

    /// Reports something to the permits, and notes whether the limit fell.
    fn report(&self, event: impl FnOnce(&Permits)) {
        let before = self.limit();
        event(&self.permits);
        let after = self.limit();
        assert!(self.fixed.is_some() || (CONCURRENCY.least..=CONCURRENCY.most).contains(&after), "{after}");
        if after < before {
            *self.fell.lock().unwrap() = Instant::now();
        }
    }

    fn begin(&self) {
        let in_flight = self.in_flight.fetch_add(1, SeqCst) + 1;
        // A permit may have been on its way to a request when the limit fell, which is at the same paused instant.
        let just_fell = *self.fell.lock().unwrap() == Instant::now();
        assert!(in_flight <= self.limit() || (just_fell && in_flight <= CONCURRENCY.most), "{in_flight} in flight");
    }

    fn end(&self) {
        self.in_flight.fetch_sub(1, SeqCst);
    }
}

/// One request: it may give up waiting, fail, be refused for its rate, or be cancelled on the way.
async fn one_request(watch: Arc<Watch>, mut dice: fastrand::Rng, latency: f64, outage: Arc<AtomicBool>) {
    let permits = watch.permits.clone();
    if dice.u8(..) < 25 {
        let longest = Duration::from_secs_f64(latency * dice.f64());
        let Ok(permit) = tokio::time::timeout(longest, permits.acquire(Urgency::Needed)).await else { return };
        drop(permit);
    }
    let mut permit = permits.acquire(Urgency::Needed).await;
    loop {
        watch.begin();
        let sent = Instant::now();
        let bad = if outage.load(SeqCst) { 150 } else { 8 };
        sleep(Duration::from_secs_f64(latency * -dice.f64().max(1e-6).ln())).await;
        watch.end();
        match dice.u8(..) {
            chance if chance < bad => watch.report(|permits| permits.failed(sent)),
            chance if chance > 253 => {
                watch.report(Permits::rate_is_limited);
                drop(permit);
                sleep(Duration::from_millis(dice.u64(0..500))).await;
                permit = permits.acquire_again().await;
                continue;
            }
            chance if chance > 251 => return,
            _ => {
                let path = ["/users", "/groups/5f0a11/members", "/systems"][dice.usize(0..3)];
                return watch.report(|permits| permits.served(path, sent));
            }
        }
        // It keeps its permit meanwhile, but nothing is in flight.
        sleep(Duration::from_millis(dice.u64(1..200))).await;
        permit = permits.renew(permit).await;
    }
}

/// `CASES=5000 cargo test -p connector-http whatever_a_target_does` draws five thousand targets; a failure names its `SEED`.
#[tokio::test(start_paused = true)]
async fn whatever_a_target_does_the_limit_stays_in_its_bounds_and_no_more_are_in_flight() {
    for seed in seeds(60) {
        println!("SEED={seed}");
        let mut dice = fastrand::Rng::with_seed(seed);
        let concurrency =
            if dice.u8(..) < 64 { Concurrency::Fixed(dice.usize(1..=64)) } else { Concurrency::Automatic };
        let fixed = (concurrency != Concurrency::Automatic).then_some(concurrency.most());
        let permits = Arc::new(Permits::new(concurrency));
        let never = Instant::now() - Duration::from_secs(1);
        let watch = Arc::new(Watch { permits: permits.clone(), in_flight: 0.into(), fell: never.into(), fixed });
        let outage = Arc::new(AtomicBool::new(false));
        let mut running = JoinSet::new();
        for _ in 0..dice.usize(1..40) {
            outage.store(dice.u8(..) < 50, SeqCst);
            let latency = 10_f64.powf(-3.0 * dice.f64());
            for _ in 0..dice.usize(1..80) {
                running.spawn(one_request(watch.clone(), dice.fork(), latency, outage.clone()));
            }
            sleep(Duration::from_secs_f64(2.0 * dice.f64())).await;
        }
        outage.store(false, SeqCst);
        running.join_all().await;
        let at_rest = (permits.semaphore.available_permits(), permits.lock().surplus, permits.waiting.load(SeqCst));
        assert_eq!(at_rest, (watch.limit(), 0, 0), "permits, surplus, waiting");
    }
}
