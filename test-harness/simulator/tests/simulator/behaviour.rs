//! The service as it was observed, and each difference from its documents by itself.

use crate::support::{Console, options, rows, texts};
use jumpcloud_simulator::organization::{Kind, Node, UserGroup};
use jumpcloud_simulator::{Behaviour, GroupFilter, GroupRows, NullEdges, NullForm, SimulatorOptions, V2Sort};
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn with(behaviour: Behaviour) -> Console {
    Console::start(SimulatorOptions { behaviour, ..options() }).await
}

fn observed(difference: &str) -> Behaviour {
    Behaviour::observed().with(difference).unwrap()
}

#[tokio::test]
async fn v2_lists_refuse_the_sorts_that_were_seen_refused() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let group = truth.id(Node::new(Kind::UserGroup, 0));
    let (members, bound) =
        (format!("usergroups/{group}/members"), format!("usergroups/{group}/associations?targets=application"));
    for (list, sort, status) in [
        ("usergroups", "name", 200),
        ("usergroups", "-name", 200),
        ("usergroups", "id", 400),
        ("usergroups", "_id", 400),
        ("usergroups", "name,id", 400),
        ("systemgroups", "name", 200),
        ("systemgroups", "id", 400),
        ("directories", "name", 400),
        (members.as_str(), "id", 200),
        (bound.as_str(), "id", 200),
    ] {
        let mark = if list.contains('?') { '&' } else { '?' };
        let answer = console.get(&format!("/api/v2/{list}{mark}sort={sort}")).await;
        assert_eq!(answer.status().as_u16(), status, "{list} by {sort}");
        if status == 400 {
            let field = sort.split(',').next_back().unwrap();
            let message = format!("failed to list collection objects: invalid sort field: {field}");
            assert_eq!(answer.json::<Value>().await.unwrap(), json!({ "message": message }));
        }
    }
    let mut names: Vec<String> = truth.user_groups().map(|group| group.name).collect();
    names.sort();
    assert_eq!(texts(&console.all("/api/v2/usergroups?sort=name", 7).await, "/name"), names);
    names.reverse();
    assert_eq!(texts(&console.all("/api/v2/usergroups?sort=-name", 7).await, "/name"), names);
    let unsorted = texts(&console.all(&format!("/api/v2/{members}"), 100).await, "/to/id");
    assert_eq!(texts(&console.all(&format!("/api/v2/{members}?sort=-id"), 100).await, "/to/id"), unsorted);

    let strict = with(Behaviour { v2_sort: V2Sort::Nothing, ..Behaviour::observed() }).await;
    assert_eq!(strict.status("/api/v2/usergroups?sort=name").await, 400);
    assert_eq!(strict.status("/api/v2/usergroups").await, 200);
    let published = with(Behaviour::published()).await;
    assert_eq!(published.status("/api/v2/usergroups?sort=id").await, 200);
}

#[tokio::test]
async fn lists_of_groups_lack_what_the_group_itself_has() {
    let console = Console::start(options()).await;
    for (list, fields) in
        [("usergroups", ["attributes", "membershipMethod"]), ("systemgroups", ["attributes", "membershipMethod"])]
    {
        for row in console.all(&format!("/api/v2/{list}"), 100).await {
            let keys: Vec<&String> = row.as_object().unwrap().keys().collect();
            assert_eq!(keys, ["id", "name", "type", "description", "email", "attributes"]);
            assert_eq!(row["attributes"], Value::Null);
            let one = console.json(&format!("/api/v2/{list}/{}", row["id"].as_str().unwrap())).await;
            assert!(fields.iter().all(|field| !one[field].is_null()), "{one}");
            assert_eq!((&one["id"], &one["name"]), (&row["id"], &row["name"]));
        }
    }
    let asked = console.json("/api/v2/usergroups?fields=name,attributes,membershipMethod&limit=1").await;
    assert_eq!(asked[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "name", "attributes"]);
    let absent = with(Behaviour { group_rows: GroupRows::NoAttributes, ..Behaviour::observed() }).await;
    assert!(absent.json("/api/v2/usergroups").await[0].get("attributes").is_none());
    let whole = with(Behaviour { group_rows: GroupRows::Whole, ..Behaviour::observed() }).await;
    assert!(whole.json("/api/v2/usergroups").await[0]["attributes"].is_object());
}

#[tokio::test]
async fn the_published_filters_choose_groups_by_what_their_rows_lack() {
    let console = Console::start(SimulatorOptions { groups: 120, ..options() }).await;
    let truth = console.simulator.organization();
    let chosen = |choose: &dyn Fn(&UserGroup) -> bool| -> Vec<String> {
        truth.user_groups().filter(|group| choose(group)).map(|group| group.id).collect()
    };
    for (filter, expected) in [
        ("attributes.sudo.enabled:eq:true", chosen(&|group| group.sudo.is_some_and(|sudo| sudo.enabled))),
        (
            "attributes.sudo.withoutPassword:eq:true",
            chosen(&|group| group.sudo.is_some_and(|sudo| sudo.without_password)),
        ),
        ("membershipMethod:eq:STATIC", chosen(&|group| group.membership_method == "STATIC")),
        (
            "membershipMethod:in:DYNAMIC_AUTOMATED|DYNAMIC_REVIEW_REQUIRED",
            chosen(&|group| group.membership_method.starts_with("DYNAMIC")),
        ),
        ("type:eq:user_group", chosen(&|_| true)),
        ("name:eq:Domain%20Admins", chosen(&|group| group.name == "Domain Admins")),
    ] {
        let found = console.all(&format!("/api/v2/usergroups?sort=name&filter={filter}"), 100).await;
        let (found, expected): (BTreeSet<_>, BTreeSet<_>) =
            (texts(&found, "/id").into_iter().collect(), expected.into_iter().collect());
        assert!(!expected.is_empty(), "{filter}");
        assert_eq!(found, expected, "{filter}");
    }
    let sudo = "/api/v2/usergroups?filter=attributes.sudo.enabled:eq:true";
    let name = "/api/v2/usergroups?filter=name:eq:Domain%20Admins";
    let refused = with(Behaviour { group_filter: GroupFilter::Refused, ..Behaviour::observed() }).await;
    assert_eq!((refused.status(sudo).await, refused.status(name).await), (400, 200));
    let ignored = with(Behaviour { group_filter: GroupFilter::Ignored, ..Behaviour::observed() }).await;
    assert_eq!(ignored.all(sudo, 100).await.len(), 24);
    assert_eq!(ignored.all(name, 100).await.len(), 1);
}

#[tokio::test]
async fn null_records_are_counted_and_not_given_out() {
    let honest = Console::start(options()).await;
    let all = honest.simulator.organization().id(Node::new(Kind::UserGroup, 0));
    let members = format!("/api/v2/usergroups/{all}/members");
    let truth = texts(&honest.all(&members, 100).await, "/to/id");
    let page = |skip: u64| format!("{members}?limit=100&skip={skip}");
    for (form, nulls) in [
        (NullForm::LeftOut, [].as_slice()),
        (NullForm::Null, &[json!(null)]),
        (NullForm::NullTo, &[json!({ "attributes": null, "to": null })]),
        (NullForm::NullId, &[json!({ "attributes": null, "to": { "attributes": null, "id": null, "type": "user" } })]),
        (NullForm::EmptyId, &[json!({ "attributes": null, "to": { "attributes": null, "id": "", "type": "user" } })]),
    ] {
        let console =
            with(Behaviour { null_edges: NullEdges::at([3..=3, 100..=199], form), ..Behaviour::observed() }).await;
        let mut given = Vec::new();
        for (skip, edges) in [(0, 99), (100, 0), (200, 100), (300, 100), (400, 1)] {
            let answer = console.get(&page(skip)).await;
            assert_eq!(answer.headers()["x-total-count"], "401", "{form:?}");
            let rows: Vec<Value> = answer.json().await.unwrap();
            let (edges_given, others): (Vec<Value>, Vec<Value>) =
                rows.into_iter().partition(|row| row["to"]["id"].as_str().is_some_and(|id| !id.is_empty()));
            assert_eq!(edges_given.len(), edges, "{form:?} from {skip}");
            assert!(others.iter().all(|other| nulls.contains(other)), "{form:?}: {others:?}");
            if !nulls.is_empty() {
                assert_eq!(others.len(), [1, 100, 0, 0, 0][skip as usize / 100]);
            }
            given.extend(texts(&edges_given, "/to/id"));
        }
        assert_eq!(given, truth, "{form:?}");
    }
}

#[tokio::test]
async fn null_records_stand_in_lists_of_edges_alone_and_traversals_know_nothing_of_them() {
    let (honest, console) = (Console::start(options()).await, with(observed("null-edges=20%")).await);
    let truth = console.simulator.organization();
    let id = |kind, index| truth.id(Node::new(kind, index));
    let group = id(Kind::UserGroup, 0);
    for list in [
        "/api/systemusers".to_owned(),
        "/api/v2/usergroups".to_owned(),
        format!("/api/v2/usergroups/{group}/membership"),
        format!("/api/v2/usergroups/{group}/applications"),
        format!("/api/v2/users/{}/memberof", id(Kind::User, 0)),
    ] {
        assert_eq!(console.all(&list, 100).await, honest.all(&list, 100).await, "{list}");
    }
    let mut counted = 0;
    for application in 0..truth.census(Kind::Application).count() {
        let list = format!(
            "/api/v2/applications/{}/associations?targets=user_group&limit=100",
            id(Kind::Application, application)
        );
        let total: usize = console.get(&list).await.headers()["x-total-count"].to_str().unwrap().parse().unwrap();
        let rows = rows(&console.json(&list).await).clone();
        assert_eq!(rows, *self::rows(&honest.json(&list).await));
        counted += total - rows.len();
    }
    assert!(counted > 0);
    let elsewhere = with(observed("null-edges=0-50:on=systemgroups.members")).await;
    let members = format!("/api/v2/usergroups/{group}/members?limit=1");
    assert_eq!(elsewhere.get(&members).await.headers()["x-total-count"], "300");
}

#[tokio::test]
async fn events_are_kept_for_the_days_that_the_plan_has() {
    for (days, oldest, newest) in
        [(15, "2026-05-17", "2026-05-18"), (90, "2026-03-03", "2026-03-04"), (400, "2025-04-27", "2025-04-29")]
    {
        let console = with(observed(&format!("retention-days={days}"))).await;
        let query = json!({ "service": ["all"], "start_time": "2020-01-01T00:00:00Z", "sort": "ASC", "limit": 10_000 });
        let rows: Vec<Value> = console.post("/insights/directory/v1/events", query).await.json().await.unwrap();
        let truth = console.simulator.organization();
        assert_eq!(rows.len() as u64, truth.event_count(), "{days} days");
        assert_eq!(texts(&rows, "/id"), truth.events().map(|event| event.id).collect::<Vec<_>>());
        let first = rows[0]["timestamp"].as_str().unwrap();
        assert!(oldest <= first && first < newest, "{days} days: {first}");
        assert!(truth.last_logins().values().all(|at| at.to_string().as_str() >= oldest));
    }
}

#[tokio::test]
async fn a_traversal_compiles_the_strongest_right_or_the_direct_one_alone() {
    let options = SimulatorOptions { users: 14, groups: 16, systems: 60, ..options() };
    let strongest = Console::start(options.clone()).await;
    let behaviour = observed("direct-right=supersedes");
    let supersedes = Console::start(SimulatorOptions { behaviour, ..options }).await;
    let truth = strongest.simulator.organization();
    let mut differing = 0;
    for system in truth.systems() {
        let path = format!("/api/v2/systems/{}/users", system.id);
        let (all, direct) = (strongest.all(&path, 100).await, supersedes.all(&path, 100).await);
        assert_eq!(texts(&all, "/id"), texts(&direct, "/id"), "the same users reach it");
        for (all, direct) in all.iter().zip(&direct) {
            assert_eq!(all["paths"], direct["paths"]);
            let paths = all["paths"].as_array().unwrap();
            let edge = paths.iter().find(|path| path.as_array().unwrap().len() == 1).map(|path| &path[0]);
            let edge = edge.filter(|_| paths.len() > 1);
            let (all, direct) = (&all["compiledAttributes"]["sudo"], &direct["compiledAttributes"]["sudo"]);
            let Some(edge) = edge else {
                assert_eq!(all, direct);
                continue;
            };
            let of_edge = edge["attributes"]["sudo"]["enabled"].as_bool().unwrap_or(false);
            assert_eq!(direct["enabled"].as_bool().unwrap(), of_edge);
            differing += usize::from(all != direct);
        }
    }
    assert!(differing > 0, "nobody has a weaker right of its own on a device");
}

#[tokio::test]
async fn password_policies_are_not_served_unless_they_are_to_be_listed() {
    let path = "/api/v2/passwordpolicies?limit=100";
    assert_eq!(Console::start(options()).await.status(path).await, 405);
    let console = with(observed("password-policies=listed")).await;
    let truth = console.simulator.organization();
    let expected: Vec<String> = truth.password_policies().into_iter().map(|policy| policy.id).collect();
    assert_eq!(texts(&console.all("/api/v2/passwordpolicies", 2).await, "/objectId"), expected);
    let listed = console.json(path).await;
    let settings = console.json(&format!("/api/organizations/{}", truth.organization_id())).await;
    let own = &settings["settings"]["passwordPolicy"];
    for rule in ["minLength", "passwordExpirationInDays", "enablePasswordExpirationInDays"] {
        assert_eq!(listed[0]["policy"][rule], own[rule], "the first is the organisation's own");
    }
    assert_eq!(settings["settings"]["requireAdminMFA"], json!(truth.requires_admin_mfa()));
}
