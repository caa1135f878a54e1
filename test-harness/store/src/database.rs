//! What the store needs of a database. The same SQL runs on every backend: parameters are written `?1`, `?2`, ….

use connector_api::ConnectorError;
use jiff::Timestamp;

/// One connection to a database.
pub(crate) trait Connection: Send {
    /// The scripts that create the tables, oldest first, each with its name.
    fn migrations(&self) -> &'static [(&'static str, &'static str)];

    /// Appended to the selection of a row that the transaction must own until its end.
    fn for_update(&self) -> &'static str;

    /// Appended to the selection of a row that must not change until the end of the transaction.
    fn for_share(&self) -> &'static str;

    /// The operators *not before* and *before* in the order of the bytes of texts, which the indexes have for their beginnings.
    fn order_of_bytes(&self) -> [&'static str; 2];

    /// Returns the condition that a column is one of the [`numbers`] of a parameter, such as `?3`.
    fn among(&self, parameter: &str) -> String;

    /// Returns the condition that a column is one of the [`texts`] of a parameter.
    fn among_texts(&self, parameter: &str) -> String;

    /// Runs one statement and returns the number of changed rows.
    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, ConnectorError>;

    /// Runs one query and passes each row on as it arrives.
    fn query(&mut self, sql: &str, parameters: &[Value], each: Each<'_>) -> Result<(), ConnectorError>;

    /// Adds rows to a table as fast as the database can. `values` has those of one row after the other.
    fn insert(&mut self, table: Table, values: &[Value]) -> Result<(), ConnectorError>;

    /// Runs several statements without parameters: a migration, or the start or end of a transaction.
    fn script(&mut self, sql: &str) -> Result<(), ConnectorError>;

    /// Starts a transaction that is going to write.
    fn begin(&mut self) -> Result<(), ConnectorError>;

    /// Starts a transaction that sees one state of all tables until its end.
    fn begin_reading(&mut self) -> Result<(), ConnectorError>;

    /// Makes sure, until the end of the transaction, that no other connection changes the tables themselves.
    fn own_schema(&mut self) -> Result<(), ConnectorError>;

    /// Returns whether there is a table of this name.
    fn has_table(&mut self, name: &str) -> Result<bool, ConnectorError>;

    /// Whether what is open is still what others find under its name. Only a file can be removed while it is open.
    fn is_in_place(&self) -> bool {
        true
    }

    /// Reserves a system for a scan of this connection, until it is released or the connection ends. Returns whether it was
    /// free.
    fn reserve(&mut self, system: i64) -> Result<bool, ConnectorError>;

    /// Ends the reservation of a system, if this connection has it.
    fn release(&mut self, system: i64) -> Result<(), ConnectorError>;

    /// Connects again after the connection was lost. What was reserved is no longer.
    fn reconnect(&mut self) -> Result<(), ConnectorError>;

    /// Refuses a user who may not [`scrub`](Self::scrub).
    fn check_can_scrub(&mut self) -> Result<(), ConnectorError>;

    /// Removes what deleted rows leave behind in the database's files, and gives their space back. Fails while somebody may
    /// still read them, since then they stay.
    fn scrub(&mut self) -> Result<(), ConnectorError>;

    /// Removes the rows of a run from tables.
    fn delete_of_run(&mut self, tables: &[&str], run: i64) -> Result<(), ConnectorError>;

    /// Says whether the statements that come are about many rows. Then each is planned for those of its moment; otherwise a plan
    /// is used again, because it takes longer to make than to follow.
    fn expect_many(&mut self, is_many: bool) -> Result<(), ConnectorError>;

    /// Refreshes the statistics of tables that were just filled, if the database needs that to plan well.
    fn analyze(&mut self, tables: &[&str]) -> Result<(), ConnectorError>;
}

/// Returns the parameter of a condition with [`Connection::among`].
pub(crate) fn numbers<'a>(numbers: impl IntoIterator<Item = &'a i64>) -> Value {
    Value::Text(numbers.into_iter().map(i64::to_string).collect::<Vec<_>>().join(","))
}

/// Returns the parameter of a condition with [`Connection::among_texts`].
pub(crate) fn texts(texts: &[&str]) -> Value {
    Value::Text(serde_json::Value::from(texts).to_string())
}

/// Receives the rows of a query.
pub(crate) type Each<'a> = &'a mut dyn FnMut(&dyn Row) -> Result<(), ConnectorError>;

/// One row of a query. Columns are counted from 0; `None` stands for null.
pub(crate) trait Row {
    fn integer(&self, column: usize) -> Result<Option<i64>, ConnectorError>;
    fn boolean(&self, column: usize) -> Result<Option<bool>, ConnectorError>;
    fn text(&self, column: usize) -> Result<Option<&str>, ConnectorError>;
    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, ConnectorError>;
    fn time(&self, column: usize) -> Result<Option<Timestamp>, ConnectorError>;
}

impl dyn Row + '_ {
    /// Returns a number that cannot be null.
    pub(crate) fn number(&self, column: usize) -> Result<i64, ConnectorError> {
        self.integer(column)?.ok_or_else(|| is_null(column))
    }

    /// Returns a text that cannot be null.
    pub(crate) fn word(&self, column: usize) -> Result<&str, ConnectorError> {
        self.text(column)?.ok_or_else(|| is_null(column))
    }

    /// Returns an owned text.
    pub(crate) fn owned(&self, column: usize) -> Result<Option<String>, ConnectorError> {
        Ok(self.text(column)?.map(str::to_owned))
    }
}

fn is_null(column: usize) -> ConnectorError {
    ConnectorError::internal(format!("column {column} of a query of the store is empty"))
}

/// A value of a parameter or column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Boolean(bool),
    Text(String),
    Bytes(Vec<u8>),
    Time(Timestamp),
}

macro_rules! value_of {
    ($($from:ty => $value:ident),*) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$value(value.into())
            }
        }
    )*};
}
value_of!(i64 => Integer, u32 => Integer, bool => Boolean, String => Text, &str => Text, Vec<u8> => Bytes);

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The earliest time that is kept: the first moment of the year 1. PostgreSQL has none before 4713 BC, and SQLite's texts are
/// in the order of times only from here.
const EARLIEST: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// Returns a time as every database keeps it, in microseconds: none of them keeps less.
pub(crate) fn kept_micros(time: Timestamp) -> i64 {
    time.max(EARLIEST).as_microsecond()
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Time(time.max(EARLIEST))
    }
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnType {
    Integer,
    /// An integer of 64 bits.
    Long,
    Boolean,
    Text,
    Bytes,
    Time,
}

/// A table and those of its columns that rows are added with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [(&'static str, ColumnType)],
}

impl Table {
    /// Returns the names of the columns, with commas.
    pub(crate) fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

impl dyn Connection + '_ {
    /// Runs `work` in one transaction: all of it happens, or nothing.
    pub(crate) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Connection) -> Result<T, ConnectorError>,
    ) -> Result<T, ConnectorError> {
        self.begin()?;
        let done = work(self).and_then(|done| self.script("commit").map(|()| done));
        if done.is_err() {
            // If this fails as well, the database ends the transaction together with the connection.
            let _ = self.script("rollback");
        }
        done
    }

    /// Does the same where the answer to the commit matters: if it is lost, `is_done` finds out on a new connection whether
    /// the work was done. `what` names it.
    pub(crate) fn decisive_transaction<T>(
        &mut self,
        what: &str,
        work: impl FnOnce(&mut dyn Connection) -> Result<T, ConnectorError>,
        is_done: impl FnOnce(&mut dyn Connection, &T) -> Result<bool, ConnectorError>,
    ) -> Result<T, ConnectorError> {
        self.begin()?;
        let done = match work(self) {
            Ok(done) => done,
            Err(error) => {
                let _ = self.script("rollback");
                return Err(error);
            }
        };
        let Err(error) = self.script("commit") else { return Ok(done) };
        let _ = self.script("rollback");
        match self.reconnect().and_then(|()| is_done(self, &done)) {
            Ok(true) => Ok(done),
            Ok(false) => Err(error),
            Err(_) => Err(ConnectorError::sink(
                format!("whether {what} cannot be found out: {}", error.message),
                "see `harness history` as soon as the store can be reached again",
            )
            .with_source(error)),
        }
    }

    /// Returns what `read` makes of each row.
    pub(crate) fn rows<T>(
        &mut self,
        sql: &str,
        parameters: &[Value],
        mut read: impl FnMut(&dyn Row) -> Result<T, ConnectorError>,
    ) -> Result<Vec<T>, ConnectorError> {
        let mut rows = Vec::new();
        self.query(sql, parameters, &mut |row| {
            rows.push(read(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Returns what `read` makes of the first row, if there is one.
    pub(crate) fn first<T>(
        &mut self,
        sql: &str,
        parameters: &[Value],
        read: impl FnMut(&dyn Row) -> Result<T, ConnectorError>,
    ) -> Result<Option<T>, ConnectorError> {
        Ok(self.rows(sql, parameters, read)?.into_iter().next())
    }

    /// Reserves `count` numbers of a kind and returns the first.
    pub(crate) fn numbers(&mut self, kind: &str, count: i64) -> Result<i64, ConnectorError> {
        let sql = "update counter set next = next + ?2 where name = ?1 returning next";
        let next = self.first(sql, &[kind.into(), count.into()], |row| row.number(0))?;
        next.map(|next| next - count)
            .ok_or_else(|| ConnectorError::internal(format!("the store has no counter {kind}")))
    }
}
