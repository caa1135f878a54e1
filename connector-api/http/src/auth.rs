//! Authentication of requests: a header with a key, or a bearer token, which may be fetched and renewed.

use std::fmt::Debug;
use std::time::Duration;

use connector_api::{ConnectorError, async_trait};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::body;
use super::call::Service;
use super::clock::Clock;
use super::malformed::of_malformed;
use super::meter::Meter;
use super::proxy::Proxies;
use super::refusal::{Asked, Refusal};
use super::target::Target;
use super::text::Scrubber;
use super::transport::Transport;
use super::unanswered::of_no_answer;
use super::verdict::Verdict;

/// The maximum size of a token response, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;

/// The maximum time for which a token is kept, whatever its response states.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How long before its expiry a token is renewed.
const MARGIN: Duration = Duration::from_secs(60);

/// How requests are authenticated.
#[derive(Debug)]
pub struct Auth(Kind);

#[derive(Debug)]
enum Kind {
    /// The same header in every request.
    Header { name: HeaderName, value: HeaderValue, secret: SecretString },
    /// A bearer token that is fetched, and renewed before it expires or when it is refused.
    Renewed(Box<Renewed>),
}

#[derive(Debug)]
struct Renewed {
    source: Box<dyn TokenSource>,
    current: Mutex<Option<Current>>,
}

#[derive(Debug)]
struct Current {
    value: SecretString,
    renew_at: Instant,
}

/// A bearer token with its lifetime.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token itself.
    pub value: SecretString,
    /// How long the token is valid.
    pub lifetime: Duration,
}

/// A source of bearer tokens.
#[async_trait]
pub trait TokenSource: Debug + Send + Sync + 'static {
    /// Fetches a token. Called again before the token expires, and when it was refused.
    async fn fetch(&self, exchange: Exchange<'_>) -> Result<Token, Verdict>;

    /// Returns the URL of the token endpoint, for the choice of a proxy and the rule on plain HTTP.
    fn url(&self) -> &Url;

    /// Returns the secrets that must never be shown.
    fn secrets(&self) -> Vec<SecretString>;
}

impl Auth {
    /// Sends the key in this header of every request.
    ///
    /// # Errors
    /// Returns `invalid_config` if the key contains characters that are not allowed in a header.
    pub fn header(name: HeaderName, key: SecretString) -> Result<Self, ConnectorError> {
        let value = sensitive(key.expose_secret())?;
        Ok(Self(Kind::Header { name, value, secret: key }))
    }

    /// Sends the same bearer token with every request.
    ///
    /// # Errors
    /// Returns `invalid_config` if the token contains characters that are not allowed in a header.
    pub fn bearer(token: SecretString) -> Result<Self, ConnectorError> {
        let value = bearer(&token)?;
        Ok(Self(Kind::Header { name: AUTHORIZATION, value, secret: token }))
    }

    /// Sends a bearer token that is fetched from a source and renewed.
    pub fn renewed(source: impl TokenSource) -> Self {
        Self(Kind::Renewed(Box::new(Renewed { source: Box::new(source), current: Mutex::new(None) })))
    }

    /// Signs a request, after fetching a token if needed. Returns that token: a refusal refers to it, and the response
    /// must not show it.
    pub(super) async fn sign(
        &self,
        request: RequestBuilder,
        exchange: Exchange<'_>,
    ) -> Result<(RequestBuilder, Option<SecretString>), Verdict> {
        match &self.0 {
            Kind::Header { name, value, .. } => Ok((request.header(name, value), None)),
            Kind::Renewed(renewed) => {
                let token = renewed.token(exchange).await?;
                let value = bearer(&token).map_err(Verdict::fail)?;
                Ok((request.header(AUTHORIZATION, value), Some(token)))
            }
        }
    }

    /// Drops a refused token, so that the next request fetches another. A token that has replaced it already is kept.
    pub(super) async fn discard(&self, refused: &SecretString) {
        if let Kind::Renewed(renewed) = &self.0 {
            let mut current = renewed.current.lock().await;
            if current.as_ref().is_some_and(|token| token.value.expose_secret() == refused.expose_secret()) {
                *current = None;
            }
        }
    }

    /// Returns the URL of the token endpoint, if tokens are fetched.
    pub(super) fn token_url(&self) -> Option<&Url> {
        match &self.0 {
            Kind::Header { .. } => None,
            Kind::Renewed(renewed) => Some(renewed.source.url()),
        }
    }

    /// Returns the secrets that must never be shown.
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        match &self.0 {
            Kind::Header { secret, .. } => vec![secret.clone()],
            Kind::Renewed(renewed) => renewed.source.secrets(),
        }
    }
}

impl Renewed {
    /// Returns the current token. One request fetches it while the others wait.
    async fn token(&self, exchange: Exchange<'_>) -> Result<SecretString, Verdict> {
        let mut current = self.current.lock().await;
        if let Some(token) = current.as_ref()
            && Instant::now() < token.renew_at
        {
            return Ok(token.value.clone());
        }
        let Token { value, lifetime } = self.source.fetch(exchange).await?;
        let lifetime = lifetime.min(LONGEST_LIFETIME);
        let renew_at = Instant::now() + lifetime - MARGIN.min(lifetime / 2);
        Ok(current.insert(Current { value, renew_at }).value.clone())
    }
}

/// OAuth 2.0 client credentials (RFC 6749, section 4.4): exchanges a client's id and secret for a token.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// The token endpoint: a URL made by [`origin`](super::address::origin), with its path.
    pub token_url: Url,
    /// The client's id.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: SecretString,
    /// The scope to request, if any.
    pub scope: Option<String>,
}

#[async_trait]
impl TokenSource for ClientCredentials {
    async fn fetch(&self, exchange: Exchange<'_>) -> Result<Token, Verdict> {
        let scope = self.scope.iter().map(|scope| ("scope", scope.as_str()));
        let form: Vec<(&str, &str)> = [("grant_type", "client_credentials")].into_iter().chain(scope).collect();
        exchange.token(&self.token_url, Some((&self.client_id, &self.client_secret)), &form).await
    }

    fn url(&self) -> &Url {
        &self.token_url
    }

    fn secrets(&self) -> Vec<SecretString> {
        vec![self.client_secret.clone()]
    }
}

/// Access to the service that issues tokens.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    pub(super) http: &'a Transport,
    pub(super) proxies: &'a Proxies,
    pub(super) scrub: &'a Scrubber,
    pub(super) clock: &'a Clock,
    pub(super) target: &'a dyn Target,
    pub(super) timeout: Duration,
}

impl Exchange<'_> {
    /// Posts a form, with HTTP basic authentication if an id and a secret are given, and reads the token from the
    /// response (RFC 6749, section 5.1).
    ///
    /// # Errors
    /// Returns a verdict if there is no response or the response is not a token.
    pub async fn token(
        self,
        url: &Url,
        client: Option<(&str, &SecretString)>,
        form: &[(&str, &str)],
    ) -> Result<Token, Verdict> {
        #[derive(Deserialize)]
        struct Answer {
            access_token: SecretString,
            #[serde(default)]
            expires_in: Value,
        }
        const WHAT: &str = "the token request";
        let Self { http, proxies, scrub, clock, target, timeout } = self;
        let words = target.words();
        let proxy = proxies.on_the_way_to(url);
        let unanswered = |error: reqwest::Error| of_no_answer(&error, url, proxy.as_deref(), scrub, words);
        let mut request = http.to(url).post(url.clone()).timeout(timeout);
        if let Some((id, secret)) = client {
            request = request.basic_auth(id, Some(secret.expose_secret()));
        }
        let answer = request.form(form).send().await.map_err(unanswered)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = body::read(answer, LARGEST_ANSWER, WHAT, words, &Meter::default(), unanswered).await;
        if status != StatusCode::OK {
            let asked = Asked {
                service: Service::TOKEN,
                host: url.host_str().unwrap_or_default(),
                path: WHAT,
                accepted: false,
                sorted: false,
                renewable: false,
                proxy: proxy.as_deref().filter(|_| url.scheme() == "http"),
            };
            let body = body.unwrap_or_default();
            return Err(target.judge(&Refusal::read(asked, status, &headers, &body, scrub, clock.now(), words)));
        }
        let body = body?;
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| of_malformed(WHAT, "it contains no token", without_token(&body), scrub, words))?;
        Ok(Token { value: answer.access_token, lifetime: lifetime(&answer.expires_in) })
    }
}

/// Returns the body if it can be shown, or nothing if it may contain a token.
fn without_token(body: &[u8]) -> &[u8] {
    if memchr::memmem::find(body, b"token").is_some() { b"" } else { body }
}

/// Returns a token's lifetime from `expires_in`: seconds as a number or a string. One hour if it is missing or invalid.
fn lifetime(expires_in: &Value) -> Duration {
    let seconds = match expires_in {
        Value::String(text) => text.trim().parse().ok(),
        number => number.as_f64(),
    };
    let seconds = seconds.filter(|seconds: &f64| *seconds >= 0.0).unwrap_or(3600.0);
    Duration::from_secs_f64(seconds.min(LONGEST_LIFETIME.as_secs_f64()))
}

fn bearer(token: &SecretString) -> Result<HeaderValue, ConnectorError> {
    sensitive(&format!("Bearer {}", token.expose_secret()))
}

fn sensitive(secret: &str) -> Result<HeaderValue, ConnectorError> {
    let mut value = HeaderValue::from_str(secret).map_err(|_| {
        ConnectorError::invalid_config(
            "credential.password: contains a character that is not allowed in an HTTP header",
            "enter the key again, without line breaks or spaces around it",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lifetime_is_read_as_number_or_text_and_is_an_hour_otherwise() {
        for (answered, seconds) in [
            (json!(1800), 1800),
            (json!("1800"), 1800),
            (json!(1800.0), 1800),
            (json!(0), 0),
            (json!(null), 3600),
            (json!("soon"), 3600),
            (json!(-1), 3600),
            (json!("NaN"), 3600),
            (json!(1e300), 86_400),
        ] {
            assert_eq!(lifetime(&answered).as_secs(), seconds, "{answered}");
        }
    }
}
