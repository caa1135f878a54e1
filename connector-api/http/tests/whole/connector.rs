//! A whole connector to a target that links its pages: users, groups, members.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector_api::schemars::JsonSchema;
use connector_api::{
    Account, Check, Checkpoint, ConnectionReport, Connector, ConnectorError, Descriptor, Edition, Group, Membership,
    Registration, RowType, ScanFailure, ScanLedger, ScanRequest, ScanSink, ScanSummary, Section, SectionDescription,
    SectionReport, SystemConfig, async_trait, inventory, schemars,
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
    Registration::of::<Acme>()
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

/// A connector to one Acme organisation.
pub struct Acme {
    config: SystemConfig,
    client: HttpClient,
    page_size: u64,
}

impl TryFrom<SystemConfig> for Acme {
    type Error = ConnectorError;

    fn try_from(config: SystemConfig) -> Result<Self, ConnectorError> {
        let options = Options::deserialize(Value::Object(config.attributes.clone()))
            .map_err(|error| ConnectorError::invalid_config(error.to_string(), "correct the attributes"))?;
        let auth = Auth::bearer(config.credential.secret().clone())?;
        let client = HttpClient::builder(&config, WORDS)?.base_path("/api/v1").build(auth)?;
        Ok(Self { config, client, page_size: options.acme_page_size })
    }
}

impl Acme {
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
        request.verify(&Self::describe())?;
        if request.resume.is_some() {
            return Err(Checkpoint::rejected("an Acme scan starts from the beginning"));
        }
        let (client, meter, cancel) = (self.client.fresh(), Meter::default(), &request.cancel);
        let rows = |path: String| {
            let (client, meter) = (&client, &meter);
            async move { client.list_links::<Resource>(meter, self.list(&path), PageShape::ARRAY).await }
        };
        let users = rows("/users".into()).await.map_err(|error| ledger.close_incomplete(Section::USERS, error));
        let Ok(users) = users else { return Ok(()) };
        let groups = rows("/groups".into()).await.map_err(|error| ledger.close_incomplete(Section::GROUPS, error));
        let Ok(groups) = groups else { return Ok(()) };
        let accounts: Vec<Account> = users.iter().map(account).collect();
        let mut groups: Vec<Group> = groups.iter().map(group).collect();
        let by_id: BTreeMap<&str, &Account> = accounts.iter().map(|it| (it.external_id.as_str(), it)).collect();
        let mut report = SectionReport::from(Section::MEMBERSHIPS);
        let members = async {
            let mut all = Vec::new();
            for group in &mut groups {
                let ids = rows(format!("/groups/{}/members", segment(&group.external_id)?)).await?;
                let accounts: Vec<&Account> = ids.iter().filter_map(|id| by_id.get(id.id.as_str()).copied()).collect();
                report.dangling += (ids.len() - accounts.len()) as u64;
                group.member_count = Some(accounts.len() as u64);
                all.extend(accounts.into_iter().map(|account| Membership::new(account, group)));
            }
            Ok(all)
        };
        let members = members.await.map_err(|error| ledger.close_incomplete(Section::MEMBERSHIPS, error));
        let Ok(members) = members else { return Ok(()) };
        ledger.send_section(sink, cancel, Section::USERS, accounts).await?;
        ledger.send_section(sink, cancel, Section::GROUPS, groups).await?;
        ledger.send_section(sink, cancel, report, members).await
    }
}

fn account(user: &Resource) -> Account {
    let mut account = Account::new(&user.id, user.text("/login").unwrap_or(&user.id));
    account.email = user.text("/profile/email").map(str::to_owned);
    account.enabled = user.text("/status").map(|status| status == "ACTIVE");
    account
}

fn group(group: &Resource) -> Group {
    Group::new(&group.id, GROUP, group.text("/name").unwrap_or(&group.id))
}

#[async_trait]
impl Connector for Acme {
    fn describe() -> Descriptor {
        let section = |section: Section, record: &str, of: &str, source: &str| {
            let described = SectionDescription::new(
                section,
                section.as_str(),
                format!("All {section}"),
                source,
                "a request a page",
            );
            described.core().owning([RowType::new(record, of)])
        };
        let mut descriptor = Descriptor::new("Acme", "Acme", env!("CARGO_PKG_VERSION"));
        descriptor.description = "Discovers users, groups and members of an Acme organisation.".into();
        descriptor.system_type = "Directory Service".into();
        descriptor.editions = vec![Edition::Pro, Edition::Enterprise];
        descriptor.config_schema = schemars::schema_for!(Options);
        descriptor.emits = vec![GROUP.into()];
        descriptor.sections = vec![
            section(Section::USERS, "account", "user", "GET /users"),
            section(Section::GROUPS, "group", GROUP, "GET /groups"),
            section(Section::MEMBERSHIPS, "membership", GROUP, "GET /groups/{id}/members"),
        ];
        descriptor
    }

    async fn test_connection(&self) -> ConnectionReport {
        let call = self.list("/users");
        let began = std::time::Instant::now();
        let users = self.client.brisk().list_links::<Resource>(&Meter::default(), call, PageShape::ARRAY).await;
        let check = match users {
            Ok(users) => Check::passed("users", format!("{} users", users.len()), began.elapsed()),
            Err(error) => Check::failed("users", error, began.elapsed()),
        };
        ConnectionReport::new(vec![check])
    }

    async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure> {
        let mut ledger = ScanLedger::start(&Self::describe(), &self.config);
        let read = self.read(&request, &*sink, &mut ledger);
        let result = request.cancel.run_until_cancelled(read).await;
        ledger.finish(result.unwrap_or_else(|| Err(ConnectorError::cancelled())))
    }
}
