//! What a hostile target can make a scan hold. This test reads the memory of its process, so it has one of its own.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "trust/support.rs"]
mod support;

use connector_api::ErrorCode;
use jumpcloud_simulator::{SimulatorOptions, UsersEndpoint};
use serde_json::json;
use support::{code, scan_with, small, with_faults};

#[tokio::test]
async fn gigabytes_and_bombs_end_with_a_name_before_they_fill_the_memory() {
    for fault in ["oversized=4000000000", "gzip-bomb=50000000"] {
        let options = SimulatorOptions { users_endpoint: UsersEndpoint::V2, ..small() };
        let attributes = json!({"largestAnswerMib": 2, "includeGrants": false});
        let (_, ended, _) = scan_with(with_faults(options, &[&format!("{fault}:on=users")]), attributes).await;
        assert_eq!(code(&ended), ErrorCode::ResponseTooLarge, "{fault}");
    }
    #[cfg(target_os = "linux")]
    assert!(peak_memory() < 300, "{} MiB", peak_memory());
}

/// The most memory that this process ever held, in MiB.
#[cfg(target_os = "linux")]
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}
