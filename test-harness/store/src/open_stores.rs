//! Stores that stay open between scans: so each finds a connection, and the statements that the database has planned.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use connector_api::ConnectorError;

use crate::migrate;
use crate::{Location, Store};

/// How long an open store is kept that nobody uses: networks forget connections on which nothing happens.
const IDLE: Duration = Duration::from_secs(60);

/// Open stores of one location that nobody uses at the moment.
#[derive(Debug)]
pub struct OpenStores {
    location: Location,
    idle: Mutex<Vec<(Store, Instant)>>,
}

impl OpenStores {
    /// Creates an empty set.
    pub fn new(location: &Location) -> Self {
        Self { location: location.clone(), idle: Mutex::default() }
    }

    /// Returns the store that was used last, or opens one. It blocks.
    ///
    /// # Errors
    /// As for [`Store::open`].
    pub fn take(&self) -> Result<Store, ConnectorError> {
        loop {
            let Some((mut store, since)) = self.idle().pop() else { return Store::open(&self.location) };
            // The connection or the file may be lost, or a later version has changed the store: then opening it says so.
            if since.elapsed() < IDLE && store.is_in_place() && migrate::is_current(store.writing()) {
                return Ok(store);
            }
        }
    }

    /// Keeps a store for the next who needs one.
    pub fn give_back(&self, store: Store) {
        self.idle().push((store, Instant::now()));
    }

    /// Closes the stores that nobody used for a while. It blocks.
    pub fn close_idle(&self) {
        let closed: Vec<_> = self.idle().extract_if(.., |(_, since)| since.elapsed() >= IDLE).collect();
        drop(closed);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Store, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
