//! What is said on standard error.

use crate::support::{run, scan, small};
use jumpcloud_simulator::{Simulator, SimulatorOptions};

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_nothing_is_logged_but_progress_and_warnings() {
    let simulator = small(SimulatorOptions::default()).await;
    let is_log = |line: &&str| ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].iter().any(|level| line.contains(level));
    let ended = run(&mut scan(&simulator, &[]));
    let logged: Vec<&str> = ended.stderr.lines().filter(is_log).collect();
    assert!(!logged.is_empty() && logged.iter().all(|line| line.contains("INFO scan_progress: ")), "{logged:?}");
    for arguments in [&["--quiet"][..], &["--log-level", "warn,scan_progress=off"]] {
        let ended = run(&mut scan(&simulator, arguments));
        assert_eq!(ended.stderr.lines().filter(is_log).count(), 0, "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_that_is_unavailable_is_reported_once() {
    let forbidden = vec!["systems".parse().unwrap(), "insights.events".parse().unwrap()];
    let simulator = small(SimulatorOptions { forbidden, ..SimulatorOptions::default() }).await;
    // In the summary, or where none is shown as a warning.
    for (arguments, devices) in [
        (&[][..], "NOT READ  Devices (systems) and local accounts (localAccounts), and therefore part of who reaches"),
        (&["--quiet"], "warning[forbidden]: systems, localAccounts, grants, temporaryAccess: "),
    ] {
        let ended = run(&mut scan(&simulator, arguments));
        assert_eq!(ended.code, 3, "{ended:?}");
        for path in ["/api/systems", "/insights/directory/v1/events"] {
            assert_eq!(ended.stderr.matches(path).count(), 1, "{path}: {}", ended.stderr);
        }
        assert_eq!(ended.stderr.matches(devices).count(), 1, "{}", ended.stderr);
        assert_eq!(ended.stderr.contains("warning["), arguments == ["--quiet"], "{}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_of_the_scan_is_shown_once_with_the_summary_and_without() {
    let nobody = Simulator::start(SimulatorOptions { users: 0, ..SimulatorOptions::default() }).await.unwrap();
    for (arguments, line) in
        [(&[][..], "WARNING   no_users: no users returned"), (&["--quiet"], "warning: no_users: no users")]
    {
        let ended = run(&mut scan(&nobody, arguments));
        assert_eq!(ended.code, 0, "{ended:?}");
        assert_eq!(ended.stderr.lines().filter(|found| found.contains(line)).count(), 1, "{}", ended.stderr);
        assert_eq!(ended.stderr.matches("no_users").count(), 1, "{}", ended.stderr);
    }
    let somebody = small(SimulatorOptions::default()).await;
    assert_eq!(run(&mut scan(&somebody, &["--quiet"])).stderr, "");
}
