//! Several kinds of bindings in one list: however a service answers that, the rows are the same, and none is lost.

use std::collections::BTreeSet;

use connector_api::{Outcome, Section};
use jumpcloud_simulator::{Behaviour, Simulator, SimulatorOptions};
use serde_json::{Value, json};

use crate::support::console::{Console, Content, id};
use crate::support::{Scanned, scan, simulated, small, start};

const ANSWERS: [&str; 4] =
    ["several-targets=all", "several-targets=first", "several-targets=last", "several-targets=refused"];

/// How many kinds of objects can be asked for several kinds.
const KINDS: u64 = 10;

async fn organization(answers: &str, users: u64, groups: u64, systems: u64) -> Simulator {
    let behaviour = Behaviour::observed().with(answers).unwrap();
    let now = "2026-06-01T12:00:00Z".parse().unwrap();
    start(SimulatorOptions { users, groups, systems, behaviour, now, events: Some(0), ..small() }).await
}

/// All rows as text, in their order.
fn texts(scanned: &Scanned) -> Vec<String> {
    scanned.records.iter().map(|record| serde_json::to_string(record).unwrap()).collect()
}

fn requests(scanned: &Scanned) -> u64 {
    scanned.summary.section(Section::GRANTS).unwrap().requests
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_are_the_same_however_several_targets_are_answered() {
    for (users, groups, systems) in [(120, 30, 40), (12, 16, 60), (400, 8, 90)] {
        let mut truth: Option<Vec<String>> = None;
        for answers in ANSWERS {
            let simulator = organization(answers, users, groups, systems).await;
            let scanned = scan(simulated(&simulator).with_attribute("includeLastLogin", false)).await;
            assert_eq!(scanned.summary.outcome, Outcome::Complete, "{answers}: {:?}", scanned.summary.sections);
            let rows = texts(&scanned);
            let truth = truth.get_or_insert_with(|| rows.clone());
            let differs = truth.iter().zip(&rows).find(|(truth, row)| truth != row);
            assert!(*truth == rows, "{answers}, {users} users: {} of {} rows, {differs:?}", rows.len(), truth.len());
            let refused = simulator.requests().with_status(400);
            // No target that a kind does not have is asked for.
            let most = if answers.ends_with("refused") { KINDS } else { 0 };
            assert!(refused <= most, "{answers}: {refused} refused");
        }
    }
}

#[tokio::test]
async fn together_they_cost_about_half_and_the_attempt_costs_little() {
    let mut made = Vec::new();
    for answers in ANSWERS {
        let simulator = organization(answers, 400, 150, 120).await;
        made.push(requests(&scan(simulated(&simulator)).await));
    }
    let [all, first, last, refused] = made[..] else { unreachable!() };
    assert!(all as f64 <= 0.62 * refused as f64, "{made:?}");
    assert!(first.max(last) <= refused + 20 * KINDS, "{made:?}");
}

const DEVICES: u64 = 30;
/// A device that is not among those that are asked first.
const LATER: u64 = 102;

/// Thirty devices, with a user and a group bound to each of them.
fn devices() -> Content {
    let mut content = Content::default()
        .list("/api/systemusers", (1..=200).map(|user| json!({"_id": id(user), "username": format!("u{user}")})))
        .list("/api/v2/usergroups", (1..=50).map(|group| json!({"id": id(group), "name": format!("G{group}")})))
        .list("/api/systems", (0..DEVICES).map(|device| json!({"_id": id(100 + device), "hostname": "h"})));
    for device in 100..100 + DEVICES {
        // The same id twice: ids are unique only within a kind.
        for kind in ["user", "user_group"] {
            let edge = json!({"to": {"id": id(device - 99), "type": kind}});
            content = content.list(&bindings(device, kind), [edge]);
        }
    }
    content
}

fn bindings(device: u64, targets: &str) -> String {
    format!("/api/v2/systems/{}/associations?targets={targets}", id(device))
}

fn bound(scanned: &Scanned) -> BTreeSet<(String, String)> {
    scanned.bindings().map(|row| (row.from.external_id.clone(), row.to.external_id.clone())).collect()
}

/// The targets that were requested of a device.
fn asked(console: &Console, device: u64) -> Vec<String> {
    let path = bindings(device, "");
    let path = path.split('?').next().unwrap();
    let of_device = console.asked().into_iter().filter(|asked| asked.path == path);
    of_device.map(|asked| asked.query["targets"].clone()).collect()
}

fn lists(console: &Console) -> usize {
    (100..100 + DEVICES).map(|device| asked(console, device).len()).sum()
}

async fn scanned(content: Content) -> (Console, Scanned) {
    let console = content.serve().await;
    let scanned = scan(console.system().with_attribute("retryWaitMilliseconds", 1).with_attribute("attempts", 2)).await;
    (console, scanned)
}

#[tokio::test]
async fn each_device_is_asked_once_for_all_kinds() {
    let (console, scanned) = scanned(devices()).await;
    assert_eq!(scanned.bindings().count(), 60);
    assert_eq!(lists(&console), 30);
    assert_eq!(asked(&console, LATER), ["user,user_group"]);
}

#[tokio::test]
async fn a_service_that_reads_one_name_loses_nothing() {
    for read in ["user", "user_group"] {
        let mut content = devices();
        for device in 100..100 + DEVICES {
            let edge = json!({"to": {"id": id(device - 99), "type": read}});
            content = content.list(&bindings(device, "user,user_group"), [edge]);
        }
        let (console, scanned) = scanned(content).await;
        assert_eq!(scanned.bindings().count(), 60, "{read}");
        // What the sample brought is not requested again.
        assert_eq!(lists(&console), 60, "{read}");
        assert_eq!(asked(&console, LATER), ["user", "user_group"], "{read}");
    }
}

#[tokio::test]
async fn a_kind_that_no_sampled_object_has_is_never_taken_for_absent() {
    // Only one device has a group, and it is not sampled.
    let mut content = devices();
    for device in (100..100 + DEVICES).filter(|device| *device != LATER) {
        content = content.list(&bindings(device, "user_group"), []);
    }
    let (_, found) = scanned(content.clone()).await;
    assert_eq!(found.bindings().count(), 31);
    // Nothing is bound to anything but one device.
    for device in (100..100 + DEVICES).filter(|device| *device != LATER) {
        content = content.list(&bindings(device, "user"), []);
    }
    let (console, found) = scanned(content).await;
    assert_eq!(found.bindings().count(), 2);
    assert_eq!(lists(&console), 20 + 60);
}

#[tokio::test]
async fn a_list_of_several_kinds_that_is_refused_later_is_read_one_by_one() {
    let together = bindings(LATER, "user,user_group");
    let no = json!({"message": "no"});
    for status in [400, 403, 404, 422, 500] {
        // The device exists.
        let content = devices().answer(&together, status, no.clone());
        let content = content.answer(&format!("/api/systems/{}", id(LATER)), 200, json!({"_id": id(LATER)}));
        let (console, scanned) = scanned(content).await;
        assert_eq!(scanned.summary.outcome, Outcome::Complete, "{status}");
        assert_eq!(scanned.bindings().count(), 60, "{status}");
        let mut asked = asked(&console, LATER);
        asked.dedup();
        assert_eq!(asked, ["user,user_group", "user", "user_group"], "{status}");
        assert_eq!(self::asked(&console, LATER + 3), ["user,user_group"], "{status}: the others are read as before");
    }
}

#[tokio::test]
async fn what_was_not_requested_makes_a_list_of_several_kinds_unclear() {
    let policy = json!({"to": {"id": id(7), "type": "policy"}});
    let user = json!({"to": {"id": id(3), "type": "user"}});
    let content = devices().list(&bindings(LATER, "user,user_group"), [policy, user]);
    let (console, scanned) = scanned(content).await;
    assert_eq!(scanned.bindings().count(), 60);
    assert_eq!(scanned.summary.section(Section::GRANTS).unwrap().dangling, 0);
    assert_eq!(asked(&console, LATER), ["user,user_group", "user", "user_group"]);
}

#[tokio::test]
async fn a_service_that_refuses_more_and_more_is_not_asked_for_several_kinds_for_ever() {
    let mut content = devices();
    for device in 103..100 + DEVICES {
        // The sample has passed by then: it is answered, and these are not in it.
        if ![103, 104, 106, 107, 109, 110, 112, 113, 115, 116, 118, 119, 121, 122, 124, 125, 127, 128].contains(&device)
        {
            content = content.answer(&bindings(device, "user,user_group"), 400, json!({"message": "invalid target"}));
        }
    }
    let (_, scanned) = scanned(content).await;
    assert_eq!((scanned.summary.outcome, scanned.bindings().count()), (Outcome::Complete, 60));
}

#[tokio::test]
async fn null_records_in_a_list_of_several_kinds_hide_no_edge() {
    let (_, whole) = scanned(devices()).await;
    let edge = |kind: &str| json!({"to": {"id": id(LATER - 99), "type": kind}});
    for null in [json!(null), json!({"to": null}), json!({"to": {"id": "", "type": "user"}})] {
        let rows: Vec<Value> = vec![edge("user"), null, edge("user_group")];
        let (_, found) = scanned(devices().list(&bindings(LATER, "user,user_group"), rows)).await;
        assert_eq!(bound(&found), bound(&whole));
    }
    // A record is counted, and one is not given: the list of each kind shows that it is an edge.
    let together = devices().list(&bindings(LATER, "user,user_group"), [edge("user")]);
    let total = bindings(LATER, "user,user_group");
    let (console, found) = scanned(together.total(&total, 2)).await;
    assert_eq!(bound(&found), bound(&whole));
    assert!(asked(&console, LATER).contains(&"user_group".to_owned()));
}

#[tokio::test]
async fn an_object_that_vanishes_is_noted_once() {
    for device in [100, LATER] {
        let list = bindings(device, "user,user_group");
        let gone = json!({"message": "Not Found"});
        let content = devices().answer(&list, 404, gone.clone());
        let content = content.answer(&format!("/api/systems/{}", id(device)), 404, gone);
        let (console, scanned) = scanned(content).await;
        let report = scanned.summary.section(Section::GRANTS).unwrap();
        assert_eq!(report.notes, [format!("the system {} vanished while it was read", id(device))]);
        assert_eq!(scanned.bindings().count(), 58);
        assert_eq!(asked(&console, device).len(), 1);
    }
}
