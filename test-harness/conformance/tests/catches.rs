//! The suite catches what it is meant to catch: a sound connector passes all of it, and each way of breaking that
//! connector is caught by the test for it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod reference;

use std::collections::BTreeSet;

use connector_conformance::{Fixture, NotPassed, Rerun, suite};
use reference::{Breakage, Reference};

mod a_sound_connector {
    use crate::reference::{Breakage, Reference};

    connector_conformance::conformance_suite!(Reference::<{ Breakage::Sound as usize }>);
}

macro_rules! catches {
    ($($name:ident: $breakage:ident => $test:ident;)*) => {
        /// The tests that catch a breakage.
        const CATCHING: &[&str] = &[$(stringify!($test)),*];

        $(
            #[test]
            fn $name() {
                let program = Rerun::of_test(module_path!(), stringify!($name));
                caught(&Reference::<{ Breakage::$breakage as usize }>, stringify!($test), &program);
            }
        )*
    };
}

catches! {
    a_connector_that_says_nothing_of_itself_is_caught: SaysNothingOfItself => the_descriptor_is_complete;
    a_tuning_that_names_no_attribute_is_caught: TunesWhatIsNotThere => the_descriptor_is_complete;
    a_connector_that_describes_itself_anew_is_caught: DescribesAnew => the_descriptor_survives_json;
    an_unregistered_connector_is_caught: IsNotRegistered => the_registry_discovers_the_connector;
    a_connector_that_renames_itself_is_caught: RenamesItself => a_second_connector_of_one_os_type_is_refused;
    a_connector_that_refuses_to_connect_is_caught: RefusesToConnect => only_the_listed_editions_connect;
    an_invalid_schema_is_caught: InvalidSchema => the_schema_is_valid_2020_12;
    an_open_schema_is_caught: OpenSchema => the_schema_is_valid_2020_12;
    a_default_that_violates_the_schema_is_caught: DefaultViolatesSchema => every_default_satisfies_the_schema;
    an_untitled_property_is_caught: UntitledProperty => every_property_has_a_title_and_a_description;
    an_unmarked_secret_is_caught: UnmarkedSecret => every_secret_property_is_marked;
    confusable_names_are_caught: ConfusableNames => an_unknown_attribute_is_refused_with_the_nearest_name;
    an_untyped_property_is_caught: UntypedProperty => a_wrong_value_is_refused_and_not_repeated;
    a_property_of_two_types_is_caught: TwoTypes => every_property_has_one_type;
    a_property_that_is_typed_by_its_choices_alone_is_caught: TypeOfAlternatives => every_property_has_one_type;
    an_untitled_choice_is_caught: UntitledChoice => every_choice_has_a_title;
    a_list_of_words_without_titles_is_caught: ListOfWords => every_choice_has_a_title;
    a_choice_titled_none_is_caught: ChoiceTitledNone => no_choice_looks_like_the_empty_one;
    a_choice_titled_with_a_dash_is_caught: ChoiceTitledDash => no_choice_looks_like_the_empty_one;
    markdown_in_help_is_caught: MarkdownInHelp => help_is_plain_text_on_one_line;
    broken_lines_in_help_are_caught: LinesInHelp => help_is_plain_text_on_one_line;
    bold_words_in_help_are_caught: BoldInHelp => help_is_plain_text_on_one_line;
    a_tag_in_help_is_caught: TagInHelp => help_is_plain_text_on_one_line;
    a_tab_in_help_is_caught: TabInHelp => help_is_plain_text_on_one_line;
    a_carriage_return_in_a_title_is_caught: ReturnInHelp => help_is_plain_text_on_one_line;
    markdown_in_a_heading_is_caught: MarkdownInHeading => help_is_plain_text_on_one_line;
    a_reference_instead_of_a_type_is_caught: ReferenceForType => every_property_has_one_type;
    alternatives_to_a_type_are_caught: AlternativesWithType => every_property_has_one_type;
    null_in_a_tuple_is_caught: NullInTuple => every_property_has_one_type;
    null_in_a_map_is_caught: NullInMap => every_property_has_one_type;
    a_type_that_is_null_alone_is_caught: OnlyNull => every_property_has_one_type;
    an_unknown_keyword_is_caught: UnknownKeyword => every_keyword_is_known_to_validators;
    an_unknown_keyword_within_a_property_is_caught: UnknownKeywordWithin => every_keyword_is_known_to_validators;
    two_choices_with_one_title_are_caught: TwoChoicesWithOneTitle => every_title_is_one_of_its_own;
    two_properties_with_one_title_are_caught: TwoPropertiesWithOneTitle => every_title_is_one_of_its_own;
    two_groups_with_one_title_are_caught: TwoGroupsWithOneTitle => every_title_is_one_of_its_own;
    an_untitled_property_within_another_is_caught: UntitledWithin => every_title_is_one_of_its_own;
    a_format_that_validators_do_not_know_is_caught: UnknownFormat => every_format_is_known_to_validators;
    a_form_that_forgets_an_attribute_is_caught: FormForgetsAnAttribute => the_form_names_every_attribute_once;
    a_form_that_repeats_an_attribute_is_caught: FormRepeatsAnAttribute => the_form_names_every_attribute_once;
    a_form_of_unknown_attributes_is_caught: FormNamesWhatIsNotThere => the_form_names_every_attribute_once;
    a_form_without_headings_is_caught: FormWithoutHeadings => the_form_names_every_attribute_once;
    a_secret_that_is_needed_secretly_is_caught: NeedsSecretSecretly => a_missing_secret_is_refused;
    a_failed_check_of_a_healthy_target_is_caught: FailsHealthyTest => a_healthy_target_passes_the_connection_test;
    a_wrong_code_for_refused_is_caught: CallsRefusedTimeout => nobody_listening_is_reported_as_connect;
    a_wrong_code_for_unauthorized_is_caught:
        CallsUnauthorizedForbidden => a_refused_credential_is_reported_as_unauthorized;
    a_wrong_code_for_forbidden_is_caught:
        CallsForbiddenUnauthorized => a_forbidden_credential_is_reported_as_forbidden;
    a_connector_that_never_times_out_is_caught:
        NeverTimesOut => a_target_that_never_answers_is_reported_as_timeout_in_time;
    a_connector_that_trusts_any_certificate_is_caught: TrustsAnyCertificate => a_wrong_certificate_is_reported_as_tls;
    a_connection_test_that_forgets_a_core_section_is_caught:
        TestsUsersAlone => a_core_section_that_fails_fails_the_connection_test;
    a_scan_without_rights_is_caught: ScansWithoutRights => a_refused_credential_fails_the_scan;
    a_dropped_row_is_caught: DropsARow => a_scan_equals_the_truth;
    inverted_enabled_is_caught: InvertsEnabled => every_field_that_the_truth_sets_is_right;
    inverted_admin_is_caught: InvertsAdmin => every_field_that_the_truth_sets_is_right;
    an_access_without_a_word_is_caught: LeavesOutTheWord => every_row_satisfies_the_published_schema;
    a_changing_order_is_caught: ChangesOrder => two_scans_are_equal_row_by_row;
    a_repeated_row_is_caught: RepeatsARow => no_row_comes_twice;
    a_shared_username_is_caught: SharesAUsername => every_username_is_unique;
    a_dangling_membership_is_caught: DanglingMembership => every_reference_names_a_row_of_the_scan;
    memberships_before_their_groups_are_caught: MembershipsFirst => rows_come_in_the_order_of_their_kinds;
    a_wrong_member_count_is_caught: WrongMemberCount => member_counts_match_the_memberships;
    an_unannounced_type_is_caught: UnannouncedType => every_type_is_announced;
    an_unannounced_reason_is_caught: UnannouncedReason => every_reason_is_announced;
    a_higher_severity_than_announced_is_caught: MoreSevereThanAnnounced => every_reason_is_announced;
    a_group_that_is_privileged_without_a_reason_is_caught: PrivilegedWithoutReason => every_reason_is_announced;
    a_resource_that_is_privileged_is_caught: PrivilegedResource => every_reason_is_announced;
    a_forgotten_section_is_caught: ForgetsASection => every_section_is_accounted_for;
    a_miscounted_section_is_caught: Miscounts => every_section_is_accounted_for;
    rows_that_no_section_owns_are_caught: OwnsNoGrants => every_row_belongs_to_one_section;
    a_section_that_is_closed_before_its_rows_is_caught:
        ClosesBeforeItsRows => a_section_is_complete_only_when_its_rows_were_taken;
    a_core_section_that_is_left_out_is_caught: LeavesOutCore => a_core_section_cannot_be_left_out;
    a_field_that_is_filled_in_secretly_is_caught:
        FillsInSecretly => what_a_host_knew_survives_a_section_that_fails;
    ignored_back_pressure_is_caught: IgnoresBackPressure => back_pressure_is_respected;
    huge_batches_are_caught: HugeBatches => back_pressure_is_respected;
    a_swallowed_sink_error_is_caught: SwallowsSinkError => a_failing_sink_ends_the_scan;
    rows_after_a_sink_error_are_caught: GoesOnAfterSinkError => a_failing_sink_ends_the_scan;
    rows_lost_to_a_transient_fault_are_caught: LosesWhatFailsInPassing => transient_faults_never_show_in_the_rows;
    an_ignored_cancel_is_caught: IgnoresCancel => a_cancel_ends_the_scan_within_a_second;
    a_cancel_ignored_while_waiting_is_caught:
        IgnoresCancelWhileWaiting => a_cancel_ends_a_scan_that_waits_for_its_target;
    rows_lost_by_a_resume_are_caught: ResumeLosesRows => a_resumed_scan_equals_an_uninterrupted_one;
    rows_repeated_by_a_resume_are_caught: ResumeRepeatsRows => a_resumed_scan_equals_an_uninterrupted_one;
    a_checkpoint_of_another_version_that_loses_rows_is_caught:
        MisreadsOtherVersions => a_checkpoint_of_another_version_is_resumed_or_refused_by_name;
    a_checkpoint_that_is_refused_namelessly_is_caught:
        RefusesNamelessly => a_checkpoint_of_another_version_is_resumed_or_refused_by_name;
    a_foreign_checkpoint_that_is_taken_is_caught: TakesAnyCheckpoint => an_unusable_checkpoint_is_refused;
    a_damaged_checkpoint_that_is_taken_is_caught: TakesDamagedCheckpoint => an_unusable_checkpoint_is_refused;
    a_section_left_out_that_is_called_complete_is_caught:
        CallsLeftOutComplete => what_a_host_knew_survives_a_section_that_is_left_out;
    rows_of_a_section_left_out_are_caught:
        SendsWhatIsLeftOut => what_a_host_knew_survives_a_section_that_is_left_out;
    a_section_left_out_with_another_is_caught:
        LeavesOutMore => what_a_host_knew_survives_a_section_that_is_left_out;
    a_core_section_that_is_named_for_another_is_caught: BlamesAnother => a_core_section_that_fails_fails_the_scan;
    a_section_that_fails_with_another_is_caught: TakesOthersAlong => an_optional_section_that_fails_is_named;
    a_section_that_is_complete_without_what_it_is_drawn_from_is_caught:
        CallsDrawnComplete => an_optional_section_that_fails_is_named;
    a_hidden_incomplete_core_section_is_caught: HidesIncompleteCore => a_core_section_that_fails_fails_the_scan;
    a_hidden_incomplete_optional_section_is_caught:
        HidesIncompleteOptional => an_optional_section_that_fails_is_named;
    plain_http_is_caught: SpeaksPlainHttp => plain_http_to_another_machine_is_refused;
    plain_http_that_is_asked_before_it_is_refused_is_caught:
        AsksBeforeItRefuses => plain_http_to_another_machine_is_refused;
    a_followed_redirect_is_caught: FollowsRedirects => redirects_are_not_followed;
    a_followed_foreign_link_is_caught: FollowsForeignLinks => a_next_link_to_another_server_is_not_followed;
    an_ignored_foreign_link_is_caught: IgnoresForeignLinks => a_next_link_to_another_server_is_not_followed;
    a_secret_in_an_error_is_caught: LeaksInError => the_secret_never_shows;
    a_secret_in_the_log_is_caught: LeaksInLog => the_secret_never_shows;
    a_secret_on_standard_output_is_caught: PrintsSecret => the_secret_is_never_printed;
    a_secret_on_standard_error_is_caught: PrintsSecretAsError => the_secret_is_never_printed;
    a_secret_through_the_log_crate_is_caught: LeaksThroughLog => the_secret_is_never_printed;
    a_secret_in_a_record_is_caught: LeaksInRecord => the_secret_never_shows;
    a_secret_in_a_checkpoint_is_caught: LeaksInCheckpoint => the_secret_never_shows;
    a_secret_in_the_error_of_an_optional_section_is_caught: LeaksInOptionalSection => the_secret_never_shows;
    a_secret_in_the_refusal_of_a_checkpoint_is_caught: LeaksInRefusedCheckpoint => the_secret_never_shows;
    a_secret_in_the_refusal_of_a_request_is_caught: LeaksInRefusedRequest => the_secret_never_shows;
    a_secret_in_a_plan_is_caught: LeaksInPlan => the_secret_never_shows;
    a_secret_in_an_organisation_is_caught: LeaksInOrganizations => the_secret_never_shows;
    a_panic_is_a_failure: Panics => a_scan_equals_the_truth;
}

/// Checks that the test of that name fails for this connector.
fn caught(fixture: &dyn Fixture, name: &str, program: &Rerun) {
    let test = suite().iter().find(|test| test.name == name).expect("a test of that name");
    match test.run(fixture, program).verdict {
        Err(NotPassed::Failed(_)) => {}
        other => panic!("{name} has the verdict {other:?}"),
    }
}

#[test]
fn every_test_of_the_suite_catches_something() {
    let catching: BTreeSet<&str> = CATCHING.iter().copied().collect();
    let idle: Vec<&str> = suite().iter().map(|test| test.name).filter(|name| !catching.contains(name)).collect();
    assert!(idle.is_empty(), "{idle:?}");
}
