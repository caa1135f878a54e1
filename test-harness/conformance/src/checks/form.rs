//! Whether form renderers and strict validators accept the schema of a connector's settings unchanged.

use std::collections::BTreeMap;
use std::fmt::Display;

use connector_api::SCHEMA_FORMATS;
use serde_json::Value;

use crate::fixture::Fixture;
use crate::truth::shortened;
use crate::verdict::{Verdict, ensure};

/// Returns whether a text contains Markdown: code, a link or emphasis.
fn has_markdown(text: &str) -> bool {
    text.contains('`') || text.contains("](") || has_emphasis(text)
}

/// Returns whether asterisks surround words. Others are not emphasis, as in `*.example.com`.
fn has_emphasis(text: &str) -> bool {
    let is_word = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let mut is_open = false;
    for (at, _) in text.match_indices('*') {
        let before = is_word(text[..at].trim_end_matches('*').chars().next_back());
        let after = is_word(text[at..].trim_start_matches('*').chars().next());
        if is_open && before && !after {
            return true;
        }
        is_open |= after && !before;
    }
    false
}

fn settings_schema(fixture: &dyn Fixture) -> Value {
    fixture.registration().descriptor().config_schema.to_value()
}

/// Returns a schema and all schemas within it, each with its path. The choices of a `oneOf` are not schemas of their own.
fn schemas(schema: &Value) -> Vec<(String, &Value)> {
    let mut all = Vec::new();
    walk(String::new(), schema, &mut all);
    all
}

fn walk<'a>(path: String, schema: &'a Value, all: &mut Vec<(String, &'a Value)>) {
    let inner = |name: &dyn Display| if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
    all.push((if path.is_empty() { "the schema".to_owned() } else { path.clone() }, schema));
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(inner(name), property, all);
    }
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        walk(inner(&format!("$defs.{name}")), definition, all);
    }
    for key in ["items", "additionalProperties"] {
        if schema[key].is_object() {
            walk(inner(&key), &schema[key], all);
        }
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        for (at, alternative) in list(schema, key).enumerate() {
            if alternative.get("const").is_none() {
                walk(inner(&format!("{key}.{at}")), alternative, all);
            }
        }
    }
}

fn list<'a>(schema: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    schema[key].as_array().into_iter().flatten()
}

fn is_filled(text: &Value) -> bool {
    text.as_str().is_some_and(|text| !text.trim().is_empty())
}

pub(crate) async fn every_property_has_one_type(fixture: &dyn Fixture) -> Verdict {
    let schema = settings_schema(fixture);
    let odd = schemas(&schema).into_iter().filter(|(_, schema)| !schema["type"].is_string());
    let odd: Vec<String> = odd.map(|(path, schema)| format!("{path} has the type {}", schema["type"])).collect();
    ensure(odd.is_empty(), "one type for each property, as a string", || shortened(&odd))
}

pub(crate) async fn every_choice_has_a_title(fixture: &dyn Fixture) -> Verdict {
    let odd = odd_choices(&settings_schema(fixture));
    ensure(odd.is_empty(), "choices as `oneOf`, each with `const` of the property's type and `title`", || {
        shortened(&odd)
    })
}

fn odd_choices(schema: &Value) -> Vec<String> {
    let mut odd = Vec::new();
    for (path, schema) in schemas(schema) {
        if schema.get("enum").is_some() {
            odd.push(format!("{path} lists its choices as `enum`"));
        }
        for choice in list(schema, "oneOf") {
            if !(is_of_type(&choice["const"], &schema["type"]) && is_filled(&choice["title"])) {
                odd.push(format!("{path} has the choice {choice}"));
            }
        }
    }
    odd
}

fn is_of_type(value: &Value, name: &Value) -> bool {
    match name.as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => false,
    }
}

pub(crate) async fn help_is_plain_text_on_one_line(fixture: &dyn Fixture) -> Verdict {
    let mut odd = Vec::new();
    for (path, schema) in schemas(&settings_schema(fixture)) {
        for part in list(schema, "oneOf").chain([schema]) {
            for text in ["title", "description"].into_iter().filter_map(|key| part[key].as_str()) {
                if text.contains('\n') || has_markdown(text) {
                    odd.push(format!("{path} says {text:?}"));
                }
            }
        }
    }
    ensure(odd.is_empty(), "titles and descriptions on one line, without Markdown", || shortened(&odd))
}

pub(crate) async fn every_format_is_known_to_validators(fixture: &dyn Fixture) -> Verdict {
    let schema = settings_schema(fixture);
    let odd = schemas(&schema).into_iter().filter_map(|(path, schema)| {
        let format = schema.get("format")?;
        let known = format.as_str().is_some_and(|format| SCHEMA_FORMATS.contains(&format));
        (!known).then(|| format!("{path} has the format {format}"))
    });
    let odd: Vec<String> = odd.collect();
    ensure(odd.is_empty(), format!("formats among {}", SCHEMA_FORMATS.join(", ")), || shortened(&odd))
}

pub(crate) async fn the_form_names_every_attribute_once(fixture: &dyn Fixture) -> Verdict {
    let descriptor = fixture.registration().descriptor();
    if descriptor.form.is_empty() {
        // A form then shows the attributes in the order of the schema.
        return Ok(());
    }
    let properties = descriptor.config_schema.as_value()["properties"].as_object().into_iter().flatten();
    let mut times: BTreeMap<&str, usize> = properties.map(|(name, _)| (name.as_str(), 0)).collect();
    let mut odd = Vec::new();
    for group in &descriptor.form {
        if group.title.trim().is_empty() || group.attributes.is_empty() {
            odd.push(format!("a group `{}` of {} attributes", group.title, group.attributes.len()));
        }
        for name in &group.attributes {
            match times.get_mut(name.as_str()) {
                Some(times) => *times += 1,
                None => odd.push(format!("{name}, which is not an attribute")),
            }
        }
    }
    odd.extend(times.into_iter().filter(|(_, times)| *times != 1).map(|(name, times)| format!("{name} {times} times")));
    ensure(odd.is_empty(), "groups with titles, which name each attribute once", || shortened(&odd))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{has_markdown, odd_choices, schemas};

    #[test]
    fn every_schema_within_is_looked_at_wherever_it_is() {
        let schema = json!({
            "properties": {
                "a": {"anyOf": [{"type": "string"}, {"properties": {"b": {}}}]},
                "c": {"items": {"items": {"oneOf": [{"const": "d"}, {"allOf": [{}]}]}}},
            },
            "additionalProperties": {"type": "string"},
            "$defs": {"E": {"items": {}}},
        });
        let found = schemas(&schema).into_iter().map(|(path, _)| path);
        assert_eq!(
            found.collect::<Vec<_>>().join(" "),
            "the schema a a.anyOf.0 a.anyOf.1 a.anyOf.1.b c c.items c.items.items c.items.items.oneOf.1 \
             c.items.items.oneOf.1.allOf.0 $defs.E $defs.E.items additionalProperties"
        );
    }

    #[test]
    fn a_choice_is_of_the_type_of_its_property() {
        let choices = |name: &str, value: serde_json::Value| {
            odd_choices(&json!({"type": name, "oneOf": [{"const": value, "title": "One"}]})).len()
        };
        for (name, value) in
            [("string", json!("a")), ("integer", json!(1)), ("number", json!(0.5)), ("boolean", json!(true))]
        {
            assert_eq!(choices(name, value), 0, "{name}");
        }
        for (name, value) in
            [("string", json!(1)), ("integer", json!(0.5)), ("number", json!("1")), ("boolean", json!(null))]
        {
            assert_eq!(choices(name, value), 1, "{name}");
        }
    }

    #[test]
    fn asterisks_are_markdown_only_around_words() {
        for plain in ["*.example.com", "*.example.com or *.example.org", "5 * 3", "2*3*4", "one* of * these", "**"] {
            assert!(!has_markdown(plain), "{plain}");
        }
        for marked in ["*one*", "the **second** one", "(*two words*)", "`code`", "a [link](there)"] {
            assert!(has_markdown(marked), "{marked}");
        }
    }
}
