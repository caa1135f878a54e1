//! The parts of a scan: how a connector describes them, and which rows and fields come from which.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use tinystr::TinyAsciiStr;

use crate::error::ConnectorError;
use crate::record::Record;

/// One part of a scan that is read, counted and judged by itself: a short word in camelCase.
///
/// Sections are open. The common ones are constants here; a connector adds its own and describes all that it has in
/// [`Descriptor::sections`](crate::Descriptor::sections).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Section(TinyAsciiStr<{ Section::LONGEST }>);

impl Section {
    /// The most letters that a section's word may have.
    pub const LONGEST: usize = 32;

    /// The directory's users.
    pub const USERS: Self = Self::of("users");
    /// The groups.
    pub const GROUPS: Self = Self::of("groups");
    /// Which account is in which group, and which group in which.
    pub const MEMBERSHIPS: Self = Self::of("memberships");
    /// The administrators of the target itself, and their roles.
    pub const ADMINISTRATORS: Self = Self::of("administrators");
    /// Service accounts of the target, and their roles.
    pub const SERVICE_ACCOUNTS: Self = Self::of("serviceAccounts");
    /// Devices.
    pub const SYSTEMS: Self = Self::of("systems");
    /// Applications.
    pub const APPLICATIONS: Self = Self::of("applications");
    /// Directories and network services that accounts are provisioned to.
    pub const DIRECTORIES: Self = Self::of("directories");
    /// What somebody was bound to: the edges from accounts and groups to things, and between things.
    pub const GRANTS: Self = Self::of("grants");
    /// What accounts effectively reach with more than use, or for a time.
    pub const PRIVILEGED_GRANTS: Self = Self::of("privilegedGrants");
    /// What else accounts and groups effectively reach.
    pub const OTHER_GRANTS: Self = Self::of("otherGrants");
    /// When and how accounts last signed in.
    pub const LAST_LOGIN: Self = Self::of("lastLogin");

    /// The section of a word, for constants.
    ///
    /// # Panics
    /// While compiling, when the word is not 1 to 32 ASCII letters and digits, the first a small letter.
    pub const fn of(word: &'static str) -> Self {
        assert!(is_word(word.as_bytes()), "a section is 1 to 32 ASCII letters and digits, the first a small letter");
        match TinyAsciiStr::try_from_str(word) {
            Ok(word) => Self(word),
            Err(_) => panic!("checked above"),
        }
    }

    /// The section's word, as in JSON.
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
                "a section is named by something else than a word",
                "a section is 1 to 32 ASCII letters and digits, the first a small letter, such as lastLogin",
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
            "description": "One part of a scan that is read, counted and judged by itself.",
        })
    }
}

/// What a connector says of one of its sections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SectionDescription {
    /// Its word.
    pub section: Section,
    /// Its name for people, such as `Last logins`.
    pub title: String,
    /// Whether a scan without it, whole, is a failed scan.
    #[serde(default)]
    pub core: bool,
    /// What it discovers.
    pub data: String,
    /// Where that comes from.
    pub source: String,
    /// What it costs, in requests.
    pub cost: String,
    /// What the credential must be allowed to do for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rights: Vec<String>,
    /// The rows that come from it. No other section of the connector has rows of these types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owns: Vec<RowType>,
    /// The fields that it fills in in rows of other sections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fills_in: Vec<Field>,
}

impl SectionDescription {
    /// A section that is not core, with what it discovers, where from, and at what cost.
    pub fn new(
        section: Section,
        title: impl Into<String>,
        data: impl Into<String>,
        source: impl Into<String>,
        cost: impl Into<String>,
    ) -> Self {
        Self {
            section,
            title: title.into(),
            core: false,
            data: data.into(),
            source: source.into(),
            cost: cost.into(),
            rights: Vec::new(),
            owns: Vec::new(),
            fills_in: Vec::new(),
        }
    }

    /// The same section, without which a scan fails.
    #[must_use]
    pub fn core(mut self) -> Self {
        self.core = true;
        self
    }

    /// The same section with the rows of these types in addition.
    #[must_use]
    pub fn owning(mut self, types: impl IntoIterator<Item = RowType>) -> Self {
        self.owns.extend(types);
        self
    }

    /// The same section, which fills in these fields in rows of other sections.
    #[must_use]
    pub fn filling_in(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.fills_in.extend(fields);
        self
    }

    /// The same section, for which the credential needs these rights.
    #[must_use]
    pub fn needing(mut self, rights: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.rights.extend(rights.into_iter().map(Into::into));
        self
    }
}

/// The type of a row: its record kind, and what it is to the target.
///
/// The second is the `kind` of an account; the `groupType` of a group or membership; the `resourceType` of a resource;
/// the kinds of a binding's ends, such as `groupToResource`; and `privileged` or `other` of a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RowType {
    /// The record's kind, such as `account`.
    pub record: String,
    /// Its type, such as `administrator`.
    #[serde(rename = "type")]
    pub row_type: String,
}

impl RowType {
    /// The rows of `record` that are of `row_type`.
    pub fn new(record: impl Into<String>, row_type: impl Into<String>) -> Self {
        Self { record: record.into(), row_type: row_type.into() }
    }

    /// Rows of one record kind and several types.
    pub fn several<T: Into<String>>(record: &str, types: impl IntoIterator<Item = T>) -> Vec<Self> {
        types.into_iter().map(|row_type| Self::new(record, row_type)).collect()
    }

    /// The type of a row.
    pub fn of(record: &Record) -> Self {
        Self::new(record.kind(), record.row_type())
    }

    /// Whether a row is of this type.
    pub fn is_of(&self, record: &Record) -> bool {
        self.record == record.kind() && self.row_type == record.row_type()
    }
}

impl fmt::Display for RowType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.record, self.row_type)
    }
}

/// A field of the rows of one record kind, or one of their attributes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Field {
    /// The record's kind, such as `account`.
    pub record: String,
    /// The field's name in JSON, such as `lastLogin`; `attributes.NAME` is an attribute.
    pub field: String,
}

impl Field {
    /// The field of that name in rows of `record`.
    pub fn new(record: impl Into<String>, field: impl Into<String>) -> Self {
        Self { record: record.into(), field: field.into() }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.record, self.field)
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
