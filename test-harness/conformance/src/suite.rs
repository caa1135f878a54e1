//! The tests as data, and how one is run.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use super::checks::{completeness, connection, descriptor, flow, interruption, origin, rows, secrecy, settings};
use super::fixture::Fixture;
use super::verdict::{Failure, NotPassed, Verdict};

/// How long one test may take before it counts as hanging.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// One thing that every connector must do.
pub struct ConformanceTest {
    /// The claim, in `snake_case`.
    pub name: &'static str,
    /// The part of the documentation that explains it.
    pub explains: &'static str,
    clock: Clock,
    check: for<'a> fn(&'a dyn Fixture) -> LocalBoxFuture<'a, Verdict>,
}

/// Which clock a test runs by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// The real one.
    Real,
    /// One that stands still, and jumps to the next timer when nothing else is left to do: time limits are tested
    /// without waiting for them.
    Jumping,
}

impl ConformanceTest {
    /// Runs the test in a runtime of its own. It blocks, so it must not be called from asynchronous code.
    ///
    /// # Errors
    /// When the test did not pass. A panic of connector or fixture is a failure like another.
    pub fn run(&self, fixture: &dyn Fixture) -> Verdict {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(self.clock == Clock::Jumping)
            .build()
            .map_err(|error| Failure::new("a runtime for the test", error))?;
        let check = async {
            tokio::time::timeout(TIME_LIMIT, (self.check)(fixture)).await.unwrap_or_else(|_| {
                Err(Failure::new("the test ends", format!("nothing within {} seconds", TIME_LIMIT.as_secs())).into())
            })
        };
        let verdict = catch_unwind(AssertUnwindSafe(|| runtime.block_on(check)));
        runtime.shutdown_background();
        verdict.unwrap_or_else(|panic| Err(Failure::new("no panic", panic_message(&*panic)).into()))
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic")
}

/// Runs the test of that name and panics with its failure: what each test of
/// [`conformance_suite!`](crate::conformance_suite) does.
///
/// # Panics
/// When the test fails, or there is none of that name.
pub fn assert_passes(name: &str, fixture: &dyn Fixture) {
    let Some(test) = suite().iter().find(|test| test.name == name) else {
        panic!("the suite has no test `{name}`");
    };
    match test.run(fixture) {
        Ok(()) => {}
        Err(NotPassed::Skipped(why)) => eprintln!("skipped: {why}"),
        Err(NotPassed::Failed(failure)) => panic!("{name}\n{failure}\nsee:      {}", test.explains),
    }
}

/// Every test, in the order in which a report lists them.
pub fn suite() -> &'static [ConformanceTest] {
    SUITE
}

macro_rules! table {
    ($unused:tt $($module:ident::$name:ident, $clock:ident, $explains:literal;)*) => {
        static SUITE: &[ConformanceTest] = &[$(ConformanceTest {
            name: stringify!($name),
            explains: $explains,
            clock: Clock::$clock,
            check: |fixture| Box::pin($module::$name(fixture)),
        }),*];
    };
}
crate::__conformance_tests!([table]());

/// Makes the whole conformance suite of a fixture as ordinary tests, named one by one, in the place where it stands.
///
/// The expression makes the fixture, and is evaluated once for each test.
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
    ($fixture:tt $($module:ident::$name:ident, $clock:ident, $explains:literal;)*) => {$(
        #[test]
        fn $name() {
            $crate::assert_passes(stringify!($name), &$fixture);
        }
    )*};
}

/// The one list of tests: module and name, clock, and where the documentation explains it.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ([$($then:tt)+] $argument:tt) => {
        $($then)+! { $argument
            descriptor::the_descriptor_is_complete, Real, "connector_api::Descriptor";
            descriptor::the_descriptor_survives_json, Real, "connector_api::Descriptor";
            descriptor::the_registry_discovers_the_connector, Real, "connector_api::Registry::discover";
            descriptor::a_second_connector_of_one_os_type_is_refused, Real, "connector_api::Registry::discover";
            descriptor::only_the_listed_editions_connect, Real, "connector_api::Registry::connect";
            settings::the_schema_is_valid_2020_12, Real, "connector_api::Descriptor::config_schema";
            settings::every_default_satisfies_the_schema, Real, "connector_api::Descriptor::config_schema";
            settings::every_property_has_a_title_and_a_description, Real, "connector_api::Descriptor::config_schema";
            settings::every_secret_property_is_marked, Real, "connector_api, section Secrets";
            settings::an_unknown_attribute_is_refused_with_the_nearest_name, Real,
                "connector_api::SystemConfig::validate";
            settings::a_wrong_value_is_refused_and_not_repeated, Real, "connector_api::SystemConfig::validate";
            settings::a_missing_secret_is_refused, Real, "connector_api::CredentialMapping";
            settings::a_core_section_cannot_be_left_out, Real, "connector_api::ScanRequest::verify";
            connection::a_healthy_target_passes_the_connection_test, Real,
                "connector_api::Connector::test_connection";
            connection::nobody_listening_is_reported_as_connect, Real, "connector_api::ErrorCode::Connect";
            connection::a_refused_credential_is_reported_as_unauthorized, Real,
                "connector_api::ErrorCode::Unauthorized";
            connection::a_forbidden_credential_is_reported_as_forbidden, Real,
                "connector_api::ErrorCode::Forbidden";
            connection::a_target_that_never_answers_is_reported_as_timeout_in_time, Jumping,
                "connector_api::Connector::test_connection";
            connection::a_wrong_certificate_is_reported_as_tls, Real, "connector_api::ErrorCode::Tls";
            connection::a_refused_credential_fails_the_scan, Real, "connector_api::Connector::scan";
            rows::a_scan_equals_the_truth, Real, "connector_api, section The promise";
            rows::every_field_that_the_truth_sets_is_right, Real, "connector_conformance::Truth";
            rows::two_scans_are_equal_row_by_row, Real, "connector_api::ScanSink";
            rows::no_row_comes_twice, Real, "connector_api::Record";
            rows::every_username_is_unique, Real, "connector_api::Account::username";
            rows::every_reference_names_a_row_of_the_scan, Real, "connector_api::DanglingReference";
            rows::rows_come_in_the_order_of_their_kinds, Real, "connector_api::ScanSink";
            rows::member_counts_match_the_memberships, Real, "connector_api::Group::member_count";
            rows::every_type_is_announced, Real, "connector_api::Descriptor::emits";
            rows::every_reason_is_announced, Real, "connector_api::Descriptor::evidence";
            flow::every_section_is_accounted_for, Real, "connector_api::SectionReport";
            flow::every_row_belongs_to_one_section, Real, "connector_api::Descriptor::sections";
            flow::a_section_is_complete_only_when_its_rows_were_taken, Real, "connector_api::SectionStatus::Complete";
            flow::back_pressure_is_respected, Real, "connector_api::ScanSink";
            flow::a_failing_sink_ends_the_scan, Real, "connector_api::ScanSink::records";
            flow::transient_faults_never_show_in_the_rows, Real, "connector_api, section The promise";
            interruption::a_cancel_ends_the_scan_within_a_second, Real, "connector_api::ScanRequest::cancel";
            interruption::a_cancel_ends_a_scan_that_waits_for_its_target, Real,
                "connector_api::ScanRequest::cancel";
            interruption::a_resumed_scan_equals_an_uninterrupted_one, Real, "connector_api::ScanSink::checkpoint";
            interruption::an_unusable_checkpoint_is_refused, Real, "connector_api::Checkpoint::verify";
            completeness::a_core_section_that_fails_fails_the_scan, Real, "connector_api, section The promise";
            completeness::an_optional_section_that_fails_is_named, Real, "connector_api, section The promise";
            completeness::what_a_host_knew_survives_a_section_that_fails, Real,
                "connector_api::ScanSummary::replacement";
            origin::plain_http_to_another_machine_is_refused, Real, "connector_api::ErrorCode::InsecureEndpoint";
            origin::redirects_are_not_followed, Real, "connector_api::ErrorCode::UnexpectedRedirect";
            origin::a_next_link_to_another_server_is_not_followed, Real, "connector_api::ErrorCode::UnexpectedRedirect";
            secrecy::the_secret_never_shows, Real, "connector_api, section Secrets";
        }
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_test_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = suite().iter().map(|test| test.name).collect();
        assert_eq!(names.len(), suite().len());
    }
}
