//! Counts for the summary of a scan, made while the rows are streamed.
//!
//! Memory is bounded for any size of organisation: counts, and a few short lists of the largest.

mod evidence;
mod largest;
mod logins;
mod policies;
mod privileged;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use connector_api::{
    Access, AccessLevel, Account, AccountKind, AccountType, Grant, Group, Membership, Principal, Record,
};

pub use evidence::EvidenceCount;
pub use largest::Top;
pub use logins::{LastLogins, LastSeen, days_before};
pub use policies::PolicyCounts;
pub use privileged::{Privileged, PrivilegedAccount, Rank, SettingCount};

/// How many kinds are counted separately; further kinds are counted under [`OTHER`].
const MAX_KINDS: usize = 32;
const OTHER: &str = "other";

/// Counts over all rows of a scan.
#[derive(Debug, Clone, Default)]
pub struct Digest {
    /// Accounts by their kind.
    pub accounts: BTreeMap<AccountKind, AccountCounts>,
    /// Who is privileged.
    pub privileged: Privileged,
    /// When accounts last signed in.
    pub last_logins: LastLogins,
    /// Groups.
    pub groups: GroupCounts,
    /// Membership rows by the type of the group.
    pub memberships: Kinds,
    /// Those through a group inside a group.
    pub nested_memberships: u64,
    /// Resources by their type.
    pub resources: Kinds,
    /// Evidence on resources, by its code.
    pub resource_evidence: BTreeMap<String, EvidenceCount>,
    /// Bindings by the kinds of their ends.
    pub bindings: Kinds,
    /// Bindings that expire.
    pub temporary_bindings: u64,
    /// Privileged grants by access, weakest first.
    pub privileged_grants: BTreeMap<Access, u64>,
    /// Privileged grants that expire; the others are standing.
    pub temporary_grants: u64,
    /// Other grants of accounts.
    pub other_account_grants: u64,
    /// Other grants of groups.
    pub other_group_grants: u64,
    /// Policies.
    pub policies: PolicyCounts,
    /// Rows of further kinds of record, by their kind.
    pub further_records: Kinds,
    /// The path with the most steps on which an account becomes administrator of a resource, of all paths in the rows.
    pub longest_way: Option<LongestWay>,
    /// Whether accounts have more paths than the rows contain.
    pub has_more_ways: bool,
}

/// A path from an account to administrator rights on a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LongestWay {
    /// Account, groups and resource, in that order.
    pub stops: Vec<String>,
    /// What the account may do there.
    pub access: Access,
}

/// Counts over accounts of one kind.
#[derive(Debug, Clone, Default)]
pub struct AccountCounts {
    /// All of them.
    pub total: u64,
    /// Those that are enabled.
    pub enabled: u64,
    /// Those that are not.
    pub disabled: u64,
    /// Those that are locked out.
    pub locked: u64,
    /// Those known to have no second factor.
    pub without_mfa: u64,
    /// Those for which it is not known whether a second factor is set up. Non-human accounts, which have none, and local
    /// accounts, which the target cannot ask for one, are not counted.
    pub mfa_unknown: u64,
    /// Those with evidence that they are not a person's.
    pub non_human: u64,
    /// Those that may belong to the same person as another account.
    pub linked: u64,
}

/// Counts over groups.
#[derive(Debug, Clone, Default)]
pub struct GroupCounts {
    /// Those without members.
    pub empty: u64,
    /// Those whose members are privileged, by their type.
    pub privileged: Kinds,
    /// By their type.
    pub by_type: Kinds,
    /// Those with the most members: the number, and the name.
    pub largest: Top<(u64, Reverse<String>), ()>,
}

impl Digest {
    /// Counts one row.
    pub fn observe(&mut self, record: &Record) {
        match record {
            Record::Account(account) => self.account(account),
            Record::Group(group) => self.group(group),
            Record::Membership(membership) => self.membership(membership),
            Record::Resource(resource) => {
                self.resources.count(&resource.resource_type);
                evidence::count(&mut self.resource_evidence, &resource.reasons, false);
            }
            Record::Binding(binding) => {
                self.bindings.count(&record.row_type());
                self.temporary_bindings += u64::from(binding.expires_at.is_some());
            }
            Record::Grant(grant) => self.grant(grant),
            Record::Policy(policy) => self.policies.observe(policy),
            _ => self.further_records.count(record.kind()),
        }
    }

    fn account(&mut self, account: &Account) {
        entry_of_kind(&mut self.accounts, &account.kind).observe(account);
        self.privileged.observe(account);
        self.last_logins.observe(account);
    }

    /// What was counted of accounts of all kinds.
    pub fn all_accounts(&self) -> AccountCounts {
        self.accounts.values().fold(AccountCounts::default(), |mut all, counts| {
            all.add(counts);
            all
        })
    }

    /// What was counted of one kind of account.
    pub fn accounts_of(&self, kind: &AccountKind) -> AccountCounts {
        self.accounts.get(kind).cloned().unwrap_or_default()
    }

    fn group(&mut self, group: &Group) {
        self.groups.observe(group);
        self.privileged.observe_group(group);
    }

    fn membership(&mut self, membership: &Membership) {
        self.memberships.count(&membership.group_type);
        self.nested_memberships += u64::from(!membership.direct);
    }

    fn grant(&mut self, grant: &Grant) {
        let Principal::Account { username, .. } = &grant.principal else {
            self.other_group_grants += 1;
            return;
        };
        if grant.is_privileged() {
            let counts = &mut self.privileged_grants;
            let known = counts.contains_key(&grant.access) || counts.len() < MAX_KINDS;
            let access = if known { grant.access.clone() } else { Access::of_word(grant.access.level, OTHER) };
            *counts.entry(access).or_default() += 1;
            self.temporary_grants += u64::from(grant.is_temporary());
        } else {
            self.other_account_grants += 1;
        }
        self.has_more_ways |= grant.more_paths > 0;
        for path in grant.via.iter().filter(|path| path.access.level > AccessLevel::Use) {
            // A path without a stop in between is not worth showing.
            if path.steps.len() + 2 > self.longest_way.as_ref().map_or(2, |way| way.stops.len()) {
                let steps = path.steps.iter().map(|step| step.name.clone());
                let stops = [username.clone()].into_iter().chain(steps).chain([grant.resource.name.clone()]).collect();
                self.longest_way = Some(LongestWay { stops, access: path.access.clone() });
            }
        }
    }
}

/// The counts of one kind of account; of further kinds those of [`OTHER`].
fn entry_of_kind<'a, T: Default>(counts: &'a mut BTreeMap<AccountKind, T>, kind: &AccountKind) -> &'a mut T {
    let known = counts.contains_key(kind) || counts.len() < MAX_KINDS;
    counts.entry(if known { kind.clone() } else { AccountKind::new(OTHER) }).or_default()
}

fn is_program(account: &Account) -> bool {
    account.account_type == Some(AccountType::NonHuman)
}

/// Whether the target can ask for a second factor when the account signs in. A program has none, and the sign-in of a local
/// account is decided by its device alone.
fn is_asked_for_a_factor(account: &Account) -> bool {
    !is_program(account) && account.kind != AccountKind::LOCAL_ACCOUNT
}

impl AccountCounts {
    fn add(&mut self, other: &Self) {
        let Self { total, enabled, disabled, locked, without_mfa, mfa_unknown, non_human, linked } = other;
        self.total += total;
        self.enabled += enabled;
        self.disabled += disabled;
        self.locked += locked;
        self.without_mfa += without_mfa;
        self.mfa_unknown += mfa_unknown;
        self.non_human += non_human;
        self.linked += linked;
    }

    fn observe(&mut self, account: &Account) {
        self.total += 1;
        self.enabled += u64::from(account.enabled == Some(true));
        self.disabled += u64::from(account.enabled == Some(false));
        self.locked += u64::from(account.locked == Some(true));
        let has_mfa = account.mfa.as_ref().and_then(|mfa| mfa.configured);
        self.without_mfa += u64::from(has_mfa == Some(false));
        self.mfa_unknown += u64::from(has_mfa.is_none() && is_asked_for_a_factor(account));
        self.non_human += u64::from(is_program(account));
        self.linked += u64::from(!account.links.is_empty());
    }
}

impl GroupCounts {
    fn observe(&mut self, group: &Group) {
        self.empty += u64::from(group.member_count == Some(0));
        if group.privileged {
            self.privileged.count(&group.group_type);
        }
        self.by_type.count(&group.group_type);
        self.largest.offer((group.member_count.unwrap_or_default(), Reverse(group.name.clone())), || ());
    }
}

/// Counts by name.
#[derive(Debug, Clone, Default)]
pub struct Kinds(BTreeMap<String, u64>);

impl Kinds {
    fn count(&mut self, kind: &str) {
        if let Some(count) = self.0.get_mut(kind) {
            *count += 1;
            return;
        }
        let kind = if self.0.len() < MAX_KINDS { kind } else { OTHER };
        *self.0.entry(kind.to_owned()).or_default() += 1;
    }

    /// The counts, largest first.
    pub fn by_number(&self) -> Vec<(&str, u64)> {
        let mut counts: Vec<_> = self.iter().collect();
        counts.sort_by_key(|(_, count)| Reverse(*count));
        counts
    }

    /// The counts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(kind, count)| (kind.as_str(), *count))
    }

    /// One of the counts.
    pub fn of(&self, kind: &str) -> u64 {
        self.0.get(kind).copied().unwrap_or_default()
    }

    /// The sum of all counts.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_api::{
        AccessPath, Binding, Mfa, NodeKind, NodeRef, PathStep, Reason, ReasonKind, ResourceRef, Severity,
    };

    use super::*;

    #[test]
    fn accounts_are_counted_by_kind_and_state() {
        let mut digest = Digest::default();
        let user = |enabled, configured| {
            let mut row = Account::default();
            row.enabled = Some(enabled);
            let mut mfa = Mfa::default();
            mfa.configured = Some(configured);
            row.mfa = Some(mfa);
            row
        };
        digest.observe(&user(true, false).into());
        digest.observe(&user(false, true).into());
        digest.observe(&Account::default().into());
        let mut administrator = user(true, false);
        administrator.kind = AccountKind::ADMINISTRATOR;
        digest.observe(&administrator.into());
        let mut program = Account::default();
        (program.kind, program.account_type) = (AccountKind::SERVICE_ACCOUNT, Some(AccountType::NonHuman));
        digest.observe(&program.into());
        let users = digest.accounts_of(&AccountKind::USER);
        assert_eq!((users.total, users.enabled, users.disabled), (3, 1, 1));
        assert_eq!((users.without_mfa, users.mfa_unknown), (1, 1));
        let administrators = digest.accounts_of(&AccountKind::ADMINISTRATOR);
        assert_eq!((administrators.total, administrators.without_mfa), (1, 1));
        let programs = digest.accounts_of(&AccountKind::SERVICE_ACCOUNT);
        assert_eq!((programs.total, programs.mfa_unknown), (1, 0), "a program has no second factor");
        let all = digest.all_accounts();
        assert_eq!((all.total, all.enabled, all.disabled, all.without_mfa, all.non_human), (5, 2, 1, 2, 1));
    }

    #[test]
    fn evidence_on_resources_is_counted_once_for_each_by_its_highest_severity() {
        let risk = |severity| Reason::new("open", ReasonKind::Risk, severity, "is open", "close it");
        let mut digest = Digest::default();
        for reasons in [vec![risk(Severity::Low), risk(Severity::High)], vec![risk(Severity::Low)], Vec::new()] {
            let mut resource = connector_api::Resource::new("1", "system", "box");
            resource.reasons = reasons;
            digest.observe(&resource.into());
        }
        let by_severity = BTreeMap::from([(Severity::Low, 1), (Severity::High, 1)]);
        let expected = EvidenceCount { by_severity, not_privileged: 0 };
        assert_eq!(digest.resource_evidence, BTreeMap::from([("open".to_owned(), expected)]));
        assert!(digest.privileged.evidence.is_empty(), "a resource is no account");
    }

    #[test]
    fn of_groups_as_large_the_one_that_sorts_first_comes_first() {
        let mut digest = Digest::default();
        for (name, members) in [("b", 9), ("c", 0), ("a", 9)] {
            let mut group = Group::new("", "", name);
            group.member_count = Some(members);
            digest.observe(&group.into());
        }
        let largest: Vec<(u64, &str)> =
            digest.groups.largest.iter().map(|((members, Reverse(name)), ())| (*members, name.as_str())).collect();
        assert_eq!(largest, [(9, "a"), (9, "b"), (0, "c")]);
        assert_eq!((digest.groups.by_type.total(), digest.groups.empty), (3, 1));
    }

    #[test]
    fn the_longest_way_is_the_longest_of_all_ways_that_give_more_than_a_login() {
        let login = Access::of_word(AccessLevel::Use, "login");
        let owner = Access::of_word(AccessLevel::Administer, "owner");
        let way = |access: &Access, steps: &[&str]| {
            AccessPath::new(access.clone(), steps.iter().map(|name| PathStep::new("", "", *name)).collect())
        };
        let grant = |username: &str, via: Vec<AccessPath>| {
            let resource = ResourceRef::new("r", "system", "box");
            let mut grant = Grant::new(Principal::account("1", username), resource, owner.clone());
            grant.via = via;
            grant
        };
        let mut digest = Digest::default();
        digest.observe(&grant("ada", vec![way(&owner, &["a", "b"])]).into());
        let longest = vec![way(&owner, &[]), way(&owner, &["c", "d", "e"]), way(&login, &["f"; 9])];
        digest.observe(&grant("bob", longest).into());
        digest.observe(&grant("eve", vec![way(&owner, &["g", "h", "i"])]).into());
        let expected = LongestWay { stops: ["bob", "c", "d", "e", "box"].map(str::to_owned).into(), access: owner };
        assert_eq!(digest.longest_way, Some(expected));
        assert!(!digest.has_more_ways);
    }

    #[test]
    fn what_ends_by_itself_is_counted_separately_from_what_stays() {
        let mut digest = Digest::default();
        let resource = || ResourceRef::new("r", "system", "box");
        let grant = |level, expires_at| {
            let mut grant = Grant::new(Principal::account("1", "ada"), resource(), Access::of_word(level, "word"));
            grant.expires_at = expires_at;
            grant
        };
        let end = Some(jiff::Timestamp::UNIX_EPOCH);
        for (level, expires_at) in [
            (AccessLevel::Administer, None),
            (AccessLevel::Administer, end),
            (AccessLevel::Use, end),
            (AccessLevel::Use, None),
        ] {
            digest.observe(&grant(level, expires_at).into());
        }
        assert_eq!((digest.privileged_grants.values().sum::<u64>(), digest.temporary_grants), (3, 2));
        assert_eq!(digest.other_account_grants, 1);
        let node = |kind| NodeRef::new(kind, "", "1");
        for expires_at in [None, end] {
            let mut binding = Binding::new(node(NodeKind::Account), node(NodeKind::Resource));
            binding.expires_at = expires_at;
            digest.observe(&binding.into());
        }
        assert_eq!((digest.bindings.total(), digest.temporary_bindings), (2, 1));
    }

    #[test]
    fn kinds_are_ordered_by_their_number() {
        let mut kinds = Kinds::default();
        for kind in ["b", "a", "b", "c"] {
            kinds.count(kind);
        }
        assert_eq!(kinds.by_number(), [("b", 2), ("a", 1), ("c", 1)]);
    }

    #[test]
    fn a_target_that_invents_types_cannot_fill_the_memory() {
        let mut kinds = Kinds::default();
        let mut digest = Digest::default();
        for n in 0..1000 {
            kinds.count(&n.to_string());
            let mut account = Account::default();
            account.kind = AccountKind::new(n.to_string());
            account.reasons = vec![Reason::new("", ReasonKind::Privilege, Severity::Low, "", "")];
            digest.observe(&account.into());
            let access = Access::new(AccessLevel::Write, n.to_string());
            let grant = Grant::new(Principal::account("1", "ada"), ResourceRef::new("r", "system", "box"), access);
            digest.observe(&grant.into());
        }
        assert!(digest.accounts.len() <= MAX_KINDS + 1);
        assert!(digest.privileged.by_kind.len() <= MAX_KINDS + 1);
        assert!(digest.privileged_grants.len() <= MAX_KINDS + 1);
        assert_eq!(digest.privileged_grants.values().sum::<u64>(), 1000);
        assert!(kinds.iter().count() <= MAX_KINDS + 1);
        assert_eq!(kinds.total(), 1000);
    }
}
