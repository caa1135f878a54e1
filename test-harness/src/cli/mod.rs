//! The subcommands of `harness`.

pub mod conformance;
