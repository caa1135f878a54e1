//! Who reaches a resource, with the accounts that links join as one person.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use connector_api::{ConnectorError, Grant, Principal, Resource};
use connector_store::{LinkedAccount, WhoLinked};
use serde_json::{Value, json};

use super::sheet::name;
use super::who::named;
use super::{COLUMNS, called, cells, count, disabled, linked, tree};
use crate::cli::print::{self, SheetFormat, printable};
use crate::cli::store::Rows;
use crate::cli::{paragraph, screen};

/// An account of a person, with its grants: none if it does not reach the resource.
type OfPerson<'a> = (&'a LinkedAccount, Vec<&'a Grant>);

pub(super) fn print(
    who: &WhoLinked,
    resource: &Resource,
    mut from: Rows,
    disabled: &BTreeSet<String>,
    format: SheetFormat,
) -> Result<(), ConnectorError> {
    let is_account = |grant: &&Grant| matches!(grant.principal, Principal::Account { .. });
    let of_groups: Vec<&Grant> = who.who.grants.iter().filter(|grant| !is_account(grant)).collect();
    let mut of_accounts = BTreeMap::<&str, Vec<&Grant>>::new();
    for grant in who.who.grants.iter().filter(is_account) {
        of_accounts.entry(grant.principal.external_id()).or_default().push(grant);
    }
    let mut persons: Vec<Vec<OfPerson<'_>>> = Vec::new();
    for accounts in &who.accounts {
        let grants = |linked: &LinkedAccount| of_accounts.get(&*linked.account.external_id).cloned();
        persons.push(accounts.iter().map(|linked| (linked, grants(linked).unwrap_or_default())).collect());
    }
    match format {
        SheetFormat::Json => print::json(&from.answer(json!({
            "resource": named(resource),
            "accountCount": who.who.accounts,
            "personCount": who.persons,
            "grants": of_groups,
            "persons": persons.iter().map(|person| as_json(person)).collect::<Vec<_>>(),
        }))?),
        SheetFormat::Csv => {
            let columns: Vec<&str> = COLUMNS.iter().copied().chain(["person", "linkedWith", "evidence"]).collect();
            let of_groups = of_groups.iter().flat_map(|grant| with(grant, ["", "", ""], disabled));
            print::csv(&columns, of_groups.chain(persons.iter().flat_map(|person| rows(person))))
        }
        SheetFormat::Text => print::text(&text(who, &of_groups, &persons, &resource.name, &from, disabled)),
    }
}

fn as_json(person: &[OfPerson<'_>]) -> Value {
    let account = |(linked, grants): &OfPerson<'_>| {
        let grants: Vec<Grant> = grants.iter().map(|grant| (*grant).clone()).collect();
        linked::as_json(&linked.account, Some(linked), &grants)
    };
    person.iter().map(account).collect()
}

/// The rows of a person, which is called as its first account.
fn rows(person: &[OfPerson<'_>]) -> Vec<Vec<String>> {
    let name = person.first().map_or("", |(first, _)| &first.account.username);
    let of_account = |(linked, grants): &OfPerson<'_>| -> Vec<Vec<String>> {
        let link = [name, linked.linked_with.as_deref().unwrap_or_default(), &linked.evidence];
        let disabled = disabled(&linked.account);
        grants.iter().flat_map(|grant| with(grant, link, &disabled)).collect()
    };
    person.iter().flat_map(of_account).collect()
}

fn with(grant: &Grant, more: [&str; 3], disabled: &BTreeSet<String>) -> Vec<Vec<String>> {
    let mut rows = cells(grant, disabled);
    rows.iter_mut().for_each(|row| row.extend(more.map(str::to_owned)));
    rows
}

/// Groups and accounts that stand alone, then the persons with several accounts.
fn text(
    who: &WhoLinked,
    of_groups: &[&Grant],
    persons: &[Vec<OfPerson<'_>>],
    resource: &str,
    from: &Rows,
    disabled: &BTreeSet<String>,
) -> String {
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let (accounts, all) = (number(who.who.accounts), number(who.persons));
    let verb = if all == 1 { "reaches" } else { "reach" };
    let (of_persons, of_accounts) = (count(all, "person"), count(accounts, "account"));
    let (width, os_type) = (screen::of_results(), &from.system.os_type);
    let heading = format!("{of_persons} with {of_accounts} {verb} {} {}.\n", printable(resource), from.as_of());
    let mut text = paragraph::fitted(&heading, width);
    let (several, alone): (Vec<_>, Vec<_>) = persons.iter().partition(|person| person.len() > 1);
    let of_alone = alone.into_iter().flatten().flat_map(|(_, grants)| grants);
    let alone: Vec<Grant> = of_groups.iter().chain(of_alone).map(|grant| (*grant).clone()).collect();
    text += &tree::trees(&alone, os_type, width, |grant| {
        (grant.principal.kind().as_str(), name(&grant.principal, disabled))
    });
    several.into_iter().for_each(|person| text += &of_several(person, os_type));
    let hidden = all.saturating_sub(persons.len());
    if hidden > 0 {
        let _ = writeln!(text, "\nNot shown: {}.", count(hidden, "person"));
    }
    text
}

/// A person with several accounts, each with the link that joins it with another one.
fn of_several(person: &[OfPerson<'_>], os_type: &str) -> String {
    let name = |id: &String| {
        let other = person.iter().find(|(other, _)| other.account.external_id == *id);
        other.map_or_else(|| id.clone(), |(other, _)| other.account.username.clone())
    };
    let mut text = String::new();
    for (linked, grants) in person {
        let LinkedAccount { account, linked_with, evidence, .. } = linked;
        let mut title = called(account);
        if let Some(id) = linked_with {
            let _ = write!(title, ", {} linked with {} ({evidence})", account.kind, name(id));
        }
        if grants.is_empty() {
            let _ = writeln!(text, "  account {}: does not reach it", printable(&title));
        }
        let grants: Vec<Grant> = grants.iter().map(|grant| (*grant).clone()).collect();
        let width = screen::of_results().map(|width| width.saturating_sub(2));
        let tree = tree::trees(&grants, os_type, width, |_| ("account", title.clone()));
        tree.lines().filter(|line| !line.is_empty()).for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
    }
    let first = person.first().map_or("", |(first, _)| &first.account.username);
    format!("\n{}, {}\n{text}", printable(first), count(person.len(), "linked account"))
}
