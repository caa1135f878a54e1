//! A folder of CSV files, one per kind of record, that are safe to open in a spreadsheet.
//!
//! Quoting and line ends follow RFC 4180. Each file begins with a byte order mark, which spreadsheets need to recognise
//! UTF-8.

use std::io::{self, Write};
use std::path::Path;

use connector_api::{Account, Binding, Grant, Group, Membership, Policy, Record, Resource, ScanSummary};

use super::Output;
use super::columns::{ACCOUNTS, BINDINGS, Column, GRANTS, GROUPS, MEMBERSHIPS, POLICIES, RESOURCES};
use super::folder::Folder;
use crate::files::Draft;

/// A folder that gets its final name when the scan is whole.
pub struct CsvFolder {
    folder: Folder,
    accounts: Sheet<Account>,
    groups: Sheet<Group>,
    memberships: Sheet<Membership>,
    resources: Sheet<Resource>,
    bindings: Sheet<Binding>,
    grants: Sheet<Grant>,
    policies: Sheet<Policy>,
}

impl CsvFolder {
    /// A folder that will be `path`, in place of an earlier one of the same kind.
    ///
    /// # Errors
    /// When it cannot be made, or `path` is something else than the folder of an earlier scan.
    pub fn create(path: &Path) -> io::Result<Self> {
        let folder = Folder::new(path, "csv")?;
        Ok(Self {
            accounts: Sheet::create(&folder, ACCOUNTS)?,
            groups: Sheet::create(&folder, GROUPS)?,
            memberships: Sheet::create(&folder, MEMBERSHIPS)?,
            resources: Sheet::create(&folder, RESOURCES)?,
            bindings: Sheet::create(&folder, BINDINGS)?,
            grants: Sheet::create(&folder, GRANTS)?,
            policies: Sheet::create(&folder, POLICIES)?,
            folder,
        })
    }
}

impl Output for CsvFolder {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        match record {
            Record::Account(account) => self.accounts.row(account),
            Record::Group(group) => self.groups.row(group),
            Record::Membership(membership) => self.memberships.row(membership),
            Record::Resource(resource) => self.resources.row(resource),
            Record::Binding(binding) => self.bindings.row(binding),
            Record::Grant(grant) => self.grants.row(grant),
            Record::Policy(policy) => self.policies.row(policy),
            other => Err(io::Error::other(format!("there is no file for records of kind {}", other.kind()))),
        }
    }

    fn commit(self: Box<Self>, summary: &ScanSummary) -> io::Result<()> {
        let Self { folder, accounts, groups, memberships, resources, bindings, grants, policies } = *self;
        let sheets = vec![
            accounts.finish()?,
            groups.finish()?,
            memberships.finish()?,
            resources.finish()?,
            bindings.finish()?,
            grants.finish()?,
            policies.finish()?,
        ];
        folder.commit(sheets, summary)
    }

    fn abandon(self: Box<Self>, _: &ScanSummary) -> io::Result<()> {
        Ok(())
    }
}

struct Sheet<R: 'static> {
    rows: csv::Writer<Draft>,
    columns: &'static [Column<R>],
}

impl<R> Sheet<R> {
    fn create(folder: &Folder, columns: &'static [Column<R>]) -> io::Result<Self> {
        let mut draft = folder.draft()?;
        draft.write_all("\u{feff}".as_bytes())?;
        let mut rows =
            csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).buffer_capacity(64 * 1024).from_writer(draft);
        rows.write_record(columns.iter().map(|(heading, _)| heading)).map_err(cause)?;
        Ok(Self { rows, columns })
    }

    fn row(&mut self, record: &R) -> io::Result<()> {
        for (_, cell) in self.columns {
            self.rows.write_field(cell(record).unwrap_or_default().as_ref()).map_err(cause)?;
        }
        self.rows.write_record(None::<&[u8]>).map_err(cause)
    }

    fn finish(self) -> io::Result<Draft> {
        self.rows.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}

/// The system's error. As `io::Error`, that of the CSV crate would hide its kind: a full disk, a missing permission.
fn cause(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs::OpenOptions;

    use super::*;

    #[test]
    fn a_full_disk_is_reported_as_such() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let rows = csv::WriterBuilder::new().buffer_capacity(16).from_writer(Draft::Nameless(full));
        let mut sheet = Sheet { rows, columns: GROUPS };
        let failed = (0..100).find_map(|_| sheet.row(&Group::default()).err()).unwrap();
        assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
    }
}
