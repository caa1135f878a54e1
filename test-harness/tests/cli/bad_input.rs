//! What an operator may get wrong: each a clear error with its help, the right exit code, and no key in any output.

use std::fs;

use crate::support::{Ended, PASSWORD_VARIABLE, Running, entries, harness, run, scan, small};
use jumpcloud_simulator::SimulatorOptions;

const KEY: &str = "hunter2-hunter2-hunter2";

/// Runs `harness` with a key in its environment.
fn with_key(arguments: &[&str]) -> Ended {
    let ended = run(harness(arguments).env(PASSWORD_VARIABLE, KEY));
    ended.assert_hides(KEY);
    ended
}

#[test]
fn wrong_usage_is_named_with_its_help() {
    for (arguments, help) in [
        (&[][..], "harness --help"),
        (&["scam"], "scan"),
        (&["scan"], "--demo"),
        (&["scan", "--systm", "x"], "--system"),
        (&["scan", "--demo", "--hostname", "x"], "harness scan --help"),
        (&["scan", "--hostname", "x", "--port", "0"], "harness scan --help"),
        (&["scan", "--hostname", "x", "--port", "65536"], "harness scan --help"),
        (&["scan", "--hostname", "x", "--set", "pageSize"], "harness scan --help"),
        (&["scan", "--hostname", "x", "--format", "xml"], "harness scan --help"),
        (&["scan", "--hostname", "x", "--without", "users"], "skip only these: roles, administrators"),
        (&["scan", "--hostname", "x", "--without", "last login"], "skip only these: lastLogin, "),
        (&["scan", "--hostname", "x", "--without", "Grants"], "skip only these: grants, "),
        (&["scan", "--hostname", "x", "--without", "otherGrant"], "skip only these: otherGrants, "),
        (&["scan", "--hostname", "x", "--without", "grants,policies", "--plan"], "skip only these: roles, "),
        (&["scan", "--hostname", "x", "--fresh"], "--fresh with --checkpoint or --store"),
        (&["scan", "--hostname", "x", "--password", "x"], "--password-file"),
        (&["connectors", "--edition", "free"], "harness connectors --help"),
        (&["schema", "--rows", "--os-type", "Scim"], "harness schema --help"),
        (&["simulate", "--fault", "statsu=503"], "harness simulate --help"),
        (&["scan", "--demo", "--log-level", "a=b=c"], "debug"),
        (&["scan", "--demo", "--log-level", "verbose"], "debug"),
        (&["scan", "--demo", "--log-level", "warn,connector_jumpcloud"], "debug"),
        (&["test-connection", "--demo", "--log-level", "warning"], "debug"),
        (&["scan", "--demo", "--output", "scan.txt"], "--format"),
        (&["scan", "--demo", "--output", "scan"], "--format"),
        (&["scan", "--demo", "--output", "scan/"], "--format"),
    ] {
        with_key(arguments).assert_error(2, "invalid_config", help);
    }
}

#[test]
fn the_name_of_a_section_is_wrong_once() {
    for name in ["Grants", "nonsense"] {
        let ended = with_key(&["scan", "--hostname", "x", "--without", name]);
        let expected = "error[invalid_config]: --without: the connector has no section of that name\n";
        assert!(ended.stderr.starts_with(expected), "{ended:?}");
    }
}

#[test]
fn wrong_configuration_is_named_with_its_help() {
    let host = "console.jumpcloud.com";
    for (arguments, error, help) in [
        (&["--hostname", host, "--os-type", "JumpClod"][..], "invalid_config", "did you mean `JumpCloud`?"),
        (&["--hostname", host, "--edition", "Community"], "edition_not_supported", "Pro"),
        (&["--hostname", host, "--set", "pagesize=5"], "invalid_config", "schema"),
        (&["--hostname", host, "--set", "pageSize=many"], "invalid_config", "--set pageSize=100"),
        (&["--hostname", host, "--set", "pageSize=1000"], "invalid_config", "schema"),
        (&["--hostname", host, "--set", "includeGrants=yes"], "invalid_config", "--set includeGrants=true"),
        (
            &["--hostname", host, "--set", "privilegedGroupPatterns=a,b"],
            "invalid_config",
            r#"--set 'privilegedGroupPatterns=["admin""#,
        ),
        (
            &["--hostname", host, "--set", "concurrency=null"],
            "invalid_config",
            "leave out --set concurrency=… for the default",
        ),
        (
            &["--hostname", host, "--set", "effectiveGrants=null"],
            "invalid_config",
            "leave out --set effectiveGrants=… for the",
        ),
        (
            &["--hostname", host, "--set", "pageSize=5", "--set", "pageSize=6"],
            "invalid_config",
            "write --set pageSize=… once",
        ),
        (&["--hostname", host, "--set", "apiKey=K"], "invalid_config", "--password-file"),
        (&["--hostname", "console.jumpcloud.com/path"], "invalid_config", "host name"),
        (&["--hostname", "ada:secret@console.jumpcloud.com"], "invalid_config", "host name"),
        (&["--hostname", ""], "invalid_config", "schema"),
        (&["--hostname", "http://console.jumpcloud.com"], "insecure_endpoint", "https"),
        (&["--hostname", host, "--password-file", "/nowhere/key"], "invalid_config", "save the key"),
        (&["--system", "/nowhere/system.json"], "invalid_config", "check the path"),
    ] {
        for command in ["scan", "test-connection"] {
            with_key(&[&[command], arguments].concat()).assert_error(2, error, help);
        }
    }
    let unknown = with_key(&["scan", "--hostname", host, "--set", "pagesize=5"]);
    assert!(unknown.stderr.contains("did you mean `pageSize`?"), "{unknown:?}");
    with_key(&["describe", "--os-type", "jumpcloud"]).assert_error(2, "invalid_config", "JumpCloud");
    with_key(&["schema", "--os-type", "Okta"]).assert_error(2, "invalid_config", "JumpCloud");
}

#[test]
fn a_store_that_cannot_be_one_is_a_matter_of_the_url_whatever_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let of_folder = format!("sqlite:{}", folder.path().display());
    for command in
        [&["history"][..], &["findings"], &["diff"], &["scan", "--demo"], &["store", "prune", "--older-than", "1y"]]
    {
        for (store, remedy) in [
            (&*of_folder, "name a file in it"),
            ("postgres://", "USER@HOST/DATABASE"),
            ("postgres:///kept", "localhost"),
        ] {
            run(&mut harness([command, &["--store", store]].concat())).assert_error(2, "invalid_config", remedy);
        }
    }
    assert!(folder.path().read_dir().unwrap().next().is_none());
}

#[test]
fn a_missing_key_is_named_with_the_two_ways_to_give_it() {
    let ended = run(&mut harness(["scan", "--hostname", "console.jumpcloud.com"]));
    ended.assert_error(2, "invalid_config", PASSWORD_VARIABLE);
    ended.assert_error(2, "invalid_config", "--password-file");
}

#[test]
fn a_system_file_that_is_wrong_is_named_without_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, help) in [
        ("a.json", r#"{"hostname":"h","credential":{"password":"KEY"},"atributes":{}}"#, "did you mean `attributes`?"),
        ("b.json", r#"{"hostname":"h","credential":"KEY"}"#, "correct the file"),
        ("c.json", r#"{"hostname":"h","credential":{"password":KEY}}"#, "correct the file"),
        ("d.toml", "hostname = 'h'\n[credential]\npassword = KEY", "correct the file"),
        ("e.toml", "hostname = 'h'\nport = 'KEY'", "correct the file"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, text.replace("KEY", KEY)).unwrap();
        with_key(&["scan", "--system", path.to_str().unwrap()]).assert_error(2, "invalid_config", help);
    }
}

#[test]
fn a_setting_of_the_wrong_form_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("system.toml");
    for (attribute, problem) in [
        ("usersEndpoint = 5", "attributes.usersEndpoint: must be one of auto, v2, systemusers"),
        ("requestsPerSecond = nan", "attributes.requestsPerSecond: must be a finite number"),
        ("caBundleFile = ''", "attributes.caBundleFile: the path is empty"),
        ("caBundleFile = '/'", "attributes.caBundleFile: / is not a regular file"),
        ("jumpcloudTokenUrl = 'https://x/a b'", "jumpcloudTokenUrl: must not contain blanks"),
    ] {
        fs::write(&path, format!("hostname = 'h.example'\n[attributes]\n{attribute}\n")).unwrap();
        let ended = with_key(&["scan", "--system", path.to_str().unwrap()]);
        ended.assert_error(2, "invalid_config", "");
        assert_eq!(ended.stderr.matches(problem).count(), 1, "{ended:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_a_program_that_waits_for_a_password_file() {
    use std::process::Command;
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for command in ["scan", "test-connection"] {
        let mut command = harness([command, "--hostname", "h.example", "--password-file"]);
        let mut child = Running(command.arg(&pipe).spawn().unwrap());
        // This waits until the program has opened the pipe.
        let writer = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
        assert!(Command::new("kill").arg(child.0.id().to_string()).status().unwrap().success());
        assert_eq!(child.0.wait().unwrap().code(), Some(130));
        drop(writer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_fails_the_scan_and_the_check() {
    let simulator = small(SimulatorOptions::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("scan.ndjson");
    let mut command = scan(&simulator, &["--output", output.to_str().unwrap()]);
    let ended = run(command.env(PASSWORD_VARIABLE, KEY));
    ended.assert_error(1, "unauthorized", "");
    ended.assert_hides(KEY);
    assert!(entries(folder.path()).is_empty());
    let ended = with_key(&["test-connection", "--hostname", &simulator.url()]);
    ended.assert_error(1, "unauthorized", "");
    assert!(ended.stdout.contains('✗'), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_for_the_rows_that_cannot_be_used_is_refused_before_the_scan() {
    let simulator = small(SimulatorOptions::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(place("file"), "").unwrap();
    for arguments in [
        &["--output", &place("missing/scan.ndjson")][..],
        &["--output", &place("missing/scan"), "--format", "csv"],
        &["--output", &place("file"), "--format", "csv"],
        &["--output", &place("")],
        &["--output", "-", "--format", "csv"],
        &["--format", "csv"],
        &["--checkpoint", &place("missing/checkpoint")],
        &["--checkpoint", "/dev/null", "--fresh"],
        &["--all-organizations", "--output", &place("missing/deeper")],
        &["--all-organizations", "--output", &place("file")],
        &["--all-organizations", "--output", "-"],
        &["--all-organizations"],
    ] {
        run(&mut scan(&simulator, arguments)).assert_error(2, "invalid_config", "");
    }
    assert_eq!(simulator.requests().total, 0);
    assert_eq!(entries(folder.path()), ["file"]);
}
