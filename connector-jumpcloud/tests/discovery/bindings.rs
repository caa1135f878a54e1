//! What somebody made, as rows; and that these alone say who reaches what.

use connector_access::{AccessRows, Reverse, RowsBuilder};
use connector_api::{Binding, Grant, Principal, Record, Registry, Section, SystemConfig};
use jumpcloud_simulator::SimulatorOptions;
use serde_json::json;

use crate::support::console::{Content, id};
use crate::support::{Scanned, core_alone, scan, simulated, small, start};

/// Everything but the grants, as a graph.
fn without_grants(scanned: &Scanned) -> AccessRows {
    let registry = Registry::discover().unwrap();
    let mut rows = RowsBuilder::new(&registry.descriptor("JumpCloud").unwrap().accesses);
    let made = scanned.records.iter().filter(|record| !matches!(record, Record::Grant(_)));
    made.for_each(|record| rows.enter(record));
    assert_eq!(rows.unmatched(), 0, "every membership and binding names rows");
    rows.finish()
}

/// The same grants, all of them, one principal's and one resource's, row for row.
#[track_caller]
fn assert_same(scanned: &Scanned, context: &str) {
    assert_makes(scanned, scanned, context);
}

/// In the order of their keys: an account whose last login is attributed late is sent after the others, but its grants
/// are not.
fn by_key(grants: impl Iterator<Item = Grant>) -> Vec<Grant> {
    let mut grants: Vec<Grant> = grants.collect();
    grants.sort_by_cached_key(|grant| Record::from(grant.clone()).key());
    grants
}

/// The rows of `scanned`, without its grants, make those of `all`: all of them, one principal's and one resource's.
#[track_caller]
pub(crate) fn assert_makes(scanned: &Scanned, all: &Scanned, context: &str) {
    let rows = without_grants(scanned);
    let expected = by_key(all.grants().cloned());
    let found = by_key(rows.all_grants());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "{context}");
    }
    assert_eq!(found.len(), expected.len(), "{context}");
    for account in scanned.accounts() {
        let principal = Principal::account(&account.external_id, &account.username);
        let expected: Vec<&Grant> = all.grants().filter(|grant| grant.principal == principal).collect();
        let found = rows.grants(rows.account(&account.external_id).unwrap());
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{context}: {}", account.username);
    }
    let reverse = Reverse::of(rows.graph());
    for resource in scanned.resources() {
        let index = rows.resource(&resource.resource_type, &resource.external_id).unwrap();
        let is_of_it = |grant: &&Grant| {
            grant.resource.external_id == resource.external_id && grant.resource.resource_type == resource.resource_type
        };
        let expected: Vec<Grant> = expected.iter().filter(is_of_it).cloned().collect();
        assert_eq!(by_key(rows.grants_to(&reverse, index)), expected, "{context}: {}", resource.name);
    }
}

#[tokio::test]
async fn more_ways_than_are_shown_or_followed_give_the_same_grants() {
    for (nested, tail) in [(7, 4), (4, 2), (9, 3)] {
        let console = crate::ways::organization(nested, tail).serve().await;
        let scanned = scan(console.system()).await;
        assert!(nested < 5 || scanned.grants().any(|grant| grant.more_paths > 0));
        assert_same(&scanned, &format!("{nested} groups in each other, {tail} above"));
    }
}

/// From and to by their ids, and the word of the access.
fn edges<'s>(scanned: &'s Scanned, to_type: &str) -> Vec<(&'s str, &'s str, Option<&'s str>)> {
    let of_type = scanned.bindings().filter(|binding| binding.to.node_type == to_type);
    let edge = |binding: &'s Binding| {
        let access = binding.access.as_ref().map(|access| &*access.word);
        (binding.from.external_id.as_str(), binding.to.external_id.as_str(), access)
    };
    of_type.map(edge).collect()
}

/// A user in G10, which is in G11; device 30 in device group 40, and device group 41 without devices.
fn organization() -> Content {
    let sudo = json!({"sudo": {"enabled": true, "withoutPassword": false}});
    let bound = |to: &str, number, of| format!("/api/v2/{to}/{}/associations?targets={of}", id(number));
    Content::default()
        .list("/api/systemusers", [json!({"_id": id(1), "username": "ada", "sudo": true})])
        .list(
            "/api/v2/usergroups",
            [json!({"id": id(10), "name": "G10", "attributes": sudo}), json!({"id": id(11), "name": "G11"})],
        )
        .list("/api/systems", [json!({"_id": id(30), "hostname": "h"})])
        .list("/api/v2/systemgroups", [40, 41].map(|number| json!({"id": id(number), "name": format!("S{number}")})))
        .list("/api/applications", [json!({"_id": id(50), "displayLabel": "Pay"})])
        .list(&format!("/api/v2/usergroups/{}/members", id(10)), [json!({"to": {"id": id(1), "type": "user"}})])
        .list(&format!("/api/v2/usergroups/{}/members", id(11)), [json!({"to": {"id": id(10), "type": "user_group"}})])
        .edges(&format!("/api/v2/systemgroups/{}/members", id(40)), "system", [(id(30).as_str(), json!(null))])
        .edges(&bound("systemgroups", 41, "user"), "user", [(id(1).as_str(), sudo.clone())])
        .edges(&bound("systemgroups", 40, "user_group"), "user_group", [(id(11).as_str(), json!(null))])
        .edges(&bound("systemgroups", 41, "user_group"), "user_group", [(id(11).as_str(), sudo.clone())])
        .edges(&bound("applications", 50, "user_group"), "user_group", [(id(11).as_str(), sudo)])
}

async fn scanned(change: impl Fn(SystemConfig) -> SystemConfig) -> Scanned {
    let console = organization().serve().await;
    scan(change(console.system())).await
}

#[tokio::test]
async fn a_binding_to_an_empty_device_group_shows() {
    let scanned = scanned(|system| system).await;
    let (ada, g11, s40, s41) = (id(1), id(11), id(40), id(41));
    assert_eq!(
        edges(&scanned, "systemGroup"),
        [
            (&*id(30), &*s40, None),
            (&*g11, &*s40, Some("login")),
            (&*g11, &*s41, Some("sudo")),
            (&*ada, &*s41, Some("sudo"))
        ]
    );
    assert!(
        !scanned.grants().any(|grant| grant.via.iter().flat_map(|path| &path.steps).any(|step| step.name == "S41"))
    );
    assert_same(&scanned, "an empty device group");
}

#[tokio::test]
async fn an_edge_to_what_knows_no_sudo_gives_a_login_whatever_it_carries() {
    let scanned = scanned(|system| system).await;
    assert_eq!(edges(&scanned, "application"), [(&*id(11), &*id(50), Some("login"))]);
}

#[tokio::test]
async fn bindings_count_in_the_section_that_read_them() {
    let scanned = scanned(|system| system).await;
    assert_eq!(edges(&scanned, "JUMPCLOUD_USER_GROUP"), [(&*id(10), &*id(11), None)]);
    let records = |section| scanned.summary.section(section).unwrap().records as usize;
    let of_groups = scanned.bindings().filter(|binding| binding.to.node_type == "JUMPCLOUD_USER_GROUP").count();
    assert_eq!(records(Section::MEMBERSHIPS), scanned.memberships().count() + of_groups);
    assert_eq!(records(Section::GRANTS), scanned.bindings().count() - of_groups);
    let effective = records(Section::PRIVILEGED_GRANTS) + records(Section::OTHER_GRANTS);
    assert_eq!(effective, scanned.grants().count());
}

#[tokio::test]
async fn groups_in_groups_are_bindings_of_the_memberships_and_need_nothing_else() {
    let scanned = scanned(core_alone).await;
    let all: Vec<&str> = scanned.bindings().map(|binding| binding.to.node_type.as_str()).collect();
    assert_eq!(all, ["JUMPCLOUD_USER_GROUP"]);
}

#[tokio::test]
async fn what_an_account_or_group_raises_stands_on_its_row() {
    let scanned = scanned(|system| system).await;
    let raises = |record: Record| serde_json::to_value(record).unwrap()["raises"].clone();
    let sudo = json!({"level": "administer", "word": "sudo"});
    let of_account = raises(scanned.named("ada").clone().into());
    assert_eq!(of_account, json!({"access": sudo, "resourceTypes": ["system"], "raisedBy": "accountSudo"}));
    assert_eq!(raises(scanned.group("G10").clone().into()), json!({"access": sudo, "resourceTypes": ["system"]}));
    assert_eq!(raises(scanned.group("G11").clone().into()), json!(null));
    let grant = scanned.grants().find(|grant| crate::grants::principal_id(grant) == id(1)).unwrap();
    assert_eq!(serde_json::to_value(&grant.access).unwrap(), sudo);
}

#[tokio::test]
async fn the_keys_of_rows_are_the_same_in_the_next_scan_and_no_two_rows_have_one() {
    let keys = |scanned: &Scanned| scanned.records.iter().map(Record::key).collect::<Vec<_>>();
    let simulator = start(SimulatorOptions { events: Some(0), ..small() }).await;
    let (first, second) = (scan(simulated(&simulator)).await, scan(simulated(&simulator)).await);
    assert_eq!(keys(&first), keys(&second));
    let mut distinct = keys(&first);
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), first.records.len());
}
