//! The constants of the pace, in one place and with their units.

use std::time::Duration;

/// The parameters of the pace. Rates are in requests per second; shares are of all responses in a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct PaceSettings {
    /// The new level after a measurement, as a share of the rate that was served.
    pub(super) cut: f64,
    /// The minimum share of a level that a single cut leaves.
    pub(super) least_left: f64,
    /// The minimum share of the unlimited rate that the first cut leaves.
    pub(super) first_least_left: f64,
    /// The minimum number of responses in a measurement, unless it reaches `longest_measurement_seconds`.
    pub(super) measured_answers: f64,
    /// The minimum duration of a measurement in seconds: the period of most limiters.
    pub(super) measurement_seconds: f64,
    /// The maximum duration of a measurement in seconds, even if it has fewer responses.
    pub(super) longest_measurement_seconds: f64,
    /// The minimum duration over which a rate is computed, in seconds.
    pub(super) shortest_window_seconds: f64,
    /// If less than this share was refused, the new level is close to the old one and needs no search, provided that at
    /// least `asked_share` of the rate was used.
    pub(super) near_share: f64,
    /// See `near_share`.
    pub(super) asked_share: f64,

    /// The number of requests between two probes of a settled level. Probing thus costs one request in a hundred.
    pub(super) quiet_requests: f64,
    /// The minimum time between two probes, in seconds.
    pub(super) shortest_quiet_seconds: f64,
    /// The maximum time between two probes, in seconds.
    pub(super) longest_quiet_seconds: f64,
    /// How far above the level a probe begins, as a share of it: far enough above to exceed a correct level at once, so the
    /// first responses show whether it is too high.
    pub(super) step_share: f64,
    /// The duration of that step in seconds: longer than the period of a limiter that counts by the second.
    pub(super) step_seconds: f64,
    /// The number of requests in that step, if these take longer.
    pub(super) step_requests: f64,
    /// The growth of a probe after that step: the exponent per second.
    pub(super) growth_per_second: f64,
    /// If the last second of a probe served this multiple of the level, it found more than a burst that a limiter had
    /// saved up.
    pub(super) rise: f64,
    /// The minimum number of requests in that second.
    pub(super) rise_requests: f64,
    /// A search ends once the refused rate is less than this multiple of the served rate.
    pub(super) close: f64,

    /// How much is attributed to chance, in standard deviations.
    pub(super) chance_deviations: f64,
    /// The minimum tolerated share of refusals, for a target that otherwise refuses nothing.
    pub(super) least_tolerated_share: f64,
    /// The maximum share of refusals that is tolerated.
    pub(super) most_tolerated_share: f64,
    /// How much of the difference to a smaller share one window corrects.
    pub(super) tolerance_correction: f64,
    /// The lower bound of the share after a cut, as a multiple of the share before it, for the two to count as the
    /// same.
    pub(super) least_alike: f64,
    /// The upper bound of that multiple.
    pub(super) most_alike: f64,
    /// The minimum number of refusals in a measurement that shows that a cut had no effect.
    pub(super) trial_refusals: f64,
    /// The number of cuts without effect after which the rate is no longer considered the cause.
    pub(super) trials: u32,
    /// The number of responses after which an uneventful window is replaced by a new one.
    pub(super) window_answers: f64,

    /// The minimum rate, in requests per second.
    pub(super) slowest_rate: f64,
    /// The period of most limiters.
    pub(super) second: Duration,
    /// How late a timer may wake a request without delaying the following ones.
    pub(super) timer: Duration,
}

/// The settings that all clients use.
pub(super) const PACE: PaceSettings = PaceSettings {
    cut: 0.97,
    least_left: 0.3,
    first_least_left: 0.1,
    measured_answers: 20.0,
    measurement_seconds: 1.0,
    longest_measurement_seconds: 4.0,
    shortest_window_seconds: 0.05,
    near_share: 0.2,
    asked_share: 0.8,
    quiet_requests: 120.0,
    shortest_quiet_seconds: 2.0,
    longest_quiet_seconds: 12.0,
    step_share: 0.1,
    step_seconds: 1.3,
    step_requests: 3.0,
    growth_per_second: 1.5,
    rise: 1.35,
    rise_requests: 15.0,
    close: 1.1,
    chance_deviations: 3.0,
    least_tolerated_share: 0.001,
    most_tolerated_share: 0.35,
    tolerance_correction: 0.1,
    least_alike: 0.5,
    most_alike: 1.6,
    trial_refusals: 2.0,
    trials: 2,
    window_answers: 200.0,
    slowest_rate: 0.5,
    second: Duration::from_secs(1),
    timer: Duration::from_millis(2),
};
