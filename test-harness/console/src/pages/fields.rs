//! Fields of a form from a connector's schema: how each attribute is asked for, and how its value is read back.
//!
//! Nothing here knows a connector. A value that does not fit is passed on as it was entered: the contract's own validation
//! says what is wrong with it.

use connector_api::{Descriptor, FormGroup};
use maud::{Markup, html};
use serde_json::Value;

use crate::entries::Entries;
use crate::text::{count, plain};

/// Choices up to this number are shown all at once.
const RADIOS: usize = 4;

/// One setting of the form.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    /// Its path, as in problems: the name of its input.
    pub(super) path: String,
    pub(super) schema: &'a Value,
}

/// How an attribute is asked for.
enum Kind<'a> {
    Switch,
    Choice(Vec<&'a Value>),
    Number { is_whole: bool },
    Lines,
    Json,
    Text,
}

impl<'a> Field<'a> {
    /// The fields of a group, without the secret ones.
    pub(super) fn of_group(descriptor: &'a Descriptor, group: &FormGroup) -> Vec<Self> {
        let field =
            |name: &String| Self { path: format!("attributes.{name}"), schema: descriptor.attribute_schema(name) };
        group.attributes.iter().map(field).collect()
    }

    pub(super) fn name(&self) -> &str {
        self.path.trim_start_matches("attributes.")
    }

    pub(super) fn title(&self) -> &'a str {
        self.schema["title"].as_str().unwrap_or_default()
    }

    /// Whether its value is never shown.
    pub(super) fn is_secret(&self) -> bool {
        self.schema["writeOnly"] == true
    }

    /// Whether a number, a switch or a list is asked for. Everything else may say where requests go.
    pub(super) fn is_harmless(&self) -> bool {
        matches!(self.kind(), Kind::Switch | Kind::Number { .. } | Kind::Lines)
    }

    fn kind(&self) -> Kind<'a> {
        let choices = self.schema["oneOf"].as_array().or_else(|| self.schema["enum"].as_array());
        match (self.schema["type"].as_str(), choices) {
            (Some("boolean"), _) => Kind::Switch,
            (Some("string"), Some(choices)) => Kind::Choice(choices.iter().collect()),
            (Some(number @ ("integer" | "number")), _) => Kind::Number { is_whole: number == "integer" },
            (Some("array"), _) if self.item_types().all(|of| matches!(of, "string" | "integer" | "number")) => {
                Kind::Lines
            }
            (Some("array" | "object"), _) => Kind::Json,
            _ => Kind::Text,
        }
    }

    /// The types of the items of a list.
    fn item_types(&self) -> impl Iterator<Item = &'a str> {
        let first = self.schema["prefixItems"].as_array().into_iter().flatten();
        let rest = &self.schema["items"];
        let rest = (rest.is_object() || self.schema["prefixItems"].is_null()).then_some(rest);
        first.chain(rest).map(|item| item["type"].as_str().unwrap_or_default())
    }

    fn item_type(&self, at: usize) -> &'a str {
        let first = &self.schema["prefixItems"][at]["type"];
        first.as_str().or_else(|| self.schema["items"]["type"].as_str()).unwrap_or_default()
    }

    /// The value that was entered. `None` if it is not set, or is the default.
    pub(super) fn read(&self, entries: &Entries) -> Option<Value> {
        let default = &self.schema["default"];
        let text = entries.get(&self.path);
        let value = match self.kind() {
            Kind::Switch => Value::Bool(text == Some("true")),
            Kind::Number { .. } => number(text?),
            Kind::Lines => {
                let lines = text.unwrap_or_default().lines().map(str::trim).filter(|line| !line.is_empty());
                let items = lines.enumerate().map(|(at, line)| match self.item_type(at) {
                    "string" => line.into(),
                    _ => number(line),
                });
                Value::Array(items.collect())
            }
            Kind::Json => serde_json::from_str(text?).unwrap_or_else(|_| text.unwrap_or_default().into()),
            Kind::Choice(_) | Kind::Text => text?.into(),
        };
        let is_default = match (&value, default) {
            (Value::Bool(false), Value::Null) => true,
            (Value::Array(items), Value::Null) => items.is_empty(),
            (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
            (value, default) => value == default,
        };
        (!is_default).then_some(value)
    }

    /// The text of a value in its field.
    pub(super) fn show(&self, value: Option<&Value>) -> String {
        let value = value.unwrap_or(&self.schema["default"]);
        let text = |item: &Value| item.as_str().map_or_else(|| item.to_string(), str::to_owned);
        match (self.kind(), value) {
            (_, Value::Null) => String::new(),
            (Kind::Lines, Value::Array(items)) => items.iter().map(text).collect::<Vec<_>>().join("\n"),
            (Kind::Json, value) => serde_json::to_string_pretty(value).unwrap_or_default(),
            (_, value) => text(value),
        }
    }

    fn hint(&self) -> Option<String> {
        let (least, most) = (&self.schema["minimum"], &self.schema["maximum"]);
        let example = || self.schema["examples"][0].as_str().map(|example| format!("Such as {example}"));
        match self.kind() {
            Kind::Number { is_whole } => {
                let what = if is_whole { "A whole number" } else { "A number" };
                let range = match (least.as_f64(), most.as_f64()) {
                    (Some(least), Some(most)) => format!(", {least} to {most}"),
                    (Some(least), None) => format!(", at least {least}"),
                    (None, Some(most)) => format!(", at most {most}"),
                    (None, None) => String::new(),
                };
                let default = match &self.schema["default"] {
                    Value::Null => String::new(),
                    default => format!("; {default} if it is empty"),
                };
                Some(format!("{what}{range}{default}."))
            }
            Kind::Lines => Some("One on each line.".to_owned()),
            Kind::Json => Some("As JSON.".to_owned()),
            _ => example(),
        }
    }

    /// The field with its entry and what is wrong with it.
    pub(super) fn render(&self, entries: &Entries, wrong: &[&str]) -> Markup {
        let entry = entries.raw(&self.path);
        let shown = entry.map_or_else(|| self.show(None), str::to_owned);
        let help = self.schema["description"].as_str().unwrap_or_default();
        match self.kind() {
            Kind::Switch => html! {
                (errors(&self.path, wrong))
                label.choice {
                    input id=(id(&self.path)) type="checkbox" name=(self.path) value="true" checked[shown == "true"];
                    span { (plain(self.title())) span.under { (plain(help)) } }
                }
            },
            Kind::Choice(choices) if choices.len() <= RADIOS => self.radios(&choices, &shown, help, wrong),
            kind => {
                let hint = self.hint();
                html! {
                    div.field {
                        label for=(id(&self.path)) { (plain(self.title())) }
                        (errors(&self.path, wrong))
                        (self.control(&kind, &shown, !wrong.is_empty()))
                        span.hint id={ (id(&self.path)) "-hint" } {
                            (plain(help)) @if let Some(hint) = hint { " " (plain(&hint)) }
                        }
                    }
                }
            }
        }
    }

    fn radios(&self, choices: &[&Value], shown: &str, help: &str, wrong: &[&str]) -> Markup {
        let label = format!("{}-label", id(&self.path));
        // What was chosen may be none of the choices, such as in a file that somebody wrote.
        let is_known = choices.iter().any(|choice| word(choice) == shown);
        html! {
            div.field role="radiogroup" aria-labelledby=(label) {
                span.label id=(label) { (plain(self.title())) }
                (errors(&self.path, wrong))
                @if !help.is_empty() { span.hint { (plain(help)) } }
                @for (at, choice) in choices.iter().enumerate() {
                    label.choice {
                        input id=[(at == 0).then(|| id(&self.path))] type="radio" name=(self.path) value=(word(choice))
                            checked[word(choice) == shown || !is_known && at == 0];
                        span {
                            (plain(title(choice)))
                            @if let Some(help) = choice["description"].as_str() { span.under { (plain(help)) } }
                        }
                    }
                }
            }
        }
    }

    fn control(&self, kind: &Kind<'_>, shown: &str, is_wrong: bool) -> Markup {
        let (id, wrong) = (id(&self.path), is_wrong.then_some("true"));
        let described = if is_wrong { format!("{id}-error {id}-hint") } else { format!("{id}-hint") };
        match kind {
            Kind::Choice(choices) => html! {
                select id=(id) name=(self.path) aria-describedby=(described) aria-invalid=[wrong] {
                    @for choice in choices { option value=(word(choice)) selected[word(choice) == shown] { (title(choice)) } }
                }
            },
            Kind::Lines | Kind::Json => html! {
                textarea id=(id) name=(self.path) rows=(shown.lines().count().clamp(2, 8)) spellcheck="false"
                    aria-describedby=(described) aria-invalid=[wrong] { (shown) }
            },
            Kind::Number { is_whole } => html! {
                input.short id=(id) name=(self.path) value=(shown) inputmode=(if *is_whole { "numeric" } else { "decimal" })
                    autocomplete="off" aria-describedby=(described) aria-invalid=[wrong];
            },
            _ => html! {
                input id=(id) name=(self.path) value=(shown) autocomplete="off" spellcheck="false"
                    aria-describedby=(described) aria-invalid=[wrong];
            },
        }
    }
}

/// The id of a field in the page.
pub(super) fn id(path: &str) -> String {
    path.replace('.', "-")
}

/// What is wrong with a field, before its input.
pub(super) fn errors(path: &str, wrong: &[&str]) -> Markup {
    html! {
        @if !wrong.is_empty() {
            span.error id={ (id(path)) "-error" } {
                @for (at, why) in wrong.iter().enumerate() { @if at > 0 { br; } (plain(&crate::failure::sentence(why))) }
            }
        }
    }
}

fn word(choice: &Value) -> &str {
    choice["const"].as_str().or(choice.as_str()).unwrap_or_default()
}

fn title(choice: &Value) -> &str {
    choice["title"].as_str().unwrap_or_else(|| word(choice))
}

/// A number as JSON has it, or the text itself.
fn number(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::Number(number)) => Value::Number(number),
        _ => text.into(),
    }
}

/// How many settings of a folded group there are, and how many are not at their defaults.
pub(super) fn extent(fields: &[Field<'_>], changed: usize, wrong: usize) -> String {
    let mut text = count(fields.len() as u64, "setting", "settings");
    if changed > 0 {
        text += &format!(", {changed} changed");
    }
    if wrong > 0 {
        text += &format!(", {}", count(wrong as u64, "error", "errors"));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(schema: &Value, text: &str) -> Option<Value> {
        let field = Field { path: "attributes.x".to_owned(), schema };
        let mut entries = Entries::default();
        entries.set("attributes.x", text);
        field.read(&entries)
    }

    #[test]
    fn each_type_of_the_schema_is_read_as_what_it_is() {
        for (schema, text, value) in [
            (json!({"type": "boolean", "default": true}), "", json!(false)),
            (json!({"type": "boolean"}), "true", json!(true)),
            (json!({"type": "integer"}), " 5 ", json!(5)),
            (json!({"type": "number"}), "2.5", json!(2.5)),
            (json!({"type": "string"}), "123", json!("123")),
            (json!({"type": "array", "items": {"type": "string"}}), "a\r\n\r\n b, c \n", json!(["a", "b, c"])),
            (json!({"type": "array", "items": {"type": "string"}, "default": ["a"]}), "", json!([])),
            (
                json!({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": {"type": "integer"}}),
                "1\n2\n3",
                json!([1, "2", 3]),
            ),
            (json!({"type": "object"}), "{\"a\": 1}", json!({"a": 1})),
        ] {
            assert_eq!(read(&schema, text), Some(value), "{schema}");
        }
    }

    #[test]
    fn what_does_not_fit_is_passed_on_for_the_validation_of_the_contract() {
        for (schema, text) in [
            (json!({"type": "integer"}), "many"),
            (json!({"type": "number"}), "1,5"),
            (json!({"type": "object"}), "{"),
            (json!({"type": "string", "oneOf": [{"const": "a"}]}), "b"),
        ] {
            assert_eq!(read(&schema, text), Some(text.into()), "{schema}");
        }
    }

    #[test]
    fn a_default_is_not_stored_so_a_later_version_may_change_it() {
        for (schema, text) in [
            (json!({"type": "boolean", "default": true}), "true"),
            (json!({"type": "boolean"}), ""),
            (json!({"type": "integer", "default": 5}), "5"),
            (json!({"type": "integer", "default": 5}), ""),
            (json!({"type": "number", "default": 5.0}), "5"),
            (json!({"type": "string", "default": "a"}), "a"),
            (json!({"type": "array", "items": {"type": "string"}, "default": ["a", "b"]}), "a\nb"),
            (json!({"type": "array", "items": {"type": "string"}}), ""),
            (json!({"type": "object"}), ""),
        ] {
            assert_eq!(read(&schema, text), None, "{schema}");
        }
    }
}
