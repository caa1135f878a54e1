//! A scan that was interrupted anywhere and goes on from its last checkpoint sends the rows of one that was not.
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::support::{Collected, Identities, config, connect};
use connector_api::{
    CancellationToken, Checkpoint, ConnectorError, ErrorCode, Fingerprint, Outcome, Record, ScanRequest, ScanSink,
    Section, SectionStatus, SystemConfig,
};
use jumpcloud_simulator::{Behaviour, Simulator, SimulatorOptions, UsersEndpoint, V2Sort};
use serde_json::{Value, json};

fn organization() -> SimulatorOptions {
    SimulatorOptions {
        users_endpoint: UsersEndpoint::V2,
        now: "2026-06-01T12:00:00Z".parse().unwrap(),
        ..crate::support::small()
    }
}

/// A configuration under which rows of two scans are alike: last logins depend on when the scan began.
fn system(simulator: &Simulator) -> SystemConfig {
    config(simulator, json!({"pageSize": 20, "includeLastLogin": false}))
}

fn texts(rows: &[Record]) -> BTreeSet<String> {
    rows.iter().map(|row| serde_json::to_string(row).unwrap()).collect()
}

fn state(checkpoint: &Checkpoint) -> Value {
    checkpoint.state.read().unwrap()
}

fn set(checkpoint: &mut Checkpoint, field: &str, value: Value) {
    let mut state = state(checkpoint);
    state[field] = value;
    checkpoint.state = state.into();
}

async fn scan_from(
    system: &SystemConfig,
    resume: Option<Checkpoint>,
    sink: &Arc<Collected>,
) -> Result<Outcome, ErrorCode> {
    let mut request = ScanRequest::default().with_checkpoints();
    request.resume = resume;
    let ended = connect(system.clone()).unwrap().scan(request, Arc::clone(sink) as Arc<dyn ScanSink>).await;
    ended.map(|summary| summary.outcome).map_err(|failure| failure.error().code)
}

#[tokio::test]
async fn a_scan_goes_on_from_every_checkpoint_and_asks_nothing_twice() {
    let simulator = Simulator::start(organization()).await.unwrap();
    let system = system(&simulator);
    let whole = Arc::new(Collected::default());
    assert_eq!(scan_from(&system, None, &whole).await, Ok(Outcome::Complete));
    let rows = whole.rows();
    let classes = [
        (Section::GROUPS, "usergroups"),
        (Section::MEMBERSHIPS, "usergroups.members"),
        (Section::ADMINISTRATORS, "administrators"),
        (Section::SYSTEMS, "systems"),
        (Section::LOCAL_ACCOUNTS, "systeminsights.users"),
        (Section::APPLICATIONS, "applications"),
        (Section::DIRECTORIES, "directories"),
        (Section::USERS, "users"),
    ];
    assert!(whole.checkpoints().len() >= 6, "{}", whole.checkpoints().len());
    for (before, checkpoint) in whole.checkpoints() {
        let finished: BTreeSet<String> = state(&checkpoint)["reports"].as_object().unwrap().keys().cloned().collect();
        let asked = simulator.requests();
        let sink = Arc::new(Collected::default());
        assert_eq!(scan_from(&system, Some(checkpoint), &sink).await, Ok(Outcome::Complete));
        let resumed: Vec<Record> = rows[..before].iter().cloned().chain(sink.rows()).collect();
        assert_eq!(resumed.len(), rows.len());
        assert_eq!(texts(&resumed), texts(&rows));
        for (section, class) in classes {
            if finished.contains(section.as_str()) {
                assert_eq!(simulator.requests().of(class), asked.of(class), "{section} is read again");
            }
        }
    }
}

#[tokio::test]
async fn an_order_that_is_refused_costs_one_request_a_listing_and_is_not_asked_for_after_resuming() {
    let observed = Simulator::start(organization()).await.unwrap();
    scan_from(&system(&observed), None, &Arc::default()).await.unwrap();
    assert_eq!(observed.requests().with_status(400), 0, "what was seen refused is not asked for");

    let behaviour = Behaviour { v2_sort: V2Sort::Nothing, ..Behaviour::observed() };
    let simulator = Simulator::start(SimulatorOptions { behaviour, ..organization() }).await.unwrap();
    let system = system(&simulator);
    let whole = Arc::new(Collected::default());
    assert_eq!(scan_from(&system, None, &whole).await, Ok(Outcome::Complete));
    assert_eq!(Identities::of(&whole.rows()).0, Identities::truth(&simulator.organization()));
    assert_eq!(simulator.requests().with_status(400), 2, "one for the user groups, one for the device groups");

    // A checkpoint that remembers nothing but the refusals.
    let (_, mut checkpoint) = whole.checkpoints().pop().unwrap();
    checkpoint.state = json!({"refused_sorts": state(&checkpoint)["refused_sorts"]}).into();
    let again = Arc::new(Collected::default());
    assert_eq!(scan_from(&system, Some(checkpoint), &again).await, Ok(Outcome::Complete));
    assert_eq!(texts(&again.rows()), texts(&whole.rows()));
    assert_eq!(simulator.requests().with_status(400), 2, "no more");
}

#[tokio::test]
async fn a_scan_that_was_cancelled_at_any_call_goes_on_from_its_last_checkpoint() {
    let simulator = Simulator::start(organization()).await.unwrap();
    let system = system(&simulator);
    let whole = Arc::new(Collected::default());
    scan_from(&system, None, &whole).await.unwrap();
    for call in 1..=whole.calls() {
        let cancel = CancellationToken::new();
        let sink = Arc::new(Collected::cancelling(cancel.clone(), call));
        let request = ScanRequest::with_cancel(cancel).with_checkpoints();
        let ended = connect(system.clone()).unwrap().scan(request, Arc::clone(&sink) as Arc<dyn ScanSink>).await;
        if let Err(failure) = &ended {
            assert_eq!(failure.error().code, ErrorCode::Cancelled, "call {call}");
        }
        let (before, resume) = match sink.checkpoints().pop() {
            Some((before, checkpoint)) => (before, Some(checkpoint)),
            None => (0, None),
        };
        let on = Arc::new(Collected::default());
        assert_eq!(scan_from(&system, resume, &on).await, Ok(Outcome::Complete), "call {call}");
        let resumed: Vec<Record> = sink.rows()[..before].iter().cloned().chain(on.rows()).collect();
        assert_eq!(resumed.len(), whole.rows().len(), "call {call}");
        assert_eq!(texts(&resumed), texts(&whole.rows()), "call {call}");
    }
}

#[tokio::test]
async fn a_section_is_complete_only_when_its_rows_were_taken_and_what_it_cost_is_counted_whenever_it_ends() {
    let simulator = Simulator::start(organization()).await.unwrap();
    let system = system(&simulator);
    let whole = Arc::new(Collected::default());
    scan_from(&system, None, &whole).await.unwrap();
    let mut cancelled = 0;
    for call in 1..=whole.calls() {
        let cancel = CancellationToken::new();
        let sink = Arc::new(Collected::cancelling(cancel.clone(), call));
        let request = ScanRequest::with_cancel(cancel).with_checkpoints();
        // Requests of another scan that was cancelled may still arrive: each has a target of its own.
        let simulator = Simulator::start(organization()).await.unwrap();
        let system = self::system(&simulator);
        let ended = connect(system.clone()).unwrap().scan(request, Arc::clone(&sink) as Arc<dyn ScanSink>).await;
        let Err(failure) = ended else { continue };
        cancelled += 1;
        let summary = failure.into_summary();
        for report in &summary.sections {
            let complete = report.status == SectionStatus::Complete;
            assert!(!complete || report.section == Section::USERS, "call {call}: {report:?}");
        }
        let users = summary.section(Section::USERS).unwrap();
        let accounts = sink.rows().iter().filter(|row| matches!(row, Record::Account(_))).count() as u64;
        assert!(users.records <= accounts && accounts - users.records <= 100, "call {call}: {users:?}");
        let counted: u64 = summary.sections.iter().map(|report| report.requests).sum();
        let made = simulator.requests().total;
        assert!(counted >= made, "call {call}: {counted} counted of {made} that were made");
    }
    assert!(cancelled > 5);
}

/// An organisation of which a first scan could not read the answers of an endpoint, which can be read now; what that scan
/// sent.
async fn scanned_without(endpoint: &str) -> (Simulator, SystemConfig, Arc<Collected>) {
    let options = crate::support::with_faults(organization(), &[&format!("status=500:on={endpoint}:times=2")]);
    let simulator = Simulator::start(options).await.unwrap();
    let system = system(&simulator).with_attribute("attempts", 2);
    let sink = Arc::new(Collected::default());
    assert_eq!(scan_from(&system, None, &sink).await, Ok(Outcome::Incomplete));
    (simulator, system, sink)
}

#[tokio::test]
async fn a_section_that_failed_is_read_again_on_resuming_and_the_rest_is_not() {
    let (simulator, system, sink) = scanned_without("administrators").await;
    let last = sink.checkpoints().into_iter().rev().find(|(before, _)| *before == 0).unwrap().1;
    let asked = simulator.requests().of("systems");
    let on = Arc::new(Collected::default());
    assert_eq!(scan_from(&system, Some(last), &on).await, Ok(Outcome::Complete));
    assert_eq!(simulator.requests().of("systems"), asked);
    assert!(on.rows().iter().any(|row| serde_json::to_value(row).unwrap()["kind"] == "administrator"));
}

#[tokio::test]
async fn bindings_to_devices_that_could_not_be_read_are_read_on_resuming_when_the_devices_are() {
    let (_simulator, system, sink) = scanned_without("systems").await;
    let last = sink.checkpoints().into_iter().rev().find(|(before, _)| *before == 0).unwrap().1;
    let (on, whole) = (Arc::new(Collected::default()), Arc::new(Collected::default()));
    assert_eq!(scan_from(&system, Some(last), &on).await, Ok(Outcome::Complete));
    assert_eq!(scan_from(&system, None, &whole).await, Ok(Outcome::Complete));
    assert_eq!(texts(&on.rows()), texts(&whole.rows()));
}

#[tokio::test]
async fn what_the_accounts_went_out_without_stays_missing_on_resuming() {
    let (simulator, system, sink) = scanned_without("administrators").await;
    let (before, last) = sink.checkpoints().pop().unwrap();
    assert!(before > 0, "it is behind the accounts");
    let asked = simulator.requests().total;
    let on = Arc::new(Collected::default());
    assert_eq!(scan_from(&system, Some(last), &on).await, Ok(Outcome::Incomplete));
    assert_eq!(simulator.requests().total, asked);
    let resumed: Vec<Record> = sink.rows()[..before].iter().cloned().chain(on.rows()).collect();
    assert_eq!(texts(&resumed), texts(&sink.rows()));
}

#[tokio::test]
async fn a_checkpoint_of_a_scan_that_leaves_other_sections_out_is_refused() {
    let simulator = Simulator::start(organization()).await.unwrap();
    let system = system(&simulator);
    let sink = Arc::new(Collected::default());
    scan_from(&system, None, &sink).await.unwrap();
    for (_, checkpoint) in sink.checkpoints() {
        let without = [Section::APPLICATIONS];
        let request = ScanRequest::default().leaving_out(without).resuming(checkpoint);
        let ended = connect(system.clone()).unwrap().scan(request, Arc::<Collected>::default()).await;
        assert_eq!(ended.unwrap_err().error().code, ErrorCode::CheckpointRejected);
    }
}

#[tokio::test]
async fn a_checkpoint_that_is_damaged_foreign_or_too_old_is_refused_by_name() {
    let simulator = Simulator::start(organization()).await.unwrap();
    let system = system(&simulator);
    let sink = Arc::new(Collected::default());
    scan_from(&system, None, &sink).await.unwrap();
    let good = sink.checkpoints().pop().unwrap().1;
    let changed = |change: &dyn Fn(&mut Checkpoint)| {
        let mut checkpoint = good.clone();
        change(&mut checkpoint);
        checkpoint
    };
    let asked = simulator.requests().total;
    let bad = [
        changed(&|checkpoint| checkpoint.version = 7),
        changed(&|checkpoint| checkpoint.os_type = "Okta".to_owned()),
        changed(&|checkpoint| checkpoint.connector_version = "0.0.1".to_owned()),
        changed(&|checkpoint| checkpoint.fingerprint = Fingerprint::default()),
        changed(&|checkpoint| checkpoint.started_at = "2020-01-01T00:00:00Z".parse().unwrap()),
        changed(&|checkpoint| checkpoint.started_at = "2099-01-01T00:00:00Z".parse().unwrap()),
        changed(&|checkpoint| checkpoint.state = json!("no state").into()),
        changed(&|checkpoint| set(checkpoint, "groups", json!([{"id": "../.."}]))),
        changed(&|checkpoint| {
            set(checkpoint, "members", json!([{"users": [4_000_000_000_u32], "groups": [], "others": []}]));
        }),
        changed(&|checkpoint| set(checkpoint, "members", json!([]))),
        changed(&|checkpoint| set(checkpoint, "groups", json!([]))),
    ];
    for (at, checkpoint) in bad.into_iter().enumerate() {
        let sink = Arc::new(Collected::default());
        assert_eq!(
            scan_from(&system, Some(checkpoint), &sink).await,
            Err(ErrorCode::CheckpointRejected),
            "number {at}"
        );
        assert!(sink.rows().is_empty());
    }
    assert_eq!(simulator.requests().total, asked);
    let other = system.with_attribute("jumpcloudOrgId", "5f0000000000000000000abc");
    assert_eq!(scan_from(&other, Some(good), &Arc::default()).await, Err(ErrorCode::CheckpointRejected));
}

/// A sink that fails at a call.
struct Failing(Arc<Collected>, usize);

#[connector_api::async_trait]
impl ScanSink for Failing {
    async fn records(&self, batch: Vec<Record>) -> Result<(), ConnectorError> {
        self.0.records(batch).await?;
        if self.0.calls() >= self.1 {
            return Err(ConnectorError::new(ErrorCode::Sink, "the disk is full", "free some space"));
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_sink_that_fails_ends_the_scan_with_its_own_error() {
    let simulator = Simulator::start(organization()).await.unwrap();
    let connector = connect(system(&simulator)).unwrap();
    let sink = Arc::new(Failing(Arc::default(), 1));
    let failure = connector.scan(ScanRequest::default(), sink).await.unwrap_err();
    assert_eq!(failure.error().code, ErrorCode::Sink);
    assert!(matches!(failure.summary().section(Section::USERS).unwrap().status, SectionStatus::Incomplete { .. }));
}
