//! What Directory Insights recorded, and still keeps.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::administrators::cast as administrator;
use super::dice::Dice;
use super::users::{UserState, cast as user, days};
use super::{Organization, Stream};
use crate::behaviour::{EventShapes, RadiusEvents};

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
    fn drawn(dice: &mut Dice) -> Self {
        match dice.below(100) {
            0..38 => Self::UserLogin,
            38..63 => Self::Sso,
            63..83 => Self::SystemLogin,
            83..88 => Self::Radius,
            88..94 => Self::LdapBind,
            94..98 => Self::AdminLogin,
            _ => Self::UserUpdate,
        }
    }

    /// `service` and `event_type`, as the service mostly spells them.
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

    /// `service` and `event_type` of an event, as the service spells them.
    pub fn event_names(&self, event: &Event) -> (&'static str, &'static str) {
        let auth = match self.behaviour.radius_events {
            RadiusEvents::Attempt => false,
            RadiusEvents::Auth => true,
            RadiusEvents::Both => event.index % 2 == 1,
        };
        match event.kind {
            EventKind::Radius if auth => ("radius", "radius_auth"),
            kind => kind.names(),
        }
    }

    /// The oldest event that is still kept.
    pub(crate) fn first_event(&self) -> u64 {
        self.first_event_since(self.now - self.retention())
    }

    fn retention(&self) -> SignedDuration {
        days(self.behaviour.retention_days.into())
    }

    /// The event after the last one.
    pub(crate) fn end_of_events(&self) -> u64 {
        self.events
    }

    /// The event of an index.
    pub fn event(&self, index: u64) -> Event {
        let mut dice = Dice::thrown(self.seed, Stream::Event as u64, index);
        let kind = EventKind::drawn(&mut dice);
        let actor = self.actor(kind, &mut dice);
        let known = !matches!(actor, Actor::Unknown(_));
        Event {
            index,
            id: self.event_id(index, kind),
            timestamp: self.precise(kind, self.event_time(index), index),
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
        let index = u64::from_str_radix(id.get(id.len().checked_sub(8)?..)?, 16).ok()?;
        let exists = index < self.events && self.event(index).id == id;
        exists.then_some(index)
    }

    /// Whether a user never logs in anywhere.
    pub(crate) fn never_logs_in(&self, index: u64) -> bool {
        match index {
            user::DBA_NEVER_LOGGED_IN => true,
            _ if index < user::SIZE => false,
            _ => {
                self.user_state(index) == UserState::Staged
                    || self.is_new_hire(index)
                    || Dice::thrown(self.seed, Stream::Login as u64, index).percent(6)
            }
        }
    }

    fn event_id(&self, index: u64, kind: EventKind) -> String {
        let random = Dice::thrown(self.seed, Stream::Event as u64, index).roll();
        match kind {
            EventKind::Radius if self.behaviour.event_shapes == EventShapes::Recorded => {
                let (high, middle, low) = (random >> 32, random >> 16 & 0xFFFF, random & 0x0FFF);
                format!("{high:08X}-{middle:04X}-3{low:03X}-B000-0000{index:08X}")
            }
            _ => format!("{random:016x}{index:08x}"),
        }
    }

    /// A time in the span that is the event's own.
    fn event_time(&self, index: u64) -> Timestamp {
        let jitter = Dice::thrown(self.seed, Stream::EventTime as u64, index).below(self.event_span());
        self.event_start(index) + SignedDuration::from_millis(jitter as i64)
    }

    /// Milliseconds from the earliest time of an event to that of the next.
    fn event_span(&self) -> u64 {
        let recorded = RECORDED.max(self.retention());
        (recorded.as_millis() / i128::from(self.events.max(1))).max(1) as u64
    }

    fn event_start(&self, index: u64) -> Timestamp {
        let recorded = RECORDED.max(self.retention());
        let since = recorded.as_millis() * i128::from(index) / i128::from(self.events.max(1));
        self.now - recorded + SignedDuration::from_millis(since as i64)
    }

    /// The same time as a service writes it, still in the span that is the event's own: RADIUS has whole seconds, and
    /// single sign-on has nanoseconds.
    fn precise(&self, kind: EventKind, time: Timestamp, index: u64) -> Timestamp {
        match kind {
            _ if self.behaviour.event_shapes == EventShapes::Plain => time,
            EventKind::Radius => {
                let whole = Timestamp::from_second(time.as_second()).unwrap_or(time);
                let next = whole + SignedDuration::from_secs(1);
                let end = self.event_start(index) + SignedDuration::from_millis(self.event_span() as i64);
                if whole >= self.event_start(index) {
                    whole
                } else if next < end {
                    next
                } else {
                    time
                }
            }
            EventKind::Sso => {
                let below = Dice::thrown(self.seed, Stream::EventTime as u64, !index).below(1_000_000);
                time + SignedDuration::from_nanos(below as i64)
            }
            _ => time,
        }
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
