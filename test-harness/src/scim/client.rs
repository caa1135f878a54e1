//! HTTP: one page, and a whole listing.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use connector_api::secrecy::{ExposeSecret, SecretString};
use connector_api::{ConnectorError, ErrorCode, Retry, SystemConfig};
use reqwest::{Response, StatusCode, header, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::{Host, Url};

use super::Options;
use super::directory::Identified;

const REQUEST_LIMIT: Duration = Duration::from_secs(30);
const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// A service provider, and the token for it.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    token: SecretString,
    options: Options,
    requests: AtomicU64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    total_results: usize,
    #[serde(default = "Vec::new", rename = "Resources")]
    resources: Vec<T>,
}

impl Client {
    pub(super) fn new(config: &SystemConfig, options: Options) -> Result<Self, ConnectorError> {
        let base = base_url(config, &options)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
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
        Ok(Self { http, base, token: config.credential.secret().clone(), options, requests: AtomicU64::new(0) })
    }

    /// How many requests were made so far.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// How many resources of a kind there are: one request, never repeated.
    pub(super) async fn count(&self, kind: &str) -> Result<usize, ConnectorError> {
        Ok(self.page::<serde_json::Value>(kind, 1, 1).await?.total_results)
    }

    /// Every resource of a kind, by id. It stands only when its number is the total that the provider tells.
    pub(super) async fn list<T: DeserializeOwned + Identified>(
        &self,
        kind: &str,
    ) -> Result<BTreeMap<String, T>, ConnectorError> {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(10))
            .with_max_times(self.options.scim_retries)
            .with_jitter();
        let (mut all, mut start) = (BTreeMap::new(), 1);
        loop {
            let page: Page<T> = (|| self.page(kind, start, self.options.scim_page_size))
                .retry(backoff)
                .sleep(tokio::time::sleep)
                .when(|error| error.retry != Retry::Never)
                .adjust(|error, wait| match error.retry {
                    Retry::After { seconds } => wait.map(|wait| wait.max(Duration::from_secs(seconds))),
                    _ => wait,
                })
                .await?;
            start += page.resources.len();
            let last = page.resources.is_empty() || start > page.total_results;
            all.extend(page.resources.into_iter().map(|resource| (resource.id().to_owned(), resource)));
            if last && all.len() == page.total_results {
                return Ok(all);
            }
            if last {
                let message = format!("{kind}: {} of {} resources were listed", all.len(), page.total_results);
                let remedy = "scan again when nobody changes the directory";
                return Err(
                    ConnectorError::new(ErrorCode::InconsistentListing, message, remedy).with_retry(Retry::Later)
                );
            }
        }
    }

    async fn page<T: DeserializeOwned>(
        &self,
        kind: &str,
        start: usize,
        count: usize,
    ) -> Result<Page<T>, ConnectorError> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(kind);
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let request = self
            .http
            .get(url)
            .query(&[("startIndex", start), ("count", count)])
            .header(header::ACCEPT, "application/scim+json")
            .bearer_auth(self.token.expose_secret());
        let response = request.send().await.map_err(|error| transport(&error))?;
        let body = body(accepted(response)?).await?;
        serde_json::from_slice(&body).map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            malformed(format!("{kind} is not a SCIM list ({place})"))
        })
    }
}

fn base_url(config: &SystemConfig, options: &Options) -> Result<Url, ConnectorError> {
    let host = config.hostname.trim();
    let text = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
    let unusable = || ConnectorError::invalid_config("hostname: is not a host name", "enter a host name alone");
    let mut url = Url::parse(&text).map_err(|_| unusable())?;
    if config.port.is_some() {
        url.set_port(config.port).map_err(|()| unusable())?;
    }
    url.set_path(&options.scim_base_path);
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(ConnectorError::new(ErrorCode::InsecureEndpoint, "plain HTTP is refused", "use HTTPS")),
        _ => Err(unusable()),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The response, when its status says that it is an answer.
fn accepted(response: Response) -> Result<Response, ConnectorError> {
    let status = response.status();
    let wait = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let (code, remedy, retry) = match status {
        StatusCode::OK => return Ok(response),
        StatusCode::UNAUTHORIZED => (ErrorCode::Unauthorized, "create a new bearer token", Retry::Never),
        StatusCode::FORBIDDEN => (ErrorCode::Forbidden, "let the token read users and groups", Retry::Never),
        StatusCode::NOT_FOUND => (ErrorCode::NotFound, "correct `scimBasePath`", Retry::Never),
        StatusCode::TOO_MANY_REQUESTS => {
            let retry = wait.map_or(Retry::Later, |seconds| Retry::After { seconds });
            (ErrorCode::RateLimited, "scan at a quieter time", retry)
        }
        _ if status.is_redirection() => (ErrorCode::UnexpectedRedirect, "enter the final host name", Retry::Never),
        _ if status.is_server_error() => (ErrorCode::ServerError, "try again later", Retry::Later),
        _ => (ErrorCode::MalformedResponse, "check that this is a SCIM 2.0 service provider", Retry::Never),
    };
    Err(ConnectorError::new(code, format!("the service provider answered {status}"), remedy).with_retry(retry))
}

async fn body(mut response: Response) -> Result<Vec<u8>, ConnectorError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| transport(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > BODY_LIMIT {
            let message = format!("an answer of more than {BODY_LIMIT} bytes");
            return Err(ConnectorError::new(ErrorCode::ResponseTooLarge, message, "lower `scimPageSize`"));
        }
    }
    Ok(body)
}

pub(super) fn malformed(message: String) -> ConnectorError {
    ConnectorError::new(ErrorCode::MalformedResponse, message, "check that this is a SCIM 2.0 service provider")
}

pub(super) fn timed_out() -> ConnectorError {
    ConnectorError::new(ErrorCode::Timeout, "no answer in time", "check the network path").with_retry(Retry::Later)
}

fn transport(failure: &reqwest::Error) -> ConnectorError {
    let causes = || std::iter::successors(Some(failure as &(dyn Error + 'static)), |cause| beneath(*cause));
    if causes().any(|cause| cause.is::<rustls::Error>()) {
        let remedy = "install a certificate that is valid for the host name";
        return ConnectorError::new(ErrorCode::Tls, "the certificate cannot be trusted", remedy);
    }
    if failure.is_timeout() {
        return timed_out();
    }
    let (code, message) = if causes().any(|cause| cause.to_string().contains("dns error")) {
        (ErrorCode::Dns, "the host name cannot be resolved")
    } else {
        (ErrorCode::Connect, "no connection could be made, or it broke")
    };
    ConnectorError::new(code, message, "check host name, port and firewall").with_retry(Retry::Later)
}

/// What an error wraps; an I/O error hides that from `source`.
fn beneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}
