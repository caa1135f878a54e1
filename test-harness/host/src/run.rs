//! Tests a connection and runs a scan, as any host would.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector_api::{
    CancellationToken, Check, Checkpoint, ConnectionReport, Connector, ConnectorError, Descriptor, EachCheck,
    ErrorCode, Outcome, Progress, Record, Retry, ScanFailure, ScanLedger, ScanRequest, ScanSummary, Section,
    SectionReport, SectionStatus, SystemConfig,
};
use futures_util::FutureExt;
use jiff::Timestamp;

use super::checkpoint::CheckpointStore;
use super::conflicts::FilesInUse;
use super::digest::Digest;
use super::files;
use super::output::{Destination, Format, Origin, Output};
use super::progress::Reporter;
use super::sink::{self, Writer};

/// How long a connector may take to end after a cancellation before it is dropped.
const GRACE: Duration = Duration::from_secs(1);

/// Tests the connection; ends after `limit` in any case.
///
/// # Errors
/// `cancelled` if `cancel` is cancelled.
pub async fn test_connection(
    connector: &dyn Connector,
    limit: Duration,
    cancel: &CancellationToken,
) -> Result<ConnectionReport, ConnectorError> {
    test_connection_watched(connector, limit, cancel, &|_| {}).await
}

/// Does the same, and passes on each check as soon as it is made.
///
/// # Errors
/// `cancelled` if `cancel` is cancelled.
pub async fn test_connection_watched(
    connector: &dyn Connector,
    limit: Duration,
    cancel: &CancellationToken,
    each: EachCheck<'_>,
) -> Result<ConnectionReport, ConnectorError> {
    let tested = AssertUnwindSafe(connector.test_connection_watched(each)).catch_unwind();
    let tested = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(ConnectorError::cancelled()),
        tested = tokio::time::timeout(limit, tested) => tested,
    };
    let failed = |error: ConnectorError, took| {
        let check = Check::failed("test", error, took);
        each(&check);
        ConnectionReport::new(vec![check])
    };
    Ok(match tested {
        Ok(Ok(report)) => report,
        Ok(Err(_)) => failed(ConnectorError::internal("the connector crashed"), Duration::ZERO),
        Err(_) => {
            let error = ConnectorError::new(
                ErrorCode::Timeout,
                format!("the test did not end within {} s", limit.as_secs()),
                "check the network between this host and the target, or allow more time with --timeout",
            );
            failed(error.with_retry(Retry::Later), limit)
        }
    })
}

/// Keeps a scan in addition to its output, such as in a database. It is used from one thread at a time, which it may
/// block.
pub trait Archive: Send {
    /// Passes on the rows of an interrupted scan that are kept already, and returns where it stopped.
    ///
    /// # Errors
    /// If they cannot be read, and any error of `each`.
    fn resume(
        &mut self,
        each: &mut dyn FnMut(Record) -> Result<(), ConnectorError>,
    ) -> Result<Option<Checkpoint>, ConnectorError>;

    /// Takes rows.
    ///
    /// # Errors
    /// Any error ends the scan; the code should be `sink`.
    fn records(&mut self, batch: &[Record]) -> Result<(), ConnectorError>;

    /// Takes a checkpoint. It is safe with all rows before it when this returns, unless the archive is one that stores it later:
    /// until then, a later scan continues from the checkpoint before.
    ///
    /// # Errors
    /// Any error ends the scan; the code should be `sink`.
    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), ConnectorError>;

    /// Ends the scan, whatever its outcome. Returns whether a later scan can continue a failed one. The output gets its final
    /// name afterwards.
    ///
    /// # Errors
    /// If the result cannot be kept; then there is no output either.
    fn end(&mut self, summary: &ScanSummary) -> Result<bool, ConnectorError>;
}

/// One scan: what is read, where the rows go, who gets the progress.
pub struct ScanJob {
    /// Where the rows go.
    pub destination: Destination,
    /// The format of the rows.
    pub format: Format,
    /// Where an unfinished scan is saved.
    pub checkpoint: Option<CheckpointFile>,
    /// Files that configured the scan, each with the option that names it. They are never written.
    pub inputs: Vec<(String, PathBuf)>,
    /// Optional sections that are skipped.
    pub without: Vec<Section>,
    /// Cancels the scan.
    pub cancel: CancellationToken,
    /// Receives the progress.
    pub reporter: Arc<dyn Reporter>,
}

/// Where an unfinished scan is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointFile {
    /// The file; its rows are next to it in `FILE.rows`.
    pub path: PathBuf,
    /// Whether to discard the checkpoint and start from the beginning.
    pub fresh: bool,
}

/// The result of a scan.
#[derive(Debug, Clone)]
pub struct ScanReport {
    /// What was read, section by section. If the scan failed, it contains the error, and the output has no final name.
    pub summary: ScanSummary,
    /// Counts over the rows.
    pub digest: Digest,
    /// Whether a later scan can continue from the checkpoint.
    pub can_resume: bool,
}

impl ScanJob {
    /// A scan of all sections without an output: whoever keeps it, keeps where it can go on as well.
    pub fn without_output(cancel: CancellationToken, reporter: Arc<dyn Reporter>) -> Self {
        Self {
            destination: Destination::Nowhere,
            format: Format::default(),
            checkpoint: None,
            inputs: Vec::new(),
            without: Vec::new(),
            cancel,
            reporter,
        }
    }

    /// Scans the system `config` with its `connector`, described by `descriptor`.
    ///
    /// # Errors
    /// Only if the scan cannot start: the output or the checkpoint is not usable. Once started, a scan always ends with a
    /// [`ScanReport`].
    pub async fn run(
        self,
        connector: &dyn Connector,
        descriptor: &Descriptor,
        config: &SystemConfig,
    ) -> Result<ScanReport, ConnectorError> {
        self.run_into(None, connector, descriptor, config).await
    }

    /// Does the same and keeps the scan in an archive, with its checkpoints.
    ///
    /// # Errors
    /// In addition, if what the archive has of an interrupted scan cannot be read, or if the job has a checkpoint file too.
    pub async fn run_kept(
        self,
        archive: Box<dyn Archive>,
        connector: &dyn Connector,
        descriptor: &Descriptor,
        config: &SystemConfig,
    ) -> Result<ScanReport, ConnectorError> {
        if self.checkpoint.is_some() {
            return Err(ConnectorError::invalid_config(
                "a scan that is kept has its checkpoints there, not in a file",
                "leave out --checkpoint",
            ));
        }
        self.run_into(Some(archive), connector, descriptor, config).await
    }

    async fn run_into(
        self,
        archive: Option<Box<dyn Archive>>,
        connector: &dyn Connector,
        descriptor: &Descriptor,
        config: &SystemConfig,
    ) -> Result<ScanReport, ConnectorError> {
        // Errors in the request or the files must be found before the scan starts.
        self.check(descriptor)?;
        let mut request = self.request();
        let origin = Origin::new(&config.name, descriptor);
        let output = self.destination.open(self.format, &origin)?;
        let (place, resume) = match self.open_checkpoint(descriptor, config)? {
            Some((store, resume)) => {
                // It is opened again when the rows are complete, so a killed scan leaves no part of it.
                drop(output);
                (Place::Spool(store), resume)
            }
            None => (Place::Output(output), None),
        };
        let (destination, format) = (self.destination.clone(), self.format);
        request.checkpoints = self.checkpoint.is_some() || archive.is_some();
        let is_kept = archive.is_some();
        let keeper = Keeper { place, archive, digest: Digest::default(), destination, format, origin };
        let (keeper, kept) = self.within_grace(keeper.resume(self.cancel.clone())).await?;
        request.resume = resume.or(kept);
        let costs = Arc::<Costs>::default();
        let reporter = Arc::new(Accountant { costs: Arc::clone(&costs), reporter: Arc::clone(&self.reporter) });
        let (sink, writer) = sink::start(keeper, self.cancel.clone(), reporter);
        let ledger = ScanLedger::start(descriptor, config);
        let scanned = self.scan(connector, ledger, request, sink, &costs).await;
        self.reporter.finish();

        let (keeper, written) = match self.within_grace(writer.finish()).await {
            Ok(finished) => finished,
            Err(error) => return Ok(failed(scanned, error)),
        };
        // The writer knows why it stopped; the connector only knows that it did.
        let scanned = match (scanned, written) {
            (scanned, Ok(())) => scanned,
            (Ok(summary), Err(error)) => Err(ScanFailure::new(error, summary)),
            (Err(failure), Err(error)) => Err(ScanFailure::new(error, failure.into_summary())),
        };
        if is_kept { self.end_kept(keeper, scanned).await } else { keeper.end(scanned, self.cancel.clone()).await }
    }

    /// Ends a scan in its archive, which may wait for others or have much to do. Of a whole scan this is not interrupted: the
    /// reporter learns that it is being waited for.
    async fn end_kept(
        &self,
        keeper: Keeper,
        scanned: Result<ScanSummary, ScanFailure>,
    ) -> Result<ScanReport, ConnectorError> {
        let failure = scanned.as_ref().err().cloned();
        let ending = keeper.end(scanned, self.cancel.clone());
        if let Some(failure) = failure {
            let error = failure.error().clone();
            return match self.within_grace(ending).await {
                Err(late) if late.code == ErrorCode::Cancelled => Ok(failed(Err(failure), error)),
                ended => ended,
            };
        }
        tokio::pin!(ending);
        tokio::select! {
            biased;
            ended = &mut ending => return ended,
            () = self.cancel.cancelled() => self.reporter.finishing(),
        }
        ending.await
    }

    /// Waits for what a thread does, but after a cancellation only for a moment: a write can hang, such as on a pipe without
    /// a reader or a database that another program locks.
    async fn within_grace<T>(
        &self,
        work: impl Future<Output = Result<T, ConnectorError>>,
    ) -> Result<T, ConnectorError> {
        tokio::select! {
            biased;
            done = work => done,
            () = async { self.cancel.cancelled().await; tokio::time::sleep(GRACE).await } => Err(ConnectorError::cancelled()),
        }
    }

    /// Refuses a request that the connector cannot fulfil, and a job that uses one file for two purposes. A job does so itself when
    /// it starts; whoever begins a scan in an archive does it before, so that what is refused changes nothing there.
    ///
    /// # Errors
    /// `invalid_config`.
    pub fn check(&self, descriptor: &Descriptor) -> Result<(), ConnectorError> {
        self.request().verify(descriptor)?;
        self.check_files()
    }

    fn request(&self) -> ScanRequest {
        ScanRequest::with_cancel(self.cancel.clone()).leaving_out(self.without.iter().copied())
    }

    /// Refuses a job that uses one file for two purposes.
    fn check_files(&self) -> Result<(), ConnectorError> {
        let mut files = FilesInUse::default();
        if let Some(CheckpointFile { path, .. }) = &self.checkpoint {
            let name = format!("--checkpoint {}", path.display());
            let [checkpoint, rows, aside] = CheckpointStore::paths(&files::resolve(path));
            files.writes(&name, &checkpoint);
            files.writes(format!("the rows of {name}"), &rows);
            files.writes(format!("the temporary file of {name}"), &aside);
        }
        if let Destination::Path(path) = &self.destination {
            files.writes(format!("--output {}", path.display()), path);
        }
        for (name, path) in &self.inputs {
            files.reads(name, path);
        }
        files.streams(self.destination == Destination::Stdout);
        files.check()
    }

    fn open_checkpoint(
        &self,
        descriptor: &Descriptor,
        config: &SystemConfig,
    ) -> Result<Option<(CheckpointStore, Option<Checkpoint>)>, ConnectorError> {
        let Some(CheckpointFile { path, fresh }) = &self.checkpoint else { return Ok(None) };
        if *fresh {
            return Ok(Some((CheckpointStore::fresh(path)?, None)));
        }
        CheckpointStore::resume(path, descriptor, config, Timestamp::now()).map(Some)
    }

    /// Runs the connector: its own result, or the host's if it does not end after a cancellation or panics.
    async fn scan(
        &self,
        connector: &dyn Connector,
        mut ledger: ScanLedger,
        request: ScanRequest,
        sink: sink::ChannelSink,
        costs: &Costs,
    ) -> Result<ScanSummary, ScanFailure> {
        let scan = AssertUnwindSafe(connector.scan(request, Arc::new(sink))).catch_unwind();
        let error = tokio::select! {
            ended = scan => match ended {
                Ok(ended) => return ended,
                Err(_) => ConnectorError::internal("the connector crashed"),
            },
            () = async { self.cancel.cancelled().await; tokio::time::sleep(GRACE).await } => ConnectorError::cancelled(),
        };
        // The costs of the sections are known anyway.
        for (section, requests) in costs.take() {
            let status = SectionStatus::Incomplete { error: error.clone() };
            ledger.close(SectionReport::new(section, status).with_requests(requests));
        }
        ledger.finish(Err(error))
    }
}

/// The requests of each section so far.
#[derive(Default)]
struct Costs(Mutex<BTreeMap<Section, u64>>);

impl Costs {
    fn take(&self) -> BTreeMap<Section, u64> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Records the costs and passes the progress on.
struct Accountant {
    costs: Arc<Costs>,
    reporter: Arc<dyn Reporter>,
}

impl Reporter for Accountant {
    fn progress(&self, progress: &Progress) {
        self.costs.0.lock().unwrap_or_else(PoisonError::into_inner).insert(progress.section, progress.requests);
        self.reporter.progress(progress);
    }
}

/// Keeps the rows of a running scan.
struct Keeper {
    place: Place,
    archive: Option<Box<dyn Archive>>,
    digest: Digest,
    destination: Destination,
    format: Format,
    origin: Origin,
}

/// Where the rows of a running scan are.
enum Place {
    /// In the output, as they come.
    Output(Box<dyn Output>),
    /// In the spool of a checkpoint, until they are whole.
    Spool(CheckpointStore),
}

impl Writer for Keeper {
    fn records(&mut self, batch: &[Record]) -> Result<(), ConnectorError> {
        if let Some(archive) = &mut self.archive {
            archive.records(batch)?;
        }
        match &mut self.place {
            Place::Output(output) => batch.iter().try_for_each(|record| {
                self.digest.observe(record);
                output.record(record).map_err(|error| self.destination.write_error(&error))
            }),
            Place::Spool(store) => {
                let kept = batch.iter().try_for_each(|record| store.record(record));
                kept.map_err(|error| store.write_error(&error))
            }
        }
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), ConnectorError> {
        if let Some(archive) = &mut self.archive {
            archive.checkpoint(checkpoint)?;
        }
        match &mut self.place {
            Place::Output(_) => Ok(()),
            Place::Spool(store) => store.checkpoint(checkpoint).map_err(|error| store.write_error(&error)),
        }
    }
}

impl Keeper {
    /// Reads what the archive has of an interrupted scan, and returns where it stopped.
    async fn resume(mut self, cancel: CancellationToken) -> Result<(Self, Option<Checkpoint>), ConnectorError> {
        if self.archive.is_none() {
            return Ok((self, None));
        }
        let resumed = tokio::task::spawn_blocking(move || {
            let Self { place, archive, digest, destination, .. } = &mut self;
            let Some(archive) = archive else { return Ok((self, None)) };
            let checkpoint = archive.resume(&mut |record| {
                if cancel.is_cancelled() {
                    return Err(ConnectorError::cancelled());
                }
                digest.observe(&record);
                match place {
                    Place::Output(output) => output.record(&record).map_err(|error| destination.write_error(&error)),
                    Place::Spool(_) => Ok(()),
                }
            })?;
            Ok((self, checkpoint))
        });
        resumed.await.map_err(|_| ConnectorError::internal("the reader of the kept rows crashed"))?
    }

    /// Ends the scan on a thread that may block.
    async fn end(
        self,
        scanned: Result<ScanSummary, ScanFailure>,
        cancel: CancellationToken,
    ) -> Result<ScanReport, ConnectorError> {
        let ended = tokio::task::spawn_blocking(move || self.put_in_place(scanned, &cancel)).await;
        ended.map_err(|_| ConnectorError::internal("the writer of the rows crashed"))
    }

    /// Puts the rows of a whole scan in place, or clears away those of a failed one. The archive comes first: if it does not
    /// take the scan, the output does not get its final name either.
    fn put_in_place(mut self, scanned: Result<ScanSummary, ScanFailure>, cancel: &CancellationToken) -> ScanReport {
        let (mut summary, error) = match scanned {
            Ok(summary) => (summary, None),
            Err(failure) => (failure.summary().clone(), Some(failure.error().clone())),
        };
        if let Some(error) = &error {
            fail(&mut summary, error);
        }
        let Some(mut archive) = self.archive.take() else { return self.end_output(summary, error, cancel) };
        let ended = archive.end(&summary);
        let can_resume = ended.as_ref().is_ok_and(|can_resume| *can_resume);
        // The scan's own error is more important.
        let mut report = self.end_output(summary, error.or(ended.err()), cancel);
        report.can_resume |= can_resume;
        report
    }

    fn end_output(
        self,
        mut summary: ScanSummary,
        error: Option<ConnectorError>,
        cancel: &CancellationToken,
    ) -> ScanReport {
        let Self { place, mut digest, destination, format, origin, .. } = self;
        let scanned = error.map_or(Ok(()), Err);
        let (output, mut store) = match place {
            Place::Output(output) => (Ok(output), None),
            Place::Spool(store) => (destination.open(format, &origin), Some(store)),
        };
        let ended = output.and_then(|mut output| {
            let whole = scanned.clone().and_then(|()| {
                store.as_mut().map_or(Ok(()), |store| {
                    store.replay(|record| {
                        if cancel.is_cancelled() {
                            return Err(ConnectorError::cancelled());
                        }
                        digest.observe(&record);
                        output.record(&record).map_err(|error| destination.write_error(&error))
                    })
                })
            });
            match whole {
                Ok(()) => output.commit(&summary).map_err(|error| destination.write_error(&error)),
                Err(error) => {
                    fail(&mut summary, &error);
                    // The scan's own error is more important than a failure to report it.
                    let _ = output.abandon(&summary);
                    Err(error)
                }
            }
        });
        if let Err(error) = scanned.and(ended) {
            fail(&mut summary, &error);
            let can_resume = store.is_some_and(|store| store.can_resume());
            return ScanReport { summary, digest, can_resume };
        }
        if let Some(Err(error)) = store.map(CheckpointStore::remove) {
            summary.warnings.push(format!("the checkpoint is no longer needed, but cannot be removed: {error}"));
        }
        ScanReport { summary, digest, can_resume: false }
    }
}

fn fail(summary: &mut ScanSummary, error: &ConnectorError) {
    summary.outcome = Outcome::Failed;
    summary.error = Some(error.clone());
    if error.code == ErrorCode::Sink {
        // Rows that were read but not accepted are missing.
        for section in summary.sections.iter_mut().filter(|section| section.status == SectionStatus::Complete) {
            section.status = SectionStatus::Incomplete { error: error.clone() };
        }
    }
}

/// The report of a scan whose writer did not end.
fn failed(scanned: Result<ScanSummary, ScanFailure>, error: ConnectorError) -> ScanReport {
    let mut summary = scanned.unwrap_or_else(ScanFailure::into_summary);
    fail(&mut summary, &error);
    ScanReport { summary, digest: Digest::default(), can_resume: false }
}
