//! What Test Connection finds, and that each symptom of the product page's table has its code, message and remedy.

use std::io::Write;
use std::time::Duration;

use crate::support::console::{Content, id};
use crate::support::{connect, core_alone, scan, simulated, small, start, system, try_scan};
use connector_api::{Check, CheckStatus, ConnectionReport, Connector, ErrorCode, SectionStatus, SystemConfig};
use connector_conformance::bad_servers;
use connector_jumpcloud::JumpCloud;
use jumpcloud_simulator::{SimulatorOptions, TlsMode};
use serde_json::json;
use tokio::time::Instant;

async fn test(system: SystemConfig) -> ConnectionReport {
    connect(system).unwrap().test_connection().await
}

#[track_caller]
fn check<'a>(report: &'a ConnectionReport, name: &str) -> &'a Check {
    report.checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no check {name}: {report:?}"))
}

/// The check that failed first, which code it has, and that message and remedy say something.
#[track_caller]
fn assert_fails(report: &ConnectionReport, name: &str, code: ErrorCode) {
    let failed = report.checks.iter().find(|check| check.status == CheckStatus::Failed);
    let failed = failed.unwrap_or_else(|| panic!("nothing failed: {report:?}"));
    let error = failed.error.as_ref().unwrap();
    assert_eq!((failed.name.as_str(), error.code), (name, code), "{report:?}");
    assert!(!error.message.is_empty() && error.remedy.len() > 10, "{error:?}");
    assert!(!report.passed());
}

/// Gives up soon.
fn hasty(system: SystemConfig) -> SystemConfig {
    system
        .with_attribute("attempts", 1)
        .with_attribute("readTimeoutSeconds", 1)
        .with_attribute("connectTimeoutSeconds", 1)
}

#[tokio::test]
async fn a_good_key_passes_with_name_and_numbers() {
    let simulator = start(small()).await;
    let report = test(simulated(&simulator)).await;
    assert!(report.passed());
    let names: Vec<&str> = report.checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, ["resolve", "connect", "tls", "key", "organization", "users", "groups", "memberships"]);
    assert!(check(&report, "organization").found.starts_with("Northwind Ω Trading ("));
    assert_eq!(check(&report, "users").found, "120 users from /api/systemusers");
    assert_eq!(check(&report, "groups").found, "30 groups");
    let members = &check(&report, "memberships").found;
    assert!(members.ends_with(" members of the first group"), "{members}");
    assert_eq!(check(&report, "tls").status, CheckStatus::Skipped);
    assert!(simulator.requests().total <= 6, "it reads no more than it must");
}

#[tokio::test]
async fn nobody_listening_cannot_connect() {
    let address = bad_servers::deserted().await.unwrap();
    let report = test(system(&format!("http://{address}"), "key")).await;
    assert_fails(&report, "connect", ErrorCode::Connect);
    assert!(report.first_error().unwrap().remedy.contains("127.0.0.1"));
    assert_eq!(check(&report, "users").status, CheckStatus::Skipped);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_says_so() {
    let report = test(hasty(system("console.invalid", "key"))).await;
    assert_fails(&report, "resolve", ErrorCode::Dns);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_never_answers_ends_in_time() {
    // The connection is taken by the system; nobody ever answers on it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let began = Instant::now();
    let report = test(system(&format!("http://{}", listener.local_addr().unwrap()), "key")).await;
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    assert_fails(&report, "connect", ErrorCode::Timeout);
}

#[tokio::test]
async fn a_wrong_key_is_unauthorized() {
    let simulator = start(small()).await;
    let report = test(system(&simulator.url(), "wrong")).await;
    assert_fails(&report, "key", ErrorCode::Unauthorized);
    let remedy = &report.first_error().unwrap().remedy;
    let at = |words: &str| remedy.find(words).unwrap_or_else(|| panic!("{words}: {remedy}"));
    for words in ["console.eu.jumpcloud.com", "console.in.jumpcloud.com", "expired", "API access"] {
        assert!(at(words) < at("regenerate the API key"), "what revokes a key comes last: {remedy}");
    }
    for name in ["organization", "users", "groups", "memberships"] {
        assert_eq!(check(&report, name).status, CheckStatus::Skipped, "{name}");
    }
}

#[tokio::test]
async fn a_key_that_may_read_nothing_is_forbidden_and_an_address_that_is_blocked_is_something_else() {
    let refusing = |page: Option<&str>| {
        ["/api/organizations", "/api/v2/users", "/api/systemusers", "/api/v2/usergroups"].into_iter().fold(
            Content::default(),
            |content, path| match page {
                None => content.answer(path, 403, json!({"message": "Forbidden"})),
                Some(page) => content.page(path, 403, page),
            },
        )
    };
    let console = refusing(None).serve().await;
    let report = test(console.system()).await;
    assert_fails(&report, "users", ErrorCode::Forbidden);
    let error = report.first_error().unwrap();
    assert!(
        error.remedy.contains("role Administrator or Manager, or a role with the scope users.readonly"),
        "{error:?}"
    );
    assert_eq!(check(&report, "groups").error.as_ref().unwrap().code, ErrorCode::Forbidden);

    let console = refusing(Some("<html>your IP has been blocked due to suspected abuse</html>")).serve().await;
    let report = test(console.system()).await;
    assert_fails(&report, "service", ErrorCode::AddressBlocked);
    assert!(report.first_error().unwrap().remedy.contains("unblocked"), "{report:?}");
    assert_eq!(console.asked().len(), 1, "nothing more is asked");
}

#[tokio::test]
async fn a_port_that_speaks_plain_http_is_called_so() {
    let simulator = start(small()).await;
    let report = test(system(&format!("https://{}", simulator.address()), "key")).await;
    assert_fails(&report, "tls", ErrorCode::Tls);
    let error = report.first_error().unwrap();
    assert!(error.message.contains("this port speaks plain HTTP"), "{error:?}");
    assert!(error.remedy.contains("http://") && !error.remedy.contains("certificate"), "{error:?}");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_looked_up_twice() {
    let system = core_alone(system("console.invalid", "key")).with_attribute("retryWaitMilliseconds", 1);
    let error = try_scan(system).await.unwrap_err().error().clone();
    assert_eq!(error.code, ErrorCode::Dns);
    assert!(error.message.contains("console.invalid") && error.message.contains("after 2 attempts"), "{error:?}");
}

#[tokio::test]
async fn where_a_proxy_resolves_no_name_is_called_resolved_and_its_failures_are_its_own() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = listener.local_addr().unwrap();
    drop(listener);
    let system =
        hasty(system("console.jumpcloud.com", "key")).with_attribute("proxyUrl", format!("http://user:geheim@{proxy}"));
    let report = test(system).await;
    assert_fails(&report, "connect", ErrorCode::Connect);
    assert_eq!(check(&report, "resolve").status, CheckStatus::Skipped);
    let error = report.first_error().unwrap();
    assert!(error.message.contains(&format!("the proxy {proxy}")) && error.remedy.contains("proxyUrl"), "{error:?}");
    assert!(!format!("{report:?}").contains("geheim"));
}

#[tokio::test]
async fn a_key_that_may_not_list_organisations_passes_with_a_warning() {
    let simulator = start(SimulatorOptions { forbidden: vec!["organizations".parse().unwrap()], ..small() }).await;
    let report = test(simulated(&simulator)).await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(check(&report, "organization").status, CheckStatus::Warning);
}

#[tokio::test]
async fn a_web_page_is_no_console() {
    let simulator = start(SimulatorOptions { faults: vec!["html".parse().unwrap()], ..small() }).await;
    let report = test(simulated(&simulator)).await;
    assert_fails(&report, "users", ErrorCode::MalformedResponse);
    assert!(report.first_error().unwrap().message.contains("web page"), "{report:?}");
}

#[tokio::test]
async fn a_redirect_is_reported_and_not_followed() {
    let faults = vec!["redirect=https://login.example/console".parse().unwrap()];
    let simulator = start(SimulatorOptions { faults, ..small() }).await;
    let report = test(simulated(&simulator)).await;
    assert_fails(&report, "service", ErrorCode::UnexpectedRedirect);
    assert!(report.first_error().unwrap().message.contains("login.example"));
}

#[tokio::test]
async fn a_bad_certificate_fails_the_handshake_and_a_good_one_passes() {
    for (mode, remedy) in [
        (TlsMode::Valid, None),
        (TlsMode::Expired, Some("clock")),
        (TlsMode::SelfSigned, Some("caBundleFile")),
        (TlsMode::WrongName, Some("host name")),
    ] {
        let simulator = start(SimulatorOptions { tls: Some(mode), ..small() }).await;
        let mut bundle = tempfile::NamedTempFile::new().unwrap();
        // A self-signed certificate is not made good by somebody else's authority.
        let other = start(SimulatorOptions { tls: Some(TlsMode::Valid), ..small() }).await;
        let trusted = if mode == TlsMode::SelfSigned { &other } else { &simulator };
        bundle.write_all(trusted.ca_pem().unwrap().as_bytes()).unwrap();
        let system = simulated(&simulator).with_attribute("caBundleFile", bundle.path().to_str().unwrap());
        let report = test(system).await;
        match remedy {
            None => {
                assert!(report.passed(), "{report:?}");
                assert_eq!(check(&report, "tls").status, CheckStatus::Passed);
            }
            Some(words) => {
                assert_fails(&report, "tls", ErrorCode::Tls);
                let error = report.first_error().unwrap();
                assert!(error.remedy.contains(words), "{mode:?}: {error:?}");
            }
        }
    }
}

#[tokio::test]
async fn no_users_returned_is_a_warning_with_the_pages_advice() {
    let simulator = start(SimulatorOptions { users: 0, ..small() }).await;
    // A listing without totals shows it by its first page.
    let untold = Content::default().list("/api/v2/users", []).page("/api/systemusers", 404, "").serve().await;
    for report in [test(simulated(&simulator)).await, test(untold.system()).await] {
        let users = check(&report, "users");
        assert_eq!(users.status, CheckStatus::Warning, "{report:?}");
        let error = users.error.as_ref().unwrap();
        assert_eq!(error.code, ErrorCode::NoUsers);
        assert!(error.remedy.contains("belongs to an Administrator"));
        assert!(report.passed());
    }
}

#[tokio::test]
async fn members_that_cannot_be_read_fail_and_where_no_group_is_none_are_asked_for() {
    let faults = vec!["status=403:on=usergroups.members".parse().unwrap()];
    let simulator = start(SimulatorOptions { faults, ..small() }).await;
    let report = test(simulated(&simulator)).await;
    assert_fails(&report, "memberships", ErrorCode::Forbidden);
    assert!(report.first_error().unwrap().remedy.contains("users.readonly"), "{report:?}");
    let console = Content::default().list("/api/systemusers", [json!({"_id": id(1)})]).serve().await;
    let report = test(console.system()).await;
    assert_eq!(check(&report, "memberships").status, CheckStatus::Skipped, "{report:?}");
    assert!(report.passed(), "{report:?}");
}

#[tokio::test]
async fn too_many_calls_are_slowed_down_and_only_a_lasting_refusal_is_an_error() {
    let faults = vec!["status=429:retry-after=0:on=usergroups:times=2".parse().unwrap()];
    let simulator = start(SimulatorOptions { faults, ..small() }).await;
    let scanned = scan(core_alone(simulated(&simulator))).await;
    let groups = scanned.summary.section(connector_api::Section::GROUPS).unwrap();
    assert_eq!((groups.status.clone(), groups.retries), (SectionStatus::Complete, 2));
    let faults = vec!["status=429:retry-after=0:on=usergroups".parse().unwrap()];
    let simulator = start(SimulatorOptions { faults, ..small() }).await;
    let config = core_alone(simulated(&simulator)).with_attribute("retryBudgetSeconds", 1);
    let failure = try_scan(config).await.unwrap_err();
    assert_eq!(failure.error().code, ErrorCode::RateLimited, "{failure}");
    assert!(failure.error().remedy.contains("scan interval"), "{failure:?}");
}

#[tokio::test]
async fn the_table_of_the_product_page_is_in_the_descriptor_with_codes() {
    let rows = JumpCloud::describe().troubleshooting;
    for (code, symptom, resolution) in [
        (ErrorCode::Unauthorized, "401 Unauthorized", "Regenerate the API key in the JumpCloud portal"),
        (ErrorCode::NoUsers, "No users returned", "Verify users exist and the API key belongs to an Administrator"),
        (ErrorCode::RateLimited, "Rate limit errors", "increase the scan interval"),
        (ErrorCode::Connect, "Cannot connect", "can reach console.jumpcloud.com:443"),
    ] {
        let row = rows.iter().find(|row| row.code == code).unwrap();
        assert_eq!(row.symptom, symptom);
        assert!(row.resolution.contains(resolution), "{}", row.resolution);
    }
    for code in ErrorCode::ALL {
        assert!(rows.iter().any(|row| row.code == *code), "{code} is explained");
    }
}

#[tokio::test]
async fn the_name_of_an_organisation_is_one_short_printable_line() {
    let name = format!("Evil\n\u{1b}[31m{}", "x".repeat(1000));
    let organization = |number| json!({"_id": id(number), "displayName": name});
    for organizations in [vec![organization(1)], vec![organization(1), organization(2)]] {
        let console = Content::default().list("/api/organizations", organizations).serve().await;
        let report = test(console.system()).await;
        let check = check(&report, "organization");
        let shown = check.error.as_ref().map_or(&check.found, |error| &error.remedy);
        assert!(shown.contains("Evil") && shown.len() < 600 && !shown.contains(char::is_control), "{shown:?}");
    }
}

#[tokio::test]
async fn what_only_a_wrong_host_says_is_distinguished() {
    // A web server that knows none of the paths.
    let mut content = Content::default();
    for path in ["/api/organizations", "/api/v2/users", "/api/systemusers", "/api/v2/usergroups"] {
        content = content.page(path, 404, "<html>not here</html>");
    }
    let console = content.serve().await;
    let report = test(console.system()).await;
    assert_fails(&report, "users", ErrorCode::NotFound);
    let found = Content::default().list("/api/systemusers", [json!({"_id": id(1)})]).serve().await;
    let report = test(found.system()).await;
    assert!(report.passed(), "{report:?}");
    assert_eq!(check(&report, "organization").status, CheckStatus::Skipped);
}

#[tokio::test]
async fn a_key_that_may_see_no_organisation_is_not_asked_to_choose_one() {
    let console = Content::default()
        .answer("/api/systemusers", 404, json!({"message": "organization not found"}))
        .list("/api/organizations", [])
        .serve()
        .await;
    let system = console.system().with_attribute("jumpcloudOrgId", id(7));
    let report = test(system.clone()).await;
    assert_fails(&report, "users", ErrorCode::WrongOrganization);
    let failure = try_scan(system).await.unwrap_err();
    let organization = check(&report, "organization").error.as_ref().unwrap();
    for error in [report.first_error().unwrap(), failure.error(), organization] {
        assert!(error.message.contains("the key can access no organisation"), "{error:?}");
        assert!(!error.remedy.contains("one of"), "{error:?}");
    }
}

#[tokio::test]
async fn what_the_target_says_of_a_failure_is_in_the_error() {
    let console =
        Content::default().answer("/api/v2/usergroups", 200, json!({"error": "backend unavailable"})).serve().await;
    let error = try_scan(core_alone(console.system()).with_attribute("retryWaitMilliseconds", 1))
        .await
        .unwrap_err()
        .error()
        .clone();
    assert_eq!(error.code, ErrorCode::MalformedResponse);
    assert!(error.message.contains("backend unavailable") && !error.remedy.contains("host name"), "{error:?}");
}
