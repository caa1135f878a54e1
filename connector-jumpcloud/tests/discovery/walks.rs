//! Long walks over accounts: other tasks get their turn, and a walk ends when nothing can come of it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use connector_api::{
    CancellationToken, ConnectorError, ErrorCode, Outcome, Progress, Record, ScanRequest, ScanSink, Section,
    SystemConfig, async_trait,
};
use serde_json::{Value, json};

use crate::support::connect;
use crate::support::console::{Content, id};

const USERS: std::ops::Range<u64> = 1000..2000;

/// Takes rows at once. When the effective grants begin, it starts a task that cancels the scan. On the one thread of a
/// test, that task runs only if the scan lets it.
struct CancelsInTheWalk {
    cancel: CancellationToken,
    began: AtomicBool,
}

#[async_trait]
impl ScanSink for CancelsInTheWalk {
    async fn records(&self, _: Vec<Record>) -> Result<(), ConnectorError> {
        Ok(())
    }

    fn progress(&self, progress: Progress) {
        if progress.section == Section::PRIVILEGED_GRANTS && !self.began.swap(true, Ordering::Relaxed) {
            let cancel = self.cancel.clone();
            tokio::spawn(async move { cancel.cancel() });
        }
    }
}

async fn cancelled_in_the_walk(system: &SystemConfig, mode: &str) -> Result<Outcome, ErrorCode> {
    let cancel = CancellationToken::new();
    let sink = Arc::new(CancelsInTheWalk { cancel: cancel.clone(), began: AtomicBool::new(false) });
    let connector = connect(system.clone().with_attribute("effectiveGrants", mode)).unwrap();
    let ended = connector.scan(ScanRequest::with_cancel(cancel), Arc::clone(&sink) as Arc<dyn ScanSink>).await;
    assert!(sink.began.load(Ordering::Relaxed), "{mode}: there is a walk");
    ended.map(|summary| summary.outcome).map_err(|failure| failure.error().code)
}

/// A thousand users, of whom those in a group reach a device as administrators and an application.
fn organization(members: impl Iterator<Item = u64>) -> Content {
    let member = |kind: &str, number: u64| json!({"to": {"id": id(number), "type": kind}});
    let bound = |attributes: Value| [json!({"attributes": attributes, "to": {"id": id(10), "type": "user_group"}})];
    Content::default()
        .list("/api/systemusers", USERS.map(|number| json!({"_id": id(number), "username": format!("u{number}")})))
        .list("/api/v2/usergroups", [json!({"id": id(10), "name": "All"})])
        .list(&format!("/api/v2/usergroups/{}/members", id(10)), members.map(|number| member("user", number)))
        .list("/api/systems", [json!({"_id": id(20), "hostname": "h"})])
        .list("/api/applications", [json!({"_id": id(30), "displayLabel": "Pay"})])
        .list(&format!("/api/v2/systems/{}/associations", id(20)), bound(json!({"sudo": {"enabled": true}})))
        .list(&format!("/api/v2/applications/{}/associations", id(30)), bound(json!(null)))
}

#[tokio::test]
async fn a_scan_that_is_cancelled_in_a_walk_over_accounts_without_rows_ends_there() {
    let console = organization(std::iter::empty()).serve().await;
    for mode in ["privileged", "all"] {
        assert_eq!(cancelled_in_the_walk(&console.system(), mode).await, Err(ErrorCode::Cancelled), "{mode}");
    }
}

#[tokio::test]
async fn a_walk_ends_at_once_when_its_sections_are_full() {
    let console = organization(USERS).serve().await;
    for mode in ["privileged", "all"] {
        let walk = async |limit: u64| {
            let system = console.system().with_attribute("effectiveGrantsLimit", limit);
            cancelled_in_the_walk(&system, mode).await
        };
        // It is over before another task gets its turn: nothing is left to cancel.
        assert_eq!(walk(1).await, Ok(Outcome::Incomplete), "{mode}");
        // With room in one of the sections for somebody who is not reached yet, it goes on.
        assert_eq!(walk(USERS.end - USERS.start - 1).await, Err(ErrorCode::Cancelled), "{mode}");
    }
}
