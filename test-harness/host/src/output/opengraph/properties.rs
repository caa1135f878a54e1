//! The properties of nodes and edges: what BloodHound takes, which is less than what rows are.

use connector_api::{Attributes, Reason, Record};
use serde_json::{Map, Value};

/// What is not a property: the kind of record, what edges are made of, and what differs from row to row.
const LEFT_OUT: &[&str] = &["record", "attributes", "reasons", "links", "credentials"];

/// What BloodHound sets itself.
const RESERVED: &[&str] = &["objectid", "lastseen", "name", "environmentid"];

/// The properties of a node: its fields with names in lower case, without nested ones, and the codes of its evidence.
pub(super) fn of_node(record: &Record, environment: &str) -> serde_json::Result<Map<String, Value>> {
    let (name, reasons): (&str, &[Reason]) = match record {
        Record::Account(account) => (&account.username, &account.reasons),
        Record::Group(group) => (&group.name, &group.reasons),
        Record::Resource(resource) => (&resource.name, &resource.reasons),
        _ => ("", &[]),
    };
    let mut properties = Map::new();
    properties.insert("name".to_owned(), text(name));
    properties.insert("environmentid".to_owned(), environment.into());
    if let Value::Object(fields) = serde_json::to_value(without_attributes(record))? {
        let fields = fields.into_iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
        fields.for_each(|(name, value)| enter(&mut properties, name.to_ascii_lowercase(), value));
    }
    if !reasons.is_empty() {
        let severity = reasons.iter().map(|reason| reason.severity).max();
        properties.insert("severity".to_owned(), severity.map(|severity| severity.as_str()).into());
        let mut codes: Vec<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
        codes.dedup();
        properties.insert("reasoncodes".to_owned(), codes.into());
    }
    Ok(properties)
}

/// Attributes would be parsed, only to be left out.
fn without_attributes(record: &Record) -> Record {
    let mut record = record.clone();
    match &mut record {
        Record::Account(account) => account.attributes = Attributes::new(),
        Record::Group(group) => group.attributes = Attributes::new(),
        Record::Resource(resource) => resource.attributes = Attributes::new(),
        _ => {}
    }
    record
}

/// The text of a field of a row, if it is one and not empty.
pub(super) fn field(record: &Record, path: &str) -> serde_json::Result<Option<String>> {
    let found = match (path.strip_prefix("attributes."), record) {
        (Some(name), Record::Account(account)) => account.attributes.get(name),
        (Some(name), Record::Group(group)) => group.attributes.get(name),
        (Some(name), Record::Resource(resource)) => resource.attributes.get(name),
        _ => {
            let row = serde_json::to_value(without_attributes(record))?;
            path.split('.').try_fold(&row, |value, name| value.get(name)).cloned()
        }
    };
    Ok(found.and_then(|value| value.as_str().map(str::to_owned)).filter(|value| !value.is_empty()))
}

/// A text. PostgreSQL, in which BloodHound keeps it, does not take NUL.
pub(super) fn text(text: &str) -> Value {
    text.replace('\0', "\u{fffd}").into()
}

/// Whether no field may be called so.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

fn enter(properties: &mut Map<String, Value>, name: String, value: Value) {
    let value = match value {
        Value::Object(members) => {
            return members.into_iter().for_each(|(member, value)| {
                enter(properties, name.clone() + &member.to_ascii_lowercase(), value);
            });
        }
        Value::Null => return,
        // A list is of one primitive type.
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).map(text).collect()
        }
        Value::Array(_) => return,
        Value::String(value) => text(&value),
        other => other,
    };
    if !is_reserved(&name) {
        properties.insert(name, value);
    }
}
