//! The graph: members, associations, traversals, and the stories of the demo organisation.

use crate::support::{Console, options, texts};
use jumpcloud_simulator::organization::{
    Actor, Kind, Node, Sudo, UserState, cast_of_administrators, cast_of_groups, cast_of_system_groups, cast_of_users,
};
use jumpcloud_simulator::{Behaviour, SimulatorOptions};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[tokio::test]
async fn members_and_groups_agree_from_both_sides() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let mut from_groups = BTreeSet::new();
    for group in truth.user_groups() {
        from_groups.extend(truth.group_users(group.index).into_iter().map(|user| (user, group.index)));
    }
    let from_users: BTreeSet<_> = truth
        .users()
        .flat_map(|user| truth.groups_of(user.index).into_iter().map(move |group| (user.index, group)))
        .collect();
    assert_eq!(from_groups, from_users);
}

#[tokio::test]
async fn what_a_user_reaches_is_the_same_by_all_ways_of_asking() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let sudo =
        |row: &Value| serde_json::from_value::<Compiled>(row["compiledAttributes"]["sudo"].clone()).unwrap().into();
    let mut from_systems: BTreeMap<u64, BTreeMap<u64, Sudo>> = BTreeMap::new();
    for system in truth.systems() {
        for row in console.all(&format!("/api/v2/systems/{}/users", system.id), 100).await {
            let user = truth.find(Kind::User, row["id"].as_str().unwrap()).unwrap().index;
            from_systems.entry(user).or_default().insert(system.index, sudo(&row));
        }
    }
    for index in (0..300).step_by(7).chain(0..15) {
        let effective = truth.effective_systems(index);
        assert_eq!(from_systems.get(&index).cloned().unwrap_or_default(), effective, "user {index}");
        let id = truth.id(Node::new(Kind::User, index));
        let from_user: BTreeMap<u64, Sudo> = console
            .all(&format!("/api/v2/users/{id}/systems"), 100)
            .await
            .iter()
            .map(|row| (truth.find(Kind::System, row["id"].as_str().unwrap()).unwrap().index, sudo(row)))
            .collect();
        assert_eq!(from_user, effective, "user {index}");
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Compiled {
    enabled: bool,
    without_password: bool,
}

impl From<Compiled> for Sudo {
    fn from(Compiled { enabled, without_password }: Compiled) -> Self {
        Self { enabled, without_password }
    }
}

#[tokio::test]
async fn direct_edges_are_the_same_from_both_ends() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    for principal in [Kind::User, Kind::UserGroup] {
        for resource in Kind::RESOURCES {
            let edges = |from: Kind, to: Kind| -> BTreeSet<(Node, Node, bool)> {
                let nodes = (0..truth.census(from).count()).map(|index| Node::new(from, index));
                let edges = nodes.flat_map(|node| truth.edges(node, to));
                edges.map(|edge| (edge.from, edge.to, edge.sudo.is_some_and(|sudo| sudo.enabled))).collect()
            };
            assert_eq!(edges(principal, resource), edges(resource, principal), "{principal:?} {resource:?}");
        }
    }
    let system = truth.id(Node::new(Kind::System, 0));
    let users = console.all(&format!("/api/v2/systems/{system}/associations?targets=user"), 100).await;
    let expected: Vec<String> =
        truth.edges(Node::new(Kind::System, 0), Kind::User).iter().map(|edge| truth.id(edge.from)).collect();
    assert_eq!(texts(&users, "/to/id"), expected);
    assert_eq!(console.status(&format!("/api/v2/systems/{system}/associations")).await, 400);
    assert_eq!(console.status(&format!("/api/v2/systems/{system}/associations?targets=policy_cat")).await, 400);
}

#[tokio::test]
async fn the_demo_organisation_has_its_stories() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();

    let without_mfa = truth.user(cast_of_users::ADMIN_WITHOUT_MFA);
    assert!(!without_mfa.mfa.configured);
    assert!(truth.groups_of(without_mfa.index).contains(&cast_of_groups::DOMAIN_ADMINS));

    let engineer = Node::new(Kind::User, cast_of_users::ON_CALL_ENGINEER);
    let groups = truth.groups_of(engineer.index);
    assert!(groups.contains(&cast_of_groups::SRE_ON_CALL) && !groups.contains(&cast_of_groups::PRODUCTION_ROOT));
    let server = truth.group_systems(cast_of_system_groups::PRODUCTION_SERVERS)[1];
    assert_eq!(truth.effective_systems(engineer.index)[&server], Sudo { enabled: true, without_password: true });
    let rows = console.all(&format!("/api/v2/users/{}/systems", truth.id(engineer)), 100).await;
    let row = rows.iter().find(|row| row["id"] == truth.id(Node::new(Kind::System, server))).unwrap();
    let longest = row["paths"].as_array().unwrap().iter().max_by_key(|path| path.as_array().unwrap().len()).unwrap();
    let kinds: Vec<&str> =
        longest.as_array().unwrap().iter().map(|step| step["to"]["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["user_group", "user_group", "system_group", "system"]);

    let suspended = truth.user(cast_of_users::SUSPENDED_BUT_BOUND);
    assert_eq!(suspended.state, UserState::Suspended);
    assert!(truth.effective_systems(suspended.index).contains_key(&0));

    let logins = truth.last_logins();
    assert!(!logins.contains_key(&Actor::User(cast_of_users::DBA_NEVER_LOGGED_IN)));
    assert!(truth.groups_of(cast_of_users::DBA_NEVER_LOGGED_IN).contains(&cast_of_groups::DBA));
    assert!(logins.len() > 200, "{} log in", logins.len());

    let administrators: Vec<_> = truth.administrators().collect();
    let emails: BTreeSet<String> = truth.users().map(|user| user.email).collect();
    assert!(!emails.contains(&administrators[cast_of_administrators::WITHOUT_USER as usize].email));
    assert!(emails.contains(&administrators[cast_of_administrators::SAME_EMAIL as usize].email));
    let key = administrators[cast_of_administrators::STALE_API_KEY as usize].api_key_created_at.unwrap();
    assert!(key < "2021-01-01T00:00:00Z".parse().unwrap());
}

#[tokio::test]
async fn the_demo_organisation_has_names_of_each_kind_that_mean_harm() {
    let console = Console::start(SimulatorOptions::default()).await;
    for (path, field) in [
        ("/api/systemusers?sort=_id", "displayname"),
        ("/api/v2/usergroups", "name"),
        ("/api/systems?sort=_id", "displayName"),
        ("/api/applications?sort=_id", "displayLabel"),
    ] {
        let rows = console.all(path, 100).await;
        let names: Vec<&str> = rows.iter().filter_map(|row| row[field].as_str()).collect();
        let has = |what: &str, is: &dyn Fn(&str) -> bool| {
            assert!(names.iter().any(|name| is(name)), "{path} has no name with {what}: {names:?}");
        };
        has("a script", &|name| name.contains("<script>"));
        has("an override of the direction", &|name| name.contains('\u{202e}'));
        has("a line break", &|name| name.contains("\r\n"));
        has("300 characters", &|name| name.chars().count() == 300);
    }
}

#[tokio::test]
async fn edges_to_policies_commands_and_passwords_are_the_same_from_both_ends() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let kinds = Kind::ALL.into_iter().filter(|kind| !kind.targets().0.is_empty());
    let mut edges: BTreeMap<(Kind, Kind), BTreeSet<(Node, Node)>> = BTreeMap::new();
    for from in kinds {
        let (known, new) = from.targets();
        for to in known.iter().chain(new).filter_map(|name| Kind::of_name(name)) {
            let nodes = (0..truth.census(from).count()).map(|index| Node::new(from, index));
            let found = nodes.flat_map(|node| truth.edges(node, to)).map(|edge| (edge.from, edge.to)).collect();
            edges.insert((from, to), found);
        }
    }
    for ((from, to), found) in &edges {
        assert_eq!(Some(found), edges.get(&(*to, *from)), "{from:?} {to:?}");
    }
    for pair in [
        (Kind::System, Kind::Command),
        (Kind::SystemGroup, Kind::Policy),
        (Kind::UserGroup, Kind::PolicyGroup),
        (Kind::UserGroup, Kind::IdpRoutingPolicy),
        (Kind::User, Kind::PasswordManagerItem),
        (Kind::Command, Kind::PasswordManagerItem),
        (Kind::SystemGroup, Kind::RadiusServer),
    ] {
        assert!(!edges[&pair].is_empty(), "{pair:?}");
    }
}

#[tokio::test]
async fn several_targets_are_answered_together_unless_the_service_takes_one() {
    let group = |console: &Console| console.simulator.organization().id(Node::new(Kind::UserGroup, 2));
    let path = |group: &str, targets: &str| format!("/api/v2/usergroups/{group}/associations?targets={targets}");
    let all = "application,ldap_server,system_group,idp_routing_policy";
    let console = Console::start(options()).await;
    let id = group(&console);
    let mut one_by_one = Vec::new();
    for target in all.split(',') {
        one_by_one.extend(console.all(&path(&id, target), 100).await);
    }
    let together = console.all(&path(&id, all), 100).await;
    let types: BTreeSet<String> = texts(&together, "/to/type").into_iter().collect();
    assert!(types.len() > 1, "{types:?}");
    assert_eq!(together, one_by_one);
    assert_eq!(console.all(&path(&id, "policy"), 100).await.len(), 0);

    let with = async |difference: &str| {
        let behaviour = Behaviour::observed().with(difference).unwrap();
        Console::start(SimulatorOptions { behaviour, ..options() }).await
    };
    let first = with("several-targets=first").await;
    assert_eq!(first.all(&path(&id, all), 100).await, first.all(&path(&id, "application"), 100).await);
    let with_rows = with("several-targets=first-with-rows").await;
    let directories = with_rows.all(&path(&id, "ldap_server"), 100).await;
    assert!(!directories.is_empty());
    assert_eq!(with_rows.all(&path(&id, "policy,ldap_server,system_group"), 100).await, directories);
    let last = with("several-targets=last").await;
    assert_eq!(last.all(&path(&id, all), 100).await, last.all(&path(&id, "idp_routing_policy"), 100).await);
    let for_some = with("several-targets=first-for-some").await;
    assert_eq!(for_some.all(&path(&id, all), 100).await, together, "every second object has all");
    let next = for_some.simulator.organization().id(Node::new(Kind::UserGroup, 3));
    let only = for_some.all(&path(&next, "application"), 100).await;
    assert_eq!(for_some.all(&path(&next, all), 100).await, only);
    let refused = with("several-targets=refused").await;
    assert_eq!((refused.status(&path(&id, all)).await, refused.status(&path(&id, "application")).await), (400, 200));
    let older = with("new-targets=refused").await;
    assert_eq!((older.status(&path(&id, "policy")).await, older.status(&path(&id, "radius_server")).await), (400, 200));
}

#[tokio::test]
async fn every_kind_of_object_answers_all_of_its_targets_together() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    for kind in Kind::ALL.into_iter().filter(|kind| !kind.targets().0.is_empty()) {
        let (known, new) = kind.targets();
        let targets: Vec<&str> = known.iter().chain(new).copied().collect();
        for index in 0..truth.census(kind).count().min(30) {
            let id = truth.id(Node::new(kind, index));
            let list = |targets: String| format!("/api/v2/{}/{id}/associations?targets={targets}", kind.segment());
            let mut one_by_one = Vec::new();
            for target in &targets {
                one_by_one.extend(console.all(&list((*target).to_owned()), 100).await);
            }
            assert_eq!(console.all(&list(targets.join(",")), 100).await, one_by_one, "{kind:?} {index}");
        }
    }
}

#[tokio::test]
async fn a_device_lists_the_device_groups_that_contain_it() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let (mut of_devices, mut of_groups) = (BTreeSet::new(), BTreeSet::new());
    for device in truth.systems() {
        for row in console.all(&format!("/api/v2/systems/{}/memberof", device.id), 100).await {
            assert_eq!(row["type"], "system_group");
            let paths = row["paths"].as_array().unwrap();
            assert!(paths.iter().all(|path| path.as_array().unwrap().len() == 1), "{row}");
            assert!(row["compiledAttributes"].is_object() && row.get("name").is_none(), "{row}");
            of_devices.insert((row["id"].as_str().unwrap().to_owned(), device.id.clone()));
        }
    }
    for group in (0..truth.census(Kind::SystemGroup).count()).map(|index| truth.id(Node::new(Kind::SystemGroup, index)))
    {
        let members = console.all(&format!("/api/v2/systemgroups/{group}/members"), 100).await;
        of_groups.extend(texts(&members, "/to/id").into_iter().map(|device| (group.clone(), device)));
    }
    assert!(!of_groups.is_empty());
    assert_eq!(of_devices, of_groups);
}

#[tokio::test]
async fn the_directories_of_somebody_are_those_of_all_kinds() {
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    let mut found = 0;
    for (kind, indices) in [(Kind::User, 0..40), (Kind::UserGroup, 0..24)] {
        for index in indices {
            let id = truth.id(Node::new(kind, index));
            let of = async |what: &str| console.all(&format!("/api/v2/{}/{id}/{what}", kind.segment()), 100).await;
            let mut by_kind = Vec::new();
            for directory in Kind::DIRECTORIES {
                by_kind.extend(of(directory.segment()).await);
            }
            found += by_kind.len();
            assert_eq!(of("directories").await, by_kind, "{kind:?} {index}");
        }
    }
    assert!(found > 20, "{found}");
}

#[tokio::test]
async fn whoever_does_not_exist_is_in_no_group_and_a_group_that_does_not_is_not_found() {
    let console = Console::start(options()).await;
    let nobody = "ffffffffffffffffffffffff";
    assert_eq!(console.json(&format!("/api/v2/users/{nobody}/memberof")).await, serde_json::json!([]));
    assert_eq!(console.status("/api/v2/users/zzz/memberof").await, 400);
    let refused = console.get(&format!("/api/v2/usergroups/{nobody}/members")).await;
    assert_eq!(refused.status().as_u16(), 404);
    assert_eq!(refused.json::<Value>().await.unwrap(), serde_json::json!({ "message": "Not Found" }));
    let user = console.simulator.organization().user(0).id;
    assert_eq!(console.status(&format!("/api/v2/users/{user}/associations?targets=user_group")).await, 400);
}

#[tokio::test]
async fn edges_and_first_steps_leave_out_from_where_it_is_clear() {
    for (behaviour, edges, first, whole) in
        [(Behaviour::observed(), false, false, true), (Behaviour::published(), true, true, false)]
    {
        let console = Console::start(SimulatorOptions { behaviour, ..options() }).await;
        let truth = console.simulator.organization();
        let group = truth.id(Node::new(Kind::UserGroup, cast_of_groups::PRODUCTION_ROOT));
        for list in ["members", "associations?targets=system_group"] {
            let rows = console.all(&format!("/api/v2/usergroups/{group}/{list}"), 100).await;
            assert!(!rows.is_empty() && rows.iter().all(|row| row.get("from").is_some() == edges), "{list}");
        }
        // The engineer reaches servers through two groups, of which one gives rights.
        let engineer = truth.id(Node::new(Kind::User, cast_of_users::ON_CALL_ENGINEER));
        let rows = console.all(&format!("/api/v2/users/{engineer}/systems"), 100).await;
        let paths: Vec<&Vec<Value>> =
            rows.iter().flat_map(|row| row["paths"].as_array().unwrap()).map(|path| path.as_array().unwrap()).collect();
        assert!(paths.iter().any(|path| path.len() == 4));
        for path in paths {
            let given: Vec<bool> = path.iter().map(|step| step.get("from").is_some()).collect();
            assert!(given[0] == first && given[1..].iter().all(|given| *given), "{given:?}");
            for group in path.iter().map(|step| &step["to"]).filter(|to| to["type"] == "user_group") {
                assert_eq!(group["attributes"]["sambaEnabled"].is_boolean(), whole, "{group}");
            }
        }
    }
}
