//! The fixtures of the connectors that this program is built with.

use super::fixture::Fixture;
use super::jumpcloud::JumpCloudFixture;
use crate::scim::ScimFixture;

/// The fixtures that `harness conformance` can run.
pub fn fixtures() -> Vec<Box<dyn Fixture>> {
    vec![Box::new(JumpCloudFixture), Box::new(ScimFixture)]
}
