//! Removes what is no longer wanted: old runs, a system, or a person.
//!
//! Each is one transaction: all of it happens, or nothing. The same transaction, rolled back, is the preview.

mod common_words;
mod forget;
mod forgotten_words;
mod prune;

use connector_api::ConnectorError;
use jiff::Timestamp;

pub use self::forget::{ForgottenAccounts, ForgottenSystem, KnownAccount};
pub use self::prune::Pruned;
use crate::database::Connection;
use crate::scan;
use crate::store::{Store, System};

/// Whether something is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only counted: nothing changes.
    Preview,
    /// Removed for good.
    Apply,
}

impl Store {
    /// Removes the history of a system that is older than a time: the runs before the last one that was published by then,
    /// and the rows that stood only after these. What stood at that time, and since, can still be asked. So the newest
    /// published run always stays.
    ///
    /// Times are those of the machines that scanned. If a clock was set back, nothing is removed that is before a run which is
    /// younger than that time; a run in the future says nothing about the others.
    ///
    /// # Errors
    /// `invalid_config` if a scan of the system is running; `sink` if the store cannot be written, or if this user may not clear
    /// its files. If somebody can still read what was removed, that is a `sink` as well: it is removed, and
    /// [`clear_remains`](Self::clear_remains) has to be called when they have ended.
    pub fn prune(&mut self, system: &System, older_than: Timestamp, mode: Mode) -> Result<Pruned, ConnectorError> {
        let pruned = alone(self.writing(), system, mode, |db| prune::prune(db, system.id, older_than))?;
        self.clear_after(mode)?;
        Ok(pruned)
    }

    /// Clears the files of the store of what was removed, if the process that removed it could not do this any more.
    ///
    /// # Errors
    /// `sink` if the store cannot be written, if this user may not clear its files, or if somebody can still read what was
    /// removed.
    pub fn clear_remains(&mut self) -> Result<(), ConnectorError> {
        let db = self.writing();
        let mark = db.first("select next from counter where name = ?1", &[REMAINS.into()], |row| row.number(0))?;
        if let Some(mark) = mark {
            scrub(db)?;
            // Something else may have been removed meanwhile.
            db.execute("delete from counter where name = ?1 and next = ?2", &[REMAINS.into(), mark.into()])?;
        }
        Ok(())
    }

    /// What only counts must not fail because of what an earlier removal left.
    fn clear_after(&mut self, mode: Mode) -> Result<(), ConnectorError> {
        if mode == Mode::Apply { self.clear_remains() } else { Ok(()) }
    }

    /// Removes a system with all of its history.
    ///
    /// # Errors
    /// As for [`prune`](Self::prune).
    pub fn forget_system(&mut self, system: &System, mode: Mode) -> Result<ForgottenSystem, ConnectorError> {
        let forgotten = alone(self.writing(), system, mode, |db| forget::system(db, system.id))?;
        self.clear_after(mode)?;
        Ok(forgotten)
    }

    /// Returns the accounts of a system that ever had this id, or this name or e-mail address in any case.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn ever_called(&mut self, system: &System, called: &str) -> Result<Vec<KnownAccount>, ConnectorError> {
        forget::ever_called(&mut *self.database, system.id, called)
    }

    /// Removes accounts from all of a system's history: their rows, memberships and bindings, and their names in the texts
    /// of other rows and runs, where they stand as whole words of at least three characters. Names that are common words, or
    /// those of another account that no link joins with them, stay there. Only this system is changed. If the target still has
    /// an account, the next scan brings it back. Ids of other accounts stay as they are: [`linked`](Self::linked) finds those of
    /// the same person.
    ///
    /// # Errors
    /// `invalid_config` if there is no such account; otherwise as for [`prune`](Self::prune).
    pub fn forget_accounts(
        &mut self,
        system: &System,
        external_ids: &[String],
        mode: Mode,
    ) -> Result<ForgottenAccounts, ConnectorError> {
        let forget = |db: &mut dyn Connection| forget::accounts(db, system.id, external_ids);
        let forgotten = alone(self.writing(), system, mode, forget)?;
        self.clear_after(mode)?;
        Ok(forgotten)
    }
}

/// In the table `counter`: something was removed that often, and its remains may still be in the files.
pub(crate) const REMAINS: &str = "remains";

/// Does `work` in one transaction while no scan of the system runs. A scan with a lease that runs nevertheless can no longer
/// write: what it refers to may be gone.
fn alone<T>(
    db: &mut dyn Connection,
    system: &System,
    mode: Mode,
    work: impl FnOnce(&mut dyn Connection) -> Result<T, ConnectorError>,
) -> Result<T, ConnectorError> {
    scan::reserve(db, system.id, &system.name)?;
    let done = once(db, system, mode, work);
    // If this fails, the connection is lost, and the reservation with it.
    let _ = db.release(system.id);
    done
}

fn once<T>(
    db: &mut dyn Connection,
    system: &System,
    mode: Mode,
    work: impl FnOnce(&mut dyn Connection) -> Result<T, ConnectorError>,
) -> Result<T, ConnectorError> {
    if mode == Mode::Apply {
        db.check_can_scrub()?;
    }
    db.begin()?;
    let done = db.execute("update system set fence = fence + 1 where id = ?1", &[system.id.into()]);
    let done = done.and_then(|changed| match changed {
        0 => Err(scan::removed(&system.name)),
        _ => {
            let mark = "insert into counter (name, next) values (?1, 1) \
                        on conflict (name) do update set next = counter.next + 1";
            db.execute(mark, &[REMAINS.into()])?;
            work(db)
        }
    });
    let end = if done.is_ok() && mode == Mode::Apply { "commit" } else { "rollback" };
    // If a rollback fails, the database does it together with the connection.
    db.script(end).or_else(|error| if end == "commit" { Err(error) } else { Ok(()) })?;
    done
}

/// Clears the files of what was removed.
fn scrub(db: &mut dyn Connection) -> Result<(), ConnectorError> {
    db.scrub().map_err(|error| {
        let message =
            format!("the remains of what was removed may still be in the files of the database: {}", error.message);
        ConnectorError::sink(message, "correct that, then run the same command again to clear them")
    })
}
