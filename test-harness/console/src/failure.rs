//! Pages that say what went wrong, and what to do next.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use connector_api::{ConnectorError, ErrorCode};
use maud::{Markup, html};

use crate::frame;
use crate::link::Link;
use crate::text::plain;

/// Something that went wrong, as a page of its own.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    /// One line without a full stop.
    message: String,
    remedy: String,
    code: Option<String>,
    /// Where to do what the remedy says.
    link: Option<Box<(Link, String)>>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status, message: message.into(), remedy: remedy.into(), code: None, link: None }
    }

    pub(crate) fn not_found() -> Self {
        let remedy = "Go to the systems, or search for the name.";
        Self::new(StatusCode::NOT_FOUND, "There is no such page", remedy)
    }

    /// Something that cannot be done as things stand now, such as a second scan while one runs.
    pub(crate) fn conflict(error: ConnectorError) -> Self {
        Self::refused_with(StatusCode::CONFLICT, error)
    }

    /// Something that the server works with and cannot use now, such as a store that others can read.
    pub(crate) fn unavailable(error: ConnectorError) -> Self {
        Self::refused_with(StatusCode::SERVICE_UNAVAILABLE, error)
    }

    /// Adds a link to where the remedy can be applied.
    pub(crate) fn with_link(self, link: Link, title: String) -> Self {
        Self { link: Some(Box::new((link, title))), ..self }
    }

    /// The failure of an error, with another status if what was asked for is refused.
    fn refused_with(status: StatusCode, error: ConnectorError) -> Self {
        let is_refused = error.code == ErrorCode::InvalidConfig;
        let failure = Self::from(error);
        if is_refused { Self { status, ..failure } } else { failure }
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
                @if let Some((link, title)) = self.link.as_deref() { p { a href=(link) { (plain(title)) } } }
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
    /// What an address names and is refused is not there.
    fn from(error: ConnectorError) -> Self {
        let status = match error.code {
            ErrorCode::InvalidConfig => StatusCode::NOT_FOUND,
            ErrorCode::EditionNotSupported => StatusCode::FORBIDDEN,
            ErrorCode::Sink | ErrorCode::Cancelled => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let code = Some(error.code.as_str().to_owned());
        Self { status, message: error.message.to_string(), remedy: error.remedy.to_string(), code, link: None }
    }
}

impl From<Failure> for ConnectorError {
    fn from(failure: Failure) -> Self {
        let code = ErrorCode::ALL.iter().find(|code| Some(code.as_str()) == failure.code.as_deref()).copied();
        Self::new(code.unwrap_or(ErrorCode::InvalidConfig), failure.message, failure.remedy)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, frame::bare(self.title(), &self.content())).into_response()
    }
}
