//! Sections, the parts of a scan.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use tinystr::TinyAsciiStr;

use crate::error::ConnectorError;

/// One part of a scan, which is read, counted and judged by itself. Its name is a short word in camelCase.
///
/// Sections are open: the common ones are constants here, and a connector adds its own. It describes all of its
/// sections in [`Descriptor::sections`](crate::Descriptor::sections).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Section(TinyAsciiStr<{ Section::LONGEST }>);

impl Section {
    /// The maximum length of a section's word.
    pub const LONGEST: usize = 32;

    /// The directory's users.
    pub const USERS: Self = Self::of("users");
    /// The groups.
    pub const GROUPS: Self = Self::of("groups");
    /// Which account is in which group, and which group in which.
    pub const MEMBERSHIPS: Self = Self::of("memberships");
    /// The roles of the target itself, and what each may do.
    pub const ROLES: Self = Self::of("roles");
    /// The administrators of the target itself, and their roles.
    pub const ADMINISTRATORS: Self = Self::of("administrators");
    /// Service accounts of the target, and their roles.
    pub const SERVICE_ACCOUNTS: Self = Self::of("serviceAccounts");
    /// Devices.
    pub const SYSTEMS: Self = Self::of("systems");
    /// Accounts that are local to devices.
    pub const LOCAL_ACCOUNTS: Self = Self::of("localAccounts");
    /// Applications.
    pub const APPLICATIONS: Self = Self::of("applications");
    /// Directories and network services that accounts are provisioned to.
    pub const DIRECTORIES: Self = Self::of("directories");
    /// Bindings: the edges from accounts and groups to resources, and between resources.
    pub const GRANTS: Self = Self::of("grants");
    /// Access that was approved until a certain time: bindings and memberships that expire.
    pub const TEMPORARY_ACCESS: Self = Self::of("temporaryAccess");
    /// The effective access of accounts that is more than use, or temporary.
    pub const PRIVILEGED_GRANTS: Self = Self::of("privilegedGrants");
    /// All other effective access of accounts and groups.
    pub const OTHER_GRANTS: Self = Self::of("otherGrants");
    /// The settings of the organisation itself.
    pub const ORGANIZATION: Self = Self::of("organization");
    /// The policies that decide whether and how accounts may sign in, and what follows for each account.
    pub const CONDITIONAL_ACCESS: Self = Self::of("conditionalAccess");
    /// When and how accounts last signed in.
    pub const LAST_LOGIN: Self = Self::of("lastLogin");

    /// Creates a section from its word, for constants.
    ///
    /// # Panics
    /// At compile time, unless the word is 1 to 32 ASCII letters and digits, the first a lower-case letter.
    pub const fn of(word: &'static str) -> Self {
        assert!(
            is_word(word.as_bytes()),
            "a section is 1 to 32 ASCII letters and digits, the first a lower-case letter"
        );
        match TinyAsciiStr::try_from_str(word) {
            Ok(word) => Self(word),
            Err(_) => panic!("checked above"),
        }
    }

    /// Returns the section's word, as in JSON.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

const fn is_word(bytes: &[u8]) -> bool {
    if bytes.is_empty() || bytes.len() > Section::LONGEST || !bytes[0].is_ascii_lowercase() {
        return false;
    }
    let mut at = 1;
    while at < bytes.len() {
        if !bytes[at].is_ascii_alphanumeric() {
            return false;
        }
        at += 1;
    }
    true
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Section({self})")
    }
}

impl FromStr for Section {
    type Err = ConnectorError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let section = is_word(word.as_bytes()).then(|| TinyAsciiStr::try_from_str(word).ok()).flatten();
        section.map(Self).ok_or_else(|| {
            ConnectorError::invalid_config(
                "the name of a section is malformed",
                "use 1 to 32 ASCII letters and digits, the first a lower-case letter, such as lastLogin",
            )
        })
    }
}

impl TryFrom<String> for Section {
    type Error = ConnectorError;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        word.parse()
    }
}

impl From<Section> for String {
    fn from(section: Section) -> Self {
        section.as_str().to_owned()
    }
}

impl JsonSchema for Section {
    fn schema_name() -> Cow<'static, str> {
        "Section".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[a-z][A-Za-z0-9]{0,31}$",
            "description": "One part of a scan, which is read, counted and judged by itself.",
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_section_is_a_short_word_and_nothing_else() {
        assert_eq!("lastLogin".parse::<Section>().unwrap(), Section::LAST_LOGIN);
        assert_eq!("devicePolicies2".parse::<Section>().unwrap().as_str(), "devicePolicies2");
        for word in ["", "Users", "last login", "last_login", "größe", &"a".repeat(33), "users\n"] {
            assert!(word.parse::<Section>().is_err(), "{word:?}");
        }
        assert_eq!(serde_json::to_string(&Section::USERS).unwrap(), r#""users""#);
        assert!(serde_json::from_str::<Section>(r#""no section""#).is_err());
    }
}
