//! Last logins by month. Counting them reads all accounts, so a run is counted once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use connector_api::ConnectorError;
use connector_store::{Store, System};

/// Runs whose counts are kept, the newest.
const RUNS: usize = 64;

/// Accounts by the month of their last login.
pub(crate) type Months = BTreeMap<String, u64>;

/// The counts of the runs that were asked for.
#[derive(Default)]
pub(crate) struct LastLogins(Mutex<BTreeMap<i64, Arc<Months>>>);

impl LastLogins {
    /// Returns the counts of a system after its last published run. `run` is that run: the next one brings other logins.
    pub(crate) fn of(&self, store: &mut Store, system: &System, run: i64) -> Result<Arc<Months>, ConnectorError> {
        if let Some(known) = self.runs().get(&run) {
            return Ok(Arc::clone(known));
        }
        let counted = Arc::new(store.last_logins(system, run)?);
        let mut runs = self.runs();
        runs.insert(run, Arc::clone(&counted));
        while runs.len() > RUNS {
            runs.pop_first();
        }
        Ok(counted)
    }

    fn runs(&self) -> MutexGuard<'_, BTreeMap<i64, Arc<Months>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
