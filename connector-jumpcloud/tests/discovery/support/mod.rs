//! Scans through the public registry, of the simulator or of a console made by hand.
#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "each test file uses its part")]

pub mod console;
pub mod event_log;
pub mod replay;

use std::sync::{Arc, Mutex};

use connector_api::{
    Access, AccessLevel, Account, Binding, Connector, ConnectorError, Credential, Edition, Grant, Group, Membership,
    Progress, Record, Registry, Resource, ScanFailure, ScanRequest, ScanSink, ScanSummary, Section, SectionStatus,
    SystemConfig, async_trait,
};
use connector_jumpcloud::JumpCloud;
use jumpcloud_simulator::{Simulator, SimulatorOptions};
use serde_json::Value;

/// A system at `url` with `key`.
pub fn system(url: &str, key: &str) -> SystemConfig {
    SystemConfig::new("JumpCloud", url, Credential::from_secret(key.to_owned()))
        .with_attribute("effectiveGrants", "all")
}

/// The simulator as a system.
pub fn simulated(simulator: &Simulator) -> SystemConfig {
    system(&simulator.url(), simulator.api_key())
}

/// The system without the sections that cost time and are not asked for.
pub fn core_alone(system: SystemConfig) -> SystemConfig {
    let schema = serde_json::to_value(JumpCloud::describe().config_schema).unwrap();
    let attributes = schema["properties"].as_object().unwrap().keys();
    let switches = attributes.filter(|name| name.starts_with("include")).cloned();
    switches.fold(system, |system, switch| system.with_attribute(switch, false))
}

pub fn connect(system: SystemConfig) -> Result<Box<dyn Connector>, ConnectorError> {
    Registry::discover()?.connect(system, Edition::Enterprise)
}

pub async fn start(options: SimulatorOptions) -> Simulator {
    Simulator::start(options).await.unwrap()
}

/// A small organisation in which everything occurs.
pub fn small() -> SimulatorOptions {
    SimulatorOptions { users: 120, groups: 30, systems: 40, ..Default::default() }
}

/// A scan that succeeded.
#[derive(Debug, Clone)]
pub struct Scanned {
    pub records: Vec<Record>,
    pub progress: Vec<Progress>,
    pub summary: ScanSummary,
}

pub async fn try_scan(system: SystemConfig) -> Result<Scanned, ScanFailure> {
    let sink = Arc::new(Collect::default());
    let connector = connect(system).unwrap();
    let summary = connector.scan(ScanRequest::default(), Arc::clone(&sink) as Arc<dyn ScanSink>).await?;
    let (records, progress) = sink.0.lock().unwrap().clone();
    Ok(Scanned { records, progress, summary })
}

pub async fn scan(system: SystemConfig) -> Scanned {
    try_scan(system).await.unwrap_or_else(|failure| panic!("{failure}: {:?}", failure.summary().sections))
}

#[derive(Default)]
struct Collect(Mutex<(Vec<Record>, Vec<Progress>)>);

#[async_trait]
impl ScanSink for Collect {
    async fn records(&self, batch: Vec<Record>) -> Result<(), ConnectorError> {
        self.0.lock().unwrap().0.extend(batch);
        Ok(())
    }

    fn progress(&self, progress: Progress) {
        self.0.lock().unwrap().1.push(progress);
    }
}

impl Scanned {
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.records.iter().filter_map(|record| if let Record::Account(row) = record { Some(&**row) } else { None })
    }

    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.records.iter().filter_map(|record| if let Record::Group(row) = record { Some(&**row) } else { None })
    }

    pub fn memberships(&self) -> impl Iterator<Item = &Membership> {
        self.records.iter().filter_map(|record| if let Record::Membership(row) = record { Some(&**row) } else { None })
    }

    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.records.iter().filter_map(|record| if let Record::Resource(row) = record { Some(&**row) } else { None })
    }

    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.records.iter().filter_map(|record| if let Record::Grant(row) = record { Some(&**row) } else { None })
    }

    pub fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.records.iter().filter_map(|record| if let Record::Binding(row) = record { Some(&**row) } else { None })
    }

    #[track_caller]
    pub fn account(&self, id: &str) -> &Account {
        self.accounts().find(|account| account.external_id == id).unwrap_or_else(|| panic!("no account {id}"))
    }

    #[track_caller]
    pub fn named(&self, username: &str) -> &Account {
        self.accounts().find(|account| account.username == username).unwrap_or_else(|| panic!("no account {username}"))
    }

    #[track_caller]
    pub fn group(&self, name: &str) -> &Group {
        self.groups().find(|group| group.name == name).unwrap_or_else(|| panic!("no group {name}"))
    }

    pub fn status(&self, section: Section) -> &SectionStatus {
        &self.summary.section(section).unwrap().status
    }

    /// The error of a section that is unavailable.
    #[track_caller]
    pub fn unavailable(&self, section: Section) -> &ConnectorError {
        match self.status(section) {
            SectionStatus::Unavailable { error } => error,
            other => panic!("{section} is {other:?}"),
        }
    }
}

/// The codes of an account's or group's reasons.
pub fn codes(reasons: &[connector_api::Reason]) -> Vec<&str> {
    reasons.iter().map(|reason| reason.code.as_str()).collect()
}

/// One thing, as it is on the wire.
pub async fn one(simulator: &Simulator, path: &str) -> Value {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}{path}", simulator.url());
    let answer = client.get(url).header("x-api-key", simulator.api_key()).send().await.unwrap();
    answer.error_for_status().unwrap().json().await.unwrap()
}

/// All rows of a listing, as they are on the wire.
pub async fn wire(simulator: &Simulator, path: &str) -> Vec<Value> {
    let mark = if path.contains('?') { '&' } else { '?' };
    let mut all = Vec::new();
    loop {
        let body = one(simulator, &format!("{path}{mark}limit=100&skip={}", all.len())).await;
        let rows = body.as_array().or_else(|| body["results"].as_array()).unwrap().clone();
        let last = rows.len() < 100;
        all.extend(rows);
        if last {
            return all;
        }
    }
}

/// Sign in.
pub const LOGIN: Access = Access::of_word(AccessLevel::Use, "login");
/// Become administrator.
pub const SUDO: Access = Access::of_word(AccessLevel::Administer, "sudo");
/// Become administrator without a password.
pub const SUDO_WITHOUT_PASSWORD: Access = Access::of_word(AccessLevel::Administer, "sudoWithoutPassword");

/// The level that `{"enabled", "withoutPassword"}` gives.
pub fn level(enabled: bool, without_password: bool) -> Access {
    match (enabled, without_password) {
        (false, _) => LOGIN,
        (true, false) => SUDO,
        (true, true) => SUDO_WITHOUT_PASSWORD,
    }
}
