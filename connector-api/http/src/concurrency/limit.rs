//! The limit on requests in flight, and what moves it.

mod latency;

use tokio::time::Instant;

use super::settings::CONCURRENCY;
use latency::Latencies;

/// The limit on requests in flight that pays.
#[derive(Debug)]
pub(super) struct Limit {
    requests: usize,
    step: Step,
    /// What is measured at this limit.
    window: Window,
    /// The step on trial.
    trial: Option<Trial>,
    /// The latencies when this limit was last known to pay.
    baseline: Latencies,
    /// The last step was up and did not pay: perhaps one down costs nothing.
    step_up_failed: bool,
    /// Steps down in a row that did not pay although the latency had grown.
    failed_steps_down: u32,
    /// Responses to wait for before anything is measured again.
    cooldown: u32,
    /// The factor by which failures extended the cooldown.
    backoff: f64,
    health: Health,
    /// The target limits the rate: the pace decides, and latency shows nothing.
    rate_limited: bool,
}

/// The step that is tried next, or on trial.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Double,
    Up,
    Down,
}

impl Step {
    fn from(self, requests: usize) -> f64 {
        let requests = requests as f64;
        match self {
            Self::Double => requests * CONCURRENCY.double,
            Self::Up => (requests * CONCURRENCY.up).ceil(),
            Self::Down => (requests * CONCURRENCY.down).floor(),
        }
    }
}

/// A step whose effect is not known yet.
#[derive(Debug)]
struct Trial {
    /// The limit before the step.
    from: usize,
    /// What was measured there.
    before: Window,
    /// Windows since then in which the limit made no difference.
    unused_windows: u32,
}

/// The responses to requests sent since some instant.
#[derive(Debug)]
struct Window {
    began: Instant,
    responses: u32,
    /// How many of them came while as many requests were in flight as may be. Otherwise the limit changes nothing.
    full: u32,
    /// Requests that failed, in addition to the responses.
    failures: u32,
    latencies: Latencies,
}

impl Window {
    fn starting(began: Instant) -> Self {
        Self { began, responses: 0, full: 0, failures: 0, latencies: Latencies::default() }
    }

    fn is_full(&self) -> bool {
        2 * self.full > self.responses
    }

    fn requests(&self) -> u32 {
        self.responses + self.failures
    }

    /// Whether clearly more fails than did before.
    fn fails_more_than(&self, before: &Self) -> bool {
        let share = f64::from(before.failures) / f64::from(before.requests()).max(1.0);
        self.failures > 1 && exceeds(self.failures, self.requests(), share + CONCURRENCY.most_more_failing)
    }
}

/// Failures since some instant.
#[derive(Debug)]
struct Health {
    began: Instant,
    requests: u32,
    failures: u32,
}

impl Health {
    fn starting(began: Instant) -> Self {
        Self { began, requests: 0, failures: 0 }
    }

    /// Counts a request; it starts anew after a number of them.
    fn count(&mut self, failed: bool, now: Instant) {
        self.requests += 1;
        self.failures += u32::from(failed);
        if !failed && self.requests >= CONCURRENCY.health_requests {
            *self = Self::starting(now);
        }
    }

    fn is_bad(&self) -> bool {
        self.failures >= CONCURRENCY.least_failures && exceeds(self.failures, self.requests, CONCURRENCY.failing_share)
    }
}

/// Whether clearly more than a share of the requests failed: more than chance explains.
fn exceeds(failures: u32, requests: u32, share: f64) -> bool {
    let expected = share * f64::from(requests);
    f64::from(failures) > expected + CONCURRENCY.chance_deviations * (expected * (1.0 - share).max(0.0)).sqrt()
}

/// Whether a step pays that changes the requests in flight by a factor and the latency by another, which may be below
/// zero where its error is large.
fn is_paying(factor: f64, latency: f64) -> bool {
    let share = if factor > 1.0 { CONCURRENCY.least_gain } else { CONCURRENCY.most_loss };
    factor >= latency * (1.0 + share * (factor - 1.0))
}

impl Limit {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            requests: CONCURRENCY.first,
            step: Step::Double,
            window: Window::starting(now),
            trial: None,
            baseline: Latencies::default(),
            step_up_failed: false,
            failed_steps_down: 0,
            cooldown: 0,
            backoff: 1.0,
            health: Health::starting(now),
            rate_limited: false,
        }
    }

    /// The number of requests that may be in flight.
    pub(super) fn requests(&self) -> usize {
        self.requests
    }

    /// The target limits the rate. From now on only failures lower the limit, and it recovers from them; requests that
    /// wait for the pace take permits, so neither the latency nor the demand shows whether a step pays.
    pub(super) fn limit_rate(&mut self, now: Instant) {
        if !self.rate_limited {
            self.rate_limited = true;
            self.hold(self.requests, now);
        }
    }

    pub(super) fn served(&mut self, path: &str, sent: Instant, now: Instant, full: bool) {
        if sent >= self.health.began {
            self.health.count(false, now);
        }
        if self.cooldown > 0 {
            self.cooldown -= 1;
            if self.cooldown == 0 {
                self.end_cooldown(now);
            }
            return;
        }
        if sent < self.window.began {
            return;
        }
        self.window.responses += 1;
        self.window.full += u32::from(full);
        self.window.latencies.count(path, (now - sent).as_secs_f64());
        if self.window.responses >= self.needed() {
            self.conclude(now);
        }
    }

    pub(super) fn failed(&mut self, sent: Instant, now: Instant) {
        if self.cooldown == 0 && sent >= self.window.began {
            self.window.failures += 1;
        }
        if sent < self.health.began {
            return;
        }
        self.health.count(true, now);
        if self.health.is_bad() {
            self.health = Health::starting(now);
            self.backoff = (2.0 * self.backoff).min(CONCURRENCY.most_backoff);
            let fewer = match &self.trial {
                Some(trial) if trial.from < self.requests => trial.from,
                _ => self.requests / 2,
            };
            self.hold(fewer, now);
        }
    }

    /// The highest limit.
    fn most(&self) -> usize {
        if self.rate_limited { CONCURRENCY.most_with_limited_rate } else { CONCURRENCY.most }
    }

    /// The limit that a step leads to.
    fn after(&self, step: Step) -> usize {
        (step.from(self.requests) as usize).clamp(CONCURRENCY.least, self.most())
    }

    /// Responses that a measurement takes.
    fn needed(&self) -> u32 {
        let rounds = if self.step == Step::Double { CONCURRENCY.doubling_rounds } else { CONCURRENCY.rounds };
        ((rounds * self.requests as f64) as u32).max(CONCURRENCY.least_responses)
    }

    fn end_cooldown(&mut self, now: Instant) {
        if self.rate_limited {
            self.hold(self.after(Step::Up), now);
        } else {
            self.window = Window::starting(now);
        }
    }

    /// Draws the consequences of a measurement.
    fn conclude(&mut self, now: Instant) {
        let measured = std::mem::replace(&mut self.window, Window::starting(now));
        let Some(trial) = self.trial.take() else {
            return self.begin_trial(measured, now);
        };
        if !measured.is_full() {
            // What was tried was not used: it has done no harm, and shows nothing.
            let unused_windows = trial.unused_windows + 1;
            if unused_windows < CONCURRENCY.most_unused_windows {
                self.trial = Some(Trial { unused_windows, ..trial });
            } else {
                // By now the target may be another one than before the step, so that is measured again.
                self.set(trial.from, now);
            }
            return;
        }
        let latency = measured.latencies.against(&trial.before.latencies);
        let factor = self.requests as f64 / trial.from as f64;
        // The first steps are taken on few responses: unless these say clearly that one does not pay, it does.
        let pays = match (latency, self.step) {
            (None, step) => step == Step::Double,
            (Some(latency), Step::Double) => is_paying(factor, latency.ratio - latency.error),
            (Some(latency), Step::Up | Step::Down) => is_paying(factor, latency.ratio),
        };
        if !pays || measured.fails_more_than(&trial.before) {
            self.step_up_failed = self.step == Step::Up;
            self.failed_steps_down += u32::from(self.step == Step::Down);
            // A single step down may fail by chance. At the highest limit no other step follows, so the latency that it
            // was taken for is believed to be the usual one only after several.
            if self.step != Step::Down || self.failed_steps_down >= CONCURRENCY.trials_down {
                self.baseline = trial.before.latencies;
                self.failed_steps_down = 0;
            }
            return self.hold(trial.from, now);
        }
        if self.after(self.step) == self.requests {
            self.baseline = measured.latencies;
            return self.hold(self.requests, now);
        }
        self.take_step(measured, now);
    }

    /// Begins a step from what was measured at the present limit, if there is a reason for one.
    fn begin_trial(&mut self, measured: Window, now: Instant) {
        if !measured.is_full() {
            return;
        }
        if self.step != Step::Double {
            let latency = measured.latencies.against(&self.baseline);
            let is_slower = latency.is_some_and(|latency| latency.ratio - latency.error > CONCURRENCY.slower);
            self.step = if is_slower || self.step_up_failed { Step::Down } else { Step::Up };
            self.step_up_failed = false;
            if !is_slower {
                self.failed_steps_down = 0;
            }
        }
        self.take_step(measured, now);
    }

    fn take_step(&mut self, measured: Window, now: Instant) {
        let next = self.after(self.step);
        if next == self.requests {
            return self.hold(next, now);
        }
        self.trial = Some(Trial { from: self.requests, before: measured, unused_windows: 0 });
        self.set(next, now);
    }

    /// Keeps a limit for a while.
    pub(super) fn hold(&mut self, requests: usize, now: Instant) {
        let requests = requests.clamp(CONCURRENCY.least, self.most());
        self.step = Step::Up;
        self.trial = None;
        self.set(requests, now);
        self.cooldown = (CONCURRENCY.cooldown_rounds * self.backoff * requests as f64) as u32;
    }

    fn set(&mut self, requests: usize, now: Instant) {
        self.requests = requests;
        self.window = Window::starting(now);
    }
}

#[cfg(test)]
mod tests;
