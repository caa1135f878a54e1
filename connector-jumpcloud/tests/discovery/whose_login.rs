//! Whose a login is, however its event names the account, and that it is never two users'.

use crate::support::console::{Content, id};
use crate::support::replay::NOW;
use crate::support::{Scanned, scan};
use connector_api::{Account, Section};
use jiff::Timestamp;
use serde_json::{Value, json};

fn at(minute: u32) -> String {
    format!("2026-11-20T10:{minute:02}:00Z")
}

/// A login on a device by somebody whom the device knows as `name`.
fn on_device(minute: u32, name: &str) -> Value {
    json!({"timestamp": at(minute), "service": "systems", "event_type": "login_attempt", "success": true, "username": name})
}

fn event(minute: u32, service: &str, kind: &str, more: Value) -> Value {
    let mut event = json!({"timestamp": at(minute), "service": service, "event_type": kind});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

fn user(number: u64, name: &str, local: &str) -> Value {
    json!({"_id": id(number), "username": name, "email": format!("{name}@x.example"), "systemUsername": local})
}

async fn scan_of(users: impl IntoIterator<Item = Value>, events: impl IntoIterator<Item = Value>) -> Scanned {
    let console = Content::default()
        .at(NOW.parse().unwrap())
        .list("/api/systemusers", users)
        .list("/api/users", [json!({"_id": id(90), "email": "root@x.example"})])
        .log(events)
        .serve()
        .await;
    // Small pages: whose a name is may show pages later.
    scan(console.system().with_attribute("pageSize", 2)).await
}

/// The minute of the last login of each account, in the order of ids.
fn minutes(scanned: &Scanned) -> Vec<Option<i8>> {
    let mut accounts: Vec<&Account> = scanned.accounts().collect();
    accounts.sort_by(|one, other| one.external_id.cmp(&other.external_id));
    let minute = |time: Timestamp| time.to_zoned(jiff::tz::TimeZone::UTC).minute();
    accounts.iter().map(|account| account.last_login_at.map(minute)).collect()
}

fn notes(scanned: &Scanned) -> &[String] {
    &scanned.summary.section(Section::LAST_LOGIN).unwrap().notes
}

#[tokio::test]
async fn a_local_name_that_is_anothers_user_name_is_the_others() {
    // Whichever of them is listed first.
    let others = || (10..15).map(|number| user(number, &format!("u{number}"), ""));
    for (ada, bob) in [(1, 20), (20, 1)] {
        let users = [user(ada, "ada", "bob"), user(bob, "Bob", "bob")].into_iter().chain(others());
        let mut users: Vec<Value> = users.collect();
        users.sort_by_key(|user| user["_id"].to_string());
        let scanned = scan_of(users, [on_device(7, "bob")]).await;
        let minute = |number| scanned.account(&id(number)).last_login_at.map(|time| time.as_second() % 3600 / 60);
        assert_eq!((minute(ada), minute(bob)), (None, Some(7)));
        assert_eq!(notes(&scanned), [""; 0]);
    }
}

#[tokio::test]
async fn a_local_name_of_two_users_is_neithers_and_is_noted() {
    let users = [user(1, "ada", "dev"), user(2, "bob", "DEV"), user(3, "eve", "eve")];
    let events = [on_device(7, "dev"), on_device(8, "eve"), on_device(3, "ada")];
    let scanned = scan_of(users, events).await;
    assert_eq!(minutes(&scanned), [Some(3), None, Some(8), None]);
    assert_eq!(notes(&scanned), ["logins under names that several users share are not assigned (1): dev"]);
    assert!(scanned.account(&id(2)).last_login.is_none(), "it may have signed in");
    assert_eq!(scanned.summary.section(Section::LAST_LOGIN).unwrap().dangling, 0);
}

#[tokio::test]
async fn a_local_name_counts_for_devices_alone_and_the_newest_login_wins() {
    let by_name =
        |minute, name: &str| event(minute, "radius", "radius_auth_attempt", json!({"success": true, "username": name}));
    let users = [user(1, "ada", "adae"), user(2, "bob", "")];
    let scanned = scan_of(users.clone(), [by_name(9, "adae"), on_device(4, "adae"), by_name(2, "ada")]).await;
    assert_eq!(minutes(&scanned), [Some(4), None, None]);
    let report = scanned.summary.section(Section::LAST_LOGIN).unwrap();
    let unmatched: Vec<_> = report.dangling_examples.iter().map(|example| example.to.as_str()).collect();
    assert_eq!(unmatched, ["user adae"], "nobody signs in to a network by the name on a device");
    let scanned = scan_of(users, [on_device(4, "adae"), by_name(5, "ADA"), on_device(6, "bob@X.example")]).await;
    assert_eq!(minutes(&scanned), [Some(5), Some(6), None]);
}

#[tokio::test]
async fn logins_to_a_network_have_two_names() {
    let events = [
        event(1, "radius", "radius_auth", json!({"success": true, "username": "ada"})),
        event(2, "radius", "radius_auth_attempt", json!({"success": true, "initiated_by": {"username": "bob"}})),
    ];
    let scanned = scan_of([user(1, "ada", ""), user(2, "bob", "")], events).await;
    assert_eq!(minutes(&scanned), [Some(1), Some(2), None]);
}

#[tokio::test]
async fn an_administrator_whom_only_the_resource_names_is_credited() {
    let resource = json!({"id": id(90), "type": "admin", "email": "root@x.example"});
    for more in [
        json!({"success": true, "mfa": true, "provider": null, "resource": resource}),
        json!({"success": true, "resource": {"type": "admin", "email": "Root@x.example"}, "initiated_by": {}}),
        json!({"success": true, "resource": resource, "initiated_by": {"type": "admin"}}),
        json!({"success": true, "resource": resource, "initiated_by": null}),
    ] {
        let scanned =
            scan_of([user(1, "root", "")], [event(5, "directory", "admin_login_attempt", more.clone())]).await;
        assert_eq!(minutes(&scanned), [None, Some(5)], "{more}");
        assert_eq!(notes(&scanned), [""; 0]);
    }
}

#[tokio::test]
async fn a_step_towards_a_second_factor_is_no_failed_login() {
    let sso = |minute, more: Value| {
        let mut more = more;
        more["initiated_by"] = json!({"type": "user", "id": id(1)});
        event(minute, "sso", "sso_auth", more)
    };
    let pending = sso(5, json!({"sso_token_success": false, "error_message": ""}));
    let scanned = scan_of([user(1, "ada", "")], [pending.clone(), sso(4, json!({"sso_token_success": true}))]).await;
    let login = scanned.account(&id(1)).last_login.clone().unwrap();
    assert_eq!((login.failed_at, minutes(&scanned)[0]), (None, Some(4)));
    assert_eq!(notes(&scanned), [""; 0]);
    let failed = sso(6, json!({"sso_token_success": false, "error_message": "access denied"}));
    let scanned = scan_of([user(1, "ada", "")], [pending, failed]).await;
    assert_eq!(scanned.account(&id(1)).last_login.clone().unwrap().failed_at, at(6).parse().ok());
}
