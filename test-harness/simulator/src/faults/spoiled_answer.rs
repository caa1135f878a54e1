//! Applies faults to a response.

use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use rand::{Rng, RngExt};
use serde_json::{Map, Value, json};

use super::{Effect, RetryAfter, Strikes};
use crate::behaviour::V2Errors;
use crate::server::{Answer, Api, Problem};

const GATEWAY_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head>\n<body><h1>Bad gateway</h1>\
<p>Your request could not be served. Ray ID: 7f3c</p></body></html>\n";

impl Strikes {
    /// The response of a fault instead of the endpoint's.
    pub(crate) fn answer_instead(&self, api: Api, errors: V2Errors) -> Option<Answer> {
        self.iter().find_map(|effect| match effect {
            Effect::Status(code, retry_after) => {
                let status = StatusCode::from_u16(*code).ok()?;
                let reason = status.canonical_reason().unwrap_or("Unknown");
                let mut answer = Problem::new(status, reason).answer(api, errors);
                match retry_after {
                    Some(RetryAfter::Seconds(seconds)) => answer.headers.insert(RETRY_AFTER, (*seconds).into()),
                    Some(RetryAfter::Date) => {
                        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(1));
                        answer.headers.insert(RETRY_AFTER, HeaderValue::from_str(&date).ok()?)
                    }
                    None => None,
                };
                Some(answer)
            }
            Effect::Html(code) => {
                let mut answer = Answer::new(StatusCode::from_u16(*code).ok()?, GATEWAY_PAGE.into());
                answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
                Some(answer)
            }
            Effect::Redirect(url) => {
                let mut answer = Answer::new(StatusCode::FOUND, Vec::new());
                answer.headers.insert(LOCATION, HeaderValue::from_str(url).ok()?);
                Some(answer)
            }
            Effect::Deep(levels) => {
                let (open, close) = ("[".repeat(*levels as usize), "]".repeat(*levels as usize));
                Some(Answer::ok((open + &close).into_bytes()))
            }
            _ => None,
        })
    }

    /// How long to wait before the answer.
    pub(crate) fn delay(&self) -> Duration {
        self.iter().map(|effect| if let Effect::Delay(delay) = effect { *delay } else { Duration::ZERO }).sum()
    }

    /// Applies the faults to a good response.
    pub(crate) fn spoil(&mut self, answer: &mut Answer) {
        self.spoil_rows(answer);
        for effect in self.iter() {
            match effect {
                Effect::Truncate => answer.delivery.truncated = true,
                Effect::Slow(pace) => answer.delivery.pace = Some(*pace),
                Effect::Oversized(bytes) => answer.delivery.padding = *bytes,
                Effect::GzipBomb(bytes) => answer.delivery.bomb = Some(*bytes),
                Effect::ContentType(name) => {
                    if let Ok(name) = HeaderValue::from_str(name) {
                        answer.headers.insert(CONTENT_TYPE, name);
                    }
                }
                Effect::InvalidUtf8 => {
                    // Inside the first string of a row, if there is one.
                    let at = answer.body.windows(2).position(|pair| pair == b":\"").map_or(0, |at| at + 2);
                    answer.body.splice(at..at, [0xC3, 0x28, 0xFF]);
                }
                _ => {}
            }
        }
    }

    fn spoil_rows(&mut self, answer: &mut Answer) {
        let spoilers: Vec<Spoiler> = self.iter().filter_map(Spoiler::of).collect();
        if spoilers.is_empty() {
            return;
        }
        let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) else {
            return;
        };
        let rows = match &mut body {
            Value::Array(rows) => Some(rows),
            Value::Object(body) => body.get_mut("results").and_then(Value::as_array_mut),
            _ => None,
        };
        for row in rows.into_iter().flatten().filter_map(Value::as_object_mut) {
            for spoiler in &spoilers {
                spoiler.spoil(row, &mut self.rng);
            }
        }
        answer.body = body.to_string().into_bytes();
    }
}

#[derive(Clone, Copy)]
enum Spoiler {
    HostileIds,
    NullFields,
    UnknownFields,
    WrongTypes,
}

impl Spoiler {
    fn of(effect: &Effect) -> Option<Self> {
        Some(match effect {
            Effect::HostileIds => Self::HostileIds,
            Effect::NullFields => Self::NullFields,
            Effect::UnknownFields => Self::UnknownFields,
            Effect::WrongTypes => Self::WrongTypes,
            _ => return None,
        })
    }

    fn spoil(self, row: &mut Map<String, Value>, rng: &mut impl Rng) {
        match self {
            Self::HostileIds => spoil_ids(row, rng),
            Self::NullFields => {
                for (_, value) in harmless(row) {
                    if rng.random_bool(0.3) {
                        *value = Value::Null;
                    }
                }
            }
            Self::UnknownFields => {
                row.insert("fieldOfTomorrow".to_owned(), json!({ "nested": [1, null, "x"], "ключ": 1.5e300 }));
                row.insert(String::new(), json!(true));
            }
            Self::WrongTypes => {
                for (_, value) in harmless(row) {
                    if rng.random_bool(0.25) {
                        *value = of_another_type(value);
                    }
                }
            }
        }
    }
}

/// The fields that do not identify the row.
fn harmless(row: &mut Map<String, Value>) -> impl Iterator<Item = (&String, &mut Value)> {
    const IDENTITY: [&str; 9] = ["_id", "id", "objectId", "system_id", "username", "from", "to", "type", "name"];
    row.iter_mut().filter(|(name, _)| !IDENTITY.contains(&name.as_str()))
}

fn spoil_ids(row: &mut Map<String, Value>, rng: &mut impl Rng) {
    const HOSTILE: [&str; 8] = [
        "../../systemusers",
        "%2e%2e%2fusers",
        "5f0c/members?x=1#",
        "a\u{0}b\r\nX-Injected: 1",
        "",
        "\u{202e}gnp.exe",
        "..",
        "id with space",
    ];
    for (name, value) in row {
        match value {
            Value::String(id) if matches!(name.as_str(), "_id" | "id" | "objectId") && rng.random_bool(0.2) => {
                *id = match rng.random_range(0..=HOSTILE.len()) {
                    long if long == HOSTILE.len() => "f".repeat(9_000),
                    chosen => HOSTILE[chosen].to_owned(),
                };
            }
            Value::Object(inner) if matches!(name.as_str(), "to" | "from") => spoil_ids(inner, rng),
            _ => {}
        }
    }
}

fn of_another_type(value: &Value) -> Value {
    match value {
        Value::Bool(yes) => json!(yes.to_string()),
        Value::Number(number) => json!(number.to_string()),
        Value::String(text) => json!({ "value": text }),
        Value::Array(_) => json!("[]"),
        Value::Object(_) => json!([]),
        Value::Null => json!(0),
    }
}
