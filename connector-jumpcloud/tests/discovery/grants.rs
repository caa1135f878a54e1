//! Who reaches what and why: held against a computation of its own, and against the API's own traversal.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::console::{Content, id};
use crate::support::{LOGIN, SUDO, SUDO_WITHOUT_PASSWORD, Scanned, level, scan, simulated, small, start, wire};
use connector_api::{Access, Grant, Principal, Section};
use jumpcloud_simulator::organization::{Edge, Kind, Node, Organization, Sudo};
use jumpcloud_simulator::{Simulator, SimulatorOptions};
use serde_json::{Value, json};

/// The ids on a path, its level, and whether the account's own flags raised it.
type Path = (Vec<String>, Access, bool);
/// For each principal and resource, the paths.
type Grants = BTreeMap<(String, String), BTreeSet<Path>>;

fn of(sudo: Option<Sudo>) -> Access {
    sudo.map_or(LOGIN, |sudo| level(sudo.enabled, sudo.without_password))
}

/// Every simple way from `way`'s last group upwards, `way` itself first.
fn ways(truth: &Organization, way: Vec<Node>, all: &mut Vec<Vec<Node>>) {
    for group in truth.direct_groups(*way.last().unwrap()) {
        if !way.contains(&group) {
            ways(truth, way.iter().copied().chain([group]).collect(), all);
        }
    }
    all.push(way);
}

/// Every path of a principal, by trying all of them.
fn expected_of(truth: &Organization, principal: Node, grants: &mut Grants) {
    let (own, groups_begin) = match principal.kind {
        Kind::User => {
            let user = truth.user(principal.index);
            (level(user.sudo, user.passwordless_sudo), 1)
        }
        _ => (LOGIN, 0),
    };
    let mut all = Vec::new();
    ways(truth, vec![principal], &mut all);
    for way in all {
        let of_groups = way[groups_begin..].iter().map(|group| of(truth.user_group(group.index).sudo)).max();
        let steps: Vec<String> = way[1..].iter().map(|group| truth.id(*group)).collect();
        let mut enter = |edge: &Edge, to: Node, through: Option<Node>| {
            let of_edges = of(edge.sudo).max(of_groups.clone().unwrap_or(LOGIN));
            let path = match to.kind {
                Kind::System => (of_edges.clone().max(own.clone()), own > of_edges),
                _ => (LOGIN, false),
            };
            let steps = steps.iter().cloned().chain(through.map(|group| truth.id(group))).collect();
            let key = (truth.id(principal), truth.id(to));
            grants.entry(key).or_default().insert((steps, path.0, path.1));
        };
        for kind in Kind::RESOURCES {
            for edge in truth.edges(*way.last().unwrap(), kind) {
                match kind {
                    Kind::SystemGroup => {
                        for system in truth.members(edge.to).iter() {
                            enter(&edge, system, Some(edge.to));
                        }
                    }
                    _ => enter(&edge, edge.to, None),
                }
            }
        }
    }
}

pub(crate) fn principal_id(grant: &Grant) -> &str {
    grant.principal.external_id()
}

/// The grants that memberships and bindings in JumpCloud give: not those of accounts that are local to a device.
fn given(scanned: &Scanned) -> impl Iterator<Item = &Grant> {
    scanned.grants().filter(|grant| grant.access.word != "localAdministrator")
}

fn found(scanned: &Scanned) -> Grants {
    let mut grants = Grants::new();
    for grant in given(scanned) {
        let paths: BTreeSet<Path> = grant
            .via
            .iter()
            .map(|path| {
                let steps = path.steps.iter().map(|step| step.external_id.clone()).collect();
                (steps, path.access.clone(), path.raised_by.as_deref() == Some("accountSudo"))
            })
            .collect();
        assert_eq!(Some(&grant.access), paths.iter().map(|(_, access, _)| access).max(), "the strongest path");
        assert_eq!(grant.direct, paths.iter().any(|(steps, ..)| steps.is_empty()));
        assert!(grant.via.is_sorted_by_key(|path| path.steps.len()), "shortest first");
        let key = (principal_id(grant).to_owned(), grant.resource.external_id.clone());
        assert!(grants.insert(key, paths).is_none(), "twice: {grant:?}");
    }
    grants
}

#[track_caller]
fn assert_same(found: &Grants, expected: &Grants) {
    for (key, paths) in expected {
        assert_eq!(found.get(key), Some(paths), "{key:?}");
    }
    assert_eq!(found.len(), expected.len(), "nothing that does not exist");
}

async fn check_every_grant(options: SimulatorOptions) -> (Simulator, Scanned) {
    let simulator = start(SimulatorOptions { events: Some(0), ..options }).await;
    let truth = simulator.organization();
    // What ends by itself is no edge of the graph: `temporary_access` has it.
    let scanned = scan(simulated(&simulator).with_attribute("includeTemporaryAccess", false)).await;
    let mut expected = Grants::new();
    let users = truth.users().map(|user| Node::new(Kind::User, user.index));
    for principal in users.chain(truth.user_groups().map(|group| Node::new(Kind::UserGroup, group.index))) {
        expected_of(&truth, principal, &mut expected);
    }
    assert_same(&found(&scanned), &expected);
    (simulator, scanned)
}

#[tokio::test]
async fn every_grant_has_the_paths_and_levels_that_the_edges_give() {
    let (_, scanned) = check_every_grant(small()).await;
    let accesses: BTreeSet<&Access> = given(&scanned).map(|grant| &grant.access).collect();
    assert_eq!(accesses.len(), 3, "all levels occur");
    let raised = scanned.grants().flat_map(|grant| &grant.via).any(|path| path.raised_by.is_some());
    let long = scanned.grants().flat_map(|grant| &grant.via).any(|path| path.steps.len() == 3);
    assert!(raised && long, "global flags and nested groups occur");
}

#[tokio::test]
async fn users_are_asked_where_they_are_fewer_and_the_grants_are_the_same() {
    let (simulator, _) = check_every_grant(SimulatorOptions { users: 12, groups: 16, systems: 60, ..small() }).await;
    let requests = simulator.requests();
    assert!(requests.of("users.associations") >= 12, "{requests:?}");
    assert_eq!(requests.of("systems.associations"), 0, "{requests:?}");
    // Once for the accounts, once for the ids to ask.
    assert_eq!(requests.of("systemusers"), 2, "{requests:?}");
}

#[tokio::test]
async fn access_is_the_same_as_by_the_apis_own_traversal() {
    let simulator = start(SimulatorOptions { events: Some(0), ..small() }).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator).with_attribute("includeTemporaryAccess", false)).await;
    let mut expected: BTreeMap<(String, String), Access> = BTreeMap::new();
    for system in truth.systems() {
        for row in wire(&simulator, &format!("/api/v2/systems/{}/users", system.id)).await {
            let user = row["id"].as_str().unwrap();
            let flags = truth.user(truth.find(Kind::User, user).unwrap().index);
            let sudo = &row["compiledAttributes"]["sudo"];
            let compiled = level(sudo["enabled"] == true, sudo["withoutPassword"] == true);
            let access = compiled.max(level(flags.sudo, flags.passwordless_sudo));
            expected.insert((user.to_owned(), system.id.clone()), access);
        }
    }
    let applications = wire(&simulator, "/api/applications").await;
    for application in applications.iter().map(|row| row["_id"].as_str().unwrap()) {
        for row in wire(&simulator, &format!("/api/v2/applications/{application}/users")).await {
            expected.insert((row["id"].as_str().unwrap().to_owned(), application.to_owned()), LOGIN);
        }
    }
    let of_accounts = given(&scanned).filter(|grant| matches!(grant.principal, Principal::Account { .. }));
    let found: BTreeMap<(String, String), Access> = of_accounts
        .filter(|grant| ["system", "application"].contains(&grant.resource.resource_type.as_str()))
        .map(|grant| ((principal_id(grant).to_owned(), grant.resource.external_id.clone()), grant.access.clone()))
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_groups_reach_is_the_same_as_by_the_apis_own_traversal() {
    let simulator = start(SimulatorOptions { events: Some(0), ..small() }).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator)).await;
    let mut expected = BTreeSet::new();
    for group in truth.user_groups() {
        for row in wire(&simulator, &format!("/api/v2/usergroups/{}/systems", group.id)).await {
            expected.insert((group.id.clone(), row["id"].as_str().unwrap().to_owned()));
        }
    }
    let of_groups = scanned.grants().filter(|grant| matches!(grant.principal, Principal::Group { .. }));
    let found: BTreeSet<_> = of_groups
        .filter(|grant| grant.resource.resource_type == "system")
        .map(|grant| (principal_id(grant).to_owned(), grant.resource.external_id.clone()))
        .collect();
    assert_eq!(found, expected);
}

/// One user, groups 10 to 12, device 30 in device group 40, application 50.
pub(crate) fn crafted() -> Content {
    Content::default()
        .list("/api/systemusers", [json!({"_id": id(1), "username": "ada"})])
        .list("/api/v2/usergroups", [10, 11, 12].map(|number| json!({"id": id(number), "name": format!("G{number}")})))
        .list("/api/systems", [json!({"_id": id(30), "hostname": "h"})])
        .list("/api/v2/systemgroups", [json!({"id": id(40), "name": "Servers"})])
        .list("/api/applications", [json!({"_id": id(50), "displayLabel": "Pay"})])
        .edges(&format!("/api/v2/systemgroups/{}/members", id(40)), "system", [(id(30).as_str(), json!(null))])
}

fn member(kind: &str, id: &str) -> Value {
    json!({"to": {"id": id, "type": kind}})
}

#[tokio::test]
async fn the_level_is_the_highest_of_edge_groups_on_the_way_and_account() {
    let sudo = |password: bool| json!({"sudo": {"enabled": true, "withoutPassword": !password}});
    let cases = [
        // Attributes of the inner group, of the outer group, of the edge; the user's flags; the level, who raised it.
        (json!(null), json!(null), json!(null), (false, false), LOGIN, None),
        (sudo(true), json!(null), json!(null), (false, false), SUDO, None),
        (json!(null), sudo(false), json!(null), (false, false), SUDO_WITHOUT_PASSWORD, None),
        (json!(null), sudo(true), sudo(false), (false, false), SUDO_WITHOUT_PASSWORD, None),
        (sudo(true), json!(null), json!(null), (true, true), SUDO_WITHOUT_PASSWORD, Some("accountSudo")),
        (sudo(true), json!(null), json!(null), (true, false), SUDO, None),
        (json!(null), json!(null), json!(null), (true, false), SUDO, Some("accountSudo")),
        (json!(null), json!(null), json!(null), (false, true), LOGIN, None),
        (
            json!({"sudo": {"enabled": false, "withoutPassword": true}}),
            json!(null),
            json!(null),
            (false, false),
            LOGIN,
            None,
        ),
    ];
    for (inner, outer, edge, (flag, without), access, raised) in cases {
        let context = format!("{inner} {outer} {edge} {flag} {without}");
        let console = crafted()
            .list(
                "/api/systemusers",
                [json!({"_id": id(1), "username": "ada", "sudo": flag, "passwordless_sudo": without})],
            )
            .list(
                "/api/v2/usergroups",
                [
                    json!({"id": id(10), "name": "G10", "attributes": inner}),
                    json!({"id": id(11), "name": "G11", "attributes": outer}),
                ],
            )
            .list(&format!("/api/v2/usergroups/{}/members", id(10)), [member("user", &id(1))])
            .list(&format!("/api/v2/usergroups/{}/members", id(11)), [member("user_group", &id(10))])
            .edges(
                &format!("/api/v2/systemgroups/{}/associations?targets=user_group", id(40)),
                "user_group",
                [(id(11).as_str(), edge)],
            )
            .serve()
            .await;
        let scanned = scan(console.system()).await;
        let grant = scanned.grants().find(|grant| principal_id(grant) == id(1)).unwrap();
        assert_eq!((&grant.access, grant.direct, grant.via.len()), (&access, false, 1), "{context}");
        assert_eq!(grant.via[0].raised_by.as_deref(), raised, "{context}");
        let names: Vec<&str> = grant.via[0].steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["G10", "G11", "Servers"], "{context}");
    }
}

#[tokio::test]
async fn cycles_dangling_ids_and_unknown_types_are_counted_and_harm_nothing() {
    let members = |group: u64| format!("/api/v2/usergroups/{}/members", id(group));
    let console = crafted()
        .list(
            &members(10),
            [member("user", &id(1)), member("user_group", &id(12)), member("user", &id(99)), member("robot", &id(7))],
        )
        .list(
            &members(11),
            [member("user_group", &id(10)), member("user_group", &id(11)), member("user_group", &id(98))],
        )
        .list(&members(12), [member("user_group", &id(11))])
        .edges(
            &format!("/api/v2/systems/{}/associations?targets=user_group", id(30)),
            "user_group",
            [(id(12).as_str(), json!(null)), (id(97).as_str(), json!(null))],
        )
        .edges(
            &format!("/api/v2/applications/{}/associations?targets=user_group", id(50)),
            "spaceship",
            [(id(10).as_str(), json!(null))],
        )
        .edges(
            &format!("/api/v2/systems/{}/associations?targets=user", id(30)),
            "user",
            [(id(96).as_str(), json!(null))],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    for report in &scanned.summary.sections {
        assert_eq!(report.status.error(), None, "{}", report.section);
    }
    let examples = |section: Section| -> Vec<(String, String)> {
        let report = scanned.summary.section(section).unwrap();
        assert_eq!(report.dangling as usize, report.dangling_examples.len());
        report.dangling_examples.iter().map(|example| (example.from.clone(), example.to.clone())).collect()
    };
    let group = |number: u64| format!("group {}", id(number));
    assert_eq!(
        examples(Section::MEMBERSHIPS),
        [
            (group(10), format!("\"robot\" {}", id(7))),
            (group(10), format!("user {}", id(99))),
            (group(11), format!("user_group {}", id(98))),
        ]
    );
    let grants = examples(Section::GRANTS);
    assert_eq!(grants.len(), 3, "{grants:?}");
    assert!(grants.contains(&(format!("application {}", id(50)), format!("\"spaceship\" {}", id(10)))), "{grants:?}");
    assert!(grants.contains(&(format!("user_group {}", id(97)), format!("system {}", id(30)))), "{grants:?}");
    assert!(grants.contains(&(format!("user {}", id(96)), format!("system {}", id(30)))), "{grants:?}");
    // The user is in all three groups of the circle, each once.
    let rows: Vec<_> = scanned.memberships().map(|row| (row.group_name.as_str(), row.via.len())).collect();
    assert_eq!(rows, [("G10", 0), ("G11", 1), ("G12", 2)]);
    let grant = scanned.grants().find(|grant| principal_id(grant) == id(1)).unwrap();
    let names: Vec<&str> = grant.via[0].steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!((grant.via.len(), names), (1, vec!["G10", "G11", "G12"]));
}

#[tokio::test]
async fn a_dense_mesh_of_groups_ends_and_loses_no_grant() {
    // Each of 14 groups is a member of each other one: more simple ways than anybody could list.
    let groups: Vec<u64> = (100..114).collect();
    let mut content = crafted().list(
        "/api/v2/usergroups",
        groups.iter().map(|number| json!({"id": id(*number), "name": format!("M{number}")})),
    );
    for &group in &groups {
        let others = groups.iter().filter(|other| **other != group).map(|other| member("user_group", &id(*other)));
        let user = (group == 100).then(|| member("user", &id(1)));
        content = content.list(&format!("/api/v2/usergroups/{}/members", id(group)), others.chain(user));
    }
    let far = id(113);
    let console = content
        .edges(
            &format!("/api/v2/systems/{}/associations?targets=user_group", id(30)),
            "user_group",
            [(far.as_str(), json!(null))],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let grant = scanned.grants().find(|grant| principal_id(grant) == id(1)).unwrap();
    assert_eq!((grant.via.len(), grant.via[0].steps.len()), (32, 2), "the shortest paths");
    assert!(grant.more_paths > 32, "{}", grant.more_paths);
    assert_eq!(scanned.memberships().count(), 14);
}

#[tokio::test]
async fn the_strongest_of_more_ways_than_are_followed_is_found() {
    // The user is in 40 groups, each a member of 30 others that reach a device; one of the 40 gives more.
    let (inner, outer): (Vec<u64>, Vec<u64>) = ((100..140).collect(), (200..230).collect());
    let group = |number: &u64| {
        let strong = (*number == 139).then(|| json!({"sudo": {"enabled": true, "withoutPassword": true}}));
        json!({"id": id(*number), "name": format!("G{number}"), "attributes": strong})
    };
    let mut content = crafted().list("/api/v2/usergroups", inner.iter().chain(&outer).map(group));
    for &number in &inner {
        content = content.list(&format!("/api/v2/usergroups/{}/members", id(number)), [member("user", &id(1))]);
    }
    for &number in &outer {
        let groups = inner.iter().map(|number| member("user_group", &id(*number)));
        content = content.list(&format!("/api/v2/usergroups/{}/members", id(number)), groups);
    }
    let bound: Vec<String> = outer.iter().map(|number| id(*number)).collect();
    let console = content
        .edges(
            &format!("/api/v2/systems/{}/associations?targets=user_group", id(30)),
            "user_group",
            bound.iter().map(|group| (group.as_str(), json!(null))),
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let grant = scanned.grants().find(|grant| principal_id(grant) == id(1)).unwrap();
    assert_eq!(grant.access, SUDO_WITHOUT_PASSWORD);
    assert!(grant.via.iter().any(|path| path.access == grant.access && path.steps[0].name == "G139"), "{grant:?}");
}
