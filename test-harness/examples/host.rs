//! What a host does with connectors, on a small scale: find them, show their forms, check settings, test, scan into
//! a store that never takes a part for the whole. `cargo run --example host` runs it against a SCIM server
//! of its own.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use connector_api::jiff::Timestamp;
use connector_api::{
    CancellationToken, ConnectorError, Credential, Descriptor, Edition, Progress, Record, Registry, ScanRequest,
    ScanSink, Section, SystemConfig, async_trait,
};
use connector_scim::testing::{Fault, ScimServer};
use serde_json::{Value, json};

const EDITION: Edition = Edition::Pro;

/// What is known of each system, by its name.
#[derive(Default)]
struct Store(BTreeMap<String, Snapshot>);

/// Each section as of the last scan that read it completely.
#[derive(Default)]
struct Snapshot {
    rows: Vec<Record>,
    /// As of when the rows of each section are; nothing is known yet of one that is not here.
    as_of: BTreeMap<Section, Timestamp>,
}

/// The rows of a scan under way: they are set aside until its summary says what they replace.
#[derive(Default)]
struct Draft(Mutex<Vec<Record>>);

impl Draft {
    fn take(&self) -> Vec<Record> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl ScanSink for Draft {
    async fn records(&self, mut batch: Vec<Record>) -> Result<(), ConnectorError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).append(&mut batch);
        Ok(())
    }

    fn progress(&self, progress: Progress) {
        println!("  {}: {} read, {} requests", progress.section, progress.done, progress.requests);
    }
}

impl Store {
    /// Scans a system, and replaces in its snapshot what was read completely.
    async fn scan(
        &mut self,
        registry: &Registry,
        system: &SystemConfig,
        cancel: CancellationToken,
    ) -> Result<(), Box<dyn Error>> {
        let descriptor = registry.descriptor(&system.os_type)?;
        let connector = registry.connect(system.clone(), EDITION)?;
        let draft = Arc::new(Draft::default());
        let scanned = connector.scan(ScanRequest::with_cancel(cancel), draft.clone()).await;
        let summary = scanned.unwrap_or_else(|failure| {
            println!("  {failure} ({})", failure.error().remedy);
            failure.into_summary()
        });
        summary.verify()?;
        let plan = summary.replacement(descriptor);
        let known = self.0.entry(system.name.clone()).or_default();
        known.rows = plan.apply(known.rows.clone(), draft.take())?;
        println!("  {:?}: {} rows are known", summary.outcome, known.rows.len());
        for described in &descriptor.sections {
            let section = described.section;
            let in_part = plan.kept_in_part.contains(&section);
            if !in_part && !plan.kept_sections.contains(&section) {
                known.as_of.insert(section, plan.as_of);
                continue;
            }
            // What is kept, of a failed scan all, is as old as it was.
            let kept = if in_part { "kept in part" } else { "kept" };
            match known.as_of.get(&section) {
                Some(as_of) => println!("  {section}: {kept} as it was on {}", as_of.strftime("%F at %T")),
                None => println!("  {section}: not known yet"),
            }
        }
        Ok(())
    }
}

/// Prints the fields of a system's form, group by group.
fn show_form(descriptor: &Descriptor) {
    println!("{}: {}", descriptor.display_name, descriptor.description);
    println!("  Password: {}", descriptor.credential.password.meaning);
    for group in descriptor.form_groups() {
        // A page would fold an advanced group.
        println!("  {}{}", group.title, if group.advanced { " (advanced)" } else { "" });
        for name in &group.attributes {
            let property = descriptor.attribute_schema(name);
            let text = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
            let choices = property["oneOf"].as_array().into_iter().flatten();
            let choices: Vec<String> = choices.map(|choice| text(choice, "title")).collect();
            let field = match text(property, "type") {
                _ if property["format"] == "password" => "secret".to_owned(),
                _ if !choices.is_empty() => choices.join(" | "),
                kind => kind,
            };
            let default = property.get("default").map(|value| format!(", usually {value}")).unwrap_or_default();
            println!("    {} ({name}, {field}{default}): {}", text(property, "title"), text(property, "description"));
        }
    }
}

/// A SCIM server of five users, and the system that a host would have stored for it.
async fn serve(fault: Fault) -> Result<SystemConfig, Box<dyn Error>> {
    let users: Vec<Value> = ["ada", "bob", "cid", "dot", "eve"]
        .iter()
        .map(|name| json!({"id": format!("id-{name}"), "userName": name, "active": true}))
        .collect();
    let groups = vec![json!({"id": "g1", "displayName": "Admins", "members": [{"value": "id-ada"}]})];
    let server = ScimServer::start("a token", users, groups, fault).await?;
    let system = SystemConfig::new("Scim", server.url, Credential::from_secret("a token"));
    Ok(system.with_name("People").with_attribute("scimRetries", 1))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::discover()?;
    println!("Connectors of the {EDITION} edition");
    registry.descriptors_for(EDITION).for_each(show_form);

    println!("\nA misspelt attribute");
    let system = serve(Fault::None).await?;
    if let Err(error) = system.clone().with_attribute("scimPagesize", 50).validate(registry.descriptor("Scim")?) {
        println!("  {error}");
    }

    println!("\nConnection test");
    for check in registry.connect(system.clone(), EDITION)?.test_connection().await.checks {
        println!("  {} {:?}: {}", check.name, check.status, check.found);
    }

    let mut store = Store::default();
    println!("\nScan");
    store.scan(&registry, &system, CancellationToken::new()).await?;

    println!("\nScan, cancelled");
    let cancel = CancellationToken::new();
    cancel.cancel();
    store.scan(&registry, &system, cancel).await?;

    println!("\nScan, while the groups cannot be read");
    store.scan(&registry, &serve(Fault::Fails("/Groups")).await?, CancellationToken::new()).await
}
