//! Directory users.

use jiff::{SignedDuration, Timestamp};

use super::dice::Dice;
use super::names::{
    CULTURES, Culture, DEPARTMENTS, LEVELS, MARKS, OCCUPATIONS, PLACES, SERVICES, TRICKY_DESCRIPTIONS, hostile,
};
use super::node::{Kind, Node, created};
use super::{Organization, Stream};
use crate::behaviour::{LocalNames, NewHires};

/// A directory user.
#[derive(Clone, Debug)]
pub struct User {
    /// Its place in the order of creation.
    pub index: u64,
    /// Its ObjectId.
    pub id: String,
    /// Its login name, unique in the organisation.
    pub username: String,
    /// Its e-mail address.
    pub email: String,
    /// Its display name, which may be empty.
    pub display_name: String,
    /// Its given name.
    pub given_name: String,
    /// Its family name.
    pub family_name: String,
    /// Its state.
    pub state: UserState,
    /// Whether it has set a password: new hires have not, though their state is `Activated` in some.
    pub activated: bool,
    /// The name that it has on devices, where that is another one.
    pub local_name: Option<String>,
    /// Whether the service returns the state and the MFA enrolment: for some old users it does not.
    pub modern: bool,
    /// Whether too many wrong passwords locked it.
    pub locked_at: Option<Timestamp>,
    /// Its second factor.
    pub mfa: UserMfa,
    /// Whether it is an administrator on every device that it is bound to.
    pub sudo: bool,
    /// The same without asking for the password.
    pub passwordless_sudo: bool,
    /// What it is there for.
    pub role: UserRole,
    /// When it was created.
    pub created: Timestamp,
    /// When the password was last set; `None` for never.
    pub password_set_at: Option<Timestamp>,
    /// When the password expires; `None` for never.
    pub password_expires_at: Option<Timestamp>,
    /// Whether it has expired.
    pub password_expired: bool,
    /// The external directory that owns it.
    pub source: Option<&'static str>,
    /// The index of its manager.
    pub manager: Option<u64>,
    /// Department.
    pub department: &'static str,
    /// Job title.
    pub job_title: String,
    /// City, region, country, postal code.
    pub place: (&'static str, &'static str, &'static str, &'static str),
    /// Employee id.
    pub employee_id: Option<String>,
    /// Description.
    pub description: String,
    /// Number of SSH keys.
    pub ssh_keys: u64,
    /// The index of the console administrator that the service links to it.
    pub administrator: Option<u64>,
    /// Whether it never logged in anywhere.
    pub never_logged_in: bool,
}

/// The state of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserState {
    /// Created, without a password yet.
    Staged,
    /// In use.
    Activated,
    /// Switched off.
    Suspended,
}

impl UserState {
    /// As the service spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Staged => "STAGED",
            Self::Activated => "ACTIVATED",
            Self::Suspended => "SUSPENDED",
        }
    }
}

/// The second factor of a user.
#[derive(Clone, Copy, Debug)]
pub struct UserMfa {
    /// The overall status, as the service spells it.
    pub status: &'static str,
    /// Whether a factor is set up.
    pub configured: bool,
    /// Whether TOTP is among the factors.
    pub totp: bool,
    /// Whether the user portal asks for it.
    pub required: bool,
    /// Until when the user is exempt.
    pub excluded_until: Option<Timestamp>,
}

/// What a user is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserRole {
    /// A person.
    Person,
    /// A service, to be known by its name alone.
    Service,
    /// The account with which LDAP clients bind.
    LdapBinding,
    /// The account of Samba.
    Samba,
}

/// Users with a story; they are the first of every organisation.
pub mod cast {
    /// Head of IT: member of the privileged groups, MFA enrolled, linked to an administrator.
    pub const HEAD_OF_IT: u64 = 0;
    /// Reaches the production servers as root through two groups and a device group.
    pub const ON_CALL_ENGINEER: u64 = 1;
    /// Member of Domain Admins without a second factor.
    pub const ADMIN_WITHOUT_MFA: u64 = 2;
    /// Suspended, and still bound to the first device.
    pub const SUSPENDED_BUT_BOUND: u64 = 3;
    /// Database administrator who never logged in.
    pub const DBA_NEVER_LOGGED_IN: u64 = 4;
    /// A service account with root rights everywhere and a password that never expires.
    pub const BACKUP_SERVICE: u64 = 5;
    /// The LDAP binding user.
    pub const LDAP_BINDING: u64 = 6;
    /// The Samba service user.
    pub const SAMBA_SERVICE: u64 = 7;
    /// Has a display name that a spreadsheet takes for a formula.
    pub const FORMULA: u64 = 8;
    /// How many there are.
    pub const SIZE: u64 = 9;
}

/// The first of the users with display names that mean harm.
const FIRST_HOSTILE: u64 = 30;

/// Username, given name, family name of the cast.
const CAST: [(&str, &str, &str); cast::SIZE as usize] = [
    ("maria.keller", "Maria", "Keller"),
    ("jide.okafor", "Jídé", "Okafor"),
    ("tomasz.wozniak", "Tomasz", "Woźniak"),
    ("li.wei", "伟", "李"),
    ("fatima.alhassan", "فاطمة", "الحسن"),
    ("svc-backup", "Backup", "Service"),
    ("ldap-bind", "LDAP", "Binding"),
    ("samba-svc", "Samba", "Service"),
    ("robert.tables", "=Robert", "O'Tables, \"Jr.\""),
];

const MFA_STATUSES: [&str; 7] = [
    "ENROLLED",
    "NOT_ENROLLED",
    "DISABLED",
    "PENDING_ACTIVATION",
    "ENROLLMENT_EXPIRED",
    "IN_ENROLLMENT",
    "PRE_ENROLLMENT",
];

const SOURCES: [&str; 5] = ["active_directory", "google_workspace", "office_365", "workday", "scim"];

impl Organization {
    /// The user of an index, deleted or not.
    pub fn user(&self, index: u64) -> User {
        let mut dice = Dice::thrown(self.seed, Stream::User as u64, index);
        let name = PersonName::of(index, &mut dice);
        let role = role(index, &mut dice);
        let person = role == UserRole::Person;
        let username = username(index, role, &name, &mut dice);
        let created =
            Timestamp::from_second(created(index, self.users.generated()) as i64).unwrap_or(Timestamp::UNIX_EPOCH);
        let state = self.user_state(index);
        let activated = state != UserState::Staged && !self.is_new_hire(index);
        let modern = index < cast::SIZE || index * 8 > self.users.generated() || dice.percent(60);
        let password_age = days(dice.below(200) as i64);
        let password_set_at = activated.then(|| self.now - password_age);
        let never_expires = !person || dice.percent(12);
        let password_expires_at = password_set_at.filter(|_| !never_expires).map(|set| set + days(90));
        let place = dice.pick(PLACES);
        User {
            index,
            id: self.id(Node::new(Kind::User, index)),
            email: format!("{username}@{}", self.domain()),
            display_name: display_name(index, role, &name, &mut dice),
            given_name: name.given.to_owned(),
            family_name: name.family.to_owned(),
            state,
            activated,
            local_name: self.local_name(index, person, &name),
            modern,
            locked_at: (index >= cast::SIZE && dice.percent(3)).then(|| self.now - days(dice.below(30) as i64)),
            mfa: self.mfa(index, person, &mut dice),
            sudo: index == cast::BACKUP_SERVICE || (index >= cast::SIZE && dice.administers(index, 1_000, 2)),
            passwordless_sudo: index == cast::BACKUP_SERVICE
                || (index >= cast::SIZE && dice.administers(index, 1_000, 1)),
            role,
            created,
            password_set_at,
            password_expires_at,
            password_expired: password_expires_at.is_some_and(|expires| expires < self.now),
            source: (index >= cast::SIZE && person && dice.percent(35)).then(|| dice.pick(&SOURCES)),
            manager: (person && index > 0).then(|| dice.below(index.min(2 + index / 8))),
            department: if index < 3 { "IT" } else { dice.pick(DEPARTMENTS) },
            job_title: format!("{} {}", dice.pick(LEVELS), dice.pick(OCCUPATIONS)),
            place,
            employee_id: (person && dice.percent(85)).then(|| format!("E{index:07}")),
            description: description(person, &mut dice),
            ssh_keys: if dice.percent(8) { 1 + dice.below(3) } else { 0 },
            administrator: (index == cast::HEAD_OF_IT).then_some(0),
            never_logged_in: self.never_logs_in(index),
            username,
        }
    }

    pub(super) fn user_state(&self, index: u64) -> UserState {
        match Dice::thrown(self.seed, Stream::UserState as u64, index).below(100) {
            _ if index == cast::SUSPENDED_BUT_BOUND => UserState::Suspended,
            _ if index < cast::SIZE => UserState::Activated,
            0..4 => UserState::Staged,
            4..10 => UserState::Suspended,
            _ => UserState::Activated,
        }
    }

    /// Whether a user was created lately and has yet to set a password.
    pub(super) fn is_new_hire(&self, index: u64) -> bool {
        let lately = index >= cast::SIZE && index * 50 >= self.users.generated() * 49;
        lately && self.behaviour.new_hires == NewHires::Activated && self.user_state(index) == UserState::Activated
    }

    /// One person in seven has another name on devices: initials and a number, or for the one with a story a nickname.
    fn local_name(&self, index: u64, person: bool, name: &PersonName) -> Option<String> {
        let (given, family) = name.ascii;
        match index {
            _ if self.behaviour.local_names == LocalNames::None || !person => None,
            cast::ON_CALL_ENGINEER => Some("jide".to_owned()),
            _ if index < cast::SIZE || index % 7 != 3 => None,
            _ => Some(format!("{}{}{index}", &given[..1], &family[..1])),
        }
    }

    fn mfa(&self, index: u64, person: bool, dice: &mut Dice) -> UserMfa {
        let status = match index {
            cast::HEAD_OF_IT | cast::ON_CALL_ENGINEER => "ENROLLED",
            cast::ADMIN_WITHOUT_MFA => "NOT_ENROLLED",
            _ if !person => "DISABLED",
            _ if dice.percent(60) => "ENROLLED",
            _ => dice.pick(&MFA_STATUSES),
        };
        let configured = status == "ENROLLED";
        UserMfa {
            status,
            configured,
            totp: configured && dice.percent(80),
            required: index == cast::HEAD_OF_IT || (index != cast::ADMIN_WITHOUT_MFA && person && dice.percent(70)),
            excluded_until: (index >= cast::SIZE && dice.percent(4)).then(|| self.now + days(dice.below(30) as i64)),
        }
    }
}

/// A length of time in days.
pub(crate) fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

struct PersonName {
    given: &'static str,
    family: &'static str,
    ascii: (&'static str, &'static str),
    family_first: bool,
}

impl PersonName {
    fn of(index: u64, dice: &mut Dice) -> Self {
        if let Some(&(_, given, family)) = CAST.get(index as usize) {
            return Self { given, family, ascii: ("", ""), family_first: index == cast::SUSPENDED_BUT_BOUND };
        }
        let Culture { given, family, family_first } = dice.pick(CULTURES);
        let ((given, given_ascii), (family, family_ascii)) = (dice.pick(given), dice.pick(family));
        Self { given, family, ascii: (given_ascii, family_ascii), family_first }
    }
}

fn role(index: u64, dice: &mut Dice) -> UserRole {
    match index {
        cast::BACKUP_SERVICE => UserRole::Service,
        cast::LDAP_BINDING => UserRole::LdapBinding,
        cast::SAMBA_SERVICE => UserRole::Samba,
        _ if index >= cast::SIZE && dice.percent(4) => UserRole::Service,
        _ => UserRole::Person,
    }
}

fn username(index: u64, role: UserRole, name: &PersonName, dice: &mut Dice) -> String {
    if let Some((username, ..)) = CAST.get(index as usize) {
        return (*username).to_owned();
    }
    let (given, family) = name.ascii;
    match role {
        UserRole::Person if dice.percent(70) => format!("{given}.{family}{index}"),
        UserRole::Person => format!("{}{family}{index}", &given[..1]),
        _ => format!("svc-{}-{index}", dice.pick(SERVICES)),
    }
}

fn display_name(index: u64, role: UserRole, name: &PersonName, dice: &mut Dice) -> String {
    let PersonName { given, family, family_first, .. } = name;
    if role != UserRole::Person {
        return String::new();
    }
    let drawn = match dice.below(20) {
        _ if index == cast::FORMULA => "=cmd|'/C calc'!A0, \"Bobby\"\nTables".to_owned(),
        0 => String::new(),
        1 => format!("{given} {family} {}", dice.pick(MARKS)),
        2 => format!("{family}, {given}"),
        _ if *family_first => format!("{family}{given}"),
        _ => format!("{given} {family}"),
    };
    hostile(FIRST_HOSTILE, index).map_or(drawn, str::to_owned)
}

fn description(person: bool, dice: &mut Dice) -> String {
    if dice.percent(8) {
        dice.pick(TRICKY_DESCRIPTIONS).to_owned()
    } else if person {
        String::new()
    } else {
        "Service account; owner: Platform".to_owned()
    }
}
