//! Passes the rows from the connector to the output: one bounded channel, one writer.

use std::sync::{Arc, Mutex, PoisonError};

use connector_api::{CancellationToken, Checkpoint, ConnectorError, Progress, Record, ScanSink, async_trait};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::progress::Reporter;

/// Batches that may wait for the writer; the connector waits when there are more.
const BATCHES: usize = 4;

/// Receives what arrives in the sink, on its own thread, which may block.
pub(super) trait Writer: Send + 'static {
    fn records(&mut self, batch: &[Record]) -> Result<(), ConnectorError>;
    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), ConnectorError>;
}

enum Work {
    Records(Vec<Record>),
    Checkpoint(Checkpoint, oneshot::Sender<()>),
}

/// Written batches on their way back: memory is freed fastest by the thread that allocated it.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<Vec<Record>>>>);

impl Written {
    fn give_back(&self, batch: Vec<Record>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
    }

    fn free(&self) {
        let batches = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        drop(batches);
    }
}

/// The host's [`ScanSink`].
pub(super) struct ChannelSink {
    work: mpsc::Sender<Work>,
    written: Written,
    cancel: CancellationToken,
    reporter: Arc<dyn Reporter>,
}

/// The writer at the other end of a [`ChannelSink`].
pub(super) struct WriterTask<W>(JoinHandle<(W, Result<(), ConnectorError>)>);

/// Starts `writer` and makes the sink that feeds it.
pub(super) fn start<W: Writer>(
    mut writer: W,
    cancel: CancellationToken,
    reporter: Arc<dyn Reporter>,
) -> (ChannelSink, WriterTask<W>) {
    let (work, mut queue) = mpsc::channel(BATCHES);
    let written = Written::default();
    let given_back = written.clone();
    let task = tokio::task::spawn_blocking(move || {
        while let Some(item) = queue.blocking_recv() {
            let done = match item {
                Work::Records(batch) => {
                    let done = writer.records(&batch);
                    given_back.give_back(batch);
                    done
                }
                Work::Checkpoint(checkpoint, kept) => writer.checkpoint(&checkpoint).map(|()| {
                    // First, because the connector goes on with the state that it shares.
                    drop(checkpoint);
                    // Nobody waits for it if the scan was cancelled meanwhile.
                    let _ = kept.send(());
                }),
            };
            if done.is_err() {
                return (writer, done);
            }
        }
        (writer, Ok(()))
    });
    (ChannelSink { work, written, cancel, reporter }, WriterTask(task))
}

impl<W> WriterTask<W> {
    /// The writer, when every sink is dropped, and the error that stopped it.
    pub(super) async fn finish(self) -> Result<(W, Result<(), ConnectorError>), ConnectorError> {
        self.0.await.map_err(|_| ConnectorError::internal("the writer of the rows crashed"))
    }
}

impl ChannelSink {
    /// Waits for `step` until the scan is cancelled.
    async fn unless_cancelled<T, E>(&self, step: impl Future<Output = Result<T, E>>) -> Result<T, ConnectorError> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(ConnectorError::cancelled()),
            done = step => done.map_err(|_| stopped()),
        }
    }
}

/// The connector's error when the writer has stopped. The writer reports the cause.
fn stopped() -> ConnectorError {
    ConnectorError::sink("the rows can no longer be written", "see the error of the output")
}

#[async_trait]
impl ScanSink for ChannelSink {
    async fn records(&self, batch: Vec<Record>) -> Result<(), ConnectorError> {
        self.written.free();
        self.unless_cancelled(self.work.send(Work::Records(batch))).await
    }

    async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<(), ConnectorError> {
        let (kept, done) = oneshot::channel();
        self.unless_cancelled(self.work.send(Work::Checkpoint(checkpoint, kept))).await?;
        self.unless_cancelled(done).await
    }

    fn progress(&self, progress: Progress) {
        // The expected number is an estimate; show at least what is done.
        let expected = progress.expected.map(|expected| expected.max(progress.done));
        self.reporter.progress(&progress.of(expected));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use connector_api::{Account, Credential, Descriptor, SystemConfig};

    use super::*;
    use crate::progress::Quiet;

    struct Counter(usize);

    impl Writer for Counter {
        fn records(&mut self, batch: &[Record]) -> Result<(), ConnectorError> {
            self.0 += batch.len();
            Ok(())
        }

        fn checkpoint(&mut self, _: &Checkpoint) -> Result<(), ConnectorError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_checkpoint_that_was_written_shares_nothing_with_the_connector_any_more() {
        let (sink, writer) = start(Counter(0), CancellationToken::new(), Arc::new(Quiet));
        let mut state = Arc::new(7);
        for _ in 0..1000 {
            let config = SystemConfig::new("hq", "host", Credential::default());
            let now = jiff::Timestamp::UNIX_EPOCH;
            sink.checkpoint(Checkpoint::new(&Descriptor::default(), &config, now, Arc::clone(&state))).await.unwrap();
            assert!(Arc::get_mut(&mut state).is_some());
        }
        drop(sink);
        writer.finish().await.unwrap().1.unwrap();
    }

    #[tokio::test]
    async fn batches_come_back_when_they_were_written_and_do_not_pile_up() {
        let (sink, writer) = start(Counter(0), CancellationToken::new(), Arc::new(Quiet));
        let written = sink.written.clone();
        let waiting = || written.0.lock().unwrap().len();
        for _ in 0..100 {
            sink.records(vec![Account::default().into()]).await.unwrap();
            // Those of the channel, one before it and one behind it.
            assert!(waiting() <= BATCHES + 2, "{}", waiting());
        }
        drop(sink);
        let (counter, done) = writer.finish().await.unwrap();
        done.unwrap();
        assert_eq!(counter.0, 100);
        assert!(waiting() > 0, "the last ones wait for the end of the sink");
    }
}
