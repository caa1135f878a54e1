//! The published schemas: of a connector's settings, and of the rows.
//!
//! Both are JSON Schema 2020-12 that validators accept unchanged, in their strict modes; form renderers accept that of
//! settings. In a schema of settings each property has one type, except for the types that [`settings_schema`] lists. In
//! both, a value that is not set is absent and never `null`, and every format is one that validators know.

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
/// fields are inlined, without references. An integer keeps the limits of its Rust type, where none tighter is given;
/// of 64 and more bits only the lower one. Nulls are dropped from defaults and examples, also within objects and lists.
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
    use std::collections::BTreeMap;

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
        deeper: Option<Box<Deeper>>,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct Deeper {
        unset: Option<String>,
        map: BTreeMap<String, Option<u8>>,
        list: Vec<Option<u8>>,
        #[schemars(extend("examples" = [null, "x"]))]
        shown: Option<String>,
        #[schemars(extend("examples" = [null]))]
        hidden: Option<String>,
    }

    impl Default for Deeper {
        fn default() -> Self {
            let map = BTreeMap::from([("a".to_owned(), None), ("b".to_owned(), Some(1))]);
            Self { unset: None, map, list: vec![None, Some(1)], shown: None, hidden: None }
        }
    }

    /// Returns the schema of a setting of the type `T`.
    fn property_of<T: JsonSchema>() -> Value {
        settings_schema::<Of<T>>().to_value()["properties"]["value"].clone()
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "it is there for its schema")]
    struct Of<T> {
        value: T,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct Outer {
        nested: Nested,
    }

    impl Default for Outer {
        fn default() -> Self {
            Self { nested: Nested { inner: None, deeper: Some(Box::default()) } }
        }
    }

    #[test]
    fn a_default_has_no_null_at_any_depth_and_satisfies_its_schema() {
        let schema = settings_schema::<Outer>().to_value();
        let default = &schema["properties"]["nested"]["default"];
        assert_eq!(*default, json!({"deeper": {"map": {"b": 1}, "list": [1]}}));
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        validator.validate(&json!({"nested": default})).map_err(|error| error.to_string()).unwrap();
        let deeper = &schema["properties"]["nested"]["properties"]["deeper"]["properties"];
        assert_eq!(deeper["map"]["additionalProperties"]["type"], "integer");
        assert_eq!(deeper["shown"]["examples"], json!(["x"]));
        assert_eq!(deeper["hidden"].get("examples"), None);
    }

    #[test]
    fn an_integer_keeps_the_limits_of_its_type() {
        /// Checks that the schema and the type agree on each integer.
        fn agree<T: JsonSchema + serde::de::DeserializeOwned>(integers: &[i128]) {
            let validator = jsonschema::draft202012::new(&property_of::<T>()).unwrap();
            for integer in integers {
                let value: Value = serde_json::from_str(&integer.to_string()).unwrap();
                assert_eq!(
                    validator.is_valid(&value),
                    serde_json::from_value::<T>(value).is_ok(),
                    "{} as {}",
                    integer,
                    std::any::type_name::<T>()
                );
            }
        }
        agree::<u8>(&[-1, 0, 255, 256]);
        agree::<Option<u16>>(&[-1, 0, 65_535, 65_536]);
        agree::<u32>(&[-1, 0, u32::MAX.into(), i128::from(u32::MAX) + 1]);
        agree::<u64>(&[-1, 0, 1]);
        agree::<usize>(&[-1, 0, 1]);
        agree::<i8>(&[-129, -128, 127, 128]);
        agree::<i16>(&[-32_769, -32_768, 32_767, 32_768]);
        agree::<i32>(&[i128::from(i32::MIN) - 1, i32::MIN.into(), i32::MAX.into(), i128::from(i32::MAX) + 1]);
        agree::<i64>(&[i64::MIN.into(), 0]);
        agree::<std::num::NonZeroU16>(&[-1, 0, 1, 65_535, 65_536]);
        assert_eq!(property_of::<i64>()["minimum"], i64::MIN);
        assert_eq!(property_of::<Vec<u8>>()["items"]["maximum"], 255);
        assert_eq!(property_of::<f64>().get("minimum"), None);
    }

    #[test]
    fn the_tighter_limit_counts() {
        #[derive(JsonSchema)]
        #[expect(dead_code, reason = "it is there for its schema")]
        struct Limits {
            #[schemars(range(min = 2, max = 100))]
            inside: u8,
            #[schemars(range(min = -5, max = 1000))]
            outside: u8,
            #[schemars(extend("exclusiveMaximum" = 10, "exclusiveMinimum" = 0))]
            open: i32,
        }
        let properties = &settings_schema::<Limits>().to_value()["properties"];
        let limits = |name: &str| (properties[name]["minimum"].clone(), properties[name]["maximum"].clone());
        assert_eq!(limits("inside"), (json!(2), json!(100)));
        assert_eq!(limits("outside"), (json!(0), json!(255)));
        assert_eq!(limits("open"), (Value::Null, Value::Null));
    }

    #[test]
    fn what_has_no_single_type_is_left_as_it_is() {
        #[derive(JsonSchema)]
        #[expect(dead_code, reason = "it is there for its schema")]
        struct Recursive {
            next: Option<Box<Recursive>>,
        }
        #[derive(JsonSchema)]
        #[expect(dead_code, reason = "it is there for its schema")]
        enum Data {
            Unit,
            One(u8),
        }
        #[derive(JsonSchema)]
        #[serde(untagged)]
        #[expect(dead_code, reason = "it is there for its schema")]
        enum Untagged {
            Text(String),
            Number(u8),
        }
        assert!(property_of::<Recursive>().to_string().contains("$ref"));
        for property in [property_of::<Data>(), property_of::<Untagged>(), property_of::<Value>()] {
            assert!(!property["type"].is_string(), "{property}");
        }
        assert_eq!(property_of::<(u8, Option<u8>)>()["prefixItems"][1]["type"], json!(["integer", "null"]));
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
