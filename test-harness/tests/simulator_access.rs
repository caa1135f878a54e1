//! Who may ask what.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod simulator_support;

use serde_json::json;
use simulator_support::{Console, options};
use test_harness::simulator::SimulatorOptions;

#[tokio::test]
async fn only_the_key_opens() {
    let console = Console::start(options()).await;
    let url = console.simulator.url();
    let ask = async |path: &str, key: Option<&str>| {
        let mut request = console.client.get(format!("{url}{path}"));
        if let Some(key) = key {
            request = request.header("x-api-key", key);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json::<serde_json::Value>().await.unwrap())
    };
    let v1 = (401, json!({ "message": "Unauthorized" }));
    let v2 = (401, json!({ "code": 401, "message": "Unauthorized", "status": "UNAUTHENTICATED" }));
    assert_eq!(ask("/api/systemusers", None).await, v1);
    assert_eq!(ask("/api/systemusers", Some("wrong")).await, v1);
    assert_eq!(ask("/api/v2/usergroups", None).await, v2);
    assert_eq!(ask("/api/systemusers?limit=1", Some(console.simulator.api_key())).await.0, 200);
    assert!(!format!("{:?}", console.simulator).contains(console.simulator.api_key()));
}

#[tokio::test]
async fn paths_ids_and_methods_that_do_not_exist_are_refused() {
    let console = Console::start(options()).await;
    assert_eq!(console.status("/api/nothing").await, 404);
    assert_eq!(console.status("/api/v2/usergroups/zzz/members").await, 400);
    assert_eq!(console.status("/api/v2/usergroups/ffffffffffffffffffffffff/members").await, 404);
    assert_eq!(console.post("/api/systemusers", json!({})).await.status().as_u16(), 405);
}

#[tokio::test]
async fn a_key_of_a_narrow_role_is_forbidden_the_rest() {
    let forbidden = vec!["usergroups.*".parse().unwrap()];
    let console = Console::start(SimulatorOptions { forbidden, ..options() }).await;
    let group = console.simulator.organization().user_groups().next().unwrap().id;
    assert_eq!(console.status("/api/v2/usergroups").await, 200);
    assert_eq!(console.status(&format!("/api/v2/usergroups/{group}/members")).await, 403);
}

#[tokio::test]
async fn beyond_the_rate_limit_the_answer_is_429() {
    let console = Console::start(SimulatorOptions { rate_limit: Some(5), ..options() }).await;
    assert_eq!(console.status("/api/organizations").await, 200);
    assert_eq!(console.status("/api/organizations").await, 429);
    console.simulator.set_rate_limit(None);
    assert_eq!(console.status("/api/organizations").await, 200);
    let requests = console.simulator.requests();
    assert_eq!((requests.with_status(200), requests.with_status(429), requests.of("organizations")), (2, 1, 3));
}
