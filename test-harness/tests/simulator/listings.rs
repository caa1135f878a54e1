//! Listings: paging, totals, order, filters, fields.

use crate::support::{Console, options, rows, texts};
use std::collections::BTreeSet;
use test_harness::simulator::organization::{Kind, Node};
use test_harness::simulator::{SimulatorOptions, UsersEndpoint};

#[tokio::test]
async fn the_pages_of_a_listing_make_up_the_truth() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let users: Vec<String> = truth.users().map(|user| user.id).collect();
    for limit in [7, 100] {
        assert_eq!(texts(&console.all("/api/systemusers?sort=_id", limit).await, "/_id"), users);
    }
    let groups: Vec<String> = truth.user_groups().map(|group| group.id).collect();
    assert_eq!(texts(&console.all("/api/v2/usergroups", 5).await, "/id"), groups);
    for (index, id) in groups.iter().enumerate() {
        let path = format!("/api/v2/usergroups/{id}/members");
        let members: Vec<String> =
            truth.members(Node::new(Kind::UserGroup, index as u64)).iter().map(|node| truth.id(node)).collect();
        assert_eq!(texts(&console.all(&path, 100).await, "/to/id"), members, "group {index}");
    }
}

#[tokio::test]
async fn a_listing_gives_ten_rows_unless_told_and_never_more_than_a_hundred() {
    let console = Console::start(options()).await;
    for (query, count) in
        [("", 10), ("?limit=100", 100), ("?limit=5000", 100), ("?limit=3&skip=299", 1), ("?skip=1000", 0)]
    {
        let body = console.json(&format!("/api/systemusers{query}")).await;
        assert_eq!(rows(&body).len(), count, "{query}");
        assert_eq!(body["totalCount"], 300);
    }
    let response = console.get("/api/v2/usergroups?limit=1").await;
    assert_eq!(response.headers()["x-total-count"], "24");
    assert_eq!(console.status("/api/systemusers?limit=ten").await, 400);
    assert_eq!(console.status("/api/v2/usergroups?skip=-1").await, 400);
}

#[tokio::test]
async fn rows_are_sorted_filtered_and_cut_to_the_fields_asked_for() {
    let console = Console::start(options()).await;
    let names = texts(&console.all("/api/systemusers?sort=-username&fields=username", 100).await, "/username");
    assert!(names.is_sorted_by(|a, b| a >= b));
    assert_eq!(names.len(), 300);

    let row = console.json("/api/systemusers?limit=1&fields=username%20email").await["results"][0].clone();
    assert_eq!(row.as_object().unwrap().keys().collect::<Vec<_>>(), ["_id", "username", "email"]);
    let row = console.json("/api/v2/usergroups?limit=1&fields=name,type").await[0].clone();
    assert_eq!(row.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "name", "type"]);

    let suspended = console.json("/api/systemusers?filter=suspended:$eq:true&limit=100").await;
    let truth = console.simulator.organization();
    let expected = truth.users().filter(|user| user.state.name() == "SUSPENDED").count();
    assert_eq!((rows(&suspended).len(), suspended["totalCount"].as_u64()), (expected, Some(expected as u64)));
    let admins = console.json("/api/v2/usergroups?filter=name:eq:Domain%20Admins").await;
    assert_eq!(texts(rows(&admins), "/name"), ["Domain Admins"]);
    assert_eq!(console.status("/api/v2/usergroups?filter=name:$eq:x").await, 400);
}

#[tokio::test]
async fn users_are_listed_where_the_options_say() {
    for (users_endpoint, v1, v2) in [
        (UsersEndpoint::SystemUsers, 200, 404),
        (UsersEndpoint::SystemUsersV2NotAllowed, 200, 405),
        (UsersEndpoint::V2, 404, 200),
        (UsersEndpoint::Both, 200, 200),
    ] {
        let console = Console::start(SimulatorOptions { users_endpoint, ..options() }).await;
        assert_eq!(console.status("/api/systemusers").await, v1, "{users_endpoint:?}");
        assert_eq!(console.status("/api/v2/users").await, v2, "{users_endpoint:?}");
        if v2 == 200 {
            let users: Vec<String> = console.simulator.organization().users().map(|user| user.id).collect();
            assert_eq!(texts(&console.all("/api/v2/users?sort=id", 100).await, "/id"), users);
        }
    }
}

#[tokio::test]
async fn a_million_users_are_served_without_being_held() {
    let options = SimulatorOptions { users: 1_000_000, groups: 20_000, systems: 5_000, ..options() };
    let console = Console::start(options).await;
    let body = console.json("/api/systemusers?limit=100&skip=999950&sort=_id").await;
    assert_eq!(rows(&body).len(), 50);
    let truth = console.simulator.organization();
    let memberships: u64 = (0..20_000).map(|group| truth.members(Node::new(Kind::UserGroup, group)).count()).sum();
    assert!((4_000_000..6_000_000).contains(&memberships), "{memberships}");
}

#[tokio::test]
async fn one_seed_makes_one_organisation_and_user_names_are_unique() {
    let (one, two) = (Console::start(options()).await, Console::start(options()).await);
    let page = "/api/systemusers?limit=100&skip=100";
    assert_eq!(one.json(page).await, two.json(page).await);
    let other = Console::start(SimulatorOptions { seed: 1, ..options() }).await;
    assert_ne!(one.json(page).await, other.json(page).await);
    let names: BTreeSet<String> = one.simulator.organization().users().map(|user| user.username).collect();
    assert_eq!(names.len(), 300);
}

#[tokio::test]
async fn the_smallest_organisations_answer_everything() {
    for (users, groups, systems) in [(0, 0, 0), (1, 1, 1), (3, 12, 2), (12, 0, 5)] {
        let console = Console::start(SimulatorOptions { users, groups, systems, ..options() }).await;
        let mut paths: Vec<String> = ["systemusers", "systems", "applications", "users", "radiusservers"]
            .map(|listing| format!("/api/{listing}"))
            .into();
        let v2 = ["usergroups", "systemgroups", "directories", "systeminsights/users"];
        paths.extend(v2.map(|listing| format!("/api/v2/{listing}")));
        let truth = console.simulator.organization();
        for (kind, of_one) in [
            (Kind::User, ["memberof", "systems", "associations?targets=system"]),
            (Kind::UserGroup, ["members", "membership", "associations?targets=system_group"]),
            (Kind::System, ["users", "memberof", "associations?targets=user"]),
            (Kind::Application, ["users", "usergroups", "associations?targets=user_group"]),
        ] {
            for index in 0..truth.census(kind).count().min(3) {
                let id = truth.id(Node::new(kind, index));
                paths.extend(of_one.map(|rest| format!("/api/v2/{}/{id}/{rest}", kind.segment())));
            }
        }
        for path in paths {
            assert_eq!(console.status(&path).await, 200, "{users} users, {groups} groups, {systems} systems: {path}");
        }
        assert_eq!(truth.events().count() as u64, truth.event_count());
    }
}
