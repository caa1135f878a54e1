//! What somebody sent with a form.

use std::fmt;

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Form, RequestExt};

use crate::failure::Failure;

/// The fields of a form. They may be secrets, so `Debug` shows none.
#[derive(Clone, Default)]
pub(crate) struct Entries(Vec<(String, String)>);

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entries(…)")
    }
}

impl Entries {
    /// Returns the text of a field without the space around it, if it has any.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// Returns the text of a field as it is, if the form has the field.
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns a field that the form always has.
    pub(crate) fn needed(&self, name: &'static str) -> Result<&str, Failure> {
        self.get(name).ok_or_else(|| {
            let message = format!("The form has no \u{201c}{name}\u{201d}");
            Failure::new(StatusCode::BAD_REQUEST, message, "Open the page again and send its form.")
        })
    }

    /// Sets a field, for a form that starts with values.
    pub(crate) fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// Sets a field in place of what was sent.
    pub(crate) fn replace(&mut self, name: String, value: &str) {
        self.0.retain(|(known, _)| *known != name);
        self.set(name, value);
    }
}

impl<S: Send + Sync> FromRequest<S> for Entries {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let form = request.extract::<Form<Vec<(String, String)>>, _>().await;
        form.map(|Form(fields)| Self(fields)).map_err(|_| {
            let remedy = "Open the page again and send its form.";
            Failure::new(StatusCode::BAD_REQUEST, "The form cannot be read", remedy).into_response()
        })
    }
}
