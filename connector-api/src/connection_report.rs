//! What a connection test found, one check for each thing probed.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::ConnectorError;

/// The outcome of [`Connector::test_connection`](crate::Connector::test_connection).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConnectionReport {
    /// The checks in the order in which they were made.
    pub checks: Vec<Check>,
}

impl ConnectionReport {
    /// The report of these checks, in the order in which they were made.
    pub fn new(checks: Vec<Check>) -> Self {
        Self { checks }
    }

    /// Makes one check more, as [`Check::probe`] does; it is skipped where an earlier one failed.
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

    /// Whether no check failed. A warning is not a failure.
    pub fn passed(&self) -> bool {
        !self.checks.iter().any(|check| check.status == CheckStatus::Failed)
    }

    /// The first failure, which is usually the cause of the rest.
    pub fn first_error(&self) -> Option<&ConnectorError> {
        self.checks.iter().filter(|check| check.status == CheckStatus::Failed).find_map(|check| check.error.as_ref())
    }
}

/// One thing probed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Check {
    /// A stable word: `connect`, `tls`, `key`, `organization`, `users`, `groups`, ….
    pub name: String,
    /// How it ended.
    pub status: CheckStatus,
    /// What was found, in one line.
    pub found: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Code and remedy of a failure or a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ConnectorError>,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum CheckStatus {
    /// As it should be.
    Passed,
    /// Usable, but somebody should look.
    Warning,
    /// Not usable.
    Failed,
    /// Not made, since an earlier check failed or it does not apply.
    Skipped,
}

impl Check {
    /// A check of what can be read: it passes with what `reading` found, in one line, or fails with its error.
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

    /// A check that passed.
    pub fn passed(name: impl Into<String>, found: impl Into<String>, took: Duration) -> Self {
        Self::of(name, CheckStatus::Passed, found, took, None)
    }

    /// A check that found something usable that somebody should look at.
    pub fn warning(name: impl Into<String>, error: ConnectorError, took: Duration) -> Self {
        Self::of(name, CheckStatus::Warning, error.message.clone(), took, Some(error))
    }

    /// A check that failed.
    pub fn failed(name: impl Into<String>, error: ConnectorError, took: Duration) -> Self {
        Self::of(name, CheckStatus::Failed, error.message.clone(), took, Some(error))
    }

    /// A check that was not made, and why.
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
