//! Publishes a run: what it read replaces what stood, and everything else stays, as [`ScanSummary::replacement`] says.
//!
//! The difference is prepared first, in tables of its own and without holding up anybody. Then one short transaction closes
//! the versions that end and opens those that begin. Readers see the old state until it commits. It checks that the scan
//! still owns the system, and that nothing was published since the difference was made.

mod edges;
mod filled;
mod held;
mod kept;
mod names;
mod objects;
mod terms;

use std::collections::BTreeMap;

use connector_api::{Action, ConnectorError, Descriptor, Replacement, ScanSummary, SectionDescription};
use serde::{Deserialize, Serialize};

pub use self::held::{Hold, Removal};
use crate::body::VolatileFields;
use crate::database::{Connection, Value};
use crate::kinds::KINDS;
use crate::scan::System;
use crate::{migrate, runs};

/// How a scan ended in the store.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Ended {
    /// Its rows were taken over.
    Published {
        /// The run.
        run: i64,
        /// How many rows are new, changed and gone.
        changes: Changes,
    },
    /// It would remove too much: nothing has changed until somebody accepts it.
    Held {
        /// The run.
        run: i64,
        /// What it would remove, by section.
        removals: Vec<Removal>,
    },
    /// The scan failed: nothing has changed but the list of runs.
    Failed {
        /// The run.
        run: i64,
        /// Whether the next scan of the system goes on from a checkpoint.
        can_resume: bool,
    },
}

/// How many rows a run added, changed and removed, by record kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Changes(pub BTreeMap<String, Counts>);

/// How many rows of one kind are new, changed and gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Rows that were not there.
    pub new: u64,
    /// Rows with another content.
    pub changed: u64,
    /// Rows that are no longer there.
    pub gone: u64,
}

/// A run to publish.
pub(crate) struct Publication<'a> {
    pub(crate) system: &'a System,
    pub(crate) run: i64,
    /// With its sections described.
    pub(crate) summary: &'a ScanSummary,
    pub(crate) fields: &'a VolatileFields,
}

/// How often the difference is made again because something else was published meanwhile.
const TRIES: usize = 5;

/// What the parts of a publication share.
struct Context<'a> {
    system: i64,
    run: i64,
    plan: &'a Replacement,
    fields: &'a VolatileFields,
}

/// A difference that is ready to be applied.
struct Prepared {
    /// The run that stood when the difference was made.
    base: Option<i64>,
    changes: Changes,
    edges: edges::Sources,
}

impl Publication<'_> {
    /// Publishes the run, unless it would remove more than `hold` allows.
    pub(crate) fn publish(&self, db: &mut dyn Connection, hold: Option<Hold>) -> Result<Ended, ConnectorError> {
        let plan = self.summary.replacement(&Descriptor::default());
        let context = Context { system: self.system.id, run: self.run, plan: &plan, fields: self.fields };
        for _ in 0..TRIES {
            let prepared = self.prepare(db, &context)?;
            if let Some(hold) = hold {
                let removals = held::removals(db, &context, self.summary, hold)?;
                if !removals.is_empty() {
                    self.keep_aside(db, &removals)?;
                    return Ok(Ended::Held { run: self.run, removals });
                }
            }
            let superseded = db.transaction(|db| self.commit(db, &context, &prepared))?;
            if let Some(superseded) = superseded {
                superseded.into_iter().chain([self.run]).for_each(|run| runs::clear(db, run));
                return Ok(Ended::Published { run: self.run, changes: prepared.changes });
            }
        }
        Err(ConnectorError::sink(
            format!("other runs of {} were published all the time", self.system.name),
            "run the same command again",
        ))
    }

    fn prepare(&self, db: &mut dyn Connection, context: &Context<'_>) -> Result<Prepared, ConnectorError> {
        let base = self.system.hold(db, "")?.published_run;
        if base.is_some_and(|base| base > self.run) {
            return Err(ConnectorError::invalid_config(
                format!("run {} of {} is older than the snapshot", self.run, self.system.name),
                "keep the snapshot: a later run was published",
            ));
        }
        db.transaction(|db| {
            // What an earlier try left.
            for table in ["delta_object", "delta_membership", "delta_membership_name", "delta_binding", "kept"] {
                db.execute(&format!("delete from {table} where run = ?1"), &[self.run.into()])?;
            }
            for kind in KINDS {
                let sql = format!("delete from {} where run = ?1 and layer = 1", kind.staged.name);
                db.execute(&sql, &[self.run.into()])?;
            }
            Ok(())
        })?;
        let mut changes = Changes::default();
        for kind in KINDS {
            let counts = objects::Difference::new(context, kind).prepare(db)?;
            changes.0.insert(kind.word.to_owned(), counts);
        }
        kept::prepare(db, context)?;
        let edges = edges::prepare(db, context, &mut changes)?;
        names::prepare(db, context)?;
        changes.0.retain(|_, counts| *counts != Counts::default());
        Ok(Prepared { base, changes, edges })
    }

    /// Applies the difference. Returns the held runs that it makes obsolete, or `None` if the difference does not fit any
    /// more.
    fn commit(
        &self,
        db: &mut dyn Connection,
        context: &Context<'_>,
        prepared: &Prepared,
    ) -> Result<Option<Vec<i64>>, ConnectorError> {
        migrate::verify(db)?;
        let lock = db.for_update();
        if self.system.hold(db, lock)?.published_run != prepared.base {
            return Ok(None);
        }
        let state = db.first("select state from run where id = ?1", &[self.run.into()], |row| row.owned(0))?.flatten();
        if !matches!(state.as_deref(), Some("staging" | "held")) {
            return Err(ConnectorError::sink(
                format!("run {} of {} was ended by somebody else", self.run, self.system.name),
                "see `harness history` for what became of it",
            ));
        }
        objects::apply(db, context)?;
        prepared.edges.apply(db, context)?;
        names::apply(db, context)?;
        self.section_states(db, context, prepared.base)?;
        runs::end(db, self.run, "published", self.summary, Value::Null)?;
        let changes = runs::json(&prepared.changes)?;
        db.execute("update run set changes = ?2, removals = null where id = ?1", &[self.run.into(), changes])?;
        db.execute("update system set published_run = ?2 where id = ?1", &[self.system.id.into(), self.run.into()])?;
        self.supersede(db).map(Some)
    }

    /// Ends the held runs before this one.
    fn supersede(&self, db: &mut dyn Connection) -> Result<Vec<i64>, ConnectorError> {
        let sql = "select id from run where system = ?1 and id < ?2 and state = 'held'";
        let held = db.rows(sql, &[self.system.id.into(), self.run.into()], |row| row.number(0))?;
        let reason = format!("run {} is later", self.run);
        held.iter().try_for_each(|run| runs::discard(db, *run, &reason))?;
        Ok(held)
    }

    fn keep_aside(&self, db: &mut dyn Connection, removals: &[Removal]) -> Result<(), ConnectorError> {
        let superseded = db.transaction(|db| {
            let lock = db.for_update();
            self.system.hold(db, lock)?;
            runs::end(db, self.run, "held", self.summary, Value::Null)?;
            let removals = runs::json(&removals)?;
            db.execute("update run set removals = ?2 where id = ?1", &[self.run.into(), removals])?;
            self.supersede(db)
        })?;
        superseded.into_iter().for_each(|run| runs::clear(db, run));
        Ok(())
    }

    /// Records how each section stands, and since when, except for those of grants, which are not stored.
    fn section_states(
        &self,
        db: &mut dyn Connection,
        context: &Context<'_>,
        base: Option<i64>,
    ) -> Result<(), ConnectorError> {
        let sql = "select section, as_of, as_of_run from section_state where run = ?1";
        let before =
            db.rows(sql, &[base.into()], |row| Ok((row.word(0)?.to_owned(), (row.time(1)?, row.integer(2)?))))?;
        let before: BTreeMap<String, _> = before.into_iter().collect();
        let is_kept_here = |described: &&SectionDescription| {
            described.owns.is_empty() || described.owns.iter().any(|rows| rows.record != "grant")
        };
        for described in self.summary.described.iter().filter(is_kept_here) {
            let section = described.section;
            let is_whole = !context.plan.kept_sections.contains(&section);
            let (as_of, as_of_run) = if is_whole {
                (Some(context.plan.as_of), Some(self.run))
            } else {
                before.get(section.as_str()).copied().unwrap_or_default()
            };
            let status = self.summary.section(section).map(|report| &report.status);
            let code = status.and_then(|status| status.error()).map(|error| error.code.as_str());
            let in_part = context.plan.kept_in_part.contains(&section);
            let sql = "insert into section_state (run, section, status, code, as_of, as_of_run, in_part) \
                       values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let status = status.map_or("unreported", |status| status.as_str());
            let parameters: [Value; 7] = [
                self.run.into(),
                section.as_str().into(),
                status.into(),
                code.into(),
                as_of.into(),
                as_of_run.into(),
                in_part.into(),
            ];
            db.execute(sql, &parameters)?;
        }
        // The rows of a section that the connector no longer has stay, as old as they were.
        let of_others = "insert into section_state (run, section, status, code, as_of, as_of_run, in_part) \
                         select ?2, b.section, 'unreported', null, b.as_of, b.as_of_run, b.in_part from section_state b \
                         where b.run = ?1 and not exists (\
                         select 1 from section_state s where s.run = ?2 and s.section = b.section)";
        db.execute(of_others, &[base.into(), self.run.into()])?;
        Ok(())
    }
}

impl Context<'_> {
    /// Whether rows of a type are kept.
    fn keeps(&self, kind: &str, row_type: &str) -> bool {
        self.plan.of_rows(&connector_api::RowType::new(kind, row_type)) == Action::Keep
    }
}
