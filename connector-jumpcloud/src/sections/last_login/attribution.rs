//! Whose a login is that names its account by a name alone.
//!
//! A user's own user name is certain. An address, or the name of an account on a device (`systemUsername`), is the
//! user's only where no user has it as user name, and no other user has it as well. That is known when all users have
//! been read, so accounts for which it matters wait until then: those of users who signed in under such a name.

use std::collections::BTreeMap;

use connector_api::Account;
use hashbrown::HashMap;

use crate::api::Id;
use crate::sections::last_login::logins::{Login, Logins};
use crate::sections::users::draft::Draft;

/// How many accounts may wait, which is some 60 MB. Logins of others under a name that is not certain are not credited.
const MOST_WAITING: usize = 20_000;

/// The names by which a user signs in, in lower case.
pub(crate) struct SignInNames {
    user_name: Option<String>,
    email: Option<String>,
    /// The name of the user's accounts on devices.
    local: Option<String>,
}

impl SignInNames {
    pub(crate) fn of(draft: &Draft) -> Self {
        let user_name = draft.user_name.as_deref().map(str::to_lowercase);
        let other = |name: Option<&str>| name.map(str::to_lowercase).filter(|name| Some(name) != user_name.as_ref());
        Self { email: other(draft.email()), local: other(draft.local_name.as_deref()), user_name }
    }
}

/// Who has a name under which somebody signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Nobody,
    /// The user whose user name it is.
    UserName,
    /// Users, by their number, who have it as an address or on devices.
    Others(u32),
}

/// Logins by name, and who has each name.
struct Names<'a> {
    logins: &'a BTreeMap<String, Login>,
    owners: HashMap<&'a str, Owner>,
}

impl<'a> Names<'a> {
    fn new(logins: &'a BTreeMap<String, Login>) -> Self {
        Self { logins, owners: logins.keys().map(|name| (name.as_str(), Owner::Nobody)).collect() }
    }

    /// The logins under a user name.
    fn of_user_name(&mut self, name: &str) -> Login {
        if let Some(owner) = self.owners.get_mut(name) {
            *owner = Owner::UserName;
        }
        self.logins.get(name).copied().unwrap_or_default()
    }

    /// Enters a user who has the name in addition to the user name; whether there are logins under it that may be the user's.
    fn claim(&mut self, name: &str, users: u32) -> bool {
        match self.owners.get_mut(name) {
            None | Some(Owner::UserName) => false,
            Some(owner) => {
                *owner = Owner::Others(if let Owner::Others(others) = owner { *others + users } else { users });
                true
            }
        }
    }

    /// The logins under a name that a user claimed, none if they are another's; an error when that is not known.
    fn of_claim(&self, name: &str) -> Result<Login, Doubtful> {
        match self.owners.get(name) {
            Some(Owner::Others(1)) => Ok(self.logins.get(name).copied().unwrap_or_default()),
            Some(Owner::Others(_)) => Err(Doubtful),
            _ => Ok(Login::default()),
        }
    }

    fn owned(&self, admit: impl Fn(Owner) -> bool) -> impl Iterator<Item = &'a str> {
        self.owners.iter().filter(move |(_, owner)| admit(**owner)).map(|(name, _)| *name)
    }
}

/// Several users have a name.
struct Doubtful;

/// The logins of users, while accounts are made of them.
pub(crate) struct Attribution<'a> {
    logins: &'a Logins,
    by_name: Names<'a>,
    on_devices: Names<'a>,
    waiting: Vec<Waiting>,
}

/// An account that waits until all users are known.
struct Waiting {
    account: Box<Account>,
    user: u32,
    /// The logins that are certain.
    login: Login,
    /// Names under which there are logins that may be the user's.
    by_name: Option<String>,
    on_devices: Vec<String>,
}

impl<'a> Attribution<'a> {
    pub(crate) fn new(logins: &'a Logins) -> Self {
        let (by_name, on_devices) = (Names::new(&logins.users.by_name), Names::new(&logins.users.on_devices));
        Self { logins, by_name, on_devices, waiting: Vec::new() }
    }

    /// Enters the logins of a user into the account and gives it back, or keeps it until all users are known.
    pub(crate) fn enter(
        &mut self,
        mut account: Box<Account>,
        user: u32,
        id: &Id,
        names: SignInNames,
    ) -> Option<Box<Account>> {
        let SignInNames { user_name, email, local } = names;
        let mut login = self.logins.users.by_id.get(id).copied().unwrap_or_default();
        if let Some(name) = &user_name {
            login.merge(&self.by_name.of_user_name(name));
            login.merge(&self.on_devices.of_user_name(name));
        }
        // Where no more can wait, nobody at all is credited.
        let full = self.waiting.len() >= MOST_WAITING;
        let users = if full { 2 } else { 1 };
        let local = local.filter(|local| email.as_ref() != Some(local));
        let mut on_devices: Vec<String> = email.iter().cloned().chain(local).collect();
        on_devices.retain(|name| self.on_devices.claim(name, users));
        let by_name = email.filter(|email| self.by_name.claim(email, users));
        if by_name.is_none() && on_devices.is_empty() {
            self.logins.enter(&mut account, login);
            return Some(account);
        }
        if full {
            self.enter_doubtful(&mut account, login);
            return Some(account);
        }
        self.waiting.push(Waiting { account, user, login, by_name, on_devices });
        None
    }

    /// The accounts that waited, now that all users are known, in the order in which they were entered.
    pub(crate) fn settle(&mut self) -> Vec<(u32, Box<Account>)> {
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().map(|waiting| (waiting.user, self.settle_one(waiting))).collect()
    }

    fn settle_one(&self, waiting: Waiting) -> Box<Account> {
        let Waiting { mut account, mut login, by_name, on_devices, .. } = waiting;
        let by_name = by_name.iter().map(|name| self.by_name.of_claim(name));
        let on_devices = on_devices.iter().map(|name| self.on_devices.of_claim(name));
        let mut doubtful = false;
        for claimed in by_name.chain(on_devices) {
            match claimed {
                Ok(claimed) => login.merge(&claimed),
                Err(Doubtful) => doubtful = true,
            }
        }
        if doubtful {
            self.enter_doubtful(&mut account, login);
        } else {
            self.logins.enter(&mut account, login);
        }
        account
    }

    /// Enters the logins of somebody who may have signed in under a name that others have as well: that there was no login
    /// is not known then.
    fn enter_doubtful(&self, account: &mut Account, login: Login) {
        if login.succeeded_at.is_some() {
            self.logins.enter(account, login);
        }
    }

    /// The names that no user has, in order.
    pub(crate) fn unmatched(&self) -> Vec<&'a str> {
        self.owned(|owner| owner == Owner::Nobody)
    }

    /// The names that several users have, in order: logins under them are nobody's.
    pub(crate) fn shared(&self) -> Vec<&'a str> {
        self.owned(|owner| matches!(owner, Owner::Others(users) if users > 1))
    }

    fn owned(&self, admit: impl Fn(Owner) -> bool + Copy) -> Vec<&'a str> {
        let mut names: Vec<&str> = self.by_name.owned(admit).chain(self.on_devices.owned(admit)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
