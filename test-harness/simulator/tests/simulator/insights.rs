//! Directory Insights and user search.

use crate::support::{Console, options, texts};
use jumpcloud_simulator::organization::{Actor, EventKind};
use jumpcloud_simulator::{Behaviour, SimulatorOptions};
use serde_json::{Value, json};

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
    // The query string says what the body does not.
    let rows = async |body: Value| -> usize {
        let path = "/api/search/systemusers?skip=295&limit=3";
        console.post(path, body).await.json::<Value>().await.unwrap()["results"].as_array().unwrap().len()
    };
    assert_eq!((rows(json!({})).await, rows(json!({ "limit": 2 })).await), (3, 2));
    assert_eq!(rows(json!({ "limit": 100 })).await, 5);
}

/// Everything since the beginning of the year.
fn since_january(more: Value) -> Value {
    let mut query = json!({ "service": ["all"], "start_time": "2026-01-01T00:00:00Z" });
    query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    query
}

#[tokio::test]
async fn events_come_oldest_first_and_a_thousand_at_a_time_unless_asked_otherwise() {
    let console = Console::start(options()).await;
    let truth: Vec<String> = console.simulator.organization().events().map(|event| event.id).collect();
    for (more, sort, limit) in [
        (json!({}), "ASC", 1_000),
        (json!({ "sort": "sideways", "limit": "many" }), "ASC", 1_000),
        (json!({ "sort": 7, "limit": 0 }), "ASC", 1_000),
        (json!({ "limit": 10_001 }), "ASC", 1_000),
        (json!({ "limit": -5 }), "ASC", 1_000),
        (json!({ "sort": "desc", "limit": 7 }), "DESC", 7),
    ] {
        let answer = console.post(EVENTS, since_january(more.clone())).await;
        assert_eq!(
            (&answer.headers()["x-sort"], &answer.headers()["x-limit"]),
            (&sort.parse().unwrap(), &limit.to_string().parse().unwrap()),
            "{more}"
        );
        let ids = texts(&answer.json::<Vec<Value>>().await.unwrap(), "/id");
        let expected: Vec<String> = match sort {
            "ASC" => truth.iter().take(limit).cloned().collect(),
            _ => truth.iter().rev().take(limit).cloned().collect(),
        };
        assert_eq!(ids, expected, "{more}");
    }
    let skipped = console.post(EVENTS, since_january(json!({ "skip": 40, "limit": 3 }))).await;
    assert_eq!(texts(&skipped.json::<Vec<Value>>().await.unwrap(), "/id"), truth[40..43]);
}

#[tokio::test]
async fn events_are_found_by_text_and_by_nested_and_compared_terms() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let count = async |more: Value| -> u64 {
        let answer = console.post(&format!("{EVENTS}/count"), since_january(more)).await.error_for_status().unwrap();
        answer.json::<Value>().await.unwrap()["count"].as_u64().unwrap()
    };
    let of = |holds: &dyn Fn(&jumpcloud_simulator::organization::Event) -> bool| {
        truth.events().filter(|event| holds(event)).count() as u64
    };
    let from =
        |address: &'static str| move |event: &jumpcloud_simulator::organization::Event| event.client_ip == address;
    let ip = truth.event(3).client_ip;
    assert_eq!(count(json!({ "q": ip[..8].to_uppercase() })).await, truth.event_count());
    assert_eq!(count(json!({ "exact_match": ip })).await, of(&|event| event.client_ip == ip));
    assert_eq!(count(json!({ "exact_match": ip[..8] })).await, 0);
    assert_eq!(count(json!({ "q": "", "exact_match": null, "search_term": null })).await, truth.event_count());
    assert_eq!(of(&from("203.0.113.9")), 0);

    let login = |event: &jumpcloud_simulator::organization::Event| event.kind == EventKind::UserLogin;
    let nested = json!({ "and": [{ "event_type": "user_login_attempt" }, { "not": { "success": true } }] });
    assert_eq!(count(json!({ "search_term": nested })).await, of(&|event| login(event) && !event.success));
    let term = |field: &str, operator: &str, value: Value| json!({ "search_term": { "and": [{ "field": field, "operator": operator, "value": value }] } });
    let middle = "2026-04-15T00:00:00Z";
    for (operator, value, expected) in [
        ("eq", json!("sso_auth"), of(&|event| event.kind == EventKind::Sso)),
        ("ne", json!("sso_auth"), of(&|event| event.kind != EventKind::Sso)),
        ("in", json!(["sso_auth", "ldap_bind"]), of(&|e| matches!(e.kind, EventKind::Sso | EventKind::LdapBind))),
        ("not_in", json!(["sso_auth"]), of(&|event| event.kind != EventKind::Sso)),
        ("contains", json!("login"), of(&|e| e.kind.names().1.contains("login"))),
        ("startsWith", json!("user_"), of(&|e| e.kind.names().1.starts_with("user_"))),
        ("endsWith", json!("attempt"), of(&|e| e.kind.names().1.ends_with("attempt"))),
    ] {
        assert_eq!(count(term("event_type", operator, value)).await, expected, "{operator}");
    }
    let before = of(&|event| event.timestamp < middle.parse().unwrap());
    assert_eq!(count(term("timestamp", "before", json!(middle))).await, before);
    assert_eq!(count(term("timestamp", "after", json!(middle))).await, truth.event_count() - before);
    assert_eq!(count(term("changes", "contains", json!("IT"))).await, 0);
}

#[tokio::test]
async fn events_are_counted_by_value_and_by_time() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let mut by_type = std::collections::BTreeMap::new();
    for event in truth.events() {
        *by_type.entry(event.kind.names().1).or_insert(0_u64) += 1;
    }
    let ask = async |what: &str, more: Value| -> Value {
        let answer = console.post(&format!("{EVENTS}/{what}"), since_january(more)).await.error_for_status().unwrap();
        answer.json().await.unwrap()
    };
    let found = ask("distinct", json!({ "field": "event_type" })).await;
    let buckets = found["event_type"].as_array().unwrap();
    assert_eq!(buckets.len(), by_type.len());
    assert!(buckets.iter().all(|bucket| by_type[bucket["key"].as_str().unwrap()] == bucket["doc_count"]));
    assert!(buckets.is_sorted_by_key(|bucket| std::cmp::Reverse(bucket["doc_count"].as_u64())));
    let behaviour = Behaviour::observed().with("distinct-body=buckets").unwrap();
    let documented = Console::start(SimulatorOptions { behaviour, ..options() }).await;
    let query = since_january(json!({ "field": "event_type" }));
    let body: Value = documented.post(&format!("{EVENTS}/distinct"), query).await.json().await.unwrap();
    assert_eq!(body["buckets"], found["event_type"]);

    for (more, span, offset) in [
        (json!({ "interval_unit": "d" }), 86_400_000, 0),
        (json!({ "interval_unit": "h", "interval_value": "6" }), 6 * 3_600_000, 0),
        (json!({ "interval_unit": "d", "interval_value": 1, "timezone": "-0500" }), 86_400_000, -5 * 3_600_000),
    ] {
        let found = ask("interval", more).await;
        let buckets = found["buckets"].as_array().unwrap();
        let total: u64 = buckets.iter().map(|bucket| bucket["doc_count"].as_u64().unwrap()).sum();
        assert_eq!(total, truth.event_count());
        for bucket in buckets {
            let start = bucket["key"].as_i64().unwrap();
            assert_eq!((start + offset).rem_euclid(span), 0);
            let within = |event: &jumpcloud_simulator::organization::Event| {
                (start..start + span).contains(&event.timestamp.as_millisecond())
            };
            assert_eq!(bucket["doc_count"], truth.events().filter(within).count());
        }
    }
}

#[tokio::test]
async fn queries_that_make_no_sense_are_answered_400() {
    let console = Console::start(options()).await;
    let status =
        async |what: &str, query: Value| console.post(&format!("{EVENTS}{what}"), query).await.status().as_u16();
    let unknown = console.post(EVENTS, since_january(json!({ "service": ["directory", "nosuch"] }))).await;
    assert_eq!(unknown.status().as_u16(), 400);
    let message = unknown.json::<Value>().await.unwrap()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("nosuch") && message.contains("password_vault"), "{message}");
    for query in [
        json!({ "fields": [] }),
        json!({ "fields": ["nosuch", "neither"] }),
        json!({ "start_time": "2999-01-01T00:00:00Z" }),
        json!({ "end_time": "2025-01-01T00:00:00Z" }),
        json!({ "start_time": "yesterday" }),
        json!({ "search_after": [1, "nosuch"] }),
    ] {
        assert_eq!(status("", since_january(query.clone())).await, 400, "{query}");
    }
    assert_eq!(status("", since_january(json!({ "fields": ["nosuch", "id"] }))).await, 200);
    assert_eq!(status("/distinct", since_january(json!({}))).await, 400);
    assert_eq!(status("/interval", since_january(json!({ "interval_unit": "month" }))).await, 400);
    assert_eq!(status("/interval", since_january(json!({ "interval_unit": "d", "timezone": "Nowhere" }))).await, 400);
    assert_eq!(status("/interval", since_january(json!({ "interval_unit": "d", "interval_value": 0 }))).await, 400);
}

#[tokio::test]
async fn an_empty_search_finds_everybody() {
    let console = Console::start(options()).await;
    for body in [
        json!({ "searchFilter": {} }),
        json!({ "searchFilter": { "fields": ["username"] } }),
        json!({ "searchFilter": { "searchTerm": "" } }),
        json!({ "filter": { "or": [] } }),
        json!({ "filter": [] }),
        json!({}),
        json!(null),
        json!([1]),
    ] {
        let answer = console.post("/api/search/systemusers", body.clone()).await;
        assert_eq!(answer.status().as_u16(), 200, "{body}");
        assert_eq!(answer.json::<Value>().await.unwrap()["totalCount"], 300, "{body}");
    }
    let anywhere = json!({ "searchFilter": { "searchTerm": "maria.keller@" } });
    let found: Value = console.post("/api/search/systemusers", anywhere).await.json().await.unwrap();
    assert_eq!(found["totalCount"], 1);
}
