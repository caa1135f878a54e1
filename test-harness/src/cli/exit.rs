//! The exit codes of the program.

use std::process::ExitCode;

use connector_api::{ConnectorError, ErrorCode, Outcome};

/// The exit code, ordered from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// The command did everything it was asked to.
    Complete,
    /// The core sections are complete, an optional one is not.
    Incomplete,
    /// There are findings at or above a severity.
    Findings,
    /// The scan is kept aside, because it would remove too much.
    Held,
    /// The scan or the check failed.
    Failed,
    /// Wrong usage or configuration, or a checkpoint that is refused.
    Usage,
    /// Cancelled.
    Cancelled,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Complete => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Incomplete => 3,
            Exit::Held => 4,
            Exit::Findings => 5,
            Exit::Cancelled => 130,
        })
    }
}

impl From<&ConnectorError> for Exit {
    fn from(error: &ConnectorError) -> Self {
        match error.code {
            ErrorCode::InvalidConfig
            | ErrorCode::EditionNotSupported
            | ErrorCode::InsecureEndpoint
            | ErrorCode::CheckpointRejected => Self::Usage,
            ErrorCode::Cancelled => Self::Cancelled,
            _ => Self::Failed,
        }
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Complete => Self::Complete,
            Outcome::Incomplete => Self::Incomplete,
            _ => Self::Failed,
        }
    }
}
