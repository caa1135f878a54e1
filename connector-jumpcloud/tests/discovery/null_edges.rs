//! Records in lists of edges that are counted and not given out: the rows that there are come, and nothing else changes.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use connector_api::{ErrorCode, Outcome, Record, Section};
use jiff::Timestamp;
use jumpcloud_simulator::{Behaviour, NullEdges, NullForm, SimulatorOptions};
use serde_json::{Value, json};

use crate::support::console::{Content, id};
use crate::support::{Scanned, codes, core_alone, scan, simulated, start, try_scan};

const FORMS: [NullForm; 5] = [NullForm::LeftOut, NullForm::Null, NullForm::NullTo, NullForm::NullId, NullForm::EmptyId];

fn with(null_edges: NullEdges) -> SimulatorOptions {
    let behaviour = Behaviour { null_edges, ..Behaviour::observed() };
    // One time for all of them, so that what ends by itself ends at the same time.
    static NOW: LazyLock<Timestamp> = LazyLock::new(Timestamp::now);
    SimulatorOptions { users: 400, groups: 12, systems: 20, behaviour, now: *NOW, ..Default::default() }
}

/// All rows by what they say of access: times move with the simulator's clock.
fn rows(scanned: &Scanned) -> BTreeSet<String> {
    let of_access = |record: &Record| match record {
        Record::Account(row) => format!("{} {:?}", row.external_id, codes(&row.reasons)),
        Record::Group(row) => format!("{} {:?} {:?}", row.external_id, row.member_count, codes(&row.reasons)),
        Record::Resource(row) => row.external_id.clone(),
        other => serde_json::to_string(other).unwrap(),
    };
    scanned.records.iter().map(of_access).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_are_the_same_with_null_records_in_any_form() {
    let simulator = start(with(NullEdges::default())).await;
    let truth = rows(&scan(simulated(&simulator)).await);
    for form in FORMS {
        let simulator = start(with(NullEdges::share(0.07, form))).await;
        let scanned = scan(simulated(&simulator)).await;
        assert_eq!(scanned.summary.outcome, Outcome::Complete, "{form:?}: {:?}", scanned.summary.sections);
        let found = rows(&scanned);
        let missing: Vec<_> = truth.difference(&found).take(3).collect();
        assert!(found == truth, "{form:?}: {} of {} rows, missing {missing:?}", found.len(), truth.len());
        let notes = &scanned.summary.section(Section::MEMBERSHIPS).unwrap().notes;
        assert!(
            notes.iter().any(|note| note.contains(" counted, ") && note.ends_with(" given")),
            "{form:?}: {notes:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_without_a_row_counts_where_the_traversal_shows_nobody_more() {
    let simulator = start(with(NullEdges::default())).await;
    let truth = rows(&scan(simulated(&simulator)).await);
    for form in FORMS {
        for places in [0..=149, 60..=320] {
            let simulator = start(with(NullEdges::at([places.clone()], form))).await;
            let scanned = scan(simulated(&simulator)).await;
            assert!(rows(&scanned) == truth, "{form:?}, {places:?}");
        }
    }
}

/// A console with one group of 130 members, of whom the list gives `shown`; the traversal shows what is put there.
fn group_of_130(shown: usize) -> Content {
    let members: Vec<String> = (1000..1130).map(id).collect();
    let user = |id: &String| json!({"_id": id, "username": format!("u{id}"), "email": format!("{id}@corp.example")});
    let edge = |id: &String| json!({"to": {"id": id, "type": "user"}});
    Content::default()
        .list("/api/systemusers", members.iter().map(user))
        .list("/api/v2/usergroups", [json!({"id": id(10), "name": "Ops", "type": "user_group"})])
        .list(&format!("/api/v2/usergroups/{}/members", id(10)), members[..shown].iter().map(edge))
        .total(&format!("/api/v2/usergroups/{}/members", id(10)), 130)
}

fn reached(ids: impl IntoIterator<Item = u64>) -> Vec<Value> {
    ids.into_iter().map(|user| json!({"id": id(user), "type": "user", "paths": [[{"to": {"id": id(user)}}]]})).collect()
}

#[tokio::test]
async fn a_list_that_is_cut_off_is_not_taken_for_one_with_null_records() {
    let membership = format!("/api/v2/usergroups/{}/membership", id(10));
    for shown in [0, 50, 100] {
        let console = group_of_130(shown).list(&membership, reached(1000..1130)).serve().await;
        let failure = try_scan(core_alone(console.system())).await.unwrap_err();
        assert_eq!(failure.error().code, ErrorCode::InconsistentListing, "{shown}");
        assert!(failure.error().message.contains("the traversal shows"), "{}", failure.error().message);

        let console = group_of_130(shown).answer(&membership, 404, json!({"message": "Not Found"})).serve().await;
        let failure = try_scan(core_alone(console.system())).await.unwrap_err();
        assert_eq!(failure.error().code, ErrorCode::InconsistentListing, "{shown}, no traversal");
    }
}

#[tokio::test]
async fn a_list_whose_last_records_are_null_does_not_depend_on_a_traversal_but_heeds_it() {
    let membership = format!("/api/v2/usergroups/{}/membership", id(10));
    for (status, body) in [(404, json!({"message": "Not Found"})), (403, json!({"message": "Forbidden"}))] {
        let console = group_of_130(125).answer(&membership, status, body).serve().await;
        let scanned = scan(core_alone(console.system())).await;
        assert_eq!((scanned.summary.outcome, scanned.memberships().count()), (Outcome::Complete, 125));
        let notes = &scanned.summary.section(Section::MEMBERSHIPS).unwrap().notes;
        assert_eq!(notes, &["members of \"Ops\": 130 counted, 125 given"]);
    }
    let console = group_of_130(125).list(&membership, reached(1000..1130)).serve().await;
    let failure = try_scan(core_alone(console.system())).await.unwrap_err();
    assert_eq!(failure.error().code, ErrorCode::InconsistentListing);
}

#[tokio::test]
async fn those_who_come_through_other_groups_are_nobody_more() {
    let membership = format!("/api/v2/usergroups/{}/membership", id(10));
    let through =
        json!({"id": id(1129), "type": "user", "paths": [[{"to": {"id": id(11)}}, {"to": {"id": id(1129)}}]]});
    let shown = reached(1000..1100).into_iter().chain([through]);
    let console = group_of_130(100).list(&membership, shown).serve().await;
    let scanned = scan(core_alone(console.system())).await;
    assert_eq!(scanned.memberships().count(), 100);
    let notes = &scanned.summary.section(Section::MEMBERSHIPS).unwrap().notes;
    assert_eq!(notes, &["members of \"Ops\": 130 counted, 100 given"]);
}

#[tokio::test]
async fn any_other_list_that_is_short_of_its_total_fails_the_scan() {
    for list in ["/api/systemusers", "/api/v2/usergroups"] {
        let rows = (1..=5).map(|number| json!({"id": id(number), "_id": id(number), "name": format!("n{number}")}));
        let console = Content::default().list(list, rows).total(list, 9).serve().await;
        let failure = try_scan(core_alone(console.system())).await.unwrap_err();
        assert_eq!(failure.error().code, ErrorCode::InconsistentListing, "{list}");
    }
}
