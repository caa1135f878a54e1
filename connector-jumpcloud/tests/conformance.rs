//! The JumpCloud connector passes the conformance suite.

connector_conformance::conformance_suite!(jumpcloud_fixture::JumpCloudFixture);
