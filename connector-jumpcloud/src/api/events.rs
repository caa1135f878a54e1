//! Directory Insights: `POST /insights/directory/v1/events`, body `EventQuery`. Returns a list of events; the headers
//! `X-Result-Count`, `X-Limit` and `X-Search_after` are for paging.

use std::fmt;

use bytes::Bytes;
use connector_api::ConnectorError;
use jiff::{SignedDuration, Timestamp};
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Id;
use super::lenient::{self, WireText};
use crate::client::{Answer, Client, Meter, Task, insights};

/// Events per page.
pub(crate) const LIMIT: u64 = 10_000;

/// The event of an administrator's login to the console.
pub(crate) const ADMIN_LOGIN: &str = "admin_login_attempt";

/// The event of a login to a device.
pub(crate) const DEVICE_LOGIN: &str = "login_attempt";

/// The event types of logins. Network logins have two names: the published and the observed one.
pub(crate) const LOGIN_EVENTS: [&str; 7] =
    ["user_login_attempt", ADMIN_LOGIN, "sso_auth", DEVICE_LOGIN, "radius_auth_attempt", "radius_auth", "ldap_bind"];

/// The fields of an [`Event`].
const FIELDS: [&str; 11] = [
    "timestamp",
    "service",
    "event_type",
    "success",
    "sso_token_success",
    "error_message",
    "mfa",
    "auth_meta",
    "username",
    "initiated_by",
    "resource",
];

/// A login event: the fields about who signed in, when and how, as text of the page. There are many, so each is read only
/// where it is needed.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Event<'a> {
    #[serde(borrow)]
    timestamp: WireText<'a>,
    service: WireText<'a>,
    event_type: WireText<'a>,
    success: WireText<'a>,
    /// The same on `sso_auth` events.
    sso_token_success: WireText<'a>,
    error_message: WireText<'a>,
    mfa: WireText<'a>,
    auth_meta: WireText<'a>,
    /// Who signed in, on device logins: the name of the account on the device.
    username: WireText<'a>,
    initiated_by: WireText<'a>,
    /// The object of the event: for logins of administrators the administrator, who may not be named elsewhere.
    resource: WireText<'a>,
}

/// The outcome of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Succeeded,
    Failed,
    /// An intermediate step, such as the request for a second factor.
    Pending,
}

/// The account of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Actor {
    pub(crate) named: Named,
    pub(crate) administrator: bool,
}

/// How an event names its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    Id(Id),
    /// A user name or an address, in lower case.
    Name(String),
    /// The name of an account on a device, in lower case.
    OnDevice(String),
}

impl Event<'_> {
    /// When it happened.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        self.timestamp.time()
    }

    /// The service, if it is known.
    pub(crate) fn service(&self) -> Option<Service> {
        Service::ALL.into_iter().find(|service| self.service.is(service.word()))
    }

    /// Whether it is of another type than the requested ones.
    pub(crate) fn is_unrequested(&self) -> bool {
        let kind = self.event_type.string();
        !kind.is_some_and(|kind| LOGIN_EVENTS.contains(&&*kind)) && self.event_type.any().is_some()
    }

    /// The outcome of the login, if the event reports it.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        match (self.success.flag(), self.sso_token_success.flag()) {
            (Some(true), _) | (None, Some(true)) => Some(Outcome::Succeeded),
            (Some(false), _) => Some(Outcome::Failed),
            (None, Some(false)) if self.error_message.any().is_none() => Some(Outcome::Pending),
            (None, Some(false)) => Some(Outcome::Failed),
            (None, None) => None,
        }
    }

    /// Whether a second factor was used, if the event reports it by a flag or by the methods used.
    pub(crate) fn second_factor(&self) -> Option<bool> {
        let meta = self.auth_meta.get::<Value>();
        let methods = meta.as_ref().and_then(|meta| meta.get("auth_methods")?.as_object());
        let methods = methods.filter(|methods| !methods.is_empty());
        let given = |(method, how): (&String, &Value)| {
            method != "password" && how.get("success").and_then(lenient::flag) == Some(true)
        };
        match (self.mfa.flag(), methods.map(|methods| methods.iter().any(given))) {
            (Some(flag), Some(method)) => Some(flag || method),
            (flag, method) => flag.or(method),
        }
    }

    /// The account that signed in, if the event names it.
    pub(crate) fn actor(&self) -> Option<Actor> {
        let kind = self.event_type.string();
        let is = |word: &str| kind.as_deref() == Some(word);
        let initiator = Party::of(self.initiated_by);
        let administrator = is(ADMIN_LOGIN) || initiator.is_admin();
        let named = initiator.is_person() && !initiator.is_nobody();
        let party = if administrator && !named { Party::of(self.resource) } else { initiator };
        let id = party.id.any().filter(|_| party.is_person()).and_then(|id| id.parse().ok());
        let named = id.map(Named::Id).or_else(|| {
            let names = [self.username, party.username, party.email];
            let name = names.into_iter().find_map(WireText::any)?.to_lowercase();
            Some(if is(DEVICE_LOGIN) { Named::OnDevice(name) } else { Named::Name(name) })
        });
        named.map(|named| Actor { named, administrator })
    }
}

/// A service with logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Service {
    Directory,
    Sso,
    Systems,
    Radius,
    Ldap,
}

impl Service {
    const ALL: [Self; 5] = [Self::Directory, Self::Sso, Self::Systems, Self::Radius, Self::Ldap];

    /// The word in `service`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Sso => "sso",
            Self::Systems => "systems",
            Self::Radius => "radius",
            Self::Ldap => "ldap",
        }
    }
}

/// The cause or the object of an event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Party<'a> {
    #[serde(borrow)]
    id: WireText<'a>,
    /// `user`, `systemuser`, `admin`, `system`, ….
    #[serde(rename = "type")]
    kind: WireText<'a>,
    username: WireText<'a>,
    email: WireText<'a>,
}

impl<'a> Party<'a> {
    /// Nobody unless it is an object.
    fn of(json: WireText<'a>) -> Self {
        WireText(json.0.filter(|json| json.starts_with('{'))).get().unwrap_or_default()
    }

    /// Whether the id belongs to an account that can sign in.
    fn is_person(&self) -> bool {
        self.kind.any().is_none() || ["user", "systemuser", "admin"].into_iter().any(|word| self.is(word))
    }

    fn is_admin(&self) -> bool {
        self.is("admin")
    }

    fn is(&self, kind: &str) -> bool {
        self.kind.string().is_some_and(|own| own.eq_ignore_ascii_case(kind))
    }

    fn is_nobody(&self) -> bool {
        [self.id, self.username, self.email].into_iter().all(|field| field.any().is_none())
    }
}

/// What was learned from one page of events, and the cursor of the next one.
#[derive(Debug)]
pub(crate) struct EventPage<T> {
    pub(crate) learned: T,
    /// The number of events.
    pub(crate) events: usize,
    /// The page is full, so there may be more events.
    pub(crate) full: bool,
    /// The cursor of the next page; the last page has one, too.
    pub(crate) after: Option<Value>,
}

/// Reads one page of login events between two times, newest first, after the cursor `after`. Each event is entered as soon
/// as it is parsed, and not kept.
pub(crate) async fn page<T: Default + Send + 'static>(
    client: &Client,
    meter: &Meter,
    window: Window,
    after: Option<&Value>,
    enter: fn(&mut T, &Event<'_>),
) -> Result<EventPage<T>, ConnectorError> {
    let mut query = window.logins();
    query["sort"] = json!("DESC");
    query["limit"] = json!(LIMIT);
    query["fields"] = json!(FIELDS);
    if let Some(after) = after {
        query["search_after"] = after.clone();
    }
    let call = insights("/insights/directory/v1/events", Bytes::from(query.to_string()));
    let (client, meter) = (client.clone(), meter.clone());
    // A page is so large that all other sections would wait while it is parsed.
    Task::spawn(async move { client.fetch(&meter, &call, |answer| read(answer, enter)).await }).result().await
}

/// Parses a page of events.
pub(crate) fn read<T: Default>(
    answer: &Answer,
    enter: fn(&mut T, &Event<'_>),
) -> Result<EventPage<T>, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(answer.text()?);
    let mut learned = T::default();
    let events = json.deserialize_any(Events(|event: &Event<'_>| enter(&mut learned, event)))?;
    json.end()?;
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    let limit = header("x-limit").and_then(|value| value.parse().ok()).unwrap_or(LIMIT);
    let full = events as u64 >= limit.min(LIMIT);
    let after: Option<Value> = header("x-search_after").and_then(|value| serde_json::from_str(value).ok());
    // An empty cursor would start from the first page again.
    let after = after.filter(|after| !after.is_null() && after.as_array().is_none_or(|parts| !parts.is_empty()));
    Ok(EventPage { learned, events, full, after })
}

/// Passes on the events of a list, and counts them.
struct Events<F>(F);

impl<'de, F: FnMut(&Event<'_>)> Visitor<'de> for Events<F> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    /// `null` means no event.
    fn visit_unit<E: Error>(self) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut events: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while let Some(event) = events.next_element()? {
            (self.0)(&event);
            count += 1;
        }
        Ok(count)
    }
}

/// The time of the oldest event of any kind in the log, at most a year before `window`: how far the log goes back.
pub(crate) async fn oldest(
    client: &Client,
    meter: &Meter,
    window: Window,
) -> Result<Option<Timestamp>, ConnectorError> {
    let query = json!({
        "service": ["all"],
        "start_time": before(window.since, 365),
        "sort": "ASC",
        "limit": 1,
        "fields": ["timestamp"],
    });
    let call = insights("/insights/directory/v1/events", Bytes::from(query.to_string()));
    let earlier = |oldest: &mut Option<Timestamp>, event: &Event<'_>| {
        *oldest = [*oldest, event.time()].into_iter().flatten().min();
    };
    client.fetch(meter, &call, |answer| read(answer, earlier)).await.map(|page| page.learned)
}

/// Counts the login events of `window`: `POST /insights/directory/v1/events/count`.
pub(crate) async fn count(client: &Client, meter: &Meter, window: Window) -> Result<u64, ConnectorError> {
    #[derive(Deserialize)]
    struct Count {
        count: u64,
    }
    let call = insights("/insights/directory/v1/events/count", Bytes::from(window.logins().to_string()));
    client.json(meter, call).await.map(|count: Count| count.count)
}

/// A span of time, by the target's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
}

impl Window {
    /// The last `days` days.
    pub(crate) fn of_days(client: &Client, days: u16) -> Self {
        let until = client.clock().now();
        Self { since: before(until, days), until }
    }

    /// The query for the login events in it.
    fn logins(self) -> Value {
        json!({
            "service": Service::ALL,
            "start_time": self.since,
            "end_time": self.until,
            "search_term": {"or": {"event_type": LOGIN_EVENTS}},
        })
    }
}

fn before(time: Timestamp, days: u16) -> Timestamp {
    time.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// An event of these fields; its text lives as long as the test.
    fn event(json: &Value) -> Event<'static> {
        serde_json::from_str(Box::leak(json.to_string().into_boxed_str())).unwrap()
    }

    #[test]
    fn a_step_towards_a_second_factor_is_no_failure() {
        for (fields, outcome) in [
            (json!({"success": true}), Some(Outcome::Succeeded)),
            (json!({"success": "false"}), Some(Outcome::Failed)),
            (json!({"sso_token_success": true, "error_message": ""}), Some(Outcome::Succeeded)),
            (json!({"sso_token_success": false}), Some(Outcome::Pending)),
            (json!({"sso_token_success": false, "error_message": ""}), Some(Outcome::Pending)),
            (json!({"sso_token_success": false, "error_message": null}), Some(Outcome::Pending)),
            (json!({"sso_token_success": false, "error_message": "denied"}), Some(Outcome::Failed)),
            (json!({}), None),
        ] {
            assert_eq!(event(&fields).outcome(), outcome, "{fields}");
        }
    }

    #[test]
    fn a_second_factor_is_known_by_flag_or_by_method() {
        let methods = |methods: Value| json!({"auth_meta": {"auth_methods": methods}});
        for (fields, second) in [
            (json!({"mfa": true}), Some(true)),
            (json!({"mfa": false, "auth_meta": {"userid_type": "USERNAME"}}), Some(false)),
            (methods(json!({"password": {"success": true}, "totp": {"success": true}})), Some(true)),
            (methods(json!({"password": {"success": true}, "jumpcloud_protect": {"success": false}})), Some(false)),
            (methods(json!({"password": {"success": true}})), Some(false)),
            (methods(json!({})), None),
            (methods(json!("totp")), None),
            (json!({"auth_meta": null}), None),
            (json!({}), None),
        ] {
            assert_eq!(event(&fields).second_factor(), second, "{fields}");
        }
    }

    #[test]
    fn whose_login_it_is_is_read_from_where_the_event_says_it() {
        let actor = |named, administrator| Some(Actor { named, administrator });
        let (id, name) = (|id: &str| Named::Id(id.parse().unwrap()), |name: &str| Named::Name(name.to_owned()));
        for (fields, expected) in [
            (json!({"initiated_by": {"type": "SystemUser", "id": "u1", "username": "Ada"}}), actor(id("u1"), false)),
            (
                json!({"event_type": "admin_login_attempt", "resource": {"type": "admin", "id": "a1", "email": "R@x"}}),
                actor(id("a1"), true),
            ),
            (
                json!({"event_type": "admin_login_attempt", "initiated_by": {"type": "admin"}, "resource": {"id": "a1"}}),
                actor(id("a1"), true),
            ),
            (
                json!({"event_type": "admin_login_attempt", "resource": {"type": "admin", "id": "../a", "email": "R@x"}}),
                actor(name("r@x"), true),
            ),
            (json!({"username": "Ada", "initiated_by": {"type": "user", "id": 7}}), actor(id("7"), false)),
            (
                json!({"event_type": "login_attempt", "username": "ADAE", "initiated_by": {"type": "system", "id": "s1"}}),
                actor(Named::OnDevice("adae".to_owned()), false),
            ),
            // What a user's login is about is no actor.
            (json!({"event_type": "sso_auth", "resource": {"id": "app"}}), None),
            (json!({"initiated_by": "nonsense", "resource": 7}), None),
        ] {
            assert_eq!(event(&fields).actor(), expected, "{fields}");
        }
    }
}
