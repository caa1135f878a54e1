//! U+0000, which no text of PostgreSQL can have, and no `jsonb`: where a target sends one, U+FFFD stands for it.

use std::io::{self, Write};

use connector_api::{ConnectorError, Record};
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CharEscape, Formatter, Serializer};

use crate::body::unwritable;

/// U+0000 in JSON. Other text may look like it: only where it may be one is a row [`replaced`].
const ESCAPED: &str = r"\u0000";

/// Returns whether a text of JSON may contain U+0000.
pub(crate) fn may_be_in(json: &str) -> bool {
    json.contains(ESCAPED)
}

/// Returns whether a row may contain U+0000, without making a text of it.
pub(crate) fn may_be_in_row(record: &Record) -> Result<bool, ConnectorError> {
    let mut found = false;
    record.serialize(&mut Serializer::with_formatter(io::sink(), Find(&mut found))).map_err(unwritable)?;
    Ok(found)
}

/// Notices U+0000 where JSON is written.
struct Find<'a>(&'a mut bool);

impl Formatter for Find<'_> {
    fn write_char_escape<W: ?Sized + Write>(&mut self, _: &mut W, escape: CharEscape) -> io::Result<()> {
        *self.0 |= matches!(escape, CharEscape::AsciiControl(0));
        Ok(())
    }

    fn write_raw_fragment<W: ?Sized + Write>(&mut self, _: &mut W, fragment: &str) -> io::Result<()> {
        *self.0 |= may_be_in(fragment);
        Ok(())
    }
}

/// Returns a row without U+0000 in any of its texts.
pub(crate) fn replaced(record: &Record) -> Result<Record, ConnectorError> {
    let mut row = serde_json::to_value(record).map_err(unwritable)?;
    replace(&mut row);
    serde_json::from_value(row).map_err(unwritable)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_api::{Account, Group, Membership};
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_found_wherever_it_is_and_replaced() {
        let row = |name: &str| {
            let mut account = Account::new("1", "ada");
            account.attributes = [("shell", json!({ name: [name] }))].into();
            Record::from(account)
        };
        for record in [row("s\0h"), Record::from(Membership::new(&Account::new("1", "a\0"), &Group::new("2", "", "")))]
        {
            assert!(may_be_in_row(&record).unwrap());
            let replaced = replaced(&record).unwrap();
            assert!(!may_be_in_row(&replaced).unwrap());
            assert!(serde_json::to_string(&replaced).unwrap().contains('\u{fffd}'));
        }
        assert!(!may_be_in_row(&row("s\u{1}\"h")).unwrap());
        // It looks like one, and stays as it is.
        let record = row(r"\u0000");
        assert_eq!(replaced(&record).unwrap(), record);
    }
}
