//! A scan that is killed and started again.

use std::collections::BTreeSet;
use std::time::Duration;

use jumpcloud_simulator::{SimulatorOptions, UsersEndpoint};

use crate::support::{PASSWORD_VARIABLE, harness, small};

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_killed_at_any_moment_and_started_again_writes_the_same_rows() {
    let options = SimulatorOptions {
        events: Some(50),
        latency: Duration::from_millis(8),
        users_endpoint: UsersEndpoint::V2,
        now: "2026-06-01T12:00:00Z".parse().unwrap(),
        ..SimulatorOptions::default()
    };
    let simulator = small(options).await;
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str| {
        let place = |suffix: &str| folder.path().join(format!("{name}{suffix}")).to_str().unwrap().to_owned();
        let (checkpoint, output) = (place(".kept"), place(".ndjson"));
        let mut command = harness(["scan", "--hostname", &simulator.url(), "--quiet"]);
        command.args(["--checkpoint", &checkpoint, "--output", &output, "--set", "includeLastLogin=false"]);
        command.args(["--set", "pageSize=20"]).env(PASSWORD_VARIABLE, simulator.api_key());
        (command, output)
    };
    let rows = |path: &str| -> BTreeSet<String> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().filter(|line| !line.contains(r#""record":"summary""#)).map(str::to_owned).collect()
    };
    let (mut command, output) = run("whole");
    let began = std::time::Instant::now();
    assert!(command.status().unwrap().success());
    let (took, whole) = (began.elapsed(), rows(&output));
    for part in 1..8 {
        let (mut command, output) = run(&format!("killed{part}"));
        let mut child = command.spawn().unwrap();
        tokio::time::sleep(took * part / 8).await;
        child.kill().unwrap();
        child.wait().unwrap();
        // Killed again while it goes on, it still goes on.
        let mut again = run(&format!("killed{part}")).0.spawn().unwrap();
        tokio::time::sleep(took / 4).await;
        again.kill().unwrap();
        again.wait().unwrap();
        assert!(run(&format!("killed{part}")).0.status().unwrap().success());
        assert_eq!(rows(&output), whole, "killed after {part}/8");
    }
    let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| !name.to_string_lossy().ends_with(".ndjson")).collect();
    assert!(left.is_empty(), "{left:?}");
}
