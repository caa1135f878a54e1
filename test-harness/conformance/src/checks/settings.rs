//! The schema of a connector's settings, and what it refuses.

use connector_api::{ConnectorError, Credential, ErrorCode, ScanRequest};
use serde_json::{Map, Value, json};

use crate::bench::Bench;
use crate::fixture::{Fixture, Scenario};
use crate::probe::Script;
use crate::truth::shortened;
use crate::verdict::{Failure, NotPassed, Verdict, ensure};

/// The endings of names that indicate a secret.
const SECRET_NAMES: [&str; 7] = ["password", "passphrase", "secret", "token", "apikey", "privatekey", "credential"];

/// A text that no property accepts, recognisable if it is repeated.
const NONSENSE: &str = "conformance-nonsense";

fn schema(fixture: &dyn Fixture) -> Value {
    fixture.registration().descriptor().config_schema.to_value()
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

pub(crate) async fn the_schema_is_valid_2020_12(fixture: &dyn Fixture) -> Verdict {
    let schema = schema(fixture);
    if let Err(error) = jsonschema::draft202012::meta::validate(&schema) {
        return Err(Failure::new("a valid JSON Schema 2020-12", format!("{}: {error}", error.instance_path())).into());
    }
    ensure(schema["type"] == "object", "`type` is `object`", || schema["type"].clone())?;
    ensure(schema["additionalProperties"] == json!(false), "`additionalProperties` is false", || {
        schema["additionalProperties"].clone()
    })
}

pub(crate) async fn every_default_satisfies_the_schema(fixture: &dyn Fixture) -> Verdict {
    let schema = schema(fixture);
    let mut optional = schema.clone();
    if let Some(map) = optional.as_object_mut() {
        map.remove("required");
    }
    let validator = jsonschema::draft202012::new(&optional)
        .map_err(|error| Failure::new("a usable JSON Schema 2020-12", error.to_string()))?;
    let mut problems = Vec::new();
    for (name, property) in properties(&schema) {
        let examples = property["examples"].as_array().into_iter().flatten().map(|example| ("example", example));
        for (what, value) in property.get("default").map(|default| ("default", default)).into_iter().chain(examples) {
            if let Err(error) = validator.validate(&json!({name: value})) {
                problems.push(format!("{what} of {name}: {error}"));
            }
        }
    }
    ensure(problems.is_empty(), "every default and example is valid against the schema", || shortened(&problems))
}

pub(crate) async fn every_property_has_a_title_and_a_description(fixture: &dyn Fixture) -> Verdict {
    let schema = schema(fixture);
    let has = |property: &Value, key: &str| property[key].as_str().is_some_and(|text| !text.trim().is_empty());
    let bare: Vec<String> = properties(&schema)
        .flat_map(|(name, property)| {
            ["title", "description"]
                .into_iter()
                .filter(move |key| !has(property, key))
                .map(move |key| format!("{name} has no {key}"))
        })
        .collect();
    ensure(bare.is_empty(), "every property has a title and a description", || shortened(&bare))
}

pub(crate) async fn every_secret_property_is_marked(fixture: &dyn Fixture) -> Verdict {
    let schema = schema(fixture);
    let problems: Vec<String> = properties(&schema)
        .filter_map(|(name, property)| {
            let (write_only, password) = (property["writeOnly"] == json!(true), property["format"] == "password");
            let named = SECRET_NAMES.iter().any(|secret| name.to_lowercase().ends_with(secret));
            if !(named || write_only || password) {
                None
            } else if !(write_only && password) {
                Some(format!("{name} is not marked with both"))
            } else {
                property.get("default").map(|_| format!("{name} has a default"))
            }
        })
        .collect();
    let expected = "every secret is marked `writeOnly` and `format: password`, and has no default";
    ensure(problems.is_empty(), expected, || shortened(&problems))
}

pub(crate) async fn an_unknown_attribute_is_refused_with_the_nearest_name(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    refusal(&bench, "conformanceUnknown", json!(1))?;
    let schema = bench.descriptor.config_schema.as_value();
    for (name, _) in properties(schema) {
        let misspelt = format!("{name}x");
        let error = refusal(&bench, &misspelt, json!(1))?;
        ensure(
            error.to_string().contains(&format!("`{name}`")),
            format!("`{misspelt}` is refused, and the error names `{name}`"),
            || error,
        )?;
    }
    Ok(())
}

pub(crate) async fn a_wrong_value_is_refused_and_not_repeated(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let schema = bench.descriptor.config_schema.as_value();
    if properties(schema).next().is_none() {
        return Err(NotPassed::Skipped("the connector has no attributes".into()));
    }
    for (name, property) in properties(schema) {
        let error = refusal(&bench, name, wrong_value(property))?;
        let text = format!("{error:?}");
        ensure(!text.contains(NONSENSE), format!("a wrong value of {name} is not repeated"), || error)?;
    }
    Ok(())
}

/// Returns a value of another type than the property's. It is no object where keys would be read: errors may name them.
fn wrong_value(property: &Value) -> Value {
    if property["type"] == "object" { json!([NONSENSE]) } else { json!({NONSENSE: NONSENSE}) }
}

pub(crate) async fn a_missing_secret_is_refused(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let required = bench.descriptor.credential.password.required;
    let mut system = bench.target.system.clone();
    system.credential = Credential::default();
    match bench.try_connect(system) {
        Ok(_) => ensure(!required, "error `invalid_config` for a system without its secret", || "a connector"),
        Err(error) if required => ensure(
            error.code == ErrorCode::InvalidConfig,
            "error `invalid_config` for a system without its secret",
            || error,
        ),
        Err(error) => Err(Failure::new("a connector without a secret, since none is required", error).into()),
    }
}

/// Connects with one attribute set to a value that must be refused.
fn refusal(bench: &Bench, name: &str, value: Value) -> Result<ConnectorError, NotPassed> {
    let mut attributes: Map<String, Value> = bench.target.system.attributes.clone();
    attributes.insert(name.to_owned(), value);
    let mut system = bench.target.system.clone();
    system.attributes = attributes;
    let expected = format!("error `invalid_config`, naming `{name}`");
    match bench.try_connect(system) {
        Err(error) if error.code == ErrorCode::InvalidConfig && error.message.contains(name) => Ok(error),
        Err(error) => Err(Failure::new(expected, error).into()),
        Ok(_) => Err(Failure::new(expected, "a connector").into()),
    }
}

pub(crate) async fn a_core_section_cannot_be_left_out(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    for described in bench.descriptor.sections.iter().filter(|described| described.core) {
        let section = described.section;
        let request = ScanRequest::default().leaving_out([section]);
        let expected = format!("error `invalid_config` for a scan without {section}");
        match bench.run(request, Script::Record).await?.result {
            Ok(_) => return Err(Failure::new(expected, "a scan that succeeds").into()),
            Err(failure) => ensure(failure.error().code == ErrorCode::InvalidConfig, expected, || failure.error())?,
        }
    }
    Ok(())
}
