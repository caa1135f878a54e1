//! What an operator wants to know of a scan at a glance, counted while the rows stream by.
//!
//! Memory is bounded whatever the size of the organisation: counts, and a few short lists of the largest.

use std::collections::BTreeMap;

use connector_api::{Access, Account, AccountKind, AccountType, Grant, Group, Principal, Record, Resource};

/// How many kinds of one thing are counted apart; a target that has more is counted under `other`.
const MAX_KINDS: usize = 32;

/// Counts over all rows of a scan.
#[derive(Debug, Clone, Default)]
pub struct Digest {
    /// Users of the directory.
    pub users: AccountCounts,
    /// Administrators of the target itself.
    pub administrators: AccountCounts,
    /// Groups.
    pub groups: GroupCounts,
    /// Membership rows that are direct.
    pub direct_memberships: u64,
    /// Membership rows through a group inside a group.
    pub nested_memberships: u64,
    /// Resources by their type.
    pub resources: Kinds,
    /// Grants of accounts by level, weakest first.
    pub account_grants: BTreeMap<Access, u64>,
    /// Grants of groups by level, weakest first.
    pub group_grants: BTreeMap<Access, u64>,
    /// Accounts with evidence of privilege.
    pub privileged_accounts: u64,
    /// Those with the most evidence.
    pub most_privileged: Top<PrivilegedAccount>,
    /// The evidence by its code.
    pub evidence: BTreeMap<String, Evidence>,
    /// The account that becomes administrator of a resource over the most steps.
    pub longest_way: Option<LongestWay>,
}

/// How often one kind of evidence was found, and the first account that it was found on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Accounts with this evidence.
    pub accounts: u64,
    /// The `username` of the first.
    pub example: String,
    /// The sentence on it.
    pub message: String,
}

/// A way from an account to administrator rights on a resource.
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
    /// Those that can be used now.
    pub enabled: u64,
    /// Those that cannot.
    pub disabled: u64,
    /// Those that are locked out.
    pub locked: u64,
    /// Those of which it is known that no second factor is set up.
    pub without_mfa: u64,
    /// Those with evidence that they are not a person.
    pub non_human: u64,
    /// Those whose key is old.
    pub stale_key: u64,
    /// Those that may belong to the same person as another account.
    pub linked: u64,
}

/// Counts over groups.
#[derive(Debug, Clone, Default)]
pub struct GroupCounts {
    /// All of them.
    pub total: u64,
    /// Those that no account is a member of.
    pub empty: u64,
    /// Those whose members are privileged.
    pub privileged: u64,
    /// By their type.
    pub by_type: Kinds,
    /// Those with the most members.
    pub largest: Top<String>,
}

/// An account with evidence of privilege.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrivilegedAccount {
    /// Its `username`.
    pub username: String,
    /// Its kind.
    pub kind: AccountKind,
    /// The sentences of its reasons.
    pub reasons: Vec<String>,
}

impl Digest {
    /// Counts one row.
    pub fn observe(&mut self, record: &Record) {
        match record {
            Record::Account(account) => self.account(account),
            Record::Group(group) => self.groups.observe(group),
            Record::Membership(membership) if membership.direct => self.direct_memberships += 1,
            Record::Membership(_) => self.nested_memberships += 1,
            Record::Resource(resource) => self.resource(resource),
            Record::Grant(grant) => self.grant(grant),
            _ => {}
        }
    }

    fn account(&mut self, account: &Account) {
        match account.kind {
            AccountKind::Administrator => self.administrators.observe(account),
            _ => self.users.observe(account),
        }
        for reason in &account.reasons {
            let known = self.evidence.contains_key(&reason.code) || self.evidence.len() < MAX_KINDS;
            let evidence = self.evidence.entry(if known { &reason.code } else { "other" }.to_owned()).or_default();
            if evidence.accounts == 0 {
                (evidence.example, evidence.message) = (account.username.clone(), reason.message.clone());
            }
            evidence.accounts += 1;
        }
        if !account.reasons.is_empty() {
            self.privileged_accounts += 1;
            self.most_privileged.offer(account.reasons.len() as u64, || PrivilegedAccount {
                username: account.username.clone(),
                kind: account.kind,
                reasons: account.reasons.iter().map(|reason| reason.message.clone()).collect(),
            });
        }
    }

    fn resource(&mut self, resource: &Resource) {
        self.resources.count(&resource.resource_type);
    }

    fn grant(&mut self, grant: &Grant) {
        let levels = match grant.principal {
            Principal::Account { .. } => &mut self.account_grants,
            Principal::Group { .. } => &mut self.group_grants,
        };
        *levels.entry(grant.access).or_default() += 1;
        let Principal::Account { username, .. } = &grant.principal else { return };
        let longest = self.longest_way.as_ref().map_or(2, |way| way.stops.len());
        // Of several paths the first is the shortest: what it needs, the access needs.
        if let Some(path) = grant.via.first().filter(|path| path.access > Access::Login)
            && path.steps.len() + 2 > longest
        {
            let steps = path.steps.iter().map(|step| step.name.clone());
            let stops = [username.clone()].into_iter().chain(steps).chain([grant.resource.name.clone()]).collect();
            self.longest_way = Some(LongestWay { stops, access: path.access });
        }
    }
}

impl AccountCounts {
    fn observe(&mut self, account: &Account) {
        self.total += 1;
        self.enabled += u64::from(account.enabled == Some(true));
        self.disabled += u64::from(account.enabled == Some(false));
        self.locked += u64::from(account.locked == Some(true));
        self.without_mfa += u64::from(account.mfa.as_ref().and_then(|mfa| mfa.configured) == Some(false));
        self.non_human += u64::from(account.account_type == Some(AccountType::NonHuman));
        self.stale_key += u64::from(account.reasons.iter().any(|reason| reason.code == "stale_api_key"));
        self.linked += u64::from(!account.links.is_empty());
    }
}

impl GroupCounts {
    fn observe(&mut self, group: &Group) {
        self.total += 1;
        self.empty += u64::from(group.member_count == Some(0));
        self.privileged += u64::from(group.privileged);
        self.by_type.count(&group.group_type);
        self.largest.offer(group.member_count.unwrap_or_default(), || group.name.clone());
    }
}

/// Counts by name.
#[derive(Debug, Clone, Default)]
pub struct Kinds(BTreeMap<String, u64>);

impl Kinds {
    fn count(&mut self, kind: &str) {
        let known = self.0.contains_key(kind) || self.0.len() < MAX_KINDS;
        *self.0.entry(if known { kind } else { "other" }.to_owned()).or_default() += 1;
    }

    /// The counts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(kind, count)| (kind.as_str(), *count))
    }

    /// The sum of all counts.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// The few largest of many, largest first; among equals the one that sorts first.
#[derive(Debug, Clone)]
pub struct Top<T> {
    items: Vec<(u64, T)>,
}

impl<T> Default for Top<T> {
    fn default() -> Self {
        Self { items: Vec::new() }
    }
}

impl<T: Ord> Top<T> {
    /// How many are kept.
    pub const LIMIT: usize = 10;

    /// Keeps the item that `make` makes, if its size is among the largest.
    fn offer(&mut self, size: u64, make: impl FnOnce() -> T) {
        if self.items.len() == Self::LIMIT && self.items.last().is_some_and(|(smallest, _)| size < *smallest) {
            return;
        }
        let item = make();
        let place = self.items.partition_point(|(other, kept)| *other > size || (*other == size && *kept <= item));
        self.items.insert(place, (size, item));
        self.items.truncate(Self::LIMIT);
    }

    /// The kept items with their sizes, largest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.items.iter().map(|(size, item)| (*size, item))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_api::{Mfa, Reason};

    use super::*;

    #[test]
    fn accounts_are_counted_by_kind_and_state() {
        let mut digest = Digest::default();
        let user = |enabled, configured| Account {
            enabled: Some(enabled),
            mfa: Some(Mfa { configured: Some(configured), ..Mfa::default() }),
            ..Account::default()
        };
        digest.observe(&user(true, false).into());
        digest.observe(&user(false, true).into());
        digest.observe(&Account::default().into());
        digest.observe(&Account { kind: AccountKind::Administrator, ..user(true, false) }.into());
        let users = &digest.users;
        assert_eq!((users.total, users.enabled, users.disabled, users.without_mfa), (3, 1, 1, 1));
        assert_eq!((digest.administrators.total, digest.administrators.without_mfa), (1, 1));
    }

    #[test]
    fn only_the_largest_groups_are_kept_in_order() {
        let mut digest = Digest::default();
        for members in [3, 9, 1, 9, 7, 2, 8, 4, 6, 5, 0, 10] {
            let name = format!("group {members}");
            digest.observe(&Group { name, member_count: Some(members), ..Group::default() }.into());
        }
        let sizes: Vec<u64> = digest.groups.largest.iter().map(|(size, _)| size).collect();
        assert_eq!(sizes, [10, 9, 9, 8, 7, 6, 5, 4, 3, 2]);
        assert_eq!((digest.groups.total, digest.groups.empty), (12, 1));
    }

    #[test]
    fn accounts_with_the_most_reasons_come_first_and_equals_by_name() {
        let mut digest = Digest::default();
        for (username, reasons) in [("bob", 1), ("eve", 0), ("ada", 1), ("root", 3)] {
            let reasons = (0..reasons).map(|n| Reason::new("code", format!("reason {n}"))).collect();
            digest.observe(&Account { username: username.into(), reasons, ..Account::default() }.into());
        }
        let names: Vec<&str> = digest.most_privileged.iter().map(|(_, account)| account.username.as_str()).collect();
        assert_eq!(names, ["root", "ada", "bob"]);
        assert_eq!(digest.privileged_accounts, 3);
    }

    #[test]
    fn evidence_is_counted_by_code_with_its_first_example() {
        let mut digest = Digest::default();
        for username in ["ada", "bob"] {
            let reasons = vec![Reason::new("sudo", format!("{username} may"))];
            digest.observe(&Account { username: username.into(), reasons, ..Account::default() }.into());
        }
        let expected = Evidence { accounts: 2, example: "ada".into(), message: "ada may".into() };
        assert_eq!(digest.evidence, BTreeMap::from([("sudo".to_owned(), expected)]));
    }

    #[test]
    fn a_target_that_invents_types_cannot_fill_the_memory() {
        let mut kinds = Kinds::default();
        (0..1000).for_each(|n| kinds.count(&n.to_string()));
        assert!(kinds.iter().count() <= MAX_KINDS + 1);
        assert_eq!(kinds.total(), 1000);
    }
}
