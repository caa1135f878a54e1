//! The connector: its connection test and its scan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector_api::{
    Account, Check, Checkpoint, ConnectionReport, Connector, ConnectorError, Descriptor, EachCheck, Group, Progress,
    Record, ScanFailure, ScanLedger, ScanRequest, ScanSink, ScanSummary, Section, SectionReport, SystemConfig,
    async_trait, settings_schema,
};
use connector_http::{Auth, Call, HttpClient, Listing, Meter, Offsets, PageShape, Row, Words};
use serde_json::Value;

use super::Options;
use super::directory::{account, group, memberships, nested};

const WORDS: Words = Words {
    user_agent: concat!("connector-scim/", env!("CARGO_PKG_VERSION")),
    service: "a SCIM 2.0 service provider",
    credential: "the bearer token",
    page_size: Some("scimPageSize"),
    error_fields: &["detail"],
    list_fields: &[LISTS.page.rows],
    ..Words::DEFAULT
};

/// RFC 7644, section 3.4.2.4: rows are counted from one.
const LISTS: Offsets = Offsets {
    skip: "startIndex",
    limit: "count",
    sort: "sortBy",
    first: 1,
    page: PageShape { total: Some("/totalResults"), may_lack_rows: true, ..PageShape::rows("Resources") },
};

/// A connector to one SCIM 2.0 service provider.
pub struct ScimConnector {
    config: SystemConfig,
    client: HttpClient,
    page_size: u64,
}

impl TryFrom<SystemConfig> for ScimConnector {
    type Error = ConnectorError;

    fn try_from(config: SystemConfig) -> Result<Self, ConnectorError> {
        let options: Options = config.options()?;
        let client = HttpClient::builder(&config, WORDS)?
            .base_path(&options.scim_base_path)
            .attempts(1 + options.scim_retries)
            .build(Auth::bearer(config.credential.secret().clone())?)?;
        Ok(Self { config, client, page_size: options.scim_page_size })
    }
}

impl ScimConnector {
    /// Reads everything, then sends it: lists without a defined order can be sorted only when they are complete. If a section
    /// cannot be read, this ends, and the ledger decides the outcome.
    async fn read(&self, scan: &mut Scan<'_>) -> Result<(), ConnectorError> {
        scan.request.verify(&Self::describe())?;
        if scan.request.resume.is_some() {
            return Err(Checkpoint::rejected("a SCIM scan starts from the beginning"));
        }
        let Some((users, of_users)) = scan.list(Section::USERS, self.listing("/Users")).await else { return Ok(()) };
        let accounts: Option<BTreeMap<String, Account>> =
            users.iter().map(|(id, user)| Some((id.clone(), account(id, user)?))).collect();
        let accounts = accounts.ok_or_else(|| scan.client.malformed("a user has no userName"))?;
        let names: BTreeSet<&str> = accounts.values().map(|account| account.username.as_str()).collect();
        if names.len() < accounts.len() {
            return Err(scan.client.malformed("two users share a userName"));
        }
        let Some((resources, of_groups)) = scan.list(Section::GROUPS, self.listing("/Groups")).await else {
            return Ok(());
        };
        let mut groups: Vec<Group> = resources.iter().map(|(id, resource)| group(id, resource)).collect();
        let mut report = SectionReport::from(Section::MEMBERSHIPS);
        let (mut rows, mut inner): (Vec<Record>, Vec<Record>) = Default::default();
        for group in &mut groups {
            let (members, astray) = memberships(group, &accounts, &resources);
            group.member_count = Some(members.len() as u64);
            rows.extend(members.into_iter().map(Record::from));
            inner.extend(nested(group, &resources).into_iter().map(Record::from));
            report.dangling += astray.len() as u64;
            report.dangling_examples.extend(astray);
        }
        report.dangling_examples.truncate(10);
        let (sink, cancel, ledger) = (scan.sink, &scan.request.cancel, &mut *scan.ledger);
        ledger.send_section(sink, cancel, of_users, accounts.into_values()).await?;
        ledger.send_section(sink, cancel, of_groups, groups).await?;
        ledger.send_section(sink, cancel, report, rows.into_iter().chain(inner)).await
    }

    fn listing(&self, path: &str) -> Listing {
        Listing::new(LISTS, Call::get(path), self.page_size)
    }
}

/// Resources by their ids, and the report of their section.
type Listed = (BTreeMap<String, Value>, SectionReport);

/// The context of a scan.
struct Scan<'a> {
    client: HttpClient,
    request: &'a ScanRequest,
    sink: &'a dyn ScanSink,
    ledger: &'a mut ScanLedger,
}

impl Scan<'_> {
    /// One listing by ids, and the report of its section, for use when its rows are accepted.
    async fn list(&mut self, section: Section, listing: Listing) -> Option<Listed> {
        let meter = Meter::default();
        let listed = self.client.list_offset::<Row>(&meter, listing).await;
        let cost = meter.read();
        let requests = cost.requests;
        let read = listed.as_ref().map_or(0, Vec::len) as u64;
        self.sink
            .progress(Progress::done(section, read).with_requests(requests).with_waits(cost.refusals, cost.wait_ms));
        let report = SectionReport::from(section).with_requests(requests);
        match listed {
            Ok(all) => Some((all.into_iter().map(|resource| (resource.id, resource.json)).collect(), report)),
            Err(error) => {
                self.ledger.close(report.incomplete(error));
                None
            }
        }
    }
}

#[async_trait]
impl Connector for ScimConnector {
    fn describe() -> Descriptor {
        // The file is compiled in, and the conformance suite refuses an empty descriptor.
        let mut described: Descriptor = serde_json::from_str(include_str!("descriptor.json")).unwrap_or_default();
        described.version = env!("CARGO_PKG_VERSION").into();
        described.config_schema = settings_schema::<Options>();
        described
    }

    async fn test_connection(&self) -> ConnectionReport {
        self.test_connection_watched(&|_| {}).await
    }

    async fn test_connection_watched(&self, each: EachCheck<'_>) -> ConnectionReport {
        let client = self.client.brisk();
        let users = client.check::<Row>("users", self.listing("/Users")).await;
        each(&users);
        let groups = match users.error {
            None => client.check::<Row>("groups", self.listing("/Groups")).await,
            Some(_) => Check::skipped("groups", "users cannot be read"),
        };
        each(&groups);
        ConnectionReport::new(vec![users, groups])
    }

    async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure> {
        let mut ledger = ScanLedger::start(&Self::describe(), &self.config);
        let mut scan = Scan { client: self.client.fresh(), request: &request, sink: &*sink, ledger: &mut ledger };
        let result = request.cancel.run_until_cancelled(self.read(&mut scan)).await;
        ledger.finish(result.unwrap_or_else(|| Err(ConnectorError::cancelled())))
    }
}
