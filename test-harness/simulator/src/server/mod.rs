//! The service on its listener.

mod answer;
mod auth;
mod connection;
mod filter;
mod graph;
mod insights;
mod listing;
mod problem;
mod query;
mod route;
mod search;
mod v1;
mod v2;

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT_ENCODING, RETRY_AFTER};
use hyper::{Request, Response, StatusCode};

pub(crate) use answer::{Answer, Body};
pub(crate) use auth::Secrets;
pub(crate) use connection::serve;
pub(crate) use problem::Problem;
pub(crate) use route::{Api, Endpoint};

use super::behaviour::{Behaviour, ServiceAccounts};
use super::faults::{Effect, Faults, Scope, Strikes};
use super::log::{Log, RecordedRequest, Recording};
use super::options::UsersEndpoint;
use super::organization::{Kind, Node, Organization};
use super::rate_limit::RateLimit;

/// All that an answer depends on.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) organizations: Vec<Arc<Organization>>,
    pub(crate) secrets: Secrets,
    pub(crate) faults: Faults,
    pub(crate) rate_limit: RateLimit,
    /// The seconds that a 429 says in `Retry-After`.
    pub(crate) retry_after: Option<u64>,
    pub(crate) log: Log,
    pub(crate) recording: Recording,
    pub(crate) latency: Duration,
    pub(crate) gzip: bool,
    pub(crate) users_endpoint: UsersEndpoint,
    pub(crate) behaviour: Behaviour,
    pub(crate) forbidden: Vec<Scope>,
}

/// The connection is to be reset.
#[derive(Debug, thiserror::Error)]
#[error("the connection is reset, as ordered")]
pub(crate) struct Reset;

/// A request, taken apart.
pub(crate) struct Asked<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) id: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: Bytes,
    pub(crate) organization: &'a Arc<Organization>,
    pub(crate) service: &'a Service,
}

/// No request of this service is larger.
const LARGEST_REQUEST: usize = 1 << 20;

impl Service {
    /// Answers one request.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Reset> {
        let _in_progress = self.log.begin();
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        let path = request.uri().path().to_owned();
        let class = Endpoint::of_path(&path).map_or_else(|| "unknown".to_owned(), |(endpoint, _)| endpoint.class());
        let compressible = self.gzip && accepts_gzip(&request);
        let result = self.respond(&path, &class, request).await;
        match result {
            Ok(mut answer) => {
                if compressible {
                    answer.compress();
                }
                self.log.note(&class, answer.status.as_u16(), answer.body.len() as u64);
                Ok(answer.into_response())
            }
            Err(reset) => {
                self.log.note(&class, 0, 0);
                Err(reset)
            }
        }
    }

    /// Whether service accounts may see organisations.
    fn admit_service_account(&self) -> Result<(), Problem> {
        const REASON: &str = "service accounts are not allowed to access this endpoint";
        match self.behaviour.service_accounts {
            ServiceAccounts::Unauthorized => Err(Problem::new(StatusCode::UNAUTHORIZED, REASON)),
            ServiceAccounts::Forbidden => Err(Problem::forbidden()),
            ServiceAccounts::Served => Ok(()),
        }
    }

    /// The ObjectId of the provider to whom a multi-tenant administrator belongs.
    fn provider(&self) -> Option<String> {
        (self.organizations.len() > 1).then(|| self.organizations[0].id(Node::new(Kind::Provider, 0)))
    }

    async fn respond(&self, path: &str, class: &str, request: Request<Incoming>) -> Result<Answer, Reset> {
        let (api, errors) = (Api::of_path(path), self.behaviour.v2_errors);
        if !self.rate_limit.admits() {
            let mut answer = Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests").answer(api, errors);
            if let Some(seconds) = self.retry_after {
                answer.headers.insert(RETRY_AFTER, seconds.into());
            }
            return Ok(answer);
        }
        let mut strikes = self.faults.strike(class);
        let delay = strikes.delay();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if strikes.has(&Effect::Reset) {
            return Err(Reset);
        }
        if let Some(answer) = strikes.answer_instead(api, errors) {
            return Ok(answer);
        }
        match self.dispatch(path, class, request, &mut strikes).await {
            Ok(mut answer) => {
                if !strikes.is_empty() {
                    strikes.spoil(&mut answer);
                }
                Ok(answer)
            }
            Err(problem) => Ok(problem.answer(api, errors)),
        }
    }

    async fn dispatch(
        &self,
        path: &str,
        class: &str,
        request: Request<Incoming>,
        strikes: &mut Strikes,
    ) -> Result<Answer, Problem> {
        let (parts, body) = request.into_parts();
        let (endpoint, id) = Endpoint::of_path(path).ok_or_else(Problem::not_found)?;
        if parts.method != endpoint.method() {
            return Err(Problem::method_not_allowed(endpoint.method()));
        }
        let body = Limited::new(body, LARGEST_REQUEST)
            .collect()
            .await
            .map_err(|_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "Payload Too Large"))?
            .to_bytes();
        self.recording.add(|| RecordedRequest {
            method: parts.method.to_string(),
            path: parts.uri.path_and_query().map_or_else(|| path.to_owned(), ToString::to_string),
            body: String::from_utf8_lossy(&body).into_owned(),
        });
        if endpoint == Endpoint::Token {
            return self.secrets.issue(&parts.headers, &body);
        }
        let caller = self.secrets.admit(&parts.headers, self.behaviour.unknown_keys)?;
        if matches!(endpoint, Endpoint::Organizations | Endpoint::Organization) && caller.is_service_account() {
            self.admit_service_account()?;
        }
        let organization = auth::organization(&self.organizations, &self.behaviour, caller, endpoint, &parts.headers)?;
        if self.forbidden.iter().any(|scope| scope.covers(class)) {
            return Err(Problem::forbidden());
        }
        let query = parts.uri.query().unwrap_or_default();
        let asked = Asked { endpoint, id, query, body, organization, service: self };
        let answer = match Api::of_path(path) {
            Api::V1 => v1::answer(&asked, strikes),
            _ => v2::answer(&asked, strikes),
        };
        strikes.drift(organization, endpoint, id);
        answer
    }
}

fn accepts_gzip(request: &Request<Incoming>) -> bool {
    let accepted = request.headers().get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.split(',').any(|coding| coding.trim().starts_with("gzip")))
}
