//! U+0000, which no text of PostgreSQL can have, and no `jsonb`: where a target sends one, U+FFFD stands for it.

use connector_api::{ConnectorError, Record};
use serde_json::Value;

use crate::body::unwritable;

/// Returns a row without U+0000 in any of its texts; `None` if it has none anyway. `buffer` is used again from row to row.
pub(crate) fn replaced(record: &Record, buffer: &mut Vec<u8>) -> Result<Option<Record>, ConnectorError> {
    buffer.clear();
    serde_json::to_writer(&mut *buffer, record).map_err(unwritable)?;
    if !buffer.windows(6).any(|letters| letters == br"\u0000") {
        return Ok(None);
    }
    let mut row = serde_json::from_slice(buffer).map_err(unwritable)?;
    replace(&mut row);
    serde_json::from_value(row).map(Some).map_err(unwritable)
}

fn replace(value: &mut Value) {
    match value {
        Value::String(text) => *text = of(text),
        Value::Array(values) => values.iter_mut().for_each(replace),
        Value::Object(members) => {
            *members = std::mem::take(members)
                .into_iter()
                .map(|(name, mut value)| {
                    replace(&mut value);
                    (of(&name), value)
                })
                .collect();
        }
        _ => {}
    }
}

fn of(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
