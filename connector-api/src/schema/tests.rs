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
