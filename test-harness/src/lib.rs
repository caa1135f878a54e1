//! A JumpCloud simulator, a connector conformance suite and the reference host.

pub mod cli;
pub mod host;
pub mod simulator;
