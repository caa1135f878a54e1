#![doc = include_str!("../README.md")]
//!
//! # Results
//!
//! The same tests are data ([`suite`]), which `harness conformance --os-type X` runs and reports.
//!
//! A failure says what was expected, what the connector did, what to do, and which part of the documentation explains it. A test whose target
//! a fixture cannot have is skipped, and a [`Report`] counts it so; one that passed without some of its targets names
//! them. `cargo test` knows no skipping at run time: there such a test counts as passed, and a numbered line on standard
//! error says that it was skipped, and why.
//!
//! What a connector prints is seen from outside its process alone, so `the_secret_is_never_printed` starts its own program
//! again ([`Rerun`]), as the test runner of `cargo test` or as `harness conformance`, and looks at both standard streams.
//! The records of the crate `log` go there, too, unless the program has a logger of its own. A test runner other than the
//! standard one fails that test.
//!
//! Where points are drawn at random, the seed is part of the failure; the variable `CONFORMANCE_SEED` sets another.

pub mod bad_servers;
mod bench;
mod checks;
mod fixture;
mod log;
mod probe;
mod report;
mod rerun;
mod secret;
mod suite;
mod trap;
mod truth;
mod verdict;

pub use fixture::{Fixture, NoTarget, Scenario, Target};
pub use log::CapturedLog;
pub use report::{Format, Report, UnknownFormat};
pub use rerun::Rerun;
pub use suite::{ConformanceTest, Ran, assert_passes, suite};
pub use trap::Trap;
pub use truth::Truth;
pub use verdict::{Advice, Failure, NotPassed, Verdict};
