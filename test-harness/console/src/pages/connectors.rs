//! The connectors that are compiled in, as documentation.

use axum::http::StatusCode;
use connector_api::Descriptor;
use maud::{Markup, html};
use serde_json::Value;

use super::Answer;
use crate::failure::Failure;
use crate::frame::Page;
use crate::link::Link;
use crate::text::{count, plain};
use crate::visit::Visit;
use crate::words::{Mark, severity};

pub(super) async fn list(visit: Visit) -> Result<Answer, Failure> {
    let all: Vec<&Descriptor> = visit.console.registry.descriptors().collect();
    let content = html! {
        div.head { div {
            h1 { "Connectors" }
            p.lead { (count(all.len() as u64, "connector is", "connectors are")) " compiled into this program." }
        } }
        @if all.is_empty() { div.note { p { "A host finds a connector that is linked into it: see the tutorial of the contract." } } }
        @else { div.scroll { table.stack role="table" {
            thead role="rowgroup" { tr role="row" {
                th scope="col" role="columnheader" { "OS Type" } th scope="col" role="columnheader" { "What it reads" }
                th scope="col" role="columnheader" { "Editions" } th scope="col" role="columnheader" { "Version" }
            } }
            tbody role="rowgroup" { @for one in all { tr role="row" {
                th scope="row" role="rowheader" { a href=(Link::to("/connector").with("id", &one.os_type)) { (plain(&one.os_type)) } }
                td role="cell" data-label="Reads" { (plain(&one.description)) }
                td role="cell" data-label="Editions" { (editions(one)) }
                td role="cell" data-label="Version" { (plain(&one.version)) }
            } } }
        } } }
    };
    Ok(Page { title: "Connectors".to_owned(), entry: "/connectors", place: None, content }.into())
}

fn editions(descriptor: &Descriptor) -> String {
    descriptor.editions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

pub(super) async fn show(visit: Visit) -> Result<Answer, Failure> {
    let os_type = visit.query.needed("id")?;
    let descriptor = visit.console.registry.descriptor(os_type).map_err(|_| {
        Failure::new(
            StatusCode::NOT_FOUND,
            "No connector of that OS Type is compiled in",
            "Choose one of the connectors.",
        )
    })?;
    let content = html! {
        div.head { div {
            p.soft { a href="/connectors" { "Connectors" } }
            h1 { (plain(&descriptor.os_type)) }
            p.lead { (plain(&descriptor.description)) " Version " (plain(&descriptor.version)) ", for the editions " (editions(descriptor)) "." }
        } }
        (sections(descriptor))
        (credential(descriptor))
        (settings(descriptor))
        (evidence(descriptor))
        (troubleshooting(descriptor))
    };
    Ok(Page { title: descriptor.os_type.clone(), entry: "/connectors", place: None, content }.into())
}

/// A section of the page, unless it is empty.
fn part(id: &str, title: &str, content: Markup, is_empty: bool) -> Markup {
    html! { @if !is_empty { section aria-labelledby=(id) { h2 id=(id) { (title) } (content) } } }
}

fn sections(descriptor: &Descriptor) -> Markup {
    let table = html! { div.scroll { table.stack role="table" {
        thead role="rowgroup" { tr role="row" {
            th scope="col" role="columnheader" { "Section" } th scope="col" role="columnheader" { "What it reads" }
            th scope="col" role="columnheader" { "Permissions" } th scope="col" role="columnheader" { "Cost" }
        } }
        tbody role="rowgroup" { @for one in &descriptor.sections { tr role="row" {
            th scope="row" role="rowheader" { (plain(&one.title)) span.under { code { (one.section.as_str()) } @if one.core { ", a scan fails without it" } } }
            td role="cell" data-label="Reads" { (plain(&one.data)) span.under { (plain(&one.source)) } }
            td role="cell" data-label="Permissions" { ul { @for right in &one.rights { li { (plain(right)) } } } }
            td role="cell" data-label="Cost" { (plain(&one.cost)) }
        } } }
    } } };
    part("sections", "What it reads", table, descriptor.sections.is_empty())
}

fn credential(descriptor: &Descriptor) -> Markup {
    let fields =
        [("User name", descriptor.credential.username.as_ref()), ("Password", Some(&descriptor.credential.password))];
    let content = html! {
        div.panel { dl.facts {
            @for (title, field) in fields { dt { (title) } dd {
                @match field {
                    Some(field) => { (plain(&field.meaning)) @if field.required { " (required)" } @else { " (optional)" } }
                    None => { "Not used" }
                }
            } }
            dt { "Host name" } dd { (plain(descriptor.default_hostname.as_deref().unwrap_or("No usual one"))) }
            dt { "Port" } dd { (descriptor.default_port) }
            @for protocol in &descriptor.protocols { dt { (plain(&protocol.name)) } dd { "Port " (protocol.port) span.under { (plain(&protocol.notes)) } } }
        } }
        @if !descriptor.configuration_steps.is_empty() { h3 { "Steps" } ol { @for step in &descriptor.configuration_steps { li { (plain(step)) } } } }
        @if !descriptor.required_permissions.is_empty() { h3 { "Permissions" } ul { @for right in &descriptor.required_permissions { li { (plain(right)) } } } }
    };
    part("setting-up", "Setting it up", content, false)
}

fn settings(descriptor: &Descriptor) -> Markup {
    let groups = descriptor.form_groups();
    let word = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
    let content = html! {
        @for group in &groups {
            details.group open[!group.advanced] {
                summary { (plain(&group.title)) @if group.advanced { " (advanced)" } }
                dl.settings { @for name in &group.attributes {
                    @let schema = descriptor.attribute_schema(name);
                    dt { (plain(&word(schema, "title"))) " " code { (plain(name)) } }
                    dd {
                        (plain(&word(schema, "description")))
                        @if let Some(default) = schema.get("default") { span.under { "Default: " code { (plain(&default.to_string())) } } }
                        @for choice in schema["oneOf"].as_array().into_iter().flatten() {
                            span.under { code { (plain(&word(choice, "const"))) } " " (plain(&word(choice, "title"))) }
                        }
                    }
                } }
            }
        }
    };
    part("settings", "Settings", content, groups.is_empty())
}

fn evidence(descriptor: &Descriptor) -> Markup {
    let table = html! { div.scroll { table.stack role="table" {
        thead role="rowgroup" { tr role="row" {
            th scope="col" role="columnheader" { "Evidence" } th scope="col" role="columnheader" { "Severity" }
            th scope="col" role="columnheader" { "What it means" } th scope="col" role="columnheader" { "What to do" }
        } }
        tbody role="rowgroup" { @for one in &descriptor.evidence { tr role="row" {
            th scope="row" role="rowheader" { code { (plain(&one.code)) } span.under { (one.kind.as_str()) } }
            td role="cell" data-label="Severity" { @for worst in one.severities.iter().rev() { (severity(*worst)) " " } }
            td role="cell" data-label="Means" { (plain(&one.meaning)) }
            td role="cell" data-label="To do" { (plain(&one.remedy)) }
        } } }
    } } };
    part("evidence", "Evidence of privilege and risk", table, descriptor.evidence.is_empty())
}

fn troubleshooting(descriptor: &Descriptor) -> Markup {
    let table = html! { div.scroll { table.stack role="table" {
        thead role="rowgroup" { tr role="row" {
            th scope="col" role="columnheader" { "What you see" } th scope="col" role="columnheader" { "Likely cause" } th scope="col" role="columnheader" { "What to do" }
        } }
        tbody role="rowgroup" { @for row in &descriptor.troubleshooting { tr role="row" {
            th scope="row" role="rowheader" { (Mark::Warn.with(&row.symptom)) span.under { code { (row.code.as_str()) } } }
            td role="cell" data-label="Cause" { (plain(&row.likely_cause)) }
            td role="cell" data-label="To do" { (plain(&row.resolution)) }
        } } }
    } } };
    part("troubleshooting", "Troubleshooting", table, descriptor.troubleshooting.is_empty())
}
