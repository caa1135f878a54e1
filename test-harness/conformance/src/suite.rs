//! The tests as data, and how one is run.

use std::any::Any;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use connector_api::{Registration, async_trait};
use futures_util::future::LocalBoxFuture;

use super::bench::{SCAN_LIMIT, WITHOUT_END};
use super::checks::{completeness, connection, descriptor, flow, form, interruption, origin, rows, secrecy, settings};
use super::fixture::{Fixture, NoTarget, Scenario, Target};
use super::rerun::{CURRENT, Rerun};
use super::verdict::{Advice, Failure, NotPassed, Verdict};

/// How long one test may take before it counts as hanging. Each of its scans has a limit of its own, and no test makes many
/// that come near to it.
const TIME_LIMIT: Duration = SCAN_LIMIT.saturating_mul(10);

/// One thing that every connector must do.
pub struct ConformanceTest {
    /// The claim, in `snake_case`.
    pub name: &'static str,
    /// The part of the documentation that explains it.
    pub explains: &'static str,
    /// What an author whose connector fails it does.
    pub remedy: &'static str,
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

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ran {
    /// Whether it passed.
    pub verdict: Verdict,
    /// Of a test that passed, why the fixture does not have some of the targets that it asked for: it passed without them.
    pub not_tried: Vec<String>,
}

/// The fixture, and what it was asked for and does not have.
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
    /// Runs the test in a runtime of its own; `program` says how the same call is made in another process. It blocks, so it must not be called from asynchronous code.
    ///
    /// A panic of connector or fixture is a failure like another.
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
    /// Whether the test starts the program again.
    pub(super) fn starts_again(&self) -> bool {
        self.name == "the_secret_is_never_printed"
    }

    /// A failure of this test as text: what was expected, what the connector did, what to do, and where it is explained.
    pub fn explain(&self, failure: &Failure) -> String {
        let Advice { remedy, explains } = self.advice(failure);
        format!("{failure}\ndo:       {remedy}\nsee:      {explains}")
    }

    /// What to do about a failure of this test.
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

/// Runs the test of that name and panics with its failure: what each test of
/// [`conformance_suite!`](crate::conformance_suite) does, in its `module_path!()`.
///
/// # Panics
/// When the test fails, or there is none of that name.
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

/// Says what is skipped, on the real standard error: the test runner shows no output of tests that pass.
fn say_skipped(what: &str, why: &str) {
    static SKIPPED: AtomicUsize = AtomicUsize::new(0);
    let number = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    // In one piece, so that lines of other tests do not come in between.
    let _ = io::stderr().write_all(format!("skipped ({number}): {what}: {why}\n").as_bytes());
}

/// Every test, in the order in which a report lists them.
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
    ($fixture:tt $($module:ident::$name:ident, $clock:ident, $explains:literal, $remedy:literal;)*) => {$(
        #[test]
        fn $name() {
            $crate::assert_passes(module_path!(), stringify!($name), &$fixture);
        }
    )*};
}

/// The one list of tests: module and name, clock, where the documentation explains it, and what to do when it fails.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ([$($then:tt)+] $argument:tt) => {
        $($then)+! { $argument
            descriptor::the_descriptor_is_complete, Real,
                "connector_api::Descriptor",
                "fill in or correct what is named in the descriptor";
            descriptor::the_descriptor_survives_json, Real,
                "connector_api::Descriptor",
                "return from describe() nothing that differs from call to call";
            descriptor::the_registry_discovers_the_connector, Real,
                "connector_api::Registry::discover",
                "submit the registration with `inventory::submit!`, and link its crate: `use my_connector as _;`";
            descriptor::a_second_connector_of_one_os_type_is_refused, Real,
                "connector_api::Registry::discover",
                "give the descriptor an osType that is the same at each call";
            descriptor::only_the_listed_editions_connect, Real,
                "connector_api::Registry::connect",
                "let try_from() make a connector for any valid settings; the registry checks the edition";
            settings::the_schema_is_valid_2020_12, Real,
                "connector_api::Descriptor::config_schema",
                "make the schema with `settings_schema`, and deny unknown fields, so that `additionalProperties` is false";
            settings::every_default_satisfies_the_schema, Real,
                "connector_api::Descriptor::config_schema",
                "correct the default or example that is named, or the limits of its property";
            settings::every_property_has_a_title_and_a_description, Real,
                "connector_api::Descriptor::config_schema",
                "write a doc comment, which is the description, and a title on the property";
            settings::every_secret_property_is_marked, Real,
                "connector_api, section Secrets",
                "mark the property `writeOnly` with `format: password`, and give it no default";
            form::every_property_has_one_type, Real,
                "connector_api::settings_schema",
                "give the property one type, as `settings_schema` does: what is not set is absent, and never null";
            form::every_choice_has_a_title, Real,
                "connector_api::settings_schema",
                "list choices as `oneOf` with `const` and `title`: `#[schemars(title = \"…\")]` on each variant";
            form::help_is_plain_text_on_one_line, Real,
                "connector_api::settings_schema",
                "make the schema with `settings_schema`, which leaves Markdown and line breaks out, or write the text so";
            form::every_format_is_known_to_validators, Real,
                "connector_api::FORMATS",
                "leave the format out, and set `minimum` and `maximum`: `settings_schema` drops those of Rust's numbers";
            form::the_form_names_every_attribute_once, Real,
                "connector_api::FormGroup",
                "name each attribute in one group of the descriptor's form, and give each group a title";
            settings::an_unknown_attribute_is_refused_with_the_nearest_name, Real,
                "connector_api::SystemConfig::validate",
                "set `additionalProperties` to false, and give attributes names that differ by more than a letter";
            settings::a_wrong_value_is_refused_and_not_repeated, Real,
                "connector_api::SystemConfig::validate",
                "give the property a type, and leave values out of error messages";
            settings::a_missing_secret_is_refused, Real,
                "connector_api::CredentialMapping",
                "say in the descriptor's credential whether the password is required, and require no other";
            settings::a_core_section_cannot_be_left_out, Real,
                "connector_api::ScanRequest::verify",
                "call `ScanRequest::verify` first in scan()";
            connection::a_healthy_target_passes_the_connection_test, Real,
                "connector_api::Connector::test_connection",
                "look at the check that failed: the fixture's target or the check is wrong";
            connection::nobody_listening_is_reported_as_connect, Real,
                "connector_api::ErrorCode::Connect",
                "give a connection that is refused the code `connect`, and a remedy";
            connection::a_refused_credential_is_reported_as_unauthorized, Real,
                "connector_api::ErrorCode::Unauthorized",
                "give a credential that the target refuses (HTTP 401) the code `unauthorized`, and a remedy";
            connection::a_forbidden_credential_is_reported_as_forbidden, Real,
                "connector_api::ErrorCode::Forbidden",
                "give a right that is missing (HTTP 403) the code `forbidden`, and a remedy that names the right";
            connection::a_target_that_never_answers_is_reported_as_timeout_in_time, Jumping,
                "connector_api::Connector::test_connection",
                "give each request a time limit, and the connection test one of 20 seconds in all";
            connection::a_wrong_certificate_is_reported_as_tls, Real,
                "connector_api::ErrorCode::Tls",
                "check certificates, and tell a failed handshake from a failed connection";
            connection::a_core_section_that_fails_fails_the_connection_test, Real,
                "connector_api::Connector::test_connection",
                "read the first page of each core section in the connection test, and let a check fail where that fails";
            connection::a_refused_credential_fails_the_scan, Real,
                "connector_api::Connector::scan",
                "let the first request of a scan end it with its error";
            rows::a_scan_equals_the_truth, Real,
                "connector_api, section The promise",
                "look at the record that is named: the connector lost, invented or misread it, or the fixture's truth is wrong";
            rows::every_field_that_the_truth_sets_is_right, Real,
                "connector_conformance::Truth",
                "look where the connector fills in the field that is named, or correct the truth; set `enabled` and `admin` in the records of the truth";
            rows::every_row_satisfies_the_published_schema, Real,
                "connector_api::Record",
                "fill in the field that is named, or leave out the row of which it is not known";
            rows::two_scans_are_equal_row_by_row, Real,
                "connector_api::ScanSink",
                "send rows in an order of your own, such as by id, not in that of a hash map or of answers";
            rows::no_row_comes_twice, Real,
                "connector_api::Record",
                "remember what was sent, or read listings that cannot repeat a row";
            rows::every_username_is_unique, Real,
                "connector_api::Account::username",
                "where a name is taken, add the id to it, in every row that names the account";
            rows::every_reference_names_a_row_of_the_scan, Real,
                "connector_api::DanglingReference",
                "send a row for what is named, or leave the reference out and count it as dangling";
            rows::rows_come_in_the_order_of_their_kinds, Real,
                "connector_api::ScanSink",
                "send all rows of one kind before the first of the next";
            rows::member_counts_match_the_memberships, Real,
                "connector_api::Group::member_count",
                "count the membership rows that are sent, not what the target says";
            rows::every_type_is_announced, Real,
                "connector_api::Descriptor::emits",
                "add the type to `emits` in the descriptor";
            rows::every_reason_is_announced, Real,
                "connector_api::Descriptor::evidence",
                "make reasons of the descriptor's evidence: code, kind, severities and remedy as announced, gravest first";
            flow::every_section_is_accounted_for, Real,
                "connector_api::SectionReport",
                "close each section of the descriptor once, with the number of its rows";
            flow::every_row_belongs_to_one_section, Real,
                "connector_api::Descriptor::sections",
                "let a section own the type that is named, and count each row where it is owned";
            flow::a_section_is_complete_only_when_its_rows_were_taken, Real,
                "connector_api::SectionStatus::Complete",
                "close a section after the last call of records() for it returned";
            flow::back_pressure_is_respected, Real,
                "connector_api::ScanSink",
                "await each call of records() before the next, with at most 1,000 rows";
            flow::a_failing_sink_ends_the_scan, Real,
                "connector_api::ScanSink::records",
                "pass errors of the sink on at once, with `?`";
            flow::transient_faults_never_show_in_the_rows, Real,
                "connector_api, section The promise",
                "retry what may pass, and fail the section when it does not pass";
            interruption::a_cancel_ends_the_scan_within_a_second, Real,
                "connector_api::ScanRequest::cancel",
                "wrap the scan in `cancel.run_until_cancelled`";
            interruption::a_cancel_ends_a_scan_that_waits_for_its_target, Real,
                "connector_api::ScanRequest::cancel",
                "wrap the scan in `cancel.run_until_cancelled`, and block no thread";
            interruption::a_resumed_scan_equals_an_uninterrupted_one, Real,
                "connector_api::ScanSink::checkpoint",
                "keep in the checkpoint's state all that later rows depend on, and skip what was sent before it";
            interruption::an_unusable_checkpoint_is_refused, Real,
                "connector_api::Checkpoint::verify",
                "call `Checkpoint::verify` before anything is read, and check the state when it is parsed";
            interruption::a_checkpoint_of_another_version_is_resumed_or_refused_by_name, Real,
                "connector_api::Checkpoint::verify",
                "call `Checkpoint::verify`, or read the other version's state as that version wrote it";
            completeness::a_core_section_that_fails_fails_the_scan, Real,
                "connector_api, section The promise",
                "close the section that failed, and no other in its place, as incomplete with its error, and end the scan with it: `ScanLedger::finish` does";
            completeness::an_optional_section_that_fails_is_named, Real,
                "connector_api::SectionDescription::drawn_from",
                "close the section as incomplete or unavailable with its error, and go on: what is drawn from it, as `drawn_from` announces, is incomplete with it, and nothing else";
            completeness::what_a_host_knew_survives_a_section_that_fails, Real,
                "connector_api::ScanSummary::replacement",
                "announce what the section fills in in others' rows (`filling_in`), and from which sections reasons and links are drawn";
            completeness::what_a_host_knew_survives_a_section_that_is_left_out, Real,
                "connector_api::ScanRequest::without",
                "close a section that is left out as skipped, send none of its rows, read what is not drawn from it as ever, and announce what it fills in in others' rows (`filling_in`)";
            origin::plain_http_to_another_machine_is_refused, Real,
                "connector_api::ErrorCode::InsecureEndpoint",
                "refuse the address when the connector is made, before anything is asked, as `connector_http::origin` does; `is_loopback` says what is on this machine";
            origin::redirects_are_not_followed, Real,
                "connector_api::ErrorCode::UnexpectedRedirect",
                "switch following redirects off in the HTTP client; `connector_http` has it off";
            origin::a_next_link_to_another_server_is_not_followed, Real,
                "connector_api::ErrorCode::UnexpectedRedirect",
                "compare the origin of a link with that of the target before it is asked for; `list_links` does";
            secrecy::the_secret_never_shows, Real,
                "connector_api, section Secrets",
                "keep the secret in a `SecretString` until the request is made, mark its header as sensitive, keep settings out of error messages, and clean what the target says";
            secrecy::the_secret_is_never_printed, Real,
                "connector_api, section Secrets",
                "write to no standard stream, and log without the secret; mark the header that carries it as sensitive";
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

    #[test]
    fn a_test_that_runs_out_of_time_says_so_and_not_what_else_the_test_advises() {
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
