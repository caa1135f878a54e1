//! Who asks, and for which organisation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap};
use secrecy::{ExposeSecret, SecretString};

use super::answer::Answer;
use super::problem::Problem;
use super::route::Endpoint;
use crate::behaviour::{Behaviour, InsightsOrganization, MissingOrganization, UnknownKeys};
use crate::organization::{Dice, Organization};

/// Who a credential belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// An administrator, by its API key.
    Administrator,
    /// A service account, by a key of its own.
    ServiceAccountKey,
    /// A service account, by an access token.
    ServiceAccountToken,
}

impl Caller {
    pub(crate) fn is_service_account(self) -> bool {
        self != Self::Administrator
    }
}

/// How the keys of service accounts begin.
const SERVICE_ACCOUNT_PREFIX: &str = "jcs_";

/// The secrets of a simulation.
#[derive(Debug)]
pub(crate) struct Secrets {
    pub(crate) api_key: SecretString,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    lifetime: Duration,
    /// Access tokens and when they end.
    tokens: Mutex<Vec<(SecretString, Instant)>>,
    seed: u64,
}

impl Secrets {
    pub(crate) fn new(seed: u64, api_key: Option<SecretString>, lifetime: Duration) -> Self {
        Self {
            api_key: api_key.unwrap_or_else(|| secret("jca_", seed, 1).into()),
            client_id: secret("sa_", seed, 2),
            client_secret: secret("", seed, 3).into(),
            lifetime,
            tokens: Mutex::default(),
            seed,
        }
    }

    /// Whose valid key or token a request brings.
    pub(crate) fn admit(&self, headers: &HeaderMap, unknown_keys: UnknownKeys) -> Result<Caller, Problem> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let (key, own) = (text("x-api-key"), self.api_key.expose_secret());
        if key.is_some_and(|key| key == own) {
            let of_service_account = own.starts_with(SERVICE_ACCOUNT_PREFIX);
            return Ok(if of_service_account { Caller::ServiceAccountKey } else { Caller::Administrator });
        }
        let token = text(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
        match (key, token) {
            (_, Some(token)) if self.holds(token) => Ok(Caller::ServiceAccountToken),
            (Some(key), _) if !key.is_empty() && unknown_keys == UnknownKeys::NotFound => {
                Err(Problem::unauthorized_for("api key user not found"))
            }
            _ => Err(Problem::unauthorized()),
        }
    }

    fn holds(&self, token: &str) -> bool {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.iter().any(|(known, end)| known.expose_secret() == token && *end > Instant::now())
    }

    /// Answers `POST /oauth2/token`: client credentials, by HTTP Basic.
    pub(crate) fn issue(&self, headers: &HeaderMap, body: &[u8]) -> Result<Answer, Problem> {
        let basic = format!("{}:{}", self.client_id, self.client_secret.expose_secret());
        let given = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
            .and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
        if given.as_deref() != Some(basic.as_bytes()) {
            return Err(Problem::oauth(StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed"));
        }
        let form: HashMap<_, _> = url::form_urlencoded::parse(body).collect();
        if form.get("grant_type").is_none_or(|grant| grant != "client_credentials") {
            let reason = "grant_type must be client_credentials";
            return Err(Problem::oauth(StatusCode::BAD_REQUEST, "unsupported_grant_type", reason));
        }
        if form.get("scope").is_some_and(|scope| scope != "api") {
            return Err(Problem::oauth(StatusCode::BAD_REQUEST, "invalid_scope", "the scope must be api"));
        }
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let token = secret("ory_at_", self.seed, 10 + tokens.len() as u64);
        tokens.push((token.clone().into(), Instant::now() + self.lifetime));
        let answer = serde_json::json!({
            "access_token": token,
            "expires_in": self.lifetime.as_secs(),
            "scope": "api",
            "token_type": "bearer",
        });
        Ok(Answer::ok(answer.to_string().into_bytes()))
    }
}

fn secret(prefix: &str, seed: u64, number: u64) -> String {
    const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut dice = Dice::thrown(seed, 0x5EC2, number);
    let letters = (0..36).map(|_| char::from(dice.pick(LETTERS)));
    prefix.chars().chain(letters).collect()
}

/// The organisation that a request speaks of, by the rules for `x-org-id`.
pub(crate) fn organization<'a>(
    organizations: &'a [Arc<Organization>],
    behaviour: &Behaviour,
    caller: Caller,
    endpoint: Endpoint,
    headers: &HeaderMap,
) -> Result<&'a Arc<Organization>, Problem> {
    let multi_tenant = organizations.len() > 1;
    // An empty one is none; what is no text is no id either.
    let named = headers.get("x-org-id").map(|value| value.to_str().unwrap_or("?")).filter(|id| !id.is_empty());
    let own = &organizations[0];
    let selected = endpoint.is_of_insights() && behaviour.insights_organization == InsightsOrganization::Selected;
    match named {
        None if selected && (multi_tenant || caller == Caller::ServiceAccountToken) => {
            Err(Problem::unauthorized_for("no organization selected"))
        }
        _ if !endpoint.takes_organization() => match named {
            Some(_) if multi_tenant => Err(Problem::forbidden()),
            _ => Ok(own),
        },
        None if multi_tenant => Err(match behaviour.missing_organization {
            MissingOrganization::Unauthorized => Problem::unauthorized(),
            MissingOrganization::BadRequest => Problem::bad_request("the header x-org-id is required"),
        }),
        None => Ok(own),
        Some(id) if !is_object_id(id) => Err(Problem::bad_request("Invalid x-org-id")),
        Some(id) => organizations
            .iter()
            .find(|organization| organization.organization_id() == id)
            .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "Organization not found")),
    }
}

/// Whether a text is 24 hexadecimal digits.
pub(crate) fn is_object_id(id: &str) -> bool {
    id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}
