//! Directory Insights: `POST /insights/directory/v1/events`, body `EventQuery`. Returns a list of events; the headers
//! `X-Result-Count`, `X-Limit` and `X-Search_after` are for paging.

use bytes::Bytes;
use connector_api::ConnectorError;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::lenient;
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

/// A login event: the fields about who signed in, when and how.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Event {
    #[serde(default, deserialize_with = "lenient::de_time")]
    pub(crate) timestamp: Option<Timestamp>,
    #[serde(default, deserialize_with = "de_service")]
    pub(crate) service: Option<Service>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) event_type: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    success: Option<bool>,
    /// The same on `sso_auth` events.
    #[serde(default, deserialize_with = "lenient::de_flag")]
    sso_token_success: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    error_message: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    mfa: Option<bool>,
    #[serde(default)]
    auth_meta: Value,
    /// Who signed in, on device logins: the name of the account on the device.
    #[serde(default, deserialize_with = "lenient::de_text")]
    username: Option<String>,
    #[serde(default, deserialize_with = "de_party")]
    initiated_by: Party,
    /// The object of the event: for logins of administrators the administrator, who may not be named elsewhere.
    #[serde(default, deserialize_with = "de_party")]
    resource: Party,
}

/// The outcome of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Succeeded,
    Failed,
    /// An intermediate step, such as the request for a second factor.
    Pending,
}

/// The account of an event, if it names one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Actor {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) administrator: bool,
    /// The name is that of an account on a device.
    pub(crate) on_device: bool,
}

impl Event {
    /// The outcome of the login, if the event reports it.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        match (self.success, self.sso_token_success) {
            (Some(true), _) | (None, Some(true)) => Some(Outcome::Succeeded),
            (Some(false), _) => Some(Outcome::Failed),
            (None, Some(false)) if self.error_message.is_none() => Some(Outcome::Pending),
            (None, Some(false)) => Some(Outcome::Failed),
            (None, None) => None,
        }
    }

    /// Whether a second factor was used, if the event reports it by a flag or by the methods used.
    pub(crate) fn second_factor(&self) -> Option<bool> {
        let methods =
            self.auth_meta.get("auth_methods").and_then(Value::as_object).filter(|methods| !methods.is_empty());
        let given = |(method, how): (&String, &Value)| {
            method != "password" && how.get("success").and_then(lenient::flag) == Some(true)
        };
        match (self.mfa, methods.map(|methods| methods.iter().any(given))) {
            (Some(flag), Some(method)) => Some(flag || method),
            (flag, method) => flag.or(method),
        }
    }

    /// The account that signed in.
    pub(crate) fn actor(&self) -> Actor {
        let is = |kind: &str| self.event_type.as_deref() == Some(kind);
        let initiator = &self.initiated_by;
        let administrator =
            is(ADMIN_LOGIN) || initiator.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("admin"));
        let named = initiator.is_person() && !initiator.is_nobody();
        let party = if administrator && !named { &self.resource } else { initiator };
        let names = [&self.username, &party.username, &party.email];
        Actor {
            id: party.id.clone().filter(|_| party.is_person()),
            name: names.into_iter().flatten().next().map(|name| name.to_lowercase()),
            administrator,
            on_device: is(DEVICE_LOGIN),
        }
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

fn de_service<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Service>, D::Error> {
    let word = Value::deserialize(deserializer)?;
    Ok(Service::ALL.into_iter().find(|service| word == service.word()))
}

fn de_party<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Party, D::Error> {
    Value::deserialize(deserializer).map(|value| serde_json::from_value(value).unwrap_or_default())
}

/// The cause or the object of an event.
#[derive(Debug, Clone, Default, Deserialize)]
struct Party {
    #[serde(default, deserialize_with = "lenient::de_text")]
    id: Option<String>,
    /// `user`, `systemuser`, `admin`, `system`, ….
    #[serde(default, rename = "type", deserialize_with = "lenient::de_text")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    username: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    email: Option<String>,
}

impl Party {
    /// Whether the id belongs to an account that can sign in.
    fn is_person(&self) -> bool {
        let is = |word: &str| self.kind.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case(word));
        ["user", "systemuser", "admin"].into_iter().any(is)
    }

    fn is_nobody(&self) -> bool {
        self.id.is_none() && self.username.is_none() && self.email.is_none()
    }
}

/// One page of events, and the cursor of the next one.
#[derive(Debug)]
pub(crate) struct EventPage {
    pub(crate) events: Vec<Event>,
    /// The page is full, so there may be more events.
    pub(crate) full: bool,
    /// The cursor of the next page; the last page has one, too.
    pub(crate) after: Option<Value>,
}

/// Reads one page of login events between two times, newest first, after the cursor `after`.
pub(crate) async fn page(
    client: &Client,
    meter: &Meter,
    window: Window,
    after: Option<&Value>,
) -> Result<EventPage, ConnectorError> {
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
    Task::spawn(async move { client.fetch(&meter, &call, read).await }).result().await
}

pub(crate) fn read(answer: &Answer) -> Result<EventPage, serde_json::Error> {
    // `null` means no event.
    let events: Vec<Event> = answer.json::<Option<_>>()?.unwrap_or_default();
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    let limit = header("x-limit").and_then(|value| value.parse().ok()).unwrap_or(LIMIT);
    let full = events.len() as u64 >= limit.min(LIMIT);
    let after: Option<Value> = header("x-search_after").and_then(|value| serde_json::from_str(value).ok());
    // An empty cursor would start from the first page again.
    let after = after.filter(|after| !after.is_null() && after.as_array().is_none_or(|parts| !parts.is_empty()));
    Ok(EventPage { events, full, after })
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
    let page = client.fetch(meter, &call, read).await?;
    Ok(page.events.into_iter().filter_map(|event| event.timestamp).min())
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

    fn event(json: Value) -> Event {
        serde_json::from_value(json).unwrap()
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
            assert_eq!(event(fields.clone()).outcome(), outcome, "{fields}");
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
            assert_eq!(event(fields.clone()).second_factor(), second, "{fields}");
        }
    }

    #[test]
    fn whose_login_it_is_is_read_from_where_the_event_says_it() {
        let actor = |id: Option<&str>, name: Option<&str>, administrator, on_device| Actor {
            id: id.map(str::to_owned),
            name: name.map(str::to_owned),
            administrator,
            on_device,
        };
        for (fields, expected) in [
            (
                json!({"initiated_by": {"type": "SystemUser", "id": "u1", "username": "Ada"}}),
                actor(Some("u1"), Some("ada"), false, false),
            ),
            (
                json!({"event_type": "admin_login_attempt", "resource": {"type": "admin", "id": "a1", "email": "R@x"}}),
                actor(Some("a1"), Some("r@x"), true, false),
            ),
            (
                json!({"event_type": "admin_login_attempt", "initiated_by": {"type": "admin"}, "resource": {"id": "a1"}}),
                actor(Some("a1"), None, true, false),
            ),
            (
                json!({"event_type": "login_attempt", "username": "ADAE", "initiated_by": {"type": "system", "id": "s1"}}),
                actor(None, Some("adae"), false, true),
            ),
            // What a user's login is about is no actor.
            (json!({"event_type": "sso_auth", "resource": {"id": "app"}}), actor(None, None, false, false)),
            (json!({"initiated_by": "nonsense", "resource": 7}), actor(None, None, false, false)),
        ] {
            assert_eq!(event(fields.clone()).actor(), expected, "{fields}");
        }
    }
}
