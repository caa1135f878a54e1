//! Console administrators: accounts of their own kind, roles as groups, links, and what happens without the right.

use std::collections::BTreeSet;

use crate::support::console::{Content, id};
use crate::support::replay::NOW;
use crate::support::{Scanned, codes, scan, simulated, small, start};
use connector_api::{AccountKind, Connector, ConnectorError, ErrorCode, Outcome, Record, Section, SectionStatus};
use connector_jumpcloud::JumpCloud;
use jiff::{SignedDuration, Timestamp};
use jumpcloud_simulator::SimulatorOptions;
use jumpcloud_simulator::organization::{Kind, Node, cast_of_administrators as cast, cast_of_users};
use serde_json::{Value, json};

#[tokio::test]
async fn every_administrator_is_an_account_of_its_own_kind() {
    let simulator = start(small()).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator)).await;
    let accounts: Vec<_> = scanned.accounts().filter(|account| account.kind == AccountKind::ADMINISTRATOR).collect();
    assert_eq!(accounts.len() as u64, truth.administrator_count());
    for (administrator, account) in truth.administrators().zip(accounts) {
        let context = &administrator.email;
        assert_eq!(account.external_id, administrator.id, "{context}");
        assert_eq!((&account.username, account.email.as_ref()), (context, Some(context)));
        let name = format!("{} {}", administrator.given_name, administrator.family_name);
        assert_eq!(account.display_name.as_ref(), Some(&name));
        assert_eq!(account.enabled, Some(!administrator.suspended), "{context}");
        assert_eq!(account.admin, Some(true), "{context}");
        let mfa = account.mfa.as_ref().unwrap();
        let required = administrator.mfa || truth.requires_admin_mfa();
        assert_eq!((mfa.configured, mfa.required), (Some(administrator.mfa), Some(required)), "{context}");
        assert_eq!(account.created_at, Some(administrator.created), "{context}");
        assert_eq!(
            account.attributes.get("apiKeySet"),
            Some(administrator.api_key_created_at.is_some().into()),
            "{context}"
        );
        assert_eq!(account.attributes.get("apiKeyUpdatedAt").is_some(), administrator.api_key_created_at.is_some());
        assert_eq!(account.attributes.get("suspended"), Some(administrator.suspended.into()));
        assert_eq!(account.attributes.get("roleNames"), Some(json!([administrator.role])), "{context}");
        assert_eq!(account.attributes.get("apiKeyHash"), None);
    }
}

#[tokio::test]
async fn roles_are_groups_with_the_administrators_as_members() {
    let simulator = start(SimulatorOptions { users: 6_000, systems: 0, events: Some(0), groups: 0, ..small() }).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator)).await;
    let expected: BTreeSet<_> =
        truth.administrators().map(|administrator| (administrator.role.to_owned(), administrator.email)).collect();
    let rows = scanned.memberships().filter(|row| row.group_type == "JUMPCLOUD_ADMIN_ROLE");
    let found: BTreeSet<_> = rows.map(|row| (row.group_name.clone(), row.username.clone())).collect();
    assert_eq!(found, expected);
    let roles: Vec<_> = scanned.groups().filter(|group| group.group_type == "JUMPCLOUD_ADMIN_ROLE").collect();
    assert_eq!(roles.len(), expected.iter().map(|(role, _)| role).collect::<BTreeSet<_>>().len());
    for role in roles {
        let members = expected.iter().filter(|(name, _)| *name == role.name).count();
        assert_eq!(role.member_count, Some(members as u64), "{}", role.name);
        assert!(role.privileged && codes(&role.reasons) == ["console_role"], "{}", role.name);
    }
}

#[tokio::test]
async fn a_role_keeps_how_many_hold_it_when_the_administrators_were_not_read_completely() {
    let simulator = start(SimulatorOptions { users: 60, systems: 0, events: Some(0), groups: 2, ..small() }).await;
    let known = scan(simulated(&simulator)).await;
    let mut later = scan(simulated(&simulator)).await;
    for row in &mut later.records {
        if let Record::Group(group) = row {
            group.member_count = Some(1_000);
        }
    }
    let reports = &mut later.summary.sections;
    let report = reports.iter_mut().find(|report| report.section == Section::ADMINISTRATORS).unwrap();
    report.status = SectionStatus::Incomplete { error: ConnectorError::cancelled() };
    let plan = later.summary.replacement(&JumpCloud::describe());
    let rows = plan.apply(known.records.clone(), later.records.clone()).unwrap();
    let of_host = Scanned { records: rows, ..later };
    let counts = |scanned: &Scanned, of_type: &str| {
        let groups = scanned.groups().filter(|group| group.group_type == of_type);
        groups.map(|group| (group.external_id.clone(), group.member_count)).collect::<BTreeSet<_>>()
    };
    let roles = counts(&known, "JUMPCLOUD_ADMIN_ROLE");
    assert!(!roles.is_empty());
    assert_eq!(counts(&of_host, "JUMPCLOUD_ADMIN_ROLE"), roles);
    let crews = counts(&of_host, "JUMPCLOUD_USER_GROUP");
    assert!(!crews.is_empty() && crews.iter().all(|(_, count)| *count == Some(1_000)), "{crews:?}");
}

#[tokio::test]
async fn a_shared_address_links_both_accounts_and_merges_neither() {
    let simulator = start(small()).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator)).await;
    for (administrator, user) in
        [(cast::HEAD_OF_IT, cast_of_users::HEAD_OF_IT), (cast::SAME_EMAIL, cast_of_users::ON_CALL_ENGINEER)]
    {
        let administrator = scanned.account(&truth.id(Node::new(Kind::Administrator, administrator)));
        let user = scanned.account(&truth.id(Node::new(Kind::User, user)));
        assert_eq!(administrator.email, user.email);
        assert_ne!(administrator.username, user.username);
        for (here, there) in [(administrator, user), (user, administrator)] {
            let links: Vec<_> =
                here.links.iter().map(|link| (&link.external_id, &link.kind, &*link.evidence)).collect();
            assert_eq!(links, [(&there.external_id, &there.kind, "sharedEmail")]);
        }
    }
    let people = scanned.accounts().filter(|account| account.kind != AccountKind::LOCAL_ACCOUNT);
    let linked = people.filter(|account| !account.links.is_empty()).count();
    assert_eq!(linked, 4, "nobody else is linked");
}

#[tokio::test]
async fn links_hold_in_both_directions_whatever_they_rest_on() {
    let console = Content::default()
        .list("/api/systemusers", [
            json!({"_id": id(1), "username": "ada", "email": "Ada@X.example", "admin": {"id": id(9), "roleName": "Manager"}}),
            json!({"_id": id(2), "username": "ada.two", "email": "ada@x.example"}),
        ])
        .list("/api/users", [
            json!({"_id": id(8), "email": "ADA@x.example", "role": "Owner"}),
            json!({"_id": id(9), "email": "other@x.example"}),
        ])
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let links = |number: u64| -> Vec<(String, String)> {
        let account = scanned.account(&id(number));
        account.links.iter().map(|link| (link.external_id.clone(), link.evidence.clone())).collect()
    };
    let link = |number: u64, evidence: &str| (id(number), evidence.to_owned());
    assert_eq!(links(1), [link(8, "sharedEmail"), link(9, "declaredByTarget")]);
    assert_eq!(links(2), [link(8, "sharedEmail")]);
    assert_eq!(links(8), [link(1, "sharedEmail"), link(2, "sharedEmail")]);
    assert_eq!(links(9), [link(1, "declaredByTarget")]);
    let roles: Vec<_> = scanned.groups().map(|group| group.name.as_str()).collect();
    assert_eq!(roles, ["Owner"], "a role is taken as it comes");
    assert!(codes(&scanned.account(&id(1)).reasons).contains(&"console_administrator"));
}

#[tokio::test]
async fn no_link_leads_to_an_administrator_who_was_not_read() {
    let user =
        json!({"_id": id(1), "username": "ada", "email": "a@x.example", "admin": {"id": id(9), "roleName": "Manager"}});
    let other = json!({"_id": id(8), "email": "b@x.example"});
    let content = || Content::default().list("/api/systemusers", [user.clone()]);
    let gone = content().list("/api/users", [other]).serve().await;
    let refused = content().answer("/api/users", 403, json!({})).serve().await;
    for (system, case) in [
        (gone.system(), "not in the list"),
        (refused.system(), "refused"),
        (gone.system().with_attribute("includeAdministrators", false), "left out"),
    ] {
        let scanned = scan(system).await;
        let ada = scanned.account(&id(1));
        assert!(ada.links.is_empty(), "{case}: {:?}", ada.links);
        assert!(codes(&ada.reasons).contains(&"console_administrator"), "{case}");
        assert_eq!(ada.attributes.get("admin").unwrap()["id"], id(9), "{case}: what JumpCloud says is kept");
    }
}

#[tokio::test]
async fn a_stale_key_a_suspended_one_and_one_without_mfa_show() {
    let simulator = start(small()).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator)).await;
    let of = |index| scanned.account(&truth.id(Node::new(Kind::Administrator, index)));
    let stale = of(cast::STALE_API_KEY);
    let reason = stale.reasons.iter().find(|reason| reason.code == "stale_api_key").unwrap();
    let made = Timestamp::now() - SignedDuration::from_hours(24 * 2200);
    assert_eq!(reason.message, format!("has had the same API key since {}", made.strftime("%F")));
    assert!(!codes(&of(cast::HEAD_OF_IT).reasons).contains(&"stale_api_key"), "20 days are not old");
    let suspended = of(cast::SUSPENDED);
    assert_eq!(suspended.enabled, Some(false));
    assert!(codes(&suspended.reasons).contains(&"privileged_but_disabled"));
    assert!(codes(&of(cast::WITHOUT_USER).reasons).contains(&"privileged_without_mfa"));
    let tolerant = scan(simulated(&simulator).with_attribute("staleApiKeyDays", 3650)).await;
    let stale = tolerant.account(&truth.id(Node::new(Kind::Administrator, cast::STALE_API_KEY)));
    assert!(!codes(&stale.reasons).contains(&"stale_api_key"));
}

#[tokio::test]
async fn only_an_api_key_that_can_be_used_is_evidence() {
    let key = |number: u64, allowed: Value, made: &str, expires: Value| {
        json!({"_id": id(number), "email": format!("a{number}@x.example"), "totpEnrolled": true, "apiKeySet": true,
            "apiKeyAllowed": allowed, "apiKeyHash": {"createdAt": made, "expireAt": expires}})
    };
    let (old, new) = ("2020-01-02T00:00:00Z", "2026-11-20T00:00:00Z");
    let console = Content::default()
        .at(NOW.parse().unwrap())
        .list("/api/systemusers", [json!({"_id": id(1), "username": "ada"})])
        .list(
            "/api/users",
            [
                key(11, json!(true), old, json!("2026-11-25T23:59:59Z")),
                key(12, json!(false), old, json!(null)),
                key(13, json!(true), new, json!(null)),
                key(14, json!(null), old, json!("2026-11-26T00:00:01Z")),
                key(15, json!(true), new, json!("2027-02-20T00:00:00Z")),
                json!({"_id": id(16), "email": "a16@x.example", "totpEnrolled": true, "apiKeySet": true,
                    "apiKeyUpdatedAt": old}),
                json!({"_id": id(17), "email": "a17@x.example", "totpEnrolled": true, "apiKeySet": false}),
            ],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let stale = "has had the same API key since 2020-01-02";
    for (number, expected) in [
        (11, vec![]),
        (12, vec![]),
        (13, vec!["has an API key that never expires, created on 2026-11-20"]),
        (14, vec![stale]),
        (15, vec![]),
        (16, vec![stale]),
        (17, vec![]),
    ] {
        let account = scanned.account(&id(number));
        let keys = account.reasons.iter().filter(|reason| reason.code.contains("api_key"));
        assert_eq!(keys.map(|reason| reason.message.as_str()).collect::<Vec<_>>(), expected, "{number}");
    }
    let expires = scanned.account(&id(15)).attributes.get("apiKeyExpireAt");
    assert_eq!(expires, Some("2027-02-20T00:00:00Z".into()));
}

#[tokio::test]
async fn a_role_is_known_by_its_id_whatever_its_name() {
    let (desk, custom) = ("5c3536e9e0a6840c99e3d1a1", "5c3536e9e0a6840c99e3d1a2");
    let administrator = |number: u64, more: Value| {
        let mut row = json!({"_id": id(number), "email": format!("a{number}@x.example")});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    let console = Content::default()
        .list("/api/systemusers", [json!({"_id": id(1), "username": "ada"})])
        .list(
            "/api/users",
            [
                administrator(11, json!({"role": desk})),
                administrator(12, json!({"role": desk, "roleName": "Help Desk"})),
                administrator(13, json!({"roleName": "Help Desk"})),
                administrator(14, json!({"roles": [custom.to_uppercase()], "roleNames": ["Auditors"]})),
                administrator(15, json!({"role": custom})),
                administrator(16, json!({"role": "Owner"})),
            ],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let roles: Vec<_> = scanned
        .groups()
        .map(|role| (role.external_id.as_str(), role.name.as_str(), role.member_count.unwrap()))
        .collect();
    assert_eq!(roles, [(custom, "Auditors", 2), (desk, "Help Desk", 3), ("Owner", "Owner", 1)]);
    let holders: Vec<_> = scanned
        .memberships()
        .filter(|row| row.group_external_id == desk)
        .map(|row| (row.group_name.as_str(), row.account_external_id.clone()))
        .collect();
    assert_eq!(holders, [11, 12, 13].map(|number| ("Help Desk", id(number))));
}

#[tokio::test]
async fn what_the_key_may_not_read_is_unavailable_with_the_scope_that_is_needed_and_what_is_absent_without() {
    for (scope, section, needed) in [
        ("administrators", Section::ADMINISTRATORS, "administrators.readonly"),
        ("systems", Section::SYSTEMS, "systems.readonly"),
        ("applications", Section::APPLICATIONS, "applications.readonly"),
        ("directories", Section::DIRECTORIES, "directories.readonly"),
        ("insights.events", Section::LAST_LOGIN, "directoryinsights.readonly"),
    ] {
        for status in [403, 404] {
            let faults = vec![format!("status={status}:on={scope}").parse().unwrap()];
            let simulator = start(SimulatorOptions { faults, ..small() }).await;
            let scanned = scan(simulated(&simulator)).await;
            assert_eq!(scanned.summary.outcome, Outcome::Incomplete, "{scope} {status}");
            let error = scanned.unavailable(section);
            let code = if status == 403 { ErrorCode::Forbidden } else { ErrorCode::NotFound };
            assert_eq!(error.code, code, "{scope}");
            let advice =
                format!("give the key's administrator the role Administrator, or a role with the scope {needed}");
            assert_eq!(error.remedy.contains(&advice), status == 403, "{error:?}");
            assert_eq!(error.remedy.contains("role"), status == 403, "{error:?}");
            assert_eq!(error.message.contains("the target does not have it"), status == 404, "{error:?}");
            assert!(error.remedy.contains("to false"), "{error:?}");
            assert_eq!(scanned.accounts().filter(|account| account.kind == AccountKind::USER).count(), 120);
        }
    }
}

#[tokio::test]
async fn grants_are_not_whole_where_what_they_refer_to_is_not() {
    let simulator = start(SimulatorOptions { forbidden: vec!["applications".parse().unwrap()], ..small() }).await;
    let scanned = scan(simulated(&simulator)).await;
    let error = scanned.status(Section::GRANTS).error().unwrap();
    assert!(error.message.starts_with("applications: "), "{error:?}");
    assert!(scanned.grants().count() > 0, "what could be read is there");
}

#[tokio::test]
async fn what_may_be_a_secret_in_an_unknown_field_is_in_no_row() {
    let planted = |row: Value| {
        let mut row = row;
        for name in ["password", "apiKey", "totpSecret", "sessionToken", "private_key", "client-secret"] {
            row[name] = json!({"value": ["hunter2"]});
        }
        row["password_never_expires"] = json!(true);
        row
    };
    let hash =
        json!({"createdAt": "2026-01-01T00:00:00Z", "expireAt": null, "prefix": "jca_1234hunter2", "hash": "hunter2"});
    let (_console, scanned) = Content::default()
        .list("/api/systemusers", [planted(json!({"_id": id(1), "username": "a"}))])
        .list(
            "/api/users",
            [planted(json!({"_id": id(2), "email": "b@x.example", "apiKeySet": true, "apiKeyHash": hash}))],
        )
        .list("/api/v2/usergroups", [planted(json!({"id": id(3), "name": "g", "attributes": null}))])
        .list("/api/v2/systemgroups", [planted(json!({"id": id(4), "name": "s"}))])
        .scanned()
        .await;
    let text = serde_json::to_string(&scanned.records).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("password_never_expires") && text.contains("jca_1234"), "{text}");
}
