//! One request and its response.

use bytes::Bytes;
use connector_api::{ConnectorError, ErrorCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderMap;
use serde::de::{Deserialize, Error as _};
use url::Url;

use super::concurrency::Urgency;

/// One service of a target, under a name chosen by the connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service(&'static str);

impl Service {
    /// The service at the system's host name.
    pub const MAIN: Self = Self("main");
    /// The service that issues tokens.
    pub const TOKEN: Self = Self("token");

    /// Creates another service; the client must be built with it.
    pub const fn named(name: &'static str) -> Self {
        Self(name)
    }

    /// Returns the name.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

/// One logical request, which may take several attempts.
#[derive(Debug, Clone)]
pub struct Call {
    pub(super) service: Service,
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    /// The parameter and the field to sort by, unless the endpoint has refused it.
    pub(super) sort: Option<(&'static str, &'static str)>,
    pub(super) body: Option<Bytes>,
    pub(super) bare: bool,
    pub(super) urgency: Urgency,
    /// The complete URL in place of service, path and query, if the target itself returned it.
    pub(super) link: Option<Box<Url>>,
}

impl Call {
    /// Creates a GET below the main service's URL. Parts of `path` that come from the wire must pass through
    /// [`segment`].
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Service::MAIN, path.into(), None)
    }

    /// Creates a read-only query: a POST of a JSON `body`.
    pub fn post(path: impl Into<String>, body: Bytes) -> Self {
        Self::new(Service::MAIN, path.into(), Some(body))
    }

    fn new(service: Service, path: String, body: Option<Bytes>) -> Self {
        Self { service, path, query: Vec::new(), sort: None, body, bare: false, urgency: Urgency::Needed, link: None }
    }

    /// Sends the call to another service.
    pub fn at(mut self, service: Service) -> Self {
        self.service = service;
        self
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Requests sorted rows: `parameter=field`.
    pub fn sorted(mut self, parameter: &'static str, field: &'static str) -> Self {
        self.sort = Some((parameter, field));
        self
    }

    /// Omits [`Target::headers`](super::Target::headers), for routes that refuse them.
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// Lets calls that are needed go first.
    pub(crate) fn urgency(mut self, urgency: Urgency) -> Self {
        self.urgency = urgency;
        self
    }

    /// Returns the service.
    pub fn service(&self) -> Service {
        self.service
    }

    /// Returns the path, without the service's base path.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// Escapes an id from the wire as one segment of a path, so that it cannot lead anywhere else.
///
/// # Errors
/// Returns `malformed_response` for an id that cannot be a segment: an empty one, `.` or `..`.
pub fn segment(id: &str) -> Result<String, ConnectorError> {
    // Unreserved characters (RFC 3986) are not escaped.
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    if matches!(id, "" | "." | "..") {
        let message = "an id cannot be used as a path segment";
        return Err(ConnectorError::new(ErrorCode::MalformedResponse, message, "report this with the log of the scan"));
    }
    Ok(utf8_percent_encode(id, ESCAPED).to_string())
}

/// A successful response.
#[derive(Debug)]
pub struct Answer {
    /// The headers.
    pub headers: HeaderMap,
    /// The complete body, decompressed.
    pub body: Bytes,
}

impl Answer {
    /// Parses the body as JSON.
    ///
    /// # Errors
    /// Returns an error if the body is not UTF-8, not JSON, or of another shape.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.text()?)
    }

    /// Returns the body as text. UTF-8 is checked once for the whole body instead of for each name and value.
    ///
    /// # Errors
    /// Returns an error if the body is not UTF-8.
    pub fn text(&self) -> Result<&str, serde_json::Error> {
        std::str::from_utf8(&self.body).map_err(serde_json::Error::custom)
    }

    /// Returns a header's value, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_id_leads_nowhere_but_to_its_own_segment_of_a_path() {
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
