//! `--set KEY=VALUE`: an attribute of the connector, converted to the type in its schema.

use std::fmt;
use std::str::FromStr;

use connector_api::ConnectorError;
use serde_json::Value;

use super::target::PASSWORD_VARIABLE;

/// `KEY=VALUE`. Its value is not shown, neither in `Debug` nor in errors.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) key: String,
    value: String,
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.key)
    }
}

impl FromStr for Setting {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
        if key.is_empty() {
            return Err("the key before `=` is missing");
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

impl Setting {
    /// The value of the attribute: text stays text, anything else is read as JSON.
    ///
    /// # Errors
    /// `invalid_config` with what to write instead, for a key or password, and for a value of another type.
    pub(super) fn read(&self, schema: &Value) -> Result<Value, ConnectorError> {
        let property = &schema["properties"][&self.key];
        if property.is_null() && names_secret(&self.key) {
            return Err(ConnectorError::invalid_config(
                format!("attributes.{}: a key or password is not an attribute", self.key),
                format!("save it in a file and use --password-file FILE, or set the variable {PASSWORD_VARIABLE}"),
            ));
        }
        if !property.is_null() && self.value.trim() == "null" {
            return Err(ConnectorError::invalid_config(
                format!("attributes.{}: null is not a value", self.key),
                format!("leave out --set {}=… for the default", self.key),
            ));
        }
        let Some((_, is, what, example)) = TYPES.iter().find(|(name, ..)| property["type"] == *name) else {
            return Ok(self.value.clone().into());
        };
        if let Ok(value) = serde_json::from_str::<Value>(&self.value)
            && is(&value)
        {
            return Ok(value);
        }
        let example = match &property["default"] {
            default if is(default) => default.to_string(),
            _ => (*example).to_owned(),
        };
        // A shell would interpret quotes and brackets.
        let quote = if example.contains(['"', '[', '{']) { "'" } else { "" };
        Err(ConnectorError::invalid_config(
            format!("attributes.{}: must be {what}", self.key),
            format!("write for example --set {quote}{}={example}{quote}", self.key),
        ))
    }
}

/// A JSON type other than text: its name, its test, its description and an example.
type Type = (&'static str, fn(&Value) -> bool, &'static str, &'static str);

const TYPES: [Type; 5] = [
    ("boolean", Value::is_boolean, "true or false", "true"),
    ("integer", |value| value.as_f64().is_some_and(|number| number.fract() == 0.0), "a whole number", "10"),
    ("number", Value::is_number, "a number", "2.5"),
    ("array", Value::is_array, "a list, as JSON", r#"["one","two"]"#),
    ("object", Value::is_object, "an object, as JSON", r#"{"name":"value"}"#),
];

/// Whether a name suggests that its value is a key or password.
fn names_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ["key", "password", "secret", "token", "credential"].iter().any(|word| name.ends_with(word))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "properties": {
                "org": {"type": "string"},
                "size": {"type": "integer"},
                "pace": {"type": "number"},
                "on": {"type": "boolean", "default": false},
                "patterns": {"type": "array", "items": {"type": "string"}, "default": ["a", "b"]},
                "mode": {"type": "string", "oneOf": [{"const": "auto"}, {"const": "v2"}]},
                "monkey": {"type": "string"},
            },
        })
    }

    fn setting(key: &str, value: &str) -> Setting {
        Setting { key: key.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn the_schema_decides_whether_a_value_is_text() {
        for (key, text, value) in [
            ("org", "123", json!("123")),
            ("size", "5", json!(5)),
            ("size", "5.0", json!(5.0)),
            ("pace", "1", json!(1)),
            ("on", "true", json!(true)),
            ("patterns", r#"["a","b"]"#, json!(["a", "b"])),
            ("mode", "auto", json!("auto")),
            ("monkey", "x", json!("x")),
            ("unknown", "x=y", json!("x=y")),
        ] {
            assert_eq!(setting(key, text).read(&schema()).unwrap(), value, "{key}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_answered_with_what_to_write_and_not_repeated() {
        for (key, text, message, remedy) in [
            ("on", "yes", "must be true or false", "--set on=false"),
            ("size", "many", "must be a whole number", "--set size=10"),
            ("size", "1.5", "must be a whole number", "--set size=10"),
            ("pace", "fast", "must be a number", "--set pace=2.5"),
            ("patterns", "one,two", "must be a list, as JSON", r#"--set 'patterns=["a","b"]'"#),
            ("patterns", "one", "must be a list, as JSON", r#"--set 'patterns=["a","b"]'"#),
            ("pace", "null", "null is not a value", "leave out --set pace=…"),
            ("size", " null", "null is not a value", "leave out --set size=…"),
            ("mode", "null", "null is not a value", "leave out --set mode=…"),
            ("apiKey", "hunter2", "is not an attribute", "--password-file"),
            ("client_secret", "hunter2", "is not an attribute", "--password-file"),
        ] {
            let error = setting(key, text).read(&schema()).unwrap_err();
            assert!(error.message.contains(message) && error.remedy.contains(remedy), "{error:?}");
            assert!(
                text.trim() == "null" || !error.message.contains(text) && !error.remedy.contains(text),
                "{error:?}"
            );
        }
    }

    #[test]
    fn a_setting_splits_at_the_first_equals_sign_and_does_not_show_its_value() {
        let setting: Setting = "proxy=http://h?a=b".parse().unwrap_or_else(|why| panic!("{why}"));
        assert_eq!((setting.key.as_str(), setting.value.as_str()), ("proxy", "http://h?a=b"));
        assert_eq!(format!("{setting:?}"), "proxy=…");
    }
}
