//! Each fault does what its description says.

use crate::support::{Console, options, rows, texts, with_faults};
use jumpcloud_simulator::SimulatorOptions;
use jumpcloud_simulator::organization::{Kind, Node};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const USERS: &str = "/api/systemusers?limit=50";
const GROUPS: &str = "/api/v2/usergroups?limit=10";

async fn with(fault: &str) -> Console {
    Console::start(with_faults(&[fault])).await
}

fn members_path(console: &Console, group: u64) -> String {
    let id = console.simulator.organization().id(Node::new(Kind::UserGroup, group));
    format!("/api/v2/usergroups/{id}/members")
}

#[tokio::test]
async fn a_status_comes_where_and_as_often_as_ordered() {
    let console = with("status=503:on=systemusers:after=1:times=2:retry-after=2s").await;
    let response = async || console.get(USERS).await;
    assert_eq!(response().await.status().as_u16(), 200);
    let failed = response().await;
    assert_eq!((failed.status().as_u16(), failed.headers()["retry-after"].to_str().unwrap()), (503, "2"));
    assert_eq!(failed.json::<Value>().await.unwrap()["message"], "Service Unavailable");
    assert_eq!(console.status(GROUPS).await, 200);
    assert_eq!(response().await.status().as_u16(), 503);
    assert_eq!(response().await.status().as_u16(), 200);

    let dated = with("retry-after=date").await.get(GROUPS).await;
    assert_eq!(dated.status().as_u16(), 429);
    assert!(dated.headers()["retry-after"].to_str().unwrap().ends_with("GMT"));
}

#[tokio::test]
async fn a_rate_strikes_its_share_and_the_same_requests_every_time() {
    let statuses = async || {
        let console = with("status=502:rate=0.3").await;
        let mut statuses = Vec::new();
        for _ in 0..60 {
            statuses.push(console.status("/api/organizations").await);
        }
        statuses
    };
    let (one, two) = (statuses().await, statuses().await);
    assert_eq!(one, two);
    let struck = one.iter().filter(|status| **status == 502).count();
    assert!((8..30).contains(&struck), "{struck} of 60");
}

#[tokio::test]
async fn connections_break_before_and_within_the_answer() {
    let console = with("reset").await;
    assert!(console.request(USERS).send().await.is_err());
    assert_eq!(console.simulator.requests().with_status(0), 1);
    let console = with("truncate").await;
    let response = console.get(USERS).await;
    assert_eq!(response.status().as_u16(), 200);
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn gateways_answer_in_html_and_redirect() {
    let page = with("html=502").await.get(USERS).await;
    assert_eq!(
        (page.status().as_u16(), page.headers()["content-type"].to_str().unwrap()),
        (502, "text/html; charset=utf-8")
    );
    let away = with("redirect=http://127.0.0.1:9/else").await.get(USERS).await;
    assert_eq!(
        (away.status().as_u16(), away.headers()["location"].to_str().unwrap()),
        (302, "http://127.0.0.1:9/else")
    );
    let plain = with("content-type=text/plain").await.get(USERS).await;
    assert_eq!(plain.headers()["content-type"], "text/plain");
}

#[tokio::test]
async fn answers_come_late_and_slowly() {
    let console = with("delay=80").await;
    let start = Instant::now();
    console.status("/api/organizations").await;
    assert!(start.elapsed() >= Duration::from_millis(80));
    let console = with("slow=1000").await;
    let start = Instant::now();
    let body = console.get("/api/organizations").await.bytes().await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(100 * (body.len() as u64 / 100)), "{} bytes", body.len());
}

#[tokio::test]
async fn bodies_are_no_text_too_long_or_too_deep() {
    let bytes = with("invalid-utf8").await.get(USERS).await.bytes().await.unwrap();
    assert!(std::str::from_utf8(&bytes).is_err());
    let padded = with("oversized=3000000").await.get(USERS).await.bytes().await.unwrap();
    assert!(padded.len() > 3_000_000);
    assert_eq!(rows(&serde_json::from_slice(&padded).unwrap()).len(), 50);
    let bomb = with("gzip-bomb=20000000").await;
    assert_eq!(bomb.get(USERS).await.bytes().await.unwrap().len(), 20_000_000);
    let deep = with("deep=100000").await.get(USERS).await.bytes().await.unwrap();
    assert_eq!(deep.len(), 200_000);
    assert!(serde_json::from_slice::<Value>(&deep).is_err());
}

#[tokio::test]
async fn pages_are_wrong_in_all_the_ways_ordered() {
    let honest = Console::start(options()).await;
    let ids =
        async |console: &Console, skip: u32| texts(rows(&console.json(&format!("{USERS}&skip={skip}")).await), "/_id");
    let (first, second) = (ids(&honest, 0).await, ids(&honest, 50).await);
    assert_eq!(ids(&with("ignore-skip").await, 50).await, first);
    assert_eq!(ids(&with("repeat-page").await, 50).await, first);
    assert_eq!(ids(&with("short-page").await, 50).await, second[..25]);
    assert!(ids(&with("empty-page").await, 50).await.is_empty());
    let unsorted = with("unsorted").await;
    assert_ne!(ids(&unsorted, 0).await, ids(&unsorted, 0).await);
    assert_eq!(texts(rows(&unsorted.json(&format!("{USERS}&sort=_id")).await), "/_id"), first);

    let doubled = texts(&with("duplicate-rows").await.all("/api/systemusers", 50).await, "/_id");
    let once: BTreeSet<&String> = doubled.iter().collect();
    assert_eq!((doubled.len(), once.len()), (330, 300));
}

#[tokio::test]
async fn totals_are_wrong_missing_or_moving() {
    let total = async |console: &Console| console.json(USERS).await["totalCount"].as_u64();
    assert_eq!(total(&with("total=+7").await).await, Some(307));
    assert_eq!(total(&with("total=-50").await).await, Some(250));
    assert_eq!(total(&with("total=none").await).await, None);
    let moving = with("total=moving").await;
    assert_eq!((total(&moving).await, total(&moving).await), (Some(300), Some(301)));
    assert!(!with("total=none").await.get(GROUPS).await.headers().contains_key("x-total-count"));
}

#[tokio::test]
async fn an_organisation_that_drifts_really_changes_and_the_truth_knows() {
    let console = with("drift=both:on=systemusers").await;
    let truth = console.simulator.organization();
    for skip in (0..300).step_by(50) {
        console.json(&format!("{USERS}&skip={skip}&sort=_id")).await;
    }
    let census = truth.census(Kind::User);
    assert_eq!(census.count(), 300);
    assert_eq!(census.ever(), 0..306);
    let throughout = census.throughout().count();
    assert!((294..=300).contains(&throughout) && throughout < 300, "{throughout}");
    let now: Vec<String> = truth.users().map(|user| user.id).collect();
    assert!(now.is_sorted());

    let console = with("drift=delete:on=usergroups.members").await;
    let path = members_path(&console, 0);
    assert_eq!(console.get(&path).await.headers()["x-total-count"], "300");
    assert_eq!(console.get(&path).await.headers()["x-total-count"], "299");
    let console = with("drift=delete:on=usergroups").await;
    console.json(GROUPS).await;
    let truth = console.simulator.organization();
    let census = truth.census(Kind::UserGroup);
    let gone = (0..24).find(|&group| !census.contains(group)).unwrap();
    assert_eq!(console.status(&members_path(&console, gone)).await, 404);
}

#[tokio::test]
async fn groups_vanish_dangle_and_turn_in_circles() {
    let console = with("group-vanishes").await;
    let mut vanished = 0;
    for group in 0..24 {
        let path = members_path(&console, group);
        let status = console.status(&path).await;
        assert_eq!(console.status(&path).await, status);
        vanished += u32::from(status == 404);
    }
    assert!((1..12).contains(&vanished), "{vanished} of 24");

    let console = with("dangling").await;
    let users: BTreeSet<String> = console.simulator.organization().users().map(|user| user.id).collect();
    let members = texts(&console.all(&members_path(&console, 1), 100).await, "/to/id");
    let strangers: Vec<&String> = members.iter().filter(|id| !users.contains(*id)).collect();
    assert_eq!(strangers.len(), 1);
    // It is asked for as any other, and not there.
    assert_eq!(console.status(&format!("/api/systemusers/{}", strangers[0])).await, 404);
    let devices = Node::new(Kind::SystemGroup, 3);
    let of_devices = format!("/api/v2/systemgroups/{}/members", console.simulator.organization().id(devices));
    let kinds: BTreeSet<String> = texts(&console.all(&of_devices, 100).await, "/to/type").into_iter().collect();
    assert_eq!(kinds, BTreeSet::from(["system".to_owned()]));

    let console = with("cycle").await;
    for (group, next) in [(8, 9), (23, 0)] {
        let next = console.simulator.organization().id(Node::new(Kind::UserGroup, next));
        let members = texts(&console.all(&members_path(&console, group), 100).await, "/to/id");
        assert!(members.contains(&next), "group {group}");
    }
}

#[tokio::test]
async fn rows_are_spoiled_in_all_the_ways_ordered() {
    let page = async |fault: &str| console_rows(fault).await;
    let honest = rows(&Console::start(options()).await.json(USERS).await).clone();
    let nulls = page("null-fields").await;
    assert!(
        nulls.iter().flat_map(|row| row.as_object().unwrap().values()).filter(|value| value.is_null()).count() > 500
    );
    assert_eq!(texts(&nulls, "/_id"), texts(&honest, "/_id"));
    assert!(page("unknown-fields").await.iter().all(|row| row.get("fieldOfTomorrow").is_some()));
    let wrong = page("wrong-types").await;
    let other = |row: &Value| !row["sudo"].is_boolean();
    assert!((1..50).contains(&wrong.iter().filter(|row| other(row)).count()));
    let hostile = page("hostile-ids").await;
    let odd = hostile.iter().filter(|row| row["_id"].as_str().unwrap().len() != 24).count();
    assert!((1..30).contains(&odd), "{odd} of 50");
}

async fn console_rows(fault: &str) -> Vec<Value> {
    rows(&with(fault).await.json(USERS).await).clone()
}

#[tokio::test]
async fn many_faults_work_together_and_a_simulator_in_trouble_stops_at_once() {
    let faults = ["delay=30", "total=+1:rate=0.5", "status=500:times=1:on=usergroups", "unknown-fields"];
    let console = Console::start(SimulatorOptions { gzip: false, ..with_faults(&faults) }).await;
    assert_eq!(console.status(GROUPS).await, 500);
    assert!(rows(&console.json(GROUPS).await)[0].get("fieldOfTomorrow").is_some());
    let address = console.simulator.address();
    console.simulator.shutdown().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
