//! What a host has that sees the choice of effective grants change between its scans.

use std::collections::{BTreeMap, BTreeSet};

use connector_api::{Connector, Record, RowType, Section, SectionDescription};
use connector_jumpcloud::JumpCloud;
use serde_json::json;

use crate::effective_grants::{ended, in_mode, text};
use crate::support::console::{Content, id};
use crate::support::{Scanned, simulated, small, start};

/// What a host has after a scan.
fn after(known: &[Record], scanned: &Scanned) -> Vec<Record> {
    let plan = scanned.summary.replacement(&JumpCloud::describe());
    plan.apply(known.to_vec(), scanned.records.clone()).unwrap()
}

fn sorted(rows: &[Record]) -> BTreeSet<String> {
    rows.iter().map(text).collect()
}

/// The same rows in any order; if not, shows one of each difference.
#[track_caller]
fn assert_rows(found: &[Record], expected: &[Record], context: &str) {
    let (found, expected) = (sorted(found), sorted(expected));
    let (lost, new) = (expected.difference(&found), found.difference(&expected));
    let counts = (lost.clone().count(), new.clone().count());
    assert_eq!(counts, (0, 0), "{context}: lost {:?}, new {:?}", lost.take(1), new.take(1));
}

/// Nothing is lost: the rows are the same but for what accounts and groups say, and these have all reasons that they had.
/// Where grants were not read, more may be assumed.
#[track_caller]
fn assert_none_lost(found: &[Record], expected: &[Record], context: &str) {
    let reasons = |row: &Record| -> BTreeSet<String> {
        let reasons = match row {
            Record::Account(account) => account.reasons.as_slice(),
            Record::Group(group) => group.reasons.as_slice(),
            _ => &[],
        };
        reasons.iter().map(text).collect()
    };
    let says = |row: &&Record| matches!(row, Record::Account(_) | Record::Group(_));
    let others = |rows: &[Record]| rows.iter().filter(|row| !says(row)).cloned().collect::<Vec<_>>();
    assert_rows(&others(found), &others(expected), context);
    let found: BTreeMap<_, _> = found.iter().filter(says).map(|row| (row.key(), reasons(row))).collect();
    for row in expected.iter().filter(says) {
        assert!(found[&row.key()].is_superset(&reasons(row)), "{context}: {:?}", row.key());
    }
}

#[tokio::test]
async fn a_host_that_sees_the_mode_change_between_two_scans_loses_nothing() {
    let simulator = start(small()).await;
    let system = simulated(&simulator).with_attribute("includeLastLogin", false);
    let all = in_mode(&system, "all").await;
    let mut known = all.records.clone();
    let without = |switch: &str| system.clone().with_attribute(switch, false);
    let limited = system.clone().with_attribute("effectiveGrantsLimit", 3);
    for (system, mode, reads_less) in [
        (&system, "privileged", false),
        (&system, "none", false),
        (&limited, "all", false),
        (&limited, "privileged", false),
        (&without("includeGrants"), "all", true),
        (&without("includeGrants"), "privileged", true),
        (&without("includeSystems"), "privileged", true),
        (&without("includeApplications"), "all", true),
    ] {
        let context = format!("{mode}, {:?}", system.attributes);
        known = after(&known, &in_mode(system, mode).await);
        if reads_less {
            assert_none_lost(&known, &all.records, &context);
        } else {
            assert_rows(&known, &all.records, &context);
        }
    }
    known = after(&known, &in_mode(&system, "none").await);
    assert_rows(&known, &all.records, "none, after scans that read less");
    // From nothing: each mode brings its sections, and no later one takes them.
    let mut known = after(&[], &in_mode(&system, "none").await);
    let others: Vec<Record> = all.records.iter().filter(|row| row.kind() != "grant").cloned().collect();
    assert_rows(&known, &others, "none alone");
    known = after(&known, &in_mode(&system, "privileged").await);
    let grants = known.iter().filter(|row| row.kind() == "grant");
    let types: BTreeSet<_> = grants.map(|row| row.row_type().into_owned()).collect();
    assert_eq!(types.into_iter().collect::<Vec<_>>(), ["privileged"]);
    known = after(&known, &in_mode(&system, "all").await);
    assert_rows(&known, &all.records, "all at last");
}

#[tokio::test]
async fn each_section_owns_its_grants() {
    let descriptor = JumpCloud::describe();
    let owners = |row_type: &str| -> Vec<Section> {
        let owns = |section: &&SectionDescription| section.owns.contains(&RowType::new("grant", row_type));
        descriptor.sections.iter().filter(owns).map(|section| section.section).collect()
    };
    assert_eq!(owners("privileged"), [Section::PRIVILEGED_GRANTS]);
    assert_eq!(owners("other"), [Section::OTHER_GRANTS]);
    let simulator = start(small()).await;
    let all = in_mode(&simulated(&simulator), "all").await;
    let of_type =
        |row_type| all.records.iter().filter(|row| row.kind() == "grant" && row.row_type() == row_type).count();
    assert_eq!([of_type("privileged"), of_type("other")].map(|rows| rows as u64), ended(&all).map(|(_, rows)| rows));
}

/// Ada, who is administrator of device 30, and Bob, who may use it.
fn two_users() -> Content {
    let sudo = json!({"sudo": {"enabled": true, "withoutPassword": false}});
    let user = |number: u64, name: &str| json!({"_id": id(number), "username": name});
    Content::default()
        .list("/api/systemusers", [user(1, "ada"), user(2, "bob")])
        .list("/api/systems", [json!({"_id": id(30), "hostname": "h"})])
        .edges(
            &format!("/api/v2/systems/{}/associations", id(30)),
            "user",
            [(id(1).as_str(), sudo), (id(2).as_str(), json!(null))],
        )
}

/// Account and row type of each grant, and the accounts, that a host has.
fn who(rows: &[Record]) -> (Vec<String>, Vec<String>) {
    let mut grants = Vec::new();
    let mut accounts = Vec::new();
    for row in rows {
        match row {
            Record::Grant(grant) => grants.push(format!("{} {}", grant.principal.name(), row.row_type())),
            Record::Account(account) => accounts.push(account.username.clone()),
            _ => {}
        }
    }
    grants.sort();
    (accounts, grants)
}

async fn scanned(content: Content, mode: &str) -> Scanned {
    let console = content.serve().await;
    in_mode(&console.system(), mode).await
}

#[tokio::test]
async fn what_changes_while_a_section_is_skipped_is_seen_by_the_next_scan_that_reads_it() {
    let known = scanned(two_users(), "all").await.records;
    assert_eq!(who(&known), (owned(&["ada", "bob"]), owned(&["ada privileged", "bob other"])));

    // Both go away while ordinary grants are skipped: those are as old as they were, and name an account that is gone.
    let nobody = || two_users().list("/api/systemusers", [json!({"_id": id(3), "username": "eve"})]);
    let later = after(&known, &scanned(nobody(), "privileged").await);
    assert_eq!(who(&later), (owned(&["eve"]), owned(&["bob other"])));
    assert_eq!(who(&after(&later, &scanned(nobody(), "all").await)), (owned(&["eve"]), Vec::new()));
    let later = after(&known, &scanned(nobody(), "none").await);
    assert_eq!(who(&later), (owned(&["eve"]), owned(&["ada privileged", "bob other"])));

    // Bob becomes administrator: he is not an ordinary user as well. Ada becomes an ordinary one, which was not read.
    let swapped = || {
        let sudo = json!({"sudo": {"enabled": true, "withoutPassword": false}});
        let path = format!("/api/v2/systems/{}/associations", id(30));
        two_users().edges(&path, "user", [(id(1).as_str(), json!(null)), (id(2).as_str(), sudo)])
    };
    let later = after(&known, &scanned(swapped(), "privileged").await);
    assert_eq!(who(&later).1, ["bob privileged"]);
    assert_eq!(who(&after(&later, &scanned(swapped(), "all").await)).1, ["ada other", "bob privileged"]);
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
