//! How the sign-ins of users and administrators are protected: by policies or, if none applies, by the account's own
//! setting.

use std::collections::HashSet;

use connector_access::{Applicant, SignInPolicies};
use connector_api::{
    Account, AccountFilter, Mfa, NodeKind, NodeRef, Policy, Section, SignIn, SignInKind, SignInResult, SignInTarget,
};
use jiff::Timestamp;
use serde_json::Value;

use super::Graph;
use super::evidence_rules::day;
use crate::api::lenient;
use crate::scan::state::State;
use crate::sections::conditional_access;

/// Everything that decides a sign-in.
pub(crate) struct SignIns {
    to_portal: SignInPolicies,
    to_console: SignInPolicies,
    /// Whether the organisation requires a second factor of every administrator.
    requires_admin_mfa: bool,
    /// Whether the logins of users are routed to an identity provider; `None` if some may be.
    is_routed: Option<bool>,
    now: Timestamp,
}

impl SignIns {
    /// What was read; `None` if the policies were not read completely.
    pub(crate) fn of(state: &State, graph: &Graph<'_>, now: Timestamp) -> Option<Self> {
        if !state.has_read(Section::CONDITIONAL_ACCESS) {
            return None;
        }
        let found = &state.found.conditional_access;
        let administrators = conditional_access::administrators(state);
        let to_console = conditional_access::policies(found).map(|policy| of_administrators(policy, &administrators));
        Some(Self {
            to_portal: graph.sign_in_policies(conditional_access::policies(found)),
            to_console: graph.sign_in_policies(to_console),
            requires_admin_mfa: state.found.organization.requires_admin_mfa == Some(true),
            is_routed: found.is_routed(),
            now,
        })
    }

    /// How a user's sign-in to the portal is protected; the user is a direct member of `groups`.
    pub(crate) fn to_portal(&self, account: &Account, groups: &[u32]) -> SignIn {
        let fits = |filter: &AccountFilter| fits(account, filter);
        let applicant = Applicant::new(&account.external_id, groups).routed(self.is_routed).fitting(&fits);
        let mfa = account.mfa.as_ref();
        let exempt = mfa.and_then(|mfa| exemption(mfa, self.now));
        let required = mfa.and_then(|mfa| mfa.required);
        let default = match (required, &exempt) {
            (Some(true), Some(until)) => SignIn::new(SignInResult::OPEN, format!("because it is exempt{until}")),
            (required, _) => by_setting(required),
        };
        let portal = SignInTarget::all(SignInKind::PORTAL);
        let mut sign_in = self.to_portal.sign_in(&applicant, &portal, default);
        // Whether an exemption also ends what a policy requires is not published.
        if let Some(until) = exempt {
            if sign_in.result == SignInResult::SECOND_FACTOR {
                sign_in.result = SignInResult::NOT_KNOWN;
                sign_in.reason = format!("required {}, but the account is exempt{until}", sign_in.reason);
            } else if sign_in.result == SignInResult::DEPENDS {
                sign_in.reason.push_str(&format!("; the account is exempt from its own second factor{until}"));
            }
        }
        sign_in
    }

    /// How an administrator's sign-in to the console is protected.
    pub(crate) fn to_console(&self, account: &Account) -> SignIn {
        let applicant = Applicant::new(&account.external_id, &[]);
        let own = || lenient::flag(&account.attributes.get("enableMultiFactor")?);
        let default = match account.mfa.as_ref().and_then(|mfa| mfa.required) {
            Some(true) => SignIn::new(SignInResult::SECOND_FACTOR, "by its own setting or the organisation's"),
            None if own() == Some(false) => {
                let reason = "not by its own setting; whether the organisation requires a second factor is not known";
                SignIn::new(SignInResult::NOT_KNOWN, reason)
            }
            required => by_setting(required),
        };
        let mut sign_in = self.to_console.sign_in(&applicant, &SignInTarget::all(SignInKind::CONSOLE), default);
        // Whether a policy ends what the organisation requires of all administrators is not published.
        if self.requires_admin_mfa && sign_in.result == SignInResult::OPEN {
            sign_in.result = SignInResult::NOT_KNOWN;
            sign_in.reason = format!("not required {}, but by the organisation", sign_in.reason);
        }
        sign_in
    }
}

/// What an account's own setting decides.
fn by_setting(required: Option<bool>) -> SignIn {
    match required {
        Some(true) => SignIn::new(SignInResult::SECOND_FACTOR, "by its own setting"),
        Some(false) => SignIn::new(SignInResult::OPEN, "by its own setting"),
        None => SignIn::new(SignInResult::NOT_KNOWN, "its own setting is not known"),
    }
}

/// The end of an exemption from the second factor, in words; `None` if the account is not exempt.
pub(super) fn exemption(mfa: &Mfa, now: Timestamp) -> Option<String> {
    match (mfa.excluded, mfa.excluded_until) {
        (Some(true), Some(until)) => (until > now).then(|| format!(" until {}", day(until))),
        (Some(true), None) => Some(String::new()),
        _ => None,
    }
}

/// Whether a filter fits an account; `None` if the comparison or the field is not known.
fn fits(account: &Account, filter: &AccountFilter) -> Option<bool> {
    if !filter.operator.eq_ignore_ascii_case("eq") {
        return None;
    }
    let value = account.attributes.get(&filter.field)?;
    match lenient::flag(&Value::String(filter.value.clone())) {
        Some(wanted) => lenient::flag(&value).map(|is_so| is_so == wanted),
        None => lenient::text(value).map(|value| value == filter.value),
    }
}

/// A policy as it applies to administrators. Whether one that names users or groups of the directory applies to the
/// administrators among them is not published.
fn of_administrators(mut policy: Policy, administrators: &HashSet<String>) -> Policy {
    let is_administrator =
        |node: &NodeRef| node.kind == NodeKind::Account && administrators.contains(&node.external_id);
    let keep = |nodes: &mut Vec<NodeRef>, more: &mut bool| {
        *more |= nodes.iter().any(|node| !is_administrator(node));
        nodes.retain(is_administrator);
    };
    let subjects = &mut policy.subjects;
    keep(&mut subjects.included, &mut subjects.more_included);
    keep(&mut subjects.excluded, &mut subjects.more_excluded);
    policy
}
