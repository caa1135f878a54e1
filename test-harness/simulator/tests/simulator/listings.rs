//! Listings: paging, totals, order, filters, fields.

use crate::support::{Console, options, rows, texts};
use jumpcloud_simulator::organization::{Kind, Node};
use jumpcloud_simulator::{SimulatorOptions, UsersEndpoint};
use serde_json::Value;
use std::collections::BTreeSet;

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
async fn a_listing_returns_ten_rows_by_default_and_never_more_than_a_hundred() {
    let console = Console::start(options()).await;
    for (query, count) in [
        ("", 10),
        ("?limit=100", 100),
        ("?limit=0", 10),
        ("?limit=&skip=", 10),
        ("?limit=3&skip=299", 1),
        ("?skip=1000", 0),
    ] {
        let body = console.json(&format!("/api/systemusers{query}")).await;
        assert_eq!(rows(&body).len(), count, "{query}");
        assert_eq!(body["totalCount"], 300);
    }
    let response = console.get("/api/v2/usergroups?limit=1").await;
    assert_eq!(response.headers()["x-total-count"], "24");
    assert_eq!(console.status("/api/systemusers?limit=ten").await, 400);
    let refused = console.get("/api/systems?limit=101").await;
    let message = "Bad Request: request parameter \"limit\" exceeds maximum value of 100";
    assert_eq!(refused.status().as_u16(), 400);
    assert_eq!(refused.json::<Value>().await.unwrap()["message"], message);
    assert_eq!(console.status("/api/v2/usergroups?limit=101").await, 400);
    assert_eq!(console.status("/api/v2/systeminsights/users?limit=10000").await, 200);
    assert_eq!(console.status("/api/v2/systeminsights/users?limit=10001").await, 400);
    assert_eq!(console.status("/api/v2/usergroups?skip=-1").await, 400);
}

#[tokio::test]
async fn rows_are_sorted_filtered_and_cut_to_the_fields_asked_for() {
    let console = Console::start(options()).await;
    let names = texts(&console.all("/api/systemusers?sort=-username&fields=username", 100).await, "/username");
    assert!(names.is_sorted_by(|a, b| a >= b));
    assert_eq!(names.len(), 300);

    let row = console.json("/api/systemusers?limit=1&fields=username%20email").await["results"][0].clone();
    assert_eq!(row.as_object().unwrap().keys().collect::<Vec<_>>(), ["_id", "id", "username", "email"]);
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

#[tokio::test]
async fn filters_are_read_in_all_the_forms_that_clients_send() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let total = async |query: &str| console.json(&format!("/api/systemusers?{query}")).await["totalCount"].as_u64();
    let suspended = truth.users().filter(|user| user.state.name() == "SUSPENDED").count() as u64;
    let of_it = truth.users().filter(|user| user.department == "IT");
    let both = of_it.filter(|user| user.state.name() == "SUSPENDED").count() as u64;
    for (query, expected) in [
        ("filter=suspended:$eq:true", suspended),
        ("filter=suspended:eq:true", suspended),
        ("filter=suspended:ne:true", 300 - suspended),
        ("filter=", 300),
        ("filter=&sort=&fields=&limit=&skip=", 300),
        ("filter[0]=suspended:eq:true&filter[1]=department:eq:IT", both),
        ("filter=suspended:eq:true&filter=department:$eq:IT", both),
        ("filter=username:in:maria.keller%7Csvc-backup", 2),
        (r#"search={"searchTerm":"KELLER@","fields":["email"]}"#, 1),
        (r#"search={"searchTerm":["keller@","okafor@"],"fields":"email"}"#, 2),
        ("search[searchTerm]=maria.keller&search[fields][]=username", 1),
        ("search=maria.keller@", 1),
        ("search=", 300),
        ("search={}", 300),
    ] {
        assert_eq!(total(query).await, Some(expected), "{query}");
    }
    assert_eq!(console.status("/api/systemusers?filter=suspended:like:true").await, 400);
}

#[tokio::test]
async fn the_operators_of_v2_compare_ranges_and_wildcards() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let names: Vec<String> = truth.user_groups().map(|group| group.name).collect();
    let like = |holds: &dyn Fn(&str) -> bool| names.iter().filter(|name| holds(name)).count();
    for (filter, expected) in [
        ("name:eq:D*", like(&|name| name.starts_with('D'))),
        ("name:eq:*Admins", like(&|name| name.ends_with("Admins"))),
        ("name:eq:d*", 0),
        ("name:ne:D*", like(&|name| !name.starts_with('D'))),
        ("name:search:admins", like(&|name| name.to_lowercase().contains("admins"))),
        ("name:between:A|D", like(&|name| ("A"..="D").contains(&name))),
        ("name:between:A,D", like(&|name| ("A"..="D").contains(&name))),
        ("name:ge:D,name:lt:E", like(&|name| ("D".."E").contains(&name))),
        (
            "suggestionCounts.total:between:1|3",
            truth
                .user_groups()
                .filter(|group| {
                    group.membership_method == "DYNAMIC_REVIEW_REQUIRED" && (1..=3).contains(&(group.index % 4))
                })
                .count(),
        ),
    ] {
        let found = console.json(&format!("/api/v2/usergroups?limit=100&filter={filter}")).await;
        assert_eq!(rows(&found).len(), expected, "{filter}");
    }
    // A comma in a value breaks the filter.
    assert_eq!(console.status("/api/v2/usergroups?filter=name:eq:Break-glass,%20x").await, 400);
}

#[tokio::test]
async fn system_insights_joins_by_device_and_compares_for_equality_alone() {
    let console = Console::start(options()).await;
    let system = console.simulator.organization().systems().nth(4).unwrap();
    let table = async |name: &str| {
        console.json(&format!("/api/v2/systeminsights/{name}?limit=10000&filter=system_id:eq:{}", system.id)).await
    };
    let (users, groups, memberships, keys) =
        (table("users").await, table("groups").await, table("user_groups").await, table("authorized_keys").await);
    assert_eq!((rows(&users).len(), rows(&groups).len()), (4, 2));
    for row in rows(&memberships).iter().chain(rows(&keys)) {
        assert!(rows(&users).iter().any(|user| user["uid"] == row["uid"] && user["managed"] == true), "{row}");
    }
    let membership = &memberships[0];
    let group = rows(&groups).iter().find(|group| group["gid"] == membership["gid"]).unwrap();
    let user = rows(&users).iter().find(|user| user["uid"] == membership["uid"]).unwrap();
    assert_eq!(user["admin"], ["sudo", "admin", "Administrators"].contains(&group["groupname"].as_str().unwrap()));
    for (filter, status) in [("system_id:in:a|b", 200), ("system_id:ne:a", 400), ("username:search:a", 400)] {
        assert_eq!(console.status(&format!("/api/v2/systeminsights/users?filter={filter}")).await, status, "{filter}");
    }
    assert_eq!(console.json("/api/v2/systeminsights/users").await.as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn devices_have_the_fields_that_tell_who_gets_in() {
    let console = Console::start(options()).await;
    let all = console.all("/api/systems?sort=_id", 100).await;
    for row in &all {
        for flag in ["azureAdJoined", "modifySSHDConfig", "sshRootEnabled", "hasServiceAccount"] {
            assert!(row[flag].is_boolean(), "{flag}");
        }
        assert_eq!((&row["id"], &row["sshRootEnabled"]), (&row["_id"], &row["allowSshRootLogin"]));
        assert!(row["mdm"]["vendor"].is_string() && row["domainInfo"]["partOfDomain"].is_boolean());
        assert!(
            row["secureLogin"]["enabled"].is_boolean() && row["serviceAccountState"]["hasSecureToken"].is_boolean()
        );
    }
    for pointer in ["/azureAdJoined", "/modifySSHDConfig", "/sshRootEnabled", "/domainInfo/partOfDomain", "/mdm/dep"] {
        let set = all.iter().filter(|row| row.pointer(pointer) == Some(&true.into())).count();
        assert!(set > 0 && set < all.len(), "{pointer} is the same in all");
    }
    let found = console.post("/api/search/systems", serde_json::json!({ "filter": ["osFamily:$eq:linux"] })).await;
    assert_eq!(found.json::<Value>().await.unwrap()["totalCount"], 20);
}

#[tokio::test]
async fn the_lists_other_than_users_and_groups_are_served() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    for (path, count) in [
        ("/api/commands", 6),
        ("/api/v2/groups", 24 + truth.census(Kind::SystemGroup).count() as usize + 2),
        ("/api/v2/ldapservers", 1),
        ("/api/v2/activedirectories", 1),
        ("/api/v2/policies", 5),
        ("/api/v2/policygroups", 2),
        ("/api/v2/authn/policies", 11),
        ("/api/v2/iplists", 2),
    ] {
        assert_eq!(console.all(path, 100).await.len(), count, "{path}");
    }
    for path in ["/api/v2/policies?sort=id", "/api/v2/policies?sort=-name", "/api/v2/groups?sort=name"] {
        assert_eq!(console.status(path).await, 200, "{path}");
    }
    for path in ["/api/v2/policies?sort=template", "/api/v2/policygroups?sort=id", "/api/v2/gsuites"] {
        assert!(console.get(path).await.status().is_client_error(), "{path}");
    }
    let lists: BTreeSet<String> = texts(&console.all("/api/v2/iplists", 100).await, "/id").into_iter().collect();
    let policies = console.all("/api/v2/authn/policies", 100).await;
    let named = policies.iter().filter_map(|policy| policy["conditions"]["not"]["ipAddressIn"][0].as_str());
    let named: BTreeSet<String> = named.map(str::to_owned).collect();
    assert_eq!(named, lists);
    let names = texts(&policies, "/name");
    assert!(names.iter().eq(truth.authn_policies().map(|policy| policy.name)), "{names:?}");
    assert_eq!(console.json("/api/v2/identity-providers").await["totalCount"], 0);
}
