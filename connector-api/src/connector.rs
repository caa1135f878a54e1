//! The trait that a connector implements.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::connection_report::ConnectionReport;
use crate::descriptor::Descriptor;
use crate::error::ConnectorError;
use crate::plan::ScanPlan;
use crate::scan::{ScanRequest, ScanSink};
use crate::summary::{ScanFailure, ScanSummary};

/// A connector to one configured target system.
///
/// It is made by a [`Registry`](crate::Registry), by [`TryFrom`], from a configuration that was checked against its
/// schema. It only reads: nothing on the target changes through it.
#[async_trait]
pub trait Connector: Send + Sync {
    /// What the connector is: the same for every system. Makes no I/O and always returns the same.
    fn describe() -> Descriptor
    where
        Self: Sized;

    /// Probes, one by one, what a scan will need, within 20 seconds or so, retries included.
    ///
    /// It never fails as such: what does not work is a failed check with its code and remedy.
    async fn test_connection(&self) -> ConnectionReport;

    /// Reads the target and streams rows into `sink`.
    ///
    /// # Errors
    /// A scan whose core sections are not all complete is a failure, whatever was streamed already. So is a scan
    /// that was cancelled or whose sink failed. The failure carries the summary as far as it came.
    async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure>;

    /// The requests that [`scan`](Self::scan) would make, from the counts alone. `None` when the connector does not
    /// estimate them.
    ///
    /// # Errors
    /// When the target does not give the counts.
    async fn plan(&self, request: &ScanRequest) -> Result<Option<ScanPlan>, ConnectorError> {
        let _ = request;
        Ok(None)
    }

    /// The organisations that the credential may read, for targets that hold several. Empty where there is no such
    /// thing.
    ///
    /// # Errors
    /// When the target does not give them.
    async fn organizations(&self) -> Result<Vec<Organization>, ConnectorError> {
        Ok(Vec::new())
    }
}

/// One organisation (tenant) of a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Organization {
    /// The target's id.
    pub external_id: String,
    /// The name to show.
    pub name: String,
    /// The attributes that, added to the system's own, choose this organisation.
    pub attributes: Map<String, Value>,
}

impl Organization {
    /// An organisation, and the attributes that choose it.
    pub fn new(external_id: impl Into<String>, name: impl Into<String>, attributes: Map<String, Value>) -> Self {
        Self { external_id: external_id.into(), name: name.into(), attributes }
    }
}
