//! The published schemas: of a connector's settings, and of the rows.
//!
//! Both are JSON Schema 2020-12 that validators accept unchanged, in their strict modes; form renderers accept that of
//! settings. In a schema of settings each property has one type. In both, a value that is not set is absent and never
//! `null`, and every format is one that validators know.

use pulldown_cmark::{BrokenLink, CowStr, Event, LinkType, Options, Parser, TagEnd};
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

use crate::record::{Account, Binding, Grant, Group, Membership, Resource};
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
/// text is kept. An enum of words becomes a string with `oneOf`, in
/// which each variant is a `const`. Give variants and fields a title with `#[schemars(title = "…")]`. The types of
/// fields are inlined, without references.
pub fn settings_schema<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings
        .with_transform(RecursiveTransform(absent_instead_of_null))
        .with_transform(RecursiveTransform(no_null_in_lists))
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
        .with_transform(RecursiveTransform(known_formats))
        .with_transform(RecursiveTransform(plain_texts))
        .into_generator()
        .into_root_schema_for::<Line>()
}

/// One line of a scan in NDJSON.
#[derive(JsonSchema)]
#[serde(tag = "record", rename_all = "camelCase")]
#[schemars(title = "Row")]
#[expect(dead_code, reason = "it is there for its schema")]
enum Line {
    /// A user, an administrator or a program that can sign in.
    Account(Box<Account>),
    /// A set of accounts that carries entitlements.
    Group(Box<Group>),
    /// One account in one group.
    Membership(Box<Membership>),
    /// A thing that accounts can reach.
    Resource(Box<Resource>),
    /// An edge made by an administrator: a group in a group, an account or group bound to a resource.
    Binding(Box<Binding>),
    /// One principal's access to one resource.
    Grant(Box<Grant>),
    /// What the scan read, section by section: the last line.
    Summary(Box<ScanSummary>),
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

/// Makes every element of a list a value, never `null`.
fn no_null_in_lists(schema: &mut Schema) {
    if let Some(Value::Object(items)) = schema.get_mut("items") {
        without_null(items);
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
    if property.get("default").is_some_and(Value::is_null) {
        property.remove("default");
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;
    use crate::record::Record;

    /// Settings of *every* kind,
    /// by `Serde`.
    #[derive(Default, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
    #[schemars(title = "Settings")]
    struct Settings {
        /// See [the manual](https://example.com/manual), or [`Record`].
        text: Option<String>,
        number: u16,
        pace: Option<f64>,
        mode: Mode,
        other: Option<Mode>,
        bare: Bare,
        perhaps: Option<Bare>,
        nested: Nested,
        list: Vec<String>,
        gaps: Vec<Option<String>>,
        modes: Vec<Option<Mode>>,
    }

    #[derive(Default, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    enum Mode {
        /// The first of the
        /// two.
        #[default]
        #[schemars(title = "Automatic")]
        Auto,
        #[schemars(title = "By hand")]
        ByHand,
    }

    #[derive(Default, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    enum Bare {
        #[default]
        One,
        Two,
    }

    #[derive(Default, Serialize, Deserialize, JsonSchema)]
    struct Nested {
        inner: Option<u8>,
    }

    #[test]
    fn a_property_has_one_type_and_what_is_not_set_is_absent() {
        let schema = settings_schema::<Settings>().to_value();
        let properties = schema["properties"].as_object().unwrap();
        for (name, property) in properties {
            assert!(property["type"].is_string(), "{name}: {property}");
            assert!(property.get("default").is_none_or(|default| !default.is_null()), "{name}: {property}");
        }
        let text = schema.to_string();
        assert!(!text.contains("null\"") && !text.contains("$ref") && !text.contains("$defs"), "{text}");
        assert_eq!(properties["nested"]["properties"]["inner"]["type"], "integer");
        assert_eq!(properties["gaps"]["items"]["type"], "string");
        assert_eq!(properties["modes"]["items"]["oneOf"], properties["mode"]["oneOf"]);
        assert_eq!(schema["additionalProperties"], json!(false));
    }

    #[test]
    fn a_choice_is_a_string_that_lists_its_words_with_titles() {
        let schema = settings_schema::<Settings>().to_value();
        let listed = json!([
            {"const": "auto", "title": "Automatic", "description": "The first of the two."},
            {"const": "byHand", "title": "By hand"},
        ]);
        for name in ["mode", "other"] {
            assert_eq!(schema["properties"][name]["oneOf"], listed, "{name}");
        }
        for name in ["bare", "perhaps"] {
            assert_eq!(schema["properties"][name]["oneOf"], json!([{"const": "one"}, {"const": "two"}]), "{name}");
        }
    }

    #[test]
    fn help_texts_are_one_line_without_markdown() {
        let schema = settings_schema::<Settings>().to_value();
        assert_eq!(schema["description"], "Settings of every kind, by Serde.");
        assert_eq!(schema["properties"]["text"]["description"], "See the manual, or Record.");
        assert_eq!(plain("`*.example.com` or **none**"), "*.example.com or none");
        assert_eq!(plain("[`A`](b) and [c](d) and [e"), "A and c and [e");
        assert_eq!(plain("# Head\n\n- one\n- *two*\n\n1. three\n2. __four__\n\nlast"), "Head one two three four last");
        assert_eq!(
            plain("[Record], [`Record`], [the kind][Record::kind], [a][b], ![c](d)"),
            "Record, Record, the kind, a, c"
        );
        assert_eq!(plain("[defined][1]\n\n[1]: https://example.com"), "defined");
        assert_eq!(
            plain("_some_ snake_case_name, 2 * 3 * 4, [0-9], a<b>, *.a.b"),
            "some snake_case_name, 2 * 3 * 4, [0-9], a<b>, *.a.b"
        );
    }

    #[test]
    fn a_format_is_one_that_validators_know() {
        for schema in [settings_schema::<Settings>(), rows_schema()] {
            let text = schema.to_value().to_string();
            let formats = text.split("\"format\":\"").skip(1).filter_map(|rest| rest.split('"').next());
            for format in formats {
                assert!(SCHEMA_FORMATS.contains(&format), "{format}");
            }
        }
    }

    #[test]
    fn the_schema_of_the_rows_has_every_kind_and_the_summary() {
        let schema = rows_schema().to_value();
        let kinds = schema["oneOf"].as_array().unwrap().iter().map(|kind| &kind["properties"]["record"]["const"]);
        assert_eq!(kinds.collect::<Vec<_>>(), [Record::KINDS, &["summary"]].concat());
    }
}
