//! Credentials of accounts: what is known of them, and never the secret.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AccountKind;

/// A credential with which an account calls the target's API, as far as known. It never contains the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccountCredential {
    /// The kind: an API key, a client secret, ….
    pub kind: CredentialKind,
    /// The target's own id of the credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub external_id: Option<String>,
    /// The part of it that is not secret: a client id, or the beginning of a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub identifier: Option<String>,
    /// Whether it can be used now: it is allowed, and has not expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usable: Option<bool>,
    /// The target's own word for its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The target's own word for how long it is valid, such as `90 Days`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<String>,
    /// When it was created, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When it expires, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Whether it never expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub never_expires: Option<bool>,
    /// Who created it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<CredentialCreator>,
}

impl AccountCredential {
    /// Creates a credential of which only the kind is known.
    pub fn new(kind: CredentialKind) -> Self {
        Self {
            kind,
            external_id: None,
            identifier: None,
            usable: None,
            status: None,
            lifetime: None,
            created_at: None,
            expires_at: None,
            never_expires: None,
            created_by: None,
        }
    }
}

/// The kind of a credential: one of the words below, or the connector's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CredentialKind(#[schemars(length(min = 1))] Cow<'static, str>);

impl CredentialKind {
    /// A key that is sent with each request.
    pub const API_KEY: Self = Self(Cow::Borrowed("apiKey"));
    /// A client secret, which is exchanged for tokens.
    pub const CLIENT_SECRET: Self = Self(Cow::Borrowed("clientSecret"));

    /// Creates a kind from its word, in camelCase.
    pub fn new(word: impl Into<Cow<'static, str>>) -> Self {
        Self(word.into())
    }

    /// Returns the kind's word, as in JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Who created a credential, as far as the target reports it. There may be no account row: the creator may be gone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CredentialCreator {
    /// The creator's `externalId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub external_id: Option<String>,
    /// The creator's kind of account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<AccountKind>,
    /// The creator's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_not_known_of_a_credential_is_absent() {
        let mut credential = AccountCredential::new(CredentialKind::CLIENT_SECRET);
        assert_eq!(serde_json::to_string(&credential).unwrap(), r#"{"kind":"clientSecret"}"#);
        credential.identifier = Some("sa_1".to_owned());
        credential.created_by =
            Some(CredentialCreator { kind: Some(AccountKind::ADMINISTRATOR), ..CredentialCreator::default() });
        let json = serde_json::to_string(&credential).unwrap();
        assert_eq!(json, r#"{"kind":"clientSecret","identifier":"sa_1","createdBy":{"kind":"administrator"}}"#);
        assert_eq!(serde_json::from_str::<AccountCredential>(&json).unwrap(), credential);
    }
}
