//! Rows and events in the shapes that were recorded, each switchable.

use crate::support::{Console, options, rows, texts};
use jumpcloud_simulator::organization::{Actor, Event, EventKind, Kind, Node, UserState, cast_of_users};
use jumpcloud_simulator::{Behaviour, SimulatorOptions};
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn with(differences: &[&str]) -> Console {
    let observed = Behaviour::observed();
    let behaviour = differences.iter().fold(observed, |behaviour, difference| behaviour.with(difference).unwrap());
    Console::start(SimulatorOptions { behaviour, ..options() }).await
}

async fn users(console: &Console) -> Vec<Value> {
    console.all("/api/systemusers?sort=_id", 100).await
}

/// The events of a kind, each as it is given out and as it was.
async fn events(console: &Console, kind: EventKind) -> Vec<(Value, Event)> {
    let query = json!({ "service": ["all"], "start_time": "2026-01-01T00:00:00Z", "limit": 10_000 });
    let rows: Vec<Value> = console.post("/insights/directory/v1/events", query).await.json().await.unwrap();
    let truth = console.simulator.organization();
    assert_eq!(rows.len() as u64, truth.event_count());
    rows.into_iter().zip(truth.events()).filter(|(_, event)| event.kind == kind).collect()
}

#[tokio::test]
async fn users_have_two_equal_ids_and_null_where_nothing_is_set() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    for (row, user) in users(&console).await.iter().zip(truth.users()) {
        assert_eq!((row["_id"].as_str(), &row["id"]), (Some(user.id.as_str()), &row["_id"]));
        assert_eq!(row["employeeIdentifier"], json!(user.employee_id));
    }
    let plain = with(&["v1-ids=underscore", "unset-fields=absent", "local-names=none"]).await;
    for row in users(&plain).await {
        assert!(row.get("id").is_none() && row.get("systemUsername").is_none(), "{row}");
        assert!(row.get("employeeIdentifier").is_none_or(Value::is_string), "{row}");
    }
}

#[tokio::test]
async fn some_new_hires_are_activated_without_a_password_and_have_never_logged_in() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let logins = truth.last_logins();
    let mut hires = 0;
    for (row, user) in users(&console).await.iter().zip(truth.users()) {
        assert_eq!(row["activated"], user.activated);
        if user.state == UserState::Activated && !user.activated {
            hires += 1;
            assert!(row["password_date"].is_null() && row["state"].as_str().is_none_or(|state| state == "ACTIVATED"));
            assert!(!logins.contains_key(&Actor::User(user.index)), "{}", user.username);
        }
    }
    assert!((1..20).contains(&hires), "{hires}");
    let staged = with(&["new-hires=staged"]).await;
    let odd = |row: &&Value| row["state"] == "ACTIVATED" && row["activated"] == false;
    assert_eq!(users(&staged).await.iter().filter(odd).count(), 0);
}

#[tokio::test]
async fn a_user_who_is_no_administrator_has_an_empty_one_by_id_and_none_in_lists() {
    let console = Console::start(options()).await;
    let all = users(&console).await;
    let of = |row: &Value| row.get("admin").cloned();
    let forms: BTreeSet<String> = all[1..].iter().map(|row| format!("{:?}", of(row))).collect();
    assert_eq!(forms, BTreeSet::from(["None".to_owned(), "Some(Null)".to_owned()]));
    let found = console.post("/api/search/systemusers", json!({ "limit": 100 })).await.json::<Value>().await.unwrap();
    assert!(rows(&found).iter().all(|row| row.get("admin").is_none() && row.get("recoveryEmail").is_none()));
    for (index, administrator) in [(cast_of_users::HEAD_OF_IT, true), (1, false), (2, false)] {
        let id = all[index as usize]["_id"].as_str().unwrap();
        let one = console.json(&format!("/api/systemusers/{id}")).await;
        let expected = if administrator {
            one["admin"]["roleName"] == "Administrator With Billing"
        } else {
            one["admin"] == json!({})
        };
        assert!(expected, "{}", one["admin"]);
    }
    let plain = with(&["no-administrator=null"]).await;
    assert!(users(&plain).await[1..].iter().all(|row| of(row) == Some(Value::Null)));
}

#[tokio::test]
async fn devices_know_some_users_by_another_name() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let (mut own, mut taken) = (0, BTreeSet::new());
    for (row, user) in users(&console).await.iter().zip(truth.users()) {
        assert_eq!(row["systemUsername"], user.local_name.clone().unwrap_or_default());
        own += usize::from(user.local_name.is_some());
        let mut names = [Some(user.username), user.local_name].into_iter().flatten();
        assert!(names.all(|name| taken.insert(name)), "a name is there twice");
    }
    assert!((10..100).contains(&own), "{own}");
    let mut under_own_name = 0;
    for (row, event) in events(&console, EventKind::SystemLogin).await {
        let Actor::User(index) = event.actor else { continue };
        let user = truth.user(index);
        under_own_name += usize::from(user.local_name.is_some());
        let expected = user.local_name.unwrap_or(user.username);
        assert_eq!((&row["username"], &row["initiated_by"]["username"]), (&json!(expected), &json!(expected)));
        assert!(row["initiated_by"].get("id").is_none() && row["system_timestamp"].is_string());
    }
    assert!(under_own_name > 5, "{under_own_name}");
    // What a device says of its own accounts goes by the same name.
    let accounts = console.json("/api/v2/systeminsights/users?limit=10000&filter=managed:eq:true").await;
    let accounts: BTreeSet<String> = texts(rows(&accounts), "/username").into_iter().collect();
    let owners: BTreeSet<String> = truth
        .systems()
        .filter_map(|system| truth.owner_of(system.index))
        .map(|owner| truth.user(owner))
        .map(|user| user.local_name.unwrap_or(user.username))
        .collect();
    assert_eq!(accounts, owners);
}

#[tokio::test]
async fn each_service_writes_logins_in_a_shape_of_its_own() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let digits = |row: &Value| row["timestamp"].as_str().unwrap().split_once('.').map_or(0, |(_, rest)| rest.len() - 1);
    let at = |row: &Value| row["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    for (row, event) in events(&console, EventKind::Sso).await {
        assert!(row.get("success").is_none() && row["auth_context"].is_object() && row["idp_initiated"].is_boolean());
        assert_eq!((&row["sso_token_success"], &row["mfa"]), (&json!(event.success), &json!(event.mfa)));
        assert_eq!((digits(&row), at(&row)), (9, event.timestamp));
    }
    for (row, event) in events(&console, EventKind::Radius).await {
        let id = row["id"].as_str().unwrap();
        assert!(id.len() == 36 && id == id.to_uppercase(), "{id}");
        assert_eq!((digits(&row), at(&row)), (0, event.timestamp));
        assert!(row["initiated_by"].get("id").is_none() && row["auth_meta"]["userid_type"] == "USERNAME");
        assert_eq!((&row["username"], &row["success"]), (&row["initiated_by"]["username"], &json!(event.success)));
    }
    for (row, event) in events(&console, EventKind::LdapBind).await {
        let factors = row["auth_meta"]["auth_methods"].as_object().unwrap();
        assert!(row.get("mfa").is_none() && row["dn"].as_str().unwrap().starts_with("uid="));
        assert_eq!(factors.len(), if event.mfa { 2 } else { 1 }, "{row}");
        assert!(factors.values().all(|factor| factor["success"] == event.success));
        assert!(row["initiated_by"].get("id").is_none());
    }
    for (row, event) in events(&console, EventKind::AdminLogin).await {
        let Actor::Administrator(index) = event.actor else { panic!("{event:?}") };
        assert!(row["provider"].is_null() && row.as_object().unwrap().contains_key("provider"));
        assert_eq!(row["initiated_by"]["id"], truth.id(Node::new(Kind::Administrator, index)));
    }
    let kinds: BTreeSet<String> = events(&console, EventKind::UserLogin)
        .await
        .iter()
        .map(|(row, _)| row["initiated_by"]["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, BTreeSet::from(["systemuser".to_owned(), "user".to_owned()]));
}

#[tokio::test]
async fn events_can_be_all_of_one_shape() {
    let console = with(&["event-shapes=plain", "initiators=user", "admin-logins=resource"]).await;
    for kind in [EventKind::Sso, EventKind::Radius, EventKind::LdapBind] {
        for (row, event) in events(&console, kind).await {
            assert_eq!((&row["success"], row["initiated_by"]["type"].as_str()), (&json!(event.success), Some("user")));
            assert_eq!(row["timestamp"].as_str().unwrap().len(), "2026-01-01T00:00:00.000Z".len());
        }
    }
    for (row, _) in events(&console, EventKind::AdminLogin).await {
        assert!(row.get("initiated_by").is_none() && row["resource"]["type"] == "admin", "{row}");
    }
}

#[tokio::test]
async fn applications_have_undocumented_fields_and_text_for_a_configuration() {
    let console = Console::start(options()).await;
    let all = console.all("/api/applications?sort=_id", 100).await;
    let of_text = all.iter().filter(|row| row["config"].is_string()).count();
    assert!(of_text > 0 && of_text < all.len());
    for row in &all {
        assert!(row["logo"]["url"].is_string() && row["color"].is_null() && row["databaseAttributes"].is_array());
        assert_eq!(row["sso"].get("idpCertExpirationAt").is_some(), row["sso"]["type"] == "saml");
    }
    let plain = with(&["v1-rows=published"]).await;
    assert!(plain.all("/api/applications", 100).await.iter().all(|row| row["config"].is_object()));
}

#[tokio::test]
async fn rules_of_groups_are_objects_and_a_static_group_can_keep_one() {
    let console = Console::start(SimulatorOptions { groups: 80, ..options() }).await;
    let (mut kept, mut exempt) = (0, 0);
    for group in console.simulator.organization().user_groups() {
        let row = console.json(&format!("/api/v2/usergroups/{}", group.id)).await;
        let rule = &row["memberQuery"];
        assert!(rule.is_null() || rule["filters"][0].is_object(), "{rule}");
        kept += usize::from(rule.is_object() && !group.membership_method.starts_with("DYNAMIC"));
        for one in row["memberQueryExemptions"].as_array().unwrap() {
            exempt += 1;
            assert_eq!((one["type"].as_str(), &one["organizationId"]), (Some("USER"), &row["organizationObjectId"]));
        }
    }
    assert!(kept > 0 && exempt > 0, "{kept} kept, {exempt} exempt");
}

#[tokio::test]
async fn logins_to_a_network_have_either_name() {
    for (difference, expected) in [
        ("radius-events=attempt", vec!["radius_auth_attempt"]),
        ("radius-events=auth", vec!["radius_auth"]),
        ("radius-events=both", vec!["radius_auth", "radius_auth_attempt"]),
    ] {
        let console = with(&[difference]).await;
        let rows = events(&console, EventKind::Radius).await;
        let names: BTreeSet<&str> = rows.iter().map(|(row, _)| row["event_type"].as_str().unwrap()).collect();
        assert_eq!(names, expected.iter().copied().collect(), "{difference}");
        let query = json!({
            "service": ["radius"],
            "start_time": "2026-01-01T00:00:00Z",
            "search_term": { "or": { "event_type": expected } },
        });
        let counted = console.post("/insights/directory/v1/events/count", query).await;
        assert_eq!(counted.json::<Value>().await.unwrap()["count"], rows.len(), "{difference}");
    }
}

#[tokio::test]
async fn service_accounts_come_in_an_envelope_and_sort_by_name_or_expiry_alone() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let now = format!("{:.3}", options().now);
    let mut named: Vec<String> = truth.service_accounts().map(|one| one.name).collect();
    named.sort();
    let body = console.json("/api/v2/service-accounts?sort=name&limit=100").await;
    assert_eq!(body["totalCount"], truth.service_account_count());
    assert_eq!(texts(rows(&body), "/name"), named);
    for (row, one) in console.all("/api/v2/service-accounts", 4).await.iter().zip(truth.service_accounts()) {
        assert_eq!((&row["objectId"], &row["roleId"]), (&json!(one.id), &json!(one.role_id())));
        assert_eq!(row["status"] == "EXPIRED", row["expiresAt"].as_str() <= Some(now.as_str()));
    }
    assert_eq!(console.status("/api/v2/service-accounts?sort=status").await, 400);
}

#[tokio::test]
async fn roles_come_in_an_envelope_with_their_scopes_and_those_that_are_held_have_the_ids_of_their_holders() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let body = console.json("/api/v2/roles?limit=100").await;
    let roles = truth.roles();
    assert_eq!(body["totalCount"], roles.len());
    for (row, role) in rows(&body).iter().zip(&roles) {
        assert_eq!((&row["id"], &row["scopes"]), (&json!(role.id()), &json!(role.scopes)), "{}", role.name);
        assert_eq!(row["isCustom"], role.is_custom);
    }
    let held = truth.administrators().map(|one| one.role_id()).chain(truth.service_accounts().map(|one| one.role_id()));
    for id in held {
        assert!(roles.iter().any(|role| role.id() == id), "{id}");
    }
}

#[tokio::test]
async fn requests_for_access_come_in_an_envelope_and_what_was_granted_only_where_it_is_served() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let body = console.json("/api/v2/approvalflowrequest?limit=100").await;
    let requests = truth.access_requests();
    assert_eq!(body["totalCount"], requests.len());
    for (row, request) in rows(&body).iter().zip(&requests) {
        assert_eq!((&row["id"], &row["status"]), (&json!(request.id), &json!(request.status)));
        assert_eq!(row["resourceId"], truth.id(request.resource));
    }
    assert_eq!(console.status("/api/v2/accessrequests").await, 404);
    let behaviour = Behaviour::observed().with("access-requests=served").unwrap();
    let console = Console::start(SimulatorOptions { behaviour, ..options() }).await;
    let granted = console.json("/api/v2/accessrequests?limit=100").await;
    let states: Vec<&Value> = granted.as_array().unwrap().iter().map(|row| &row["accessState"]).collect();
    assert_eq!((states.len(), states[0], states[5]), (requests.len(), &json!("granted"), &json!("revoked")));
    assert_eq!(granted[0]["additionalAttributes"], json!({"sudo": {"enabled": true, "withoutPassword": true}}));
}
