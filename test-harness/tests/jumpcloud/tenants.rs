//! Keys that see several organisations, and service accounts.

use crate::support::console::{Content, id};
use crate::support::{connect, scan, simulated, small, start, try_scan};
use connector_api::{AccountKind, CheckStatus, ConnectorError, Credential, ErrorCode, ScanRequest, SystemConfig};
use serde_json::json;
use test_harness::simulator::{Simulator, SimulatorOptions};

async fn provider() -> Simulator {
    start(SimulatorOptions { organizations: 3, users: 20, groups: 12, systems: 5, ..small() }).await
}

/// The error says that an organisation must be named, and lists all of them.
#[track_caller]
fn assert_lists_all(simulator: &Simulator, error: &ConnectorError) {
    assert_eq!(error.code, ErrorCode::WrongOrganization, "{error:?}");
    for organization in simulator.organizations() {
        let line = format!("{} ({})", organization.organization_id(), organization.display_name());
        assert!(error.remedy.contains(&line), "{error:?}");
    }
    assert!(error.remedy.starts_with("set jumpcloudOrgId"), "{error:?}");
}

#[tokio::test]
async fn without_an_organisation_scan_plan_and_test_say_which_there_are() {
    let simulator = provider().await;
    assert_lists_all(&simulator, &try_scan(simulated(&simulator)).await.unwrap_err().error);
    let connector = connect(simulated(&simulator)).unwrap();
    assert_lists_all(&simulator, &connector.plan(&ScanRequest::default()).await.unwrap_err());
    let report = connector.test_connection().await;
    assert_lists_all(&simulator, report.first_error().unwrap());
    let key = report.checks.iter().find(|check| check.name == "key").unwrap();
    assert_eq!(key.status, CheckStatus::Passed, "the key itself is good");
}

#[tokio::test]
async fn each_organisation_is_scanned_by_its_id() {
    let simulator = provider().await;
    let organizations = connect(simulated(&simulator)).unwrap().organizations().await.unwrap();
    let told: Vec<_> = organizations.iter().map(|it| (it.external_id.clone(), it.name.clone())).collect();
    let truth = simulator.organizations().iter().map(|it| (it.organization_id(), it.display_name()));
    assert_eq!(told, truth.collect::<Vec<_>>());
    for (organization, truth) in organizations.into_iter().zip(simulator.organizations()) {
        let mut system = simulated(&simulator);
        system.attributes.extend(organization.attributes);
        let scanned = scan(system.clone()).await;
        let users = scanned.accounts().filter(|account| account.kind == AccountKind::User);
        let found: Vec<_> = users.map(|account| account.external_id.clone()).collect();
        assert_eq!(found, truth.users().map(|user| user.id).collect::<Vec<_>>());
        let report = connect(system).unwrap().test_connection().await;
        let check = report.checks.iter().find(|check| check.name == "organization").unwrap();
        assert!(report.passed() && check.found.contains(&truth.display_name()), "{report:?}");
    }
}

#[tokio::test]
async fn an_unknown_organisation_is_told_from_a_bad_key() {
    let simulator = provider().await;
    let system = simulated(&simulator).with_attribute("jumpcloudOrgId", "5f0000000000000000000bad");
    assert_lists_all(&simulator, &try_scan(system.clone()).await.unwrap_err().error);
    let connector = connect(system).unwrap();
    assert_lists_all(&simulator, &connector.plan(&ScanRequest::default()).await.unwrap_err());
    assert_lists_all(&simulator, connector.test_connection().await.first_error().unwrap());
    let wrong_key = crate::support::system(&simulator.url(), "not-the-key");
    assert_eq!(try_scan(wrong_key).await.unwrap_err().error.code, ErrorCode::Unauthorized);
}

#[tokio::test]
async fn a_malformed_id_is_refused_before_and_by_the_service() {
    let simulator = provider().await;
    let error = connect(simulated(&simulator).with_attribute("jumpcloudOrgId", "northwind")).err().unwrap();
    assert_eq!(error.code, ErrorCode::InvalidConfig);
    assert!(error.message.contains("jumpcloudOrgId"), "{error:?}");
    let refusal = json!({"message": "malformed organization id", "code": 400, "status": "INVALID_ARGUMENT"});
    let console =
        Content::default().answer("/api/v2/users", 400, refusal.clone()).answer("/api/systemusers", 400, refusal);
    let console = console.serve().await;
    let failure = try_scan(console.system().with_attribute("jumpcloudOrgId", id(7))).await.unwrap_err();
    assert_eq!(failure.error.code, ErrorCode::WrongOrganization, "{failure}");
}

#[tokio::test]
async fn the_organisation_is_named_everywhere_but_where_that_is_refused() {
    let console = Content::default()
        .list("/api/organizations", [json!({"_id": id(171), "displayName": "Mine"})])
        .list("/api/systemusers", [json!({"_id": id(1), "username": "ada"})])
        .serve()
        .await;
    // An id is the same in whatever case it was written down.
    let system = console.system().with_attribute("jumpcloudOrgId", id(171).to_uppercase());
    scan(system.clone()).await;
    let report = connect(system).unwrap().test_connection().await;
    assert!(report.passed(), "{report:?}");
    let asked = console.asked();
    for request in &asked {
        let named = request.headers.get("x-org-id").map(|value| value.to_str().unwrap().to_owned());
        let expected = (request.path != "/api/organizations").then(|| id(171));
        assert_eq!(named, expected, "{}", request.path);
    }
    assert!(asked.iter().any(|request| request.path == "/api/organizations"));
    assert!(asked.iter().any(|request| request.path == "/insights/directory/v1/events"));
}

#[tokio::test]
async fn a_key_of_one_organisation_that_is_refused_is_not_sent_looking_for_others() {
    let console = Content::default().answer("/api/v2/users", 401, json!({"message": "Unauthorized"})).serve().await;
    let failure = try_scan(console.system()).await.unwrap_err();
    assert_eq!(failure.error.code, ErrorCode::Unauthorized, "{failure}");
}

fn service_account(simulator: &Simulator, secret: &str) -> SystemConfig {
    let (client_id, _) = simulator.oauth_client();
    let credential = Credential::from_secret(secret.to_owned()).with_username(client_id);
    SystemConfig::new("JumpCloud", simulator.url(), credential)
        .with_attribute("jumpcloudAuthentication", "serviceAccount")
}

#[tokio::test]
async fn a_service_account_fetches_one_token_for_a_whole_scan() {
    let simulator = start(small()).await;
    let (_, secret) = simulator.oauth_client();
    let scanned = scan(service_account(&simulator, secret)).await;
    assert_eq!(scanned.accounts().filter(|account| account.kind == AccountKind::User).count(), 120);
    assert_eq!(simulator.requests().of("oauth.token"), 1);
}

#[tokio::test]
async fn a_token_is_renewed_once_on_a_401() {
    let faults = vec!["status=401:on=usergroups:times=1".parse().unwrap()];
    let simulator = start(SimulatorOptions { faults, ..small() }).await;
    let (_, secret) = simulator.oauth_client();
    scan(service_account(&simulator, secret)).await;
    assert_eq!(simulator.requests().of("oauth.token"), 2);
    let faults = vec!["status=401:on=usergroups".parse().unwrap()];
    let simulator = start(SimulatorOptions { faults, ..small() }).await;
    let (_, secret) = simulator.oauth_client();
    let failure = try_scan(service_account(&simulator, secret)).await.unwrap_err();
    assert_eq!(failure.error.code, ErrorCode::Unauthorized, "{failure}");
    assert_eq!(simulator.requests().of("usergroups"), 2, "once, and once more with a fresh token");
}

/// A console that gives a token for so many seconds.
fn issuing(seconds: u64) -> Content {
    let token = json!({"access_token": "token-that-must-not-show", "token_type": "bearer", "expires_in": seconds});
    Content::default()
        .answer("/oauth2/token", 200, token)
        .list("/api/systemusers", [json!({"_id": id(1), "username": "ada"})])
}

#[tokio::test]
async fn a_token_that_ends_is_renewed_before_it_is_used_again() {
    for (seconds, renewed) in [(0, true), (3600, false)] {
        let console = issuing(seconds).serve().await;
        let credential = Credential::from_secret("hunter2-secret".to_owned()).with_username("client");
        let system = SystemConfig::new("JumpCloud", console.url(), credential)
            .with_attribute("jumpcloudAuthentication", "serviceAccount");
        scan(system).await;
        let asked = console.asked();
        let tokens = asked.iter().filter(|request| request.path == "/oauth2/token").count();
        let expected = if renewed { asked.len() - tokens } else { 1 };
        assert_eq!(tokens, expected);
        for request in asked.iter().filter(|request| request.path != "/oauth2/token") {
            assert_eq!(request.headers["authorization"], "Bearer token-that-must-not-show");
            assert!(!request.headers.contains_key("x-api-key"));
        }
    }
}

#[tokio::test]
async fn a_wrong_secret_is_unauthorized() {
    let simulator = start(small()).await;
    let failure = try_scan(service_account(&simulator, "not-the-secret")).await.unwrap_err();
    assert_eq!(failure.error.code, ErrorCode::Unauthorized);
    assert!(failure.error.remedy.contains("client secret"), "{:?}", failure.error);
    let report = connect(service_account(&simulator, "not-the-secret")).unwrap().test_connection().await;
    assert_eq!(report.first_error().unwrap().code, ErrorCode::Unauthorized);
}

#[tokio::test]
async fn a_service_account_without_a_client_id_is_refused() {
    let simulator = start(small()).await;
    let system = simulated(&simulator).with_attribute("jumpcloudAuthentication", "serviceAccount");
    let error = connect(system).err().unwrap();
    assert_eq!(error.code, ErrorCode::InvalidConfig);
    assert!(error.message.contains("client id"), "{error:?}");
}
