//! The trait that a connector implements.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::connection_report::{ConnectionReport, EachCheck};
use crate::descriptor::Descriptor;
use crate::error::ConnectorError;
use crate::plan::ScanPlan;
use crate::scan::{ScanRequest, ScanSink};
use crate::summary::{ScanFailure, ScanSummary};

/// A connector to one configured target system.
///
/// A [`Registry`](crate::Registry) makes it by [`TryFrom`] from a configuration that was checked against the
/// connector's schema. A connector only reads: it changes nothing on the target.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Returns the descriptor: constant, the same for every system, and made without I/O.
    fn describe() -> Descriptor
    where
        Self: Sized;

    /// Probes everything that a scan needs, one check each. Takes at most some 20 seconds, retries included.
    ///
    /// It does not return an error: each problem is a failed check with its code and remedy.
    async fn test_connection(&self) -> ConnectionReport;

    /// Does the same, and passes on each check as soon as it is made, for a form that shows them one by one. A connector
    /// that does not implement it passes them on at the end.
    async fn test_connection_watched(&self, each: EachCheck<'_>) -> ConnectionReport {
        let report = self.test_connection().await;
        report.checks.iter().for_each(each);
        report
    }

    /// Reads the target and streams rows into `sink`.
    ///
    /// # Errors
    /// Returns a failure if a core section is not complete, whatever was streamed before, and if the scan was cancelled
    /// or its sink failed. The failure carries the summary up to that point.
    async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure>;

    /// Estimates the requests that [`scan`](Self::scan) would make, from counts alone. Returns `None` if the connector
    /// cannot estimate them.
    ///
    /// # Errors
    /// Returns an error if the target does not return the counts.
    async fn plan(&self, request: &ScanRequest) -> Result<Option<ScanPlan>, ConnectorError> {
        let _ = request;
        Ok(None)
    }

    /// Returns the organisations that the credential may read, for targets with several; otherwise an empty list.
    ///
    /// # Errors
    /// Returns an error if the target does not return them.
    async fn organizations(&self) -> Result<Vec<Organization>, ConnectorError> {
        Ok(Vec::new())
    }
}

/// One organisation (tenant) of a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Organization {
    /// The organisation's id on the target.
    pub external_id: String,
    /// The display name.
    pub name: String,
    /// The attributes to add to the system's own in order to choose this organisation.
    pub attributes: Map<String, Value>,
}

impl Organization {
    /// Creates an organisation with the attributes that choose it.
    pub fn new(external_id: impl Into<String>, name: impl Into<String>, attributes: Map<String, Value>) -> Self {
        Self { external_id: external_id.into(), name: name.into(), attributes }
    }
}
