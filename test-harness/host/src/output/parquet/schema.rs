//! The columns of the Parquet files, from the schema of the rows that the contract publishes.
//!
//! So a new field of a record is a new column, and names and nesting are those of the rows in JSON.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use connector_api::rows_schema;
use serde_json::{Map, Value};

/// The field whose content differs from row to row. It is a column of JSON text.
pub(super) const ATTRIBUTES: &str = "attributes";

/// The zone of all times. As a name it would need the database of zones.
const UTC: &str = "+00:00";

/// The columns of a kind of record, without the attributes, and whether its records have these.
pub(super) struct Columns {
    pub(super) typed: SchemaRef,
    pub(super) has_attributes: bool,
}

impl Columns {
    /// All columns, as they stand in the file.
    pub(super) fn all(&self) -> SchemaRef {
        let mut fields = self.typed.fields().to_vec();
        if self.has_attributes {
            fields.push(Arc::new(Field::new(ATTRIBUTES, DataType::Utf8, true)));
        }
        Arc::new(Schema::new(fields))
    }
}

/// Returns the columns of these kinds of records, in their order; `None` if the contract has no such kind.
pub(super) fn columns<'a>(kinds: impl IntoIterator<Item = &'a str>) -> Option<Vec<Columns>> {
    let schema = rows_schema();
    let schema = schema.as_value();
    let definitions = schema.get("$defs")?.as_object()?;
    let lines = schema.get("oneOf")?.as_array()?;
    let of_kind = |kind: &str| {
        let line =
            lines.iter().find(|line| line.pointer("/properties/record/const").is_some_and(|word| word == kind))?;
        let mut properties = properties(line, definitions);
        let before = properties.len();
        properties.retain(|(name, _)| name != ATTRIBUTES && name != "record");
        let fields: Fields = properties.iter().map(|(name, schema)| field(name, schema, definitions)).collect();
        // One of those that were left out is the kind.
        let has_attributes = before > properties.len() + 1;
        Some(Columns { typed: Arc::new(Schema::new(fields)), has_attributes })
    };
    kinds.into_iter().map(of_kind).collect()
}

/// A column that is null where the field is absent.
fn field(name: &str, schema: &Value, definitions: &Map<String, Value>) -> Field {
    Field::new(name, data_type(schema, definitions), true)
}

/// The properties of an object, of all its alternatives, each once.
fn properties(schema: &Value, definitions: &Map<String, Value>) -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = Vec::new();
    let mut add = |more: Vec<(String, Value)>| {
        for (name, schema) in more {
            if !found.iter().any(|(known, _)| *known == name) {
                found.push((name, schema));
            }
        }
    };
    if let Some(own) = schema.get("properties").and_then(Value::as_object) {
        add(own.iter().map(|(name, schema)| (name.clone(), schema.clone())).collect());
    }
    if let Some(referred) = referred(schema, definitions) {
        add(properties(referred, definitions));
    }
    for alternative in ["oneOf", "anyOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten() {
        add(properties(alternative, definitions));
    }
    found
}

fn referred<'a>(schema: &Value, definitions: &'a Map<String, Value>) -> Option<&'a Value> {
    definitions.get(schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?)
}

/// The type of a value. What has no narrower one is text.
fn data_type(schema: &Value, definitions: &Map<String, Value>) -> DataType {
    let of = |key: &str| schema.get(key).and_then(Value::as_str);
    match (of("type"), of("format")) {
        (Some("boolean"), _) => DataType::Boolean,
        (Some("integer"), _) if schema.get("minimum").and_then(Value::as_i64) >= Some(0) => DataType::UInt64,
        (Some("integer"), _) => DataType::Int64,
        (Some("number"), _) => DataType::Float64,
        (Some("string"), Some("date-time")) => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        (Some("array"), _) => {
            let item = schema.get("items").unwrap_or(&Value::Null);
            DataType::List(Arc::new(Field::new("item", data_type(item, definitions), true)))
        }
        (Some("string"), _) => DataType::Utf8,
        _ => {
            let members = properties(schema, definitions);
            match referred(schema, definitions) {
                Some(referred) if members.is_empty() => data_type(referred, definitions),
                None if members.is_empty() => DataType::Utf8,
                _ => DataType::Struct(members.iter().map(|(name, schema)| field(name, schema, definitions)).collect()),
            }
        }
    }
}
