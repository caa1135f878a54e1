//! What makes a group privileged stands on the group itself, where JumpCloud's list leaves it out.

use std::collections::BTreeMap;

use connector_api::{ErrorCode, Outcome, ScanRequest, Section};
use jumpcloud_simulator::{Behaviour, GroupFilter, GroupRows, Simulator, SimulatorOptions};
use serde_json::json;

use crate::support::console::{Content, id};
use crate::support::replay::case;
use crate::support::{
    SUDO_WITHOUT_PASSWORD, Scanned, codes, connect, core_alone, one, scan, simulated, small, start, try_scan, wire,
};

async fn with(behaviour: Behaviour) -> Simulator {
    start(SimulatorOptions { behaviour, ..small() }).await
}

fn privileged(scanned: &Scanned) -> BTreeMap<String, Vec<String>> {
    let codes = |reasons| codes(reasons).into_iter().map(str::to_owned).collect();
    scanned.groups().map(|group| (group.name.clone(), codes(&group.reasons))).collect()
}

#[tokio::test]
async fn sudo_that_only_the_group_itself_shows_reaches_the_grants() {
    let console = case("01-group-attributes-only-on-the-group-itself").serve().await;
    let scanned = scan(console.system()).await;
    assert_eq!(scanned.summary.outcome, Outcome::Complete);
    let group = scanned.group("Field engineers");
    assert_eq!(group.membership_method.as_deref(), Some("DYNAMIC_AUTOMATED"));
    assert!(group.privileged);
    let codes = codes(&group.reasons);
    assert!(codes.contains(&"group_sudo_without_password") && codes.contains(&"posix_admin_group"), "{codes:?}");
    let levels: Vec<_> = scanned.grants().map(|grant| &grant.access).collect();
    assert_eq!(levels, [&SUDO_WITHOUT_PASSWORD; 2]);
}

#[tokio::test]
async fn a_level_does_not_depend_on_how_many_devices_there_are() {
    // With one device its end of the edge is asked, with three that of the group.
    for details in ["auto", "list"] {
        let mut levels = Vec::new();
        for devices in [1, 3] {
            let devices: Vec<String> = (0..devices).map(|number| id(0xC0 + number)).collect();
            let sudo = json!({"sudo": {"enabled": true, "withoutPassword": false}});
            let group = json!({"id": id(0xB0), "name": "Ops", "type": "user_group"});
            let whole = json!({
                "id": id(0xB0), "name": "Ops", "type": "user_group", "membershipMethod": "STATIC", "attributes": sudo,
            });
            let bound = json!({"attributes": null, "to": {"id": id(0xB0), "type": "user_group", "attributes": sudo}});
            let of_group = format!("/api/v2/usergroups/{}", id(0xB0));
            let system = json!({"id": devices[0], "type": "system", "attributes": null});
            let console = Content::default()
                .list("/api/systemusers", [json!({"_id": id(0xA0), "username": "ada"})])
                .list("/api/systems", devices.iter().map(|id| json!({"_id": id, "hostname": "h"})))
                .list("/api/v2/usergroups", [group])
                .answer(&of_group, 200, whole)
                .list(&format!("{of_group}/members"), [json!({"to": {"id": id(0xA0), "type": "user"}})])
                .list(&format!("{of_group}/associations"), [json!({"attributes": null, "to": system})])
                .list(&format!("/api/v2/systems/{}/associations", devices[0]), [bound])
                .serve()
                .await;
            let scanned = scan(console.system().with_attribute("groupDetails", details)).await;
            levels.push(scanned.grants().map(|grant| grant.access.clone()).collect::<Vec<_>>());
        }
        assert_eq!(levels[0], levels[1], "{details}");
        assert_eq!(levels[0].len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_of_reading_the_details_finds_the_same_privileged_groups() {
    let published = with(Behaviour::published()).await;
    let truth = privileged(&scan(core_alone(simulated(&published))).await);
    assert!(truth.values().flatten().any(|code| code.starts_with("group_sudo")));
    let groups = truth.len() as u64;
    for (details, group_filter, each) in [
        ("auto", GroupFilter::Applied, true),
        ("each", GroupFilter::Applied, true),
        ("filtered", GroupFilter::Applied, false),
        ("filtered", GroupFilter::Refused, true),
        ("filtered", GroupFilter::Ignored, true),
    ] {
        for group_rows in [GroupRows::NullAttributes, GroupRows::NoAttributes] {
            let simulator = with(Behaviour { group_filter, group_rows, ..Behaviour::observed() }).await;
            let scanned = scan(core_alone(simulated(&simulator)).with_attribute("groupDetails", details)).await;
            let what = format!("{details}, {group_filter:?}, {group_rows:?}");
            // Filters do not find groups whose POSIX groups alone make them privileged.
            let sudo = |all: &BTreeMap<String, Vec<String>>| -> BTreeMap<String, Vec<String>> {
                let keep =
                    |codes: &Vec<String>| codes.iter().filter(|code| code.starts_with("group_sudo")).cloned().collect();
                all.iter().map(|(name, codes)| (name.clone(), keep(codes))).collect()
            };
            let found = privileged(&scanned);
            if each {
                assert_eq!(found, truth, "{what}")
            } else {
                assert_eq!(sudo(&found), sudo(&truth), "{what}")
            }
            let asked = simulator.requests().of("usergroups.one");
            assert_eq!(asked >= groups, each, "{what}: {asked} of {groups} groups asked");
            let notes = &scanned.summary.section(Section::GROUPS).unwrap().notes;
            let filtered = |note: &String| {
                note.starts_with("filters show that ") && note.contains(" have no sudo") && note.contains("POSIX group")
            };
            assert_eq!(notes.iter().any(filtered), !each, "{what}: {notes:?}");
            assert!(!notes.iter().any(|note| note.contains("are not known")), "{what}: {notes:?}");
            // POSIX groups would not show.
            assert_eq!(scanned.summary.section(Section::GROUPS).unwrap().lacks_evidence, !each, "{what}");
        }
    }
}

#[tokio::test]
async fn a_list_that_holds_the_details_costs_no_further_request() {
    let simulator = with(Behaviour { group_rows: GroupRows::Whole, ..Behaviour::observed() }).await;
    let scanned = scan(core_alone(simulated(&simulator))).await;
    let lacking = wire(&simulator, "/api/v2/usergroups").await;
    let lacking = lacking.iter().filter(|group| group["attributes"].is_null()).count() as u64;
    assert_eq!(simulator.requests().of("usergroups.one"), lacking);
    assert!(lacking < scanned.groups().count() as u64);
}

#[tokio::test]
async fn with_the_list_alone_what_is_not_read_is_said() {
    let simulator = with(Behaviour::observed()).await;
    let scanned = scan(core_alone(simulated(&simulator)).with_attribute("groupDetails", "list")).await;
    assert_eq!(simulator.requests().of("usergroups.one"), 0);
    let notes = &scanned.summary.section(Section::GROUPS).unwrap().notes;
    let is_said = |note: &String| note.contains("groups are not known: ") && note.contains("groupDetails is list");
    assert!(notes.iter().any(is_said), "{notes:?}");
    assert!(scanned.summary.section(Section::GROUPS).unwrap().lacks_evidence);
    let whole = with(Behaviour { group_rows: GroupRows::Whole, ..Behaviour::observed() }).await;
    let lacking = wire(&whole, "/api/v2/usergroups").await.iter().any(|group| group["attributes"].is_null());
    let scanned = scan(core_alone(simulated(&whole)).with_attribute("groupDetails", "list")).await;
    assert_eq!(scanned.summary.section(Section::GROUPS).unwrap().lacks_evidence, lacking);
}

#[tokio::test]
async fn the_details_are_planned_for() {
    let simulator = with(Behaviour::observed()).await;
    let system = core_alone(simulated(&simulator));
    let plan = connect(system.clone()).unwrap().plan(&ScanRequest::default()).await.unwrap().unwrap();
    let planned = plan.sections.iter().find(|plan| plan.section == Section::GROUPS).unwrap().requests;
    let scanned = scan(system).await;
    let report = scanned.summary.section(Section::GROUPS).unwrap();
    assert_eq!((planned, report.planned_requests), (report.requests, Some(report.requests)));
}

#[tokio::test]
async fn a_group_that_is_listed_with_members_and_not_there_by_itself_fails_the_scan() {
    let group = format!("/api/v2/usergroups/{}", id(1));
    let content = || {
        Content::default()
            .list("/api/systemusers", [json!({"_id": id(5), "username": "ada"})])
            .list("/api/v2/usergroups", [json!({"id": id(1), "name": "Ops", "type": "user_group"})])
            .answer(&group, 404, json!({"message": "Not Found"}))
    };
    let members = format!("{group}/members");
    let console = content().list(&members, [json!({"to": {"id": id(5), "type": "user"}})]).serve().await;
    let failure = try_scan(core_alone(console.system())).await.unwrap_err();
    assert_eq!(failure.error().code, ErrorCode::InconsistentListing);
    assert!(failure.error().remedy.contains("groupDetails"), "{}", failure.error().remedy);

    let console = content().answer(&members, 404, json!({"message": "Not Found"})).serve().await;
    let scanned = scan(core_alone(console.system())).await;
    assert_eq!(scanned.groups().count(), 0, "gone altogether");
    let notes = &scanned.summary.section(Section::MEMBERSHIPS).unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("vanished")), "{notes:?}");
}

#[tokio::test]
async fn a_group_keeps_what_only_the_list_says() {
    let simulator = with(Behaviour::observed()).await;
    let scanned = scan(core_alone(simulated(&simulator))).await;
    for group in scanned.groups() {
        let whole = one(&simulator, &format!("/api/v2/usergroups/{}", group.external_id)).await;
        assert_eq!(group.name, whole["name"].as_str().unwrap());
        assert_eq!(group.membership_method.as_deref(), whole["membershipMethod"].as_str());
    }
}
