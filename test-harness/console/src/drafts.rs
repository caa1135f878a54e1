//! Systems that somebody enters and tests, before they are saved. They are in memory only, with their secrets.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use connector_api::{CancellationToken, Check, Connector};
use connector_host::run;
use connector_host::stored_system::{Secrets, StoredSystem};
use tokio::sync::watch;

use crate::failure::Failure;
use crate::session;

/// Drafts that are kept. The oldest goes when there are more.
const MOST: usize = 32;

/// How long a connection test may take, as for the host.
const LIMIT: Duration = Duration::from_secs(60);

/// The drafts, the newest last.
#[derive(Default)]
pub(crate) struct Drafts {
    all: Mutex<VecDeque<Arc<Draft>>>,
    cancel: CancellationToken,
}

/// A system as somebody entered it, and the test of its connection.
pub(crate) struct Draft {
    /// Its key, which cannot be guessed.
    pub(crate) id: String,
    pub(crate) stored: StoredSystem,
    pub(crate) entered: Secrets,
    /// What it is saved as.
    pub(crate) purpose: Purpose,
    tested: watch::Sender<Arc<Tested>>,
}

/// What a draft is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A system that is not there yet.
    Add,
    /// Other settings of one that is.
    Change,
    /// Only its connection is tested.
    Test,
}

/// The checks that were made so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tested {
    pub(crate) checks: Vec<Check>,
    pub(crate) has_ended: bool,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("purpose", &self.purpose).finish_non_exhaustive()
    }
}

impl Draft {
    /// Returns the checks so far, and those that follow.
    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Tested>> {
        self.tested.subscribe()
    }
}

impl Drafts {
    fn all(&self) -> MutexGuard<'_, VecDeque<Arc<Draft>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a draft and begins to test its connection.
    pub(crate) fn test(
        &self,
        stored: StoredSystem,
        entered: Secrets,
        purpose: Purpose,
        connector: Box<dyn Connector>,
    ) -> Arc<Draft> {
        let (tested, _) = watch::channel(Arc::default());
        let draft = Arc::new(Draft { id: session::token(), stored, entered, purpose, tested });
        {
            let mut all = self.all();
            if all.len() >= MOST {
                all.pop_front();
            }
            all.push_back(Arc::clone(&draft));
        }
        let (testing, cancel) = (Arc::clone(&draft), self.cancel.clone());
        tokio::spawn(async move {
            let change = |change: &dyn Fn(&mut Tested)| {
                testing.tested.send_modify(|tested| {
                    let mut next = Tested::clone(tested);
                    change(&mut next);
                    *tested = Arc::new(next);
                });
            };
            let each = |check: &Check| change(&|tested| tested.checks.push(check.clone()));
            if let Err(error) = run::test_connection_watched(&*connector, LIMIT, &cancel, &each).await {
                each(&Check::failed("test", error, Duration::ZERO));
            }
            change(&|tested| tested.has_ended = true);
        });
        draft
    }

    /// Returns a draft.
    pub(crate) fn find(&self, id: &str) -> Result<Arc<Draft>, Failure> {
        let found = self.all().iter().find(|draft| draft.id == id).cloned();
        found.ok_or_else(|| {
            Failure::new(
                StatusCode::NOT_FOUND,
                "What was entered is no longer kept",
                "Tests are kept in memory, the last ones only. Enter the system again, or test one that is saved.",
            )
        })
    }

    /// Forgets a draft, with its secrets.
    pub(crate) fn forget(&self, id: &str) {
        self.all().retain(|draft| draft.id != id);
    }

    /// Cancels all tests.
    pub(crate) fn end(&self) {
        self.cancel.cancel();
    }
}
