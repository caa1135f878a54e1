//! Directory Insights: events by time, newest or oldest first.

use hyper::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Asked;
use super::answer::Answer;
use super::problem::Problem;
use super::route::Endpoint;
use crate::simulator::faults::{Effect, Strikes};
use crate::simulator::organization::{Event, Organization};
use crate::simulator::wire::{self, Fields, Object};

/// Rows that an answer holds when the client names no number, or an impossible one.
const DEFAULT_LIMIT: u64 = 1_000;
/// Rows that an answer holds at most.
const MOST_ROWS: u64 = 10_000;

/// The body of a query.
#[derive(Debug, Deserialize)]
struct EventQuery {
    service: Vec<String>,
    start_time: Timestamp,
    end_time: Option<Timestamp>,
    #[serde(default)]
    limit: i64,
    sort: Option<String>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    search_term: Map<String, Value>,
    search_after: Option<Vec<Value>>,
}

pub(super) fn answer(asked: &Asked<'_>, strikes: &Strikes) -> Result<Answer, Problem> {
    let organization = asked.organization.as_ref();
    let query: EventQuery =
        serde_json::from_slice(&asked.body).map_err(|error| Problem::bad_request(format!("invalid query: {error}")))?;
    if query.service.is_empty() {
        return Err(Problem::bad_request("service is required"));
    }
    let ascending = query.sort.as_deref().is_some_and(|sort| sort.eq_ignore_ascii_case("ASC"));
    let mut indices = query.range(organization, ascending, strikes)?;
    let mut events = std::iter::from_fn(|| if ascending { indices.next() } else { indices.next_back() })
        .map(|index| organization.event(index))
        .filter(|event| query.admits(organization, event));
    if asked.endpoint == Endpoint::EventCount {
        return Ok(Answer::ok(json!({ "count": events.count() }).to_string().into_bytes()));
    }
    let limit =
        u64::try_from(query.limit).ok().filter(|limit| (1..=MOST_ROWS).contains(limit)).unwrap_or(DEFAULT_LIMIT);
    let rows = match limit {
        _ if strikes.has(&Effect::EmptyPage) => 0,
        limit if strikes.has(&Effect::ShortPage) => limit.div_ceil(2),
        limit => limit,
    };
    let fields = Fields::named(query.fields.iter().map(String::as_str));
    let (mut body, mut count, mut last) = (Vec::new(), 0_u64, None);
    wire::list(&mut body, events.by_ref().take(rows as usize), |out, event| {
        Object::write(out, Some(&fields), |object| organization.write_event(&event, object));
        count += 1;
        last = Some(json!([event.timestamp.as_millisecond(), event.id]));
    });
    let mut answer = Answer::new(StatusCode::OK, body);
    answer.header("x-result-count", count);
    answer.header("x-limit", limit);
    answer.header("x-sort", if ascending { "ASC" } else { "DESC" });
    answer.header("x-request-id", format!("{:032x}", strikes.ordinal));
    // The header is there on the last page as well.
    let after = last.or_else(|| query.search_after.map(Value::from)).unwrap_or_else(|| json!([]));
    answer.header("x-search_after", after);
    Ok(answer)
}

impl EventQuery {
    /// The events in the time asked for that the client has not had yet.
    fn range(
        &self,
        organization: &Organization,
        ascending: bool,
        strikes: &Strikes,
    ) -> Result<std::ops::Range<u64>, Problem> {
        let start = organization.first_event_since(self.start_time).max(organization.first_event());
        let end = self.end_time.map_or(organization.end_of_events(), |end| organization.first_event_since(end));
        let mut range = start..end.max(start);
        let starts_over = strikes.has(&Effect::IgnoreSkip) || strikes.has(&Effect::RepeatPage);
        if let Some(after) = self.search_after.as_ref().filter(|after| !after.is_empty() && !starts_over) {
            let id = after.get(1).and_then(Value::as_str).unwrap_or_default();
            let had = organization.event_of_id(id).ok_or_else(|| Problem::bad_request("invalid search_after"))?;
            if ascending {
                range.start = range.start.max(had + 1);
            } else {
                range.end = range.end.min(had);
            }
        }
        Ok(range)
    }

    fn admits(&self, organization: &Organization, event: &Event) -> bool {
        let (service, _) = event.kind.names();
        let of_service = self.service.iter().any(|wanted| wanted == "all" || wanted == service);
        of_service
            && self.search_term.iter().all(|(conjunction, terms)| match conjunction.as_str() {
                "or" => terms_of(terms).any(|term| matches(organization, event, term)),
                "not" => !terms_of(terms).any(|term| matches(organization, event, term)),
                _ => terms_of(terms).all(|term| matches(organization, event, term)),
            })
    }
}

/// A field and a value, or a list of values of which one has to be there.
type Term<'a> = (&'a String, &'a Value);

/// Terms are an object of field and value, or a list of such objects.
fn terms_of(terms: &Value) -> Box<dyn Iterator<Item = Term<'_>> + '_> {
    match terms {
        Value::Array(terms) => Box::new(terms.iter().flat_map(terms_of)),
        Value::Object(terms) => Box::new(terms.iter()),
        _ => Box::new(std::iter::empty()),
    }
}

fn matches(organization: &Organization, event: &Event, (field, wanted): Term<'_>) -> bool {
    let value = value_of(organization, event, field);
    match wanted {
        Value::Array(wanted) => wanted.contains(&value),
        wanted => *wanted == value,
    }
}

fn value_of(organization: &Organization, event: &Event, field: &str) -> Value {
    let (service, event_type) = event.kind.names();
    match field {
        "service" => json!(service),
        "event_type" => json!(event_type),
        "success" => json!(event.success),
        _ => {
            let mut row = Vec::new();
            let (top, _) = field.split_once('.').unwrap_or((field, ""));
            let fields = Fields::named([top].into_iter());
            Object::write(&mut row, Some(&fields), |object| organization.write_event(event, object));
            let row: Value = serde_json::from_slice(&row).unwrap_or_default();
            field.split('.').fold(row, |mut value, name| value.get_mut(name).map(Value::take).unwrap_or_default())
        }
    }
}
