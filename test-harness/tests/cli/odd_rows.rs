//! Files with rows that a scan should not send: of a type that no section owns, and about accounts that have no row.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jumpcloud_simulator::SimulatorOptions;
use serde_json::{Value, json};

use crate::support::{Ended, harness, run, scan, small};

/// The rows of a scan, and its summary.
async fn scanned(folder: &Path) -> (Vec<Value>, Value) {
    let (file, simulator) = (folder.join("scanned.ndjson"), small(SimulatorOptions::default()).await);
    let ended = run(scan(&simulator, &["--quiet", "--set", "effectiveGrants=none"]).arg("--output").arg(&file));
    assert_eq!(ended.code, 0, "{ended:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = rows.pop().unwrap();
    (rows, summary)
}

fn write(folder: &Path, name: &str, rows: &[Value], summary: &Value) -> PathBuf {
    let text: String = rows.iter().chain([summary]).map(|row| format!("{row}\n")).collect();
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file
}

/// Counts more or fewer rows in a section.
fn count(summary: &mut Value, section: &str, more: i64) {
    let sections = summary["sections"].as_array_mut().unwrap();
    let report = sections.iter_mut().find(|report| report["section"] == section).unwrap();
    report["records"] = (report["records"].as_i64().unwrap() + more).into();
}

fn ask(question: &[&str], file: &Path) -> Ended {
    let ended = run(harness(question).arg("--from-file").arg(file));
    assert_eq!(ended.code, 0, "{question:?}: {ended:?}");
    ended
}

fn answer(question: &[&str], file: &Path) -> Value {
    serde_json::from_str(&ask(&[question, &["--format", "json"]].concat(), file).stdout).unwrap()
}

fn names(grants: &Value) -> BTreeSet<&str> {
    grants.as_array().unwrap().iter().map(|grant| grant["principal"]["externalId"].as_str().unwrap()).collect()
}

/// An account, a group, its membership and a resource of types that no section owns, and the binding of the group.
fn of_no_section() -> [Value; 5] {
    let end = |kind: &str, of_type: &str, id: &str| json!({"kind": kind, "type": of_type, "externalId": id});
    [
        json!({"record": "account", "externalId": "r1", "kind": "robot", "username": "r2d2"}),
        json!({"record": "group", "externalId": "q1", "groupType": "SQUAD", "name": "Red Squadron"}),
        json!({"record": "membership", "username": "r2d2", "accountExternalId": "r1", "groupName": "Red Squadron",
            "groupType": "SQUAD", "groupExternalId": "q1", "direct": true}),
        json!({"record": "resource", "externalId": "x1", "resourceType": "starfighter", "name": "X-wing"}),
        json!({"record": "binding", "from": end("group", "SQUAD", "q1"), "to": end("resource", "starfighter", "x1"),
            "access": {"level": "administer", "word": "fly"}}),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_type_that_no_section_owns_are_kept_and_answer_every_question() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (mut rows, mut summary) = scanned(folder).await;
    let without = write(folder, "without.ndjson", &rows, &summary);
    rows.extend(of_no_section());
    // A section owns the binding, and counts it; whether the others are counted is up to the connector.
    count(&mut summary, "grants", 1);
    let file = write(folder, "with.ndjson", &rows, &summary);

    let who = answer(&["who", "X-wing"], &file);
    assert_eq!((&who["accountCount"], names(&who["grants"])), (&1.into(), ["q1", "r1"].into()));
    let why = answer(&["why", "r2d2"], &file);
    assert_eq!(why["accounts"][0]["grants"][0]["resource"]["name"], "X-wing");
    assert_eq!(answer(&["who", "Red Squadron"], &file)["members"][0]["username"], "r2d2");

    let exported = folder.join("exported.ndjson");
    let said = ask(&["export", "--output", exported.to_str().unwrap()], &file).stderr;
    let text = std::fs::read_to_string(&exported).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_there = |row: &Value| {
        let same = |line: &&Value| row.as_object().unwrap().iter().all(|(field, value)| line[field] == *value);
        lines.iter().any(|line| same(&line))
    };
    of_no_section().iter().for_each(|row| assert!(is_there(row), "{row}"));
    assert!(said.replace(',', "").starts_with(&format!("{} rows of ", lines.len() - 1)), "{said}");
    assert_eq!(answer(&["who", "X-wing"], &exported)["grants"], who["grants"]);

    let diff = |old: &Path, new: &Path| {
        let ended = run(harness(["diff", "--format", "json"]).arg(old).arg(new));
        assert_eq!(ended.code, 0, "{ended:?}");
        let changes = ended.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        changes.filter(|change| change["record"].is_string() && change["record"] != "grant").collect::<Vec<_>>()
    };
    let changes = diff(&without, &file);
    assert!(changes.len() == 5 && changes.iter().all(|change| change["change"] == "new"), "{changes:#?}");
    assert_eq!(diff(&file, &exported), [] as [Value; 0]);

    let cut = write(folder, "cut.ndjson", &rows[6..], &summary);
    let refused = run(harness(["findings", "--from-file"]).arg(&cut));
    refused.assert_error(2, "invalid_config", "a whole scan");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_without_a_row_is_named_and_not_counted_since_it_reaches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (mut rows, mut summary) = scanned(folder).await;
    let bound =
        |row: &&Value| row["record"] == "binding" && row["from"]["kind"] == "group" && row["to"]["kind"] == "resource";
    let groups: BTreeSet<String> = rows.iter().filter(bound).map(|row| row["from"]["externalId"].to_string()).collect();
    let is_member =
        |row: &&Value| row["record"] == "membership" && groups.contains(&row["groupExternalId"].to_string());
    let member = rows.iter().find(is_member).unwrap().clone();
    let (group, id) = (member["groupExternalId"].as_str().unwrap(), member["accountExternalId"].as_str().unwrap());
    let before = answer(&["who", group], &write(folder, "before.ndjson", &rows, &summary));
    rows.retain(|row| row["record"] != "account" || row["externalId"] != id);
    count(&mut summary, "users", -1);
    let file = write(folder, "after.ndjson", &rows, &summary);

    let after = answer(&["who", group], &file);
    assert_eq!(after["accountCount"].as_u64().unwrap() + 1, before["accountCount"].as_u64().unwrap());
    assert_eq!(after["accountCount"], after["members"].as_array().unwrap().len());
    assert_eq!((&after["withoutRow"][0]["externalId"], after["withoutRow"].as_array().unwrap().len()), (&id.into(), 1));
    assert_eq!(before["withoutRow"], json!([]));
    let said = ask(&["who", group], &file).stdout;
    let (name, end) = (member["username"].as_str().unwrap(), "1 further account without a row, which reaches nothing");
    assert!(said.ends_with(&format!("\n{end}\n  {name}\n")), "{said}");
    let sheet = ask(&["who", group, "--format", "csv"], &file).stdout;
    assert!(sheet.lines().any(|line| line.contains(id) && line.ends_with(",no row")), "{sheet}");

    // The same as who reaches something through the group, and as what it reaches itself.
    for grant in after["grants"].as_array().unwrap().iter().take(3) {
        let resource =
            format!("{}:{}", grant["resource"]["resourceType"], grant["resource"]["externalId"]).replace('"', "");
        assert!(!names(&answer(&["who", &resource], &file)["grants"]).contains(id), "{resource}");
    }
    run(harness(["why", id, "--from-file"]).arg(&file)).assert_error(2, "invalid_config", "");
}
