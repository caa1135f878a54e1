//! The SCIM connector passes the conformance suite.

connector_conformance::conformance_suite!(connector_scim::testing::ScimFixture);
