//! The constants of automatic concurrency, in one place and with their units.

/// The parameters of automatic concurrency. A limit is the number of requests that may be in flight at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConcurrencySettings {
    /// The limit at the start.
    pub(super) first: usize,
    /// The lowest limit.
    pub(super) least: usize,
    /// The highest limit.
    pub(super) most: usize,
    /// The highest limit once the target limits the rate.
    pub(super) most_with_limited_rate: usize,
    /// The highest limit that can be set.
    pub(super) most_fixed: usize,

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
    /// A latency that grew is the usual one from then on when this many steps down did not pay.
    pub(super) trials_down: u32,

    /// A measurement takes this many responses for each request in flight while the limit doubles.
    pub(super) doubling_rounds: f64,
    /// And later.
    pub(super) rounds: f64,
    /// A measurement takes at least this many responses.
    pub(super) least_responses: u32,
    /// Responses for each request in flight between two steps.
    pub(super) cooldown_rounds: f64,
    /// Each time that too many fail doubles the time between two steps, up to this many times.
    pub(super) most_backoff: f64,
    /// A step is taken back after this many measurements in which fewer requests were made than it allows.
    pub(super) most_unused_windows: u32,
    /// Kinds of requests whose latencies are kept apart; more are one.
    pub(super) most_kinds: usize,

    /// How much is attributed to chance where failures are counted, in standard deviations.
    pub(super) chance_deviations: f64,
    /// A step does not pay when the share of requests that fail clearly grows by more than this.
    pub(super) most_more_failing: f64,
    /// A step up is taken back, or the limit is halved, when clearly more than this share of requests fails,
    pub(super) failing_share: f64,
    /// and at least this many do,
    pub(super) least_failures: u32,
    /// of at most this many.
    pub(super) health_requests: u32,
}

/// The settings that all clients use.
pub(super) const CONCURRENCY: ConcurrencySettings = ConcurrencySettings {
    first: 8,
    least: 2,
    most: 32,
    most_with_limited_rate: 16,
    most_fixed: 1_024,
    double: 2.0,
    up: 1.25,
    down: 0.8,
    least_gain: 0.5,
    most_loss: 0.25,
    slower: 1.25,
    trials_down: 3,
    doubling_rounds: 0.5,
    rounds: 3.0,
    least_responses: 4,
    cooldown_rounds: 8.0,
    most_backoff: 16.0,
    most_unused_windows: 4,
    most_kinds: 64,
    chance_deviations: 2.0,
    most_more_failing: 0.03,
    failing_share: 0.1,
    least_failures: 4,
    health_requests: 100,
};
