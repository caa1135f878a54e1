//! Validation of settings against a connector's schema, for hosts.

use std::collections::HashSet;
use std::fmt;

use serde_json::{Map, Value};

use crate::config::SystemConfig;
use crate::descriptor::Descriptor;
use crate::error::ConnectorError;

/// One setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The path of the setting: `hostname`, `port`, `credential.password` or `attributes.` with the name, and where the
    /// attribute is a list or an object the place in it, such as `attributes.window.1`.
    pub path: String,
    /// What is wrong, in one line. It never repeats the value.
    pub message: String,
}

impl Problem {
    fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }

    /// Returns the setting itself, without the place in it: `attributes.window` of `attributes.window.1`.
    pub fn setting(&self) -> &str {
        let end = match self.path.strip_prefix("attributes.").and_then(|name| name.find('.')) {
            Some(end) => "attributes.".len() + end,
            None => self.path.len(),
        };
        &self.path[..end]
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl SystemConfig {
    /// Checks the attributes against the connector's schema, and the other settings for plausibility. An attribute that
    /// is `null` counts as not set, for every connector: a host may store it so.
    ///
    /// # Errors
    /// Returns `invalid_config`, whose message names every [problem](Self::problems): its path, what is wrong and, for an
    /// unknown name, the nearest known one. Values are never repeated, since one may be a secret in the wrong place.
    pub fn validate(&self, descriptor: &Descriptor) -> Result<(), ConnectorError> {
        let problems: Vec<String> = self.problems(descriptor)?.iter().map(Problem::to_string).collect();
        if problems.is_empty() {
            return Ok(());
        }
        Err(ConnectorError::invalid_config(
            problems.join("; "),
            format!("correct the system's settings; the {} schema lists the attributes", descriptor.os_type),
        ))
    }

    /// Returns everything that [`validate`](Self::validate) refuses, one by one, for a form that shows each at its field.
    ///
    /// # Errors
    /// Returns `internal` if the connector's schema is not usable.
    pub fn problems(&self, descriptor: &Descriptor) -> Result<Vec<Problem>, ConnectorError> {
        let mut problems = Vec::new();
        if self.hostname.trim().is_empty() {
            problems.push(Problem::new("hostname", "must not be empty"));
        }
        if self.port == Some(0) {
            problems.push(Problem::new("port", "must be from 1 to 65535"));
        }
        if descriptor.credential.password.required && self.credential.password().is_empty() {
            let missing = format!("the {} is missing", descriptor.credential.password.meaning);
            problems.push(Problem::new("credential.password", missing));
        }
        problems.extend(attribute_problems(&self.set_attributes(), descriptor.config_schema.as_value())?);
        Ok(problems)
    }
}

/// Returns one problem for each way in which `attributes` violates `schema`.
fn attribute_problems(attributes: &Map<String, Value>, schema: &Value) -> Result<Vec<Problem>, ConnectorError> {
    let known: Vec<&str> =
        schema["properties"].as_object().map(|map| map.keys().map(String::as_str).collect()).unwrap_or_default();
    let validator = jsonschema::draft202012::new(schema)
        .map_err(|error| ConnectorError::internal(format!("the connector's schema is not usable: {error}")))?;
    let unknown = attributes.keys().filter(|name| !known.contains(&name.as_str())).map(|name| {
        let hint = nearest(name, known.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
        Problem::new(format!("attributes.{name}"), format!("unknown attribute{}", hint.unwrap_or_default()))
    });
    let mut problems: Vec<Problem> = unknown.collect();
    // A value of the wrong type is also none of the choices: one line is enough.
    let mut seen = HashSet::new();
    let instance = Value::Object(attributes.clone());
    problems.extend(
        validator
            .iter_errors(&instance)
            // Unknown top-level attributes are reported above.
            .filter(|error| {
                !matches!(error.kind(), jsonschema::error::ValidationErrorKind::AdditionalProperties { .. })
                    || !error.instance_path().is_empty()
            })
            .map(|error| {
                let path = error.instance_path().to_string();
                let property = &schema["properties"][path.trim_start_matches('/')];
                let why = match choices(property).as_slice() {
                    [] => expected(property).unwrap_or_else(|| error.masked_with("the value").to_string()),
                    choices => format!("must be one of {}", choices.join(", ")),
                };
                Problem::new(format!("attributes{}", path.replace('/', ".")), why)
            })
            .filter(|problem| seen.insert(problem.to_string())),
    );
    Ok(problems)
}

/// Returns the choices of a property that has a fixed list of them.
fn choices(property: &Value) -> Vec<&str> {
    let one_of = property["oneOf"].as_array().into_iter().flatten().filter_map(|choice| choice["const"].as_str());
    let listed = property["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    one_of.chain(listed).collect()
}

/// Returns what a property expects, if its schema says it better than the failed keyword alone: a whole number within two
/// bounds, or a text in a form that has an example.
fn expected(property: &Value) -> Option<String> {
    let is_of = |name: &str| match &property["type"] {
        Value::Array(types) => types.iter().any(|kind| kind == name),
        kind => kind == name,
    };
    if is_of("integer") {
        let (least, most) = (property["minimum"].as_i64()?, property["maximum"].as_i64()?);
        return Some(format!("must be a whole number from {least} to {most}"));
    }
    let example = property["examples"][0].as_str()?;
    (is_of("string") && property["pattern"].is_string()).then(|| format!("must be in the form of {example}"))
}

/// Returns the candidate most similar to `name`, if one is similar enough.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::Credential;

    /// The problems as lines of text.
    fn attribute_problems(attributes: &Map<String, Value>, schema: &Value) -> Result<Vec<String>, ConnectorError> {
        Ok(super::attribute_problems(attributes, schema)?.iter().map(Problem::to_string).collect())
    }

    #[test]
    fn a_problem_within_an_attribute_belongs_to_the_field_of_the_attribute() {
        let mut descriptor = Descriptor::new("X", "X", "1.0.0");
        let window = serde_json::json!({"properties": {"window": {"type": "array", "items": {"type": "integer"}}}});
        descriptor.config_schema = window.try_into().unwrap();
        descriptor.credential.password = crate::CredentialField::required("key");
        let window = serde_json::json!([1, "x"]);
        let system = SystemConfig::new("X", " ", Credential::default()).with_attribute("window", window);
        let problems = system.problems(&descriptor).unwrap();
        let settings: Vec<&str> = problems.iter().map(Problem::setting).collect();
        assert_eq!(settings, ["hostname", "credential.password", "attributes.window"]);
        assert_eq!(problems[2].path, "attributes.window.1");
        let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(system.validate(&descriptor).unwrap_err().message, lines.join("; "));
    }

    fn schema() -> Value {
        serde_json::json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {"pageSize": {"type": "integer", "minimum": 1, "maximum": 100}, "proxy": {"type": "string"}}
        })
    }

    #[test]
    fn an_unknown_attribute_is_refused_with_the_nearest_name() {
        let attributes = Map::from_iter([("pagesize".to_owned(), Value::from(5))]);
        let problems = attribute_problems(&attributes, &schema()).unwrap();
        assert_eq!(problems, ["attributes.pagesize: unknown attribute; did you mean `pageSize`?"]);
    }

    #[test]
    fn where_a_value_must_be_one_of_some_they_are_named() {
        for property in
            [serde_json::json!({"enum": ["a", "b"]}), serde_json::json!({"oneOf": [{"const": "a"}, {"const": "b"}]})]
        {
            let mut schema = serde_json::json!({"properties": {"mode": property}});
            schema["properties"]["mode"]["type"] = "string".into();
            for wrong in [Value::from("c"), Value::from(5)] {
                let attributes = Map::from_iter([("mode".to_owned(), wrong)]);
                assert_eq!(attribute_problems(&attributes, &schema).unwrap(), ["attributes.mode: must be one of a, b"]);
            }
        }
    }

    #[test]
    fn an_attribute_that_is_null_counts_as_not_set() {
        let mut descriptor = Descriptor::new("X", "X", "1.0.0");
        descriptor.config_schema = schema().try_into().unwrap();
        let system = SystemConfig::new("X", "h", Credential::default()).with_attribute("proxy", Value::Null);
        system.validate(&descriptor).unwrap();
        descriptor.config_schema.insert("required".to_owned(), serde_json::json!(["proxy"]));
        assert!(system.validate(&descriptor).unwrap_err().message.contains("proxy"), "a required one is missing");
    }

    #[test]
    fn both_bounds_of_a_number_are_named_and_an_example_of_a_form() {
        let mut schema = schema();
        schema["properties"]["org"] =
            serde_json::json!({"type": ["string", "null"], "pattern": "^[0-9]{3}$", "examples": ["123"]});
        for (name, wrong, expected) in [
            ("pageSize", Value::from(0), "must be a whole number from 1 to 100"),
            ("pageSize", Value::from(101), "must be a whole number from 1 to 100"),
            ("pageSize", Value::from("5"), "must be a whole number from 1 to 100"),
            ("org", Value::from("abc"), "must be in the form of 123"),
            ("org", Value::from(7), "must be in the form of 123"),
        ] {
            let attributes = Map::from_iter([(name.to_owned(), wrong)]);
            assert_eq!(attribute_problems(&attributes, &schema).unwrap(), [format!("attributes.{name}: {expected}")]);
        }
    }

    #[test]
    fn an_unknown_name_within_an_attribute_is_refused() {
        let schema = serde_json::json!({
            "type": "object",
            "properties": {"tls": {"type": "object", "additionalProperties": false, "properties": {"verify": {}}}}
        });
        let attributes = Map::from_iter([("tls".to_owned(), serde_json::json!({"verfy": true}))]);
        let problems = attribute_problems(&attributes, &schema).unwrap();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("attributes.tls: ") && problems[0].contains("verfy"), "{problems:?}");
    }

    #[test]
    fn a_wrong_value_is_named_by_its_path_and_not_repeated() {
        let attributes = Map::from_iter([("pageSize".to_owned(), Value::from("hunter2"))]);
        let problems = attribute_problems(&attributes, &schema()).unwrap();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].starts_with("attributes.pageSize: "), "{problems:?}");
        assert!(!problems[0].contains("hunter2"), "{problems:?}");
    }
}
