//! Whether form renderers show the choices of a connector's settings as what they are.

use serde_json::Value;

use super::form::{is_filled, list, schemas, settings_schema};
use crate::fixture::Fixture;
use crate::truth::shortened;
use crate::verdict::{Verdict, ensure};

/// The titles that form libraries give the choice of nothing.
const EMPTY: &[&str] = &[
    "none",
    "nothing",
    "null",
    "nil",
    "empty",
    "blank",
    "unset",
    "not set",
    "undefined",
    "n/a",
    "no value",
    "no selection",
    "select",
    "please select",
    "choose",
    "please choose",
];

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

pub(crate) async fn no_choice_looks_like_the_empty_one(fixture: &dyn Fixture) -> Verdict {
    let mut odd = Vec::new();
    for (path, schema) in schemas(&settings_schema(fixture)) {
        let titles = list(schema, "oneOf").filter_map(|choice| choice["title"].as_str());
        odd.extend(titles.filter(|title| looks_empty(title)).map(|title| format!("{path} has the choice {title:?}")));
    }
    ensure(odd.is_empty(), "titles of choices that no form uses for the choice of nothing", || shortened(&odd))
}

/// Returns whether a title, without the marks around it, reads as the choice of nothing. One that is missing is another
/// fault.
fn looks_empty(title: &str) -> bool {
    let bare = title.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase();
    !title.trim().is_empty() && (bare.is_empty() || EMPTY.contains(&bare.as_str()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::{looks_empty, odd_choices};

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
    fn a_title_that_forms_give_to_no_choice_is_no_title() {
        for empty in ["None", "none", "(none)", "- None -", "—", "--", "...", "N/A", "Not set", "Select…", "<null>"]
        {
            assert!(looks_empty(empty), "{empty}");
        }
        for title in ["No grants", "No", "Automatic", "Off", "0", "Nonexempt", " "] {
            assert!(!looks_empty(title), "{title}");
        }
    }
}
