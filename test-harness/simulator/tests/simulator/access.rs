//! Who may ask what.

use crate::support::{Console, options, rows};
use jumpcloud_simulator::organization::{Kind, Node};
use jumpcloud_simulator::{Behaviour, Counting, Simulator, SimulatorOptions, TlsMode};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn only_the_key_opens() {
    let console = Console::start(options()).await;
    let url = console.simulator.url();
    let ask = async |path: &str, key: Option<&str>| {
        let mut request = console.client.get(format!("{url}{path}"));
        if let Some(key) = key {
            request = request.header("x-api-key", key);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json::<serde_json::Value>().await.unwrap())
    };
    let v1 = (401, json!({ "message": "Unauthorized" }));
    let unknown = (401, json!({ "error": "Unauthorized", "message": "Unauthorized: api key user not found" }));
    assert_eq!(ask("/api/systemusers", None).await, v1);
    assert_eq!(ask("/api/systemusers", Some("wrong")).await, unknown);
    assert_eq!(ask("/api/v2/usergroups", Some("wrong")).await, unknown);
    assert_eq!(ask("/api/v2/usergroups", None).await, v1);
    assert_eq!(ask("/api/systemusers?limit=1", Some(console.simulator.api_key())).await.0, 200);
    assert!(!format!("{:?}", console.simulator).contains(console.simulator.api_key()));
}

#[tokio::test]
async fn paths_ids_and_methods_that_do_not_exist_are_refused() {
    let console = Console::start(options()).await;
    assert_eq!(console.status("/api/nothing").await, 404);
    assert_eq!(console.status("/api/v2/usergroups/zzz/members").await, 400);
    assert_eq!(console.status("/api/v2/usergroups/ffffffffffffffffffffffff/members").await, 404);
    let posted = console.post("/api/systemusers", json!({})).await;
    assert_eq!((posted.status().as_u16(), &posted.headers()["allow"]), (405, &"GET".parse().unwrap()));
}

#[tokio::test]
async fn a_key_of_a_narrow_role_is_forbidden_the_rest() {
    let forbidden = vec!["usergroups.*".parse().unwrap()];
    let console = Console::start(SimulatorOptions { forbidden, ..options() }).await;
    let group = console.simulator.organization().user_groups().next().unwrap().id;
    assert_eq!(console.status("/api/v2/usergroups").await, 200);
    assert_eq!(console.status(&format!("/api/v2/usergroups/{group}/members")).await, 403);
}

#[tokio::test]
async fn beyond_the_rate_limit_the_answer_is_429() {
    let console = Console::start(SimulatorOptions { rate_limit: Some(5), ..options() }).await;
    assert_eq!(console.status("/api/organizations").await, 200);
    assert_eq!(console.status("/api/organizations").await, 429);
    console.simulator.set_rate_limit(None);
    assert_eq!(console.status("/api/organizations").await, 200);
    let requests = console.simulator.requests();
    assert_eq!((requests.with_status(200), requests.with_status(429), requests.of("organizations")), (2, 1, 3));
}

#[tokio::test]
async fn a_429_says_when_to_come_back_where_it_is_to() {
    for counting in [Counting::Bucket, Counting::EachSecond, Counting::LastSecond] {
        let options = SimulatorOptions { rate_limit: Some(1), counting, retry_after: Some(7), ..options() };
        let console = Console::start(options).await;
        let refused = loop {
            let answer = console.get("/api/organizations").await;
            if answer.status() == 429 {
                break answer;
            }
        };
        assert_eq!(refused.headers()["retry-after"], "7", "{counting:?}");
    }
}

#[tokio::test]
async fn a_service_account_gets_a_token_for_its_secret_and_the_token_opens_until_it_expires() {
    for (lifetime, status) in [(Duration::from_secs(60), 200), (Duration::ZERO, 401)] {
        let console = Console::start(SimulatorOptions { token_lifetime: lifetime, ..options() }).await;
        let (id, secret) = console.simulator.oauth_client();
        let url = console.simulator.url();
        let ask = |id: &str, secret: &str, form: &'static str| {
            let request = console.client.post(format!("{url}/oauth2/token")).basic_auth(id, Some(secret));
            request.header("content-type", "application/x-www-form-urlencoded").body(form).send()
        };
        let form = "grant_type=client_credentials&scope=api";
        assert_eq!(ask(id, "wrong", form).await.unwrap().status().as_u16(), 401);
        for (form, code) in [
            ("grant_type=password", "unsupported_grant_type"),
            ("grant_type=client_credentials&scope=everything", "invalid_scope"),
        ] {
            let refused = ask(id, secret, form).await.unwrap();
            assert_eq!(refused.status().as_u16(), 400);
            assert_eq!(refused.json::<Value>().await.unwrap()["error"], code);
        }
        let answer: Value = ask(id, secret, form).await.unwrap().json().await.unwrap();
        assert_eq!(
            (&answer["token_type"], answer["expires_in"].as_u64()),
            (&json!("bearer"), Some(lifetime.as_secs()))
        );
        let request =
            console.client.get(format!("{url}/api/systemusers")).bearer_auth(answer["access_token"].as_str().unwrap());
        assert_eq!(request.send().await.unwrap().status().as_u16(), status);
    }
}

#[tokio::test]
async fn a_multi_tenant_administrator_has_to_name_the_organisation() {
    let console = Console::start(SimulatorOptions { organizations: 3, ..options() }).await;
    let [first, second, _] = console.simulator.organizations() else { panic!("three organisations") };
    let ask = async |path: &str, organization: Option<&str>| {
        let mut request = console.request(path);
        if let Some(organization) = organization {
            request = request.header("x-org-id", organization);
        }
        request.send().await.unwrap()
    };
    let (users, second_id) = ("/api/systemusers", second.organization_id());
    assert_eq!(ask(users, None).await.status().as_u16(), 401);
    assert_eq!(ask(users, Some("acme")).await.status().as_u16(), 400);
    assert_eq!(ask(users, Some("ffffffffffffffffffffffff")).await.status().as_u16(), 404);
    let body: Value = ask(users, Some(&second_id)).await.json().await.unwrap();
    assert_eq!(body["results"][0]["_id"], second.users().next().unwrap().id);
    assert_ne!(first.user(0).id, second.user(0).id);

    let provider = first.id(Node::new(Kind::Provider, 0));
    for path in ["/api/organizations".to_owned(), format!("/api/v2/providers/{provider}/organizations")] {
        assert_eq!(ask(&path, Some(&second_id)).await.status().as_u16(), 403, "{path}");
        let body: Value = ask(&path, None).await.json().await.unwrap();
        assert_eq!(body["totalCount"], 3, "{path}");
    }
}

#[tokio::test]
async fn tls_holds_only_with_the_right_certificate() {
    for (mode, good) in [(TlsMode::Valid, true), (TlsMode::Expired, false), (TlsMode::WrongName, false)] {
        for http2 in [true, false] {
            let simulator = Simulator::start(SimulatorOptions { tls: Some(mode), http2, ..options() }).await.unwrap();
            let ca = reqwest::Certificate::from_pem(simulator.ca_pem().unwrap().as_bytes()).unwrap();
            let client = |builder: reqwest::ClientBuilder| builder.no_proxy().build().unwrap();
            crate::support::client();
            let trusting = client(reqwest::Client::builder().tls_certs_only([ca]));
            let url = simulator.url() + "/api/organizations";
            let answer = trusting.get(&url).header("x-api-key", simulator.api_key()).send().await;
            assert_eq!(answer.is_ok(), good, "{mode:?}");
            if let Ok(answer) = answer {
                let version = if http2 { reqwest::Version::HTTP_2 } else { reqwest::Version::HTTP_11 };
                assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
            }
        }
    }
    for mode in [TlsMode::Valid, TlsMode::SelfSigned] {
        let simulator = Simulator::start(SimulatorOptions { tls: Some(mode), ..options() }).await.unwrap();
        crate::support::client();
        let stranger = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
        assert!(stranger.get(simulator.url()).send().await.is_err(), "{mode:?}");
    }
}

/// The client of a console with the access token of a service account.
async fn token(console: &Console) -> String {
    let (id, secret) = console.simulator.oauth_client();
    let request = console.client.post(console.simulator.url() + "/oauth2/token").basic_auth(id, Some(secret));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let answer: Value =
        request.body("grant_type=client_credentials&scope=api").send().await.unwrap().json().await.unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn service_accounts_are_refused_organisations_and_nothing_else() {
    let reason = json!({ "message": "service accounts are not allowed to access this endpoint" });
    for (difference, status, body) in [
        ("service-accounts=unauthorized", 401, Some(reason)),
        ("service-accounts=forbidden", 403, Some(json!({ "message": "Forbidden" }))),
        ("service-accounts=served", 200, None),
    ] {
        let behaviour = Behaviour::observed().with(difference).unwrap();
        let console = Console::start(SimulatorOptions { behaviour: behaviour.clone(), ..options() }).await;
        let token = token(&console).await;
        let ask = async |path: &str| {
            console.client.get(console.simulator.url() + path).bearer_auth(&token).send().await.unwrap()
        };
        for path in ["/api/v2/usergroups?limit=1", "/api/systemusers", "/api/users"] {
            assert_eq!(ask(path).await.status().as_u16(), 200, "{path}");
        }
        let one = format!("/api/organizations/{}", console.simulator.organization().organization_id());
        for path in ["/api/organizations", &one] {
            let refused = ask(path).await;
            assert_eq!(refused.status().as_u16(), status, "{path}");
            if let Some(body) = &body {
                assert_eq!(refused.json::<Value>().await.unwrap(), *body, "{path}");
            }
        }
        assert_eq!(console.status("/api/organizations").await, 200, "an administrator");
        let api_key = Some("jcs_service-account".into());
        let with_key = Console::start(SimulatorOptions { behaviour, api_key, ..options() }).await;
        assert_eq!(with_key.status("/api/organizations").await, status, "a service account by its key");
        assert_eq!(with_key.status("/api/systemusers").await, 200);
    }
}

#[tokio::test]
async fn directory_insights_needs_an_organisation_from_bearers_and_multi_tenant_keys() {
    let body = json!({ "service": ["all"], "start_time": "2026-05-01T00:00:00Z" }).to_string();
    let refusal = json!({ "error": "Unauthorized", "message": "Unauthorized: no organization selected" });
    for (organizations, bearer, difference, refused) in [
        (1, false, "insights-organization=selected", false),
        (1, true, "insights-organization=selected", true),
        (1, true, "insights-organization=implied", false),
        (2, false, "insights-organization=selected", true),
    ] {
        let behaviour = Behaviour::observed().with(difference).unwrap();
        let console = Console::start(SimulatorOptions { organizations, behaviour, ..options() }).await;
        let token = if bearer { token(&console).await } else { String::new() };
        let organization = console.simulator.organization().organization_id();
        let ask = async |organization: &str| {
            let request = console.client.post(console.simulator.url() + "/insights/directory/v1/events");
            let request = request.header("x-org-id", organization).body(body.clone());
            let request = match bearer {
                true => request.bearer_auth(&token),
                false => request.header("x-api-key", console.simulator.api_key()),
            };
            request.send().await.unwrap()
        };
        let without = ask("").await;
        let place = format!("{organizations} organisations, bearer {bearer}, {difference}");
        assert_eq!(without.status().as_u16(), if refused { 401 } else { 200 }, "{place}");
        if refused {
            assert_eq!(without.json::<Value>().await.unwrap(), refusal, "{place}");
        }
        assert_eq!(ask(&organization).await.status().as_u16(), 200, "{place}");
    }
}

#[tokio::test]
async fn an_empty_organisation_is_none_and_what_is_no_text_is_no_id() {
    let single = Console::start(options()).await;
    let ask = async |console: &Console, organization: &[u8]| {
        let request = console.request("/api/systemusers").header("x-org-id", organization);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask(&single, b"").await, 200);
    assert_eq!(ask(&single, b"\xff").await, 400);
    for (difference, status) in [("missing-organization=unauthorized", 401), ("missing-organization=bad-request", 400)]
    {
        let behaviour = Behaviour::observed().with(difference).unwrap();
        let several = Console::start(SimulatorOptions { organizations: 2, behaviour, ..options() }).await;
        assert_eq!(ask(&several, b"").await, status, "{difference}");
    }
}

#[tokio::test]
async fn an_organisation_is_given_by_its_id_with_its_settings() {
    let console = Console::start(SimulatorOptions { organizations: 3, ..options() }).await;
    let list = console.json("/api/organizations").await;
    let names: Vec<&Value> = rows(&list).iter().map(|row| &row["displayName"]).collect();
    assert_eq!(names, [&json!("Northwind Ω Trading"), &json!("Subsidiary №1"), &Value::Null]);
    assert!(rows(&list).iter().all(|row| row["logoUrl"].is_null() && row["id"] == row["_id"]));
    for row in rows(&list) {
        let one = console.json(&format!("/api/organizations/{}", row["_id"].as_str().unwrap())).await;
        assert_eq!((&one["_id"], &one["displayName"]), (&row["_id"], &row["displayName"]));
        assert!(one["settings"]["requireAdminMFA"].is_boolean() && one["provider"].is_string());
    }
    assert_eq!(console.status("/api/organizations/ffffffffffffffffffffffff").await, 404);
    for (difference, given) in [("organization-names=null", false), ("organization-names=given", true)] {
        let behaviour = Behaviour::observed().with(difference).unwrap();
        let console = Console::start(SimulatorOptions { behaviour, ..options() }).await;
        let row = console.json("/api/organizations").await["results"][0].clone();
        assert_eq!((row["displayName"].is_string(), row["logoUrl"].is_string()), (given, given), "{row}");
    }
}
