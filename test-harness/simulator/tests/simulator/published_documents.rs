//! Every answer of the simulator, held against JumpCloud's published specifications, where they are at hand.

use crate::fault_text::Spec;
use crate::support::{Console, options};
use jumpcloud_simulator::organization::{Kind, Node};
use jumpcloud_simulator::{Behaviour, SimulatorOptions, UsersEndpoint};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn definition(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

fn array_of(name: &str) -> Value {
    json!({ "type": "array", "items": definition(name) })
}

fn results_of(name: &str) -> Value {
    json!({
        "type": "object",
        "properties": { "results": array_of(name), "totalCount": { "type": "integer" } },
        "required": ["results", "totalCount"],
    })
}

#[test]
fn the_comparison_notices_wrong_types_and_unknown_fields() {
    let Some(spec) = Spec::read("jumpcloud-v2.json") else {
        return;
    };
    let wrong =
        json!([{ "id": 1, "type": "user_group", "attributes": { "sudo": { "enabled": true } }, "colour": "red" }]);
    let faults = spec.faults(&array_of("UserGroup"), &wrong);
    assert_eq!(faults.len(), 3, "{faults:?}");
}

/// The service as its documents describe it.
fn published() -> SimulatorOptions {
    SimulatorOptions { behaviour: Behaviour::published(), ..options() }
}

/// An answer, where it is from, and the schema of it.
type Described = (String, Value, Value);

/// What the V1 API answers.
async fn v1(console: &Console) -> Vec<Described> {
    let organization = console.simulator.organization().organization_id();
    let mut described = Vec::new();
    for (path, schema) in [
        ("/api/systemusers", definition("systemuserslist")),
        ("/api/systems", definition("systemslist")),
        ("/api/applications", definition("applicationslist")),
        ("/api/organizations", definition("organizationslist")),
        ("/api/radiusservers", definition("radiusserverslist")),
        ("/api/users", results_of("userreturn")),
        ("/api/commands", definition("commandslist")),
        (&format!("/api/organizations/{organization}"), definition("organization")),
    ] {
        for skip in [0, 100, 200] {
            let body = console.json(&format!("{path}?limit=100&skip={skip}")).await;
            described.push((format!("{path} from {skip}"), schema.clone(), body));
        }
        let refusal = console.client.get(console.simulator.url() + path).send().await.unwrap();
        described.push((path.to_owned(), definition("Error"), refusal.json().await.unwrap()));
    }
    for (path, schema) in [("/api/search/systemusers", "systemuserslist"), ("/api/search/systems", "systemsSearchlist")]
    {
        let body: Value = console.post(path, json!({ "limit": 100 })).await.json().await.unwrap();
        assert_eq!(body["results"].as_array().unwrap().len(), if path.ends_with("users") { 100 } else { 60 });
        // The same objects as the list's; `delegatedAuthority` stands in that definition alone.
        described.push((path.to_owned(), definition(schema), body));
    }
    described
}

/// What the V2 API answers.
async fn v2(console: &Console) -> Vec<Described> {
    let truth = console.simulator.organization();
    let mut asked = vec![
        ("/usergroups".to_owned(), array_of("UserGroup")),
        ("/systemgroups".to_owned(), array_of("SystemGroup")),
        ("/groups".to_owned(), array_of("Group")),
        ("/policies".to_owned(), array_of("Policy")),
        ("/policygroups".to_owned(), array_of("PolicyGroup")),
        ("/directories".to_owned(), array_of("Directory")),
        ("/ldapservers".to_owned(), array_of("ldap-server")),
        ("/activedirectories".to_owned(), array_of("active-directory")),
        // Policies have fields that this document does not describe: they are held against the newest one.
        ("/iplists".to_owned(), array_of("IPList")),
        ("/systeminsights/users".to_owned(), array_of("system-insights-users")),
        ("/systeminsights/groups".to_owned(), array_of("system-insights-groups")),
        ("/systeminsights/user_groups".to_owned(), array_of("system-insights-user-groups")),
        ("/systeminsights/authorized_keys".to_owned(), array_of("system-insights-authorized-keys")),
    ];
    for index in 0..12 {
        let id = |kind| truth.id(Node::new(kind, index));
        let group = id(Kind::UserGroup);
        asked.push((format!("/usergroups/{group}"), definition("UserGroup")));
        asked.push((format!("/usergroups/{group}/members"), array_of("GraphConnection")));
        for of_group in
            ["membership", "memberof", "systems", "systemgroups", "applications", "ldapservers", "directories"]
        {
            asked.push((format!("/usergroups/{group}/{of_group}"), array_of("GraphObjectWithPaths")));
        }
        for of_user in ["memberof", "systems", "systemgroups", "applications", "gsuites", "directories"] {
            asked.push((format!("/users/{}/{of_user}", id(Kind::User)), array_of("GraphObjectWithPaths")));
        }
        for of_system in ["memberof", "users", "usergroups"] {
            asked.push((format!("/systems/{}/{of_system}", id(Kind::System)), array_of("GraphObjectWithPaths")));
        }
        for of_application in ["users", "usergroups"] {
            let path = format!("/applications/{}/{of_application}", id(Kind::Application));
            asked.push((path, array_of("GraphObjectWithPaths")));
        }
    }
    for (kind, count) in [(Kind::User, 12), (Kind::UserGroup, 12), (Kind::System, 3), (Kind::SystemGroup, 3)]
        .into_iter()
        .chain(Kind::RESOURCES.map(|kind| (kind, 1)))
        .chain(
            [Kind::Command, Kind::Policy, Kind::PolicyGroup, Kind::IdpRoutingPolicy, Kind::PasswordManagerItem]
                .map(|kind| (kind, 1)),
        )
    {
        let (known, new) = kind.targets();
        for index in 0..count {
            for target in known.iter().chain(new) {
                let path =
                    format!("/{}/{}/associations?targets={target}", kind.segment(), truth.id(Node::new(kind, index)));
                asked.push((path, array_of("GraphConnection")));
            }
        }
    }
    let group = truth.id(Node::new(Kind::SystemGroup, 3));
    asked.push((format!("/systemgroups/{group}/members"), array_of("GraphConnection")));
    asked.push((format!("/systemgroups/{group}/membership"), array_of("GraphObjectWithPaths")));
    asked.push((format!("/systemgroups/{group}/users"), array_of("GraphObjectWithPaths")));
    let (mut described, mut rows) = (Vec::new(), 0);
    for (path, schema) in asked {
        let mark = if path.contains('?') { '&' } else { '?' };
        let body = console.json(&format!("/api/v2{path}{mark}limit=100")).await;
        rows += body.as_array().map_or(1, Vec::len);
        described.push((path, schema, body));
    }
    assert!(rows > 1_000, "{rows} rows looked at");
    for path in [
        "/api/v2/usergroups/zzz/members",
        "/api/v2/usergroups/ffffffffffffffffffffffff/members",
        "/api/v2/nothing",
        "/api/v2/users",
        "/api/v2/usergroups?filter=nonsense",
    ] {
        let response = console.get(path).await;
        assert!(response.status().is_client_error());
        described.push((path.to_owned(), definition("Error"), response.json().await.unwrap()));
    }
    described
}

/// In what answers differ from a specification.
fn departures(spec: &Spec, described: Vec<Described>) -> BTreeSet<String> {
    described.into_iter().flat_map(|(_, schema, body)| spec.faults(&schema, &body)).collect()
}

#[tokio::test]
async fn the_answers_of_v1_are_as_published() {
    let Some(spec) = Spec::read("jumpcloud-v1.json") else {
        return;
    };
    for (path, schema, body) in v1(&Console::start(published()).await).await {
        spec.assert(&schema, &body, &path);
    }
}

#[tokio::test]
async fn the_answers_of_v2_are_as_published() {
    let Some(spec) = Spec::read("jumpcloud-v2.json") else {
        return;
    };
    for (path, schema, body) in v2(&Console::start(published()).await).await {
        spec.assert(&schema, &body, &path);
    }
}

#[tokio::test]
async fn the_service_as_observed_departs_from_its_specifications_where_it_was_seen_to() {
    let (Some(spec_1), Some(spec_2)) = (Spec::read("jumpcloud-v1.json"), Spec::read("jumpcloud-v2.json")) else {
        return;
    };
    let console = Console::start(options()).await;
    let of_v1 = departures(&spec_1, v1(&console).await);
    let of_v2 = departures(&spec_2, v2(&console).await);
    let texts = |departures: &BTreeSet<String>| departures.iter().map(|text| text.replace('"', "")).collect::<Vec<_>>();
    assert_eq!(
        texts(&of_v1),
        [
            ".id is not in the specification",
            ".logoUrl: value is not of type string",
            ".provider: value is not of type string",
            ".results[].caSource is not in the specification",
            ".results[].color: value is not of type string",
            ".results[].color: value is not one of #202D38, #005466 or 10 other candidates",
            ".results[].commandRunners is not in the specification",
            ".results[].config: value is not of type object",
            ".results[].created is not in the specification",
            ".results[].employeeIdentifier: value is not of type string",
            ".results[].id is not in the specification",
            ".results[].logoUrl: value is not of type string",
            ".results[].mdm.enrollmentType is not in the specification",
            ".results[].mdm.internal is not in the specification",
            ".results[].mfaEnrollment.smsStatus is not in the specification",
            ".results[].sudo is not in the specification",
            ".results[].systemUsername is not in the specification",
            ".results[].tagNames is not in the specification",
            ".results[].tags is not in the specification",
            ".results[].user is not in the specification",
        ]
    );
    assert_eq!(
        texts(&of_v2),
        [
            ".memberQuery.filters[]: value is not of type string",
            ".memberQuery: value is not of type object",
            "[].attributes: value is not of type object",
            "[].last_login: value is not of type string",
            "[].oAuthStatus: value is not of type object",
        ]
    );
}

#[tokio::test]
async fn the_answers_to_a_provider_are_as_published() {
    let Some(spec) = Spec::read("jumpcloud-v2.json") else {
        return;
    };
    let users_endpoint = UsersEndpoint::Both;
    let console = Console::start(SimulatorOptions { organizations: 3, users_endpoint, ..published() }).await;
    let truth = console.simulator.organization();
    let provider = truth.id(Node::new(Kind::Provider, 0));
    let administrator = truth.id(Node::new(Kind::Administrator, 0));
    for (path, schema) in [
        (format!("/providers/{provider}/organizations"), results_of("Organization")),
        (format!("/providers/{provider}/administrators"), results_of("Administrator")),
        (format!("/administrators/{administrator}/organizationlinks"), array_of("AdministratorOrganizationLink")),
    ] {
        let body = console.json(&format!("/api/v2{path}?limit=100")).await;
        spec.assert(&schema, &body, &path);
    }
}

/// The newest documents, which describe more than the others.
const NEWEST: &str = "2026-08/v2.yaml";

#[tokio::test]
async fn the_answers_of_v2_are_as_the_newest_documents_say() {
    let Some(spec) = Spec::read_openapi(NEWEST) else {
        return;
    };
    let console = Console::start(published()).await;
    let truth = console.simulator.organization();
    let id = |kind| truth.id(Node::new(kind, 2));
    for (path, one) in [
        ("/groups", None),
        ("/usergroups/{id}", Some(Kind::UserGroup)),
        ("/usergroups/{group_id}/members", Some(Kind::UserGroup)),
        ("/usergroups/{group_id}/membership", Some(Kind::UserGroup)),
        ("/usergroups/{group_id}/directories", Some(Kind::UserGroup)),
        ("/users/{user_id}/directories", Some(Kind::User)),
        ("/users/{user_id}/memberof", Some(Kind::User)),
        ("/systems/{system_id}/users", Some(Kind::System)),
        ("/systemgroups/{group_id}/membership", Some(Kind::SystemGroup)),
        ("/directories", None),
        ("/ldapservers", None),
        ("/activedirectories", None),
        ("/authn/policies", None),
        ("/iplists", None),
        ("/roles", None),
        ("/service-accounts", None),
        ("/approvalflowrequest", None),
        ("/policies", None),
        ("/policygroups", None),
        ("/systeminsights/users", None),
        ("/systeminsights/groups", None),
        ("/systeminsights/user_groups", None),
        ("/systeminsights/authorized_keys", None),
    ] {
        let schema = spec.answer("get", path, "200").unwrap_or_else(|| panic!("{path} is not described"));
        let asked = path.split('/').map(|part| match (part.starts_with('{'), one) {
            (true, Some(kind)) => id(kind),
            _ => part.to_owned(),
        });
        let asked: Vec<String> = asked.collect();
        let body = console.json(&format!("/api/v2{}?limit=100", asked.join("/"))).await;
        spec.assert(schema, &body, path);
    }
}

#[tokio::test]
async fn password_policies_are_listed_in_the_shape_of_a_single_one() {
    let Some(spec) = Spec::read_openapi(NEWEST) else {
        return;
    };
    let schema = spec.answer("get", "/passwordpolicies/{objectId}", "200").unwrap();
    let behaviour = Behaviour::published().with("password-policies=listed").unwrap();
    let console = Console::start(SimulatorOptions { behaviour, ..options() }).await;
    let listed = console.json("/api/v2/passwordpolicies").await;
    assert_eq!(listed.as_array().unwrap().len(), console.simulator.organization().password_policies().len());
    for policy in listed.as_array().unwrap() {
        spec.assert(schema, policy, "/passwordpolicies");
    }
}

#[tokio::test]
async fn every_association_target_of_the_documents_is_taken_and_no_other() {
    let (Some(spec), Some(newest)) = (Spec::read("jumpcloud-v2.json"), Spec::read_openapi(NEWEST)) else {
        return;
    };
    let console = Console::start(options()).await;
    let truth = console.simulator.organization();
    for kind in Kind::ALL.into_iter().filter(|kind| !kind.targets().0.is_empty()) {
        let segment = kind.segment();
        let (_, path) = [&spec, &newest]
            .into_iter()
            .find_map(|spec| {
                let paths = spec.at("/paths").unwrap().as_object().unwrap();
                let fits = |path: &&String| {
                    path.strip_prefix(&format!("/{segment}/"))
                        .is_some_and(|rest| rest.starts_with('{') && rest.ends_with("}/associations"))
                };
                paths.keys().find(fits).map(|path| (spec, path.clone()))
            })
            .unwrap_or_else(|| panic!("{segment} has no associations"));
        let (known, new) = kind.targets();
        let known: BTreeSet<&str> = known.iter().copied().collect();
        let all: BTreeSet<&str> = known.iter().chain(new).copied().collect();
        let described = spec.targets(&path);
        assert!(described.is_empty() || described == known, "{path}: {described:?}, not {known:?}");
        assert_eq!(newest.targets(&path), all, "{path}");
        let id = truth.id(Node::new(kind, 0));
        let associations = format!("/api/v2/{segment}/{id}/associations");
        for target in &all {
            assert_eq!(console.status(&format!("{associations}?targets={target}")).await, 200, "{segment} to {target}");
        }
        let every = all.iter().copied().collect::<Vec<_>>().join(",");
        assert_eq!(console.status(&format!("{associations}?targets={every}")).await, 200, "{segment} to {every}");
        let other = if kind == Kind::User { "user_group" } else { "software_app" };
        assert_eq!(console.status(&format!("{associations}?targets={other}")).await, 400, "{segment} to {other}");
    }
}
