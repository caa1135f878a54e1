//! When accounts last signed in.

use std::collections::BTreeMap;

use connector_api::Account;
use jiff::Timestamp;

/// How many days are counted separately; further days are counted under the earliest.
const MAX_DAYS: usize = 4096;

/// What is known about the last login of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastSeen {
    /// The time of the last successful login.
    At(Timestamp),
    /// No login was found since this time.
    NoneSince(Timestamp),
    /// Logins were not read.
    Unknown,
}

impl LastSeen {
    /// What an account's row says.
    pub fn of(account: &Account) -> Self {
        let login = account.last_login.as_ref();
        let at = account.last_login_at.or_else(|| login?.succeeded_at);
        match (at, login.and_then(|login| login.since)) {
            (Some(at), _) => Self::At(at),
            (None, Some(since)) => Self::NoneSince(since),
            (None, None) => Self::Unknown,
        }
    }
}

/// Last logins, counted.
#[derive(Debug, Clone, Default)]
pub struct LastLogins {
    /// Accounts by the day of their last login, in days since 1970 (UTC).
    days: BTreeMap<i64, u64>,
    /// Accounts without a login in the log.
    pub none_found: u64,
    /// The start of the log for these.
    pub since: Option<Timestamp>,
    /// Accounts for which nothing is known.
    pub unknown: u64,
}

impl LastLogins {
    pub(super) fn observe(&mut self, account: &Account) {
        match LastSeen::of(account) {
            LastSeen::At(at) => {
                let mut day = day_of(at);
                if self.days.len() >= MAX_DAYS && !self.days.contains_key(&day) {
                    day = self.days.keys().next().copied().unwrap_or(day);
                }
                *self.days.entry(day).or_default() += 1;
            }
            LastSeen::NoneSince(since) => {
                self.none_found += 1;
                self.since = [self.since, Some(since)].into_iter().flatten().min();
            }
            LastSeen::Unknown => self.unknown += 1,
        }
    }

    /// Accounts with a known login.
    pub fn known(&self) -> u64 {
        self.days.values().sum()
    }

    /// Accounts whose last login was `from` to `to` days before `now`, both included; on the day itself it is 0 days.
    pub fn between(&self, now: Timestamp, from: i64, to: i64) -> u64 {
        let today = day_of(now);
        // A login in the future is due to another clock and counts as today.
        let age = |day: i64| today.saturating_sub(day).max(0);
        self.days.iter().filter(|(day, _)| (from..=to).contains(&age(**day))).map(|(_, accounts)| accounts).sum()
    }
}

fn day_of(time: Timestamp) -> i64 {
    time.as_second().div_euclid(24 * 60 * 60)
}

/// The number of days from the day of `time` to the day of `now`, in UTC.
pub fn days_before(time: Timestamp, now: Timestamp) -> i64 {
    day_of(now).saturating_sub(day_of(time)).max(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_api::LastLogin;

    use super::*;

    fn at_login(at: Option<Timestamp>, last_login: Option<LastLogin>) -> Account {
        let mut account = Account::default();
        account.last_login_at = at;
        account.last_login = last_login;
        account
    }

    #[test]
    fn logins_are_counted_by_day_and_what_is_not_known_by_itself() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut logins = LastLogins::default();
        for at in ["2026-11-26T00:00:01Z", "2026-11-26T23:00:00Z", "2026-11-25T23:59:59Z", "2026-10-01T00:00:00Z"] {
            logins.observe(&at_login(Some(time(at)), None));
        }
        let since = Some(time("2026-08-28T00:00:00Z"));
        let mut none_found = LastLogin::default();
        none_found.since = since;
        logins.observe(&at_login(None, Some(none_found)));
        logins.observe(&Account::default());
        let now = time("2026-11-26T12:00:00Z");
        assert_eq!(
            [(0, 0), (1, 7), (8, 30), (31, i64::MAX)].map(|(from, to)| logins.between(now, from, to)),
            [2, 1, 0, 1]
        );
        assert_eq!((logins.known(), logins.none_found, logins.since, logins.unknown), (4, 1, since, 1));
    }

    #[test]
    fn a_target_that_invents_days_cannot_fill_the_memory() {
        let mut logins = LastLogins::default();
        for day in 0..10_000 {
            let last_login_at = Timestamp::from_second(day * 24 * 60 * 60).ok();
            logins.observe(&at_login(last_login_at, None));
        }
        assert_eq!((logins.days.len(), logins.known()), (MAX_DAYS, 10_000));
    }
}
