//! Whether form renderers and strict validators accept the schema of a connector's settings unchanged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use connector_api::SCHEMA_FORMATS;
use serde_json::Value;

use crate::fixture::Fixture;
use crate::truth::shortened;
use crate::verdict::{Verdict, ensure};

/// The keywords of JSON Schema 2020-12. Validators refuse others in their strict modes.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "$anchor", "$comment", "$defs", "$dynamicAnchor", "$dynamicRef", "$id", "$ref", "$schema", "$vocabulary",
    "additionalProperties", "allOf", "anyOf", "const", "contains", "contentEncoding", "contentMediaType",
    "contentSchema", "default", "dependentRequired", "dependentSchemas", "deprecated", "description", "else", "enum",
    "examples", "exclusiveMaximum", "exclusiveMinimum", "format", "if", "items", "maxContains", "maxItems",
    "maxLength", "maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties", "minimum",
    "multipleOf", "not", "oneOf", "pattern", "patternProperties", "prefixItems", "properties", "propertyNames",
    "readOnly", "required", "then", "title", "type", "unevaluatedItems", "unevaluatedProperties", "uniqueItems",
    "writeOnly",
];

/// The types of a value that is set.
const TYPES: &[&str] = &["array", "boolean", "integer", "number", "object", "string"];

/// Returns whether a text is one line without Markdown, HTML and control characters.
fn is_plain(text: &str) -> bool {
    let breaks = |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
    !(text.contains(breaks) || has_markdown(text) || has_tag(text))
}

/// Returns whether a text contains Markdown: code, a link or emphasis.
fn has_markdown(text: &str) -> bool {
    text.contains('`') || text.contains("](") || has_emphasis(text, '*') || has_emphasis(text, '_')
}

/// Returns whether asterisks or underscores surround words. Others are not emphasis, as in `*.example.com` or
/// `snake_case`.
fn has_emphasis(text: &str, mark: char) -> bool {
    let is_word = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let mut is_open = false;
    for (at, _) in text.match_indices(mark) {
        let before = is_word(text[..at].trim_end_matches(mark).chars().next_back());
        let after = is_word(text[at..].trim_start_matches(mark).chars().next());
        if is_open && before && !after {
            return true;
        }
        is_open |= after && !before;
    }
    false
}

/// Returns whether a text contains what is read as a tag of HTML, as in `<b>` or `</b>`.
fn has_tag(text: &str) -> bool {
    text.split('<').skip(1).any(|rest| {
        let name = rest.trim_start_matches(['/', '!']);
        name.starts_with(|letter: char| letter.is_ascii_alphabetic()) && rest.contains('>')
    })
}

pub(super) fn settings_schema(fixture: &dyn Fixture) -> Value {
    fixture.registration().descriptor().config_schema.to_value()
}

/// Returns a schema and all schemas within it, each with its path. The choices of a `oneOf` are not schemas of their own.
pub(super) fn schemas(schema: &Value) -> Vec<(String, &Value)> {
    let mut all = Vec::new();
    walk(String::new(), schema, &mut all);
    all
}

fn walk<'a>(path: String, schema: &'a Value, all: &mut Vec<(String, &'a Value)>) {
    let inner = |name: &dyn Display| if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
    all.push((if path.is_empty() { "the schema".to_owned() } else { path.clone() }, schema));
    for (name, property) in named(schema, "properties") {
        walk(inner(name), property, all);
    }
    for key in ["patternProperties", "$defs"] {
        for (name, schema) in named(schema, key) {
            walk(inner(&format!("{key}.{name}")), schema, all);
        }
    }
    for key in ["items", "contains", "additionalProperties", "unevaluatedItems", "unevaluatedProperties"] {
        if schema[key].is_object() {
            walk(inner(&key), &schema[key], all);
        }
    }
    for key in ["prefixItems", "oneOf", "anyOf", "allOf"] {
        for (at, alternative) in list(schema, key).enumerate() {
            if alternative.get("const").is_none() {
                walk(inner(&format!("{key}.{at}")), alternative, all);
            }
        }
    }
}

fn named<'a>(schema: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    schema[key].as_object().into_iter().flatten()
}

pub(super) fn list<'a>(schema: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    schema[key].as_array().into_iter().flatten()
}

pub(super) fn is_filled(text: &Value) -> bool {
    text.as_str().is_some_and(|text| !text.trim().is_empty())
}

pub(crate) async fn every_property_has_one_type(fixture: &dyn Fixture) -> Verdict {
    let odd = odd_types(&settings_schema(fixture));
    ensure(odd.is_empty(), "one type for each property, as a string, without alternatives and references", || {
        shortened(&odd)
    })
}

fn odd_types(schema: &Value) -> Vec<String> {
    let mut odd = Vec::new();
    for (path, schema) in schemas(schema) {
        if !schema["type"].as_str().is_some_and(|name| TYPES.contains(&name)) {
            odd.push(format!("{path} has the type {}", schema["type"]));
        }
        let others = ["$ref", "$dynamicRef", "anyOf"].into_iter().filter(|key| schema.get(key).is_some());
        odd.extend(others.map(|key| format!("{path} has `{key}`")));
    }
    odd
}

pub(crate) async fn every_keyword_is_known_to_validators(fixture: &dyn Fixture) -> Verdict {
    let mut odd = Vec::new();
    for (path, schema) in schemas(&settings_schema(fixture)) {
        for keywords in list(schema, "oneOf").chain([schema]).filter_map(Value::as_object) {
            let unknown = keywords.keys().filter(|keyword| !KEYWORDS.contains(&keyword.as_str()));
            odd.extend(unknown.map(|keyword| format!("{path} has `{keyword}`")));
        }
    }
    ensure(odd.is_empty(), "keywords of JSON Schema 2020-12 only", || shortened(&odd))
}

pub(crate) async fn every_title_is_one_of_its_own(fixture: &dyn Fixture) -> Verdict {
    let descriptor = fixture.registration().descriptor();
    let mut odd = odd_titles(descriptor.config_schema.as_value());
    let groups = descriptor.form.iter().map(|group| group.title.as_str());
    odd.extend(repeated(groups).into_iter().map(|title| format!("the form has two groups with the title {title:?}")));
    ensure(odd.is_empty(), "a title for each property, and no two properties, choices or groups with one", || {
        shortened(&odd)
    })
}

/// Returns the nested properties without titles, and the properties and choices that share one.
fn odd_titles(schema: &Value) -> Vec<String> {
    let mut odd = Vec::new();
    for (path, schema) in schemas(schema) {
        let bare = named(schema, "properties").filter(|(_, property)| !is_filled(&property["title"]));
        odd.extend(bare.map(|(name, _)| format!("in {path}, {name} has no title")));
        let properties = named(schema, "properties").filter_map(|(_, property)| property["title"].as_str());
        let choices = list(schema, "oneOf").filter_map(|choice| choice["title"].as_str());
        for (what, titles) in [("properties", repeated(properties)), ("choices", repeated(choices))] {
            odd.extend(titles.into_iter().map(|title| format!("{path} has two {what} with the title {title:?}")));
        }
    }
    odd
}

/// Returns the titles that come again, in any case.
fn repeated<'a>(titles: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    let folded = |title: &str| title.trim().to_lowercase();
    titles.filter(|title| !title.trim().is_empty() && !seen.insert(folded(title))).collect()
}

pub(crate) async fn help_is_plain_text_on_one_line(fixture: &dyn Fixture) -> Verdict {
    let descriptor = fixture.registration().descriptor();
    let groups = descriptor.form.iter().map(|group| group.title.as_str()).filter(|title| !is_plain(title));
    let mut odd: Vec<String> = groups.map(|title| format!("the form has the group {title:?}")).collect();
    for (path, schema) in schemas(descriptor.config_schema.as_value()) {
        for part in list(schema, "oneOf").chain([schema]) {
            for text in ["title", "description"].into_iter().filter_map(|key| part[key].as_str()) {
                if !is_plain(text) {
                    odd.push(format!("{path} says {text:?}"));
                }
            }
        }
    }
    ensure(odd.is_empty(), "titles and descriptions on one line, without Markdown and HTML", || shortened(&odd))
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
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::{is_plain, odd_titles, odd_types, schemas};

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
    fn a_text_is_plain_unless_a_renderer_shows_it_otherwise() {
        for plain in [
            "*.example.com",
            "*.example.com or *.example.org",
            "5 * 3",
            "2*3*4",
            "one* of * these",
            "**",
            "snake_case_name and HTTPS_PROXY",
            "a < b and c > d",
            "<3 and 5>",
        ] {
            assert!(is_plain(plain), "{plain}");
        }
        for marked in [
            "*one*",
            "the **second** one",
            "(*two words*)",
            "`code`",
            "a [link](there)",
            "the __second__ one",
            "_one_",
            "a <b>bold</b> word",
            "the end</p>",
            "line<br/>",
            "<!DOCTYPE html>",
            "a\tb",
            "a\rb",
            "a\nb",
            "a\u{2028}b",
        ] {
            assert!(!is_plain(marked), "{marked:?}");
        }
    }

    #[test]
    fn a_type_is_one_word_wherever_it_is() {
        for odd in [
            json!({}),
            json!({"type": "null"}),
            json!({"type": ["string", "null"]}),
            json!({"$ref": "#/$defs/A"}),
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
            json!({"type": "string", "anyOf": [{"type": "string"}]}),
        ] {
            for around in [
                json!({"type": "object", "properties": {"a": odd}}),
                json!({"type": "object", "additionalProperties": odd}),
                json!({"type": "object", "patternProperties": {"^a": odd}}),
                json!({"type": "array", "items": odd}),
                json!({"type": "array", "prefixItems": [{"type": "string"}, odd]}),
            ] {
                assert!(!odd_types(&around).is_empty(), "{around}");
            }
        }
        assert!(odd_types(&json!({"type": "object", "properties": {"a": {"type": "string"}}})).is_empty());
    }

    #[test]
    fn titles_are_unique_among_those_that_are_shown_together() {
        let schema = json!({"properties": {
            "a": {"title": "One", "properties": {"b": {"title": "One"}, "c": {"title": "Two"}}},
            "d": {"title": "Two", "oneOf": [{"title": "One"}, {"title": "Two"}]},
        }});
        assert!(odd_titles(&schema).is_empty(), "{:?}", odd_titles(&schema));
        for (at, title) in [
            ("/properties/d/title", "one "),
            ("/properties/a/properties/b/title", "Two"),
            ("/properties/a/properties/b/title", ""),
            ("/properties/d/oneOf/0/title", "two"),
        ] {
            let mut schema = schema.clone();
            *schema.pointer_mut(at).unwrap() = title.into();
            assert_eq!(odd_titles(&schema).len(), 1, "{at}");
        }
    }
}
