//! From a system to the entries of a form and back, and what is wrong with them.

use std::collections::BTreeMap;

use connector_api::{ConnectorError, Credential, Descriptor, SystemConfig};
use connector_host::stored_system::{PASSWORD, Secrets, StoredSystem};
use connector_host::typed::{self, MAX_NAME};

use super::super::fields::Field;
use super::secrets::{self, Origin, SecretField};
use super::{Base, Wrong};
use crate::console::blocking;
use crate::entries::Entries;
use crate::visit::Visit;

/// The entries of a new system.
pub(super) fn suggested(descriptor: &Descriptor) -> Entries {
    let mut entries = Entries::default();
    if let Some(hostname) = &descriptor.default_hostname {
        entries.set("hostname", hostname);
    }
    entries
}

/// The entries of a system that is known.
pub(super) fn entered(descriptor: &Descriptor, stored: &StoredSystem) -> Entries {
    let mut entries = Entries::default();
    let config = &stored.config;
    entries.set("name", &config.name);
    entries.set("hostname", &config.hostname);
    if let Some(port) = config.port {
        entries.set("port", port.to_string());
    }
    if let Some(username) = &config.credential.username {
        entries.set("credential.username", username);
    }
    for field in plain_fields(descriptor) {
        entries.set(field.path.clone(), field.show(config.attributes.get(field.name())));
    }
    secrets::enter(&mut entries, stored);
    entries
}

/// The attributes that are no secrets.
fn plain_fields(descriptor: &Descriptor) -> Vec<Field<'_>> {
    all_fields(descriptor).into_iter().filter(|field| !field.is_secret()).collect()
}

pub(super) fn all_fields(descriptor: &Descriptor) -> Vec<Field<'_>> {
    descriptor.form_groups().iter().flat_map(|group| Field::of_group(descriptor, group)).collect()
}

/// The secrets of a connector: the credential's, and attributes.
fn secret_fields(descriptor: &Descriptor) -> Vec<SecretField> {
    let attributes = all_fields(descriptor).into_iter().filter(Field::is_secret);
    let attributes = attributes.map(|field| SecretField::of_attribute(&field));
    std::iter::once(SecretField::of_credential(descriptor)).chain(attributes).collect()
}

/// Reads a system from a form, and what of it cannot be read. Secrets that are kept are asked for again where they would be sent
/// somewhere else than before.
pub(super) fn read(descriptor: &Descriptor, base: &Base, entries: &mut Entries) -> (StoredSystem, Secrets, Vec<Wrong>) {
    let mut wrong: Vec<Wrong> = Vec::new();
    let mut refuse = |path: &str, why: &str| wrong.push((Some(path.to_owned()), why.to_owned()));
    let name = base.changes.clone().or_else(|| entries.get("name").map(str::to_owned)).unwrap_or_default();
    // One that is changed keeps its name.
    if let Some(why) = typed::problem(&name, MAX_NAME).filter(|_| base.changes.is_none()) {
        refuse("name", &why);
    }
    let username = entries.get("credential.username").filter(|_| descriptor.credential.username.is_some());
    let credential = username.map_or_else(Credential::default, |name| Credential::default().with_username(name));
    let hostname = entries.get("hostname").unwrap_or_default();
    let mut config = SystemConfig::new(&descriptor.os_type, hostname, credential).with_name(name);
    match entries.get("port").map(str::parse::<u16>) {
        None => {}
        Some(Ok(port)) => config.port = Some(port),
        Some(Err(_)) => refuse("port", "must be from 1 to 65535"),
    }
    for field in plain_fields(descriptor) {
        if let Some(value) = field.read(entries) {
            config.attributes.insert(field.name().to_owned(), value);
        }
    }
    let mut stored = StoredSystem { config, secrets: BTreeMap::new() };
    let mut entered = Secrets::new();
    let mut origins = Vec::new();
    for field in secret_fields(descriptor) {
        match field.read(entries, base.known.as_ref(), &mut stored, &mut entered) {
            Ok(origin) => origins.push((field, origin)),
            Err(why) => refuse(&field.path, &why),
        }
    }
    if let Some((before, _)) = &base.known
        && leads_elsewhere(descriptor, before, &stored, &origins)
    {
        for (field, _) in origins.iter().filter(|(_, origin)| *origin == Origin::Kept) {
            refuse(&field.path, &field.ask_again(entries));
        }
    }
    (stored, entered, wrong)
}

/// Whether requests may go to another place than before, or on another way: the host, the port, or a text is another. What the
/// texts mean is the connector's, so all of them count, and so do those that are secret, such as a proxy.
fn leads_elsewhere(
    descriptor: &Descriptor,
    before: &StoredSystem,
    after: &StoredSystem,
    origins: &[(SecretField, Origin)],
) -> bool {
    let port = |stored: &StoredSystem| stored.config.port.unwrap_or(descriptor.default_port);
    let target = |stored: &StoredSystem| (stored.config.hostname.clone(), stored.config.credential.username.clone());
    let differs = |field: &Field<'_>| {
        let value = |stored: &StoredSystem| {
            let value = stored.config.attributes.get(field.name()).filter(|value| !value.is_null());
            value.unwrap_or(&field.schema["default"]).clone()
        };
        !field.is_harmless() && value(before) != value(after)
    };
    let is_other = |(field, origin): &(SecretField, Origin)| match origin {
        Origin::Kept => false,
        Origin::Given => field.path != PASSWORD,
        Origin::Absent => field.path != PASSWORD && before.secrets.contains_key(&field.path),
    };
    port(before) != port(after)
        || target(before) != target(after)
        || plain_fields(descriptor).iter().any(differs)
        || origins.iter().any(is_other)
}

/// Checks a system as the contract and the connector do, and makes the connector.
pub(super) async fn checked(
    visit: &Visit,
    descriptor: &Descriptor,
    stored: &StoredSystem,
    secrets: &Secrets,
    wrong: &mut Vec<Wrong>,
) -> Option<Box<dyn connector_api::Connector>> {
    let (unresolved, entered) = (stored.clone(), secrets.clone());
    let config = match blocking(move || unresolved.resolve(&entered)).await {
        Ok(config) => config,
        Err(error) => {
            wrong.push(located(descriptor, &error));
            stored.config.clone()
        }
    };
    match config.problems(descriptor) {
        Ok(problems) => {
            for problem in problems {
                // A secret that cannot be read is not missing as well.
                let setting = problem.setting().to_owned();
                if !wrong.iter().any(|(path, _)| path.as_deref() == Some(&setting)) {
                    wrong.push((Some(setting), problem.message));
                }
            }
        }
        Err(error) => wrong.push((None, error.to_string())),
    }
    if !wrong.is_empty() {
        return None;
    }
    visit.console.connect(config).await.map_err(|error| wrong.push(located(descriptor, &error))).ok()
}

/// An error of a connector at the field that it names.
fn located(descriptor: &Descriptor, error: &ConnectorError) -> Wrong {
    let why = format!("{}: {}", error.message, error.remedy);
    let own = ["hostname", "port", "credential.username", "credential.password"].map(str::to_owned);
    let paths = own.into_iter().chain(all_fields(descriptor).into_iter().map(|field| field.path));
    let named = |path: &String| {
        let name = path.trim_start_matches("attributes.");
        error.message.starts_with(&format!("{path}: "))
            || path.starts_with("attributes.")
                && error.message.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == name)
    };
    // The longest name: one may begin with another.
    (paths.filter(named).max_by_key(String::len), why)
}
