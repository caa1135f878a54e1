//! What the tests share.

use std::ops::Range;

use connector_api::{
    ConnectorError, Credential, Descriptor, ErrorCode, Record, ScanLedger, ScanSummary, Section, SectionReport,
    SectionStatus, SystemConfig,
};
use connector_store::{Ended, Fence, Hold, Scan, Start, Store, System};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::organisation::{self, Organisation};

/// The seeds of a test: one that is set, or a number of cases.
pub fn seeds(cases: u64) -> Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("CASES").unwrap_or(cases),
    }
}

pub fn config() -> SystemConfig {
    SystemConfig::new("Toy", "toy", Credential::from_secret("hunter2")).with_name("hq")
}

pub fn start<'a>(descriptor: &'a Descriptor, config: &'a SystemConfig) -> Start<'a> {
    Start { name: "hq", descriptor, config, fence: Fence::Own, now: Timestamp::now(), fresh: false }
}

/// Begins a scan of the system `hq`.
pub fn begin(backend: &Backend, descriptor: &Descriptor) -> Scan {
    backend.open().begin(start(descriptor, &config())).unwrap()
}

/// The system `hq`.
pub fn system(store: &mut Store) -> System {
    store.systems().unwrap().into_iter().find(|system| system.name == "hq").unwrap()
}

pub fn broken() -> ConnectorError {
    ConnectorError::new(ErrorCode::ServerError, "503", "try again")
}

/// The summary of a scan in which all sections are complete but those given.
pub fn summary(descriptor: &Descriptor, not_whole: &[Section]) -> ScanSummary {
    with_statuses(descriptor, |section| match not_whole.contains(&section) {
        true => SectionStatus::Incomplete { error: broken() },
        false => SectionStatus::Complete,
    })
}

pub fn with_statuses(descriptor: &Descriptor, status: impl Fn(Section) -> SectionStatus) -> ScanSummary {
    let mut ledger = ScanLedger::start(descriptor, &config());
    for described in &descriptor.sections {
        ledger.close(SectionReport::new(described.section, status(described.section)));
    }
    ledger.finish(Ok(())).unwrap_or_else(|failure| failure.into_summary())
}

/// Nothing is held.
pub const ANYTHING: Hold = Hold { above_percent: 100, at_least: 0 };

/// Scans the rows of a whole system. Every second run is published in one transaction.
pub fn scan(backend: &Backend, descriptor: &Descriptor, rows: &[Record], summary: &ScanSummary, hold: Hold) -> Ended {
    let mut scan = begin(backend, descriptor);
    for batch in rows.chunks(7) {
        scan.stage(batch).unwrap();
    }
    match scan.run() % 2 {
        0 => scan.publish_at_once(summary, hold).unwrap().1,
        _ => scan.publish(summary, hold).unwrap(),
    }
}

/// The rows after a run, to be compared.
pub fn rows_at(store: &mut Store, run: i64, descriptor: &Descriptor) -> Vec<Value> {
    let system = system(store);
    let mut rows = Vec::new();
    store
        .records(&system, run, &mut |record| {
            rows.push(record);
            Ok(())
        })
        .unwrap();
    comparable(&rows, descriptor)
}

/// Rows as JSON, sorted and without what the store does not keep as it is: volatile fields, and the order of equally severe
/// reasons and of links.
pub fn comparable(rows: &[Record], descriptor: &Descriptor) -> Vec<Value> {
    let mut comparable: Vec<(String, Value)> = rows
        .iter()
        .map(|row| {
            let mut json = serde_json::to_value(row).unwrap();
            for field in descriptor.volatile.iter().filter(|field| field.record == row.kind()) {
                match field.field.strip_prefix("attributes.") {
                    None => drop(json.as_object_mut().unwrap().remove(&field.field)),
                    Some(name) => {
                        let attributes = json.get_mut("attributes").and_then(Value::as_object_mut);
                        attributes.map(|attributes| attributes.remove(name));
                    }
                }
            }
            if json["attributes"] == json!({}) {
                json.as_object_mut().unwrap().remove("attributes");
            }
            if let Some(reasons) = json.get_mut("reasons").and_then(Value::as_array_mut) {
                let severities: Vec<Value> = reasons.iter().map(|reason| reason["severity"].clone()).collect();
                reasons.sort_by_cached_key(|reason| {
                    let at = severities.iter().position(|severity| *severity == reason["severity"]);
                    (at, reason.to_string())
                });
            }
            if let Some(links) = json.get_mut("links").and_then(Value::as_array_mut) {
                links.sort_by_cached_key(ToString::to_string);
            }
            (row.key().to_string(), json)
        })
        .collect();
    comparable.sort_by(|one, two| (&one.0, one.1.to_string()).cmp(&(&two.0, two.1.to_string())));
    comparable.into_iter().map(|(_, json)| json).collect()
}

/// Fails with what differs.
pub fn assert_rows(found: &[Value], expected: &[Value], context: impl std::fmt::Display) {
    let without = |rows: &[Value], others: &[Value]| {
        rows.iter().filter(|row| !others.contains(row)).map(ToString::to_string).collect::<Vec<_>>()
    };
    let (surplus, missing) = (without(found, expected), without(expected, found));
    assert!(
        surplus.is_empty() && missing.is_empty() && found.len() == expected.len(),
        "{context}\nnot expected: {surplus:#?}\nmissing: {missing:#?}\n{} rows of {}",
        found.len(),
        expected.len()
    );
}

/// Runs of a changing organisation, of which some did not read everything.
pub fn several(backend: &Backend, seed: u64, mut after: impl FnMut(i64)) {
    let (descriptor, mut organisation) = (organisation::descriptor(), Organisation::new(seed));
    organisation.crowd();
    let mut published = 0;
    while published < 4 {
        (0..30).for_each(|_| organisation.change());
        let (rows, summary) = organisation.scan(&descriptor);
        if let Ended::Published { run, .. } = scan(backend, &descriptor, &rows, &summary, ANYTHING) {
            published += 1;
            after(run);
        }
    }
}
