//! The pages of one system that a report has.

use std::collections::BTreeSet;

use super::{Answer, account, changes, charts, findings, privileged};
use crate::failure::Failure;
use crate::frame::Page;
use crate::text::{count, number};
use crate::visit::{Query, REPORT_ROWS, Visit};

/// Accounts whose ways a report shows: the worst.
const ACCOUNTS: usize = 100;

/// A page with its address, as links name it.
pub(crate) struct Part {
    pub(crate) address: String,
    pub(crate) page: Page,
}

/// How much of a list a file has: `The first 500 of 1,227 findings.`
pub(super) fn extent(listed: u64, all: u64, one: &str, several: &str) -> String {
    match all.saturating_sub(listed) {
        0 => format!("All of {}.", count(all, one, several)),
        _ => format!("The first {} of {}.", number(listed), count(all, one, several)),
    }
}

/// What a file has of a scan, as sentences for its head, and what it has not.
pub(crate) async fn scope(visit: &Visit, parts: &[Part]) -> Result<Vec<String>, Failure> {
    let read = visit.read_at(|store, place, _| Ok(store.figures(&place.system, place.run.id)?));
    let (_, figures) = read.await?;
    let detailed = parts.iter().filter(|part| part.address.starts_with("/account?")).count() as u64;
    let (privileged, findings) = (figures.privileged(), findings::all(&figures));
    let accounts = figures.accounts();
    Ok(vec![
        format!(
            "This file lists at most {} rows of each list, and says where it has fewer than there are. The scan has {} and {}.",
            number(REPORT_ROWS as u64),
            count(privileged, "privileged account", "privileged accounts"),
            count(findings, "finding", "findings"),
        ),
        format!(
            "What an account reaches is here for {} of {}, the worst. Not in this file are the other accounts, and the pages of \
             groups, devices and applications.",
            number(detailed),
            count(accounts, "account", "accounts"),
        ),
    ])
}

/// Makes the pages: those of the whole system first, then the worst accounts.
pub(crate) async fn parts(visit: &Visit) -> Result<Vec<Part>, Failure> {
    let at = |path: &str| Visit { path: path.to_owned(), ..visit.clone() };
    let mut parts = Vec::new();
    let mut add = |address: String, answer: Answer| match answer {
        Answer::Page(page) => parts.push(Part { address, page: *page }),
        // Only files are answered otherwise, and none is asked for.
        Answer::Other(_) => {}
    };
    add("/privileged".to_owned(), privileged::show(at("/privileged")).await?);
    add("/findings".to_owned(), findings::show(at("/findings")).await?);
    add("/charts".to_owned(), charts::show(at("/charts")).await?);
    // The first scan of a system has nothing before it.
    if visit.query.get("has-changes").is_some() {
        // Nobody can ask a file for more.
        let all = Visit { query: visit.query.clone().with("count", "all"), ..at("/changes") };
        add("/changes".to_owned(), changes::show(all).await?);
    }
    let worst = parts.first().map(|part| accounts(&part.page)).unwrap_or_default();
    for address in worst {
        let query = address.split_once('?').map_or("", |(_, query)| query);
        let of_account = Visit { query: Query::parse(query), ..at("/account") };
        if let Answer::Page(page) = account::show(of_account).await? {
            parts.push(Part { address, page: *page });
        }
    }
    Ok(parts)
}

/// The addresses of the accounts that a page names, in its order.
fn accounts(page: &Page) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let links = page.content.0.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let links = links.map(address).filter(|link| link.starts_with("/account?") && seen.insert(link.clone()));
    links.take(ACCOUNTS).collect()
}

/// A link of a page as an address, without the place in its page.
pub(crate) fn address(link: &str) -> String {
    link.split('#').next().unwrap_or_default().replace("&amp;", "&")
}
