//! Adding a system, and changing one: a form of the connector's own schema and descriptor.

mod form;
mod reading;
mod secrets;

use axum::response::Response;
use connector_api::{ConnectorError, Descriptor, Edition};
use connector_host::stored_system::{Secrets, StoredSystem};
use connector_host::systems::Systems;
use maud::html;

use self::form::page;
use self::reading::{checked, entered, read, suggested};
use super::Answer;
use super::act::go_to;
use crate::drafts::Purpose;
use crate::entries::Entries;
use crate::failure::Failure;
use crate::frame::Page;
use crate::link::Link;
use crate::text::plain;
use crate::visit::{Query, Visit};

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
async fn base(visit: &Visit, query: &Query) -> Result<Base, Failure> {
    if let Some(draft) = query.get("draft") {
        let draft = visit.console.drafts.find(draft)?;
        let changes = (draft.purpose != Purpose::Add).then(|| draft.stored.config.name.clone());
        return Ok(Base { changes, known: Some((draft.stored.clone(), draft.entered.clone())) });
    }
    let Some(name) = query.get("system").map(str::to_owned) else { return Ok(Base { changes: None, known: None }) };
    let find = move |systems: &Systems| {
        let known = systems.find(&name)?;
        let entered = systems.entered(&name);
        Ok((known.is_ours, Base { changes: Some(name), known: Some((known.stored, entered)) }))
    };
    match visit.console.with_systems(find).await? {
        (true, base) => Ok(base),
        (false, _) => Err(Failure::conflict(ConnectorError::invalid_config(
            "this system is in a file that somebody wrote by hand",
            "change the file itself; the next scan takes it as it is then",
        ))),
    }
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

pub(super) async fn send(visit: Visit, mut entries: Entries) -> Result<Answer, Failure> {
    let base = base(&visit, &visit.query).await?;
    let os_type = match &base.known {
        Some((stored, _)) => stored.config.os_type.clone(),
        None => entries.needed("os-type")?.to_owned(),
    };
    let descriptor = offered(&visit, &os_type)?;
    let (stored, secrets, mut wrong) = read(descriptor, &base, &mut entries);
    if base.changes.is_none() {
        let name = stored.config.name.clone();
        let is_taken = visit.console.with_systems(move |systems| Ok(systems.find(&name).is_ok())).await?;
        if is_taken {
            wrong.push((Some("name".to_owned()), "another system has this name".to_owned()));
        }
    }
    let connector = match checked(&visit, descriptor, &stored, &secrets, &mut wrong).await {
        Some(connector) if wrong.is_empty() => connector,
        _ => return Ok(page(&visit, descriptor, &base, &entries, &wrong).into()),
    };
    let purpose = if base.changes.is_some() { Purpose::Change } else { Purpose::Add };
    let response: Response = if entries.get("then") == Some("save") {
        let name = stored.config.name.clone();
        save(&visit, stored, secrets, purpose).await?;
        go_to(&Link::to("/scan").with("system", name))
    } else {
        let draft = visit.console.drafts.test(stored, secrets, purpose, connector);
        go_to(&Link::to("/test").with("draft", &draft.id))
    };
    Ok(response.into())
}

/// Saves a system for what it was entered for.
pub(super) async fn save(
    visit: &Visit,
    stored: StoredSystem,
    secrets: Secrets,
    purpose: Purpose,
) -> Result<(), Failure> {
    let save = move |systems: &Systems| {
        // Somebody else may have added one of its name since.
        Ok(if purpose == Purpose::Add { systems.add(stored, secrets) } else { systems.save(stored, secrets) })
    };
    visit.console.with_systems(save).await?.map_err(Failure::conflict)
}
