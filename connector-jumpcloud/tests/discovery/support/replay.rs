//! Recorded and reported shapes of answers, in files, as a console that answers with them.
//!
//! A file holds `v1` and `v2`, the rows of lists by path; `objects`, single things by path; `events`, the log of
//! Directory Insights; and `expect`, what a scan must find. Every other list is empty.

use jiff::Timestamp;
use serde_json::Value;

use super::console::Content;

/// The time at which the files are replayed, by the console's `Date`: their events are some days old then, whenever
/// the tests run.
pub const NOW: &str = "2026-11-26T00:00:00Z";

/// The content of the file `cases/{name}.json`.
pub fn case(name: &str) -> Content {
    let file = format!("{}/tests/discovery/cases/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let case: Value = serde_json::from_str(&std::fs::read_to_string(&file).expect(&file)).expect(&file);
    let entries = |part: &str| case[part].as_object().cloned().unwrap_or_default();
    let mut content = Content::default().at(NOW.parse::<Timestamp>().unwrap()).log(rows(&case["events"]));
    for (path, list) in entries("v1").into_iter().chain(entries("v2")) {
        content = content.list(&path, rows(&list));
    }
    for (path, thing) in entries("objects") {
        content = content.answer(&path, 200, thing);
    }
    content
}

fn rows(list: &Value) -> Vec<Value> {
    list.as_array().cloned().unwrap_or_default()
}
