//! Changes as a table: a row for each new or gone row, and one for each field that changed.

use std::collections::BTreeSet;

use connector_api::{ConnectorError, Record};
use connector_store::{Change, Store, System};
use serde_json::Value;

use super::{flat, unread};
use crate::cli::reach::{named, until};
use crate::cli::{name, print};

const COLUMNS: &[&str] = &["change", "record", "key", "name", "field", "before", "after"];

pub(super) fn print(store: &mut Store, system: &System, from: i64, to: i64) -> Result<(), ConnectorError> {
    let mut sheet = print::Sheet::open(COLUMNS)?;
    let add = &mut |change: Change| cells(&change).iter().try_for_each(|row| sheet.row(row));
    store.diff(system, from, to, add)?;
    store.diff_access(system, from, to, add)?;
    for (run, state) in unread(store, from, to)? {
        let as_of = state.as_of.map(|time| time.to_string()).unwrap_or_default();
        let (run, section) = (format!("run {run}"), state.section.to_string());
        sheet.row(&["notRead", "section", &section, &section, &run, &as_of, ""].map(str::to_owned))?;
    }
    sheet.end()
}

fn cells(change: &Change) -> Vec<Vec<String>> {
    let record = change.record();
    let row = |word: &str, field: &str, before: String, after: String| {
        let key = record.key().to_string();
        vec![word.to_owned(), record.kind().to_owned(), key, name::of(record), field.to_owned(), before, after]
    };
    // Of access, how strong it is and until when.
    let access = match record {
        Record::Grant(grant) => format!("{}{}", named(&grant.access), until(grant.expires_at)),
        Record::Binding(binding) => binding
            .access
            .as_ref()
            .map(|access| format!("{}{}", named(access), until(binding.expires_at)))
            .unwrap_or_default(),
        _ => String::new(),
    };
    let field = if access.is_empty() { "" } else { "access" };
    match change {
        Change::New(_) => vec![row("new", field, String::new(), access)],
        Change::Gone(_) => vec![row("gone", field, access, String::new())],
        Change::Changed { before, after } => {
            let [before, after] = [before, after].map(|row| flat(&serde_json::to_value(row).unwrap_or_default()));
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            let differ = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
            differ.map(|name| row("changed", name, shown(before.get(name)), shown(after.get(name)))).collect()
        }
        _ => vec![row("unknown", "", String::new(), String::new())],
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
