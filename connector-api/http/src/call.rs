//! One request and its answer.

use bytes::Bytes;
use connector_api::{ConnectorError, ErrorCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderMap;
use serde::de::{Deserialize, Error as _};
use url::Url;

/// One of the services that a target is made of, by a name of the connector's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service(&'static str);

impl Service {
    /// The one at the system's host name.
    pub const MAIN: Self = Self("main");
    /// The one that hands out tokens.
    pub const TOKEN: Self = Self("token");

    /// Another one, which the client must be made with.
    pub const fn named(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// One request, as often as it takes.
#[derive(Debug, Clone)]
pub struct Call {
    pub(super) service: Service,
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    /// The parameter and the field to sort by, unless the endpoint was seen to refuse it.
    pub(super) sort: Option<(&'static str, &'static str)>,
    pub(super) body: Option<Bytes>,
    pub(super) bare: bool,
    /// The whole address in place of service, path and query: one that the target itself gave.
    pub(super) link: Option<Box<Url>>,
}

impl Call {
    /// GET below the main service's URL. Whatever of `path` comes from the wire must have passed [`segment`].
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Service::MAIN, path.into(), None)
    }

    /// A read-only query by POST of a JSON `body`.
    pub fn post(path: impl Into<String>, body: Bytes) -> Self {
        Self::new(Service::MAIN, path.into(), Some(body))
    }

    fn new(service: Service, path: String, body: Option<Bytes>) -> Self {
        Self { service, path, query: Vec::new(), sort: None, body, bare: false, link: None }
    }

    /// The same call at another service.
    pub fn at(mut self, service: Service) -> Self {
        self.service = service;
        self
    }

    /// The same call with one more query parameter.
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// The same call, its rows sorted: `parameter=field`.
    pub fn sorted(mut self, parameter: &'static str, field: &'static str) -> Self {
        self.sort = Some((parameter, field));
        self
    }

    /// The same call without [`Target::headers`](super::Target::headers), for routes that refuse them.
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// The service that it goes to.
    pub fn service(&self) -> Service {
        self.service
    }

    /// The path, without the service's own.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// An id from the wire as one part of a path, which leads nowhere else.
///
/// # Errors
/// `malformed_response` for what can be no part of a path: nothing, `.` and `..`.
pub fn segment(id: &str) -> Result<String, ConnectorError> {
    // Unreserved characters (RFC 3986) stay.
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    if matches!(id, "" | "." | "..") {
        let message = "an id is no part of a path";
        return Err(ConnectorError::new(ErrorCode::MalformedResponse, message, "report this with the log of the scan"));
    }
    Ok(utf8_percent_encode(id, ESCAPED).to_string())
}

/// A successful answer.
#[derive(Debug)]
pub struct Answer {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its whole body, inflated.
    pub body: Bytes,
}

impl Answer {
    /// Reads the body's JSON.
    ///
    /// # Errors
    /// When it is not UTF-8, no JSON, or of another shape.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.text()?)
    }

    /// The body as text: checked once for all of it, not for each name and value.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub fn text(&self) -> Result<&str, serde_json::Error> {
        std::str::from_utf8(&self.body).map_err(serde_json::Error::custom)
    }

    /// A header's value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_id_leads_nowhere_but_to_its_own_part_of_a_path() {
        let base = Url::parse("https://a.example/").unwrap();
        for id in ["5f00", "a/../../b", "..%2f", "?x=1", "#x", "a b", "ä", "%", "...", "\\", "a\nb"] {
            let mut url = base.clone();
            url.set_path(&format!("/users/{}/groups", segment(id).unwrap()));
            assert_eq!(url.path_segments().unwrap().count(), 3, "{id}: {url}");
            assert!(url.query().is_none() && url.fragment().is_none(), "{id}: {url}");
        }
        for id in ["", ".", ".."] {
            assert_eq!(segment(id).unwrap_err().code, ErrorCode::MalformedResponse, "{id}");
        }
    }
}
