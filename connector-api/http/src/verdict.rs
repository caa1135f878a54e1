//! What comes after a failed attempt: judged once, where the answer is read. The loop that makes the attempts only
//! obeys.

use std::time::Duration;

use connector_api::{ConnectorError, Retry};

/// A failed attempt: what went wrong, and what comes next.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What went wrong.
    pub error: ConnectorError,
    /// What comes next.
    pub next: Next,
}

/// What comes after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The request fails: it would fail the same way again.
    Fail,
    /// The request fails, and no other is sent any more: each would fail the same way.
    Stop,
    /// The request is repeated at once with a fresh token, but only once.
    RenewToken,
    /// The request is repeated at once, without the order that the endpoint refuses.
    WithoutSort,
    /// It may pass by itself: another attempt.
    Retry {
        /// The shortest wait, where the target named one.
        after: Option<Duration>,
        /// Attempts in all, if that is fewer than the policy's.
        attempts: Option<u32>,
    },
    /// The target asks for fewer calls: another attempt that does not count as one. All requests slow down.
    SlowDown {
        /// The shortest wait, where the target named one.
        after: Option<Duration>,
    },
}

impl Verdict {
    /// The request fails with this error.
    pub fn fail(error: ConnectorError) -> Self {
        Self { error, next: Next::Fail }
    }

    /// Another attempt may help, up to `attempts` in all if that is fewer than the policy's.
    pub fn retry(error: ConnectorError, attempts: Option<u32>) -> Self {
        Self { error: error.with_retry(Retry::Later), next: Next::Retry { after: None, attempts } }
    }
}
