//! The form of answers: JSON, marks, colours, and what becomes of them when their reader stops.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use jumpcloud_simulator::SimulatorOptions;
use serde_json::Value;

use crate::support::{Ended, harness, run, scan, small};

/// A store with two scans, of which the second one skipped a section, and the file of the first one.
async fn kept(folder: &Path) -> (String, PathBuf, Vec<Value>) {
    let (store, file) = (format!("sqlite:{}", folder.join("kept.db").display()), folder.join("rows.ndjson"));
    let simulator = small(SimulatorOptions::default()).await;
    let keep = ["--store", &store, "--name", "hq", "--quiet", "--set", "effectiveGrants=none"];
    let scanned = run(scan(&simulator, &keep).arg("--output").arg(&file));
    assert_eq!(scanned.code, 0, "{scanned:?}");
    assert_eq!(run(scan(&simulator, &keep).args(["--without", "serviceAccounts"])).code, 0);
    let text = std::fs::read_to_string(&file).unwrap();
    (store, file, text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn of_record<'a>(rows: &'a [Value], record: &str) -> impl Iterator<Item = &'a Value> {
    let record = Value::from(record);
    rows.iter().filter(move |row| row["record"] == record)
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap()
}

fn ask(store: &str, arguments: &[&str]) -> Ended {
    let ended = run(&mut harness([arguments, &["--store", store]].concat()));
    assert_eq!(ended.code, 0, "{ended:?}");
    ended
}

fn json(store: &str, arguments: &[&str]) -> Value {
    serde_json::from_str(&ask(store, &[arguments, &["--format", "json"]].concat()).stdout).unwrap()
}

/// Asserts that all names of fields are camelCase, but for those that are data.
fn assert_camel_case(value: &Value, place: &str) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                assert!(name.chars().all(char::is_alphanumeric), "{name} in {place}");
                if !matches!(name.as_str(), "attributes" | "facts" | "summary") {
                    assert_camel_case(value, &format!("{place}.{name}"));
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| assert_camel_case(value, place)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_json_answer_says_of_which_system_and_run_it_is_and_what_was_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let (store, file, rows) = kept(folder.path()).await;
    let history = json(&store, &["history"]);
    assert_eq!((&history["system"], &history["publishedRun"]), (&"hq".into(), &2.into()));
    assert_eq!(history["runs"][0]["run"], 2);
    assert_camel_case(&history, "history");
    let user = text(of_record(&rows, "account").find(|row| row["kind"] == "user").unwrap(), "externalId");
    let is_device = |row: &&Value| row["resourceType"] == "system";
    let device = text(of_record(&rows, "resource").find(is_device).unwrap(), "externalId");
    let container = text(of_record(&rows, "resource").find(|row| row["container"] == true).unwrap(), "externalId");
    let group = text(of_record(&rows, "group").next().unwrap(), "externalId");
    for (question, fields) in [
        (&["why", user][..], &["accounts"][..]),
        (&["why", user, "--linked"], &["accounts"]),
        (&["who", device], &["resource", "accountCount", "grants"]),
        (&["who", device, "--linked"], &["resource", "accountCount", "personCount", "persons", "grants"]),
        (&["who", container], &["resource", "inside", "accountCount", "grants"]),
        (&["who", group], &["group", "accountCount", "members", "grants"]),
        (&["findings"], &["findings"]),
    ] {
        let answer = json(&store, question);
        assert_camel_case(&answer, question[0]);
        for field in fields {
            assert!(!answer[field].is_null(), "{field} of {question:?}");
        }
        let started_at = &history["runs"][0]["startedAt"];
        let expected = [&"hq".into(), &"JumpCloud".into(), &2.into(), started_at];
        assert_eq!(["system", "osType", "run", "startedAt"].map(|field| &answer[field]), expected, "{question:?}");
        let not_read = answer["notRead"].as_array().unwrap();
        let skipped = not_read.iter().find(|state| state["section"] == "serviceAccounts").unwrap();
        assert_eq!((&skipped["status"], &skipped["asOfRun"]), (&"skipped".into(), &1.into()), "{question:?}");
        let of_file = run(harness([question, &["--format", "json", "--from-file"]].concat()).arg(&file));
        let of_file: Value = serde_json::from_str(&of_file.stdout).unwrap();
        assert!(of_file["run"].is_null() && of_file["startedAt"].is_string(), "{question:?}");
    }
    let diff = ask(&store, &["diff", "--format", "json"]).stdout;
    let first: Value = serde_json::from_str(diff.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["change"], &first["from"]["run"], &first["to"]["run"]),
        (&"compared".into(), &1.into(), &2.into())
    );
    assert_eq!((&first["system"], &first["to"]["startedAt"]), (&"hq".into(), &history["runs"][0]["startedAt"]));
    let path = file.to_str().unwrap();
    let of_files = run(&mut harness(["diff", path, path, "--format", "json"])).stdout;
    let first: Value = serde_json::from_str(of_files.lines().next().unwrap()).unwrap();
    assert!(first["from"]["run"].is_null() && first["from"]["startedAt"].is_string(), "{first}");
    let of_files = run(&mut harness(["diff", path, path])).stdout;
    assert!(of_files.starts_with("From the scan of ") && !of_files.contains("run"), "{of_files}");
    diff.lines().for_each(|line| assert_camel_case(&serde_json::from_str(line).unwrap(), "diff"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_of_a_group_who_is_in_it_and_of_a_container_who_gets_in_through_it() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _, rows) = kept(folder.path()).await;
    let mut members_in_all = 0;
    let mut ids = BTreeSet::new();
    for group in of_record(&rows, "group") {
        let id = text(group, "externalId");
        if !ids.insert(id) {
            let refused = run(&mut harness(["who", id, "--store", &store]));
            refused.assert_error(2, "invalid_config", &format!("{}:{id}", text(group, "groupType")));
        }
        let id = &format!("{}:{id}", text(group, "groupType"));
        let is_in =
            |row: &&Value| row["groupExternalId"] == group["externalId"] && row["groupType"] == group["groupType"];
        let members: BTreeSet<&str> =
            of_record(&rows, "membership").filter(is_in).map(|row| text(row, "accountExternalId")).collect();
        let answer = json(&store, &["who", id]);
        let found = answer["members"].as_array().unwrap().iter().map(|member| text(member, "externalId"));
        assert_eq!(found.collect::<BTreeSet<_>>(), members, "{}", group["name"]);
        let said = ask(&store, &["who", id]).stdout;
        let count = format!("has {} member{}", members.len(), if members.len() == 1 { "" } else { "s" });
        assert!(said.contains(&count) && said.contains("as of run 2"), "{said}");
        members_in_all += members.len();
    }
    assert!(members_in_all > 100);
    let containers = of_record(&rows, "resource").filter(|row| row["container"] == true);
    let mut bound = 0;
    for container in containers {
        let id = text(container, "externalId");
        let to_it = |row: &&Value| row["to"]["externalId"] == container["externalId"] && row["from"]["kind"] == "group";
        let groups: BTreeSet<&str> =
            of_record(&rows, "binding").filter(to_it).map(|row| text(&row["from"], "externalId")).collect();
        let answer = json(&store, &["who", id]);
        let grants = answer["grants"].as_array().unwrap();
        if answer["inside"].as_u64() > Some(0) {
            let of_groups = grants.iter().filter(|grant| grant["principal"]["kind"] == "group");
            let found: BTreeSet<&str> = of_groups.map(|grant| text(&grant["principal"], "externalId")).collect();
            assert!(groups.is_subset(&found), "{groups:?} {found:?}");
            bound += groups.len();
        }
        let accounts = grants.iter().filter(|grant| grant["principal"]["kind"] == "account").count();
        assert_eq!(answer["accountCount"], accounts);
        let said = ask(&store, &["who", id]).stdout;
        let is_empty = answer["inside"] == 0 && said.starts_with("Nothing is in device group");
        assert!(is_empty || said.contains(" in device group ") && said.contains("through it"), "{said}");
    }
    assert!(bound > 0);
    let group = text(of_record(&rows, "group").next().unwrap(), "externalId");
    let linked = run(&mut harness(["who", group, "--linked", "--store", &store]));
    linked.assert_error(2, "invalid_config", "leave out --linked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_is_marked_wherever_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _, rows) = kept(folder.path()).await;
    let disabled: Vec<&Value> = of_record(&rows, "account").filter(|row| row["enabled"] == false).collect();
    let marked = |account: &Value| format!("{} (disabled)", text(account, "username"));
    let with_reasons = disabled.iter().find(|row| row["reasons"].is_array()).expect("one with evidence");
    let said = ask(&store, &["findings"]).stdout;
    assert!(said.contains(&format!("{}: ", marked(with_reasons))), "{said}");
    let findings = json(&store, &["findings"]);
    let of = |row: &&Value| row["name"] == with_reasons["username"] && row["record"] == "account";
    assert_eq!(findings["findings"].as_array().unwrap().iter().find(of).unwrap()["enabled"], false);
    let member = |row: &&Value| disabled.iter().any(|account| account["externalId"] == row["accountExternalId"]);
    let membership = of_record(&rows, "membership").find(member).expect("a disabled member");
    let account = disabled.iter().find(|account| account["externalId"] == membership["accountExternalId"]).unwrap();
    let said = ask(&store, &["who", text(membership, "groupExternalId")]).stdout;
    assert!(said.contains(&marked(account)), "{said}");
    let why = json(&store, &["why", text(account, "externalId")]);
    assert_eq!(why["accounts"][0]["enabled"], false);
    let said = ask(&store, &["why", text(account, "externalId")]).stdout;
    assert!(said.starts_with(&marked(account)), "{said}");
    let grants = why["accounts"][0]["grants"].as_array().unwrap();
    for grant in grants.iter().take(2) {
        let id = text(&grant["resource"], "externalId");
        assert!(ask(&store, &["who", id]).stdout.contains(&marked(account)), "{id}");
        let who = json(&store, &["who", id]);
        let of = |grant: &&Value| grant["principal"]["externalId"] == account["externalId"];
        assert_eq!(who["grants"].as_array().unwrap().iter().find(of).unwrap()["principal"]["enabled"], false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_members_of_a_group_that_is_gone_are_counted_in_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let (_, file, mut rows) = kept(folder.path()).await;
    let members =
        |rows: &[Value], id: &Value| of_record(rows, "membership").filter(|row| row["groupExternalId"] == *id).count();
    let group = of_record(&rows, "group").max_by_key(|group| members(&rows, &group["externalId"])).unwrap().clone();
    let (id, before) = (group["externalId"].clone(), rows.len());
    let count = members(&rows, &id);
    assert!(count > 20);
    rows.retain(|row| {
        let is_of_group = match row["record"].as_str().unwrap() {
            "group" => row["externalId"] == id,
            "membership" => row["groupExternalId"] == id,
            "binding" => row["from"]["externalId"] == id,
            _ => false,
        };
        !is_of_group
    });
    let removed = (before - rows.len()) as u64;
    let sections = rows.last_mut().unwrap()["sections"].as_array_mut().unwrap();
    let section = sections.iter_mut().find(|section| section["section"] == "memberships").unwrap();
    section["records"] = (section["records"].as_u64().unwrap() - removed).into();
    let later = folder.path().join("later.ndjson");
    std::fs::write(&later, rows.iter().map(|row| row.to_string() + "\n").collect::<String>()).unwrap();
    let said = run(harness(["diff"]).arg(&file).arg(&later));
    let (name, of_type) = (text(&group, "name"), text(&group, "groupType"));
    let expected = format!("  group {name} ({of_type}): gone, with {count} memberships\n");
    assert!(said.code == 0 && said.stdout.contains(&expected), "{said:?}");
    assert!(!said.stdout.contains(&format!("is a member of {name}: gone")), "{said:?}");
    let lines = run(harness(["diff", "--format", "json"]).arg(&file).arg(&later)).stdout;
    let gone = lines.lines().filter(|line| line.contains(r#""change":"gone""#) && line.contains(r#""membership""#));
    assert_eq!(gone.count(), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_ends_an_answer_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let (store, file, rows) = kept(folder.path()).await;
    let group = text(of_record(&rows, "group").next().unwrap(), "externalId").to_owned();
    let nothing = folder.path().join("other.ndjson");
    std::fs::copy(&file, &nothing).unwrap();
    for question in [
        &["export", "--output", "-"][..],
        &["export", "--output", "-", "--format", "json"],
        &["findings"],
        &["findings", "--format", "csv"],
        &["who", &group],
        &["diff", "--format", "json"],
        &["history", "--format", "json"],
    ] {
        let mut command = harness([question, &["--store", &store]].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{question:?}: {said}");
        assert!(!said.contains("error") && !said.contains("panicked"), "{question:?}: {said}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_interrupted_says_in_its_last_line_that_it_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let (store, ..) = kept(folder.path()).await;
    // The signal may come too late.
    for _ in 0..50 {
        let mut command = harness(["export", "--output", "-", "--store", &store]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        lines.next().unwrap().unwrap();
        let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let last: Value = serde_json::from_str(&lines.last().unwrap().unwrap()).unwrap();
        let ended: Ended = child.wait_with_output().unwrap().into();
        assert_eq!(last["record"], "summary", "{ended:?}");
        match ended.code {
            0 => assert_eq!(last["outcome"], "complete"),
            _ => {
                assert_eq!((&last["outcome"], &last["error"]["code"]), (&"failed".into(), &"cancelled".into()));
                ended.assert_error(130, "cancelled", "same command");
                return;
            }
        }
    }
    panic!("no signal came in time");
}

#[test]
fn a_file_with_the_url_of_a_store_is_not_called_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("store.url");
    let refused = run(harness(["history", "--store-file"]).arg(&missing));
    refused.assert_error(2, "invalid_config", "check the path");
    assert!(refused.stderr.contains("URL of the store") && !refused.stderr.contains("key"), "{refused:?}");
    let odd = run(&mut harness(["history", "--store-file", "postgres://ada:hunter2@db/a.b"]));
    odd.assert_error(2, "invalid_config", "into a file");
    odd.assert_hides("hunter2");
    for (content, problem) in
        [("", "is empty"), ("sqlite:a.db\nsqlite:b.db\n", "more than one line"), ("mysql://a", "")]
    {
        std::fs::write(&missing, content).unwrap();
        let refused = run(harness(["history", "--store-file"]).arg(&missing));
        refused.assert_error(2, "invalid_config", "");
        assert!(refused.stderr.contains(problem) && refused.stderr.contains("store.url"), "{refused:?}");
    }
}
