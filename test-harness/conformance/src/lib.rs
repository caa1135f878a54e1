#![doc = include_str!("../README.md")]
//!
//! # Results
//!
//! The same tests are data ([`suite`]), which `harness conformance --os-type X` runs and reports.
//!
//! A failure reports what was expected, what the connector did, what to do, and which part of the documentation
//! explains it. A test is skipped if the fixture has no target for it, and a [`Report`] counts it so; a test that
//! passed without some of its targets lists them. `cargo test` cannot skip at run time: there, such a test counts as
//! passed, and a numbered line on standard error reports that it was skipped, and why.
//!
//! What a connector prints can only be seen from outside its process. So `the_secret_is_never_printed` starts its own
//! program again ([`Rerun`]), as the test runner of `cargo test` or as `harness conformance`, and captures both
//! standard streams. The records of the crate `log` go there, too, unless the program has its own logger. With another
//! test runner than the standard one, that test fails.
//!
//! If points are chosen at random, the failure contains the seed; the environment variable `CONFORMANCE_SEED` sets
//! another.

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
mod table;
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
