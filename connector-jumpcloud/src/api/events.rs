//! Directory Insights: `POST /insights/directory/v1/events`, body `EventQuery`. Answers a list of events; the headers
//! `X-Result-Count`, `X-Limit` and `X-Search_after` tell how to go on.

use bytes::Bytes;
use connector_api::ConnectorError;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::lenient;
use crate::client::{Answer, Call, Client, Meter};

/// Events a page.
pub(crate) const LIMIT: u64 = 10_000;

/// How an administrator signs in to the console.
pub(crate) const ADMIN_LOGIN: &str = "admin_login_attempt";

/// The event types by which somebody signs in.
pub(crate) const LOGIN_EVENTS: [&str; 6] =
    ["user_login_attempt", ADMIN_LOGIN, "sso_auth", "login_attempt", "radius_auth_attempt", "ldap_bind"];

/// A login event, as far as it bears on who signed in when and how.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Event {
    #[serde(default, deserialize_with = "lenient::de_time")]
    pub(crate) timestamp: Option<Timestamp>,
    #[serde(default, deserialize_with = "de_service")]
    pub(crate) service: Option<Service>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) event_type: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) success: Option<bool>,
    /// The same on `sso_auth` events.
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) sso_token_success: Option<bool>,
    #[serde(default, deserialize_with = "lenient::de_flag")]
    pub(crate) mfa: Option<bool>,
    /// Who signed in, on device logins.
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) username: Option<String>,
    #[serde(default, deserialize_with = "de_initiator")]
    pub(crate) initiated_by: Initiator,
}

/// A service that somebody signs in to.
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

fn de_initiator<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Initiator, D::Error> {
    Value::deserialize(deserializer).map(|value| serde_json::from_value(value).unwrap_or_default())
}

/// Who caused an event.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Initiator {
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) id: Option<String>,
    /// `user`, `admin`, `system`, ….
    #[serde(default, rename = "type", deserialize_with = "lenient::de_text")]
    pub(crate) kind: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) username: Option<String>,
    #[serde(default, deserialize_with = "lenient::de_text")]
    pub(crate) email: Option<String>,
}

/// One page of events, and where the next one begins.
#[derive(Debug)]
pub(crate) struct EventPage {
    pub(crate) events: Vec<Event>,
    /// The page holds as many events as it may, so there may be more.
    pub(crate) full: bool,
    /// Where the next page begins; told of the last one, too.
    pub(crate) after: Option<Value>,
}

/// Reads one page of login events between two times, newest first, behind `after`.
pub(crate) async fn page(
    client: &Client,
    meter: &Meter,
    since: Timestamp,
    until: Timestamp,
    after: Option<&Value>,
) -> Result<EventPage, ConnectorError> {
    let mut query = json!({
        "service": Service::ALL,
        "start_time": since,
        "end_time": until,
        "sort": "DESC",
        "limit": LIMIT,
        "fields": ["timestamp", "service", "event_type", "success", "sso_token_success", "mfa", "username", "initiated_by"],
        "search_term": {"or": {"event_type": LOGIN_EVENTS}},
    });
    if let Some(after) = after {
        query["search_after"] = after.clone();
    }
    let call = Call::insights("/insights/directory/v1/events", Bytes::from(query.to_string()));
    client.fetch(meter, &call, read).await
}

pub(crate) fn read(answer: &Answer) -> Result<EventPage, serde_json::Error> {
    // `null` stands for no event.
    let events: Vec<Event> = answer.json::<Option<_>>()?.unwrap_or_default();
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    let limit = header("x-limit").and_then(|value| value.parse().ok()).unwrap_or(LIMIT);
    let full = events.len() as u64 >= limit.min(LIMIT);
    let after: Option<Value> = header("x-search_after").and_then(|value| serde_json::from_str(value).ok());
    // An empty list begins at the front.
    let after = after.filter(|after| !after.is_null() && after.as_array().is_none_or(|parts| !parts.is_empty()));
    Ok(EventPage { events, full, after })
}

/// Counts the login events of the last `days` days: `POST /insights/directory/v1/events/count`.
pub(crate) async fn count(client: &Client, meter: &Meter, days: u16) -> Result<u64, ConnectorError> {
    #[derive(Deserialize)]
    struct Count {
        count: u64,
    }
    let (since, until) = period(client, days);
    let query = json!({
        "service": Service::ALL, "start_time": since, "end_time": until,
        "search_term": {"or": {"event_type": LOGIN_EVENTS}},
    });
    let call = Call::insights("/insights/directory/v1/events/count", Bytes::from(query.to_string()));
    client.json(meter, call).await.map(|count: Count| count.count)
}

/// From so many days ago until now.
pub(crate) fn period(client: &Client, days: u16) -> (Timestamp, Timestamp) {
    let until = client.clock().now();
    let since = until.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN);
    (since, until)
}
