//! The verdict on a failed attempt, made once, where the response is read. The retry loop only obeys it.

use std::time::Duration;

use connector_api::{ConnectorError, Retry};

/// The verdict on a failed attempt: the error, and what to do next.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The error.
    pub error: ConnectorError,
    /// What to do next.
    pub next: Next,
}

/// What to do after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Fail the request: a retry would fail the same way.
    Fail,
    /// Fail the request, and send no other one any more: each would fail the same way.
    Stop,
    /// Repeat the request at once with a fresh token, but only once.
    RenewToken,
    /// Repeat the request at once, without the order that the endpoint refuses.
    WithoutSort,
    /// Retry: the failure may pass by itself.
    Retry {
        /// The minimum wait, if the target named one.
        after: Option<Duration>,
        /// The maximum number of attempts, if less than the policy's.
        attempts: Option<u32>,
    },
    /// Retry without counting the attempt, and slow all requests down: the target refuses because of the rate.
    SlowDown {
        /// The minimum wait, if the target named one.
        after: Option<Duration>,
    },
}

impl Verdict {
    /// Creates a verdict that fails the request with this error.
    pub fn fail(error: ConnectorError) -> Self {
        Self { error, next: Next::Fail }
    }

    /// Creates a verdict to retry, with at most `attempts` attempts if that is less than the policy's.
    pub fn retry(error: ConnectorError, attempts: Option<u32>) -> Self {
        Self { error: error.with_retry(Retry::Later), next: Next::Retry { after: None, attempts } }
    }
}
