//! Scans that are kept in a store, and what is asked of them.

use std::collections::BTreeSet;
use std::path::Path;

use jumpcloud_simulator::SimulatorOptions;
use serde_json::Value;

use crate::support::{Ended, harness, run, scan, small};

fn store_in(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("kept.db").display())
}

fn json(ended: &Ended) -> Value {
    assert_eq!(ended.code, 0, "{ended:?}");
    serde_json::from_str(&ended.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_kept_with_its_history_and_what_changed_since_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let rows = folder.path().join("rows.ndjson");
    let simulator = small(SimulatorOptions::default()).await;
    let keep = ["--store", &store, "--name", "hq"];
    let scanned = run(scan(&simulator, &keep).args(["--without", "serviceAccounts"]));
    assert_eq!(scanned.code, 0, "{scanned:?}");
    assert!(scanned.stdout.is_empty() && scanned.stderr.contains("Kept as run 1"), "{scanned:?}");
    let scanned = run(scan(&simulator, &keep).arg("--output").arg(&rows));
    assert_eq!(scanned.code, 0, "{scanned:?}");
    let rows = std::fs::read_to_string(rows).unwrap();
    let rows = rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let expected: BTreeSet<String> = rows
        .filter(|row| row["kind"] == "serviceAccount")
        .map(|row| row["username"].as_str().unwrap().to_owned())
        .collect();
    assert!(expected.len() > 2, "{expected:?}");

    let history = json(&run(&mut harness(["history", "--store", &store, "--format", "json"])))["runs"].take();
    let states: Vec<&str> = history.as_array().unwrap().iter().map(|run| run["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["published", "published"]);
    assert_eq!(history[0]["changes"]["account"]["new"], expected.len(), "{}", history[0]["changes"]);
    let text = run(&mut harness(["history", "--store", &store]));
    let counted = format!("{} accounts", expected.len());
    assert!(text.stdout.contains("published") && text.stdout.contains(&counted), "{text:?}");

    let diff = run(&mut harness(["diff", "--store", &store, "--format", "json"]));
    assert_eq!(diff.code, 0, "{diff:?}");
    let changes = diff.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let new: BTreeSet<String> = changes
        .filter(|change| change["change"] == "new" && change["after"]["record"] == "account")
        .map(|change| change["after"]["username"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(new, expected);
    let text = run(&mut harness(["diff", "--store", &store, "--from", "1", "--to", "2"]));
    let is_shown = |name: &String| text.stdout.contains(&format!("serviceAccount {name}: new"));
    assert!(text.code == 0 && new.iter().all(is_shown), "{text:?}");
    let none = run(&mut harness(["diff", "--store", &store, "--from", "2", "--to", "2"]));
    assert!(none.stdout.contains("Nothing has changed."), "{none:?}");
    let skipped = run(&mut harness(["diff", "--store", &store, "--from", "1", "--to", "1"]));
    assert!(skipped.stdout.contains("serviceAccounts (skipped); it was never read"), "{skipped:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_says_in_sentences_who_reaches_what_and_what_was_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let rows = folder.path().join("rows.ndjson");
    let simulator = small(SimulatorOptions::default()).await;
    let keep = ["--store", &store, "--name", "hq", "--quiet"];
    let scanned = run(scan(&simulator, &keep).args(["--without", "grants"]));
    assert_eq!(scanned.code, 0, "{scanned:?}");
    let scanned = run(scan(&simulator, &keep).args(["--set", "effectiveGrants=all", "--output"]).arg(&rows));
    assert_eq!(scanned.code, 0, "{scanned:?}");
    let rows = std::fs::read_to_string(rows).unwrap();
    let rows = rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_group = |grant: &Value| grant["record"] == "grant" && grant["principal"]["kind"] == "group";
    let id = |grant: &Value| {
        format!("{} {} {}", grant["principal"]["externalId"], grant["resource"]["externalId"], grant["access"])
    };
    let expected: BTreeSet<String> = rows.filter(of_group).map(|grant| id(&grant)).collect();
    let diff = run(&mut harness(["diff", "--store", &store, "--format", "json"]));
    let changes: Vec<Value> = diff.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let new = changes.iter().filter(|change| change["change"] == "new").map(|change| &change["after"]);
    let found: BTreeSet<String> = new.filter(|after| of_group(after)).map(id).collect();
    assert!(found == expected && expected.len() > 10, "{found:?}\n{expected:?}");

    let text = run(harness(["diff", "--store", &store]).env("COLUMNS", "300")).stdout;
    let sentences: Vec<&str> = text.lines().filter(|line| line.starts_with("  group ")).collect();
    let says = |words: &[&str]| sentences.iter().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(
        says(&["group Domain Admins (2 members) is administrator on DESKTOP-", " through Windows fleet: new"]),
        "{text}"
    );
    // What a group gains is said of the group, and not of each member again.
    assert!(says(&["All Employees (130 members) can use AWS"]), "{text}");
    assert!(!text.lines().any(|line| line.contains(" can use AWS") && !line.starts_with("  group ")), "{text}");
    assert!(text.contains("In the earlier run: grants (skipped); all its rows are new here"), "{text}");
    let narrow = run(harness(["diff", "--store", &store]).env("COLUMNS", "80")).stdout;
    assert!(narrow.lines().all(|line| line.chars().count() <= 80), "{narrow}");

    // The same the other way round: what was not read is not gone.
    let scanned = run(scan(&simulator, &keep).args(["--without", "grants"]));
    assert_eq!(scanned.code, 0, "{scanned:?}");
    let text = run(harness(["diff", "--store", &store]).env("COLUMNS", "300")).stdout;
    assert!(!text.contains(": gone") && !text.contains("Who reaches what"), "{text}");
    assert!(text.contains("grants (skipped); its rows are as of "), "{text}");
    let diff = run(&mut harness(["diff", "--store", &store, "--format", "json"]));
    let changes = diff.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let not_read: Vec<Value> = changes.filter(|change| change["change"] == "notRead").collect();
    assert!(not_read.iter().any(|line| line["section"] == "grants" && line["asOfRun"] == 2), "{not_read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_differ_as_the_same_scans_in_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let files = ["old.ndjson", "new.ndjson"].map(|name| folder.path().join(name));
    let now = jiff::Timestamp::now();
    let earlier = now - jiff::SignedDuration::from_hours(240);
    for (now, file) in [earlier, now].into_iter().zip(&files) {
        let simulator = &small(SimulatorOptions { now, ..SimulatorOptions::default() }).await;
        let keep = ["--store", &store, "--name", "hq", "--hold-above", "100", "--quiet", "--output"];
        let scanned = run(scan(simulator, &keep).arg(file).args(["--set", "effectiveGrants=none"]));
        assert_eq!(scanned.code, 0, "{scanned:?}");
    }
    for format in ["json", "csv"] {
        let kept = run(&mut harness(["diff", "--store", &store, "--format", format]));
        let read = run(harness(["diff", "--format", format]).args(&files));
        // The first line names the system and the runs.
        let mut lines = [&kept.stdout, &read.stdout].map(|text| text.lines().skip(1).collect::<Vec<_>>());
        lines.iter_mut().for_each(|lines| lines.sort_unstable());
        assert!(lines[0] == lines[1] && lines[0].len() > 100, "{} and {}", lines[0].len(), lines[1].len());
    }
    let text = run(harness(["diff"]).args(&files));
    assert!(text.code == 0 && text.stdout.contains("Who reaches what"), "{text:?}");
    let back = run(harness(["diff"]).args(files.iter().rev()));
    assert!(back.code == 0 && back.stderr.contains("is newer than"), "{back:?}");
    let one = run(harness(["diff"]).arg(&files[0]));
    assert!(one.code == 2 && one.stderr.contains("<NEW>"), "{one:?}");
    let both = run(harness(["diff", "--from", "1"]).args(&files));
    assert!(both.code == 2 && both.stderr.contains("--from"), "{both:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_loses_most_of_the_users_is_held_until_it_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let note = folder.path().join("note");
    let options = |users| SimulatorOptions { users, groups: 12, systems: 10, ..SimulatorOptions::default() };
    let whole = jumpcloud_simulator::Simulator::start(options(130)).await.unwrap();
    assert_eq!(run(&mut scan(&whole, &["--store", &store, "--name", "hq", "--quiet"])).code, 0);
    // The simulator gives other ids to an organisation of another size.
    let less = jumpcloud_simulator::Simulator::start(options(85)).await.unwrap();
    let command =
        format!("echo \"$HELD_SYSTEM $HELD_RUN: $HELD_REASON\" > '{note}'; env >> '{note}'", note = note.display());
    let held = run(&mut scan(&less, &["--store", &store, "--name", "hq", "--quiet", "--on-held", &command]));
    assert_eq!(held.code, 4, "{held:?}");
    assert!(held.stderr.contains("of 130 rows of users") && held.stderr.contains("harness accept 2"), "{held:?}");
    let noted = std::fs::read_to_string(note).unwrap();
    assert!(noted.starts_with("hq 2: it would remove") && noted.contains("rows of users"), "{noted}");
    assert!(!noted.contains(less.api_key()), "the command has the key");
    let history = json(&run(&mut harness(["history", "--store", &store, "--format", "json"])))["runs"].take();
    assert_eq!((&history[0]["state"], &history[1]["state"]), (&"held".into(), &"published".into()));
    let accepted = run(&mut harness(["accept", "2", "--store", &store]));
    assert!(accepted.code == 0 && accepted.stderr.contains("Run 2 of hq was taken over"), "{accepted:?}");
    run(&mut harness(["accept", "2", "--store", &store])).assert_error(2, "invalid_config", "harness history");
}

#[test]
fn a_password_on_the_command_line_is_refused_and_not_repeated() {
    let url = "postgres://ada:hunter2@127.0.0.1:1/kept";
    for command in ["history", "diff"] {
        let refused = run(&mut harness([command, "--store", url]));
        refused.assert_error(2, "invalid_config", "ORBISID_STORE");
        refused.assert_hides("hunter2");
    }
    let from_variable = run(harness(["history"]).env("ORBISID_STORE", url));
    from_variable.assert_hides("hunter2");
    assert_ne!(from_variable.code, 0);
    run(&mut harness(["history"])).assert_error(2, "invalid_config", "--store URL");
}

#[test]
fn an_unknown_system_is_answered_with_the_nearest_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    run(&mut harness(["history", "--store", &store])).assert_error(2, "invalid_config", "scan --store");
    let run_scan = run(&mut harness(["scan", "--demo", "--store", &store, "--quiet"]));
    assert_eq!(run_scan.code, 0, "{run_scan:?}");
    run(&mut harness(["history", "--store", &store, "--name", "dmeo"])).assert_error(
        2,
        "invalid_config",
        "--name demo",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn why_and_who_say_what_the_grants_of_the_scan_say_from_a_store_and_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let file = folder.path().join("rows.ndjson");
    let file = file.to_str().unwrap();
    let simulator = small(SimulatorOptions::default()).await;
    let arguments = ["--store", &store, "--name", "hq", "--output", file, "--quiet"];
    let scanned = run(scan(&simulator, &arguments).args(["--set", "effectiveGrants=all"]));
    assert_eq!(scanned.code, 0, "{scanned:?}");
    let text = std::fs::read_to_string(file).unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let grants: Vec<&Value> = rows.iter().filter(|row| row["record"] == "grant").collect();
    let of = |found: &Value| -> BTreeSet<String> {
        let grant = |grant: &Value| {
            format!("{} {} {}", grant["principal"]["externalId"], grant["resource"]["externalId"], grant["access"])
        };
        found.as_array().unwrap().iter().map(grant).collect()
    };
    let expected = |keep: &dyn Fn(&Value) -> bool| {
        of(&grants.iter().filter(|grant| keep(grant)).map(|grant| (*grant).clone()).collect::<Vec<_>>().into())
    };
    let grant = grants.iter().find(|grant| grant["principal"]["kind"] == "account").unwrap();
    let (user, resource) = (grant["principal"]["username"].as_str().unwrap(), &grant["resource"]);
    let (name, id) = (resource["name"].as_str().unwrap(), resource["externalId"].as_str().unwrap());
    for from in [["--store", &store], ["--from-file", file]] {
        let why = json(&run(harness(["why", user, "--format", "json"]).args(from)));
        assert_eq!(of(&why["accounts"][0]["grants"]), expected(&|grant| grant["principal"]["username"] == user));
        let who = json(&run(harness(["who", id, "--format", "json"]).args(from)));
        assert_eq!(of(&who["grants"]), expected(&|grant| grant["resource"]["externalId"] == id));
        let text = run(harness(["why", user, id]).args(from));
        assert!(text.stdout.contains(name) && text.stdout.contains("└─"), "{text:?}");
        let text = run(harness(["who", id]).args(from));
        assert!(text.stdout.contains(user), "{text:?}");
        run(harness(["why", &format!("{user}x")]).args(from)).assert_error(2, "invalid_config", user);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_are_the_reasons_of_the_rows_and_fail_on_a_severity() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.ndjson");
    let file = file.to_str().unwrap();
    let simulator = small(SimulatorOptions::default()).await;
    assert_eq!(run(&mut scan(&simulator, &["--output", file, "--quiet"])).code, 0);
    let text = std::fs::read_to_string(file).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let expected: usize = rows.filter_map(|row| Some(row["reasons"].as_array()?.len())).sum();
    let found = json(&run(&mut harness(["findings", "--from-file", file, "--format", "json"])));
    let found = found["findings"].as_array().unwrap();
    assert!(found.len() == expected && expected > 20, "{} of {expected}", found.len());
    let ids: BTreeSet<&str> = found.iter().map(|finding| finding["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), expected);
    assert_eq!(found[0]["severity"], "critical");
    let high = run(&mut harness(["findings", "--from-file", file, "--severity", "high", "--fail-on", "high"]));
    assert!(high.code == 5 && !high.stdout.contains("MEDIUM"), "{high:?}");
    let grave =
        found.iter().filter(|finding| matches!(finding["severity"].as_str(), Some("critical" | "high"))).count();
    assert!(high.stdout.starts_with(&format!("{grave} findings of severity high or above, as of ")), "{high:?}");
    assert!(found.iter().all(|finding| {
        high.stdout.contains(finding["id"].as_str().unwrap())
            == matches!(finding["severity"].as_str(), Some("critical" | "high"))
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_organisation_of_a_provider_is_a_system_of_its_own() {
    let simulator = small(SimulatorOptions { organizations: 3, ..SimulatorOptions::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let (store, output) = (store_in(folder.path()), folder.path().join("rows"));
    let arguments = ["--all-organizations", "--store", &store, "--name", "provider", "--quiet", "--output"];
    let scanned = run(scan(&simulator, &arguments).arg(&output));
    assert_eq!(scanned.code, 0, "{scanned:?}");
    assert_eq!(crate::support::entries(&output).len(), 3);
    let several = run(&mut harness(["history", "--store", &store]));
    several.assert_error(2, "invalid_config", "choose one with --name: provider / ");
    assert_eq!(several.stderr.matches("provider / ").count(), 3, "{several:?}");
}

#[test]
fn options_of_a_store_are_refused_where_they_would_do_nothing() {
    for (arguments, help) in [
        (&["--hold-above", "5"][..], "with --store"),
        (&["--on-held", "true"], "with --store"),
        (&["--store", "sqlite:a.db", "--checkpoint", "b"], "leave out --checkpoint"),
        (&["--store", "sqlite:a.db", "--plan"], "harness scan --help"),
        (&["--store", "mysql://a"], "sqlite:FILE"),
    ] {
        run(harness(["scan", "--demo"]).args(arguments)).assert_error(2, "invalid_config", help);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_over_the_store_or_the_file_that_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (store, file) = (store_in(folder.path()), folder.path().join("kept.db"));
    let simulator = small(SimulatorOptions::default()).await;
    let keep = ["--store", &store, "--name", "hq", "--quiet", "--format", "ndjson", "--output"];
    let refused = run(scan(&simulator, &keep).arg(&file));
    refused.assert_error(2, "invalid_config", "choose a different path");
    let rows = folder.path().join("rows.ndjson");
    assert_eq!(run(scan(&simulator, &keep).arg(&rows)).code, 0);
    let before = std::fs::read(&file).unwrap();
    let export = ["export", "--store", &store, "--format", "ndjson", "--output"];
    run(harness(export).arg(&file)).assert_error(2, "invalid_config", "choose a different path");
    let exceptions = ["findings", "--store", &store, "--export-exceptions"];
    run(harness(exceptions).arg(&file)).assert_error(2, "invalid_config", "choose a different path");
    let over = run(harness(["export", "--output"]).arg(&rows).arg("--from-file").arg(&rows));
    over.assert_error(2, "invalid_config", "choose a different path");
    assert!(std::fs::read(&file).unwrap() == before);
    assert_eq!(run(&mut harness(["history", "--store", &store])).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_rows_is_read_from_a_pipe_and_refused_when_it_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let (file, cut) = (folder.path().join("rows.ndjson"), folder.path().join("cut.ndjson"));
    let simulator = small(SimulatorOptions::default()).await;
    assert_eq!(run(scan(&simulator, &["--quiet", "--output"]).arg(&file)).code, 0);
    let of_file = run(harness(["findings", "--format", "json", "--from-file"]).arg(&file));
    assert!(of_file.code == 0 && of_file.stdout.len() > 1000, "{of_file:?}");
    if cfg!(unix) {
        let piped = std::process::Stdio::from(
            std::process::Command::new("cat")
                .arg(&file)
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap()
                .stdout
                .unwrap(),
        );
        let of_pipe = run(harness(["findings", "--format", "json", "--from-file", "/dev/stdin"]).stdin(piped));
        assert!(of_pipe.code == 0 && of_pipe.stdout == of_file.stdout, "{}", of_pipe.stderr);
    }
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for (from, to) in [(lines.len() - 1, lines.len()), (1, lines.len())] {
        std::fs::write(&cut, lines[from..to].join("\n") + "\n").unwrap();
        let refused = run(harness(["findings", "--fail-on", "low", "--from-file"]).arg(&cut));
        refused.assert_error(2, "invalid_config", "use a file of a whole scan");
        assert!(refused.stderr.contains("its summary counts"), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_the_rows_that_stand_since_an_earlier_run_and_answers_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let (store, file) = (store_in(folder.path()), folder.path().join("out.ndjson"));
    let simulator = small(SimulatorOptions::default()).await;
    let keep = ["--store", &store, "--name", "hq", "--quiet"];
    assert_eq!(run(&mut scan(&simulator, &keep)).code, 0);
    assert_eq!(run(scan(&simulator, &keep).args(["--without", "serviceAccounts", "--without", "grants"])).code, 0);
    let exported = run(harness(["export", "--store", &store, "--output"]).arg(&file));
    assert!(exported.code == 0 && exported.stderr.contains("rows of hq as of run 2"), "{exported:?}");
    let all = |from: &[&str]| {
        let found = run(harness(["findings", "--format", "csv"]).args(from));
        assert_eq!(found.code, 0, "{found:?}");
        let ids = |line: &str| line.split(',').next().map(str::to_owned);
        (found.stdout.lines().skip(1).filter_map(ids).collect::<BTreeSet<String>>(), found.stderr)
    };
    let (kept, warned) = all(&["--store", &store]);
    assert!(warned.contains("serviceAccounts was not read (skipped): its rows here are as of"), "{warned}");
    let (read, _) = all(&["--from-file", file.to_str().unwrap()]);
    assert!(kept == read && kept.len() > 20, "{} and {}", kept.len(), read.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_not_there_and_a_run_that_is_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(folder.path());
    let copy = format!("sqlite:{}", folder.path().join("copy.db").display());
    for command in [
        &["history"][..],
        &["diff"],
        &["findings"],
        &["store", "copy", "--to", &copy],
        &["store", "prune", "--older-than", "1y", "--yes"],
    ] {
        let refused = run(harness(["--"; 0]).args(command).args(["--store", &store]));
        refused.assert_error(2, "invalid_config", "check the path");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let simulator = small(SimulatorOptions::default()).await;
    assert_eq!(run(&mut scan(&simulator, &["--store", &store, "--name", "hq", "--quiet"])).code, 0);
    for (arguments, message) in [
        (&["diff", "--to", "99"][..], "hq has no run 99"),
        (&["findings", "--at", "20260303"], "hq has no run 20260303"),
        (&["diff"], "no run of hq before run 1 was published"),
    ] {
        let refused = run(harness(["--"; 0]).args(arguments).args(["--store", &store]));
        refused.assert_error(2, "invalid_config", "harness history");
        assert!(refused.stderr.contains(message), "{refused:?}");
    }
    for name in ["a\nb", "a\u{202e}b", "\u{1b}[2J", &"x".repeat(201)] {
        let refused = run(&mut scan(&simulator, &["--store", &store, "--name", name, "--quiet"]));
        refused.assert_error(2, "invalid_config", "write one line");
        assert!(refused.stderr.contains("the name of the system must "), "{refused:?}");
    }
    let unknown = ["findings", "--except", "0123456789ab", "--reason", "x", "--until", "2199-01-01", "--store", &store];
    run(&mut harness(unknown)).assert_error(2, "invalid_config", "use the id of a finding that is listed");
}
