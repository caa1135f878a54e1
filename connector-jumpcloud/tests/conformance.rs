//! The JumpCloud connector passes the conformance suite.

use connector_jumpcloud as _;

connector_conformance::conformance_suite!(jumpcloud_fixture::JumpCloudFixture);
