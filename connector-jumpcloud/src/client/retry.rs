//! When a request is tried again, and after how long.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::Timestamp;
use tokio::time::Instant;

/// The bounds of trying again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
    /// Attempts for one request, the first included, save those that were refused for their rate.
    pub(crate) attempts: u32,
    /// How long one request may take over all of its attempts and waits.
    pub(crate) time_budget: Duration,
    /// The first wait's upper bound; it doubles with each attempt.
    pub(crate) first_wait: Duration,
    /// The longest wait that the back-off itself chooses.
    pub(crate) longest_wait: Duration,
}

impl RetryPolicy {
    /// The upper bounds of the waits between attempts, without end. The wait itself is drawn between zero and the bound (full
    /// jitter), so that requests which failed together do not come back together.
    pub(crate) fn waits(&self) -> impl Iterator<Item = Duration> + use<> {
        ExponentialBuilder::new()
            .with_min_delay(self.first_wait)
            .with_max_delay(self.longest_wait)
            .without_max_times()
            .build()
    }
}

/// A wait drawn between zero and `bound`.
pub(crate) fn full_jitter(bound: Duration) -> Duration {
    bound.mul_f64(fastrand::f64())
}

/// What all requests of a scan may spend on trying again: each success earns a retry, each retry costs one. In an
/// outage nothing succeeds, so the target soon hears no more. A call that was refused for its rate is no sign of an
/// outage and costs nothing: the pace sees to it that few are.
#[derive(Debug)]
pub(crate) struct RetryBudget(Mutex<Budget>);

#[derive(Debug)]
struct Budget {
    left: f64,
    /// When a request succeeded last, or the scan began.
    succeeded: Instant,
}

impl RetryBudget {
    const FULL: f64 = 100.0;

    pub(crate) fn new() -> Self {
        Self(Mutex::new(Budget { left: Self::FULL, succeeded: Instant::now() }))
    }

    pub(crate) fn earn(&self) {
        let mut budget = self.lock();
        budget.left = (budget.left + 1.0).min(Self::FULL);
        budget.succeeded = Instant::now();
    }

    /// Whether a retry is still affordable; it is then paid for.
    pub(crate) fn spend(&self) -> bool {
        let mut budget = self.lock();
        let affordable = budget.left >= 1.0;
        if affordable {
            budget.left -= 1.0;
        }
        affordable
    }

    /// How long no request of the scan has succeeded since one began; before that perhaps none was made.
    pub(crate) fn idle_since(&self, began: Instant) -> Duration {
        self.lock().succeeded.max(began).elapsed()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Budget> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Reads a `Retry-After`: whole seconds, or an HTTP date, which is held against `now`.
pub(crate) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let now = SystemTime::from(now);
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Thu, 01 Jan 2026 00:00:09 GMT", now), Some(Duration::from_secs(9)));
        assert_eq!(retry_after("Wed, 31 Dec 2025 00:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let policy = RetryPolicy {
            attempts: 6,
            time_budget: Duration::from_secs(60),
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(5),
        };
        let seconds: Vec<_> = policy.waits().take(5).map(|wait| wait.as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 5, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_ends_the_idle_time_and_without_a_request_there_is_none() {
        let (budget, began, second) = (RetryBudget::new(), Instant::now(), Duration::from_secs(1));
        tokio::time::advance(second).await;
        assert_eq!(budget.idle_since(began), second);
        budget.earn();
        assert_eq!(budget.idle_since(began), Duration::ZERO);
        tokio::time::advance(100 * second).await;
        assert_eq!(budget.idle_since(Instant::now()), Duration::ZERO);
    }

    #[test]
    fn an_outage_empties_the_budget_and_successes_fill_it() {
        let budget = RetryBudget::new();
        let spent = (0..1000).filter(|_| budget.spend()).count();
        assert_eq!(spent, 100);
        budget.earn();
        assert!(budget.spend() && !budget.spend());
    }
}
