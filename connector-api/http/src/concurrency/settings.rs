//! The constants of automatic concurrency, in one place and with their units.

/// What automatic concurrency decides by. Numbers of requests are of those in flight at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConcurrencySettings {
    /// Requests at the start.
    pub(super) first: usize,
    /// Never fewer requests.
    pub(super) least: usize,
    /// Never more requests.
    pub(super) most: usize,
    /// Never more requests once the target limits the rate.
    pub(super) most_with_limited_rate: usize,

    /// The factor of a first step, as long as each pays.
    pub(super) double: f64,
    /// The factor of a later step up.
    pub(super) up: f64,
    /// The factor of a step down.
    pub(super) down: f64,
    /// A step up pays when throughput grows by at least this share of what the requests do.
    pub(super) least_gain: f64,
    /// A step down pays when throughput falls by at most this share of what the requests do.
    pub(super) most_loss: f64,
    /// A step down is tried when the latency is this many times what it was when the last step was tried.
    pub(super) slower: f64,

    /// A measurement takes this many responses for each request in flight while the number doubles.
    pub(super) doubling_rounds: f64,
    /// And later.
    pub(super) rounds: f64,
    /// A measurement takes at least this many responses.
    pub(super) least_answers: u32,
    /// Responses for each request in flight between two steps.
    pub(super) quiet_rounds: f64,
    /// Each time that too many fail doubles the time between two steps, up to this many times.
    pub(super) most_patience: f64,
    /// Kinds of requests whose latencies are kept apart; more are one.
    pub(super) most_kinds: usize,

    /// A step does not pay when the share of requests that fail grows by more than this.
    pub(super) most_more_failing: f64,
    /// A step up is taken back, or the number is halved, when more than this share of requests fails,
    pub(super) failing_share: f64,
    /// and at least this many do,
    pub(super) least_failures: u32,
    /// of at most this many.
    pub(super) failure_answers: u32,
}

/// The settings that all clients use.
pub(super) const CONCURRENCY: ConcurrencySettings = ConcurrencySettings {
    first: 8,
    least: 2,
    most: 32,
    most_with_limited_rate: 16,
    double: 2.0,
    up: 1.25,
    down: 0.8,
    least_gain: 0.5,
    most_loss: 0.25,
    slower: 1.25,
    doubling_rounds: 0.5,
    rounds: 3.0,
    least_answers: 4,
    quiet_rounds: 8.0,
    most_patience: 16.0,
    most_kinds: 64,
    most_more_failing: 0.03,
    failing_share: 0.1,
    least_failures: 4,
    failure_answers: 100,
};
