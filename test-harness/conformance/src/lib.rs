//! The conformance suite: what every connector must do, as tests that any connector can run.
//!
//! A connector's author writes a [`Fixture`], which starts targets and tells the truth they hold, and gets the whole
//! suite as ordinary tests, named one by one:
//!
//! ```ignore
//! connector_conformance::conformance_suite!(MyFixture);
//! ```
//!
//! The same tests are data ([`suite`]), which `harness conformance --os-type X` runs and reports.
//!
//! A failure says what was expected, what came, and which part of the documentation explains it. A test whose target
//! a fixture cannot have is skipped, and a [`Report`] counts it so. `cargo test` knows no skipping at run time: there
//! such a test prints why and ends.
//!
//! Where points are drawn at random, the seed is part of the failure; the variable `CONFORMANCE_SEED` sets another.

mod bench;
mod checks;
mod fixture;
mod log;
pub mod loopback;
mod probe;
mod report;
mod secret;
mod suite;
mod trap;
mod truth;
mod verdict;

pub use fixture::{Fixture, NoTarget, Scenario, Target};
pub use log::CapturedLog;
pub use report::{Format, Report, UnknownFormat};
pub use suite::{ConformanceTest, assert_passes, suite};
pub use trap::Trap;
pub use truth::Truth;
pub use verdict::{Failure, NotPassed, Verdict};
