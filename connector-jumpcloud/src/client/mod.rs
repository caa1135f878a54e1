//! The way to the target: transport, sign-in, pace, retry and paging. Knows HTTP, not identities.

mod auth;
mod body;
mod clock;
mod endpoint;
mod failure;
mod meter;
mod pace;
mod page;
mod paging;
mod retry;
mod seen;
mod text;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use connector_api::{ConnectorError, ErrorCode, Retry};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::de::{Deserialize, DeserializeOwned, Error as _};
use tokio::time::{Instant, sleep};
use url::Url;

pub(crate) use auth::Auth;
pub(crate) use clock::Clock;
pub(crate) use endpoint::{Endpoints, parse as parse_url};
pub(crate) use meter::Meter;
pub(crate) use page::Page;
pub(crate) use paging::{Course, Identified, Listing, PageReader};
pub(crate) use retry::RetryPolicy;
pub(crate) use text::Scrubber;
pub(crate) use transport::Connections;

use failure::{Again, Failure};
use pace::Pace;
use retry::{RetryBudget, full_jitter};

const ORG_ID: HeaderName = HeaderName::from_static("x-org-id");

/// How often an answer that cannot be understood is asked for again.
const MALFORMED_ATTEMPTS: u32 = 3;

/// When no request of a scan was served for so long, a target that asks for fewer calls is not meant to serve any.
const LONGEST_REFUSAL: Duration = Duration::from_secs(75);

/// The longest wait that a target's `Retry-After` is followed for.
const LONGEST_ASKED_WAIT: Duration = Duration::from_secs(300);

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
    pace: Pace,
    budget: RetryBudget,
    clock: Clock,
}

/// One request, as often as it takes.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    service: Service,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Bytes>,
    without_org: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Console,
    Insights,
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
        Self { service: Service::Console, path: path.into(), query: Vec::new(), body: None, without_org: false }
    }

    /// A read-only query by POST on the Directory Insights host.
    pub(crate) fn insights(path: impl Into<String>, body: Bytes) -> Self {
        Self { service: Service::Insights, path: path.into(), query: Vec::new(), body: Some(body), without_org: false }
    }

    /// The same call with one more query parameter.
    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
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
        let http = options.connections.client()?;
        let pace = Pace::new(options.connections.concurrency, options.requests_per_second);
        Ok(Self(Arc::new(Inner { http, options, pace, budget: RetryBudget::new(), clock: Clock::start() })))
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// How much may be asked for ahead in a row of which the first is needed first: some times as many as can be under
    /// way, so that none of their places is idle while those that came early wait for one that is late.
    pub(crate) fn ahead(&self) -> usize {
        4 * self.0.options.connections.concurrency
    }

    pub(crate) fn org_id(&self) -> Option<&str> {
        self.0.options.org_id.as_deref()
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
        let Inner { options, pace, budget, .. } = &*self.0;
        let mut place = pace.place().await;
        let began = Instant::now();
        let mut waits = options.retry.waits();
        let (mut attempts, mut refused) = (0, 0);
        let mut renewed = false;
        loop {
            let sent = pace.turn().await;
            attempts += 1;
            meter.request();
            let outcome = match self.attempt(meter, call).await {
                Ok(answer) => match read(&answer) {
                    Ok(value) => Ok(value),
                    Err(error) => {
                        let scrub = options.scrub.and(options.auth.token().await);
                        let error = failure::malformed(&call.path, error, &answer.body, &scrub);
                        let again = if attempts - refused < MALFORMED_ATTEMPTS { Again::Later } else { Again::Never };
                        Err(Failure::new(error, again))
                    }
                },
                Err(failure) => Err(failure),
            };
            let failure = match outcome {
                Ok(value) => {
                    budget.earn();
                    pace.served(sent);
                    return Ok(value);
                }
                Err(failure) => failure,
            };
            let give_up = |why: &str| {
                let took = began.elapsed().as_secs_f32();
                let mut error = failure.error.clone();
                if attempts > 1 {
                    error.message = format!("{} ({why} after {attempts} attempts in {took:.1} s)", error.message);
                }
                error
            };
            match failure.again {
                Again::Never => return Err(give_up("given up")),
                Again::WithNewToken if renewed || !options.auth.can_renew() => return Err(give_up("given up")),
                Again::WithNewToken => {
                    renewed = true;
                    options.auth.renew().await;
                    meter.retry(Duration::ZERO);
                    continue;
                }
                Again::Slower => pace.refused(sent),
                Again::Later => {}
            }
            // A target that asks for fewer calls is no failing one: it is given them, for as long as there is time.
            let limited = failure.error.code == ErrorCode::RateLimited;
            refused += u32::from(limited);
            if attempts - refused >= options.retry.attempts {
                return Err(give_up("given up"));
            }
            let bound = waits.next().unwrap_or(options.retry.longest_wait);
            let wait = match failure.error.retry {
                // A little jitter, so that all who were told the same time do not come back at the same instant; and
                // no less than without it, since the time may be none at all or in the past by this clock.
                Retry::After { seconds } => Duration::from_secs(seconds)
                    .saturating_add(full_jitter(options.retry.first_wait))
                    .max(full_jitter(bound)),
                Retry::Never | Retry::Later => full_jitter(bound),
            };
            if wait > LONGEST_ASKED_WAIT || began.elapsed().saturating_add(wait) > options.retry.time_budget {
                return Err(give_up("no time is left for another attempt"));
            }
            if limited && budget.idle_since(began) > LONGEST_REFUSAL {
                return Err(give_up("nothing was served any more"));
            }
            if !limited && !budget.spend() {
                return Err(give_up("too many requests fail to try this one again"));
            }
            tracing::debug!(path = call.path, attempts, wait_ms = wait.as_millis() as u64, error = %failure.error, "trying again");
            meter.retry(wait);
            if limited {
                // Others may go meanwhile: the pace sees to it that they are few enough.
                drop(place);
                sleep(wait).await;
                place = pace.place_again().await;
            } else {
                sleep(wait).await;
            }
        }
    }

    async fn attempt(&self, meter: &Meter, call: &Call) -> Result<Answer, Failure> {
        let Inner { http, options, clock, .. } = &*self.0;
        let url = self.url(call);
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut request = match &call.body {
            None => http.request(Method::GET, url),
            Some(body) => http
                .request(Method::POST, url)
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.clone()),
        };
        request = request.header(reqwest::header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(org_id) = options.org_id.as_deref().filter(|_| !call.without_org) {
            request = request.header(ORG_ID, org_id);
        }
        let request = options.auth.sign(request, http, &options.scrub).await?;
        let answer = request.send().await.map_err(|error| failure::transport(&error, &host))?;
        let status = answer.status();
        let headers = answer.headers().clone();
        clock.heed(&headers);
        if status != StatusCode::OK {
            // What an error says is read as far as it is short; a body that breaks changes nothing.
            let body = body::read(answer, 64 * 1024, &call.path, &host, meter).await.unwrap_or_default();
            let scrub = options.scrub.and(options.auth.token().await);
            return Err(failure::status(status, &headers, &body, &host, &call.path, &scrub, clock));
        }
        let body = body::read(answer, options.largest_body, &call.path, &host, meter).await?;
        Ok(Answer { headers, body })
    }

    fn url(&self, call: &Call) -> Url {
        let endpoints = &self.0.options.endpoints;
        let mut url = match call.service {
            Service::Console => endpoints.console.clone(),
            Service::Insights => endpoints.insights.clone(),
        };
        url.set_path(&call.path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        url
    }
}

/// Whether an endpoint is simply not there.
pub(crate) fn is_absent(error: &ConnectorError) -> bool {
    error.code == ErrorCode::NotFound
}
