//! The connector: reads its options, creates the client, and implements the contract's calls.

use std::sync::Arc;

use connector_api::{
    ConnectionReport, Connector, ConnectorError, Descriptor, EachCheck, Organization, ScanFailure, ScanLedger,
    ScanPlan, ScanRequest, ScanSink, ScanSummary, SystemConfig, async_trait,
};
use serde_json::Map;

use crate::client::{Client, ClientOptions, Meter};
use crate::descriptor::descriptor;
use crate::explain_refusal::{explain, visible_organizations};
use crate::options::Options;
use crate::options::attribute::ORG_ID;
use crate::scan::{InFlight, Scan, planner::plan};
use crate::sections;
use crate::test_connection;

/// A connector to one JumpCloud organisation.
pub struct JumpCloud {
    config: SystemConfig,
    options: Options,
}

impl TryFrom<SystemConfig> for JumpCloud {
    type Error = ConnectorError;

    fn try_from(config: SystemConfig) -> Result<Self, ConnectorError> {
        let options = Options::read(config.clone(), sections::switches())?;
        let connector = Self { config, options };
        // Errors in the settings are reported now, not at the first scan.
        connector.client(connector.options.bounds())?;
        Ok(connector)
    }
}

impl JumpCloud {
    /// A client with its own pace, retry budget and clock.
    fn client(&self, bounds: ClientOptions) -> Result<Client, ConnectorError> {
        Client::new(&self.config, &self.options, bounds, sections::rights())
    }
}

#[async_trait]
impl Connector for JumpCloud {
    fn describe() -> Descriptor {
        descriptor()
    }

    async fn test_connection(&self) -> ConnectionReport {
        self.test_connection_watched(&|_| {}).await
    }

    async fn test_connection_watched(&self, each: EachCheck<'_>) -> ConnectionReport {
        match self.client(self.options.bounds().brisk()) {
            Ok(client) => test_connection::run(&client, &self.options, each).await,
            Err(error) => test_connection::unusable(error, each),
        }
    }

    async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure> {
        let descriptor = descriptor();
        let client = match self.client(self.options.bounds()) {
            Ok(client) => client,
            Err(error) => {
                return ScanLedger::start(&descriptor, &self.config).finish(Err(error));
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
            in_flight: InFlight::default(),
        }
        .run()
        .await
    }

    async fn plan(&self, request: &ScanRequest) -> Result<Option<ScanPlan>, ConnectorError> {
        let client = self.client(self.options.bounds())?;
        match plan(&client, &self.options, request).await {
            Ok(plan) => Ok(Some(plan)),
            Err(error) => Err(explain(&client, error).await),
        }
    }

    async fn organizations(&self) -> Result<Vec<Organization>, ConnectorError> {
        let client = self.client(self.options.bounds())?;
        let visible = visible_organizations(&client, &Meter::default()).await?;
        let organization = |organization: crate::api::organizations::Organization| {
            let external_id = organization.id.to_string();
            let attributes = Map::from_iter([(ORG_ID.to_owned(), external_id.clone().into())]);
            let name = organization.display_name.unwrap_or_else(|| external_id.clone());
            Organization::new(external_id, name, attributes)
        };
        Ok(visible.into_iter().map(organization).collect())
    }
}
