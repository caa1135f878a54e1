//! A folder of NDJSON files, one per kind of record, that databases such as DuckDB read as tables.

use std::collections::HashSet;
use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use connector_api::{Record, ScanSummary};
use serde_json::Value;

use super::Output;
use super::folder::Folder;
use crate::files::Draft;

/// After this number of rows, a row with a new field is moved to the front. A reader that detects the columns samples some
/// thousand rows, and refuses or drops fields that it did not see there.
const FRONT: u64 = 1000;

/// A folder that gets its final name when the scan is complete. Rows keep their order, except that a late row with a new
/// field is moved to the front of its file. Attributes, which differ between targets and rows, are JSON text.
pub struct NdjsonFolder {
    folder: Folder,
    /// One for each kind of record.
    tables: Vec<Table>,
}

impl NdjsonFolder {
    /// A folder that becomes `path` and replaces an earlier one of the same kind.
    ///
    /// # Errors
    /// If it cannot be created, or `path` is not the folder of an earlier scan.
    pub fn create(path: &Path) -> io::Result<Self> {
        let folder = Folder::new(path, "ndjson")?;
        let tables = Record::KINDS.iter().map(|_| folder.draft().map(Table::new)).collect::<io::Result<_>>()?;
        Ok(Self { folder, tables })
    }
}

impl Output for NdjsonFolder {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.tables[Folder::place_of(record)?].row(record)
    }

    fn commit(self: Box<Self>, summary: &ScanSummary) -> io::Result<()> {
        let Self { folder, tables } = *self;
        let drafts = tables.into_iter().map(|table| table.finish(&folder)).collect::<io::Result<_>>()?;
        folder.commit(drafts, summary)
    }

    fn abandon(self: Box<Self>, _: &ScanSummary) -> io::Result<()> {
        Ok(())
    }
}

/// The rows of one kind.
struct Table {
    rows: BufWriter<Draft>,
    written: u64,
    /// The paths of the fields that had a value in some row.
    fields: HashSet<String>,
    /// Rows for the front: at most one per field.
    front: Vec<Vec<u8>>,
}

impl Table {
    fn new(draft: Draft) -> Self {
        let rows = BufWriter::with_capacity(64 * 1024, draft);
        Self { rows, written: 0, fields: HashSet::new(), front: Vec::new() }
    }

    fn row(&mut self, record: &Record) -> io::Result<()> {
        let mut row = serde_json::to_value(record)?;
        if let Some(attributes) = row.get_mut("attributes") {
            *attributes = attributes.to_string().into();
        }
        let shows_more = enter(&row, &mut String::new(), &mut self.fields);
        let mut line = serde_json::to_vec(&row)?;
        line.push(b'\n');
        if shows_more && self.written >= FRONT {
            self.front.push(line);
            return Ok(());
        }
        self.written += 1;
        self.rows.write_all(&line)
    }

    /// The whole file.
    fn finish(self, folder: &Folder) -> io::Result<Draft> {
        let mut rows = self.rows.into_inner().map_err(io::IntoInnerError::into_error)?;
        if self.front.is_empty() {
            return Ok(rows);
        }
        let mut whole = folder.draft()?;
        whole.write_all(&self.front.concat())?;
        rows.file().rewind()?;
        io::copy(rows.file(), whole.file())?;
        Ok(whole)
    }
}

/// Enters the paths of all fields with a value, and returns whether one of them is new.
fn enter(value: &Value, path: &mut String, fields: &mut HashSet<String>) -> bool {
    let length = path.len();
    let mut more = false;
    match value {
        Value::Null => {}
        Value::Object(entries) => {
            for (name, value) in entries {
                path.push('.');
                path.push_str(name);
                more |= enter(value, path, fields);
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            path.push_str("[]");
            for item in items {
                more |= enter(item, path, fields);
            }
            path.truncate(length);
        }
        _ => {
            more = !fields.contains(path.as_str());
            if more {
                fields.insert(path.clone());
            }
        }
    }
    more
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use connector_api::{Account, Attributes, ConnectorError, Credential, Descriptor, ScanLedger, SystemConfig};
    use serde_json::json;

    use super::*;

    fn summary() -> ScanSummary {
        let ledger = ScanLedger::start(&Descriptor::default(), &SystemConfig::new("", "", Credential::default()));
        ledger.finish(Err(ConnectorError::cancelled())).unwrap_err().into_summary()
    }

    #[test]
    fn a_row_that_is_the_first_with_some_field_stands_among_the_first_rows_and_attributes_are_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        let mut output = Box::new(NdjsonFolder::create(&path).unwrap());
        let account = |n: u64| {
            let mut row = Account::default();
            row.external_id = n.to_string();
            row
        };
        let late = FRONT + 500;
        for n in 0..late + 500 {
            let mut account = account(n);
            if n >= late {
                account.description = Some("late".into());
            }
            account.attributes = Attributes::from([("displayName", json!(n)), ("displayname", json!("x"))]);
            output.record(&account.into()).unwrap();
        }
        output.commit(&summary()).unwrap();

        let text = fs::read_to_string(path.join("accounts.ndjson")).unwrap();
        let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let ids: Vec<u64> = rows.iter().map(|row| row["externalId"].as_str().unwrap().parse().unwrap()).collect();
        let expected: Vec<u64> = [late].into_iter().chain(0..late).chain(late + 1..late + 500).collect();
        assert_eq!(ids, expected);
        assert_eq!(rows[0]["description"], "late");
        assert_eq!(rows[1]["attributes"], r#"{"displayName":0,"displayname":"x"}"#);
        assert_eq!(fs::read_to_string(path.join("grants.ndjson")).unwrap(), "");
    }
}
