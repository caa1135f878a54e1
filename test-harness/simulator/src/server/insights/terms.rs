//! What an event has to be like: `search_term`, `q` and `exact_match`.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::organization::{Event, Organization};
use crate::wire::{Fields, Object};

/// Whether one part of a search term holds: `and`, `or`, `not`, each with parts of its own, or a field and its value.
pub(super) fn hold(organization: &Organization, event: &Event, name: &str, value: &Value) -> bool {
    match name {
        "and" => all(organization, event, value),
        "or" => any(organization, event, value),
        "not" => !any(organization, event, value),
        field => field_is(&value_of(organization, event, field), value),
    }
}

fn all(organization: &Organization, event: &Event, terms: &Value) -> bool {
    match terms {
        Value::Array(terms) => terms.iter().all(|term| all(organization, event, term)),
        Value::Object(term) if term.contains_key("field") => compared(organization, event, terms),
        Value::Object(terms) => terms.iter().all(|(name, value)| hold(organization, event, name, value)),
        _ => true,
    }
}

fn any(organization: &Organization, event: &Event, terms: &Value) -> bool {
    match terms {
        Value::Array(terms) => terms.iter().any(|term| any(organization, event, term)),
        Value::Object(term) if term.contains_key("field") => compared(organization, event, terms),
        Value::Object(terms) => terms.iter().any(|(name, value)| hold(organization, event, name, value)),
        _ => false,
    }
}

/// A value, or one of a list of values.
fn field_is(value: &Value, wanted: &Value) -> bool {
    match wanted {
        Value::Array(wanted) => wanted.contains(value),
        wanted => wanted == value,
    }
}

/// Whether `{"field", "operator", "value"}` holds.
fn compared(organization: &Organization, event: &Event, term: &Value) -> bool {
    let value = value_of(organization, event, term["field"].as_str().unwrap_or_default());
    let wanted = &term["value"];
    let texts = |holds: fn(&str, &str) -> bool| match (value.as_str(), wanted.as_str()) {
        (Some(value), Some(wanted)) => holds(value, wanted),
        _ => false,
    };
    let order = order(&value, wanted);
    match term["operator"].as_str().unwrap_or("eq") {
        "eq" => field_is(&value, wanted),
        "ne" => !field_is(&value, wanted),
        "in" => field_is(&value, wanted),
        "not_in" => !field_is(&value, wanted),
        "contains" => texts(|value, wanted| value.contains(wanted)),
        "startsWith" => texts(|value, wanted| value.starts_with(wanted)),
        "endsWith" => texts(|value, wanted| value.ends_with(wanted)),
        "lt" | "before" => order.is_some_and(Ordering::is_lt),
        "lte" => order.is_some_and(Ordering::is_le),
        "gt" | "after" => order.is_some_and(Ordering::is_gt),
        "gte" => order.is_some_and(Ordering::is_ge),
        _ => false,
    }
}

/// The order of two times, numbers or texts.
fn order(value: &Value, wanted: &Value) -> Option<Ordering> {
    match (value, wanted) {
        (Value::Number(value), Value::Number(wanted)) => value.as_f64()?.partial_cmp(&wanted.as_f64()?),
        (Value::String(value), Value::String(wanted)) => {
            match (value.parse::<Timestamp>(), wanted.parse::<Timestamp>()) {
                (Ok(value), Ok(wanted)) => Some(value.cmp(&wanted)),
                _ => Some(value.cmp(wanted)),
            }
        }
        _ => None,
    }
}

/// The value of a field, which may be a path such as `initiated_by.username`. Some fields cannot be searched.
pub(super) fn value_of(organization: &Organization, event: &Event, field: &str) -> Value {
    let (service, event_type) = organization.event_names(event);
    match field {
        "service" => json!(service),
        "event_type" => json!(event_type),
        "changes" | "useragent" => Value::Null,
        _ => {
            let (top, _) = field.split_once('.').unwrap_or((field, ""));
            let row = row(organization, event, &Fields::named([top].into_iter()));
            field.split('.').fold(row, |mut value, name| value.get_mut(name).map(Value::take).unwrap_or_default())
        }
    }
}

/// Whether a text stands in some field, in whatever case.
pub(super) fn mentions(organization: &Organization, event: &Event, text: &str) -> bool {
    let text = text.to_lowercase();
    some_text(&row(organization, event, &Fields::default()), &|value| value.to_lowercase().contains(&text))
}

/// Whether some field holds a text and nothing else.
pub(super) fn has(organization: &Organization, event: &Event, text: &str) -> bool {
    some_text(&row(organization, event, &Fields::default()), &|value| value == text)
}

fn some_text(value: &Value, holds: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => holds(text),
        Value::Array(values) => values.iter().any(|value| some_text(value, holds)),
        Value::Object(fields) => fields.values().any(|value| some_text(value, holds)),
        _ => false,
    }
}

fn row(organization: &Organization, event: &Event, fields: &Fields) -> Value {
    let mut row = Vec::new();
    Object::write(&mut row, Some(fields), |object| organization.write_event(event, object));
    serde_json::from_slice(&row).unwrap_or_default()
}
