//! Where things are written: nothing that somebody else made is lost, whatever an operator names.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Ended, PASSWORD_VARIABLE, entries, harness, run, scan, small};
use jumpcloud_simulator::{Simulator, SimulatorOptions, TlsMode};
use serde_json::Value;

const TEXT: &str = "somebody's only copy\n";

/// Runs a scan in `folder`, so that paths can be spelled in relation to it.
fn scan_in(folder: &Path, simulator: &Simulator, arguments: &[&str]) -> Ended {
    run(scan(simulator, arguments).current_dir(folder))
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn no_two_files_of_a_scan_may_be_one_by_whatever_spelling() {
    let simulator = small(SimulatorOptions::default()).await;
    let tls = small(SimulatorOptions { tls: Some(TlsMode::Valid), ..SimulatorOptions::default() }).await;
    let certificate = tls.ca_pem().unwrap();
    for outputs in [
        &["--checkpoint", "f", "--output", "f"][..],
        &["--checkpoint", "f", "--output", "./f"],
        &["--checkpoint", "./f", "--output", "inner/../f"],
        &["--checkpoint", "f", "--output", "link"],
        &["--checkpoint", "link", "--output", "f"],
        &["--checkpoint", "f", "--output", "f.rows"],
        &["--checkpoint", "link", "--output", "f.rows"],
        &["--checkpoint", "f", "--output", "f.new"],
        &["--checkpoint", "f", "--output", "hq.toml"],
        &["--checkpoint", "hq.toml", "--output", "f"],
        &["--checkpoint", "f", "--output", "key"],
        &["--checkpoint", "f", "--output", "./hard"],
        &["--checkpoint", "f", "--output", "ca.pem", "--set", "caBundleFile=ca.pem"],
    ] {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("inner")).unwrap();
        fs::write(at("key"), simulator.api_key()).unwrap();
        fs::write(at("ca.pem"), certificate).unwrap();
        fs::write(at("hq.toml"), format!("hostname = '{}'", simulator.url())).unwrap();
        fs::hard_link(at("hq.toml"), at("hard")).unwrap();
        std::os::unix::fs::symlink("f", at("link")).unwrap();
        fs::set_permissions(at("key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let before = entries(folder.path());
        let mut command = harness(["scan", "--system", "hq.toml", "--password-file", "key", "--format", "ndjson"]);
        let ended = run(command.args(outputs).current_dir(folder.path()));
        ended.assert_error(2, "invalid_config", "a different path for each");
        assert_eq!(entries(folder.path()), before, "{outputs:?}");
        assert_eq!(fs::read_to_string(at("key")).unwrap(), simulator.api_key());
        assert_eq!(fs::read_to_string(at("ca.pem")).unwrap(), certificate);
    }
    assert_eq!(simulator.requests().total, 0);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_a_stream_goes_to_is_no_place_for_anything_else() {
    let simulator = small(SimulatorOptions::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let shell = |redirections: &str| {
        let program = env!("CARGO_BIN_EXE_harness");
        let line = format!("'{program}' scan --hostname '{}' {redirections}", simulator.url());
        let mut command = Command::new("sh");
        command.args(["-c", &line]).current_dir(folder.path()).env(PASSWORD_VARIABLE, simulator.api_key());
        run(&mut command).code
    };
    for redirections in [
        "--output log.ndjson 2> log.ndjson",
        "--output log.ndjson 2>> ./log.ndjson",
        "--checkpoint log > rows 2> log",
        "--checkpoint rows > rows",
        "--checkpoint f > f.rows",
        "> both 2> both",
    ] {
        assert_eq!(shell(redirections), 2, "{redirections}");
    }
    assert_eq!(simulator.requests().total, 0);
    assert_eq!(shell("> both 2>&1"), 0, "one after the other, both are whole");
    let both = fs::read_to_string(folder.path().join("both")).unwrap();
    assert!(both.contains(r#"{"record":"summary""#) && both.contains("Sections"), "{both}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_checkpoint_is_never_deleted_or_overwritten() {
    let simulator = small(SimulatorOptions::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    assert_eq!(scan_in(folder.path(), &simulator, &["--quiet", "--output", "monday.ndjson"]).code, 0);
    let monday = fs::read(at("monday.ndjson")).unwrap();
    fs::write(at("empty"), "").unwrap();
    fs::write(at("notes"), TEXT).unwrap();
    fs::write(at("a.rows"), TEXT).unwrap();
    fs::copy(at("monday.ndjson"), at("b.rows")).unwrap();
    fs::write(at("c.new"), TEXT).unwrap();
    fs::write(at("d.rows"), "").unwrap();
    let before = entries(folder.path());
    let asked = simulator.requests().total;
    for file in ["monday.ndjson", "empty", "notes", "a", "b", "c", "d"] {
        for fresh in [&[][..], &["--fresh"]] {
            let arguments = [&["--output", "tuesday.ndjson", "--checkpoint", file], fresh].concat();
            let ended = scan_in(folder.path(), &simulator, &arguments);
            ended.assert_error(2, "checkpoint_rejected", "another file");
            assert_eq!(entries(folder.path()), before, "{file}");
        }
    }
    assert_eq!(simulator.requests().total, asked);
    assert_eq!(fs::read(at("monday.ndjson")).unwrap(), monday);
    assert_eq!(fs::read(at("b.rows")).unwrap(), monday);
    for name in ["notes", "a.rows", "c.new"] {
        assert_eq!(fs::read_to_string(at(name)).unwrap(), TEXT);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_was_killed_and_went_on_leaves_no_other_file() {
    let options = SimulatorOptions { latency: std::time::Duration::from_millis(20), ..SimulatorOptions::default() };
    let simulator = small(options).await;
    for (output, format) in [("rows.ndjson", "ndjson"), ("rows", "csv"), ("rows/", "ndjson")] {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["--quiet", "--checkpoint", "kept", "--output", output, "--format", format];
        let mut command = scan(&simulator, &arguments);
        let mut child = command.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while !folder.path().join("kept").exists() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before there was a checkpoint");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let left = entries(folder.path());
        assert!(left.iter().all(|name| name.starts_with("kept")), "{left:?}");
        assert_eq!(scan_in(folder.path(), &simulator, &arguments).code, 0);
        assert_eq!(entries(folder.path()), [output.trim_end_matches('/')]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_format_follows_the_ending() {
    let simulator = small(SimulatorOptions::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for output in ["a.ndjson", "b.json", "c.csv", "D.JSON"] {
        assert_eq!(scan_in(folder.path(), &simulator, &["--quiet", "--output", output]).code, 0);
    }
    for (name, format) in [("e.txt", "ndjson"), ("f.json", "ndjson")] {
        let arguments = ["--quiet", "--output", name, "--format", format];
        assert_eq!(scan_in(folder.path(), &simulator, &arguments).code, 0);
    }
    let first_line = |name: &str| fs::read_to_string(at(name)).unwrap().lines().next().unwrap().to_owned();
    for name in ["a.ndjson", "e.txt", "f.json"] {
        assert!(first_line(name).starts_with(r#"{"record":"account""#), "{name}");
    }
    for name in ["b.json", "D.JSON"] {
        assert!(serde_json::from_slice::<Value>(&fs::read(at(name)).unwrap()).unwrap()["summary"].is_object());
    }
    assert!(at("c.csv/accounts.csv").is_file());
    let asked = simulator.requests().total;
    for output in ["g.txt", "g", "g.jsonl", "g/", "."] {
        let ended = scan_in(folder.path(), &simulator, &["--output", output]);
        ended.assert_error(2, "invalid_config", ".ndjson, .json or .csv");
    }
    assert_eq!(simulator.requests().total, asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_for_all_organizations_is_made() {
    let simulator = small(SimulatorOptions { organizations: 2, ..SimulatorOptions::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    for (output, format, ending) in [("orgs", "ndjson", ".ndjson"), ("again/", "csv", "")] {
        let arguments = ["--all-organizations", "--output", output, "--format", format, "--quiet"];
        assert_eq!(scan_in(folder.path(), &simulator, &arguments).code, 0);
        let names = entries(&folder.path().join(output));
        assert!(names.len() == 2 && names.iter().all(|name| name.ends_with(ending)), "{names:?}");
    }
    let mut refused = scan(&simulator, &["--all-organizations", "--output", "none"]);
    run(refused.current_dir(folder.path()).env(PASSWORD_VARIABLE, "wrong")).assert_error(1, "unauthorized", "");
    assert!(!folder.path().join("none").exists());
}

#[test]
fn a_certificate_is_written_over_nothing_but_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    fs::write(&key, TEXT).unwrap();
    let place = key.to_str().unwrap();
    let ended = run(&mut harness(["simulate", "--users", "5", "--tls", "--api-key-file", place, "--ca-file", place]));
    ended.assert_error(2, "invalid_config", "--ca-file");
    assert_eq!(fs::read_to_string(&key).unwrap(), TEXT);
}

#[cfg(unix)]
#[test]
fn rows_are_never_lost_to_a_closed_standard_output() {
    let closed = |arguments: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" >&-"]).arg(harness(arguments).get_program()).args(arguments);
        run(command.stdin(Stdio::null()).env_remove("RUST_LOG"))
    };
    for format in ["ndjson", "json"] {
        let ended = closed(&["scan", "--demo", "--quiet", "--output", "-", "--format", format]);
        ended.assert_error(1, "sink", "--output FILE");
    }
    let unsaved = closed(&["scan", "--demo", "--quiet", "--without", "lastLogin"]);
    assert!(unsaved.code == 0 && unsaved.stderr.contains("The rows were not saved: "), "{unsaved:?}");
    // Whoever redirects to a device that keeps nothing wants that.
    let arguments = ["scan", "--demo", "--quiet", "--output", "-"];
    let dropped = run(harness(arguments).stdout(fs::OpenOptions::new().write(true).open("/dev/null").unwrap()));
    assert_eq!(dropped.code, 0, "{dropped:?}");
}
