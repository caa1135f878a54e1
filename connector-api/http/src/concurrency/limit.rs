//! The number of requests in flight, and what moves it.

use std::collections::HashMap;

use tokio::time::Instant;

use super::settings::CONCURRENCY;

/// The number of requests in flight that pays.
#[derive(Debug)]
pub(super) struct Limit {
    requests: usize,
    step: Step,
    /// What is measured at this number.
    window: Window,
    /// The last step was up and did not pay: perhaps one down costs nothing.
    up_was_vain: bool,
    /// Responses to wait for before anything is measured again.
    quiet: u32,
    /// The number that a step on trial began from, and what was measured there.
    before: Option<(usize, Window)>,
    /// The latencies when this number was last known to pay.
    usual: Latencies,
    health: Health,
    /// How many times longer it stays at a number, after failures.
    patience: f64,
    /// Never more requests.
    most: usize,
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

/// The responses to requests sent since some instant.
#[derive(Debug)]
struct Window {
    began: Instant,
    answers: u32,
    /// How many of them came while as many requests were in flight as may be. Otherwise the limit changes nothing.
    full: u32,
    /// Requests that failed, in addition to the responses.
    failures: u32,
    latencies: Latencies,
}

/// Seconds that responses took, by kind of request.
#[derive(Debug, Default)]
struct Latencies(HashMap<String, Sample>);

/// How many there are, their sum, and the sum of their squares.
#[derive(Debug, Default, Clone, Copy)]
struct Sample {
    answers: f64,
    sum: f64,
    squares: f64,
}

impl Sample {
    fn mean(&self) -> f64 {
        self.sum / self.answers
    }

    /// The variance of one answer. As long as there is but one, it may be anything.
    fn variance(&self) -> f64 {
        let square = self.mean() * self.mean();
        if self.answers < 2.0 { square } else { (self.squares / self.answers - square).max(0.0) }
    }
}

/// How many times as long responses took as the same mix of requests did before, and the standard error of that.
#[derive(Debug, Clone, Copy)]
struct Slower {
    times: f64,
    error: f64,
}

impl Latencies {
    fn count(&mut self, path: &str, seconds: f64) {
        let mut kind = kind(path);
        if self.0.len() >= CONCURRENCY.most_kinds && !self.0.contains_key(&kind) {
            kind.clear();
        }
        let sample = self.0.entry(kind).or_default();
        sample.answers += 1.0;
        sample.sum += seconds;
        sample.squares += seconds * seconds;
    }

    /// Compares with what was measured before. `None` where the two have nothing in common.
    fn against(&self, before: &Self) -> Option<Slower> {
        let (mut now, mut now_variance, mut then, mut then_variance) = (0.0, 0.0, 0.0, 0.0);
        for (kind, sample) in &self.0 {
            let Some(earlier) = before.0.get(kind) else { continue };
            now += sample.sum;
            now_variance += sample.answers * sample.variance();
            then += sample.answers * earlier.mean();
            then_variance += sample.answers * sample.answers * earlier.variance() / earlier.answers;
        }
        if now <= 0.0 || then <= 0.0 {
            return None;
        }
        let times = now / then;
        Some(Slower { times, error: times * (now_variance / (now * now) + then_variance / (then * then)).sqrt() })
    }
}

/// What a path asks for: ids in it are no part of that.
fn kind(path: &str) -> String {
    let is_id = |part: &str| part.len() > 24 || part.bytes().filter(u8::is_ascii_digit).count() > 1;
    let parts = path.split('/').map(|part| if is_id(part) { "*" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// Whether a step pays that changes the requests in flight by a factor and the latency by another.
fn is_paying(factor: f64, slower: f64) -> bool {
    let share = if factor > 1.0 { CONCURRENCY.least_gain } else { CONCURRENCY.most_loss };
    factor / slower >= 1.0 + share * (factor - 1.0)
}

/// Failures since some instant.
#[derive(Debug)]
struct Health {
    began: Instant,
    answers: u32,
    failures: u32,
}

impl Health {
    fn starting(began: Instant) -> Self {
        Self { began, answers: 0, failures: 0 }
    }
}

impl Window {
    fn starting(began: Instant) -> Self {
        Self { began, answers: 0, full: 0, failures: 0, latencies: Latencies::default() }
    }

    fn is_full(&self) -> bool {
        2 * self.full > self.answers
    }

    /// Whether clearly more fails than did before.
    fn fails_more_than(&self, before: &Self) -> bool {
        let share = |window: &Self| f64::from(window.failures) / f64::from(window.answers + window.failures).max(1.0);
        self.failures > 1 && share(self) > share(before) + CONCURRENCY.most_more_failing
    }
}

impl Limit {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            requests: CONCURRENCY.first,
            step: Step::Double,
            window: Window::starting(now),
            up_was_vain: false,
            quiet: 0,
            before: None,
            usual: Latencies::default(),
            health: Health::starting(now),
            patience: 1.0,
            most: CONCURRENCY.most,
        }
    }

    /// The number of requests that may be in flight.
    pub(super) fn requests(&self) -> usize {
        self.requests
    }

    /// The target limits the rate.
    pub(super) fn limit_rate(&mut self, now: Instant) {
        if self.most > CONCURRENCY.most_with_limited_rate {
            self.most = CONCURRENCY.most_with_limited_rate;
            self.rest(self.requests, now);
        }
    }

    pub(super) fn served(&mut self, path: &str, sent: Instant, now: Instant, full: bool) {
        if sent >= self.health.began {
            self.health.answers += 1;
            if self.health.answers >= CONCURRENCY.failure_answers {
                self.health = Health::starting(now);
            }
        }
        if self.quiet > 0 {
            self.quiet -= 1;
            if self.quiet == 0 {
                self.window = Window::starting(now);
            }
            return;
        }
        if sent < self.window.began {
            return;
        }
        self.window.answers += 1;
        self.window.full += u32::from(full);
        self.window.latencies.count(path, (now - sent).as_secs_f64());
        if self.window.answers >= self.needed() {
            self.conclude(now);
        }
    }

    pub(super) fn failed(&mut self, sent: Instant, now: Instant) {
        if self.quiet == 0 && sent >= self.window.began {
            self.window.failures += 1;
        }
        if sent < self.health.began {
            return;
        }
        self.health.answers += 1;
        self.health.failures += 1;
        let Health { answers, failures, .. } = self.health;
        if failures >= CONCURRENCY.least_failures
            && f64::from(failures) > CONCURRENCY.failing_share * f64::from(answers)
        {
            self.health = Health::starting(now);
            self.patience = (2.0 * self.patience).min(CONCURRENCY.most_patience);
            let fewer = match self.before {
                Some((from, _)) if from < self.requests => from,
                _ => self.requests / 2,
            };
            self.rest(fewer, now);
        }
    }

    /// The number that the next step leads to.
    fn next(&self) -> usize {
        (self.step.from(self.requests) as usize).clamp(CONCURRENCY.least, self.most)
    }

    /// Responses that a measurement takes.
    fn needed(&self) -> u32 {
        let rounds = if self.step == Step::Double { CONCURRENCY.doubling_rounds } else { CONCURRENCY.rounds };
        ((rounds * self.requests as f64) as u32).max(CONCURRENCY.least_answers)
    }

    /// Draws the consequences of a measurement.
    fn conclude(&mut self, now: Instant) {
        let measured = std::mem::replace(&mut self.window, Window::starting(now));
        let Some((from, before)) = self.before.take() else {
            return self.begin_step(measured, now);
        };
        let slower = measured.latencies.against(&before.latencies);
        let factor = self.requests as f64 / from as f64;
        if !measured.is_full() {
            // What was tried was not used: it has done no harm, and shows nothing.
            self.before = Some((from, before));
            return;
        }
        // The first steps are taken on few responses: unless these say clearly that one does not pay, it does.
        let is_faster = match (slower, self.step) {
            (None, step) => step == Step::Double,
            (Some(slower), Step::Double) => is_paying(factor, slower.times - slower.error),
            (Some(slower), Step::Up | Step::Down) => is_paying(factor, slower.times),
        };
        if !is_faster || measured.fails_more_than(&before) {
            self.up_was_vain = self.step == Step::Up;
            self.usual = before.latencies;
            return self.rest(from, now);
        }
        let next = self.next();
        if next == self.requests {
            self.usual = measured.latencies;
            return self.rest(next, now);
        }
        self.before = Some((self.requests, measured));
        self.set(next, now);
    }

    /// Begins a step from what was measured at the present number, if there is a reason for one.
    fn begin_step(&mut self, measured: Window, now: Instant) {
        if !measured.is_full() {
            return;
        }
        if self.step != Step::Double {
            let slower = measured.latencies.against(&self.usual);
            let is_slower = slower.is_some_and(|slower| slower.times - slower.error > CONCURRENCY.slower);
            self.step = if is_slower || self.up_was_vain { Step::Down } else { Step::Up };
            self.up_was_vain = false;
        }
        let next = self.next();
        if next == self.requests {
            return self.rest(next, now);
        }
        self.before = Some((self.requests, measured));
        self.set(next, now);
    }

    /// Stays at a number for a while.
    pub(super) fn rest(&mut self, requests: usize, now: Instant) {
        let requests = requests.clamp(CONCURRENCY.least, self.most);
        self.step = Step::Up;
        self.before = None;
        self.set(requests, now);
        self.quiet = (CONCURRENCY.quiet_rounds * self.patience * requests as f64) as u32;
    }

    fn set(&mut self, requests: usize, now: Instant) {
        self.requests = requests;
        self.window = Window::starting(now);
    }
}
