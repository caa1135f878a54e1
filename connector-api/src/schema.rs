//! The published schemas: of a connector's settings, and of the rows.
//!
//! Both are JSON Schema 2020-12 that validators accept unchanged, in their strict modes; form renderers accept that of
//! settings. In a schema of settings each property has one type, except for the types that [`settings_schema`] lists. In
//! both, a value that is not set is absent and never `null`, and every format is one that validators know.

use std::borrow::Cow;

use pulldown_cmark::{BrokenLink, CowStr, Event, LinkType, Options, Parser, TagEnd};
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

use crate::record::Record;
use crate::summary::ScanSummary;

/// The formats that a schema may use: those of JSON Schema 2020-12 that validators commonly check, and `password`.
pub const SCHEMA_FORMATS: &[&str] = &[
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "json-pointer",
    "password",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uri-template",
    "uuid",
];

/// Generates the schema of settings of the type `T`, for
/// [`Descriptor::config_schema`](crate::Descriptor::config_schema).
///
/// Doc comments become help texts on one line, read as CommonMark: of links, emphasis, code, lists and headings only the
/// text is kept. An enum of words becomes a string with `oneOf`, in which each variant is a `const`. Give variants and
/// fields a title with `#[schemars(title = "…")]`. The types of fields are inlined, without references. An integer keeps
/// the limits of its Rust type, where none tighter is given; of 64 and more bits only the lower one. Nulls are dropped
/// from defaults and examples, also within objects and lists.
///
/// Not every type has such a schema. The conformance suite fails a connector with a setting of one of these:
///
/// - A type that contains itself keeps a reference, since inlining it would not end.
/// - An enum with data, tagged or not, has alternatives instead of one type.
/// - An untagged enum, a `Result` and a [`serde_json::Value`] have no type, or alternatives.
/// - `()` and a unit struct have the type `null`.
/// - An `Option` within a tuple or a tuple struct stays nullable, since there the position counts.
pub fn settings_schema<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings
        .with_transform(RecursiveTransform(absent_instead_of_null))
        .with_transform(RecursiveTransform(no_null_in_lists_and_maps))
        .with_transform(RecursiveTransform(no_null_in_defaults))
        .with_transform(RecursiveTransform(limits_of_integers))
        .with_transform(RecursiveTransform(choices_with_one_type))
        .with_transform(RecursiveTransform(known_formats))
        .with_transform(RecursiveTransform(plain_texts))
        .into_generator()
        .into_root_schema_for::<T>()
}

/// Generates the schema of the rows, that is, of one line of a scan in NDJSON: a [`Record`](crate::Record) or, with the
/// kind `summary`, the [`ScanSummary`].
pub fn rows_schema() -> Schema {
    SchemaSettings::draft2020_12()
        .with_transform(RecursiveTransform(absent_instead_of_null))
        .with_transform(RecursiveTransform(no_null_in_defaults))
        .with_transform(RecursiveTransform(known_formats))
        .with_transform(RecursiveTransform(plain_texts))
        .into_generator()
        .into_root_schema_for::<Line>()
}

/// One line of a scan in NDJSON: a row, or what comes last.
struct Line;

/// The last line.
#[derive(JsonSchema)]
#[serde(tag = "record", rename_all = "camelCase")]
#[expect(dead_code, reason = "it is there for its schema")]
enum Last {
    /// What the scan read, section by section: the last line.
    Summary(Box<ScanSummary>),
}

impl JsonSchema for Line {
    fn schema_name() -> Cow<'static, str> {
        "Row".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut line = Record::json_schema(generator);
        let mut last = Last::json_schema(generator);
        if let (Some(Value::Array(rows)), Some(Value::Array(last))) = (line.get_mut("oneOf"), last.get_mut("oneOf")) {
            rows.append(last);
        }
        line.insert("description".to_owned(), "One line of a scan in NDJSON.".into());
        line
    }
}

/// Makes optional properties absent instead of `null`.
fn absent_instead_of_null(schema: &mut Schema) {
    let Some(map) = schema.as_object_mut() else { return };
    let required = map.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    for (name, property) in map.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Value::Object(property) = property
            && !required.iter().any(|known| known == name)
        {
            without_null(property);
        }
    }
}

/// Makes every element of a list or map a value, never `null`.
fn no_null_in_lists_and_maps(schema: &mut Schema) {
    for key in ["items", "additionalProperties"] {
        if let Some(Value::Object(element)) = schema.get_mut(key) {
            without_null(element);
        }
    }
}

/// Leaves out what a default or an example has as `null`, which the schema refuses.
fn no_null_in_defaults(schema: &mut Schema) {
    for key in ["default", "examples"] {
        if let Some(value) = schema.get_mut(key) {
            drop_nulls(value);
        }
    }
    let is_empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if schema.get("examples").is_some_and(is_empty) {
        schema.remove("examples");
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(elements) => {
            elements.retain(|element| !element.is_null());
            elements.iter_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}

/// Gives an integer the limits of its Rust type, which its format names, where none tighter is given: the schema refuses
/// what cannot be read. Upper limits of 64 bits and more are left out, since not every reader of JSON has them exactly.
fn limits_of_integers(schema: &mut Schema) {
    let (least, most) = match schema.get("format").and_then(Value::as_str) {
        Some("int8") => (i64::from(i8::MIN), Some(i64::from(i8::MAX))),
        Some("int16") => (i64::from(i16::MIN), Some(i64::from(i16::MAX))),
        Some("int32") => (i64::from(i32::MIN), Some(i64::from(i32::MAX))),
        Some("int64" | "int") => (i64::MIN, None),
        Some("uint8") => (0, Some(i64::from(u8::MAX))),
        Some("uint16") => (0, Some(i64::from(u16::MAX))),
        Some("uint32") => (0, Some(i64::from(u32::MAX))),
        Some("uint64" | "uint" | "uint128") => (0, None),
        _ => return,
    };
    let given = |key: &str| schema.get(key).and_then(Value::as_f64);
    let has_lower = ["minimum", "exclusiveMinimum"].into_iter().filter_map(given).any(|limit| limit >= least as f64);
    let has_upper =
        |most: &i64| ["maximum", "exclusiveMaximum"].into_iter().filter_map(given).any(|limit| limit <= *most as f64);
    let most = most.filter(|most| !has_upper(most));
    if !has_lower {
        schema.insert("minimum".to_owned(), least.into());
    }
    if let Some(most) = most {
        schema.insert("maximum".to_owned(), most.into());
    }
}

fn without_null(property: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|name| name != "null");
        if let [name] = types.as_slice() {
            let name = name.clone();
            property.insert("type".to_owned(), name);
        }
    }
    if let Some(Value::Array(words)) = property.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(alternatives)) = property.get_mut("anyOf") {
        alternatives.retain(|one| one["type"] != "null");
        if let [Value::Object(only)] = alternatives.as_slice() {
            let only = only.clone();
            property.remove("anyOf");
            for (key, value) in only {
                property.entry(key).or_insert(value);
            }
        }
    }
}

/// Turns a choice between words into a string with one list of words.
fn choices_with_one_type(schema: &mut Schema) {
    let Some(map) = schema.as_object_mut() else { return };
    let listed = match (map.get("oneOf"), map.get("enum")) {
        (Some(Value::Array(listed)), None) => listed.clone(),
        (None, Some(words)) => vec![serde_json::json!({"enum": words})],
        _ => return,
    };
    let choices: Option<Vec<Vec<Value>>> = listed.into_iter().map(choices_of).collect();
    if let Some(choices) = choices {
        map.remove("enum");
        map.insert("type".to_owned(), "string".into());
        map.insert("oneOf".to_owned(), choices.concat().into());
    }
}

/// Returns the choices of an alternative that consists of words only.
fn choices_of(alternative: Value) -> Option<Vec<Value>> {
    let Value::Object(mut map) = alternative else { return None };
    map.remove("type");
    if map.get("const").is_some_and(Value::is_string) {
        return Some(vec![map.into()]);
    }
    let words = map.get("enum")?.as_array()?;
    words.iter().map(|word| word.is_string().then(|| serde_json::json!({"const": word}))).collect()
}

fn known_formats(schema: &mut Schema) {
    if schema.get("format").and_then(Value::as_str).is_some_and(|format| !SCHEMA_FORMATS.contains(&format)) {
        schema.remove("format");
    }
}

fn plain_texts(schema: &mut Schema) {
    for key in ["title", "description"] {
        if let Some(Value::String(text)) = schema.get_mut(key) {
            *text = plain(text);
        }
    }
}

/// Returns the text of a doc comment on one line, read as CommonMark.
fn plain(comment: &str) -> String {
    let mut shown = String::new();
    let items = |link: BrokenLink<'_>| names_an_item(&link).then_some((CowStr::Borrowed(""), CowStr::Borrowed("")));
    for event in Parser::new_with_broken_link_callback(comment, Options::empty(), Some(items)) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                shown.push_str(&text)
            }
            Event::SoftBreak | Event::HardBreak => shown.push(' '),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::CodeBlock) => shown.push(' '),
            _ => {}
        }
    }
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns whether a link without a target leads to a Rust item, as in doc comments: ``[`Record`]``, `[Record::kind]`,
/// `[the kind][Record::kind]`. Other text in brackets stays as it is: `[0-9]`.
fn names_an_item(link: &BrokenLink<'_>) -> bool {
    let path = link.reference.trim_matches('`');
    let is_path = path.chars().all(|letter| letter.is_alphanumeric() || "_:!()".contains(letter));
    let is_marked = path != &*link.reference || path.contains("::") || path.starts_with(char::is_uppercase);
    is_path && (is_marked || link.link_type == LinkType::Reference)
}

#[cfg(test)]
mod tests;
