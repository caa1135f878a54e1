//! Roles of the console: what each may do, and what that means for those who hold it.

use std::collections::BTreeSet;

use crate::support::console::{Content, id};
use crate::support::{Scanned, codes, scan, simulated, small, start};
use connector_api::{Group, Outcome, Section, SectionStatus, Severity};
use jumpcloud_simulator::SimulatorOptions;
use serde_json::{Value, json};

const PATH: &str = "/api/v2/roles";
const ROLE: &str = "JUMPCLOUD_CONSOLE_ROLE";

fn roles(scanned: &Scanned) -> impl Iterator<Item = &Group> {
    scanned.groups().filter(|group| group.group_type == ROLE)
}

#[tokio::test]
async fn every_role_is_what_the_console_has_whether_or_not_somebody_holds_it() {
    let simulator = start(SimulatorOptions { events: Some(0), ..small() }).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator)).await;
    assert_eq!(scanned.status(Section::ROLES), &SectionStatus::Complete);
    assert_eq!(simulator.requests().of("roles"), 1);
    assert_eq!(roles(&scanned).count(), truth.roles().len());
    for (row, role) in roles(&scanned).zip(truth.roles()) {
        assert_eq!((row.external_id.clone(), row.name.as_str()), (role.id(), role.name));
        let mut scopes = role.scopes.to_vec();
        scopes.sort_unstable();
        assert_eq!(row.attributes.get("scopes"), Some(json!(scopes)), "{}", role.name);
        assert_eq!(row.attributes.get("isCustom"), Some(role.is_custom.into()));
        let writes = role.scopes.iter().any(|scope| !scope.ends_with(".readonly") && !scope.ends_with(".self"));
        assert_eq!(row.severity(), Some(if writes { Severity::High } else { Severity::Low }), "{}", role.name);
    }
    let held: BTreeSet<(&str, &str)> = scanned
        .groups()
        .filter(|group| ["JUMPCLOUD_ADMIN_ROLE", "JUMPCLOUD_SERVICE_ACCOUNT_ROLE"].contains(&group.group_type.as_str()))
        .map(|group| (group.external_id.as_str(), group.name.as_str()))
        .collect();
    let all: BTreeSet<(&str, &str)> =
        roles(&scanned).map(|role| (role.external_id.as_str(), role.name.as_str())).collect();
    assert!(held.is_subset(&all) && held.len() < all.len(), "{held:?}");
}

/// An administrator and a service account for each role, and what the console says of the roles.
fn organization(roles: &[(u64, &str, Value)]) -> Content {
    let administrators = roles.iter().map(|(number, name, _)| {
        json!({"_id": id(100 + number), "email": format!("a{number}@x.example"), "role": id(*number), "roleName": name,
            "totpEnrolled": true})
    });
    let programs = roles.iter().map(|(number, ..)| {
        json!({"objectId": id(200 + number), "name": format!("s{number}"), "roleId": id(*number), "status": "ACTIVE"})
    });
    let rows = roles.iter().map(|(number, name, scopes)| json!({"id": id(*number), "name": name, "scopes": scopes}));
    Content::default().list("/api/users", administrators).list("/api/v2/service-accounts", programs).list(PATH, rows)
}

#[tokio::test]
async fn privilege_follows_from_scopes_and_not_from_the_name_of_a_role() {
    let console = organization(&[
        (1, "Read Only", json!(["users", "groups.readonly"])),
        (2, "Super Admin", json!(["users.readonly", "groups.readonly"])),
        (3, "Read Only", json!(null)),
        (4, "Nothing", json!([])),
    ])
    .serve()
    .await;
    let scanned = scan(console.system()).await;
    for (number, severity, words) in
        [(1, Severity::High, ": may change users"), (2, Severity::Low, ": may only read"), (3, Severity::Low, "")]
    {
        for holder in [100 + number, 200 + number] {
            let reason = &scanned.account(&id(holder)).reasons[0];
            assert_eq!((reason.code.as_str(), reason.severity), ("console_role", severity), "{holder}");
            assert!(reason.message.ends_with(&format!("in the JumpCloud console{words}")), "{}", reason.message);
            assert!(reason.details_from.contains(&Section::ROLES), "{reason:?}");
        }
    }
    let privileged: Vec<bool> = roles(&scanned).map(|role| role.privileged).collect();
    assert_eq!(privileged, [true, true, true, false], "who may do nothing is not privileged");
    let nothing: Vec<&Group> = scanned.groups().filter(|group| group.external_id == id(4)).collect();
    assert_eq!(nothing.len(), 3, "the role itself, and as administrators and service accounts hold it");
    assert!(nothing.iter().all(|group| !group.privileged && group.reasons.is_empty()));
    for holder in [104, 204] {
        assert_eq!(scanned.account(&id(holder)).reasons, [], "nor are its holders");
    }
}

#[tokio::test]
async fn a_role_shows_which_sections_of_a_scan_it_could_read() {
    let reads = |scopes: Value| async move {
        let console = organization(&[(1, "Scanner", scopes)]).serve().await;
        let scanned = scan(console.system()).await;
        roles(&scanned).next().unwrap().attributes.get("readableSections")
    };
    assert_eq!(reads(json!(["users.readonly"])).await, Some(json!(["users", "memberships"])));
    assert_eq!(
        reads(json!(["users", "groups", "roles"])).await,
        Some(json!(["users", "groups", "memberships", "roles"]))
    );
    assert_eq!(reads(json!(["anonymous"])).await, Some(json!([])));
    assert_eq!(reads(json!(null)).await, None, "what is not reported is not known");
}

/// Type and id of each role that somebody holds, with its members.
fn held(scanned: &Scanned) -> BTreeSet<(String, String, String)> {
    let of_roles = scanned.memberships().filter(|row| row.group_type.ends_with("_ROLE"));
    of_roles
        .map(|row| (row.group_type.clone(), row.group_external_id.clone(), row.account_external_id.clone()))
        .collect()
}

#[tokio::test]
async fn roles_are_the_same_to_a_host_whether_or_not_the_list_of_them_was_read() {
    let content = || organization(&[(1, "Deploy", json!(["commands"])), (2, "Read Only", json!(["users"]))]);
    let read = scan(content().serve().await.system()).await;
    let refused = scan(content().answer(PATH, 403, json!({"message": "Forbidden"})).serve().await.system()).await;
    let absent = scan(content().answer(PATH, 404, json!({"message": "Not Found"})).serve().await.system()).await;
    let left_out = scan(content().serve().await.system().with_attribute("includeRoles", false)).await;
    let error = refused.unavailable(Section::ROLES);
    assert!(error.remedy.contains("roles.readonly") && error.remedy.contains("includeRoles"), "{}", error.remedy);
    assert_eq!((absent.status(Section::ROLES), absent.summary.outcome), (&SectionStatus::Skipped, Outcome::Complete));
    let note = &absent.summary.section(Section::ROLES).unwrap().notes;
    assert_eq!(note.as_slice(), ["not set up here"]);
    for (scanned, case) in [(&refused, "refused"), (&absent, "absent"), (&left_out, "left out")] {
        assert_eq!(held(scanned), held(&read), "{case}");
        assert_eq!(roles(scanned).count(), 0, "{case}");
        let subject = |scanned: &Scanned| scanned.account(&id(102)).reasons[0].key().1.map(str::to_owned);
        assert_eq!(subject(scanned), subject(&read), "{case}: one and the same reason");
        assert_eq!(scanned.account(&id(102)).severity(), Some(Severity::Low), "{case}: only its name is known");
    }
    assert_eq!(read.account(&id(102)).severity(), Some(Severity::High));
}

#[tokio::test]
async fn whatever_a_role_is_made_of_the_scan_goes_on() {
    let rows = [
        json!({"id": id(1), "name": null, "scopes": {"users": true}, "isCustom": "yes", "organizationIds": 7}),
        json!({"id": "", "name": "=cmd|' /C calc'!A0", "scopes": [null, 7, "users", "users"], "description": ["x"]}),
    ];
    let console = Content::default().list(PATH, rows).serve().await;
    let scanned = scan(console.system()).await;
    assert_eq!(scanned.status(Section::ROLES), &SectionStatus::Complete);
    let found: Vec<_> =
        roles(&scanned).map(|role| (role.external_id.clone(), role.name.clone(), codes(&role.reasons).len())).collect();
    let name = "=cmd|' /C calc'!A0".to_owned();
    assert_eq!(found, [(id(1), id(1), 1), (name.clone(), name, 1)]);
}
