//! Every answer of the simulator, held against JumpCloud's published specifications, where they are at hand.

use crate::support::{Console, options};
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use test_harness::simulator::organization::{Kind, Node};
use test_harness::simulator::{SimulatorOptions, UsersEndpoint};

/// The definitions of one specification, as JSON Schema.
struct Spec {
    definitions: Map<String, Value>,
    /// By schema, for making one takes its time.
    validators: RefCell<HashMap<String, Rc<Validator>>>,
}

impl Spec {
    /// Nothing when the specifications are not at hand.
    fn read(name: &str) -> Option<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/specs").join(name);
        let spec: Value = serde_json::from_slice(&std::fs::read(path).ok()?).unwrap();
        let mut definitions = spec["definitions"].as_object().unwrap().clone();
        definitions.values_mut().for_each(make_nullable);
        // The service answers `"attributes": null` on edges without attributes; the specification forgets that.
        if let Some(attributes) = definitions.get_mut("GraphAttributes") {
            attributes["type"] = json!(["object", "null"]);
        }
        Some(Self { definitions, validators: RefCell::default() })
    }

    fn validator(&self, schema: &Value) -> Rc<Validator> {
        let build = || {
            let mut schema = schema.clone();
            schema["definitions"] = Value::Object(self.definitions.clone());
            let options = jsonschema::options().with_draft(Draft::Draft4).should_validate_formats(true);
            Rc::new(options.build(&schema).unwrap())
        };
        Rc::clone(self.validators.borrow_mut().entry(schema.to_string()).or_insert_with(build))
    }

    fn assert(&self, schema: &Value, value: &Value, place: &str) {
        let faults = self.faults(schema, value);
        assert!(faults.is_empty(), "{place}: {faults:#?}");
    }

    /// What is wrong with a value: against the schema, or unknown to it.
    fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let validator = self.validator(schema);
        let mut faults: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        self.unknown(schema, value, "", &mut faults);
        faults.truncate(10);
        faults
    }

    /// Collects properties that the specification does not know, where it lists properties.
    fn unknown(&self, schema: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
        let schema = self.resolve(schema);
        match value {
            Value::Array(items) => {
                for item in items {
                    self.unknown(&schema["items"], item, &format!("{path}[]"), faults);
                }
            }
            Value::Object(fields) => {
                let mut known = HashMap::new();
                self.properties(schema, &mut known);
                if known.is_empty() {
                    return;
                }
                for (name, value) in fields {
                    match known.get(name.as_str()) {
                        Some(schema) => self.unknown(schema, value, &format!("{path}.{name}"), faults),
                        None => faults.push(format!("{path}.{name} is not in the specification")),
                    }
                }
            }
            _ => {}
        }
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(name) => self.resolve(&self.definitions[name.rsplit('/').next().unwrap()]),
            None => schema,
        }
    }

    fn properties<'a>(&'a self, schema: &'a Value, known: &mut HashMap<&'a str, &'a Value>) {
        let own = schema["properties"].as_object().into_iter().flatten();
        known.extend(own.map(|(name, schema)| (name.as_str(), schema)));
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.properties(self.resolve(part), known);
        }
    }
}

/// Says in JSON Schema what Swagger 2.0 says with `x-nullable`.
fn make_nullable(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("x-nullable") == Some(&json!(true))
                && let Some(kind) = fields.get("type").cloned()
            {
                fields.insert("type".to_owned(), json!([kind, "null"]));
            }
            fields.values_mut().for_each(make_nullable);
        }
        Value::Array(items) => items.iter_mut().for_each(make_nullable),
        _ => {}
    }
}

fn definition(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

fn array_of(name: &str) -> Value {
    json!({ "type": "array", "items": definition(name) })
}

fn results_of(name: &str) -> Value {
    json!({
        "type": "object",
        "properties": { "results": array_of(name), "totalCount": { "type": "integer" } },
        "required": ["results", "totalCount"],
    })
}

#[test]
fn the_comparison_notices_wrong_types_and_unknown_fields() {
    let Some(spec) = Spec::read("jumpcloud-v2.json") else {
        return;
    };
    let wrong =
        json!([{ "id": 1, "type": "user_group", "attributes": { "sudo": { "enabled": true } }, "colour": "red" }]);
    let faults = spec.faults(&array_of("UserGroup"), &wrong);
    assert_eq!(faults.len(), 3, "{faults:?}");
}

#[tokio::test]
async fn the_answers_of_v1_are_as_published() {
    let Some(spec) = Spec::read("jumpcloud-v1.json") else {
        return;
    };
    let console = Console::start(options()).await;
    for (path, schema) in [
        ("/api/systemusers", definition("systemuserslist")),
        ("/api/systems", definition("systemslist")),
        ("/api/applications", definition("applicationslist")),
        ("/api/organizations", definition("organizationslist")),
        ("/api/radiusservers", definition("radiusserverslist")),
        ("/api/users", results_of("userreturn")),
    ] {
        for skip in [0, 100, 200] {
            let body = console.json(&format!("{path}?limit=100&skip={skip}")).await;
            spec.assert(&schema, &body, &format!("{path} from {skip}"));
        }
        let refusal = console.client.get(console.simulator.url() + path).send().await.unwrap();
        spec.assert(&definition("Error"), &refusal.json().await.unwrap(), path);
    }
    let found =
        console.post("/api/search/systemusers", json!({ "filter": [{ "department": "IT" }], "limit": 100 })).await;
    let body: Value = found.json().await.unwrap();
    assert!(!body["results"].as_array().unwrap().is_empty());
    // The same objects as the list's; `delegatedAuthority` stands in that definition alone.
    spec.assert(&definition("systemuserslist"), &body, "the search");
    console.simulator.shutdown().await;
}

#[tokio::test]
async fn the_answers_of_v2_are_as_published() {
    let Some(spec) = Spec::read("jumpcloud-v2.json") else {
        return;
    };
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let mut asked = vec![
        ("/usergroups".to_owned(), array_of("UserGroup")),
        ("/systemgroups".to_owned(), array_of("SystemGroup")),
        ("/directories".to_owned(), array_of("Directory")),
        ("/systeminsights/users".to_owned(), array_of("system-insights-users")),
    ];
    for index in 0..12 {
        let id = |kind| truth.id(Node::new(kind, index));
        let group = id(Kind::UserGroup);
        asked.push((format!("/usergroups/{group}"), definition("UserGroup")));
        asked.push((format!("/usergroups/{group}/members"), array_of("GraphConnection")));
        for of_group in ["membership", "memberof", "systems", "systemgroups", "applications", "ldapservers"] {
            asked.push((format!("/usergroups/{group}/{of_group}"), array_of("GraphObjectWithPaths")));
        }
        for of_user in ["memberof", "systems", "systemgroups", "applications", "gsuites"] {
            asked.push((format!("/users/{}/{of_user}", id(Kind::User)), array_of("GraphObjectWithPaths")));
        }
        for of_system in ["memberof", "users", "usergroups"] {
            asked.push((format!("/systems/{}/{of_system}", id(Kind::System)), array_of("GraphObjectWithPaths")));
        }
        for of_application in ["users", "usergroups"] {
            let path = format!("/applications/{}/{of_application}", id(Kind::Application));
            asked.push((path, array_of("GraphObjectWithPaths")));
        }
        for kind in [Kind::User, Kind::UserGroup] {
            for target in Kind::RESOURCES {
                let path = format!("/{}/{}/associations?targets={}", kind.segment(), id(kind), target.name());
                asked.push((path, array_of("GraphConnection")));
            }
        }
    }
    for kind in Kind::RESOURCES {
        let id = truth.id(Node::new(kind, 0));
        for target in ["user", "user_group"] {
            let path = format!("/{}/{id}/associations?targets={target}", kind.segment());
            asked.push((path, array_of("GraphConnection")));
        }
    }
    let group = truth.id(Node::new(Kind::SystemGroup, 3));
    asked.push((format!("/systemgroups/{group}/members"), array_of("GraphConnection")));
    asked.push((format!("/systemgroups/{group}/membership"), array_of("GraphObjectWithPaths")));
    asked.push((format!("/systemgroups/{group}/users"), array_of("GraphObjectWithPaths")));
    let mut rows = 0;
    for (path, schema) in asked {
        let mark = if path.contains('?') { '&' } else { '?' };
        let body = console.json(&format!("/api/v2{path}{mark}limit=100")).await;
        rows += body.as_array().map_or(1, Vec::len);
        spec.assert(&schema, &body, &path);
    }
    assert!(rows > 1_000, "{rows} rows looked at");
    for path in [
        "/api/v2/usergroups/zzz/members",
        "/api/v2/usergroups/ffffffffffffffffffffffff/members",
        "/api/v2/nothing",
        "/api/v2/users",
        "/api/v2/usergroups?filter=nonsense",
    ] {
        let response = console.get(path).await;
        assert!(response.status().is_client_error());
        spec.assert(&definition("Error"), &response.json().await.unwrap(), path);
    }
}

#[tokio::test]
async fn the_answers_to_a_provider_are_as_published() {
    let Some(spec) = Spec::read("jumpcloud-v2.json") else {
        return;
    };
    let users_endpoint = UsersEndpoint::Both;
    let console = Console::start(SimulatorOptions { organizations: 3, users_endpoint, ..options() }).await;
    let truth = console.simulator.organization();
    let provider = truth.id(Node::new(Kind::Provider, 0));
    let administrator = truth.id(Node::new(Kind::Administrator, 0));
    for (path, schema) in [
        (format!("/providers/{provider}/organizations"), results_of("Organization")),
        (format!("/providers/{provider}/administrators"), results_of("Administrator")),
        (format!("/administrators/{administrator}/organizationlinks"), array_of("AdministratorOrganizationLink")),
    ] {
        let body = console.json(&format!("/api/v2{path}?limit=100")).await;
        spec.assert(&schema, &body, &path);
    }
}
