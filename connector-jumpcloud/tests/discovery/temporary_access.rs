//! Access that was approved until a certain time: rows, evidence and grants that end.

use std::collections::BTreeSet;

use crate::support::console::{Content, id};
use crate::support::{SUDO, Scanned, codes, scan, simulated, small, start};
use connector_api::{Binding, ErrorCode, Grant, Outcome, Reason, Record, Section, SectionStatus, Severity};
use jiff::Timestamp;
use jumpcloud_simulator::organization::{Kind, Node, cast_of_access_requests as cast};
use jumpcloud_simulator::{Behaviour, SimulatorOptions};
use serde_json::{Value, json};

pub const FLOWS: &str = "/api/v2/approvalflowrequest";
pub const GRANTED: &str = "/api/v2/accessrequests";
pub const UNTIL: &str = "2026-12-01T00:00:00Z";

pub fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn temporary(scanned: &Scanned) -> Vec<&Binding> {
    scanned.bindings().filter(|binding| binding.expires_at.is_some()).collect()
}

pub fn grant(scanned: &Scanned, user: u64, to: u64) -> Option<&Grant> {
    scanned.grants().find(|grant| grant.principal.external_id() == id(user) && grant.resource.external_id == id(to))
}

fn privilege(scanned: &Scanned, user: u64) -> Vec<&Reason> {
    scanned.account(&id(user)).reasons.iter().filter(|reason| reason.code.starts_with("temporary")).collect()
}

/// Users 1 to 5, the group 30 with user 2, the devices 40 and 41, the application 50. Group 30 gives `sudo` on device 40,
/// and user 3 has it there, too.
pub fn organization() -> Content {
    let sudo = json!({"sudo": {"enabled": true, "withoutPassword": false}});
    let bound = |number, of| format!("/api/v2/systems/{}/associations?targets={of}", id(number));
    let users =
        (1..6).map(|number| json!({"_id": id(number), "username": format!("u{number}"), "mfa": {"configured": true}}));
    Content::default()
        .at(time("2026-11-26T00:00:00Z"))
        .list("/api/systemusers", users)
        .list("/api/v2/usergroups", [json!({"id": id(30), "name": "Elevated"})])
        .list(&format!("/api/v2/usergroups/{}/members", id(30)), [json!({"to": {"id": id(2), "type": "user"}})])
        .list(
            "/api/systems",
            [40, 41].map(|number| json!({"_id": id(number), "displayName": format!("box \"{number}\"")})),
        )
        .list("/api/applications", [json!({"_id": id(50), "displayLabel": "Pay"})])
        .edges(&bound(40, "user_group"), "user_group", [(id(30).as_str(), sudo.clone())])
        .edges(&bound(40, "user"), "user", [(id(3).as_str(), sudo)])
}

pub fn flow(request: &str, user: u64, resource: (&str, u64), more: &Value) -> Value {
    let mut row = json!({"id": request, "requestor": id(user), "resourceType": resource.0, "resourceId": id(resource.1),
        "status": "APPROVED", "sessionStartDate": "2026-11-25T00:00:00Z", "expirationDate": UNTIL});
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

#[tokio::test]
async fn an_approved_elevation_is_a_binding_with_an_end_and_privilege_of_its_own() {
    let rows = [
        flow("r1", 1, ("device", 41), &json!({"devicePermissionLevel": "ADMIN"})),
        flow("r2", 4, ("application", 50), &json!({})),
    ];
    let scanned = scan(organization().list(FLOWS, rows).serve().await.system()).await;
    assert_eq!(scanned.status(Section::TEMPORARY_ACCESS), &SectionStatus::Complete);
    let found: Vec<_> = temporary(&scanned)
        .into_iter()
        .map(|row| {
            let access = row.access.as_ref().unwrap().to_string();
            (row.from.external_id.clone(), row.to.external_id.clone(), access, row.request_id.clone().unwrap())
        })
        .collect();
    let expected = [(1, 41, "sudo", "r1"), (4, 50, "login", "r2")];
    assert_eq!(
        found,
        expected.map(|(from, to, access, request)| (id(from), id(to), access.to_owned(), request.to_owned()))
    );
    assert!(temporary(&scanned).iter().all(|row| row.expires_at == Some(time(UNTIL))));
    let row = temporary(&scanned)[0].clone();
    assert_eq!(Record::from(row).row_type(), "temporaryAccountToResource");
    let elevated = grant(&scanned, 1, 41).unwrap();
    assert_eq!((&elevated.access, elevated.expires_at, elevated.is_privileged()), (&SUDO, Some(time(UNTIL)), true));
    assert!(grant(&scanned, 4, 50).unwrap().is_privileged(), "temporary access is privileged, whatever it allows");
    let [reason] = privilege(&scanned, 1)[..] else { panic!("{:?}", scanned.account(&id(1)).reasons) };
    assert_eq!(reason.message, r#"is administrator on the device "box \"41\"" until 2026-12-01"#);
    assert_eq!(
        (reason.severity, reason.expires_at, reason.subject.as_deref()),
        (Severity::Low, Some(time(UNTIL)), Some("r1"))
    );
    assert!(reason.sections.contains(&Section::TEMPORARY_ACCESS) && !reason.is_standing_privilege());
    assert!(scanned.account(&id(4)).reasons.is_empty(), "an application makes nobody privileged");
}

#[tokio::test]
async fn a_membership_of_a_temporary_group_ends_and_is_not_counted_twice() {
    let request = |group: Value| {
        json!({"accessId": "a1", "accessState": "granted", "requestorId": id(2), "resourceType": "device",
            "resourceId": id(40), "expiry": UNTIL, "tempGroupId": group,
            "additionalAttributes": "eyJzdWRvIjogeyJlbmFibGVkIjogdHJ1ZSwgIndpdGhvdXRQYXNzd29yZCI6IGZhbHNlfX0="})
    };
    let scanned = scan(organization().list(GRANTED, [request(json!(id(30)))]).serve().await.system()).await;
    assert!(temporary(&scanned).is_empty(), "the group gives it already");
    let membership = scanned.memberships().find(|row| row.group_external_id == id(30)).unwrap();
    assert_eq!((membership.expires_at, membership.request_id.as_deref()), (Some(time(UNTIL)), Some("a1")));
    let access = grant(&scanned, 2, 40).unwrap();
    assert_eq!((&access.access, access.expires_at, access.via.len()), (&SUDO, Some(time(UNTIL)), 1));
    assert_eq!(codes(&scanned.account(&id(2)).reasons), ["temporary_administrator"]);
    let message = "is in \"Elevated\": its members are administrators on 1 device, until 2026-12-01";
    assert_eq!(privilege(&scanned, 2)[0].message, message);
    // A group that is not there, or that the user is not in, gives nothing: the request does.
    for group in [json!(id(31)), json!(""), json!(null)] {
        let scanned = scan(organization().list(GRANTED, [request(group.clone())]).serve().await.system()).await;
        assert_eq!(temporary(&scanned).len(), 1, "{group}");
        let access = grant(&scanned, 2, 40).unwrap();
        assert_eq!((access.expires_at, access.via.len()), (None, 2), "{group}: the standing membership is one path");
        assert_eq!(
            codes(&scanned.account(&id(2)).reasons),
            ["sudo_on_systems"],
            "{group}: it has the same without an end"
        );
    }
}

#[tokio::test]
async fn standing_and_temporary_privilege_of_one_account_differ_by_their_end() {
    let rows = [
        flow("r1", 3, ("device", 40), &json!({"devicePermissionLevel": "ADMIN"})),
        flow("r2", 3, ("device", 40), &json!({"devicePermissionLevel": "passwordless sudo"})),
        flow("r3", 3, ("device", 41), &json!({"devicePermissionLevel": "ADMIN"})),
    ];
    let scanned = scan(organization().list(FLOWS, rows).serve().await.system()).await;
    let found: Vec<_> = scanned
        .account(&id(3))
        .reasons
        .iter()
        .map(|reason| (reason.code.as_str(), reason.subject.as_deref(), reason.is_standing_privilege()))
        .collect();
    let temporary = "temporary_administrator";
    let expected = [("sudo_on_systems", None, true), (temporary, Some("r2"), false), (temporary, Some("r3"), false)];
    assert_eq!(found, expected, "a right that it has anyway is no other privilege");
    assert_eq!(grant(&scanned, 3, 40).unwrap().expires_at, None);
    assert_eq!(grant(&scanned, 3, 41).unwrap().expires_at, Some(time(UNTIL)));
}

#[tokio::test]
async fn only_what_is_in_force_is_access_and_what_cannot_be_judged_is_noted() {
    let device = ("device", 41);
    let rows = [
        flow("pending", 1, device, &json!({"status": "PENDING"})),
        flow("denied", 1, device, &json!({"status": "denied"})),
        flow("ended", 1, device, &json!({"expirationDate": "2026-11-26T00:00:00Z"})),
        flow("not yet", 1, device, &json!({"sessionStartDate": "2026-11-26T00:00:01Z"})),
        flow("limbo 1", 1, device, &json!({"status": "LIMBO"})),
        flow("limbo 2", 1, device, &json!({"status": "LIMBO"})),
        flow("ended long ago", 1, device, &json!({"status": "COMPLETED", "expirationDate": "2024-11-26T00:00:00Z"})),
        flow("for ever", 1, device, &json!({"expirationDate": null})),
        flow("vault", 1, ("vault", 7), &json!({})),
        flow("nobody", 1, device, &json!({"requestor": "ada@x.example"})),
        flow("gone", 1, ("device", 99), &json!({})),
        flow("who", 77, device, &json!({"devicePermissionLevel": "GURU"})),
    ];
    let scanned = scan(organization().list(FLOWS, rows).serve().await.system()).await;
    assert!(temporary(&scanned).is_empty(), "{:?}", temporary(&scanned));
    let report = scanned.summary.section(Section::TEMPORARY_ACCESS).unwrap();
    let notes: BTreeSet<&str> = report.notes.iter().map(String::as_str).collect();
    let expected = [
        "2 requests for access of the unknown status \"LIMBO\": not taken as temporary access",
        "1 request for access approved without an end: not taken as temporary access",
        "1 request for access to a resource of the unknown type \"vault\": not taken as temporary access",
        "1 request for access naming no user by id: not taken as temporary access",
        "1 request for access with the unknown permission \"GURU\": taken as login",
    ];
    assert_eq!(notes, BTreeSet::from(expected));
    assert_eq!((report.status.clone(), report.dangling), (SectionStatus::Complete, 2), "{report:?}");
}

#[tokio::test]
async fn a_request_in_both_lists_counts_once_and_one_that_was_revoked_gives_nothing() {
    let granted = |id_of: &str, state: &str| {
        json!({"accessId": id_of, "accessState": state, "requestorId": id(1), "resourceType": "device", "resourceId": id(41),
            "expiry": UNTIL, "additionalAttributes": {"sudo": {"enabled": true, "withoutPassword": false}}})
    };
    let content =
        || organization().list(FLOWS, [flow("r1", 1, ("device", 41), &json!({"devicePermissionLevel": "ADMIN"}))]);
    for (row, expected) in [
        (granted("r1", "granted"), &["r1"][..]),
        (granted("a9", "granted"), &["r1"]),
        (granted("r1", "revoked"), &[]),
        (granted("a9", "REVOKED"), &[]),
    ] {
        let scanned = scan(content().list(GRANTED, [row.clone()]).serve().await.system()).await;
        let found: Vec<&str> = temporary(&scanned).iter().filter_map(|binding| binding.request_id.as_deref()).collect();
        assert_eq!(found, expected, "{row}");
    }
}

#[tokio::test]
async fn who_asks_on_behalf_of_another_does_not_get_the_access() {
    let request = || {
        json!({"accessId": "a1", "accessState": "granted", "requestorId": id(2), "onBehalfOfUserId": id(1),
            "resourceType": "device", "resourceId": id(41), "expiry": UNTIL})
    };
    let of_flow = || flow("f1", 2, ("device", 41), &json!({"devicePermissionLevel": "ADMIN"}));
    for flows in [vec![], vec![of_flow()]] {
        let console = organization().list(FLOWS, flows.clone()).list(GRANTED, [request()]).serve().await;
        let scanned = scan(console.system()).await;
        let holders: Vec<&str> = temporary(&scanned).iter().map(|binding| binding.from.external_id.as_str()).collect();
        assert_eq!(holders, [id(1)], "{flows:?}");
    }
}

#[tokio::test]
async fn a_list_that_is_refused_and_one_that_is_not_there_are_different_things() {
    let row = || flow("r1", 1, ("device", 41), &json!({"devicePermissionLevel": "ADMIN"}));
    let forbidden = json!({"message": "Forbidden"});
    let scanned = scan(organization().answer(FLOWS, 403, forbidden.clone()).serve().await.system()).await;
    let error = scanned.unavailable(Section::TEMPORARY_ACCESS);
    for words in ["accessmanagement.readonly", "includeTemporaryAccess"] {
        assert!(error.remedy.contains(words), "{}", error.remedy);
    }
    let grants = scanned.status(Section::PRIVILEGED_GRANTS).error().unwrap();
    assert!(grants.message.starts_with("temporaryAccess: "), "effective access is not known to be whole: {grants:?}");
    let only_flows = organization().list(FLOWS, [row()]).answer(GRANTED, 403, forbidden).serve().await;
    let scanned = scan(only_flows.system()).await;
    let error = scanned.status(Section::TEMPORARY_ACCESS).error().unwrap();
    assert!(error.code == ErrorCode::Forbidden && error.remedy.contains("accessrequest.readonly"), "{error:?}");
    assert_eq!(temporary(&scanned).len(), 1, "what was read is there");
    for status in [402, 404, 405] {
        let absent = json!({"message": "Not Found"});
        let console =
            organization().answer(FLOWS, status, absent.clone()).answer(GRANTED, status, absent.clone()).serve().await;
        let scanned = scan(console.system()).await;
        let report = scanned.summary.section(Section::TEMPORARY_ACCESS).unwrap();
        assert_eq!(
            (&report.status, report.notes.as_slice()),
            (&SectionStatus::Skipped, &["not set up here".to_owned()][..])
        );
        assert_eq!((scanned.summary.outcome, report.requests), (Outcome::Complete, 2), "{status}");
        let flows = organization().list(FLOWS, [row()]).answer(GRANTED, status, absent).serve().await;
        let scanned = scan(flows.system()).await;
        assert_eq!(scanned.status(Section::TEMPORARY_ACCESS), &SectionStatus::Complete, "{status}");
        assert_eq!(temporary(&scanned).len(), 1, "{status}");
    }
}

#[tokio::test]
async fn whatever_a_request_is_made_of_the_scan_goes_on() {
    let rows = [
        json!({}),
        json!({"id": {"a": 1}, "requestor": ["x"], "resourceType": 7, "resourceId": null, "status": true}),
        json!({"id": "../../x", "requestor": "../users", "resourceType": "device", "resourceId": "a/b", "status": "APPROVED", "expirationDate": UNTIL}),
        flow(
            "=cmd|' /C calc'!A0",
            1,
            ("DEVICE", 41),
            &json!({"group": 7, "devicePermissionLevel": {"x": 1}, "approvedDuration": "9223372036854775807"}),
        ),
    ];
    let scanned = scan(organization().list(FLOWS, rows.clone()).list(GRANTED, rows).serve().await.system()).await;
    assert_eq!(scanned.status(Section::TEMPORARY_ACCESS), &SectionStatus::Complete);
    let found: Vec<&str> = temporary(&scanned).iter().filter_map(|binding| binding.request_id.as_deref()).collect();
    assert_eq!(found, ["=cmd|' /C calc'!A0"]);
}

#[tokio::test]
async fn what_ends_by_itself_is_what_the_console_holds_in_either_list() {
    for served in ["absent", "served"] {
        let behaviour = Behaviour::observed().with(&format!("access-requests={served}")).unwrap();
        let simulator = start(SimulatorOptions { events: Some(0), behaviour, ..small() }).await;
        let truth = simulator.organization();
        let scanned = scan(simulated(&simulator)).await;
        let report = scanned.summary.section(Section::TEMPORARY_ACCESS).unwrap();
        assert_eq!(report.status, SectionStatus::Complete, "{served}");
        assert!(report.requests <= 4, "{served}: {report:?}");
        let in_force: Vec<_> =
            truth.access_requests().into_iter().filter(|one| one.is_in_force(truth_time(&scanned))).collect();
        assert_eq!(
            in_force.iter().map(|one| one.index).collect::<Vec<_>>(),
            [cast::DEVICE, cast::GROUP, cast::APPLICATION]
        );
        let expected: BTreeSet<_> = in_force
            .iter()
            .filter(|one| one.group.is_none())
            .map(|one| (truth.id(Node::new(Kind::User, one.user)), truth.id(one.resource), Some(one.id.clone())))
            .collect();
        let found: BTreeSet<_> = temporary(&scanned)
            .into_iter()
            .map(|row| (row.from.external_id.clone(), row.to.external_id.clone(), row.request_id.clone()))
            .collect();
        assert_eq!(found, expected, "{served}");
        let request = &in_force[1];
        let group = truth.id(request.resource);
        let user = truth.id(Node::new(Kind::User, request.user));
        let membership = scanned
            .memberships()
            .find(|row| row.group_external_id == group && row.account_external_id == user)
            .unwrap();
        assert_eq!(membership.request_id.as_ref(), Some(&request.id), "{served}");
        let through_it = scanned.memberships().find(|row| !row.direct && row.account_external_id == user).unwrap();
        assert_eq!(
            through_it.expires_at, membership.expires_at,
            "{served}: a group around it is left at the same time"
        );
        assert!(
            report.notes.iter().any(|note| note.to_uppercase().contains("IN_LIMBO")),
            "{served}: {:?}",
            report.notes
        );
    }
}

fn truth_time(scanned: &Scanned) -> Timestamp {
    scanned.summary.started_at
}
