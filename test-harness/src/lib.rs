//! The bench on which connectors are proven: a conformance suite for any connector, and a small SCIM connector that
//! shows how one is written.

pub mod cli;
pub mod conformance;
mod http;
pub mod scim;
