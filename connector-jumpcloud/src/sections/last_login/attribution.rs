//! Assigns logins that name their account only by a name.
//!
//! A user name is unambiguous. An address or a local name on a device (`systemUsername`) belongs to a user only if it is no
//! user's user name and no other user has it. This is known when all users are read, so the accounts of users with logins
//! under such a name wait until then.

use connector_api::Account;
use hashbrown::HashMap;

use crate::api::Id;
use crate::sections::last_login::logins::{ByName, Login, Logins};
use crate::sections::users::draft::Draft;

/// How many accounts may wait, about 60 MB. For further users, logins under an ambiguous name are not assigned.
const MOST_WAITING: usize = 20_000;

/// The names by which a user signs in, in lower case.
#[derive(Default)]
pub(crate) struct SignInNames {
    user_name: Option<String>,
    email: Option<String>,
    /// The user's local name on devices.
    local: Option<String>,
}

impl SignInNames {
    fn of(draft: &Draft) -> Self {
        let user_name = draft.user_name.as_deref().map(str::to_lowercase);
        let other = |name: Option<&str>| name.map(str::to_lowercase).filter(|name| Some(name) != user_name.as_ref());
        Self { email: other(draft.email()), local: other(draft.local_name.as_deref()), user_name }
    }
}

/// The owner of a name in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Nobody,
    /// The user whose user name it is.
    UserName,
    /// The number of users that have it as an address or local name.
    Others(u32),
}

/// Logins by name, and who has each name.
struct Names<'a> {
    logins: &'a ByName,
    owners: HashMap<&'a str, Owner>,
}

impl<'a> Names<'a> {
    fn new(logins: &'a ByName) -> Self {
        Self { logins, owners: logins.keys().map(|name| (name.as_str(), Owner::Nobody)).collect() }
    }

    /// The logins under a user name.
    fn of_user_name(&mut self, name: &str) -> Login {
        if let Some(owner) = self.owners.get_mut(name) {
            *owner = Owner::UserName;
        }
        self.logins.get(name).copied().unwrap_or_default()
    }

    /// Enters a user with an additional name; returns whether logins under it may belong to the user.
    fn claim(&mut self, name: &str, users: u32) -> bool {
        match self.owners.get_mut(name) {
            None | Some(Owner::UserName) => false,
            Some(owner) => {
                *owner = Owner::Others(if let Owner::Others(others) = owner { *others + users } else { users });
                true
            }
        }
    }

    /// The logins under a claimed name, none if they belong to another user; an error if that is not known.
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

/// Assigns the logins of users while their accounts are made.
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
    /// Names with logins that may belong to the user.
    by_name: Option<String>,
    on_devices: Vec<String>,
}

impl<'a> Attribution<'a> {
    pub(crate) fn new(logins: &'a Logins) -> Self {
        let (by_name, on_devices) = (Names::new(&logins.users.by_name), Names::new(&logins.users.on_devices));
        Self { logins, by_name, on_devices, waiting: Vec::new() }
    }

    /// The names by which a user signs in; none are needed if no login names its account by name.
    pub(crate) fn names_of(&self, draft: &Draft) -> SignInNames {
        let no_names = self.by_name.logins.is_empty() && self.on_devices.logins.is_empty();
        if no_names { SignInNames::default() } else { SignInNames::of(draft) }
    }

    /// Enters the logins of a user into the account and returns it, or keeps it until all users are known.
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
        // If no more accounts can wait, the name is assigned to nobody.
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

    /// Enters the logins of a user who may also have signed in under a shared name: then it is not known that there was no
    /// login.
    fn enter_doubtful(&self, account: &mut Account, login: Login) {
        if login.succeeded_at.is_some() {
            self.logins.enter(account, login);
        }
    }

    /// The names that no user has, in order.
    pub(crate) fn unmatched(&self) -> Vec<&'a str> {
        self.owned(|owner| owner == Owner::Nobody)
    }

    /// The names that several users have, in order: logins under them are not assigned.
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
