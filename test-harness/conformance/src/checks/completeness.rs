//! The promise: a truncated list is never reported as complete.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{
    Action, Descriptor, ErrorCode, Field, Outcome, Record, ScanRequest, ScanSummary, Section, SectionReport,
    SectionStatus,
};
use serde_json::Value;

use crate::bench::{Bench, Run};
use crate::fixture::{Fixture, Scenario};
use crate::probe::Script;
use crate::truth::{brief, identity, shortened};
use crate::verdict::{Expect, Failure, NotPassed, Verdict, ensure};

pub(crate) async fn a_core_section_that_fails_fails_the_scan(fixture: &dyn Fixture) -> Verdict {
    let descriptor = fixture.registration().descriptor();
    let core = descriptor.sections.iter().filter(|described| described.core).map(|described| described.section);
    for (section, bench) in failing(fixture, core).await? {
        let expected = format!("the scan of {} fails", bench.scenario);
        let Err(failure) = bench.run(ScanRequest::default(), Script::Record).await?.result else {
            return Err(Failure::new(expected, "it succeeded").into());
        };
        let code = failure.error().code;
        let excuse = matches!(code, ErrorCode::Cancelled | ErrorCode::Sink | ErrorCode::Internal);
        ensure(!excuse, format!("{expected} with the actual error"), || failure.error())?;
        ensure(failure.summary().outcome == Outcome::Failed, format!("{expected}, and so does its summary"), || {
            format!("outcome {:?}", failure.summary().outcome)
        })?;
        let blamed = failure.summary().sections.iter().filter(|report| report.status.error().is_some());
        let blamed: Vec<&str> = blamed.map(|report| report.section.as_str()).collect();
        // If no section was started, the scan's own error explains the failure.
        let named = failure.summary().section(section).map_or(blamed.is_empty(), |own| own.status.error().is_some());
        ensure(named, format!("{expected}, and {section} is reported as failed"), || {
            let own = how_it_ended(failure.summary().section(section));
            format!("{section} is {own}; reported as failed: {}", blamed.join(", "))
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
    let benches = failing(fixture, optional).await?;
    let (healthy, _) = Bench::start(fixture, Scenario::Healthy).await?.scan().await?;
    for (section, bench) in benches {
        let run = bench.run(ScanRequest::default(), Script::Record).await?;
        let summary = run.result.expecting(format!("the scan of {} ends as incomplete", bench.scenario))?;
        ensure(summary.outcome == Outcome::Incomplete, format!("outcome Incomplete for {}", bench.scenario), || {
            format!("outcome {:?}", summary.outcome)
        })?;
        let report = summary.section(section);
        let named = report.is_some_and(|report| report.status.error().is_some());
        ensure(named, format!("{section} is reported as incomplete or unavailable for {}", bench.scenario), || {
            how_it_ended(report)
        })?;
        let drawn = drawn_from(&descriptor, section);
        others_are_as_before(&healthy, &summary, section, &drawn, &bench.scenario.to_string())?;
        let whole =
            summary.sections.iter().find(|one| drawn.contains(&one.section) && one.status == SectionStatus::Complete);
        ensure(
            whole.is_none(),
            format!("what is drawn from {section} is not complete for {}", bench.scenario),
            || whole.map(|one| format!("{} is complete", one.section)).unwrap_or_default(),
        )?;
    }
    Ok(())
}

/// Checks that every section that is not drawn from the missing one ended as it did before.
fn others_are_as_before(
    before: &ScanSummary,
    summary: &ScanSummary,
    missing: Section,
    drawn: &BTreeSet<Section>,
    what: &str,
) -> Verdict {
    let others = before.sections.iter().filter(|one| one.section != missing && !drawn.contains(&one.section));
    for before in others {
        let section = before.section;
        let now = summary.section(section);
        let same = now.is_some_and(|now| now.status == before.status);
        let expected =
            format!("{section}, which is not drawn from {missing}, is {} for {what}", before.status.as_str());
        ensure(same, expected, || how_it_ended(now))?;
    }
    Ok(())
}

/// Returns the sections that are drawn from a section, directly or through others.
fn drawn_from(descriptor: &Descriptor, section: Section) -> BTreeSet<Section> {
    let sections = descriptor.sections.iter().map(|described| described.section);
    sections.filter(|other| descriptor.sources(*other).contains(&section)).collect()
}

/// Formats a section's status, with its error if there is one.
pub(super) fn how_it_ended(report: Option<&SectionReport>) -> String {
    match report.map(|report| (report.status.as_str(), report.status.error())) {
        None => "not reported".to_owned(),
        Some((status, None)) => status.to_owned(),
        Some((status, Some(error))) => format!("{status}: {error}"),
    }
}

pub(crate) async fn what_a_host_knew_survives_a_section_that_fails(fixture: &dyn Fixture) -> Verdict {
    let descriptor = fixture.registration().descriptor();
    let optional = descriptor.sections.iter().filter(|described| !described.core);
    let benches = failing(fixture, optional.map(|described| described.section)).await?;
    let (_, known) = Bench::start(fixture, Scenario::Healthy).await?.scan().await?;
    for (_, bench) in benches {
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
    let (before, known) = bench.scan().await?;
    for described in optional {
        let section = described.section;
        let what = format!("a healthy target without {section}");
        let run = bench.run(ScanRequest::default().leaving_out([section]), Script::Record).await?;
        let sent = run.sink.seen().rows.iter().find(|row| descriptor.owner(row) == Some(section)).map(identity);
        ensure(sent.is_none(), format!("no row of {section} if it is skipped"), || sent.unwrap_or_default())?;
        let summary = survives(&descriptor, &known, run, &what)?;
        let report = summary.section(section);
        let skipped = report.is_some_and(|report| report.status == SectionStatus::Skipped);
        ensure(skipped, format!("{section} is reported as skipped if the request skips it"), || how_it_ended(report))?;
        let drawn = drawn_from(&descriptor, section);
        others_are_as_before(&before, &summary, section, &drawn, &what)?;
        let broken = summary.sections.iter().find(|one| one.status.error().is_some());
        ensure(broken.is_none(), format!("nothing is incomplete for {what}"), || {
            broken.map(|one| format!("{} is {}", one.section, how_it_ended(Some(one)))).unwrap_or_default()
        })?;
    }
    Ok(())
}

/// Checks that a host keeps what it knew when it applies a scan of `what`.
fn survives(descriptor: &Descriptor, known: &[Record], run: Run, what: &str) -> Result<ScanSummary, NotPassed> {
    let summary = run.result.expecting(format!("the scan of {what} ends"))?;
    let scanned = std::mem::take(&mut run.sink.seen().rows);
    let plan = summary.replacement(descriptor);
    let after = plan.apply(known.to_vec(), scanned).expecting("rows that fit the descriptor")?;
    // Volatile fields may have changed, unless they must be kept.
    let volatile = descriptor.volatile.iter().filter(|field| plan.of_field(field) != Action::Keep);
    let mut keys = BTreeSet::new();
    let twice: Vec<String> = after.iter().filter(|row| !keys.insert(row.key())).map(identity).collect();
    ensure(
        twice.is_empty(),
        format!("no two rows with one key in the snapshot of a host that scanned {what}"),
        || format!("two rows with one key: {}", shortened(&twice)),
    )?;
    let lost = lost(known, &after, &volatile.collect())?;
    ensure(lost.is_empty(), format!("a host that scanned {what} keeps what it knew"), || shortened(&lost))?;
    Ok(summary)
}

/// Returns what a host knew and no longer has: rows, and their values.
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
                // New evidence and links may be added; the known ones must stay.
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

/// Starts a target for each section that the fixture can make fail. Skips the test if there is none.
pub(super) async fn failing(
    fixture: &dyn Fixture,
    sections: impl IntoIterator<Item = Section>,
) -> Result<Vec<(Section, Bench)>, NotPassed> {
    let (mut benches, mut reasons) = (Vec::new(), Vec::new());
    for section in sections {
        match Bench::start(fixture, Scenario::SectionFails(section)).await {
            Ok(bench) => benches.push((section, bench)),
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
