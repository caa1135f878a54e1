//! Directory Insights: events by time, oldest first unless asked otherwise, and what they add up to.

mod query;
mod terms;

use std::collections::BTreeMap;

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Asked;
use super::answer::Answer;
use super::problem::Problem;
use super::route::Endpoint;
use crate::behaviour::DistinctBody;
use crate::faults::{Effect, Strikes};
use crate::organization::{Event, Organization};
use crate::wire::{self, Fields, Object};
use query::{DistinctQuery, EventQuery, IntervalQuery};

pub(super) fn answer(asked: &Asked<'_>, strikes: &Strikes) -> Result<Answer, Problem> {
    let organization = asked.organization.as_ref();
    match asked.endpoint {
        Endpoint::EventCount => {
            let query = EventQuery::read(&asked.body, organization)?;
            Ok(Answer::ok(json!({ "count": query.chosen(organization).count() }).to_string().into_bytes()))
        }
        Endpoint::EventDistinct => distinct(asked, organization),
        Endpoint::EventInterval => interval(asked, organization),
        _ => page(asked, organization, strikes),
    }
}

/// One page of events.
fn page(asked: &Asked<'_>, organization: &Organization, strikes: &Strikes) -> Result<Answer, Problem> {
    let query = EventQuery::read(&asked.body, organization)?;
    let (limit, fields) = (query.limit(), query.fields()?);
    let starts_over = strikes.has(&Effect::IgnoreSkip) || strikes.has(&Effect::RepeatPage);
    let mut indices = query.range(organization, starts_over)?;
    let ascending = query.is_ascending();
    let events = std::iter::from_fn(|| if ascending { indices.next() } else { indices.next_back() })
        .map(|index| organization.event(index))
        .filter(|event| query.admits(organization, event))
        .skip(if starts_over { 0 } else { query.skip() });
    let rows = match limit {
        _ if strikes.has(&Effect::EmptyPage) => 0,
        limit if strikes.has(&Effect::ShortPage) => limit.div_ceil(2),
        limit => limit,
    };
    let (mut body, mut count, mut last) = (Vec::new(), 0_u64, None);
    wire::list(&mut body, events.take(rows as usize), |out, event| {
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

/// The values of a field, and how many events have each, the most frequent first.
fn distinct(asked: &Asked<'_>, organization: &Organization) -> Result<Answer, Problem> {
    let DistinctQuery { query, field } = DistinctQuery::read(&asked.body, organization)?;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for event in query.chosen(organization) {
        let key = match terms::value_of(organization, &event, &field) {
            Value::Null | Value::Array(_) | Value::Object(_) => continue,
            Value::String(text) => text,
            other => other.to_string(),
        };
        *counts.entry(key).or_default() += 1;
    }
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let buckets: Vec<Value> =
        counts.into_iter().map(|(key, count)| json!({ "key": key, "doc_count": count })).collect();
    let body = match organization.behaviour().distinct_body {
        DistinctBody::ByField => json!({ field: buckets }),
        DistinctBody::Buckets => {
            json!({ "buckets": buckets, "doc_count_error_upper_bound": 0, "sum_other_doc_count": 0 })
        }
    };
    Ok(Answer::ok(body.to_string().into_bytes()))
}

/// How many events there were in each span of time that had any.
fn interval(asked: &Asked<'_>, organization: &Organization) -> Result<Answer, Problem> {
    let IntervalQuery { query, milliseconds, offset } = IntervalQuery::read(&asked.body, organization)?;
    let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
    for event in query.chosen(organization) {
        let local = event.timestamp.as_millisecond() + offset;
        *counts.entry(local.div_euclid(milliseconds) * milliseconds - offset).or_default() += 1;
    }
    let bucket = |(key, count): (i64, u64)| {
        let start = Timestamp::from_millisecond(key).unwrap_or(Timestamp::UNIX_EPOCH);
        json!({ "key": key, "key_as_string": wire::time(start), "doc_count": count })
    };
    let buckets: Vec<Value> = counts.into_iter().map(bucket).collect();
    Ok(Answer::ok(json!({ "buckets": buckets }).to_string().into_bytes()))
}

impl EventQuery {
    /// The events asked for, oldest first.
    fn chosen<'a>(&'a self, organization: &'a Organization) -> impl Iterator<Item = Event> + 'a {
        let range = self.span(organization);
        range.map(|index| organization.event(index)).filter(|event| self.admits(organization, event))
    }

    fn fields(&self) -> Result<Fields, Problem> {
        let Some(fields) = &self.fields else {
            return Ok(Fields::default());
        };
        if !fields.iter().any(|field| wire::EVENT_FIELDS.contains(&field.as_str())) {
            return Err(Problem::bad_request("fields: no known field is named"));
        }
        Ok(Fields::named(fields.iter().map(String::as_str)))
    }
}
