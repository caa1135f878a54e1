//! Who is privileged, how severely and by which evidence. No code of a connector is used here, only kind and severity.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use connector_api::{Account, AccountKind, DecidingSetting, Group, Mfa, Reason, ReasonKind, Severity};

use super::evidence::{self, EvidenceCount};
use super::largest::Top;
use super::logins::LastSeen;
use super::{MAX_KINDS, entry_of_kind, is_asked_for_a_factor};

/// Privileged accounts, counted, and the most severe of them.
#[derive(Debug, Clone, Default)]
pub struct Privileged {
    /// Accounts with evidence of privilege.
    pub accounts: u64,
    /// These accounts by their most severe evidence.
    pub by_severity: BTreeMap<Severity, u64>,
    /// These accounts by their kind.
    pub by_kind: BTreeMap<AccountKind, u64>,
    /// Privileged accounts with privilege that does not end by itself.
    pub standing: u64,
    /// Privileged accounts whose whole privilege ends by itself.
    pub temporary: u64,
    /// Privileged accounts that can be used now: not known to be disabled or locked.
    pub usable: u64,
    /// Usable ones that are known to have no second factor.
    pub usable_without_mfa: u64,
    /// Usable ones for which it is not known whether a second factor is set up; local accounts not counted.
    pub usable_mfa_unknown: u64,
    /// Usable local accounts of devices: the target cannot ask for a second factor when they sign in.
    pub usable_local: u64,
    /// The most severe of them.
    pub worst: Top<Rank, PrivilegedAccount>,
    /// Evidence by its code, on any account.
    pub evidence: BTreeMap<String, EvidenceCount>,
    /// The settings that make accounts privileged.
    pub settings: BTreeMap<DecidingSetting, SettingCount>,
}

/// The order of privileged accounts: by most severe evidence, then whether the account can be used now, then the severities of
/// all its evidence, most severe first, then the name.
pub type Rank = (Severity, bool, Vec<Severity>, Reverse<String>);

/// A privileged account.
#[derive(Debug, Clone)]
pub struct PrivilegedAccount {
    /// Its `username`.
    pub username: String,
    /// Its kind.
    pub kind: AccountKind,
    /// Whether the target can ask for a second factor when it signs in, as it cannot of programs and local accounts.
    pub asked_for_factor: bool,
    /// Whether it is enabled, if known.
    pub enabled: Option<bool>,
    /// Whether it is locked out, if known.
    pub locked: Option<bool>,
    /// The highest severity of its evidence.
    pub severity: Severity,
    /// What is known about its second factor.
    pub mfa: Option<Mfa>,
    /// When it last signed in.
    pub last_seen: LastSeen,
    /// Its evidence, most severe first.
    pub reasons: Vec<Reason>,
}

/// The accounts and groups that one setting makes privileged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingCount {
    /// Accounts with privilege from this setting.
    pub accounts: u64,
    /// Accounts with privilege only from this setting, from any of its values.
    pub by_nothing_else: u64,
    /// The largest group that is privileged by it: the number of its members, and its name.
    pub widest_group: Option<(u64, String)>,
}

impl Privileged {
    pub(super) fn observe(&mut self, account: &Account) {
        if account.reasons.is_empty() {
            return;
        }
        let severity = account.severity();
        evidence::count(&mut self.evidence, &account.reasons, severity.is_none());
        let Some(severity) = severity else { return };
        self.accounts += 1;
        *self.by_severity.entry(severity).or_default() += 1;
        *entry_of_kind(&mut self.by_kind, &account.kind) += 1;
        let is_standing = account.reasons.iter().any(Reason::is_standing_privilege);
        self.standing += u64::from(is_standing);
        self.temporary += u64::from(!is_standing);
        let usable = account.enabled != Some(false) && account.locked != Some(true);
        let has_mfa = account.mfa.as_ref().and_then(|mfa| mfa.configured);
        self.usable += u64::from(usable);
        self.usable_without_mfa += u64::from(usable && has_mfa == Some(false));
        self.usable_mfa_unknown += u64::from(usable && has_mfa.is_none() && is_asked_for_a_factor(account));
        self.usable_local += u64::from(usable && has_mfa.is_none() && account.kind == AccountKind::LOCAL_ACCOUNT);
        self.count_settings(&account.reasons);
        let mut reasons: Vec<&Reason> = account.reasons.iter().collect();
        reasons.sort_by_key(|reason| Reverse(reason.severity));
        let severities = reasons.iter().map(|reason| reason.severity).collect();
        self.worst.offer((severity, usable, severities, Reverse(account.username.clone())), || PrivilegedAccount {
            username: account.username.clone(),
            kind: account.kind.clone(),
            asked_for_factor: is_asked_for_a_factor(account),
            enabled: account.enabled,
            locked: account.locked,
            severity,
            mfa: account.mfa.clone(),
            last_seen: LastSeen::of(account),
            reasons: reasons.into_iter().cloned().collect(),
        });
    }

    fn count_settings(&mut self, reasons: &[Reason]) {
        let privilege = || reasons.iter().filter(|reason| reason.kind == ReasonKind::Privilege);
        let mut settings: Vec<&DecidingSetting> = privilege().filter_map(|reason| reason.setting.as_ref()).collect();
        settings.sort_unstable();
        settings.dedup();
        for setting in settings {
            let alone = privilege().all(|reason| reason.setting.as_ref().is_some_and(|by| by.name == setting.name));
            if let Some(count) = self.setting(setting) {
                count.accounts += 1;
                count.by_nothing_else += u64::from(alone);
            }
        }
    }

    pub(super) fn observe_group(&mut self, group: &Group) {
        let members = group.member_count.unwrap_or_default();
        let settings = group.reasons.iter().filter(|reason| reason.kind == ReasonKind::Privilege);
        for setting in settings.filter_map(|reason| reason.setting.as_ref()) {
            if let Some(count) = self.setting(setting)
                && count.widest_group.as_ref().is_none_or(|(most, _)| members > *most)
            {
                count.widest_group = Some((members, group.name.clone()));
            }
        }
    }

    fn setting(&mut self, setting: &DecidingSetting) -> Option<&mut SettingCount> {
        if !self.settings.contains_key(setting) {
            if self.settings.len() == MAX_KINDS {
                return None;
            }
            self.settings.insert(setting.clone(), SettingCount::default());
        }
        self.settings.get_mut(setting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(code: &str, kind: ReasonKind, severity: Severity) -> Reason {
        Reason::new(code, kind, severity, format!("is {code}"), format!("undo {code}"))
    }

    fn account(username: &str, enabled: bool, reasons: &[Reason]) -> Account {
        let mut row = Account::new("", username);
        row.enabled = Some(enabled);
        row.reasons = reasons.to_vec();
        row
    }

    fn observe(accounts: &[Account]) -> Privileged {
        let mut privileged = Privileged::default();
        accounts.iter().for_each(|account| privileged.observe(account));
        privileged
    }

    #[test]
    fn accounts_are_ordered_by_severity_then_whether_they_can_be_used_then_amount_of_evidence() {
        let power = |severity| reason("power", ReasonKind::Privilege, severity);
        let risk = |severity| reason("risk", ReasonKind::Risk, severity);
        let (low, high, critical) = (Severity::Low, Severity::High, Severity::Critical);
        let privileged = observe(&[
            account("many low", true, &vec![power(low); 9]),
            account("disabled", false, &[power(high), power(high), power(high)]),
            account("b high", true, &[power(high)]),
            account("a high", true, &[power(high)]),
            account("two high", true, &[power(low), power(high), risk(high)]),
            account("critical", true, &[power(low), risk(critical)]),
            account("risk alone", true, &[risk(critical)]),
            account("nothing", true, &[]),
        ]);
        let names: Vec<&str> = privileged.worst.iter().map(|(_, account)| account.username.as_str()).collect();
        assert_eq!(names, ["critical", "two high", "a high", "b high", "disabled", "many low"]);
        assert_eq!((privileged.accounts, privileged.usable), (6, 5));
        assert_eq!(privileged.by_severity, BTreeMap::from([(low, 1), (high, 4), (critical, 1)]));
        assert_eq!(privileged.by_kind, BTreeMap::from([(AccountKind::USER, 6)]));
        let (_, worst) = privileged.worst.iter().next().unwrap_or_else(|| panic!("nobody"));
        let sentences: Vec<&str> = worst.reasons.iter().map(|reason| reason.message.as_str()).collect();
        assert_eq!(sentences, ["is risk", "is power"], "most severe first");
    }

    #[test]
    fn evidence_is_counted_once_per_account_by_its_highest_severity() {
        let group = |severity| reason("group", ReasonKind::Privilege, severity);
        let privileged = observe(&[
            account("ada", true, &[group(Severity::Low), group(Severity::High), group(Severity::Low)]),
            account("bob", true, &[group(Severity::Low)]),
        ]);
        let expected =
            EvidenceCount { by_severity: BTreeMap::from([(Severity::Low, 1), (Severity::High, 1)]), not_privileged: 0 };
        assert_eq!(privileged.evidence, BTreeMap::from([("group".to_owned(), expected)]));
    }

    #[test]
    fn privilege_is_temporary_if_all_of_it_ends_by_itself() {
        let standing = || reason("power", ReasonKind::Privilege, Severity::High);
        let ending = || standing().until(jiff::Timestamp::UNIX_EPOCH);
        let risk = reason("risk", ReasonKind::Risk, Severity::Low);
        let privileged = observe(&[
            account("standing", true, &[standing(), risk.clone()]),
            account("both", true, &[ending(), standing()]),
            account("temporary", true, &[ending(), risk.clone()]),
            account("nothing", true, &[risk]),
        ]);
        assert_eq!((privileged.accounts, privileged.standing, privileged.temporary), (3, 2, 1));
    }

    #[test]
    fn evidence_on_accounts_that_are_not_privileged_is_counted_separately() {
        let power = reason("power", ReasonKind::Privilege, Severity::Medium);
        let left_over = reason("left over", ReasonKind::Risk, Severity::Low);
        let privileged = observe(&[
            account("ada", false, &[power, left_over.clone()]),
            account("bob", false, std::slice::from_ref(&left_over)),
            account("eve", false, &[left_over]),
        ]);
        let count = &privileged.evidence["left over"];
        assert_eq!((count.total(), count.not_privileged), (3, 2));
        assert_eq!(privileged.evidence["power"].not_privileged, 0);
    }

    #[test]
    fn a_locked_account_cannot_be_used_now_and_an_unknown_second_factor_is_not_a_missing_one() {
        let power = [reason("power", ReasonKind::Privilege, Severity::High)];
        let with = |username: &str, enabled: bool, locked, configured: Option<bool>| {
            let mut account = account(username, enabled, &power);
            let mut mfa = Mfa::default();
            mfa.configured = configured;
            (account.locked, account.mfa) = (locked, Some(mfa));
            account
        };
        let privileged = observe(&[
            with("locked", true, Some(true), Some(false)),
            with("disabled", false, Some(false), None),
            with("without", true, Some(false), Some(false)),
            with("with", true, None, Some(true)),
            with("not known", true, None, None),
            account("not served", true, &power),
        ]);
        assert_eq!((privileged.accounts, privileged.usable), (6, 4));
        assert_eq!((privileged.usable_without_mfa, privileged.usable_mfa_unknown), (1, 2));
        let mut local = account("root@host", true, &power);
        local.kind = AccountKind::LOCAL_ACCOUNT;
        let of_local = observe(&[local]);
        assert_eq!((of_local.usable, of_local.usable_mfa_unknown, of_local.usable_local), (1, 0, 1), "nobody can ask");
        let names: Vec<&str> = privileged.worst.iter().map(|(_, account)| account.username.as_str()).collect();
        assert_eq!(names, ["not known", "not served", "with", "without", "disabled", "locked"]);
    }

    #[test]
    fn a_setting_counts_the_accounts_that_it_makes_privileged_and_those_with_no_other_evidence() {
        let by = |value: &str| reason("name", ReasonKind::Privilege, Severity::Low).by_setting("patterns", value);
        let (power, risk) = (
            reason("power", ReasonKind::Privilege, Severity::High),
            reason("risk", ReasonKind::Risk, Severity::Medium).by_setting("days", "90"),
        );
        let mut privileged = observe(&[
            account("ada", true, &[by("admin"), by("admin"), risk]),
            account("bob", true, &[by("admin"), by("root")]),
            account("eve", true, &[by("admin"), power]),
        ]);
        for (name, members) in [("Admins", 2), ("VPN Admins", 99), ("All admins", 99)] {
            let reasons = vec![by("admin")];
            let mut group = Group::new("", "", name);
            group.member_count = Some(members);
            group.reasons = reasons;
            privileged.observe_group(&group);
        }
        let counts: Vec<_> = privileged
            .settings
            .iter()
            .map(|(setting, count)| (setting.value.as_str(), count.accounts, count.by_nothing_else))
            .collect();
        // Two values of one setting are one setting: who has privilege by both has it by nothing else.
        assert_eq!(counts, [("admin", 3, 2), ("root", 1, 1)], "a risk makes nobody privileged");
        let widest: Vec<_> = privileged.settings.values().map(|count| count.widest_group.clone()).collect();
        assert_eq!(widest, [Some((99, "VPN Admins".to_owned())), None]);
    }
}
