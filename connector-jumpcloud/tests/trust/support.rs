//! Scans of simulated organisations through the registry, and the truth to hold them against.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "each test file uses its part")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use connector_access::RowsBuilder;
use connector_api::{
    AccountKind, CancellationToken, Checkpoint, Connector, ConnectorError, Credential, Edition, ErrorCode, Grant,
    Principal, Record, Registry, ScanFailure, ScanRequest, ScanSink, ScanSummary, Section, SectionStatus, SystemConfig,
    async_trait,
};
use connector_jumpcloud::JumpCloud;
use jumpcloud_simulator::organization::{Kind, Node};
use jumpcloud_simulator::{Organization, Simulator, SimulatorOptions};
use serde_json::{Value, json};

/// A small organisation without events.
pub fn small() -> SimulatorOptions {
    SimulatorOptions { users: 130, groups: 12, systems: 10, events: Some(50), ..SimulatorOptions::default() }
}

/// `options` with faults, each in its text form.
pub fn with_faults(options: SimulatorOptions, faults: &[&str]) -> SimulatorOptions {
    SimulatorOptions { faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(), ..options }
}

/// The configuration of a simulated system whose retries do not wait long.
pub fn config(simulator: &Simulator, attributes: Value) -> SystemConfig {
    let credential = Credential::from_secret(simulator.api_key().to_owned());
    let base = SystemConfig::new("JumpCloud", simulator.url(), credential)
        .with_attribute("retryWaitMilliseconds", 5)
        .with_attribute("effectiveGrants", "all");
    let Value::Object(attributes) = attributes else { panic!("attributes are an object") };
    attributes.into_iter().fold(base, |config, (name, value)| config.with_attribute(name, value))
}

/// The connector to a system.
pub fn connect(config: SystemConfig) -> Result<Box<dyn Connector>, ConnectorError> {
    Registry::discover().unwrap().connect(config, Edition::Enterprise)
}

/// A sink that keeps everything, and can cancel the scan at a call or refuse one.
#[derive(Default)]
pub struct Collected {
    state: Mutex<State>,
    cancel: CancellationToken,
    cancel_at: Option<usize>,
}

#[derive(Default)]
struct State {
    calls: usize,
    rows: Vec<Record>,
    /// Each checkpoint with the number of rows before it.
    checkpoints: Vec<(usize, Checkpoint)>,
}

impl Collected {
    /// A sink that cancels the scan at its `call`th call.
    pub fn cancelling(cancel: CancellationToken, call: usize) -> Self {
        Self { cancel, cancel_at: Some(call), ..Self::default() }
    }

    pub fn rows(&self) -> Vec<Record> {
        self.state.lock().unwrap().rows.clone()
    }

    pub fn checkpoints(&self) -> Vec<(usize, Checkpoint)> {
        self.state.lock().unwrap().checkpoints.clone()
    }

    pub fn calls(&self) -> usize {
        self.state.lock().unwrap().calls
    }

    fn call(&self) -> std::sync::MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap();
        state.calls += 1;
        if self.cancel_at == Some(state.calls) {
            self.cancel.cancel();
        }
        state
    }
}

#[async_trait]
impl ScanSink for Collected {
    async fn records(&self, batch: Vec<Record>) -> Result<(), ConnectorError> {
        self.call().rows.extend(batch);
        Ok(())
    }

    async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<(), ConnectorError> {
        let mut state = self.call();
        let rows = state.rows.len();
        state.checkpoints.push((rows, checkpoint));
        Ok(())
    }
}

/// Scans a system from the beginning.
pub async fn scan(config: SystemConfig) -> (Result<ScanSummary, ScanFailure>, Vec<Record>) {
    let sink = Arc::new(Collected::default());
    let ended = connect(config).unwrap().scan(ScanRequest::default(), Arc::clone(&sink) as Arc<dyn ScanSink>).await;
    (ended, sink.rows())
}

/// Starts a simulator and scans it.
pub async fn scan_with(
    options: SimulatorOptions,
    attributes: Value,
) -> (Simulator, Result<ScanSummary, ScanFailure>, Vec<Record>) {
    let simulator = Simulator::start(options).await.unwrap();
    let (ended, rows) = scan(config(&simulator, attributes)).await;
    (simulator, ended, rows)
}

/// The code of a failed scan.
#[track_caller]
pub fn code(ended: &Result<ScanSummary, ScanFailure>) -> ErrorCode {
    ended.as_ref().expect_err("the scan did not fail").error().code
}

/// Rows by what identifies them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Identities {
    pub users: BTreeSet<String>,
    pub administrators: BTreeSet<String>,
    pub service_accounts: BTreeSet<String>,
    pub groups: BTreeSet<String>,
    /// Group and user.
    pub direct: BTreeSet<(String, String)>,
    pub members: BTreeSet<(String, String)>,
    pub systems: BTreeSet<String>,
    /// User and device, but for access by a request alone.
    pub logins: BTreeSet<(String, String)>,
}

impl Identities {
    /// What a scan sent, and the rows that are duplicates or refer to nothing.
    pub fn of(rows: &[Record]) -> (Self, Vec<String>) {
        let (mut found, mut wrong) = (Self::default(), Vec::new());
        let (mut names, mut local) = (BTreeSet::new(), BTreeSet::new());
        let mut new = |is_new: bool, what: String| {
            if !is_new {
                wrong.push(what);
            }
        };
        let mut pending = Vec::new();
        for row in rows {
            match row {
                Record::Account(account) => {
                    let id = account.external_id.clone();
                    new(names.insert(account.username.clone()), format!("the name {} twice", account.username));
                    if account.kind == AccountKind::ADMINISTRATOR {
                        new(found.administrators.insert(id.clone()), format!("administrator {id} twice"));
                    } else if account.kind == AccountKind::SERVICE_ACCOUNT {
                        new(found.service_accounts.insert(id.clone()), format!("service account {id} twice"));
                    } else if account.kind == AccountKind::LOCAL_ACCOUNT {
                        new(local.insert(id.clone()), format!("local account {id} twice"));
                    } else if account.kind == AccountKind::USER {
                        new(found.users.insert(id.clone()), format!("user {id} twice"));
                    }
                }
                Record::Group(group) if group.group_type == "JUMPCLOUD_USER_GROUP" => {
                    let id = group.external_id.clone();
                    new(found.groups.insert(id.clone()), format!("group {id} twice"));
                }
                Record::Membership(row) if row.group_type == "JUMPCLOUD_USER_GROUP" => {
                    let pair = (row.group_external_id.clone(), row.account_external_id.clone());
                    if row.direct {
                        found.direct.insert(pair.clone());
                    }
                    new(found.members.insert(pair.clone()), format!("membership {pair:?} twice"));
                    pending.push((pair.0, pair.1));
                }
                Record::Resource(resource) if resource.resource_type == "system" => {
                    let id = resource.external_id.clone();
                    new(found.systems.insert(id.clone()), format!("device {id} twice"));
                }
                Record::Grant(grant) => {
                    if let Principal::Group { external_id, .. } = &grant.principal {
                        new(found.groups.contains(external_id), format!("a grant to the unknown group {external_id}"));
                    }
                    if let Principal::Account { external_id, .. } = &grant.principal
                        && !local.contains(external_id)
                    {
                        new(found.users.contains(external_id), format!("a grant to the unknown user {external_id}"));
                        if grant.resource.resource_type == "system" && !is_by_request(grant) {
                            let pair = (external_id.clone(), grant.resource.external_id.clone());
                            new(found.logins.insert(pair.clone()), format!("grant {pair:?} twice"));
                        }
                    }
                }
                _ => {}
            }
        }
        for (group, user) in pending {
            new(found.groups.contains(&group), format!("a membership of the unknown group {group}"));
            new(found.users.contains(&user), format!("a membership of the unknown user {user}"));
        }
        (found, wrong)
    }

    /// What there is, from what an organisation says of itself, without a connector.
    pub fn truth(organization: &Organization) -> Self {
        let mut truth = Self::default();
        let id = |kind, index| organization.id(Node::new(kind, index));
        let users: Vec<u64> = organization.users().map(|user| user.index).collect();
        truth.users = users.iter().map(|index| id(Kind::User, *index)).collect();
        truth.administrators =
            organization.administrators().map(|administrator| id(Kind::Administrator, administrator.index)).collect();
        truth.service_accounts = organization.service_accounts().map(|one| one.id).collect();
        truth.systems = organization.systems().map(|system| id(Kind::System, system.index)).collect();
        for group in organization.user_groups() {
            let name = id(Kind::UserGroup, group.index);
            let (mut open, mut passed) = (vec![group.index], BTreeSet::new());
            while let Some(inner) = open.pop() {
                if !passed.insert(inner) {
                    continue;
                }
                for member in organization.members(Node::new(Kind::UserGroup, inner)).iter() {
                    if member.kind == Kind::UserGroup {
                        open.push(member.index);
                        continue;
                    }
                    let pair = (name.clone(), organization.id(member));
                    if inner == group.index {
                        truth.direct.insert(pair.clone());
                    }
                    truth.members.insert(pair);
                }
            }
            truth.groups.insert(name);
        }
        for user in users {
            let name = id(Kind::User, user);
            let reached = organization.effective_systems(user);
            truth.logins.extend(reached.keys().map(|system| (name.clone(), id(Kind::System, *system))));
        }
        truth
    }
}

/// Attributes that leave the optional sections out.
pub fn core_only() -> Value {
    let schema = serde_json::to_value(JumpCloud::describe().config_schema).unwrap();
    let attributes = schema["properties"].as_object().unwrap().keys();
    attributes.filter(|name| name.starts_with("include")).map(|switch| (switch.clone(), json!(false))).collect()
}

/// User and device of all access, as bindings and memberships give it. The grants that were sent are these, whichever
/// sections were chosen.
pub fn walked(rows: &[Record], summary: &ScanSummary) -> Result<BTreeSet<(String, String)>, String> {
    let mut builder = RowsBuilder::new(&JumpCloud::describe().accesses);
    rows.iter().for_each(|row| builder.enter(row));
    let made: Vec<Grant> = builder.finish().all_grants().collect();
    let text = |grant: &Grant| serde_json::to_string(grant).unwrap();
    let sent = rows.iter().filter_map(|row| if let Record::Grant(grant) = row { Some(&**grant) } else { None });
    for (section, privileged) in [(Section::PRIVILEGED_GRANTS, true), (Section::OTHER_GRANTS, false)] {
        if is_complete(summary, section) {
            let expected = made.iter().filter(|grant| grant.is_privileged() == privileged).map(text).collect();
            let found = sent.clone().filter(|grant| grant.is_privileged() == privileged).map(text).collect();
            differ(section.as_str(), &expected, &found)?;
        }
    }
    let of_accounts = made.iter().filter(|grant| matches!(grant.principal, Principal::Account { .. }));
    let local: BTreeSet<&str> = rows
        .iter()
        .filter_map(|row| match row {
            Record::Account(account) if account.kind == AccountKind::LOCAL_ACCOUNT => {
                Some(account.external_id.as_str())
            }
            _ => None,
        })
        .collect();
    let of_users = of_accounts.filter(|grant| !local.contains(grant.principal.external_id()));
    let logins = of_users.filter(|grant| grant.resource.resource_type == "system" && !is_by_request(grant));
    Ok(logins.map(|grant| (grant.principal.external_id().to_owned(), grant.resource.external_id.clone())).collect())
}

/// Whether a grant is by a request for temporary access alone, and by no edge of the graph.
fn is_by_request(grant: &Grant) -> bool {
    grant.direct && grant.expires_at.is_some()
}

/// Whether a section is complete.
pub fn is_complete(summary: &ScanSummary, section: Section) -> bool {
    summary.section(section).is_some_and(|report| report.status == SectionStatus::Complete)
}

/// An error that names some of the differences, if there are any.
pub fn differ<T: Ord + std::fmt::Debug>(what: &str, truth: &BTreeSet<T>, found: &BTreeSet<T>) -> Result<(), String> {
    if truth == found {
        return Ok(());
    }
    let missing: Vec<_> = truth.difference(found).take(3).collect();
    let invented: Vec<_> = found.difference(truth).take(3).collect();
    let (all, got) = (truth.len(), found.len());
    Err(format!("{what}: {got} of {all} rows; missing {missing:?}, never there {invented:?}"))
}
