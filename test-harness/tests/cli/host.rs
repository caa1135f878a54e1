//! The reference host, driven through its library with a small connector of its own.
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use connector_api::{
    Access, AccessPath, Account, Attributes, CancellationToken, Checkpoint, ConnectionReport, Connector,
    ConnectorError, Credential, Descriptor, ErrorCode, Grant, Group, Membership, Outcome, PathStep, Principal,
    Progress, Reason, Record, Resource, ResourceRef, ScanFailure, ScanLedger, ScanRequest, ScanSink, ScanSummary,
    Section, SectionReport, SectionStatus, Stage, SystemConfig, async_trait,
};
use serde_json::{Value, json};
use test_harness::host::checkpoint::CheckpointStore;
use test_harness::host::output::{Destination, Format};
use test_harness::host::progress::{Quiet, Reporter};
use test_harness::host::run::{CheckpointFile, ScanJob, ScanReport, test_connection};

const HOSTILE_NAMES: [&str; 11] = [
    "Smith, \"Ada\"",
    "line\nbreak\r\nand\ttab",
    "=cmd|' /C calc'!A0",
    "+SUM(1)",
    "-2+3",
    "@here",
    "🦀 Ünïcödé 漢字",
    "\u{202e}right to left",
    "'quoted'",
    "\n=1+1",
    "＝1+1",
];

/// Emits fixed rows in batches of two, with a checkpoint after each batch that counts the rows so far.
struct Toy {
    rows: Vec<Record>,
    ending: Ending,
    /// Where each scan began: the number of rows that its checkpoint counted.
    begun: Mutex<Vec<u64>>,
    /// A file that somebody writes during the scan.
    meanwhile: Option<PathBuf>,
    /// Told when it hangs.
    reached: tokio::sync::Notify,
}

#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Whole,
    WithoutLastLogin,
    /// Fails when so many rows are out; those of the last batch have no checkpoint.
    FailsAfter(u64),
    PanicsAfter(u64),
    Hangs,
}

impl Toy {
    fn new(ending: Ending) -> Self {
        let account = |(n, name): (usize, &&str)| {
            Record::from(Account {
                external_id: n.to_string(),
                username: (*name).to_owned(),
                display_name: Some((*name).to_owned()),
                reasons: vec![Reason::new("named", *name)],
                attributes: Attributes::from([("ratio", json!(0.1 + 0.2)), (*name, json!(name))]),
                ..Account::default()
            })
        };
        let mut rows: Vec<Record> = HOSTILE_NAMES.iter().enumerate().map(account).collect();
        rows.push(Group { external_id: "g".into(), name: "=group".into(), ..Group::default() }.into());
        rows.push(Membership { username: "@here".into(), direct: true, ..Membership::default() }.into());
        rows.push(Resource { external_id: "r".into(), name: "-box".into(), ..Resource::default() }.into());
        rows.push(Record::from(Grant {
            principal: Principal::Account { external_id: "0".into(), username: "@here".into() },
            resource: ResourceRef { external_id: "r".into(), resource_type: "system".into(), name: "-box".into() },
            access: Access::SudoWithoutPassword,
            direct: true,
            via: Vec::new(),
            more_paths: 0,
        }));
        Self { rows, ending, begun: Mutex::default(), meanwhile: None, reached: tokio::sync::Notify::new() }
    }

    fn begun(&self) -> Vec<u64> {
        self.begun.lock().unwrap().clone()
    }

    async fn stream(&self, request: &ScanRequest, sink: &dyn ScanSink) -> Result<(), ConnectorError> {
        let begin = request.resume.as_ref().map_or(0, |checkpoint| checkpoint.state["rows"].as_u64().unwrap());
        self.begun.lock().unwrap().push(begin);
        for (done, requests) in [(3, 8), (313, 64)] {
            let expected = Some(40);
            sink.progress(Progress { section: Section::Grants, stage: Stage::Reading, done, expected, requests });
        }
        if let Some(path) = &self.meanwhile {
            fs::write(path, "irreplaceable").unwrap();
        }
        let mut out = begin;
        for batch in self.rows[usize::try_from(begin).unwrap()..].chunks(2) {
            sink.records(batch.to_vec()).await?;
            out += batch.len() as u64;
            match self.ending {
                Ending::FailsAfter(rows) if out >= rows => {
                    return Err(ConnectorError::new(ErrorCode::ServerError, "the target is down", "wait"));
                }
                Ending::PanicsAfter(rows) if out >= rows => panic!("hunter2"),
                Ending::Hangs => {
                    self.reached.notify_one();
                    std::future::pending().await
                }
                _ => {}
            }
            if request.checkpoints {
                sink.checkpoint(checkpoint(jiff::Timestamp::now(), out)).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Connector for Toy {
    fn describe(&self) -> Descriptor {
        descriptor()
    }

    async fn test_connection(&self) -> ConnectionReport {
        std::future::pending().await
    }

    async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure> {
        let mut ledger = ScanLedger::start(&descriptor(), &config());
        let streamed = self.stream(&request, &*sink).await;
        for section in [Section::Users, Section::Groups, Section::Memberships] {
            ledger.close(SectionReport::new(section, SectionStatus::Complete));
        }
        if self.ending == Ending::WithoutLastLogin {
            let error = ConnectorError::new(ErrorCode::Forbidden, "no right", "ask for it");
            ledger.close(SectionReport::new(Section::LastLogin, SectionStatus::Unavailable { error }));
        }
        ledger.finish(streamed)
    }
}

fn descriptor() -> Descriptor {
    Descriptor { os_type: "Toy".into(), version: "1".into(), ..Descriptor::default() }
}

fn config() -> SystemConfig {
    SystemConfig::new("Toy", "toy.example", Credential::default())
}

fn checkpoint(started_at: jiff::Timestamp, rows: u64) -> Checkpoint {
    Checkpoint::new(&descriptor(), &config(), started_at, json!({"rows": rows}))
}

fn job(destination: &Path, format: Format) -> ScanJob {
    ScanJob {
        destination: Destination::Path(destination.to_owned()),
        format,
        checkpoint: None,
        inputs: Vec::new(),
        without: Vec::new(),
        cancel: CancellationToken::new(),
        reporter: Arc::new(Quiet),
    }
}

/// The same job, kept in a checkpoint.
fn kept_in(checkpoint: &Path, job: ScanJob) -> ScanJob {
    ScanJob { checkpoint: Some(CheckpointFile { path: checkpoint.to_owned(), fresh: false }), ..job }
}

async fn scan(job: ScanJob, ending: Ending) -> (ScanReport, Vec<u64>) {
    let toy = Toy::new(ending);
    let report = job.run(&toy, &config()).await.unwrap();
    (report, toy.begun())
}

/// The error of a job that must not start.
async fn refusal(job: ScanJob, config: &SystemConfig) -> ConnectorError {
    let toy = Toy::new(Ending::Whole);
    let error = job.run(&toy, config).await.unwrap_err();
    assert!(toy.begun().is_empty());
    error
}

fn entries(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn rows_of(path: &Path) -> (Vec<Record>, Value) {
    let text = fs::read_to_string(path).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap();
    (lines.into_iter().map(|line| serde_json::from_value(line).unwrap()).collect(), summary)
}

#[tokio::test]
async fn ndjson_holds_every_row_and_ends_with_the_summary() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.ndjson");
    let (report, _) = scan(job(&path, Format::Ndjson), Ending::Whole).await;
    assert_eq!(report.summary.outcome, Outcome::Complete);
    let (rows, summary) = rows_of(&path);
    assert_eq!(rows, Toy::new(Ending::Whole).rows);
    assert_eq!((&summary["record"], &summary["outcome"]), (&json!("summary"), &json!("complete")));
    assert_eq!(entries(folder.path()), ["scan.ndjson"]);
}

#[tokio::test]
async fn json_is_one_document_with_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.json");
    let (report, _) = scan(job(&path, Format::Json), Ending::WithoutLastLogin).await;
    assert_eq!(report.summary.outcome, Outcome::Incomplete);
    let document: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let rows: Vec<Record> = serde_json::from_value(document["records"].clone()).unwrap();
    assert_eq!(rows, Toy::new(Ending::Whole).rows);
    assert_eq!(document["summary"]["outcome"], "incomplete");
}

#[tokio::test]
async fn csv_round_trips_hostile_names_and_runs_no_formula() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan");
    scan(job(&path, Format::Csv), Ending::Whole).await;
    let files = ["accounts.csv", "grants.csv", "groups.csv", "memberships.csv", "resources.csv", "summary.json"];
    assert_eq!(entries(&path), files);

    #[cfg(unix)]
    for file in files.iter().chain(&["."]) {
        let mode = std::os::unix::fs::PermissionsExt::mode(&path.join(file).metadata().unwrap().permissions());
        assert_eq!(mode & 0o077, 0, "{file} is its owner's alone");
    }
    let mut accounts = csv::Reader::from_path(path.join("accounts.csv")).unwrap();
    let columns = accounts.headers().unwrap().clone();
    let at = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let bytes = fs::read(path.join("accounts.csv")).unwrap();
    assert!(bytes.starts_with("\u{feff}externalId".as_bytes()), "a spreadsheet takes it for UTF-8");
    let rows: Vec<csv::StringRecord> = accounts.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), HOSTILE_NAMES.len());
    for (row, name) in rows.iter().zip(HOSTILE_NAMES) {
        let cell = &row[at("username")];
        assert!(cell == name || cell.strip_prefix('\'') == Some(name), "{cell:?}");
        let attributes: Value = serde_json::from_str(&row[at("attributes")]).unwrap();
        assert_eq!(attributes[name], name);
        assert_eq!(&row[at("reasonCodes")], "named");
        assert!(row[at("reasons")].ends_with(name), "{row:?}");
    }
    for file in &files[..5] {
        for row in csv::Reader::from_path(path.join(file)).unwrap().records() {
            for cell in &row.unwrap() {
                assert!(
                    !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']),
                    "{file}: {cell:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn paths_are_columns_that_can_be_filtered() {
    let step = |name: &str| PathStep { name: name.into(), group_type: "G".into(), external_id: name.into() };
    let way = |access, steps: &[&str], raised_by: Option<&str>| AccessPath {
        access,
        steps: steps.iter().map(|name| step(name)).collect(),
        raised_by: raised_by.map(str::to_owned),
    };
    let mut toy = Toy::new(Ending::Whole);
    toy.rows.push(Record::from(Membership { via: vec![step("crew"), step("staff")], ..Membership::default() }));
    toy.rows.push(Record::from(Grant {
        principal: Principal::Account { external_id: "1".into(), username: "ada".into() },
        resource: ResourceRef { external_id: "r".into(), resource_type: "system".into(), name: "box".into() },
        access: Access::Sudo,
        direct: true,
        via: vec![
            way(Access::Login, &[], None),
            way(Access::Sudo, &["crew", "boxes"], Some("groupSudo")),
            way(Access::Sudo, &["staff"], Some("groupSudo")),
        ],
        more_paths: 4,
    }));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan");
    job(&path, Format::Csv).run(&toy, &config()).await.unwrap();

    let last = |file: &str| -> BTreeMap<String, String> {
        let mut rows = csv::Reader::from_path(path.join(file)).unwrap();
        rows.deserialize().last().unwrap().unwrap()
    };
    let grant = last("grants.csv");
    for (column, cell) in [
        ("path", ""),
        ("pathAccess", "login"),
        ("raisedBy", "groupSudo"),
        ("otherPaths", "crew > boxes; staff"),
        ("morePaths", "4"),
    ] {
        assert_eq!(grant[column], cell, "{column}");
    }
    assert_eq!(last("memberships.csv")["path"], "crew > staff");
    for file in ["groups.csv", "memberships.csv", "grants.csv"] {
        let text = fs::read_to_string(path.join(file)).unwrap();
        assert!(!text.contains('{') && !text.contains('['), "there is JSON in {text}");
    }
}

#[tokio::test]
async fn an_ndjson_folder_has_one_file_a_kind_of_record_and_replaces_only_an_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan/");
    for _ in 0..2 {
        let (report, _) = scan(job(&path, Format::Ndjson), Ending::Whole).await;
        assert_eq!(report.error, None);
    }
    assert_eq!(entries(folder.path()), ["scan"]);
    let files =
        ["accounts.ndjson", "grants.ndjson", "groups.ndjson", "memberships.ndjson", "resources.ndjson", "summary.json"];
    assert_eq!(entries(&path), files);
    for (file, kind, rows) in [("accounts", "account", HOSTILE_NAMES.len()), ("grants", "grant", 1)] {
        let text = fs::read_to_string(path.join(format!("{file}.ndjson"))).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), rows);
        assert!(lines.iter().all(|line| line["record"] == kind));
    }
    let summary: Value = serde_json::from_slice(&fs::read(path.join("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["outcome"], "complete");

    fs::write(path.join("thesis.txt"), "irreplaceable").unwrap();
    let error = refusal(job(&path, Format::Ndjson), &config()).await;
    assert_eq!(error.code, ErrorCode::InvalidConfig);
    assert!(path.join("thesis.txt").exists());
}

#[tokio::test]
async fn what_is_put_into_a_folder_while_it_is_scanned_stays() {
    for format in [Format::Csv, Format::Ndjson] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scan/");
        scan(job(&path, format), Ending::Whole).await;
        let mut toy = Toy::new(Ending::Whole);
        toy.meanwhile = Some(path.join("thesis.txt"));
        let report = job(&path, format).run(&toy, &config()).await.unwrap();
        assert_eq!(report.error.unwrap().code, ErrorCode::Sink);
        assert_eq!(fs::read_to_string(path.join("thesis.txt")).unwrap(), "irreplaceable");
        assert_eq!((entries(folder.path()), entries(&path).len()), (vec!["scan".to_owned()], 7));
    }
}

#[tokio::test]
async fn a_csv_folder_replaces_only_that_of_an_earlier_scan() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan");
    for _ in 0..2 {
        let (report, _) = scan(job(&path, Format::Csv), Ending::Whole).await;
        assert_eq!(report.error, None);
    }
    assert_eq!(entries(folder.path()), ["scan"]);
    fs::write(path.join("thesis.txt"), "irreplaceable").unwrap();
    let error = refusal(job(&path, Format::Csv), &config()).await;
    assert_eq!(error.code, ErrorCode::InvalidConfig);
    assert!(path.join("thesis.txt").exists());
}

#[tokio::test]
async fn a_scan_that_fails_leaves_nothing_and_spares_an_earlier_one() {
    for format in [Format::Ndjson, Format::Json, Format::Csv] {
        for ending in [Ending::FailsAfter(6), Ending::PanicsAfter(6)] {
            let folder = tempfile::tempdir().unwrap();
            let (report, _) = scan(job(&folder.path().join("scan"), format), ending).await;
            assert_eq!(report.summary.outcome, Outcome::Failed);
            assert!(!format!("{report:?}").contains("hunter2"));
            assert_eq!(entries(folder.path()), Vec::<String>::new());
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan");
    fs::write(&path, "earlier").unwrap();
    scan(job(&path, Format::Ndjson), Ending::FailsAfter(6)).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), "earlier");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_known_before_the_scan_starts() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing/scan");
    let scan = folder.path().join("scan");
    for job in [
        job(&missing, Format::Ndjson),
        job(&missing, Format::Csv),
        job(folder.path(), Format::Json),
        kept_in(&missing, job(&scan, Format::Json)),
        kept_in(folder.path(), job(&scan, Format::Json)),
    ] {
        let error = refusal(job, &config()).await;
        assert_eq!(error.code, ErrorCode::InvalidConfig, "{error}");
    }
}

#[tokio::test]
async fn an_interrupted_scan_goes_on_and_ends_with_the_same_rows() {
    for failing in 1..=13 {
        let folder = tempfile::tempdir().unwrap();
        let (path, kept) = (folder.path().join("scan"), folder.path().join("kept"));
        let (report, _) = scan(kept_in(&kept, job(&path, Format::Ndjson)), Ending::FailsAfter(failing)).await;
        assert_eq!(report.summary.outcome, Outcome::Failed);
        assert_eq!(report.can_resume, failing > 2);
        assert!(!path.exists());
        let (report, begun) = scan(kept_in(&kept, job(&path, Format::Ndjson)), Ending::Whole).await;
        assert_eq!(report.error, None);
        // The batch in which it failed has no checkpoint, so its rows come again, and only those.
        assert_eq!(begun, [(failing - 1) / 2 * 2]);
        assert_eq!(rows_of(&path).0, Toy::new(Ending::Whole).rows);
        assert_eq!(report.digest.users.total, HOSTILE_NAMES.len() as u64);
        assert_eq!(entries(folder.path()), ["scan"]);
    }
}

/// Output and checkpoint of a scan that failed after six rows, four of which have a checkpoint.
async fn interrupted(folder: &Path) -> (PathBuf, PathBuf) {
    let (path, kept) = (folder.join("scan"), folder.join("kept"));
    scan(kept_in(&kept, job(&path, Format::Ndjson)), Ending::FailsAfter(6)).await;
    assert_eq!(entries(folder), ["kept", "kept.rows"]);
    (path, kept)
}

#[tokio::test]
async fn a_checkpoint_with_any_byte_changed_or_missing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, kept) = interrupted(folder.path()).await;
    let rows = folder.path().join("kept.rows");
    for file in [&kept, &rows] {
        let whole = fs::read(file).unwrap();
        // Rows after the checkpoint do not matter, they are dropped anyway.
        let lines = whole.split_inclusive(|byte| *byte == b'\n');
        let sealed: usize = lines.take(5).map(<[u8]>::len).sum();
        for at in (0..sealed - 1).step_by(7).chain([sealed - 1]) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            for (damaged, how) in [(&flipped[..], "a bit flipped in byte"), (&whole[..at], "cut at byte")] {
                fs::write(file, damaged).unwrap();
                let error = refusal(kept_in(&kept, job(&path, Format::Ndjson)), &config()).await;
                assert_eq!(error.code, ErrorCode::CheckpointRejected, "{}: {how} {at}", file.display());
                // Without its mark it may be anything, and is not to be replaced.
                let mark = if file == &kept { 31 } else { 39 };
                let help = if at < mark { "another file" } else { "--fresh" };
                assert!(error.remedy.contains(help), "{}: {how} {at}: {error:?}", file.display());
            }
        }
        fs::write(file, whole).unwrap();
    }
    let (report, begun) = scan(kept_in(&kept, job(&path, Format::Ndjson)), Ending::Whole).await;
    assert_eq!((report.error, begun), (None, vec![4]));
}

#[tokio::test]
async fn a_foreign_checkpoint_is_refused_and_a_fresh_scan_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (path, kept) = interrupted(folder.path()).await;
    let elsewhere = SystemConfig::new("Toy", "other.example", Credential::default());
    let error = refusal(kept_in(&kept, job(&path, Format::Ndjson)), &elsewhere).await;
    assert_eq!(error.code, ErrorCode::CheckpointRejected);
    assert!(error.message.contains("another setting of hostname"), "{error}");

    let fresh = Some(CheckpointFile { path: kept, fresh: true });
    let (report, begun) = scan(ScanJob { checkpoint: fresh, ..job(&path, Format::Ndjson) }, Ending::Whole).await;
    assert_eq!((report.error, begun), (None, vec![0]));
    assert_eq!(rows_of(&path).0, Toy::new(Ending::Whole).rows);
}

#[tokio::test]
async fn a_checkpoint_of_yesterday_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let began = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(25);
    CheckpointStore::fresh(&kept).unwrap().checkpoint(&checkpoint(began, 0)).unwrap();
    let error = refusal(kept_in(&kept, job(&folder.path().join("scan"), Format::Ndjson)), &config()).await;
    assert!(error.code == ErrorCode::CheckpointRejected && error.message.contains("too old"), "{error}");
}

#[tokio::test]
async fn two_scans_cannot_share_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let _held = CheckpointStore::fresh(&kept).unwrap();
    let error = refusal(kept_in(&kept, job(&folder.path().join("scan"), Format::Ndjson)), &config()).await;
    assert!(error.code == ErrorCode::InvalidConfig && error.message.contains("another scan"), "{error}");
}

#[tokio::test]
async fn a_connector_that_ignores_cancellation_is_ended_by_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(&folder.path().join("scan"), Format::Ndjson);
    let cancel = job.cancel.clone();
    let toy = Toy::new(Ending::Hangs);
    let config = config();
    let (report, ()) = tokio::join!(job.run(&toy, &config), async { cancel.cancel() });
    assert_eq!(report.unwrap().error.unwrap().code, ErrorCode::Cancelled);
    assert_eq!(entries(folder.path()), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_connection_test_ends_within_the_hosts_limit() {
    let limit = std::time::Duration::from_secs(60);
    let toy = Toy::new(Ending::Whole);
    let report = test_connection(&toy, limit, &CancellationToken::new()).await.unwrap();
    assert_eq!(report.first_error().unwrap().code, ErrorCode::Timeout);
}

/// Hears everything.
#[derive(Default)]
struct Ear(Mutex<Vec<Progress>>);

impl Reporter for Ear {
    fn progress(&self, progress: &Progress) {
        self.0.lock().unwrap().push(progress.clone());
    }
}

#[tokio::test]
async fn no_more_is_done_than_is_expected() {
    let folder = tempfile::tempdir().unwrap();
    let ear = Arc::new(Ear::default());
    let job = ScanJob { reporter: ear.clone(), ..job(&folder.path().join("scan"), Format::Ndjson) };
    job.run(&Toy::new(Ending::Whole), &config()).await.unwrap();
    let heard: Vec<_> = ear.0.lock().unwrap().iter().map(|progress| (progress.done, progress.expected)).collect();
    assert_eq!(heard, [(3, Some(40)), (313, Some(313))]);
}

#[tokio::test]
async fn what_an_unfinished_section_cost_is_counted_whatever_ended_the_scan() {
    for ending in [Ending::PanicsAfter(6), Ending::Hangs] {
        let folder = tempfile::tempdir().unwrap();
        let job = job(&folder.path().join("scan"), Format::Ndjson);
        let cancel = job.cancel.clone();
        let (toy, config) = (Toy::new(ending), config());
        let stop = async {
            if ending == Ending::Hangs {
                toy.reached.notified().await;
                cancel.cancel();
            }
        };
        let (report, ()) = tokio::join!(job.run(&toy, &config), stop);
        let summary = report.unwrap().summary;
        let section = summary.section(Section::Grants).unwrap();
        assert_eq!((section.status.as_str(), section.requests), ("incomplete", 64));
    }
}

#[tokio::test]
async fn no_section_is_complete_whose_rows_were_not_taken() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let (report, _) = scan(job(full, Format::Ndjson), Ending::Whole).await;
    assert_eq!(report.error.unwrap().code, ErrorCode::Sink);
    assert_eq!(report.summary.sections.len(), 3);
    assert!(report.summary.sections.iter().all(|section| section.status.as_str() == "incomplete"));
}
