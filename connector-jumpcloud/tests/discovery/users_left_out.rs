//! Users whom memberships or bindings name and the list of users lacks: gone, or left out of the list.

use std::collections::BTreeSet;

use connector_api::{ErrorCode, Outcome, Section};
use serde_json::{Value, json};

use crate::support::console::{Console, Content, id};
use crate::support::{connect, core_alone, scan, try_scan};

const USERS: &str = "/api/systemusers";
const V2: &str = "/api/v2/users";

fn user(number: u64) -> Value {
    json!({"_id": id(number), "id": id(number), "username": format!("user-{number}")})
}

/// A console that lists `listed` users, and one group with `members`.
fn content(listed: impl IntoIterator<Item = u64>, members: impl IntoIterator<Item = u64>) -> Content {
    let group = json!({"id": id(1), "name": "Ops", "membershipMethod": "STATIC", "attributes": {}});
    let edge = |number| json!({"to": {"id": id(number), "type": "user"}});
    Content::default()
        .list(USERS, listed.into_iter().map(user))
        .list("/api/v2/usergroups", [group])
        .list(&format!("/api/v2/usergroups/{}/members", id(1)), members.into_iter().map(edge))
}

/// Answers for users by id, whatever the list holds.
fn with_users_by_id(content: Content, users: impl IntoIterator<Item = u64>) -> Content {
    users
        .into_iter()
        .fold(content, |content, number| content.answer(&format!("{USERS}/{}", id(number)), 200, user(number)))
}

fn asked_by_id(console: &Console) -> usize {
    console.asked().iter().filter(|asked| asked.path.starts_with(&format!("{USERS}/"))).count()
}

#[tokio::test]
async fn those_who_are_answered_404_by_id_are_stale_edges_and_the_scan_is_complete() {
    let console = content(100..150, 100..160).serve().await;
    let scanned = scan(core_alone(console.system())).await;
    assert_eq!(scanned.summary.outcome, Outcome::Complete);
    assert_eq!((scanned.accounts().count(), scanned.memberships().count()), (50, 50));
    assert_eq!(asked_by_id(&console), 10);
    let users = scanned.summary.section(Section::USERS).unwrap();
    assert!(
        users.notes.iter().any(|note| note
            == "10 users named in memberships or bindings are not in the list of users; requested by id, 10 do not \
                    exist"),
        "{:?}",
        users.notes
    );
    assert_eq!(scanned.summary.section(Section::MEMBERSHIPS).unwrap().dangling, 10);
}

#[tokio::test]
async fn one_who_is_there_by_id_makes_the_list_incomplete() {
    let console = with_users_by_id(content(100..150, 100..153), [152]).serve().await;
    let failure = try_scan(core_alone(console.system())).await.unwrap_err();
    assert_eq!(failure.error().code, ErrorCode::InconsistentListing);
    assert!(failure.error().message.contains("omits 1 user named in "), "{}", failure.error().message);
    assert_eq!(failure.summary().section(Section::USERS).unwrap().status.as_str(), "incomplete");
}

#[tokio::test]
async fn more_than_a_few_make_the_list_incomplete_without_being_asked_for() {
    let console = content(100..150, 100..171).serve().await;
    let failure = try_scan(core_alone(console.system())).await.unwrap_err();
    assert_eq!(failure.error().code, ErrorCode::InconsistentListing);
    assert_eq!(asked_by_id(&console), 0);
    let listed = console.asked().iter().filter(|asked| asked.path == USERS).count();
    assert_eq!(listed, 2, "read once more first");
}

#[tokio::test]
async fn of_many_users_one_in_a_hundred_may_be_gone_and_a_sample_is_asked_for() {
    let console = content(10_000..13_000, 10_000..13_030).serve().await;
    let scanned = scan(core_alone(console.system())).await;
    assert_eq!((scanned.accounts().count(), asked_by_id(&console)), (3000, 20));
}

#[tokio::test]
async fn an_empty_list_with_members_is_incomplete() {
    let console = content([], 100..103).serve().await;
    let failure = try_scan(core_alone(console.system())).await.unwrap_err();
    assert_eq!(failure.error().code, ErrorCode::InconsistentListing);
    assert!(failure.error().message.contains("lists no user at all"), "{}", failure.error().message);
}

#[tokio::test]
async fn those_whom_the_v2_listing_leaves_out_come_from_the_published_one() {
    let whole = || content(100..150, 100..150);
    let console = whole().list(V2, (100..120).map(user)).serve().await;
    let scanned = scan(core_alone(console.system())).await;
    assert_eq!(scanned.summary.outcome, Outcome::Complete);
    let names: BTreeSet<&str> = scanned.accounts().map(|account| account.username.as_str()).collect();
    assert_eq!((scanned.accounts().count(), names.len(), scanned.memberships().count()), (50, 50, 50));
    assert_eq!(scanned.summary.facts["usersEndpoint"], USERS);

    let console = whole().list(V2, (100..120).map(user)).serve().await;
    let system = core_alone(console.system()).with_attribute("usersEndpoint", "v2");
    let failure = try_scan(system).await.unwrap_err();
    assert_eq!(failure.error().code, ErrorCode::InconsistentListing, "the operator's choice holds");
}

#[tokio::test]
async fn whom_only_a_binding_names_is_missed_as_well() {
    let device = json!({"_id": id(7), "hostname": "h"});
    let bound = format!("/api/v2/systems/{}/associations?targets=user", id(7));
    let content = with_users_by_id(content(100..150, 100..101), [199]);
    let console =
        content.list("/api/systems", [device]).edges(&bound, "user", [(&*id(199), Value::Null)]).serve().await;
    let failure = try_scan(console.system()).await.unwrap_err();
    assert_eq!(failure.error().code, ErrorCode::InconsistentListing);
}

#[tokio::test]
async fn ids_are_the_same_in_any_case() {
    let upper = format!("{:024X}", 0xABC);
    let members = [json!({"to": {"id": upper, "type": "user"}})];
    let console = content([0xABC], []).list(&format!("/api/v2/usergroups/{}/members", id(1)), members).serve().await;
    let scanned = scan(core_alone(console.system())).await;
    let membership = scanned.memberships().next().unwrap();
    assert_eq!(membership.account_external_id, id(0xABC), "as the account has it");
    assert_eq!(scanned.summary.section(Section::MEMBERSHIPS).unwrap().dangling, 0);
}

#[tokio::test]
async fn edges_of_unknown_kinds_fail_the_scan_unless_they_are_few() {
    for (unknown, fails) in [(1, false), (2, true), (104, true)] {
        for kind in [json!(null), json!("robot")] {
            let edge = |number: u64| {
                let kind = if number - 1000 < unknown { kind.clone() } else { json!("user") };
                json!({"to": {"id": id(number), "type": kind}})
            };
            let members = format!("/api/v2/usergroups/{}/members", id(1));
            let console = content(1000..1104, []).list(&members, (1000..1104).map(edge)).serve().await;
            let ended = try_scan(core_alone(console.system())).await;
            assert_eq!(ended.is_err(), fails, "{unknown} of kind {kind}");
            if let Err(failure) = ended {
                assert_eq!(failure.error().code, ErrorCode::InconsistentListing);
                assert!(failure.error().message.contains(&id(1000)), "an example: {}", failure.error().message);
                let report = failure.summary().section(Section::MEMBERSHIPS).unwrap();
                assert!(!report.dangling_examples.is_empty());
            }
        }
    }
}

#[tokio::test]
async fn a_row_of_another_organisation_ends_the_scan_and_one_that_names_none_says_nothing() {
    const MINE: &str = "5f0000000000000000000aaa";
    let organization = json!({"_id": MINE, "displayName": "Mine"});
    for (of_user, of_device, fails) in [
        (json!(null), json!(null), false),
        (json!(MINE), json!(MINE.to_uppercase()), false),
        (json!("5f0000000000000000000bbb"), json!(MINE), true),
        (json!(MINE), json!("5f0000000000000000000bbb"), true),
    ] {
        let mut someone = user(100);
        someone["organization"] = of_user.clone();
        let console = Content::default()
            .list("/api/organizations", [organization.clone()])
            .list(USERS, [someone])
            .list("/api/systems", [json!({"_id": id(7), "hostname": "h", "organization": of_device})])
            .serve()
            .await;
        let ended = try_scan(console.system().with_attribute("jumpcloudOrgId", MINE)).await;
        let code = ended.as_ref().err().map(|failure| failure.error().code);
        assert_eq!(code, fails.then_some(ErrorCode::WrongOrganization), "{of_user}, {of_device}: {ended:?}");
    }
}

#[tokio::test]
async fn a_total_of_none_with_rows_is_no_total() {
    let console = content(100..150, 100..103).list(V2, (100..150).map(user)).total(V2, 0).serve().await;
    let scanned = scan(core_alone(console.system())).await;
    assert_eq!((scanned.accounts().count(), scanned.summary.facts["usersEndpoint"].as_str()), (50, Some(V2)));
    let report = connect(console.system()).unwrap().test_connection().await;
    let users = report.checks.iter().find(|check| check.name == "users").unwrap();
    assert_eq!(users.found, format!("50 users from {V2}"));
}
