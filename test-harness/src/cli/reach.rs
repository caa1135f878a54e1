//! `harness why` and `harness who`

mod linked;
mod persons;
mod tree;

use std::fmt::Write;

use clap::Args;
use connector_api::{AccessPath, Account, ConnectorError, Grant, Principal, Reason, ReasonKind, Record, Resource};
use indicatif::HumanCount;
use serde_json::json;

use super::print::{self, SheetFormat, printable};
use super::store::{FromArguments, Rows};
use super::summary::words;
use super::{Exit, paragraph, screen};
pub(super) use tree::{named, until};

/// Accounts that are shown; the others are counted.
const SHOWN: usize = 1000;

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
    #[command(flatten)]
    from: FromArguments,
    /// Output format
    #[arg(long, value_enum, default_value_t = SheetFormat::Text)]
    format: SheetFormat,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  harness who web-1 --store sqlite:history.db\n  harness who web-1 --from-file \
scan.ndjson --format json\n  harness who web-1 --linked --store sqlite:history.db")]
pub(super) struct WhoArguments {
    /// Resource, by its name or id
    resource: String,
    /// Show accounts that links join as one person, and by which link: only a link joins them, never an equal name
    #[arg(long)]
    linked: bool,
    #[command(flatten)]
    from: FromArguments,
    /// Output format
    #[arg(long, value_enum, default_value_t = SheetFormat::Text)]
    format: SheetFormat,
}

impl WhyArguments {
    pub(super) fn run(self) -> Result<Exit, ConnectorError> {
        let mut rows = self.from.open()?;
        let Record::Account(account) = rows.one("account", &self.account)? else {
            return Err(ConnectorError::internal("an account is another kind of row"));
        };
        let wanted = match &self.resource {
            None => None,
            Some(called) => match rows.one("resource", called)? {
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
            return linked::print(&all, &rows, self.format).map(|()| Exit::Complete);
        }
        let grants = reached(&mut rows, &account.external_id, wanted.as_deref())?;
        match self.format {
            SheetFormat::Json => print::json(&grants)?,
            SheetFormat::Csv => print::csv(COLUMNS, grants.iter().flat_map(cells))?,
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

/// What one account reaches, as trees.
fn trees_of(account: &Account, grants: &[Grant], rows: &Rows) -> String {
    let width = screen::of_results();
    let reached =
        tree::trees(grants, &rows.system.os_type, width, |grant| (&grant.resource.resource_type, &grant.resource.name));
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
        format!("  {}: {}{}\n", reason.severity.as_str(), printable(&reason.message), until(reason.expires_at))
    };
    match reasons.map(line).collect::<String>() {
        none if none.is_empty() => none,
        lines => paragraph::fitted(&format!("\nEvidence of privilege\n{lines}"), screen::of_results()),
    }
}

/// The name of an account, and that it cannot be used if that is so.
fn called(account: &Account) -> String {
    let off = if account.enabled == Some(false) { " (not enabled)" } else { "" };
    format!("{}{off}", printable(&account.username))
}

impl WhoArguments {
    pub(super) fn run(self) -> Result<Exit, ConnectorError> {
        let mut rows = self.from.open()?;
        let Record::Resource(resource) = rows.one("resource", &self.resource)? else {
            return Err(ConnectorError::internal("a resource is another kind of row"));
        };
        rows.warn_of_unread()?;
        let (of_type, id) = (&resource.resource_type, &resource.external_id);
        // A program wants them all.
        let shown = if matches!(self.format, SheetFormat::Text) { SHOWN } else { usize::MAX };
        if self.linked {
            let mut who = rows.store.who_linked(&rows.system, rows.run, of_type, id, shown)?;
            strongest_first(&mut who.who.grants);
            return persons::print(&who, &resource.name, &rows, self.format).map(|()| Exit::Complete);
        }
        let mut who = rows.store.who(&rows.system, rows.run, of_type, id, shown)?;
        strongest_first(&mut who.grants);
        match self.format {
            SheetFormat::Csv => print::csv(COLUMNS, who.grants.iter().flat_map(cells))?,
            SheetFormat::Json => print::json(&json!({"accounts": who.accounts, "grants": who.grants}))?,
            SheetFormat::Text => {
                let is_account = |grant: &&Grant| matches!(grant.principal, Principal::Account { .. });
                let all = usize::try_from(who.accounts).unwrap_or(usize::MAX);
                let verb = if all == 1 { "reaches" } else { "reach" };
                let (width, accounts) = (screen::of_results(), count(all, "account"));
                let heading = format!("{accounts} {verb} {} {}.\n", printable(&resource.name), rows.as_of());
                let trees = tree::trees(&who.grants, &rows.system.os_type, width, |grant| {
                    (grant.principal.kind().as_str(), grant.principal.name())
                });
                let mut text = paragraph::fitted(&heading, width) + &trees;
                let hidden = all.saturating_sub(who.grants.iter().filter(is_account).count());
                if hidden > 0 {
                    let _ = writeln!(text, "\nNot shown: {}.", count(hidden, "account"));
                }
                print::text(&text)?;
            }
        }
        Ok(Exit::Complete)
    }
}

const COLUMNS: &[&str] = &[
    "principalKind",
    "principal",
    "principalId",
    "resourceType",
    "resource",
    "resourceId",
    "level",
    "word",
    "expiresAt",
    "way",
    "wayLevel",
    "wayWord",
    "wayExpiresAt",
    "raisedBy",
    "morePaths",
];

/// A row for each way of a grant.
fn cells(grant: &Grant) -> Vec<Vec<String>> {
    let end = |time: Option<jiff::Timestamp>| time.map(|end| end.to_string()).unwrap_or_default();
    let row = |way: [String; 5]| {
        let (principal, resource) = (&grant.principal, &grant.resource);
        let more = if grant.more_paths > 0 { grant.more_paths.to_string() } else { String::new() };
        let mut cells = vec![
            principal.kind().as_str().to_owned(),
            principal.name().to_owned(),
            principal.external_id().to_owned(),
            resource.resource_type.clone(),
            resource.name.clone(),
            resource.external_id.clone(),
            grant.access.level.to_string(),
            grant.access.word.to_string(),
            end(grant.expires_at),
        ];
        cells.extend(way);
        cells.push(more);
        cells
    };
    if grant.via.is_empty() {
        return vec![row(Default::default())];
    }
    let way = |way: &AccessPath| {
        let steps: Vec<&str> = way.steps.iter().map(|step| step.name.as_str()).collect();
        let steps = if steps.is_empty() { "directly".to_owned() } else { steps.join(" > ") };
        let (level, word) = (way.access.level.to_string(), way.access.word.to_string());
        row([steps, level, word, end(way.expires_at), way.raised_by.clone().unwrap_or_default()])
    };
    grant.via.iter().map(way).collect()
}

/// The strongest access first, then by name.
fn strongest_first(grants: &mut [Grant]) {
    grants.sort_by(|one, two| {
        let name = |grant: &Grant| (grant.principal.name().to_owned(), grant.resource.name.clone());
        two.access.level.cmp(&one.access.level).then_with(|| name(one).cmp(&name(two)))
    });
}

fn count(count: usize, word: &str) -> String {
    format!("{} {word}{}", HumanCount(count as u64), if count == 1 { "" } else { "s" })
}
