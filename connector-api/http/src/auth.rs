//! How requests are signed: a header with a key, or a bearer token, which may have to be fetched and renewed.

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
use super::unanswered::of_no_answer;
use super::verdict::Verdict;

/// No answer with a token is larger, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;

/// A token is not kept longer, whatever its answer says.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A token is renewed this long before it ends.
const MARGIN: Duration = Duration::from_secs(60);

/// How requests are signed.
#[derive(Debug)]
pub struct Auth(Kind);

#[derive(Debug)]
enum Kind {
    /// The same header in every request.
    Header { name: HeaderName, value: HeaderValue, secret: SecretString },
    /// A bearer token that is fetched, and again before it ends or when it is refused.
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

/// A bearer token as it was handed out.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token itself.
    pub value: SecretString,
    /// For how long it may be used.
    pub lifetime: Duration,
}

/// Where bearer tokens come from.
#[async_trait]
pub trait TokenSource: Debug + Send + Sync + 'static {
    /// Fetches a token. It is called again before the token ends, or when it was refused.
    async fn fetch(&self, exchange: Exchange<'_>) -> Result<Token, Verdict>;

    /// Where it asks, for the proxy and the rule on plain HTTP.
    fn url(&self) -> &Url;

    /// What must not show.
    fn secrets(&self) -> Vec<SecretString>;
}

impl Auth {
    /// Every request carries the key in this header.
    ///
    /// # Errors
    /// `invalid_config` when the key holds characters that no header can carry.
    pub fn header(name: HeaderName, key: SecretString) -> Result<Self, ConnectorError> {
        let value = sensitive(key.expose_secret())?;
        Ok(Self(Kind::Header { name, value, secret: key }))
    }

    /// Every request carries the same bearer token.
    ///
    /// # Errors
    /// `invalid_config` when the token holds characters that no header can carry.
    pub fn bearer(token: SecretString) -> Result<Self, ConnectorError> {
        let value = bearer(&token)?;
        Ok(Self(Kind::Header { name: AUTHORIZATION, value, secret: token }))
    }

    /// Requests carry a bearer token that is fetched from a source, and renewed.
    pub fn renewed(source: impl TokenSource) -> Self {
        Self(Kind::Renewed(Box::new(Renewed { source: Box::new(source), current: Mutex::new(None) })))
    }

    /// Signs a request, fetching a token first where one is needed. The token that signs it is returned: a refusal means
    /// that one, and the answer must not show it.
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

    /// Drops a token that was refused, so that the next request fetches another; one that replaced it already stays.
    pub(super) async fn discard(&self, refused: &SecretString) {
        if let Kind::Renewed(renewed) = &self.0 {
            let mut current = renewed.current.lock().await;
            if current.as_ref().is_some_and(|token| token.value.expose_secret() == refused.expose_secret()) {
                *current = None;
            }
        }
    }

    /// Where tokens come from, if they are fetched.
    pub(super) fn token_url(&self) -> Option<&Url> {
        match &self.0 {
            Kind::Header { .. } => None,
            Kind::Renewed(renewed) => Some(renewed.source.url()),
        }
    }

    /// What must not show.
    pub(super) fn secrets(&self) -> Vec<SecretString> {
        match &self.0 {
            Kind::Header { secret, .. } => vec![secret.clone()],
            Kind::Renewed(renewed) => renewed.source.secrets(),
        }
    }
}

impl Renewed {
    /// The current token; one request fetches it while the others wait for it.
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

/// OAuth 2.0 client credentials (RFC 6749, section 4.4): the client's id and secret for a token.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// Where the token is fetched, as [`origin`](super::address::origin) gave it, with its path.
    pub token_url: Url,
    /// The client's id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// The scope to ask for, if any.
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

/// How a source reaches the service that hands out tokens.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    pub(super) http: &'a reqwest::Client,
    pub(super) proxies: &'a Proxies,
    pub(super) scrub: &'a Scrubber,
    pub(super) clock: &'a Clock,
    pub(super) target: &'a dyn Target,
    pub(super) timeout: Duration,
}

impl Exchange<'_> {
    /// Posts a form, signed with an id and a secret where they are given, and reads the token from the answer (RFC 6749,
    /// section 5.1).
    ///
    /// # Errors
    /// The target's verdict on an answer that is no token.
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
        let mut request = http.post(url.clone()).timeout(timeout);
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
            .map_err(|_| of_malformed(WHAT, "it is not a token", without_token(&body), scrub, words))?;
        Ok(Token { value: answer.access_token, lifetime: lifetime(&answer.expires_in) })
    }
}

/// A body that may be shown, since it holds no token.
fn without_token(body: &[u8]) -> &[u8] {
    if memchr::memmem::find(body, b"token").is_some() { b"" } else { body }
}

/// For how long a token may be used, from `expires_in`: seconds as a number, or as text.
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
            "credential.password: holds a character that an HTTP header cannot carry",
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
