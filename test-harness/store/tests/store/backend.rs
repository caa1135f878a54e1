//! An empty store of each kind for each test.

use connector_store::{Location, Store};
use tempfile::TempDir;

use crate::cluster;

/// A place for one store.
pub struct Backend {
    pub location: Location,
    pub folder: Option<TempDir>,
}

impl Backend {
    pub fn sqlite() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        Some(Self { location: Location::sqlite(folder.path().join("store.db")), folder: Some(folder) })
    }

    pub fn postgres() -> Option<Self> {
        let url = cluster::database()?;
        Some(Self { location: url.parse().unwrap(), folder: None })
    }

    pub fn open(&self) -> Store {
        Store::open(&self.location).unwrap()
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
