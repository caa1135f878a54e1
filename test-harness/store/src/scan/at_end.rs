//! What whoever grants the leases has to say when a scan ends.

use connector_api::{ConnectorError, Retry};

use super::Fence;
use crate::database::Connection;

/// The statement of [`Fence::Kept`] with the number of its lease, if there is one.
#[derive(Debug, Clone, Default)]
pub(crate) struct AtEnd(Option<(String, i64)>);

impl AtEnd {
    pub(super) fn of(fence: Fence<'_>) -> Self {
        match fence {
            Fence::Kept { number, at_end } => Self(Some((at_end.to_owned(), number))),
            Fence::Own | Fence::Lease(_) => Self(None),
        }
    }

    /// Makes sure, in the transaction that ends a run in a state, that its lease still stands.
    ///
    /// # Errors
    /// `sink` if it does not: then the transaction must not be committed.
    pub(crate) fn check(&self, db: &mut dyn Connection, state: &str, run: i64) -> Result<(), ConnectorError> {
        let Some((statement, lease)) = &self.0 else { return Ok(()) };
        match db.execute(statement, &[state.into(), run.into(), (*lease).into()])? {
            1 => Ok(()),
            _ => Err(ConnectorError::sink(
                format!("the lease of run {run} has ended, so it cannot be {state}"),
                "nothing: whoever has the next lease goes on with what was read",
            )
            .with_retry(Retry::Later)),
        }
    }
}
