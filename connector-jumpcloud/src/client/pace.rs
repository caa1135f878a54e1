//! How fast requests go out: one pace for all of a scan's requests.
//!
//! Two limits hold at once. *Concurrency*: at most so many requests are under way, and one that waits to try again
//! keeps its place, so a target that refuses everything hears from few. *Rate*: unlimited until the target first asks
//! for fewer calls; from then on it follows the idea of CUBIC, the curve by which TCP finds a link's capacity: a cut
//! to just below what was served, quickly back to it, then a slow probe, then a faster one in case the target now
//! allows more.
//!
//! Answers are judged by the *window*, some tens at a time, not one by one: some targets refuse a share of all calls
//! whatever the rate. Each cut is therefore a trial. When as many are refused after it as before, the rate was not
//! the reason: it is put back, and that share is tolerated from then on.
//!
//! Rate limiter crates fix their quota when they are built; this one's changes with every window.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// What a cut leaves of the rate that was served.
const CUT: f64 = 0.94;
/// No single cut leaves less of the rate than this.
const LEAST_LEFT: f64 = 0.4;
/// How steeply the rate grows beyond the one that was refused.
const PROBE: f64 = 0.25;
/// Requests between a cut and the next probe of the same rate, so that probing costs one request in a hundred.
const QUIET_REQUESTS: f64 = 150.0;
/// The bounds of the time between them.
const QUIET_TIME: (f64, f64) = (3.0, 20.0);
/// A window holds at least so many answers and lasts at least so long, or it lasts long enough.
const WINDOW: (f64, Duration, Duration) = (40.0, Duration::from_millis(500), Duration::from_secs(4));
/// A window ends early when so many answers are in and more than this share of them are refusals.
const ALARM: (f64, f64, Duration) = (16.0, 0.5, Duration::from_millis(100));
/// So many cuts must have changed nothing before the rate is held not to be the reason.
const TRIALS: u32 = 2;
/// A target that refuses nothing else may refuse this share at any rate.
const LEAST_TOLERATED: f64 = 0.003;
/// The rate never falls below this, in requests a second.
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
    window: Window,
    /// What the last window was cut for, until the next one shows whether the cut helped.
    trial: Option<Trial>,
    /// The share of refusals that has nothing to do with the rate.
    tolerated: f64,
    /// When the next request may go out.
    next: Instant,
}

/// The answers since some instant.
#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    served: f64,
    refused: f64,
}

/// A cut whose success is not known yet.
#[derive(Debug, Clone, Copy)]
struct Trial {
    /// The rate before the first of the cuts in a row, or what was asked in fact.
    rate: f64,
    /// The share of refusals before it.
    share: f64,
    /// Cuts in a row.
    cuts: u32,
}

/// The last time that the rate was cut.
#[derive(Debug, Clone, Copy)]
struct Cut {
    when: Instant,
    /// The rate that the target serves, as far as is known.
    served: f64,
    /// Seconds until the rate is back there.
    plateau: f64,
}

impl Cut {
    fn new(when: Instant, served: f64) -> Self {
        let served = served.max(SLOWEST);
        Self { when, served, plateau: (QUIET_REQUESTS / served).clamp(QUIET_TIME.0, QUIET_TIME.1) }
    }

    /// One whose rate is back where it was, and grows from there.
    fn undone(now: Instant, rate: f64) -> Self {
        let cut = Self::new(now, rate);
        Self { when: now.checked_sub(Duration::from_secs_f64(cut.plateau)).unwrap_or(now), ..cut }
    }

    fn rate(&self, now: Instant) -> f64 {
        let phase = (now - self.when).as_secs_f64() / self.plateau - 1.0;
        let steepness = if phase < 0.0 { 1.0 - CUT } else { PROBE };
        (self.served * (1.0 + steepness * phase.powi(3))).max(SLOWEST)
    }
}

impl Window {
    fn starting(began: Instant) -> Self {
        Self { began, served: 0.0, refused: 0.0 }
    }

    fn answers(&self) -> f64 {
        self.served + self.refused
    }

    fn share(&self) -> f64 {
        self.refused / self.answers().max(1.0)
    }

    fn is_over(&self, now: Instant) -> bool {
        let length = now - self.began;
        let full = self.answers() >= WINDOW.0 && length >= WINDOW.1;
        let alarming = self.answers() >= ALARM.0 && self.share() > ALARM.1 && length >= ALARM.2;
        full || alarming || length >= WINDOW.2
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
                window: Window::starting(now),
                trial: None,
                tolerated: LEAST_TOLERATED,
                next: now,
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
        let mut state = self.lock();
        state.window.served += 1.0;
        state.judge(Instant::now());
    }

    /// The target asked for fewer calls.
    pub(crate) fn refused(&self) {
        let mut state = self.lock();
        state.window.refused += 1.0;
        state.judge(Instant::now());
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

    /// Draws the consequences of a window that is over.
    fn judge(&mut self, now: Instant) {
        if !self.window.is_over(now) {
            return;
        }
        let window = std::mem::replace(&mut self.window, Window::starting(now));
        let (share, answers) = (window.share(), window.answers());
        let seconds = (now - window.began).as_secs_f64().max(0.05);
        let trial = self.trial.take();
        // More standard deviations above the tolerated share than chance alone usually brings.
        let usual = self.tolerated + 2.5 * (self.tolerated * (1.0 - self.tolerated) / answers).sqrt();
        if share <= usual {
            self.tolerated = (self.tolerated + 0.1 * (share - self.tolerated).min(0.0)).max(LEAST_TOLERATED);
            return;
        }
        let asked = answers / seconds;
        let first =
            trial.unwrap_or(Trial { rate: self.rate(now).map_or(asked, |rate| rate.min(asked)), share, cuts: 0 });
        let alike = share > 0.5 * first.share && share < 1.6 * first.share && share < ALARM.1;
        if first.cuts >= TRIALS && alike && window.refused >= 2.0 {
            self.tolerated = (share + first.share) / 2.0;
            self.cut = Some(Cut::undone(now, first.rate));
            return;
        }
        self.trial =
            Some(if alike { Trial { cuts: first.cuts + 1, ..first } } else { Trial { rate: asked, share, cuts: 1 } });
        // Requests that wait to try again keep their places, so that less is asked, and served, than could be.
        let current = self.rate(now).unwrap_or(asked);
        let served = window.served / seconds / (1.0 - self.tolerated);
        self.cut = Some(Cut::new(now, served.clamp(current * LEAST_LEFT, current)));
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
    async fn a_window_in_which_requests_waited_does_not_bring_the_rate_to_a_crawl() {
        let pace = Pace::new(16, None);
        run(&pace, 100.0, 20).await;
        for _ in 0..16 {
            pace.refused();
        }
        tokio::time::advance(Duration::from_secs(3)).await;
        pace.served();
        for _ in 0..16 {
            pace.refused();
        }
        let (served, _) = run(&pace, 25.0, 10).await;
        assert!(served >= 200, "{served} served of 250");
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_that_have_nothing_to_do_with_the_rate_do_not_bring_it_down() {
        let mut dice = fastrand::Rng::with_seed(7);
        for share in [0.01, 0.03, 0.1, 0.2] {
            let pace = Pace::new(16, None);
            let (mut asked, end) = (0, Instant::now() + Duration::from_secs(60));
            while Instant::now() < end {
                pace.turn().await;
                tokio::time::advance(Duration::from_millis(5)).await;
                asked += 1;
                if dice.f64() < share { pace.refused() } else { pace.served() }
            }
            assert!(asked > 6_000, "{share}: asked {asked} of 12,000");
        }
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
