//! Accounts that devices have themselves.

use super::dice::Dice;
use super::node::{Kind, Node};
use super::systems::{Os, System};
use super::{Organization, Stream};

/// An account that a device has itself.
#[derive(Clone, Debug)]
pub struct LocalAccount {
    /// Its name there.
    pub name: String,
    /// Whether it administers the device.
    pub admin: bool,
    /// Whether somebody signs in with it.
    pub real: bool,
    /// Whether it cannot be used.
    pub suspended: bool,
    /// The directory user that it belongs to, if JumpCloud manages it.
    pub user: Option<u64>,
    /// Whether the device's own row names it, too, and not only System Insights.
    pub in_metrics: bool,
}

/// How many accounts each device has.
pub(crate) const LOCAL_ACCOUNTS: u64 = 4;

impl LocalAccount {
    fn new(name: impl Into<String>, admin: bool) -> Self {
        Self { name: name.into(), admin, real: true, suspended: false, user: None, in_metrics: true }
    }
}

impl Organization {
    /// The local accounts of a device.
    pub fn local_accounts(&self, system: &System) -> impl Iterator<Item = LocalAccount> {
        (0..LOCAL_ACCOUNTS).map(|number| self.local_account(system, number))
    }

    /// The local account of a device at a position.
    pub(crate) fn local_account(&self, system: &System, number: u64) -> LocalAccount {
        let mut dice = Dice::thrown(self.seed, Stream::LocalAccount as u64, system.index * LOCAL_ACCOUNTS + number);
        let owner = self.owner_of(system.index);
        match (number, system.os, owner) {
            // That of the system itself; on Windows it is switched off.
            (0, Os::Windows, _) => {
                LocalAccount { real: false, suspended: true, ..LocalAccount::new("Administrator", true) }
            }
            (0, ..) => LocalAccount { real: false, in_metrics: false, ..LocalAccount::new("root", true) },
            (1, _, Some(owner)) => {
                let edges = self.edges(Node::new(Kind::System, system.index), Kind::User);
                let admin =
                    edges.iter().any(|edge| edge.from.index == owner && edge.sudo.is_some_and(|sudo| sudo.enabled));
                let user = self.user(owner);
                let name = user.local_name.unwrap_or(user.username);
                // On some devices somebody made it administrator there.
                LocalAccount { user: Some(owner), ..LocalAccount::new(name, admin || system.index % 11 == 5) }
            }
            (2, ..) => LocalAccount {
                suspended: dice.percent(25),
                in_metrics: dice.percent(80),
                ..LocalAccount::new("localadmin", dice.percent(30))
            },
            // Made by hand for somebody who has an account in the directory as well.
            (3, ..) if system.index % 7 == 3 => {
                let census = self.census(Kind::User);
                let other = (0..census.count()).map(|place| census.index(place)).find(|user| Some(*user) != owner);
                let other = other.map(|user| self.user(user));
                other.map_or_else(
                    || LocalAccount::new("guest", false),
                    |other| LocalAccount::new(other.local_name.unwrap_or(other.username), true),
                )
            }
            _ => LocalAccount::new("guest", false),
        }
    }
}
