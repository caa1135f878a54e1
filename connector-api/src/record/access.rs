//! Accesses, and what raises them.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a principal may do with a resource: a level that all connectors share, and the target's own word.
///
/// Accesses are ordered by level, and alphabetically within one level. Only a connector knows which of two words of one
/// level allows more: see [`Descriptor::accesses`](crate::Descriptor::accesses).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Access {
    /// The level.
    pub level: AccessLevel,
    /// The target's own word, such as `login`, `sudo`, `read` or `owner`.
    #[schemars(length(min = 1))]
    pub word: Cow<'static, str>,
}

impl Access {
    /// Creates an access from a level and the target's word.
    pub fn new(level: AccessLevel, word: impl Into<Cow<'static, str>>) -> Self {
        Self { level, word: word.into() }
    }

    /// Creates the same as a constant.
    pub const fn of_word(level: AccessLevel, word: &'static str) -> Self {
        Self { level, word: Cow::Borrowed(word) }
    }
}

/// Writes the target's word, such as `sudo`.
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.word)
    }
}

/// How much an access allows, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum AccessLevel {
    /// Use or read it, such as signing in as an ordinary user.
    Use,
    /// Change its content.
    Write,
    /// Administer it: change who may do what, or everything.
    Administer,
}

impl AccessLevel {
    /// Returns the level's word, as in JSON.
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

/// The access that an account or group has on every resource of some types that it reaches, even if the binding gives
/// less.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Raises {
    /// The minimum access on those resources.
    pub access: Access,
    /// The `resourceType`s to which it applies.
    pub resource_types: Vec<String>,
    /// The word for it in [`AccessPath::raised_by`](crate::AccessPath::raised_by), if it is the account's own and
    /// raises the access of a path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raised_by: Option<String>,
}

impl Raises {
    /// Creates a raise to an access on resources of these types.
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
