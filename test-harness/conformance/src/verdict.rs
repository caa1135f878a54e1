//! The verdict of one test.

use std::fmt;
use std::time::Duration;

use connector_api::{ConnectorError, ScanFailure};

use super::fixture::NoTarget;

/// The verdict of one test: passed, or why not.
pub type Verdict = Result<(), NotPassed>;

/// Why a test did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotPassed {
    /// There was nothing to test; contains the reason.
    Skipped(String),
    /// The connector does not meet the requirement.
    Failed(Failure),
}

/// What a test expected, and what the connector did instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the contract requires.
    pub expected: String,
    /// What the connector did.
    pub got: String,
    /// What to do about it, if it differs from the test's own advice.
    pub advice: Option<Advice>,
}

/// What to do about a failure, and where it is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// What the author of a failing connector should do.
    pub remedy: &'static str,
    /// The part of the documentation that explains it.
    pub explains: &'static str,
}

impl Failure {
    /// Creates a failure from what was expected and what the connector did.
    pub fn new(expected: impl fmt::Display, got: impl fmt::Display) -> Self {
        Self { expected: expected.to_string(), got: got.to_string(), advice: None }
    }

    /// Creates a failure to end in time.
    pub(super) fn late(expected: impl fmt::Display, limit: Duration, advice: Advice) -> Self {
        let got = format!("it had not ended after {} seconds", limit.as_secs());
        Self { advice: Some(advice), ..Self::new(expected, got) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected: {}\ngot:      {}", self.expected, self.got)
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for NotPassed {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<NoTarget> for NotPassed {
    fn from(reason: NoTarget) -> Self {
        match reason {
            NoTarget::Unsupported(why) => Self::Skipped(why),
            NoTarget::Broken(why) => Failure::new("the fixture starts its target", why).into(),
        }
    }
}

/// Fails with `expected` and the result of `got` if the condition does not hold.
pub(super) fn ensure<C: fmt::Display>(
    holds: bool,
    expected: impl fmt::Display,
    got: impl FnOnce() -> C,
) -> Result<(), NotPassed> {
    if holds { Ok(()) } else { Err(Failure::new(expected, got()).into()) }
}

/// Turns an error of the connector into a failure, for calls that must succeed.
pub(super) trait Expect<T> {
    /// Returns the value, or a failure with what was expected.
    fn expecting(self, expected: impl fmt::Display) -> Result<T, NotPassed>;
}

impl<T> Expect<T> for Result<T, ConnectorError> {
    fn expecting(self, expected: impl fmt::Display) -> Result<T, NotPassed> {
        self.map_err(|error| Failure::new(expected, error).into())
    }
}

impl<T> Expect<T> for Result<T, ScanFailure> {
    fn expecting(self, expected: impl fmt::Display) -> Result<T, NotPassed> {
        self.map_err(|failure| Failure::new(expected, failure).into())
    }
}

impl<T> Expect<T> for Result<T, serde_json::Error> {
    fn expecting(self, expected: impl fmt::Display) -> Result<T, NotPassed> {
        self.map_err(|error| Failure::new(expected, error).into())
    }
}
