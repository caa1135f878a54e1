//! SQLite, in a file or in memory.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use connector_api::{ConnectorError, Retry};
use jiff::Timestamp;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, OpenFlags};

use crate::database::{Connection, Each, Row, Table, Value};
use crate::identity::{self, Identity};
use crate::migrate;

/// Marks a file as a store: the letters `OrID`.
const APPLICATION: i64 = 0x4f72_4944;

/// How long a write waits for another program's: longer than the longest publication.
const BUSY: Duration = Duration::from_secs(300);

/// Statements that stay prepared.
const STATEMENTS: usize = 64;

const MIGRATIONS: &[(&str, &str)] = &[
    ("history", include_str!("../migrations/sqlite/0001_history.sql")),
    (
        "views",
        concat!(
            include_str!("../migrations/sqlite/0002_views.sql"),
            include_str!("../migrations/sqlite/0002_views_of_change_and_access.sql")
        ),
    ),
    ("exceptions", include_str!("../migrations/sqlite/0003_exceptions.sql")),
    (
        "rows sent twice, exceptions by whom, access with state",
        concat!(
            include_str!("../migrations/sqlite/0004_rows_sent_twice.sql"),
            include_str!("../migrations/sqlite/0004_exceptions_by_whom.sql"),
            include_str!("../migrations/sqlite/0004_access_with_state.sql")
        ),
    ),
    ("pages", include_str!("../migrations/sqlite/0005_pages.sql")),
    ("checkpoint pieces", include_str!("../migrations/sqlite/0006_checkpoint_pieces.sql")),
    ("raising accounts", include_str!("../migrations/sqlite/0007_raising_accounts.sql")),
    ("linked accounts", include_str!("../migrations/sqlite/0008_linked_accounts.sql")),
    ("expected rows", include_str!("../migrations/sqlite/0009_expected_rows.sql")),
];

pub(crate) struct Sqlite {
    connection: rusqlite::Connection,
    /// `None` in memory.
    path: Option<PathBuf>,
    /// Which file it is. `None` in memory.
    identity: Option<Identity>,
    reserved: BTreeMap<i64, File>,
}

impl Sqlite {
    /// Opens the file, or creates it for its owner alone.
    pub(crate) fn open(path: &Path) -> Result<Self, ConnectorError> {
        if path == Path::new(":memory:") {
            return Err(ConnectorError::invalid_config(
                "the store :memory: would be lost with this program",
                "name a file: what is scanned without --store is not kept at all",
            ));
        }
        check_path(path)?;
        create(path)?;
        Self::open_file(path, |store| store.claim(path))
    }

    /// Opens a file that was open before, and creates none.
    pub(crate) fn open_again(path: &Path) -> Result<Self, ConnectorError> {
        check_path(path)?;
        if !path.exists() {
            return Err(identity::gone(path));
        }
        Self::open_file(path, |store| store.claim(path))
    }

    /// Opens the file of a store to read it: neither creates nor marks one.
    pub(crate) fn open_existing(path: &Path) -> Result<Self, ConnectorError> {
        check_path(path)?;
        if !path.exists() {
            return Err(ConnectorError::invalid_config(
                format!("the store {} does not exist", path.display()),
                "check its path; a scan with --store creates a store",
            ));
        }
        Self::open_file(path, |store| match store.is_marked(path)? {
            true => check_private(path),
            // An empty file is an empty store.
            false if store.number("schema_version")? == 0 => check_private(path).and(Err(migrate::is_empty())),
            false => Err(foreign(path)),
        })
    }

    fn open_file(path: &Path, check: impl FnOnce(&Self) -> Result<(), ConnectorError>) -> Result<Self, ConnectorError> {
        // Before and after it is opened: it is the same file.
        let identity = Identity::of(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(path, flags).map_err(|error| failure(&error))?;
        // Of one name for all, however the file is reached: the locks are next to it.
        let whole = path.canonicalize().map_err(|error| {
            ConnectorError::sink(format!("the store {} cannot be found: {error}", path.display()), "check its folder")
        })?;
        let store = Self { connection, path: Some(whole), identity: Some(identity), reserved: BTreeMap::new() };
        store.connection.busy_timeout(BUSY).map_err(|error| failure(&error))?;
        check(&store)?;
        // With WAL, readers see the old state while a run is published, and a commit is one write.
        store.log_ahead()?;
        store.pragma("synchronous = full")?;
        store.check_in_place()?;
        store.set_up()
    }

    /// Creates a store in memory. What does not fit in the cache goes to a temporary file that has no name and no other reader.
    pub(crate) fn in_memory() -> Result<Self, ConnectorError> {
        let connection = rusqlite::Connection::open("").map_err(|error| failure(&error))?;
        Self { connection, path: None, identity: None, reserved: BTreeMap::new() }.set_up()
    }

    fn check_in_place(&self) -> Result<(), ConnectorError> {
        self.identity.as_ref().map_or(Ok(()), Identity::check)
    }

    fn set_up(self) -> Result<Self, ConnectorError> {
        self.connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // 16 MiB.
        self.pragma("cache_size = -16384")?;
        Ok(self)
    }

    /// Refuses a database of another program, and marks a new one.
    fn claim(&self, path: &Path) -> Result<(), ConnectorError> {
        if self.is_marked(path)? {
            return check_private(path);
        }
        // Another program may be marking the file at the same time.
        self.connection.execute_batch("begin immediate").map_err(|error| failure(&error))?;
        let marked = match (self.number("application_id")?, self.number("schema_version")?) {
            (APPLICATION, _) => check_private(path),
            (0, 0) => check_private(path).and_then(|()| self.pragma(&format!("application_id = {APPLICATION}"))),
            _ => Err(foreign(path)),
        };
        let end = if marked.is_ok() { "commit" } else { "rollback" };
        self.connection.execute_batch(end).map_err(|error| failure(&error)).and(marked)
    }

    /// Whether the file is marked as a store. Refuses what is no database at all.
    fn is_marked(&self, path: &Path) -> Result<bool, ConnectorError> {
        let marked = self.connection.query_row("pragma application_id", [], |row| row.get::<_, i64>(0));
        let marked = marked.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => foreign(path),
            _ => failure(&error),
        })?;
        Ok(marked == APPLICATION)
    }

    fn number(&self, pragma: &str) -> Result<i64, ConnectorError> {
        let number = self.connection.query_row(&format!("pragma {pragma}"), [], |row| row.get(0));
        number.map_err(|error| failure(&error))
    }

    /// Has changes logged before they reach the file.
    fn log_ahead(&self) -> Result<(), ConnectorError> {
        let mode = self.connection.query_row("pragma journal_mode = wal", [], |row| row.get::<_, String>(0));
        match mode.map_err(|error| failure(&error))?.as_str() {
            "wal" => Ok(()),
            mode => Err(ConnectorError::sink(
                format!("the store cannot be read while it is written there: its journal is {mode}, not wal"),
                "choose a folder on a local disk",
            )),
        }
    }

    fn pragma(&self, setting: &str) -> Result<(), ConnectorError> {
        self.connection.execute_batch(&format!("pragma {setting}")).map_err(|error| failure(&error))
    }
}

fn foreign(path: &Path) -> ConnectorError {
    ConnectorError::invalid_config(
        format!("{} is a file of another program, not a store", path.display()),
        "choose another file for the store: a new one, or one that a scan with --store made",
    )
}

/// Creates a file that only its owner can read, unless it exists. The files that SQLite puts next to it are as private.
fn create(path: &Path) -> Result<(), ConnectorError> {
    match private().create_new(true).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(ConnectorError::invalid_config(
            format!("the store {} cannot be created: {error}", path.display()),
            "choose a file in a folder that exists and that this user can write to",
        )),
        _ => Ok(()),
    }
}

/// Refuses a file that other users can read or write.
fn check_private(path: &Path) -> Result<(), ConnectorError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
        if mode & 0o077 != 0 {
            return Err(ConnectorError::invalid_config(
                format!("other users can read or write the store {}", path.display()),
                format!("run: chmod 600 {}", path.display()),
            ));
        }
    }
    Ok(())
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

impl Connection for Sqlite {
    fn migrations(&self) -> &'static [(&'static str, &'static str)] {
        MIGRATIONS
    }

    fn for_update(&self) -> &'static str {
        // A transaction that is going to write owns the whole file.
        ""
    }

    fn order_of_bytes(&self) -> [&'static str; 2] {
        [">=", "<"]
    }

    fn for_share(&self) -> &'static str {
        ""
    }

    fn among(&self, parameter: &str) -> String {
        format!("in (select value from json_each('[' || {parameter} || ']'))")
    }

    fn among_texts(&self, parameter: &str) -> String {
        format!("in (select value from json_each({parameter}))")
    }

    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, ConnectorError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(|error| failure(&error))?;
        let changed = statement.execute(rusqlite::params_from_iter(parameters)).map_err(|error| failure(&error))?;
        Ok(changed as u64)
    }

    fn query(&mut self, sql: &str, parameters: &[Value], each: Each<'_>) -> Result<(), ConnectorError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(|error| failure(&error))?;
        let mut rows = statement.query(rusqlite::params_from_iter(parameters)).map_err(|error| failure(&error))?;
        while let Some(row) = rows.next().map_err(|error| failure(&error))? {
            each(row)?;
        }
        Ok(())
    }

    fn insert(&mut self, table: Table, values: &[Value]) -> Result<(), ConnectorError> {
        let places: Vec<String> = (1..=table.columns.len()).map(|place| format!("?{place}")).collect();
        let sql = format!("insert into {} ({}) values ({})", table.name, table.names(), places.join(", "));
        let mut statement = self.connection.prepare_cached(&sql).map_err(|error| failure(&error))?;
        for row in values.chunks_exact(table.columns.len()) {
            statement.execute(rusqlite::params_from_iter(row)).map_err(|error| failure(&error))?;
        }
        Ok(())
    }

    fn script(&mut self, sql: &str) -> Result<(), ConnectorError> {
        self.connection.execute_batch(sql).map_err(|error| failure(&error))
    }

    fn is_in_place(&self) -> bool {
        self.identity.as_ref().is_none_or(Identity::is_in_place)
    }

    fn begin(&mut self) -> Result<(), ConnectorError> {
        self.check_in_place()?;
        self.script("begin immediate")
    }

    fn begin_reading(&mut self) -> Result<(), ConnectorError> {
        self.script("begin")
    }

    fn own_schema(&mut self) -> Result<(), ConnectorError> {
        Ok(())
    }

    fn has_table(&mut self, name: &str) -> Result<bool, ConnectorError> {
        self.connection.table_exists(None, name).map_err(|error| failure(&error))
    }

    fn reserve(&mut self, system: i64) -> Result<bool, ConnectorError> {
        let Some(path) = &self.path else { return Ok(true) };
        if self.reserved.contains_key(&system) {
            return Ok(true);
        }
        let mut name = path.clone().into_os_string();
        name.push(format!(".scan-{system}"));
        let cannot_lock = |error: io::Error| {
            let message = format!("the file {} cannot be locked: {error}", Path::new(&name).display());
            ConnectorError::sink(message, "allow this user to write to the folder of the store")
        };
        // The file stays: if it were removed, two scans could have one of that name each.
        let file = private().create(true).truncate(false).open(&name).map_err(cannot_lock)?;
        match file.try_lock() {
            Ok(()) => {
                self.reserved.insert(system, file);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(cannot_lock(error)),
        }
    }

    fn release(&mut self, system: i64) -> Result<(), ConnectorError> {
        // The lock ends with the handle of its file.
        self.reserved.remove(&system);
        Ok(())
    }

    fn reconnect(&mut self) -> Result<(), ConnectorError> {
        // Nothing can be lost on the way to a file. What a transaction that is still open has written is not done.
        if self.connection.is_autocommit() { Ok(()) } else { self.script("rollback") }
    }

    fn check_can_scrub(&mut self) -> Result<(), ConnectorError> {
        Ok(())
    }

    fn scrub(&mut self) -> Result<(), ConnectorError> {
        // Into a new file without free pages, and then no log either.
        self.script("vacuum")?;
        let is_busy =
            (self as &mut dyn Connection).first("pragma wal_checkpoint(truncate)", &[], |row| row.number(0))?;
        if is_busy.is_some_and(|busy| busy > 0) {
            let message = "another program is reading the store";
            return Err(ConnectorError::sink(message, "wait until it ends, then run the same command again"));
        }
        Ok(())
    }

    fn delete_of_run(&mut self, tables: &[&str], run: i64) -> Result<(), ConnectorError> {
        tables
            .iter()
            .try_for_each(|table| self.execute(&format!("delete from {table} where run = ?1"), &[run.into()]).map(drop))
    }

    /// Every statement is planned without looking at its parameters.
    fn expect_many(&mut self, _: bool) -> Result<(), ConnectorError> {
        Ok(())
    }

    fn analyze(&mut self, _: &[&str]) -> Result<(), ConnectorError> {
        Ok(())
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Integer(value) => (*value).into(),
            Self::Boolean(value) => i64::from(*value).into(),
            Self::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Self::Bytes(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
            // Of one length, so that the order of texts is that of times.
            Self::Time(value) => value.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string().into(),
        })
    }
}

impl Row for rusqlite::Row<'_> {
    fn integer(&self, column: usize) -> Result<Option<i64>, ConnectorError> {
        self.get(column).map_err(|error| failure(&error))
    }

    fn boolean(&self, column: usize) -> Result<Option<bool>, ConnectorError> {
        self.get(column).map_err(|error| failure(&error))
    }

    fn text(&self, column: usize) -> Result<Option<&str>, ConnectorError> {
        let value = self.get_ref(column).map_err(|error| failure(&error))?;
        value.as_str_or_null().map_err(|error| failure(&error.into()))
    }

    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, ConnectorError> {
        let value = self.get_ref(column).map_err(|error| failure(&error))?;
        value.as_blob_or_null().map_err(|error| failure(&error.into()))
    }

    fn time(&self, column: usize) -> Result<Option<Timestamp>, ConnectorError> {
        let Some(text) = self.text(column)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| ConnectorError::internal("the store contains a malformed time"))
    }
}

/// Refuses what cannot be the file of a store, before anything is created.
fn check_path(path: &Path) -> Result<(), ConnectorError> {
    let refused = |what: &str, remedy: &str| {
        Err(ConnectorError::invalid_config(format!("the store {} is {what}", path.display()), remedy))
    };
    // SQLite would take the rest for the name, and find no such file.
    if path.to_string_lossy().starts_with("file:") {
        return refused("a URI, not a file", "write the path alone: sqlite:FILE");
    }
    if path.is_dir() {
        return refused("a folder, not a file", "name a file in it");
    }
    if path.is_symlink() && !path.exists() {
        return refused("a link to a file that does not exist", "name the file itself, or correct the link");
    }
    Ok(())
}

/// What a failure means for the operator.
fn failure(error: &rusqlite::Error) -> ConnectorError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => ConnectorError::sink(
            "no space is left for the store",
            "free some space, then run the same command again; the last snapshot is unchanged",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ConnectorError::sink(
            format!("another program has been writing to the store for {} s", BUSY.as_secs()),
            "wait until it ends, then run the same command again",
        )
        .with_retry(Retry::Later),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => ConnectorError::sink(
            "the store cannot be written",
            "allow this user to write to its file and folder, or use a copy of the file in a folder of this user",
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ConnectorError::sink(
            "the file of the store is damaged",
            "check the disk, then restore the file from a backup, or scan into a new one",
        ),
        Some(ErrorCode::SystemIoFailure) => {
            ConnectorError::sink(format!("the store cannot be read or written: {error}"), "check its file system")
        }
        _ => ConnectorError::internal(format!("SQLite: {error}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_cannot_be_a_store_is_refused_and_nothing_is_created() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| match Sqlite::open(path) {
            Ok(_) => panic!("{} is taken", path.display()),
            Err(error) => error.message,
        };
        assert!(refused(folder.path()).contains("a folder"));
        assert!(refused(Path::new("file:kept.db")).contains("a URI"));
        assert!(!Path::new("file:kept.db").exists());
        #[cfg(unix)]
        {
            let link = folder.path().join("link.db");
            std::os::unix::fs::symlink(folder.path().join("missing.db"), &link).unwrap();
            assert!(refused(&link).contains("a link"));
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }
}
