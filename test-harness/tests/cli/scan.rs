//! Scans of a simulated organisation through the built binary.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Ended, PASSWORD_VARIABLE, Running, entries, harness, run, scan, small};
use connector_api::Record;
use jumpcloud_simulator::SimulatorOptions;
use serde_json::Value;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The rows as a set of texts, without the summary.
fn rows(text: &str) -> BTreeSet<String> {
    text.lines().filter(|line| !line.starts_with(r#"{"record":"summary""#)).map(str::to_owned).collect()
}

#[track_caller]
fn assert_scanned(ended: &Ended) {
    assert!(matches!(ended.code, 0 | 3), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_gets_every_account_and_the_summary_as_last_line() {
    let simulator = small(SimulatorOptions::default()).await;
    let ended = run(&mut scan(&simulator, &[]));
    assert_scanned(&ended);
    let lines = lines(&ended.stdout);
    let users = lines.iter().filter(|line| line["record"] == "account" && line["kind"] == "user").count();
    assert_eq!(users, simulator.organization().users().count());
    assert_eq!(lines.last().unwrap()["record"], "summary");
    ended.assert_hides(simulator.api_key());
    assert!(ended.stderr.contains("Sections"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_holds_the_same_rows() {
    let simulator = small(SimulatorOptions::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for (name, format) in [("a", "ndjson"), ("b", "json"), ("c", "csv")] {
        // The days that logins are looked back on move with the clock.
        let arguments = ["--output", &place(name), "--format", format, "--quiet", "--without", "lastLogin"];
        assert_scanned(&run(&mut scan(&simulator, &arguments)));
    }
    assert_eq!(entries(folder.path()), ["a", "b", "c"]);

    let ndjson = lines(&fs::read_to_string(place("a")).unwrap());
    let json: Value = serde_json::from_str(&fs::read_to_string(place("b")).unwrap()).unwrap();
    assert_eq!(json["records"].as_array().unwrap(), &ndjson[..ndjson.len() - 1]);
    for (kind, file) in [
        ("account", "accounts.csv"),
        ("group", "groups.csv"),
        ("membership", "memberships.csv"),
        ("resource", "resources.csv"),
        ("grant", "grants.csv"),
    ] {
        let rows = csv::Reader::from_path(Path::new(&place("c")).join(file)).unwrap().into_records().count();
        assert_eq!(rows, ndjson.iter().filter(|line| line["record"] == kind).count(), "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_in_no_output_at_any_log_level() {
    let simulator = small(SimulatorOptions::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    for format in ["text", "json"] {
        let mut command = scan(&simulator, &["--log-format", format, "--checkpoint", kept.to_str().unwrap()]);
        let ended = run(command.env("RUST_LOG", "trace"));
        assert_scanned(&ended);
        assert!(ended.stderr.contains("TRACE"), "nothing is traced");
        ended.assert_hides(simulator.api_key());
    }
    let url = simulator.url();
    let mut command = harness(["test-connection", "--hostname", &url, "--log-level", "trace"]);
    let ended = run(command.env(PASSWORD_VARIABLE, simulator.api_key()));
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.assert_hides(simulator.api_key());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_target_leaves_no_file_and_says_so_on_a_pipe() {
    let faults = vec!["status=404:on=usergroups".parse().unwrap()];
    let simulator = small(SimulatorOptions { faults, ..SimulatorOptions::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("scan");
    for format in ["ndjson", "json", "csv"] {
        let ended = run(&mut scan(&simulator, &["--format", format, "--output", output.to_str().unwrap()]));
        ended.assert_error(1, "not_found", "");
        assert!(entries(folder.path()).is_empty());
    }
    let ended = run(&mut scan(&simulator, &[]));
    assert_eq!(ended.code, 1);
    assert_eq!(lines(&ended.stdout).last().unwrap()["outcome"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_that_may_not_be_read_ends_with_exit_code_3() {
    let forbidden = vec!["insights.events".parse().unwrap()];
    let simulator = small(SimulatorOptions { forbidden, ..SimulatorOptions::default() }).await;
    let ended = run(&mut scan(&simulator, &[]));
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("NOT READ  Last logins"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_the_scan_with_an_error() {
    let simulator = small(SimulatorOptions { users: 3000, ..SimulatorOptions::default() }).await;
    let mut child = scan(&simulator, &["--quiet"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    ended(child).assert_error(1, "sink", "--output");

    let mut connectors = harness(["describe"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(connectors.stdout.take());
    let code = ended(connectors).code;
    assert!(code == 0 || code == 1, "{code}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_goes_on_when_nobody_reads_its_log() {
    let simulator = small(SimulatorOptions::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("scan.ndjson");
    let mut command = scan(&simulator, &["--log-level", "debug", "--output", output.to_str().unwrap()]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_scanned(&ended(child));
    assert!(output.exists());
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_ends_the_scan_with_an_error() {
    let simulator = small(SimulatorOptions::default()).await;
    let ended = run(&mut scan(&simulator, &["--output", "/dev/full", "--quiet"]));
    ended.assert_error(1, "sink", "free some space");
    assert!(fs::metadata("/dev/full").is_ok_and(|full| !full.is_file()));
}

fn ended(child: Child) -> Ended {
    child.wait_with_output().unwrap().into()
}

/// Waits until `path` is there, or the scan ends without it.
fn wait_for(path: &Path, child: &mut Child) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !path.exists() {
        assert!(child.try_wait().unwrap().is_none(), "the scan ended before {} was there", path.display());
        assert!(Instant::now() < deadline, "{} never came", path.display());
        thread::yield_now();
    }
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_the_scan_and_the_same_command_goes_on() {
    let options = SimulatorOptions { latency: Duration::from_millis(20), ..SimulatorOptions::default() };
    let simulator = small(options).await;
    // The days that logins are looked back on move with the clock.
    let whole = run(&mut scan(&simulator, &["--without", "lastLogin"]));
    for (name, code) in [("INT", 130), ("TERM", 130), ("KILL", -1)] {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("kept");
        let again = || {
            let mut command = scan(&simulator, &["--quiet", "--without", "lastLogin"]);
            command.arg("--checkpoint").arg(&kept);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command
        };
        let mut child = again().spawn().unwrap();
        wait_for(&kept, &mut child);
        signal(&child, name);
        let stopped = ended(child);
        assert_eq!((stopped.code, rows(&stopped.stdout).len()), (code, 0), "{stopped:?}");
        if code == 130 {
            stopped.assert_error(130, "cancelled", "same command");
        }
        assert!(entries(folder.path()).starts_with(&["kept".to_owned()]));
        assert!(!fs::read_to_string(&kept).unwrap().contains(simulator.api_key()));
        let resumed = run(&mut again());
        assert_scanned(&resumed);
        assert_eq!(rows(&resumed.stdout), rows(&whole.stdout), "after {name}");
        assert!(entries(folder.path()).is_empty());
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_cannot_be_used_is_refused_without_fresh() {
    let options = SimulatorOptions { latency: Duration::from_millis(20), ..SimulatorOptions::default() };
    let simulator = small(options).await;
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let arguments = ["--checkpoint", kept.to_str().unwrap()];
    let mut child = scan(&simulator, &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for(&kept, &mut child);
    child.kill().unwrap();
    child.wait().unwrap();

    let foreign = run(scan(&simulator, &arguments).args(["--set", "lastLoginDays=30"]));
    foreign.assert_error(2, "checkpoint_rejected", "--fresh");
    assert!(foreign.stderr.contains("these settings have changed: lastLoginDays"), "{foreign:?}");
    let skipping = run(scan(&simulator, &arguments).args(["--without", "lastLogin,directories"]));
    let help = "to resume, do not skip directories, lastLogin; or scan from the beginning with --fresh";
    skipping.assert_error(2, "checkpoint_rejected", help);
    assert!(skipping.stderr.contains("it was made with directories, lastLogin"), "{skipping:?}");
    let mut damaged = fs::read(&kept).unwrap();
    damaged.truncate(damaged.len() / 2);
    fs::write(&kept, damaged).unwrap();
    run(&mut scan(&simulator, &arguments)).assert_error(2, "checkpoint_rejected", "--fresh");
    assert_scanned(&run(scan(&simulator, &arguments).arg("--fresh")));
    assert!(entries(folder.path()).is_empty());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_scan_goes_on_at_another_pace() {
    let options = SimulatorOptions { latency: Duration::from_millis(20), ..SimulatorOptions::default() };
    let simulator = small(options).await;
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let arguments = ["--checkpoint", kept.to_str().unwrap(), "--quiet", "--without", "lastLogin"];
    let whole = run(&mut scan(&simulator, &arguments[2..]));
    let mut child = scan(&simulator, &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for(&kept, &mut child);
    child.kill().unwrap();
    child.wait().unwrap();

    let mut again = scan(&simulator, &arguments);
    for setting in [
        "concurrency=3",
        "requestsPerSecond=500",
        "pageSize=50",
        "attempts=9",
        "readTimeoutSeconds=20",
        "requestTimeoutSeconds=60",
        "retryBudgetSeconds=60",
        "scanLimitMinutes=60",
        // The default, which is no other setting.
        "lastLoginDays=90",
    ] {
        again.args(["--set", setting]);
    }
    let resumed = run(&mut again);
    assert_scanned(&resumed);
    assert_eq!(rows(&resumed.stdout), rows(&whole.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_organisation_of_a_provider_has_its_own_file() {
    let simulator = small(SimulatorOptions { organizations: 3, ..SimulatorOptions::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--all-organizations", "--output", folder.path().to_str().unwrap(), "--quiet"];
    let ended = run(&mut scan(&simulator, &arguments));
    assert_scanned(&ended);
    assert_eq!(entries(folder.path()).len(), 3);
    for name in entries(folder.path()) {
        let text = fs::read_to_string(folder.path().join(&name)).unwrap();
        assert_eq!(lines(&text).last().unwrap()["record"], "summary", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_effective_grants_that_is_exceeded_ends_with_exit_code_3_and_says_what_to_set() {
    let simulator = small(SimulatorOptions::default()).await;
    for (mode, section) in [("privileged", "privilegedGrants"), ("all", "otherGrants")] {
        let mode = format!("effectiveGrants={mode}");
        let limited = |limit: u64| {
            let limit = format!("effectiveGrantsLimit={limit}");
            run(&mut scan(&simulator, &["--set", &mode, "--set", &limit]))
        };
        let report = |ended: &Ended| -> Value {
            let summary = lines(&ended.stdout).pop().unwrap();
            let of_section = |report: &&Value| report["section"] == section;
            summary["sections"].as_array().unwrap().iter().find(of_section).unwrap().clone()
        };
        let whole = limited(1_000_000);
        let rows = report(&whole)["records"].as_u64().unwrap();
        assert_eq!((whole.code, limited(rows).code), (0, 0), "as many as the limit allows");
        let ended = limited(rows - 1);
        assert_eq!((ended.code, report(&ended)["status"].as_str()), (3, Some("incomplete")), "{ended:?}");
        assert!(ended.stderr.contains("limit_exceeded"), "{}", ended.stderr);
        let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("aise effectiveGrantsLimit, or set effectiveGrants to "), "{said}");
    }
}

#[test]
fn the_demo_needs_nothing() {
    let ended = run(&mut harness(["scan", "--demo"]));
    assert_scanned(&ended);
    for expected in [
        "users",
        "administrators",
        "Worth a look",
        "Evidence on all accounts",
        "second factor",
        "are privileged",
        "requests",
    ] {
        assert!(ended.stderr.contains(expected), "no {expected:?} in {}", ended.stderr);
    }
    let ended = run(&mut harness(["test-connection", "--demo", "--format", "json"]));
    assert_eq!(ended.code, 0, "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["checks"][0]["status"], "passed");
}

#[test]
fn the_catalogue_describes_the_connector() {
    let listed = run(&mut harness(["connectors", "--edition", "PRO"]));
    assert!(listed.code == 0 && listed.stdout.contains("JumpCloud"), "{listed:?}");
    assert!(!run(&mut harness(["connectors", "--edition", "community"])).stdout.contains("JumpCloud"));
    let page = run(&mut harness(["describe", "--os-type", "JumpCloud"]));
    assert!(page.code == 0 && page.stdout.contains("Troubleshooting"), "{page:?}");
    let schema = run(&mut harness(["schema", "--os-type", "JumpCloud"]));
    let schema: Value = serde_json::from_str(&schema.stdout).unwrap();
    assert!(schema["properties"]["jumpcloudOrgId"].is_object());
    let rows = run(&mut harness(["schema", "--rows"]));
    let rows: Value = serde_json::from_str(&rows.stdout).unwrap();
    let kinds = rows["oneOf"].as_array().unwrap().iter().map(|kind| kind["properties"]["record"]["const"].as_str());
    let known = Record::KINDS.iter().copied().chain(["summary"]);
    assert!(kinds.eq(known.map(Some)), "{rows}");
}

#[test]
fn attributes_are_described_in_the_groups_of_the_form_with_titles_and_choices() {
    let page = run(&mut harness(["describe", "--os-type", "JumpCloud"])).stdout;
    let mut at = 0;
    for line in [
        "  Organisation and sign-in\n",
        "    jumpcloudOrgId: Organization ID\n",
        "        serviceAccount = Service account: A service account's client ID and secret.\n",
        "  What to discover\n",
        "    includeLastLogin: Last logins [default: true]\n",
        "  Network (advanced)\n",
        "    proxyUrl: Proxy URL\n",
    ] {
        at += page[at..].find(line).unwrap_or_else(|| panic!("{line:?} is not where it belongs:\n{page}"));
    }
}

#[cfg(unix)]
#[test]
fn a_simulator_prints_how_to_scan_it_and_ends_at_ctrl_c() {
    for arguments in [
        &["simulate", "--users", "20"][..],
        &["simulate", "--users", "20", "--tls"],
        &["simulate", "--users", "20", "--listen", "0.0.0.0:0"],
        &["simulate", "--users", "20", "--seed", "7"],
    ] {
        let mut command = harness(arguments);
        let mut simulator = Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        let mut printed = String::new();
        let mut out = simulator.0.stdout.take().unwrap();
        let mut bytes = [0; 1024];
        while !printed.contains("Ctrl-C") {
            let length = out.read(&mut bytes).unwrap();
            assert!(length > 0, "the simulator ended: {printed}");
            printed.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
        }
        let seed = if arguments.contains(&"--seed") { "7" } else { "2718" };
        assert!(printed.contains(&format!("\n  seed: {seed}\n")), "{printed}");
        let line = printed.lines().find(|line| line.contains("harness scan")).unwrap();
        let (key, scan) = line.split_once(" harness ").unwrap();
        let key = key.trim().strip_prefix("ORBISID_CREDENTIAL_PASSWORD=").unwrap();
        assert_scanned(&run(harness(scan.split(' ')).env(PASSWORD_VARIABLE, key)));
        signal(&simulator.0, "INT");
        assert_eq!(simulator.0.wait().unwrap().code(), Some(0));
        let mut said = String::new();
        simulator.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said.contains("warning["), arguments.contains(&"0.0.0.0:0"), "{said}");
    }
}
