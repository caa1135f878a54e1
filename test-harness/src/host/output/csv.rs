//! A folder of CSV files, one for each kind of record, that a spreadsheet opens safely.
//!
//! Columns are fixed and named as the fields of the records; a nested value is JSON text in its cell. Quoting and
//! line ends are those of RFC 4180. A text that a spreadsheet would run as a formula begins with `'`.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use connector_api::{Access, Account, Grant, Group, Membership, Principal, Record, Resource, ScanSummary};
use serde::Serialize;
use tempfile::TempDir;

use super::Output;
use crate::host::files;

type Cell<'a> = Option<Cow<'a, str>>;

/// A column: its heading, and how its cell comes from a record.
type Column<R> = (&'static str, for<'a> fn(&'a R) -> Cell<'a>);

const ACCOUNTS: &[Column<Account>] = &[
    ("externalId", |account| text(&account.external_id)),
    ("kind", |account| word(&account.kind)),
    ("username", |account| text(&account.username)),
    ("displayName", |account| text(account.display_name.as_ref()?)),
    ("email", |account| text(account.email.as_ref()?)),
    ("accountType", |account| word(&account.account_type?)),
    ("enabled", |account| shown(account.enabled?)),
    ("state", |account| text(account.state.as_ref()?)),
    ("locked", |account| shown(account.locked?)),
    ("mfaConfigured", |account| shown(account.mfa.as_ref()?.configured?)),
    ("mfaRequired", |account| shown(account.mfa.as_ref()?.required?)),
    ("mfaExcluded", |account| shown(account.mfa.as_ref()?.excluded?)),
    ("mfaExcludedUntil", |account| shown(account.mfa.as_ref()?.excluded_until?)),
    ("mfaEnrollment", |account| text(account.mfa.as_ref()?.enrollment.as_ref()?)),
    ("mfaFactors", |account| list(&account.mfa.as_ref()?.factors)),
    ("admin", |account| shown(account.admin?)),
    ("lastLoginAt", |account| shown(account.last_login_at?)),
    ("lastLogin", |account| json(account.last_login.as_ref()?)),
    ("passwordExpired", |account| shown(account.password.as_ref()?.expired?)),
    ("passwordNeverExpires", |account| shown(account.password.as_ref()?.never_expires?)),
    ("passwordChangedAt", |account| shown(account.password.as_ref()?.changed_at?)),
    ("passwordExpiresAt", |account| shown(account.password.as_ref()?.expires_at?)),
    ("createdAt", |account| shown(account.created_at?)),
    ("employeeId", |account| text(account.employee_id.as_ref()?)),
    ("department", |account| text(account.department.as_ref()?)),
    ("source", |account| text(account.source.as_ref()?)),
    ("description", |account| text(account.description.as_ref()?)),
    ("links", |account| list(&account.links)),
    ("reasons", |account| list(&account.reasons)),
    ("attributes", |account| json(&account.attributes)),
];

const GROUPS: &[Column<Group>] = &[
    ("externalId", |group| text(&group.external_id)),
    ("groupType", |group| text(&group.group_type)),
    ("name", |group| text(&group.name)),
    ("description", |group| text(group.description.as_ref()?)),
    ("membershipMethod", |group| text(group.membership_method.as_ref()?)),
    ("memberCount", |group| shown(group.member_count?)),
    ("privileged", |group| shown(group.privileged)),
    ("reasons", |group| list(&group.reasons)),
    ("attributes", |group| json(&group.attributes)),
];

const MEMBERSHIPS: &[Column<Membership>] = &[
    ("username", |membership| text(&membership.username)),
    ("accountExternalId", |membership| text(&membership.account_external_id)),
    ("groupName", |membership| text(&membership.group_name)),
    ("groupType", |membership| text(&membership.group_type)),
    ("groupExternalId", |membership| text(&membership.group_external_id)),
    ("direct", |membership| shown(membership.direct)),
    ("via", |membership| list(&membership.via)),
];

const RESOURCES: &[Column<Resource>] = &[
    ("externalId", |resource| text(&resource.external_id)),
    ("resourceType", |resource| text(&resource.resource_type)),
    ("name", |resource| text(&resource.name)),
    ("os", |resource| text(resource.os.as_ref()?)),
    ("osVersion", |resource| text(resource.os_version.as_ref()?)),
    ("serialNumber", |resource| text(resource.serial_number.as_ref()?)),
    ("active", |resource| shown(resource.active?)),
    ("lastContactAt", |resource| shown(resource.last_contact_at?)),
    ("createdAt", |resource| shown(resource.created_at?)),
    ("attributes", |resource| json(&resource.attributes)),
];

const GRANTS: &[Column<Grant>] = &[
    ("principalKind", |grant| match &grant.principal {
        Principal::Account { .. } => Some("account".into()),
        Principal::Group { .. } => Some("group".into()),
    }),
    ("principalExternalId", |grant| match &grant.principal {
        Principal::Account { external_id, .. } | Principal::Group { external_id, .. } => text(external_id),
    }),
    ("username", |grant| match &grant.principal {
        Principal::Account { username, .. } => text(username),
        Principal::Group { .. } => None,
    }),
    ("groupType", |grant| match &grant.principal {
        Principal::Account { .. } => None,
        Principal::Group { group_type, .. } => text(group_type),
    }),
    ("groupName", |grant| match &grant.principal {
        Principal::Account { .. } => None,
        Principal::Group { group_name, .. } => text(group_name),
    }),
    ("resourceType", |grant| text(&grant.resource.resource_type)),
    ("resourceExternalId", |grant| text(&grant.resource.external_id)),
    ("resourceName", |grant| text(&grant.resource.name)),
    ("access", |grant| word::<Access>(&grant.access)),
    ("direct", |grant| shown(grant.direct)),
    ("via", |grant| list(&grant.via)),
    ("morePaths", |grant| shown(grant.more_paths).filter(|_| grant.more_paths > 0)),
];

/// The files of a CSV folder; a folder that holds nothing else may be replaced by a new scan.
const FILES: [&str; 6] =
    ["accounts.csv", "groups.csv", "memberships.csv", "resources.csv", "grants.csv", "summary.json"];

/// A folder that gets its final name when the scan is whole.
pub struct CsvFolder {
    path: PathBuf,
    folder: TempDir,
    accounts: Sheet<Account>,
    groups: Sheet<Group>,
    memberships: Sheet<Membership>,
    resources: Sheet<Resource>,
    grants: Sheet<Grant>,
}

impl CsvFolder {
    /// A folder that will be `path`, in place of an earlier one of the same kind.
    ///
    /// # Errors
    /// When it cannot be made, or `path` is something else than the folder of an earlier scan.
    pub fn create(path: &Path) -> io::Result<Self> {
        check_replaceable(path)?;
        let folder = files::folder_beside(path)?;
        let within = |name: &str| folder.path().join(name);
        Ok(Self {
            path: path.to_owned(),
            accounts: Sheet::create(&within(FILES[0]), ACCOUNTS)?,
            groups: Sheet::create(&within(FILES[1]), GROUPS)?,
            memberships: Sheet::create(&within(FILES[2]), MEMBERSHIPS)?,
            resources: Sheet::create(&within(FILES[3]), RESOURCES)?,
            grants: Sheet::create(&within(FILES[4]), GRANTS)?,
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
            Record::Grant(grant) => self.grants.row(grant),
            other => Err(io::Error::other(format!("there is no file for records of kind {}", other.kind()))),
        }
    }

    fn commit(self: Box<Self>, summary: &ScanSummary) -> io::Result<()> {
        let Self { path, folder, accounts, groups, memberships, resources, grants } = *self;
        accounts.finish()?;
        groups.finish()?;
        memberships.finish()?;
        resources.finish()?;
        grants.finish()?;
        let summary_path = folder.path().join(FILES[5]);
        let mut file = files::private().create_new(true).open(summary_path)?;
        file.write_all(&serde_json::to_vec_pretty(summary)?)?;
        file.sync_all()?;
        check_replaceable(&path)?;
        // A folder cannot be renamed over one that holds files, so an earlier scan steps aside first.
        let aside = files::folder_beside(&path)?;
        let earlier = aside.path().join("earlier");
        if path.exists() {
            fs::rename(&path, &earlier)?;
        }
        if let Err(error) = fs::rename(folder.path(), &path) {
            fs::rename(&earlier, &path)?;
            return Err(error);
        }
        files::sync_folder(&path)
    }

    fn abandon(self: Box<Self>, _: &ScanSummary) -> io::Result<()> {
        Ok(())
    }
}

struct Sheet<R: 'static> {
    rows: csv::Writer<File>,
    columns: &'static [Column<R>],
}

impl<R> Sheet<R> {
    fn create(path: &Path, columns: &'static [Column<R>]) -> io::Result<Self> {
        let mut rows = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .buffer_capacity(64 * 1024)
            .from_writer(files::private().create_new(true).open(path)?);
        rows.write_record(columns.iter().map(|(heading, _)| heading))?;
        Ok(Self { rows, columns })
    }

    fn row(&mut self, record: &R) -> io::Result<()> {
        for (_, cell) in self.columns {
            self.rows.write_field(cell(record).unwrap_or_default().as_ref())?;
        }
        self.rows.write_record(None::<&[u8]>)?;
        Ok(())
    }

    fn finish(self) -> io::Result<()> {
        self.rows.into_inner().map_err(csv::IntoInnerError::into_error)?.sync_all()
    }
}

/// A text from the target: what a spreadsheet would run as a formula is made plain by a leading `'`.
fn text(text: &str) -> Cell<'_> {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    Some(if formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) })
}

/// A number, a truth value or a time.
fn shown(value: impl ToString) -> Cell<'static> {
    Some(Cow::Owned(value.to_string()))
}

/// A word of the contract, as in JSON.
fn word<T: Serialize>(value: &T) -> Cell<'static> {
    let value = serde_json::to_value(value).ok()?;
    Some(Cow::Owned(value.as_str()?.to_owned()))
}

/// A list as JSON; an empty one is an empty cell.
fn list<T: Serialize>(items: &[T]) -> Cell<'static> {
    if items.is_empty() { None } else { json(items) }
}

fn json<T: Serialize + ?Sized>(value: &T) -> Cell<'static> {
    Some(Cow::Owned(serde_json::to_string(value).ok()?))
}

fn check_replaceable(path: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(_) if path.is_file() => {
            return Err(io::Error::new(io::ErrorKind::NotADirectory, "is a file, and a folder is needed"));
        }
        Err(error) => return Err(error),
    };
    for entry in entries {
        let name = entry?.file_name();
        if !FILES.iter().any(|file| name == *file) {
            return Err(io::Error::new(
                io::ErrorKind::DirectoryNotEmpty,
                format!("holds {}, which is not of an earlier scan", name.display()),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_formula_becomes_text_and_a_number_stays() {
        for (cell, expected) in [
            ("=1+1", "'=1+1"),
            ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("-12.5", "-12.5"),
            ("+49", "+49"),
            ("plain", "plain"),
            ("", ""),
        ] {
            assert_eq!(text(cell).unwrap(), expected);
        }
    }
}
