//! The settings of the organisation itself.

use super::Organization;
use super::groups::cast;
use super::node::{Kind, Node};

/// A password policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Its ObjectId.
    pub id: String,
    /// Its name.
    pub name: &'static str,
    /// Whether it is the organisation's own, for everybody to whom no other one applies.
    pub default: bool,
    /// The shortest password.
    pub min_length: u64,
    /// After how many days a password ends, if it does.
    pub expires_in_days: Option<u64>,
    /// The ids of the groups to whose members it applies.
    pub groups: Vec<String>,
}

impl Organization {
    /// Whether every administrator needs a second factor.
    pub fn requires_admin_mfa(&self) -> bool {
        self.index().is_multiple_of(2)
    }

    /// The password policies, the organisation's own first.
    pub fn password_policies(&self) -> Vec<PasswordPolicy> {
        let policy = |index: u64, name, min_length, expires_in_days, groups: &[u64]| PasswordPolicy {
            id: format!("{:023x}c", index + 1),
            name,
            default: index == 0,
            min_length,
            expires_in_days,
            groups: groups.iter().map(|group| self.id(Node::new(Kind::UserGroup, *group))).collect(),
        };
        vec![
            policy(0, "Default Policy", 12, Some(90), &[]),
            policy(1, "Contractors", 14, Some(30), &[cast::CONTRACTORS, cast::VENDORS]),
            policy(2, "Break glass", 24, None, &[cast::BREAK_GLASS]),
        ]
    }
}
