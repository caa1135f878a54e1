//! The connector: options in, client out, and the contract's calls handed on.

use std::sync::Arc;
use std::time::Duration;

use connector_api::{
    ConnectionReport, Connector, ConnectorError, Descriptor, Organization, ScanFailure, ScanPlan, ScanRequest,
    ScanSink, ScanSummary, SystemConfig, async_trait,
};
use serde_json::Map;

use crate::client::{Auth, Client, ClientOptions, Connections, Endpoints, Meter, RetryPolicy, Scrubber, parse_url};
use crate::descriptor::descriptor;
use crate::discovery::{self, Scan, SharedCourse};
use crate::options::{Authentication, Options};
use crate::test_connection;

/// A connector to one JumpCloud organisation.
struct JumpCloud {
    config: SystemConfig,
    options: Options,
}

/// Makes a connector from a configuration that has been validated.
pub(crate) fn connect(config: SystemConfig) -> Result<Box<dyn Connector>, ConnectorError> {
    let options = Options::read(&config.attributes)?;
    let connector = JumpCloud { config, options };
    // Whatever is wrong with the settings shows now, not at the first scan.
    connector.client(connector.patient())?;
    Ok(Box::new(connector))
}

impl JumpCloud {
    /// A client with a pace, a retry budget and a clock of its own.
    fn client(&self, retry: RetryPolicy) -> Result<Client, ConnectorError> {
        let Self { config, options } = self;
        let endpoints = Endpoints::new(
            &config.hostname,
            config.port,
            options.jumpcloud_insights_hostname.as_deref(),
            options.jumpcloud_token_url.as_deref(),
        )?;
        let secret = config.credential.secret().clone();
        let auth = match options.jumpcloud_authentication {
            Authentication::ApiKey => Auth::api_key(secret.clone())?,
            Authentication::ServiceAccount => {
                let client_id = config.credential.username.clone().filter(|id| !id.is_empty()).ok_or_else(|| {
                    ConnectorError::invalid_config(
                        "credential.username: the client id is missing",
                        "enter the service account's client id as user name, and its client secret as password",
                    )
                })?;
                Auth::service_account(client_id, secret.clone(), endpoints.token.clone())
            }
        };
        let proxy_password = options.proxy_url.as_deref().and_then(|proxy| {
            let proxy = parse_url(proxy, "http").ok()?;
            proxy.password().map(|password| password.to_owned().into())
        });
        let seconds = |seconds: u16| Duration::from_secs(seconds.into());
        Client::new(ClientOptions {
            auth,
            // Ids are written in lower case; an operator may have copied one in another.
            org_id: options.jumpcloud_org_id.as_deref().map(str::to_lowercase),
            connections: Connections {
                connect_timeout: seconds(options.connect_timeout_seconds).min(retry.time_budget),
                read_timeout: seconds(options.read_timeout_seconds).min(retry.time_budget),
                request_timeout: seconds(options.request_timeout_seconds).min(retry.time_budget),
                ca_bundle: options.ca_bundle_file.clone(),
                proxy: options.proxy_url.clone().map(Into::into),
                loopback: endpoints.is_loopback(),
                concurrency: options.concurrency.into(),
            },
            endpoints,
            requests_per_second: options.requests_per_second,
            retry,
            largest_body: usize::from(options.largest_answer_mib) * 1024 * 1024,
            scrub: Scrubber::new([secret].into_iter().chain(proxy_password)),
        })
    }

    /// How a scan tries again.
    fn patient(&self) -> RetryPolicy {
        RetryPolicy {
            attempts: self.options.attempts.into(),
            time_budget: Duration::from_secs(self.options.retry_budget_seconds.into()),
            first_wait: Duration::from_millis(self.options.retry_wait_milliseconds.into()),
            longest_wait: Duration::from_secs(30),
        }
    }

    /// How a question that somebody waits for tries again.
    fn brisk(&self) -> RetryPolicy {
        RetryPolicy {
            attempts: self.options.attempts.min(2).into(),
            time_budget: Duration::from_secs(self.options.retry_budget_seconds.into()).min(Duration::from_secs(8)),
            first_wait: Duration::from_millis(300),
            longest_wait: Duration::from_secs(2),
        }
    }
}

#[async_trait]
impl Connector for JumpCloud {
    fn describe(&self) -> Descriptor {
        descriptor()
    }

    async fn test_connection(&self) -> ConnectionReport {
        match self.client(self.brisk()) {
            Ok(client) => test_connection::run(&client, &self.options).await,
            Err(error) => test_connection::unusable(error),
        }
    }

    async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure> {
        let descriptor = descriptor();
        let client = match self.client(self.patient()) {
            Ok(client) => client,
            Err(error) => {
                let ledger = connector_api::ScanLedger::start(&descriptor, &self.config);
                return ledger.finish(Err(error));
            }
        };
        let (options, config, request) = (&self.options, &self.config, &request);
        Scan {
            client: &client,
            options,
            descriptor: &descriptor,
            config,
            request,
            sink,
            course: SharedCourse::default(),
        }
        .run()
        .await
    }

    async fn plan(&self, request: &ScanRequest) -> Result<Option<ScanPlan>, ConnectorError> {
        let client = self.client(self.patient())?;
        match discovery::plan(&client, &self.options, request).await {
            Ok(plan) => Ok(Some(plan)),
            Err(error) => Err(discovery::explain(&client, error).await),
        }
    }

    async fn organizations(&self) -> Result<Vec<Organization>, ConnectorError> {
        let client = self.client(self.patient())?;
        let visible = discovery::visible_organizations(&client, &Meter::default()).await?;
        let organization = |organization: crate::api::organizations::Organization| {
            let external_id = organization.id.to_string();
            let attributes = Map::from_iter([("jumpcloudOrgId".to_owned(), external_id.clone().into())]);
            let name = organization.display_name.unwrap_or_else(|| external_id.clone());
            Organization::new(external_id, name, attributes)
        };
        Ok(visible.into_iter().map(organization).collect())
    }
}
