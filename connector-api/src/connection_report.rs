//! The results of a connection test, one check for each thing probed.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::ConnectorError;

/// The result of [`Connector::test_connection`](crate::Connector::test_connection).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConnectionReport {
    /// The checks, in the order in which they were made.
    pub checks: Vec<Check>,
}

impl ConnectionReport {
    /// Creates a report of these checks, in the order in which they were made.
    pub fn new(checks: Vec<Check>) -> Self {
        Self { checks }
    }

    /// Adds a check as [`Check::probe`] does, or a skipped one if an earlier check failed.
    pub async fn probe<F: Into<String>>(
        &mut self,
        name: impl Into<String>,
        reading: impl Future<Output = Result<F, ConnectorError>>,
    ) {
        let check = match self.passed() {
            true => Check::probe(name, reading).await,
            false => Check::skipped(name, "an earlier check failed"),
        };
        self.checks.push(check);
    }

    /// Returns whether no check failed. A warning is not a failure.
    pub fn passed(&self) -> bool {
        !self.checks.iter().any(|check| check.status == CheckStatus::Failed)
    }

    /// Returns the first failure, which usually causes the others.
    pub fn first_error(&self) -> Option<&ConnectorError> {
        self.checks.iter().filter(|check| check.status == CheckStatus::Failed).find_map(|check| check.error.as_ref())
    }
}

/// One check of a connection test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Check {
    /// A stable word: `connect`, `tls`, `key`, `organization`, `users`, `groups`, ….
    pub name: String,
    /// The result.
    pub status: CheckStatus,
    /// What was found, in one line.
    pub found: String,
    /// The duration in milliseconds.
    pub duration_ms: u64,
    /// The code and remedy of a failure or a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ConnectorError>,
}

/// Receives each check of a connection test as soon as it is made. Must return at once.
pub type EachCheck<'a> = &'a (dyn Fn(&Check) + Send + Sync);

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum CheckStatus {
    /// Nothing is wrong.
    Passed,
    /// Usable, but an operator should look at it.
    Warning,
    /// Not usable.
    Failed,
    /// Not made: an earlier check failed, or it does not apply.
    Skipped,
}

impl Check {
    /// Awaits `reading` and creates a check from its result: passed with one line on what was found, or failed with its
    /// error.
    pub async fn probe<F: Into<String>>(
        name: impl Into<String>,
        reading: impl Future<Output = Result<F, ConnectorError>>,
    ) -> Self {
        let began = Instant::now();
        match reading.await {
            Ok(found) => Self::passed(name, found, began.elapsed()),
            Err(error) => Self::failed(name, error, began.elapsed()),
        }
    }

    /// Creates a check that passed.
    pub fn passed(name: impl Into<String>, found: impl Into<String>, took: Duration) -> Self {
        Self::of(name, CheckStatus::Passed, found, took, None)
    }

    /// Creates a check that found something usable which an operator should look at.
    pub fn warning(name: impl Into<String>, error: ConnectorError, took: Duration) -> Self {
        Self::of(name, CheckStatus::Warning, error.message.clone(), took, Some(error))
    }

    /// Creates a check that failed.
    pub fn failed(name: impl Into<String>, error: ConnectorError, took: Duration) -> Self {
        Self::of(name, CheckStatus::Failed, error.message.clone(), took, Some(error))
    }

    /// Creates a check that was not made, with the reason.
    pub fn skipped(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self::of(name, CheckStatus::Skipped, why, Duration::ZERO, None)
    }

    fn of(
        name: impl Into<String>,
        status: CheckStatus,
        found: impl Into<String>,
        took: Duration,
        error: Option<ConnectorError>,
    ) -> Self {
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        Self { name: name.into(), status, found: found.into(), duration_ms, error }
    }
}
