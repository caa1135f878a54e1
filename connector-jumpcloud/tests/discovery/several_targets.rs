//! Several kinds of bindings in one list: however a service answers that, the rows are the same, and none is lost.

use std::collections::BTreeSet;

use connector_api::{Outcome, ScanRequest, Section};
use jumpcloud_simulator::{Behaviour, Simulator, SimulatorOptions};
use serde_json::json;

use crate::support::console::{Console, Content, id};
use crate::support::{Scanned, connect, scan, simulated, small, start};

const ANSWERS: [&str; 6] = [
    "several-targets=all",
    "several-targets=first",
    "several-targets=first-with-rows",
    "several-targets=last",
    "several-targets=first-for-some",
    "several-targets=refused",
];

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
    let [all, first, first_with_rows, last, _, refused] = made[..] else { unreachable!() };
    assert!(all as f64 <= 0.62 * refused as f64, "{made:?}");
    assert!(first.max(first_with_rows).max(last) <= refused + 20 * KINDS, "{made:?}");
}

const DEVICES: u64 = 30;
/// One in eight devices is read again at the end, once for each of two kinds.
const CHECKS: usize = 3 * 2;
/// A device that is not among those that are asked first.
const LATER: u64 = 102;

/// Thirty devices, with a user and a group bound to each of them.
fn devices() -> Content {
    organization_of(DEVICES)
}

/// Devices with a user and a group bound to each of them, and more users and groups than devices.
fn organization_of(devices: u64) -> Content {
    let (users, groups) = (1..=5 * devices, 1..=devices + 20);
    let mut content = Content::default()
        .list("/api/systemusers", users.map(|user| json!({"_id": id(user), "username": format!("u{user}")})))
        .list("/api/v2/usergroups", groups.map(|group| json!({"id": id(group), "name": format!("G{group}")})))
        .list("/api/systems", (0..devices).map(|device| json!({"_id": id(100 + device), "hostname": "h"})));
    for device in 100..100 + devices {
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

#[tokio::test]
async fn each_device_is_asked_once_for_all_kinds() {
    let (console, scanned) = devices().scanned().await;
    assert_eq!(scanned.bindings().count(), 60);
    assert_eq!(lists(&console), 30 + CHECKS);
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
        let (console, scanned) = content.scanned().await;
        assert_eq!(scanned.bindings().count(), 60, "{read}");
        assert_eq!(lists(&console), 20 + 60, "{read}");
        assert_eq!(asked(&console, LATER), ["user", "user_group"], "{read}");
    }
}

#[tokio::test]
async fn a_service_that_reads_one_name_of_each_device_loses_nothing() {
    // Over all devices both kinds come, but never in one list.
    let whole = bound(&devices().scanned().await.1);
    let answered = |read: fn(u64) -> Vec<&'static str>| {
        (100..100 + DEVICES).fold(devices(), |content, device| {
            let edges = read(device).into_iter().map(|kind| json!({"to": {"id": id(device - 99), "type": kind}}));
            content.list(&bindings(device, "user,user_group"), edges)
        })
    };
    for read in [
        |device: u64| vec![if device % 4 < 2 { "user" } else { "user_group" }],
        // Of some devices one that they are not bound to, as far as this list shows.
        |device: u64| if device % 4 < 2 { vec!["user"] } else { vec![] },
    ] {
        let (console, scanned) = answered(read).scanned().await;
        assert_eq!(bound(&scanned), whole);
        assert_eq!(asked(&console, LATER), ["user", "user_group"]);
        assert_eq!(lists(&console), 20 + 60);
    }
}

#[tokio::test]
async fn a_service_that_leaves_one_of_three_names_out_loses_nothing() {
    const KINDS: [&str; 3] = ["system", "system_group", "application"];
    let list = |group: u64, targets: &str| format!("/api/v2/usergroups/{}/associations?targets={targets}", id(group));
    let edges = |left_out: &str| {
        let kinds: Vec<_> = KINDS.into_iter().filter(|kind| *kind != left_out).collect();
        kinds.into_iter().map(|kind| json!({"to": {"id": id(100), "type": kind}})).collect::<Vec<_>>()
    };
    // More things of each kind than groups, so the groups are asked.
    let things =
        |name: &'static str| (100..130).map(move |thing| json!({"_id": id(thing), "id": id(thing), name: "x"}));
    let mut whole = Content::default()
        .list("/api/v2/usergroups", (1..=4).map(|group| json!({"id": id(group), "name": format!("G{group}")})))
        .list("/api/systems", things("hostname"))
        .list("/api/v2/systemgroups", things("name"))
        .list("/api/applications", things("name"));
    for group in 1..=4 {
        for kind in KINDS {
            whole = whole.list(&list(group, kind), [json!({"to": {"id": id(100), "type": kind}})]);
        }
    }
    let all = KINDS.join(",");
    for left_out in KINDS.into_iter().chain(["nothing"]) {
        let content = (1..=4).fold(whole.clone(), |all_of, group| all_of.list(&list(group, &all), edges(left_out)));
        let (console, scanned) = content.scanned().await;
        assert_eq!(scanned.bindings().count(), 4 * 3, "{left_out}");
        let asked = console.asked().into_iter().filter(|asked| asked.path.starts_with(&list(2, "")[..50]));
        let asked: Vec<String> = asked.map(|asked| asked.query["targets"].clone()).collect();
        let together = left_out == "nothing";
        assert_eq!(asked.len(), if together { 1 } else { 1 + 3 }, "{left_out}: {asked:?}");
        assert_eq!(asked[0], all);
    }
}

#[tokio::test]
async fn one_list_with_both_kinds_is_proof_enough_for_two() {
    let content =
        (101..100 + DEVICES).fold(devices(), |content, device| content.list(&bindings(device, "user_group"), []));
    let (console, scanned) = content.scanned().await;
    assert_eq!(scanned.bindings().count(), 31);
    assert_eq!(lists(&console), 30 + CHECKS);
}

#[tokio::test]
async fn a_kind_that_no_sampled_object_has_is_never_taken_for_absent() {
    // Only one device has a group, and it is not sampled.
    let mut content = devices();
    for device in (100..100 + DEVICES).filter(|device| *device != LATER) {
        content = content.list(&bindings(device, "user_group"), []);
    }
    let (_, found) = content.clone().scanned().await;
    assert_eq!(found.bindings().count(), 31);
    // Nothing is bound to anything but one device.
    for device in (100..100 + DEVICES).filter(|device| *device != LATER) {
        content = content.list(&bindings(device, "user"), []);
    }
    let (console, found) = content.scanned().await;
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
        let (console, scanned) = content.scanned().await;
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
    let (console, scanned) = content.scanned().await;
    assert_eq!(scanned.bindings().count(), 60);
    assert_eq!(scanned.summary.section(Section::GRANTS).unwrap().dangling, 0);
    assert_eq!(asked(&console, LATER), ["user,user_group", "user", "user_group"]);
}

#[tokio::test]
async fn a_service_that_refuses_more_and_more_is_soon_asked_for_one_kind_at_a_time() {
    const MANY: u64 = 400;
    let mut content = organization_of(MANY);
    let sampled: Vec<u64> = (0..20).map(|number| 100 + number * MANY / 20).collect();
    for device in (100..100 + MANY).filter(|device| !sampled.contains(device)) {
        content = content.answer(&bindings(device, "user,user_group"), 400, json!({"message": "invalid target"}));
    }
    let console = content.serve().await;
    // With one request at a time, four are requested ahead.
    let scanned = scan(console.system().with_attribute("concurrency", 1)).await;
    assert_eq!((scanned.summary.outcome, scanned.bindings().count() as u64), (Outcome::Complete, 2 * MANY));
    let together = console
        .asked()
        .into_iter()
        .filter(|asked| asked.query.get("targets").is_some_and(|targets| targets.contains(',')));
    let refused = together.count() - sampled.len();
    assert!((8..=8 + 4).contains(&refused), "{refused}");
}

#[tokio::test]
async fn null_records_in_a_list_of_several_kinds_hide_no_edge() {
    let (_, whole) = devices().scanned().await;
    let edge = |kind: &str| json!({"to": {"id": id(LATER - 99), "type": kind}});
    for null in [json!(null), json!({"to": null}), json!({"to": {"id": "", "type": "user"}})] {
        // The null record is in addition to all edges, or in place of one.
        for shown in [&["user", "user_group"][..], &["user"], &["user_group"]] {
            let rows = shown.iter().map(|kind| edge(kind)).chain([null.clone()]);
            let (console, found) = devices().list(&bindings(LATER, "user,user_group"), rows).scanned().await;
            assert_eq!(bound(&found), bound(&whole));
            let mut asked = asked(&console, LATER);
            asked.dedup();
            assert_eq!(asked, ["user,user_group", "user", "user_group"]);
            assert_eq!(self::asked(&console, LATER + 3), ["user,user_group"], "the others are read as before");
        }
    }
    // A record is counted, and one is not given: the list of each kind shows that it is an edge. Fewer counted than given
    // is no better.
    for total in [2, 0] {
        let list = bindings(LATER, "user,user_group");
        let (console, found) = devices().list(&list, [edge("user")]).total(&list, total).scanned().await;
        assert_eq!(bound(&found), bound(&whole), "{total}");
        assert!(asked(&console, LATER).contains(&"user_group".to_owned()), "{total}");
    }
}

/// The devices that are not among those that are asked first.
fn later() -> impl Iterator<Item = u64> {
    let sampled: Vec<u64> = (0..20).map(|number| 100 + number * DEVICES / 20).collect();
    (100..100 + DEVICES).filter(move |device| !sampled.contains(device))
}

#[tokio::test]
async fn a_service_that_leaves_names_out_only_later_loses_nothing() {
    let whole = bound(&devices().scanned().await.1);
    for shown in [&["user"][..], &["user_group"], &[]] {
        let content = later().fold(devices(), |content, device| {
            let edges = shown.iter().map(|kind| json!({"to": {"id": id(device - 99), "type": kind}}));
            content.list(&bindings(device, "user,user_group"), edges)
        });
        let (console, scanned) = content.scanned().await;
        let report = scanned.summary.section(Section::GRANTS).unwrap();
        assert_eq!((scanned.summary.outcome, bound(&scanned)), (Outcome::Complete, whole.clone()), "{shown:?}");
        let note = "lists of several kinds of bindings were not complete, so each kind was listed by itself";
        assert_eq!(report.notes, [note], "{shown:?}");
        // Once more together, to see that it was no change; then everything one kind at a time.
        assert_eq!(lists(&console), 30 + CHECKS + 1 + 60, "{shown:?}");
    }
}

#[tokio::test]
async fn a_binding_made_while_devices_are_read_is_no_sign_of_incomplete_lists() {
    let (_, whole) = devices().scanned().await;
    let last = 100 + DEVICES - 1;
    let list = bindings(last, "");
    let before = json!([{"to": {"id": id(last - 99), "type": "user"}}]).to_string();
    let content = devices().first(list.split('?').next().unwrap(), 200, &[("x-total-count", "1")], &before);
    let (console, scanned) = content.scanned().await;
    assert_eq!(bound(&scanned), bound(&whole));
    assert_eq!(asked(&console, last), ["user,user_group", "user", "user_group", "user,user_group"]);
    assert_eq!(lists(&console), 30 + CHECKS + 1);
    assert!(scanned.summary.section(Section::GRANTS).unwrap().notes.is_empty());
}

#[tokio::test]
async fn a_device_that_vanishes_before_its_check_is_no_sign_of_incomplete_lists() {
    let last = 100 + DEVICES - 1;
    let gone = json!({"message": "Not Found"});
    let mut content = devices().answer(&format!("/api/systems/{}", id(last)), 404, gone.clone());
    for kind in ["user", "user_group"] {
        content = content.answer(&bindings(last, kind), 404, gone.clone());
    }
    let edges = ["user", "user_group"].map(|kind| json!({"to": {"id": id(last - 99), "type": kind}}));
    let (console, scanned) = content.list(&bindings(last, "user,user_group"), edges).scanned().await;
    assert_eq!(scanned.bindings().count(), 60);
    assert_eq!(lists(&console), 30 + CHECKS);
}

#[tokio::test]
async fn an_object_that_vanishes_is_noted_once() {
    for device in [100, LATER] {
        let list = bindings(device, "user,user_group");
        let gone = json!({"message": "Not Found"});
        let content = devices().answer(&list, 404, gone.clone());
        let content = content.answer(&format!("/api/systems/{}", id(device)), 404, gone);
        let (console, scanned) = content.scanned().await;
        let report = scanned.summary.section(Section::GRANTS).unwrap();
        assert_eq!(report.notes, [format!("the system {} vanished while it was read", id(device))]);
        assert_eq!(scanned.bindings().count(), 58);
        assert_eq!(asked(&console, device).len(), 1);
    }
}

#[tokio::test]
async fn a_plan_counts_and_lists_no_ids_beyond_the_first_page() {
    // Fewer users than devices, and more of both than a page.
    let users = (1..=250).map(|user| json!({"_id": id(user), "username": format!("u{user}")}));
    let groups = [json!({"id": id(1), "name": "G"})];
    let mut content = organization_of(600).list("/api/systemusers", users).list("/api/v2/usergroups", groups);
    for subject in (1..=250).map(|user| format!("users/{}", id(user))).chain([format!("usergroups/{}", id(1))]) {
        let edges = ["system", "application"].map(|kind| json!({"to": {"id": id(100), "type": kind}}));
        content = content.list(&format!("/api/v2/{subject}/associations"), edges);
    }
    let content = content.list("/api/applications", [json!({"_id": id(100), "name": "A"})]);
    let console = content.serve().await;
    let plan = connect(console.system()).unwrap().plan(&ScanRequest::default()).await.unwrap().unwrap();
    let made = |path: &str| console.asked().iter().filter(|asked| asked.path == path).count();
    // One counts, the other has ids.
    assert_eq!((made("/api/systemusers"), made("/api/systems"), made("/api/applications")), (2, 1, 1));
    assert!(plan.probes < 60, "{}", plan.probes);
    let planned = plan.sections.iter().find(|line| line.section == Section::GRANTS).unwrap();
    let scanned = scan(console.system()).await;
    assert_eq!(requests(&scanned), planned.requests, "{}", planned.because);
    assert!(planned.because.contains("1 list for each of 250 users"), "{}", planned.because);
}
