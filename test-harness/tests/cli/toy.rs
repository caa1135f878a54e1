//! A small connector, and scans of it through the library of the reference host.
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use connector_api::{
    Access, AccessLevel, Account, AccountFilter, Attributes, Binding, CancellationToken, Checkpoint, ConnectionReport,
    Connector, ConnectorError, Credential, Descriptor, ErrorCode, Grant, Group, Membership, NodeKind, NodeRef, Policy,
    PolicyEffect, Principal, Progress, Reason, ReasonKind, Record, Resource, ResourceRef, ScanFailure, ScanLedger,
    ScanRequest, ScanSink, ScanSummary, Section, SectionReport, SectionStatus, Severity, SignInKind, SignInTarget,
    SystemConfig, async_trait,
};
use connector_host::output::{Destination, Format};
use connector_host::progress::Quiet;
use connector_host::run::{CheckpointFile, ScanJob, ScanReport};
use serde_json::{Value, json};

pub const HOSTILE_NAMES: [&str; 11] = [
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
pub struct Toy {
    pub rows: Vec<Record>,
    ending: Ending,
    /// Where each scan began: the number of rows that its checkpoint counted.
    begun: Mutex<Vec<u64>>,
    /// A file that somebody writes during the scan.
    pub meanwhile: Option<PathBuf>,
    /// Notified when it hangs.
    pub reached: tokio::sync::Notify,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Ending {
    Whole,
    WithoutLastLogin,
    /// Fails after this number of rows; those of the last batch have no checkpoint.
    FailsAfter(u64),
    PanicsAfter(u64),
    Hangs,
}

impl Toy {
    pub fn new(ending: Ending) -> Self {
        let account = |(n, name): (usize, &&str)| {
            Record::from({
                let mut row = Account::new(n.to_string(), *name);
                row.display_name = Some((*name).to_owned());
                row.reasons = vec![
                    Reason::new("named", ReasonKind::Privilege, Severity::High, *name, "rename it"),
                    Reason::new("long", ReasonKind::Risk, Severity::Low, "is long", "=rename it"),
                ];
                row.attributes = Attributes::from([("ratio", json!(0.1 + 0.2)), (*name, json!(name))]);
                row
            })
        };
        let mut rows: Vec<Record> = HOSTILE_NAMES.iter().enumerate().map(account).collect();
        let group = Group::new("g", "TOY_GROUP", "=group");
        rows.push(Membership::new(&Account::new("0", "@here"), &group).into());
        rows.insert(HOSTILE_NAMES.len(), group.into());
        rows.push(Resource::new("r", "system", "-box").into());
        let end = |kind, node_type: &str| NodeRef::new(kind, node_type, "=1");
        rows.push(Binding::new(end(NodeKind::Account, "user"), end(NodeKind::Resource, "-box")).into());
        let resource = ResourceRef::new("r", "system", "-box");
        let mut grant = Grant::new(Principal::account("0", "@here"), resource, Access::new(AccessLevel::Use, "=login"));
        grant.direct = true;
        rows.push(grant.into());
        let mut policy = Policy::new("p", "=t", "=1+1", PolicyEffect::new("=deny"));
        policy.subjects.included = vec![end(NodeKind::Group, "=g")];
        policy.subjects.excluded_by = vec![AccountFilter::new("=field", "EQ", "1")];
        policy.targets.included = vec![SignInTarget::all(SignInKind::new("@portal"))];
        policy.conditions = Some("-not from here".to_owned());
        rows.push(policy.into());
        Self { rows, ending, begun: Mutex::default(), meanwhile: None, reached: tokio::sync::Notify::new() }
    }

    pub fn begun(&self) -> Vec<u64> {
        self.begun.lock().unwrap().clone()
    }

    async fn stream(&self, request: &ScanRequest, sink: &dyn ScanSink) -> Result<(), ConnectorError> {
        let begin = request
            .resume
            .as_ref()
            .map_or(0, |checkpoint| checkpoint.state.read::<Value>().unwrap()["rows"].as_u64().unwrap());
        self.begun.lock().unwrap().push(begin);
        for (done, requests) in [(3, 8), (313, 64)] {
            let expected = Some(40);
            sink.progress(Progress::reading(Section::GRANTS, done).of(expected).with_requests(requests));
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
    fn describe() -> Descriptor {
        descriptor()
    }

    async fn test_connection(&self) -> ConnectionReport {
        std::future::pending().await
    }

    async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure> {
        let mut ledger = ScanLedger::start(&descriptor(), &config());
        let streamed = self.stream(&request, &*sink).await;
        for section in [Section::USERS, Section::GROUPS, Section::MEMBERSHIPS] {
            ledger.close(SectionReport::new(section, SectionStatus::Complete));
        }
        if self.ending == Ending::WithoutLastLogin {
            let error = ConnectorError::new(ErrorCode::Forbidden, "no right", "ask for it");
            ledger.close(SectionReport::new(Section::LAST_LOGIN, SectionStatus::Unavailable { error }));
        }
        ledger.finish(streamed)
    }
}

pub fn descriptor() -> Descriptor {
    Descriptor::new("Toy", "Toy", "1")
}

pub fn config() -> SystemConfig {
    SystemConfig::new("Toy", "toy.example", Credential::default())
}

pub fn checkpoint(started_at: jiff::Timestamp, rows: u64) -> Checkpoint {
    Checkpoint::new(&descriptor(), &config(), started_at, json!({"rows": rows}))
}

pub fn job(destination: &Path, format: Format) -> ScanJob {
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
pub fn kept_in(checkpoint: &Path, job: ScanJob) -> ScanJob {
    ScanJob { checkpoint: Some(CheckpointFile { path: checkpoint.to_owned(), fresh: false }), ..job }
}

pub async fn scan(job: ScanJob, ending: Ending) -> (ScanReport, Vec<u64>) {
    let toy = Toy::new(ending);
    let report = job.run(&toy, &descriptor(), &config()).await.unwrap();
    (report, toy.begun())
}

/// The error of a job that must not start.
pub async fn refusal(job: ScanJob, config: &SystemConfig) -> ConnectorError {
    let toy = Toy::new(Ending::Whole);
    let error = job.run(&toy, &descriptor(), config).await.unwrap_err();
    assert!(toy.begun().is_empty());
    error
}

pub fn rows_of(path: &Path) -> (Vec<Record>, Value) {
    let text = fs::read_to_string(path).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap();
    (lines.into_iter().map(|line| serde_json::from_value(line).unwrap()).collect(), summary)
}
