//! The way to the target: transport, sign-in, pace, retry and paging. Knows HTTP, not identities.

mod auth;
mod body;
mod clock;
mod endpoint;
mod meter;
mod pace;
mod page;
mod paging;
mod proxy;
mod retry;
mod seen;
mod surrogates;
mod text;
mod transport;
mod verdict;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use connector_api::{ConnectorError, ErrorCode};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde::de::{Deserialize, DeserializeOwned, Error as _};
use url::Url;

pub(crate) use auth::Auth;
pub(crate) use clock::Clock;
pub(crate) use endpoint::{Endpoints, parse as parse_url};
pub(crate) use meter::{Meter, Reading};
pub(crate) use page::Page;
pub(crate) use paging::{Gap, Identified, Listing, ListingStats, PageReader, Witness, inconsistent};
pub(crate) use retry::RetryPolicy;
pub(crate) use text::Scrubber;
pub(crate) use transport::Connections;
pub(crate) use verdict::refused_here;

use auth::Reach;
use pace::Pace;
use proxy::Proxies;
use retry::Attempts;
use verdict::{Asked, Next, Service, Verdict};

use crate::rights::SignIn;

const ORG_ID: HeaderName = HeaderName::from_static("x-org-id");

/// What a client is made of.
#[derive(Debug)]
pub(crate) struct ClientOptions {
    pub(crate) endpoints: Endpoints,
    pub(crate) auth: Auth,
    pub(crate) org_id: Option<String>,
    pub(crate) connections: Connections,
    pub(crate) requests_per_second: Option<f64>,
    pub(crate) retry: RetryPolicy,
    pub(crate) largest_body: usize,
    pub(crate) scrub: Scrubber,
}

/// A client of one organisation. Cheap to clone; all clones share one pace and one retry budget.
#[derive(Debug, Clone)]
pub(crate) struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    options: ClientOptions,
    proxies: Proxies,
    attempts: Attempts,
    clock: Clock,
    /// The target accepted the credential at least once.
    accepted: AtomicBool,
    /// The organisation as its own rows name it.
    learned_org: OnceLock<String>,
    /// The paths of listings that refuse to sort.
    refused_sorts: Mutex<BTreeSet<String>>,
}

/// One request, as often as it takes.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    service: Service,
    path: String,
    query: Vec<(&'static str, String)>,
    /// The field to sort by, unless the endpoint was seen to refuse it.
    sort: Option<&'static str>,
    body: Option<Bytes>,
    without_org: bool,
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Reads the body's JSON. That it is text is checked once for all of it, not for each name and value.
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(std::str::from_utf8(&self.body).map_err(serde_json::Error::custom)?)
    }
}

impl Call {
    /// GET on the console host. Every part of `path` that comes from the wire is an [`Id`](crate::api::Id), whose
    /// characters are safe there.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            service: Service::Console,
            path: path.into(),
            query: Vec::new(),
            sort: None,
            body: None,
            without_org: false,
        }
    }

    /// A read-only query by POST on the Directory Insights host.
    pub(crate) fn insights(path: impl Into<String>, body: Bytes) -> Self {
        Self {
            service: Service::Insights,
            path: path.into(),
            query: Vec::new(),
            sort: None,
            body: Some(body),
            without_org: false,
        }
    }

    /// The same call with one more query parameter.
    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// The same call, its rows sorted by a field.
    pub(crate) fn sorted(mut self, field: &'static str) -> Self {
        self.sort = Some(field);
        self
    }

    /// The same call without `x-org-id`, for routes that refuse it.
    pub(crate) fn without_org(mut self) -> Self {
        self.without_org = true;
        self
    }
}

impl Client {
    pub(crate) fn new(options: ClientOptions) -> Result<Self, ConnectorError> {
        let proxies = Proxies::new(options.connections.proxy.as_ref(), &options.endpoints)?;
        let http = options.connections.client(&proxies)?;
        let pace = Pace::new(options.connections.concurrency, options.requests_per_second);
        let attempts = Attempts::new(options.retry, pace);
        Ok(Self(Arc::new(Inner {
            http,
            options,
            proxies,
            attempts,
            clock: Clock::start(),
            accepted: AtomicBool::new(false),
            learned_org: OnceLock::new(),
            refused_sorts: Mutex::default(),
        })))
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// How many requests to prefetch for an ordered sequence: several times as many as may be under way, so that no permit
    /// is idle while early answers wait for a late one.
    pub(crate) fn ahead(&self) -> usize {
        4 * self.0.options.connections.concurrency
    }

    pub(crate) fn org_id(&self) -> Option<&str> {
        self.0.options.org_id.as_deref()
    }

    pub(crate) fn sign_in(&self) -> SignIn {
        self.0.options.auth.sign_in()
    }

    /// Host and port of the proxy that the console is reached through.
    pub(crate) fn proxy(&self) -> Option<String> {
        self.0.proxies.on_the_way_to(&self.0.options.endpoints.console)
    }

    /// Whether Directory Insights needs an organisation to be named that is not known: it takes no bearer token without.
    pub(crate) fn lacks_org_id(&self) -> bool {
        self.sign_in() == SignIn::ServiceAccountToken && self.org_id().is_none() && self.0.learned_org.get().is_none()
    }

    /// Names an organisation to Directory Insights.
    pub(crate) fn learn_org_id(&self, id: String) {
        self.0.learned_org.get_or_init(|| id);
    }

    /// The paths of listings that were seen to refuse to sort.
    pub(crate) fn refused_sorts(&self) -> BTreeSet<String> {
        self.0.refused_sorts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sorts none of these listings.
    pub(crate) fn refuse_sorts(&self, paths: impl IntoIterator<Item = String>) {
        self.0.refused_sorts.lock().unwrap_or_else(PoisonError::into_inner).extend(paths);
    }

    /// Whether a call's rows come in the order that it asks for.
    pub(crate) fn sorts(&self, call: &Call) -> bool {
        let refused = || self.0.refused_sorts.lock().unwrap_or_else(PoisonError::into_inner).contains(&call.path);
        call.sort.is_some() && !refused()
    }

    /// What the target says, as one short printable line without a secret.
    pub(crate) fn line(&self, said: &str) -> String {
        self.0.options.scrub.line(said)
    }

    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.0.options.endpoints
    }

    /// Makes a call and reads its JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, meter: &Meter, call: Call) -> Result<T, ConnectorError> {
        self.fetch(meter, &call, |answer| answer.json()).await
    }

    /// Makes a call, tries again as the policy allows, and reads the answer with `read`.
    pub(crate) async fn fetch<T>(
        &self,
        meter: &Meter,
        call: &Call,
        read: impl Fn(&Answer) -> Result<T, serde_json::Error>,
    ) -> Result<T, ConnectorError> {
        let attempt = || async {
            let (answer, token) = self.attempt(meter, call).await?;
            read(&answer).inspect(|_| self.0.accepted.store(true, Relaxed)).map_err(|error| {
                verdict::of_malformed(&call.path, error, &answer.body, &self.0.options.scrub.and(token))
            })
        };
        self.0.attempts.make(&call.path, meter, attempt).await
    }

    /// Makes one attempt; with the answer comes the token that it must not show.
    async fn attempt(&self, meter: &Meter, call: &Call) -> Result<(Answer, Option<SecretString>), Verdict> {
        let Inner { http, options, proxies, clock, .. } = &*self.0;
        let sorted = self.sorts(call);
        let url = self.url(call, sorted);
        let proxy = proxies.on_the_way_to(&url);
        let unanswered = |error: reqwest::Error| verdict::of_no_answer(&error, &url, proxy.as_deref());
        let mut request = match &call.body {
            None => http.request(Method::GET, url.clone()),
            Some(body) => http
                .request(Method::POST, url.clone())
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.clone()),
        };
        request = request.header(reqwest::header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(org_id) = self.org_id_for(call) {
            request = request.header(ORG_ID, org_id);
        }
        let reach = Reach { http, proxies, scrub: &options.scrub, clock };
        let (request, token) = options.auth.sign(request, reach).await?;
        let answer = request.send().await.map_err(unanswered)?;
        let status = answer.status();
        let headers = answer.headers().clone();
        clock.heed(&headers);
        if status == StatusCode::OK {
            let body = body::read(answer, options.largest_body, &call.path, meter, unanswered).await?;
            return Ok((Answer { headers, body }, token));
        }
        // What an error says is read as far as it is short; a body that breaks changes nothing.
        let body = body::read(answer, verdict::LONGEST_SAID, &call.path, meter, unanswered).await.unwrap_or_default();
        let asked = Asked {
            service: call.service,
            host: url.host_str().unwrap_or_default(),
            path: &call.path,
            sign_in: self.sign_in(),
            accepted: self.0.accepted.load(Relaxed),
            sorted,
            proxy: proxy.as_deref().filter(|_| url.scheme() == "http"),
        };
        let scrub = options.scrub.and(token.clone());
        let verdict = verdict::of_answer(&asked, status, &headers, &body, &scrub, clock.now());
        match (verdict.next, &token) {
            (Next::RenewToken, Some(refused)) => options.auth.discard(refused).await,
            (Next::WithoutSort, _) => {
                tracing::info!(path = call.path, sort = call.sort, "the endpoint refuses to sort; it is read unsorted");
                self.refuse_sorts([call.path.clone()]);
            }
            _ => {}
        }
        Err(verdict)
    }

    fn org_id_for(&self, call: &Call) -> Option<&str> {
        let learned = self.0.learned_org.get().filter(|_| call.service == Service::Insights);
        self.org_id().or(learned.map(String::as_str)).filter(|_| !call.without_org)
    }

    fn url(&self, call: &Call, sorted: bool) -> Url {
        let endpoints = &self.0.options.endpoints;
        let mut url = match call.service {
            Service::Console => endpoints.console.clone(),
            Service::Insights => endpoints.insights.clone(),
            Service::Token => endpoints.token.clone(),
        };
        url.set_path(&call.path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        if let Some(sort) = call.sort.filter(|_| sorted) {
            url.query_pairs_mut().append_pair("sort", sort);
        }
        url
    }
}

/// Whether an endpoint is simply not there.
pub(crate) fn is_absent(error: &ConnectorError) -> bool {
    error.code == ErrorCode::NotFound
}
