//! One scan that is being kept: its rows are staged, then published in one step or discarded.

mod at_end;
mod begin;
mod pieces;
mod staging;

use connector_api::{Checkpoint, ConnectorError, Descriptor, Outcome, Record, Retry, RowType, ScanSummary};
use jiff::Timestamp;

pub(crate) use self::at_end::AtEnd;
pub use self::begin::{Fence, Start};
pub(crate) use self::begin::{removed, reserve};
use self::staging::Staging;
use crate::body::VolatileFields;
use crate::database::{Connection, Value};
use crate::publish::{self, Ended, Hold};
use crate::read::{self, EachRecord};
use crate::runs;
use crate::store::Store;

/// A scan whose rows go into the store.
///
/// Rows and checkpoints are staged: nobody sees them before [`publish`](Self::publish). If the process dies, the next scan
/// of the system goes on from the last checkpoint. Calls block: in async code, use a thread that may.
pub struct Scan {
    database: Box<dyn Connection>,
    system: System,
    run: i64,
    /// The number of what is written next: the rows of a later part came later.
    part: i64,
    descriptor: Descriptor,
    staging: Staging,
    resume: Option<Checkpoint>,
    /// Why the interrupted scan before this one was discarded.
    discarded: Option<String>,
    at_end: AtEnd,
    /// A checkpoint that is not stored yet, and the part with which the rows after it begin.
    deferred: Option<(Checkpoint, i64)>,
    /// Whether a grant came: see [`checkpoint`](Self::checkpoint).
    has_grants: bool,
    /// Why rows that were taken could not be written: the rest is not the whole scan.
    lost: Option<ConnectorError>,
}

/// In how many transactions a scan is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Steps {
    Several,
    OneIfSmall,
}

/// A system as the owner of its lease knows it.
#[derive(Debug, Clone)]
pub(crate) struct System {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) fence: i64,
}

/// The columns of a system's row that the owner of its lease checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) published_run: Option<i64>,
}

impl System {
    /// Makes sure, until the end of the transaction, that no other scan has taken the system over. `lock` is the suffix of
    /// the query.
    pub(crate) fn hold(&self, database: &mut dyn Connection, lock: &str) -> Result<Standing, ConnectorError> {
        let sql = format!("select fence, published_run from system where id = ?1{lock}");
        let row = database.first(&sql, &[self.id.into()], |row| Ok((row.number(0)?, row.integer(1)?)))?;
        match row {
            Some((fence, published_run)) if fence == self.fence => Ok(Standing { published_run }),
            Some(_) => Err(self.lost("another scan of it has started since")),
            None => Err(self.lost("it was removed from the store")),
        }
    }

    fn lost(&self, why: &str) -> ConnectorError {
        let message = format!("this scan of {} can no longer be kept: {why}", self.name);
        ConnectorError::sink(message, "see `harness history` for the scan that is kept").with_retry(Retry::Later)
    }
}

impl Scan {
    /// Returns the checkpoint to resume from, once.
    pub fn take_resume(&mut self) -> Option<Checkpoint> {
        self.resume.take()
    }

    /// Returns why the interrupted scan before this one was not continued although it has a checkpoint, such as changed settings:
    /// it is discarded. `None` if there was none, or if it was to be discarded.
    pub fn discarded(&self) -> Option<&str> {
        self.discarded.as_deref()
    }

    /// Returns the number of the run.
    pub fn run(&self) -> i64 {
        self.run
    }

    /// Passes on the rows that an interrupted scan has staged, in the order of their kinds.
    ///
    /// # Errors
    /// `sink` if the store cannot be read, and any error of `each`.
    pub fn staged(&mut self, each: EachRecord<'_>) -> Result<(), ConnectorError> {
        read::staged(&mut *self.database, self.run, each)
    }

    /// Takes rows. They are written together when there are enough of them, so after a crash those since the last
    /// checkpoint are gone. Of rows with one [key](Record::key), the last one counts.
    ///
    /// # Errors
    /// `sink` if the store cannot be written, or if another scan has taken the system over. Then rows may be lost, so the scan
    /// takes neither rows nor checkpoints any more, and cannot be published.
    pub fn stage(&mut self, rows: &[Record]) -> Result<(), ConnectorError> {
        self.check_whole()?;
        let staged = self.try_stage(rows);
        self.lost = staged.as_ref().err().cloned();
        staged
    }

    fn try_stage(&mut self, rows: &[Record]) -> Result<(), ConnectorError> {
        for row in rows {
            self.has_grants |= matches!(row, Record::Grant(_));
            self.staging.take(&mut *self.database, row, self.part)?;
            if self.staging.is_full() {
                self.write(None)?;
            }
        }
        Ok(())
    }

    /// Takes a checkpoint. When this returns, it is stored safely with all rows before it. The exception: grants are not
    /// stored, so a checkpoint after the first of them is not either, and a resumed scan sends all grants again.
    ///
    /// # Errors
    /// As for [`stage`](Self::stage).
    pub fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), ConnectorError> {
        if self.has_grants {
            return Ok(());
        }
        self.write(Some(checkpoint))
    }

    /// Takes a checkpoint that need not be safe yet: it is stored with the next rows that are written, or when the scan ends
    /// without being whole. Until then, the scan goes on from the checkpoint before if the process dies.
    ///
    /// # Errors
    /// As for [`stage`](Self::stage).
    pub fn defer_checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), ConnectorError> {
        if !self.has_grants {
            self.check_whole()?;
            // So rows that come from here on are distinguished from those before.
            self.part += 1;
            self.deferred = Some((checkpoint.clone(), self.part));
        }
        Ok(())
    }

    /// Whether so little was read, and is known of the system, that a statement costs more than its rows.
    pub(crate) fn is_small(&self) -> bool {
        self.staging.is_small()
    }

    /// Refuses to go on after rows were lost.
    fn check_whole(&self) -> Result<(), ConnectorError> {
        let Some(lost) = &self.lost else { return Ok(()) };
        Err(lost.clone().context(format!("this scan of {} lacks rows that could not be stored", self.system.name)))
    }

    /// Writes what was taken, with the checkpoint, in one transaction.
    fn write(&mut self, checkpoint: Option<&Checkpoint>) -> Result<(), ConnectorError> {
        self.check_whole()?;
        let written = self.try_write(checkpoint);
        self.lost = written.as_ref().err().cloned();
        self.part += 1;
        written
    }

    fn try_write(&mut self, checkpoint: Option<&Checkpoint>) -> Result<(), ConnectorError> {
        let deferred = self.deferred.take();
        let next = self.part + 1;
        let deferred = deferred.as_ref().map(|(checkpoint, part)| (checkpoint, *part));
        let checkpoint = checkpoint.map(|checkpoint| (checkpoint, next)).or(deferred);
        let Self { database, system, staging, run, .. } = self;
        database.transaction(|database| {
            let lock = database.for_share();
            system.hold(database, lock)?;
            staging.write(database)?;
            if let Some((checkpoint, part)) = checkpoint {
                pieces::write(database, *run, checkpoint)?;
                let sql = "update run set part = ?2 where id = ?1";
                database.execute(sql, &[(*run).into(), part.into()])?;
            }
            Ok(())
        })
    }

    /// Ends the scan: replaces what it read in the snapshot, in one step, and keeps the rest, as
    /// [`ScanSummary::replacement`] says. A failed scan changes nothing but the list of runs; if it has a checkpoint, the
    /// next scan goes on from it. A scan that would remove more than `hold` allows is kept aside.
    ///
    /// # Errors
    /// `sink` if the store cannot be written, or if another scan has taken the system over. The snapshot is then as before.
    pub fn publish(mut self, summary: &ScanSummary, hold: Hold) -> Result<Ended, ConnectorError> {
        self.end(summary, hold, &[], Steps::Several)
    }

    /// Does the same and returns the store, which a store in memory needs to be of any use. `unowned` are the types of the
    /// rows that no section of the summary owns: a scan leaves these as they are, but whoever keeps a file wants all of it.
    ///
    /// # Errors
    /// As for [`publish`](Self::publish).
    pub fn publish_and_keep(
        self,
        summary: &ScanSummary,
        hold: Hold,
        unowned: &[RowType],
    ) -> Result<(Store, Ended), ConnectorError> {
        self.end_and_keep(summary, hold, unowned, Steps::Several)
    }

    /// Publishes the run and returns the store, a small run in one transaction: for whoever scans many small systems, of which
    /// each should cost the database little.
    ///
    /// # Errors
    /// As for [`publish`](Self::publish).
    pub fn publish_at_once(self, summary: &ScanSummary, hold: Hold) -> Result<(Store, Ended), ConnectorError> {
        self.end_and_keep(summary, hold, &[], Steps::OneIfSmall)
    }

    fn end_and_keep(
        mut self,
        summary: &ScanSummary,
        hold: Hold,
        unowned: &[RowType],
        steps: Steps,
    ) -> Result<(Store, Ended), ConnectorError> {
        let ended = self.end(summary, hold, unowned, steps)?;
        // It has ended, whatever becomes of this: what a lost connection reserved is free.
        let _ = self.database.release(self.system.id);
        Ok((Store { database: self.database, is_pinned: false }, ended))
    }

    fn end(
        &mut self,
        summary: &ScanSummary,
        hold: Hold,
        unowned: &[RowType],
        steps: Steps,
    ) -> Result<Ended, ConnectorError> {
        let mut summary = summary.clone();
        if summary.described.is_empty() {
            // The run may be accepted later, by a program that knows no descriptor.
            summary.described.clone_from(&self.descriptor.sections);
        }
        if summary.outcome == Outcome::Failed {
            return self.fail(&summary);
        }
        self.check_whole()?;
        // Of a whole scan, nobody needs it any more.
        self.deferred = None;
        let is_at_once = steps == Steps::OneIfSmall && self.is_small();
        if !is_at_once {
            self.write(None)?;
        }
        let Self { database, system, run, staging, at_end, descriptor, .. } = self;
        let fields = VolatileFields::new(&descriptor.volatile);
        let publication =
            publish::Publication { system, run: *run, summary: &summary, unowned, fields: &fields, at_end };
        if is_at_once {
            publication.publish_at_once(&mut **database, hold, |database| staging.write(database))
        } else {
            publication.publish(&mut **database, Some(hold))
        }
    }

    fn fail(&mut self, summary: &ScanSummary) -> Result<Ended, ConnectorError> {
        if self.deferred.is_some() && self.lost.is_none() {
            // If this fails, the next scan goes on from the checkpoint before.
            let _ = self.write(None);
        }
        let (run, system, at_end) = (self.run, self.system.clone(), self.at_end.clone());
        let error = summary.error.as_ref();
        // Where another remedy than a new scan helps, such as skipping nothing, the interrupted scan stays.
        let rejected = Checkpoint::rejected("");
        let is_useless = error.is_some_and(|error| (error.code, &error.remedy) == (rejected.code, &rejected.remedy));
        let reason = error.map(ToString::to_string);
        let checkpoint = self.database.transaction(|database| {
            let lock = database.for_update();
            system.hold(database, lock)?;
            runs::end(database, run, "failed", summary, reason.into())?;
            at_end.check(database, "failed", run)?;
            if is_useless {
                // Or the next scan would go on from it, if this one ends before its rows are cleared.
                database.execute("delete from checkpoint where run = ?1", &[run.into()])?;
            }
            database.first("select run from checkpoint where run = ?1", &[run.into()], |row| row.number(0))
        })?;
        let can_resume = checkpoint.is_some();
        if !can_resume {
            runs::clear(&mut *self.database, &self.system, run);
        }
        Ok(Ended::Failed { run, can_resume })
    }

    /// Ends the scan without a result: its rows are dropped, and the list of runs says why.
    ///
    /// # Errors
    /// As for [`publish`](Self::publish).
    pub fn discard(mut self, reason: &str) -> Result<(), ConnectorError> {
        let (run, system, at_end) = (self.run, self.system.clone(), self.at_end.clone());
        self.database.transaction(|database| {
            let lock = database.for_update();
            system.hold(database, lock)?;
            runs::discard(database, run, reason)?;
            at_end.check(database, "discarded", run)
        })?;
        runs::clear(&mut *self.database, &self.system, run);
        Ok(())
    }
}

impl std::fmt::Debug for Scan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan").field("system", &self.system.name).field("run", &self.run).finish_non_exhaustive()
    }
}

/// Now, as the store keeps times.
pub(crate) fn now() -> Value {
    Timestamp::now().into()
}
