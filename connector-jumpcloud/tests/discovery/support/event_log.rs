//! A log of events that answers queries as Directory Insights does: by service, time and event type, in order, in pages.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

/// A log of events.
#[derive(Debug, Clone)]
pub struct EventLog {
    /// Oldest first.
    events: Vec<(Timestamp, Value)>,
    /// Queries that begin before this are refused.
    pub first_start: Timestamp,
}

impl EventLog {
    /// The events in order of their `timestamp`, which each must have.
    pub fn of(events: impl IntoIterator<Item = Value>) -> Self {
        let time = |event: &Value| event["timestamp"].as_str().unwrap().parse().unwrap();
        let mut events: Vec<(Timestamp, Value)> = events.into_iter().map(|event| (time(&event), event)).collect();
        events.sort_by_key(|(at, _)| *at);
        Self { events, first_start: Timestamp::MIN }
    }

    /// The answer to a query at the time `now`.
    pub fn answer(&self, path: &str, query: &Value, now: Timestamp) -> Response<Full<Bytes>> {
        let response = |status: u16, body: Value| {
            Response::builder().status(status).header("content-type", "application/json").body(body.to_string().into())
        };
        let time = |name: &str| query[name].as_str().and_then(|text| text.parse::<Timestamp>().ok());
        let (start, end) = (time("start_time").unwrap(), time("end_time").unwrap_or(now));
        if start > now || end < start || start < self.first_start {
            return response(400, json!({"message": "invalid time range"})).unwrap();
        }
        let services: Vec<&str> = query["service"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let types = query["search_term"]["or"]["event_type"].as_array();
        let mut events: Vec<&(Timestamp, Value)> = self
            .events
            .iter()
            .filter(|(at, _)| start <= *at && *at <= end)
            .filter(|(_, event)| services.iter().any(|service| *service == "all" || event["service"] == *service))
            .filter(|(_, event)| types.is_none_or(|types| types.contains(&event["event_type"])))
            .collect();
        if path.ends_with("/count") {
            return response(200, json!({"count": events.len()})).unwrap();
        }
        if query["sort"] == "DESC" {
            events.reverse();
        }
        let had = query["search_after"][0].as_u64().unwrap_or(0) as usize;
        let limit = query["limit"].as_u64().filter(|limit| (1..=10_000).contains(limit)).unwrap_or(1000) as usize;
        let page: Vec<Value> = events.iter().skip(had).take(limit).map(|(_, event)| named(event, query)).collect();
        let after = json!([had + page.len()]).to_string();
        let (count, mut response) = (page.len(), response(200, json!(page)).unwrap());
        let headers =
            [("x-limit", limit.to_string()), ("x-result-count", count.to_string()), ("x-search_after", after)];
        for (name, value) in headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    }
}

/// The fields of an event that are asked for.
fn named(event: &Value, query: &Value) -> Value {
    let mut event = event.clone();
    if let (Some(fields), Some(event)) = (query["fields"].as_array(), event.as_object_mut()) {
        event.retain(|name, _| fields.iter().any(|field| field == name));
    }
    event
}
