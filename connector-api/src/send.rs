//! Sending many rows.

use tokio_util::sync::CancellationToken;

use crate::error::ConnectorError;
use crate::record::Record;
use crate::scan::ScanSink;

/// How many rows a sink is given at once.
const BATCH: usize = 500;

/// Sends rows to a sink in batches, each when the one before was taken.
///
/// # Errors
/// `cancelled` between two batches, and whatever the sink fails with.
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

    /// Notes how large batches are, and cancels after the second.
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
