//! `harness why` and `harness who`

mod linked;
mod persons;
mod sheet;
mod tree;
mod who;

use std::collections::BTreeSet;

use clap::Args;
use connector_api::{Account, ConnectorError, Grant, Reason, ReasonKind, Record, Resource};
use serde_json::json;

use super::print::{self, SheetFormat, printable};
use super::store::{FromArguments, Rows};
use super::summary::words;
use super::{Exit, colour, paragraph, screen};
use sheet::{COLUMNS, cells};

pub(super) use sheet::DISABLED;
pub(super) use tree::{named, until};
pub(super) use who::WhoArguments;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  harness why maria.keller --store sqlite:history.db\n  harness why maria.keller \
web-1 --store sqlite:history.db --at 2026-03-03\n  harness why maria.keller --from-file scan.ndjson")]
pub(super) struct WhyArguments {
    /// Account, by its user name, e-mail address or id
    account: String,
    /// Show only this resource, by its name or id
    resource: Option<String>,
    /// Show all accounts that links join with this one, and by which link: they may belong to one person
    #[arg(long)]
    linked: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = SheetFormat::Text)]
    format: SheetFormat,
    #[command(flatten)]
    from: FromArguments,
}

impl WhyArguments {
    pub(super) fn run(self) -> Result<Exit, ConnectorError> {
        let mut rows = self.from.open()?;
        let Record::Account(account) = rows.one(&["account"], &self.account)? else {
            return Err(ConnectorError::internal("an account is another kind of row"));
        };
        let wanted = match &self.resource {
            None => None,
            Some(called) => match rows.one(&["resource"], called)? {
                Record::Resource(wanted) => Some(wanted),
                _ => return Err(ConnectorError::internal("a resource is another kind of row")),
            },
        };
        rows.warn_of_unread()?;
        if self.linked {
            let mut all = Vec::new();
            for linked in rows.store.linked(&rows.system, Some(rows.run), &account.external_id)? {
                let grants = reached(&mut rows, &linked.account.external_id, wanted.as_deref())?;
                all.push((linked, grants));
            }
            return linked::print(&all, rows, self.format).map(|()| Exit::Complete);
        }
        let grants = reached(&mut rows, &account.external_id, wanted.as_deref())?;
        match self.format {
            SheetFormat::Json => {
                let account = linked::as_json(&account, None, &grants);
                print::json(&rows.answer(json!({"accounts": [account]}))?)?;
            }
            SheetFormat::Csv => {
                let disabled = disabled(&account);
                print::csv(COLUMNS, grants.iter().flat_map(|grant| cells(grant, &disabled)))?;
            }
            SheetFormat::Text => print::text(&match &wanted {
                Some(wanted) if grants.is_empty() => does_not_reach(&account, wanted, &rows),
                Some(_) => trees_of(&account, &grants, &rows),
                None => trees_of(&account, &grants, &rows) + &privilege_of(&account),
            })?,
        }
        Ok(Exit::Complete)
    }
}

/// What an account reaches, or what it has on one resource.
fn reached(rows: &mut Rows, id: &str, wanted: Option<&Resource>) -> Result<Vec<Grant>, ConnectorError> {
    let mut grants = rows.store.why(&rows.system, rows.run, id)?;
    grants.retain(|Grant { resource, .. }| {
        wanted.is_none_or(|wanted| {
            (&resource.external_id, &resource.resource_type) == (&wanted.external_id, &wanted.resource_type)
        })
    });
    strongest_first(&mut grants);
    Ok(grants)
}

/// The id of an account if it is disabled.
fn disabled(account: &Account) -> BTreeSet<String> {
    (account.enabled == Some(false)).then(|| account.external_id.clone()).into_iter().collect()
}

/// What one account reaches, as trees.
fn trees_of(account: &Account, grants: &[Grant], rows: &Rows) -> String {
    let width = screen::of_results();
    let reached = tree::trees(grants, &rows.system.os_type, width, |grant| {
        (&grant.resource.resource_type, grant.resource.name.clone())
    });
    let resources = count(grants.len(), "resource");
    paragraph::fitted(&format!("{} reaches {resources} {}.\n", called(account), rows.as_of()), width) + &reached
}

fn does_not_reach(account: &Account, resource: &Resource, rows: &Rows) -> String {
    let kind = words::kind(&resource.resource_type, &rows.system.os_type, 1);
    let name = printable(&resource.name);
    let text = format!("{} does not reach {kind} {name} {}.\n", called(account), rows.as_of());
    paragraph::fitted(&text, screen::of_results())
}

/// Why an account is privileged, beyond what it reaches: roles, groups and settings.
fn privilege_of(account: &Account) -> String {
    let reasons = account.reasons.iter().filter(|reason| reason.kind == ReasonKind::Privilege);
    let line = |reason: &Reason| {
        let severity = colour::severity(reason.severity, reason.severity.as_str().to_owned());
        format!("  {severity}: {}{}\n", printable(&reason.message), until(reason.expires_at))
    };
    match reasons.map(line).collect::<String>() {
        none if none.is_empty() => none,
        lines => paragraph::fitted(&format!("\nEvidence of privilege\n{lines}"), screen::of_results()),
    }
}

/// The name of an account, and that it cannot be used if that is so.
fn called(account: &Account) -> String {
    let off = if account.enabled == Some(false) { DISABLED } else { "" };
    format!("{}{off}", printable(&account.username))
}

/// The strongest access first, then by name.
fn strongest_first(grants: &mut [Grant]) {
    grants.sort_by(|one, two| {
        let name = |grant: &Grant| (grant.principal.name().to_owned(), grant.resource.name.clone());
        two.access.level.cmp(&one.access.level).then_with(|| name(one).cmp(&name(two)))
    });
}

fn count(many: usize, noun: &str) -> String {
    connector_host::words::count(many as u64, noun)
}
