//! The JumpCloud connector passes the conformance suite.

test_harness::conformance_suite!(test_harness::conformance::JumpCloudFixture);
