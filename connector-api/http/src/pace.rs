//! How fast requests go out: one pace for all of a scan's requests.
//!
//! Two limits hold at once. *Concurrency*: at most so many requests are under way, and one that failed and waits to try
//! again keeps its place, so a target in trouble hears from few; one that was refused for its rate gives it to another.
//! *Rate*: unlimited until the target first asks for fewer calls; from then on requests go out evenly at a *level*, no
//! second holds more of them than that, and three things move it:
//!
//! - A *measurement*, when more is refused at the level than chance explains: for about a second what is served is
//!   counted, and that is the new level.
//! - A *probe*, when all went well for a while: the rate rises, gently at first, until something is refused, and then
//!   falls back. One or two refusals are what a probe costs.
//! - A *search*, when a probe's last second served much more than the level, or the level is new: what that second served
//!   is tried, and then the middle between the highest rate known to be served and the lowest known to be refused, until
//!   they meet. The rate that was refused is no measure of the limit by itself, since most limiters let a burst through
//!   first.
//!
//! Some targets refuse a share of all calls whatever the rate. Each cut is therefore a trial. When as many are refused
//! after it as before, the rate was not the reason: it is put back, and that share is tolerated from then on.
//!
//! Rate limiter crates fix their quota when they are built; this one's changes all the time.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

/// What a measurement leaves of the rate that was served.
const CUT: f64 = 0.97;
/// No single cut leaves less of the rate than this: what a cut leaves of a level, and what the first one leaves of all
/// that was asked without any.
const LEAST_LEFT: (f64, f64) = (0.3, 0.1);
/// A measurement holds at least so many answers and lasts at least so many seconds, or it lasts long enough. The second
/// is what limiters count by.
const MEASUREMENT: (f64, f64, f64) = (20.0, 1.0, 4.0);
/// When fewer than this share were refused, the new level is next to the old one and needs no search, provided that
/// this share of the rate was asked for.
const NEAR: f64 = 0.2;
const ASKED: f64 = 0.8;

/// Requests between two probes of a settled level, so that probing costs one request in a hundred.
const QUIET_REQUESTS: f64 = 120.0;
/// The bounds of the seconds between them.
const QUIET_SECONDS: (f64, f64) = (2.0, 12.0);
/// How far above the level a probe begins. Beyond any level that is right, so that the first moments tell.
const STEP: f64 = 0.1;
/// For how many seconds, or requests if these take longer, a probe stays there: more than the second of a limiter that
/// counts by the second.
const STEP_SECONDS: (f64, f64) = (1.3, 3.0);
/// How fast a probe grows after that: its exponent in a second.
const GROWTH: f64 = 1.5;
/// A probe whose last second served so many times the level, and so many requests, found more than the burst that a
/// limiter had saved up.
const RISE: (f64, f64) = (1.35, 15.0);
/// A search ends when what is served and what is refused are so close.
const CLOSE: f64 = 1.1;
/// What chance may bring, in standard deviations.
const CHANCE: f64 = 3.0;
/// A target that refuses nothing else may refuse this share at any rate.
const LEAST_TOLERATED: f64 = 0.001;
/// No more than this share is held to be refused at any rate.
const MOST_TOLERATED: f64 = 0.35;
/// So many cuts must have changed nothing before the rate is held not to be the reason.
const TRIALS: u32 = 2;
/// Answers after which a window without an event makes place for the next.
const WINDOW: f64 = 200.0;

/// The rate never falls below this, in requests a second.
const SLOWEST: f64 = 0.5;
/// What most limiters count by.
const SECOND: Duration = Duration::from_secs(1);
/// How late a timer may wake a request without the next ones being late, too.
const TIMER: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(crate) struct Pace {
    places: Semaphore,
    /// Requests that never had a place wait here, so that only one of them waits at the places.
    entrance: tokio::sync::Mutex<()>,
    /// The next request to go out holds this while it waits, the others queue for it: so a change of the rate holds for
    /// all but one.
    gate: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The operator's own limit, in requests a second.
    ceiling: Option<f64>,
    level: Option<Level>,
    /// The answers since the level was set.
    all: Window,
    /// The latest of them: since the probe began, if there is one.
    latest: Window,
    /// The answers since too much was last refused, whatever the level was.
    calm: Window,
    /// What was sent in the latest second and not refused: when, in that order.
    recent: VecDeque<Instant>,
    measurement: Option<Window>,
    /// What the last measurement cut the rate for, until the next one shows whether that helped.
    trial: Option<Trial>,
    /// The share of refusals that has nothing to do with the rate.
    tolerated: f64,
    /// When the next request may go out.
    next: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    rate: f64,
    stage: Stage,
}

/// What is known about a level.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// It was just measured, when a higher rate was refused, which errs on the low side where requests had to wait. It is
    /// probed at once.
    New { refused: f64 },
    /// It was served, and little more than it was refused.
    Settled,
    /// It is tried, and lies between a rate that was served and one that was refused.
    Between { served: f64, refused: f64 },
}

/// The answers to the requests sent since some instant.
#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    /// Whether anything was served yet. What is refused before says only that the allowance is still used up.
    open: bool,
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

impl Level {
    /// Seconds until it is probed.
    fn quiet(&self) -> f64 {
        match self.stage {
            Stage::Settled => (QUIET_REQUESTS / self.rate).clamp(QUIET_SECONDS.0, QUIET_SECONDS.1),
            Stage::New { .. } | Stage::Between { .. } => 0.0,
        }
    }

    /// Seconds until it is known to be served.
    fn test(&self) -> f64 {
        self.quiet() + STEP_SECONDS.0.max(STEP_SECONDS.1 / self.rate)
    }

    fn rate(&self, age: f64) -> f64 {
        if age < self.quiet() || matches!(self.stage, Stage::Between { .. }) {
            return self.rate;
        }
        self.rate * (1.0 + STEP) * (GROWTH * (age - self.test()).max(0.0)).exp()
    }
}

impl Window {
    fn starting(began: Instant) -> Self {
        Self { began, open: false, served: 0.0, refused: 0.0 }
    }

    /// One whose allowance is known not to be used up.
    fn opening(began: Instant) -> Self {
        Self { open: true, ..Self::starting(began) }
    }

    fn count(&mut self, sent: Instant, served: bool) {
        if sent < self.began || !(self.open || served) {
            return;
        }
        if !self.open {
            (self.open, self.began) = (true, sent);
        } else if served {
            self.served += 1.0;
        } else {
            self.refused += 1.0;
        }
    }

    fn age(&self, now: Instant) -> f64 {
        if self.open { (now - self.began).as_secs_f64() } else { 0.0 }
    }

    fn answers(&self) -> f64 {
        self.served + self.refused
    }

    fn share(&self) -> f64 {
        self.refused / self.answers().max(1.0)
    }

    /// Whether more was refused than the tolerated share and chance explain.
    fn is_strained(&self, tolerated: f64) -> bool {
        let usual = tolerated * self.answers();
        self.refused > usual + CHANCE * (usual * (1.0 - tolerated)).sqrt()
    }
}

impl Pace {
    pub(crate) fn new(concurrency: usize, requests_per_second: Option<f64>) -> Self {
        let now = Instant::now();
        Self {
            places: Semaphore::new(concurrency),
            entrance: tokio::sync::Mutex::default(),
            gate: tokio::sync::Mutex::default(),
            state: Mutex::new(State {
                ceiling: requests_per_second,
                level: None,
                all: Window::starting(now),
                latest: Window::starting(now),
                calm: Window::starting(now),
                recent: VecDeque::new(),
                measurement: None,
                trial: None,
                tolerated: LEAST_TOLERATED,
                next: now,
            }),
        }
    }

    /// Waits for a place among the requests under way; it is given back when the permit is dropped.
    pub(crate) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        let _entrance = self.entrance.lock().await;
        self.place_again().await
    }

    /// The same for a request that gave its place to others: those that never had one stand back, since more may depend
    /// on this one by now.
    pub(crate) async fn place_again(&self) -> Option<SemaphorePermit<'_>> {
        self.places.acquire().await.ok()
    }

    /// Waits for this request's turn under the rate, and says when it came.
    pub(crate) async fn turn(&self) -> Instant {
        let _gate = self.gate.lock().await;
        loop {
            let now = Instant::now();
            let Some(turn) = self.lock().take_turn(now) else { return now };
            sleep_until(turn).await;
        }
    }

    /// The target served a request whose turn was at `sent`.
    pub(crate) fn served(&self, sent: Instant) {
        self.lock().answered(sent, true, Instant::now());
    }

    /// The target asked for fewer calls when it answered the request whose turn was at `sent`.
    pub(crate) fn refused(&self, sent: Instant) {
        self.lock().answered(sent, false, Instant::now());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl State {
    fn rate(&self, now: Instant) -> Option<f64> {
        let age = if self.measurement.is_some() { 0.0 } else { self.all.age(now) };
        let learnt = self.level.map(|level| level.rate(age));
        match (learnt, self.ceiling) {
            (Some(learnt), Some(ceiling)) => Some(learnt.min(ceiling)),
            (learnt, ceiling) => learnt.or(ceiling),
        }
    }

    /// Takes the turn that has come, or says when it comes.
    fn take_turn(&mut self, now: Instant) -> Option<Instant> {
        if self.next > now {
            return Some(self.next);
        }
        while self.recent.front().is_some_and(|first| *first + SECOND <= now) {
            self.recent.pop_front();
        }
        if let Some(rate) = self.rate(now) {
            if let Some(last) = self.recent.len().checked_sub(rate.ceil() as usize) {
                return Some(self.recent[last] + SECOND);
            }
            let due = now.checked_sub(TIMER).map_or(now, |due| due.max(self.next));
            self.next = due + Duration::from_secs_f64(1.0 / rate);
        }
        self.recent.push_back(now);
        None
    }

    fn set(&mut self, now: Instant, rate: f64, stage: Stage) {
        self.level = Some(Level { rate: rate.max(SLOWEST), stage });
        self.start(now);
    }

    fn start(&mut self, now: Instant) {
        self.all = Window::starting(now);
        self.latest = self.all;
        self.measurement = None;
    }

    fn answered(&mut self, sent: Instant, served: bool, now: Instant) {
        if !served && let Ok(at) = self.recent.binary_search(&sent) {
            self.recent.remove(at);
        }
        if let Some(measurement) = &mut self.measurement {
            measurement.count(sent, served);
            let (answers, age) = (measurement.answers(), measurement.age(now));
            if answers >= MEASUREMENT.0 && age >= MEASUREMENT.1 || age >= MEASUREMENT.2 {
                let measurement = *measurement;
                self.conclude(now, &measurement);
            }
            return;
        }
        if let Some(level) = self.level {
            let probe = self.all.began + Duration::from_secs_f64(level.quiet());
            if self.all.open && now >= probe && self.latest.began < probe {
                self.latest = Window::opening(probe);
            }
        }
        for window in [&mut self.all, &mut self.latest, &mut self.calm] {
            window.count(sent, served);
        }
        if self.latest.is_strained(self.tolerated) {
            self.strained(sent, now);
        } else if let Some(Level { rate, stage: Stage::Between { refused, .. }, .. }) = self.level
            && self.tested(now)
        {
            self.search(now, rate, refused);
        } else if self.latest.answers() >= WINDOW {
            let less = (self.latest.share() - self.tolerated).min(0.0);
            self.tolerated = (self.tolerated + 0.1 * less).max(LEAST_TOLERATED);
            self.latest = Window::opening(now);
        }
    }

    /// Whether the level was asked for long enough to know that it is served.
    fn tested(&self, now: Instant) -> bool {
        self.level.is_some_and(|level| self.all.age(now) >= level.test())
    }

    /// Too much is refused. A probe has then found its end; anything else calls for a measurement.
    fn strained(&mut self, sent: Instant, now: Instant) {
        let calm = std::mem::replace(&mut self.calm, Window::opening(now));
        // The refusal that calls for it counts.
        let measurement = Window { refused: 1.0, ..Window::starting(now) };
        let Some(level) = self.level.filter(|level| self.all.age(now) >= level.quiet()) else {
            // At the very start the burst that was let through belongs to the second in which the rest was refused.
            let fresh = self.level.is_none() && self.latest.age(now) < MEASUREMENT.1;
            self.measurement = Some(if fresh { self.latest } else { measurement });
            return;
        };
        let second = self.recent.partition_point(|other| *other < sent) as f64;
        match level.stage {
            // A rate may be served for longer than its test, by what a limiter had saved up.
            Stage::Between { served, .. } if calm.age(now) > MEASUREMENT.1 => {
                self.search(now, served.min(calm.served / calm.age(now)), level.rate);
            }
            Stage::Between { served, .. } => self.search(now, served, level.rate),
            Stage::New { .. } if !self.tested(now) => self.measurement = Some(measurement),
            Stage::New { .. } | Stage::Settled if second >= RISE.1.max(RISE.0 * level.rate) => {
                self.trial = None;
                self.set(now, CUT * second, Stage::Between { served: level.rate, refused: second });
            }
            Stage::Settled => self.settle(now, level.rate),
            Stage::New { refused } => {
                // Where requests wait for places, the rate that was reached is higher than what was asked.
                let asked = self.latest.answers() / self.latest.age(now).max(0.05);
                self.search(now, level.rate, self.rate(now).unwrap_or(asked).min(2.0 * asked).min(refused));
            }
        }
    }

    /// Tries the middle between a rate that was served and one that was refused.
    fn search(&mut self, now: Instant, served: f64, refused: f64) {
        self.trial = None;
        if refused < CLOSE * served {
            return self.set(now, served, Stage::Settled);
        }
        self.set(now, (served * refused).sqrt(), Stage::Between { served, refused });
    }

    /// Goes back to the level after a probe, or to what was served since the last one if that is more.
    fn settle(&mut self, now: Instant, rate: f64) {
        self.trial = None;
        self.set(now, rate.max(CUT * self.all.served / self.all.age(now).max(0.05)), Stage::Settled);
    }

    /// Draws the consequences of a measurement.
    fn conclude(&mut self, now: Instant, window: &Window) {
        let (share, seconds) = (window.share(), window.age(now).max(0.05));
        let asked = window.answers() / seconds;
        if !window.is_strained(self.tolerated) {
            self.trial = None;
            return match self.level {
                Some(level) => self.set(now, level.rate, Stage::Settled),
                None => self.start(now),
            };
        }
        let current = self.rate(now).unwrap_or(asked);
        let latest = Trial { rate: current.min(asked), share, cuts: 0 };
        let first = self.trial.take().unwrap_or(latest);
        let alike = share > 0.5 * first.share && share < 1.6 * first.share && share < MOST_TOLERATED;
        if first.cuts >= TRIALS && alike && window.refused >= 2.0 {
            self.tolerated = (share + first.share) / 2.0;
            return self.set(now, first.rate, Stage::Settled);
        }
        let first = if alike { first } else { latest };
        self.trial = Some(Trial { cuts: first.cuts + 1, ..first });
        // While requests wait to try again, less may be asked, and served, than could be.
        let served = window.served / seconds / (1.0 - self.tolerated);
        let (stage, least) = match self.level {
            None => (Stage::New { refused: current }, LEAST_LEFT.1 * current),
            Some(_) if share < NEAR && asked > ASKED * current => (Stage::Settled, LEAST_LEFT.0 * current),
            Some(_) => (Stage::New { refused: current }, LEAST_LEFT.0 * current),
        };
        self.set(now, CUT * served.clamp(least, current), stage);
    }
}

#[cfg(test)]
mod tests;
