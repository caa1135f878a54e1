//! An answer whose status is not 200, and what HTTP says that it means. A target that means something else by it says so
//! in its [`Target::judge`](super::Target::judge), out of the same parts.

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

/// An error says no more than this many bytes.
pub(super) const LONGEST_SAID: usize = 64 * 1024;

/// What to do where the connector asked for something that the target does not understand.
pub(super) const REPORT: &str = "report this with the log of the scan";

/// Parts of the message of `unauthorized`.
const NOT_ACCEPTED: &str = "the credential is not accepted";
const REFUSED_HERE: &str = "the credential, which is accepted elsewhere, is refused here";

/// The call whose answer is judged.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The service that it went to.
    pub service: Service,
    /// The host that it went to.
    pub host: &'a str,
    /// The path, or what the call is for.
    pub path: &'a str,
    /// The target accepted the credential before.
    pub accepted: bool,
    /// It asks for an order.
    pub sorted: bool,
    /// A fresh token can be had.
    pub renewable: bool,
    /// The proxy that passed the call on readable, so that the answer may be its own.
    pub proxy: Option<&'a str>,
}

/// An answer whose status is not 200, to a call.
#[derive(Debug, Clone)]
pub struct Refusal<'a> {
    /// The call.
    pub asked: Asked<'a>,
    /// The answer's status.
    pub status: StatusCode,
    /// What its body says.
    pub said: Said,
    /// How long the target asks to wait.
    pub after: Option<Duration>,
    headers: &'a HeaderMap,
    scrub: &'a Scrubber,
    words: &'a Words,
}

impl<'a> Refusal<'a> {
    /// Reads an answer that was received at `now`.
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

    /// Who answered what to which call, in one line: `host answered 403 to /path "no"`.
    pub fn answered(&self) -> String {
        let Asked { host, path, proxy, .. } = self.asked;
        let through = proxy.map_or_else(String::new, |proxy| format!(" (through the proxy {proxy})"));
        format!("{host}{through} answered {} to {path}{}", self.status.as_u16(), self.said)
    }

    /// What the answer means by HTTP and OAuth alone.
    pub fn standard(&self) -> Verdict {
        let credential = self.words.credential;
        let renew = format!("check that {credential} is valid and has not expired, and enter it again");
        let allow = format!("give {credential} the right to read this");
        match self.status.as_u16() {
            403 if self.said.blocked => self.address_blocked(),
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

    /// This server's address is blocked: nothing more is sent.
    pub fn address_blocked(&self) -> Verdict {
        let message = format!("{}: this server's IP address is blocked; nothing more was asked", self.answered());
        Verdict {
            error: ConnectorError::new(ErrorCode::AddressBlocked, message, self.words.unblock()),
            next: Next::Stop,
        }
    }

    /// The proxy asks for a user name and a password, or for others.
    pub fn proxy_wants_password(&self) -> Verdict {
        Verdict::fail(proxy_wants_password(self.asked.proxy.unwrap_or(self.asked.host), self.words))
    }

    /// A credential gets no token.
    pub fn no_token(&self, remedy: impl Into<String>) -> Verdict {
        self.fail(ErrorCode::Unauthorized, " and gave no token", remedy)
    }

    /// Whether it may be the order that is refused, where one was asked for: the answer speaks of one, or of a part of the
    /// request. The same call without an order shows whether it was that.
    pub fn may_refuse_to_sort(&self) -> bool {
        let words = self.said.words.to_lowercase();
        self.asked.sorted && ["sort", "order", "field", "parameter"].iter().any(|part| words.contains(part))
    }

    /// The order is refused: the call is repeated without.
    pub fn without_sort(&self) -> Verdict {
        let verdict = self.fail(ErrorCode::MalformedResponse, ": it refuses to sort", REPORT);
        Verdict { next: Next::WithoutSort, ..verdict }
    }

    /// A redirect, which is never followed.
    pub fn redirected(&self) -> Verdict {
        let host = self.asked.host;
        let target = header(self.headers, LOCATION)
            .map_or_else(|| "an unnamed place".to_owned(), |location| redirect_target(location, host, self.scrub));
        Verdict::fail(ConnectorError::new(
            ErrorCode::UnexpectedRedirect,
            format!(
                "{host} answered {} and points to {target}; redirects are not followed, the credential would travel along",
                self.status.as_u16()
            ),
            "check the system's host name; a login page or proxy in between must let API calls through",
        ))
    }

    /// The credential is not accepted, or not here, with a remedy for either.
    pub fn unauthorized(&self, not_accepted: String, refused_here: String) -> Verdict {
        let (what, remedy) =
            if self.asked.accepted { (REFUSED_HERE, refused_here) } else { (NOT_ACCEPTED, not_accepted) };
        let verdict = self.fail(ErrorCode::Unauthorized, format!(": {what}"), remedy);
        Verdict { next: if self.asked.renewable { Next::RenewToken } else { Next::Fail }, ..verdict }
    }

    /// A gateway refuses the call.
    pub fn gateway(&self) -> Verdict {
        let vendor = self.words.vendor;
        self.fail(
            ErrorCode::Forbidden,
            format!(": a gateway refuses the call, {vendor}'s own answers are no web pages"),
            format!("look whether a proxy or firewall in between refuses it; otherwise ask {vendor}"),
        )
    }

    /// The credential is good, and may not make this call.
    pub fn forbidden(&self, why: &str, remedy: impl Into<String>) -> Verdict {
        self.fail(ErrorCode::Forbidden, format!(": {why}"), remedy)
    }

    /// The target does not have it.
    pub fn not_found(&self, remedy: impl Into<String>) -> Verdict {
        self.fail(ErrorCode::NotFound, ": the target does not have it", remedy)
    }

    /// It may pass by itself: 408, 429 or a 5xx.
    pub fn passing(&self) -> Verdict {
        let after = self.after;
        let (code, what, remedy) = match self.status.as_u16() {
            408 => (ErrorCode::Timeout, "", self.words.later()),
            429 => (ErrorCode::RateLimited, ": too many API calls", self.words.fewer_calls()),
            _ => (ErrorCode::ServerError, "", self.words.later()),
        };
        let next = match self.status {
            StatusCode::TOO_MANY_REQUESTS => Next::SlowDown { after },
            // A 503 that names a time is a request to slow down, as a 429 is; without one it is an accident as any other.
            StatusCode::SERVICE_UNAVAILABLE if after.is_some() => Next::SlowDown { after },
            _ => Next::Retry { after, attempts: None },
        };
        let error = self.fail(code, what, remedy).error.with_retry(after.map_or(Retry::Later, Retry::after));
        Verdict { error, next }
    }

    /// The target does not take the request, or something else answered.
    pub fn not_taken(&self) -> Verdict {
        match self.said.form {
            Form::Object => self.fail(ErrorCode::MalformedResponse, ": it does not take the request", REPORT),
            _ => self.fail(ErrorCode::MalformedResponse, "", self.words.elsewhere()),
        }
    }

    /// The request fails: who answered what, followed by `why`.
    pub fn fail(&self, code: ErrorCode, why: impl fmt::Display, remedy: impl Into<String>) -> Verdict {
        Verdict::fail(ConnectorError::new(code, format!("{}{why}", self.answered()), remedy))
    }
}

/// The same refusal, when the credential turns out to be accepted elsewhere.
pub fn refused_here(mut error: ConnectorError) -> ConnectorError {
    error.message = error.message.replace(NOT_ACCEPTED, REFUSED_HERE);
    error
}

/// The proxy asks for a user name and a password, or for others.
pub(super) fn proxy_wants_password(proxy: &str, words: &Words) -> ConnectorError {
    ConnectorError::new(
        ErrorCode::Connect,
        format!("the proxy {proxy} asks for a user name and a password, or does not take those that it was given"),
        format!(
            "put the proxy's user name and password into {}, as in http://user:password@proxy.example:3128",
            words.proxy_name()
        ),
    )
}

/// Where a `Location` leads: its host, as a browser would read it, but never its path or query.
fn redirect_target(location: &str, host: &str, scrub: &Scrubber) -> String {
    let target = Url::parse(&format!("https://{host}")).and_then(|base| base.join(location));
    match target.as_ref().map(Url::host_str) {
        Ok(Some(target)) if target == host => format!("another address on {host}"),
        Ok(Some(target)) => scrub.line(target),
        Ok(None) | Err(_) => "an unnamed host".to_owned(),
    }
}

/// How long the target asks to wait: whole seconds, or an HTTP date. A date is held against the answer's own `Date`,
/// since this server's clock may be wrong.
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
    /// What it is.
    pub form: Form,
    /// One short line without a secret.
    pub words: String,
    /// Whether it speaks of an address that is blocked.
    pub blocked: bool,
}

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// None of the others.
    Text,
    /// An object that says what is wrong, in one of [`Words::error_fields`].
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
        let blocked = is_block(&text.to_lowercase());
        if text.trim_start().starts_with('<') {
            return Self { form: Form::WebPage, words: String::new(), blocked };
        }
        if let Some(words) = message(body, target.error_fields) {
            return Self { form: Form::Object, words: scrub.line(&words), blocked };
        }
        let json = text.trim_start();
        let lists = || target.list_fields.iter().any(|field| json.contains(&format!("\"{field}\"")));
        let is_list = json.starts_with('[') || (json.starts_with('{') && lists());
        Self { form: if is_list { Form::List } else { Form::Text }, words: scrub.line(&text), blocked }
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

/// The first of an object's fields that says something.
fn message(body: &[u8], fields: &[&str]) -> Option<String> {
    let object: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let words = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let said = fields.iter().filter_map(|field| object.get(*field)).filter(|value| !value.is_null());
    said.map(words).find(|words| !words.is_empty())
}

/// Whether a gateway's text, in lower case, says that the caller's address is blocked.
fn is_block(text: &str) -> bool {
    let address = || text.contains("address") || text.split(|c: char| !c.is_alphanumeric()).any(|word| word == "ip");
    text.contains("suspected abuse") || (text.contains("blocked") && address())
}

#[cfg(test)]
mod tests;
