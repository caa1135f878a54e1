//! The mocks stand in for either side of the contract (feature `mock`).
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use connector_api::{
    Account, ConnectionReport, Connector, ConnectorError, Credential, Descriptor, ErrorCode, MockConnector,
    MockScanSink, Outcome, ScanLedger, ScanRequest, ScanSink, Section, SectionReport, SectionStatus, SystemConfig,
};

#[tokio::test]
async fn a_hosts_test_can_script_a_connector() {
    let mut connector = MockConnector::new();
    connector.expect_test_connection().once().returning(ConnectionReport::default);
    connector.expect_scan().once().returning(|_, _| {
        let config = SystemConfig::new("Toy", "localhost", Credential::default());
        let mut ledger = ScanLedger::start(&Descriptor::default(), &config);
        for section in [Section::USERS, Section::GROUPS, Section::MEMBERSHIPS] {
            ledger.close(SectionReport::new(section, SectionStatus::Complete));
        }
        ledger.finish(Ok(()))
    });
    let connector: Box<dyn Connector> = Box::new(connector);
    assert!(connector.test_connection().await.passed());
    let summary = connector.scan(ScanRequest::default(), Arc::new(MockScanSink::new())).await.unwrap();
    assert_eq!(summary.outcome, Outcome::Complete);
}

#[tokio::test]
async fn a_connectors_test_can_script_a_failing_sink() {
    let mut sink = MockScanSink::new();
    sink.expect_records()
        .withf(|batch| batch.len() == 1 && batch[0].kind() == "account")
        .once()
        .returning(|_| Err(ConnectorError::sink("disk full", "make room")));
    let sink: Arc<dyn ScanSink> = Arc::new(sink);
    let refused = sink.records(vec![Account::default().into()]).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Sink);
}
