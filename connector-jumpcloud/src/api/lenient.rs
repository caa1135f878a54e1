//! Reading fields that may be missing, null or of another type than published: what cannot be read as what it should
//! be is absent, and never breaks the row.

use std::collections::BTreeMap;

use connector_api::Attributes;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Any text; numbers and truth values become text. Empty text is absent.
pub(crate) fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A truth value, also as text or number.
pub(crate) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Value::Number(number) => number.as_i64().map(|number| number != 0),
        _ => None,
    }
}

/// A point in time: RFC 3339, a date alone (midnight UTC), or milliseconds since 1970.
pub(crate) fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.parse().ok().or_else(|| {
            let date: jiff::civil::Date = text.parse().ok()?;
            Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
        }),
        Value::Number(number) => Timestamp::from_millisecond(number.as_i64()?).ok(),
        _ => None,
    }
}

/// For `#[serde(deserialize_with)]` on an `Option<String>`.
pub(crate) fn de_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Value::deserialize(deserializer).map(text)
}

/// For `#[serde(deserialize_with)]` on an `Option<bool>`.
pub(crate) fn de_flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Value::deserialize(deserializer).map(|value| flag(&value))
}

/// For `#[serde(deserialize_with)]` on an `Option<Timestamp>`.
pub(crate) fn de_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Value::deserialize(deserializer).map(|value| time(&value))
}

/// Those of an object's fields that have one of the names.
pub(crate) fn only<'de, D: Deserializer<'de>>(names: &[&str], deserializer: D) -> Result<Attributes, D::Error> {
    let mut fields = BTreeMap::<String, Value>::deserialize(deserializer)?;
    fields.retain(|name, _| names.contains(&name.as_str()));
    Ok(fields.into())
}

/// For `#[serde(flatten)]` on [`Attributes`], which as text cannot be part of another object.
pub(crate) fn ser_fields<S: Serializer>(fields: &Attributes, serializer: S) -> Result<S::Ok, S::Error> {
    fields.to_map().serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_that_occur() {
        for text in ["2023-01-14T08:16:06.495Z", "2023-01-14T08:16:06+00:00", "2023-01-14"] {
            assert!(time(&Value::from(text)).is_some(), "{text}");
        }
        assert!(time(&Value::from("")).is_none() && time(&Value::from("soon")).is_none());
    }
}
