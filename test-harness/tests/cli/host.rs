//! Checkpoints, cancellation and reports of the reference host.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use connector_api::{AccountKind, CancellationToken, Credential, ErrorCode, Outcome, Progress, Section, SystemConfig};
use connector_host::checkpoint::CheckpointStore;
use connector_host::output::Format;
use connector_host::progress::Reporter;
use connector_host::run::{CheckpointFile, ScanJob, test_connection};

use crate::support::entries;
use crate::toy::{Ending, HOSTILE_NAMES, Toy, checkpoint, config, descriptor, job, kept_in, refusal, rows_of, scan};

#[tokio::test]
async fn an_interrupted_scan_goes_on_and_ends_with_the_same_rows() {
    for failing in 1..=13 {
        let folder = tempfile::tempdir().unwrap();
        let (path, kept) = (folder.path().join("scan"), folder.path().join("kept"));
        let (report, _) = scan(kept_in(&kept, job(&path, Format::Ndjson)), Ending::FailsAfter(failing)).await;
        assert_eq!(report.summary.outcome, Outcome::Failed);
        assert_eq!(report.can_resume, failing > 2);
        assert!(!path.exists());
        let (report, begun) = scan(kept_in(&kept, job(&path, Format::Ndjson)), Ending::Whole).await;
        assert_eq!(report.summary.error, None);
        // The batch in which it failed has no checkpoint, so its rows come again, and only those.
        assert_eq!(begun, [(failing - 1) / 2 * 2]);
        assert_eq!(rows_of(&path).0, Toy::new(Ending::Whole).rows);
        assert_eq!(report.digest.accounts_of(&AccountKind::USER).total, HOSTILE_NAMES.len() as u64);
        assert_eq!(entries(folder.path()), ["scan"]);
    }
}

/// Output and checkpoint of a scan that failed after six rows, four of which have a checkpoint.
async fn interrupted(folder: &Path) -> (PathBuf, PathBuf) {
    let (path, kept) = (folder.join("scan"), folder.join("kept"));
    scan(kept_in(&kept, job(&path, Format::Ndjson)), Ending::FailsAfter(6)).await;
    assert_eq!(entries(folder), ["kept", "kept.rows"]);
    (path, kept)
}

#[tokio::test]
async fn a_checkpoint_with_any_byte_changed_or_missing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, kept) = interrupted(folder.path()).await;
    let rows = folder.path().join("kept.rows");
    for file in [&kept, &rows] {
        let whole = fs::read(file).unwrap();
        // Rows after the checkpoint do not matter, they are dropped anyway.
        let lines = whole.split_inclusive(|byte| *byte == b'\n');
        let sealed: usize = lines.take(5).map(<[u8]>::len).sum();
        for at in (0..sealed - 1).step_by(7).chain([sealed - 1]) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            for (damaged, how) in [(&flipped[..], "a bit flipped in byte"), (&whole[..at], "cut at byte")] {
                fs::write(file, damaged).unwrap();
                let error = refusal(kept_in(&kept, job(&path, Format::Ndjson)), &config()).await;
                assert_eq!(error.code, ErrorCode::CheckpointRejected, "{}: {how} {at}", file.display());
                // Without its mark it may be anything, and is not to be replaced.
                let mark = if file == &kept { 31 } else { 39 };
                let help = if at < mark { "another file" } else { "--fresh" };
                assert!(error.remedy.contains(help), "{}: {how} {at}: {error:?}", file.display());
            }
        }
        fs::write(file, whole).unwrap();
    }
    let (report, begun) = scan(kept_in(&kept, job(&path, Format::Ndjson)), Ending::Whole).await;
    assert_eq!((report.summary.error, begun), (None, vec![4]));
}

#[tokio::test]
async fn a_foreign_checkpoint_is_refused_and_a_fresh_scan_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, kept) = interrupted(folder.path()).await;
    let elsewhere = SystemConfig::new("Toy", "other.example", Credential::default());
    let error = refusal(kept_in(&kept, job(&path, Format::Ndjson)), &elsewhere).await;
    assert_eq!(error.code, ErrorCode::CheckpointRejected);
    assert!(error.message.contains("these settings have changed: hostname"), "{error}");

    let fresh = Some(CheckpointFile { path: kept, fresh: true });
    let (report, begun) = scan(ScanJob { checkpoint: fresh, ..job(&path, Format::Ndjson) }, Ending::Whole).await;
    assert_eq!((report.summary.error, begun), (None, vec![0]));
    assert_eq!(rows_of(&path).0, Toy::new(Ending::Whole).rows);
}

#[tokio::test]
async fn a_checkpoint_of_yesterday_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let began = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(25);
    CheckpointStore::fresh(&kept).unwrap().checkpoint(&checkpoint(began, 0)).unwrap();
    let error = refusal(kept_in(&kept, job(&folder.path().join("scan"), Format::Ndjson)), &config()).await;
    assert!(error.code == ErrorCode::CheckpointRejected && error.message.contains("too old"), "{error}");
}

#[tokio::test]
async fn two_scans_cannot_share_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let _held = CheckpointStore::fresh(&kept).unwrap();
    let error = refusal(kept_in(&kept, job(&folder.path().join("scan"), Format::Ndjson)), &config()).await;
    assert!(error.code == ErrorCode::InvalidConfig && error.message.contains("another scan"), "{error}");
}

#[tokio::test]
async fn a_connector_that_ignores_cancellation_is_ended_by_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(&folder.path().join("scan"), Format::Ndjson);
    let cancel = job.cancel.clone();
    let toy = Toy::new(Ending::Hangs);
    let (descriptor, config) = (descriptor(), config());
    let (report, ()) = tokio::join!(job.run(&toy, &descriptor, &config), async { cancel.cancel() });
    assert_eq!(report.unwrap().summary.error.unwrap().code, ErrorCode::Cancelled);
    assert_eq!(entries(folder.path()), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_connection_test_ends_within_the_hosts_limit() {
    let limit = std::time::Duration::from_secs(60);
    let toy = Toy::new(Ending::Whole);
    let report = test_connection(&toy, limit, &CancellationToken::new()).await.unwrap();
    assert_eq!(report.first_error().unwrap().code, ErrorCode::Timeout);
}

/// Hears everything.
#[derive(Default)]
struct Ear(Mutex<Vec<Progress>>);

impl Reporter for Ear {
    fn progress(&self, progress: &Progress) {
        self.0.lock().unwrap().push(progress.clone());
    }
}

#[tokio::test]
async fn no_more_is_done_than_is_expected() {
    let folder = tempfile::tempdir().unwrap();
    let ear = Arc::new(Ear::default());
    let job = ScanJob { reporter: ear.clone(), ..job(&folder.path().join("scan"), Format::Ndjson) };
    job.run(&Toy::new(Ending::Whole), &descriptor(), &config()).await.unwrap();
    let heard: Vec<_> = ear.0.lock().unwrap().iter().map(|progress| (progress.done, progress.expected)).collect();
    assert_eq!(heard, [(3, Some(40)), (313, Some(313))]);
}

#[tokio::test]
async fn what_an_unfinished_section_cost_is_counted_whatever_ended_the_scan() {
    for ending in [Ending::PanicsAfter(6), Ending::Hangs] {
        let folder = tempfile::tempdir().unwrap();
        let job = job(&folder.path().join("scan"), Format::Ndjson);
        let cancel = job.cancel.clone();
        let (toy, descriptor, config) = (Toy::new(ending), descriptor(), config());
        let stop = async {
            if ending == Ending::Hangs {
                toy.reached.notified().await;
                cancel.cancel();
            }
        };
        let (report, ()) = tokio::join!(job.run(&toy, &descriptor, &config), stop);
        let summary = report.unwrap().summary;
        let section = summary.section(Section::GRANTS).unwrap();
        assert_eq!((section.status.as_str(), section.requests), ("incomplete", 64));
    }
}

#[tokio::test]
async fn no_section_is_complete_whose_rows_were_not_taken() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let (report, _) = scan(job(full, Format::Ndjson), Ending::Whole).await;
    assert_eq!(report.summary.error.unwrap().code, ErrorCode::Sink);
    assert_eq!(report.summary.sections.len(), 3);
    assert!(report.summary.sections.iter().all(|section| section.status.as_str() == "incomplete"));
}
