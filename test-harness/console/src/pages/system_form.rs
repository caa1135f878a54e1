//! Adding a system, and changing one: a form of the connector's own schema and descriptor.

mod secrets;

use std::collections::BTreeMap;

use axum::response::Response;
use connector_api::{ConnectorError, Credential, Descriptor, Edition, SystemConfig};
use connector_host::stored_system::{Secrets, StoredSystem};
use maud::{Markup, html};

use self::secrets::SecretField;
use super::Answer;
use super::act::go_to;
use super::fields::{Field, errors, extent, id};
use crate::drafts::Purpose;
use crate::entries::Entries;
use crate::failure::{Failure, sentence};
use crate::frame::{Page, form_token};
use crate::link::Link;
use crate::text::{Name, plain};
use crate::visit::Visit;

/// The most characters of a name.
const NAME: usize = 200;

/// Where a form starts from.
struct Base {
    /// The name of the system that is changed; `None` for one that is added.
    changes: Option<String>,
    /// What is known already, with its secrets.
    known: Option<(StoredSystem, Secrets)>,
}

/// One thing that is wrong: the path of the setting, if it is about one, and why.
type Wrong = (Option<String>, String);

pub(super) async fn show(visit: Visit) -> Result<Page, Failure> {
    let base = base(&visit, &visit.query).await?;
    let os_type = base.known.as_ref().map(|(stored, _)| stored.config.os_type.clone());
    let Some(os_type) = os_type.or_else(|| visit.query.get("os-type").map(str::to_owned)).or_else(|| only(&visit))
    else {
        return Ok(choose(&visit));
    };
    let descriptor = offered(&visit, &os_type)?;
    let entries = base.known.as_ref().map_or_else(|| suggested(descriptor), |(stored, _)| entered(descriptor, stored));
    Ok(page(&visit, descriptor, &base, &entries, &[]))
}

/// Reads what a form of this query starts from: a draft, a system that is set up, or nothing.
async fn base(visit: &Visit, query: &crate::visit::Query) -> Result<Base, Failure> {
    if let Some(draft) = query.get("draft") {
        let draft = visit.console.drafts.find(draft)?;
        let changes = (draft.purpose != Purpose::Add).then(|| draft.stored.config.name.clone());
        return Ok(Base { changes, known: Some((draft.stored.clone(), draft.entered.clone())) });
    }
    let Some(name) = query.get("system").map(str::to_owned) else { return Ok(Base { changes: None, known: None }) };
    let find = move |systems: &connector_host::systems::Systems| {
        let known = systems.find(&name)?;
        if !known.is_ours {
            return Err(ConnectorError::invalid_config(
                "this system is in a file that somebody wrote by hand",
                "change the file itself; the next scan takes it as it is then",
            ));
        }
        let entered = systems.entered(&name);
        Ok(Base { changes: Some(name), known: Some((known.stored, entered)) })
    };
    Ok(visit.console.with_systems(find).await?)
}

/// The only connector that the edition has, if it has one.
fn only(visit: &Visit) -> Option<String> {
    let mut offered = visit.console.registry.descriptors_for(visit.console.edition);
    let first = offered.next()?;
    offered.next().is_none().then(|| first.os_type.clone())
}

fn offered<'a>(visit: &'a Visit, os_type: &str) -> Result<&'a Descriptor, ConnectorError> {
    let descriptor = visit.console.registry.descriptor(os_type)?;
    descriptor.check_edition(visit.console.edition)?;
    Ok(descriptor)
}

/// The first step: the OS Type decides which settings there are.
fn choose(visit: &Visit) -> Page {
    let edition = visit.console.edition;
    let offered: Vec<&Descriptor> = visit.console.registry.descriptors_for(edition).collect();
    let content = html! {
        div.head { div {
            h1 { "Add system" }
            p.lead { @if offered.is_empty() { (none_offered(visit, edition)) } @else { "Choose what kind of system it is: its settings follow from that." } }
        } }
        @if !offered.is_empty() {
            form.form method="get" action="/system" {
                fieldset {
                    legend { "OS Type" }
                    @for (at, descriptor) in offered.iter().enumerate() {
                        label.choice {
                            input type="radio" name="os-type" value=(descriptor.os_type) checked[at == 0];
                            span { (plain(&descriptor.display_name)) span.under { (plain(&descriptor.description)) } }
                        }
                    }
                }
                div.row { button.primary { "Continue" } a href="/" { "Systems" } }
            }
        } @else { p { a href="/" { "Systems" } } }
    };
    Page { title: "Add system".to_owned(), entry: "/", place: None, content }
}

/// Why an edition offers no connector.
fn none_offered(visit: &Visit, edition: Edition) -> String {
    let all = || visit.console.registry.descriptors();
    if all().next().is_none() {
        return "No connector is compiled into this program, so there is nothing to add.".to_owned();
    }
    let parts = all().map(|descriptor| {
        let editions: Vec<String> = descriptor.editions.iter().map(Edition::to_string).collect();
        format!("{} is part of {}", descriptor.display_name, editions.join(" and "))
    });
    let parts: Vec<String> = parts.collect();
    format!("The {edition} edition has no connector: {}.", parts.join("; "))
}

/// The entries of a new system.
fn suggested(descriptor: &Descriptor) -> Entries {
    let mut entries = Entries::default();
    if let Some(hostname) = &descriptor.default_hostname {
        entries.set("hostname", hostname);
    }
    entries
}

/// The entries of a system that is known.
fn entered(descriptor: &Descriptor, stored: &StoredSystem) -> Entries {
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

fn all_fields(descriptor: &Descriptor) -> Vec<Field<'_>> {
    descriptor.form_groups().iter().flat_map(|group| Field::of_group(descriptor, group)).collect()
}

/// The secrets of a connector: the credential's, and attributes.
fn secret_fields(descriptor: &Descriptor) -> Vec<SecretField> {
    let attributes = all_fields(descriptor).into_iter().filter(Field::is_secret);
    let attributes = attributes.map(|field| SecretField::of_attribute(&field));
    std::iter::once(SecretField::of_credential(descriptor)).chain(attributes).collect()
}

pub(super) async fn send(visit: Visit, entries: Entries) -> Result<Answer, Failure> {
    let base = base(&visit, &visit.query).await?;
    let os_type = match &base.known {
        Some((stored, _)) => stored.config.os_type.clone(),
        None => entries.needed("os-type")?.to_owned(),
    };
    let descriptor = offered(&visit, &os_type)?;
    let (stored, secrets, mut wrong) = read(descriptor, &base, &entries);
    if base.changes.is_none() {
        let name = stored.config.name.clone();
        let is_taken = visit.console.with_systems(move |systems| Ok(systems.find(&name).is_ok())).await?;
        if is_taken {
            wrong.push((Some("name".to_owned()), "another system has this name".to_owned()));
        }
    }
    let connector = match checked(&visit, descriptor, &stored, &secrets, &mut wrong) {
        Some(connector) if wrong.is_empty() => connector,
        _ => return Ok(page(&visit, descriptor, &base, &entries, &wrong).into()),
    };
    let purpose = if base.changes.is_some() { Purpose::Change } else { Purpose::Add };
    let response: Response = if entries.get("then") == Some("save") {
        let name = stored.config.name.clone();
        visit.console.with_systems(move |systems| systems.save(stored, secrets)).await?;
        go_to(&Link::to("/scan").with("system", name))
    } else {
        let draft = visit.console.drafts.test(stored, secrets, purpose, connector);
        go_to(&Link::to("/test").with("draft", &draft.id))
    };
    Ok(response.into())
}

/// Reads a system from a form, and what of it cannot be read.
fn read(descriptor: &Descriptor, base: &Base, entries: &Entries) -> (StoredSystem, Secrets, Vec<Wrong>) {
    let mut wrong: Vec<Wrong> = Vec::new();
    let mut refuse = |path: &str, why: &str| wrong.push((Some(path.to_owned()), why.to_owned()));
    let name = base.changes.clone().or_else(|| entries.get("name").map(str::to_owned)).unwrap_or_default();
    if name.is_empty() {
        refuse("name", "must not be empty");
    } else if name.chars().count() > NAME {
        refuse("name", "must have at most 200 characters");
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
    for field in secret_fields(descriptor) {
        if let Err(why) = field.read(entries, base.known.as_ref(), &mut stored, &mut entered) {
            refuse(&field.path, &why);
        }
    }
    (stored, entered, wrong)
}

/// Checks a system as the contract and the connector do, and makes the connector.
fn checked(
    visit: &Visit,
    descriptor: &Descriptor,
    stored: &StoredSystem,
    secrets: &Secrets,
    wrong: &mut Vec<Wrong>,
) -> Option<Box<dyn connector_api::Connector>> {
    let config = match stored.resolve(secrets) {
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
    visit
        .console
        .registry
        .connect(config, visit.console.edition)
        .map_err(|error| wrong.push(located(descriptor, &error)))
        .ok()
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

fn page(visit: &Visit, descriptor: &Descriptor, base: &Base, entries: &Entries, wrong: &[Wrong]) -> Page {
    let title = match &base.changes {
        Some(name) => format!("Change {name}"),
        None => format!("Add system of {}", descriptor.display_name),
    };
    let here =
        ["system", "draft"].iter().fold(Link::to("/system"), |link, name| link.with_any(name, visit.query.get(name)));
    let content = html! {
        div.head { div {
            h1 { @match &base.changes { Some(name) => { "Change " (Name(name)) } None => { "Add system" } } }
            p.soft {
                (plain(&descriptor.display_name)) ", " (plain(&descriptor.system_type)) ". "
                "Settings that are left as they are have a default that works."
            }
        } }
        (summary(descriptor, wrong))
        form.form method="post" action=(here) autocomplete="off" novalidate {
            (form_token(&visit.session))
            input type="hidden" name="os-type" value=(descriptor.os_type);
            (own_fields(descriptor, base, entries, wrong))
            @for group in descriptor.form_groups() { (group_of(descriptor, &group, base, entries, wrong)) }
            div.row {
                button.primary name="then" value="test" { "Test connection" }
                button name="then" value="save" { "Save without testing" }
                a href="/" { "Cancel" }
            }
        }
    };
    Page { title, entry: "/", place: None, content }
}

/// What is wrong with a field.
fn wrong_with<'a>(wrong: &'a [Wrong], path: &str) -> Vec<&'a str> {
    wrong.iter().filter(|(of, _)| of.as_deref() == Some(path)).map(|(_, why)| why.as_str()).collect()
}

/// All that is wrong, with links to the fields.
fn summary(descriptor: &Descriptor, wrong: &[Wrong]) -> Markup {
    let title = |path: &str| match path {
        "name" => "Name".to_owned(),
        "hostname" => "Host name".to_owned(),
        "port" => "Port".to_owned(),
        "credential.username" => "User name or client id".to_owned(),
        "credential.password" => secrets::title(descriptor),
        path => all_fields(descriptor)
            .iter()
            .find(|field| field.path == path)
            .map_or(path.to_owned(), |field| field.title().to_owned()),
    };
    html! {
        @if !wrong.is_empty() {
            div.note.bad.narrow #errors role="alert" tabindex="-1" autofocus {
                h2 { @if wrong.len() == 1 { "1 setting needs a change" } @else { (wrong.len()) " settings need a change" } }
                ul { @for (path, why) in wrong { li {
                    @match path {
                        Some(path) => { a href={ "#" (id(path)) } { (plain(&title(path))) ": " (plain(&sentence(why))) } }
                        None => { (plain(&sentence(why))) }
                    }
                } } }
            }
        }
    }
}

/// The settings that every system has.
fn own_fields(descriptor: &Descriptor, base: &Base, entries: &Entries, wrong: &[Wrong]) -> Markup {
    let text = |path: &str, title: &str, hint: &str, is_short: bool| {
        let (id, why) = (id(path), wrong_with(wrong, path));
        let described = if why.is_empty() { format!("{id}-hint") } else { format!("{id}-error {id}-hint") };
        html! {
            div.field {
                label for=(id) { (plain(title)) }
                (errors(path, &why))
                input.short[is_short] id=(id) name=(path) value=[entries.raw(path)] autocomplete="off" spellcheck="false"
                    aria-describedby=(described) aria-invalid=[(!why.is_empty()).then_some("true")];
                span.hint id={ (id) "-hint" } { (plain(hint)) }
            }
        }
    };
    let host = descriptor
        .default_hostname
        .as_ref()
        .map_or_else(|| "Of the target.".to_owned(), |host| format!("Usually {host}."));
    html! {
        fieldset {
            legend { "System" }
            @match &base.changes {
                Some(name) => { p { "Name: " strong { (Name(name)) } span.under { "The history is kept by this name, so it stays." } } }
                None => { (text("name", "Name", "Your own name for it. Its history is kept by this name.", false)) }
            }
            (text("hostname", "Host name", &host, false))
            (text("port", "Port", &format!("{} if it is empty.", descriptor.default_port), true))
        }
        fieldset {
            legend { "Sign-in" }
            @if let Some(username) = &descriptor.credential.username {
                (text("credential.username", "User name or client id", &sentence(&username.meaning), false))
            }
            (SecretField::of_credential(descriptor).render(entries, base.known.as_ref(), &wrong_with(wrong, "credential.password")))
        }
    }
}

/// A group of attributes; one of advanced ones is folded unless something in it was changed or is wrong.
fn group_of(
    descriptor: &Descriptor,
    group: &connector_api::FormGroup,
    base: &Base,
    entries: &Entries,
    wrong: &[Wrong],
) -> Markup {
    let fields = Field::of_group(descriptor, group);
    let changed = fields.iter().filter(|field| match field.is_secret() {
        true => base.known.as_ref().is_some_and(|(stored, _)| stored.secrets.contains_key(&field.path)),
        // A form that was not filled in yet has no entries at all.
        false => entries.raw(&field.path).is_some() && field.read(entries).is_some(),
    });
    let changed = changed.count();
    let bad = fields.iter().filter(|field| !wrong_with(wrong, &field.path).is_empty()).count();
    let content = html! {
        @for field in &fields {
            @let why = wrong_with(wrong, &field.path);
            @if field.is_secret() { (SecretField::of_attribute(field).render(entries, base.known.as_ref(), &why)) }
            @else { (field.render(&with_defaults(field, entries), &why)) }
        }
    };
    html! {
        @if group.advanced {
            details.group open[bad > 0 || changed > 0] {
                summary { (plain(&group.title)) span.soft.small { " – " (extent(&fields, changed, bad)) } }
                (content)
            }
        } @else {
            fieldset { legend { (plain(&group.title)) } (content) }
        }
    }
}

/// The entries of a form that was sent: a switch that is off is not among them.
fn with_defaults(field: &Field<'_>, entries: &Entries) -> Entries {
    let mut entries = entries.clone();
    if entries.raw("os-type").is_some() && entries.raw(&field.path).is_none() {
        entries.set(field.path.clone(), "");
    }
    entries
}
