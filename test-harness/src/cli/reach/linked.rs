//! What several accounts reach that may belong to one person.

use connector_api::{Account, ConnectorError, Grant};
use connector_store::LinkedAccount;
use serde_json::json;

use super::{COLUMNS, cells, disabled, trees_of};
use crate::cli::print::{self, SheetFormat, printable};
use crate::cli::store::Rows;
use crate::cli::{paragraph, screen};

/// Prints accounts with what each reaches, and the link that joins each with another one.
pub(super) fn print(
    accounts: &[(LinkedAccount, Vec<Grant>)],
    mut from: Rows,
    format: SheetFormat,
) -> Result<(), ConnectorError> {
    match format {
        SheetFormat::Json => {
            let accounts = accounts.iter().map(|(linked, grants)| as_json(&linked.account, Some(linked), grants));
            let accounts: Vec<_> = accounts.collect();
            print::json(&from.answer(json!({"accounts": accounts}))?)
        }
        SheetFormat::Csv => {
            let columns: Vec<&str> = COLUMNS.iter().copied().chain(["linkedWith", "evidence"]).collect();
            let rows = accounts.iter().flat_map(|(linked, grants)| {
                let link = [linked.linked_with.clone().unwrap_or_default(), linked.evidence.clone()];
                let disabled = disabled(&linked.account);
                grants.iter().flat_map(move |grant| cells(grant, &disabled)).map(move |mut row| {
                    row.extend(link.clone());
                    row
                })
            });
            print::csv(&columns, rows)
        }
        SheetFormat::Text => {
            let texts: Vec<String> =
                accounts.iter().map(|(linked, grants)| text(linked, grants, accounts, &from)).collect();
            print::text(&texts.join("\n"))
        }
    }
}

fn text(linked: &LinkedAccount, grants: &[Grant], all: &[(LinkedAccount, Vec<Grant>)], from: &Rows) -> String {
    let LinkedAccount { account, linked_with, evidence, .. } = linked;
    let name = |id: &String| {
        let other = all.iter().find(|(other, _)| other.account.external_id == *id);
        other.map_or_else(|| id.clone(), |(other, _)| other.account.username.clone())
    };
    let link = linked_with.as_ref().map_or_else(String::new, |id| {
        let link = format!("{} {} is linked with {}: {evidence}.", account.kind, account.username, name(id));
        printable(&link) + "\n"
    });
    paragraph::fitted(&link, screen::of_results()) + &trees_of(account, grants, from)
}

/// An account with what it reaches, and the link that joins it with another one.
pub(super) fn as_json(account: &Account, link: Option<&LinkedAccount>, grants: &[Grant]) -> serde_json::Value {
    let linked_with = link.and_then(|link| link.linked_with.as_ref());
    json!({
        "externalId": account.external_id,
        "username": account.username,
        "kind": account.kind,
        "enabled": account.enabled,
        "linkedWith": linked_with,
        "evidence": linked_with.and(link.map(|link| &link.evidence)),
        "grants": grants,
    })
}
