//! A service provider on loopback with faults on demand, and the fixture for the conformance suite.

mod fixture;
mod server;

pub use fixture::ScimFixture;
pub use server::{Fault, ScimServer};
