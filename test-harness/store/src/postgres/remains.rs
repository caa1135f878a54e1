//! Clears the server's files of what was removed.

use std::time::{Duration, Instant};

use connector_api::{ConnectorError, Retry};

use crate::database::Connection;
use crate::maintenance::REMAINS;

/// How long transactions of others may go on that could still read what was removed.
const READERS: Duration = Duration::from_secs(5);
const READERS_AGAIN: Duration = Duration::from_millis(50);

/// Those who could still read it: their snapshot is as old as the transaction that removed it, or an older transaction runs
/// somewhere on the server, which every new snapshot allows for. `?1` is the mark of that transaction.
const HOLDERS: &str = "with removed as (select age(xmin) as age from counter where name = cast(?1 as text)) \
    select 'process ' || a.pid || coalesce(' of user ' || a.usename, '') || coalesce(', ' || nullif(a.application_name, ''), '') \
    from pg_stat_activity a, removed r where a.pid <> pg_backend_pid() and (age(a.backend_xid) >= r.age \
    or (age(a.backend_xmin) >= r.age and (a.datname is null or a.datname = current_database()))) \
    union all select 'the replication slot ' || s.slot_name from pg_replication_slots s, removed r where age(s.xmin) >= r.age \
    union all select 'the prepared transaction ' || p.gid from pg_prepared_xacts p, removed r \
    where age(p.transaction) >= r.age order by 1 limit 1";

/// The tables named in `?1`: as SQL, where their rows are, and whether the user may vacuum them.
const TABLES: &str = "select format('%I.%I', n.nspname, c.relname), cast(pg_relation_filenode(c.oid) as bigint), \
    pg_has_role(c.relowner, 'usage') or pg_has_role(d.datdba, 'usage') \
    or case when cast(current_setting('server_version_num') as integer) >= 170000 \
    then has_table_privilege(c.oid, 'maintain') else false end, cast(current_user as text) \
    from unnest(string_to_array(cast(?1 as text), ',')) name join pg_class c on c.oid = to_regclass(name) \
    join pg_namespace n on n.oid = c.relnamespace join pg_database d on d.datname = current_database() order by 1";

/// A table of the store, and the file with its rows.
struct Files {
    /// With its schema, as SQL.
    table: String,
    /// The number of the file.
    node: Option<i64>,
    may_vacuum: bool,
    /// Who is asking.
    user: String,
}

/// Refuses a user who may not clear all tables.
pub(super) fn check(db: &mut dyn Connection) -> Result<(), ConnectorError> {
    match tables(db)?.into_iter().find(|table| !table.may_vacuum) {
        None => Ok(()),
        Some(Files { table, user, .. }) => Err(ConnectorError::sink(
            format!("the database user {user} may not clear the table {table} of what is removed from it"),
            "run the same command as the user who owns the tables of the store",
        )),
    }
}

/// Clears all tables of what was removed.
pub(super) fn clear(db: &mut dyn Connection) -> Result<(), ConnectorError> {
    check(db)?;
    // Once they have ended, nobody else can begin to read it.
    wait_for_readers(db)?;
    let before = tables(db)?;
    // One after the other, outside of a transaction.
    for Files { table, .. } in &before {
        db.script(&format!("vacuum (full, analyze) {table}"))?;
    }
    // What the server leaves out is only a warning.
    let after = tables(db)?;
    match before.iter().find(|table| after.iter().any(|other| other.node == table.node)) {
        None => Ok(()),
        Some(Files { table, .. }) => Err(ConnectorError::sink(
            format!("the server did not write the table {table} anew"),
            "see the log of the server, then run the same command again",
        )),
    }
}

/// All tables of the store, wherever their names lead.
fn tables(db: &mut dyn Connection) -> Result<Vec<Files>, ConnectorError> {
    let names: Vec<&str> = crate::copy::TABLES.iter().map(|table| table.name).chain(["run_figures"]).collect();
    db.rows(TABLES, &[names.join(",").into()], |row| {
        let may_vacuum = row.boolean(2)? == Some(true);
        Ok(Files { table: row.word(0)?.to_owned(), node: row.integer(1)?, may_vacuum, user: row.word(3)?.to_owned() })
    })
}

/// Waits a moment for those who could still read what was removed.
fn wait_for_readers(db: &mut dyn Connection) -> Result<(), ConnectorError> {
    let begun = Instant::now();
    loop {
        let holder = db.first(HOLDERS, &[REMAINS.into()], |row| row.word(0).map(str::to_owned))?;
        match holder {
            None => return Ok(()),
            Some(holder) if begun.elapsed() > READERS => {
                let message = format!("{holder} can still read what was removed");
                return Err(ConnectorError::sink(message, "wait until it ends, then run the same command again")
                    .with_retry(Retry::Later));
            }
            Some(_) => std::thread::sleep(READERS_AGAIN),
        }
    }
}
