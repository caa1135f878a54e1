//! Policies applied to accounts, compared with a computation that tries every case, over random groups and policies.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use connector_access::connector_api::{
    Account, AccountFilter, Binding, Group, Membership, NodeKind, NodeRef, Policy, PolicyEffect, Record, SignIn,
    SignInKind, SignInResult, SignInTarget,
};
use connector_access::{AccessRows, Applicant, RowsBuilder};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const ACCOUNTS: u32 = 4;
const GROUPS: u32 = 5;

fn account(number: u32) -> Account {
    Account::new(format!("a{number}"), format!("a{number}"))
}

fn group(number: u32) -> Group {
    Group::new(format!("g{number}"), "CREW", format!("g{number}"))
}

fn application(number: u32) -> NodeRef {
    NodeRef::new(NodeKind::Resource, "application", format!("p{number}"))
}

fn default() -> SignIn {
    SignIn::new(SignInResult::OPEN, "by default")
}

/// Groups in groups, in cycles too, and who is in them.
struct World {
    members: BTreeSet<(u32, u32)>,
    nested: BTreeSet<(u32, u32)>,
    policies: Vec<Policy>,
}

impl World {
    fn drawn(seed: u64) -> Self {
        let dice = &mut ChaCha8Rng::seed_from_u64(seed);
        let pairs = |dice: &mut ChaCha8Rng, from: u32| -> BTreeSet<(u32, u32)> {
            let all = (0..from).flat_map(|from| (0..GROUPS).map(move |to| (from, to)));
            all.filter(|_| dice.random_bool(0.25)).collect()
        };
        let (members, nested) = (pairs(dice, ACCOUNTS), pairs(dice, GROUPS));
        let policies = (0..dice.random_range(0..4)).map(|at| policy(dice, at)).collect();
        Self { members, nested, policies }
    }

    fn rows(&self) -> AccessRows {
        let mut rows = RowsBuilder::new(&[]);
        (0..ACCOUNTS).for_each(|number| rows.enter(&Record::from(account(number))));
        (0..GROUPS).for_each(|number| rows.enter(&Record::from(group(number))));
        for (member, of) in &self.members {
            let mut row = Membership::new(&account(*member), &group(*of));
            row.direct = true;
            rows.enter(&row.into());
        }
        for (inner, outer) in &self.nested {
            rows.enter(&Binding::new(&group(*inner), &group(*outer)).into());
        }
        self.policies.iter().for_each(|policy| rows.enter(&Record::from(policy.clone())));
        rows.finish()
    }

    /// The groups of an account, directly or through others, found by adding until nothing is added.
    fn groups_of(&self, account: u32) -> BTreeSet<u32> {
        let mut all: BTreeSet<u32> =
            self.members.iter().filter(|(who, _)| *who == account).map(|(_, of)| *of).collect();
        loop {
            let more: BTreeSet<u32> =
                self.nested.iter().filter(|(inner, _)| all.contains(inner)).map(|(_, outer)| *outer).collect();
            let before = all.len();
            all.extend(more);
            if all.len() == before {
                return all;
            }
        }
    }
}

fn policy(dice: &mut ChaCha8Rng, at: u32) -> Policy {
    let effects = [
        PolicyEffect::ALLOW,
        PolicyEffect::ALLOW,
        PolicyEffect::DENY,
        PolicyEffect::REQUIRE_SECOND_FACTOR,
        PolicyEffect::REQUIRE_SECOND_FACTOR,
        PolicyEffect::REQUIRE_SECOND_FACTOR,
        PolicyEffect::new("isolate"),
    ];
    let mut policy = Policy::new(format!("{at}"), "t", format!("P{at}"), effects[dice.random_range(0..7)].clone());
    let flag = |dice: &mut ChaCha8Rng, usual: bool| match dice.random_range(0..12) {
        0 => None,
        1 => Some(!usual),
        _ => Some(usual),
    };
    (policy.enabled, policy.monitor_only) = (flag(dice, true), flag(dice, false));
    policy.conditions = dice.random_bool(0.3).then(|| "on a managed device".to_owned());
    let nodes = |dice: &mut ChaCha8Rng, share: f64| -> Vec<NodeRef> {
        let accounts = (0..ACCOUNTS).map(|number| NodeRef::from(&account(number)));
        // The last one is not in the scan.
        let groups = (0..=GROUPS).map(|number| NodeRef::from(&group(number)));
        accounts.chain(groups).filter(|_| dice.random_bool(share)).collect()
    };
    let filters = |dice: &mut ChaCha8Rng, side: &str| -> Vec<AccountFilter> {
        let one = |number| AccountFilter::new(format!("{side}{number}"), "EQ", "true");
        (0..2).filter(|_| dice.random_bool(0.1)).map(one).collect()
    };
    policy.subjects.everyone = dice.random_bool(0.4);
    policy.subjects.included = nodes(dice, 0.15);
    policy.subjects.excluded = nodes(dice, 0.06);
    policy.subjects.included_by = filters(dice, "in");
    policy.subjects.excluded_by = filters(dice, "out");
    policy.subjects.more_included = dice.random_bool(0.05);
    policy.subjects.more_excluded = dice.random_bool(0.05);
    let targets = [
        SignInTarget::all(SignInKind::PORTAL),
        SignInTarget::all(SignInKind::APPLICATION),
        SignInTarget::one(SignInKind::APPLICATION, application(0)),
        SignInTarget::all(SignInKind::new("wifi")),
    ];
    let shares = [0.7, 0.5, 0.2, 0.04];
    policy.targets.included = targets
        .into_iter()
        .zip(shares)
        .filter(|(_, share)| dice.random_bool(*share))
        .map(|(target, _)| target)
        .collect();
    policy.targets.excluded = (0..2).filter(|_| dice.random_bool(0.2)).map(application).collect();
    policy
}

/// What of an account is known: whether a filter fits follows from its name.
fn fits(filter: &AccountFilter) -> Option<bool> {
    match filter.field.as_str() {
        "in0" => Some(true),
        "out0" => Some(false),
        _ => None,
    }
}

/// The answers to what is not known, in the order of the questions; a question beyond the last one is noted.
struct Answers {
    given: Vec<bool>,
    asked: usize,
}

impl Answers {
    fn ask(&mut self) -> bool {
        self.asked += 1;
        self.given.get(self.asked - 1).copied().unwrap_or_default()
    }

    fn or_known(&mut self, known: Option<bool>) -> bool {
        known.unwrap_or_else(|| self.ask())
    }
}

/// Whether a policy applies where everything is known.
fn applies(policy: &Policy, who: u32, groups: &BTreeSet<u32>, target: &SignInTarget, answers: &mut Answers) -> bool {
    let enabled = answers.or_known(policy.enabled);
    let monitors = answers.or_known(policy.monitor_only);
    let is_one = |nodes: &[NodeRef]| {
        nodes.iter().any(|node| {
            let number: u32 = node.external_id[1..].parse().unwrap();
            if node.kind == NodeKind::Account { number == who } else { groups.contains(&number) }
        })
    };
    let subjects = &policy.subjects;
    let mut named = subjects.everyone || is_one(&subjects.included);
    if subjects.more_included {
        named |= answers.ask();
    }
    let mut filtered = false;
    for filter in &subjects.included_by {
        filtered |= answers.or_known(fits(filter));
    }
    let names_some = subjects.everyone || !subjects.included.is_empty() || subjects.more_included;
    let included = match (names_some, subjects.included_by.is_empty()) {
        (true, true) => named,
        (true, false) if answers.ask() => named && filtered,
        (true, false) => named || filtered,
        (false, _) => filtered,
    };
    let mut excluded = is_one(&subjects.excluded);
    for filter in &subjects.excluded_by {
        excluded |= answers.or_known(fits(filter));
    }
    if subjects.more_excluded {
        excluded |= answers.ask();
    }
    let is_excluded = target.resource.as_ref().is_some_and(|resource| policy.targets.excluded.contains(resource));
    let mut covered = false;
    for one in &policy.targets.included {
        covered |= if one.kind.as_str() == "wifi" {
            answers.ask()
        } else if one.kind != target.kind {
            false
        } else if one.resource.is_none() {
            !is_excluded
        } else if one.resource == target.resource {
            !is_excluded || answers.ask()
        } else {
            false
        };
    }
    enabled && !monitors && included && !excluded && covered
}

/// Whether a policy applies, in every case.
fn cases(policy: &Policy, who: u32, groups: &BTreeSet<u32>, target: &SignInTarget) -> BTreeSet<bool> {
    let (mut all, mut open) = (BTreeSet::new(), vec![Vec::new()]);
    while let Some(given) = open.pop() {
        let mut answers = Answers { given: given.clone(), asked: 0 };
        let applies = applies(policy, who, groups, target, &mut answers);
        if answers.asked > given.len() {
            open.extend([false, true].map(|answer| given.iter().copied().chain([answer]).collect()));
        } else {
            all.insert(applies);
        }
    }
    all
}

/// The result of policies that all apply.
fn result(effects: &[&str]) -> SignInResult {
    match effects {
        [] => default().result,
        effects if effects.contains(&"isolate") => SignInResult::NOT_KNOWN,
        effects if effects.contains(&"deny") => SignInResult::DENIED,
        effects if effects.iter().all(|effect| *effect == "allow") => SignInResult::OPEN,
        effects if effects.iter().all(|effect| *effect == "requireSecondFactor") => SignInResult::SECOND_FACTOR,
        _ => SignInResult::NOT_KNOWN,
    }
}

/// The result, found by trying every case.
fn expected(world: &World, who: u32, target: &SignInTarget) -> SignInResult {
    let groups = world.groups_of(who);
    let cases: Vec<_> = world.policies.iter().map(|policy| (policy, cases(policy, who, &groups, target))).collect();
    let mut combinations: Vec<Vec<&str>> = vec![Vec::new()];
    let mut uncertain = false;
    for (policy, applies) in &cases {
        uncertain |= applies.len() == 2;
        let may_not = applies.contains(&false) || policy.conditions.is_some();
        let mut more = if applies.contains(&true) { combinations.clone() } else { Vec::new() };
        more.iter_mut().for_each(|effects| effects.push(policy.effect.as_str()));
        if !may_not {
            combinations.clear();
        }
        combinations.extend(more);
    }
    let results: BTreeSet<SignInResult> = combinations.iter().map(|effects| result(effects)).collect();
    match (results.len(), results.contains(&SignInResult::NOT_KNOWN)) {
        (1, _) => results.into_iter().next().unwrap(),
        (_, false) if !uncertain => SignInResult::DEPENDS,
        _ => SignInResult::NOT_KNOWN,
    }
}

#[test]
fn the_result_is_the_one_of_every_case_and_no_other() {
    let targets = [
        SignInTarget::all(SignInKind::PORTAL),
        SignInTarget::one(SignInKind::APPLICATION, application(0)),
        SignInTarget::one(SignInKind::APPLICATION, application(1)),
    ];
    let mut seen = BTreeSet::new();
    for seed in 0..1_500 {
        let world = World::drawn(seed);
        let rows = world.rows();
        let policies = rows.sign_in_policies();
        for who in 0..ACCOUNTS {
            let id = format!("a{who}");
            let applicant = rows.applicant(&id).fitting(&fits);
            for target in &targets {
                let found = policies.sign_in(&applicant, target, default());
                let expected = expected(&world, who, target);
                assert_eq!(found.result, expected, "seed {seed}, {id}, {target:?}: {found:?}, {:?}", world.policies);
                assert!(!found.reason.is_empty(), "seed {seed}");
                let names = found.policies.iter().all(|policy| found.reason.contains(&format!("\"P{policy}\"")));
                let is_certain = expected != SignInResult::DEPENDS && expected != SignInResult::NOT_KNOWN;
                assert!(names || !is_certain, "seed {seed}: {found:?}");
                seen.insert(expected);
            }
        }
    }
    assert_eq!(seen.len(), 5, "every result occurs except another provider's: {seen:?}");
}

/// Everybody on the portal, unconditionally.
fn on_portal(id: &str, effect: PolicyEffect) -> Policy {
    let mut policy = Policy::new(id, "t", id, effect);
    (policy.enabled, policy.monitor_only) = (Some(true), Some(false));
    policy.subjects.everyone = true;
    policy.targets.included = vec![SignInTarget::all(SignInKind::PORTAL)];
    policy
}

fn decided(policies: Vec<Policy>, applicant: impl Fn(Applicant<'static>) -> Applicant<'static>) -> SignIn {
    let mut rows = RowsBuilder::new(&[]);
    policies.into_iter().for_each(|policy| rows.enter(&policy.into()));
    let rows = rows.finish();
    let applicant = applicant(Applicant::new("a0", &[]));
    rows.sign_in_policies().sign_in(&applicant, &SignInTarget::all(SignInKind::PORTAL), default())
}

#[test]
fn policies_that_disagree_are_all_named_and_one_that_refuses_decides() {
    let (allow, factor) = (PolicyEffect::ALLOW, PolicyEffect::REQUIRE_SECOND_FACTOR);
    let found = decided(vec![on_portal("A", allow.clone()), on_portal("B", factor.clone())], |who| who);
    assert_eq!((found.result, found.policies), (SignInResult::NOT_KNOWN, vec!["A".to_owned(), "B".to_owned()]));
    assert_eq!(found.reason, "the policies \"A\", \"B\" disagree, and which one counts is not known");
    let all = vec![on_portal("A", allow), on_portal("B", factor), on_portal("C", PolicyEffect::DENY)];
    let found = decided(all, |who| who);
    assert_eq!((found.result, found.reason.as_str()), (SignInResult::DENIED, "by the policy \"C\""));
    assert_eq!(found.policies, ["C"]);
}

#[test]
fn a_condition_decides_only_if_it_changes_the_result() {
    let mut outside = on_portal("Outside", PolicyEffect::REQUIRE_SECOND_FACTOR);
    outside.conditions = Some("not from an address in \"Office\"".to_owned());
    let found = decided(vec![outside.clone()], |who| who);
    assert_eq!(found.result, SignInResult::DEPENDS);
    assert_eq!(found.reason, "depends on the conditions of the policy \"Outside\"");
    let always = on_portal("Always", PolicyEffect::REQUIRE_SECOND_FACTOR);
    let found = decided(vec![outside.clone(), always], |who| who);
    assert_eq!((found.result, found.reason.as_str()), (SignInResult::SECOND_FACTOR, "by the policy \"Always\""));
    outside.effect = PolicyEffect::ALLOW;
    let found = decided(vec![outside], |who| who);
    assert_eq!(found.result, SignInResult::OPEN);
    assert_eq!(found.reason, "by default; not changed by the policy \"Outside\"");
}

#[test]
fn what_another_provider_decides_is_not_judged_by_policies() {
    let policies = vec![on_portal("A", PolicyEffect::REQUIRE_SECOND_FACTOR)];
    assert_eq!(decided(policies.clone(), |who| who.routed(Some(true))).result, SignInResult::ELSEWHERE);
    assert_eq!(decided(policies, |who| who.routed(None)).result, SignInResult::NOT_KNOWN);
}
