//! Policies: what decides whether and how an account may sign in.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NodeRef;
use crate::Attributes;

/// A rule that decides whether and how accounts may sign in. Identity: `externalId`.
///
/// A policy is reported as it was configured, one row each; who is in its groups follows from the memberships. It is
/// enforced if it is `enabled` and not `monitorOnly`. What follows for one account is in its
/// [`protection`](crate::Account::protection), and `connector-access` computes it for any target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Policy {
    /// The target's own immutable id, unique among policies of all types.
    #[schemars(length(min = 1))]
    pub external_id: String,
    /// The type, such as `conditionalAccess`.
    #[schemars(length(min = 1))]
    pub policy_type: String,
    /// The display name.
    pub name: String,
    /// Whether it is in force; absent if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether it only reports what it would do, and enforces nothing; absent if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor_only: Option<bool>,
    /// Its position in the target's own order, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// What happens at a sign-in that it applies to.
    pub effect: PolicyEffect,
    /// The accounts that it applies to.
    pub subjects: PolicySubjects,
    /// What these accounts sign in to.
    pub targets: PolicyTargets,
    /// The conditions under which it applies, in words. Absent if it always applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<String>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Everything else that the target reports of it.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

impl Policy {
    /// Creates a policy from id, type, name and effect; it applies to nobody, and everything else is unknown.
    pub fn new(
        external_id: impl Into<String>,
        policy_type: impl Into<String>,
        name: impl Into<String>,
        effect: PolicyEffect,
    ) -> Self {
        let (external_id, policy_type, name) = (external_id.into(), policy_type.into(), name.into());
        Self { external_id, policy_type, name, effect, ..Self::default() }
    }
}

/// What a policy does: one of the words below, or the target's own. What another word means is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PolicyEffect(Cow<'static, str>);

impl PolicyEffect {
    /// The sign-in succeeds without a second factor.
    pub const ALLOW: Self = Self(Cow::Borrowed("allow"));
    /// The sign-in is refused.
    pub const DENY: Self = Self(Cow::Borrowed("deny"));
    /// The sign-in needs a second factor.
    pub const REQUIRE_SECOND_FACTOR: Self = Self(Cow::Borrowed("requireSecondFactor"));
    /// It could not be read.
    pub const NOT_KNOWN: Self = Self(Cow::Borrowed("notKnown"));

    /// Creates an effect from its word, in camelCase.
    pub fn new(word: impl Into<Cow<'static, str>>) -> Self {
        Self(word.into())
    }

    /// Returns the word, as in JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// It could not be read.
impl Default for PolicyEffect {
    fn default() -> Self {
        Self::NOT_KNOWN
    }
}

impl fmt::Display for PolicyEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The accounts that a policy applies to: those included and not excluded. A group stands for its direct and indirect
/// members.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PolicySubjects {
    /// Whether all accounts are included.
    pub everyone: bool,
    /// The accounts and groups that are included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included: Vec<NodeRef>,
    /// The accounts and groups that are excluded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<NodeRef>,
    /// Accounts included by a field, if one of these fits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_by: Vec<AccountFilter>,
    /// Accounts excluded by a field, if one of these fits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_by: Vec<AccountFilter>,
    /// Whether further accounts are included in a way that could not be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_included: bool,
    /// Whether further accounts are excluded in a way that could not be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_excluded: bool,
}

/// Accounts by the value of one of their fields on the target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AccountFilter {
    /// The target's name of the field.
    pub field: String,
    /// The target's word for the comparison, such as `EQ`.
    pub operator: String,
    /// The value, as text.
    pub value: String,
}

impl AccountFilter {
    /// Creates a filter from field, operator and value.
    pub fn new(field: impl Into<String>, operator: impl Into<String>, value: impl Into<String>) -> Self {
        Self { field: field.into(), operator: operator.into(), value: value.into() }
    }
}

/// What a policy decides the sign-in to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PolicyTargets {
    /// What is included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included: Vec<SignInTarget>,
    /// The resources, such as applications, that are excluded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<NodeRef>,
}

/// What an account signs in to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SignInTarget {
    /// The kind.
    pub kind: SignInKind,
    /// The resource; absent for all of the kind, or if there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<NodeRef>,
}

impl SignInTarget {
    /// Creates a target that stands for all of a kind.
    pub const fn all(kind: SignInKind) -> Self {
        Self { kind, resource: None }
    }

    /// Creates a target that is one resource.
    pub fn one(kind: SignInKind, resource: impl Into<NodeRef>) -> Self {
        Self { kind, resource: Some(resource.into()) }
    }
}

/// The kind of a [`SignInTarget`]: one of the words below, or the target's own. What another word covers is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SignInKind(Cow<'static, str>);

impl SignInKind {
    /// The portal of users.
    pub const PORTAL: Self = Self(Cow::Borrowed("portal"));
    /// The console of administrators.
    pub const CONSOLE: Self = Self(Cow::Borrowed("console"));
    /// LDAP.
    pub const LDAP: Self = Self(Cow::Borrowed("ldap"));
    /// An application.
    pub const APPLICATION: Self = Self(Cow::Borrowed("application"));
    /// It could not be read.
    pub const NOT_KNOWN: Self = Self(Cow::Borrowed("notKnown"));

    /// Creates a kind from its word, in camelCase.
    pub fn new(word: impl Into<Cow<'static, str>>) -> Self {
        Self(word.into())
    }

    /// Returns the word, as in JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it is one of the known words.
    pub fn is_known(&self) -> bool {
        [Self::PORTAL, Self::CONSOLE, Self::LDAP, Self::APPLICATION].contains(self)
    }
}

impl fmt::Display for SignInKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{NodeKind, Record};

    #[test]
    fn a_policy_states_whom_it_applies_to_and_what_it_decides() {
        let mut policy = Policy::new("p1", "conditionalAccess", "Not from outside", PolicyEffect::DENY);
        policy.enabled = Some(true);
        policy.subjects.everyone = true;
        policy.subjects.excluded = vec![NodeRef::new(NodeKind::Group, "CREW", "g1")];
        policy.targets.included = vec![SignInTarget::all(SignInKind::PORTAL)];
        policy.conditions = Some("not from an address in \"Office\"".into());
        let json = serde_json::to_value(Record::from(policy.clone())).unwrap();
        let expected = serde_json::json!({
            "record": "policy",
            "externalId": "p1",
            "policyType": "conditionalAccess",
            "name": "Not from outside",
            "enabled": true,
            "effect": "deny",
            "subjects": {"everyone": true, "excluded": [{"kind": "group", "type": "CREW", "externalId": "g1"}]},
            "targets": {"included": [{"kind": "portal"}]},
            "conditions": "not from an address in \"Office\"",
        });
        assert_eq!(json, expected);
        assert_eq!(Record::from(policy.clone()).key().as_str(), "policy/p1");
        assert_eq!(serde_json::from_value::<Record>(json).unwrap(), policy.into());
    }
}
