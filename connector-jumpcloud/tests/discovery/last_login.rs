//! When accounts last signed in, as Directory Insights reports it.

use std::collections::BTreeMap;

use crate::support::console::{Content, id};
use crate::support::{Scanned, scan, simulated, small, start};
use connector_api::{AccountKind, Section, SectionStatus};
use jiff::{SignedDuration, Timestamp};
use jumpcloud_simulator::SimulatorOptions;
use jumpcloud_simulator::organization::{Actor, EventKind, Kind, Node, Organization};
use serde_json::json;

/// Of each actor the last success with its service and second factor, and the last failure, since a time.
type Expected = BTreeMap<Actor, (Option<(i64, &'static str, Option<bool>)>, Option<i64>)>;

fn expected(truth: &Organization, since: Timestamp) -> Expected {
    let mut all = Expected::new();
    let logins = truth.events().filter(|event| event.kind != EventKind::UserUpdate && event.timestamp >= since);
    for event in logins {
        let last = all.entry(event.actor).or_default();
        let at = event.timestamp.as_millisecond();
        if event.success {
            let reported = event.kind != EventKind::SystemLogin;
            last.0 = Some((at, event.kind.names().0, reported.then_some(event.mfa)));
        } else {
            last.1 = Some(at);
        }
    }
    all
}

fn assert_same(truth: &Organization, scanned: &Scanned, expected: &Expected) -> usize {
    let mut seen = 0;
    let known = [AccountKind::USER, AccountKind::ADMINISTRATOR];
    for account in scanned.accounts().filter(|account| known.contains(&account.kind)) {
        let actor = if account.kind == AccountKind::ADMINISTRATOR {
            Actor::Administrator(truth.find(Kind::Administrator, &account.external_id).unwrap().index)
        } else {
            Actor::User(truth.find(Kind::User, &account.external_id).unwrap().index)
        };
        let (success, failure) = expected.get(&actor).copied().unwrap_or_default();
        let login = account.last_login.as_ref().unwrap();
        let millis = |time: Option<Timestamp>| time.map(|time| time.as_millisecond());
        let context = &account.username;
        assert_eq!(millis(account.last_login_at), success.map(|(at, ..)| at), "{context}");
        assert_eq!(login.succeeded_at, account.last_login_at);
        assert_eq!(millis(login.failed_at), failure, "{context}");
        assert_eq!(login.service.as_deref(), success.map(|(_, service, _)| service), "{context}");
        assert_eq!(login.mfa, success.and_then(|(.., mfa)| mfa), "{context}");
        seen += usize::from(success.is_some());
    }
    seen
}

#[tokio::test]
async fn the_last_logins_of_every_account_are_those_of_the_events() {
    let simulator = start(small()).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator)).await;
    // The oldest event may fall out of the 90 days while the scan is made.
    let since = Timestamp::now() - SignedDuration::from_hours(24 * 90);
    let seen = assert_same(&truth, &scanned, &expected(&truth, since));
    assert!(seen > 80, "{seen}");
}

#[tokio::test]
async fn the_look_back_is_bounded() {
    let simulator = start(small()).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator).with_attribute("lastLoginDays", 7)).await;
    let since = scanned.accounts().next().unwrap().last_login.as_ref().unwrap().since.unwrap();
    let week = SignedDuration::from_hours(24 * 7);
    assert!(Timestamp::now().duration_since(since).abs() - week < SignedDuration::from_secs(120));
    assert_same(&truth, &scanned, &expected(&truth, since));
}

#[tokio::test]
async fn the_events_are_one_stream_of_pages_however_many_users_there_are() {
    let simulator = start(SimulatorOptions { events: Some(25_000), systems: 0, groups: 0, ..small() }).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator)).await;
    let since = Timestamp::now() - SignedDuration::from_hours(24 * 90);
    assert_same(&truth, &scanned, &expected(&truth, since));
    let report = scanned.summary.section(Section::LAST_LOGIN).unwrap();
    assert_eq!((report.status.clone(), report.requests), (SectionStatus::Complete, 5));
}

#[tokio::test]
async fn only_the_fields_and_event_types_that_are_needed_are_asked_for() {
    let console = Content::default().list("/api/systemusers", [json!({"_id": id(1), "username": "ada"})]).serve().await;
    scan(console.system()).await;
    let asked = console.asked();
    let [oldest, query] = asked.iter().filter(|asked| asked.path.ends_with("/events")).collect::<Vec<_>>()[..] else {
        panic!("{asked:?}")
    };
    assert_eq!((&oldest.body["service"], &oldest.body["limit"]), (&json!(["all"]), &json!(1)));
    assert_eq!((&oldest.body["sort"], &oldest.body["fields"]), (&json!("ASC"), &json!(["timestamp"])));
    assert_eq!(query.method, "POST");
    assert_eq!(query.body["limit"], 10_000);
    assert_eq!(query.body["service"], json!(["directory", "sso", "systems", "radius", "ldap"]));
    assert!(query.body["fields"].as_array().unwrap().contains(&json!("initiated_by")));
    let types = query.body["search_term"]["or"]["event_type"].as_array().unwrap();
    for kind in ["sso_auth", "radius_auth", "radius_auth_attempt"] {
        assert!(types.contains(&json!(kind)), "{kind}");
    }
}

#[tokio::test]
async fn logins_of_nobody_in_the_scan_are_counted_and_kept_apart() {
    let at = |minute: u32| format!("2026-01-01T00:{minute:02}:00.000Z");
    let event = |minute: u32, kind: &str, more: serde_json::Value| {
        let mut event = json!({"timestamp": at(minute), "service": "directory", "event_type": kind, "success": true});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let console = Content::default()
        .list("/api/systemusers", [json!({"_id": id(1), "username": "ada", "email": "ada@x.example"})])
        .list("/api/users", [json!({"_id": id(8), "email": "ada@x.example"})])
        .list(
            "/insights/directory/v1/events",
            [
                event(1, "user_login_attempt", json!({"initiated_by": {"id": id(1), "type": "user"}})),
                event(2, "login_attempt", json!({"username": "ada", "service": "systems", "system": {"id": id(30)}})),
                // The administrator with the user's address, without an id.
                event(3, "admin_login_attempt", json!({"initiated_by": {"type": "admin", "email": "ada@x.example"}})),
                event(4, "user_login_attempt", json!({"initiated_by": {"id": id(77), "type": "user"}})),
                event(5, "login_attempt", json!({"username": "ghost"})),
                event(6, "user_login_attempt", json!({"initiated_by": "nonsense"})),
                event(7, "user_login_attempt", json!({})),
                json!({"event_type": "user_login_attempt", "success": null}),
                event(9, "user_update", json!({"initiated_by": {"id": id(1), "type": "user"}})),
            ],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let of = |number| scanned.account(&id(number)).last_login.clone().unwrap();
    let time = |minute| Some(at(minute).parse::<Timestamp>().unwrap());
    assert_eq!((of(1).succeeded_at, of(1).service.as_deref()), (time(2), Some("systems")));
    assert_eq!(of(8).succeeded_at, time(3), "an administrator's login is no user's");
    let report = scanned.summary.section(Section::LAST_LOGIN).unwrap();
    let unmatched: Vec<&str> = report.dangling_examples.iter().map(|example| example.to.as_str()).collect();
    assert_eq!(unmatched, ["user ghost", &format!("user {}", id(77))]);
    assert_eq!(report.notes, ["login events ignored because account, time or outcome is missing: 3"]);
    assert_eq!(report.status, SectionStatus::Complete);
}

#[tokio::test]
async fn the_names_that_nobody_has_are_those_of_the_events() {
    let simulator = start(small()).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator)).await;
    let mut names: Vec<String> = truth
        .events()
        .filter(|event| event.kind != EventKind::UserUpdate)
        .filter_map(|event| if let Actor::Unknown(name) = event.actor { Some(format!("user {name}")) } else { None })
        .collect();
    names.sort_unstable();
    names.dedup();
    let report = scanned.summary.section(Section::LAST_LOGIN).unwrap();
    assert_eq!(report.dangling, names.len() as u64);
    assert!(report.dangling_examples.iter().all(|example| names.contains(&example.to)), "{report:?}");
}

#[tokio::test]
async fn a_short_page_of_events_is_no_end() {
    let login = |number: u64| {
        json!({"timestamp": "2026-01-01T00:00:00Z", "service": "directory", "event_type": "user_login_attempt",
            "success": true, "initiated_by": {"id": id(number), "type": "user"}})
    };
    let user = |number: u64| json!({"_id": id(number), "username": format!("u{number}")});
    let console = Content::default()
        .list("/api/systemusers", (1..8).map(user))
        .list("/insights/directory/v1/events", (1..8).map(login))
        .events_a_page(3)
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    assert!(scanned.accounts().all(|account| account.last_login_at.is_some()));
    assert_eq!(
        scanned.summary.section(Section::LAST_LOGIN).unwrap().requests,
        5,
        "the first shows how far the log reaches back, the last that there are no more"
    );
}

#[tokio::test]
async fn names_of_logins_are_known_in_whatever_case() {
    let login = |number: u32, name: &str| {
        json!({"timestamp": format!("2026-01-01T00:00:0{number}Z"), "service": "systems", "event_type": "login_attempt",
            "success": true, "username": name})
    };
    let console = Content::default()
        .list(
            "/api/systemusers",
            [
                json!({"_id": id(1), "username": "Ada"}),
                json!({"_id": id(2), "username": "bob", "email": "Bob@x.example"}),
            ],
        )
        .list("/insights/directory/v1/events", [login(1, "ADA"), login(2, "bob@X.example"), login(3, "Ghost")])
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    assert!(scanned.accounts().all(|account| account.last_login_at.is_some()));
    let unmatched = &scanned.summary.section(Section::LAST_LOGIN).unwrap().dangling_examples;
    assert_eq!(unmatched.iter().map(|example| example.to.as_str()).collect::<Vec<_>>(), ["user ghost"]);
}

#[tokio::test]
async fn without_directory_insights_no_login_is_claimed() {
    let simulator = start(SimulatorOptions { forbidden: vec!["insights.*".parse().unwrap()], ..small() }).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator)).await;
    let error = scanned.unavailable(Section::LAST_LOGIN);
    assert!(error.remedy.contains("directoryinsights.readonly"), "{error:?}");
    assert!(scanned.accounts().all(|account| account.last_login.is_none() && account.last_login_at.is_none()));
    let dba = scanned.account(&truth.id(Node::new(Kind::User, 4)));
    let codes = crate::support::codes(&dba.reasons);
    assert!(!codes.contains(&"privileged_never_logged_in"), "what was not read is no evidence");
}
