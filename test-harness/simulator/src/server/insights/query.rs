//! The bodies of queries.

use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::super::problem::Problem;
use super::terms;
use crate::organization::{Event, Organization};

/// Rows that an answer holds when the client names no number, or an impossible one.
const DEFAULT_LIMIT: u64 = 1_000;
/// Rows that an answer holds at most.
const MOST_ROWS: u64 = 10_000;

/// The services that record events.
const SERVICES: [&str; 22] = [
    "access_management",
    "ai_admin",
    "aigw",
    "alerts",
    "all",
    "asset_management",
    "directory",
    "genai",
    "generic_di",
    "ldap",
    "mdm",
    "notifications",
    "object_storage",
    "password_manager",
    "password_vault",
    "radius",
    "reports",
    "saas_app_management",
    "software",
    "sso",
    "systems",
    "workflows",
];

/// `EventQuery`: the body of `/events` and `/events/count`.
#[derive(Debug, Deserialize)]
pub(super) struct EventQuery {
    service: Vec<String>,
    start_time: Timestamp,
    end_time: Option<Timestamp>,
    #[serde(default)]
    limit: Value,
    #[serde(default)]
    skip: Value,
    #[serde(default)]
    sort: Value,
    pub(super) fields: Option<Vec<String>>,
    search_term: Option<Map<String, Value>>,
    pub(super) search_after: Option<Vec<Value>>,
    /// A text that stands in some field.
    q: Option<String>,
    /// A text that some field holds and nothing else.
    exact_match: Option<String>,
}

/// `EventDistinctQuery`: the body of `/events/distinct`.
#[derive(Debug, Deserialize)]
pub(super) struct DistinctQuery {
    #[serde(flatten)]
    pub(super) query: EventQuery,
    pub(super) field: String,
}

/// `EventIntervalQuery`: the body of `/events/interval`.
#[derive(Debug)]
pub(super) struct IntervalQuery {
    pub(super) query: EventQuery,
    /// How long an interval is.
    pub(super) milliseconds: i64,
    /// How far local time is ahead of UTC, in milliseconds.
    pub(super) offset: i64,
}

#[derive(Debug, Deserialize)]
struct IntervalBody {
    #[serde(flatten)]
    query: EventQuery,
    interval_unit: String,
    #[serde(default)]
    interval_value: Value,
    #[serde(default)]
    timezone: String,
}

/// A text that is there and not empty.
fn named(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::bad_request(format!("invalid query: {error}")))
}

impl DistinctQuery {
    pub(super) fn read(body: &[u8], organization: &Organization) -> Result<Self, Problem> {
        let read: Self = read(body)?;
        read.query.check(organization)?;
        Ok(read)
    }
}

impl IntervalQuery {
    pub(super) fn read(body: &[u8], organization: &Organization) -> Result<Self, Problem> {
        let IntervalBody { query, interval_unit, interval_value, timezone } = read(body)?;
        query.check(organization)?;
        let unit = match interval_unit.as_str() {
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            _ => return Err(Problem::bad_request("interval_unit must be one of s, m, h, d, w")),
        };
        // A number, or the same as text.
        let value = match &interval_value {
            Value::Null => Some(1),
            Value::String(text) => text.parse().ok(),
            other => other.as_u64().and_then(|value| u32::try_from(value).ok()),
        };
        let value = value.filter(|value| *value > 0);
        let value = value.ok_or_else(|| Problem::bad_request("interval_value must be a number above 0"))?;
        let offset = offset(&timezone, query.start_time)?;
        Ok(Self { query, milliseconds: unit * i64::from(value), offset })
    }
}

/// How far a time zone, such as `-0500`, `+01:00` or `Europe/Zurich`, is ahead of UTC.
fn offset(zone: &str, at: Timestamp) -> Result<i64, Problem> {
    if zone.is_empty() {
        return Ok(0);
    }
    let invalid = || Problem::bad_request(format!("invalid timezone: {zone}"));
    let sign = match zone.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => {
            let zone = TimeZone::get(zone).map_err(|_| invalid())?;
            return Ok(i64::from(zone.to_offset(at).seconds()) * 1_000);
        }
    };
    let digits: String = zone.chars().skip(1).filter(|c| *c != ':').collect();
    let number = Some(&digits).filter(|digits| digits.len() == 4).and_then(|digits| digits.parse::<i64>().ok());
    let number = number.filter(|number| number / 100 <= 14 && number % 100 < 60).ok_or_else(invalid)?;
    Ok(sign * (number / 100 * 60 + number % 100) * 60_000)
}

impl EventQuery {
    pub(super) fn read(body: &[u8], organization: &Organization) -> Result<Self, Problem> {
        let read: Self = read(body)?;
        read.check(organization)?;
        Ok(read)
    }

    fn check(&self, organization: &Organization) -> Result<(), Problem> {
        if self.service.is_empty() {
            return Err(Problem::bad_request("service is required"));
        }
        if let Some(unknown) = self.service.iter().find(|service| !SERVICES.contains(&service.as_str())) {
            let message = format!("unknown service: {unknown}; valid services are {}", SERVICES.join(", "));
            return Err(Problem::bad_request(message));
        }
        // The organisation may be seen at a time of its own.
        if self.start_time > Timestamp::now().max(organization.now()) {
            return Err(Problem::bad_request("start_time is in the future"));
        }
        match self.end_time {
            Some(end) if end < self.start_time => Err(Problem::bad_request("end_time is before start_time")),
            _ => Ok(()),
        }
    }

    /// Anything but `DESC` is ascending.
    pub(super) fn is_ascending(&self) -> bool {
        !self.sort.as_str().is_some_and(|sort| sort.eq_ignore_ascii_case("DESC"))
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit.as_u64().filter(|limit| (1..=MOST_ROWS).contains(limit)).unwrap_or(DEFAULT_LIMIT)
    }

    pub(super) fn skip(&self) -> usize {
        self.skip.as_u64().and_then(|skip| usize::try_from(skip).ok()).unwrap_or_default()
    }

    /// The events in the time asked for, and perhaps one more at each end.
    pub(super) fn span(&self, organization: &Organization) -> Range<u64> {
        let first = organization.first_event();
        let start = organization.first_event_since(self.start_time).saturating_sub(1).max(first);
        let last = organization.end_of_events();
        let end = self.end_time.map_or(last, |end| (organization.first_event_since(end) + 1).min(last));
        start..end.max(start)
    }

    /// Those of them that the client has not had yet.
    pub(super) fn range(&self, organization: &Organization, starts_over: bool) -> Result<Range<u64>, Problem> {
        let mut range = self.span(organization);
        if let Some(after) = self.search_after.as_ref().filter(|after| !after.is_empty() && !starts_over) {
            let id = after.get(1).and_then(Value::as_str).unwrap_or_default();
            let had = organization.event_of_id(id).ok_or_else(|| Problem::bad_request("invalid search_after"))?;
            if self.is_ascending() {
                range.start = range.start.max(had + 1);
            } else {
                range.end = range.end.min(had);
            }
        }
        Ok(range)
    }

    pub(super) fn admits(&self, organization: &Organization, event: &Event) -> bool {
        let (service, _) = event.kind.names();
        let in_time = event.timestamp >= self.start_time && self.end_time.is_none_or(|end| event.timestamp < end);
        in_time
            && self.service.iter().any(|wanted| wanted == "all" || wanted == service)
            && self.search_term.iter().flatten().all(|(name, terms)| terms::hold(organization, event, name, terms))
            && named(&self.q).is_none_or(|text| terms::mentions(organization, event, text))
            && named(&self.exact_match).is_none_or(|text| terms::has(organization, event, text))
    }
}
