//! `harness who`: who reaches a resource, what is inside a container, or something through a group.

use std::collections::BTreeSet;
use std::fmt::Write;

use clap::Args;
use connector_api::{ConnectorError, Grant, Group, Membership, Principal, Record, Resource};
use connector_store::{GroupMembers, Who};
use indicatif::HumanCount;
use serde_json::json;

use super::sheet::{self, COLUMNS, DISABLED, cells, name};
use super::{count, persons, strongest_first, tree};
use crate::cli::print::{self, SheetFormat, printable};
use crate::cli::store::{FromArguments, Rows};
use crate::cli::summary::words;
use crate::cli::{Exit, paragraph, screen};

/// Accounts that are shown; the others are counted.
const SHOWN: usize = 1000;

#[derive(Debug, Args)]
#[command(
    after_help = "Of a container, such as a device group, the answer is who reaches what is inside through it. Of a \
group of accounts or a role, it is its members, and what they reach through it.\n\nExamples:\n  harness who web-1 --store \
sqlite:history.db\n  harness who \"Production Servers\" --store sqlite:history.db\n  harness who \"Domain Admins\" --store \
sqlite:history.db\n  harness who web-1 --from-file scan.ndjson --format json\n  harness who web-1 --linked --store \
sqlite:history.db"
)]
pub(in crate::cli) struct WhoArguments {
    /// Resource or group, by its name or id, or by its TYPE:ID where several have that id
    #[arg(value_name = "RESOURCE|GROUP")]
    resource: String,
    /// Show accounts that links join as one person, and by which link: only a link joins them, never an equal name
    #[arg(long)]
    linked: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = SheetFormat::Text)]
    format: SheetFormat,
    #[command(flatten)]
    from: FromArguments,
}

impl WhoArguments {
    pub(in crate::cli) fn run(self) -> Result<Exit, ConnectorError> {
        let mut rows = self.from.open()?;
        let found = rows.one(&["resource", "group"], &self.resource)?;
        let is_plain = matches!(&found, Record::Resource(resource) if !resource.container);
        if self.linked && !is_plain {
            let message = format!("--linked is asked of a resource, and {} holds others", self.resource);
            return Err(ConnectorError::invalid_config(message, "leave out --linked, or ask about one resource"));
        }
        rows.warn_of_unread()?;
        let disabled = rows.store.disabled_accounts(&rows.system, rows.run)?;
        match found {
            Record::Group(group) => self.group(&group, rows, &disabled),
            Record::Resource(resource) => self.resource(&resource, rows, &disabled),
            _ => Err(ConnectorError::internal("a resource is another kind of row")),
        }
    }

    fn resource(
        &self,
        resource: &Resource,
        mut rows: Rows,
        disabled: &BTreeSet<String>,
    ) -> Result<Exit, ConnectorError> {
        let (of_type, id) = (&resource.resource_type, &resource.external_id);
        // A program wants them all.
        let shown = if matches!(self.format, SheetFormat::Text) { SHOWN } else { usize::MAX };
        if self.linked {
            let mut who = rows.store.who_linked(&rows.system, rows.run, of_type, id, shown)?;
            strongest_first(&mut who.who.grants);
            return persons::print(&who, resource, rows, disabled, self.format).map(|()| Exit::Complete);
        }
        let (mut who, inside) = if resource.container {
            let through = rows.store.who_through(&rows.system, rows.run, of_type, id, shown)?;
            (through.who, Some(through.inside))
        } else {
            (rows.store.who(&rows.system, rows.run, of_type, id, shown)?, None)
        };
        strongest_first(&mut who.grants);
        match self.format {
            SheetFormat::Csv => print::csv(COLUMNS, who.grants.iter().flat_map(|grant| cells(grant, disabled)))?,
            SheetFormat::Json => {
                let grants: Vec<_> = who.grants.iter().map(|grant| sheet::as_json(grant, disabled)).collect();
                let answer = json!({
                    "resource": named(resource),
                    "inside": inside,
                    "accountCount": who.accounts,
                    "grants": grants,
                });
                print::json(&rows.answer(answer)?)?;
            }
            SheetFormat::Text => print::text(&of_resource(resource, &who, inside, &rows, disabled))?,
        }
        Ok(Exit::Complete)
    }

    fn group(&self, group: &Group, mut rows: Rows, disabled: &BTreeSet<String>) -> Result<Exit, ConnectorError> {
        let (of_type, id) = (&group.group_type, &group.external_id);
        let members = rows.store.memberships_of(&rows.system, rows.run, of_type, id)?;
        let GroupMembers { members: accounts, without_row, .. } = &members;
        let mut grants = rows.store.why_group(&rows.system, rows.run, of_type, id)?;
        strongest_first(&mut grants);
        match self.format {
            SheetFormat::Csv => {
                let of_members = accounts.iter().map(|member| sheet::member_cells(member, disabled));
                let others = without_row.iter().map(sheet::cells_without_row);
                print::csv(
                    COLUMNS,
                    of_members.chain(others).chain(grants.iter().flat_map(|grant| cells(grant, disabled))),
                )?;
            }
            SheetFormat::Json => {
                let as_json = |all: &[Membership]| -> Vec<_> {
                    all.iter().map(|member| sheet::member_as_json(member, disabled)).collect()
                };
                let answer = json!({
                    "group": {"externalId": id, "groupType": of_type, "name": group.name},
                    "accountCount": accounts.len(),
                    "members": as_json(accounts),
                    "withoutRow": as_json(without_row),
                    "grants": grants,
                });
                print::json(&rows.answer(answer)?)?;
            }
            SheetFormat::Text => print::text(&of_group(group, &members, &grants, &rows, disabled))?,
        }
        Ok(Exit::Complete)
    }
}

/// A resource as grants name it.
pub(super) fn named(resource: &Resource) -> serde_json::Value {
    json!({"externalId": resource.external_id, "resourceType": resource.resource_type, "name": resource.name})
}

fn of_resource(
    resource: &Resource,
    who: &Who,
    inside: Option<u64>,
    rows: &Rows,
    disabled: &BTreeSet<String>,
) -> String {
    let is_account = |grant: &&Grant| matches!(grant.principal, Principal::Account { .. });
    let all = usize::try_from(who.accounts).unwrap_or(usize::MAX);
    let verb = if all == 1 { "reaches" } else { "reach" };
    let (width, os_type, accounts) = (screen::of_results(), &rows.system.os_type, count(all, "account"));
    let (what, as_of) = (printable(&resource.name), rows.as_of());
    let kind = words::kind(&resource.resource_type, os_type, 1);
    let heading = match inside {
        None => format!("{accounts} {verb} {what} {as_of}.\n"),
        Some(0) => format!("Nothing is in {kind} {what} {as_of}.\n"),
        Some(inside) => {
            let things = if inside == 1 { "resource" } else { "resources" };
            format!("{accounts} {verb} the {} {things} in {kind} {what} through it {as_of}.\n", HumanCount(inside))
        }
    };
    let trees = tree::trees(&who.grants, os_type, width, |grant| {
        (grant.principal.kind().as_str(), name(&grant.principal, disabled))
    });
    let mut text = paragraph::fitted(&heading, width) + &trees;
    let hidden = all.saturating_sub(who.grants.iter().filter(is_account).count());
    if hidden > 0 {
        let _ = writeln!(text, "\nNot shown: {}.", count(hidden, "account"));
    }
    text
}

fn of_group(
    group: &Group,
    GroupMembers { members, without_row, .. }: &GroupMembers,
    grants: &[Grant],
    rows: &Rows,
    disabled: &BTreeSet<String>,
) -> String {
    let (width, os_type) = (screen::of_results(), &rows.system.os_type);
    let kind = words::sentence(&words::kind(&group.group_type, os_type, 1));
    let reached = match grants.len() {
        0 => "reaches nothing".to_owned(),
        number => format!("reaches {}", count(number, "resource")),
    };
    let heading = format!(
        "{kind} {} has {} and {reached} {}.\n",
        printable(&group.name),
        count(members.len(), "member"),
        rows.as_of()
    );
    let trees =
        tree::trees(grants, os_type, width, |grant| (&grant.resource.resource_type, grant.resource.name.clone()));
    let mut text = paragraph::fitted(&heading, width) + &trees;
    let mut list = |heading: String, all: &[Membership]| {
        if all.is_empty() {
            return;
        }
        let name = |member: &Membership| {
            let mark = if disabled.contains(&member.account_external_id) { DISABLED } else { "" };
            format!("{}{mark}{}", member.username, super::until(member.expires_at))
        };
        let names: Vec<String> = all.iter().take(SHOWN).map(name).collect();
        text += &paragraph::fitted(&format!("\n{heading}\n"), width);
        text += &paragraph::listed("  ", &names, ",", width.unwrap_or(usize::MAX));
        if all.len() > SHOWN {
            let _ = writeln!(text, "\nNot shown: {}.", count(all.len() - SHOWN, "member"));
        }
    };
    list(count(members.len(), "member"), members);
    list(format!("{} without a row, which reaches nothing", count(without_row.len(), "further account")), without_row);
    text
}
