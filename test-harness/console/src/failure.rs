//! Pages that say what went wrong, and what to do next.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use connector_api::{ConnectorError, ErrorCode};
use maud::{Markup, html};

use crate::frame;
use crate::text::plain;

/// Something that went wrong, as a page of its own.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    /// One line without a full stop.
    message: String,
    remedy: String,
    code: Option<String>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status, message: message.into(), remedy: remedy.into(), code: None }
    }

    pub(crate) fn not_found() -> Self {
        let remedy = "Go to the systems, or search for the name.";
        Self::new(StatusCode::NOT_FOUND, "There is no such page", remedy)
    }

    pub(crate) fn title(&self) -> &'static str {
        match self.status {
            StatusCode::NOT_FOUND => "Not found",
            StatusCode::FORBIDDEN => "Refused",
            _ => "This did not work",
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What stands in the page.
    pub(crate) fn content(&self) -> Markup {
        html! {
            div.head { div {
                h1 { (self.title()) }
                p.lead { (plain(&sentence(&self.message))) }
            } }
            div.note.bad role="alert" {
                p { (plain(&sentence(&self.remedy))) }
                @if let Some(code) = &self.code { p.small.soft { "Code " code { (code) } } }
                p { a href="/" { "Systems" } }
            }
        }
    }
}

/// Text of an error as a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let text = letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default();
    if text.ends_with(['.', '?', '!']) { text } else { text + "." }
}

impl From<ConnectorError> for Failure {
    fn from(error: ConnectorError) -> Self {
        let status = match error.code {
            ErrorCode::InvalidConfig => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let code = Some(error.code.as_str().to_owned());
        Self { status, message: error.message.to_string(), remedy: error.remedy.to_string(), code }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, frame::bare(self.title(), &self.content())).into_response()
    }
}
