//! Publishes a run: what it read replaces what stood, and everything else stays, as [`ScanSummary::replacement`] says.
//!
//! The difference is prepared first, in tables of its own and without holding up anybody. Then one short transaction closes
//! the versions that end and opens those that begin. Readers see the old state until it commits. It checks that the scan
//! still owns the system, that the difference is its own, and that nothing was published since it was made.
//!
//! Of a [small](at_once) run, all of it is one transaction.

mod at_once;
mod edges;
mod filled;
mod held;
mod kept;
mod names;
mod objects;
mod owned;
mod terms;

use std::collections::BTreeMap;

use connector_api::{
    Action, ConnectorError, Descriptor, Replacement, RowType, ScanSummary, Section, SectionDescription, SectionReport,
    SectionStatus,
};
use serde::{Deserialize, Serialize};

pub use self::held::{Hold, Removal};
use self::owned::{Owned, Turn};
use crate::body::VolatileFields;
use crate::database::{Connection, Value};
use crate::kinds::KINDS;
use crate::pages::keep_figures;
use crate::scan::{AtEnd, System};
use crate::tables::SECTION_STATE;
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
    /// Types that no section owns, whose rows are replaced as well.
    pub(crate) unowned: &'a [RowType],
    pub(crate) fields: &'a VolatileFields,
    pub(crate) at_end: &'a AtEnd,
}

/// How often the difference is made again because something else was published meanwhile.
const TRIES: usize = 5;

/// What the parts of a publication share.
#[derive(Clone, Copy)]
struct Context<'a> {
    system: i64,
    run: i64,
    /// The run that stands.
    base: Option<i64>,
    /// Whether the database plans well without being asked to count rows.
    is_small: bool,
    plan: &'a Replacement,
    fields: &'a VolatileFields,
}

/// A difference that is ready to be applied.
struct Prepared<'a> {
    turn: Turn<'a>,
    context: Context<'a>,
    changes: Changes,
    objects: objects::Prepared,
    edges: edges::Sources,
    /// Whether names of memberships begin or end.
    has_names: bool,
}

impl Publication<'_> {
    /// Publishes the run, unless it would remove more than `hold` allows.
    pub(crate) fn publish(&self, db: &mut dyn Connection, hold: Option<Hold>) -> Result<Ended, ConnectorError> {
        let plan = self.plan();
        db.expect_many(true)?;
        for _ in 0..TRIES {
            let prepared = self.prepare(db, &plan)?;
            if let Some(hold) = hold {
                let removals = prepared.removals(db, self.summary, hold)?;
                if !removals.is_empty() {
                    let kept_aside = db.decisive_transaction(
                        &format!("run {} of {} is held", self.run, self.system.name),
                        |db| if prepared.fits(db)? { self.keep_aside(db, &removals).map(Some) } else { Ok(None) },
                        |db, superseded| Ok(superseded.is_some() && self.is_now(db, "held")?),
                    );
                    let Some(superseded) = kept_aside? else { continue };
                    superseded.into_iter().for_each(|run| runs::clear(db, self.system, run));
                    return Ok(Ended::Held { run: self.run, removals });
                }
            }
            let committed = db.decisive_transaction(
                &format!("run {} of {} is published", self.run, self.system.name),
                |db| if prepared.fits(db)? { self.apply(db, &prepared).map(Some) } else { Ok(None) },
                |db, committed| Ok(committed.is_some() && self.is_now(db, "published")?),
            );
            if let Some((superseded, changes)) = committed? {
                // Pages count them if this fails, so it is no reason to report that the run was not published.
                let _ = keep_figures(db, self.system.id, self.run, prepared.context.base, &changes);
                superseded.into_iter().chain([self.run]).for_each(|run| runs::clear(db, self.system, run));
                return Ok(Ended::Published { run: self.run, changes });
            }
        }
        Err(ConnectorError::sink(
            format!("other runs of {} were published all the time", self.system.name),
            "run the same command again",
        ))
    }

    fn plan(&self) -> Replacement {
        let mut summary = self.summary.clone();
        if !self.unowned.is_empty() {
            let section = Section::of("unowned");
            let described = SectionDescription::new(section, "", "", "", "").owning(self.unowned.iter().cloned());
            summary.described.push(described);
            summary.sections.push(SectionReport::new(section, SectionStatus::Complete));
        }
        summary.replacement(&Descriptor::default())
    }

    /// Whether the run is in a state, once nobody else is changing it.
    fn is_now(&self, db: &mut dyn Connection, state: &str) -> Result<bool, ConnectorError> {
        let sql = format!("select state from run where id = ?1{}", db.for_update());
        Ok(db.first(&sql, &[self.run.into()], |row| Ok(row.word(0)? == state))? == Some(true))
    }

    fn prepare<'a>(&'a self, db: &mut dyn Connection, plan: &'a Replacement) -> Result<Prepared<'a>, ConnectorError> {
        let (turn, base) = db.transaction(|db| {
            let lock = db.for_share();
            self.begin(db, lock)
        })?;
        let context = self.context(plan, base, false);
        Self::difference(&mut Owned::new(db, turn), turn, context)
    }

    /// Begins a preparation, within a transaction, and returns the run that stands.
    fn begin(&self, db: &mut dyn Connection, lock: &str) -> Result<(Turn<'_>, Option<i64>), ConnectorError> {
        let base = self.system.hold(db, lock)?.published_run;
        if base.is_some_and(|base| base > self.run) {
            return Err(ConnectorError::invalid_config(
                format!("run {} of {} is older than the snapshot", self.run, self.system.name),
                "keep the snapshot: a later run was published",
            ));
        }
        let turn = Turn::begin(db, self.system, self.run)?;
        if !turn.is_first() {
            // What an earlier preparation left.
            runs::clear_difference(db, "= ?1", self.run)?;
        }
        Ok((turn, base))
    }

    fn context<'a>(&self, plan: &'a Replacement, base: Option<i64>, is_small: bool) -> Context<'a>
    where
        Self: 'a,
    {
        Context { system: self.system.id, run: self.run, base, is_small, plan, fields: self.fields }
    }

    /// Writes the difference with the connection of its turn.
    fn difference<'a>(
        db: &mut Owned<'_>,
        turn: Turn<'a>,
        context: Context<'a>,
    ) -> Result<Prepared<'a>, ConnectorError> {
        let mut changes = Changes::default();
        let objects = objects::prepare(db, &context, &mut changes)?;
        // Or the database expects no rows of this run, and looks through all of them for each.
        context.analyze(db, &["delta_object"])?;
        for kind in KINDS {
            context.analyze(db, &[&format!("{} (run, layer, object)", kind.staged.name)])?;
        }
        let kept = kept::prepare(db, &context)?;
        let edges = edges::prepare(db, &context, kept, &mut changes)?;
        let has_names = names::prepare(db, &context, kept)?;
        changes.0.retain(|_, counts| *counts != Counts::default());
        Ok(Prepared { turn, context, changes, objects, edges, has_names })
    }

    /// Applies the difference. Returns the held runs that it makes obsolete with what has changed.
    fn apply(&self, db: &mut dyn Connection, prepared: &Prepared<'_>) -> Result<(Vec<i64>, Changes), ConnectorError> {
        migrate::verify(db)?;
        let context = &prepared.context;
        objects::apply(db, context, &prepared.objects)?;
        let mut changes = prepared.changes.clone();
        prepared.edges.apply(db, context, &mut changes)?;
        if prepared.has_names {
            names::apply(db, context)?;
        }
        self.section_states(db, context)?;
        runs::publish(db, self.run, self.summary, &changes)?;
        db.execute("update system set published_run = ?2 where id = ?1", &[self.system.id.into(), self.run.into()])?;
        let superseded = self.supersede(db)?;
        self.at_end.check(db, "published", self.run)?;
        Ok((superseded, changes))
    }

    /// Ends the held runs before this one.
    fn supersede(&self, db: &mut dyn Connection) -> Result<Vec<i64>, ConnectorError> {
        let sql = "select id from run where system = ?1 and id < ?2 and state = 'held'";
        let held = db.rows(sql, &[self.system.id.into(), self.run.into()], |row| row.number(0))?;
        let reason = format!("run {} is later", self.run);
        held.iter().try_for_each(|run| runs::discard(db, *run, &reason))?;
        Ok(held)
    }

    /// Ends the run as one that is held. Returns the held runs that it makes obsolete.
    fn keep_aside(&self, db: &mut dyn Connection, removals: &[Removal]) -> Result<Vec<i64>, ConnectorError> {
        runs::end(db, self.run, "held", self.summary, Value::Null)?;
        let removals = runs::json(&removals)?;
        db.execute("update run set removals = ?2 where id = ?1", &[self.run.into(), removals])?;
        let superseded = self.supersede(db)?;
        self.at_end.check(db, "held", self.run)?;
        Ok(superseded)
    }

    /// Records how each section stands, and since when, except for those of grants, which are not stored.
    fn section_states(&self, db: &mut dyn Connection, context: &Context<'_>) -> Result<(), ConnectorError> {
        let mut before = BTreeMap::new();
        if let Some(base) = context.base {
            let sql = "select section, as_of, as_of_run from section_state where run = ?1";
            db.query(sql, &[base.into()], &mut |row| {
                before.insert(row.word(0)?.to_owned(), (row.time(1)?, row.integer(2)?));
                Ok(())
            })?;
        }
        let mut states: Vec<Value> = Vec::new();
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
            before.remove(section.as_str());
            let status = self.summary.section(section).map(|report| &report.status);
            let code = status.and_then(|status| status.error()).map(|error| error.code.as_str());
            let in_part = context.plan.kept_in_part.contains(&section);
            let status = status.map_or("unreported", |status| status.as_str());
            states.extend([self.run.into(), section.as_str().into(), status.into(), code.into()]);
            states.extend([as_of.into(), as_of_run.into(), in_part.into()]);
        }
        if !states.is_empty() {
            db.insert(SECTION_STATE, &states)?;
        }
        if before.is_empty() {
            return Ok(());
        }
        // The rows of a section that the connector no longer has stay, as old as they were.
        let of_others = "insert into section_state (run, section, status, code, as_of, as_of_run, in_part) \
                         select ?2, b.section, 'unreported', null, b.as_of, b.as_of_run, b.in_part from section_state b \
                         where b.run = ?1 and not exists (\
                         select 1 from section_state s where s.run = ?2 and s.section = b.section)";
        db.execute(of_others, &[context.base.into(), self.run.into()])?;
        Ok(())
    }
}

impl Prepared<'_> {
    /// Whether nothing was published since the difference was made. Fails if it is not the last one of the run.
    fn fits(&self, db: &mut dyn Connection) -> Result<bool, ConnectorError> {
        let lock = db.for_update();
        Ok(self.turn.hold(db, lock)?.published_run == self.context.base)
    }

    /// Returns the sections of which it would remove too much.
    fn removals(
        &self,
        db: &mut dyn Connection,
        summary: &ScanSummary,
        hold: Hold,
    ) -> Result<Vec<Removal>, ConnectorError> {
        let gone: u64 = self.changes.0.values().map(|counts| counts.gone).sum();
        if gone < hold.at_least {
            return Ok(Vec::new());
        }
        held::removals(db, &self.context, summary, hold)
    }
}

impl Context<'_> {
    /// Has the database count rows, unless they are so few that any plan does.
    fn analyze(&self, db: &mut dyn Connection, tables: &[&str]) -> Result<(), ConnectorError> {
        if self.is_small { Ok(()) } else { db.analyze(tables) }
    }

    /// Whether rows of a type are kept.
    fn keeps(&self, kind: &str, row_type: &str) -> bool {
        self.plan.of_rows(&RowType::new(kind, row_type)) == Action::Keep
    }
}
