//! What an access allows, and what raises it.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What somebody may do with a resource: how much, on a scale that all connectors share, and the target's own word.
///
/// The order is by level, and among words of one level by the alphabet. Which of two words of one level allows more, a
/// connector alone knows: [`Descriptor::accesses`](crate::Descriptor::accesses) lists them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Access {
    /// How much it allows.
    pub level: AccessLevel,
    /// The target's own word, such as `login`, `sudo`, `read` or `owner`.
    #[schemars(length(min = 1))]
    pub word: Cow<'static, str>,
}

impl Access {
    /// An access of a level, by the target's word.
    pub fn new(level: AccessLevel, word: impl Into<Cow<'static, str>>) -> Self {
        Self { level, word: word.into() }
    }

    /// The same as a constant.
    pub const fn of_word(level: AccessLevel, word: &'static str) -> Self {
        Self { level, word: Cow::Borrowed(word) }
    }
}

/// The word, as in `sudo`.
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.word)
    }
}

/// How much an access allows, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum AccessLevel {
    /// Use it, or read it: sign in as an ordinary user.
    Use,
    /// Change what it holds.
    Write,
    /// Administer it: change who may do what, or everything.
    Administer,
}

impl AccessLevel {
    /// The level's word, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Use => "use",
            Self::Write => "write",
            Self::Administer => "administer",
        }
    }
}

impl fmt::Display for AccessLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What an account or group has in itself on every resource of some types that it reaches, however little the binding
/// gives.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Raises {
    /// The least that it has there.
    pub access: Access,
    /// The `resourceType`s that this is so of.
    pub resource_types: Vec<String>,
    /// The word for it in [`AccessPath::raised_by`](crate::AccessPath::raised_by), where an account's own raises the access
    /// of a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raised_by: Option<String>,
}

impl Raises {
    /// Raises to an access on resources of these types.
    pub fn new(access: Access, resource_types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { access, resource_types: resource_types.into_iter().map(Into::into).collect(), raised_by: None }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_access_is_its_level_and_the_targets_word_and_ordered_by_the_level_first() {
        let sudo = Access::new(AccessLevel::Administer, "sudo".to_owned());
        let json = serde_json::to_string(&sudo).unwrap();
        assert_eq!(json, r#"{"level":"administer","word":"sudo"}"#);
        assert_eq!(serde_json::from_str::<Access>(&json).unwrap(), Access::of_word(AccessLevel::Administer, "sudo"));
        assert!(Access::new(AccessLevel::Use, "z") < Access::new(AccessLevel::Write, "a"));
        assert!(Access::new(AccessLevel::Write, "z") < sudo);
    }

    #[test]
    fn the_words_of_levels_are_their_json() {
        for level in [AccessLevel::Use, AccessLevel::Write, AccessLevel::Administer] {
            assert_eq!(serde_json::to_value(level).unwrap(), level.as_str());
        }
    }
}
