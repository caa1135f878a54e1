//! Removes old runs, and what stood only after these.

use connector_api::ConnectorError;
use jiff::Timestamp;

use crate::database::Connection;
use crate::scan;
use crate::tables::{OF_RUNS, VERSIONS};

/// What was removed with old runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// Runs of every state.
    pub runs: u64,
    /// Versions of rows.
    pub versions: u64,
    /// The oldest published run that stays; `None` if nothing was published by then, and so nothing removed.
    pub oldest: Option<i64>,
    /// Published runs that start in the future, by this machine's clock: it is wrong, or that of the scan was.
    pub in_future: u64,
}

pub(super) fn prune(db: &mut dyn Connection, system: i64, older_than: Timestamp) -> Result<Pruned, ConnectorError> {
    let of_system = "from run r where r.system = ?1 and r.state = 'published'";
    let sql = format!("select count(*) {of_system} and r.started_at > ?2");
    let in_future = db.first(&sql, &[system.into(), scan::now()], |row| row.number(0))?.unwrap_or_default();
    let sql = format!(
        "select max(r.id) {of_system} and r.started_at <= ?2 and not exists (select 1 from run y where y.system = ?1 \
         and y.state = 'published' and y.id < r.id and y.started_at > ?2 and y.started_at <= ?3)"
    );
    let oldest = db.first(&sql, &[system.into(), older_than.into(), scan::now()], |row| row.integer(0))?.flatten();
    let mut pruned = Pruned { oldest, in_future: in_future.unsigned_abs(), ..Pruned::default() };
    let Some(keep) = oldest else { return Ok(pruned) };
    let before = [system.into(), keep.into()];
    let sql = "select count(*) from run where system = ?1 and id < ?2 and state <> 'pruned'";
    pruned.runs = db.first(sql, &before, |row| row.number(0))?.unwrap_or_default().unsigned_abs();
    let old = "(select id from run where system = ?1 and id < ?2)";
    for table in OF_RUNS.iter().chain(&["section_state", "run_figures"]) {
        db.execute(&format!("delete from {table} where run in {old}"), &before)?;
    }
    for table in VERSIONS {
        pruned.versions += db.execute(&format!("delete from {table} where system = ?1 and to_run <= ?2"), &before)?;
    }
    // Rows that stand since one of these runs say since when: its start is all that they need.
    let since: Vec<String> =
        VERSIONS.iter().map(|table| format!("select from_run from {table} where system = ?1")).collect();
    let since = since.join(" union ");
    db.execute(&format!("delete from run where system = ?1 and id < ?2 and id not in ({since})"), &before)?;
    let sql = "update run set state = 'pruned', described = '{}', outcome = null, summary = null, changes = null, \
               removals = null, reason = null, cleared = true where system = ?1 and id < ?2";
    db.execute(sql, &before)?;
    db.execute("update system set oldest_run = ?2 where id = ?1", &before)?;
    unreferenced(db, system)?;
    Ok(pruned)
}

/// Removes objects, ways and terms that no row refers to.
fn unreferenced(db: &mut dyn Connection, system: i64) -> Result<(), ConnectorError> {
    let open = "(select id from run where system = ?1 and not cleared)";
    let mut free = String::new();
    for kind in ["account", "group", "resource", "policy"] {
        free += &format!(
            " and not exists (select 1 from {kind}_version v where v.object = o.id) and not exists (select 1 from \
             staged_{kind} v where v.run in {open} and v.layer in (0, 1) and v.object = o.id)"
        );
    }
    for (table, one, other) in [("membership", "group_id", "account_id"), ("binding", "from_id", "to_id")] {
        for end in [one, other] {
            free += &format!(
                " and not exists (select 1 from {table}_version v where v.system = ?1 and v.{end} = o.id) \
                 and not exists (select 1 from staged_{table} v where v.run in {open} and v.{end} = o.id)"
            );
        }
    }
    let sql =
        format!("delete from volatile_fields where object in (select o.id from object o where o.system = ?1{free})");
    db.execute(&sql, &[system.into()])?;
    db.execute(&format!("delete from object as o where o.system = ?1{free}"), &[system.into()])?;
    for (table, of, column) in [("via", "membership", "via"), ("terms", "binding", "terms")] {
        let sql = format!(
            "delete from {table} where system = ?1 and id not in (select {column} from {of}_version where system = ?1 \
             and {column} is not null union select {column} from staged_{of} where run in {open} and {column} is not null)"
        );
        db.execute(&sql, &[system.into()])?;
    }
    Ok(())
}
