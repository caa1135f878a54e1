//! The connector: its connection test and its scan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use connector_api::{
    Account, Binding, Check, Checkpoint, ConnectionReport, Connector, ConnectorError, Descriptor, Group, Membership,
    Progress, Record, ScanFailure, ScanLedger, ScanRequest, ScanSink, ScanSummary, Section, SectionReport,
    SectionStatus, SystemConfig, async_trait,
};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use super::client::Client;
use super::directory::{account, group, memberships, nested};
use super::{Options, descriptor};
use crate::http::{malformed, timed_out};

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
        Ok(Self { client: Client::new(&config, &options)?, config })
    }

    /// Reads everything, then sends it: what is listed in no certain order can only be sorted when it is whole. A
    /// section that cannot be read ends this, and the ledger judges.
    async fn read(&self, scan: &mut Scan<'_>) -> Result<(), ConnectorError> {
        scan.request.verify(&descriptor())?;
        if scan.request.resume.is_some() {
            return Err(Checkpoint::rejected("a SCIM scan starts from the beginning"));
        }
        let Some((users, users_report)) = self.list(Section::USERS, "Users", scan).await else { return Ok(()) };
        let accounts: Option<BTreeMap<String, Account>> =
            users.iter().map(|(id, user)| Some((id.clone(), account(id, user)?))).collect();
        let accounts = accounts.ok_or_else(|| malformed("a user has no userName"))?;
        let names: BTreeSet<&str> = accounts.values().map(|account| account.username.as_str()).collect();
        if names.len() < accounts.len() {
            return Err(malformed("two users share a userName"));
        }
        let Some((resources, groups_report)) = self.list(Section::GROUPS, "Groups", scan).await else { return Ok(()) };
        let mut groups: Vec<Group> = resources.iter().map(|(id, resource)| group(id, resource)).collect();
        let mut report = SectionReport::new(Section::MEMBERSHIPS, SectionStatus::Complete);
        let mut rows: Vec<Membership> = Vec::new();
        let mut inner: Vec<Binding> = Vec::new();
        for group in &mut groups {
            let (members, astray) = memberships(group, &accounts, &resources);
            group.member_count = Some(members.len() as u64);
            rows.extend(members);
            inner.extend(nested(group, &resources));
            report.dangling += astray.len() as u64;
            report.dangling_examples.extend(astray);
        }
        report.records = (rows.len() + inner.len()) as u64;
        report.dangling_examples.truncate(10);
        scan.send(accounts.into_values()).await?;
        scan.ledger.close(users_report);
        scan.send(groups).await?;
        scan.ledger.close(groups_report);
        scan.send(rows).await?;
        scan.send(inner).await?;
        scan.ledger.close(report);
        Ok(())
    }

    /// One listing, and the report of its section for when its rows were taken.
    async fn list(&self, section: Section, kind: &str, scan: &mut Scan<'_>) -> Option<Listed> {
        let before = self.client.requests();
        let listed = self.client.list(kind).await;
        let requests = self.client.requests() - before;
        let (records, status) = match &listed {
            Ok(all) => (all.len() as u64, SectionStatus::Complete),
            Err(error) => (0, SectionStatus::Incomplete { error: error.clone() }),
        };
        scan.sink.progress(Progress::done(section, records).with_requests(requests));
        let report = SectionReport::new(section, status).with_records(records).with_requests(requests);
        match listed {
            Ok(listed) => Some((listed, report)),
            Err(_) => {
                scan.ledger.close(report);
                None
            }
        }
    }

    async fn probe(&self, name: &str, kind: &str) -> Check {
        let started = Instant::now();
        match timeout(PROBE_LIMIT, self.client.page(kind, 1, 1)).await.unwrap_or_else(|_| Err(timed_out())) {
            Ok(page) => Check::passed(name, format!("{} {name}", page.total_results), started.elapsed()),
            Err(error) => Check::failed(name, error, started.elapsed()),
        }
    }
}

/// Resources by their ids, and the report of their section.
type Listed = (BTreeMap<String, Value>, SectionReport);

/// What a scan carries along.
struct Scan<'a> {
    request: &'a ScanRequest,
    sink: &'a dyn ScanSink,
    ledger: &'a mut ScanLedger,
}

impl Scan<'_> {
    /// Sends rows in batches, each when the one before was taken.
    async fn send(&self, rows: impl IntoIterator<Item = impl Into<Record>>) -> Result<(), ConnectorError> {
        let mut rows = rows.into_iter().map(Into::into);
        loop {
            let batch: Vec<Record> = rows.by_ref().take(BATCH).collect();
            match batch.is_empty() {
                true => return Ok(()),
                false if self.request.cancel.is_cancelled() => return Err(ConnectorError::cancelled()),
                false => self.sink.records(batch).await?,
            }
        }
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
        ConnectionReport::new(vec![users, groups])
    }

    async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure> {
        let mut ledger = ScanLedger::start(&descriptor(), &self.config);
        let mut scan = Scan { request: &request, sink: &*sink, ledger: &mut ledger };
        let result = request.cancel.run_until_cancelled(self.read(&mut scan)).await;
        ledger.finish(result.unwrap_or_else(|| Err(ConnectorError::cancelled())))
    }
}
