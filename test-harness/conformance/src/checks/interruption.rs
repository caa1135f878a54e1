//! Scans that are cancelled, and scans that resume.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use connector_api::{CancellationToken, Checkpoint, ErrorCode, Fingerprint, Record, ScanRequest};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use tokio::time::timeout;

use crate::bench::{Bench, Run, seed};
use crate::checks::rows::same_rows;
use crate::fixture::{Fixture, Scenario};
use crate::probe::{Probe, Script};
use crate::verdict::{Expect, Failure, NotPassed, Verdict, ensure};

/// The maximum time in which a cancelled scan must end.
const CANCEL_LIMIT: Duration = Duration::from_secs(1);

/// The number of random points that a test tries, in addition to the first.
const POINTS: usize = 6;

pub(crate) async fn a_cancel_ends_the_scan_within_a_second(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let whole = bench.run(ScanRequest::default(), Script::Record).await?;
    whole.result.expecting("the scan of a healthy target succeeds")?;
    let calls = whole.sink.seen().calls;
    let seed = seed();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let drawn: BTreeSet<usize> = (0..POINTS).map(|_| rng.random_range(1..=calls.max(1))).chain([1]).collect();
    for call in drawn {
        let point = format!("call {call} of {calls} (seed {seed})");
        ends_after_cancel(&bench.cancel_at(call).await?, &point)?;
    }
    Ok(())
}

/// Checks that a cancelled scan failed with `cancelled`, unless it had nothing left to send.
fn ends_after_cancel(run: &Run, point: &str) -> Verdict {
    let seen = run.sink.seen();
    let Some((at, batches)) = seen.cancelled else {
        return Err(Failure::new(format!("{point} happens again"), "the scan ended earlier").into());
    };
    let took = at.elapsed();
    // The cancelling call may itself be a batch, and one more may already be on its way.
    let more = seen.batches.len().saturating_sub(batches + 1);
    let expected = format!("a scan cancelled at {point} fails with `cancelled`");
    match &run.result {
        Err(failure) => ensure(failure.error().code == ErrorCode::Cancelled, expected, || failure.error())?,
        Ok(_) => ensure(more == 0, expected, || format!("it sent {more} more batches and succeeded"))?,
    }
    ensure(more <= 1, format!("no more rows after the cancel at {point}"), || format!("{more} more batches"))?;
    ensure(took <= CANCEL_LIMIT, format!("the scan ends within a second of the cancel at {point}"), || {
        format!("{} milliseconds", took.as_millis())
    })
}

pub(crate) async fn a_cancel_ends_a_scan_that_waits_for_its_target(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Hangs).await?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    for delay in [0, rng.random_range(1..100)].map(Duration::from_millis) {
        let connector = bench.connect()?;
        let token = CancellationToken::new();
        let scan = connector.scan(ScanRequest::with_cancel(token.clone()), Arc::new(Probe::default()));
        tokio::pin!(scan);
        let expected = format!("a scan cancelled after {} milliseconds fails with `cancelled`", delay.as_millis());
        let result = match timeout(delay, &mut scan).await {
            Ok(early) => early,
            Err(_) => {
                token.cancel();
                let cancelled = Instant::now();
                timeout(CANCEL_LIMIT, scan).await.map_err(|_| {
                    Failure::new(&expected, format!("nothing after {} milliseconds", cancelled.elapsed().as_millis()))
                })?
            }
        };
        match result {
            Ok(_) => return Err(Failure::new(expected, "it succeeded").into()),
            Err(failure) => ensure(failure.error().code == ErrorCode::Cancelled, expected, || failure.error())?,
        }
    }
    Ok(())
}

pub(crate) async fn a_resumed_scan_equals_an_uninterrupted_one(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let (rows, checkpoints) = scan_with_checkpoints(&bench).await?;
    if checkpoints.is_empty() {
        return Err(NotPassed::Skipped("the connector makes no checkpoints".into()));
    }
    let step = checkpoints.len().div_ceil(POINTS);
    for (kept, checkpoint) in checkpoints.iter().step_by(step) {
        let point = format!("the checkpoint after row {kept}");
        let json = serde_json::to_string(checkpoint).expecting(format!("{point} as JSON"))?;
        let checkpoint = serde_json::from_str(&json).expecting(format!("{point} from its JSON"))?;
        let request = ScanRequest::default().with_checkpoints().resuming(checkpoint);
        let run = bench.run(request, Script::Record).await?;
        run.result.expecting(format!("the scan resumes from {point}"))?;
        let mut resumed = rows[..*kept].to_vec();
        resumed.append(&mut run.sink.seen().rows);
        same_rows(&format!("the rows before {point} and those after it are all rows"), &rows, &resumed)?;
    }
    Ok(())
}

pub(crate) async fn an_unusable_checkpoint_is_refused(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let (_, checkpoints) = scan_with_checkpoints(&bench).await?;
    for (what, checkpoint) in unusable(&bench, checkpoints.into_iter().next().map(|(_, checkpoint)| checkpoint)) {
        let request = ScanRequest::default().resuming(checkpoint);
        let expected = format!("a checkpoint {what} fails the scan with `checkpoint_rejected`");
        match bench.run(request, Script::Record).await?.result {
            Ok(_) => return Err(Failure::new(expected, "the scan succeeded").into()),
            Err(failure) => {
                ensure(failure.error().code == ErrorCode::CheckpointRejected, expected, || failure.error())?
            }
        }
    }
    Ok(())
}

/// Returns checkpoints that a connector must refuse, with what is wrong with each. They are derived from one of its
/// own, if it makes any.
pub(super) fn unusable(bench: &Bench, own: Option<Checkpoint>) -> Vec<(&'static str, Checkpoint)> {
    // A connector that cannot resume must refuse other versions as it refuses any checkpoint; for the others there is a
    // separate test.
    let resumes = own.is_some();
    let damaged = json!({"conformance": "damaged"});
    let own = own.unwrap_or_else(|| {
        let now = jiff::Timestamp::now();
        Checkpoint::new(&bench.descriptor, &bench.target.system, now, damaged.clone())
    });
    let old = own.started_at.checked_sub(2 * Checkpoint::MAX_AGE).unwrap_or(own.started_at);
    let foreign = [
        ("of another connector", but(&own, |checkpoint| checkpoint.os_type = "SomethingElse".into())),
        ("of another system", but(&own, |checkpoint| checkpoint.fingerprint = Fingerprint::default())),
        ("that is too old", but(&own, |checkpoint| checkpoint.started_at = old)),
        ("that is damaged", but(&own, |checkpoint| checkpoint.state = damaged.into())),
    ];
    let versions = of_other_versions(&own).map(|(what, _, checkpoint)| (what, checkpoint));
    foreign.into_iter().chain(versions.into_iter().filter(|_| !resumes)).collect()
}

pub(crate) async fn a_checkpoint_of_another_version_is_resumed_or_refused_by_name(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let (rows, checkpoints) = scan_with_checkpoints(&bench).await?;
    let Some((kept, own)) = checkpoints.first() else {
        return Err(NotPassed::Skipped("the connector makes no checkpoints".into()));
    };
    for (what, version, checkpoint) in of_other_versions(own) {
        let request = ScanRequest::default().with_checkpoints().resuming(checkpoint);
        let run = bench.run(request, Script::Record).await?;
        match run.result {
            Ok(_) => {
                let mut resumed = rows[..*kept].to_vec();
                resumed.append(&mut run.sink.seen().rows);
                same_rows(
                    &format!("a scan that resumes from a checkpoint {what} sends the same rows"),
                    &rows,
                    &resumed,
                )?;
            }
            Err(failure) => {
                let expected =
                    format!("a checkpoint {what} is refused with `checkpoint_rejected`, naming version {version}");
                let named =
                    failure.error().code == ErrorCode::CheckpointRejected && failure.error().message.contains(&version);
                ensure(named, expected, || failure.error())?;
            }
        }
    }
    Ok(())
}

/// Returns a checkpoint as other versions would have made it: a description, the version, and the checkpoint.
fn of_other_versions(own: &Checkpoint) -> [(&'static str, String, Checkpoint); 2] {
    const CONNECTOR: &str = "0.0.0-other";
    let form = own.version + 1;
    [
        ("of another format", form.to_string(), but(own, |checkpoint| checkpoint.version = form)),
        (
            "of another version of the connector",
            CONNECTOR.to_owned(),
            but(own, |checkpoint| checkpoint.connector_version = CONNECTOR.into()),
        ),
    ]
}

/// Returns the same checkpoint with one change.
fn but(own: &Checkpoint, change: impl FnOnce(&mut Checkpoint)) -> Checkpoint {
    let mut checkpoint = own.clone();
    change(&mut checkpoint);
    checkpoint
}

async fn scan_with_checkpoints(bench: &Bench) -> Result<(Vec<Record>, Vec<(usize, Checkpoint)>), NotPassed> {
    let run = bench.run(ScanRequest::default().with_checkpoints(), Script::Record).await?;
    run.result.expecting("the scan of a healthy target succeeds")?;
    let mut seen = run.sink.seen();
    Ok((std::mem::take(&mut seen.rows), std::mem::take(&mut seen.checkpoints)))
}
