//! Connections to the store. A store is one connection whose calls block, so several are kept, on threads that may.

use std::sync::{Arc, Mutex, PoisonError};

use connector_api::{ConnectorError, ErrorCode};
use connector_store::{Location, Store};
use tokio::sync::Semaphore;

/// How many pages read at the same time. Others wait.
const CONNECTIONS: usize = 4;

/// Connections to one store, opened when they are needed.
#[derive(Clone)]
pub(crate) struct Stores(Arc<Inner>);

struct Inner {
    location: Location,
    idle: Mutex<Vec<Store>>,
    permits: Arc<Semaphore>,
}

impl Stores {
    pub(crate) fn new(location: Location) -> Self {
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        Self(Arc::new(Inner { location, idle: Mutex::default(), permits }))
    }

    /// Reads with a connection, which shows one state of the store. The work ends even if nobody waits for it any more, and keeps its connection until then.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, ConnectorError> + Send + 'static,
    ) -> Result<T, ConnectorError> {
        let crashed = || ConnectorError::internal("reading the store crashed");
        let permit = Arc::clone(&self.0.permits).acquire_owned().await.map_err(|_| crashed())?;
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let idle = inner.idle().pop();
            let mut store = idle.map_or_else(|| Store::open(&inner.location), Ok)?;
            store.pin()?;
            let done = work(&mut store);
            store.unpin();
            // A question about what is not there says nothing about the connection; any other error may.
            if done.as_ref().err().is_none_or(|error| error.code == ErrorCode::InvalidConfig) {
                inner.idle().push(store);
            }
            done
        });
        done.await.map_err(|_| crashed())?
    }
}

impl Inner {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Store>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
