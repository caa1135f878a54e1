//! Which effective grants are rows, and what stays the same whichever are.

use std::collections::BTreeSet;

use connector_access::{AccessRows, RowsBuilder};
use connector_api::{Connector, Grant, Record, Section, SectionStatus, SystemConfig};
use connector_jumpcloud::JumpCloud;

use crate::support::{Scanned, scan, simulated, small, start};

const MODES: [&str; 3] = ["privileged", "all", "none"];

async fn in_mode(system: &SystemConfig, mode: &str) -> Scanned {
    scan(system.clone().with_attribute("effectiveGrants", mode)).await
}

fn status(scanned: &Scanned, section: Section) -> &'static str {
    scanned.status(section).as_str()
}

fn grants(scanned: &Scanned) -> BTreeSet<String> {
    scanned.grants().map(|grant| serde_json::to_string(grant).unwrap()).collect()
}

fn but_grants(scanned: &Scanned) -> Vec<&Record> {
    scanned.records.iter().filter(|record| !matches!(record, Record::Grant(_))).collect()
}

fn walked(scanned: &Scanned) -> AccessRows {
    let mut rows = RowsBuilder::new(&JumpCloud::describe().accesses);
    scanned.records.iter().for_each(|record| rows.enter(record));
    rows.finish()
}

#[tokio::test]
async fn each_mode_is_a_set_of_whole_sections_and_changes_no_other_row() {
    let simulator = start(small()).await;
    let system = simulated(&simulator);
    let [privileged, all, none] =
        [in_mode(&system, "privileged").await, in_mode(&system, "all").await, in_mode(&system, "none").await];
    let statuses = [&privileged, &all, &none]
        .map(|scanned| [Section::PRIVILEGED_GRANTS, Section::OTHER_GRANTS].map(|section| status(scanned, section)));
    assert_eq!(statuses, [["complete", "skipped"], ["complete", "complete"], ["skipped", "skipped"]]);
    assert_eq!(but_grants(&privileged), but_grants(&all));
    assert_eq!(but_grants(&none), but_grants(&all));
    let of_accounts: BTreeSet<String> =
        all.grants().filter(|grant| grant.is_privileged()).map(|grant| serde_json::to_string(grant).unwrap()).collect();
    assert!(!of_accounts.is_empty() && of_accounts.len() < grants(&all).len());
    assert_eq!(grants(&privileged), of_accounts);
    assert_eq!(none.grants().count(), 0);
}

#[tokio::test]
async fn privileged_grants_are_the_default() {
    let simulator = start(small()).await;
    let mut system = simulated(&simulator);
    system.attributes.shift_remove("effectiveGrants");
    assert_eq!(grants(&scan(system.clone()).await), grants(&in_mode(&system, "privileged").await));
}

#[tokio::test]
async fn bindings_and_memberships_make_all_grants_again_in_every_mode() {
    let simulator = start(small()).await;
    let system = simulated(&simulator);
    let all = in_mode(&system, "all").await;
    let expected: BTreeSet<String> = grants(&all);
    for mode in MODES {
        let rows = walked(&in_mode(&system, mode).await);
        let made: BTreeSet<String> =
            rows.all_grants().map(|grant: Grant| serde_json::to_string(&grant).unwrap()).collect();
        assert_eq!(made, expected, "{mode}");
    }
}

#[tokio::test]
async fn without_bindings_there_are_no_effective_grants_whatever_the_mode() {
    let simulator = start(small()).await;
    for mode in MODES {
        let scanned = in_mode(&simulated(&simulator).with_attribute("includeGrants", false), mode).await;
        for section in [Section::GRANTS, Section::PRIVILEGED_GRANTS, Section::OTHER_GRANTS] {
            assert_eq!(status(&scanned, section), "skipped", "{mode}: {section}");
        }
    }
}

#[tokio::test]
async fn a_limit_ends_a_section_of_effective_grants_as_incomplete_and_nothing_else() {
    let simulator = start(small()).await;
    let system = simulated(&simulator);
    let all = in_mode(&system, "all").await;
    let [privileged, other] = [Section::PRIVILEGED_GRANTS, Section::OTHER_GRANTS]
        .map(|section| all.summary.section(section).unwrap().records);
    assert!(privileged < other);
    let exactly = scan(system.clone().with_attribute("effectiveGrantsLimit", other)).await;
    assert_eq!(exactly.records, all.records, "as many as the limit allows");

    let limited = scan(system.clone().with_attribute("effectiveGrantsLimit", other - 1)).await;
    assert_eq!(status(&limited, Section::PRIVILEGED_GRANTS), "complete");
    let SectionStatus::Incomplete { error } = limited.status(Section::OTHER_GRANTS) else { panic!("{limited:?}") };
    assert_eq!(error.code.as_str(), "limit_exceeded");
    for attribute in ["effectiveGrantsLimit", "effectiveGrants "] {
        assert!(error.remedy.contains(attribute), "{}", error.remedy);
    }
    assert_eq!(limited.summary.section(Section::OTHER_GRANTS).unwrap().records, other - 1);
    assert_eq!(but_grants(&limited), but_grants(&all));

    let both = scan(system.with_attribute("effectiveGrantsLimit", 1)).await;
    for section in [Section::PRIVILEGED_GRANTS, Section::OTHER_GRANTS] {
        assert_eq!(status(&both, section), "incomplete");
        assert_eq!(both.summary.section(section).unwrap().records, 1);
    }
}

#[tokio::test]
async fn a_host_that_sees_the_mode_change_between_two_scans_loses_nothing() {
    let simulator = start(small()).await;
    let system = simulated(&simulator);
    let all = in_mode(&system, "all").await;
    let descriptor = JumpCloud::describe();
    let sorted =
        |rows: &[Record]| -> BTreeSet<String> { rows.iter().map(|row| serde_json::to_string(row).unwrap()).collect() };
    for mode in ["privileged", "none"] {
        let next = in_mode(&system, mode).await;
        let plan = next.summary.replacement(&descriptor);
        let rows = plan.apply(all.records.clone(), next.records.clone()).unwrap();
        assert_eq!(sorted(&rows), sorted(&all.records), "{mode}");
    }
}
