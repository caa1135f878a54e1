//! A JumpCloud simulator, a connector conformance suite and the reference host.

pub mod cli;
pub mod conformance;
pub mod host;
mod http;
pub mod scim;
pub mod simulator;

// Keeps the connector linked, so that the registry finds it.
use connector_jumpcloud as _;
