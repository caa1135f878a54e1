//! A whole connector to a target that links its pages: users, groups, members.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector_api::schemars::JsonSchema;
use connector_api::{
    Account, Check, Checkpoint, ConnectionReport, Connector, ConnectorError, Descriptor, Edition, Group, Membership,
    Registration, ScanFailure, ScanLedger, ScanRequest, ScanSink, ScanSummary, Section, SectionReport, SectionStatus,
    SystemConfig, async_trait, inventory, schemars, send,
};
use connector_http::{Auth, Call, HttpClient, Meter, PageShape, Resource, Words, segment};
use serde::Deserialize;
use serde_json::Value;

const WORDS: Words = Words {
    user_agent: concat!("acme-connector/", env!("CARGO_PKG_VERSION")),
    vendor: "Acme",
    service: "an Acme API",
    example_host: "api.acme.example",
    credential: "the API token",
    ..Words::DEFAULT
};

const GROUP: &str = "ACME_GROUP";

inventory::submit! {
    Registration { descriptor, factory: |config| Ok(Box::new(Acme::new(config)?)) }
}

/// `system.attributes` of an Acme organisation.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Options {
    /// How many rows to ask for at once.
    #[schemars(title = "Page size", range(min = 1, max = 200))]
    acme_page_size: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { acme_page_size: 200 }
    }
}

/// What the connector says of itself.
pub fn descriptor() -> Descriptor {
    Descriptor {
        os_type: "Acme".into(),
        display_name: "Acme".into(),
        description: "Discovers users, groups and members of an Acme organisation.".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        system_type: "Directory Service".into(),
        default_port: 443,
        editions: vec![Edition::Pro, Edition::Enterprise],
        config_schema: schemars::schema_for!(Options),
        emits: vec![GROUP.into()],
        ..Descriptor::default()
    }
}

/// A connector to one Acme organisation.
pub struct Acme {
    config: SystemConfig,
    client: HttpClient,
    page_size: u64,
}

impl Acme {
    /// # Errors
    /// `invalid_config` or `insecure_endpoint` for settings that cannot be used.
    pub fn new(config: SystemConfig) -> Result<Self, ConnectorError> {
        let options = Options::deserialize(Value::Object(config.attributes.clone()))
            .map_err(|error| ConnectorError::invalid_config(error.to_string(), "correct the attributes"))?;
        let auth = Auth::bearer(config.credential.secret().clone())?;
        let client = HttpClient::builder(&config, WORDS)?.base_path("/api/v1").build(auth)?;
        Ok(Self { config, client, page_size: options.acme_page_size })
    }

    fn list(&self, path: &str) -> Call {
        Call::get(path).query("limit", self.page_size.to_string())
    }

    /// Reads one section after the other; one that cannot be read ends this, and the ledger judges.
    async fn read(
        &self,
        request: &ScanRequest,
        sink: &dyn ScanSink,
        ledger: &mut ScanLedger,
    ) -> Result<(), ConnectorError> {
        if request.resume.is_some() {
            return Err(Checkpoint::rejected("an Acme scan starts from the beginning"));
        }
        let (client, meter, cancel) = (self.client.fresh(), Meter::default(), &request.cancel);
        let rows = |path: String| {
            let (client, meter) = (&client, &meter);
            async move { client.list_links::<Resource>(meter, self.list(&path), PageShape::ARRAY).await }
        };
        let accounts = rows("/users".into()).await.map(|users| users.iter().map(account).collect::<Vec<_>>());
        let Some(accounts) = close(ledger, Section::Users, accounts) else { return Ok(()) };
        let groups = rows("/groups".into()).await.map(|groups| groups.iter().map(group).collect::<Vec<_>>());
        let Some(mut groups) = close(ledger, Section::Groups, groups) else { return Ok(()) };
        let by_id: BTreeMap<&str, &Account> = accounts.iter().map(|it| (it.external_id.as_str(), it)).collect();
        let members = async {
            let mut all = Vec::new();
            for group in &mut groups {
                let ids = rows(format!("/groups/{}/members", segment(&group.external_id)?)).await?;
                let accounts: Vec<&Account> = ids.iter().filter_map(|id| by_id.get(id.id.as_str()).copied()).collect();
                group.member_count = Some(accounts.len() as u64);
                all.extend(accounts.into_iter().map(|account| membership(account, group)));
            }
            Ok(all)
        };
        let members = members.await;
        let Some(members) = close(ledger, Section::Memberships, members) else { return Ok(()) };
        send(sink, cancel, accounts).await?;
        send(sink, cancel, groups).await?;
        send(sink, cancel, members).await
    }
}

/// Enters a section's report in the ledger; its rows, where they are all.
fn close<T>(ledger: &mut ScanLedger, section: Section, rows: Result<Vec<T>, ConnectorError>) -> Option<Vec<T>> {
    let (records, status) = match &rows {
        Ok(rows) => (rows.len() as u64, SectionStatus::Complete),
        Err(error) => (0, SectionStatus::Incomplete { error: error.clone() }),
    };
    ledger.close(SectionReport { records, ..SectionReport::new(section, status) });
    rows.ok()
}

fn account(user: &Resource) -> Account {
    Account {
        external_id: user.id.clone(),
        username: user.text("/login").unwrap_or(&user.id).to_owned(),
        email: user.text("/profile/email").map(str::to_owned),
        enabled: user.text("/status").map(|status| status == "ACTIVE"),
        ..Account::default()
    }
}

fn group(group: &Resource) -> Group {
    Group {
        external_id: group.id.clone(),
        group_type: GROUP.into(),
        name: group.text("/name").unwrap_or(&group.id).to_owned(),
        ..Group::default()
    }
}

fn membership(account: &Account, group: &Group) -> Membership {
    Membership {
        username: account.username.clone(),
        account_external_id: account.external_id.clone(),
        group_name: group.name.clone(),
        group_type: GROUP.into(),
        group_external_id: group.external_id.clone(),
        direct: true,
        via: Vec::new(),
    }
}

#[async_trait]
impl Connector for Acme {
    fn describe(&self) -> Descriptor {
        descriptor()
    }

    async fn test_connection(&self) -> ConnectionReport {
        let call = self.list("/users");
        let began = std::time::Instant::now();
        let users = self.client.brisk().list_links::<Resource>(&Meter::default(), call, PageShape::ARRAY).await;
        let check = match users {
            Ok(users) => Check::passed("users", format!("{} users", users.len()), began.elapsed()),
            Err(error) => Check::failed("users", error, began.elapsed()),
        };
        ConnectionReport { checks: vec![check] }
    }

    async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure> {
        let mut ledger = ScanLedger::start(&descriptor(), &self.config);
        let read = self.read(&request, &*sink, &mut ledger);
        let result = request.cancel.run_until_cancelled(read).await;
        ledger.finish(result.unwrap_or_else(|| Err(ConnectorError::cancelled())))
    }
}
