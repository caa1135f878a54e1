//! The fleet in the database of the store, if it has one: read by one at a time, and once for all who follow it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use connector_api::{ConnectorError, ErrorCode, Retry};
use connector_fleet::{Fleet, Status};
use connector_store::Location;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::live::Newest;

/// How often those who follow get news.
const TICK: Duration = Duration::from_secs(2);

/// How long the database may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// How long any page waits to learn whether there is a fleet, and how long it is taken as true that there is none.
const LOOK: Duration = Duration::from_secs(2);
const AGAIN: Duration = Duration::from_secs(10);

/// The state of the fleet, or why it could not be read.
pub(crate) type Seen = Result<Status, ConnectorError>;

/// The fleet of one store, opened when it is needed.
pub(crate) struct StoreFleet {
    location: Location,
    /// Locked while the database is asked, so one connection at a time is enough.
    asking: tokio::sync::Mutex<Asking>,
    is_there: AtomicBool,
    /// The news of those who follow, as long as there are any.
    news: Mutex<Option<watch::Sender<Arc<Seen>>>>,
    /// What they see.
    pub(crate) newest: Newest<Seen>,
}

#[derive(Default)]
struct Asking {
    fleet: Option<Fleet>,
    looked_at: Option<Instant>,
}

impl StoreFleet {
    pub(crate) fn of(location: &Location) -> Self {
        Self {
            location: location.clone(),
            asking: tokio::sync::Mutex::default(),
            is_there: AtomicBool::new(false),
            news: Mutex::default(),
            newest: Newest::default(),
        }
    }

    /// Whether there is a fleet, as far as is known. Where none is known it is looked for now and then, for a moment.
    pub(crate) async fn is_there(&self) -> bool {
        // While somebody asks the database, what was known before counts.
        if let Ok(mut asking) = self.asking.try_lock()
            && asking.fleet.is_none()
            && asking.looked_at.is_none_or(|at| at.elapsed() > AGAIN)
        {
            let _ = timeout(LOOK, self.open(&mut asking)).await;
        }
        self.is_there.load(Ordering::Relaxed)
    }

    /// Reads the state of the fleet.
    ///
    /// # Errors
    /// `invalid_config` if there is no fleet; `sink` if the database cannot be read.
    pub(crate) async fn status(&self) -> Seen {
        let mut asking = self.asking.lock().await;
        let reading = async { self.open(&mut asking).await?.status().await };
        let seen = timeout(ANSWER, reading).await.unwrap_or_else(|_| Err(late()));
        if seen.is_err() {
            // The tables or the server may be others by now: the next one begins with a new connection.
            asking.fleet = None;
        }
        seen
    }

    async fn open(&self, asking: &mut Asking) -> Result<Fleet, ConnectorError> {
        if let Some(fleet) = &asking.fleet {
            return Ok(fleet.clone());
        }
        asking.looked_at = Some(Instant::now());
        let opened = Fleet::open(&self.location).await;
        match &opened {
            Ok(fleet) => {
                asking.fleet = Some(fleet.clone());
                self.is_there.store(true, Ordering::Relaxed);
            }
            Err(error) if error.code == ErrorCode::InvalidConfig => self.is_there.store(false, Ordering::Relaxed),
            // A database that is gone for a moment says nothing about its tables.
            Err(_) => {}
        }
        opened
    }

    /// Follows the state, which is read every few seconds as long as somebody follows it, however many they are.
    pub(crate) async fn follow(self: &Arc<Self>) -> watch::Receiver<Arc<Seen>> {
        let known = self.news().as_ref().map(watch::Sender::subscribe);
        if let Some(known) = known {
            return known;
        }
        let first = Arc::new(self.status().await);
        let mut news = self.news();
        // Somebody else may have been faster.
        match &*news {
            Some(news) => news.subscribe(),
            None => {
                let (sender, receiver) = watch::channel(first);
                *news = Some(sender);
                tokio::spawn(Arc::clone(self).keep_reading());
                receiver
            }
        }
    }

    async fn keep_reading(self: Arc<Self>) {
        loop {
            sleep(TICK).await;
            {
                let mut news = self.news();
                if news.as_ref().is_none_or(|news| news.receiver_count() == 0) {
                    *news = None;
                    return;
                }
            }
            let seen = Arc::new(self.status().await);
            if let Some(news) = &*self.news() {
                news.send_replace(seen);
            }
        }
    }

    /// Ends what follows it.
    pub(crate) fn end(&self) {
        self.news().take();
    }

    fn news(&self) -> MutexGuard<'_, Option<watch::Sender<Arc<Seen>>>> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn late() -> ConnectorError {
    let message = format!("the database has not answered within {} s", ANSWER.as_secs());
    ConnectorError::sink(message, "check the database, and reload the page").with_retry(Retry::Later)
}
