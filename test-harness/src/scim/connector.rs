//! The connector: its connection test and its scan.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use connector_api::{
    Account, Check, Checkpoint, ConnectionReport, Connector, ConnectorError, Descriptor, Membership, Progress, Record,
    ScanFailure, ScanLedger, ScanRequest, ScanSink, ScanSummary, Section, SectionReport, SectionStatus, Stage,
    SystemConfig, async_trait,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use super::client::{Client, malformed, timed_out};
use super::directory::{Identified, ScimGroup, ScimUser};
use super::{Options, descriptor};

/// How long one probe may take: two of them stay below the 20 seconds of a connection test.
const PROBE_LIMIT: Duration = Duration::from_secs(9);
const BATCH: usize = 500;

/// A connector to one SCIM 2.0 service provider.
pub struct ScimConnector {
    config: SystemConfig,
    client: Client,
}

impl ScimConnector {
    /// A connector for settings that were validated.
    ///
    /// # Errors
    /// `invalid_config` or `insecure_endpoint` when the host name is not usable.
    pub fn new(config: SystemConfig) -> Result<Self, ConnectorError> {
        let options = Options::deserialize(Value::Object(config.attributes.clone()))
            .map_err(|error| ConnectorError::invalid_config(error.to_string(), "correct the attributes"))?;
        Ok(Self { client: Client::new(&config, options)?, config })
    }

    /// Reads everything, then sends it: what comes in no certain order can only be sorted when it is whole.
    async fn read(&self, scan: &mut Scan<'_>) -> Result<(), ConnectorError> {
        if scan.request.resume.is_some() {
            return Err(Checkpoint::rejected("a SCIM scan starts from the beginning"));
        }
        let Some(users) = self.list::<ScimUser>(Section::Users, "Users", scan).await else { return Ok(()) };
        let accounts: BTreeMap<String, Account> = users.into_iter().map(|(id, user)| (id, user.into())).collect();
        let mut names: Vec<&str> = accounts.values().map(|account| account.username.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(malformed(format!("two users have the userName {}", pair[0])));
        }
        let Some(groups) = self.list::<ScimGroup>(Section::Groups, "Groups", scan).await else { return Ok(()) };

        let mut report = SectionReport::new(Section::Memberships, SectionStatus::Complete);
        let (mut rows, mut memberships) = (Vec::new(), Vec::<Membership>::new());
        for group in groups.values() {
            let (mut members, mut astray) = group.memberships(&accounts, &groups);
            rows.push(group.record(members.len()).into());
            memberships.append(&mut members);
            report.dangling += astray.len() as u64;
            report.dangling_examples.append(&mut astray);
            report.dangling_examples.truncate(10);
        }
        scan.send(accounts.into_values().map(Record::from).collect()).await?;
        scan.send(rows).await?;
        scan.ledger.close(SectionReport { records: memberships.len() as u64, ..report });
        scan.send(memberships.into_iter().map(Record::from).collect()).await
    }

    /// One listing and its section's report; `None` when it failed, which the ledger then judges.
    async fn list<T: DeserializeOwned + Identified>(
        &self,
        section: Section,
        kind: &str,
        scan: &mut Scan<'_>,
    ) -> Option<BTreeMap<String, T>> {
        let before = self.client.requests();
        let listed = self.client.list::<T>(kind).await;
        let requests = self.client.requests() - before;
        let (records, status) = match &listed {
            Ok(all) => (all.len() as u64, SectionStatus::Complete),
            Err(error) => (0, SectionStatus::Incomplete { error: error.clone() }),
        };
        scan.sink.progress(Progress { section, stage: Stage::Done, done: records, expected: None, requests });
        scan.ledger.close(SectionReport { records, requests, ..SectionReport::new(section, status) });
        listed.ok()
    }

    async fn probe(&self, name: &str, kind: &str) -> Check {
        let started = Instant::now();
        match timeout(PROBE_LIMIT, self.client.count(kind)).await.unwrap_or_else(|_| Err(timed_out())) {
            Ok(count) => Check::passed(name, format!("{count} {name}"), started.elapsed()),
            Err(error) => Check::failed(name, error, started.elapsed()),
        }
    }
}

/// What a scan carries along.
struct Scan<'a> {
    request: &'a ScanRequest,
    sink: &'a dyn ScanSink,
    ledger: &'a mut ScanLedger,
}

impl Scan<'_> {
    async fn send(&mut self, rows: Vec<Record>) -> Result<(), ConnectorError> {
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            if self.request.cancel.is_cancelled() {
                return Err(ConnectorError::cancelled());
            }
            self.sink.records(rows.by_ref().take(BATCH).collect()).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Connector for ScimConnector {
    fn describe(&self) -> Descriptor {
        descriptor()
    }

    async fn test_connection(&self) -> ConnectionReport {
        let users = self.probe("users", "Users").await;
        let groups = match users.error {
            None => self.probe("groups", "Groups").await,
            Some(_) => Check::skipped("groups", "users cannot be read"),
        };
        ConnectionReport { checks: vec![users, groups] }
    }

    async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure> {
        let mut ledger = ScanLedger::start(&descriptor(), &self.config);
        let mut scan = Scan { request: &request, sink: &*sink, ledger: &mut ledger };
        let result = request.cancel.run_until_cancelled(self.read(&mut scan)).await;
        ledger.finish(result.unwrap_or_else(|| Err(ConnectorError::cancelled())))
    }
}
