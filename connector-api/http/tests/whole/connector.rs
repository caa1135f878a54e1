//! A complete connector to a target that links its pages: users, groups, members, and access to applications.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector_api::schemars::JsonSchema;
use connector_api::*;
use connector_http::{Auth, Call, HttpClient, Identified, Meter, PageShape, Row, Words, identified, segment};
use serde::Deserialize;

const WORDS: Words = Words {
    user_agent: concat!("acme-connector/", env!("CARGO_PKG_VERSION")),
    vendor: "Acme",
    credential: "the API token",
    ..Words::DEFAULT
};

const GROUP: &str = "ACME_GROUP";
const APPLICATION: &str = "application";
const ACCESSES: [Access; 2] =
    [Access::of_word(AccessLevel::Use, "use"), Access::of_word(AccessLevel::Administer, "admin")];

inventory::submit! { Registration::of::<Acme>() }

/// The attributes of an Acme organisation.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Acme system attributes")]
struct Options {
    /// How often to retry a request that failed temporarily.
    #[schemars(title = "Retries", range(min = 0, max = 10))]
    #[serde(default = "retries")]
    acme_retries: u32,
}

fn retries() -> u32 {
    6
}

/// One access of a user to an application; a user may have several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
struct Edge {
    user: String,
    level: String,
}

identified! { Edge; }

type Accounts = BTreeMap<String, Account>;
type Found<R> = Result<(SectionReport, Vec<R>), ConnectorError>;
type Done = Result<(), ConnectorError>;

/// A connector to one Acme organisation.
pub struct Acme {
    config: SystemConfig,
    client: HttpClient,
}

impl TryFrom<SystemConfig> for Acme {
    type Error = ConnectorError;

    fn try_from(config: SystemConfig) -> Result<Self, ConnectorError> {
        let options: Options = config.options()?;
        let auth = Auth::bearer(config.credential.secret().clone())?;
        let builder = HttpClient::builder(&config, WORDS)?.base_path("/api/v1").attempts(1 + options.acme_retries);
        Ok(Self { client: builder.build(auth)?, config })
    }
}

impl Acme {
    async fn list<T: Identified>(&self, client: &HttpClient, path: &str) -> Result<Vec<T>, ConnectorError> {
        let call = Call::get(path).query("limit", "200");
        client.list_links(&Meter::default(), call, PageShape::ARRAY).await
    }

    /// Reads what belongs together before sending it, and records the result of each section in the ledger.
    async fn read(&self, scan: &ScanRequest, sink: &dyn ScanSink, ledger: &mut ScanLedger) -> Done {
        scan.verify(&Self::describe())?;
        if scan.resume.is_some() {
            return Err(Checkpoint::rejected("an Acme scan starts from the beginning"));
        }
        let (client, cancel) = (&self.client.fresh(), &scan.cancel);
        let users: Vec<Row> = ledger.core(Section::USERS, self.list(client, "/users").await)?;
        let groups: Vec<Row> = ledger.core(Section::GROUPS, self.list(client, "/groups").await)?;
        let accounts: Accounts = users.iter().map(|user| (user.id.clone(), account(user))).collect();
        let group = |row: &Row| Group::new(&row.id, GROUP, row.text("/name").unwrap_or(&row.id));
        let mut groups: Vec<Group> = groups.iter().map(group).collect();
        let (report, members) =
            ledger.core(Section::MEMBERSHIPS, self.members(client, &accounts, &mut groups).await)?;
        ledger.send_section(sink, cancel, Section::USERS, accounts.values().cloned()).await?;
        ledger.send_section(sink, cancel, Section::GROUPS, groups).await?;
        ledger.send_section(sink, cancel, report, members).await?;
        let found = ledger.optional(scan, Section::APPLICATIONS, self.applications(client)).await?;
        if let Some(found) = &found {
            ledger.send_section(sink, cancel, Section::APPLICATIONS, found.clone()).await?;
        }
        let bindings = self.bindings(client, &accounts, found.as_deref().unwrap_or_default());
        if let Some((report, bindings)) = ledger.optional(scan, Section::GRANTS, bindings).await? {
            ledger.send_section(sink, cancel, report, bindings).await?;
        }
        Ok(())
    }

    /// Returns the members of each group, and counts those who are not listed.
    async fn members(&self, client: &HttpClient, accounts: &Accounts, groups: &mut [Group]) -> Found<Membership> {
        let (mut report, mut all) = (SectionReport::from(Section::MEMBERSHIPS), Vec::new());
        for group in groups {
            let path = format!("/groups/{}/members", segment(&group.external_id)?);
            let members: Vec<Row> = self.list(client, &path).await?;
            let known: Vec<&Account> = members.iter().filter_map(|member| accounts.get(&member.id)).collect();
            report.dangling += (members.len() - known.len()) as u64;
            group.member_count = Some(known.len() as u64);
            all.extend(known.into_iter().map(|account| Membership::new(account, group)));
        }
        Ok((report, all))
    }

    async fn applications(&self, client: &HttpClient) -> Result<Vec<Resource>, ConnectorError> {
        let resource = |row: &Row| Resource::new(&row.id, APPLICATION, row.text("/label").unwrap_or(&row.id));
        Ok(self.list(client, "/applications").await?.iter().map(resource).collect())
    }

    /// Returns who has which access to each application.
    async fn bindings(&self, client: &HttpClient, accounts: &Accounts, applications: &[Resource]) -> Found<Binding> {
        let (mut report, mut all) = (SectionReport::from(Section::GRANTS), Vec::new());
        for application in applications {
            let path = format!("/applications/{}/access", segment(&application.external_id)?);
            for edge in self.list::<Edge>(client, &path).await? {
                let access = ACCESSES.into_iter().find(|access| access.word == edge.level);
                let access = access.ok_or_else(|| client.malformed("an access has an unknown level"))?;
                match accounts.get(&edge.user) {
                    Some(account) => all.push(Binding::new(account, application).with_access(access)),
                    None => report.dangling += 1,
                }
            }
        }
        Ok((report, all))
    }
}

fn account(user: &Row) -> Account {
    let mut account = Account::new(&user.id, user.text("/login").unwrap_or(&user.id));
    account.email = user.text("/profile/email").map(str::to_owned);
    account.enabled = user.text("/status").map(|status| status == "ACTIVE");
    account
}

#[async_trait]
impl Connector for Acme {
    fn describe() -> Descriptor {
        let section = |section, record, of, source| {
            let data = format!("All {section}");
            SectionDescription::new(section, section.as_str(), data, source, "a request a page")
                .owning([RowType::new(record, of)])
        };
        let mut descriptor = Descriptor::new("Acme", "Acme", env!("CARGO_PKG_VERSION"));
        descriptor.description = "Discovers users, groups, members and access of an Acme organisation.".into();
        descriptor.system_type = "Directory Service".into();
        descriptor.editions = vec![Edition::Pro, Edition::Enterprise];
        descriptor.protocols = vec![Protocol::new("REST API (HTTPS)", 443, "an API token as bearer")];
        descriptor.credential = CredentialMapping::new(CredentialField::required("API token"));
        descriptor.required_permissions = vec!["A token that may read everything".into()];
        descriptor.configuration_steps = vec!["Make an API token, and enter it as password".into()];
        let [symptom, cause, resolution] = ["401 Unauthorized", "The token has expired", "Make a new token"];
        descriptor.troubleshooting = vec![TroubleshootingRow::new(ErrorCode::Unauthorized, symptom, cause, resolution)];
        descriptor.config_schema = settings_schema::<Options>();
        descriptor.emits = vec![GROUP.into(), APPLICATION.into()];
        descriptor.accesses = ACCESSES.into();
        descriptor.sections = vec![
            section(Section::USERS, "account", "user", "GET /users").core(),
            section(Section::GROUPS, "group", GROUP, "GET /groups").core(),
            section(Section::MEMBERSHIPS, "membership", GROUP, "GET /groups/{id}/members").core(),
            section(Section::APPLICATIONS, "resource", APPLICATION, "GET /applications"),
            section(Section::GRANTS, "binding", "accountToResource", "GET /applications/{id}/access")
                .drawn_from([Section::APPLICATIONS]),
        ];
        descriptor
    }

    async fn test_connection(&self) -> ConnectionReport {
        let (client, meter, mut report) = (self.client.brisk(), Meter::default(), ConnectionReport::default());
        let first = |path: String| client.json::<Vec<Row>>(&meter, Call::get(path).query("limit", "1"));
        report.probe("users", async { first("/users".into()).await.map(|_| "users can be read") }).await;
        let members = async {
            let groups = first("/groups".into()).await?;
            let Some(group) = groups.first() else { return Ok("there are no groups") };
            first(format!("/groups/{}/members", segment(&group.id)?)).await.map(|_| "groups and members can be read")
        };
        report.probe("groups", members).await;
        report
    }

    async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure> {
        let mut ledger = ScanLedger::start(&Self::describe(), &self.config);
        let read = self.read(&request, &*sink, &mut ledger);
        let result = request.cancel.run_until_cancelled(read).await;
        ledger.finish(result.unwrap_or_else(|| Err(ConnectorError::cancelled())))
    }
}
