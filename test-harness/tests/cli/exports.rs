//! Exports that others open: without names, as a graph, as evidence.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jumpcloud_simulator::SimulatorOptions;
use serde_json::Value;

use crate::support::{harness, run, scan, small};

fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Runs of four letters and more.
fn tokens(text: &str) -> BTreeSet<String> {
    let runs = text.split(|letter: char| !letter.is_alphabetic());
    runs.filter(|run| run.chars().count() >= 4).map(str::to_owned).collect()
}

/// Every text of a value, with the names of its members.
fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(found.insert(text.clone())),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            found.insert(name.clone());
            texts(value, found);
        }),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_for_a_support_case_has_the_graph_and_no_word_but_the_products_own() {
    let folder = tempfile::tempdir().unwrap();
    let [rows, copy, again, other, secret] =
        ["rows.ndjson", "copy.ndjson", "again.ndjson", "other.ndjson", "secret.txt"].map(|name| folder.path().join(name));
    fs::write(&secret, "a secret of somebody\n").unwrap();
    let simulator = small(SimulatorOptions::default()).await;
    let ended = run(scan(&simulator, &[]).arg("--output").arg(&rows));
    assert_eq!(ended.code, 0, "{ended:?}");
    let sanitize = |output: &Path, secret: Option<&Path>| {
        let mut command = harness(["sanitize", "--from-file"]);
        command.arg(&rows).arg("--output").arg(output);
        if let Some(secret) = secret {
            command.arg("--secret-file").arg(secret);
        }
        let ended = run(&mut command);
        assert_eq!(ended.code, 0, "{ended:?}");
        fs::read_to_string(output).unwrap()
    };
    let text = sanitize(&copy, Some(&secret));
    assert_eq!(text, sanitize(&again, Some(&secret)), "the same rows and secret give the same copy");
    assert_ne!(text, sanitize(&other, None));

    let said = |arguments: &[&str]| run(&mut harness(arguments)).stdout;
    let product = said(&["schema", "--rows"]) + &said(&["describe", "JumpCloud", "--format", "json"]);
    let words: BTreeSet<String> = tokens(&product).union(&tokens("sharedEmail declaredByTarget")).cloned().collect();
    let survived: Vec<String> = tokens(&text).difference(&words).cloned().collect();
    assert!(survived.is_empty(), "{survived:?}");

    let (mut before, mut after, mut own) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    lines(&rows).iter().for_each(|row| texts(row, &mut before));
    lines(&copy).iter().for_each(|row| texts(row, &mut after));
    [&["schema", "--rows"][..], &["describe", "JumpCloud", "--format", "json"][..]].into_iter().for_each(|arguments| {
        texts(&serde_json::from_str(&said(arguments)).unwrap(), &mut own);
    });
    let is_time = |text: &String| text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T');
    let kept: Vec<&String> = before.intersection(&after).filter(|text| !text.is_empty() && !is_time(text)).collect();
    // An attribute may be called like a word of the product, and a version is a number.
    let is_own = |text: &&&String| own.contains(**text) || tokens(text).is_subset(&words) && !text.contains(['@', ' ']);
    let foreign: Vec<&&String> = kept.iter().filter(|text| !is_own(text)).collect();
    assert!(foreign.is_empty(), "{foreign:?}");

    let why = |file: &Path, account: &Value| {
        let account = account["externalId"].as_str().unwrap();
        let ended = run(harness(["why", account, "--format", "json", "--from-file"]).arg(file));
        assert_eq!(ended.code, 0, "{ended:?}");
        serde_json::from_str::<Value>(&ended.stdout).unwrap()
    };
    let count = |value: &Value| value["grants"].as_array().map(Vec::len);
    let users = |file: &Path| -> Vec<Value> { lines(file).into_iter().filter(|row| row["kind"] == "user").collect() };
    let (before, after) = (users(&rows), users(&copy));
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after).take(3) {
        assert_eq!(count(&why(&rows, before)), count(&why(&copy, after)), "{before}");
        assert_eq!(before["reasons"].as_array().map(Vec::len), after["reasons"].as_array().map(Vec::len));
    }
}
