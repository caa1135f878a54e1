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
