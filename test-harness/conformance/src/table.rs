//! The table of tests.

/// The list of tests: module and name, clock, where the documentation explains it, and what to do if it fails.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ([$($then:tt)+] $argument:tt) => {
        $($then)+! { $argument
            descriptor::the_descriptor_is_complete, Real,
                "connector_api::Descriptor",
                "fill in or correct the fields of the descriptor that are listed";
            descriptor::the_descriptor_survives_json, Real,
                "connector_api::Descriptor",
                "return the same descriptor from each call of describe()";
            descriptor::the_registry_discovers_the_connector, Real,
                "connector_api::Registry::discover",
                "submit the registration with `inventory::submit!`, and link its crate: `use my_connector as _;`";
            descriptor::a_second_connector_of_one_os_type_is_refused, Real,
                "connector_api::Registry::discover",
                "return the same osType from each call of describe()";
            descriptor::only_the_listed_editions_connect, Real,
                "connector_api::Registry::connect",
                "let try_from() make a connector for any valid settings; the registry checks the edition";
            settings::the_schema_is_valid_2020_12, Real,
                "connector_api::Descriptor::config_schema",
                "make the schema with `settings_schema`, and deny unknown fields, so that `additionalProperties` is false";
            settings::every_default_satisfies_the_schema, Real,
                "connector_api::Descriptor::config_schema",
                "correct the default or example, or the limits of its property";
            settings::every_property_has_a_title_and_a_description, Real,
                "connector_api::Descriptor::config_schema",
                "write a doc comment, which is the description, and a title on the property";
            settings::every_secret_property_is_marked, Real,
                "connector_api, section Secrets",
                "mark the property `writeOnly` with `format: password`, and give it no default";
            form::every_property_has_one_type, Real,
                "connector_api::settings_schema",
                "give the property one type, as `settings_schema` does: what is not set is absent, and never null; use no type that `settings_schema` lists as one without such a schema";
            choices::every_choice_has_a_title, Real,
                "connector_api::settings_schema",
                "list choices as `oneOf` with `const` and `title`: `#[schemars(title = \"…\")]` on each variant";
            choices::no_choice_looks_like_the_empty_one, Real,
                "connector_api::settings_schema",
                "say in the title what the choice does, such as No grants instead of None, which forms use for the choice of nothing";
            form::help_is_plain_text_on_one_line, Real,
                "connector_api::settings_schema",
                "make the schema with `settings_schema`, which leaves Markdown and line breaks out, and write no HTML";
            form::every_format_is_known_to_validators, Real,
                "connector_api::SCHEMA_FORMATS",
                "leave the format out, and set `minimum` and `maximum`: `settings_schema` drops those of Rust's numbers";
            form::every_keyword_is_known_to_validators, Real,
                "connector_api::settings_schema",
                "use keywords of JSON Schema 2020-12 only, and correct misspelt ones";
            form::every_title_is_one_of_its_own, Real,
                "connector_api::settings_schema",
                "give each property, also one within another, a title, and change one of two that are equal";
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
                "state in the descriptor's credential whether the password is required, and require no other secret";
            settings::a_core_section_cannot_be_left_out, Real,
                "connector_api::ScanRequest::verify",
                "call `ScanRequest::verify` first in scan()";
            connection::a_healthy_target_passes_the_connection_test, Real,
                "connector_api::Connector::test_connection",
                "examine the check that failed: either it or the fixture's target is wrong";
            connection::nobody_listening_is_reported_as_connect, Real,
                "connector_api::ErrorCode::Connect",
                "report a refused connection with the code `connect` and a remedy";
            connection::a_refused_credential_is_reported_as_unauthorized, Real,
                "connector_api::ErrorCode::Unauthorized",
                "report a credential that the target refuses (HTTP 401) with the code `unauthorized` and a remedy";
            connection::a_forbidden_credential_is_reported_as_forbidden, Real,
                "connector_api::ErrorCode::Forbidden",
                "report a missing permission (HTTP 403) with the code `forbidden` and a remedy that names the permission";
            connection::a_target_that_never_answers_is_reported_as_timeout_in_time, Jumping,
                "connector_api::Connector::test_connection",
                "give each request a time limit, and the whole connection test one of 20 seconds";
            connection::a_wrong_certificate_is_reported_as_tls, Real,
                "connector_api::ErrorCode::Tls",
                "verify certificates, and distinguish a failed handshake from a failed connection";
            connection::a_core_section_that_fails_fails_the_connection_test, Real,
                "connector_api::Connector::test_connection",
                "read the first page of each core section in the connection test, and report a failed check if that fails";
            connection::a_refused_credential_fails_the_scan, Real,
                "connector_api::Connector::scan",
                "end the scan with the error of its first request";
            rows::a_scan_equals_the_truth, Real,
                "connector_api, section The promise",
                "examine the record: the connector lost, invented or misread it, or the fixture's truth is wrong";
            rows::every_field_that_the_truth_sets_is_right, Real,
                "connector_conformance::Truth",
                "correct the connector where it fills in the field, or correct the truth; set `enabled` and `admin` in the records of the truth";
            rows::every_row_satisfies_the_published_schema, Real,
                "connector_api::Record",
                "fill in the field, or omit rows for which it is unknown";
            rows::two_scans_are_equal_row_by_row, Real,
                "connector_api::ScanSink",
                "send rows in a fixed order, such as by id, not in that of a hash map or of responses";
            rows::no_row_comes_twice, Real,
                "connector_api::Record",
                "drop duplicates, or read listings that cannot repeat a row";
            rows::every_username_is_unique, Real,
                "connector_api::Account::username",
                "if a name is taken, append the id, in every row that names the account";
            rows::every_reference_names_a_row_of_the_scan, Real,
                "connector_api::DanglingReference",
                "send a row for the missing record, or leave the reference out and count it as dangling";
            rows::rows_come_in_the_order_of_their_kinds, Real,
                "connector_api::ScanSink",
                "send all rows of one kind before the first of the next";
            rows::member_counts_match_the_memberships, Real,
                "connector_api::Group::member_count",
                "count the membership rows that are sent, instead of taking the target's number";
            rows::every_type_is_announced, Real,
                "connector_api::Descriptor::emits",
                "add the type to `emits` in the descriptor";
            rows::every_reason_is_announced, Real,
                "connector_api::Descriptor::evidence",
                "take code, kind, severity and remedy of reasons from the descriptor's evidence, and sort them most severe first";
            flow::every_section_is_accounted_for, Real,
                "connector_api::SectionReport",
                "close each section of the descriptor once, with the number of its rows";
            flow::every_row_belongs_to_one_section, Real,
                "connector_api::Descriptor::sections",
                "let one section own the type, and count each row in the section that owns it";
            flow::a_section_is_complete_only_when_its_rows_were_taken, Real,
                "connector_api::SectionStatus::Complete",
                "close a section only after the last call of records() for it has returned";
            flow::back_pressure_is_respected, Real,
                "connector_api::ScanSink",
                "await each call of records() before the next, with at most 1,000 rows";
            flow::a_failing_sink_ends_the_scan, Real,
                "connector_api::ScanSink::records",
                "return errors of the sink at once, with `?`";
            flow::transient_faults_never_show_in_the_rows, Real,
                "connector_api, section The promise",
                "retry transient failures, and fail the section if they persist";
            interruption::a_cancel_ends_the_scan_within_a_second, Real,
                "connector_api::ScanRequest::cancel",
                "wrap the scan in `cancel.run_until_cancelled`";
            interruption::a_cancel_ends_a_scan_that_waits_for_its_target, Real,
                "connector_api::ScanRequest::cancel",
                "wrap the scan in `cancel.run_until_cancelled`, and block no thread";
            interruption::a_resumed_scan_equals_an_uninterrupted_one, Real,
                "connector_api::ScanSink::checkpoint",
                "keep everything that later rows depend on in the checkpoint's state, and skip what was sent before it";
            interruption::an_unusable_checkpoint_is_refused, Real,
                "connector_api::Checkpoint::verify",
                "call `Checkpoint::verify` before reading anything, and validate the state when parsing it";
            interruption::a_checkpoint_of_another_version_is_resumed_or_refused_by_name, Real,
                "connector_api::Checkpoint::verify",
                "call `Checkpoint::verify`, or read the other version's state in its own format";
            completeness::a_core_section_that_fails_fails_the_scan, Real,
                "connector_api, section The promise",
                "close the section that failed, and no other, as incomplete with its error, and end the scan with that error, as `ScanLedger::finish` does";
            completeness::an_optional_section_that_fails_is_named, Real,
                "connector_api::SectionDescription::drawn_from",
                "close the section as incomplete or unavailable with its error, and continue; only sections that are `drawn_from` it are incomplete, too";
            completeness::what_a_host_knew_survives_a_section_that_fails, Real,
                "connector_api::ScanSummary::replacement",
                "declare which fields the section fills in on other sections' rows (`filling_in`), and from which sections reasons and links are drawn";
            completeness::what_a_host_knew_survives_a_section_that_is_left_out, Real,
                "connector_api::ScanRequest::without",
                "close a section that the request skips as skipped, send none of its rows, read sections that are not drawn from it as usual, and declare which fields it fills in on other sections' rows (`filling_in`)";
            origin::plain_http_to_another_machine_is_refused, Real,
                "connector_api::ErrorCode::InsecureEndpoint",
                "refuse the address when the connector is made, before any request, as `connector_http::origin` does; `is_loopback` recognises this machine";
            origin::redirects_are_not_followed, Real,
                "connector_api::ErrorCode::UnexpectedRedirect",
                "disable redirects in the HTTP client; in `connector_http` they are disabled";
            origin::a_next_link_to_another_server_is_not_followed, Real,
                "connector_api::ErrorCode::UnexpectedRedirect",
                "compare the origin of a link with the target's before requesting it, as `list_links` does";
            secrecy::the_secret_never_shows, Real,
                "connector_api, section Secrets",
                "keep the secret in a `SecretString` until the request is made, mark its header as sensitive, keep settings out of error messages, and clean text from the target";
            secrecy::the_secret_is_never_printed, Real,
                "connector_api, section Secrets",
                "do not write to standard output or standard error, log without the secret, and mark the header that carries it as sensitive";
        }
    };
}
