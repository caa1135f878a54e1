//! The types of rows and their fields, by which a descriptor assigns data to sections.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::{NodeKind, Principal, Record};

/// The type of a row: its record kind, and its type on the target.
///
/// The latter is the `kind` of an account, the `groupType` of a group or membership, the `resourceType` of a resource,
/// the kinds of a binding's ends such as `groupToResource` (`localAccountToResource` for a local account;
/// `temporaryGroupToResource` if it expires), `privileged` or `other` for a grant, and the `policyType` of a policy.
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
    /// Creates the type `row_type` of rows of kind `record`.
    pub fn new(record: impl Into<String>, row_type: impl Into<String>) -> Self {
        Self { record: record.into(), row_type: row_type.into() }
    }

    /// Creates several types of one record kind.
    pub fn several<T: Into<String>>(record: &str, types: impl IntoIterator<Item = T>) -> Vec<Self> {
        types.into_iter().map(|row_type| Self::new(record, row_type)).collect()
    }

    /// Returns the type of a row.
    pub fn of(record: &Record) -> Self {
        Self::new(record.kind(), record.row_type())
    }
}

impl Record {
    /// Returns the `externalId` of the account that a membership or grant belongs to.
    pub(crate) fn account(&self) -> Option<&str> {
        match self {
            Self::Membership(membership) => Some(&membership.account_external_id),
            Self::Grant(grant) => match &grant.principal {
                Principal::Account { external_id, .. } => Some(external_id),
                Principal::Group { .. } => None,
            },
            _ => None,
        }
    }

    /// Returns kind and type of the rows that this one refers to, as far as it states them: both ends of a binding, the
    /// group and resource of a grant, the group of a membership.
    pub(crate) fn named(&self) -> impl Iterator<Item = (NodeKind, &str)> {
        let named = match self {
            Self::Membership(membership) => [Some((NodeKind::Group, membership.group_type.as_str())), None],
            Self::Binding(binding) => [&binding.from, &binding.to].map(|end| Some((end.kind, end.node_type.as_str()))),
            Self::Grant(grant) => {
                let group = match &grant.principal {
                    Principal::Group { group_type, .. } => Some((NodeKind::Group, group_type.as_str())),
                    Principal::Account { .. } => None,
                };
                [group, Some((NodeKind::Resource, grant.resource.resource_type.as_str()))]
            }
            // A policy is read as a whole: it is as new as its own section, whatever it refers to.
            Self::Account(_) | Self::Group(_) | Self::Resource(_) | Self::Policy(_) => [None, None],
        };
        named.into_iter().flatten()
    }
}

impl fmt::Display for RowType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.record, self.row_type)
    }
}

/// A field of the rows of one record kind, or one of their attributes; of all of these rows, or of those of one type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Field {
    /// The record's kind, such as `account`.
    pub record: String,
    /// The field's name in JSON, such as `lastLogin`. `attributes.NAME` is an attribute; in any other name a dot leads into
    /// an object, such as `mfa.required`.
    pub field: String,
    /// The type of the rows, such as `administrator`, if only these are meant.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub row_type: Option<String>,
}

impl Field {
    /// Creates a reference to a field of `record` rows.
    pub fn new(record: impl Into<String>, field: impl Into<String>) -> Self {
        Self { record: record.into(), field: field.into(), row_type: None }
    }

    /// Limits the reference to rows of one type.
    #[must_use]
    pub fn of_type(mut self, row_type: impl Into<String>) -> Self {
        self.row_type = Some(row_type.into());
        self
    }

    /// Returns whether a row is one of those meant.
    pub fn is_of(&self, record: &Record) -> bool {
        self.record == record.kind() && self.row_type.as_ref().is_none_or(|row_type| *row_type == record.row_type())
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.row_type {
            Some(row_type) => write!(f, "{} {} {}", self.record, row_type, self.field),
            None => write!(f, "{} {}", self.record, self.field),
        }
    }
}
