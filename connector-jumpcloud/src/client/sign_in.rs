//! How to sign in: with an administrator's API key, a service account's, or a service account's token.

use connector_api::secrecy::ExposeSecret;
use connector_api::{ConnectorError, Credential};
use connector_http::header::HeaderName;
use connector_http::{Auth, ClientCredentials, Url};

use crate::options::Authentication;
use crate::rights::SignIn;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The prefix of service accounts' API keys.
const SERVICE_ACCOUNT_KEY: &str = "jcs_";

/// Signs in as the operator chose, at `token_url` if a token is needed.
///
/// # Errors
/// `invalid_config` if the client id is missing, or the key contains characters that a header cannot carry.
pub(super) fn sign_in(
    choice: Authentication,
    credential: &Credential,
    token_url: &Url,
) -> Result<(Auth, SignIn), ConnectorError> {
    let secret = credential.secret().clone();
    match choice {
        Authentication::ApiKey => {
            let of_service_account = secret.expose_secret().starts_with(SERVICE_ACCOUNT_KEY);
            let sign_in = if of_service_account { SignIn::ServiceAccountKey } else { SignIn::ApiKey };
            Ok((Auth::header(API_KEY, secret)?, sign_in))
        }
        Authentication::ServiceAccount => {
            let client_id = credential.username.clone().filter(|id| !id.is_empty()).ok_or_else(|| {
                ConnectorError::invalid_config(
                    "credential.username: the client id is missing",
                    "enter the service account's client id as user name, and its client secret as password",
                )
            })?;
            let scope = Some("api".to_owned());
            let source = ClientCredentials { token_url: token_url.clone(), client_id, client_secret: secret, scope };
            Ok((Auth::renewed(source), SignIn::ServiceAccountToken))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_service_accounts_key_is_recognised_by_its_beginning() {
        let token_url = "https://token.example/".parse().unwrap();
        let sign_in = |key: &str| {
            sign_in(Authentication::ApiKey, &Credential::from_secret(key), &token_url).map(|(_, sign_in)| sign_in)
        };
        assert_eq!(sign_in("jcs_0123"), Ok(SignIn::ServiceAccountKey));
        assert_eq!(sign_in("jca_0123"), Ok(SignIn::ApiKey));
    }
}
