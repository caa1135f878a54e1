//! A wall clock driven by the runtime's clock, so that a test that pauses time pauses this too.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{DATE, HeaderMap};
use tokio::time::Instant;

/// Differences below this are ignored: `Date` has whole seconds, and a response takes some time.
const TOLERATED: SignedDuration = SignedDuration::from_mins(1);

/// From this difference on, the operator is warned.
const WRONG: SignedDuration = SignedDuration::from_mins(5);

/// Wall-clock time, driven by the runtime's clock. It follows the target's clock once a response has stated its time.
#[derive(Debug)]
pub struct Clock {
    wall: Timestamp,
    origin: Instant,
    /// How far the target's clock is ahead of this server's, in milliseconds.
    ahead: AtomicI64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self::starting_at(Timestamp::now())
    }

    pub(crate) fn starting_at(wall: Timestamp) -> Self {
        Self { wall, origin: Instant::now(), ahead: AtomicI64::new(0) }
    }

    /// Adjusts the clock to the `Date` of a response.
    pub(crate) fn heed(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        let Some(date) = date.and_then(|date| Timestamp::try_from(date).ok()) else { return };
        let ahead = date.duration_since(self.own());
        let ahead = if ahead.abs() < TOLERATED { 0 } else { ahead.as_millis() };
        self.ahead.store(i64::try_from(ahead).unwrap_or(0), Relaxed);
    }

    /// Returns a warning if this server's clock is wrong.
    pub fn warning(&self) -> Option<String> {
        let ahead = self.ahead();
        let direction = if ahead.is_negative() { "ahead of" } else { "behind" };
        (ahead.abs() >= WRONG).then(|| {
            format!(
                "this server's clock is {:.1} h {direction} the target's: times were taken from the target's \
                 clock; correct this server's clock",
                ahead.abs().as_secs_f64() / 3600.0,
            )
        })
    }

    /// Returns how far the target's clock is ahead of this server's; zero if they agree.
    fn ahead(&self) -> SignedDuration {
        SignedDuration::from_millis(self.ahead.load(Relaxed))
    }

    /// Returns the time by the target's clock, or by this server's if no response has stated it.
    pub fn now(&self) -> Timestamp {
        self.own().saturating_add(self.ahead()).unwrap_or(self.wall)
    }

    /// Returns the time by this server's clock.
    fn own(&self) -> Timestamp {
        self.wall.saturating_add(self.origin.elapsed()).unwrap_or(self.wall)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wrong_clock_is_corrected_by_the_targets_and_a_small_difference_is_ignored() {
        let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
        for (date, now) in [
            ("Thu, 01 Jan 2026 00:00:30 GMT", "2026-01-01T00:00:00Z"),
            ("Thu, 01 Jan 2026 02:00:00 GMT", "2026-01-01T02:00:00Z"),
            ("Tue, 23 Sep 2025 00:00:00 GMT", "2025-09-23T00:00:00Z"),
            ("soon", "2025-09-23T00:00:00Z"),
        ] {
            clock.heed(&HeaderMap::from_iter([(DATE, date.parse().unwrap())]));
            assert_eq!(clock.now(), now.parse().unwrap(), "{date}");
        }
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(clock.now(), "2025-09-23T00:00:05Z".parse().unwrap());
    }
}
