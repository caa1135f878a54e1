//! Directory Insights and user search.

use crate::support::{Console, options, texts};
use serde_json::{Value, json};
use test_harness::simulator::SimulatorOptions;
use test_harness::simulator::organization::{Actor, EventKind};

const EVENTS: &str = "/insights/directory/v1/events";

async fn all(console: &Console, mut query: Value) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let response = console.post(EVENTS, query.clone()).await.error_for_status().unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let (count, limit) = (header("x-result-count"), header("x-limit"));
        query["search_after"] = serde_json::from_str(&header("x-search_after")).unwrap();
        let rows: Vec<Value> = response.json().await.unwrap();
        assert_eq!(rows.len().to_string(), count);
        all.extend(rows);
        if count != limit {
            return all;
        }
    }
}

#[tokio::test]
async fn the_pages_of_events_make_up_the_truth_in_both_orders() {
    let console = Console::start(options()).await;
    let mut truth: Vec<String> = console.simulator.organization().events().map(|event| event.id).collect();
    let query =
        |sort: &str| json!({ "service": ["all"], "start_time": "2026-01-01T00:00:00Z", "sort": sort, "limit": 700 });
    assert_eq!(truth.len(), 2_400);
    assert_eq!(texts(&all(&console, query("ASC")).await, "/id"), truth);
    truth.reverse();
    assert_eq!(texts(&all(&console, query("DESC")).await, "/id"), truth);
}

#[tokio::test]
async fn events_are_chosen_by_service_time_and_terms() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let query = json!({
        "service": ["directory", "sso"],
        "start_time": "2026-05-01T00:00:00Z",
        "end_time": "2026-05-20T00:00:00Z",
        "limit": 10_000,
        "fields": ["timestamp", "event_type", "success", "initiated_by"],
        "search_term": {
            "and": {
                "event_type": ["user_login_attempt", "sso_auth"],
                "or": [{ "success": true }, { "sso_token_success": true }],
            },
        },
    });
    let (start, end) = ("2026-05-01T00:00:00Z".parse().unwrap(), "2026-05-20T00:00:00Z".parse().unwrap());
    let expected = truth.events().filter(|event| {
        matches!(event.kind, EventKind::UserLogin | EventKind::Sso)
            && event.success
            && event.timestamp >= start
            && event.timestamp < end
    });
    let expected = expected.count();
    let rows = all(&console, query.clone()).await;
    assert_eq!(rows.len(), expected);
    assert!(rows.iter().all(|row| row.get("geoip").is_none() && row["initiated_by"]["id"].is_string()));
    let counted: Value = console.post(&format!("{EVENTS}/count"), query).await.json().await.unwrap();
    assert_eq!(counted["count"], expected);

    let user = truth.user(1);
    let own =
        truth.events().filter(|event| event.actor == Actor::User(1) && event.kind == EventKind::UserLogin).count();
    let rows = all(
        &console,
        json!({
            "service": ["directory"],
            "start_time": "2026-01-01T00:00:00Z",
            "search_term": { "or": [{ "initiated_by.username": user.username }], "not": { "event_type": "user_update" } },
        }),
    );
    assert_eq!(rows.await.len(), own);
    for bad in
        [json!({}), json!({ "service": ["all"] }), json!({ "service": [], "start_time": "2026-01-01T00:00:00Z" })]
    {
        assert_eq!(console.post(EVENTS, bad).await.status().as_u16(), 400);
    }
}

#[tokio::test]
async fn two_million_events_are_read_page_by_page() {
    let console = Console::start(SimulatorOptions { users: 1_000_000, ..options() }).await;
    assert_eq!(console.simulator.organization().event_count(), 2_000_000);
    let query = json!({ "service": ["all"], "start_time": "2026-05-31T00:00:00Z", "sort": "DESC", "limit": 500 });
    let rows: Vec<Value> = console.post(EVENTS, query).await.json().await.unwrap();
    assert_eq!(rows.len(), 500);
}

#[tokio::test]
async fn users_are_searched_by_filter_and_text() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let found =
        async |body: Value| -> Value { console.post("/api/search/systemusers", body).await.json().await.unwrap() };
    let of_it = truth.users().filter(|user| user.department == "IT").count();
    let body = found(json!({ "filter": [{ "department": "IT" }], "fields": "username", "limit": 100 })).await;
    assert_eq!(body["totalCount"], of_it);
    let either = json!({ "or": [{ "username": "maria.keller" }, "username:$eq:svc-backup"] });
    assert_eq!(found(json!({ "filter": either })).await["totalCount"], 2);
    let text = json!({ "searchTerm": ["KELLER@", "okafor@"], "fields": ["email"] });
    assert_eq!(found(json!({ "searchFilter": text })).await["totalCount"], 2);
    let none = json!({ "and": [{ "username": "maria.keller" }, { "suspended": true }] });
    assert_eq!(found(json!({ "filter": none })).await["totalCount"], 0);
}
