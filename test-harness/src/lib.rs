//! The command line `harness`: arguments and terminal over [`connector_host`].

pub mod cli;

// Keeps the connectors linked, so that the registry finds them.
use {connector_jumpcloud as _, connector_scim as _};

/// The README's programs compile as printed.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
