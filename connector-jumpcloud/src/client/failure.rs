//! Turns what went wrong on the wire into an error that an operator can act on.

use std::error::Error as StdError;

use connector_api::{ConnectorError, ErrorCode, Retry};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use serde::Deserialize;

use super::clock::Clock;
use super::retry::retry_after;
use super::text::Scrubber;

/// A failed attempt: the error, and whether another attempt may help.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: ConnectorError,
    pub(crate) again: Again,
}

/// What a failed attempt says on trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// It would fail the same way.
    Never,
    /// It may pass by itself.
    Later,
    /// The target asks for fewer calls.
    Slower,
    /// A fresh token may help.
    WithNewToken,
}

impl Failure {
    pub(crate) fn new(error: ConnectorError, again: Again) -> Self {
        Self { error, again }
    }
}

/// A name that could not be resolved, recognised by [`transport`].
#[derive(Debug)]
pub(crate) struct DnsError(pub(crate) std::io::Error);

impl std::fmt::Display for DnsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for DnsError {}

/// An attempt that brought no answer, or broke while the body came.
pub(crate) fn transport(error: &reqwest::Error, host: &str) -> Failure {
    let reach = format!("ensure that this server can reach {host}, directly or through the proxy");
    if let Some(dns) = cause::<DnsError>(error) {
        let error = ConnectorError::new(
            ErrorCode::Dns,
            format!("the name {host} could not be resolved: {dns}"),
            "check the system's host name and this server's DNS",
        );
        return Failure::new(error.with_retry(Retry::Later), Again::Later);
    }
    // Later a failure of TLS is one of the connection.
    if let Some(tls) = cause::<rustls::Error>(error).filter(|_| error.is_connect()) {
        // It may list all the names in a certificate.
        let why = Scrubber::default().line(&tls.to_string());
        let error = ConnectorError::new(
            ErrorCode::Tls,
            format!("the TLS handshake with {host} failed: {why}"),
            tls_remedy(tls),
        );
        return Failure::new(error, Again::Never);
    }
    if error.is_timeout() {
        let error = ConnectorError::new(ErrorCode::Timeout, format!("{host} did not answer in time"), reach);
        return Failure::new(error.with_retry(Retry::Later), Again::Later);
    }
    let why = Scrubber::default().line(&innermost(error));
    let message = if error.is_connect() {
        format!("no connection to {host}: {why}")
    } else {
        format!("the connection to {host} broke: {why}")
    };
    Failure::new(ConnectorError::new(ErrorCode::Connect, message, reach).with_retry(Retry::Later), Again::Later)
}

fn tls_remedy(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. }) => {
            "renew the target's certificate, or correct this server's clock"
        }
        rustls::Error::InvalidCertificate(Certificate::UnknownIssuer) => {
            "name the issuing authority in caBundleFile; a proxy that inspects TLS has one of its own"
        }
        rustls::Error::InvalidCertificate(
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
        ) => "use the host name that the certificate was issued for",
        _ => "check the target's certificate and that it speaks TLS 1.2 or newer",
    }
}

/// An answer whose status is not a success.
pub(crate) fn status(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    host: &str,
    what: &str,
    scrub: &Scrubber,
    clock: &Clock,
) -> Failure {
    let said = said(body, scrub);
    let wait = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| retry_after(value, clock.now()));
    let retry = wait.map_or(Retry::Later, Retry::after);
    let answered = format!("{host} answered {} to {what}{said}", status.as_u16());
    let error = |code, message: String, remedy: &str| ConnectorError::new(code, message, remedy);
    match status.as_u16() {
        300..=399 => {
            let target = headers
                .get(LOCATION)
                .and_then(|value| value.to_str().ok())
                .map_or_else(|| "an unnamed place".to_owned(), |location| redirect_target(location, host, scrub));
            Failure::new(
                error(
                    ErrorCode::UnexpectedRedirect,
                    format!(
                        "{host} answered {} and points to {target}; redirects are not followed, the key would travel along",
                        status.as_u16()
                    ),
                    "check the system's host name; a login page or proxy in between must let API calls through",
                ),
                Again::Never,
            )
        }
        401 => Failure::new(
            error(
                ErrorCode::Unauthorized,
                format!("{answered}: the credential is not accepted"),
                "regenerate the API key in the JumpCloud portal (this revokes the current key for everything that uses it) and update the credential",
            ),
            Again::WithNewToken,
        ),
        402 | 403 | 451 => Failure::new(
            error(
                ErrorCode::Forbidden,
                format!("{answered}: the credential may not do this"),
                "give the key's administrator the role Administrator or Manager with API access; when the text speaks of a blocked address, ask JumpCloud to unblock it",
            ),
            Again::Never,
        ),
        404 | 405 | 410 => Failure::new(
            error(
                ErrorCode::NotFound,
                format!("{answered}: there is no such thing"),
                "check the system's host name and the organisation id",
            ),
            Again::Never,
        ),
        408 => Failure::new(error(ErrorCode::Timeout, answered, "try again later").with_retry(retry), Again::Later),
        429 => Failure::new(
            error(
                ErrorCode::RateLimited,
                format!("{answered}: too many API calls"),
                "increase the scan interval, or lower requestsPerSecond; the scan had already slowed down by itself",
            )
            .with_retry(retry),
            Again::Slower,
        ),
        500..=599 => Failure::new(
            error(ErrorCode::ServerError, answered, "try again later; when it lasts, look at JumpCloud's status page")
                .with_retry(retry),
            // A 503 that names a time is a request to slow down; without one it is an accident like any 5xx.
            if status == StatusCode::SERVICE_UNAVAILABLE && wait.is_some() { Again::Slower } else { Again::Later },
        ),
        400 if said.to_lowercase().contains("organi") => Failure::new(
            error(
                ErrorCode::WrongOrganization,
                answered,
                "correct jumpcloudOrgId: 24 hexadecimal digits, from Settings in the JumpCloud portal",
            ),
            Again::Never,
        ),
        _ => Failure::new(
            error(
                ErrorCode::MalformedResponse,
                answered,
                "check that the host name is a JumpCloud console; report it when it is",
            ),
            Again::Never,
        ),
    }
}

/// An answer that could not be read as what was asked for.
pub(crate) fn malformed(what: &str, why: impl std::fmt::Display, body: &[u8], scrub: &Scrubber) -> ConnectorError {
    let start = if looks_like_html(body) { " (it is a web page, as a gateway or login sends)" } else { "" };
    ConnectorError::new(
        ErrorCode::MalformedResponse,
        format!("the answer to {what} could not be read{start}: {}", scrub.line(&why.to_string())),
        "check that the host name is a JumpCloud console and that no proxy changes the answers",
    )
    .with_retry(Retry::Later)
}

/// The answer is larger than what is accepted.
pub(crate) fn too_large(what: &str, limit: usize) -> Failure {
    let error = ConnectorError::new(
        ErrorCode::ResponseTooLarge,
        format!("the answer to {what} is larger than {} MiB", limit / (1024 * 1024)),
        "check that the host name is a JumpCloud console; lower pageSize when records are very large",
    );
    Failure::new(error, Again::Never)
}

fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn innermost(error: &dyn StdError) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

fn looks_like_html(body: &[u8]) -> bool {
    let start = body.trim_ascii_start();
    start.starts_with(b"<")
}

/// What the body says, for the message: `: "Unauthorized"`, or nothing.
fn said(body: &[u8], scrub: &Scrubber) -> String {
    #[derive(Deserialize)]
    struct Said {
        #[serde(default)]
        message: Option<serde_json::Value>,
        #[serde(default)]
        error: Option<serde_json::Value>,
    }
    if looks_like_html(body) {
        return " with a web page".to_owned();
    }
    let text = serde_json::from_slice::<Said>(body)
        .ok()
        .and_then(|said| said.message.or(said.error))
        .map(|text| text.as_str().map_or_else(|| text.to_string(), str::to_owned));
    let text = text.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let line = scrub.line(&text);
    if line.is_empty() { String::new() } else { format!(" \"{line}\"") }
}

/// Where a `Location` leads: its host, as a browser would read it, but never its path or query.
fn redirect_target(location: &str, host: &str, scrub: &Scrubber) -> String {
    let target = url::Url::parse(&format!("https://{host}")).and_then(|base| base.join(location));
    match target.as_ref().map(url::Url::host_str) {
        Ok(Some(target)) if target == host => format!("another address on {host}"),
        Ok(Some(target)) => scrub.line(target),
        Ok(None) | Err(_) => "an unnamed host".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use secrecy::SecretString;

    use super::*;

    fn answered(code: u16, headers: &[(&'static str, &str)], body: &str) -> Failure {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let scrub = Scrubber::new([SecretString::from("hunter2")]);
        status(
            StatusCode::from_u16(code).unwrap(),
            &headers,
            body.as_bytes(),
            "c.example",
            "/x",
            &scrub,
            &Clock::start(),
        )
    }

    #[test]
    fn what_may_pass_by_itself_is_tried_again_and_nothing_else() {
        for code in [408, 500, 502, 503, 504, 522] {
            assert_eq!(answered(code, &[], "").again, Again::Later, "{code}");
        }
        assert_eq!(answered(429, &[], "").again, Again::Slower);
        assert_eq!(answered(503, &[("retry-after", "1")], "").again, Again::Slower);
        for code in [204, 301, 400, 402, 403, 404, 405, 406, 409, 410, 412, 415, 422, 428] {
            assert_eq!(answered(code, &[], "").again, Again::Never, "{code}");
        }
        assert_eq!(answered(401, &[], "").again, Again::WithNewToken);
    }

    #[test]
    fn a_redirect_names_the_host_that_a_browser_would_go_to() {
        for (location, named) in [
            ("https://evil.example/login?x=hunter2", "evil.example"),
            ("//evil.example/login", "evil.example"),
            ("/login", "another address on c.example"),
            ("https://u:hunter2@evil.example:8443/", "evil.example"),
        ] {
            let failure = answered(302, &[("location", location)], "");
            assert_eq!(failure.error.code, ErrorCode::UnexpectedRedirect);
            assert!(failure.error.message.contains(named), "{}", failure.error.message);
            assert!(!failure.error.message.contains("hunter2"), "{}", failure.error.message);
        }
        assert_eq!(answered(302, &[], "").error.code, ErrorCode::UnexpectedRedirect);
    }

    #[test]
    fn what_the_target_says_never_shows_the_secret() {
        for body in ["hunter2", r#"{"message":"bad key hunter2"}"#, r#"{"error":["hunter2"]}"#, "\u{0}<b>hunter2"] {
            let failure = answered(400, &[], body);
            assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
        }
        let padded = format!("{}hunter2", " ".repeat(1020));
        assert!(!answered(400, &[], &padded).error.message.contains("hunt"));
    }
}
