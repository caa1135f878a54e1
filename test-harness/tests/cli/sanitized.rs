//! A copy of the rows for a support case: the same graph, and no word but the product's own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jumpcloud_simulator::SimulatorOptions;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::support::{file_of, harness, lines, run, scan, small};

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

/// What the product itself says.
fn words_of_the_product() -> BTreeSet<String> {
    let said = |arguments: &[&str]| run(&mut harness(arguments)).stdout;
    let product = said(&["schema", "--rows"]) + &said(&["connectors", "--format", "json"]);
    // Words of the contract for fields that also take others, which no schema lists.
    let open = "sharedEmail declaredByTarget apiKey clientSecret allow deny requireSecondFactor notKnown portal console ldap \
                application secondFactor denied open elsewhere depends";
    tokens(&product).union(&tokens(open)).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_for_a_support_case_has_the_graph_and_no_word_but_the_products_own() {
    let folder = tempfile::tempdir().unwrap();
    let [rows, copy, again, other, secret] =
        ["rows.ndjson", "copy.ndjson", "again.ndjson", "other.ndjson", "secret.txt"]
            .map(|name| folder.path().join(name));
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
    let words = words_of_the_product();
    let survived: Vec<String> = tokens(&text).difference(&words).cloned().collect();
    assert!(survived.is_empty(), "{survived:?}");

    let (mut before, mut after, mut own) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    lines(&rows).iter().for_each(|row| texts(row, &mut before));
    lines(&copy).iter().for_each(|row| texts(row, &mut after));
    [&["schema", "--rows"][..], &["connectors", "--format", "json"][..]].into_iter().for_each(|arguments| {
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
    let count = |value: &Value| value.pointer("/accounts/0/grants").and_then(Value::as_array).map_or(0, Vec::len);
    let users = |file: &Path| -> Vec<Value> { lines(file).into_iter().filter(|row| row["kind"] == "user").collect() };
    let (before, after) = (users(&rows), users(&copy));
    assert!(count(&why(&rows, &before[0])) > 0);
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after).take(3) {
        assert_eq!(count(&why(&rows, before)), count(&why(&copy, after)), "{before}");
        assert_eq!(before["reasons"].as_array().map(Vec::len), after["reasons"].as_array().map(Vec::len));
    }
}

/// Words of the product that a name may be.
const OWN: &[&str] = &[
    "administrator",
    "privilege",
    "JUMPCLOUD_USER_GROUP",
    "critical",
    "sudo_on_systems",
    "externalId",
    "complete",
    "users",
    "record",
    "serviceAccount",
    "sharedEmail",
    "2026-11-26T00:00:00Z",
];

/// The fields that name somebody or something, or refer to it.
const NAMES: &[&str] = &["externalId", "accountExternalId", "groupExternalId", "username", "groupName", "name"];

/// Gives everything in the rows other names, of which some are words of the product, and has all texts speak of them.
struct Renamed {
    random: StdRng,
    names: BTreeMap<String, String>,
}

impl Renamed {
    fn name(&mut self, text: &str) -> String {
        if let Some(known) = self.names.get(text) {
            return known.clone();
        }
        let number = self.names.len();
        let name = match OWN.get(number / 3) {
            Some(own) if number.is_multiple_of(3) => (*own).to_owned(),
            _ => (0..self.random.random_range(7..13)).map(|_| self.random.random_range('a'..='z')).collect(),
        };
        self.names.insert(text.to_owned(), name.clone());
        name
    }

    /// One of the names so far.
    fn any(&mut self) -> String {
        let at = self.random.random_range(0..self.names.len());
        self.names.values().nth(at).unwrap().clone()
    }

    fn row(&mut self, row: &mut Value) {
        self.value("", row);
        let name = self.any();
        row["attributes"] =
            json!({name.clone(): name, "username": [name, {name.clone(): format!("Ask {name}, now.")}]});
        for reason in row.get_mut("reasons").and_then(Value::as_array_mut).into_iter().flatten() {
            reason["message"] = format!("is {} of {}", self.any(), self.any()).into();
            reason["subject"] = self.any().into();
        }
    }

    fn value(&mut self, field: &str, value: &mut Value) {
        match value {
            Value::Object(members) => members.iter_mut().for_each(|(name, value)| self.value(name, value)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(field, item)),
            Value::String(text) if NAMES.contains(&field) => *text = self.name(text),
            _ => {}
        }
    }

    fn summary(&mut self, summary: &mut Value) {
        let name = self.any();
        summary["system"] = name.clone().into();
        summary["warnings"] = json!([format!("{name} is odd"), self.any()]);
        summary["facts"] = json!({"organisation": name, name.clone(): [name, 4711]});
        let section = summary["sections"].as_array_mut().unwrap().last_mut().unwrap();
        section["notes"] = json!([format!("asked for {}", self.any()), self.any()]);
        let error = json!({"code": "server_error", "message": format!("{} failed", self.any()), "remedy": self.any(), "retry": "never"});
        section["status"] = "incomplete".into();
        section["error"] = error;
    }
}

/// What stands in the fields that name or refer to something, in the order of the rows.
fn named(field: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().filter(|(name, _)| *name != "attributes").for_each(|(name, value)| named(name, value, found))
        }
        Value::Array(items) => items.iter().for_each(|item| named(field, item, found)),
        Value::String(text) if NAMES.contains(&field) => found.push(text.clone()),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_words_of_the_product_or_stand_in_texts_do_not_survive_and_the_graph_does() {
    let folder = tempfile::tempdir().unwrap();
    let [scanned, renamed, plain, copy] =
        ["scanned.ndjson", "renamed.ndjson", "plain.ndjson", "copy.ndjson"].map(|name| folder.path().join(name));
    let words = words_of_the_product();
    let seed = 1;
    let simulator = small(SimulatorOptions { seed, ..SimulatorOptions::default() }).await;
    assert_eq!(run(scan(&simulator, &[]).arg("--output").arg(&scanned)).code, 0);
    let mut renaming = Renamed { random: StdRng::seed_from_u64(seed), names: BTreeMap::new() };
    let mut rows = lines(&scanned);
    rows.retain(|row| row["record"] != "grant");
    for row in &mut rows {
        if row["record"] == "summary" { renaming.summary(row) } else { renaming.row(row) }
    }
    fs::write(&renamed, file_of(rows)).unwrap();
    for (command, output) in [("export", &plain), ("sanitize", &copy)] {
        let ended = run(harness([command, "--from-file"]).arg(&renamed).arg("--output").arg(output));
        assert_eq!(ended.code, 0, "seed {seed}: {ended:?}");
    }
    let text = fs::read_to_string(&copy).unwrap();
    let own: BTreeSet<&str> = OWN.iter().copied().collect();
    let names = renaming.names.values().filter(|name| !own.contains(name.as_str()));
    let survived: Vec<&String> = names.filter(|name| text.contains(name.as_str())).collect();
    assert!(survived.is_empty(), "seed {seed}: {survived:?}");
    let survived: Vec<String> = tokens(&text).difference(&words).cloned().collect();
    assert!(survived.is_empty(), "seed {seed}: {survived:?}");

    let (plain, copy) = (lines(&plain), lines(&copy));
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let is_row = |row: &&Value| row["record"] != "summary";
    plain.iter().filter(is_row).for_each(|row| named("", row, &mut before));
    copy.iter().filter(is_row).for_each(|row| named("", row, &mut after));
    assert_eq!(before.len(), after.len(), "seed {seed}");
    // Each name has one pseudonym, and each pseudonym one name: the graph is the same but for its names.
    let pseudonyms: BTreeMap<&String, &String> = before.iter().zip(&after).collect();
    let names: BTreeMap<&String, &String> = after.iter().zip(&before).collect();
    assert!(names.len() == pseudonyms.len() && names.len() > 200, "seed {seed}: {} {}", names.len(), pseudonyms.len());
    for (before, after) in before.iter().zip(&after) {
        assert!(
            before != after && pseudonyms[before] == after && names[after] == before,
            "seed {seed}: {before} {after}"
        );
    }
    let kinds = |rows: &[Value]| {
        rows.iter().map(|row| row["record"].to_string() + &row["direct"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&plain), kinds(&copy), "seed {seed}");
}
