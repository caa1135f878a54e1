//! Scans that are kept in an archive which fails, takes long or has rows of an interrupted scan.

use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};

use connector_api::{
    Account, CancellationToken, Checkpoint, ConnectorError, ErrorCode, Outcome, Progress, Record, ScanSummary,
};
use connector_host::output::Format;
use connector_host::progress::Reporter;
use connector_host::run::{Archive, ScanJob, ScanReport};

use crate::support::entries;
use crate::toy::{Ending, Toy, config, descriptor, job, rows_of};

/// What an archive does at its end.
enum End {
    Fails,
    /// Takes until it is released.
    WaitsFor(mpsc::Receiver<()>),
}

struct Kept {
    end: End,
    /// Cancelled while the rows of an interrupted scan are read, which are many.
    resume: Option<CancellationToken>,
    ended: Arc<Mutex<Vec<Outcome>>>,
}

impl Kept {
    fn new(end: End) -> Self {
        Self { end, resume: None, ended: Arc::default() }
    }
}

impl Archive for Kept {
    fn resume(
        &mut self,
        each: &mut dyn FnMut(Record) -> Result<(), ConnectorError>,
    ) -> Result<Option<Checkpoint>, ConnectorError> {
        let Some(cancel) = &self.resume else { return Ok(None) };
        for row in 0.. {
            if row == 1000 {
                cancel.cancel();
            }
            each(Account::new(row.to_string(), row.to_string()).into())?;
        }
        Ok(None)
    }

    fn records(&mut self, _: &[Record]) -> Result<(), ConnectorError> {
        Ok(())
    }

    fn checkpoint(&mut self, _: &Checkpoint) -> Result<(), ConnectorError> {
        Ok(())
    }

    fn end(&mut self, summary: &ScanSummary) -> Result<bool, ConnectorError> {
        self.ended.lock().unwrap().push(summary.outcome);
        match &self.end {
            End::Fails => Err(ConnectorError::sink("the store is gone", "bring it back")),
            End::WaitsFor(released) => released.recv().map(|()| false).map_err(|_| ConnectorError::internal("lost")),
        }
    }
}

async fn keep(job: ScanJob, archive: Kept, ending: Ending) -> Result<ScanReport, ConnectorError> {
    job.run_kept(Box::new(archive), &Toy::new(ending), &descriptor(), &config()).await
}

#[tokio::test]
async fn an_output_gets_no_final_name_if_the_archive_does_not_take_the_scan() {
    for format in [Format::Ndjson, Format::Json, Format::Csv] {
        let folder = tempfile::tempdir().unwrap();
        let report =
            keep(job(&folder.path().join("rows"), format), Kept::new(End::Fails), Ending::Whole).await.unwrap();
        assert_eq!(report.summary.outcome, Outcome::Failed);
        assert_eq!(report.summary.error.unwrap().message, "the store is gone");
        assert_eq!(entries(folder.path()), Vec::<String>::new(), "{format:?}");
    }
}

#[tokio::test]
async fn if_only_the_output_fails_the_archive_has_the_scan_and_the_error_is_of_the_output() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let (release, released) = mpsc::channel();
    release.send(()).unwrap();
    let kept = Kept::new(End::WaitsFor(released));
    let ended = Arc::clone(&kept.ended);
    let report = keep(job(Path::new("/dev/full"), Format::Ndjson), kept, Ending::Whole).await.unwrap();
    assert_eq!(report.summary.error.unwrap().code, ErrorCode::Sink);
    assert_eq!(*ended.lock().unwrap(), [Outcome::Complete]);
}

#[tokio::test]
async fn the_rows_of_an_interrupted_scan_are_read_no_further_after_a_cancellation() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(&folder.path().join("rows"), Format::Ndjson);
    let kept = Kept { resume: Some(job.cancel.clone()), ..Kept::new(End::Fails) };
    let error = keep(job, kept, Ending::Whole).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Cancelled);
    assert!(entries(folder.path()).is_empty());
}

/// Releases the archive when it hears that it is waited for.
struct Patient(Mutex<Option<mpsc::Sender<()>>>);

impl Reporter for Patient {
    fn progress(&self, _: &Progress) {}

    fn finishing(&self) {
        self.0.lock().unwrap().take().unwrap().send(()).unwrap();
    }
}

#[tokio::test]
async fn a_whole_scan_is_kept_although_it_is_cancelled_meanwhile_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (release, released) = mpsc::channel();
    let reporter = Arc::new(Patient(Mutex::new(Some(release))));
    let job = ScanJob { reporter, ..job(&folder.path().join("rows"), Format::Ndjson) };
    let cancel = job.cancel.clone();
    let kept = Kept::new(End::WaitsFor(released));
    let ended = Arc::clone(&kept.ended);
    let cancelled = async {
        while ended.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (report, ()) = tokio::join!(keep(job, kept, Ending::Whole), cancelled);
    assert_eq!(report.unwrap().summary.outcome, Outcome::Complete);
    assert_eq!(rows_of(&folder.path().join("rows")).0, Toy::new(Ending::Whole).rows);
}

#[tokio::test]
async fn a_cancelled_scan_does_not_wait_for_an_archive_that_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(&folder.path().join("rows"), Format::Ndjson);
    let cancel = job.cancel.clone();
    let (release, released) = mpsc::channel();
    let kept = Kept::new(End::WaitsFor(released));
    let toy = Toy::new(Ending::Hangs);
    let (descriptor, config) = (descriptor(), config());
    let stop = async {
        toy.reached.notified().await;
        cancel.cancel();
    };
    let (report, ()) = tokio::join!(job.run_kept(Box::new(kept), &toy, &descriptor, &config), stop);
    assert_eq!(report.unwrap().summary.error.unwrap().code, ErrorCode::Cancelled);
    drop(release);
}
