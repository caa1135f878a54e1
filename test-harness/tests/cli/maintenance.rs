//! What is removed from a store, copied, exported and excepted on the command line.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use jumpcloud_simulator::SimulatorOptions;
use serde_json::Value;

use crate::support::{Ended, harness, run, scan, small};

fn store_in(folder: &Path, name: &str) -> String {
    format!("sqlite:{}", folder.join(name).display())
}

fn ask(store: &str, arguments: &[&str]) -> Ended {
    run(&mut harness([arguments, &["--store", store]].concat()))
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap()
}

/// A store with two scans of one organisation, and the rows of the second.
async fn kept(folder: &Path) -> (String, String) {
    let store = store_in(folder, "kept.db");
    let rows = folder.join("rows.ndjson");
    let simulator = small(SimulatorOptions::default()).await;
    let keep = ["--store", &store, "--name", "hq", "--quiet"];
    assert_eq!(run(scan(&simulator, &keep).args(["--without", "serviceAccounts"])).code, 0);
    assert_eq!(run(scan(&simulator, &keep).arg("--output").arg(&rows)).code, 0);
    (store, std::fs::read_to_string(rows).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_removed_is_shown_first_and_removed_only_with_yes() {
    let folder = tempfile::tempdir().unwrap();
    let (store, rows) = kept(folder.path()).await;
    let runs = || json(&ask(&store, &["history", "--format", "json"]))["runs"].as_array().unwrap().len();
    let prune = ["store", "prune", "--older-than", "1y"];
    // The scans ran some years ago.
    let aged = "update run set started_at = '20' || (10 + id) || '-01-01T00:00:00.000000Z'";
    rusqlite::Connection::open(folder.path().join("kept.db")).unwrap().execute_batch(aged).unwrap();
    let preview = ask(&store, &prune);
    assert!(preview.code == 0 && preview.stdout.starts_with("Would remove 1 run and "), "{preview:?}");
    assert!(preview.stderr.contains("Nothing was removed. Add --yes") && runs() == 2, "{preview:?}");
    let pruned = ask(&store, &[&prune[..], &["--yes"]].concat());
    assert!(pruned.stdout.starts_with("Removed 1 run and ") && runs() == 1, "{pruned:?}");
    let none = ask(&store, &["store", "prune", "--older-than", "2005-01-01", "--yes"]);
    assert!(none.stdout.contains("nothing is older") && runs() == 1, "{none:?}");
    let future = ask(&store, &["store", "prune", "--older-than", "2999-01-01", "--yes"]);
    assert!(future.code == 2 && future.stderr.contains("--older-than is in the future: 2999-01-01"), "{future:?}");

    let user = rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let user = user.into_iter().find(|row| row["kind"] == "user").unwrap();
    let username = user["username"].as_str().unwrap();
    let forget = ["store", "forget", "--linked", "--person", username];
    let is_known = || ask(&store, &["why", username]).code == 0;
    let preview = ask(&store, &forget);
    assert!(preview.code == 0 && preview.stdout.starts_with("Would remove ") && is_known(), "{preview:?}");
    let forgotten = ask(&store, &[&forget[..], &["--yes"]].concat());
    assert!(forgotten.code == 0 && forgotten.stdout.starts_with("Removed ") && !is_known(), "{forgotten:?}");
    assert!(forgotten.stderr.contains("the next scan brings it back"), "{forgotten:?}");
    let bytes = std::fs::read(folder.path().join("kept.db")).unwrap();
    assert!(!bytes.windows(username.len()).any(|bytes| bytes == username.as_bytes()), "{username}");
    let unknown = ask(&store, &forget);
    assert!(unknown.code == 2 && unknown.stderr.contains("was ever called"), "{unknown:?}");

    let neither = ask(&store, &["store", "forget", "--yes"]);
    assert_eq!(neither.code, 2, "{neither:?}");
    let gone = ask(&store, &["store", "forget", "--system", "--name", "hq", "--yes"]);
    assert!(gone.code == 0 && gone.stdout.starts_with("Removed hq with all of its history: 1 run"), "{gone:?}");
    assert!(ask(&store, &["history"]).stderr.contains("the store is empty"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_answers_as_the_original_and_an_export_has_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (store, rows) = kept(folder.path()).await;
    let copy = store_in(folder.path(), "copy.db");
    let copied = ask(&store, &["store", "copy", "--to", &copy]);
    assert!(copied.code == 0 && copied.stdout.starts_with("Copied 1 system with "), "{copied:?}");
    for question in [&["history", "--format", "json"][..], &["findings", "--format", "json"], &["diff"]] {
        let [one, two] = [&store, &copy].map(|store| ask(store, question).stdout);
        assert!(one == two && !one.is_empty(), "{question:?}");
    }
    let again = ask(&store, &["store", "copy", "--to", &copy]);
    assert!(again.code == 2 && again.stderr.contains("is not empty"), "{again:?}");
    let refused = ask(&store, &["store", "copy", "--to", "postgres://ada:hunter2@db/kept"]);
    assert!(refused.code == 2 && !format!("{refused:?}").contains("hunter2"), "{refused:?}");

    let set = |text: &str| -> HashSet<Value> {
        let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let rows = rows.filter(|row| row.get("record").is_some_and(|record| record != "grant" && record != "summary"));
        // A store keeps them in an order of its own, which does not change from scan to scan.
        let in_order = |mut row: Value| {
            for list in ["reasons", "links"] {
                if let Some(items) = row.get_mut(list).and_then(Value::as_array_mut) {
                    items.sort_by_key(Value::to_string);
                }
            }
            row
        };
        rows.map(in_order).collect()
    };
    let exported = ask(&store, &["export"]);
    let (found, expected) = (set(&exported.stdout), set(&rows));
    let differ: Vec<&Value> = found.symmetric_difference(&expected).collect();
    assert!(exported.code == 0 && differ.is_empty(), "{differ:#?}");
    let last: Value = serde_json::from_str(exported.stdout.lines().last().unwrap()).unwrap();
    let of_grants = last["sections"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|report| report["section"].as_str().is_some_and(|section| section.ends_with("Grants")));
    assert!(of_grants.clone().count() > 0 && of_grants.clone().all(|report| report["status"] == "skipped"), "{last}");
    let before = set(&ask(&store, &["export", "--at", "1"]).stdout);
    assert!(!before.is_empty() && before.len() < set(&rows).len());
    // An export is a file of rows, of which the same can be asked.
    let file = folder.path().join("now.ndjson");
    assert_eq!(run(harness(["export", "--store", &store, "--output"]).arg(&file)).code, 0);
    let from_file = run(harness(["export", "--format", "json", "--from-file"]).arg(&file));
    assert_eq!(from_file.code, 0, "{from_file:?}");
    let records = json(&from_file)["records"].as_array().unwrap().len();
    assert_eq!(records, set(&rows).len());
    let sheets = folder.path().join("now.csv");
    assert_eq!(run(harness(["export", "--store", &store, "--output"]).arg(&sheets)).code, 0);
    let accounts = std::fs::read_dir(&sheets).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert!(accounts.collect::<Vec<_>>().iter().any(|name| name.starts_with("account")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_excepted_finding_does_not_fail_until_it_expires() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = kept(folder.path()).await;
    let all = json(&ask(&store, &["findings", "--format", "json"]))["findings"].take();
    let is_grave = |finding: &&Value| finding["severity"] == "high" || finding["severity"] == "critical";
    let grave: Vec<&Value> = all.as_array().unwrap().iter().filter(is_grave).collect();
    assert!(!grave.is_empty());
    assert_eq!(ask(&store, &["findings", "--fail-on", "high"]).code, 5);
    let list: Vec<Value> = grave
        .iter()
        .map(|finding| serde_json::json!({"id": finding["id"], "reason": "agreed", "expires": "2199-01-01T00:00:00Z"}))
        .collect();
    let file = folder.path().join("exceptions.json");
    std::fs::write(&file, serde_json::to_string(&list).unwrap()).unwrap();
    let with = |option: &str| {
        let arguments = ["findings", "--store", &store, "--fail-on", "high", option];
        run(harness(arguments).arg(&file))
    };
    let passes = with("--import-exceptions");
    assert!(passes.code == 0 && !passes.stdout.contains("HIGH"), "{passes:?}");
    let excepted: BTreeSet<&str> = grave.iter().filter_map(|finding| finding["id"].as_str()).collect();
    let (count, is_or_are) = (excepted.len(), if excepted.len() == 1 { "finding is" } else { "findings are" });
    assert!(passes.stdout.contains(&format!("{count} {is_or_are} excepted.")), "{passes:?}");
    // They stay in the store, and one that has expired counts again.
    assert_eq!(ask(&store, &["findings", "--fail-on", "high"]).code, 0);
    let id = grave[0]["id"].as_str().unwrap();
    let expired = ask(
        &store,
        &["findings", "--fail-on", "high", "--except", id, "--reason", "for a week", "--until", "2020-01-01T00:00:00Z"],
    );
    assert!(expired.code == 5 && expired.stdout.contains("(was excepted by "), "{expired:?}");
    // Who accepts it is the user, or who is named; what is imported keeps its own.
    let by = |id: &Value| {
        let all = json(&ask(&store, &["findings", "--format", "json"]));
        let all = all["findings"].as_array().unwrap();
        let found = all.iter().find(|finding| finding["id"] == *id).unwrap();
        found["exception"]["by"].as_str().unwrap_or_default().to_owned()
    };
    let user = by(&grave[0]["id"]);
    assert!(
        !user.is_empty() && expired.stdout.contains(&format!("(was excepted by {user} until 2020-01-01")),
        "{user}: {expired:?}"
    );
    let week = ["--reason", "for a week", "--until", "2020-01-01T00:00:00Z", "--by", "Ada of IT"];
    ask(&store, &[&["findings", "--except", id][..], &week].concat());
    assert_eq!(by(&grave[0]["id"]), "Ada of IT");
    let alone = ask(&store, &["findings", "--by", "Ada of IT"]);
    assert!(alone.code == 2 && alone.stderr.contains("--except ID"), "{alone:?}");
    let sheet = ask(&store, &["findings", "--format", "csv"]);
    let mut sheet = csv::Reader::from_reader(sheet.stdout.trim_start_matches('\u{feff}').as_bytes());
    let at = |name: &str, headings: &csv::StringRecord| headings.iter().position(|heading| heading == name).unwrap();
    let headings = sheet.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = sheet.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), all.as_array().unwrap().len());
    let row = rows.iter().find(|row| &row[0] == id).unwrap();
    assert_eq!((&row[at("excepted", &headings)], &row[at("exceptionReason", &headings)]), ("false", "for a week"));
    assert_eq!(&row[at("exceptionBy", &headings)], "Ada of IT");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(with("--export-exceptions").code, 5);
    let exported: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(exported.len(), count);
    assert!(exported.iter().any(|exception| exception["id"] == id && exception["reason"] == "for a week"));
    assert!(exported.iter().any(|exception| exception["by"] == "Ada of IT"), "{exported:?}");
    assert_eq!(with("--import-exceptions").code, 5);
    assert_eq!(by(&grave[0]["id"]), "Ada of IT");
    // It is written anew, not over the file that is there, and only its owner can read it.
    let earlier = folder.path().join("earlier.json");
    std::fs::hard_link(&file, &earlier).unwrap();
    let before = std::fs::read(&earlier).unwrap();
    assert_eq!(ask(&store, &["findings", "--except", id, "--reason", "for good", "--until", "2199-01-01"]).code, 0);
    assert_eq!(with("--export-exceptions").code, 0);
    assert_eq!(std::fs::read(&earlier).unwrap(), before);
    assert!(std::fs::read_to_string(&file).unwrap().contains("for good"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(crate::support::entries(folder.path()).iter().filter(|name| name.ends_with(".tmp")).count(), 0);
    let nowhere = ask(&store, &["findings", "--export-exceptions", "/nowhere/exceptions.json"]);
    nowhere.assert_error(2, "invalid_config", "create it first");
    std::fs::write(&file, "[{\"id\": \"ADA\"}]").unwrap();
    let refused = with("--import-exceptions");
    assert!(refused.code == 2 && refused.stderr.contains("cannot be read"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cell_of_an_answer_is_run_by_a_spreadsheet() {
    let folder = tempfile::tempdir().unwrap();
    let (store, rows) = kept(folder.path()).await;
    let user = rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let user = user.into_iter().find(|row| row["kind"] == "user" && row["reasons"].is_array()).unwrap();
    let username = user["username"].as_str().unwrap();
    let file = folder.path().join("odd.ndjson");
    std::fs::write(&file, rows.replace(&format!("\"{username}\""), "\"=HYPERLINK(1,\\\"2\\\")\"")).unwrap();
    let cells = |ended: Ended| -> Vec<String> {
        assert_eq!(ended.code, 0, "{ended:?}");
        let text = ended.stdout.trim_start_matches('\u{feff}').to_owned();
        let mut sheet = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = sheet.records().map(Result::unwrap).collect();
        assert!(rows.len() > 1, "{text}");
        rows.iter().flat_map(|row| row.iter().map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let odd = "=HYPERLINK(1,\"2\")";
    let mut guarded = 0;
    for question in [&["findings"][..], &["why", odd]] {
        let cells = cells(run(harness([question, &["--format", "csv", "--from-file"]].concat()).arg(&file)));
        guarded += cells.iter().filter(|cell| **cell == format!("'{odd}")).count();
        assert!(!cells.iter().any(|cell| cell.starts_with(['=', '+', '@', '\t'])), "{question:?}");
    }
    assert!(guarded > 0);
    for question in [&["history"][..], &["diff"]] {
        cells(ask(&store, &[question, &["--format", "csv"]].concat()));
    }
    let resource = rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let resource = resource.into_iter().find(|row| row["record"] == "binding" && row["to"]["type"] == "system");
    let id = resource.as_ref().and_then(|row| row["to"]["externalId"].as_str());
    if let Some(id) = id {
        cells(ask(&store, &["who", id, "--format", "csv"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_reaches_is_shown_for_all_accounts_that_links_join() {
    let folder = tempfile::tempdir().unwrap();
    let (store, rows) = kept(folder.path()).await;
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let has_link = |row: &&Value| row["kind"] == "user" && row["links"][0]["kind"] == "administrator";
    let user = rows.iter().find(has_link).expect("somebody who is an administrator as well");
    let administrator = rows.iter().find(|row| row["externalId"] == user["links"][0]["externalId"]).unwrap();
    // From either end: the link stands on one of them.
    for (account, other) in [(user, administrator), (administrator, user)] {
        let id = account["externalId"].as_str().unwrap();
        let answer = json(&ask(&store, &["why", id, "--linked", "--format", "json"]));
        let accounts = answer["accounts"].as_array().unwrap();
        assert!(accounts.len() >= 2 && accounts[0]["externalId"] == id && accounts[0]["linkedWith"].is_null());
        let found = accounts.iter().find(|found| found["externalId"] == other["externalId"]).unwrap();
        assert_eq!((&found["linkedWith"], &found["evidence"]), (&account["externalId"], &user["links"][0]["evidence"]));
        let alone = json(&ask(&store, &["why", id, "--format", "json"]));
        assert_eq!(accounts[0]["grants"], alone["accounts"][0]["grants"]);
        let text = ask(&store, &["why", id, "--linked"]);
        let name = other["username"].as_str().unwrap();
        assert!(text.code == 0 && text.stdout.contains(&format!("{name} ")), "{text:?}");
        assert!(text.stdout.contains("linked with"), "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_accounts_that_links_join_as_one_person() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = kept(folder.path()).await;
    let file = folder.path().join("rows.ndjson");
    assert_eq!(run(harness(["export", "--store", &store, "--output"]).arg(&file)).code, 0);
    let text = std::fs::read_to_string(&file).unwrap();
    let mut rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let question = |id: &str, more: &[&str]| {
        let from = [&["who", id][..], more, &["--from-file"]].concat();
        run(harness(from).arg(&file))
    };
    // Two persons who reach one device.
    let ids = rows.iter().filter(|row| row["record"] == "resource" && row["container"] != true);
    let ids: Vec<String> = ids.map(|row| row["externalId"].as_str().unwrap().to_owned()).collect();
    let linked = |device: &str| json(&question(device, &["--linked", "--format", "json"]));
    let (device, before) = ids
        .iter()
        .map(|device| (device, linked(device)))
        .find(|(_, who)| who["personCount"].as_u64() > Some(1))
        .expect("a device that two persons reach");
    let [one, two] = [0, 1].map(|at| before["persons"][at][0].clone());
    let row = rows.iter_mut().find(|row| row["record"] == "account" && row["externalId"] == two["externalId"]);
    let row = row.unwrap();
    let mut links = row["links"].as_array().cloned().unwrap_or_default();
    links.push(serde_json::json!({"externalId": one["externalId"], "kind": one["kind"], "evidence": "agreedByHand"}));
    row["links"] = links.into();
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    std::fs::write(&file, lines.join("\n") + "\n").unwrap();

    let now = linked(device);
    assert_eq!(now["accountCount"], before["accountCount"]);
    assert_eq!(now["personCount"].as_u64().unwrap() + 1, before["personCount"].as_u64().unwrap());
    let has_both = |person: &&Value| {
        let ids: Vec<&Value> = person.as_array().unwrap().iter().map(|account| &account["externalId"]).collect();
        [&one, &two].iter().all(|account| ids.contains(&&account["externalId"]))
    };
    let person = now["persons"].as_array().unwrap().iter().find(has_both).unwrap().as_array().unwrap();
    let of = |account: &Value| person.iter().find(|found| found["externalId"] == account["externalId"]).unwrap();
    assert_eq!((&of(&two)["linkedWith"], &of(&two)["evidence"]), (&one["externalId"], &"agreedByHand".into()));
    assert!(of(&one)["linkedWith"].is_null());
    for account in [&one, &two] {
        assert!(of(account)["grants"] == account["grants"] && account["grants"].as_array().unwrap().len() == 1);
    }

    let text = question(device, &["--linked"]);
    let name = one["username"].as_str().unwrap();
    let (said, all) =
        (format!(" linked with {name} (agreedByHand): "), format!("{name}, {} linked accounts\n", person.len()));
    assert!(text.code == 0 && text.stdout.contains(&said) && text.stdout.contains(&all), "{text:?}");
    let number = now["personCount"].as_u64().unwrap();
    let counted = format!("{number} person{} with ", if number == 1 { "" } else { "s" });
    assert!(text.stdout.starts_with(&counted), "{text:?}");
    let sheet = question(device, &["--linked", "--format", "csv"]);
    let mut sheet = csv::Reader::from_reader(sheet.stdout.trim_start_matches('\u{feff}').as_bytes());
    let rows: Vec<csv::StringRecord> = sheet.records().map(Result::unwrap).collect();
    let of_person = rows.iter().filter(|row| row.iter().rev().nth(2) == Some(name)).map(|row| row[2].to_owned());
    let of_person: BTreeSet<String> = of_person.collect();
    assert!([&one, &two].iter().all(|account| of_person.contains(account["externalId"].as_str().unwrap())));
}
