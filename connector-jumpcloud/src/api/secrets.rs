//! Fields whose names say that they may hold a secret. JumpCloud's documents have none in the lists that are read, but some
//! of the lists are not published, and any may get new fields.

use connector_api::Attributes;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::lenient::{self, WireText};

/// Parts of such names, without what separates words.
const PARTS: [&str; 12] = [
    "secret",
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "credential",
    "private",
    "privkey",
    "token",
    "apikey",
    "accesskey",
    "seed",
];

/// Whether the value of a field with this name may be a secret.
pub(crate) fn may_be(name: &str) -> bool {
    let mut bare = String::with_capacity(name.len());
    bare.extend(name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase));
    // Both are so short that this is faster than to search each part.
    (0..bare.len()).any(|at| PARTS.iter().any(|part| bare.as_bytes()[at..].starts_with(part.as_bytes())))
}

/// Whether a value says nothing but whether, when and how many: the times and flags of a secret may be kept.
pub(crate) fn is_harmless(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(_) => {
            lenient::count(value).is_some_and(|count| count < 100_000) || lenient::time(value).is_some()
        }
        Value::String(text) => is_harmless_text(text),
        Value::Array(elements) => elements.iter().all(is_harmless),
        Value::Object(fields) => fields.values().all(is_harmless),
    }
}

fn is_harmless_text(text: &str) -> bool {
    text.is_empty() || lenient::flag_of(text).is_some() || lenient::instant(text).is_some()
}

/// The same of a value as JSON text. The usual ones are flags and times, and not parsed.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn is_harmless_json(json: &str) -> Result<bool, serde_json::Error> {
    match (json, WireText(Some(json)).plain()) {
        ("null" | "true" | "false", _) => Ok(true),
        (_, Some(text)) => Ok(is_harmless_text(text)),
        _ => serde_json::from_str(json).map(|value| is_harmless(&value)),
    }
}

/// Removes the fields that may hold a secret.
pub(crate) fn remove(fields: &mut Map<String, Value>) {
    fields.retain(|name, value| !may_be(name) || is_harmless(value));
}

/// For `#[serde(flatten, deserialize_with)]` on [`Attributes`]: all fields but those that may hold a secret.
pub(crate) fn de_others<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Attributes, D::Error> {
    let mut fields = Map::deserialize(deserializer)?;
    remove(&mut fields);
    Ok(fields.into_iter().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_judged_as_its_value_is() {
        for json in [
            "null",
            "true",
            "90",
            "123456",
            r#""""#,
            r#""TRUE""#,
            r#""hunter2""#,
            r#""2026-01-01T00:00:00Z""#,
            r#""2026-01-01T00:00:00\u005a""#,
            r#""hunter\u0032""#,
            r#"["2026-01-01", false]"#,
            r#"{"a": "hunter2"}"#,
        ] {
            assert_eq!(is_harmless_json(json).unwrap(), is_harmless(&serde_json::from_str(json).unwrap()), "{json}");
        }
        assert!(is_harmless_json(r#""\ud800""#).is_err());
    }

    #[test]
    fn what_may_be_a_secret_goes_and_its_times_and_flags_stay() {
        let mut fields = json!({"apiKey": "hunter2", "client-secret": {"value": "hunter2"}, "Private_Key": ["hunter2"],
            "totpSeed": "JBSWY3DP", "password": "hunter2", "sessionToken": "hunter2",
            "password_never_expires": true, "password_date": "2026-01-01T00:00:00Z", "passwordless_sudo": "false",
            "apiKeyUpdatedAt": {"seconds": null}, "passwordAge": 90, "name": "hunter2"});
        remove(fields.as_object_mut().unwrap());
        let mut kept: Vec<&String> = fields.as_object().unwrap().keys().collect();
        kept.sort_unstable();
        let expected =
            ["apiKeyUpdatedAt", "name", "passwordAge", "password_date", "password_never_expires", "passwordless_sudo"];
        assert_eq!(kept, expected);
    }
}
