//! How sign-ins are protected: policies applied to one account and what it signs in to.

use std::collections::HashSet;

use connector_api::{AccountFilter, NodeKind, NodeRef, Policy, PolicyEffect, SignIn, SignInResult, SignInTarget};

use crate::graph::Graph;
use crate::lists::Lists;

/// The account whose sign-in is judged.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Applicant<'a> {
    /// Its `externalId`.
    pub external_id: &'a str,
    /// The groups of which it is a direct member, by index in the graph.
    pub groups: &'a [u32],
    /// Whether another identity provider decides its sign-in; `None` if that is not known.
    pub is_routed: Option<bool>,
    /// Whether a filter fits it; `None` if that is not known.
    pub fits: &'a dyn Fn(&AccountFilter) -> Option<bool>,
}

impl<'a> Applicant<'a> {
    /// Creates an account that is in these groups, signs in at the target itself, and of whose fields nothing is known.
    pub fn new(external_id: &'a str, groups: &'a [u32]) -> Self {
        Self { external_id, groups, is_routed: Some(false), fits: &|_| None }
    }

    /// Sets whether another identity provider decides its sign-in.
    #[must_use]
    pub fn routed(self, is_routed: Option<bool>) -> Self {
        Self { is_routed, ..self }
    }

    /// Sets which filters fit it.
    #[must_use]
    pub fn fitting(self, fits: &'a dyn Fn(&AccountFilter) -> Option<bool>) -> Self {
        Self { fits, ..self }
    }
}

/// Policies, prepared to be applied to many accounts.
///
/// A policy applies if it is enforced, the account is included and not excluded, and so is what it signs in to. Several
/// policies that apply are combined like this: one that refuses the sign-in decides. If all others have the same effect,
/// that decides; if they have different effects, the result is not known. If none applies, the default decides, which the
/// caller knows. A certain policy with an unknown effect leaves the result unknown, even if another refuses the sign-in.
///
/// A policy with conditions may or may not apply, and so may one of which something could not be read. The result is the
/// one that is the same in all these cases. If there is none, it [depends](SignInResult::DEPENDS) on the conditions, or
/// is [not known](SignInResult::NOT_KNOWN). An unknown effect or target never makes a sign-in open or protected.
#[derive(Debug, Clone, Default)]
pub struct SignInPolicies {
    policies: Vec<Prepared>,
}

/// A policy that may be enforced.
#[derive(Debug, Clone)]
struct Prepared {
    policy: Policy,
    /// Whether it is certain that it is enforced.
    is_enforced: bool,
    included: Named,
    excluded: Named,
}

/// Accounts, and for each group whether its members are meant.
#[derive(Debug, Clone)]
struct Named {
    accounts: HashSet<String>,
    groups: Vec<bool>,
}

impl SignInPolicies {
    /// Prepares policies. `group` returns the index of a group in the graph; a group without one has no members.
    pub fn new(
        policies: impl IntoIterator<Item = Policy>,
        graph: &Graph,
        group: impl Fn(&NodeRef) -> Option<u32>,
    ) -> Self {
        let parents = &graph.parts().parents;
        let children = Lists::new(parents.len(), parents.pairs().map(|(child, parent)| (*parent, child)));
        let prepared = policies.into_iter().filter_map(|policy| {
            let is_enforced = all([policy.enabled, policy.monitor_only.map(|only| !only)]);
            if is_enforced == Some(false) {
                return None;
            }
            Some(Prepared {
                is_enforced: is_enforced.is_some(),
                included: Named::of(&policy.subjects.included, &children, &group),
                excluded: Named::of(&policy.subjects.excluded, &children, &group),
                policy,
            })
        });
        Self { policies: prepared.collect() }
    }

    /// Returns how the sign-in of an account to a target is protected; `default` decides if no policy applies.
    pub fn sign_in(&self, applicant: &Applicant<'_>, target: &SignInTarget, default: SignIn) -> SignIn {
        match applicant.is_routed {
            Some(false) => {}
            Some(true) => return SignIn::new(SignInResult::ELSEWHERE, "another identity provider decides"),
            None => {
                let reason = "whether another identity provider decides is not known";
                return SignIn::new(SignInResult::NOT_KNOWN, reason);
            }
        }
        let bearing =
            self.policies.iter().filter_map(|prepared| Some((&prepared.policy, prepared.on(applicant, target)?)));
        combine(&bearing.collect::<Vec<_>>(), default)
    }
}

impl Named {
    fn of(nodes: &[NodeRef], children: &Lists<u32>, group: &impl Fn(&NodeRef) -> Option<u32>) -> Self {
        let accounts = nodes.iter().filter(|node| node.kind == NodeKind::Account);
        let mut groups = Vec::new();
        let mut open: Vec<u32> = nodes.iter().filter(|node| node.kind == NodeKind::Group).filter_map(group).collect();
        while let Some(group) = open.pop() {
            let at = group as usize;
            if groups.len() <= at {
                groups.resize(at + 1, false);
            }
            if !std::mem::replace(&mut groups[at], true) {
                open.extend(children.of(group));
            }
        }
        Self { accounts: accounts.map(|node| node.external_id.clone()).collect(), groups }
    }

    fn has(&self, applicant: &Applicant<'_>) -> bool {
        self.accounts.contains(applicant.external_id)
            || applicant.groups.iter().any(|group| self.groups.get(*group as usize).copied().unwrap_or_default())
    }
}

/// How a policy bears on a sign-in, if it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bearing {
    /// It applies.
    Applies,
    /// It applies if its conditions are met.
    Conditionally,
    /// It is not known whether it applies.
    Perhaps,
}

impl Prepared {
    fn on(&self, applicant: &Applicant<'_>, target: &SignInTarget) -> Option<Bearing> {
        let enforced = self.is_enforced.then_some(true);
        match all([enforced, self.covers(target), self.applies_to(applicant)]) {
            Some(false) => None,
            None => Some(Bearing::Perhaps),
            Some(true) if self.policy.conditions.is_some() => Some(Bearing::Conditionally),
            Some(true) => Some(Bearing::Applies),
        }
    }

    /// Whether the account is included and not excluded.
    fn applies_to(&self, applicant: &Applicant<'_>) -> Option<bool> {
        let subjects = &self.policy.subjects;
        let unread = |more: bool| if more { None } else { Some(false) };
        let fits = |filters: &[AccountFilter]| any(filters.iter().map(applicant.fits));
        let named = any([Some(subjects.everyone || self.included.has(applicant)), unread(subjects.more_included)]);
        let names = subjects.everyone || !subjects.included.is_empty() || subjects.more_included;
        let included = match (names, subjects.included_by.as_slice()) {
            (_, []) => named,
            (false, filters) => fits(filters),
            // Whether a filter adds accounts to those that are named, or selects from them, is not known.
            (true, filters) => {
                if fits(filters) == named {
                    named
                } else {
                    None
                }
            }
        };
        let excluded =
            any([Some(self.excluded.has(applicant)), fits(&subjects.excluded_by), unread(subjects.more_excluded)]);
        all([included, excluded.map(|excluded| !excluded)])
    }

    /// Whether the target is included and not excluded.
    fn covers(&self, target: &SignInTarget) -> Option<bool> {
        let targets = &self.policy.targets;
        let is_excluded = target.resource.as_ref().is_some_and(|resource| targets.excluded.contains(resource));
        any(targets.included.iter().map(|included| match &included.resource {
            _ if !included.kind.is_known() => None,
            _ if included.kind != target.kind => Some(false),
            None => Some(!is_excluded),
            // It is named as included and as excluded.
            Some(_) if included.resource == target.resource => {
                if is_excluded {
                    None
                } else {
                    Some(true)
                }
            }
            Some(_) => Some(false),
        }))
    }
}

/// Whether all are so: certainly not if one is not.
fn all(facts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    any(facts.into_iter().map(|fact| fact.map(|fact| !fact))).map(|any| !any)
}

/// Whether any is so.
fn any(facts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut all_known = true;
    for fact in facts {
        match fact {
            Some(true) => return Some(true),
            Some(false) => {}
            None => all_known = false,
        }
    }
    if all_known { Some(false) } else { None }
}

/// A set of effects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Effects(u8);

impl Effects {
    const ALLOW: Self = Self(1);
    const SECOND_FACTOR: Self = Self(2);
    const DENY: Self = Self(4);
    const OTHER: Self = Self(8);
    const ALL: u8 = 15;

    fn of(effect: &PolicyEffect) -> Self {
        match effect {
            effect if *effect == PolicyEffect::ALLOW => Self::ALLOW,
            effect if *effect == PolicyEffect::DENY => Self::DENY,
            effect if *effect == PolicyEffect::REQUIRE_SECOND_FACTOR => Self::SECOND_FACTOR,
            _ => Self::OTHER,
        }
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Every set of some of these.
    fn subsets(self) -> impl Iterator<Item = Self> {
        (0..=Self::ALL).filter(move |some| some & self.0 == *some).map(Self)
    }

    fn disagree(self) -> bool {
        self.has(Self::ALLOW.and(Self::SECOND_FACTOR)) && !self.has(Self::DENY)
    }

    /// The result of policies that all apply; `None` if there is none.
    fn result(self) -> Option<SignInResult> {
        Some(match self {
            Self(0) => return None,
            effects if effects.has(Self::OTHER) || effects.disagree() => SignInResult::NOT_KNOWN,
            effects if effects.has(Self::DENY) => SignInResult::DENIED,
            Self::SECOND_FACTOR => SignInResult::SECOND_FACTOR,
            _ => SignInResult::OPEN,
        })
    }
}

/// Combines the policies that bear on a sign-in.
fn combine(bearing: &[(&Policy, Bearing)], default: SignIn) -> SignIn {
    let effects = |wanted: &[Bearing]| {
        let some = bearing.iter().filter(|(_, bearing)| wanted.contains(bearing));
        some.fold(Effects::default(), |all, (policy, _)| all.and(Effects::of(&policy.effect)))
    };
    let certain = effects(&[Bearing::Applies]);
    let possible = effects(&[Bearing::Conditionally, Bearing::Perhaps]);
    let cases: Vec<Effects> = possible.subsets().map(|some| certain.and(some)).collect();
    let result = |case: &Effects| case.result().unwrap_or_else(|| default.result.clone());
    let results: Vec<SignInResult> = cases.iter().map(result).collect();
    let first = &results[0];
    if *first != SignInResult::NOT_KNOWN && results.iter().all(|result| result == first) {
        return agreed(first, certain, bearing, default);
    }
    let is_known = !results.contains(&SignInResult::NOT_KNOWN);
    let named =
        |wanted: Bearing| list(bearing.iter().filter(|(_, bearing)| *bearing == wanted).map(|(policy, _)| *policy));
    let (conditional, perhaps) = (named(Bearing::Conditionally), named(Bearing::Perhaps));
    if is_known && perhaps.is_none() {
        let reason = format!("depends on the conditions of {}", conditional.unwrap_or_default());
        return decided(SignInResult::DEPENDS, reason, bearing.iter().map(|(policy, _)| *policy));
    }
    let of = |wanted: Effects| {
        list(bearing.iter().map(|(policy, _)| *policy).filter(|policy| wanted.has(Effects::of(&policy.effect))))
    };
    let mut clauses = Vec::new();
    clauses.extend(of(Effects::OTHER).map(|policies| format!("not known what is done by {policies}")));
    clauses.extend(perhaps.map(|policies| format!("not known whether it is subject to {policies}")));
    if cases.iter().any(|case| case.disagree()) {
        let policies = of(Effects::ALLOW.and(Effects::SECOND_FACTOR)).unwrap_or_default();
        clauses.push(format!("{policies} disagree, and which one counts is not known"));
    }
    if cases.contains(&Effects::default()) && default.result == SignInResult::NOT_KNOWN {
        clauses.push(default.reason);
    }
    decided(SignInResult::NOT_KNOWN, clauses.join("; "), bearing.iter().map(|(policy, _)| *policy))
}

/// The result that is the same in all cases.
fn agreed(result: &SignInResult, certain: Effects, bearing: &[(&Policy, Bearing)], default: SignIn) -> SignIn {
    if certain == Effects::default() {
        return match list(bearing.iter().map(|(policy, _)| *policy)) {
            None => default,
            Some(policies) => {
                let reason = format!("{}; not changed by {policies}", default.reason);
                decided(result.clone(), reason, bearing.iter().map(|(policy, _)| *policy))
            }
        };
    }
    let deciding = bearing.iter().filter(|(policy, bearing)| {
        *bearing == Bearing::Applies && Effects::of(&policy.effect).result().as_ref() == Some(result)
    });
    let deciding: Vec<&Policy> = deciding.map(|(policy, _)| *policy).collect();
    let reason = format!("by {}", list(deciding.iter().copied()).unwrap_or_default());
    decided(result.clone(), reason, deciding)
}

fn decided<'p>(result: SignInResult, reason: String, policies: impl IntoIterator<Item = &'p Policy>) -> SignIn {
    let mut decided = SignIn::new(result, reason);
    decided.policies = policies.into_iter().map(|policy| policy.external_id.clone()).collect();
    decided
}

/// Policies by their names, if there are any.
fn list<'p>(policies: impl Iterator<Item = &'p Policy>) -> Option<String> {
    let names: Vec<String> = policies.map(|policy| format!("\"{}\"", policy.name.replace('"', "\\\""))).collect();
    match names.as_slice() {
        [] => None,
        [name] => Some(format!("the policy {name}")),
        names => Some(format!("the policies {}", names.join(", "))),
    }
}
