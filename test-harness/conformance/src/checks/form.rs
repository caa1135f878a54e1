//! Whether form renderers and strict validators accept the schema of a connector's settings unchanged.

use std::collections::BTreeMap;

use connector_api::FORMATS;
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

/// Returns the schema of the settings and its subschemas, of properties and of the items of lists, each with its path.
fn schemas(fixture: &dyn Fixture) -> Vec<(String, Value)> {
    let mut all = vec![("the schema".to_owned(), fixture.registration().descriptor().config_schema.to_value())];
    let mut next = 0;
    while let Some((path, schema)) = all.get(next).cloned() {
        let inner = |name: &str| if next == 0 { name.to_owned() } else { format!("{path}.{name}") };
        let properties = schema["properties"].as_object().into_iter().flatten();
        let found: Vec<_> = properties.map(|(name, property)| (inner(name), property.clone())).collect();
        let items = schema.get("items").map(|items| (inner("items"), items.clone()));
        all.extend(found.into_iter().chain(items));
        next += 1;
    }
    all
}

fn list<'a>(schema: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    schema[key].as_array().into_iter().flatten()
}

fn is_filled(text: &Value) -> bool {
    text.as_str().is_some_and(|text| !text.trim().is_empty())
}

pub(crate) async fn every_property_has_one_type(fixture: &dyn Fixture) -> Verdict {
    let odd = schemas(fixture).into_iter().filter(|(_, schema)| !schema["type"].is_string());
    let odd: Vec<String> = odd.map(|(path, schema)| format!("{path} has the type {}", schema["type"])).collect();
    ensure(odd.is_empty(), "one type for each property, as a string", || shortened(&odd))
}

pub(crate) async fn every_choice_has_a_title(fixture: &dyn Fixture) -> Verdict {
    let mut odd = Vec::new();
    for (path, schema) in schemas(fixture) {
        if schema.get("enum").is_some() {
            odd.push(format!("{path} lists its choices as `enum`"));
        }
        for choice in list(&schema, "oneOf") {
            if !(choice["const"].is_string() && is_filled(&choice["title"])) {
                odd.push(format!("{path} has the choice {choice}"));
            }
        }
    }
    ensure(odd.is_empty(), "choices as `oneOf`, each with `const` and `title`", || shortened(&odd))
}

pub(crate) async fn help_is_plain_text_on_one_line(fixture: &dyn Fixture) -> Verdict {
    let mut odd = Vec::new();
    for (path, schema) in schemas(fixture) {
        for part in list(&schema, "oneOf").chain([&schema]) {
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
    let odd = schemas(fixture).into_iter().filter_map(|(path, schema)| {
        let format = schema.get("format")?;
        let known = format.as_str().is_some_and(|format| FORMATS.contains(&format));
        (!known).then(|| format!("{path} has the format {format}"))
    });
    let odd: Vec<String> = odd.collect();
    ensure(odd.is_empty(), format!("formats among {}", FORMATS.join(", ")), || shortened(&odd))
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
    use super::has_markdown;

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
