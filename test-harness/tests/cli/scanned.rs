//! A scan of an organisation as big as the demo's: its rows, and its summary.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;

use connector_api::{Account, Binding, Grant, Group, Membership, Reason, ReasonKind, Record, Resource, Severity};
use jumpcloud_simulator::{Simulator, SimulatorOptions};
use serde_json::Value;

use crate::support::{run, scan};

/// A scan: its rows, and its summary at one width.
pub struct Scanned {
    pub rows: Vec<Record>,
    pub text: String,
}

/// Scans an organisation as big as the demo's, whose summary is `width` columns wide.
pub async fn scanned(simulator: &Simulator, width: usize, arguments: &[&str]) -> Scanned {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.ndjson");
    let mut command = scan(simulator, &["--log-level", "scan_progress=off", "--output", path.to_str().unwrap()]);
    let ended = run(command.args(arguments).env("COLUMNS", width.to_string()));
    assert!(matches!(ended.code, 0 | 3), "{ended:?}");
    let text = fs::read_to_string(&path).unwrap();
    let rows = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let rows = rows.filter(|row| row["record"] != "summary").map(|row| serde_json::from_value(row).unwrap()).collect();
    Scanned { rows, text: ended.stderr }
}

pub async fn organization(options: SimulatorOptions) -> Simulator {
    Simulator::start(SimulatorOptions { users: 300, ..options }).await.unwrap()
}

impl Scanned {
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.rows.iter().filter_map(|row| if let Record::Account(account) = row { Some(&**account) } else { None })
    }

    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.rows.iter().filter_map(|row| if let Record::Group(group) = row { Some(&**group) } else { None })
    }

    pub fn memberships(&self) -> impl Iterator<Item = &Membership> {
        self.rows.iter().filter_map(|row| if let Record::Membership(row) = row { Some(&**row) } else { None })
    }

    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.rows.iter().filter_map(|row| if let Record::Grant(grant) = row { Some(&**grant) } else { None })
    }

    pub fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.rows.iter().filter_map(|row| if let Record::Binding(binding) = row { Some(&**binding) } else { None })
    }

    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.rows.iter().filter_map(|row| if let Record::Resource(resource) = row { Some(&**resource) } else { None })
    }

    pub fn privileged(&self) -> Vec<&Account> {
        let gives = |account: &&Account| account.reasons.iter().any(|reason| reason.kind == ReasonKind::Privilege);
        self.accounts().filter(gives).collect()
    }

    /// The ten worst, by what the summary says it orders by.
    pub fn worst(&self) -> Vec<&Account> {
        let mut privileged = self.privileged();
        privileged.sort_by_key(|account| {
            let mut severities: Vec<Severity> = account.reasons.iter().map(|reason| reason.severity).collect();
            severities.sort_by_key(|severity| Reverse(*severity));
            let usable = can_be_used(account);
            (Reverse((severities[0], usable, severities)), account.username.clone())
        });
        privileged.truncate(10);
        privileged
    }

    /// The part of the summary behind a title.
    pub fn part(&self, title: &str) -> &str {
        let start = self.text.find(title).unwrap_or_else(|| panic!("no {title:?} in\n{}", self.text));
        let part = &self.text[start..];
        let end =
            ["\nEvidence by ", "\nFound\n", "\nSections\n"].iter().filter_map(|title| part[1..].find(title)).min();
        end.map_or(part, |end| &part[..=end])
    }

    #[track_caller]
    pub fn assert_says(&self, expected: &str) {
        let text = unwrapped(&self.text);
        assert!(text.contains(expected), "{expected:?} is not in\n{}", self.text);
    }
}

pub fn can_be_used(account: &Account) -> bool {
    account.enabled != Some(false) && account.locked != Some(true)
}

/// A text with one space for each end of a line and what follows.
pub fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub fn number(count: usize) -> String {
    indicatif::HumanCount(count as u64).to_string()
}

/// On how many accounts each code was found.
pub fn codes(scanned: &Scanned) -> BTreeMap<&str, usize> {
    count_codes(scanned.accounts().map(|account| &account.reasons[..]))
}

/// On how many resources each code was found.
pub fn codes_of_resources(scanned: &Scanned) -> BTreeMap<&str, usize> {
    count_codes(scanned.resources().map(|resource| &resource.reasons[..]))
}

fn count_codes<'a>(rows: impl Iterator<Item = &'a [Reason]>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for reasons in rows {
        let mut codes: Vec<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        for code in codes {
            *counts.entry(code).or_default() += 1;
        }
    }
    counts
}
