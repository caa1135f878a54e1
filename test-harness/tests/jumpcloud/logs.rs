//! What a scan logs, and what it must not.

use std::sync::{Mutex, OnceLock};

use crate::support::console::{Content, id};
use crate::support::{scan, simulated, small, start};
use connector_api::{Credential, SystemConfig};
use serde_json::json;
use test_harness::simulator::SimulatorOptions;

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Logs everything of every test in this process, since what is logged where is decided once for a process.
fn log_everything() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
        tracing::subscriber::set_global_default(subscriber.with_writer(|| Log).finish()).unwrap();
    });
}

fn log() -> String {
    String::from_utf8(LOG.lock().unwrap().clone()).unwrap()
}

#[tokio::test]
async fn the_choice_of_the_cheaper_end_and_its_cost_are_logged() {
    log_everything();
    let simulator = start(SimulatorOptions { users: 12, groups: 16, systems: 60, events: Some(0), ..small() }).await;
    scan(simulated(&simulator)).await;
    let log = log();
    let line = log.lines().find(|line| line.contains("from=\"user\" to=\"system\"")).unwrap();
    for word in ["chose the cheaper end", "requests=13", "from_cost=13", "to_cost=60"] {
        assert!(line.contains(word), "{line}");
    }
}

#[tokio::test]
async fn neither_key_nor_secret_nor_token_is_ever_logged_or_reported() {
    log_everything();
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
        let system = SystemConfig::new("JumpCloud", console.url(), credential).with_attribute("attempts", 2);
        let scanned = scan(system.with_attribute("jumpcloudAuthentication", authentication)).await;
        reported.push_str(&format!("{:?}", scanned.summary));
    }
    let log = log();
    assert!(log.contains("TRACE") && log.contains("trying again"), "everything is logged");
    assert_eq!(reported.matches("your credential is (secret)").count(), 6, "{reported}");
    for line in log.lines().chain([reported.as_str()]) {
        assert!(!line.contains(secret), "{line}");
        assert!(!line.contains(token), "{line}");
    }
}
