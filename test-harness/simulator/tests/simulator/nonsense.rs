//! Whatever a client sends, it is answered: a panic would break the connection.

use crate::support::{Console, options};
use jumpcloud_simulator::organization::{Kind, Node};
use jumpcloud_simulator::{SimulatorOptions, UsersEndpoint};
use serde_json::{Value, json};

/// Every listing and every object, with ids that exist where there are any.
fn paths(console: &Console) -> Vec<String> {
    let truth = console.simulator.organization();
    let mut paths: Vec<String> = [
        "systemusers",
        "systems",
        "applications",
        "organizations",
        "users",
        "radiusservers",
        "commands",
        "v2/users",
        "v2/usergroups",
        "v2/systemgroups",
        "v2/groups",
        "v2/directories",
        "v2/ldapservers",
        "v2/activedirectories",
        "v2/policies",
        "v2/policygroups",
        "v2/authn/policies",
        "v2/iplists",
        "v2/identity-providers",
        "v2/systeminsights/users",
        "v2/systeminsights/groups",
        "v2/systeminsights/user_groups",
        "v2/systeminsights/authorized_keys",
    ]
    .map(|list| format!("/api/{list}"))
    .into();
    for kind in Kind::ALL {
        let id = truth.id(Node::new(kind, 0));
        let of_one =
            ["", "/members", "/membership", "/memberof", "/associations?targets=user", "/directories", "/users"];
        paths.extend(of_one.map(|rest| format!("/api/v2/{}/{id}{rest}", kind.segment())));
        paths.push(format!("/api/{}/{id}", kind.segment()));
    }
    paths
}

#[tokio::test]
async fn no_query_breaks_the_connection() {
    const QUERIES: [&str; 22] = [
        "skip=18446744073709551615&limit=100",
        "limit=18446744073709551615",
        "limit=-1",
        "skip=1e9",
        "sort=,,- ,",
        "sort=-",
        "fields=,, ",
        "filter=:::",
        "filter=a:between:",
        "filter=a:between:,",
        "filter=a:in:|||",
        "filter=name:eq:***",
        "filter=name:search:",
        "filter[=x",
        "search={",
        "search={\"searchTerm\":{},\"fields\":7}",
        "search[searchTerm]=%FF%00",
        "targets=,,,",
        "targets=user,user_group,user",
        "fields=%00&filter=%F0%9F%98%80:eq:%F0%9F%98%80",
        "sort=name.a.b.c&filter=attributes.sudo.x.y:gt:1",
        "&&&==&=",
    ];
    for (users, groups, systems, difference) in [(0, 0, 0, "null-edges=0-9"), (3, 11, 1, "null-edges=50%:form=null-to")]
    {
        let behaviour = options().behaviour.with(difference).unwrap();
        let users_endpoint = UsersEndpoint::Both;
        let options = SimulatorOptions { users, groups, systems, users_endpoint, behaviour, ..options() };
        let console = Console::start(options).await;
        let mut served = 0;
        for path in paths(&console) {
            if console.status(&path).await == 404 {
                continue;
            }
            served += 1;
            for query in QUERIES {
                let mark = if path.contains('?') { '&' } else { '?' };
                let answer = console.request(&format!("{path}{mark}{query}")).send().await;
                let status = answer.unwrap_or_else(|error| panic!("{path}{mark}{query}: {error}")).status();
                assert!([200, 400].contains(&status.as_u16()), "{path}{mark}{query}: {status}");
            }
        }
        assert!(served > 40, "{served}");
    }
}

#[tokio::test]
async fn no_body_breaks_the_connection() {
    let query = |more: Value| {
        let mut query =
            json!({ "service": ["all"], "start_time": "2026-01-01T00:00:00Z", "field": "id", "interval_unit": "s" });
        query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        query
    };
    let bodies = [
        json!(null),
        json!([]),
        json!("text"),
        json!({ "searchFilter": {} }),
        json!({ "searchFilter": { "searchTerm": [null, 1], "fields": {} } }),
        json!({ "filter": { "and": 1 } }),
        json!({ "filter": { "or": [{}] } }),
        json!({ "filter": [{ "a": { "$gt": {} } }, "x"] }),
        json!({ "limit": -1, "skip": 1e300, "sort": [], "fields": {} }),
        query(json!({ "limit": 1e300, "skip": -1, "sort": {} })),
        query(json!({ "start_time": "-009999-01-02T01:59:59Z", "end_time": "9999-12-30T22:00:00Z" })),
        query(json!({ "start_time": "1970-01-01T00:00:00Z", "end_time": "1970-01-01T00:00:00Z" })),
        query(json!({ "search_after": [null, "é"] })),
        query(json!({ "search_after": [1, "00000000000000000000ffffffff"] })),
        query(json!({ "search_after": [] , "skip": 18_446_744_073_709_551_615_u64 })),
        query(
            json!({ "search_term": { "and": { "or": { "not": [1, { "field": 1 }, { "field": "id", "operator": "lt", "value": {} }] } } } }),
        ),
        query(json!({ "search_term": { "": "", ".": ".", "a..b": null } })),
        query(json!({ "field": "" })),
        query(json!({ "field": "..", "interval_value": "999999999999", "timezone": "+9999" })),
        query(json!({ "interval_value": 4_294_967_295_u32, "interval_unit": "w", "timezone": "Europe/Zurich" })),
        query(json!({ "timezone": "é" })),
        query(json!({ "timezone": "+é" })),
    ];
    for (users, events, retention) in [(0, 0, 90), (5, 40, 0), (5, 40, 65_535)] {
        let behaviour = options().behaviour.with(&format!("retention-days={retention}")).unwrap();
        let console = Console::start(SimulatorOptions { users, events: Some(events), behaviour, ..options() }).await;
        for path in ["search/systemusers", "search/systems"]
            .map(|path| format!("/api/{path}"))
            .into_iter()
            .chain(["", "/count", "/distinct", "/interval"].map(|path| format!("/insights/directory/v1/events{path}")))
        {
            for body in &bodies {
                let request = console.client.post(console.simulator.url() + &path);
                let request = request.header("x-api-key", console.simulator.api_key()).body(body.to_string());
                let answer = request.send().await.unwrap_or_else(|error| panic!("{path} {body}: {error}"));
                assert!([200, 400].contains(&answer.status().as_u16()), "{path} {body}: {}", answer.status());
            }
        }
    }
}
