//! A system and one of its runs, by name and number.

use connector_api::{Access, ConnectorError};
use jiff::Timestamp;

use crate::runs;
use crate::store::{At, Store, System};

/// A published run, without its summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunHead {
    /// Its number.
    pub id: i64,
    /// When its scan began, UTC.
    pub started_at: Timestamp,
    /// When it ended, UTC.
    pub ended_at: Option<Timestamp>,
}

const HEAD: &str = "select id, started_at, ended_at from run where system = ?1 and state = 'published'";

impl Store {
    /// Returns the system of this name, or the one of which a run was published last.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn system_called(&mut self, name: Option<&str>) -> Result<Option<System>, ConnectorError> {
        let columns = "select id, name, os_type, published_run from system";
        let sql = match name {
            Some(_) => format!("{columns} where name = ?1"),
            None => format!("{columns} where published_run is not null order by published_run desc limit 1"),
        };
        let parameters: Vec<_> = name.map(Into::into).into_iter().collect();
        self.database.first(&sql, &parameters, |row| {
            Ok(System {
                id: row.number(0)?,
                name: row.word(1)?.to_owned(),
                os_type: row.word(2)?.to_owned(),
                published_run: row.integer(3)?,
            })
        })
    }

    /// Returns a published run.
    ///
    /// # Errors
    /// `invalid_config` if the system has no such run, or if it was not published; `sink` if the store cannot be read.
    pub fn run_head(&mut self, system: &System, run: i64) -> Result<RunHead, ConnectorError> {
        let sql = format!("{HEAD} and id = ?2");
        match self.database.first(&sql, &[system.id.into(), run.into()], head)? {
            Some(head) => Ok(head),
            // It says why.
            None => self.run_at(system, At::Run(run)).map(|id| RunHead { id, ..RunHead::default() }),
        }
    }

    /// Returns published runs of a system, the latest first: those before a run, if one is given.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn published_runs(
        &mut self,
        system: &System,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<RunHead>, ConnectorError> {
        let sql = format!("{HEAD} and id < ?2 order by id desc limit ?3");
        let before = before.unwrap_or(i64::from(i32::MAX));
        self.database.rows(&sql, &[system.id.into(), before.into(), (limit as i64).into()], head)
    }
}

impl Store {
    /// Returns the oldest published run of a system that is kept.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn first_run(&mut self, system: &System) -> Result<Option<i64>, ConnectorError> {
        let sql = "select min(id) from run where system = ?1 and state = 'published'";
        Ok(self.database.first(sql, &[system.id.into()], |row| row.integer(0))?.flatten())
    }
}

impl Store {
    /// Returns the accesses that the rows of a run may carry, as its connector ordered them: weakest first.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn accesses(&mut self, run: i64) -> Result<Vec<Access>, ConnectorError> {
        Ok(runs::described(&mut *self.database, run)?.accesses)
    }
}

impl Default for RunHead {
    fn default() -> Self {
        Self { id: 0, started_at: Timestamp::UNIX_EPOCH, ended_at: None }
    }
}

fn head(row: &dyn crate::database::Row) -> Result<RunHead, ConnectorError> {
    Ok(RunHead { id: row.number(0)?, started_at: row.time(1)?.unwrap_or_default(), ended_at: row.time(2)? })
}
