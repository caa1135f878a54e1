//! The conformance fixtures of the compiled-in connectors.

use connector_conformance::Fixture;
use connector_scim::testing::ScimFixture;
use jumpcloud_fixture::JumpCloudFixture;

/// The fixtures that `harness conformance` can run.
pub(super) fn fixtures() -> Vec<Box<dyn Fixture>> {
    vec![Box::new(JumpCloudFixture), Box::new(ScimFixture)]
}
