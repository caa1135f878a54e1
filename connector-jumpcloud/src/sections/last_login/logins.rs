//! What is known about recent logins: small, since a scan keeps it for every account that signed in.

use std::collections::HashMap;
use std::num::NonZeroI64;

use connector_api::{Account, LastLogin};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api::Id;
use crate::api::events::Service;

/// Recent logins by account. Users and administrators are separate: an administrator is not the user with the same address.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Logins {
    /// The start of the time that the log covers; absent if logins were not read completely, or the log is empty.
    pub(crate) since: Option<Timestamp>,
    /// Whether the log covers the look-back window, so that an account without an event did not sign in.
    pub(crate) covered: bool,
    /// Warnings about the log, until they are added to those of the scan.
    #[serde(skip)]
    pub(crate) warnings: Vec<String>,
    pub(crate) users: Known,
    pub(crate) administrators: Known,
}

/// Logins by the name of the account.
pub(crate) type ByName = HashMap<String, Login>;

/// The logins of one kind of account.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Known {
    pub(crate) by_id: HashMap<Id, Login>,
    /// Logins that name their account only by user name or address, in lower case, since services differ in case.
    pub(crate) by_name: ByName,
    /// Logins on devices, which may use the local name of the account, in lower case.
    pub(crate) on_devices: ByName,
}

/// One account's last logins.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) succeeded_at: Option<Moment>,
    pub(crate) failed_at: Option<Moment>,
    /// The service of the last login that succeeded.
    pub(crate) service: Option<Service>,
    /// Whether that login used a second factor.
    pub(crate) mfa: Option<bool>,
}

/// A point in time in milliseconds, as in events; half the size of a [`Timestamp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Moment(NonZeroI64);

impl Moment {
    pub(crate) fn of(time: Timestamp) -> Self {
        Self(NonZeroI64::new(time.as_millisecond()).unwrap_or(NonZeroI64::MIN))
    }

    fn time(self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.0.get()).ok()
    }
}

impl Login {
    /// Merges the logins of one account.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.succeeded_at > self.succeeded_at {
            (self.succeeded_at, self.service, self.mfa) = (other.succeeded_at, other.service, other.mfa);
        }
        self.failed_at = self.failed_at.max(other.failed_at);
    }
}

impl Known {
    fn count(&self) -> usize {
        self.by_id.len() + self.by_name.len() + self.on_devices.len()
    }

    fn merge(&mut self, other: Self) {
        other.by_id.into_iter().for_each(|(id, login)| self.by_id.entry(id).or_default().merge(&login));
        let named = [(&mut self.by_name, other.by_name), (&mut self.on_devices, other.on_devices)];
        for (known, more) in named {
            more.into_iter().for_each(|(name, login)| known.entry(name).or_default().merge(&login));
        }
    }
}

impl Logins {
    /// The accounts that signed in.
    pub(crate) fn count(&self) -> usize {
        self.users.count() + self.administrators.count()
    }

    /// Adds the logins of another page.
    pub(crate) fn merge(&mut self, page: Self) {
        self.users.merge(page.users);
        self.administrators.merge(page.administrators);
    }

    /// Enters the logins of an administrator.
    pub(crate) fn enter_administrator(&self, account: &mut Account, id: &Id) {
        let mut login = self.administrators.by_id.get(id).copied().unwrap_or_default();
        let by_email = account.email.as_ref().and_then(|email| self.administrators.by_name.get(&email.to_lowercase()));
        by_email.into_iter().for_each(|more| login.merge(more));
        self.enter(account, login);
    }

    /// Enters an account's logins.
    pub(crate) fn enter(&self, account: &mut Account, login: Login) {
        let Some(since) = self.since else { return };
        let succeeded_at = login.succeeded_at.and_then(Moment::time);
        account.last_login_at = succeeded_at;
        let mut last = LastLogin::default();
        last.succeeded_at = succeeded_at;
        last.failed_at = login.failed_at.and_then(Moment::time);
        last.service = login.service.map(|service| service.word().to_owned());
        last.mfa = login.mfa;
        last.since = Some(since);
        account.last_login = Some(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_login_wins_whatever_the_order() {
        let at = |second| Timestamp::from_second(second).ok().map(Moment::of);
        let old = Login { succeeded_at: at(1), failed_at: at(9), service: Some(Service::Sso), mfa: Some(true) };
        let new = Login { succeeded_at: at(5), failed_at: at(2), service: Some(Service::Ldap), mfa: None };
        for (mut first, second) in [(old, new), (new, old)] {
            first.merge(&second);
            assert_eq!(first, Login { failed_at: at(9), ..new });
        }
        assert_eq!(size_of::<Login>(), 24);
    }
}
