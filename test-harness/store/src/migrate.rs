//! Brings the tables of a store up to date.

use connector_api::ConnectorError;

use crate::database::Connection;
use crate::scan::now;

/// Creates the tables, or adds what this version needs.
///
/// # Errors
/// `invalid_config` for a store of a later version.
pub(crate) fn migrate(db: &mut dyn Connection) -> Result<(), ConnectorError> {
    let migrations = db.migrations();
    if version(db)? == Some(migrations.len()) {
        return Ok(());
    }
    db.transaction(|db| {
        db.own_schema()?;
        // Another program may have done it meanwhile.
        let done = version(db)?.unwrap_or_default();
        db.script("create table if not exists migration (version integer primary key, name text not null, at text)")?;
        for (at, (name, script)) in migrations.iter().enumerate().skip(done) {
            db.script(script)?;
            let sql = "insert into migration (version, name, at) values (?1, ?2, cast(?3 as text))";
            db.execute(sql, &[(at as i64 + 1).into(), (*name).into(), now()])?;
        }
        Ok(())
    })
}

/// Refuses a store whose tables are not those of this version, and changes nothing.
///
/// # Errors
/// `invalid_config`, with who can bring it up to date.
pub(crate) fn check(db: &mut dyn Connection) -> Result<(), ConnectorError> {
    let known = db.migrations().len();
    match version(db)? {
        Some(version) if version == known => Ok(()),
        Some(version) => Err(ConnectorError::invalid_config(
            format!("the store has version {version}, and this program reads version {known}"),
            "bring it up to date first: the next `harness scan --store` into it does so",
        )),
        None => Err(is_empty()),
    }
}

/// The error of a store without tables that was opened to read.
pub(crate) fn is_empty() -> ConnectorError {
    ConnectorError::invalid_config("the store is empty", "keep a scan in it first, with `harness scan --store URL`")
}

/// Refuses a store that a later version has changed meanwhile.
pub(crate) fn verify(db: &mut dyn Connection) -> Result<(), ConnectorError> {
    last(db).map(drop)
}

/// Whether a store that was open for a while still has the tables of this version, and answers.
pub(crate) fn is_current(db: &mut dyn Connection) -> bool {
    last(db).is_ok_and(|version| version == db.migrations().len())
}

/// Returns the version of the tables, or `None` if there are none.
fn version(db: &mut dyn Connection) -> Result<Option<usize>, ConnectorError> {
    if !db.has_table("migration")? {
        return Ok(None);
    }
    if !db.has_table("counter")? {
        return Err(ConnectorError::invalid_config(
            "the database has a table `migration` of another program",
            "use a database or a schema for the store alone",
        ));
    }
    last(db).map(Some)
}

/// Returns the version of tables that are there.
fn last(db: &mut dyn Connection) -> Result<usize, ConnectorError> {
    let known = db.migrations().len();
    let version = db.first("select max(version) from migration", &[], |row| row.integer(0))?.flatten().unwrap_or(0);
    match usize::try_from(version) {
        Ok(version) if version <= known => Ok(version),
        _ => Err(ConnectorError::invalid_config(
            format!("the store has version {version}, and this program knows versions up to {known}"),
            "use the program that made it, or a later one",
        )),
    }
}
