//! Requests that are recorded, to be made again.

use jumpcloud_simulator::{Counting, RecordedRequest, SimulatorOptions};
use serde_json::json;

use super::support::{Console, options};

fn get(path: &str) -> RecordedRequest {
    RecordedRequest { method: "GET".to_owned(), path: path.to_owned(), body: String::new() }
}

#[tokio::test]
async fn a_recorded_request_has_all_that_is_needed_to_make_it_again() {
    let console = Console::start(SimulatorOptions { record: true, ..options() }).await;
    console.get("/api/systemusers?limit=10&skip=20").await;
    let body = json!({ "service": ["all"], "start_time": "2026-05-01T00:00:00Z", "limit": 5 });
    console.post("/insights/directory/v1/events", body.clone()).await;
    let recorded = console.simulator.recorded();
    assert_eq!(recorded[0], get("/api/systemusers?limit=10&skip=20"));
    let events = RecordedRequest {
        method: "POST".to_owned(),
        path: "/insights/directory/v1/events".to_owned(),
        body: body.to_string(),
    };
    assert_eq!(recorded[1..], [events]);
}

#[tokio::test]
async fn requests_that_were_refused_for_their_rate_are_not_recorded() {
    let console = Console::start(SimulatorOptions {
        record: true,
        rate_limit: Some(0),
        counting: Counting::LastSecond,
        ..options()
    })
    .await;
    console.get("/api/systemusers").await;
    assert_eq!(console.simulator.requests().total, 1);
    assert_eq!(console.simulator.recorded(), []);
}

#[tokio::test]
async fn nothing_is_recorded_unless_it_is_wanted() {
    let console = Console::start(options()).await;
    console.get("/api/systemusers").await;
    assert_eq!(console.simulator.recorded(), []);
}
