//! An empty store of each kind for each test.

use connector_store::{Location, Store};
use tempfile::TempDir;

use crate::cluster;

/// A place for one store.
pub struct Backend {
    pub location: Location,
    /// Of the file.
    pub folder: Option<TempDir>,
    /// Of the database on a server.
    pub url: Option<String>,
}

impl Backend {
    pub fn sqlite() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        Some(Self { location: Location::sqlite(folder.path().join("store.db")), folder: Some(folder), url: None })
    }

    pub fn postgres() -> Option<Self> {
        let url = cluster::database()?;
        Some(Self { location: url.parse().unwrap(), folder: None, url: Some(url) })
    }

    pub fn open(&self) -> Store {
        Store::open(&self.location).unwrap()
    }

    /// Reads columns of text past the store, as a user's own program does.
    pub fn read(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        if let Some(url) = &self.url {
            let rows = postgres::Client::connect(url, postgres::NoTls).unwrap().query(sql, &[]).unwrap();
            return rows.iter().map(|row| (0..row.len()).map(|column| row.get(column)).collect()).collect();
        }
        let path = self.folder.as_ref().unwrap().path().join("store.db");
        let connection = rusqlite::Connection::open(path).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect());
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// The rows of a question, with bars between the columns, as `sqlite3` and `psql` show them. Times are to the minute.
    pub fn table(&self, sql: &str) -> Vec<String> {
        let Some(url) = &self.url else { return self.table_of_file(sql) };
        of_server(&mut postgres::Client::connect(url, postgres::NoTls).unwrap(), sql)
    }

    /// The same as another role of the server.
    pub fn table_as(&self, role: &str, sql: &str) -> Vec<String> {
        of_server(&mut self.client_as(role), sql)
    }

    /// Whether the server refuses this to a role.
    pub fn refuses(&self, role: &str, sql: &str) -> bool {
        let error = self.client_as(role).simple_query(sql).unwrap_err();
        error.code() == Some(&postgres::error::SqlState::INSUFFICIENT_PRIVILEGE)
    }

    fn client_as(&self, role: &str) -> postgres::Client {
        let url = self.url.as_ref().unwrap();
        let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
        client.batch_execute(&format!("set role {role}")).unwrap();
        client
    }

    fn table_of_file(&self, sql: &str) -> Vec<String> {
        use rusqlite::types::ValueRef;
        let path = self.folder.as_ref().unwrap().path().join("store.db");
        let connection = rusqlite::Connection::open(path).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let shown = |value: ValueRef<'_>| match value {
            ValueRef::Null => String::new(),
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Text(text) => to_the_minute(std::str::from_utf8(text).unwrap()),
            other => panic!("{other:?}"),
        };
        let row = |row: &rusqlite::Row<'_>| {
            let shown: Vec<String> = (0..columns).map(|column| shown(row.get_ref(column).unwrap())).collect();
            Ok(shown.join("|"))
        };
        statement.query_map([], row).unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// SQL for a column with a time, as text to the second.
    pub fn time(&self, column: &str) -> String {
        match &self.url {
            Some(_) => format!("to_char({column} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"),
            None => format!("substr({column}, 1, 19) || 'Z'"),
        }
    }

    /// Runs SQL past the store.
    pub fn run(&self, sql: &str) {
        match (&self.folder, &self.url) {
            (Some(folder), _) => {
                rusqlite::Connection::open(folder.path().join("store.db")).unwrap().execute_batch(sql).unwrap();
            }
            (_, Some(url)) => {
                postgres::Client::connect(url, postgres::NoTls).unwrap().batch_execute(sql).unwrap();
            }
            _ => unreachable!(),
        }
    }
}

fn of_server(client: &mut postgres::Client, sql: &str) -> Vec<String> {
    client.batch_execute("set time zone 'UTC'").unwrap();
    let mut rows = Vec::new();
    for message in client.simple_query(sql).unwrap() {
        if let postgres::SimpleQueryMessage::Row(row) = message {
            let shown = |column| row.get(column).map_or_else(String::new, to_the_minute);
            rows.push((0..row.len()).map(shown).collect::<Vec<_>>().join("|"));
        }
    }
    rows
}

/// The two databases write times in two ways.
fn to_the_minute(text: &str) -> String {
    let is_time = text.len() >= 19 && text.as_bytes()[4] == b'-' && text.as_bytes()[13] == b':';
    if is_time { text[..16].replace('T', " ") } else { text.to_owned() }
}

/// Makes of each function a test on each database.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { crate::backend::Backend::sqlite().iter().for_each(super::$name); })*
        }
        mod postgres {
            $(#[test] fn $name() { crate::backend::Backend::postgres().iter().for_each(super::$name); })*
        }
    };
}
pub(crate) use on_both;
