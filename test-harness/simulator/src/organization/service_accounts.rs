//! Service accounts: what programs sign in with.

use jiff::Timestamp;

use super::administrators::role_id;
use super::dice::Dice;
use super::node::{Kind, Node, created};
use super::users::days;
use super::{Organization, Stream};

/// A service account.
#[derive(Clone, Debug)]
pub struct ServiceAccount {
    /// Its place in the order of creation.
    pub index: u64,
    /// Its ObjectId.
    pub id: String,
    /// Its name, which another may have as well.
    pub name: String,
    /// The name of its role.
    pub role: &'static str,
    /// Whether rows name the role in addition to its id.
    pub names_role: bool,
    /// How it signs in: `CLIENT_SECRET` or `API_KEY`.
    pub auth_type: &'static str,
    /// When what it signs in with ends.
    pub expires_at: Timestamp,
    /// When it was created.
    pub created: Timestamp,
}

/// What a service account signs in with.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Its ObjectId.
    pub id: String,
    /// `CLIENT_SECRET` or `API_KEY`.
    pub auth_type: &'static str,
    /// The client id, or the first eight characters of the key.
    pub identifier: String,
    /// When it was created.
    pub created: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Service accounts with a story; they are the first of every organisation.
pub mod cast {
    /// Full rights, and long to live.
    pub const ADMINISTRATOR: u64 = 0;
    /// Ends in a few days.
    pub const EXPIRING: u64 = 1;
    /// Has ended.
    pub const EXPIRED: u64 = 2;
    /// May read only.
    pub const READ_ONLY: u64 = 3;
    /// Its rows do not name its role.
    pub const UNNAMED_ROLE: u64 = 4;
    /// Has the name of another.
    pub const SAME_NAME: u64 = 5;
    /// How many there are.
    pub const SIZE: u64 = 6;
}

/// Name, role, days until it ends.
const CAST: [(&str, &str, i64); cast::SIZE as usize] = [
    ("ci-sync", "Administrator", 300),
    ("Zeiterfassung → HR", "Manager", 6),
    ("old-exporter", "Administrator", -20),
    ("siem", "Read Only", 80),
    ("terraform", "Administrator", 200),
    ("ci-sync", "Help Desk", 55),
];

const ROLES: [&str; 4] = ["Manager", "Help Desk", "Read Only", "Administrator"];
/// An organisation has no more.
const MOST: u64 = 40;
/// What ends so soon is about to expire.
const SOON: i64 = 7;

impl ServiceAccount {
    /// The id of its role, the same in every organisation.
    pub fn role_id(&self) -> String {
        role_id(self.role)
    }

    /// Its status at a time: `ACTIVE`, `EXPIRING` or `EXPIRED`.
    pub fn status(&self, now: Timestamp) -> &'static str {
        status(self.expires_at, now)
    }

    /// What it signs in with: one credential, and for one of the cast also the secret that this one replaced.
    pub fn credentials(&self) -> Vec<Credential> {
        let credential = |number: u64, created, expires_at| Credential {
            id: format!("{}c{:05x}{number:02x}", &self.id[..16], self.index),
            auth_type: self.auth_type,
            identifier: match self.auth_type {
                "API_KEY" => format!("jcs_{:04x}", self.index),
                _ => format!("sa_{:04x}", self.index),
            },
            created,
            expires_at,
        };
        let replaced = self.index == cast::ADMINISTRATOR;
        let before = replaced.then(|| credential(1, self.created, self.expires_at - days(330)));
        [credential(0, self.expires_at - days(365), self.expires_at)].into_iter().chain(before).collect()
    }
}

impl Credential {
    /// Its status at a time: `ACTIVE`, `EXPIRING` or `EXPIRED`.
    pub fn status(&self, now: Timestamp) -> &'static str {
        status(self.expires_at, now)
    }
}

fn status(end: Timestamp, now: Timestamp) -> &'static str {
    match end {
        end if end <= now => "EXPIRED",
        end if end <= now + days(SOON) => "EXPIRING",
        _ => "ACTIVE",
    }
}

impl Organization {
    /// How many service accounts there are.
    pub fn service_account_count(&self) -> u64 {
        (cast::SIZE + self.users.generated() / 2_000).min(MOST)
    }

    /// The service account of an index.
    pub fn service_account(&self, index: u64) -> ServiceAccount {
        let mut dice = Dice::thrown(self.seed, Stream::ServiceAccount as u64, index);
        let (name, role, left) = match CAST.get(index as usize) {
            Some(&(name, role, left)) => (name.to_owned(), role, left),
            None => (format!("job-{index}"), dice.pick(&ROLES), dice.below(365) as i64 - 30),
        };
        ServiceAccount {
            index,
            id: self.id(Node::new(Kind::ServiceAccount, index)),
            name,
            role,
            names_role: index != cast::UNNAMED_ROLE,
            auth_type: if index % 3 == 1 { "API_KEY" } else { "CLIENT_SECRET" },
            expires_at: self.now + days(left),
            created: Timestamp::from_second(created(index, self.service_account_count()) as i64)
                .unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }

    /// The service accounts.
    pub fn service_accounts(&self) -> impl Iterator<Item = ServiceAccount> + '_ {
        (0..self.service_account_count()).map(|index| self.service_account(index))
    }
}
