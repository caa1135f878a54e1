//! How far logins are looked back on, and that nobody is reported as never logged in because a log is missing.

use crate::support::console::{Console, Content, id};
use crate::support::replay::NOW;
use crate::support::{Scanned, codes, scan};
use connector_api::{LastLogin, Outcome, Section};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

fn login(at: Timestamp, user: u64) -> Value {
    json!({"timestamp": at, "service": "directory", "event_type": "user_login_attempt", "success": true,
        "initiated_by": {"type": "user", "id": id(user)}})
}

/// Something that somebody did, and no login.
fn change(at: Timestamp) -> Value {
    json!({"timestamp": at, "service": "directory", "event_type": "user_update"})
}

/// Two old users who become administrators of devices, 1 and 2, and one made 10 days ago, 3.
fn organization() -> Content {
    let user = |number: u64, created: Timestamp| json!({"_id": id(number), "username": format!("u{number}"), "sudo": true, "created": created});
    let users = [user(1, now() - days(900)), user(2, now() - days(900)), user(3, now() - days(10))];
    Content::default().at(now()).list("/api/systemusers", users)
}

fn of(scanned: &Scanned, user: u64) -> Option<LastLogin> {
    scanned.account(&id(user)).last_login.clone()
}

/// Those who are reported as never logged in.
fn accused(scanned: &Scanned) -> Vec<String> {
    let accused = scanned.accounts().filter(|account| codes(&account.reasons).contains(&"privileged_never_logged_in"));
    accused.map(|account| account.username.clone()).collect()
}

/// Whether two times are one, but for the time that the scan takes.
fn near(time: Timestamp, other: Timestamp) -> bool {
    time.duration_since(other).abs() < SignedDuration::from_mins(1)
}

/// What the scan warns of, but for this server's clock, which the console's need not agree with.
fn warnings(scanned: &Scanned) -> Vec<&str> {
    let of_logins = scanned.summary.warnings.iter().filter(|warning| warning.starts_with("lastLogin: "));
    of_logins.map(String::as_str).collect()
}

/// The queries for events: start and end of each.
fn windows(console: &Console) -> Vec<(Timestamp, Option<Timestamp>)> {
    let time = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
    let asked = console.asked().into_iter().filter(|asked| asked.path.ends_with("/events"));
    asked.map(|asked| (time(&asked.body["start_time"]).unwrap(), time(&asked.body["end_time"]))).collect()
}

#[tokio::test]
async fn who_did_not_sign_in_while_the_log_covers_all_the_time_is_reported_with_its_date() {
    let log = [change(now() - days(91)), login(now() - days(20), 1)];
    let console = organization().log(log).serve().await;
    let scanned = scan(console.system()).await;
    assert_eq!(accused(&scanned), ["u2"], "the third was not there all the time");
    for user in [1, 2, 3] {
        assert!(near(of(&scanned, user).unwrap().since.unwrap(), now() - days(90)));
    }
    let reasons = &scanned.account(&id(2)).reasons;
    let reason = reasons.iter().find(|reason| reason.code == "privileged_never_logged_in").unwrap();
    // The date moves with every scan, so it stands in a field of its own.
    assert_eq!(reason.message, "has no login in the look-back window");
    assert_eq!(warnings(&scanned), [""; 0]);
}

#[tokio::test]
async fn an_empty_log_accuses_nobody_and_warns() {
    for log in [vec![], vec![change(now() - days(91)), change(now() - days(1))]] {
        let console = organization().log(log).serve().await;
        let scanned = scan(console.system()).await;
        assert_eq!(scanned.summary.outcome, Outcome::Complete);
        assert_eq!(accused(&scanned), Vec::<String>::new());
        assert!((1..4).all(|user| of(&scanned, user).is_none()), "nothing is claimed");
        let [warning] = warnings(&scanned)[..] else { panic!("{:?}", scanned.summary.warnings) };
        assert!(warning.contains("has no logins of the last 90 days"), "{warning}");
    }
}

#[tokio::test]
async fn a_log_that_is_kept_for_15_days_says_since_when_and_accuses_nobody() {
    let log = (0..15).map(|day| login(now() - days(day), 1)).chain([change(now() - days(15))]);
    let console = organization().log(log).serve().await;
    let scanned = scan(console.system()).await;
    assert_eq!(accused(&scanned), Vec::<String>::new());
    for user in [1, 2, 3] {
        assert_eq!(of(&scanned, user).unwrap().since, Some(now() - days(15)));
    }
    let [warning] = warnings(&scanned)[..] else { panic!("{:?}", scanned.summary.warnings) };
    assert!(warning.contains("goes back only to 2026-11-11, not 90 days"), "{warning}");
    // Who asks for no more than that has an answer.
    let scanned = scan(console.system().with_attribute("lastLoginDays", 15)).await;
    assert_eq!((accused(&scanned), warnings(&scanned)), (vec!["u2".to_owned()], vec![]));
}

#[tokio::test]
async fn a_wrong_clock_of_this_server_changes_nothing_but_a_warning() {
    // By the console's clock this server is 100 days ahead, or 2 hours behind.
    for (console_is, direction, hours) in
        [(-days(100), "ahead of", 2400.0), (SignedDuration::from_hours(2), "behind", 2.0)]
    {
        let now = Timestamp::now() + console_is;
        let users = [1, 2].map(|number| {
            json!({"_id": id(number), "username": format!("u{number}"), "sudo": true, "created": now - days(900)})
        });
        let log = [change(now - days(120)), login(now - SignedDuration::from_mins(10), 1)];
        let console = Content::default().at(now).list("/api/systemusers", users).log(log).serve().await;
        let scanned = scan(console.system()).await;
        assert_eq!(accused(&scanned), ["u2"], "{direction}");
        assert!(of(&scanned, 1).unwrap().succeeded_at.is_some(), "{direction}");
        let (start, end) = windows(&console)[1];
        assert!(near(start, now - days(90)) && near(end.unwrap(), now), "{start} {end:?}");
        let [warning] = &scanned.summary.warnings[..] else { panic!("{:?}", scanned.summary.warnings) };
        assert!(warning.contains(&format!("clock is {hours:.1} h {direction} the target's")), "{warning}");
    }
}

#[tokio::test]
async fn a_log_that_refuses_the_question_for_its_oldest_event_is_read_all_the_same() {
    let log = [change(now() - days(80)), login(now() - days(89), 1), login(now() - days(2), 1)];
    let console = organization().log(log).refusing_starts_before(now() - days(91)).serve().await;
    let scanned = scan(console.system()).await;
    assert_eq!(scanned.summary.outcome, Outcome::Complete);
    assert_eq!(of(&scanned, 1).unwrap().since, Some(now() - days(89)), "the oldest login shows how far it reaches");
    assert_eq!(accused(&scanned), ["u2"]);
}

#[tokio::test]
async fn a_log_that_names_nobody_accuses_nobody() {
    let nobody = json!({"timestamp": now() - days(89), "service": "sso", "event_type": "sso_auth", "success": true});
    let console = organization().log([nobody]).serve().await;
    let scanned = scan(console.system()).await;
    assert_eq!(accused(&scanned), Vec::<String>::new());
    let report = scanned.summary.section(Section::LAST_LOGIN).unwrap();
    assert_eq!(report.notes, ["login events ignored because account, time or outcome is missing: 1"]);
}
