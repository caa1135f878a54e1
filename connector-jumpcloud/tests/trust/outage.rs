//! What a target that fails sees and gets: bounded calls in an outage, waits as asked, and no retry that cannot help.

use std::time::Duration;

use crate::support::{Identities, code, config, connect, core_only, scan_with, small, with_faults};
use connector_api::{ErrorCode, Outcome, Section};
use jumpcloud_simulator::{Simulator, SimulatorOptions, UsersEndpoint};
use serde_json::json;
use tokio::time::Instant;

fn served_by_one() -> SimulatorOptions {
    SimulatorOptions { users_endpoint: UsersEndpoint::V2, ..small() }
}

#[tokio::test]
async fn an_outage_from_the_start_costs_no_more_than_the_attempts_of_one_request() {
    for fault in ["status=503", "status=502", "reset", "html=502"] {
        let (simulator, ended, rows) = scan_with(with_faults(served_by_one(), &[fault]), json!({})).await;
        assert!(matches!(code(&ended), ErrorCode::ServerError | ErrorCode::Connect), "{fault}");
        assert!(rows.is_empty());
        assert!(simulator.requests().total <= 7, "{fault}: {:?}", simulator.requests());
    }
}

#[tokio::test]
async fn an_outage_in_the_middle_of_a_large_scan_is_not_multiplied_by_what_was_left_to_do() {
    let large = SimulatorOptions { users: 400, groups: 200, systems: 100, ..served_by_one() };
    let options = with_faults(large, &["status=503:after=3:on=*"]);
    let (simulator, ended, _) = scan_with(options, json!({})).await;
    assert_eq!(code(&ended), ErrorCode::ServerError);
    // A hundred retries for the whole scan, and one attempt for each of the lists that are read side by side.
    assert!(simulator.requests().total <= 160, "{:?}", simulator.requests());
}

#[tokio::test]
async fn a_time_to_come_back_is_kept_to_in_both_forms() {
    for (fault, least) in [("status=429:retry-after=2s:times=1", 2000), ("status=503:retry-after=1s:times=1", 1000)] {
        let began = Instant::now();
        let (_, ended, _) = scan_with(with_faults(served_by_one(), &[fault]), core_only()).await;
        assert!(ended.is_ok() && began.elapsed() >= Duration::from_millis(least), "{fault}: {:?}", began.elapsed());
    }
    // A date has whole seconds, so one second ahead may be hardly any time.
    let (simulator, ended, _) =
        scan_with(with_faults(served_by_one(), &["status=429:retry-after=date:times=2"]), core_only()).await;
    assert_eq!((ended.unwrap().outcome, simulator.requests().with_status(429)), (Outcome::Complete, 2));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_out_of_all_bounds_is_not_waited() {
    for seconds in ["3600", "18446744073709551615"] {
        let began = Instant::now();
        let fault = format!("status=429:retry-after={seconds}");
        let (simulator, ended, _) = scan_with(with_faults(served_by_one(), &[&fault]), core_only()).await;
        let error = ended.unwrap_err().error().clone();
        assert_eq!(error.code, ErrorCode::RateLimited);
        assert!(error.message.contains("more than the 300 s that a request may take"), "{error:?}");
        assert!(
            !error.message.contains("slow") && !error.remedy.contains("slow"),
            "nothing was slowed down: {error:?}"
        );
        assert_eq!(simulator.requests().total, 1);
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_503_that_names_a_time_is_asked_as_often_as_a_429() {
    for status in [429, 503] {
        let fault = format!("status={status}:retry-after=0:on=users:times=9");
        let (simulator, ended, _) = scan_with(with_faults(served_by_one(), &[&fault]), core_only()).await;
        assert!(ended.is_ok(), "{status}: {ended:?}");
        assert_eq!(simulator.requests().with_status(status), 9, "more than the seven attempts of a request");
    }
    let (simulator, ended, _) =
        scan_with(with_faults(served_by_one(), &["status=503:on=users:times=9"]), core_only()).await;
    assert_eq!((code(&ended), simulator.requests().total), (ErrorCode::ServerError, 7));
}

#[tokio::test]
async fn a_fifth_of_all_answers_being_502_costs_no_row() {
    let options = with_faults(small(), &["status=502:rate=0.2"]);
    let (simulator, ended, rows) = scan_with(options, json!({"attempts": 12})).await;
    let summary = ended.unwrap();
    assert_eq!(summary.outcome, Outcome::Complete, "{summary:?}");
    let (found, wrong) = Identities::of(&rows);
    assert_eq!((found, wrong), (Identities::truth(&simulator.organization()), Vec::new()));
    let retries: u64 = summary.sections.iter().map(|report| report.retries).sum();
    assert_eq!(retries, simulator.requests().with_status(502));
}

#[tokio::test]
async fn a_listing_that_grows_with_each_request_as_fast_as_it_is_read_is_given_up() {
    let faults = ["short-page:on=usergroups:rate=1", "drift=insert:on=usergroups:rate=1"];
    for limit in [7, 100] {
        let mut attributes = core_only();
        attributes["pageSize"] = limit.into();
        let (simulator, ended, _) = scan_with(with_faults(small(), &faults), attributes).await;
        assert_eq!(code(&ended), ErrorCode::InconsistentListing);
        assert!(simulator.requests().of("usergroups") < 1_500, "{limit}: {:?}", simulator.requests());
    }
}

#[tokio::test]
async fn a_group_is_not_held_to_be_gone_for_two_404_in_a_row() {
    for others in [0, 1] {
        let of_itself = format!("status=404:on=usergroups.one:times={others}");
        let faults = ["status=404:on=usergroups.members:times=1", &of_itself];
        let faults = &faults[..=others];
        let mut attributes = core_only();
        attributes["groupDetails"] = "list".into();
        let (simulator, ended, _) = scan_with(with_faults(small(), faults), attributes).await;
        assert_eq!(code(&ended), ErrorCode::InconsistentListing, "{faults:?}");
        assert_eq!(simulator.requests().of("usergroups.one"), others as u64 + 1);
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_cannot_is_not() {
    for status in [408, 429, 500, 502, 503, 504] {
        let fault = format!("status={status}:on=users:times=2");
        let (simulator, ended, _) = scan_with(with_faults(served_by_one(), &[&fault]), core_only()).await;
        assert!(ended.is_ok(), "{status}: {ended:?}");
        assert_eq!(simulator.requests().with_status(status), 2);
    }
    for (status, expected) in [
        (400, ErrorCode::MalformedResponse),
        (401, ErrorCode::Unauthorized),
        (402, ErrorCode::Forbidden),
        (403, ErrorCode::Forbidden),
        (404, ErrorCode::NotFound),
        (410, ErrorCode::NotFound),
    ] {
        let fault = format!("status={status}:on=usergroups,organizations");
        let (simulator, ended, _) = scan_with(with_faults(served_by_one(), &[&fault]), core_only()).await;
        assert_eq!(code(&ended), expected, "{status}");
        assert_eq!(simulator.requests().of("usergroups"), 1, "{status}");
    }
    for fault in ["reset", "truncate", "invalid-utf8", "html"] {
        let fault = format!("{fault}:on=users:times=2");
        let (_, ended, _) = scan_with(with_faults(served_by_one(), &[&fault]), core_only()).await;
        assert!(ended.is_ok(), "{fault}: {ended:?}");
    }
}

#[tokio::test]
async fn an_optional_section_in_an_outage_leaves_the_core_whole() {
    let options = with_faults(small(), &["status=500:on=systems,administrators"]);
    let (simulator, ended, rows) = scan_with(options, json!({"attempts": 3})).await;
    let summary = ended.unwrap();
    assert_eq!(summary.outcome, Outcome::Incomplete);
    for section in [Section::SYSTEMS, Section::ADMINISTRATORS, Section::GRANTS] {
        assert_eq!(summary.section(section).unwrap().status.as_str(), "incomplete", "{section}");
    }
    let (found, truth) = (Identities::of(&rows).0, Identities::truth(&simulator.organization()));
    assert_eq!((found.users, found.members), (truth.users, truth.members));
}

#[tokio::test]
async fn a_rate_limit_is_kept_to_without_losing_a_row() {
    let options = SimulatorOptions { rate_limit: Some(60), ..small() };
    let (simulator, ended, rows) = scan_with(options, json!({"attempts": 15})).await;
    assert_eq!(ended.unwrap().outcome, Outcome::Complete);
    assert_eq!(Identities::of(&rows).0, Identities::truth(&simulator.organization()));
}

#[tokio::test]
async fn calls_refused_for_their_rate_are_made_again_until_the_time_is_up() {
    // Many more than the attempts of the requests.
    let options = with_faults(served_by_one(), &["status=429:on=usergroups.members:times=40"]);
    let (simulator, ended, rows) = scan_with(options, json!({"attempts": 2})).await;
    assert_eq!(ended.unwrap().outcome, Outcome::Complete);
    assert_eq!(Identities::of(&rows).0, Identities::truth(&simulator.organization()));
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_refused_for_ever_end_when_their_time_is_up() {
    let began = Instant::now();
    let (_, ended, _) =
        scan_with(with_faults(served_by_one(), &["status=429"]), json!({"attempts": 2, "retryBudgetSeconds": 1})).await;
    assert_eq!(code(&ended), ErrorCode::RateLimited);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_connection_test_in_an_outage_ends_soon_and_says_why() {
    let simulator = Simulator::start(with_faults(small(), &["status=503"])).await.unwrap();
    let began = Instant::now();
    let report = connect(config(&simulator, json!({}))).unwrap().test_connection().await;
    assert!(!report.checks.is_empty() && began.elapsed() < Duration::from_secs(20));
    assert!(simulator.requests().total <= 8, "{:?}", simulator.requests());
}

#[tokio::test]
async fn a_core_section_that_is_refused_ends_the_scan_though_others_wait_for_a_permit() {
    for concurrency in [1, 2, 4] {
        let options = SimulatorOptions { events: Some(2_000), ..small() };
        let faults = ["status=401:on=usergroups", "delay=5:on=insights.events"];
        let attributes = json!({"concurrency": concurrency});
        let scanned = scan_with(with_faults(options, &faults), attributes);
        let (_, ended, _) = tokio::time::timeout(Duration::from_secs(20), scanned).await.expect("it ends");
        assert_eq!(code(&ended), ErrorCode::Unauthorized);
    }
}
