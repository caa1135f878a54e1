//! Whether, and when, a run that failed is tried again: the connector's error decides.

use std::time::Duration;

use connector_api::{ConnectorError, Retry};

/// The wait before the first of the later tries; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(30);
/// The longest wait that nobody asked for.
const LONGEST: Duration = Duration::from_secs(3600);
/// How often a run is tried again. With the waits above, that is a day.
const RETRIES: u32 = 29;

/// What comes after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// The run ends as failed.
    Never,
    /// It waits this long for its next try.
    After(Duration),
}

/// Decides after a run failed that was tried again `retries` times before. `chance`, from 0 to 1, spreads what failed together.
pub(crate) fn again(error: &ConnectorError, retries: u32, chance: f64) -> Again {
    if retries >= RETRIES {
        return Again::Never;
    }
    match error.retry {
        Retry::Later => {
            let wait = FIRST.saturating_mul(1 << retries.min(16)).min(LONGEST);
            Again::After(wait.mul_f64(0.75 + 0.5 * chance))
        }
        // Never earlier than the target asked for.
        Retry::After { seconds } => Again::After(Duration::from_secs(seconds).mul_f64(1.0 + 0.1 * chance)),
        _ => Again::Never,
    }
}

#[cfg(test)]
mod tests {
    use connector_api::ErrorCode;

    use super::*;

    fn after(retry: Retry, retries: u32, chance: f64) -> Again {
        again(&ConnectorError::new(ErrorCode::ServerError, "503", "wait").with_retry(retry), retries, chance)
    }

    #[test]
    fn what_needs_a_change_is_not_tried_again() {
        assert_eq!(after(Retry::Never, 0, 0.5), Again::Never);
    }

    #[test]
    fn the_waits_of_what_may_pass_double_up_to_an_hour() {
        let seconds = |retries| match after(Retry::Later, retries, 0.5) {
            Again::After(wait) => wait.as_secs(),
            Again::Never => 0,
        };
        assert_eq!([0, 1, 2, 6, 7, 28].map(seconds), [30, 60, 120, 1920, 3600, 3600]);
        assert_eq!(seconds(29), 0);
    }

    #[test]
    fn a_time_that_the_target_named_is_waited_for_and_chance_spreads_both() {
        let wait = Retry::After { seconds: 100 };
        assert_eq!(after(wait, 3, 0.0), Again::After(Duration::from_secs(100)));
        assert_eq!(after(wait, 3, 1.0), Again::After(Duration::from_secs(110)));
        assert_eq!(after(Retry::Later, 0, 0.0), Again::After(Duration::from_millis(22_500)));
        assert_eq!(after(Retry::Later, 0, 1.0), Again::After(Duration::from_millis(37_500)));
    }
}
