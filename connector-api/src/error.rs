//! Errors that a program can act on and an operator can read.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stable word for one kind of failure. Hosts may store, count and translate it. A word from a later version of the
/// contract is read as [`Internal`](Self::Internal).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// The system's configuration, or a value on the command line, cannot be used.
    InvalidConfig,
    /// The connector is not part of the host's edition.
    EditionNotSupported,
    /// Plain HTTP was requested to an address that is not loopback.
    InsecureEndpoint,
    /// The host name could not be resolved.
    Dns,
    /// The connection could not be established, or was lost.
    Connect,
    /// The TLS handshake failed: certificate, name, date or protocol version.
    Tls,
    /// There was no response in time.
    Timeout,
    /// The target does not accept the credential.
    Unauthorized,
    /// The credential is valid but does not allow this.
    Forbidden,
    /// The target, or a gateway in front of it, blocks this server's IP address.
    AddressBlocked,
    /// The organisation (tenant) is missing, malformed, unknown, or not the credential's.
    WrongOrganization,
    /// The target does not know the endpoint or the object.
    NotFound,
    /// The target refuses requests because of their rate.
    RateLimited,
    /// The target failed on its own side.
    ServerError,
    /// The target responded with a redirect, which is never followed.
    UnexpectedRedirect,
    /// The response could not be understood.
    MalformedResponse,
    /// The response is larger than accepted.
    ResponseTooLarge,
    /// A list could not be read completely and consistently.
    InconsistentListing,
    /// There are more rows than a limit in the settings allows.
    LimitExceeded,
    /// The target lists no user at all.
    NoUsers,
    /// The checkpoint is damaged, foreign or too old.
    CheckpointRejected,
    /// The scan was cancelled.
    Cancelled,
    /// The receiver of the records failed.
    Sink,
    /// A defect in the connector.
    #[serde(other)]
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

    /// Returns the code's word, as in JSON.
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

/// Whether an unchanged retry can help. It is independent of the kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Retry {
    /// Something must be changed first.
    Never,
    /// The problem may pass by itself.
    Later,
    /// The target named a time to wait.
    #[serde(rename_all = "camelCase")]
    After {
        /// Whole seconds, rounded up.
        seconds: u64,
    },
}

impl Retry {
    /// Creates [`Retry::After`] from a duration, rounded up to whole seconds.
    pub fn after(wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self::After { seconds }
    }
}

/// A failure: its code, one plain line, what the operator does next, and whether a retry can help.
///
/// Neither text ever contains a secret: foreign text is cleaned before it enters an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConnectorError {
    /// The kind of failure.
    pub code: ErrorCode,
    /// What happened, in one line.
    pub message: String,
    /// What the operator does next, in one line.
    pub remedy: String,
    /// Whether a retry can help.
    pub retry: Retry,
    /// The cause, for a developer. It is not serialised, and comparisons ignore it.
    #[serde(skip)]
    source: Source,
}

/// The cause of an error.
#[derive(Debug, Clone, Default)]
struct Source(Option<Arc<dyn std::error::Error + Send + Sync>>);

impl PartialEq for Source {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Source {}

impl ConnectorError {
    /// Creates an error that needs a change before a retry can help.
    pub fn new(code: ErrorCode, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code, message: message.into(), remedy: remedy.into(), retry: Retry::Never, source: Source::default() }
    }

    /// Sets the cause. Its text must not contain a secret, since it appears where sources are logged.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Source(Some(Arc::new(source)));
        self
    }

    /// Replaces the message.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Replaces the remedy.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Sets whether a retry can help.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Prefixes the message with the place of the failure: `users: …`.
    #[must_use]
    pub fn context(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Returns whether the credential may not read something, or the target does not have it.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self.code, ErrorCode::Forbidden | ErrorCode::NotFound | ErrorCode::Unauthorized)
    }

    /// Creates an `invalid_config` error: `message` says what is wrong, `remedy` what to write instead.
    pub fn invalid_config(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidConfig, message, remedy)
    }

    /// Creates the error of a scan that was cancelled by its cancellation token.
    pub fn cancelled() -> Self {
        Self::new(ErrorCode::Cancelled, "the scan was cancelled", "start the scan again when you are ready")
            .with_retry(Retry::Later)
    }

    /// Creates the error of a receiver of records that failed.
    pub fn sink(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(ErrorCode::Sink, message, remedy)
    }

    /// Creates the error of a defect in the connector, which is never the operator's fault.
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
    fn a_code_from_a_later_version_is_internal_and_the_rest_of_the_error_stays() {
        let error = |code: &str| serde_json::json!({"code": code, "message": "m", "remedy": "r", "retry": "later"});
        let later: ConnectorError = serde_json::from_value(error("quota_exhausted")).unwrap();
        assert_eq!(later, ConnectorError::new(ErrorCode::Internal, "m", "r").with_retry(Retry::Later));
        let known: ConnectorError = serde_json::from_value(error("no_users")).unwrap();
        assert_eq!(known.code, ErrorCode::NoUsers);
        for code in ErrorCode::ALL.iter().copied() {
            assert_eq!(serde_json::from_value::<ErrorCode>(code.as_str().into()).unwrap(), code);
        }
    }

    #[test]
    fn the_schema_of_codes_lists_each_of_them() {
        let schema = schemars::schema_for!(ErrorCode).to_value();
        let words: Vec<&str> =
            schema["oneOf"].as_array().unwrap().iter().filter_map(|one| one["const"].as_str()).collect();
        assert_eq!(words, ErrorCode::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>());
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        assert_eq!(Retry::after(Duration::from_millis(1)), Retry::After { seconds: 1 });
        assert_eq!(Retry::after(Duration::from_secs(2)), Retry::After { seconds: 2 });
    }
}
