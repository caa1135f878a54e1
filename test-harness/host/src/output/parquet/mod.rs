//! A folder of Parquet files, one per kind of record, with real types: times, numbers, truth values, lists and structures.

mod schema;
mod table;

use std::io;
use std::path::Path;

use connector_api::{Record, ScanSummary};

use self::schema::columns;
use self::table::Table;
use super::Output;
use super::folder::Folder;

/// A folder that gets its final name when the scan is complete.
pub struct ParquetFolder {
    folder: Folder,
    /// One for each kind of record.
    tables: Vec<Table>,
}

impl ParquetFolder {
    /// A folder that becomes `path` and replaces an earlier one of the same kind.
    ///
    /// # Errors
    /// If it cannot be created, or `path` is not the folder of an earlier scan.
    pub fn create(path: &Path) -> io::Result<Self> {
        let folder = Folder::new(path, "parquet")?;
        let columns = columns(Record::KINDS.iter().copied());
        let columns = columns.ok_or_else(|| io::Error::other("a kind of record has no schema"))?;
        let tables =
            columns.into_iter().map(|columns| Table::new(columns, folder.draft()?)).collect::<io::Result<_>>()?;
        Ok(Self { folder, tables })
    }
}

impl Output for ParquetFolder {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let table = &mut self.tables[Folder::place_of(record)?];
        match record {
            Record::Account(account) => table.row(account, Some(&account.attributes)),
            Record::Group(group) => table.row(group, Some(&group.attributes)),
            Record::Membership(membership) => table.row(membership, None),
            Record::Resource(resource) => table.row(resource, Some(&resource.attributes)),
            Record::Binding(binding) => table.row(binding, None),
            Record::Grant(grant) => table.row(grant, None),
            Record::Policy(policy) => table.row(policy, Some(&policy.attributes)),
            other => Err(io::Error::other(format!("there is no file for records of kind {}", other.kind()))),
        }
    }

    fn commit(self: Box<Self>, summary: &ScanSummary) -> io::Result<()> {
        let Self { folder, tables } = *self;
        let drafts = tables.into_iter().map(Table::finish).collect::<io::Result<_>>()?;
        folder.commit(drafts, summary)
    }

    fn abandon(self: Box<Self>, _: &ScanSummary) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
