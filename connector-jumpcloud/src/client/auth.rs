//! How requests are signed: an API key, or a service account's token.

use std::time::Duration;

use connector_api::ConnectorError;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::body;
use super::clock::Clock;
use super::meter::Meter;
use super::proxy::Proxies;
use super::text::Scrubber;
use super::verdict::{self, Asked, Service, Verdict};
use crate::rights::SignIn;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// How the API keys of service accounts begin.
const SERVICE_ACCOUNT_KEY: &str = "jcs_";

/// No answer with a token is larger.
const LARGEST_ANSWER: usize = 64 * 1024;

/// A token is not kept longer, whatever its answer says.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A token is renewed this long before it ends.
const MARGIN: Duration = Duration::from_secs(60);

/// How requests are signed.
#[derive(Debug)]
pub(crate) enum Auth {
    /// `x-api-key`.
    ApiKey(SecretString),
    /// OAuth 2.0 client credentials.
    ServiceAccount(Box<ServiceAccount>),
}

#[derive(Debug)]
pub(crate) struct ServiceAccount {
    client_id: String,
    client_secret: SecretString,
    token_url: Url,
    token: Mutex<Option<Token>>,
}

#[derive(Debug, Clone)]
struct Token {
    value: SecretString,
    renew_at: Instant,
}

/// How the client reaches the token host, and what must not show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach<'a> {
    pub(crate) http: &'a reqwest::Client,
    pub(crate) proxies: &'a Proxies,
    pub(crate) scrub: &'a Scrubber,
    pub(crate) clock: &'a Clock,
}

impl Auth {
    /// # Errors
    /// `invalid_config` when the key holds characters that no header can carry.
    pub(crate) fn api_key(key: SecretString) -> Result<Self, ConnectorError> {
        header(key.expose_secret())?;
        Ok(Self::ApiKey(key))
    }

    pub(crate) fn service_account(client_id: String, client_secret: SecretString, token_url: Url) -> Self {
        Self::ServiceAccount(Box::new(ServiceAccount { client_id, client_secret, token_url, token: Mutex::new(None) }))
    }

    pub(crate) fn sign_in(&self) -> SignIn {
        match self {
            Self::ApiKey(key) if key.expose_secret().starts_with(SERVICE_ACCOUNT_KEY) => SignIn::ServiceAccountKey,
            Self::ApiKey(_) => SignIn::ApiKey,
            Self::ServiceAccount(_) => SignIn::ServiceAccountToken,
        }
    }

    /// Signs a request, fetching a token first where one is needed. The token that signs it is returned: a refusal means
    /// that one, and the answer must not show it.
    pub(crate) async fn sign(
        &self,
        request: RequestBuilder,
        reach: Reach<'_>,
    ) -> Result<(RequestBuilder, Option<SecretString>), Verdict> {
        match self {
            Self::ApiKey(key) => {
                let value = header(key.expose_secret()).map_err(Verdict::fail)?;
                Ok((request.header(API_KEY, value), None))
            }
            Self::ServiceAccount(account) => {
                let token = account.token(reach).await?;
                let value = header(&format!("Bearer {}", token.expose_secret())).map_err(Verdict::fail)?;
                Ok((request.header(AUTHORIZATION, value), Some(token)))
            }
        }
    }

    /// Drops a token that was refused, so that the next request fetches another; one that replaced it already stays.
    pub(crate) async fn discard(&self, refused: &SecretString) {
        if let Self::ServiceAccount(account) = self {
            let mut current = account.token.lock().await;
            if current.as_ref().is_some_and(|token| token.value.expose_secret() == refused.expose_secret()) {
                *current = None;
            }
        }
    }
}

impl ServiceAccount {
    /// The current token; one request fetches it while the others wait for it.
    async fn token(&self, reach: Reach<'_>) -> Result<SecretString, Verdict> {
        let mut current = self.token.lock().await;
        if let Some(token) = current.as_ref()
            && Instant::now() < token.renew_at
        {
            return Ok(token.value.clone());
        }
        let token = self.fetch(reach).await?;
        Ok(current.insert(token).value.clone())
    }

    async fn fetch(&self, reach: Reach<'_>) -> Result<Token, Verdict> {
        #[derive(Deserialize)]
        struct Answer {
            access_token: SecretString,
            #[serde(default)]
            expires_in: Value,
        }
        const WHAT: &str = "the token request";
        let Reach { http, proxies, scrub, clock } = reach;
        let host = self.token_url.host_str().unwrap_or_default();
        let proxy = proxies.on_the_way_to(&self.token_url);
        let unanswered = |error: reqwest::Error| verdict::of_no_answer(&error, &self.token_url, proxy.as_deref());
        let answer = http
            .post(self.token_url.clone())
            .basic_auth(&self.client_id, Some(self.client_secret.expose_secret()))
            .form(&[("grant_type", "client_credentials"), ("scope", "api")])
            .send()
            .await
            .map_err(unanswered)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = body::read(answer, LARGEST_ANSWER, WHAT, &Meter::default(), unanswered).await;
        if status != StatusCode::OK {
            let asked = Asked {
                service: Service::Token,
                host,
                path: WHAT,
                sign_in: SignIn::ServiceAccountToken,
                accepted: false,
                sorted: false,
                proxy: proxy.as_deref().filter(|_| self.token_url.scheme() == "http"),
            };
            let body = body.unwrap_or_default();
            return Err(verdict::of_answer(&asked, status, &headers, &body, scrub, clock.now()));
        }
        let body = body?;
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| verdict::of_malformed(WHAT, "it is not a token", without_token(&body), scrub))?;
        let margin = MARGIN.min(lifetime(&answer.expires_in) / 2);
        let renew_at = Instant::now() + lifetime(&answer.expires_in) - margin;
        Ok(Token { value: answer.access_token, renew_at })
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

fn header(secret: &str) -> Result<HeaderValue, ConnectorError> {
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
        for (told, seconds) in [
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
            assert_eq!(lifetime(&told).as_secs(), seconds, "{told}");
        }
    }

    #[test]
    fn a_service_accounts_key_is_told_by_its_beginning() {
        let sign_in = |key: &str| Auth::api_key(key.to_owned().into()).map(|auth| auth.sign_in());
        assert_eq!(sign_in("jcs_0123"), Ok(SignIn::ServiceAccountKey));
        assert_eq!(sign_in("jca_0123"), Ok(SignIn::ApiKey));
    }
}
