//! A store: systems, their runs, and what stood after each.

use std::path::Path;

use connector_api::{ConnectorError, Grant, Record, ScanSummary, Section};
use jiff::Timestamp;

use crate::body::VolatileFields;
use crate::database::Connection;
use crate::find;
use crate::findings::{self, EachFinding, Finding};
use crate::location::{Kind, Location};
use crate::migrate;
use crate::publish::{Ended, Publication};
use crate::reach::{Reach, Who};
use crate::read::{self, EachRecord};
use crate::runs::{self, Run, RunState};
use crate::scan::{AtEnd, Scan, Start, System as Owned, removed};
use crate::sqlite::Sqlite;

/// Scans of any number of systems, with their history.
///
/// A store is one connection. Its calls block: in async code, use a thread that may. Each answer reads one state of the store;
/// [`pin`](Self::pin) makes several answers do so.
pub struct Store {
    pub(crate) database: Box<dyn Connection>,
    /// Whether a transaction is open that sees one state.
    pub(crate) is_pinned: bool,
}

/// A system in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct System {
    /// Its name, unique in the store.
    pub name: String,
    /// The OS Type of its connector.
    pub os_type: String,
    /// The run whose rows stand, if one was published.
    pub published_run: Option<i64>,
    pub(crate) id: i64,
}

/// A moment in a system's history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum At {
    /// The snapshot as it is.
    #[default]
    Now,
    /// After a published run.
    Run(i64),
    /// Before a run: the last published one that is earlier.
    Before(i64),
    /// At a time: the last published run whose scan began by then.
    Time(Timestamp),
}

/// How a section stands after a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SectionState {
    /// The section's word.
    pub section: Section,
    /// Its status in the run, as in [`SectionStatus::as_str`](connector_api::SectionStatus::as_str), or `unreported`.
    pub status: String,
    /// The code of its error, if it has one.
    pub code: Option<String>,
    /// When its data were last read completely, UTC; `None` if never.
    pub as_of: Option<Timestamp>,
    /// The run that did.
    pub as_of_run: Option<i64>,
    /// Whether some of its rows are older, because they depend on a section that was not complete.
    pub in_part: bool,
}

impl Store {
    /// Opens a store, or creates it, and brings its tables up to date.
    ///
    /// # Errors
    /// `invalid_config` for a store of a later version, a file or tables of another program, a database without the encoding
    /// UTF8, or a backend that is not built in; `sink` if it cannot be read or written.
    pub fn open(location: &Location) -> Result<Self, ConnectorError> {
        Self::new(connect(location, Sqlite::open)?)
    }

    /// Opens a store that was open before. Its tables are brought up to date, and a file that is gone is not created.
    ///
    /// # Errors
    /// As for [`open`](Self::open), and `invalid_config` for a file that is gone.
    pub fn open_again(location: &Location) -> Result<Self, ConnectorError> {
        Self::new(connect(location, Sqlite::open_again)?)
    }

    /// Whether the store is still what others find at its location: its file may be removed while it is open, or another one
    /// put in its place. Then what it reads is out of date, and nothing can be written.
    pub fn is_in_place(&self) -> bool {
        self.database.is_in_place()
    }

    /// Opens a store to ask it: it is not created, its tables are not brought up to date, and a user of the database who can
    /// only read is enough.
    ///
    /// # Errors
    /// As for [`open`](Self::open), and `invalid_config` for a store that does not exist, of an earlier version or without
    /// tables.
    pub fn open_to_read(location: &Location) -> Result<Self, ConnectorError> {
        let mut database = connect(location, Sqlite::open_existing)?;
        migrate::check(&mut *database)?;
        Ok(Self { database, is_pinned: false })
    }

    /// Creates an empty store that ends with this program: in memory, and in a temporary file without a name as far as it is
    /// large.
    ///
    /// # Errors
    /// `internal` if SQLite does not start.
    pub fn in_memory() -> Result<Self, ConnectorError> {
        Self::new(Box::new(Sqlite::in_memory()?))
    }

    pub(crate) fn new(mut database: Box<dyn Connection>) -> Result<Self, ConnectorError> {
        migrate::migrate(&mut *database)?;
        Ok(Self { database, is_pinned: false })
    }

    /// Has all answers read the store as it is now, whatever is published or removed meanwhile: until
    /// [`unpin`](Self::unpin), or until something is written with this store.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn pin(&mut self) -> Result<(), ConnectorError> {
        if !self.is_pinned {
            self.database.begin_reading()?;
            self.is_pinned = true;
        }
        Ok(())
    }

    /// Has answers read the store as it is at their time.
    pub fn unpin(&mut self) {
        if std::mem::take(&mut self.is_pinned) {
            // Nothing was written. If this fails, the connection is lost, and the next answer says so.
            let _ = self.database.script("rollback");
        }
    }

    /// Reads with several statements, which all see one state.
    pub(crate) fn reading<T>(
        &mut self,
        read: impl FnOnce(&mut dyn Connection) -> Result<T, ConnectorError>,
    ) -> Result<T, ConnectorError> {
        let was_pinned = self.is_pinned;
        self.pin()?;
        let answer = read(&mut *self.database);
        if !was_pinned {
            self.unpin();
        }
        answer
    }

    /// The connection, to write.
    pub(crate) fn writing(&mut self) -> &mut dyn Connection {
        self.unpin();
        &mut *self.database
    }

    /// Begins a scan, or goes on with the last one of the system if it was interrupted after a checkpoint.
    ///
    /// # Errors
    /// `invalid_config` if another scan of the system is running, or if the store knows another system by that name; `sink`
    /// if the store cannot be written or a later lease was used.
    pub fn begin(mut self, start: Start<'_>) -> Result<Scan, ConnectorError> {
        self.unpin();
        start.begin(self.database)
    }

    /// Returns all systems, by name.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn systems(&mut self) -> Result<Vec<System>, ConnectorError> {
        let sql = "select id, name, os_type, published_run from system order by name";
        self.database.rows(sql, &[], |row| {
            Ok(System {
                id: row.number(0)?,
                name: row.word(1)?.to_owned(),
                os_type: row.word(2)?.to_owned(),
                published_run: row.integer(3)?,
            })
        })
    }

    /// Returns the runs of a system, the latest first.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn runs(&mut self, system: &System) -> Result<Vec<Run>, ConnectorError> {
        runs::list(&mut *self.database, system.id)
    }

    /// Returns a run of a system, also one that failed or is held.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn run(&mut self, system: &System, run: i64) -> Result<Option<Run>, ConnectorError> {
        runs::one(&mut *self.database, system.id, run)
    }

    /// Publishes a held run, whatever it removes.
    ///
    /// # Errors
    /// `invalid_config` if the run is not held; `sink` if the store cannot be written.
    pub fn accept(&mut self, system: &System, run: i64) -> Result<Ended, ConnectorError> {
        let summary: ScanSummary = match self.run(system, run)? {
            Some(Run { state: RunState::Held, summary: Some(summary), .. }) => summary,
            Some(Run { state, .. }) => {
                return Err(ConnectorError::invalid_config(
                    format!("run {run} of {} is {}, not held", system.name, state.as_str()),
                    "see `harness history` for the runs that are held",
                ));
            }
            None => {
                return Err(ConnectorError::invalid_config(
                    format!("{} has no run {run}", system.name),
                    "see `harness history` for its runs",
                ));
            }
        };
        let sql = "select fence from system where id = ?1";
        let fence = self.writing().first(sql, &[system.id.into()], |row| row.number(0))?;
        let fence = fence.ok_or_else(|| removed(&system.name))?;
        let owned = Owned { id: system.id, name: system.name.clone(), fence };
        let fields = VolatileFields::new(&runs::described(&mut *self.database, run)?.volatile);
        let at_end = AtEnd::default();
        let (system, summary) = (&owned, &summary);
        let publication = Publication { system, run, summary, unowned: &[], fields: &fields, at_end: &at_end };
        publication.publish(self.writing(), None)
    }

    /// Returns the published run at a moment.
    ///
    /// # Errors
    /// `invalid_config` if there is none, or if the run that is meant was not published.
    pub fn run_at(&mut self, system: &System, at: At) -> Result<i64, ConnectorError> {
        let last = |condition: &str| {
            format!("select max(id) from run where system = ?1 and state = 'published' and {condition}")
        };
        let (sql, parameter) = match at {
            At::Now => (last("?2 = 0"), 0_i64.into()),
            At::Run(run) => (last("id = ?2"), run.into()),
            At::Before(run) => (last("id < ?2"), run.into()),
            At::Time(time) => (last("started_at <= ?2"), time.into()),
        };
        let found = self.database.first(&sql, &[system.id.into(), parameter], |row| row.integer(0))?.flatten();
        match found {
            Some(run) => Ok(run),
            None => Err(self.no_run(system, at)?),
        }
    }

    fn no_run(&mut self, system: &System, at: At) -> Result<ConnectorError, ConnectorError> {
        let name = &system.name;
        let message = match at {
            At::Now => format!("no run of {name} was published"),
            At::Run(run) => match self.run(system, run)? {
                Some(Run { state, .. }) => format!("run {run} of {name} is {}, not published", state.as_str()),
                None => format!("{name} has no run {run}"),
            },
            At::Before(run) => format!("no run of {name} before run {run} was published"),
            At::Time(time) => format!("no run of {name} was published by {time}"),
        };
        Ok(ConnectorError::invalid_config(message, "see `harness history` for its runs"))
    }

    /// Returns how each section stood after a published run, in the order of their words, except for those of grants, which
    /// are not stored.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn sections(&mut self, run: i64) -> Result<Vec<SectionState>, ConnectorError> {
        let sql = "select section, status, code, as_of, as_of_run, in_part from section_state where run = ?1 \
                   order by section";
        self.database.rows(sql, &[run.into()], |row| {
            Ok(SectionState {
                section: row.word(0)?.parse()?,
                status: row.word(1)?.to_owned(),
                code: row.owned(2)?,
                as_of: row.time(3)?,
                as_of_run: row.integer(4)?,
                in_part: row.boolean(5)?.unwrap_or_default(),
            })
        })
    }

    /// Passes on the rows of a system after a published run, in the order of their kinds: accounts, groups, memberships,
    /// resources, bindings, policies. Volatile fields are as last seen. Grants are not stored: `connector-access` computes them from these rows.
    ///
    /// # Errors
    /// `sink` if the store cannot be read, and any error of `each`.
    pub fn records(&mut self, system: &System, run: i64, each: EachRecord<'_>) -> Result<(), ConnectorError> {
        self.reading(|db| read::records(db, system.id, run, each))
    }

    /// Returns the rows of a kind that have this id, or this name or e-mail address in any case, after a published run:
    /// those with the id first. `kind` is the word of a [`Record::kind`](connector_api::Record::kind).
    ///
    /// # Errors
    /// `internal` for a kind without names; `sink` if the store cannot be read.
    pub fn find(&mut self, system: &System, run: i64, kind: &str, called: &str) -> Result<Vec<Record>, ConnectorError> {
        let kind = crate::kinds::Kind::of(kind)?;
        self.reading(|db| find::find(db, kind.word, system.id, run, called))
    }

    /// Returns the name of a kind after a published run that is most similar to `called`, if one is similar enough.
    ///
    /// # Errors
    /// As for [`find`](Self::find).
    pub fn nearest(
        &mut self,
        system: &System,
        run: i64,
        kind: &str,
        called: &str,
    ) -> Result<Option<String>, ConnectorError> {
        let kind = crate::kinds::Kind::of(kind)?;
        let names = find::names(&mut *self.database, kind.word, system.id, run)?;
        Ok(connector_host::nearest(called, names.iter().map(String::as_str)).map(str::to_owned))
    }

    /// Passes on the evidence on accounts, groups and resources after a published run, with the run since which each stands.
    ///
    /// # Errors
    /// `sink` if the store cannot be read, and any error of `each`.
    pub fn findings(&mut self, system: &System, run: i64, each: EachFinding<'_>) -> Result<(), ConnectorError> {
        self.reading(|db| findings::findings(db, system.id, run, each))
    }

    /// Returns the finding with this id after a published run.
    ///
    /// # Errors
    /// `sink` if the store cannot be read.
    pub fn finding(&mut self, system: &System, run: i64, id: &str) -> Result<Option<Finding>, ConnectorError> {
        self.reading(|db| findings::one(db, system.id, run, id))
    }

    /// Returns what an account reaches after a published run, and by which ways. Only the rows on these ways are read.
    ///
    /// # Errors
    /// `invalid_config` if there is no such account; `sink` if the store cannot be read.
    pub fn why(&mut self, system: &System, run: i64, external_id: &str) -> Result<Vec<Grant>, ConnectorError> {
        self.reading(|db| Reach::new(db, system.id, run).why(external_id))
    }

    /// Returns who reaches a resource after a published run, and by which ways: groups first, then at most `limit` accounts,
    /// the strongest. Only the rows on these ways are read.
    ///
    /// # Errors
    /// `invalid_config` if there is no such resource; `sink` if the store cannot be read.
    pub fn who(
        &mut self,
        system: &System,
        run: i64,
        resource_type: &str,
        external_id: &str,
        limit: usize,
    ) -> Result<Who, ConnectorError> {
        self.reading(|db| {
            let reach = Reach::new(db, system.id, run);
            reach.who(resource_type, external_id, |db, reaching| reaching.shown(db, limit))
        })
    }
}

/// Connects to a store. `file` opens the file of one that has a file.
fn connect(
    location: &Location,
    file: impl FnOnce(&Path) -> Result<Sqlite, ConnectorError>,
) -> Result<Box<dyn Connection>, ConnectorError> {
    Ok(match location.kind() {
        Kind::Sqlite(path) => Box::new(file(path)?),
        #[cfg(feature = "postgres")]
        Kind::Postgres { url, .. } => Box::new(crate::postgres::Postgres::open(url)?),
        #[cfg(not(feature = "postgres"))]
        Kind::Postgres { .. } => {
            return Err(ConnectorError::invalid_config(
                "this program was built without PostgreSQL",
                "use a build with the feature `postgres`, or sqlite:FILE",
            ));
        }
    })
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}
