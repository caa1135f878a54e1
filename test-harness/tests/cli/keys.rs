//! Keys where they do not belong, or with something around them: named, and never repeated.

use std::fs;

use crate::support::{PASSWORD_VARIABLE, harness, run, small};
use jumpcloud_simulator::SimulatorOptions;

const KEY: &str = "5f3ac2hunter2hunter2";

#[test]
fn a_key_as_an_argument_is_refused_without_repeating_it() {
    for arguments in [
        &["scan", "--hostname", "h", KEY][..],
        &["scan", "--hostname", "h", "--", KEY],
        &["test-connection", "--hostname", "h", KEY],
        &[KEY],
        &["scan", "--hostname", "h", "--password", KEY],
        &["scan", "--hostname", "h", "--quiet", KEY],
        &["scan", "--hostname", "h", "--set", KEY],
        &["scan", "--hostname", "h", "--format", KEY],
        &["scan", "--hostname", "h", "--port", KEY],
        &["scan", "--hostname", "h", "--without", KEY],
        &["scan", "--hostname", "h", "--log-level", KEY],
        &["scan", "--hostname", "h", "--password-file", KEY],
        &["test-connection", "--hostname", "h", "--password-file", KEY],
        &["scan", "--system", KEY],
        &["simulate", "--api-key-file", KEY],
    ] {
        let ended = run(&mut harness(arguments));
        ended.assert_error(2, "invalid_config", "");
        ended.assert_hides(KEY);
    }
    for option in ["--password", "--api-key", "--quiet", "--set", "--format", "--password-file", "--system"] {
        let ended = run(&mut harness(["scan", "--hostname", "h", &format!("{option}={KEY}")]));
        ended.assert_error(2, "invalid_config", "");
        ended.assert_hides(KEY);
    }
    for attribute in ["apiKey", "includeGrants", "concurrency", "privilegedGroupPatterns", "pagesize"] {
        let setting = format!("{attribute}={KEY}");
        let ended = run(harness(["scan", "--hostname", "h", "--set", &setting]).env(PASSWORD_VARIABLE, "x"));
        ended.assert_error(2, "invalid_config", "");
        ended.assert_hides(KEY);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_around_a_key_is_named_before_anything_is_sent() {
    let simulator = small(SimulatorOptions::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let key = simulator.api_key();
    let utf16: Vec<u8> = format!("\u{feff}{key}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let around = [
        (format!("\"{key}\""), "quotes"),
        (format!("{key}\u{a0}"), "U+00A0"),
        (format!("\u{200b}{key}"), "U+200B"),
        (format!("x-api-key: {key}"), "x-api-key"),
    ];
    let files = around.iter().map(|(text, why)| (text.clone().into_bytes(), *why)).chain([(utf16, "UTF-16")]);
    let by_file = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let file = file.to_str().unwrap();
        run(&mut harness(["test-connection", "--hostname", &simulator.url(), "--password-file", file]))
    };
    let by_variable =
        |text: &str| run(harness(["test-connection", "--hostname", &simulator.url()]).env(PASSWORD_VARIABLE, text));
    for (bytes, why) in files {
        let ended = by_file(&bytes);
        ended.assert_error(2, "invalid_config", "");
        assert!(ended.stderr.contains(why), "{why}: {ended:?}");
        ended.assert_hides(key);
    }
    for (text, why) in &around {
        let ended = by_variable(text);
        ended.assert_error(2, "invalid_config", "save only the key");
        assert!(ended.stderr.contains(why) && ended.stderr.contains(PASSWORD_VARIABLE), "{why}: {ended:?}");
        ended.assert_hides(key);
    }
    assert_eq!(simulator.requests().total, 0);
    for text in [format!("\u{feff}{key}"), format!("{key}\r\n"), format!("{key}\n\n")] {
        assert_eq!((by_file(text.as_bytes()).code, by_variable(&text).code), (0, 0), "{text:?}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_others_may_read_is_warned_of_with_what_to_do() {
    use std::os::unix::fs::PermissionsExt;
    let simulator = small(SimulatorOptions::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (url, key) = (simulator.url(), simulator.api_key());
    fs::write(at("with.toml"), format!("hostname = '{url}'\n[credential]\npassword = '{key}'\n")).unwrap();
    fs::write(at("without.toml"), format!("hostname = '{url}'\n")).unwrap();
    fs::write(at("key"), key).unwrap();
    let with = ["--system", &at("with.toml")];
    let without = ["--system", &at("without.toml"), "--password-file", &at("key")];
    for (arguments, secret) in [(&with[..], "with.toml"), (&without, "key")] {
        for (mode, warned) in [(0o644, true), (0o640, true), (0o604, true), (0o600, false), (0o400, false)] {
            fs::set_permissions(at(secret), fs::Permissions::from_mode(mode)).unwrap();
            let ended = run(harness(["test-connection"]).args(arguments));
            assert_eq!(ended.code, 0, "{ended:?}");
            let warnings = ended.stderr.matches("warning[").count();
            assert_eq!(warnings, usize::from(warned), "{secret} {mode:o}: {ended:?}");
            assert_eq!(ended.stderr.contains(&format!("help: chmod 600 {}", at(secret))), warned, "{ended:?}");
            let as_service =
                harness(["test-connection"]).args(arguments).env("CREDENTIALS_DIRECTORY", folder.path()).output();
            assert!(!String::from_utf8(as_service.unwrap().stderr).unwrap().contains("warning["), "{secret} {mode:o}");
        }
    }
}
