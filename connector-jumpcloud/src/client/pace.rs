//! How fast requests go out: one pace for all of a scan's requests.
//!
//! Two limits hold at once. *Concurrency*: at most so many requests are under way, and one that waits to try again
//! keeps its place, so a target that refuses everything hears from few. *Rate*: unlimited until the target first asks
//! for fewer calls; from then on it follows the idea of CUBIC, the curve by which TCP finds a link's capacity: a cut at
//! a refusal, quickly back to just below the rate that was refused, then a slow probe, then a faster one in case the
//! target now allows more. A single refusal costs little; when many of the recent requests were refused, the rate
//! falls to what was served.
//!
//! Rate limiter crates fix their quota when they are built; this one's changes with every answer.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// What a single refusal leaves of the rate.
const MILD_CUT: f64 = 0.95;
/// What is left of the rate that was served, when much is refused.
const DEEP_CUT: f64 = 0.9;
/// The share of recent requests above which much is refused.
const MUCH: f64 = 0.25;
/// How steeply the rate grows beyond the one that was refused.
const PROBE: f64 = 0.25;
/// Requests between a cut and the next probe of the same rate, so that probing costs less than one request in a hundred.
const QUIET_REQUESTS: f64 = 200.0;
/// Refusals within this time of a cut belong to the same overshoot.
const SETTLE: Duration = Duration::from_millis(300);
/// Single refusals do not cut below this, in requests a second: refusals at so low a rate have other reasons.
const MODEST: f64 = 10.0;
/// The rate never falls below this.
const SLOWEST: f64 = 0.5;

#[derive(Debug)]
pub(crate) struct Pace {
    places: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The operator's own limit, in requests a second.
    ceiling: Option<f64>,
    cut: Option<Cut>,
    /// The share of recent requests that were refused.
    refusals: f64,
    /// When the next request may go out.
    next: Instant,
    /// Answers of the current and the last whole second, to know the rate that the target did serve.
    window: (Instant, u32),
    served: f64,
}

/// The last time that the rate was cut.
#[derive(Debug, Clone, Copy)]
struct Cut {
    when: Instant,
    /// The rate that was too much.
    refused: f64,
    /// What was left of it.
    left: f64,
    /// Seconds until the rate is back where it was refused.
    plateau: f64,
}

impl Cut {
    fn rate(&self, now: Instant) -> f64 {
        let phase = (now - self.when).as_secs_f64() / self.plateau - 1.0;
        let steepness = if phase < 0.0 { 1.0 - self.left } else { PROBE };
        (self.refused * (1.0 + steepness * phase.powi(3))).max(SLOWEST)
    }
}

impl Pace {
    pub(crate) fn new(concurrency: usize, requests_per_second: Option<f64>) -> Self {
        let now = Instant::now();
        Self {
            places: Semaphore::new(concurrency),
            state: Mutex::new(State {
                ceiling: requests_per_second,
                cut: None,
                refusals: 0.0,
                next: now,
                window: (now, 0),
                served: 0.0,
            }),
        }
    }

    /// Waits for a place among the requests under way; it is given back when the permit is dropped.
    pub(crate) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        self.places.acquire().await.ok()
    }

    /// Waits for this request's turn under the rate.
    pub(crate) async fn turn(&self) {
        let turn = self.lock().reserve(Instant::now());
        if let Some(turn) = turn {
            sleep_until(turn).await;
        }
    }

    /// The target served a request.
    pub(crate) fn served(&self) {
        self.lock().count(Instant::now());
    }

    /// The target asked for fewer calls.
    pub(crate) fn refused(&self) {
        self.lock().cut(Instant::now());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl State {
    fn rate(&self, now: Instant) -> Option<f64> {
        let learnt = self.cut.map(|cut| cut.rate(now));
        match (learnt, self.ceiling) {
            (Some(learnt), Some(ceiling)) => Some(learnt.min(ceiling)),
            (learnt, ceiling) => learnt.or(ceiling),
        }
    }

    fn reserve(&mut self, now: Instant) -> Option<Instant> {
        let rate = self.rate(now)?;
        let turn = self.next.max(now);
        self.next = turn + Duration::from_secs_f64(1.0 / rate);
        (turn > now).then_some(turn)
    }

    fn count(&mut self, now: Instant) {
        self.refusals *= 0.9;
        let (began, answers) = self.window;
        let length = (now - began).as_secs_f64();
        if length >= 1.0 {
            self.served = f64::from(answers + 1) / length;
            self.window = (now, 0);
        } else {
            self.window.1 += 1;
        }
    }

    fn cut(&mut self, now: Instant) {
        self.refusals = self.refusals * 0.9 + 0.1;
        if self.cut.is_some_and(|cut| now - cut.when < SETTLE) {
            return;
        }
        let served = self.served_lately(now);
        let rate = self.rate(now).unwrap_or(served);
        let much = self.refusals > MUCH || rate > 2.0 * served;
        let (refused, left) = if much { (served.max(SLOWEST), DEEP_CUT) } else { (rate, MILD_CUT) };
        let left = if much { left } else { left.max((MODEST / refused).min(1.0)) };
        let plateau = (QUIET_REQUESTS / refused).clamp(1.0, 8.0);
        self.cut = Some(Cut { when: now, refused, left, plateau });
    }

    /// The rate that the target did serve in the last second or two.
    fn served_lately(&self, now: Instant) -> f64 {
        let (began, answers) = self.window;
        let length = (now - began).as_secs_f64();
        let current = f64::from(answers.max(1)) / length.max(0.25);
        if self.served == 0.0 || length > 0.5 { current } else { self.served }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A target that serves `allowed` requests a second and refuses the rest, asked as fast as the pace lets.
    async fn run(pace: &Pace, allowed: f64, seconds: u64) -> (u32, u32) {
        let (mut served, mut refused, mut tokens, mut filled) = (0, 0, 1.0_f64, Instant::now());
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            pace.turn().await;
            tokio::time::advance(Duration::from_micros(500)).await;
            let now = Instant::now();
            tokens = (tokens + (now - filled).as_secs_f64() * allowed).min((allowed * 0.2).max(1.0));
            filled = now;
            if tokens >= 1.0 {
                tokens -= 1.0;
                served += 1;
                pace.served();
            } else {
                refused += 1;
                pace.refused();
            }
        }
        (served, refused)
    }

    #[tokio::test(start_paused = true)]
    async fn a_fixed_allowance_is_used_almost_fully_with_few_refusals() {
        for allowed in [10.0, 50.0, 200.0] {
            let pace = Pace::new(16, None);
            run(&pace, allowed, 5).await;
            let (served, refused) = run(&pace, allowed, 60).await;
            assert!(f64::from(served) >= 0.9 * allowed * 60.0, "{allowed}: served {served}");
            assert!(f64::from(refused) < 0.02 * f64::from(served + refused), "{allowed}: refused {refused}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_allowance_is_followed_within_seconds() {
        let pace = Pace::new(16, None);
        run(&pace, 100.0, 20).await;
        run(&pace, 30.0, 3).await;
        let (served, refused) = run(&pace, 30.0, 20).await;
        assert!(served >= 500 && refused < 30, "after a fall: {served} served, {refused} refused");
        run(&pace, 120.0, 15).await;
        let (served, _) = run(&pace, 120.0, 20).await;
        assert!(served >= 2000, "after a rise: {served} served");
    }

    #[tokio::test(start_paused = true)]
    async fn the_operators_own_limit_holds_from_the_start() {
        let pace = Pace::new(16, Some(10.0));
        let start = Instant::now();
        for _ in 0..21 {
            pace.turn().await;
        }
        assert_eq!(start.elapsed().as_secs(), 2);
    }
}
