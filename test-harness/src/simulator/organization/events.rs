//! What Directory Insights recorded, and still keeps.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::administrators::cast as administrator;
use super::dice::Dice;
use super::users::{UserState, cast as user};
use super::{Organization, Stream};

/// Something that somebody did.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its place in the order of time.
    pub index: u64,
    /// Its id.
    pub id: String,
    /// When it happened.
    pub timestamp: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// Who did it.
    pub actor: Actor,
    /// Whether it succeeded.
    pub success: bool,
    /// Whether a second factor was given.
    pub mfa: bool,
    /// Where it came from.
    pub client_ip: String,
    /// The index of the device or application that it concerns, where it concerns one.
    pub object: u64,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A log-in to the user portal.
    UserLogin,
    /// A log-in to the console.
    AdminLogin,
    /// A single sign-on to an application.
    Sso,
    /// A log-in to a device.
    SystemLogin,
    /// A log-in to a network.
    Radius,
    /// A bind to the LDAP server.
    LdapBind,
    /// A change of a user, which is no log-in.
    UserUpdate,
}

impl EventKind {
    /// `service` and `event_type`, as the service spells them.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::UserLogin => ("directory", "user_login_attempt"),
            Self::AdminLogin => ("directory", "admin_login_attempt"),
            Self::Sso => ("sso", "sso_auth"),
            Self::SystemLogin => ("systems", "login_attempt"),
            Self::Radius => ("radius", "radius_auth_attempt"),
            Self::LdapBind => ("ldap", "ldap_bind"),
            Self::UserUpdate => ("directory", "user_update"),
        }
    }
}

/// Who caused an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// A directory user.
    User(u64),
    /// An administrator.
    Administrator(u64),
    /// A name that nobody has.
    Unknown(&'static str),
}

/// Names that nobody has, and somebody tries.
const UNKNOWN_NAMES: &[&str] = &["root", "administrator", "guest", "test", "ghost.user"];

/// The time over which events are spread, unless they are kept for longer.
const RECORDED: SignedDuration = SignedDuration::from_hours(24 * 90);

impl Organization {
    /// How many events are kept.
    pub fn event_count(&self) -> u64 {
        self.events - self.first_event()
    }

    /// The oldest event that is still kept.
    pub(crate) fn first_event(&self) -> u64 {
        self.first_event_since(self.now - self.retention)
    }

    /// The event after the last one.
    pub(crate) fn end_of_events(&self) -> u64 {
        self.events
    }

    /// The event of an index.
    pub fn event(&self, index: u64) -> Event {
        let mut dice = Dice::thrown(self.seed, Stream::Event as u64, index);
        let timestamp = self.event_time(index);
        let kind = match dice.below(100) {
            0..38 => EventKind::UserLogin,
            38..63 => EventKind::Sso,
            63..83 => EventKind::SystemLogin,
            83..88 => EventKind::Radius,
            88..94 => EventKind::LdapBind,
            94..98 => EventKind::AdminLogin,
            _ => EventKind::UserUpdate,
        };
        let actor = self.actor(kind, &mut dice);
        let known = !matches!(actor, Actor::Unknown(_));
        Event {
            index,
            id: self.event_id(index),
            timestamp,
            kind,
            actor,
            success: known && (kind == EventKind::UserUpdate || dice.percent(88)),
            mfa: dice.percent(60),
            client_ip: format!("198.51.100.{}", dice.below(255)),
            object: dice.roll(),
        }
    }

    /// The events that are kept, oldest first.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        (self.first_event()..self.events).map(|index| self.event(index))
    }

    /// When each user and administrator last logged in anywhere, as far as events tell.
    pub fn last_logins(&self) -> BTreeMap<Actor, Timestamp> {
        let logins = self.events().filter(|event| event.success && event.kind != EventKind::UserUpdate);
        logins.map(|event| (event.actor, event.timestamp)).collect()
    }

    /// The index of the first event at or after a time.
    pub(crate) fn first_event_since(&self, time: Timestamp) -> u64 {
        let (mut low, mut high) = (0, self.events);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.event_time(middle) < time { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The index of the event with an id.
    pub(crate) fn event_of_id(&self, id: &str) -> Option<u64> {
        let index = u64::from_str_radix(id.get(16..)?, 16).ok()?;
        (self.event_id(index) == id).then_some(index)
    }

    /// Whether a user never logs in anywhere.
    pub(crate) fn never_logs_in(&self, index: u64) -> bool {
        match index {
            user::DBA_NEVER_LOGGED_IN => true,
            _ if index < user::SIZE => false,
            _ => {
                self.user_state(index) == UserState::Staged
                    || Dice::thrown(self.seed, Stream::Login as u64, index).percent(6)
            }
        }
    }

    fn event_id(&self, index: u64) -> String {
        format!("{:016x}{index:08x}", Dice::thrown(self.seed, Stream::Event as u64, index).roll())
    }

    fn event_time(&self, index: u64) -> Timestamp {
        let recorded = RECORDED.max(self.retention);
        let step = recorded.as_millis() / i128::from(self.events.max(1));
        let jitter = Dice::thrown(self.seed, Stream::EventTime as u64, index).below(step.max(1) as u64);
        let since = recorded.as_millis() * i128::from(index) / i128::from(self.events.max(1)) + i128::from(jitter);
        self.now - recorded + SignedDuration::from_millis(since as i64)
    }

    fn actor(&self, kind: EventKind, dice: &mut Dice) -> Actor {
        if kind == EventKind::AdminLogin {
            let index = dice.below(self.administrator_count());
            return Actor::Administrator(if index == administrator::SUSPENDED {
                administrator::HEAD_OF_IT
            } else {
                index
            });
        }
        if dice.percent(4) || self.users.generated() == 0 {
            return Actor::Unknown(dice.pick(UNKNOWN_NAMES));
        }
        let drawn = dice.below(self.users.generated());
        match self.never_logs_in(drawn) && kind != EventKind::UserUpdate {
            true => Actor::User(user::HEAD_OF_IT),
            false => Actor::User(drawn),
        }
    }
}
