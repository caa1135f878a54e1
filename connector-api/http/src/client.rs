//! The client: makes calls with retries, and reads their responses.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use connector_api::{ConnectorError, ErrorCode};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use url::Url;

use super::auth::{Auth, Exchange};
use super::body;
use super::call::{Answer, Call, Service};
use super::clock::Clock;
use super::concurrency::Concurrency;
use super::malformed::of_malformed;
use super::meter::Meter;
use super::options::ClientOptions;
use super::pace::Pace;
use super::proxy::Proxies;
use super::refusal::{Asked, LONGEST_SAID, Refusal};
use super::retry::Attempts;
use super::target::Target;
use super::text::Scrubber;
use super::transport::Transport;
use super::unanswered::of_no_answer;
use super::verdict::{Next, Verdict};
use super::words::Words;

/// A client of one target. Cheap to clone; all clones share one pace and one retry budget.
#[derive(Debug, Clone)]
pub struct HttpClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    options: ClientOptions,
    attempts: Attempts,
    clock: Clock,
    /// Whether the target has accepted the credential at least once.
    accepted: AtomicBool,
    /// The paths of lists that refuse to sort.
    refused_sorts: Mutex<BTreeSet<String>>,
}

/// A successful response as it arrived, perhaps compressed: it takes a fraction of the memory of its rows.
#[derive(Debug)]
pub(crate) struct SealedAnswer {
    headers: HeaderMap,
    body: body::Arrived,
}

/// What all clients of the same target share.
#[derive(Debug, Clone)]
struct Parts {
    http: Transport,
    target: Arc<dyn Target>,
    services: Vec<(Service, Url)>,
    auth: Arc<Auth>,
    scrub: Scrubber,
    proxies: Arc<Proxies>,
}

impl HttpClient {
    /// Creates a client with its own pace, retry budget and clock.
    ///
    /// # Errors
    /// Returns `invalid_config` or `insecure_endpoint` for a proxy or a file of certificates that cannot be used.
    pub(super) fn new(
        target: Arc<dyn Target>,
        services: Vec<(Service, Url)>,
        auth: Auth,
        options: ClientOptions,
    ) -> Result<Self, ConnectorError> {
        let words = target.words();
        let urls: Vec<&Url> = services.iter().map(|(_, url)| url).chain(auth.token_url()).collect();
        let proxies = Proxies::new(options.proxy.as_ref(), &urls, words)?;
        let http = options.transport(&proxies, words)?;
        let scrub = Scrubber::new(auth.secrets().into_iter().chain(options.proxy_password()));
        let parts = Parts { http, target, services, auth: Arc::new(auth), scrub, proxies: Arc::new(proxies) };
        Ok(Self::of(parts, options))
    }

    /// Creates a client with its own pace, retry budget and clock.
    fn of(parts: Parts, options: ClientOptions) -> Self {
        let pace = Pace::new(options.concurrency, options.requests_per_second);
        Self(Arc::new(Inner {
            parts,
            attempts: Attempts::new(options.retry, pace),
            options,
            clock: Clock::start(),
            accepted: AtomicBool::new(false),
            refused_sorts: Mutex::default(),
        }))
    }

    /// Returns a client of the same target with its own pace, retry budget and clock. Use one for each scan.
    pub fn fresh(&self) -> Self {
        Self::of(self.0.parts.clone(), self.0.options.clone())
    }

    /// Returns a client for interactive use, such as a connection test: see [`ClientOptions::brisk`].
    pub fn brisk(&self) -> Self {
        Self::of(self.0.parts.clone(), self.0.options.clone().brisk())
    }

    /// Returns the target's clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Returns the target's words.
    pub fn words(&self) -> &Words {
        self.0.parts.target.words()
    }

    /// Returns how many requests to prefetch for an ordered sequence. It is a multiple of the concurrency, so that no
    /// permit is idle while early responses wait for a late one.
    pub fn ahead(&self) -> usize {
        match self.0.options.concurrency {
            Concurrency::Automatic => 2 * Concurrency::MOST,
            fixed @ Concurrency::Fixed(_) => 4 * fixed.most(),
        }
    }

    /// Returns host and port of the proxy on the way to the main service.
    pub fn proxy(&self) -> Option<String> {
        self.0.parts.proxies.on_the_way_to(self.service(Service::MAIN).ok()?)
    }

    /// Returns the paths of lists that have refused to sort.
    pub fn refused_sorts(&self) -> BTreeSet<String> {
        self.0.refused_sorts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Marks lists that refuse to sort.
    pub fn refuse_sorts(&self, paths: impl IntoIterator<Item = String>) {
        self.0.refused_sorts.lock().unwrap_or_else(PoisonError::into_inner).extend(paths);
    }

    /// Returns whether the rows of a call come in the order that it requests.
    pub fn sorts(&self, call: &Call) -> bool {
        let refused = || self.0.refused_sorts.lock().unwrap_or_else(PoisonError::into_inner).contains(&call.path);
        call.sort.is_some() && !refused()
    }

    /// Makes one short printable line of a text from the target, without secrets.
    pub fn line(&self, said: &str) -> String {
        self.0.parts.scrub.line(said)
    }

    /// Makes a call and reads its JSON.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    pub async fn json<T: DeserializeOwned>(&self, meter: &Meter, call: Call) -> Result<T, ConnectorError> {
        self.fetch(meter, &call, |answer| answer.json()).await
    }

    /// Gets the JSON at a path.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    pub async fn get_json<T: DeserializeOwned>(&self, meter: &Meter, path: &str) -> Result<T, ConnectorError> {
        self.json(meter, Call::get(path)).await
    }

    /// Returns the error for a response that makes no sense. `why` must not contain text from the target.
    pub fn malformed(&self, why: &str) -> ConnectorError {
        ConnectorError::new(ErrorCode::MalformedResponse, why, self.words().elsewhere())
    }

    /// Makes a call, retries it as the policy allows, and reads the response with `read`.
    ///
    /// # Errors
    /// Returns the error of the last attempt's verdict, with the number of attempts.
    pub async fn fetch<T>(
        &self,
        meter: &Meter,
        call: &Call,
        read: impl Fn(&Answer) -> Result<T, serde_json::Error>,
    ) -> Result<T, ConnectorError> {
        let attempt = || async {
            let (sealed, token) = self.attempt(meter, call).await?;
            let answer = self.open(sealed, meter, call)?;
            read(&answer).inspect(|_| self.0.accepted.store(true, Relaxed)).map_err(|error| {
                of_malformed(&call.path, error, &answer.body, &self.0.parts.scrub.and(token), self.words())
            })
        };
        self.0.attempts.make(&call.path, call.urgency, meter, attempt).await
    }

    /// Makes a call and retries it as [`fetch`](Self::fetch) does, but leaves the response as it arrived.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch), except for a body that cannot be read.
    pub(crate) async fn fetch_sealed(&self, meter: &Meter, call: &Call) -> Result<SealedAnswer, ConnectorError> {
        let attempt = || async { Ok(self.attempt(meter, call).await?.0) };
        self.0.attempts.make(&call.path, call.urgency, meter, attempt).await
    }

    /// Opens the response to a call.
    pub(crate) fn open(&self, sealed: SealedAnswer, meter: &Meter, call: &Call) -> Result<Answer, Verdict> {
        let SealedAnswer { headers, body } = sealed;
        let body = body.open(self.0.options.largest_body, &call.path, self.words(), meter)?;
        Ok(Answer { headers, body })
    }

    /// Makes one attempt. Returns the response together with the token that it must not show.
    async fn attempt(&self, meter: &Meter, call: &Call) -> Result<(SealedAnswer, Option<SecretString>), Verdict> {
        let Inner { parts, options, clock, .. } = &*self.0;
        let Parts { http, target, auth, scrub, proxies, .. } = parts;
        let words = target.words();
        let sorted = self.sorts(call);
        let url = self.url(call, sorted).map_err(Verdict::fail)?;
        let proxy = proxies.on_the_way_to(&url);
        let unanswered = |error: reqwest::Error| of_no_answer(&error, &url, proxy.as_deref(), scrub, words);
        let mut request = match &call.body {
            None => http.to(&url).request(Method::GET, url.clone()),
            Some(body) => http
                .to(&url)
                .request(Method::POST, url.clone())
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.clone()),
        };
        let timeout = options.longest_request();
        request = request.timeout(timeout).header(ACCEPT, HeaderValue::from_static("application/json"));
        if !call.bare {
            request = request.headers(target.headers(call));
        }
        let exchange = Exchange { http, proxies, scrub, clock, target: &**target, timeout };
        let (request, token) = auth.sign(request, exchange).await?;
        let answer = request.send().await.map_err(unanswered)?;
        let status = answer.status();
        let headers = answer.headers().clone();
        clock.heed(&headers);
        if status == StatusCode::OK {
            let body = body::receive(answer, options.largest_body, &call.path, words, unanswered).await?;
            return Ok((SealedAnswer { headers, body }, token));
        }
        // Of an error's body, only a limited part is read. A body that breaks off makes no difference.
        let body = body::read(answer, LONGEST_SAID, &call.path, words, meter, unanswered).await.unwrap_or_default();
        let asked = Asked {
            service: call.service,
            host: url.host_str().unwrap_or_default(),
            path: &call.path,
            accepted: self.0.accepted.load(Relaxed),
            sorted,
            renewable: token.is_some(),
            proxy: proxy.as_deref().filter(|_| url.scheme() == "http"),
        };
        let scrub = scrub.and(token.clone());
        let refusal = Refusal::read(asked, status, &headers, &body, &scrub, clock.now(), words);
        let verdict = target.judge(&refusal);
        match (verdict.next, &token) {
            (Next::RenewToken, Some(refused)) => auth.discard(refused).await,
            (Next::WithoutSort, _) => {
                let sort = call.sort.map(|(_, field)| field);
                tracing::info!(path = call.path, sort, "the endpoint refuses to sort; it is read unsorted");
                self.refuse_sorts([call.path.clone()]);
            }
            _ => {}
        }
        Err(verdict)
    }

    /// Returns the base URL of a service.
    pub(super) fn service(&self, service: Service) -> Result<&Url, ConnectorError> {
        let url = self.0.parts.services.iter().find(|(known, _)| *known == service).map(|(_, url)| url);
        url.ok_or_else(|| {
            ConnectorError::internal(format!("the client was built without the service {}", service.name()))
        })
    }

    /// Returns the URL of a call.
    pub(super) fn url(&self, call: &Call, sorted: bool) -> Result<Url, ConnectorError> {
        if let Some(link) = &call.link {
            return Ok(Url::clone(link));
        }
        let mut url = self.service(call.service)?.clone();
        match url.path().trim_end_matches('/') {
            "" => url.set_path(&call.path),
            base => {
                let path = format!("{base}/{}", call.path.trim_start_matches('/'));
                url.set_path(&path);
            }
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        if let Some((parameter, field)) = call.sort.filter(|_| sorted) {
            url.query_pairs_mut().append_pair(parameter, field);
        }
        Ok(url)
    }
}

/// Returns whether the error means that the endpoint does not exist.
pub fn is_absent(error: &ConnectorError) -> bool {
    error.code == ErrorCode::NotFound
}
