//! JumpCloud's published specifications as JSON Schema, where they are at hand: Swagger 2.0 and OpenAPI 3.1.

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::skip;

/// The definitions of one specification, as JSON Schema.
pub struct Spec {
    /// The whole document, for references point into it.
    document: Value,
    draft: Draft,
    /// By schema, for making one takes its time.
    validators: RefCell<HashMap<String, Rc<Validator>>>,
}

impl Spec {
    /// A Swagger document; nothing when the specifications are not at hand.
    pub fn read(name: &str) -> Option<Self> {
        let mut document: Value = serde_json::from_slice(&skip::reference(&format!("specs/{name}"))?).unwrap();
        let definitions = document["definitions"].as_object_mut().unwrap();
        definitions.values_mut().for_each(make_nullable);
        // The service answers `"attributes": null` on edges without attributes; the specification forgets that.
        if let Some(attributes) = definitions.get_mut("GraphAttributes") {
            attributes["type"] = json!(["object", "null"]);
        }
        Some(Self { document, draft: Draft::Draft4, validators: RefCell::default() })
    }

    /// An OpenAPI document; nothing when the specifications are not at hand.
    pub fn read_openapi(name: &str) -> Option<Self> {
        let document = serde_saphyr::from_slice(&skip::reference(&format!("specs/{name}"))?).unwrap();
        Some(Self { document, draft: Draft::Draft202012, validators: RefCell::default() })
    }

    /// The schema of an answer, where the document has the operation and describes what it answers.
    pub fn answer(&self, method: &str, path: &str, status: &str) -> Option<&Value> {
        let answer = self.resolve(&self.document["paths"][path][method]["responses"][status]);
        Some(&answer["content"]["application/json"]["schema"]).filter(|schema| !schema.is_null())
    }

    /// The targets that a path of associations takes; none when it is not described.
    pub fn targets(&self, path: &str) -> BTreeSet<&str> {
        let parameters = self.document["paths"][path]["get"]["parameters"].as_array().into_iter().flatten();
        let parameters = parameters.map(|parameter| self.resolve(parameter));
        let targets = parameters.filter(|parameter| parameter["name"] == "targets");
        let values = targets.flat_map(|parameter| {
            let places = [parameter, &parameter["schema"], &parameter["schema"]["items"], &parameter["items"]];
            places.into_iter().filter_map(|place| self.resolve(place)["enum"].as_array()).flatten().collect::<Vec<_>>()
        });
        values.filter_map(Value::as_str).collect()
    }

    /// A value in the document, by its JSON pointer.
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        self.document.pointer(pointer)
    }

    fn validator(&self, schema: &Value) -> Rc<Validator> {
        let build = || {
            let mut schema = schema.clone();
            for place in ["definitions", "components"].into_iter().filter(|place| self.document.get(place).is_some()) {
                schema[place] = self.document[place].clone();
            }
            let options = jsonschema::options().with_draft(self.draft).should_validate_formats(true);
            Rc::new(options.build(&schema).unwrap())
        };
        Rc::clone(self.validators.borrow_mut().entry(schema.to_string()).or_insert_with(build))
    }

    #[track_caller]
    pub fn assert(&self, schema: &Value, value: &Value, place: &str) {
        let faults = self.faults(schema, value);
        assert!(faults.is_empty(), "{place}: {faults:#?}");
    }

    /// What is wrong with a value: against the schema, or unknown to it.
    pub fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let validator = self.validator(schema);
        let place = |pointer: &str| -> String {
            let parts = pointer.split('/').skip(1);
            parts.map(|part| if part.parse::<u32>().is_ok() { "[]".to_owned() } else { format!(".{part}") }).collect()
        };
        let mut faults: Vec<String> = validator
            .iter_errors(value)
            .map(|error| format!("{}: {}", place(error.instance_path().as_str()), error.masked()))
            .collect();
        self.unknown(schema, value, "", &mut faults);
        faults.sort();
        faults.dedup();
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
            Some(reference) => self.resolve(self.at(&reference.trim_start_matches('#').replace("%3A", ":")).unwrap()),
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
