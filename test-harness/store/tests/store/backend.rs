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
