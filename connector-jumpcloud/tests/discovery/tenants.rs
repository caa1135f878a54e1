//! Keys that see several organisations, and service accounts.

use std::collections::BTreeSet;

use crate::support::console::{Console, Content, id};
use crate::support::{connect, scan, simulated, small, start, try_scan};
use connector_api::{
    AccountKind, CheckStatus, ConnectorError, Credential, ErrorCode, ScanRequest, Section, SystemConfig,
};
use jumpcloud_simulator::{Organization, Simulator, SimulatorOptions};
use serde_json::{Value, json};

async fn provider() -> Simulator {
    start(SimulatorOptions { organizations: 3, users: 20, groups: 12, systems: 5, ..small() }).await
}

/// The error says that an organisation must be named, and lists all of them.
#[track_caller]
fn assert_lists_all(simulator: &Simulator, error: &ConnectorError) {
    assert_eq!(error.code, ErrorCode::WrongOrganization, "{error:?}");
    for organization in simulator.organizations() {
        let name = organization.listed_name().unwrap_or_else(|| "without a name".to_owned());
        let line = format!("{} ({name})", organization.organization_id());
        assert!(error.remedy.contains(&line), "{error:?}");
    }
    assert!(error.remedy.starts_with("set jumpcloudOrgId"), "{error:?}");
}

#[tokio::test]
async fn without_an_organisation_scan_plan_and_test_say_which_there_are() {
    let simulator = provider().await;
    assert_lists_all(&simulator, try_scan(simulated(&simulator)).await.unwrap_err().error());
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
    let listed: Vec<_> = organizations.iter().map(|it| (it.external_id.clone(), it.name.clone())).collect();
    let shown = |it: &Organization| it.listed_name().unwrap_or_else(|| it.organization_id());
    let truth = simulator.organizations().iter().map(|it| (it.organization_id(), shown(it)));
    assert_eq!(listed, truth.collect::<Vec<_>>());
    for (organization, truth) in organizations.into_iter().zip(simulator.organizations()) {
        let mut system = simulated(&simulator);
        system.attributes.extend(organization.attributes);
        let scanned = scan(system.clone()).await;
        let users = scanned.accounts().filter(|account| account.kind == AccountKind::USER);
        let found: BTreeSet<_> = users.map(|account| account.external_id.clone()).collect();
        assert_eq!(found, truth.users().map(|user| user.id).collect::<BTreeSet<_>>());
        let report = connect(system).unwrap().test_connection().await;
        let check = report.checks.iter().find(|check| check.name == "organization").unwrap();
        assert!(report.passed() && check.found.contains(&shown(truth)), "{report:?}");
    }
}

#[tokio::test]
async fn an_unknown_organisation_is_not_reported_as_a_bad_key() {
    let simulator = provider().await;
    let system = simulated(&simulator).with_attribute("jumpcloudOrgId", "5f0000000000000000000bad");
    assert_lists_all(&simulator, try_scan(system.clone()).await.unwrap_err().error());
    let connector = connect(system).unwrap();
    assert_lists_all(&simulator, &connector.plan(&ScanRequest::default()).await.unwrap_err());
    assert_lists_all(&simulator, connector.test_connection().await.first_error().unwrap());
    let wrong_key = crate::support::system(&simulator.url(), "not-the-key");
    assert_eq!(try_scan(wrong_key).await.unwrap_err().error().code, ErrorCode::Unauthorized);
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
    assert_eq!(failure.error().code, ErrorCode::WrongOrganization, "{failure}");
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
        let expected = (!request.path.starts_with("/api/organizations")).then(|| id(171));
        assert_eq!(named, expected, "{}", request.path);
    }
    assert!(asked.iter().any(|request| request.path == "/api/organizations"));
    assert!(asked.iter().any(|request| request.path == "/insights/directory/v1/events"));
}

#[tokio::test]
async fn a_key_of_one_organisation_that_is_refused_is_not_sent_looking_for_others() {
    let console = Content::default().answer("/api/v2/users", 401, json!({"message": "Unauthorized"})).serve().await;
    let failure = try_scan(console.system()).await.unwrap_err();
    assert_eq!(failure.error().code, ErrorCode::Unauthorized, "{failure}");
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
    assert_eq!(scanned.accounts().filter(|account| account.kind == AccountKind::USER).count(), 120);
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
    assert_eq!(failure.error().code, ErrorCode::Unauthorized, "{failure}");
    assert_eq!(simulator.requests().of("usergroups"), 2, "once, and once more with a fresh token");
}

/// A console that gives a token with such an `expires_in`.
fn issuing(expires_in: Value) -> Content {
    let token = json!({"access_token": "token-that-must-not-show", "token_type": "bearer", "expires_in": expires_in});
    Content::default()
        .answer("/oauth2/token", 200, token)
        .list("/api/systemusers", [json!({"_id": id(1), "username": "ada", "organization": id(171)})])
}

/// A console as a service account's.
fn as_service_account(console: &Console) -> SystemConfig {
    let credential = Credential::from_secret("hunter2-secret".to_owned()).with_username("client");
    SystemConfig::new("JumpCloud", console.url(), credential)
        .with_attribute("jumpcloudAuthentication", "serviceAccount")
}

fn tokens(console: &Console) -> usize {
    console.asked().iter().filter(|request| request.path == "/oauth2/token").count()
}

#[tokio::test]
async fn a_token_that_ends_is_renewed_before_it_is_used_again() {
    for (expires_in, renewed) in [(json!(0), true), (json!(3600), false), (json!("3600"), false), (json!("0"), true)] {
        let console = issuing(expires_in).serve().await;
        scan(as_service_account(&console)).await;
        let asked = console.asked();
        let expected = if renewed { asked.len() - tokens(&console) } else { 1 };
        assert_eq!(tokens(&console), expected);
        for request in asked.iter().filter(|request| request.path != "/oauth2/token") {
            assert_eq!(request.headers["authorization"], "Bearer token-that-must-not-show");
            assert!(!request.headers.contains_key("x-api-key"));
        }
    }
}

#[tokio::test]
async fn a_token_that_dies_early_is_replaced_once_for_all_requests_that_used_it() {
    for alive in [0, 1, 5] {
        let groups =
            (1..30).map(|number| json!({"id": id(number), "name": format!("g{number}"), "type": "user_group"}));
        let content = issuing(json!(3600)).list("/api/v2/usergroups", groups);
        let console = content.tokens(&["first-token", "second-token"], alive).serve().await;
        scan(as_service_account(&console)).await;
        assert_eq!(tokens(&console), 2, "after {alive} requests");
    }
}

/// A console that treats service accounts as JumpCloud does.
fn refusing_organizations(status: u16) -> Content {
    let refusal = json!({"message": "service accounts are not allowed to access this endpoint"});
    issuing(json!(3600)).answer("/api/organizations", status, refusal)
}

#[tokio::test]
async fn a_service_account_passes_though_it_may_not_list_organisations() {
    for status in [401, 403] {
        let console = refusing_organizations(status).serve().await;
        let key = crate::support::system(&console.url(), "jcs_0123456789");
        for system in [as_service_account(&console), key] {
            let report = connect(system.clone()).unwrap().test_connection().await;
            assert!(report.passed() && report.first_error().is_none(), "{report:?}");
            let organization = report.checks.iter().find(|check| check.name == "organization").unwrap();
            assert_eq!(organization.found, "not available to service accounts");
            scan(system.clone()).await;
            let error = connect(system).unwrap().organizations().await.unwrap_err();
            assert!(error.message.contains("not available to service accounts"), "{error:?}");
            assert!(error.remedy.contains("one system per organisation") && !error.remedy.contains("key"), "{error:?}");
        }
        assert_eq!(tokens(&console), 3, "one each: a refusal of service accounts does not renew the token");
    }
}

#[tokio::test]
async fn the_first_request_of_a_connection_test_needs_no_organisation_and_no_order() {
    let console = refusing_organizations(401).serve().await;
    connect(as_service_account(&console)).unwrap().test_connection().await;
    let asked = console.asked();
    let proof = asked.iter().find(|request| request.path != "/oauth2/token").unwrap();
    assert_eq!(proof.path, "/api/v2/usergroups");
    assert_eq!(proof.query, [("limit".to_owned(), "1".to_owned())].into());
}

#[tokio::test]
async fn directory_insights_is_named_the_organisation_that_a_bearer_token_belongs_to() {
    let named = |console: &Console| {
        let asked = console.asked();
        let insights = asked.iter().filter(|request| request.path.starts_with("/insights/"));
        let named =
            insights.map(|request| request.headers.get("x-org-id").map(|value| value.to_str().unwrap().to_owned()));
        named.collect::<BTreeSet<_>>()
    };
    let console = refusing_organizations(401).serve().await;
    scan(as_service_account(&console)).await;
    assert_eq!(named(&console), [Some(id(171))].into());
    let plan = connect(as_service_account(&console)).unwrap().plan(&ScanRequest::default()).await.unwrap().unwrap();
    let planned = plan.sections.iter().find(|plan| plan.section == Section::LAST_LOGIN).unwrap();
    let alone = connect(console.system()).unwrap().plan(&ScanRequest::default()).await.unwrap().unwrap();
    let alone = alone.sections.iter().find(|plan| plan.section == Section::LAST_LOGIN).unwrap();
    assert_eq!(planned.requests, alone.requests + 1, "one to find the organisation out");
    let unnamed = || issuing(json!(3600)).list("/api/systemusers", [json!({"_id": id(1), "username": "ada"})]);
    let console = unnamed().serve().await;
    scan(as_service_account(&console).with_attribute("jumpcloudOrgId", id(7))).await;
    assert_eq!(named(&console), [Some(id(7))].into(), "the one that the operator names");
    let console = issuing(json!(3600)).serve().await;
    scan(console.system()).await;
    assert_eq!(named(&console), [None].into(), "an API key needs none");

    let missing = json!({"message": "no organization selected"});
    let console = unnamed().answer("/insights/directory/v1/events", 401, missing).serve().await;
    let scanned = scan(as_service_account(&console)).await;
    let error = scanned.status(Section::LAST_LOGIN).error().unwrap();
    assert_eq!(error.code, ErrorCode::WrongOrganization);
    assert!(error.remedy.contains("jumpcloudOrgId") && !error.remedy.contains("role"), "{error:?}");
}

#[tokio::test]
async fn what_insights_refuses_has_a_remedy_of_its_own() {
    let events = "/insights/directory/v1/events";
    let not_in_plan = issuing(json!(3600)).answer(events, 402, json!({"message": "Payment Required"}));
    let another_host = issuing(json!(3600)).page(events, 404, "<html>not here</html>");
    for (content, message, remedy) in [
        (not_in_plan, "not part of the organisation's JumpCloud plan", "add Directory Insights to the plan"),
        (another_host, "the target does not have it", "jumpcloudInsightsHostname"),
    ] {
        let console = content.serve().await;
        let scanned = scan(console.system()).await;
        let error = scanned.unavailable(Section::LAST_LOGIN);
        assert!(error.message.contains(message) && error.remedy.contains(remedy), "{error:?}");
        assert!(error.remedy.contains("includeLastLogin") && !error.remedy.contains("role"), "{error:?}");
    }
}

#[tokio::test]
async fn a_section_that_is_refused_says_one_thing_of_the_credential() {
    let refusal = json!({"message": "Unauthorized"});
    let content = issuing(json!(3600)).answer("/api/users", 401, refusal.clone()).answer("/api/systems", 403, refusal);
    let console = content.serve().await;
    for (system, holder) in
        [(console.system(), "the key's administrator"), (as_service_account(&console), "the service account")]
    {
        let scanned = scan(system).await;
        for (section, scope) in [(Section::ADMINISTRATORS, "administrators"), (Section::SYSTEMS, "systems")] {
            let error = scanned.unavailable(section);
            assert!(!error.message.contains("not accepted"), "{error:?}");
            let advice = format!("give {holder} the role Administrator, or a role with the scope {scope}.readonly");
            assert!(error.remedy.starts_with(&advice), "{error:?}");
        }
    }
}

#[tokio::test]
async fn the_report_of_a_section_and_the_error_of_the_scan_agree() {
    let simulator = provider().await;
    let failure = try_scan(simulated(&simulator)).await.unwrap_err();
    let users = failure.summary().section(Section::USERS).unwrap().status.error().unwrap();
    assert_eq!(*users, failure.error().clone().with_message(users.message.clone()));
    assert!(failure.error().message.ends_with(&users.message), "{failure:?}");
}

#[tokio::test]
async fn a_wrong_secret_is_unauthorized() {
    let simulator = start(small()).await;
    let failure = try_scan(service_account(&simulator, "not-the-secret")).await.unwrap_err();
    assert_eq!(failure.error().code, ErrorCode::Unauthorized);
    assert!(failure.error().remedy.contains("client secret"), "{:?}", failure.error());
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
