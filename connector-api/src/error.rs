//! What went wrong, in a form that a program can act on and an operator can read.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stable word for one kind of failure. Hosts may store it, count it and translate it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// The system's configuration, or a value on the command line, is not usable as it stands.
    InvalidConfig,
    /// The connector is not part of the host's edition.
    EditionNotSupported,
    /// Plain HTTP was asked for on an address that is not loopback.
    InsecureEndpoint,
    /// The host name could not be resolved.
    Dns,
    /// No connection could be made, or it broke.
    Connect,
    /// The TLS handshake failed: certificate, name, date or protocol version.
    Tls,
    /// An answer did not come in time.
    Timeout,
    /// The target does not accept the credential.
    Unauthorized,
    /// The credential is good but may not do this.
    Forbidden,
    /// The target, or a gateway before it, takes no calls from this server's IP address.
    AddressBlocked,
    /// The organisation (tenant) is missing, malformed, unknown, or not this credential's.
    WrongOrganization,
    /// The target does not know the thing or the endpoint.
    NotFound,
    /// The target asks for fewer calls.
    RateLimited,
    /// The target failed on its own side.
    ServerError,
    /// The target answered with a redirect, which is never followed.
    UnexpectedRedirect,
    /// The answer could not be understood.
    MalformedResponse,
    /// The answer was larger than what is accepted.
    ResponseTooLarge,
    /// A listing could not be read as one consistent whole.
    InconsistentListing,
    /// There are more rows than a limit allows that the operator can raise.
    LimitExceeded,
    /// The target answers, and lists no user at all.
    NoUsers,
    /// The checkpoint is damaged, foreign or too old.
    CheckpointRejected,
    /// The scan was cancelled.
    Cancelled,
    /// The receiver of the records failed.
    Sink,
    /// A defect in the connector.
    Internal,
}

impl ErrorCode {
    /// Every code, in the order of the documentation.
    pub const ALL: &[ErrorCode] = &[
        Self::InvalidConfig,
        Self::EditionNotSupported,
        Self::InsecureEndpoint,
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Unauthorized,
        Self::Forbidden,
        Self::AddressBlocked,
        Self::WrongOrganization,
        Self::NotFound,
        Self::RateLimited,
        Self::ServerError,
        Self::UnexpectedRedirect,
        Self::MalformedResponse,
        Self::ResponseTooLarge,
        Self::InconsistentListing,
        Self::LimitExceeded,
        Self::NoUsers,
        Self::CheckpointRejected,
        Self::Cancelled,
        Self::Sink,
        Self::Internal,
    ];

    /// The word itself, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidConfig => "invalid_config",
            Self::EditionNotSupported => "edition_not_supported",
            Self::InsecureEndpoint => "insecure_endpoint",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::AddressBlocked => "address_blocked",
            Self::WrongOrganization => "wrong_organization",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
            Self::UnexpectedRedirect => "unexpected_redirect",
            Self::MalformedResponse => "malformed_response",
            Self::ResponseTooLarge => "response_too_large",
            Self::InconsistentListing => "inconsistent_listing",
            Self::LimitExceeded => "limit_exceeded",
            Self::NoUsers => "no_users",
            Self::CheckpointRejected => "checkpoint_rejected",
            Self::Cancelled => "cancelled",
            Self::Sink => "sink",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether trying again, unchanged, can help: a question apart from what went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Retry {
    /// Something must be changed first.
    Never,
    /// It may pass by itself.
    Later,
    /// The target named a time to wait.
    #[serde(rename_all = "camelCase")]
    After {
        /// Whole seconds, rounded up.
        seconds: u64,
    },
}

impl Retry {
    /// [`Retry::After`] a duration, rounded up to whole seconds.
    pub fn after(wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self::After { seconds }
    }
}

/// A failure with its code, one plain line, what the operator does next, and whether a retry can help.
///
/// Neither text ever holds a secret: whoever makes an error from foreign text cleans it first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConnectorError {
    /// What kind of failure.
    pub code: ErrorCode,
    /// What happened, in one line.
    pub message: String,
    /// What the operator does next, in one line.
    pub remedy: String,
    /// Whether trying again can help.
    pub retry: Retry,
    /// What is behind it, for a developer. It is not stored, and two errors that differ in nothing else are equal.
    #[serde(skip)]
    source: Source,
}

/// What is behind an error.
#[derive(Debug, Clone, Default)]
struct Source(Option<Arc<dyn std::error::Error + Send + Sync>>);

impl PartialEq for Source {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Source {}

impl ConnectorError {
    /// An error that needs a change before a retry can help.
    pub fn new(code: ErrorCode, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code, message: message.into(), remedy: remedy.into(), retry: Retry::Never, source: Source::default() }
    }

    /// The same error with what is behind it. Its text must hold no secret: it shows where sources are logged.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Source(Some(Arc::new(source)));
        self
    }

    /// The same error with another line on what happened.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// The same error with another remedy.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// The same error with another word on retrying.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The same error, its message preceded by where it happened: `users: …`.
    #[must_use]
    pub fn context(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Whether it says that the credential may not read something, or that the target does not have it.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self.code, ErrorCode::Forbidden | ErrorCode::NotFound | ErrorCode::Unauthorized)
    }

    /// The configuration is not usable: `message` says why, `remedy` what to write instead.
    pub fn invalid_config(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidConfig, message, remedy)
    }

    /// The scan was cancelled by its cancellation token.
    pub fn cancelled() -> Self {
        Self::new(ErrorCode::Cancelled, "the scan was cancelled", "start it again when you are ready")
            .with_retry(Retry::Later)
    }

    /// The receiver of the records failed.
    pub fn sink(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(ErrorCode::Sink, message, remedy)
    }

    /// A defect in the connector, never the operator's fault.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, message, "report this as a defect, with the log of the scan")
    }
}

impl fmt::Display for ConnectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ConnectorError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.0.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_word_of_a_code_is_its_json() {
        for code in ErrorCode::ALL.iter().copied() {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        assert_eq!(Retry::after(Duration::from_millis(1)), Retry::After { seconds: 1 });
        assert_eq!(Retry::after(Duration::from_secs(2)), Retry::After { seconds: 2 });
    }
}
