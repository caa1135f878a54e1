//! Local administrators of devices: from the list of devices, and from System Insights where it is served.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::console::{Console, Content, id};
use crate::support::{Scanned, codes, scan, simulated, small, start};
use connector_access::RowsBuilder;
use connector_api::{
    Access, AccessLevel, Account, AccountKind, Connector, NodeKind, Outcome, Record, Section, SectionStatus, Severity,
};
use connector_jumpcloud::JumpCloud;
use jumpcloud_simulator::SimulatorOptions;
use serde_json::{Value, json};

const INSIGHTS: &str = "/api/v2/systeminsights/users";
const LOCAL: Access = Access::of_word(AccessLevel::Administer, "localAdministrator");

fn local(scanned: &Scanned) -> impl Iterator<Item = &Account> {
    scanned.accounts().filter(|account| account.kind == AccountKind::LOCAL_ACCOUNT)
}

fn names(scanned: &Scanned) -> Vec<&str> {
    local(scanned).map(|account| account.username.as_str()).collect()
}

/// A device with local accounts.
fn device(number: u64, os: &str, metrics: Value) -> Value {
    json!({"_id": id(number), "hostname": format!("h{number}"), "os": os, "userMetrics": metrics})
}

fn metric(name: &str, managed: bool) -> Value {
    json!({"userName": name, "admin": true, "managed": managed, "suspended": false})
}

fn insight(device: u64, name: &str) -> Value {
    json!({"system_id": id(device), "username": name, "admin": true, "collection_time": "2026-11-01T00:00:00Z"})
}

#[tokio::test]
async fn who_administers_a_device_by_the_rows_is_who_does_so_in_the_organisation() {
    let simulator = start(SimulatorOptions { events: Some(0), ..small() }).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator)).await;
    assert_eq!(scanned.status(Section::LOCAL_ACCOUNTS), &SectionStatus::Complete);
    assert_eq!(simulator.requests().of("systeminsights.users"), 1);
    let mut expected = BTreeMap::new();
    for system in truth.systems() {
        for one in truth.local_accounts(&system).filter(|one| one.admin && one.user.is_none()) {
            let id = format!("{}/{}", system.id, one.name);
            expected.insert(
                (system.id.clone(), id),
                (one.suspended, one.real || (one.name == "root" && system.root_login)),
            );
        }
    }
    let mut rows = RowsBuilder::new(&JumpCloud::describe().accesses);
    scanned.records.iter().for_each(|record| rows.enter(record));
    assert_eq!(rows.unmatched(), 0);
    let rows = rows.finish();
    let reverse = connector_access::Reverse::of(rows.graph());
    let mut found = BTreeSet::new();
    for system in truth.systems() {
        let resource = rows.resource("system", &system.id).unwrap();
        let grants = rows.grants_to(&reverse, resource).filter(|grant| grant.access == LOCAL);
        found.extend(grants.map(|grant| (system.id.clone(), grant.principal.external_id().to_owned())));
    }
    assert_eq!(found, expected.keys().cloned().collect());
    let sent: BTreeSet<_> = scanned
        .grants()
        .filter(|grant| grant.access == LOCAL && grant.direct)
        .collect::<Vec<_>>()
        .into_iter()
        .map(|grant| (grant.resource.external_id.clone(), grant.principal.external_id().to_owned()))
        .collect();
    assert_eq!(sent, found, "and as rows");
    for ((_, id), (suspended, is_medium)) in expected {
        let account = scanned.account(&id);
        assert_eq!(account.enabled, Some(!suspended), "{id}");
        let severity = if is_medium { Severity::Medium } else { Severity::Low };
        assert_eq!(account.severity(), (!suspended).then_some(severity), "{id}: what cannot be used is no evidence");
    }
    let linked: Vec<&Account> = local(&scanned).filter(|account| !account.links.is_empty()).collect();
    assert!(!linked.is_empty() && linked.iter().all(|account| account.links[0].evidence == "sameLocalName"));
}

#[tokio::test]
async fn an_account_is_the_users_only_where_jumpcloud_manages_it_and_is_linked_otherwise() {
    let console = Content::default()
        .list(
            "/api/systemusers",
            [
                json!({"_id": id(1), "username": "ada"}),
                json!({"_id": id(2), "username": "grace.hopper", "systemUsername": "grace"}),
            ],
        )
        .list(
            "/api/systems",
            [
                device(
                    10,
                    "Ubuntu",
                    json!([metric("ada", true), metric("grace", false), metric("Ada", false), metric("gone", true)]),
                ),
                device(11, "Windows", json!([metric("ADA", false), metric("GRACE", true)])),
            ],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    assert_eq!(names(&scanned), ["Ada@h10", "gone@h10", "grace@h10", "ADA@h11"]);
    let links = |name: &str| -> Vec<(String, String)> {
        let links = scanned.named(name).links.iter();
        links.map(|link| (link.external_id.clone(), link.evidence.clone())).collect()
    };
    let same = |number| vec![(id(number), "sameLocalName".to_owned())];
    assert_eq!(links("grace@h10"), same(2));
    assert_eq!(links("ADA@h11"), same(1), "on Windows case does not matter");
    assert_eq!(links("Ada@h10"), [], "elsewhere it does");
    let message = |name: &str| scanned.named(name).reasons[0].message.clone();
    assert!(message("grace@h10").ends_with("JumpCloud does not manage the account"));
    assert!(message("gone@h10").ends_with("but no user's accounts have its name"));
}

#[tokio::test]
async fn what_the_sources_say_of_one_account_is_one_row() {
    let suspended = json!({"userName": "old", "admin": true, "managed": false, "suspended": true});
    let console = Content::default()
        .list(
            "/api/systems",
            [
                device(10, "Ubuntu", json!([metric("ops", false), suspended])),
                device(11, "Windows 11", json!([metric("Boss", false)])),
            ],
        )
        .list(
            INSIGHTS,
            [
                json!({"system_id": id(10), "username": "ops", "admin": true, "managed": null, "real_user": false}),
                json!({"system_id": id(10), "username": "old", "admin": true, "suspended": null}),
                json!({"system_id": id(10), "username": "guest", "admin": false}),
                json!({"system_id": id(10), "username": null, "admin": null}),
                json!({"system_id": id(10), "username": "only", "admin": true, "ad_managed": true}),
                json!({"system_id": id(11), "username": "boss", "admin": true}),
                json!({"system_id": id(99), "username": "elsewhere", "admin": true}),
            ],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    assert_eq!(names(&scanned), ["old@h10", "only@h10", "ops@h10", "Boss@h11"]);
    let ops = scanned.named("ops@h10");
    assert_eq!((ops.severity(), ops.enabled), (Some(Severity::Low), Some(true)));
    assert_eq!(ops.attributes.to_map()["managed"], json!(false));
    assert_eq!(scanned.named("only@h10").attributes.to_map()["adManaged"], json!(true));
    let old = scanned.named("old@h10");
    assert_eq!((old.enabled, codes(&old.reasons)), (Some(false), vec![]));
    assert!(scanned.named("only@h10").reasons[0].message.contains("not known whether JumpCloud manages"));
    let report = scanned.summary.section(Section::LOCAL_ACCOUNTS).unwrap();
    assert_eq!((&report.status, report.dangling), (&SectionStatus::Complete, 1));
    let asked = console.asked();
    let limits: Vec<&str> =
        asked.iter().filter(|one| one.path == INSIGHTS).map(|one| one.query["limit"].as_str()).collect();
    assert_eq!(limits, ["10000"], "without a limit a page has 10 rows");
}

#[tokio::test]
async fn names_that_are_taken_or_hostile_keep_rows_apart() {
    let long = "x".repeat(4_000);
    let metrics = json!([
        metric("a:b%c/d", false), metric("", false), metric("  ", false), metric("nul\u{0}\u{1b}[31m\n", false),
        metric(&long, false), metric("root", false), metric("root", false), {"admin": true}, null, "x",
    ]);
    let twin = |number: u64| json!({"_id": id(number), "hostname": "twin", "userMetrics": [metric("root", false)]});
    let console = Content::default()
        .list("/api/systemusers", [json!({"_id": id(1), "username": "root@twin"})])
        .list("/api/systems", [device(10, "Ubuntu", metrics), twin(11), twin(12)])
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let ids: BTreeSet<String> = local(&scanned).map(|account| account.external_id.clone()).collect();
    let expected = [
        format!("{}/a%3Ab%25c/d", id(10)),
        format!("{}/nul\u{0}\u{1b}[31m\n", id(10)),
        format!("{}/root", id(10)),
        format!("{}/root", id(11)),
        format!("{}/root", id(12)),
    ];
    assert_eq!(ids, BTreeSet::from(expected));
    assert_eq!(scanned.account(&format!("{}/root", id(12))).username, format!("root@twin ({})", id(12)));
    let unique: BTreeSet<&str> = scanned.accounts().map(|account| account.username.as_str()).collect();
    assert_eq!(unique.len(), scanned.accounts().count());
    let notes = &scanned.summary.section(Section::LOCAL_ACCOUNTS).unwrap().notes;
    assert_eq!(notes, &["local administrators without a usable name are left out: 4"]);
}

#[tokio::test]
async fn without_system_insights_the_devices_own_list_counts_and_a_note_says_why() {
    for (status, words) in [(404, "not set up"), (402, "not set up")] {
        let (_console, scanned) = Content::default()
            .list("/api/systems", [device(10, "Ubuntu", json!([metric("root", false)]))])
            .answer(INSIGHTS, status, json!({"message": "no"}))
            .scanned()
            .await;
        let report = scanned.summary.section(Section::LOCAL_ACCOUNTS).unwrap();
        assert_eq!(names(&scanned), ["root@h10"], "{status}");
        assert_eq!(
            (&report.status, scanned.summary.outcome),
            (&SectionStatus::Complete, Outcome::Complete),
            "{status}"
        );
        assert!(report.notes.len() == 1 && report.notes[0].contains(words), "{status}: {:?}", report.notes);
    }
    // Where it may be served, the devices' own list is only a part.
    for (status, words) in [(403, "systeminsights.readonly"), (500, "")] {
        let (_console, scanned) = Content::default()
            .list("/api/systems", [device(10, "Ubuntu", json!([metric("root", false)]))])
            .answer(INSIGHTS, status, json!({"message": "no"}))
            .scanned()
            .await;
        let report = scanned.summary.section(Section::LOCAL_ACCOUNTS).unwrap();
        assert_eq!(report.status.as_str(), "incomplete", "{status}");
        assert!(report.status.error().unwrap().remedy.contains(words), "{status}: {report:?}");
    }
}

async fn one_device() -> Console {
    let console = Content::default().list("/api/systems", [device(10, "Ubuntu", json!([metric("root", false)]))]);
    console.list(INSIGHTS, [insight(10, "root")]).serve().await
}

#[tokio::test]
async fn left_out_it_costs_nothing_and_without_devices_nothing_is_local() {
    for attribute in ["includeLocalAccounts", "includeSystems"] {
        let console = one_device().await;
        let scanned = scan(console.system().with_attribute(attribute, false)).await;
        assert_eq!(scanned.status(Section::LOCAL_ACCOUNTS), &SectionStatus::Skipped, "{attribute}");
        assert_eq!(names(&scanned), <[&str; 0]>::default());
        assert!(scanned.grants().all(|grant| grant.access != LOCAL));
        assert!(!console.asked().iter().any(|asked| asked.path == INSIGHTS), "{attribute}");
    }
    let console = Content::default().serve().await;
    assert_eq!(scan(console.system()).await.status(Section::LOCAL_ACCOUNTS), &SectionStatus::Complete);
    assert!(!console.asked().iter().any(|asked| asked.path == INSIGHTS), "nothing to ask for");
}

#[tokio::test]
async fn a_binding_of_a_local_account_belongs_to_this_section_alone() {
    let console = one_device().await;
    let scanned = scan(console.system()).await;
    let binding = scanned.bindings().find(|binding| binding.from.kind == NodeKind::Account).unwrap();
    assert_eq!((binding.access.as_ref(), binding.to.external_id.as_str()), (Some(&LOCAL), id(10).as_str()));
    let row = Record::from(binding.clone());
    let owner = JumpCloud::describe().sections.into_iter().find(|section| {
        section.owns.iter().any(|owned| owned.record == row.kind() && owned.row_type == row.row_type())
    });
    assert_eq!(owner.unwrap().section, Section::LOCAL_ACCOUNTS);
}

#[tokio::test]
async fn a_managed_administrator_is_that_of_the_user_who_may_sign_in_and_has_its_name_on_devices() {
    let user = |number: u64, name: &str, local: Value| json!({"_id": id(number), "username": name, "systemUsername": local, "activated": true});
    let on = |number: u64| format!("/api/v2/systems/{}/associations?targets=user", id(number));
    let sudo = json!({"sudo": {"enabled": true, "withoutPassword": false}});
    let (_console, scanned) = Content::default()
        .list(
            "/api/systemusers",
            [
                user(1, "jsmith", Value::Null),
                user(2, "john.smith", json!("jsmith")),
                user(3, "JSMITH", json!("js")),
                user(4, "ada", json!("")),
                user(5, "grace", json!("GRACE")),
            ],
        )
        .list(
            "/api/systems",
            [
                device(10, "Ubuntu", json!([metric("jsmith", true)])),
                device(11, "Windows", json!([metric("jsmith", true), metric("ada", true), metric("grace", true)])),
            ],
        )
        .edges(&on(10), "user", [(id(2).as_str(), sudo)])
        .edges(
            &on(11),
            "user",
            [3, 4, 5].map(|user| (id(user), json!(null))).each_ref().map(|(id, value)| (id.as_str(), value.clone())),
        )
        .scanned()
        .await;
    let is_accused =
        |number: u64| codes(&scanned.account(&id(number)).reasons).contains(&"local_administrator_not_granted");
    assert_eq!([1, 2, 3, 4, 5].map(is_accused), [false, false, false, true, true]);
}

#[tokio::test]
async fn what_a_device_reports_of_an_account_goes_before_what_system_insights_knew_earlier() {
    let before = |device: u64, name: &str| json!({"system_id": id(device), "username": name, "admin": true});
    let no = |name: &str| json!({"userName": name, "admin": false, "managed": false});
    let (_console, scanned) = Content::default()
        .list(
            "/api/systems",
            [
                device(
                    10,
                    "Ubuntu",
                    json!([no("bob"), {"userName": "eve", "admin": true}, {"userName": "new", "admin": null}]),
                ),
                device(11, "Windows", json!([no("Bob")])),
                device(12, "Ubuntu", json!([no("Bob"), no("x\u{0}bob")])),
            ],
        )
        .list(
            INSIGHTS,
            [
                before(10, "bob"),
                before(10, "new"),
                before(11, "bob"),
                before(12, "bob"),
                // Whether it administers the device is not said here, but it is suspended.
                json!({"system_id": id(10), "username": "eve", "admin": null, "suspended": true}),
                json!({"system_id": id(12), "username": "eve", "admin": null, "suspended": true}),
            ],
        )
        .scanned()
        .await;
    assert_eq!(names(&scanned), ["eve@h10", "new@h10", "bob@h12"]);
    let eve = scanned.named("eve@h10");
    assert_eq!((eve.enabled, codes(&eve.reasons)), (Some(false), vec![]), "what cannot be used is no evidence");
    let report = scanned.summary.section(Section::LOCAL_ACCOUNTS).unwrap();
    assert_eq!((&report.status, report.dangling), (&SectionStatus::Complete, 0));
}

#[tokio::test]
async fn no_managed_administrator_is_lost_where_its_user_has_another_name_or_may_not_sign_in() {
    let user = |number: u64, name: &str, local: Value| json!({"_id": id(number), "username": name, "systemUsername": local, "activated": true});
    let (_console, scanned) = Content::default()
        .list("/api/systemusers", [user(1, "u0", json!("shared")), user(2, "bob", Value::Null)])
        .list("/api/systems", [device(10, "Ubuntu", json!([metric("u0", true), metric("bob", true)]))])
        .scanned()
        .await;
    // On devices, the first user is called "shared": the account "u0" there belongs to nobody known.
    assert_eq!(names(&scanned), ["u0@h10"]);
    let row = scanned.named("u0@h10");
    assert!(row.reasons[0].message.ends_with("but no user's accounts have its name"), "{:?}", row.reasons);
    let report = scanned.summary.section(Section::LOCAL_ACCOUNTS).unwrap();
    let note = report.notes.iter().find(|note| note.contains("may not sign in there"));
    assert!(
        note.is_some_and(|note| note.starts_with("1 ") && note.contains("\"bob\" on \"h10\"")),
        "{:?}",
        report.notes
    );
}
