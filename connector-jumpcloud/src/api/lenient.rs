//! Reads fields that may be missing, null or of another type than published: a value that cannot be read is treated as
//! absent and is never an error.

use std::borrow::Cow;
use std::collections::BTreeMap;

use connector_api::Attributes;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A value as JSON text, if the target sent one; read without a deserialiser if possible.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct WireText<'a>(pub(crate) Option<&'a str>);

impl<'a> WireText<'a> {
    /// A value of this shape.
    pub(crate) fn get<T: Deserialize<'a>>(self) -> Option<T> {
        serde_json::from_str(self.0?).ok()
    }

    /// The characters of a text that is written without escapes.
    pub(crate) fn plain(self) -> Option<&'a str> {
        let text = self.0?.strip_prefix('"')?.strip_suffix('"')?;
        (!text.contains('\\')).then_some(text)
    }

    /// A text, also an empty one.
    pub(crate) fn string(self) -> Option<Cow<'a, str>> {
        // What is no text is not given to a deserialiser: an error takes longer to make than most values to read.
        self.0.filter(|json| json.starts_with('"'))?;
        self.plain().map(Cow::Borrowed).or_else(|| self.get().map(Cow::Owned))
    }

    /// A text that is not empty.
    pub(crate) fn text(self) -> Option<String> {
        self.string().filter(|text| !text.is_empty()).map(Cow::into_owned)
    }

    /// Whether it is exactly this text.
    pub(crate) fn is(self, text: &str) -> bool {
        self.string().is_some_and(|own| own == text)
    }

    /// A text that is not empty, or a number or truth value as text.
    pub(crate) fn any_text(self) -> Option<String> {
        self.any().map(Cow::into_owned)
    }

    /// The same, not copied if possible.
    pub(crate) fn any(self) -> Option<Cow<'a, str>> {
        if self.0?.starts_with('"') {
            self.string().filter(|text| !text.is_empty())
        } else {
            text(self.get()?).map(Cow::Owned)
        }
    }

    /// A truth value, also as text or number.
    pub(crate) fn flag(self) -> Option<bool> {
        match self.0? {
            "true" => Some(true),
            "false" => Some(false),
            _ => flag(&self.get()?),
        }
    }

    /// A point in time.
    pub(crate) fn time(self) -> Option<Timestamp> {
        match self.plain() {
            Some(text) => instant(text),
            None => time(&self.get()?),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for WireText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <Option<&RawValue>>::deserialize(deserializer).map(|json| Self(json.map(RawValue::get)))
    }
}

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
        Value::String(text) => flag_of(text),
        Value::Number(number) => number.as_i64().map(|number| number != 0),
        _ => None,
    }
}

/// A truth value as text.
pub(crate) fn flag_of(text: &str) -> Option<bool> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    is("true").then_some(true).or_else(|| is("false").then_some(false))
}

/// A number that is not negative, also as text.
pub(crate) fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// A point in time: RFC 3339, also with a space or without a zone (then UTC), a date alone (midnight UTC), or seconds or
/// milliseconds since 1970. Anything that is not clearly one of these is absent.
pub(crate) fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => instant(text),
        Value::Number(number) => since_1970(number.as_f64()?),
        _ => None,
    }
}

/// A point in time as text.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return since_1970(text.parse().ok()?);
    }
    let utc = |time: DateTime| TimeZone::UTC.to_timestamp(time).ok();
    let time: Option<Timestamp> = text.parse().ok().or_else(|| {
        if text.contains('[') {
            // A named zone without a known offset.
            return text.parse().ok().map(|zoned: Zoned| zoned.timestamp());
        }
        // It must not be read as a date only.
        utc(text.parse().ok()?)
    });
    // The first second of the year 1 means no time, like the number zero.
    time.filter(|time| time.as_second() > -62_135_596_800)
}

/// Seconds or milliseconds since 1970, distinguished by size: both cover the times from 1973 to 5138. Other numbers are not a
/// time; zero means none.
fn since_1970(number: f64) -> Option<Timestamp> {
    const SECONDS: std::ops::Range<f64> = 1e8..1e11;
    let milliseconds = if SECONDS.contains(&number) { number * 1e3 } else { number };
    let in_range = (SECONDS.start * 1e3..SECONDS.end * 1e3).contains(&milliseconds);
    in_range.then(|| Timestamp::from_millisecond(milliseconds.round() as i64).ok())?
}

/// For `#[serde(deserialize_with)]` on an object: anything else is an empty one.
pub(crate) fn de_object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    Value::deserialize(deserializer).map(|value| match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    })
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
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_the_one_that_is_meant_or_absent() {
        for (text, expected) in [
            ("2023-01-14T08:16:06.495Z", Some("2023-01-14T08:16:06.495Z")),
            ("2023-01-14T08:16:06+02:00", Some("2023-01-14T06:16:06Z")),
            ("2023-01-14T08:16:06-0530", Some("2023-01-14T13:46:06Z")),
            ("2023-01-14 08:16:06Z", Some("2023-01-14T08:16:06Z")),
            ("2023-01-14", Some("2023-01-14T00:00:00Z")),
            // Without a zone: UTC.
            ("2026-11-25T23:59:59", Some("2026-11-25T23:59:59Z")),
            ("2026-11-25 23:59:59", Some("2026-11-25T23:59:59Z")),
            ("2026-11-25T23:59:59.812449824", Some("2026-11-25T23:59:59.812449824Z")),
            (" 2026-11-25T23:59:59 ", Some("2026-11-25T23:59:59Z")),
            // With a zone's name, with and without its number.
            ("2026-07-25T23:59:59+02:00[Europe/Berlin]", Some("2026-07-25T21:59:59Z")),
            ("2026-11-25T23:59:59[Nowhere/Atlantis]", None),
            ("1764115199", Some("2025-11-25T23:59:59Z")),
            ("", None),
            ("soon", None),
            ("0", None),
            ("23:59:59", None),
            ("2026-13-25T23:59:59", None),
            ("2026-11-25T23:59:59 CET", None),
            ("25/11/2026", None),
        ] {
            assert_eq!(time(&Value::from(text)), expected.map(|time| time.parse().unwrap()), "{text}");
        }
        // Where this machine knows the zone, its time; never that time in another zone.
        let berlin = time(&Value::from("2026-11-25T23:59:59[Europe/Berlin]"));
        assert!(berlin.is_none_or(|time| time.to_string() == "2026-11-25T22:59:59Z"), "{berlin:?}");
    }

    #[test]
    fn seconds_and_milliseconds_since_1970_are_distinguished() {
        for (number, expected) in [
            (json!(1_764_115_199), Some("2025-11-25T23:59:59Z")),
            (json!(1_764_115_199_250_i64), Some("2025-11-25T23:59:59.25Z")),
            (json!(1_764_115_199.25), Some("2025-11-25T23:59:59.25Z")),
            (json!(0), None),
            (json!(-1), None),
            (json!(20_261_125), None),
            (json!(1_764_115_199_250_000_000_i64), None),
            (json!(true), None),
        ] {
            assert_eq!(time(&number), expected.map(|time| time.parse().unwrap()), "{number}");
        }
    }

    #[test]
    fn a_value_is_read_alike_with_and_without_a_deserialiser() {
        for json in [
            r#""""#,
            r#""x""#,
            r#""a\u0062""#,
            r#""\ud800""#,
            "7",
            "0",
            "true",
            "false",
            "null",
            "[]",
            "{}",
            r#""TRUE""#,
            r#""2023-01-14""#,
            r#""2023-01-14T08:16:06\u002e495Z""#,
            "1673684166495",
        ] {
            let (wire, value) = (WireText(Some(json)), serde_json::from_str::<Value>(json).unwrap_or_default());
            assert_eq!(wire.any_text(), text(value.clone()), "{json}");
            assert_eq!(wire.text().as_deref(), value.as_str().filter(|text| !text.is_empty()), "{json}");
            assert_eq!((wire.flag(), wire.time()), (flag(&value), time(&value)), "{json}");
            assert_eq!((wire.is("x"), wire.is("ab")), (value == "x", value == "ab"), "{json}");
        }
    }
}
