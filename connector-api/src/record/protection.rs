//! What stands between an account's password and a successful sign-in.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the sign-in of an account is protected, by what it signs in to. What an account does not sign in to is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Protection {
    /// The sign-in to the portal of users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub portal: Option<SignIn>,
    /// The sign-in to the console of administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console: Option<SignIn>,
}

/// How a sign-in is protected, and what decides that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SignIn {
    /// The result.
    pub result: SignInResult,
    /// The reason, in words.
    pub reason: String,
    /// The `externalId` of each policy that decides, or that leaves the result open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
}

impl SignIn {
    /// Creates a result that no policy decides, with its reason.
    pub fn new(result: SignInResult, reason: impl Into<String>) -> Self {
        Self { result, reason: reason.into(), policies: Vec::new() }
    }
}

/// How a sign-in is protected: one of the words below, or one of a later version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SignInResult(Cow<'static, str>);

impl SignInResult {
    /// It needs a second factor.
    pub const SECOND_FACTOR: Self = Self(Cow::Borrowed("secondFactor"));
    /// It is refused.
    pub const DENIED: Self = Self(Cow::Borrowed("denied"));
    /// It succeeds without a second factor.
    pub const OPEN: Self = Self(Cow::Borrowed("open"));
    /// Another identity provider decides.
    pub const ELSEWHERE: Self = Self(Cow::Borrowed("elsewhere"));
    /// It depends on the circumstances, such as the address or the device.
    pub const DEPENDS: Self = Self(Cow::Borrowed("depends"));
    /// It is not known.
    pub const NOT_KNOWN: Self = Self(Cow::Borrowed("notKnown"));

    /// Creates a result from its word, in camelCase.
    pub fn new(word: impl Into<Cow<'static, str>>) -> Self {
        Self(word.into())
    }

    /// Returns the word, as in JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SignInResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
