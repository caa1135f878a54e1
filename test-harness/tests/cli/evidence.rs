//! The evidence pack: what it says, of which run, and what shows later that it was changed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use connector_api::{
    Account, Credential, Descriptor, Reason, ReasonKind, RowType, ScanLedger, Section, SectionDescription,
    SectionReport, SectionStatus, Severity, SystemConfig,
};
use connector_store::{Fence, Hold, Location, Start, Store};
use jiff::Timestamp;
use jumpcloud_simulator::SimulatorOptions;
use serde_json::Value;

use crate::skip;
use crate::support::{Ended, entries, harness, run, scan, small};

fn sheet(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(path).unwrap();
    csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes()).deserialize().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evidence_pack_shows_what_was_changed_in_it_later() {
    let folder = tempfile::tempdir().unwrap();
    let (pack, store) = (folder.path().join("pack"), format!("sqlite:{}", folder.path().join("kept.db").display()));
    let simulator = small(SimulatorOptions::default()).await;
    let scanned = run(&mut scan(&simulator, &["--store", &store, "--without", "lastLogin"]));
    assert_eq!(scanned.code, 0, "{scanned:?}");
    let listed = run(&mut harness(["findings", "--store", &store, "--format", "json"]));
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    let findings = listed["findings"].as_array().unwrap();
    let id = findings[0]["id"].as_str().unwrap();
    let accepted = ["findings", "--store", &store, "--except", id, "--reason", "=agreed", "--until", "2126-01-01"];
    assert_eq!(run(&mut harness(accepted)).code, 0);
    let write = || run(harness(["export", "--format", "evidence-pack", "--store", &store, "--output"]).arg(&pack));
    let written = write();
    assert_eq!(written.code, 0, "{written:?}");
    let files =
        ["findings.csv", "manifest.sha256", "not-read.csv", "reasons.csv", "report.html", "roster.csv", "summary.json"];
    assert_eq!(entries(&pack), files);

    let sheet = |name| sheet(&pack.join(name));
    let rows = run(&mut harness(["export", "--store", &store]));
    let rows: Vec<Value> = rows.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let accounts: Vec<&Value> = rows.iter().filter(|row| row["record"] == "account").collect();
    let roster = sheet("roster.csv");
    assert_eq!(roster.len(), accounts.len());
    for (line, account) in roster.iter().zip(&accounts) {
        assert_eq!(line["externalId"], account["externalId"].as_str().unwrap());
        let configured = account["mfa"]["configured"].as_bool().map(|known| known.to_string()).unwrap_or_default();
        assert_eq!(line["mfaConfigured"], configured);
    }
    let reasons: usize = accounts.iter().filter_map(|row| row["reasons"].as_array()).map(Vec::len).sum();
    assert_eq!(sheet("reasons.csv").len(), reasons);
    let found = sheet("findings.csv");
    assert_eq!(found.len(), findings.len());
    let excepted: Vec<_> = found.iter().filter(|line| line["excepted"] == "true").collect();
    assert_eq!(
        (excepted.len(), excepted[0]["id"].as_str(), excepted[0]["exceptionReason"].as_str()),
        (1, id, "'=agreed")
    );
    let not_read = sheet("not-read.csv");
    let last_login = not_read.iter().find(|line| line["section"] == "lastLogin").unwrap();
    assert_eq!((last_login["status"].as_str(), last_login["rowsAsOf"].as_str()), ("skipped", "never"));

    let check = || run(harness(["export", "--format", "evidence-pack", "--check"]).arg(&pack));
    let whole = check();
    assert!(whole.code == 0 && whole.stdout.starts_with("All 6 files are as"), "{whole:?}");
    let hash = written.stderr.lines().last().unwrap();
    assert!(hash.len() == 64 && whole.stdout.contains(hash), "{written:?} {whole:?}");
    if let Some(sha256sum) = skip::optional_program("sha256sum") {
        let mut command = std::process::Command::new(sha256sum);
        assert_eq!(run(command.args(["--check", "--strict", "manifest.sha256"]).current_dir(&pack)).code, 0);
    }
    for name in files {
        let path = pack.join(name);
        let before = fs::read(&path).unwrap();
        let mut bytes = before.clone();
        let last = bytes.len() / 2;
        bytes[last] ^= 1;
        fs::write(&path, bytes).unwrap();
        let flipped = check();
        assert!(flipped.code != 0, "{name}: {flipped:?}");
        if name != "manifest.sha256" {
            assert!(flipped.code == 1 && flipped.stdout.contains(&format!("changed: {name}\n")), "{flipped:?}");
            fs::remove_file(&path).unwrap();
            assert!(check().stdout.contains(&format!("missing: {name}\n")));
        }
        fs::write(&path, before).unwrap();
    }
    fs::write(pack.join("more.txt"), "x").unwrap();
    let added = check();
    assert!(added.code == 1 && added.stdout.contains("added: more.txt\n"), "{added:?}");
    write().assert_error(2, "invalid_config", "another path");
    fs::remove_file(pack.join("more.txt")).unwrap();
    assert_eq!(write().code, 0, "an earlier pack is replaced");
    fs::write(pack.join("manifest.sha256"), format!("{}  ../kept.db\n", "0".repeat(64))).unwrap();
    check().assert_error(2, "invalid_config", "evidence-pack");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_of_a_pack_is_of_the_run_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (pack, store) = (folder.path().join("pack"), format!("sqlite:{}", folder.path().join("kept.db").display()));
    let simulator = small(SimulatorOptions::default()).await;
    for arguments in [&["--store", &store, "--without", "serviceAccounts"][..], &["--store", &store]] {
        assert_eq!(run(&mut scan(&simulator, arguments)).code, 0);
    }
    let report = |at: &str| {
        let file = folder.path().join("report.html");
        let ended = run(harness(["report", "--store", &store, "--at", at, "--output"]).arg(&file));
        assert_eq!(ended.code, 0, "{ended:?}");
        undated(&fs::read_to_string(file).unwrap())
    };
    let reports = [report("1"), report("2")];
    assert_ne!(reports[0], reports[1]);
    for (at, report) in ["1", "2"].into_iter().zip(reports) {
        let ended =
            run(harness(["export", "--format", "evidence-pack", "--store", &store, "--at", at, "--output"]).arg(&pack));
        assert_eq!(ended.code, 0, "{ended:?}");
        let kinds = sheet(&pack.join("roster.csv")).into_iter().filter(|row| row["kind"] == "serviceAccount");
        assert_eq!(kinds.count() > 0, at == "2");
        assert!(undated(&fs::read_to_string(pack.join("report.html")).unwrap()) == report, "run {at}");
    }
}

/// A report without the time at which it was made.
fn undated(report: &str) -> String {
    let (before, after) = report.split_once("Made on ").unwrap();
    before.to_owned() + after.split_once(" by ").unwrap().1
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_pack_that_is_interrupted_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("kept.db").display());
    let forbidden = vec!["systems".parse().unwrap()];
    let simulator = small(SimulatorOptions { forbidden, ..SimulatorOptions::default() }).await;
    assert_eq!(run(&mut scan(&simulator, &["--store", &store])).code, 3);
    let packs = folder.path().join("packs");
    fs::create_dir(&packs).unwrap();
    // The signal may come too late.
    for attempt in 0..50 {
        let pack = packs.join(attempt.to_string());
        let mut command = harness(["export", "--format", "evidence-pack", "--store", &store, "--output"]);
        let mut child = command.arg(&pack).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let warning = said.next().unwrap().unwrap();
        assert!(warning.contains("was never read"), "{warning}");
        let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let stderr = said.map(Result::unwrap).collect::<Vec<_>>().join("\n");
        let code = child.wait().unwrap().code().unwrap_or(-1);
        if code == 0 {
            fs::remove_dir_all(&pack).unwrap();
            continue;
        }
        Ended { code, stdout: String::new(), stderr }.assert_error(130, "cancelled", "same command");
        assert_eq!(entries(&packs), [""; 0]);
        return;
    }
    panic!("no signal came in time");
}

/// Keeps a scan of one user with this evidence, in which grants were read or not.
fn keep(location: &Location, reasons: &[&Reason], grants: SectionStatus) {
    let describe = |section: Section| SectionDescription::new(section, section.as_str(), "", "", "");
    let mut descriptor = Descriptor::new("JumpCloud", "JumpCloud", "1.0.0");
    descriptor.sections =
        vec![describe(Section::USERS).core().owning([RowType::new("account", "user")]), describe(Section::GRANTS)];
    let config = SystemConfig::new("JumpCloud", "toy", Credential::from_secret("secret")).with_name("hq");
    let start = Start {
        name: "hq",
        descriptor: &descriptor,
        config: &config,
        fence: Fence::Own,
        now: Timestamp::now(),
        fresh: false,
    };
    let mut scan = Store::open(location).unwrap().begin(start).unwrap();
    let mut account = Account::new("1", "ada");
    account.reasons = reasons.iter().copied().cloned().collect();
    scan.stage(&[account.into()]).unwrap();
    let mut ledger = ScanLedger::start(&descriptor, &config);
    ledger.close(SectionReport::new(Section::USERS, SectionStatus::Complete));
    ledger.close(SectionReport::new(Section::GRANTS, grants));
    let summary = ledger.finish(Ok(())).unwrap();
    scan.publish(&summary, Hold { above_percent: 100, at_least: 0 }).unwrap();
}

#[test]
fn a_risk_that_was_rated_without_a_privilege_that_was_not_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (pack, file) = (folder.path().join("pack"), folder.path().join("kept.db"));
    let location = Location::sqlite(&file);
    let sudo =
        Reason::new("sudo", ReasonKind::Privilege, Severity::High, "is so", "look").drawn_from([Section::GRANTS]);
    let group =
        Reason::new("group", ReasonKind::Privilege, Severity::Low, "is so", "look").drawn_from([Section::USERS]);
    let risk = |code: &str, severity| {
        Reason::new(code, ReasonKind::Risk, severity, "is so", "look").drawn_from([Section::USERS])
    };
    let (old, new, worst) =
        (risk("old", Severity::Low), risk("without_mfa", Severity::Medium), risk("worst", Severity::Critical));
    let underrated = |codes: &[&str]| {
        let store = format!("sqlite:{}", file.display());
        let ended = run(harness(["export", "--format", "evidence-pack", "--store", &store, "--output"]).arg(&pack));
        assert_eq!(ended.code, 0, "{ended:?}");
        assert_eq!(ended.stderr.contains("may be more severe than"), !codes.is_empty(), "{ended:?}");
        let findings = sheet(&pack.join("findings.csv"));
        let found = findings.iter().filter(|row| row["mayBeMoreSevere"] == "true").map(|row| row["code"].as_str());
        assert_eq!(found.collect::<Vec<_>>(), codes, "{findings:?}");
        findings.len()
    };
    keep(&location, &[&sudo, &old, &group], SectionStatus::Complete);
    assert_eq!(underrated(&[]), 3);
    keep(&location, &[&worst, &new, &old, &group], SectionStatus::Skipped);
    assert_eq!(underrated(&["without_mfa"]), 5);
    // Still so in the next run, until what was not read is read.
    keep(&location, &[&worst, &new, &old, &group], SectionStatus::Skipped);
    assert_eq!(underrated(&["without_mfa"]), 5);
    keep(&location, &[&worst, &risk("without_mfa", Severity::Critical), &sudo, &old, &group], SectionStatus::Complete);
    assert_eq!(underrated(&[]), 5);
}
