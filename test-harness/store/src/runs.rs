//! The list of runs.

use connector_api::{Access, ConnectorError, Descriptor, ErrorCode, Field, Outcome, ScanSummary};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::database::{Connection, Row, Value};
use crate::kinds::KINDS;
use crate::publish::{Changes, Removal};
use crate::scan::{System, now};
use crate::tables::{OF_DIFFERENCES, OF_RUNS};

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunState {
    /// It is running, or was interrupted.
    Staging,
    /// Its rows were taken over.
    Published,
    /// It would remove too much, and waits for somebody to accept it.
    Held,
    /// The scan failed.
    Failed,
    /// Its rows were dropped.
    Discarded,
}

impl RunState {
    /// Every state.
    pub const ALL: &[Self] = &[Self::Staging, Self::Published, Self::Held, Self::Failed, Self::Discarded];

    /// Returns its word, as in the table `run`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Published => "published",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Discarded => "discarded",
        }
    }
}

/// One run of the list.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Run {
    /// Its number, unique in the store. Of two runs of a system, the later has the higher number.
    pub id: i64,
    /// What became of it.
    pub state: RunState,
    /// How often it was started: 1, and one more for each time that it was resumed.
    pub attempt: i64,
    /// When it started, UTC.
    pub started_at: Timestamp,
    /// When it ended, UTC.
    pub ended_at: Option<Timestamp>,
    /// The scan's summary, once it has one.
    pub summary: Option<ScanSummary>,
    /// How many rows are new, changed and gone, if it was published.
    pub changes: Option<Changes>,
    /// What it would remove, if it was held.
    pub removals: Vec<Removal>,
    /// Why it failed or was discarded.
    pub reason: Option<String>,
}

impl Run {
    /// Returns whether it ended because somebody cancelled it.
    pub fn is_cancelled(&self) -> bool {
        let error = self.summary.as_ref().and_then(|summary| summary.error.as_ref());
        self.state == RunState::Failed && error.is_some_and(|error| error.code == ErrorCode::Cancelled)
    }
}

/// What a connector says of its rows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Described {
    /// The fields that change by themselves.
    pub(crate) volatile: Vec<Field>,
    /// The accesses that rows may carry, weakest first.
    pub(crate) accesses: Vec<Access>,
}

impl Described {
    pub(crate) fn of(descriptor: &Descriptor) -> Self {
        Self { volatile: descriptor.volatile.clone(), accesses: descriptor.accesses.clone() }
    }
}

/// Returns what the connector said of the rows of a run.
pub(crate) fn described(db: &mut dyn Connection, run: i64) -> Result<Described, ConnectorError> {
    let sql = "select described from run where id = ?1";
    let described = db.first(sql, &[run.into()], |row| parsed(row.text(0)?))?;
    Ok(described.flatten().unwrap_or_default())
}

/// The columns of a run of the table `run`.
pub(crate) const RUN: [&str; 9] =
    ["id", "state", "attempt", "started_at", "ended_at", "summary", "changes", "removals", "reason"];

/// Returns the runs of a system, the latest first.
pub(crate) fn list(db: &mut dyn Connection, system: i64) -> Result<Vec<Run>, ConnectorError> {
    let columns = RUN.join(", ");
    let sql = format!("select {columns} from run where system = ?1 and state <> 'pruned' order by id desc");
    db.rows(&sql, &[system.into()], |row| read(row, 0))
}

/// Returns a run of a system, whatever became of it.
pub(crate) fn one(db: &mut dyn Connection, system: i64, run: i64) -> Result<Option<Run>, ConnectorError> {
    let columns = RUN.join(", ");
    let sql = format!("select {columns} from run where system = ?1 and id = ?2 and state <> 'pruned'");
    db.first(&sql, &[system.into(), run.into()], |row| read(row, 0))
}

/// Reads a run from the columns of [`RUN`].
pub(crate) fn read(row: &dyn Row, first: usize) -> Result<Run, ConnectorError> {
    let state = row.word(first + 1)?;
    let state = RunState::ALL.iter().find(|known| known.as_str() == state).copied();
    Ok(Run {
        id: row.number(first)?,
        state: state.ok_or_else(|| ConnectorError::internal("the store has a run in an unknown state"))?,
        attempt: row.number(first + 2)?,
        started_at: row.time(first + 3)?.unwrap_or_default(),
        ended_at: row.time(first + 4)?,
        summary: parsed(row.text(first + 5)?)?,
        changes: parsed(row.text(first + 6)?)?,
        removals: parsed(row.text(first + 7)?)?.unwrap_or_default(),
        reason: row.owned(first + 8)?,
    })
}

fn parsed<T: serde::de::DeserializeOwned>(json: Option<&str>) -> Result<Option<T>, ConnectorError> {
    let parsed = json.map(serde_json::from_str).transpose();
    parsed.map_err(|error| {
        ConnectorError::internal("the store has a run that this version cannot read").with_source(error)
    })
}

/// Returns something as the JSON that the list keeps.
pub(crate) fn json(what: &impl serde::Serialize) -> Result<Value, ConnectorError> {
    let json = serde_json::to_string(what);
    json.map(Value::from).map_err(|error| ConnectorError::internal("a run cannot be stored").with_source(error))
}

/// Ends a run in a state, with the scan's summary.
pub(crate) fn end(
    db: &mut dyn Connection,
    run: i64,
    state: &str,
    summary: &ScanSummary,
    reason: Value,
) -> Result<(), ConnectorError> {
    let sql = "update run set state = ?2, ended_at = ?3, outcome = ?4, summary = ?5, reason = ?6 where id = ?1";
    db.execute(sql, &[run.into(), state.into(), now(), outcome(summary), json(summary)?, reason])?;
    Ok(())
}

/// Ends a run as published, with what has changed.
pub(crate) fn publish(
    db: &mut dyn Connection,
    run: i64,
    summary: &ScanSummary,
    changes: &Changes,
) -> Result<(), ConnectorError> {
    let sql = "update run set state = 'published', ended_at = ?2, outcome = ?3, summary = ?4, changes = ?5, \
               removals = null, reason = null where id = ?1";
    db.execute(sql, &[run.into(), now(), outcome(summary), json(summary)?, json(changes)?])?;
    Ok(())
}

fn outcome(summary: &ScanSummary) -> Value {
    let outcome = match summary.outcome {
        Outcome::Complete => "complete",
        Outcome::Incomplete => "incomplete",
        _ => "failed",
    };
    outcome.into()
}

/// Ends a run whose rows are not wanted. They are cleared later.
pub(crate) fn discard(db: &mut dyn Connection, run: i64, reason: &str) -> Result<(), ConnectorError> {
    let sql = "update run set state = 'discarded', ended_at = ?2, reason = ?3 where id = ?1";
    db.execute(sql, &[run.into(), now(), reason.into()])?;
    Ok(())
}

/// Removes the differences of runs, which are prepared again when they are needed. `which` is the condition on their number,
/// with the parameter `?1`.
pub(crate) fn clear_difference(db: &mut dyn Connection, which: &str, parameter: i64) -> Result<(), ConnectorError> {
    for table in OF_DIFFERENCES {
        db.execute(&format!("delete from {table} where run {which}"), &[parameter.into()])?;
    }
    for kind in KINDS {
        let sql = format!("delete from {} where run {which} and layer = 1", kind.staged.name);
        db.execute(&sql, &[parameter.into()])?;
    }
    Ok(())
}

/// Removes the staged rows of a run that does not need them any more. If that fails, the next scan of the system does it:
/// it is no reason to report a run that ended as one that failed.
pub(crate) fn clear(db: &mut dyn Connection, system: &System, run: i64) {
    let _ = try_clear(db, system, run);
}

/// The same, but reports a failure. Whoever has taken the system over may need the rows, and clears them otherwise.
pub(crate) fn try_clear(db: &mut dyn Connection, system: &System, run: i64) -> Result<(), ConnectorError> {
    db.transaction(|db| {
        let lock = db.for_share();
        system.hold(db, lock)?;
        clear_rows(db, run)
    })
}

/// The same within the transaction of whoever holds the system.
pub(crate) fn clear_rows(db: &mut dyn Connection, run: i64) -> Result<(), ConnectorError> {
    db.delete_of_run(OF_RUNS, run)?;
    db.execute("update run set cleared = true where id = ?1", &[run.into()])?;
    Ok(())
}

/// Returns the runs of a system before `current` whose staged rows are there though nobody needs them.
pub(crate) fn with_remains(db: &mut dyn Connection, system: i64, current: i64) -> Result<Vec<i64>, ConnectorError> {
    let sql = "select id from run where system = ?1 and id < ?2 and state <> 'held' and not cleared";
    db.rows(sql, &[system.into(), current.into()], |row| row.number(0))
}
