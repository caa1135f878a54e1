//! A service provider on loopback with faults on demand, and the fixture that puts the connector through the conformance
//! suite.

mod fixture;
mod server;

pub use fixture::ScimFixture;
pub use server::{Fault, ScimServer};
