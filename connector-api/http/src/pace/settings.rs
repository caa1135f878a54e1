//! The constants of the pace, in one place and with their units.

use std::time::Duration;

/// What the pace decides by. Rates are in requests per second, shares are of all answers in a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct PaceSettings {
    /// What a measurement leaves of the rate that was served, as a share of it.
    pub(super) cut: f64,
    /// No single cut leaves less of a level than this share.
    pub(super) least_left: f64,
    /// The first cut leaves no less than this share of all that was asked without any level.
    pub(super) first_least_left: f64,
    /// A measurement holds at least this many answers, or lasts for `longest_measurement_seconds`.
    pub(super) measured_answers: f64,
    /// A measurement lasts at least this long, in seconds: what limiters count by.
    pub(super) measurement_seconds: f64,
    /// A measurement ends after this long, in seconds, however few answers it holds.
    pub(super) longest_measurement_seconds: f64,
    /// No rate is reckoned over less than this, in seconds.
    pub(super) shortest_window_seconds: f64,
    /// When less than this share was refused, the new level is next to the old one and needs no search, provided that
    /// `asked_share` of the rate was asked for.
    pub(super) near_share: f64,
    /// See `near_share`.
    pub(super) asked_share: f64,

    /// Requests between two probes of a settled level, so that probing costs one request in a hundred.
    pub(super) quiet_requests: f64,
    /// The shortest time between two probes, in seconds.
    pub(super) shortest_quiet_seconds: f64,
    /// The longest time between two probes, in seconds.
    pub(super) longest_quiet_seconds: f64,
    /// How far above the level a probe begins, as a share of it: far enough above to exceed a correct level at once, so the
    /// first responses show whether it is too high.
    pub(super) step_share: f64,
    /// For how long a probe stays there, in seconds: more than the second of a limiter that counts by the second.
    pub(super) step_seconds: f64,
    /// For how many requests a probe stays there, if these take longer.
    pub(super) step_requests: f64,
    /// How fast a probe grows after that: the exponent per second.
    pub(super) growth_per_second: f64,
    /// A probe whose last second served this many times the level found more than the burst that a limiter had saved up.
    pub(super) rise: f64,
    /// It must have served this many requests in that second, too.
    pub(super) rise_requests: f64,
    /// A search ends when the rate that is refused is less than this many times the one that is served.
    pub(super) close: f64,

    /// What chance may bring, in standard deviations.
    pub(super) chance_deviations: f64,
    /// A target that refuses nothing else may refuse this share at any rate.
    pub(super) least_tolerated_share: f64,
    /// No more than this share is held to be refused at any rate.
    pub(super) most_tolerated_share: f64,
    /// How much of the difference to a smaller share a window corrects.
    pub(super) tolerance_correction: f64,
    /// The share that is refused after a cut counts as the same as before it from this many times that one on.
    pub(super) least_alike: f64,
    /// And up to this many times.
    pub(super) most_alike: f64,
    /// This many refusals must be in a measurement that shows that a cut changed nothing.
    pub(super) trial_refusals: f64,
    /// This many cuts must have changed nothing before the rate is held not to be the reason.
    pub(super) trials: u32,
    /// Answers after which a window without an event makes room for the next.
    pub(super) window_answers: f64,

    /// The rate never falls below this, in requests a second.
    pub(super) slowest_rate: f64,
    /// What most limiters count by.
    pub(super) second: Duration,
    /// How late a timer may wake a request without the next ones being late, too.
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
