//! Search by the beginning of a user name, address, name or id.

use connector_api::{NodeKind, Record};
use maud::{Markup, html};

use super::Answer;
use super::account_facts::{enabled, severity};
use super::rows::{named, record_link, type_word};
use crate::failure::Failure;
use crate::frame::Page;
use crate::text::{Name, count};
use crate::visit::{Place, Visit};
use crate::words::spaced;

/// Rows of each kind.
const ROWS: usize = 25;

const KINDS: [(&str, &str); 3] =
    [("account", "Accounts"), ("group", "Groups"), ("resource", "Devices, applications and other things")];

pub(super) async fn show(visit: Visit) -> Result<Answer, Failure> {
    let read = visit.read_at(|store, place, query| {
        let text = query.get("q").unwrap_or_default().trim().to_owned();
        let mut found = Vec::new();
        for (kind, _) in KINDS {
            found.push(store.search(&place.system, place.run.id, kind, &text, ROWS + 1)?);
        }
        Ok((text, found))
    });
    let (place, (text, found)) = read.await?;
    let all: usize = found.iter().map(|rows| rows.len().min(ROWS)).sum();
    let has_more = found.iter().any(|rows| rows.len() > ROWS);
    let content = html! {
        div.head { div {
            h1 { "Search" }
            p.lead {
                @if text.is_empty() { "Type the beginning of a user name, an address, a name or an id." }
                @else if all == 0 { "Nothing begins with " (Name(&text)) " in this scan." }
                @else if has_more { "More than " (count(all as u64, "row begins", "rows begin")) " with " (Name(&text)) ". Type more of the name." }
                @else { (count(all as u64, "row begins", "rows begin")) " with " (Name(&text)) "." }
            }
        } }
        @for ((kind, title), rows) in KINDS.iter().zip(&found) {
            @if !rows.is_empty() {
                section aria-label=(title) {
                    h2 { (title) @if rows.len() > ROWS { ", the first " (ROWS) } }
                    (table(&place, kind, &rows[..rows.len().min(ROWS)]))
                }
            }
        }
        @if all == 0 && !text.is_empty() {
            div.note { p { "Search looks at the beginning, in any case. Ids are exact. A name that is new or gone may be in another scan." } }
        }
    };
    Ok(Page { title: "Search".to_owned(), entry: "", place: Some(place), content }.into())
}

fn table(place: &Place, kind: &str, rows: &[Record]) -> Markup {
    html! {
        div.scroll { table.stack role="table" {
            thead role="rowgroup" { tr role="row" {
                th scope="col" role="columnheader" { "Name" }
                th scope="col" role="columnheader" { "Kind" }
                th scope="col" role="columnheader" { "Address or id" }
                @if kind == "account" { th scope="col" role="columnheader" { "State" } }
                @if kind != "resource" { th scope="col" role="columnheader" { "Severity" } }
            } }
            tbody role="rowgroup" { @for row in rows { tr role="row" {
                th scope="row" role="rowheader" { @if let Some((link, name)) = record_link(place, row) { (named(link, &name)) } }
                @match row {
                    Record::Account(account) => {
                        td role="cell" data-label="Kind" { (spaced(account.kind.as_str())) }
                        td role="cell" data-label="Address" { (Name(account.email.as_deref().unwrap_or(&account.external_id))) }
                        td role="cell" data-label="State" { (enabled(account)) }
                        td role="cell" data-label="Severity" { (severity(account.severity())) }
                    }
                    Record::Group(group) => {
                        td role="cell" data-label="Kind" { "group" }
                        td role="cell" data-label="Id" { code { (Name(&group.external_id)) } }
                        td role="cell" data-label="Severity" { (severity(group.severity())) }
                    }
                    Record::Resource(thing) => {
                        td role="cell" data-label="Kind" { (type_word(NodeKind::Resource, &thing.resource_type)) }
                        td role="cell" data-label="Id" { code { (Name(&thing.external_id)) } }
                    }
                    _ => {}
                }
            } } }
        } }
    }
}
