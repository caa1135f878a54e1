//! How fast requests go out: one pace for all of a scan's requests.
//!
//! Two limits hold at once. *Concurrency*: a bounded number of requests is under way, and one that failed and waits to try
//! again keeps its permit, so a target in trouble hears from few; one that was refused for its rate gives its permit to another.
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

mod level;
mod settings;

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::concurrency::{Concurrency, Permit, Permits};
use level::{Level, Stage, Trial, Window};
use settings::PACE;

#[derive(Debug)]
pub(crate) struct Pace {
    permits: Permits,
    /// Requests that never had a permit wait here, so that only one of them waits for the permits.
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

impl Pace {
    pub(crate) fn new(concurrency: Concurrency, requests_per_second: Option<f64>) -> Self {
        let now = Instant::now();
        Self {
            permits: Permits::new(concurrency),
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
                tolerated: PACE.least_tolerated_share,
                next: now,
            }),
        }
    }

    /// Waits for a permit to be under way; it is given back when the permit is dropped.
    pub(crate) async fn permit(&self) -> Option<Permit<'_>> {
        let _entrance = self.entrance.lock().await;
        self.permit_again().await
    }

    /// The same for a request that gave its permit to others: those that never had one stand back, since more may depend
    /// on this one by now.
    pub(crate) async fn permit_again(&self) -> Option<Permit<'_>> {
        self.permits.acquire().await
    }

    /// Waits for a slot under the rate, and returns when it was.
    pub(crate) async fn slot(&self) -> Instant {
        let _gate = self.gate.lock().await;
        loop {
            let now = Instant::now();
            let Some(slot) = self.lock().take_slot(now) else { return now };
            sleep_until(slot).await;
        }
    }

    /// The target served the request to `path` whose slot was at `sent`.
    pub(crate) fn served(&self, path: &str, sent: Instant) {
        self.permits.served(path, sent);
        self.lock().answered(sent, true, Instant::now());
    }

    /// The request whose slot was at `sent` failed in passing, not for its rate.
    pub(crate) fn failed(&self, sent: Instant) {
        self.permits.failed(sent);
    }

    /// The target asked for fewer calls when it answered the request whose slot was at `sent`.
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

    /// Takes the slot that is due, or returns when it is.
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
            let fresh = self.level.is_none() && self.latest.age(now) < PACE.measurement_seconds;
            self.measurement = Some(if fresh { self.latest } else { measurement });
            return;
        };
        let second = self.recent.partition_point(|other| *other < sent) as f64;
        match level.stage {
            // A rate may be served for longer than its test, by what a limiter had saved up.
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
                // Where requests wait for permits, the rate that was reached is higher than what was asked.
                let asked = self.latest.answers() / self.latest.age(now).max(PACE.shortest_window_seconds);
                self.search(now, level.rate, self.rate(now).unwrap_or(asked).min(2.0 * asked).min(refused));
            }
        }
    }

    /// Tries the middle between a rate that was served and one that was refused.
    fn search(&mut self, now: Instant, served: f64, refused: f64) {
        self.trial = None;
        if refused < PACE.close * served {
            return self.set(now, served, Stage::Settled);
        }
        self.set(now, (served * refused).sqrt(), Stage::Between { served, refused });
    }

    /// Goes back to the level after a probe, or to what was served since the last one if that is more.
    fn settle(&mut self, now: Instant, rate: f64) {
        self.trial = None;
        self.set(
            now,
            rate.max(PACE.cut * self.all.served / self.all.age(now).max(PACE.shortest_window_seconds)),
            Stage::Settled,
        );
    }

    /// Draws the consequences of a measurement.
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
        // While requests wait to try again, less may be asked, and served, than could be.
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
