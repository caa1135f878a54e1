//! Listings: page by page, each page retried, the whole counted.

use std::collections::BTreeMap;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use connector_api::{ConnectorError, ErrorCode, Retry, SystemConfig};
use serde::Deserialize;
use serde_json::Value;

use super::Options;
use crate::http::{Service, malformed};

/// A SCIM service provider.
pub(super) struct Client {
    service: Service,
    page_size: usize,
    backoff: ExponentialBuilder,
}

/// One page of a listing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    pub(super) total_results: usize,
    #[serde(default, rename = "Resources")]
    resources: Vec<Value>,
}

impl Client {
    pub(super) fn new(config: &SystemConfig, options: &Options) -> Result<Self, ConnectorError> {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(10))
            .with_max_times(options.scim_retries)
            .with_jitter();
        let service = Service::new(config, &options.scim_base_path)?;
        Ok(Self { service, page_size: options.scim_page_size, backoff })
    }

    /// How many requests were made so far.
    pub(super) fn requests(&self) -> u64 {
        self.service.requests()
    }

    /// One page, asked for once.
    pub(super) async fn page(&self, kind: &str, start: usize, count: usize) -> Result<Page, ConnectorError> {
        self.service.get(kind, &[("startIndex", start), ("count", count)]).await
    }

    /// Every resource of a kind, by id: a listing stands only when it has as many as the provider tells.
    pub(super) async fn list(&self, kind: &str) -> Result<BTreeMap<String, Value>, ConnectorError> {
        let (mut all, mut start) = (BTreeMap::new(), 1);
        loop {
            let page = (|| self.page(kind, start, self.page_size))
                .retry(self.backoff)
                .sleep(tokio::time::sleep)
                .when(|error| error.retry != Retry::Never)
                .adjust(|error, wait| match error.retry {
                    Retry::After { seconds } => wait.map(|wait| wait.max(Duration::from_secs(seconds))),
                    _ => wait,
                })
                .await?;
            start += page.resources.len();
            let last = page.resources.is_empty() || start > page.total_results;
            for resource in page.resources {
                let id = resource["id"].as_str().ok_or_else(|| malformed(format!("{kind}: a resource has no id")))?;
                all.insert(id.to_owned(), resource);
            }
            if last && all.len() == page.total_results {
                return Ok(all);
            }
            if last {
                let message = format!("{} of {} resources were listed", all.len(), page.total_results);
                let error = ConnectorError::new(ErrorCode::InconsistentListing, message, "scan at a quieter time");
                return Err(error.with_retry(Retry::Later));
            }
        }
    }
}
