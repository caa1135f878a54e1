//! The promise: a truncated list never passes for a whole one.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{Action, Descriptor, ErrorCode, Field, Outcome, Record, ScanRequest, ScanSummary, Section};
use serde_json::Value;

use crate::bench::{Bench, Run};
use crate::fixture::{Fixture, Scenario};
use crate::probe::Script;
use crate::truth::{brief, identity, shortened};
use crate::verdict::{Expect, Failure, NotPassed, Verdict, ensure};

pub(crate) async fn a_core_section_that_fails_fails_the_scan(fixture: &dyn Fixture) -> Verdict {
    let descriptor = fixture.registration().descriptor();
    let core = descriptor.sections.iter().filter(|described| described.core).map(|described| described.section);
    for bench in failing(fixture, core).await? {
        let expected = format!("the scan of {} fails", bench.scenario);
        let Err(failure) = bench.run(ScanRequest::default(), Script::Record).await?.result else {
            return Err(Failure::new(expected, "it succeeded").into());
        };
        let code = failure.error().code;
        let excuse = matches!(code, ErrorCode::Cancelled | ErrorCode::Sink | ErrorCode::Internal);
        ensure(!excuse, format!("{expected} with what happened"), || failure.error())?;
        ensure(failure.summary().outcome == Outcome::Failed, format!("{expected}, and its summary says so"), || {
            format!("outcome {:?}", failure.summary().outcome)
        })?;
    }
    Ok(())
}

pub(crate) async fn an_optional_section_that_fails_is_named(fixture: &dyn Fixture) -> Verdict {
    let descriptor = fixture.registration().descriptor();
    let optional = descriptor.sections.iter().filter(|described| !described.core);
    let optional: BTreeSet<Section> = optional.map(|described| described.section).collect();
    if optional.is_empty() {
        return Err(NotPassed::Skipped("the connector has no optional section".into()));
    }
    for bench in failing(fixture, optional).await? {
        let Scenario::SectionFails(section) = bench.scenario else { continue };
        let run = bench.run(ScanRequest::default(), Script::Record).await?;
        let summary = run.result.expecting(format!("the scan of {} ends, marked", bench.scenario))?;
        ensure(summary.outcome == Outcome::Incomplete, format!("outcome Incomplete for {}", bench.scenario), || {
            format!("outcome {:?}", summary.outcome)
        })?;
        let report = summary.section(section);
        let named = report.is_some_and(|report| report.status.error().is_some());
        ensure(named, format!("{section} is named incomplete or unavailable"), || {
            report.map_or("no report of it", |report| report.status.as_str())
        })?;
    }
    Ok(())
}

pub(crate) async fn what_a_host_knew_survives_a_section_that_fails(fixture: &dyn Fixture) -> Verdict {
    let descriptor = fixture.registration().descriptor();
    let optional = descriptor.sections.iter().filter(|described| !described.core);
    let benches = failing(fixture, optional.map(|described| described.section)).await?;
    let (_, known) = Bench::start(fixture, Scenario::Healthy).await?.scan().await?;
    for bench in benches {
        let run = bench.run(ScanRequest::default(), Script::Record).await?;
        survives(&descriptor, &known, run, &bench.scenario.to_string())?;
    }
    Ok(())
}

pub(crate) async fn what_a_host_knew_survives_a_section_that_is_left_out(fixture: &dyn Fixture) -> Verdict {
    let descriptor = fixture.registration().descriptor();
    let optional: Vec<_> = descriptor.sections.iter().filter(|described| !described.core).collect();
    if optional.is_empty() {
        return Err(NotPassed::Skipped("the connector has no optional section".into()));
    }
    let bench = Bench::start(fixture, Scenario::Healthy).await?;
    let (_, known) = bench.scan().await?;
    for described in optional {
        let section = described.section;
        let run = bench.run(ScanRequest::default().leaving_out([section]), Script::Record).await?;
        let summary = survives(&descriptor, &known, run, &format!("a healthy target without {section}"))?;
        let status = summary.section(section).map_or("not reported", |report| report.status.as_str());
        ensure(status == "skipped", format!("{section} is skipped when it is left out"), || status)?;
    }
    Ok(())
}

/// Holds what a host knows after a scan of `what` against what it knew before.
fn survives(descriptor: &Descriptor, known: &[Record], run: Run, what: &str) -> Result<ScanSummary, NotPassed> {
    let summary = run.result.expecting(format!("the scan of {what} ends, marked"))?;
    let scanned = std::mem::take(&mut run.sink.seen().rows);
    let plan = summary.replacement(descriptor);
    let after = plan.apply(known.to_vec(), scanned).expecting("rows that fit the descriptor")?;
    // What changes by itself may have changed, unless it was to be kept.
    let volatile = descriptor.volatile.iter().filter(|field| plan.of_field(field) != Action::Keep);
    let keys: BTreeSet<_> = after.iter().map(Record::key).collect();
    ensure(keys.len() == after.len(), "no two rows with one key after that", || "some")?;
    let lost = lost(known, &after, &volatile.collect())?;
    ensure(lost.is_empty(), format!("a host that scanned {what} knows what it knew before"), || shortened(&lost))?;
    Ok(summary)
}

/// What a host knew and does not know any more: rows, and what stood in them.
fn lost(known: &[Record], after: &[Record], volatile: &BTreeSet<&Field>) -> Result<Vec<String>, NotPassed> {
    let after: BTreeMap<String, &Record> = after.iter().map(|record| (identity(record), record)).collect();
    let mut lost = Vec::new();
    for record in known {
        let name = identity(record);
        let Some(now) = after.get(&name) else {
            lost.push(format!("{name} is gone"));
            continue;
        };
        let json = |record: &Record| serde_json::to_value(record).expecting("a row as JSON");
        let (before, now) = (json(record)?, json(now)?);
        let fields = before.as_object().into_iter().flatten();
        for (field, value) in fields.filter(|(field, _)| !volatile.contains(&Field::new(record.kind(), *field))) {
            match (value, &now[field]) {
                // More evidence and more links may come: what was known must stay.
                (Value::Array(values), Value::Array(others)) => {
                    let missing = values.iter().filter(|value| !others.contains(value));
                    lost.extend(missing.map(|value| format!("`{field}` of {name} lost {}", brief(value))));
                }
                (value, now) if value != now => {
                    lost.push(format!("`{field}` of {name} is {}, and was {}", brief(now), brief(value)));
                }
                _ => {}
            }
        }
    }
    Ok(lost)
}

/// A target for each section that the fixture can make fail; skipped when there is none.
async fn failing(fixture: &dyn Fixture, sections: impl IntoIterator<Item = Section>) -> Result<Vec<Bench>, NotPassed> {
    let (mut benches, mut reasons) = (Vec::new(), Vec::new());
    for section in sections {
        match Bench::start(fixture, Scenario::SectionFails(section)).await {
            Ok(bench) => benches.push(bench),
            Err(NotPassed::Skipped(why)) => reasons.push(format!("{section}: {why}")),
            Err(failed) => return Err(failed),
        }
    }
    if !benches.is_empty() {
        return Ok(benches);
    }
    let why = if reasons.is_empty() { "the connector has no such section".to_owned() } else { reasons.join("; ") };
    Err(NotPassed::Skipped(why))
}
