//! The pace: one limit on concurrency and rate for all requests of a scan.
//!
//! *Concurrency*: a bounded number of requests is in flight. A request that failed keeps its permit during back-off, so
//! a target in trouble gets few requests, unless fewer may be in flight by then. A request that was refused because of the
//! rate passes its permit on. *Rate*: unlimited until the target first refuses a request because of the rate. From then on,
//! requests go out evenly at a *level*, which no second exceeds. Three things change it:
//!
//! - A *measurement*, when more is refused at the level than chance explains: the responses of about one second are
//!   counted, and what was served becomes the new level.
//! - A *probe*, when nothing went wrong for a while: the rate rises, gently at first, until something is refused, and
//!   then falls back. A probe costs one or two refusals.
//! - A *search*, when the last second of a probe served much more than the level, or the level is new: first what that
//!   second served is tried, then the middle between the highest rate known to be served and the lowest known to be
//!   refused, until they meet. The rate that was refused is not the limit itself, since most limiters let a burst
//!   through first.
//!
//! Some targets refuse a share of all requests at any rate. Each cut is therefore a trial. If as many are refused after
//! it as before, the rate was not the cause: it is restored, and that share is tolerated from then on.
//!
//! Rate limiter crates fix their quota when they are built; this one changes all the time.

mod level;
mod settings;

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::concurrency::{Concurrency, Permit, Permits, Urgency};
use level::{Level, Stage, Trial, Window};
use settings::PACE;

#[derive(Debug)]
pub(crate) struct Pace {
    permits: Permits,
    /// The next request to go out holds this while it waits, and the others queue for it. So a change of the rate
    /// applies to all but one.
    gate: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The operator's limit, in requests per second.
    ceiling: Option<f64>,
    level: Option<Level>,
    /// The responses since the level was set.
    all: Window,
    /// The latest responses: since the probe began, if there is one.
    latest: Window,
    /// The responses since too much was last refused, whatever the level was.
    calm: Window,
    /// When the requests of the last second were sent, in order, without refused ones.
    recent: VecDeque<Instant>,
    measurement: Option<Window>,
    /// The last cut, until the next measurement shows whether it helped.
    trial: Option<Trial>,
    /// The share of refusals that is independent of the rate.
    tolerated: f64,
    /// When the next request may be sent.
    next: Instant,
}

impl Pace {
    pub(crate) fn new(concurrency: Concurrency, requests_per_second: Option<f64>) -> Self {
        let now = Instant::now();
        Self {
            permits: Permits::new(concurrency),
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
                tolerated: PACE.least_tolerated_share,
                next: now,
            }),
        }
    }

    /// Waits for a permit to have a request in flight. Dropping the permit returns it.
    pub(crate) async fn permit(&self, urgency: Urgency) -> Option<Permit<'_>> {
        self.permits.acquire(urgency).await
    }

    /// Waits for a permit for a request that passed its own on.
    pub(crate) async fn permit_again(&self) -> Option<Permit<'_>> {
        self.permits.acquire_again().await
    }

    /// Keeps the permit of a request that is sent again, if as many may still be in flight.
    pub(crate) async fn renew<'a>(&'a self, permit: Option<Permit<'a>>) -> Option<Permit<'a>> {
        self.permits.renew(permit).await
    }

    /// Waits for a slot under the rate, and returns its time.
    pub(crate) async fn slot(&self) -> Instant {
        let _gate = self.gate.lock().await;
        loop {
            let now = Instant::now();
            let Some(slot) = self.lock().take_slot(now) else { return now };
            sleep_until(slot).await;
        }
    }

    /// Records that the target served the request to `path` whose slot was at `sent`.
    pub(crate) fn served(&self, path: &str, sent: Instant) {
        self.permits.served(path, sent);
        self.lock().answered(sent, true, Instant::now());
    }

    /// Records that the request whose slot was at `sent` failed, but not because of the rate.
    pub(crate) fn failed(&self, sent: Instant) {
        self.permits.failed(sent);
    }

    /// Records that the target refused the request whose slot was at `sent` because of the rate.
    pub(crate) fn refused(&self, sent: Instant) {
        self.permits.rate_is_limited();
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

    /// Takes the slot that is due, or returns when the next one is.
    fn take_slot(&mut self, now: Instant) -> Option<Instant> {
        if self.next > now {
            return Some(self.next);
        }
        while self.recent.front().is_some_and(|first| *first + PACE.second <= now) {
            self.recent.pop_front();
        }
        if let Some(rate) = self.rate(now) {
            if let Some(last) = self.recent.len().checked_sub(rate.ceil() as usize) {
                return Some(self.recent[last] + PACE.second);
            }
            let due = now.checked_sub(PACE.timer).map_or(now, |due| due.max(self.next));
            self.next = due + Duration::from_secs_f64(1.0 / rate);
        }
        self.recent.push_back(now);
        None
    }

    fn set(&mut self, now: Instant, rate: f64, stage: Stage) {
        self.level = Some(Level { rate: rate.max(PACE.slowest_rate), stage });
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
            if answers >= PACE.measured_answers && age >= PACE.measurement_seconds
                || age >= PACE.longest_measurement_seconds
            {
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
        } else if self.latest.answers() >= PACE.window_answers {
            let less = (self.latest.share() - self.tolerated).min(0.0);
            self.tolerated = (self.tolerated + PACE.tolerance_correction * less).max(PACE.least_tolerated_share);
            self.latest = Window::opening(now);
        }
    }

    /// Returns whether the level was in use long enough to know that it is served.
    fn tested(&self, now: Instant) -> bool {
        self.level.is_some_and(|level| self.all.age(now) >= level.test())
    }

    /// Handles too many refusals: they end a probe; otherwise they require a measurement.
    fn strained(&mut self, sent: Instant, now: Instant) {
        let calm = std::mem::replace(&mut self.calm, Window::opening(now));
        // The refusal that triggered it counts.
        let measurement = Window { refused: 1.0, ..Window::starting(now) };
        let Some(level) = self.level.filter(|level| self.all.age(now) >= level.quiet()) else {
            // At the very start, the burst that was let through belongs to the second in which the rest was refused.
            let fresh = self.level.is_none() && self.latest.age(now) < PACE.measurement_seconds;
            self.measurement = Some(if fresh { self.latest } else { measurement });
            return;
        };
        let second = self.recent.partition_point(|other| *other < sent) as f64;
        match level.stage {
            // A limiter's saved-up allowance may serve a rate for longer than its test.
            Stage::Between { served, .. } if calm.age(now) > PACE.measurement_seconds => {
                self.search(now, served.min(calm.served / calm.age(now)), level.rate);
            }
            Stage::Between { served, .. } => self.search(now, served, level.rate),
            Stage::New { .. } if !self.tested(now) => self.measurement = Some(measurement),
            Stage::New { .. } | Stage::Settled if second >= PACE.rise_requests.max(PACE.rise * level.rate) => {
                self.trial = None;
                self.set(now, PACE.cut * second, Stage::Between { served: level.rate, refused: second });
            }
            Stage::Settled => self.settle(now, level.rate),
            Stage::New { refused } => {
                // If requests wait for permits, the nominal rate is higher than what was sent.
                let asked = self.latest.answers() / self.latest.age(now).max(PACE.shortest_window_seconds);
                self.search(now, level.rate, self.rate(now).unwrap_or(asked).min(2.0 * asked).min(refused));
            }
        }
    }

    /// Tries the middle between a served and a refused rate.
    fn search(&mut self, now: Instant, served: f64, refused: f64) {
        self.trial = None;
        if refused < PACE.close * served {
            return self.set(now, served, Stage::Settled);
        }
        self.set(now, (served * refused).sqrt(), Stage::Between { served, refused });
    }

    /// Returns to the level after a probe, or to the rate served since the last one if that is higher.
    fn settle(&mut self, now: Instant, rate: f64) {
        self.trial = None;
        self.set(
            now,
            rate.max(PACE.cut * self.all.served / self.all.age(now).max(PACE.shortest_window_seconds)),
            Stage::Settled,
        );
    }

    /// Sets the level after a measurement.
    fn conclude(&mut self, now: Instant, window: &Window) {
        let (share, seconds) = (window.share(), window.age(now).max(PACE.shortest_window_seconds));
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
        let alike = share > PACE.least_alike * first.share
            && share < PACE.most_alike * first.share
            && share < PACE.most_tolerated_share;
        if first.cuts >= PACE.trials && alike && window.refused >= PACE.trial_refusals {
            self.tolerated = (share + first.share) / 2.0;
            return self.set(now, first.rate, Stage::Settled);
        }
        let first = if alike { first } else { latest };
        self.trial = Some(Trial { cuts: first.cuts + 1, ..first });
        // During back-off, less may be sent, and so served, than the target would serve.
        let served = window.served / seconds / (1.0 - self.tolerated);
        let (stage, least) = match self.level {
            None => (Stage::New { refused: current }, PACE.first_least_left * current),
            Some(_) if share < PACE.near_share && asked > PACE.asked_share * current => {
                (Stage::Settled, PACE.least_left * current)
            }
            Some(_) => (Stage::New { refused: current }, PACE.least_left * current),
        };
        self.set(now, PACE.cut * served.clamp(least, current), stage);
    }
}

#[cfg(test)]
mod tests;
