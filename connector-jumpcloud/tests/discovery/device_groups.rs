//! The devices in device groups, listed from the end with fewer objects.

use std::collections::BTreeSet;

use connector_api::{Outcome, ScanRequest, Section};
use serde_json::{Value, json};

use crate::support::console::{Console, Content, id};
use crate::support::{Scanned, connect};

const DEVICES: [u64; 3] = [30, 31, 32];
const GROUPS: [u64; 5] = [40, 41, 42, 43, 44];
/// The groups whose members are compared with what the devices list.
const CHECKS: usize = 5;

/// Three devices and five device groups: each device is in two of them.
fn organization() -> Content {
    organization_without(&[])
}

/// The same; some devices are in no group.
fn organization_without(devices: &[u64]) -> Content {
    let groups_of = |device: u64| groups_of(device).into_iter().filter(move |_| !devices.contains(&device));
    let mut content = Content::default()
        .list("/api/systemusers", [json!({"_id": id(1), "username": "ada"})])
        .list("/api/systems", DEVICES.map(|device| json!({"_id": id(device), "hostname": "h"})))
        .list("/api/v2/systemgroups", GROUPS.map(|group| json!({"id": id(group), "name": format!("D{group}")})));
    for group in GROUPS {
        let inside = DEVICES.into_iter().filter(|device| groups_of(*device).any(|of| of == group));
        let members = inside.map(|device| json!({"to": {"id": id(device), "type": "system"}}));
        content = content.list(&format!("/api/v2/systemgroups/{}/members", id(group)), members);
    }
    for device in DEVICES {
        let rows = groups_of(device).map(|group| row(group, json!([[{"to": {"id": id(group)}}]])));
        content = content.list(&member_of(device), rows);
    }
    content
}

fn groups_of(device: u64) -> [u64; 2] {
    [device + 10, device + 11]
}

fn member_of(device: u64) -> String {
    format!("/api/v2/systems/{}/memberof", id(device))
}

fn row(group: u64, paths: Value) -> Value {
    json!({"id": id(group), "type": "system_group", "paths": paths, "compiledAttributes": null})
}

fn inside(scanned: &Scanned) -> BTreeSet<(String, String)> {
    let in_groups = scanned.bindings().filter(|row| row.to.node_type == "systemGroup");
    in_groups.map(|row| (row.from.external_id.clone(), row.to.external_id.clone())).collect()
}

fn truth() -> BTreeSet<(String, String)> {
    DEVICES.into_iter().flat_map(|device| groups_of(device).map(|group| (id(device), id(group)))).collect()
}

fn asked(console: &Console, end: &str) -> usize {
    console.asked().iter().filter(|asked| asked.path.ends_with(end)).count()
}

#[tokio::test]
async fn fewer_devices_than_device_groups_are_asked_for_their_groups() {
    let (console, scanned) = organization().scanned().await;
    assert_eq!(inside(&scanned), truth());
    assert_eq!((asked(&console, "/memberof"), asked(&console, "/members")), (3, CHECKS));
}

#[tokio::test]
async fn as_many_devices_as_device_groups_are_not() {
    let devices = [30, 31, 32, 33, 34].map(|device| json!({"_id": id(device), "hostname": "h"}));
    let (console, scanned) = organization().list("/api/systems", devices).scanned().await;
    assert_eq!(inside(&scanned), truth());
    assert_eq!((asked(&console, "/memberof"), asked(&console, "/members")), (0, 5));
}

#[tokio::test]
async fn a_group_is_direct_if_one_of_its_paths_is_or_if_it_has_none() {
    let both = json!([[{"to": {"id": id(42)}}, {"to": {"id": id(41)}}], [{"to": {"id": id(41)}}]]);
    let (console, scanned) = organization().list(&member_of(30), [row(40, json!(null)), row(41, both)]).scanned().await;
    assert_eq!(inside(&scanned), truth());
    assert_eq!(asked(&console, "/members"), CHECKS);
}

#[tokio::test]
async fn devices_that_do_not_list_all_their_groups_are_noticed() {
    let direct = |group| row(group, json!([[{"to": {"id": id(group)}}]]));
    let each = |listed: fn(u64) -> Vec<u64>| {
        DEVICES.into_iter().fold(organization(), |content, device| {
            content.list(&member_of(device), listed(device).into_iter().map(direct))
        })
    };
    for (what, content) in [
        ("one lists nothing", organization().list(&member_of(31), [])),
        ("the first list nothing", each(|device| if device < 32 { vec![] } else { groups_of(device).to_vec() })),
        ("each lists its first", each(|device| vec![groups_of(device)[0]])),
        ("each lists its last", each(|device| vec![groups_of(device)[1]])),
        ("one lists a wrong one", organization().list(&member_of(31), [direct(41), direct(44)])),
    ] {
        let (console, scanned) = content.scanned().await;
        assert_eq!(scanned.summary.outcome, Outcome::Complete, "{what}");
        assert_eq!(inside(&scanned), truth(), "{what}");
        assert_eq!(asked(&console, "/members"), CHECKS + GROUPS.len(), "{what}");
    }
}

#[tokio::test]
async fn a_plan_knows_which_end_is_read() {
    let with = |devices: u64, groups: u64| {
        Content::default()
            .list("/api/systems", (100..100 + devices).map(|device| json!({"_id": id(device), "hostname": "h"})))
            .list("/api/v2/systemgroups", (200..200 + groups).map(|group| json!({"id": id(group), "name": "D"})))
    };
    let one_inside = with(7, 9)
        .list(&member_of(100), [row(200, json!([[{"to": {"id": id(200)}}]]))])
        .list(&format!("/api/v2/systemgroups/{}/members", id(200)), [json!({"to": {"id": id(100), "type": "system"}})]);
    for (what, content, expected) in [
        ("devices list their groups", one_inside, (7, CHECKS)),
        ("no device of the first is in a group", with(7, 9), (5, 9)),
        ("all devices are among the first", with(2, 9), (2, 9)),
        ("they may not be read", with(7, 9).answer(&member_of(100), 403, json!({"message": "no"})), (1, 9)),
    ] {
        let console = content.clone().serve().await;
        let plan = connect(console.system()).unwrap().plan(&ScanRequest::default()).await.unwrap().unwrap();
        let planned = plan.sections.into_iter().find(|line| line.section == Section::GRANTS).unwrap();
        let (console, scanned) = content.scanned().await;
        assert_eq!((asked(&console, "/memberof"), asked(&console, "/members")), expected, "{what}");
        let report = scanned.summary.section(Section::GRANTS).unwrap();
        assert_eq!(planned.requests, report.requests, "{what}: {}", planned.because);
        assert_eq!(report.planned_requests, Some(report.requests), "{what}");
    }
}

#[tokio::test]
async fn whatever_is_odd_at_the_devices_the_groups_have_the_truth() {
    let no = json!({"message": "no"});
    let exists = format!("/api/systems/{}", id(31));
    let exists = |content: Content| content.answer(&exists, 200, json!({"_id": id(31)}));
    let direct = |group| row(group, json!([[{"to": {"id": id(group)}}]]));
    let of_all = |row: &dyn Fn(u64) -> Value| {
        DEVICES
            .into_iter()
            .fold(organization(), |content, device| content.list(&member_of(device), groups_of(device).map(row)))
    };
    let through = json!([[{"to": {"id": id(41)}}, {"to": {"id": id(44)}}]]);
    let policies = json!({"id": id(9), "type": "policy_group", "paths": null});
    for (what, content) in [
        ("forbidden", organization().answer(&member_of(31), 403, no.clone())),
        ("not there", exists(organization().answer(&member_of(31), 404, no.clone()))),
        ("a bad request", organization().answer(&member_of(30), 400, no.clone())),
        ("an error", organization().answer(&member_of(32), 500, no)),
        ("a null record", organization().list(&member_of(31), [direct(41), json!(null)])),
        ("a row without id", organization().list(&member_of(31), [direct(41), json!({"type": "system_group"})])),
        ("nothing", DEVICES.into_iter().fold(organization(), |content, device| content.list(&member_of(device), []))),
        ("a record that is not given", organization().list(&member_of(31), [direct(41)]).total(&member_of(31), 2)),
        (
            "paths that count the device",
            of_all(&|group| row(group, json!([[{"to": null}, {"to": {"id": id(group)}}]]))),
        ),
        ("paths without steps", of_all(&|group| row(group, json!([[]])))),
        ("a group through others", organization().list(&member_of(31), [direct(41), direct(42), row(44, through)])),
        ("no types", of_all(&|group| json!({"id": id(group), "paths": null}))),
        ("a row without type", organization().list(&member_of(31), [direct(41), json!({"id": id(42), "paths": null})])),
        ("a group of another kind", organization().list(&member_of(31), [direct(41), direct(42), policies])),
    ] {
        let (console, scanned) = content.scanned().await;
        assert_eq!(scanned.summary.outcome, Outcome::Complete, "{what}: {:?}", scanned.summary.sections);
        assert_eq!(inside(&scanned), truth(), "{what}");
        assert_eq!(scanned.summary.section(Section::GRANTS).unwrap().dangling, 0, "{what}");
        assert_eq!(asked(&console, "/members"), 5, "{what}");
    }
}

#[tokio::test]
async fn a_device_that_vanishes_and_one_without_groups_change_nothing_for_the_others() {
    let gone = json!({"message": "Not Found"});
    let vanished = organization().answer(&member_of(31), 404, gone.clone());
    let vanished = vanished.answer(&format!("/api/systems/{}", id(31)), 404, gone);
    let (console, found) = vanished.scanned().await;
    let expected: BTreeSet<_> = truth().into_iter().filter(|(device, _)| *device != id(31)).collect();
    assert_eq!(inside(&found), expected);
    let notes = &found.summary.section(Section::GRANTS).unwrap().notes;
    assert_eq!(notes[0], format!("the system {} vanished while it was read", id(31)));
    assert_eq!(asked(&console, "/members"), CHECKS);

    let (console, found) = organization_without(&[31]).scanned().await;
    assert_eq!(inside(&found), expected);
    assert_eq!(asked(&console, "/members"), CHECKS);
}
