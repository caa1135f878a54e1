//! Users, groups and memberships: every one, field by field, as the directory holds them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::support::console::{Content, id};
use crate::support::{connect, core_alone, one, scan, simulated, small, start, try_scan, wire};
use connector_api::{
    AccountKind, AccountType, Connector, ErrorCode, Outcome, Record, ScanRequest, Section, SectionStatus, Stage,
};
use connector_jumpcloud::JumpCloud;
use jumpcloud_simulator::organization::{Organization, UserRole, UserState};
use jumpcloud_simulator::{SimulatorOptions, UsersEndpoint};
use serde_json::{Value, json};

/// Wire fields that a named field takes over as they are; every other one has to be in the attributes.
const TAKEN_OVER: [&str; 9] =
    ["_id", "id", "username", "email", "displayname", "state", "employeeIdentifier", "department", "description"];

#[tokio::test]
async fn every_account_is_what_the_directory_holds() {
    let simulator = start(SimulatorOptions { users: 300, ..small() }).await;
    let truth = simulator.organization();
    let scanned = scan(core_alone(simulated(&simulator))).await;
    assert_eq!(scanned.accounts().count() as u64, truth.users().count() as u64);
    let mut odd_names = 0;
    for (user, account) in truth.users().zip(scanned.accounts()) {
        let context = format!("user {}", user.username);
        assert_eq!(account.external_id, user.id, "in the order of ids");
        assert_eq!(account.kind, AccountKind::USER, "{context}");
        assert_eq!(account.username, user.username);
        assert_eq!(account.email.as_ref(), Some(&user.email), "{context}");
        let full_name = format!("{} {}", user.given_name, user.family_name);
        let shown = if user.display_name.is_empty() { &full_name } else { &user.display_name };
        assert_eq!(account.display_name.as_ref(), Some(shown), "{context}");
        odd_names += usize::from(shown.contains([',', '"', '\n']) || !shown.is_ascii());
        let enabled = user.state == UserState::Activated && user.activated;
        assert_eq!(account.enabled, Some(enabled), "{context}");
        assert_eq!(account.state.as_deref(), user.modern.then(|| user.state.name()), "{context}");
        assert_eq!(account.locked, Some(user.locked_at.is_some()), "{context}");
        let mfa = account.mfa.as_ref().unwrap();
        assert_eq!(mfa.configured, Some(user.mfa.configured), "{context}");
        assert_eq!(mfa.required, Some(user.mfa.required), "{context}");
        assert_eq!(mfa.excluded, Some(user.mfa.excluded_until.is_some()), "{context}");
        assert_eq!(mfa.enrollment.as_deref(), user.modern.then_some(user.mfa.status), "{context}");
        assert_eq!(mfa.factors.contains(&"totp".to_owned()), user.mfa.totp, "{context}");
        assert_eq!(account.admin.unwrap_or_default(), user.administrator.is_some(), "{context}");
        assert_eq!(account.employee_id, user.employee_id, "{context}");
        assert_eq!(account.department.as_deref(), Some(user.department), "{context}");
        assert_eq!(account.created_at, Some(user.created), "{context}");
        assert_eq!(account.source.as_deref(), user.source, "{context}");
        assert_eq!(account.description.as_deref(), Some(user.description.as_str()).filter(|it| !it.is_empty()));
        let password = account.password.as_ref().unwrap();
        let millis = |time: Option<jiff::Timestamp>| time.map(|time| time.as_millisecond());
        assert_eq!(millis(password.changed_at), millis(user.password_set_at), "{context}");
        assert_eq!(millis(password.expires_at), millis(user.password_expires_at), "{context}");
        assert_eq!(password.expired, Some(user.password_expired), "{context}");
        let never = user.password_set_at.is_some() && user.password_expires_at.is_none();
        assert_eq!(password.never_expires, Some(never), "{context}");
        let kind = match user.role {
            UserRole::LdapBinding | UserRole::Samba => Some(AccountType::NonHuman),
            _ => user.employee_id.as_ref().map(|_| AccountType::Human),
        };
        assert_eq!(account.account_type, kind, "{context}");
    }
    assert!(odd_names > 20, "the organisation has odd names");
}

#[tokio::test]
async fn an_absurd_total_ends_the_scan_and_the_plan_as_inconsistent() {
    let user = json!({"_id": id(1), "username": "ada", "state": "ACTIVATED"});
    for total in [1 << 63, usize::MAX] {
        let content = Content::default().list("/api/systemusers", [user.clone()]).total("/api/systemusers", total);
        let console = content.serve().await;
        let failure = try_scan(core_alone(console.system())).await.unwrap_err();
        assert_eq!(failure.error().code, ErrorCode::InconsistentListing);
        let connector = connect(console.system()).unwrap();
        let error = connector.plan(&ScanRequest::default()).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InconsistentListing);
    }
}

#[tokio::test]
async fn every_other_field_reaches_the_attributes_as_it_came() {
    let simulator = start(small()).await;
    let scanned = scan(core_alone(simulated(&simulator))).await;
    for row in wire(&simulator, "/api/systemusers?sort=_id").await {
        let account = scanned.account(row["_id"].as_str().unwrap());
        for (name, value) in row.as_object().unwrap() {
            let taken_over = TAKEN_OVER.contains(&name.as_str()) && value != "";
            match account.attributes.get(name) {
                Some(kept) => assert_eq!((&kept, taken_over), (value, false), "{name} of {}", account.username),
                None => assert!(taken_over || value.is_null(), "{name} of {} is lost", account.username),
            }
        }
    }
}

#[tokio::test]
async fn every_group_is_what_the_directory_holds() {
    let simulator = start(SimulatorOptions { groups: 140, ..small() }).await;
    let scanned = scan(core_alone(simulated(&simulator))).await;
    let rows = wire(&simulator, "/api/v2/usergroups?sort=name").await;
    assert_eq!(scanned.groups().count(), rows.len());
    for (row, group) in rows.iter().zip(scanned.groups()) {
        let row = &one(&simulator, &format!("/api/v2/usergroups/{}", row["id"].as_str().unwrap())).await;
        assert_eq!(group.external_id, row["id"].as_str().unwrap());
        assert_eq!(group.name, row["name"].as_str().unwrap());
        assert_eq!(group.group_type, "JUMPCLOUD_USER_GROUP");
        assert_eq!(group.description.as_deref(), row["description"].as_str().filter(|text| !text.is_empty()));
        assert_eq!(group.membership_method.as_deref(), row["membershipMethod"].as_str());
        for name in ["email", "attributes", "memberQuery", "memberQueryExemptions", "suggestionCounts"] {
            let value = row.get(name).filter(|value| !value.is_null());
            assert_eq!(group.attributes.get(name).as_ref(), value, "{name} of {}", group.name);
        }
        let rows = scanned.memberships().filter(|row| row.group_external_id == group.external_id).count();
        assert_eq!(group.member_count, Some(rows as u64), "{}", group.name);
    }
    assert!(scanned.groups().any(|group| group.attributes.get("memberQuery").is_some()));
    assert!(scanned.groups().any(|group| group.member_count == Some(0)));
}

/// Who is in a group, by the truth alone: the direct members, and those of all groups below.
fn members(truth: &Organization, group: u64) -> BTreeMap<u64, bool> {
    let mut members: BTreeMap<u64, bool> = truth.group_users(group).into_iter().map(|user| (user, true)).collect();
    let (mut open, mut seen) = (truth.nested_groups(group), HashSet::from([group]));
    while let Some(below) = open.pop() {
        if seen.insert(below) {
            open.extend(truth.nested_groups(below));
            for user in truth.group_users(below) {
                members.entry(user).or_insert(false);
            }
        }
    }
    members
}

#[tokio::test]
async fn every_membership_is_what_the_directory_holds_nested_ones_with_their_way() {
    let simulator = start(small()).await;
    let truth = simulator.organization();
    let scanned = scan(core_alone(simulated(&simulator))).await;
    let index = |id: &str| truth.user_groups().find(|group| group.id == id).unwrap().index;
    let mut expected = BTreeSet::new();
    for group in truth.user_groups() {
        for (user, direct) in members(&truth, group.index) {
            let user = truth.user(user);
            expected.insert((group.id.clone(), group.name.clone(), user.id, user.username, direct));
        }
    }
    let mut found = BTreeSet::new();
    for row in scanned.memberships() {
        let key = (row.group_external_id.clone(), row.group_name.clone());
        assert!(
            found.insert((key.0, key.1, row.account_external_id.clone(), row.username.clone(), row.direct)),
            "twice: {row:?}"
        );
        assert_eq!(row.direct, row.via.is_empty());
        // Each step is a member of the next one, and the account of the first.
        let way: Vec<u64> = row.via.iter().map(|step| index(&step.external_id)).collect();
        let user = truth.users().find(|user| user.id == row.account_external_id).unwrap().index;
        let own = way.first().copied().unwrap_or_else(|| index(&row.group_external_id));
        assert!(truth.group_users(own).contains(&user), "{row:?}");
        for (below, above) in way.iter().zip(way.iter().skip(1).chain([&index(&row.group_external_id)])) {
            assert!(truth.nested_groups(*above).contains(below), "{row:?}");
        }
    }
    assert_eq!(found, expected);
    assert!(expected.iter().any(|(.., direct)| !direct), "some are nested");
}

#[tokio::test]
async fn both_endpoints_and_both_shapes_give_the_same_accounts() {
    let mut accounts = Vec::new();
    for (served, wanted, endpoint) in [
        (UsersEndpoint::SystemUsers, "auto", "/api/systemusers"),
        (UsersEndpoint::SystemUsersV2NotAllowed, "auto", "/api/systemusers"),
        (UsersEndpoint::SystemUsers, "systemusers", "/api/systemusers"),
        (UsersEndpoint::V2, "auto", "/api/v2/users"),
        (UsersEndpoint::Both, "auto", "/api/v2/users"),
        (UsersEndpoint::Both, "systemusers", "/api/systemusers"),
        (UsersEndpoint::V2, "v2", "/api/v2/users"),
    ] {
        let now = "2026-06-01T12:00:00Z".parse().unwrap();
        let simulator = start(SimulatorOptions { users_endpoint: served, now, ..small() }).await;
        let system = core_alone(simulated(&simulator)).with_attribute("usersEndpoint", wanted);
        let scanned = scan(system).await;
        assert_eq!(scanned.summary.facts["usersEndpoint"], endpoint, "{served:?} {wanted}");
        accounts.push(scanned.accounts().cloned().collect::<Vec<_>>());
    }
    assert!(accounts[0].len() == 120 && accounts.iter().all(|these| these == &accounts[0]));
}

#[tokio::test]
async fn an_endpoint_that_was_asked_for_and_is_not_served_fails_the_scan() {
    let simulator = start(small()).await;
    let failure = try_scan(core_alone(simulated(&simulator)).with_attribute("usersEndpoint", "v2")).await.unwrap_err();
    assert_eq!(failure.error().code, ErrorCode::NotFound);
    assert_eq!(failure.summary().outcome, Outcome::Failed);
}

#[tokio::test]
async fn the_groups_are_read_while_the_list_of_users_is_looked_for() {
    let content = Content::default().after("/api/systemusers", "/api/v2/usergroups");
    let (_console, scanned) = content.scanned().await;
    assert_eq!(scanned.summary.outcome, Outcome::Complete);
}

#[tokio::test]
async fn a_list_of_users_that_fails_is_the_error_of_the_scan_even_if_the_groups_fail_before() {
    for groups in [200, 500] {
        let content = Content::default()
            .after("/api/systemusers", "/api/v2/usergroups")
            .answer("/api/systemusers", 403, json!({"message": "Forbidden"}))
            .answer("/api/v2/usergroups", groups, json!([]));
        let console = content.serve().await;
        let system = console.system().with_attribute("retryWaitMilliseconds", 1).with_attribute("attempts", 2);
        let failure = try_scan(system).await.unwrap_err();
        assert_eq!(failure.error().code, ErrorCode::Forbidden, "groups: {groups}");
        let users = failure.summary().section(Section::USERS).unwrap();
        let SectionStatus::Incomplete { error } = &users.status else { panic!("{:?}", users.status) };
        assert_eq!(error.code, ErrorCode::Forbidden, "groups: {groups}");
    }
}

#[tokio::test]
async fn where_one_listing_of_users_is_empty_the_other_is_asked() {
    let user = json!({"_id": id(1), "username": "ada"});
    let console = Content::default().list("/api/v2/users", []).list("/api/systemusers", [user]).serve().await;
    let scanned = scan(console.system()).await;
    assert_eq!(scanned.accounts().count(), 1);
    assert_eq!(scanned.summary.facts["usersEndpoint"], "/api/systemusers");
}

#[tokio::test]
async fn no_users_is_a_warning() {
    let simulator = start(SimulatorOptions { users: 0, ..small() }).await;
    let scanned = scan(core_alone(simulated(&simulator))).await;
    assert_eq!(scanned.accounts().count(), 0);
    assert!(scanned.summary.warnings.iter().any(|warning| warning.starts_with("no_users: ")), "{:?}", scanned.summary);
}

#[tokio::test]
async fn null_unknown_and_wrong_typed_fields_never_break_a_scan() {
    for fault in ["null-fields", "unknown-fields", "wrong-types"] {
        let faults = vec![fault.parse().unwrap()];
        let simulator = start(SimulatorOptions { faults, ..small() }).await;
        let scanned = scan(simulated(&simulator)).await;
        assert_eq!(scanned.accounts().filter(|account| account.kind == AccountKind::USER).count(), 120, "{fault}");
        for report in &scanned.summary.sections {
            assert_eq!(report.status, SectionStatus::Complete, "{fault}: {}", report.section);
        }
    }
}

#[tokio::test]
async fn what_is_missing_null_or_odd_leaves_an_account_with_the_rest() {
    let console = Content::default()
        .list(
            "/api/systemusers",
            [
                json!({"_id": id(1)}),
                json!({"_id": id(2), "id": id(2), "username": "", "email": "two@x.example", "admin": null}),
                json!({"id": id(3), "username": "three, \"III\"", "displayname": "Line\nbreak 🎉", "activated": "yes", "mfa": [], "created": 7}),
            ],
        )
        .serve()
        .await;
    let scanned = scan(core_alone(console.system())).await;
    let names: Vec<&str> = scanned.accounts().map(|account| account.username.as_str()).collect();
    assert_eq!(names, [id(1).as_str(), "two@x.example", "three, \"III\""]);
    let [one, two, three] = [1, 2, 3].map(|number| scanned.account(&id(number)));
    assert_eq!((one.enabled, one.admin, one.display_name.as_ref()), (None, None, Some(&id(1))));
    assert_eq!(two.admin, Some(false));
    assert_eq!(three.display_name.as_deref(), Some("Line\nbreak 🎉"));
    assert_eq!((three.enabled, three.attributes.get("activated")), (None, Some(json!("yes"))));
}

#[tokio::test]
async fn names_are_unique_and_the_same_in_every_row() {
    let user =
        |number: u64, name: &str| json!({"_id": id(number), "username": name, "email": format!("{name}@x.example")});
    let administrator = |number: u64, email: &str| json!({"_id": id(number), "email": email, "roleName": "Manager"});
    let member = |number: u64| json!({"to": {"id": id(number), "type": "user"}});
    let console = Content::default()
        .list("/api/systemusers", [user(1, "ada"), user(2, "ada"), user(3, "root@x.example")])
        .list("/api/users", [administrator(8, "root@x.example"), administrator(9, "eve@x.example")])
        .list("/api/v2/usergroups", [json!({"id": id(20), "name": "All"})])
        .list(&format!("/api/v2/usergroups/{}/members", id(20)), [member(1), member(2), member(3)])
        .list("/api/systems", [json!({"_id": id(30), "hostname": "h"})])
        .edges(
            &format!("/api/v2/usergroups/{}/associations?targets=system", id(20)),
            "system",
            [(id(30).as_str(), json!(null))],
        )
        .edges(
            &format!("/api/v2/systems/{}/associations?targets=user_group", id(30)),
            "user_group",
            [(id(20).as_str(), json!(null))],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let names: BTreeMap<&str, &str> =
        scanned.accounts().map(|account| (account.external_id.as_str(), account.username.as_str())).collect();
    let second = format!("ada#{}", id(2));
    let eighth = format!("root@x.example#{}", id(8));
    let expected = [(1, "ada"), (2, &second), (3, "root@x.example"), (8, &eighth), (9, "eve@x.example")];
    assert_eq!(names.values().copied().collect::<Vec<_>>(), expected.map(|(_, name)| name));
    assert_eq!(
        scanned.account(&id(2)).attributes.get("username"),
        Some("ada".into()),
        "the name on the target is kept"
    );
    for row in scanned.memberships() {
        assert_eq!(row.username, names[row.account_external_id.as_str()]);
    }
    let mut granted = 0;
    for grant in scanned.grants() {
        if let connector_api::Principal::Account { external_id, username } = &grant.principal {
            assert_eq!(username, names[external_id.as_str()]);
            granted += 1;
        }
    }
    assert_eq!((scanned.memberships().count(), granted), (5, 3));
}

/// Rows as text, without the times at which the scan was made.
fn timeless(records: &[Record]) -> Vec<String> {
    let text = |record: &Record| {
        let mut value = serde_json::to_value(record).unwrap();
        if let Some(login) = value.get_mut("lastLogin").and_then(Value::as_object_mut) {
            login.remove("since");
        }
        value.to_string()
    };
    records.iter().map(text).collect()
}

#[tokio::test]
async fn two_scans_of_the_same_organisation_give_the_same_rows_in_the_same_order() {
    let simulator = start(small()).await;
    let first = scan(simulated(&simulator)).await;
    let second = scan(simulated(&simulator).with_attribute("concurrency", 3)).await;
    assert_eq!(timeless(&first.records), timeless(&second.records));
}

#[tokio::test]
async fn every_section_says_that_it_begins_and_that_it_is_done() {
    let simulator = start(small()).await;
    let scanned = scan(simulated(&simulator)).await;
    for section in JumpCloud::describe().sections.into_iter().map(|described| described.section) {
        let of_section: Vec<_> = scanned.progress.iter().filter(|progress| progress.section == section).collect();
        let (first, last) = (of_section.first().unwrap(), of_section.last().unwrap());
        assert_eq!((first.stage, first.done, first.requests), (Stage::Reading, 0, 0), "{section}");
        assert_eq!(last.stage, Stage::Done, "{section}");
        assert!(of_section.is_sorted_by_key(|progress| progress.done), "{section}");
    }
}
