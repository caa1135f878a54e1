//! The connection of a preparation: whatever it writes, it first makes sure that the preparation is still the last one.
//!
//! The difference is prepared in many transactions, so another scan may take the system over meanwhile, or the same run be
//! accepted twice. Each transaction therefore holds the system and the run, and one that comes too late writes nothing.

use connector_api::ConnectorError;

use crate::database::{Connection, Each, Table, Value};
use crate::scan::{Standing, System};

/// Which preparation of which run this is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) system: &'a System,
    pub(super) run: i64,
    /// How often the run was prepared, with this time.
    pub(super) prepared: i64,
}

impl<'a> Turn<'a> {
    /// Begins a preparation within a transaction, and so ends any other one of the run.
    pub(super) fn begin(db: &mut dyn Connection, system: &'a System, run: i64) -> Result<Self, ConnectorError> {
        let sql = "update run set prepared = prepared + 1 where id = ?1 and state in ('staging', 'held') \
                   returning prepared";
        let prepared = db.first(sql, &[run.into()], |row| row.number(0))?;
        prepared.map(|prepared| Self { system, run, prepared }).ok_or_else(|| ended(system, run))
    }

    /// Whether the run was not prepared before.
    pub(super) fn is_first(&self) -> bool {
        self.prepared == 1
    }

    /// Makes sure, until the end of the transaction, that this is still the last preparation of a run that is neither
    /// published nor discarded.
    pub(super) fn hold(&self, db: &mut dyn Connection, lock: &str) -> Result<Standing, ConnectorError> {
        let standing = self.system.hold(db, lock)?;
        let sql = format!("select prepared, state in ('staging', 'held') from run where id = ?1{lock}");
        let found = db.first(&sql, &[self.run.into()], |row| Ok((row.number(0)?, row.boolean(1)? == Some(true))))?;
        match found {
            Some((prepared, true)) if prepared == self.prepared => Ok(standing),
            _ => Err(ended(self.system, self.run)),
        }
    }
}

fn ended(system: &System, run: i64) -> ConnectorError {
    ConnectorError::sink(
        format!("run {run} of {} was ended, or is being published, by somebody else", system.name),
        "see `harness history` for what became of it",
    )
}

/// A connection that writes only while it is the preparation's turn.
pub(super) struct Owned<'a> {
    db: &'a mut dyn Connection,
    turn: Turn<'a>,
    is_in_transaction: bool,
    /// Whether the caller's transaction, which holds system and run, is the only one.
    is_within: bool,
}

impl<'a> Owned<'a> {
    pub(super) fn new(db: &'a mut dyn Connection, turn: Turn<'a>) -> Self {
        Self { db, turn, is_in_transaction: false, is_within: false }
    }

    /// The same within a transaction that holds the system and the run until its end: what is done together is done in it.
    pub(super) fn within(db: &'a mut dyn Connection, turn: Turn<'a>) -> Self {
        Self { db, turn, is_in_transaction: true, is_within: true }
    }

    fn write<T>(
        &mut self,
        write: impl FnOnce(&mut dyn Connection) -> Result<T, ConnectorError>,
    ) -> Result<T, ConnectorError> {
        if self.is_in_transaction {
            return write(self.db);
        }
        let turn = self.turn;
        self.db.transaction(|db| {
            let lock = db.for_share();
            turn.hold(db, lock)?;
            write(db)
        })
    }
}

impl Connection for Owned<'_> {
    fn migrations(&self) -> &'static [(&'static str, &'static str)] {
        self.db.migrations()
    }

    fn for_update(&self) -> &'static str {
        self.db.for_update()
    }

    fn order_of_bytes(&self) -> [&'static str; 2] {
        self.db.order_of_bytes()
    }

    fn for_share(&self) -> &'static str {
        self.db.for_share()
    }

    fn among(&self, parameter: &str) -> String {
        self.db.among(parameter)
    }

    fn among_texts(&self, parameter: &str) -> String {
        self.db.among_texts(parameter)
    }

    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, ConnectorError> {
        self.write(|db| db.execute(sql, parameters))
    }

    fn query(&mut self, sql: &str, parameters: &[Value], each: Each<'_>) -> Result<(), ConnectorError> {
        self.db.query(sql, parameters, each)
    }

    fn insert(&mut self, table: Table, values: &[Value]) -> Result<(), ConnectorError> {
        self.write(|db| db.insert(table, values))
    }

    fn script(&mut self, sql: &str) -> Result<(), ConnectorError> {
        if self.is_within {
            // Whoever began the transaction ends it.
            return Ok(());
        }
        self.is_in_transaction = false;
        self.db.script(sql)
    }

    fn begin(&mut self) -> Result<(), ConnectorError> {
        if self.is_within {
            return Ok(());
        }
        self.db.begin()?;
        let lock = self.db.for_share();
        if let Err(error) = self.turn.hold(self.db, lock) {
            // If this fails as well, the database ends the transaction together with the connection.
            let _ = self.db.script("rollback");
            return Err(error);
        }
        self.is_in_transaction = true;
        Ok(())
    }

    fn begin_reading(&mut self) -> Result<(), ConnectorError> {
        self.db.begin_reading()
    }

    fn own_schema(&mut self) -> Result<(), ConnectorError> {
        self.db.own_schema()
    }

    fn has_table(&mut self, name: &str) -> Result<bool, ConnectorError> {
        self.db.has_table(name)
    }

    fn reserve(&mut self, system: i64) -> Result<bool, ConnectorError> {
        self.db.reserve(system)
    }

    fn release(&mut self, system: i64) -> Result<(), ConnectorError> {
        self.db.release(system)
    }

    fn reconnect(&mut self) -> Result<(), ConnectorError> {
        self.db.reconnect()
    }

    fn check_can_scrub(&mut self) -> Result<(), ConnectorError> {
        self.db.check_can_scrub()
    }

    fn scrub(&mut self) -> Result<(), ConnectorError> {
        self.db.scrub()
    }

    fn delete_of_run(&mut self, tables: &[&str], run: i64) -> Result<(), ConnectorError> {
        self.write(|db| db.delete_of_run(tables, run))
    }

    fn expect_many(&mut self, is_many: bool) -> Result<(), ConnectorError> {
        self.db.expect_many(is_many)
    }

    fn analyze(&mut self, tables: &[&str]) -> Result<(), ConnectorError> {
        self.db.analyze(tables)
    }
}
