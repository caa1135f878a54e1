//! Begins a scan, or goes on with one that was interrupted.

use connector_api::{Checkpoint, ConnectorError, Descriptor, SystemConfig};
use jiff::Timestamp;

use super::at_end::AtEnd;
use super::{Scan, Staging, System, pieces};
use crate::body::VolatileFields;
use crate::database::{Connection, Value};
use crate::kinds::KINDS;
use crate::runs::{self, Described};
use crate::tables::STAGED_EDGES;

/// Whose turn it is to scan a system. The scan with the highest number so far is the only one that can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fence<'a> {
    /// The scans reserve the system themselves: one that starts while another one runs is refused.
    Own,
    /// The number of a lease that something else grants. An earlier lease is refused, a later one takes the system over.
    Lease(i64),
    /// The same, where whoever grants the leases keeps them in the database of the store: nothing ends under a lease that has
    /// ended, even if no later one was used.
    Kept {
        /// The number of the lease.
        number: i64,
        /// A statement that the store runs in the transaction that ends the scan: as published, held, failed or
        /// discarded. It must change exactly one row, or nothing of the transaction happens. It is the same for all scans, so that
        /// the database plans it once: `?1` is the [state](crate::RunState::as_str) of the run, a text, `?2` its number, and `?3`
        /// that of the lease.
        at_end: &'a str,
    },
}

/// What a scan is of.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// The name of the system in the store.
    pub name: &'a str,
    /// The description of its connector.
    pub descriptor: &'a Descriptor,
    /// Its configuration, which an interrupted scan must have had as well.
    pub config: &'a SystemConfig,
    /// Whose turn it is.
    pub fence: Fence<'a>,
    /// When the scan begins.
    pub now: Timestamp,
    /// Whether an interrupted scan is dropped, not resumed.
    pub fresh: bool,
}

impl Start<'_> {
    pub(crate) fn begin(self, mut database: Box<dyn Connection>) -> Result<Scan, ConnectorError> {
        let db = &mut *database;
        let id = self.find_or_add(db)?;
        let mut discarded = None;
        let (system, (opened, ended)) = take_over(db, id, self.name, self.fence, |db, system| {
            let opened = match last_open(db, id)? {
                Some(last) => self.resume(db, system, last, &mut discarded)?,
                None => None,
            };
            let opened = match opened {
                Some(opened) => opened,
                None => Opened { run: self.add_run(db, system)?, part: 0, resume: None },
            };
            // Afterwards a later lease may have runs of its own.
            let ended = runs::with_remains(db, id, opened.run)?;
            Ok((opened, ended))
        })?;
        let Opened { run, part, resume } = opened;
        for ended in ended {
            runs::try_clear(db, &system, ended)?;
        }
        let fields = VolatileFields::new(&self.descriptor.volatile);
        let staging = Staging::load(db, id, run, fields, resume.is_some())?;
        let descriptor = self.descriptor.clone();
        let at_end = AtEnd::of(self.fence);
        let (deferred, has_grants, lost) = (None, false, None);
        Ok(Scan {
            database,
            system,
            run,
            part,
            descriptor,
            staging,
            resume,
            discarded,
            at_end,
            deferred,
            has_grants,
            lost,
        })
    }

    fn find_or_add(&self, db: &mut dyn Connection) -> Result<i64, ConnectorError> {
        if self.name.trim().is_empty() {
            let remedy = "give the system a name, or pass one with --name";
            return Err(ConnectorError::invalid_config("a system needs a name in the store", remedy));
        }
        let os_type = &self.descriptor.os_type;
        let find = "select id, os_type from system where name = ?1";
        let find = |db: &mut dyn Connection| {
            db.first(find, &[self.name.into()], |row| Ok((row.number(0)?, row.word(1)?.to_owned())))
        };
        let mut found = find(db)?;
        if found.is_none() {
            let id = db.numbers("system", 1)?;
            let sql = "insert into system (id, name, os_type, fence, lease) values (?1, ?2, ?3, 0, 0) on conflict (name) do nothing";
            db.execute(sql, &[id.into(), self.name.into(), os_type.as_str().into()])?;
            found = find(db)?;
        }
        match found {
            Some((id, known)) if known == *os_type => Ok(id),
            Some((_, known)) => Err(ConnectorError::invalid_config(
                format!("the store has a system {} of OS Type {known}, not {os_type}", self.name),
                "keep this system under another name, with --name",
            )),
            None => Err(removed(self.name)),
        }
    }

    fn add_run(&self, db: &mut dyn Connection, system: &System) -> Result<i64, ConnectorError> {
        let run = db.numbers("run", 1)?;
        let described = runs::json(&Described::of(self.descriptor))?;
        let sql = "insert into run (id, system, state, fence, attempt, part, described, started_at) \
                   values (?1, ?2, 'staging', ?3, 1, 0, ?4, ?5)";
        db.execute(sql, &[run.into(), system.id.into(), system.fence.into(), described, self.now.into()])?;
        Ok(run)
    }

    /// Goes on with the last run, if it has a checkpoint that fits; otherwise ends it, and says why in `discarded`.
    fn resume(
        &self,
        db: &mut dyn Connection,
        system: &System,
        last: Last,
        discarded: &mut Option<String>,
    ) -> Result<Option<Opened>, ConnectorError> {
        let Last { run, part, is_failed, checkpoint } = last;
        let fitting = match checkpoint {
            None => Err("it was interrupted before its first checkpoint".to_owned()),
            Some(_) if self.fresh => Err("a scan from the beginning was requested".to_owned()),
            Some(body) => self.fitting(&body).map_err(|error| discarded.insert(error.message).clone()),
        };
        match fitting {
            Ok(checkpoint) => {
                // Rows after the checkpoint come again.
                for table in KINDS.iter().map(|kind| kind.staged.name).chain(STAGED_EDGES) {
                    db.execute(
                        &format!("delete from {table} where run = ?1 and part >= ?2"),
                        &[run.into(), part.into()],
                    )?;
                }
                let sql = "update run set state = 'staging', attempt = attempt + 1, fence = ?2, ended_at = null, \
                           outcome = null, summary = null, reason = null where id = ?1";
                db.execute(sql, &[run.into(), system.fence.into()])?;
                Ok(Some(Opened { run, part, resume: Some(checkpoint) }))
            }
            // The list of runs says already how it ended.
            Err(_) if is_failed => Ok(None),
            Err(reason) => runs::discard(db, run, &reason).map(|()| None),
        }
    }

    fn fitting(&self, body: &str) -> Result<Checkpoint, ConnectorError> {
        let checkpoint: Checkpoint =
            serde_json::from_str(body).map_err(|_| Checkpoint::rejected("its content cannot be read"))?;
        checkpoint.verify(self.descriptor, self.config, self.now)?;
        Ok(checkpoint)
    }
}

/// The run that a scan writes to.
struct Opened {
    run: i64,
    part: i64,
    resume: Option<Checkpoint>,
}

/// A run that did not end well, if no later one was published or kept aside.
struct Last {
    run: i64,
    part: i64,
    is_failed: bool,
    checkpoint: Option<String>,
}

fn last_open(db: &mut dyn Connection, system: i64) -> Result<Option<Last>, ConnectorError> {
    let sql = "select id, part, state from run where system = ?1 order by id desc limit 1";
    let last = db.first(sql, &[system.into()], |row| {
        let state = row.word(2)?;
        let last = Last { run: row.number(0)?, part: row.number(1)?, is_failed: state == "failed", checkpoint: None };
        Ok((last.is_failed || state == "staging").then_some(last))
    })?;
    let Some(mut last) = last.flatten() else { return Ok(None) };
    last.checkpoint = pieces::read(db, last.run)?;
    Ok(Some(last))
}

/// Makes a scan the only one that can write to a system, and does `work` in the same step.
pub(crate) fn take_over<T>(
    db: &mut dyn Connection,
    id: i64,
    name: &str,
    fence: Fence<'_>,
    work: impl FnOnce(&mut dyn Connection, &System) -> Result<T, ConnectorError>,
) -> Result<(System, T), ConnectorError> {
    if fence == Fence::Own {
        reserve(db, id, name)?;
    }
    db.transaction(|db| {
        let sql = format!("select fence, lease from system where id = ?1{}", db.for_update());
        let last = db.first(&sql, &[id.into()], |row| Ok((row.number(0)?, row.number(1)?)))?;
        let (last, last_lease) = last.ok_or_else(|| removed(name))?;
        let lease = match fence {
            Fence::Own => last_lease,
            Fence::Lease(number) | Fence::Kept { number, .. } if number > last_lease => number,
            Fence::Lease(number) | Fence::Kept { number, .. } => {
                return Err(ConnectorError::sink(
                    format!("lease {number} of {name} has ended: lease {last_lease} was used since"),
                    "nothing: the scan with the later lease is kept",
                ));
            }
        };
        let fence = last + 1;
        let sql = "update system set fence = ?2, lease = ?3 where id = ?1";
        db.execute(sql, &[Value::from(id), fence.into(), lease.into()])?;
        let system = System { id, name: name.to_owned(), fence };
        let done = work(db, &system)?;
        Ok((system, done))
    })
}

/// The error of a system that is no longer in the store.
pub(crate) fn removed(name: &str) -> ConnectorError {
    ConnectorError::invalid_config(
        format!("the system {name} is no longer in the store"),
        "nothing: it was removed meanwhile",
    )
}

/// Reserves a system for this connection, until it ends.
pub(crate) fn reserve(db: &mut dyn Connection, id: i64, name: &str) -> Result<(), ConnectorError> {
    if db.reserve(id)? {
        return Ok(());
    }
    Err(ConnectorError::invalid_config(
        format!("another scan of {name} is running into this store"),
        "wait until it ends, or stop it first",
    ))
}
