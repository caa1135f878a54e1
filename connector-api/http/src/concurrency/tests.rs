#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::*;
use crate::seeds::seeds;

mod hostile;

/// A target on a line with a latency, that works on some requests at a time and lets the others wait.
#[derive(Debug)]
struct Target {
    latency: Duration,
    work: Duration,
    workers: Semaphore,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    /// It fails requests beyond this many in flight.
    connections: usize,
    /// The share of all requests that it fails.
    failing: f64,
}

impl Target {
    fn new(latency_ms: u64, work_ms: u64, workers: usize) -> Self {
        Self {
            latency: Duration::from_millis(latency_ms),
            work: Duration::from_millis(work_ms),
            workers: Semaphore::new(workers),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
            connections: usize::MAX,
            failing: 0.0,
        }
    }

    /// Responds to one request after a random time, and returns whether it was served.
    async fn respond(&self, weight: f64, dice: &mut fastrand::Rng) -> bool {
        let in_flight = self.in_flight.fetch_add(1, SeqCst) + 1;
        self.most_in_flight.fetch_max(in_flight, SeqCst);
        sleep(self.latency).await;
        let served = in_flight <= self.connections && dice.f64() >= self.failing;
        if served {
            let _worker = self.workers.acquire().await.unwrap();
            sleep(self.work.mul_f64(weight * (0.5 + dice.f64()))).await;
        }
        self.in_flight.fetch_sub(1, SeqCst);
        served
    }
}

/// The paths that are asked, and how much work each is.
const ONE_KIND: [(&str, f64); 1] = [("/users", 1.0)];
const TWO_KINDS: [(&str, f64); 2] = [("/users", 1.0), ("/groups/5f0a11/members", 8.0)];

/// Makes `requests` at a target, as many at once as the permits allow; the seconds that it took, and how many failed.
async fn run(
    permits: &Arc<Permits>,
    target: &Arc<Target>,
    kinds: &'static [(&str, f64)],
    requests: usize,
    seed: u64,
) -> (f64, usize) {
    let began = Instant::now();
    let failures = Arc::new(AtomicUsize::new(0));
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut running = JoinSet::new();
    for at in 0..requests {
        // One kind after another, as a scan reads its lists.
        let (path, weight) = kinds[at * kinds.len() / requests];
        let (permits, target, failures, mut dice) = (permits.clone(), target.clone(), failures.clone(), dice.fork());
        running.spawn(async move {
            let mut permit = permits.acquire(Urgency::Needed).await;
            loop {
                let sent = Instant::now();
                if target.respond(weight, &mut dice).await {
                    return permits.served(path, sent);
                }
                failures.fetch_add(1, SeqCst);
                permits.failed(sent);
                sleep(Duration::from_millis(dice.u64(1..500))).await;
                permit = permits.renew(permit).await;
            }
        });
    }
    running.join_all().await;
    (began.elapsed().as_secs_f64(), failures.load(SeqCst))
}

fn automatic() -> Arc<Permits> {
    Arc::new(Permits::new(Concurrency::Automatic))
}

fn fixed(requests: usize) -> Arc<Permits> {
    Arc::new(Permits::new(Concurrency::Fixed(requests)))
}

fn limit(permits: &Permits) -> usize {
    permits.lock().limit.as_ref().unwrap().requests()
}

#[tokio::test(start_paused = true)]
async fn a_long_line_is_filled_within_a_few_responses_and_takes_little_more_than_half_of_the_time_of_sixteen_at_once() {
    for kinds in [&ONE_KIND[..], &TWO_KINDS] {
        for seed in seeds(5) {
            let target = Arc::new(Target::new(100, 2, 1_000));
            let permits = automatic();
            let (took, _) = run(&permits, &target, kinds, 1_000, seed).await;
            let (with_sixteen, _) = run(&fixed(16), &target, kinds, 1_000, seed).await;
            assert!(took < 0.6 * with_sixteen, "seed {seed}: {took:.2} s against {with_sixteen:.2} s");
            assert_eq!(limit(&permits), Concurrency::MOST, "seed {seed}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_queues_is_kept_busy_and_its_queue_short() {
    for (workers, bound) in [(1, 8), (4, 10), (8, 16), (16, 28)] {
        for seed in seeds(5) {
            let target = Arc::new(Target::new(5, 50, workers));
            let permits = automatic();
            let (took, _) = run(&permits, &target, &ONE_KIND, 2_000, seed).await;
            let (best, _) = run(&fixed(64), &target, &ONE_KIND, 2_000, seed).await;
            let what = format!("{workers} workers, seed {seed}: {took:.1} s of {best:.1} s, limit {}", limit(&permits));
            assert!(took < 1.15 * best, "{what}");
            assert!(limit(&permits) <= bound, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn when_a_target_gets_slower_under_the_load_fewer_are_in_flight() {
    for seed in seeds(5) {
        let target = Arc::new(Target::new(20, 50, 32));
        let permits = automatic();
        run(&permits, &target, &ONE_KIND, 1_000, seed).await;
        let before = limit(&permits);
        assert!(before >= 24, "seed {seed}: {before}");
        target.workers.forget_permits(28);
        run(&permits, &target, &ONE_KIND, 3_000, seed).await;
        assert!(limit(&permits) <= 12, "seed {seed}: {}", limit(&permits));
        target.workers.add_permits(28);
        run(&permits, &target, &ONE_KIND, 4_000, seed).await;
        assert!(limit(&permits) >= 20, "seed {seed}: back to {}", limit(&permits));
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_that_gets_longer_for_another_reason_stays_filled() {
    for seed in seeds(5) {
        let permits = automatic();
        run(&permits, &Arc::new(Target::new(20, 2, 1_000)), &ONE_KIND, 1_000, seed).await;
        run(&permits, &Arc::new(Target::new(90, 2, 1_000)), &ONE_KIND, 4_000, seed).await;
        assert!(limit(&permits) >= 24, "seed {seed}: {}", limit(&permits));
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_limits_its_connections_refuses_few() {
    for seed in seeds(5) {
        let target = Arc::new(Target { connections: 10, ..Target::new(50, 5, 1_000) });
        let (_, failures) = run(&automatic(), &target, &ONE_KIND, 2_000, seed).await;
        let (_, with_sixteen) = run(&fixed(16), &target, &ONE_KIND, 2_000, seed).await;
        assert!(failures < with_sixteen / 2 && failures < 120, "seed {seed}: {failures}, {with_sixteen} with sixteen");
    }
}

#[tokio::test(start_paused = true)]
async fn single_failures_lower_nothing() {
    for seed in seeds(5) {
        let target = Arc::new(Target { failing: 0.05, ..Target::new(50, 5, 1_000) });
        let permits = automatic();
        let (_, failures) = run(&permits, &target, &ONE_KIND, 4_000, seed).await;
        assert!(failures > 100 && limit(&permits) >= 24, "seed {seed}: {failures} failures, {}", limit(&permits));
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_rate_is_limited_the_limit_stays_low() {
    let permits = automatic();
    permits.rate_is_limited();
    let target = Arc::new(Target::new(50, 2, 1_000));
    run(&permits, &target, &ONE_KIND, 2_000, 1).await;
    assert_eq!((limit(&permits), target.most_in_flight.load(SeqCst)), (16, 16));
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_the_operator_chose_is_kept_to() {
    for (setting, most) in [(1, 1), (5, 5), (64, 64)] {
        let target = Arc::new(Target::new(10, 50, 2));
        run(&Arc::new(Permits::new(Concurrency::from(setting))), &target, &ONE_KIND, 300, 1).await;
        assert_eq!(target.most_in_flight.load(SeqCst), most);
    }
    assert_eq!(Concurrency::from(0), Concurrency::Automatic);
    assert_eq!(Concurrency::Fixed(0).most(), 1);
    assert_eq!(Permits::new(Concurrency::Fixed(usize::MAX)).semaphore.available_permits(), 1_024);
}

#[tokio::test(start_paused = true)]
async fn permits_that_are_in_use_when_the_limit_falls_are_not_given_back() {
    let permits = Permits::new(Concurrency::Automatic);
    permits.adjust(|limit| limit.hold(16, Instant::now()));
    let mut held = Vec::new();
    for _ in 0..16 {
        held.push(permits.acquire(Urgency::Needed).await.unwrap());
    }
    permits.adjust(|limit| limit.hold(6, Instant::now()));
    held.truncate(8);
    assert_eq!(permits.semaphore.available_permits(), 0, "two more than six are still in flight");
    permits.adjust(|limit| limit.hold(7, Instant::now()));
    held.truncate(7);
    assert_eq!(permits.semaphore.available_permits(), 0);
    held.clear();
    assert_eq!(permits.semaphore.available_permits(), 7);
}

#[tokio::test(start_paused = true)]
async fn early_requests_leave_their_permits_to_those_that_are_needed() {
    let permits = fixed(4);
    let began = Instant::now();
    let mut running = JoinSet::new();
    for urgency in [vec![Urgency::Early; 40], vec![Urgency::Needed; 40]].concat() {
        let permits = Arc::clone(&permits);
        running.spawn(async move {
            let _permit = permits.acquire(urgency).await;
            sleep(Duration::from_secs(1)).await;
            (urgency, began.elapsed().as_secs())
        });
    }
    let ended = running.join_all().await;
    let last = |of| ended.iter().filter(|(urgency, _)| *urgency == of).map(|(_, second)| *second).max();
    assert_eq!(last(Urgency::Early), Some(20), "no permit is idle");
    assert!(last(Urgency::Needed) <= Some(12), "they took {:?} s instead of 10 s", last(Urgency::Needed));
}
