//! The flow of rows: accounting, back-pressure, a failing sink, transient faults.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{Descriptor, ErrorCode, Outcome, Record, RowType, ScanRequest, Section, SectionStatus};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::bench::{Bench, seed};
use crate::checks::completeness::how_it_ended;
use crate::checks::rows::equals_the_truth;
use crate::fixture::{Fixture, Scenario};
use crate::probe::Script;
use crate::verdict::{Expect, Failure, NotPassed, Verdict, ensure};

/// The maximum number of rows in a batch.
const BATCH_LIMIT: usize = 1_000;

/// The number of batches at which a sink refuses, each in its own scan.
const REFUSALS: usize = 12;

pub(crate) async fn every_section_is_accounted_for(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let (summary, rows) = bench.scan().await?;
    let reported: BTreeSet<Section> = summary.sections.iter().map(|report| report.section).collect();
    ensure(reported.len() == summary.sections.len(), "one report for each section", || "two for one")?;
    for section in bench.descriptor.sections.iter().map(|described| described.section) {
        ensure(reported.contains(&section), format!("a report of {section}"), || "none")?;
    }
    let unread = summary.sections.iter().find(|report| report.status.error().is_some());
    ensure(summary.outcome == Outcome::Complete && unread.is_none(), "a healthy target is read completely", || {
        unread.map_or_else(
            || format!("outcome {:?}", summary.outcome),
            |report| format!("{} is {}", report.section, how_it_ended(Some(report))),
        )
    })?;
    let counted = summary.records();
    ensure(counted == rows.len() as u64, format!("reports of {} rows in all, as emitted", rows.len()), || {
        format!("reports of {counted}")
    })?;
    let skipped = summary.sections.iter().find(|report| report.status == SectionStatus::Skipped && report.records > 0);
    ensure(skipped.is_none(), "no rows from a skipped section", || "some")?;
    ensure(summary.os_type == bench.descriptor.os_type, "the summary names its connector", || &summary.os_type)
}

pub(crate) async fn every_row_belongs_to_one_section(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let (summary, rows) = bench.scan().await?;
    let owned = owned(&bench.descriptor, &rows)?;
    for report in &summary.sections {
        let rows = owned.get(&report.section).copied().unwrap_or_default();
        let expected =
            format!("a report of {rows} rows for {}, the number of emitted rows that it owns", report.section);
        ensure(report.records == rows, expected, || report.records)?;
    }
    Ok(())
}

/// Counts the rows that each section owns.
fn owned(descriptor: &Descriptor, rows: &[Record]) -> Result<BTreeMap<Section, u64>, NotPassed> {
    let mut owned: BTreeMap<Section, u64> = BTreeMap::new();
    for row in rows {
        let owner = descriptor.owner(row);
        let found = || Failure::new("every row is of a type that a section owns", format!("`{}`", RowType::of(row)));
        *owned.entry(owner.ok_or_else(found)?).or_default() += 1;
    }
    Ok(owned)
}

pub(crate) async fn a_section_is_complete_only_when_its_rows_were_taken(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let healthy = bench.run(ScanRequest::default(), Script::Record).await?;
    let (batches, all) = {
        let seen = healthy.sink.seen();
        (seen.batches.len(), owned(&bench.descriptor, &seen.rows)?)
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed());
    let points: BTreeSet<usize> = if batches <= REFUSALS {
        (1..=batches).collect()
    } else {
        (0..REFUSALS).map(|_| rng.random_range(1..=batches)).collect()
    };
    for point in points {
        let run = bench.run(ScanRequest::default(), Script::FailRecords(point)).await?;
        let Err(failure) = run.result else { continue };
        let taken = owned(&bench.descriptor, &run.sink.seen().rows)?;
        for report in failure.summary().sections.iter().filter(|report| report.status == SectionStatus::Complete) {
            let count = |rows: &BTreeMap<Section, u64>| rows.get(&report.section).copied().unwrap_or_default();
            let expected = format!(
                "{} is complete only when its {} rows were taken (the sink refused batch {point}, seed {})",
                report.section,
                count(&all),
                seed()
            );
            ensure(count(&taken) >= count(&all), expected, || format!("complete with {} taken", count(&taken)))?;
        }
    }
    Ok(())
}

pub(crate) async fn back_pressure_is_respected(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let run = bench.run(ScanRequest::default(), Script::Hold).await?;
    run.result.expecting("a slow sink only slows the scan")?;
    let seen = run.sink.seen();
    ensure(!seen.overlapped, "no batch is sent before the previous one is taken", || "two batches at once")?;
    let largest = seen.batches.iter().copied().max().unwrap_or_default();
    ensure(largest <= BATCH_LIMIT, format!("at most {BATCH_LIMIT} rows in a batch"), || format!("{largest} rows"))?;
    drop(seen);
    let rows = std::mem::take(&mut run.sink.seen().rows);
    equals_the_truth(&bench, &rows)
}

pub(crate) async fn a_failing_sink_ends_the_scan(fixture: &dyn Fixture) -> Verdict {
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let whole = bench.run(ScanRequest::default().with_checkpoints(), Script::Record).await?;
    whole.result.expecting("the scan of a healthy target succeeds")?;
    let (batches, checkpoints) = {
        let seen = whole.sink.seen();
        (seen.batches.len(), seen.checkpoints.len())
    };
    ensure(batches > 0, "rows in batches", || "no batch")?;
    let points = BTreeSet::from([1, batches.div_ceil(2), batches]);
    let mut scripts: Vec<_> =
        points.into_iter().map(|nth| (format!("batch {nth} of {batches}"), Script::FailRecords(nth))).collect();
    if checkpoints > 0 {
        scripts.push(("the first checkpoint".to_owned(), Script::FailCheckpoint));
    }
    for (point, script) in scripts {
        let run = bench.run(ScanRequest::default().with_checkpoints(), script).await?;
        let expected = format!("the scan fails with `sink` when {point} is refused");
        match run.result {
            Ok(summary) => return Err(Failure::new(expected, format!("it ended {:?}", summary.outcome)).into()),
            Err(failure) => ensure(failure.error().code == ErrorCode::Sink, expected, || failure.error())?,
        }
        let more = run.sink.seen().batches_after_failure;
        ensure(more == 0, format!("nothing more after {point} is refused"), || format!("{more} batches"))?;
    }
    Ok(())
}

pub(crate) async fn transient_faults_never_show_in_the_rows(fixture: &dyn Fixture) -> Verdict {
    for seed in (0..3).map(|offset| seed().wrapping_add(offset)) {
        let bench = Bench::start(fixture, Scenario::TransientFaults { seed }).await?;
        let (summary, rows) = bench.scan().await?;
        ensure(summary.outcome == Outcome::Complete, format!("{} is read completely", bench.scenario), || {
            format!("outcome {:?}", summary.outcome)
        })?;
        equals_the_truth(&bench, &rows)?;
        ensure(
            rows.len() == bench.target.truth.len(),
            format!("the scan of {} sends no row twice", bench.scenario),
            || format!("{} rows", rows.len()),
        )?;
    }
    Ok(())
}
