//! Mocks of the contract's two traits, for tests of hosts and connectors (feature `mock`).
//!
//! [`MockConnector`] stands in for a connector in a host's tests, [`MockScanSink`] for a host in a connector's.
#![allow(missing_docs, reason = "mockall generates the items")]

use std::sync::Arc;

use async_trait::async_trait;
use mockall::mock;

use crate::{
    Checkpoint, ConnectionReport, Connector, ConnectorError, Descriptor, Organization, Progress, Record, RecordKey,
    ScanFailure, ScanPlan, ScanRequest, ScanSink, ScanSummary,
};

mock! {
    /// A connector that is scripted by a test.
    #[derive(Debug)]
    pub Connector {}

    #[async_trait]
    impl Connector for Connector {
        fn describe() -> Descriptor
        where
            Self: Sized;
        async fn test_connection(&self) -> ConnectionReport;
        async fn scan(&self, request: ScanRequest, sink: Arc<dyn ScanSink>) -> Result<ScanSummary, ScanFailure>;
        async fn plan(&self, request: &ScanRequest) -> Result<Option<ScanPlan>, ConnectorError>;
        async fn organizations(&self) -> Result<Vec<Organization>, ConnectorError>;
    }
}

mock! {
    /// A sink that is scripted by a test.
    #[derive(Debug)]
    pub ScanSink {}

    #[async_trait]
    impl ScanSink for ScanSink {
        async fn records(&self, batch: Vec<Record>) -> Result<(), ConnectorError>;
        async fn checkpoint(&self, checkpoint: Checkpoint) -> Result<(), ConnectorError>;
        async fn gone(&self, keys: Vec<RecordKey>) -> Result<(), ConnectorError>;
        fn progress(&self, progress: Progress);
    }
}
