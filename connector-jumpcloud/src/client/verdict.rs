//! What an answer, or the lack of one, means for its request: judged here and nowhere else. The loop that makes the
//! attempts only obeys.

mod unanswered;

use std::time::{Duration, SystemTime};

use connector_api::{ConnectorError, ErrorCode, Retry};
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, LOCATION, RETRY_AFTER};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::text::Scrubber;
use crate::rights::{self, SignIn};

pub(crate) use unanswered::{DnsError, of_no_answer};

/// How often an answer that cannot be understood is asked for.
const MALFORMED_ATTEMPTS: u32 = 3;

/// A failed attempt: what went wrong, and what comes next.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) error: ConnectorError,
    pub(crate) next: Next,
}

/// What comes after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The request fails: it would fail the same way again.
    Fail,
    /// The request fails, and no other is sent any more: each would fail the same way.
    Stop,
    /// The request is repeated at once with a fresh token, but only once.
    RenewToken,
    /// The request is repeated at once, without the order that the endpoint refuses.
    WithoutSort,
    /// It may pass by itself: another attempt, no sooner than `after`, up to `attempts` in all if that is fewer than the
    /// policy's.
    Retry { after: Option<Duration>, attempts: Option<u32> },
    /// The target asks for fewer calls: another attempt, no sooner than `after`, that does not count as one. All requests
    /// slow down.
    SlowDown { after: Option<Duration> },
}

impl Verdict {
    pub(crate) fn fail(error: ConnectorError) -> Self {
        Self { error, next: Next::Fail }
    }

    /// Another attempt may help.
    pub(crate) fn retry(error: ConnectorError, attempts: Option<u32>) -> Self {
        Self { error: error.with_retry(Retry::Later), next: Next::Retry { after: None, attempts } }
    }
}

/// The service that a call goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// V1 and V2 on the console host.
    Console,
    /// Directory Insights.
    Insights,
    /// Where service accounts get their tokens.
    Token,
}

/// The call whose answer is judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) service: Service,
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    pub(crate) sign_in: SignIn,
    /// The target accepted the credential before.
    pub(crate) accepted: bool,
    /// It asks for an order.
    pub(crate) sorted: bool,
    /// The proxy that passed the call on readable, so that the answer may be its own.
    pub(crate) proxy: Option<&'a str>,
}

/// Judges an answer whose status is not 200.
pub(crate) fn of_answer(
    asked: &Asked<'_>,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    scrub: &Scrubber,
    now: Timestamp,
) -> Verdict {
    let said = Said::read(body, scrub);
    let Asked { service, host, path, sign_in, .. } = *asked;
    let through = asked.proxy.map_or_else(String::new, |proxy| format!(" (through the proxy {proxy})"));
    let answered = format!("{host}{through} answered {} to {path}{said}", status.as_u16());
    let after = retry_after(headers, now);
    let retry = after.map_or(Retry::Later, Retry::after);
    let new = |code, message: String, remedy: &str| ConnectorError::new(code, message, remedy);
    match status.as_u16() {
        403 if said.blocked => Verdict { error: address_blocked(&answered), next: Next::Stop },
        407 => Verdict::fail(proxy_wants_password(asked.proxy.unwrap_or(host))),
        400 | 401 | 403 if service == Service::Token => Verdict::fail(ConnectorError::new(
            ErrorCode::Unauthorized,
            format!("{answered} and gave no token"),
            rights::no_token(),
        )),
        // `failed to list collection objects: invalid sort field: _id`, or in other words that speak of a part of the
        // request: the same call without an order shows whether it was that.
        400 | 422 if asked.sorted && said.may_refuse_to_sort(status) => Verdict {
            error: new(ErrorCode::MalformedResponse, format!("{answered}: it refuses to sort"), REPORT),
            next: Next::WithoutSort,
        },
        300..=399 => Verdict::fail(redirected(status, headers, host, scrub)),
        401 | 403 if said.is_about_service_accounts() || (sign_in.is_service_account() && path == ORGANIZATIONS) => {
            let remedy = if path == ORGANIZATIONS {
                "make each organisation a system of its own; where the service account reaches several, name one by \
                 jumpcloudOrgId"
            } else {
                "leave it out: no right makes up for this"
            };
            let message = format!("{answered}: not available to service accounts");
            Verdict::fail(new(ErrorCode::Forbidden, message, remedy))
        }
        400 | 401 if said.is_about_organizations(status) => Verdict::fail(new(
            ErrorCode::WrongOrganization,
            answered,
            "set jumpcloudOrgId to the organisation's id: 24 hexadecimal digits, from Settings, Organization Profile in \
             the JumpCloud portal",
        )),
        401 => Verdict {
            error: unauthorized(asked, &answered),
            next: if sign_in == SignIn::ServiceAccountToken { Next::RenewToken } else { Next::Fail },
        },
        402 if service == Service::Insights => Verdict::fail(new(
            ErrorCode::Forbidden,
            format!("{answered}: Directory Insights is not part of the organisation's JumpCloud plan"),
            "add Directory Insights to the plan",
        )),
        402 => Verdict::fail(new(
            ErrorCode::Forbidden,
            format!("{answered}: this is not part of the organisation's JumpCloud plan"),
            "look at the organisation's plan in the JumpCloud portal",
        )),
        403 | 451 if said.form == Form::WebPage => Verdict::fail(new(
            ErrorCode::Forbidden,
            format!("{answered}: a gateway refuses the call, JumpCloud's own answers are no web pages"),
            "look whether a proxy or firewall in between refuses it; otherwise ask JumpCloud",
        )),
        403 | 451 => Verdict::fail(ConnectorError::new(
            ErrorCode::Forbidden,
            format!("{answered}: the credential's role may not read this"),
            rights::remedy(path, sign_in),
        )),
        404 | 405 | 410 => Verdict::fail(new(
            ErrorCode::NotFound,
            format!("{answered}: the target does not have it"),
            match service {
                Service::Console => "check the system's host name and the organisation id",
                Service::Insights => INSIGHTS_HOST,
                Service::Token => "check the system's host name and jumpcloudTokenUrl",
            },
        )),
        408 => Verdict {
            error: new(ErrorCode::Timeout, answered, LATER).with_retry(retry),
            next: Next::Retry { after, attempts: None },
        },
        429 => Verdict {
            error: new(
                ErrorCode::RateLimited,
                format!("{answered}: too many API calls"),
                "increase the scan interval, or set requestsPerSecond to less",
            )
            .with_retry(retry),
            next: Next::SlowDown { after },
        },
        500..=599 => Verdict {
            error: new(ErrorCode::ServerError, answered, LATER).with_retry(retry),
            // A 503 that names a time is a request to slow down, as a 429 is; without one it is an accident as any other.
            next: match after {
                Some(_) if status == StatusCode::SERVICE_UNAVAILABLE => Next::SlowDown { after },
                _ => Next::Retry { after, attempts: None },
            },
        },
        _ if said.form == Form::Object => Verdict::fail(new(
            ErrorCode::MalformedResponse,
            format!("{answered}: it does not take the request"),
            REPORT,
        )),
        _ => Verdict::fail(new(ErrorCode::MalformedResponse, answered, NO_CONSOLE)),
    }
}

/// Judges an answer of status 200 that could not be read as what was asked for.
pub(crate) fn of_malformed(what: &str, why: impl std::fmt::Display, body: &[u8], scrub: &Scrubber) -> Verdict {
    let said = Said::read(body, scrub);
    let (start, remedy) = match said.form {
        Form::WebPage => (" (it is a web page, as a gateway or login sends)".to_owned(), NO_CONSOLE),
        Form::Object => (format!(": it says{said}"), LATER),
        Form::List => (String::new(), REPORT),
        Form::Text => (String::new(), NO_CONSOLE),
    };
    let message = format!("the answer to {what} could not be read{start}: {}", scrub.line(&why.to_string()));
    let error = ConnectorError::new(ErrorCode::MalformedResponse, message, remedy);
    Verdict::retry(error, Some(MALFORMED_ATTEMPTS))
}

/// Judges an answer that is larger than what is accepted.
pub(crate) fn of_too_large(what: &str, limit: usize) -> Verdict {
    Verdict::fail(ConnectorError::new(
        ErrorCode::ResponseTooLarge,
        format!("the answer to {what} is larger than {} MiB", limit / (1024 * 1024)),
        "check that the host name is a JumpCloud console; lower pageSize when records are very large",
    ))
}

const REPORT: &str = "report this with the log of the scan";

const LATER: &str = "scan again later; when it lasts, look at JumpCloud's status page";

const NO_CONSOLE: &str = "check that the host name is a JumpCloud console and that no proxy changes the answers";

/// An error says no more than this many bytes.
pub(super) const LONGEST_SAID: usize = 64 * 1024;

/// Where the organisations are listed.
const ORGANIZATIONS: &str = "/api/organizations";

const INSIGHTS_HOST: &str = "check jumpcloudInsightsHostname: Directory Insights is at api.jumpcloud.com, \
                             api.eu.jumpcloud.com or api.in.jumpcloud.com, by the organisation's region";

/// Parts of the message of `unauthorized`.
const NOT_ACCEPTED: &str = "the credential is not accepted";
const REFUSED_HERE: &str = "the credential, which is accepted elsewhere, is refused here";

/// The same refusal, when the credential turns out to be accepted elsewhere.
pub(crate) fn refused_here(mut error: ConnectorError) -> ConnectorError {
    error.message = error.message.replace(NOT_ACCEPTED, REFUSED_HERE);
    error
}

fn address_blocked(answered: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorCode::AddressBlocked,
        format!("{answered}: this server's IP address is blocked; nothing more was asked"),
        "do not scan again before JumpCloud's support, or whoever runs the gateway, has unblocked this server's public IP \
         address; afterwards set requestsPerSecond to less",
    )
}

fn unauthorized(asked: &Asked<'_>, answered: &str) -> ConnectorError {
    let what = if asked.accepted { REFUSED_HERE } else { NOT_ACCEPTED };
    let remedy = if asked.accepted {
        let right = rights::remedy(asked.path, asked.sign_in);
        format!("{right}; when everything else is refused as well by now: {}", rights::unauthorized(asked.sign_in))
    } else {
        rights::unauthorized(asked.sign_in)
    };
    ConnectorError::new(ErrorCode::Unauthorized, format!("{answered}: {what}"), remedy)
}

/// The proxy asks for a user name and a password, or for others.
pub(crate) fn proxy_wants_password(proxy: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorCode::Connect,
        format!("the proxy {proxy} asks for a user name and a password, or does not take those that it was given"),
        "put the proxy's user name and password into proxyUrl, as in http://user:password@proxy.example:3128",
    )
}

fn redirected(status: StatusCode, headers: &HeaderMap, host: &str, scrub: &Scrubber) -> ConnectorError {
    let target = header(headers, LOCATION)
        .map_or_else(|| "an unnamed place".to_owned(), |location| redirect_target(location, host, scrub));
    ConnectorError::new(
        ErrorCode::UnexpectedRedirect,
        format!(
            "{host} answered {} and points to {target}; redirects are not followed, the credential would travel along",
            status.as_u16()
        ),
        "check the system's host name; a login page or proxy in between must let API calls through",
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

fn header(headers: &HeaderMap, name: reqwest::header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What a body says.
#[derive(Debug)]
struct Said {
    form: Form,
    /// One short line without a secret.
    words: String,
    /// Whether it speaks of an address that is blocked.
    blocked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    /// An object with a `message` or an `error`, as JumpCloud answers.
    Object,
    /// A list in one of JumpCloud's shapes.
    List,
    WebPage,
}

impl Said {
    fn read(body: &[u8], scrub: &Scrubber) -> Self {
        let body = &body[..body.len().min(LONGEST_SAID)];
        let text = String::from_utf8_lossy(body);
        let blocked = is_block(&text.to_lowercase());
        if text.trim_start().starts_with('<') {
            return Self { form: Form::WebPage, words: String::new(), blocked };
        }
        if let Some(words) = message(body) {
            return Self { form: Form::Object, words: scrub.line(&words), blocked };
        }
        let json = text.trim_start();
        let is_list = json.starts_with('[') || (json.starts_with('{') && json.contains(r#""results""#));
        Self { form: if is_list { Form::List } else { Form::Text }, words: scrub.line(&text), blocked }
    }

    /// Whether it refuses what service accounts may not do: all of them, not the one that asks.
    fn is_about_service_accounts(&self) -> bool {
        let words = self.words.to_lowercase();
        words.contains("service accounts") && ["not ", "cannot"].iter().any(|part| words.contains(part))
    }

    /// Whether it may be the order that is refused: it speaks of one, or of a part of the request.
    fn may_refuse_to_sort(&self, status: StatusCode) -> bool {
        let words = self.words.to_lowercase();
        let speaks_of_it = ["sort", "order", "field", "parameter"].iter().any(|part| words.contains(part));
        speaks_of_it && !self.is_about_organizations(status)
    }

    /// Whether it asks for an organisation, or for another one.
    fn is_about_organizations(&self, status: StatusCode) -> bool {
        let words = self.words.to_lowercase();
        let asks = ["x-org-id", "no organization", "organization selected", "organization id"];
        (status == StatusCode::BAD_REQUEST && words.contains("organi")) || asks.iter().any(|part| words.contains(part))
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.form {
            Form::WebPage => f.write_str(" with a web page"),
            _ if self.words.is_empty() => Ok(()),
            _ => write!(f, " \"{}\"", self.words),
        }
    }
}

/// The `message` or else the `error` of an object.
fn message(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Object {
        message: Option<Value>,
        error: Option<Value>,
    }
    let Object { message, error } = serde_json::from_slice(body).ok()?;
    let words = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    [message, error].into_iter().flatten().map(words).find(|words| !words.is_empty())
}

/// Whether a gateway's text, in lower case, says that the caller's address is blocked.
fn is_block(text: &str) -> bool {
    let address = || text.contains("address") || text.split(|c: char| !c.is_alphanumeric()).any(|word| word == "ip");
    text.contains("suspected abuse") || (text.contains("blocked") && address())
}

#[cfg(test)]
mod tests;
