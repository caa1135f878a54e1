//! PostgreSQL. The client library is asynchronous inside and blocks its caller; it must not run on a thread of a runtime.

mod failure;
mod remains;
mod server;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use connector_api::ConnectorError;
use connector_api::secrecy::SecretString;
use jiff::Timestamp;
use postgres::binary_copy::BinaryCopyInWriter;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::private::BytesMut;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, Statement};

use self::failure::{failure, refused};
pub use self::server::Server;
use crate::database::{ColumnType, Connection, Each, Row, Table, Value};

/// How often a lost connection is tried again, and the time between.
const RECONNECTS: u32 = 15;
const RECONNECT: Duration = Duration::from_secs(1);

/// The first key of advisory locks: no other program is likely to use it.
const LOCKS: i32 = 0x4f72_4944;

/// The first key of the lock of a system: [`LOCKS`], and which of the stores in the database it belongs to.
fn key() -> String {
    format!("{LOCKS} # cast(cast(cast(to_regclass('system') as oid) as bigint) - 2147483648 as integer)")
}

const MIGRATIONS: &[(&str, &str)] = &[
    ("history", include_str!("../migrations/postgres/0001_history.sql")),
    (
        "views",
        concat!(
            include_str!("../migrations/postgres/0002_views.sql"),
            include_str!("../migrations/postgres/0002_views_of_change_and_access.sql")
        ),
    ),
    ("exceptions", include_str!("../migrations/postgres/0003_exceptions.sql")),
    (
        "long texts, rows sent twice, exceptions by whom, access with state",
        concat!(
            include_str!("../migrations/postgres/0004_long_texts.sql"),
            include_str!("../migrations/postgres/0004_rows_sent_twice.sql"),
            include_str!("../migrations/postgres/0004_exceptions_by_whom.sql"),
            include_str!("../migrations/postgres/0004_access_with_state.sql")
        ),
    ),
    ("pages", include_str!("../migrations/postgres/0005_pages.sql")),
    ("checkpoint pieces", include_str!("../migrations/postgres/0006_checkpoint_pieces.sql")),
    ("raising accounts", include_str!("../migrations/postgres/0007_raising_accounts.sql")),
    ("linked accounts", include_str!("../migrations/postgres/0008_linked_accounts.sql")),
];

pub(crate) struct Postgres {
    /// `None` only while it is dropped.
    client: Option<Client>,
    server: Server,
    statements: HashMap<String, Statement>,
    reserved: BTreeSet<i64>,
    /// Whether each statement is planned for the rows of its moment.
    expects_many: bool,
}

fn connect(server: &Server) -> Result<Client, ConnectorError> {
    let connected = Config::from(server.config().clone()).connect(server.tls()?);
    let mut client = connected.map_err(|error| refused(&error))?;
    client.batch_execute(Server::SESSION).map_err(|error| failure(&error))?;
    Ok(client)
}

impl Postgres {
    /// Connects to the server of a URL.
    pub(crate) fn open(url: &SecretString) -> Result<Self, ConnectorError> {
        let server = Server::of_url(url)?;
        let client = Some(connect(&server)?);
        let (statements, reserved) = (HashMap::new(), BTreeSet::new());
        let mut store = Self { client, server, statements, reserved, expects_many: false };
        store.check_encoding()?;
        Ok(store)
    }

    /// Refuses a database that lacks letters.
    fn check_encoding(&mut self) -> Result<(), ConnectorError> {
        let sql = "select current_setting('server_encoding')";
        let encoding = (self as &mut dyn Connection).first(sql, &[], |row| row.owned(0))?.flatten();
        match encoding {
            Some(encoding) if encoding != "UTF8" => Err(ConnectorError::invalid_config(
                format!("the database has the encoding {encoding}, which cannot keep every text"),
                "create one with: createdb --encoding=UTF8 --template=template0 NAME",
            )),
            _ => Ok(()),
        }
    }

    fn client(&mut self) -> Result<&mut Client, ConnectorError> {
        self.client.as_mut().ok_or_else(|| ConnectorError::internal("a connection is used after its end"))
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement, ConnectorError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client()?.prepare(&sql.replace('?', "$")).map_err(|error| failure(&error))?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// The client waits until its connection has ended, and must not do that on a thread of a runtime, where it may be dropped.
impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            let has_reserved = !self.reserved.is_empty();
            let end = move || {
                let mut client = client;
                if has_reserved {
                    // The server does the same when it sees the end of the connection, but that may be a moment later, and the
                    // next scan of the system would be refused until then.
                    let _ = client.batch_execute("rollback; select pg_advisory_unlock_all()");
                }
            };
            let _ = std::thread::spawn(end).join();
        }
    }
}

impl Connection for Postgres {
    fn migrations(&self) -> &'static [(&'static str, &'static str)] {
        MIGRATIONS
    }

    fn for_update(&self) -> &'static str {
        " for update"
    }

    fn order_of_bytes(&self) -> [&'static str; 2] {
        ["~>=~", "~<~"]
    }

    fn for_share(&self) -> &'static str {
        " for share"
    }

    fn among(&self, parameter: &str) -> String {
        format!("= any (cast(string_to_array(cast({parameter} as text), ',') as integer[]))")
    }

    fn among_texts(&self, parameter: &str) -> String {
        format!("= any (array(select jsonb_array_elements_text(cast(cast({parameter} as text) as jsonb))))")
    }

    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, ConnectorError> {
        let statement = self.prepare(sql)?;
        let parameters: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|value| value as _).collect();
        self.client()?.execute(&statement, &parameters).map_err(|error| failure(&error))
    }

    fn query(&mut self, sql: &str, parameters: &[Value], each: Each<'_>) -> Result<(), ConnectorError> {
        let statement = self.prepare(sql)?;
        let parameters = parameters.iter().map(|value| value as &(dyn ToSql + Sync));
        let mut rows = self.client()?.query_raw(&statement, parameters).map_err(|error| failure(&error))?;
        while let Some(row) = rows.next().map_err(|error| failure(&error))? {
            each(&row)?;
        }
        Ok(())
    }

    fn insert(&mut self, table: Table, values: &[Value]) -> Result<(), ConnectorError> {
        let types: Vec<Type> = table.columns.iter().map(|(_, of_type)| sql_type(*of_type)).collect();
        let statement = self.prepare(&format!("copy {} ({}) from stdin binary", table.name, table.names()))?;
        let writer = self.client()?.copy_in(&statement).map_err(|error| failure(&error))?;
        let mut writer = BinaryCopyInWriter::new(writer, &types);
        let mut row: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(types.len());
        for values in values.chunks_exact(types.len()) {
            row.clear();
            row.extend(values.iter().map(|value| value as &(dyn ToSql + Sync)));
            writer.write(&row).map_err(|error| failure(&error))?;
        }
        writer.finish().map(drop).map_err(|error| failure(&error))
    }

    fn script(&mut self, sql: &str) -> Result<(), ConnectorError> {
        self.client()?.batch_execute(sql).map_err(|error| failure(&error))
    }

    fn begin(&mut self) -> Result<(), ConnectorError> {
        self.script("begin")
    }

    fn begin_reading(&mut self) -> Result<(), ConnectorError> {
        self.script("begin isolation level repeatable read read only")
    }

    fn own_schema(&mut self) -> Result<(), ConnectorError> {
        self.script(&format!("select pg_advisory_xact_lock({LOCKS}, 0)"))
    }

    fn has_table(&mut self, name: &str) -> Result<bool, ConnectorError> {
        let sql = "select to_regclass(cast(?1 as text)) is not null";
        Ok((self as &mut dyn Connection).first(sql, &[name.into()], |row| row.boolean(0))?.flatten() == Some(true))
    }

    fn reserve(&mut self, system: i64) -> Result<bool, ConnectorError> {
        // The server counts how often it is reserved.
        if self.reserved.contains(&system) {
            return Ok(true);
        }
        let sql = format!("select pg_try_advisory_lock({}, cast(?1 as integer))", key());
        let reserved = (self as &mut dyn Connection).first(&sql, &[system.into()], |row| row.boolean(0))?;
        let is_reserved = reserved.flatten() == Some(true);
        if is_reserved {
            self.reserved.insert(system);
        }
        Ok(is_reserved)
    }

    fn release(&mut self, system: i64) -> Result<(), ConnectorError> {
        if self.reserved.remove(&system) {
            let sql = format!("select pg_advisory_unlock({}, cast(?1 as integer))", key());
            (self as &mut dyn Connection).first(&sql, &[system.into()], |row| row.boolean(0))?;
        }
        Ok(())
    }

    fn reconnect(&mut self) -> Result<(), ConnectorError> {
        self.statements.clear();
        self.reserved.clear();
        self.expects_many = false;
        let mut tries = 1;
        let client = loop {
            match connect(&self.server) {
                Ok(client) => break client,
                Err(error) if tries == RECONNECTS => return Err(error),
                Err(_) => tries += 1,
            }
            // It may be starting again.
            std::thread::sleep(RECONNECT);
        };
        if let Some(lost) = self.client.replace(client) {
            let _ = std::thread::spawn(move || drop(lost)).join();
        }
        Ok(())
    }

    fn check_can_scrub(&mut self) -> Result<(), ConnectorError> {
        remains::check(self)
    }

    fn scrub(&mut self) -> Result<(), ConnectorError> {
        remains::clear(self)
    }

    fn delete_of_run(&mut self, tables: &[&str], run: i64) -> Result<(), ConnectorError> {
        let delete = |table: &&str| format!("delete from {table} where run = ?1");
        let Some((last, others)) = tables.split_last() else { return Ok(()) };
        let others: Vec<String> = others.iter().map(|table| format!("of_{table} as ({})", delete(table))).collect();
        let with = if others.is_empty() { String::new() } else { format!("with {} ", others.join(", ")) };
        self.execute(&(with + &delete(last)), &[run.into()]).map(drop)
    }

    fn expect_many(&mut self, is_many: bool) -> Result<(), ConnectorError> {
        if self.expects_many != is_many {
            let mode = if is_many { "force_custom_plan" } else { "auto" };
            self.script(&format!("set plan_cache_mode = {mode}"))?;
            self.expects_many = is_many;
        }
        Ok(())
    }

    fn analyze(&mut self, tables: &[&str]) -> Result<(), ConnectorError> {
        self.script(&format!("analyze {}", tables.join(", ")))
    }
}

fn sql_type(of_type: ColumnType) -> Type {
    match of_type {
        ColumnType::Integer => Type::INT4,
        ColumnType::Long => Type::INT8,
        ColumnType::Boolean => Type::BOOL,
        ColumnType::Text => Type::TEXT,
        ColumnType::Bytes => Type::BYTEA,
        ColumnType::Time => Type::TIMESTAMPTZ,
    }
}

type Cause = Box<dyn std::error::Error + Sync + Send>;

/// Writes a value as the type that the server expects.
impl ToSql for Value {
    fn to_sql(&self, of_type: &Type, out: &mut BytesMut) -> Result<IsNull, Cause> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(value) if *of_type == Type::INT8 => value.to_sql(of_type, out),
            Self::Integer(value) => i32::try_from(*value)?.to_sql(of_type, out),
            Self::Boolean(value) => value.to_sql(of_type, out),
            Self::Text(value) => value.to_sql(of_type, out),
            Self::Bytes(value) => value.to_sql(of_type, out),
            // Where a time is kept as text.
            Self::Time(value) if *of_type == Type::TEXT => value.to_string().to_sql(of_type, out),
            Self::Time(value) => value.to_sql(of_type, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A whole number of any size.
struct Integer(i64);

impl<'a> FromSql<'a> for Integer {
    fn from_sql(of_type: &Type, raw: &'a [u8]) -> Result<Self, Cause> {
        match *of_type {
            Type::INT8 => i64::from_sql(of_type, raw).map(Self),
            _ => i32::from_sql(of_type, raw).map(|value| Self(value.into())),
        }
    }

    fn accepts(of_type: &Type) -> bool {
        [Type::INT4, Type::INT8].contains(of_type)
    }
}

impl Row for postgres::Row {
    fn integer(&self, column: usize) -> Result<Option<i64>, ConnectorError> {
        let value: Option<Integer> = self.try_get(column).map_err(|error| failure(&error))?;
        Ok(value.map(|Integer(value)| value))
    }

    fn boolean(&self, column: usize) -> Result<Option<bool>, ConnectorError> {
        self.try_get(column).map_err(|error| failure(&error))
    }

    fn text(&self, column: usize) -> Result<Option<&str>, ConnectorError> {
        self.try_get(column).map_err(|error| failure(&error))
    }

    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, ConnectorError> {
        self.try_get(column).map_err(|error| failure(&error))
    }

    fn time(&self, column: usize) -> Result<Option<Timestamp>, ConnectorError> {
        self.try_get(column).map_err(|error| failure(&error))
    }
}
