//! How the service says no.

use hyper::header::ALLOW;
use hyper::{Method, StatusCode};
use serde_json::json;

use super::answer::Answer;
use super::route::Api;
use crate::behaviour::V2Errors;

/// A refusal.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    message: String,
    /// What stands in `error`, where the service says it in two words.
    error: Option<&'static str>,
    /// The method that the endpoint takes.
    allow: Option<Method>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), error: None, allow: None }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized")
    }

    /// 401 with its reason.
    pub(crate) fn unauthorized_for(reason: &str) -> Self {
        let message = format!("Unauthorized: {reason}");
        Self { error: Some("Unauthorized"), ..Self::new(StatusCode::UNAUTHORIZED, message) }
    }

    /// A refusal of the token endpoint, by its OAuth 2.0 code.
    pub(crate) fn oauth(status: StatusCode, code: &'static str, reason: &str) -> Self {
        Self { error: Some(code), ..Self::new(status, reason) }
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden")
    }

    /// 405, which names the method that the endpoint takes.
    pub(crate) fn method_not_allowed(allow: Method) -> Self {
        Self { allow: Some(allow), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed") }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not Found")
    }

    /// The answer, in the words of an API.
    pub(crate) fn answer(self, api: Api, errors: V2Errors) -> Answer {
        let body = match api {
            Api::V1 | Api::V2 if self.error.is_some() => json!({ "error": self.error, "message": self.message }),
            Api::V2 if errors == V2Errors::Message => json!({ "message": self.message }),
            Api::V1 => json!({ "message": self.message }),
            Api::V2 => json!({
                "code": self.status.as_u16(),
                "message": self.message,
                "status": status_name(self.status),
            }),
            Api::OAuth => json!({
                "error": self.error.unwrap_or("invalid_request"),
                "error_description": self.message,
            }),
        };
        let mut answer = Answer::new(self.status, body.to_string().into_bytes());
        if let Some(method) = self.allow {
            answer.header(ALLOW.as_str(), method);
        }
        answer
    }
}

/// The name that the V2 API gives a status.
fn status_name(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ALREADY_EXISTS",
        429 => "RESOURCE_EXHAUSTED",
        500 => "INTERNAL",
        501 | 405 => "UNIMPLEMENTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "UNKNOWN",
    }
}
