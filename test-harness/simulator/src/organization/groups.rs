//! User groups and who is in them.

use super::dice::{Dice, Shuffle};
use super::names::{DEPARTMENTS, PLACES, PRIVILEGED_GROUPS, TRICKY_DESCRIPTIONS, hostile};
use super::node::{Kind, Node};
use super::users::cast as user;
use super::{Organization, Stream, Sudo};
use crate::{GroupSizes, SimulatorOptions};

/// A group of users.
#[derive(Clone, Debug)]
pub struct UserGroup {
    /// Its place in the order of creation.
    pub index: u64,
    /// Its ObjectId.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its e-mail address, which may be empty.
    pub email: String,
    /// How members come in, as the service spells it.
    pub membership_method: &'static str,
    /// The rule of a dynamic group, as the service writes it: JSON in a string.
    pub query: Option<String>,
    /// Indices of users whom the rule does not reach.
    pub exempt: Vec<u64>,
    /// Administrator rights on every device that the group is bound to.
    pub sudo: Option<Sudo>,
    /// Names of groups that LDAP shows.
    pub ldap_group: Option<String>,
    /// POSIX group: id and name.
    pub posix_group: Option<(u64, String)>,
    /// A RADIUS reply attribute.
    pub radius_reply: Option<(&'static str, String)>,
    /// Whether Samba may use it.
    pub samba: bool,
}

/// Groups with a story; they are the first of every organisation.
pub mod cast {
    /// Everybody.
    pub const ALL_EMPLOYEES: u64 = 0;
    /// Privileged by its name.
    pub const DOMAIN_ADMINS: u64 = 1;
    /// Root on the production servers.
    pub const PRODUCTION_ROOT: u64 = 2;
    /// A member of the group before.
    pub const SRE_ON_CALL: u64 = 3;
    /// Database administrators.
    pub const DBA: u64 = 4;
    /// Help desk.
    pub const HELP_DESK: u64 = 5;
    /// Member of the next, whose member it is.
    pub const CONTRACTORS: u64 = 6;
    /// Member of the group before, whose member it is.
    pub const VENDORS: u64 = 7;
    /// Nobody.
    pub const QUARANTINE: u64 = 8;
    /// A name with quotes and commas.
    pub const BREAK_GLASS: u64 = 9;
    /// How many there are.
    pub const SIZE: u64 = 10;
}

/// Name and members of the groups with a story; all but the first are small.
const CAST: [(&str, &[u64]); cast::SIZE as usize] = [
    ("All Employees", &[]),
    ("Domain Admins", &[user::HEAD_OF_IT, user::ADMIN_WITHOUT_MFA]),
    ("Production Root", &[user::HEAD_OF_IT, user::BACKUP_SERVICE]),
    ("SRE On-Call", &[user::ON_CALL_ENGINEER, 12]),
    ("DBA", &[user::DBA_NEVER_LOGGED_IN, user::ADMIN_WITHOUT_MFA]),
    ("Help Desk", &[10, 11, 12, 13, 14]),
    ("Contractors – München", &[15, 16, 17, 18]),
    ("Vendors", &[19, 20, user::SUSPENDED_BUT_BOUND]),
    ("Quarantine", &[]),
    ("Break-glass, \"emergency\" access", &[user::HEAD_OF_IT]),
];

/// The first of the groups with names that mean harm.
const FIRST_HOSTILE: u64 = 12;

/// Groups that are members of groups: (group, member).
const NESTED: [(u64, u64); 3] = [
    (cast::PRODUCTION_ROOT, cast::SRE_ON_CALL),
    (cast::CONTRACTORS, cast::VENDORS),
    (cast::VENDORS, cast::CONTRACTORS),
];

/// How many users each group has.
#[derive(Debug)]
pub(crate) struct Sizes {
    sizes: GroupSizes,
    seed: u64,
    users: u64,
    ranks: Shuffle,
    largest: f64,
}

impl Sizes {
    pub(crate) fn new(seed: u64, options: &SimulatorOptions) -> Self {
        let SimulatorOptions { users, groups, group_sizes: sizes, .. } = *options;
        let ranked = groups.saturating_sub(cast::SIZE);
        let harmonic: f64 = (1..=ranked).map(|rank| 1.0 / rank as f64).sum();
        let budget = users as f64 * (ranked as f64 / 6.0).min(4.0);
        Self {
            sizes,
            seed,
            users,
            ranks: Shuffle::drawn(ranked, &mut Dice::thrown(seed, Stream::GroupRank as u64, 0)),
            largest: if ranked == 0 { 0.0 } else { budget / harmonic },
        }
    }

    fn of(&self, group: u64) -> u64 {
        match self.sizes {
            GroupSizes::Skewed => self.skewed(group),
            GroupSizes::UpTo(most) => {
                Dice::thrown(self.seed, Stream::GroupSize as u64, group).below(most + 1).min(self.users)
            }
            GroupSizes::Each(size) => size.min(self.users),
        }
    }

    fn skewed(&self, group: u64) -> u64 {
        let rank = self.ranks.index(group - cast::SIZE) + 1;
        if rank % 13 == 7 {
            return 0;
        }
        ((self.largest / rank as f64).round() as u64).min(self.users)
    }
}

/// Who of the generated users is in a group, deleted or not.
#[derive(Debug)]
pub(crate) enum Drawn {
    Named(Vec<u64>),
    Shuffled { size: u64, shuffle: Shuffle },
}

impl Drawn {
    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::Named(users) => users.len() as u64,
            Self::Shuffled { size, .. } => *size,
        }
    }

    pub(crate) fn at(&self, position: u64) -> u64 {
        match self {
            Self::Named(users) => users[position as usize],
            Self::Shuffled { shuffle, .. } => shuffle.index(position),
        }
    }

    fn contains(&self, user: u64) -> bool {
        match self {
            Self::Named(users) => users.contains(&user),
            Self::Shuffled { size, shuffle } => *size > 0 && shuffle.position(user) < *size,
        }
    }
}

impl Organization {
    /// The group of an index, deleted or not.
    pub fn user_group(&self, index: u64) -> UserGroup {
        let mut dice = Dice::thrown(self.seed, Stream::UserGroup as u64, index);
        let name = group_name(index, &mut dice);
        let slug: String =
            name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let dynamic = index >= cast::SIZE && dice.percent(30);
        let department = dice.pick(DEPARTMENTS);
        UserGroup {
            index,
            id: self.id(Node::new(Kind::UserGroup, index)),
            description: if dice.percent(15) { dice.pick(TRICKY_DESCRIPTIONS).to_owned() } else { String::new() },
            email: if dice.percent(25) { format!("group{index}@{}", self.domain()) } else { String::new() },
            membership_method: match (dynamic, index) {
                (true, _) => ["DYNAMIC_AUTOMATED", "DYNAMIC_REVIEW_REQUIRED"][dice.below(2) as usize],
                (false, i) if i % 9 == 0 => "NOTSET",
                _ => "STATIC",
            },
            query: dynamic.then(|| format!(r#"{{"field":"department","operator":"eq","value":"{department}"}}"#)),
            exempt: if dynamic && dice.percent(40) { vec![dice.below(self.users.generated())] } else { Vec::new() },
            sudo: group_sudo(index, &mut dice),
            ldap_group: dice.percent(20).then(|| slug.clone()),
            posix_group: dice.percent(20).then(|| (5_000 + index, slug)),
            radius_reply: dice.percent(8).then(|| ("Tunnel-Private-Group-Id", (100 + index % 50).to_string())),
            samba: dice.percent(5),
            name: hostile(FIRST_HOSTILE, index).map_or(name, str::to_owned),
        }
    }

    /// The users who are direct members of a group, in the order in which the service lists them.
    pub fn group_users(&self, group: u64) -> Vec<u64> {
        if !self.user_groups.now().contains(group) {
            return Vec::new();
        }
        let (members, census) = (self.drawn_members(group), self.users.now());
        (0..members.count()).map(|position| members.at(position)).filter(|&user| census.contains(user)).collect()
    }

    /// The groups that are direct members of a group.
    pub fn nested_groups(&self, group: u64) -> Vec<u64> {
        let census = self.user_groups.now();
        let named = NESTED.iter().filter(|(parent, _)| *parent == group).map(|(_, member)| *member);
        let drawn = (group >= cast::SIZE && group % 40 == 20).then_some(group + 1);
        named.chain(drawn).filter(|&member| census.contains(member) && census.contains(group)).collect()
    }

    /// The groups of which a group is a direct member.
    pub fn parent_groups(&self, group: u64) -> Vec<u64> {
        let census = self.user_groups.now();
        let named = NESTED.iter().filter(|(_, member)| *member == group).map(|(parent, _)| *parent);
        let drawn = (group > cast::SIZE && group % 40 == 21).then(|| group - 1);
        named.chain(drawn).filter(|&parent| census.contains(parent) && census.contains(group)).collect()
    }

    /// The groups of which a user is a direct member.
    pub fn groups_of(&self, user: u64) -> Vec<u64> {
        if user >= self.users.generated() || !self.users.now().contains(user) {
            return Vec::new();
        }
        let census = self.user_groups.now();
        (0..self.user_groups.generated())
            .filter(|&group| census.contains(group) && self.drawn_members(group).contains(user))
            .collect()
    }

    pub(crate) fn drawn_members(&self, group: u64) -> Drawn {
        let users = self.users.generated();
        if let Some((_, named)) = CAST.get(group as usize).filter(|_| group != cast::ALL_EMPLOYEES) {
            return Drawn::Named(named.iter().copied().filter(|&user| user < users).collect());
        }
        if group >= self.user_groups.generated() {
            return Drawn::Named(Vec::new());
        }
        let size = if group == cast::ALL_EMPLOYEES { users } else { self.sizes.of(group) };
        let mut dice = Dice::thrown(self.seed, Stream::Membership as u64, group);
        Drawn::Shuffled { size, shuffle: Shuffle::drawn(users, &mut dice) }
    }
}

fn group_name(index: u64, dice: &mut Dice) -> String {
    match CAST.get(index as usize) {
        Some((name, _)) => (*name).to_owned(),
        None if index % 17 == 3 => format!("{} {index}", dice.pick(PRIVILEGED_GROUPS)),
        None if index % 23 == 5 => format!("=SUM({index}), \"{}\"", dice.pick(DEPARTMENTS)),
        None => format!("{} – {} {index}", dice.pick(DEPARTMENTS), dice.pick(PLACES).0),
    }
}

fn group_sudo(index: u64, dice: &mut Dice) -> Option<Sudo> {
    match index {
        cast::PRODUCTION_ROOT => Some(Sudo { enabled: true, without_password: true }),
        cast::HELP_DESK => Some(Sudo { enabled: false, without_password: false }),
        _ if index >= cast::SIZE && dice.administers(index, 50, 6) => {
            Some(Sudo { enabled: true, without_password: dice.percent(30) })
        }
        _ => None,
    }
}
