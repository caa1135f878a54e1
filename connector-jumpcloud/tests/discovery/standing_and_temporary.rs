//! What was approved until a certain time, in addition to what does not end: which of the two an account is reported with.

use crate::support::console::{Console, Content, id};
use crate::support::{SUDO, codes, scan};
use crate::temporary_access::{FLOWS, GRANTED, UNTIL, flow, grant, organization, temporary, time};
use connector_api::{Outcome, Reason, Section};
use serde_json::{Value, json};

const NOT_GRANTED: &str = "local_administrator_not_granted";

fn admin(level: &str) -> Value {
    json!({"devicePermissionLevel": level})
}

fn sudo() -> Value {
    json!({"sudo": {"enabled": true, "withoutPassword": false}})
}

#[tokio::test]
async fn the_group_of_a_flow_ends_no_standing_membership() {
    for group in [json!("Elevated"), json!(id(30)), json!("no such group")] {
        for resource in [("application", 50), ("device", 40)] {
            let request = flow("r1", 2, resource, &json!({"group": group}));
            let scanned = scan(organization().list(FLOWS, [request]).serve().await.system()).await;
            let membership = scanned.memberships().find(|row| row.group_external_id == id(30)).unwrap();
            assert_eq!((membership.expires_at, membership.request_id.as_ref()), (None, None), "{group} {resource:?}");
            assert_eq!(codes(&scanned.account(&id(2)).reasons), ["sudo_on_systems"], "{group} {resource:?}");
            assert_eq!(grant(&scanned, 2, 40).unwrap().expires_at, None, "{group} {resource:?}");
            let requests: Vec<_> = temporary(&scanned).into_iter().map(|row| row.request_id.as_deref()).collect();
            assert_eq!(requests, [Some("r1")], "{group} {resource:?}");
        }
    }
}

#[tokio::test]
async fn a_temporary_group_gives_the_devices_of_the_device_groups_it_is_bound_to() {
    let inside = json!({"to": {"id": id(41), "type": "system"}});
    let request = json!({"accessId": "a1", "accessState": "granted", "requestorId": id(2), "resourceType": "device",
        "resourceId": id(41), "expiry": UNTIL, "tempGroupId": id(30), "additionalAttributes": sudo()});
    for (attributes, bindings) in [(sudo(), 0), (json!(null), 1)] {
        let content = with_device_group(vec![inside.clone()]).list(GRANTED, [request.clone()]).edges(
            &format!("/api/v2/systemgroups/{}/associations?targets=user_group", id(60)),
            "user_group",
            [(id(30).as_str(), attributes.clone())],
        );
        let scanned = scan(content.serve().await.system()).await;
        assert_eq!(temporary(&scanned).len(), bindings, "{attributes}");
        let membership = scanned.memberships().find(|row| row.group_external_id == id(30)).unwrap();
        assert_eq!(membership.expires_at, Some(time(UNTIL)), "{attributes}");
    }
}

/// The organisation with a device group 60 that has these members and gives user 3 `sudo`.
fn with_device_group(members: Vec<Value>) -> Content {
    let device_of = |number| format!("/api/v2/systems/{}/memberof", id(number));
    let row = json!({"id": id(60), "type": "system_group", "paths": [[{"to": {"id": id(60)}}]]});
    let mut content = organization().list("/api/v2/systemgroups", [json!({"id": id(60), "name": "Boxes"})]);
    if !members.is_empty() {
        content = content.list(&device_of(41), [row]);
    }
    content.list(&format!("/api/v2/systemgroups/{}/members", id(60)), members).edges(
        &format!("/api/v2/systemgroups/{}/associations?targets=user", id(60)),
        "user",
        [(id(3).as_str(), sudo())],
    )
}

#[tokio::test]
async fn a_right_on_a_device_group_that_the_user_has_anyway_is_no_other_privilege() {
    let inside = json!({"to": {"id": id(41), "type": "system"}});
    let temporary = "temporary_administrator";
    for (user, level, expected) in [
        (3, "ADMIN", &["sudo_on_systems"][..]),
        (3, "passwordless sudo", &["sudo_on_systems", temporary]),
        (4, "ADMIN", &[temporary]),
    ] {
        let request = flow("r1", user, ("device_group", 60), &admin(level));
        let scanned = scan(with_device_group(vec![inside.clone()]).list(FLOWS, [request]).serve().await.system()).await;
        let mut found = codes(&scanned.account(&id(user)).reasons);
        found.sort_unstable();
        assert_eq!(found, expected, "{user} {level}");
    }
}

/// User 1 gets device 41 by request; user 5 may only sign in there, but its local account administers it.
fn with_local_administrators() -> Content {
    let metric = |name: &str| json!({"userName": name, "admin": true, "managed": true, "suspended": false});
    let device = |number: u64, metrics: Value| json!({"_id": id(number), "hostname": "h", "userMetrics": metrics});
    organization().list("/api/systems", [device(40, json!([])), device(41, json!([metric("u1"), metric("u5")]))]).edges(
        &format!("/api/v2/systems/{}/associations?targets=user", id(41)),
        "user",
        [(id(5).as_str(), json!(null))],
    )
}

#[tokio::test]
async fn a_local_administrator_by_approved_access_is_not_one_that_nothing_gives_the_right() {
    let requests = || [1, 5].map(|user| flow(&format!("r{user}"), user, ("device", 41), &admin("ADMIN")));
    let reasons_of = |user: u64, console: Console| async move {
        let scanned = scan(console.system()).await;
        codes(&scanned.account(&id(user)).reasons).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    for user in [1, 5] {
        let console = with_local_administrators().list(FLOWS, requests()).serve().await;
        assert_eq!(reasons_of(user, console).await, ["temporary_administrator"], "{user}");
    }
    let nothing_approved = with_local_administrators().serve().await;
    let scanned = scan(nothing_approved.system()).await;
    let is_it = |reason: &&Reason| reason.code == NOT_GRANTED;
    let reason = scanned.account(&id(5)).reasons.iter().find(is_it).unwrap();
    assert!(reason.sections.contains(&Section::TEMPORARY_ACCESS), "{reason:?}");
    // Where it is not known what was approved, nobody is accused.
    let refused = with_local_administrators().answer(FLOWS, 403, json!({"message": "Forbidden"})).serve().await;
    assert_eq!(reasons_of(5, refused).await, <[&str; 0]>::default());
    let left_out = with_local_administrators().list(FLOWS, requests()).serve().await;
    let scanned = scan(left_out.system().with_attribute("includeTemporaryAccess", false)).await;
    assert!(scanned.accounts().flat_map(|account| &account.reasons).all(|reason| !is_it(&reason)));
}

#[tokio::test]
async fn requests_that_outlive_their_users_do_not_make_the_list_of_users_incomplete() {
    let of_gone = (100..150).map(|user| flow(&format!("r{user}"), user, ("device", 41), &admin("ADMIN")));
    let console = organization().list(FLOWS, of_gone).serve().await;
    let scanned = scan(console.system()).await;
    assert_eq!((scanned.summary.outcome, scanned.accounts().count()), (Outcome::Complete, 5));
    assert_eq!(scanned.summary.section(Section::TEMPORARY_ACCESS).unwrap().dangling, 50);
    assert!(temporary(&scanned).is_empty());
    let of_one_user = console.asked().iter().filter(|one| one.path.starts_with("/api/systemusers/")).count();
    assert_eq!(of_one_user, 0, "nobody is asked for");
}

#[tokio::test]
async fn administration_that_ends_is_temporary_where_only_the_login_stays() {
    let request = flow("r1", 5, ("device", 41), &admin("ADMIN"));
    let scanned = scan(with_local_administrators().list(FLOWS, [request]).serve().await.system()).await;
    let elevated = grant(&scanned, 5, 41).unwrap();
    assert_eq!((&elevated.access, elevated.expires_at, elevated.via.len()), (&SUDO, None, 2));
    assert!(elevated.is_temporary() && elevated.is_privileged());
    assert!(!grant(&scanned, 3, 40).unwrap().is_temporary(), "without a request it stays");
}

#[tokio::test]
async fn without_the_groups_bindings_it_is_not_known_what_is_a_binding_of_its_own() {
    let path = format!("/api/v2/systems/{}/associations", id(40));
    let content = organization().answer(&path, 403, json!({"message": "Forbidden"}));
    let scanned = scan(content.serve().await.system()).await;
    let error = scanned.status(Section::TEMPORARY_ACCESS).error().unwrap();
    assert!(error.message.starts_with("grants: "), "{error:?}");
}
