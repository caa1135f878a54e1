//! The tests as data, and how to run one.

use std::any::Any;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use connector_api::{Registration, async_trait};
use futures_util::future::LocalBoxFuture;

use super::bench::{SCAN_LIMIT, WITHOUT_END};
use super::checks::{
    choices, completeness, connection, descriptor, flow, form, interruption, origin, rows, secrecy, settings,
};
use super::fixture::{Fixture, NoTarget, Scenario, Target};
use super::rerun::{CURRENT, Rerun};
use super::verdict::{Advice, Failure, NotPassed, Verdict};

/// The time limit of one test. Each of its scans has its own limit, and no test makes many scans that come close to it.
const TIME_LIMIT: Duration = SCAN_LIMIT.saturating_mul(10);

/// One requirement for every connector.
pub struct ConformanceTest {
    /// The requirement as a claim, in `snake_case`.
    pub name: &'static str,
    /// The part of the documentation that explains it.
    pub explains: &'static str,
    /// What to do if the connector fails it.
    pub remedy: &'static str,
    clock: Clock,
    check: for<'a> fn(&'a dyn Fixture) -> LocalBoxFuture<'a, Verdict>,
}

/// The clock that a test runs with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// The real one.
    Real,
    /// A paused clock that jumps to the next timer when nothing else is left to do: time limits are tested without
    /// waiting for them.
    Jumping,
}

/// The result of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ran {
    /// Whether it passed.
    pub verdict: Verdict,
    /// For a test that passed: why it had to do without some of its targets, because the fixture does not support them.
    pub not_tried: Vec<String>,
}

/// A fixture that records which scenarios it does not support.
struct Noting<'f> {
    fixture: &'f dyn Fixture,
    not_tried: Mutex<Vec<String>>,
}

#[async_trait]
impl Fixture for Noting<'_> {
    fn registration(&self) -> Registration {
        self.fixture.registration()
    }

    async fn start(&self, scenario: Scenario) -> Result<Target, NoTarget> {
        let started = self.fixture.start(scenario).await;
        if let Err(NoTarget::Unsupported(why)) = &started {
            let mut not_tried = self.not_tried.lock().unwrap_or_else(PoisonError::into_inner);
            not_tried.push(why.clone());
        }
        started
    }
}

impl ConformanceTest {
    /// Runs the test in its own runtime; `program` starts the same call in another process. Blocks, so it must not be
    /// called from asynchronous code.
    ///
    /// A panic of the connector or fixture is a failure.
    pub fn run(&self, fixture: &dyn Fixture, program: &Rerun) -> Ran {
        let noting = Noting { fixture, not_tried: Mutex::default() };
        let verdict = self.verdict(&noting, program);
        let mut not_tried = noting.not_tried.into_inner().unwrap_or_else(PoisonError::into_inner);
        if verdict.is_err() {
            not_tried.clear();
        }
        Ran { verdict, not_tried }
    }

    fn verdict(&self, fixture: &dyn Fixture, program: &Rerun) -> Verdict {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(self.clock == Clock::Jumping)
            .build()
            .map_err(|error| Failure::new("a runtime for the test", error))?;
        let check = async {
            tokio::time::timeout(TIME_LIMIT, (self.check)(fixture))
                .await
                .unwrap_or_else(|_| Err(Failure::late("the test ends", TIME_LIMIT, WITHOUT_END).into()))
        };
        let verdict = catch_unwind(AssertUnwindSafe(|| runtime.block_on(CURRENT.scope(program.clone(), check))));
        runtime.shutdown_background();
        verdict.unwrap_or_else(|panic| Err(Failure::new("no panic", panic_message(&*panic)).into()))
    }
}

impl ConformanceTest {
    /// Returns whether the test starts the program again.
    pub(super) fn starts_again(&self) -> bool {
        self.name == "the_secret_is_never_printed"
    }

    /// Formats a failure of this test: what was expected, what the connector did, what to do, and where it is
    /// explained.
    pub fn explain(&self, failure: &Failure) -> String {
        let Advice { remedy, explains } = self.advice(failure);
        format!("{failure}\ndo:       {remedy}\nsee:      {explains}")
    }

    /// Returns what to do about a failure of this test.
    pub(super) fn advice(&self, failure: &Failure) -> Advice {
        failure.advice.unwrap_or(Advice { remedy: self.remedy, explains: self.explains })
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic")
}

/// Runs the test of that name and panics if it fails. This is the body of each test of
/// [`conformance_suite!`](crate::conformance_suite), called with its `module_path!()`.
///
/// # Panics
/// Panics if the test fails or does not exist.
pub fn assert_passes(module: &str, name: &str, fixture: &dyn Fixture) {
    let Some(test) = suite().iter().find(|test| test.name == name) else {
        panic!("the suite has no test `{name}`");
    };
    let Ran { verdict, not_tried } = test.run(fixture, &Rerun::of_test(module, name));
    match verdict {
        Ok(()) if not_tried.is_empty() => {}
        Ok(()) => say_skipped(&format!("a part of {name}"), &not_tried.join("; ")),
        Err(NotPassed::Skipped(why)) => say_skipped(name, &why),
        Err(NotPassed::Failed(failure)) => panic!("{name}\n{}", test.explain(&failure)),
    }
}

/// Reports what is skipped, on the real standard error: the test runner shows no output of tests that pass.
fn say_skipped(what: &str, why: &str) {
    static SKIPPED: AtomicUsize = AtomicUsize::new(0);
    let number = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    // Written at once, so that it is not mixed with the output of other tests.
    let _ = io::stderr().write_all(format!("skipped ({number}): {what}: {why}\n").as_bytes());
}

/// Returns every test, in the order of a report.
pub fn suite() -> &'static [ConformanceTest] {
    SUITE
}

macro_rules! table {
    ($unused:tt $($module:ident::$name:ident, $clock:ident, $explains:literal, $remedy:literal;)*) => {
        static SUITE: &[ConformanceTest] = &[$(ConformanceTest {
            name: stringify!($name),
            explains: $explains,
            remedy: $remedy,
            clock: Clock::$clock,
            check: |fixture| Box::pin($module::$name(fixture)),
        }),*];
    };
}
crate::__conformance_tests!([table]());

/// Generates the whole conformance suite for a fixture: ordinary tests with their own names, in the current module.
///
/// The expression creates the fixture; it is evaluated once for each test.
///
/// ```ignore
/// connector_conformance::conformance_suite!(MyFixture::new());
/// ```
#[macro_export]
macro_rules! conformance_suite {
    ($fixture:expr) => {
        $crate::__conformance_tests! { [$crate::__conformance_test_functions] ($fixture) }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_test_functions {
    ($fixture:tt $($module:ident::$name:ident, $clock:ident, $explains:literal, $remedy:literal;)*) => {$(
        #[test]
        fn $name() {
            $crate::assert_passes(module_path!(), stringify!($name), &$fixture);
        }
    )*};
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_test_has_a_unique_name() {
        let names: BTreeSet<&str> = suite().iter().map(|test| test.name).collect();
        assert_eq!(names.len(), suite().len());
    }

    #[test]
    fn a_test_that_runs_out_of_time_has_the_advice_for_that_and_not_its_own() {
        let late = Failure::late("the scan ends", SCAN_LIMIT, WITHOUT_END);
        let text = suite()[0].explain(&late);
        assert!(text.contains("not ended after 60 seconds") && text.contains(WITHOUT_END.remedy), "{text}");
        assert!(!text.contains(suite()[0].remedy), "{text}");
    }

    #[test]
    fn every_test_says_what_to_do_and_where_it_is_explained() {
        let mute: Vec<&str> = suite()
            .iter()
            .filter(|test| test.remedy.is_empty() || !test.explains.starts_with("connector_"))
            .map(|test| test.name)
            .collect();
        assert!(mute.is_empty(), "{mute:?}");
    }
}
