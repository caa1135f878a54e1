//! Conditional access policies, and what follows from them for those who sign in.

use std::collections::BTreeSet;

use super::groups::cast as group;
use super::node::{Kind, Node};
use super::users::cast as user;
use super::{Administrator, Organization, User};

/// A conditional access policy.
#[derive(Clone, Copy, Debug)]
pub struct AuthnPolicy {
    /// Its place in the list.
    pub index: u64,
    /// Its name.
    pub name: &'static str,
    /// What it is for: `user_portal`, `admin_portal`, `application` or `ldap`.
    pub kind: &'static str,
    /// What it does.
    pub effect: AuthnEffect,
    /// Whether it is switched off.
    pub disabled: bool,
    /// Whether it only reports what it would do.
    pub monitor_only: bool,
    /// Whether everybody is included.
    pub everyone: bool,
    /// Indices of the users that are included.
    pub users: &'static [u64],
    /// Indices of the groups that are included.
    pub groups: &'static [u64],
    /// Indices of the groups that are excluded.
    pub excluded_groups: &'static [u64],
    /// Whether the accounts with which LDAP clients bind are excluded.
    pub spares_ldap_binding: bool,
    /// The index of the application that it is for, if it is for one.
    pub application: Option<u64>,
    /// Indices of the applications that are excluded.
    pub excluded_applications: &'static [u64],
    /// When it applies; `None` for always.
    pub condition: Option<AuthnCondition>,
}

/// What a conditional access policy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthnEffect {
    /// It lets in without a second factor.
    Allow,
    /// It lets in with a second factor.
    AllowWithFactor,
    /// It lets nobody in.
    Deny,
}

/// When a conditional access policy applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthnCondition {
    /// From elsewhere than the addresses of a list, by its index.
    OutsideOf(u64),
    /// On a device that is not managed, or not encrypted, or from elsewhere than these countries.
    UntrustedDevice(&'static [&'static str]),
}

/// How a sign-in ends, as far as the policies and the account's own setting say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignInTruth {
    /// It needs a second factor.
    SecondFactor,
    /// It is refused.
    Denied,
    /// It needs none.
    Open,
    /// It depends on where it comes from.
    Depends,
    /// Policies disagree, or contradict an exemption.
    NotKnown,
}

/// Names and addresses of the lists in the conditions.
pub(crate) const IP_LISTS: [(&str, &[&str]); 2] =
    [("Offices", &["198.51.100.0/24", "203.0.113.7"]), ("Data centre", &["192.0.2.0-192.0.2.63"])];

const OUTSIDE_OFFICES: Option<AuthnCondition> = Some(AuthnCondition::OutsideOf(0));

/// A policy for some users of the portal, always in force.
const PORTAL: AuthnPolicy = AuthnPolicy {
    index: 0,
    name: "",
    kind: "user_portal",
    effect: AuthnEffect::AllowWithFactor,
    disabled: false,
    monitor_only: false,
    everyone: false,
    users: &[],
    groups: &[],
    excluded_groups: &[],
    spares_ldap_binding: false,
    application: None,
    excluded_applications: &[],
    condition: None,
};

/// The policies, in the order of the list.
const POLICIES: [AuthnPolicy; 11] = [
    AuthnPolicy {
        name: "Contractors give a second factor outside the office",
        groups: &[group::CONTRACTORS, group::HELP_DESK],
        condition: OUTSIDE_OFFICES,
        ..PORTAL
    },
    AuthnPolicy {
        name: "Domain administrators always give a second factor",
        groups: &[group::DOMAIN_ADMINS],
        excluded_groups: &[group::BREAK_GLASS],
        ..PORTAL
    },
    AuthnPolicy {
        name: "Production needs a second factor",
        groups: &[group::PRODUCTION_ROOT],
        excluded_groups: &[group::BREAK_GLASS],
        ..PORTAL
    },
    AuthnPolicy {
        name: "No second factor on call",
        effect: AuthnEffect::Allow,
        groups: &[group::SRE_ON_CALL],
        ..PORTAL
    },
    AuthnPolicy {
        name: "Left the company, or in quarantine",
        effect: AuthnEffect::Deny,
        users: &[user::SUSPENDED_BUT_BOUND],
        groups: &[group::QUARANTINE],
        ..PORTAL
    },
    AuthnPolicy { name: "Second factor for everybody (trial)", everyone: true, monitor_only: true, ..PORTAL },
    AuthnPolicy {
        name: "Nobody from abroad (draft)",
        effect: AuthnEffect::Deny,
        everyone: true,
        disabled: true,
        condition: Some(AuthnCondition::UntrustedDevice(&["DE", "CH"])),
        ..PORTAL
    },
    AuthnPolicy {
        name: "Finance from trusted devices only",
        kind: "application",
        effect: AuthnEffect::Deny,
        everyone: true,
        application: Some(9),
        condition: Some(AuthnCondition::UntrustedDevice(&["DE", "CH"])),
        ..PORTAL
    },
    AuthnPolicy {
        name: "Applications need a second factor",
        kind: "application",
        everyone: true,
        excluded_applications: &[7, 19],
        ..PORTAL
    },
    AuthnPolicy {
        name: "Administrators give a second factor outside the office",
        kind: "admin_portal",
        everyone: true,
        condition: OUTSIDE_OFFICES,
        ..PORTAL
    },
    AuthnPolicy {
        name: "LDAP from the data centre only",
        kind: "ldap",
        effect: AuthnEffect::Deny,
        everyone: true,
        spares_ldap_binding: true,
        condition: Some(AuthnCondition::OutsideOf(1)),
        ..PORTAL
    },
];

impl AuthnPolicy {
    /// Its ObjectId, the same in every organisation.
    pub fn id(&self) -> String {
        format!("{:023x}a", self.index + 1)
    }

    fn is_enforced(&self) -> bool {
        !self.disabled && !self.monitor_only
    }
}

impl Organization {
    /// The conditional access policies, in the order of the list.
    pub fn authn_policies(&self) -> impl Iterator<Item = AuthnPolicy> {
        (0..).zip(POLICIES).map(|(index, policy)| AuthnPolicy { index, ..policy })
    }

    /// How a user's sign-in to the portal ends.
    pub fn portal_sign_in(&self, user: &User) -> SignInTruth {
        let exempt = user.mfa.excluded_until.is_some_and(|until| until > self.now());
        let default = if user.mfa.required && !exempt { SignInTruth::SecondFactor } else { SignInTruth::Open };
        let groups = self.all_groups_of(user.index);
        let is_in = |some: &[u64]| some.iter().any(|group| groups.contains(group));
        let applies = |policy: &AuthnPolicy| {
            let included = policy.everyone || policy.users.contains(&user.index) || is_in(policy.groups);
            included && !is_in(policy.excluded_groups)
        };
        match self.ends("user_portal", applies, default) {
            SignInTruth::SecondFactor if exempt => SignInTruth::NotKnown,
            end => end,
        }
    }

    /// How an administrator's sign-in to the console ends, if the organisation requires nothing of all of them.
    pub fn console_sign_in(&self, administrator: &Administrator) -> SignInTruth {
        let default = if administrator.mfa { SignInTruth::SecondFactor } else { SignInTruth::Open };
        self.ends("admin_portal", |policy| policy.everyone, default)
    }

    /// The groups of a user, directly and through other groups.
    fn all_groups_of(&self, user: u64) -> BTreeSet<u64> {
        let mut open = self.groups_of(user);
        let mut all = BTreeSet::new();
        while let Some(group) = open.pop() {
            if all.insert(group) {
                open.extend(self.parent_groups(group));
            }
        }
        all
    }

    /// How sign-ins end from inside and from outside of what the conditions name, in all combinations.
    fn ends(&self, kind: &str, applies: impl Fn(&AuthnPolicy) -> bool, default: SignInTruth) -> SignInTruth {
        let policies: Vec<AuthnPolicy> =
            self.authn_policies().filter(|one| one.kind == kind && one.is_enforced() && applies(one)).collect();
        let (conditional, always): (Vec<AuthnPolicy>, Vec<AuthnPolicy>) =
            policies.into_iter().partition(|policy| policy.condition.is_some());
        let mut ends = BTreeSet::new();
        for met in 0..1_u32 << conditional.len() {
            let some = conditional.iter().enumerate().filter(|(at, _)| met & (1 << at) != 0).map(|(_, policy)| policy);
            let effects: Vec<AuthnEffect> = always.iter().chain(some).map(|policy| policy.effect).collect();
            ends.insert(match effects.as_slice() {
                [] => default,
                all if all.contains(&AuthnEffect::Deny) => SignInTruth::Denied,
                all if all.iter().all(|effect| *effect == AuthnEffect::Allow) => SignInTruth::Open,
                all if all.iter().all(|effect| *effect == AuthnEffect::AllowWithFactor) => SignInTruth::SecondFactor,
                _ => SignInTruth::NotKnown,
            });
        }
        match ends.len() {
            1 => ends.into_iter().next().unwrap_or(SignInTruth::NotKnown),
            _ if ends.contains(&SignInTruth::NotKnown) => SignInTruth::NotKnown,
            _ => SignInTruth::Depends,
        }
    }

    /// The id of a list of addresses.
    pub(crate) fn ip_list_id(&self, index: u64) -> String {
        format!("{:023x}b", index + 1)
    }

    /// The ids of some objects of a kind that exist.
    pub(crate) fn ids(&self, kind: Kind, some: &[u64]) -> Vec<String> {
        let census = self.census(kind);
        some.iter().filter(|index| census.contains(**index)).map(|index| self.id(Node::new(kind, *index))).collect()
    }
}
