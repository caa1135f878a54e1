//! Responses with a status other than 200, and their meaning in HTTP. A target with other meanings overrides
//! [`Target::judge`](super::Target::judge) and uses the same parts.

use std::fmt;
use std::time::{Duration, SystemTime};

use connector_api::{ConnectorError, ErrorCode, Retry};
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use serde_json::{Map, Value};
use url::Url;

use super::call::Service;
use super::text::Scrubber;
use super::verdict::{Next, Verdict};
use super::words::Words;

/// The number of bytes that are read of an error's body.
pub(super) const LONGEST_SAID: usize = 64 * 1024;

/// The remedy if the target does not understand the connector's request.
pub(super) const REPORT: &str = "report this with the log of the scan";

/// Parts of the messages of `unauthorized`.
const NOT_ACCEPTED: &str = "the credential is not accepted";
const REFUSED_HERE: &str = "the credential, which is accepted elsewhere, is refused here";

/// The call whose response is judged.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The service of the call.
    pub service: Service,
    /// The host of the call.
    pub host: &'a str,
    /// The path, or the purpose of the call.
    pub path: &'a str,
    /// Whether the target has accepted the credential before.
    pub accepted: bool,
    /// Whether the call requests an order.
    pub sorted: bool,
    /// Whether a fresh token can be fetched.
    pub renewable: bool,
    /// The proxy, if it forwards the call unencrypted, so that the response may be the proxy's own.
    pub proxy: Option<&'a str>,
}

/// A response with a status other than 200.
#[derive(Debug, Clone)]
pub struct Refusal<'a> {
    /// The call.
    pub asked: Asked<'a>,
    /// The status.
    pub status: StatusCode,
    /// What the body says.
    pub said: Said,
    /// How long the target asks to wait.
    pub after: Option<Duration>,
    headers: &'a HeaderMap,
    scrub: &'a Scrubber,
    words: &'a Words,
}

impl<'a> Refusal<'a> {
    /// Reads a response that was received at `now`.
    pub fn read(
        asked: Asked<'a>,
        status: StatusCode,
        headers: &'a HeaderMap,
        body: &[u8],
        scrub: &'a Scrubber,
        now: Timestamp,
        words: &'a Words,
    ) -> Self {
        let (said, after) = (Said::read(body, scrub, words), retry_after(headers, now));
        Self { asked, status, said, after, headers, scrub, words }
    }

    /// Returns who answered what to which request, in one line: `host answered 403 to /path "no"`.
    pub fn answered(&self) -> String {
        let Asked { host, path, proxy, .. } = self.asked;
        let through = proxy.map_or_else(String::new, |proxy| format!(" (through the proxy {proxy})"));
        format!("{host}{through} answered {} to {path}{}", self.status.as_u16(), self.said)
    }

    /// Returns the verdict by the rules of HTTP and OAuth alone.
    pub fn standard(&self) -> Verdict {
        let credential = self.words.credential;
        let renew = format!("check that {credential} is valid and has not expired, and enter it again");
        let allow = format!("give {credential} the right to read this");
        match self.status.as_u16() {
            _ if self.blocks_address() => self.address_blocked(),
            407 => self.proxy_wants_password(),
            400 | 401 | 403 if self.asked.service == Service::TOKEN => {
                self.no_token("check the client id and the client secret, and the URL of the token")
            }
            400 | 422 if self.may_refuse_to_sort() => self.without_sort(),
            300..=399 => self.redirected(),
            401 => self.unauthorized(renew.clone(), format!("{allow}; otherwise {renew}")),
            403 | 451 if self.said.form == Form::WebPage => self.gateway(),
            402 | 403 | 451 => self.forbidden("the credential may not read this", allow),
            404 | 405 | 410 => self.not_found("check the system's host name and path"),
            408 | 429 | 500..=599 => self.passing(),
            _ => self.not_taken(),
        }
    }

    /// Returns whether a gateway blocks this server's address: with 403, or with 429 and no time to wait. A 429 whose text
    /// only mentions an address is an ordinary rate limit, unless it is a gateway's web page or mentions abuse.
    pub fn blocks_address(&self) -> bool {
        match (self.said.block, self.status.as_u16()) {
            (Some(_), 403) => true,
            (Some(block), 429) => self.after.is_none() && (block == Block::Abuse || self.said.form == Form::WebPage),
            _ => false,
        }
    }

    /// Returns the verdict for a blocked address of this server: no further requests are sent.
    pub fn address_blocked(&self) -> Verdict {
        let message =
            format!("{}: this server's IP address is blocked; no further requests were sent", self.answered());
        Verdict {
            error: ConnectorError::new(ErrorCode::AddressBlocked, message, self.words.unblock()),
            next: Next::Stop,
        }
    }

    /// Returns the verdict for a proxy that requires a user name and password, or rejects those given.
    pub fn proxy_wants_password(&self) -> Verdict {
        Verdict::fail(proxy_wants_password(self.asked.proxy.unwrap_or(self.asked.host), self.words))
    }

    /// Returns the verdict for a credential that gets no token.
    pub fn no_token(&self, remedy: impl Into<String>) -> Verdict {
        self.fail(ErrorCode::Unauthorized, " and returned no token", remedy)
    }

    /// Returns whether the requested order may be the reason for the refusal: one was requested, and the response
    /// mentions an order or a part of the request. A call without the order shows whether it was.
    pub fn may_refuse_to_sort(&self) -> bool {
        let words = self.said.words.to_lowercase();
        self.asked.sorted && ["sort", "order", "field", "parameter"].iter().any(|part| words.contains(part))
    }

    /// Returns the verdict for a refused order: the call is repeated without it.
    pub fn without_sort(&self) -> Verdict {
        let verdict = self.fail(ErrorCode::MalformedResponse, ": it refuses to sort", REPORT);
        Verdict { next: Next::WithoutSort, ..verdict }
    }

    /// Returns the verdict for a redirect, which is never followed.
    pub fn redirected(&self) -> Verdict {
        let host = self.asked.host;
        let target = header(self.headers, LOCATION)
            .map_or_else(|| "an unknown place".to_owned(), |location| redirect_target(location, host, self.scrub));
        Verdict::fail(ConnectorError::new(
            ErrorCode::UnexpectedRedirect,
            format!(
                "{host} answered {} and points to {target}; redirects are not followed, since that would send the credential there",
                self.status.as_u16()
            ),
            "check the system's host name, and that no login page or proxy on the way intercepts API calls",
        ))
    }

    /// Returns the verdict for a credential that is not accepted, or not here; each has its own remedy.
    pub fn unauthorized(&self, not_accepted: String, refused_here: String) -> Verdict {
        let (what, remedy) =
            if self.asked.accepted { (REFUSED_HERE, refused_here) } else { (NOT_ACCEPTED, not_accepted) };
        let verdict = self.fail(ErrorCode::Unauthorized, format!(": {what}"), remedy);
        Verdict { next: if self.asked.renewable { Next::RenewToken } else { Next::Fail }, ..verdict }
    }

    /// Returns the verdict for a call that a gateway refuses.
    pub fn gateway(&self) -> Verdict {
        let vendor = self.words.vendor;
        self.fail(
            ErrorCode::Forbidden,
            format!(": a gateway refused the call; {vendor} itself does not respond with a web page"),
            format!("check whether a proxy or firewall on the way refuses it; otherwise ask {vendor}"),
        )
    }

    /// Returns the verdict for a valid credential that may not make this call.
    pub fn forbidden(&self, why: &str, remedy: impl Into<String>) -> Verdict {
        self.fail(ErrorCode::Forbidden, format!(": {why}"), remedy)
    }

    /// Returns the verdict for something that the target does not have.
    pub fn not_found(&self, remedy: impl Into<String>) -> Verdict {
        self.fail(ErrorCode::NotFound, ": the target does not have it", remedy)
    }

    /// Returns the verdict for a failure that may pass by itself: 408, 429 or 5xx.
    pub fn passing(&self) -> Verdict {
        let after = self.after;
        let (code, what, remedy) = match self.status.as_u16() {
            408 => (ErrorCode::Timeout, "", self.words.later()),
            429 => (ErrorCode::RateLimited, ": too many API calls", self.words.fewer_calls()),
            _ => (ErrorCode::ServerError, "", self.words.later()),
        };
        let next = match self.status {
            StatusCode::TOO_MANY_REQUESTS => Next::SlowDown { after },
            // A 503 with a waiting time asks to slow down, as a 429 does; without one it is an ordinary failure.
            StatusCode::SERVICE_UNAVAILABLE if after.is_some() => Next::SlowDown { after },
            _ => Next::Retry { after, attempts: None },
        };
        let error = self.fail(code, what, remedy).error.with_retry(after.map_or(Retry::Later, Retry::after));
        Verdict { error, next }
    }

    /// Returns the verdict for a request that the target rejects, or to which something else responded.
    pub fn not_taken(&self) -> Verdict {
        match self.said.form {
            Form::Object => self.fail(ErrorCode::MalformedResponse, ": it rejects the request", REPORT),
            _ => self.fail(ErrorCode::MalformedResponse, "", self.words.elsewhere()),
        }
    }

    /// Returns the verdict that fails the request: who answered what, followed by `why`.
    pub fn fail(&self, code: ErrorCode, why: impl fmt::Display, remedy: impl Into<String>) -> Verdict {
        Verdict::fail(ConnectorError::new(code, format!("{}{why}", self.answered()), remedy))
    }
}

/// Rewrites an `unauthorized` error once the credential turns out to be accepted elsewhere.
pub fn refused_here(mut error: ConnectorError) -> ConnectorError {
    error.message = error.message.replace(NOT_ACCEPTED, REFUSED_HERE);
    error
}

/// Returns the error of a proxy that requires a user name and password, or rejects those given.
pub(super) fn proxy_wants_password(proxy: &str, words: &Words) -> ConnectorError {
    ConnectorError::new(
        ErrorCode::Connect,
        format!("the proxy {proxy} requires a user name and password, or rejects those that were given"),
        format!(
            "put the proxy's user name and password into {}, as in http://user:password@proxy.example:3128",
            words.proxy_name()
        ),
    )
}

/// Returns where a `Location` leads: its host as a browser would resolve it, but never its path or query.
fn redirect_target(location: &str, host: &str, scrub: &Scrubber) -> String {
    let target = Url::parse(&format!("https://{host}")).and_then(|base| base.join(location));
    match target.as_ref().map(Url::host_str) {
        Ok(Some(target)) if target == host => format!("another address on {host}"),
        Ok(Some(target)) => scrub.line(target),
        Ok(None) | Err(_) => "an unnamed host".to_owned(),
    }
}

/// Returns how long the target asks to wait: whole seconds, or an HTTP date. A date is compared with the response's own
/// `Date`, since this server's clock may be wrong.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = header(headers, RETRY_AFTER)?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let sent = header(headers, DATE).and_then(|value| httpdate::parse_http_date(value).ok());
    Some(date.duration_since(sent.unwrap_or_else(|| SystemTime::from(now))).unwrap_or_default())
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What a body says.
#[derive(Debug, Clone)]
pub struct Said {
    /// The form of the body.
    pub form: Form,
    /// One short line without secrets.
    pub words: String,
    /// What it says of a block of this server.
    pub block: Option<Block>,
}

/// What a body says of a block of this server.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// The address is blocked.
    Address,
    /// Abuse is suspected.
    Abuse,
}

/// The form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Anything else.
    Text,
    /// An object with a message in one of [`Words::error_fields`].
    Object,
    /// An array, or an object with one of [`Words::list_fields`].
    List,
    /// HTML.
    WebPage,
}

impl Said {
    pub(super) fn read(body: &[u8], scrub: &Scrubber, target: &Words) -> Self {
        let body = &body[..body.len().min(LONGEST_SAID)];
        let text = String::from_utf8_lossy(body);
        let block = Block::read(&text.to_lowercase());
        if text.trim_start().starts_with('<') {
            return Self { form: Form::WebPage, words: String::new(), block };
        }
        if let Some(words) = message(body, target.error_fields) {
            return Self { form: Form::Object, words: scrub.line(&words), block };
        }
        let json = text.trim_start();
        let lists = || target.list_fields.iter().any(|field| json.contains(&format!("\"{field}\"")));
        let is_list = json.starts_with('[') || (json.starts_with('{') && lists());
        Self { form: if is_list { Form::List } else { Form::Text }, words: scrub.line(&text), block }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.form {
            Form::WebPage => f.write_str(" with a web page"),
            _ if self.words.is_empty() => Ok(()),
            _ => write!(f, " \"{}\"", self.words),
        }
    }
}

/// Returns the first of an object's fields that contains something.
fn message(body: &[u8], fields: &[&str]) -> Option<String> {
    let object: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let words = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let said = fields.iter().filter_map(|field| object.get(*field)).filter(|value| !value.is_null());
    said.map(words).find(|words| !words.is_empty())
}

impl Block {
    /// Reads a text in lower case.
    fn read(text: &str) -> Option<Self> {
        let address =
            || text.contains("address") || text.split(|c: char| !c.is_alphanumeric()).any(|word| word == "ip");
        if text.contains("suspected abuse") {
            return Some(Self::Abuse);
        }
        (text.contains("blocked") && address()).then_some(Self::Address)
    }
}

#[cfg(test)]
mod tests;
