//! Sending rows in batches.

use tokio_util::sync::CancellationToken;

use crate::error::ConnectorError;
use crate::record::Record;
use crate::scan::ScanSink;

/// The number of rows in a batch.
const BATCH: usize = 500;

/// Sends rows to a sink in batches, each once the sink has taken the one before.
///
/// # Errors
/// Returns `cancelled` before a batch once the scan is cancelled, and any error of the sink.
pub async fn send(
    sink: &dyn ScanSink,
    cancel: &CancellationToken,
    rows: impl IntoIterator<Item = impl Into<Record>>,
) -> Result<(), ConnectorError> {
    let mut rows = rows.into_iter().map(Into::into);
    loop {
        let batch: Vec<Record> = rows.by_ref().take(BATCH).collect();
        match batch.is_empty() {
            true => return Ok(()),
            false if cancel.is_cancelled() => return Err(ConnectorError::cancelled()),
            false => sink.records(batch).await?,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Mutex;

    use super::*;
    use crate::error::ErrorCode;
    use crate::record::Account;

    /// A sink that records the sizes of batches and cancels after the second.
    #[derive(Default)]
    struct Sizes(Mutex<Vec<usize>>, CancellationToken);

    #[crate::async_trait]
    impl ScanSink for Sizes {
        async fn records(&self, batch: Vec<Record>) -> Result<(), ConnectorError> {
            let mut sizes = self.0.lock().unwrap();
            sizes.push(batch.len());
            if sizes.len() == 2 {
                self.1.cancel();
            }
            Ok(())
        }
    }

    #[tokio::test]
    async fn rows_are_sent_in_batches_until_a_cancel() {
        for (rows, sizes, cancelled) in
            [(0, vec![], false), (500, vec![500], false), (501, vec![500, 1], false), (1501, vec![500, 500], true)]
        {
            let sink = Sizes::default();
            let result = send(&sink, &sink.1, vec![Account::default(); rows]).await;
            assert_eq!(*sink.0.lock().unwrap(), sizes, "{rows}");
            assert_eq!(result.err().map(|error| error.code), cancelled.then_some(ErrorCode::Cancelled), "{rows}");
        }
    }
}
