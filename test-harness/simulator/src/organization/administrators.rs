//! Administrators of the console.

use jiff::Timestamp;

use super::dice::Dice;
use super::names::CULTURES;
use super::node::{Kind, Node, created};
use super::users::{cast as user, days};
use super::{Organization, Stream};

/// An administrator of the console.
#[derive(Clone, Debug)]
pub struct Administrator {
    /// Its place in the order of creation.
    pub index: u64,
    /// Its ObjectId.
    pub id: String,
    /// Its e-mail address, with which it logs in.
    pub email: String,
    /// Its given name.
    pub given_name: &'static str,
    /// Its family name.
    pub family_name: &'static str,
    /// The name of its role.
    pub role: &'static str,
    /// Whether it is switched off.
    pub suspended: bool,
    /// Whether it has to give a second factor.
    pub mfa: bool,
    /// When its API key was made, if it has one.
    pub api_key_created_at: Option<Timestamp>,
    /// When that key ends, if it does: those of before July 2024 do not.
    pub api_key_expires_at: Option<Timestamp>,
    /// When it was created.
    pub created: Timestamp,
}

impl Administrator {
    /// The id of its role, the same in every organisation.
    pub fn role_id(&self) -> String {
        role_id(self.role)
    }
}

/// The id of a role, the same in every organisation.
pub(super) fn role_id(role: &str) -> String {
    let role = role.bytes().fold(7, |seed, byte| Dice::thrown(seed, u64::from(byte), 0).roll());
    format!("5c3536e9{role:016x}")
}

/// Administrators with a story; they are the first of every organisation.
pub mod cast {
    /// Linked to the directory user who is head of IT.
    pub const HEAD_OF_IT: u64 = 0;
    /// Full rights, no second factor, no directory user.
    pub const WITHOUT_USER: u64 = 1;
    /// Has an API key that nobody changed for years.
    pub const STALE_API_KEY: u64 = 2;
    /// Suspended.
    pub const SUSPENDED: u64 = 3;
    /// Has a role that the organisation made itself.
    pub const CUSTOM_ROLE: u64 = 4;
    /// Shares an e-mail address with a directory user, and the service links them not.
    pub const SAME_EMAIL: u64 = 5;
    /// May read only.
    pub const READ_ONLY: u64 = 6;
    /// May run commands only.
    pub const COMMAND_RUNNER: u64 = 7;
    /// How many there are.
    pub const SIZE: u64 = 8;
}

/// Mailbox, given name, family name, role.
const CAST: [(&str, &str, &str, &str); cast::SIZE as usize] = [
    ("maria.keller", "Maria", "Keller", "Administrator With Billing"),
    ("ops-root", "Ops", "Root", "Administrator"),
    ("old.automation", "Old", "Automation", "Manager"),
    ("former.admin", "Former", "Admin", "Help Desk"),
    ("pruefung", "Jürgen", "Prüfer", "Umsatz-Prüfer / Auditor"),
    ("jide.okafor", "Jídé", "Okafor", "Administrator"),
    ("auditor", "Ada", "Auditor", "Read Only"),
    ("runner", "Command", "Runner", "Command Runner"),
];

const ROLES: [&str; 5] = ["Manager", "Help Desk", "Read Only", "Command Runner With Billing", "Administrator"];

impl Organization {
    /// How many administrators there are.
    pub fn administrator_count(&self) -> u64 {
        cast::SIZE + (self.users.generated() / 2_000).min(200)
    }

    /// The administrator of an index.
    pub fn administrator(&self, index: u64) -> Administrator {
        let mut dice = Dice::thrown(self.seed, Stream::Administrator as u64, index);
        let culture = dice.pick(CULTURES);
        let drawn = (dice.pick(culture.given).0, dice.pick(culture.family).0);
        let (mailbox, given_name, family_name, role) = match CAST.get(index as usize) {
            Some(&(mailbox, given, family, role)) => (mailbox.to_owned(), given, family, role),
            None => (format!("admin{index}"), drawn.0, drawn.1, dice.pick(&ROLES)),
        };
        let key_age = match index {
            cast::STALE_API_KEY => Some(2_200),
            cast::HEAD_OF_IT => Some(20),
            _ => dice.percent(30).then(|| 1 + dice.below(300) as i64),
        };
        Administrator {
            index,
            id: self.id(Node::new(Kind::Administrator, index)),
            email: format!("{mailbox}@{}", self.domain()),
            given_name,
            family_name,
            role,
            suspended: index == cast::SUSPENDED,
            mfa: index != cast::WITHOUT_USER && index != cast::STALE_API_KEY,
            api_key_created_at: key_age.map(|age| self.now - days(age)),
            api_key_expires_at: key_age.filter(|age| *age < 365).map(|age| self.now + days(365 - age)),
            created: Timestamp::from_second(created(index, self.administrator_count()) as i64)
                .unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }

    /// The directory user that the service links to an administrator.
    pub fn user_of_administrator(&self, administrator: u64) -> Option<u64> {
        (administrator == cast::HEAD_OF_IT && self.users.generated() > 0).then_some(user::HEAD_OF_IT)
    }

    /// The administrators.
    pub fn administrators(&self) -> impl Iterator<Item = Administrator> + '_ {
        (0..self.administrator_count()).map(|index| self.administrator(index))
    }
}
