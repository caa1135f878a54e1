//! What a scan logs, and what it must not. These tests have a process of their own: each of them captures before it logs
//! anything, so that none depends on what others log first.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "discovery/support/mod.rs"]
mod support;

use connector_api::{Credential, SystemConfig};
use connector_conformance::CapturedLog;
use jumpcloud_simulator::SimulatorOptions;
use serde_json::json;
use support::console::{Content, id};
use support::{scan, simulated, small, start};

#[tokio::test]
async fn the_choice_of_the_cheaper_end_is_logged() {
    let log = CapturedLog::start();
    let simulator = start(SimulatorOptions { users: 12, groups: 16, systems: 60, events: Some(0), ..small() }).await;
    scan(simulated(&simulator)).await;
    let log = log.text();
    let line =
        log.lines().find(|line| line.contains("chose the end") && line.contains("listed=\"user_group\"")).unwrap();
    for word in ["targets=\"system,system_group,application,", "objects=16", "together=true"] {
        assert!(line.contains(word), "{line}");
    }
}

#[tokio::test]
async fn neither_key_nor_secret_nor_token_is_ever_logged_or_reported() {
    let log = CapturedLog::start();
    let (secret, token) = ("hunter2-secret", "token-that-must-not-show");
    let mut reported = String::new();
    for (authentication, sent) in [("apiKey", secret), ("serviceAccount", token)] {
        // A target that repeats what it was sent.
        let echo = json!({"message": format!("your credential is {sent}")});
        let console = Content::default()
            .answer("/oauth2/token", 200, json!({"access_token": token, "token_type": "bearer", "expires_in": 3600}))
            .list("/api/systemusers", [json!({"_id": id(1), "username": "ada"})])
            .answer("/api/users", 500, echo.clone())
            .answer("/api/systems", 403, echo)
            .serve()
            .await;
        let credential = Credential::from_secret(secret.to_owned()).with_username("client");
        let system = SystemConfig::new("JumpCloud", console.url(), credential)
            .with_attribute("attempts", 2)
            .with_attribute("effectiveGrants", "all");
        let scanned = scan(system.with_attribute("jumpcloudAuthentication", authentication)).await;
        reported.push_str(&format!("{:?}", scanned.summary));
    }
    let log = log.text();
    assert!(log.contains("TRACE") && log.contains("trying again"), "everything is logged");
    // By administrators, devices, local administrators, bindings, temporary access and both sections of grants, twice.
    assert_eq!(reported.matches("your credential is (secret)").count(), 14, "{reported}");
    for line in log.lines().chain([reported.as_str()]) {
        assert!(!line.contains(secret), "{line}");
        assert!(!line.contains(token), "{line}");
    }
}

#[tokio::test]
async fn the_log_calls_no_section_complete_that_the_summary_does_not() {
    let log = CapturedLog::start();
    let console = Content::default()
        .list("/api/systemusers", [json!({"_id": id(1), "username": "ada"})])
        .answer("/api/applications", 500, json!({}))
        .serve()
        .await;
    let scanned = scan(console.system().with_attribute("attempts", 1)).await;
    let log = log.text();
    // The grants lead to applications, so they are not whole either, though all of their own lists were.
    for (section, status) in scanned.summary.sections.iter().map(|report| (report.section, report.status.as_str())) {
        let ends = log.lines().filter(|line| line.contains(&format!("section={section} status=")));
        let ends: Vec<&str> = ends.collect();
        assert_eq!(ends.len(), 1, "{section}: {ends:?}");
        assert!(ends[0].contains(&format!("status=\"{status}\"")), "{section} is {status}: {}", ends[0]);
    }
    assert!(log.contains("section=grants status=\"incomplete\""), "{log}");
    assert!(!log.contains("a section is read"), "{log}");
}
