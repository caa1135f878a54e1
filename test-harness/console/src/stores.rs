//! Connections to the store. A store is one connection whose calls block, so several are kept, on threads that may.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use connector_api::ConnectorError;
use connector_store::{Location, Store};
use tokio::sync::Semaphore;

use crate::failure::Failure;

/// How many pages read at the same time. Others wait.
const CONNECTIONS: usize = 4;

/// Connections to one store, opened when they are needed.
#[derive(Clone)]
pub(crate) struct Stores(Arc<Inner>);

struct Inner {
    /// `None` for a store that is open and cannot be opened again.
    location: Option<Location>,
    /// Whether the store was seen: from then on, none is created in its place.
    was_there: AtomicBool,
    idle: Mutex<Vec<Store>>,
    permits: Arc<Semaphore>,
}

impl Stores {
    pub(crate) fn new(location: Location) -> Self {
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        let was_there = location.files().first().is_none_or(|file| file.exists()).into();
        Self(Arc::new(Inner { location: Some(location), was_there, idle: Mutex::default(), permits }))
    }

    /// Reads with one connection that is open, such as to a store in memory.
    pub(crate) fn of(store: Store) -> Self {
        let (idle, permits) = (Mutex::new(vec![store]), Arc::new(Semaphore::new(1)));
        Self(Arc::new(Inner { location: None, was_there: true.into(), idle, permits }))
    }

    /// Opens a connection, which is the caller's. It blocks. A file that was there and is gone is not created.
    ///
    /// # Errors
    /// As for [`Store::open_again`], and `internal` for a store that cannot be opened again.
    pub(crate) fn open(&self) -> Result<Store, ConnectorError> {
        let location = self.0.location.as_ref();
        let location = location.ok_or_else(|| ConnectorError::internal("this store cannot be opened again"))?;
        let opened = match self.0.was_there.load(Ordering::Relaxed) {
            true => Store::open_again(location),
            false => Store::open(location),
        };
        self.0.was_there.fetch_or(opened.is_ok(), Ordering::Relaxed);
        opened
    }

    /// Takes a connection that is idle, or opens one. Those to a file that was removed or replaced are closed.
    fn take(&self) -> Result<Store, ConnectorError> {
        loop {
            match self.0.idle().pop() {
                Some(store) if store.is_in_place() => return Ok(store),
                Some(_) => {}
                None => return self.open(),
            }
        }
    }

    /// Reads with a connection, which shows one state of the store. The work ends even if nobody waits for it any more, and keeps
    /// its connection until then.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let can_reopen = self.0.location.is_some();
        let reading = move |store: &mut Store| {
            store.pin()?;
            let done = work(store);
            // A report shows one state from its first page to its last.
            if can_reopen {
                store.unpin();
            }
            done
        };
        self.run(reading).await
    }

    /// Changes the store with a connection, which sees it as it is now. The work ends as that of [`read`](Self::read).
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.run(work).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let crashed = || ConnectorError::internal("using the store crashed");
        let permit = Arc::clone(&self.0.permits).acquire_owned().await.map_err(|_| crashed())?;
        let stores = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut store = stores.take().map_err(Failure::unavailable)?;
            let done = work(&mut store);
            // A question about what is not there says nothing about the connection; any other failure may.
            if done.as_ref().err().is_none_or(|failure| failure.status().is_client_error()) {
                stores.0.idle().push(store);
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
