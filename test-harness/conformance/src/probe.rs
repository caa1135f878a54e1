//! A sink that records what a scan does, and misbehaves if a test asks for it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use connector_api::{CancellationToken, Checkpoint, ConnectorError, Progress, Record, ScanSink, async_trait};
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long a held batch waits for another one to be sent meanwhile, which must not happen.
const HOLD: Duration = Duration::from_millis(25);

/// The number of batches that are held.
const HELD_BATCHES: usize = 4;

/// What the sink does in addition to recording.
#[derive(Debug, Clone, Default)]
pub(super) enum Script {
    /// Nothing else.
    #[default]
    Record,
    /// Holds the first batches, and detects whether another one is sent meanwhile.
    Hold,
    /// Fails at the n-th batch, counted from 1, and at all later ones.
    FailRecords(usize),
    /// Fails at the first checkpoint.
    FailCheckpoint,
    /// Cancels the scan at the n-th call of any kind, counted from 1.
    CancelAt(usize, CancellationToken),
}

/// What the sink has recorded.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Calls of any kind.
    pub(super) calls: usize,
    /// The rows that were taken.
    pub(super) rows: Vec<Record>,
    /// The size of each batch.
    pub(super) batches: Vec<usize>,
    /// The checkpoints, each with the number of rows before it.
    pub(super) checkpoints: Vec<(usize, Checkpoint)>,
    /// The progress reports.
    pub(super) progress: Vec<Progress>,
    /// Whether a batch was sent before another was taken.
    pub(super) overlapped: bool,
    /// The number of batches sent after the sink had failed.
    pub(super) batches_after_failure: usize,
    /// When the scan was cancelled, and the number of batches sent by then.
    pub(super) cancelled: Option<(Instant, usize)>,
    pending: usize,
    failed: bool,
}

#[derive(Debug, Default)]
pub(super) struct Probe {
    script: Script,
    seen: Mutex<Seen>,
    overlap: Notify,
}

impl Probe {
    pub(super) fn new(script: Script) -> Self {
        Self { script, ..Self::default() }
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, and cancels the scan if the script says so.
    fn enter(&self) -> MutexGuard<'_, Seen> {
        let mut seen = self.seen();
        seen.calls += 1;
        if let Script::CancelAt(call, token) = &self.script
            && *call == seen.calls
        {
            seen.cancelled = Some((Instant::now(), seen.batches.len()));
            token.cancel();
        }
        seen
    }
}

#[async_trait]
impl ScanSink for Probe {
    async fn records(&self, batch: Vec<Record>) -> Result<(), ConnectorError> {
        let held = {
            let mut seen = self.enter();
            if seen.failed {
                seen.batches_after_failure += 1;
            }
            if seen.pending > 0 {
                seen.overlapped = true;
                self.overlap.notify_waiters();
            }
            seen.batches.push(batch.len());
            if matches!(self.script, Script::FailRecords(nth) if seen.batches.len() >= nth) {
                seen.failed = true;
                return Err(full_disk());
            }
            seen.rows.extend(batch);
            seen.pending += 1;
            matches!(self.script, Script::Hold) && seen.batches.len() <= HELD_BATCHES
        };
        if held {
            let _ = timeout(HOLD, self.overlap.notified()).await;
        }
        self.seen().pending -= 1;
        Ok(())
    }

    async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<(), ConnectorError> {
        let mut seen = self.enter();
        if matches!(self.script, Script::FailCheckpoint) {
            seen.failed = true;
            return Err(full_disk());
        }
        let rows = seen.rows.len();
        seen.checkpoints.push((rows, checkpoint));
        Ok(())
    }

    fn progress(&self, progress: Progress) {
        self.enter().progress.push(progress);
    }
}

fn full_disk() -> ConnectorError {
    ConnectorError::sink("the disk is full", "make room")
}
