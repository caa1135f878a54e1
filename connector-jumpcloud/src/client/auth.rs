//! How requests are signed: an API key, or a service account's token.

use std::time::Duration;

use connector_api::{ConnectorError, ErrorCode};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::body;
use super::clock::Clock;
use super::failure::{self, Again, Failure};
use super::meter::Meter;
use super::text::Scrubber;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

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

    /// Whether a 401 may be cured by a fresh token.
    pub(crate) fn can_renew(&self) -> bool {
        matches!(self, Self::ServiceAccount(_))
    }

    /// Signs a request, fetching a token first where one is needed.
    pub(crate) async fn sign(
        &self,
        request: RequestBuilder,
        http: &reqwest::Client,
        scrub: &Scrubber,
    ) -> Result<RequestBuilder, Failure> {
        let never = |error| Failure::new(error, Again::Never);
        match self {
            Self::ApiKey(key) => Ok(request.header(API_KEY, header(key.expose_secret()).map_err(never)?)),
            Self::ServiceAccount(account) => {
                let token = account.token(http, scrub).await?;
                let value = header(&format!("Bearer {}", token.expose_secret())).map_err(never)?;
                Ok(request.header(AUTHORIZATION, value))
            }
        }
    }

    /// What signs requests now, besides the credential itself: it must not show either.
    pub(crate) async fn token(&self) -> Option<SecretString> {
        match self {
            Self::ApiKey(_) => None,
            Self::ServiceAccount(account) => account.token.lock().await.as_ref().map(|token| token.value.clone()),
        }
    }

    /// Drops the token, so that the next request fetches another.
    pub(crate) async fn renew(&self) {
        if let Self::ServiceAccount(account) = self {
            *account.token.lock().await = None;
        }
    }
}

impl ServiceAccount {
    /// The current token; one request fetches it while the others wait for it.
    async fn token(&self, http: &reqwest::Client, scrub: &Scrubber) -> Result<SecretString, Failure> {
        let mut current = self.token.lock().await;
        if let Some(token) = current.as_ref()
            && Instant::now() < token.renew_at
        {
            return Ok(token.value.clone());
        }
        let token = self.fetch(http, scrub).await?;
        Ok(current.insert(token).value.clone())
    }

    async fn fetch(&self, http: &reqwest::Client, scrub: &Scrubber) -> Result<Token, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            access_token: SecretString,
            expires_in: Option<u64>,
        }
        let host = self.token_url.host_str().unwrap_or_default();
        let answer = http
            .post(self.token_url.clone())
            .basic_auth(&self.client_id, Some(self.client_secret.expose_secret()))
            .form(&[("grant_type", "client_credentials"), ("scope", "api")])
            .send()
            .await
            .map_err(|error| failure::transport(&error, host))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = body::read(answer, LARGEST_ANSWER, "the token request", host, &Meter::default()).await;
        if status != StatusCode::OK {
            let failure = failure::status(
                status,
                &headers,
                &body.unwrap_or_default(),
                host,
                "the token request",
                scrub,
                &Clock::start(),
            );
            if failure.again != Again::WithNewToken && status != StatusCode::BAD_REQUEST {
                return Err(failure);
            }
            let error = ConnectorError::new(
                ErrorCode::Unauthorized,
                format!("{host} answered {} and gave no token", status.as_u16()),
                "check client id and client secret of the service account, its expiry, and jumpcloudTokenUrl",
            );
            return Err(Failure::new(error, Again::Never));
        }
        let body = body?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| {
            let error = failure::malformed("the token request", "it is not a token", b"", scrub);
            Failure::new(error, Again::Later)
        })?;
        let lifetime = Duration::from_secs(answer.expires_in.unwrap_or(3600)).min(LONGEST_LIFETIME);
        let margin = MARGIN.min(lifetime / 2);
        Ok(Token { value: answer.access_token, renew_at: Instant::now() + lifetime - margin })
    }
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
