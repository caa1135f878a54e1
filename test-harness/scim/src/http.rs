//! What any connector to an HTTPS service with a bearer token needs: a careful client, and errors with their codes.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use connector_api::secrecy::{ExposeSecret, SecretString};
use connector_api::{ConnectorError, ErrorCode, Retry, SystemConfig};
use reqwest::{Response, header, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::{Host, Url};

const REQUEST_LIMIT: Duration = Duration::from_secs(30);
const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// A service below one URL, and the token for it. It takes HTTPS alone, except on loopback, and follows no redirect:
/// the token would travel along.
pub(crate) struct Service {
    http: reqwest::Client,
    base: Url,
    token: SecretString,
    requests: AtomicU64,
}

impl Service {
    /// The service at the system's host, below a path.
    pub(crate) fn new(config: &SystemConfig, path: &str) -> Result<Self, ConnectorError> {
        let base = base_url(config, path)?;
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| ConnectorError::internal(error.to_string()))?
            .with_root_certificates(rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
            .with_no_client_auth();
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .timeout(REQUEST_LIMIT);
        let builder = if is_loopback(&base) { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(|error| ConnectorError::internal(error.to_string()))?;
        Ok(Self { http, base, token: config.credential.secret().clone(), requests: AtomicU64::new(0) })
    }

    /// How many requests were made so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Asks once for what is at a path below the service's own.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &(impl Serialize + ?Sized),
    ) -> Result<T, ConnectorError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let url = format!("{}/{path}", self.base.as_str().trim_end_matches('/'));
        let request = self.http.get(url).query(query).bearer_auth(self.token.expose_secret());
        let response = request.send().await.map_err(|error| transport(&error))?;
        let body = body(accepted(response)?).await?;
        serde_json::from_slice(&body).map_err(|_| malformed(format!("{path}: the answer is not understood")))
    }
}

fn base_url(config: &SystemConfig, path: &str) -> Result<Url, ConnectorError> {
    let (host, port) = (config.hostname.trim(), config.port.unwrap_or(443));
    let text = if host.contains("://") { host.to_owned() } else { format!("https://{host}:{port}") };
    let unusable = || ConnectorError::invalid_config("hostname: is not a host name", "enter a host name alone");
    let mut url = Url::parse(&text).map_err(|_| unusable())?;
    url.set_path(path);
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(ConnectorError::new(ErrorCode::InsecureEndpoint, "plain HTTP is refused", "use HTTPS")),
        _ => Err(unusable()),
    }
}

/// `localhost`, `127.0.0.0/8` and `::1`: the same rule for every connector.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The error of an answer that makes no sense.
pub(crate) fn malformed(message: impl Into<String>) -> ConnectorError {
    ConnectorError::new(ErrorCode::MalformedResponse, message, "check that this is the right service")
}

/// The error of an answer that did not come.
pub(crate) fn timed_out() -> ConnectorError {
    ConnectorError::new(ErrorCode::Timeout, "no answer in time", "check the network path").with_retry(Retry::Later)
}

/// The response, when its status says that it is an answer.
fn accepted(response: Response) -> Result<Response, ConnectorError> {
    let status = response.status();
    let wait = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let (code, remedy) = match status.as_u16() {
        200 => return Ok(response),
        300..=399 => (ErrorCode::UnexpectedRedirect, "enter the final host name"),
        401 => (ErrorCode::Unauthorized, "create a new bearer token"),
        403 => (ErrorCode::Forbidden, "give the token the right to read"),
        404 => (ErrorCode::NotFound, "correct the path"),
        429 => (ErrorCode::RateLimited, "try at a quieter time"),
        500.. => (ErrorCode::ServerError, "try again later"),
        _ => (ErrorCode::MalformedResponse, "check that this is the right service"),
    };
    let retry = match (code, wait) {
        (ErrorCode::RateLimited, Some(seconds)) => Retry::After { seconds },
        (ErrorCode::RateLimited | ErrorCode::ServerError, _) => Retry::Later,
        _ => Retry::Never,
    };
    Err(ConnectorError::new(code, format!("the target answered {status}"), remedy).with_retry(retry))
}

async fn body(mut response: Response) -> Result<Vec<u8>, ConnectorError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| transport(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > BODY_LIMIT {
            let message = format!("an answer has more than {BODY_LIMIT} bytes");
            return Err(ConnectorError::new(ErrorCode::ResponseTooLarge, message, "ask for smaller pages"));
        }
    }
    Ok(body)
}

/// The error of a request that got no answer, or half of one.
fn transport(failure: &reqwest::Error) -> ConnectorError {
    let mut causes = std::iter::successors(Some(failure as &(dyn Error + 'static)), |cause| beneath(*cause));
    if failure.is_timeout() {
        return timed_out();
    }
    let cause = causes.find(|cause| cause.is::<rustls::Error>() || cause.to_string().starts_with("dns error"));
    let (code, message, remedy) = match cause {
        Some(tls) if tls.is::<rustls::Error>() => {
            (ErrorCode::Tls, "the certificate cannot be trusted", "install one that is valid for the host name")
        }
        Some(_) => (ErrorCode::Dns, "the host name cannot be resolved", "correct the host name"),
        None => (ErrorCode::Connect, "no connection could be made, or it broke", "check host, port and firewall"),
    };
    let retry = if code == ErrorCode::Tls { Retry::Never } else { Retry::Later };
    ConnectorError::new(code, message, remedy).with_retry(retry)
}

/// What an error wraps; an I/O error hides that from `source`.
fn beneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_api::Credential;

    use super::*;

    fn base(hostname: &str) -> Result<String, ErrorCode> {
        let config = SystemConfig::new("X", hostname, Credential::default());
        base_url(&config, "/v2").map(String::from).map_err(|error| error.code)
    }

    #[test]
    fn plain_http_is_for_loopback_alone() {
        assert_eq!(base("example.com").unwrap(), "https://example.com/v2");
        for loopback in ["127.0.0.1", "127.0.0.2", "127.255.0.9", "[::1]", "localhost"] {
            assert_eq!(base(&format!("http://{loopback}:8080")).unwrap(), format!("http://{loopback}:8080/v2"));
        }
        assert_eq!(base("http://127.0.0.1.example.com"), Err(ErrorCode::InsecureEndpoint));
        assert_eq!(base("http://128.0.0.1"), Err(ErrorCode::InsecureEndpoint));
        assert_eq!(base("http://example.com"), Err(ErrorCode::InsecureEndpoint));
        assert_eq!(base("http://localhost.example.com"), Err(ErrorCode::InsecureEndpoint));
        assert_eq!(base("ftp://127.0.0.1"), Err(ErrorCode::InvalidConfig));
        assert_eq!(base("no host"), Err(ErrorCode::InvalidConfig));
    }
}
