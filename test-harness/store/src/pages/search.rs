//! Rows whose name, address or id begins with a text.

use std::collections::BTreeMap;

use connector_api::{ConnectorError, Record};

use crate::body;
use crate::kinds::{self, Kind};
use crate::store::{Store, System};

/// The characters of names and ids that the indexes have.
const INDEXED: usize = 64;

impl Store {
    /// Returns the first rows of a kind after a run whose name or address, in any case, or whose id begins with `begins`, by
    /// their names. Nothing begins with nothing.
    ///
    /// # Errors
    /// `internal` for a kind without names; `sink` if the store cannot be read.
    pub fn search(
        &mut self,
        system: &System,
        run: i64,
        kind: &str,
        begins: &str,
        limit: usize,
    ) -> Result<Vec<Record>, ConnectorError> {
        let kind = Kind::of(kind)?.word;
        let key = kinds::key(begins);
        if key.is_empty() {
            return Ok(Vec::new());
        }
        let [at_least, below] = self.database.order_of_bytes();
        let begins_with = |column: &str| {
            let part = format!("substr({column}, 1, {INDEXED})");
            format!("{part} {at_least} ?3 and {part} {below} ?4")
        };
        let mut ways = vec![("v.name_key", key.clone()), ("o.external_id", begins.to_owned())];
        if kind == "account" {
            ways.push(("v.email_key", key.clone()));
        }
        let mut found = BTreeMap::new();
        for (column, text) in ways {
            let head: String = text.chars().take(INDEXED).collect();
            let end = format!("{head}{}", char::MAX);
            // From the index to the versions: not the other way round.
            let of_system = if column == "o.external_id" {
                format!("o.system = ?1 and o.kind = '{kind}'")
            } else {
                "v.system = ?1".to_owned()
            };
            let sql = format!(
                "select v.object, v.body from {kind}_version v join object o on o.id = v.object where {of_system} \
                 and v.from_run <= ?2 and (v.to_run is null or v.to_run > ?2) and {} limit ?5",
                begins_with(column)
            );
            let parameters = [system.id.into(), run.into(), head.into(), end.into(), (limit as i64).into()];
            self.database.query(&sql, &parameters, &mut |row| {
                let record = body::record(row.word(1)?, None)?;
                // Beyond what the index has.
                if is_begun(&record, column, &text) {
                    found.insert(row.number(0)?, record);
                }
                Ok(())
            })?;
        }
        let mut found: Vec<Record> = found.into_values().collect();
        found.sort_by_cached_key(|record| name(record).map(kinds::key));
        found.truncate(limit);
        Ok(found)
    }
}

fn name(record: &Record) -> Option<&str> {
    match record {
        Record::Account(account) => Some(&account.username),
        Record::Group(group) => Some(&group.name),
        Record::Resource(resource) => Some(&resource.name),
        Record::Policy(policy) => Some(&policy.name),
        _ => None,
    }
}

fn is_begun(record: &Record, column: &str, text: &str) -> bool {
    match (column, record) {
        ("v.name_key", _) => name(record).is_some_and(|name| kinds::key(name).starts_with(text)),
        ("v.email_key", Record::Account(account)) => {
            account.email.as_deref().is_some_and(|email| kinds::key(email).starts_with(text))
        }
        (_, Record::Account(account)) => account.external_id.starts_with(text),
        (_, Record::Group(group)) => group.external_id.starts_with(text),
        (_, Record::Resource(resource)) => resource.external_id.starts_with(text),
        (_, Record::Policy(policy)) => policy.external_id.starts_with(text),
        _ => false,
    }
}
