//! How requests are signed: an API key, or a service account's token.

use std::time::Duration;

use connector_api::{ConnectorError, ErrorCode};
use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::failure::{self, Again, Failure};
use super::text::Scrubber;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

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
        let status = answer.status();
        if !status.is_success() {
            let again = if status.is_server_error() || status.as_u16() == 429 { Again::Later } else { Again::Never };
            let error = ConnectorError::new(
                if again == Again::Later { ErrorCode::ServerError } else { ErrorCode::Unauthorized },
                format!("{host} answered {} and gave no token", status.as_u16()),
                "check client id and client secret of the service account, its expiry, and jumpcloudTokenUrl",
            );
            return Err(Failure::new(error, again));
        }
        let body = answer.bytes().await.map_err(|error| failure::transport(&error, host))?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| {
            let error = failure::malformed("the token request", "it is not a token", b"", scrub);
            Failure::new(error, Again::Later)
        })?;
        let lifetime = Duration::from_secs(answer.expires_in.unwrap_or(3600));
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
