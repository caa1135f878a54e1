//! Service accounts: what programs sign in with.

use std::collections::BTreeSet;

use crate::support::console::{Content, id};
use crate::support::{codes, scan, simulated, small, start};
use connector_api::{AccountKind, AccountType, Outcome, Section, SectionStatus, Severity};
use jumpcloud_simulator::SimulatorOptions;
use jumpcloud_simulator::organization::cast_of_service_accounts as cast;
use serde_json::{Value, json};

const PATH: &str = "/api/v2/service-accounts";
const ROLE: &str = "JUMPCLOUD_SERVICE_ACCOUNT_ROLE";

#[tokio::test]
async fn every_service_account_is_what_the_console_holds() {
    let simulator = start(SimulatorOptions { events: Some(0), ..small() }).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator)).await;
    assert_eq!(scanned.status(Section::SERVICE_ACCOUNTS), &SectionStatus::Complete);
    assert_eq!(simulator.requests().of("serviceaccounts"), 1);
    let truth_of_maker = truth.administrator(0).id;
    for one in truth.service_accounts() {
        let account = scanned.account(&one.id);
        assert_eq!((&account.kind, account.account_type), (&AccountKind::SERVICE_ACCOUNT, Some(AccountType::NonHuman)));
        assert_eq!(account.display_name.as_deref(), Some(one.name.as_str()));
        let status = account.state.as_deref().unwrap();
        assert_eq!(account.enabled, Some(status != "EXPIRED"), "{}", one.name);
        let expires = account.password.as_ref().unwrap().expires_at.unwrap();
        assert_eq!(expires.as_millisecond(), one.expires_at.as_millisecond(), "{}", one.name);
        let credentials = one.credentials();
        assert_eq!(account.credentials.len(), credentials.len(), "{}", one.name);
        for (row, truth) in account.credentials.iter().zip(credentials) {
            assert_eq!((&row.external_id, &row.identifier), (&Some(truth.id), &Some(truth.identifier)), "{}", one.name);
            let [expires, created] = [row.expires_at, row.created_at].map(|time| time.unwrap().as_millisecond());
            assert_eq!((expires, created), (truth.expires_at.as_millisecond(), truth.created.as_millisecond()));
            assert_eq!(row.created_by.as_ref().unwrap().external_id, Some(truth_of_maker.clone()), "{}", one.name);
        }
        let role = scanned.memberships().find(|row| row.account_external_id == one.id).unwrap();
        assert_eq!((role.group_type.as_str(), role.group_external_id.clone()), (ROLE, one.role_id()));
        assert_eq!((role.group_name.as_str(), &role.username), (one.role, &account.username));
    }
    let severity = |index| scanned.account(&truth.service_account(index).id).severity();
    assert_eq!(severity(cast::ADMINISTRATOR), Some(Severity::High));
    assert_eq!(severity(cast::READ_ONLY), Some(Severity::Medium), "it reads everything");
    let expired = scanned.account(&truth.service_account(cast::EXPIRED).id);
    assert_eq!(codes(&expired.reasons), ["console_role", "expired_but_bound", "privileged_but_disabled"]);
    let names: BTreeSet<&str> = scanned.accounts().map(|account| account.username.as_str()).collect();
    assert_eq!(names.len(), scanned.accounts().count(), "two have one name on the target");
}

#[tokio::test]
async fn a_role_that_one_row_does_not_name_has_the_name_that_another_gives() {
    let one = |number: u64, role: u64, name: Value| json!({"objectId": id(number), "name": format!("job {number}"), "roleId": id(role), "roleName": name});
    let mut rows = [one(1, 7, Value::Null), one(2, 7, json!("Read Only")), one(3, 8, Value::Null)];
    let (written, same) = ("64A0B1C2D3E4F5061728394A", "64a0b1c2d3e4f5061728394a");
    rows[0]["roleId"] = json!(written);
    rows[1]["roleId"] = json!(same);
    let console = Content::default().list(PATH, rows).serve().await;
    let scanned = scan(console.system()).await;
    let roles: Vec<_> = scanned.groups().map(|group| (group.name.as_str(), group.member_count)).collect();
    assert_eq!(roles, [(&*id(8), Some(1)), ("Read Only", Some(2))], "one role, in whatever case its id is written");
    assert_eq!(scanned.account(&id(1)).severity(), Some(Severity::Low));
    assert_eq!(scanned.account(&id(3)).severity(), Some(Severity::High), "what a role may is not known");
}

#[tokio::test]
async fn what_a_service_account_signs_in_with_reaches_no_row() {
    let config = json!([{"authType": "CLIENT_SECRET", "clientSecretConfig": {"clientSecret": "hunter2"}}]);
    let row =
        json!({"objectId": id(1), "name": "ci", "authConfigList": config, "clientSecret": "hunter2", "orgCount": 3});
    let console = Content::default().list(PATH, [row]).serve().await;
    let scanned = scan(console.system()).await;
    let account = serde_json::to_string(scanned.account(&id(1))).unwrap();
    assert!(!account.contains("hunter2") && account.contains(r#""orgCount":3"#), "{account}");
}

#[tokio::test]
async fn a_role_without_the_scope_leaves_service_accounts_unavailable_and_says_how_to_leave_them_out() {
    let console = Content::default().answer(PATH, 403, json!({"message": "Forbidden"})).serve().await;
    let scanned = scan(console.system()).await;
    let error = scanned.unavailable(Section::SERVICE_ACCOUNTS);
    for words in ["serviceaccounts.readonly", "includeServiceAccounts"] {
        assert!(error.remedy.contains(words), "{}", error.remedy);
    }
    let left_out = scan(console.system().with_attribute("includeServiceAccounts", false)).await;
    assert_eq!(left_out.status(Section::SERVICE_ACCOUNTS), &SectionStatus::Skipped);
}

#[tokio::test]
async fn an_organisation_that_has_not_set_the_feature_up_ends_the_section_as_skipped_and_says_so() {
    for status in [402, 404, 405] {
        let console = Content::default().answer(PATH, status, json!({"message": "Not Found"})).serve().await;
        let scanned = scan(console.system()).await;
        let report = scanned.summary.section(Section::SERVICE_ACCOUNTS).unwrap();
        assert_eq!(
            (&report.status, report.notes.as_slice()),
            (&SectionStatus::Skipped, &["not set up here".to_owned()][..])
        );
        assert_eq!((scanned.summary.outcome, report.requests), (Outcome::Complete, 1), "{status}");
    }
    let empty = Content::default().list(PATH, Vec::<Value>::new()).serve().await;
    assert_eq!(scan(empty.system()).await.status(Section::SERVICE_ACCOUNTS), &SectionStatus::Complete);
}

fn at(now: &str) -> Content {
    Content::default().at(now.parse().unwrap())
}

#[tokio::test]
async fn every_credential_is_in_the_row_with_its_own_kind_maker_and_expiry() {
    let configs = json!([
        {"authType": "CLIENT_SECRET", "clientSecretConfig": {"objectId": id(71), "clientId": "sa_1", "lifetime": "90 Days",
            "status": "EXPIRED", "createdAt": "2026-01-01T00:00:00Z", "expiresAt": "2026-04-01T00:00:00Z",
            "createdBy": {"id": id(9), "name": "Root", "type": "ADMIN"}}},
        {"authType": "API_KEY", "apiKeyConfig": {"objectId": id(72), "apiKeyPrefix": "jcs_BWx3", "lifetime": "365 Days",
            "status": "ACTIVE", "createdAt": "2026-03-01T00:00:00Z", "expiresAt": "2027-03-01T00:00:00Z"}},
    ]);
    let row = json!({"objectId": id(1), "name": "ci", "status": "ACTIVE", "authConfigList": configs});
    let console = at("2026-11-26T00:00:00Z").list(PATH, [row]).serve().await;
    let scanned = scan(console.system()).await;
    let account = scanned.account(&id(1));
    assert_eq!(
        serde_json::to_value(&account.credentials).unwrap(),
        json!([
            {"kind": "clientSecret", "externalId": id(71), "identifier": "sa_1", "usable": false, "status": "EXPIRED",
                "lifetime": "90 Days", "createdAt": "2026-01-01T00:00:00Z", "expiresAt": "2026-04-01T00:00:00Z",
                "createdBy": {"externalId": id(9), "kind": "administrator", "name": "Root"}},
            {"kind": "apiKey", "externalId": id(72), "identifier": "jcs_BWx3", "usable": true, "status": "ACTIVE",
                "lifetime": "365 Days", "createdAt": "2026-03-01T00:00:00Z", "expiresAt": "2027-03-01T00:00:00Z"},
        ])
    );
    assert_eq!(account.enabled, Some(true), "one of them can be used");
    assert_eq!(codes(&account.reasons), ["console_role"], "an expired secret is no evidence");
}

#[tokio::test]
async fn a_credential_that_cannot_be_used_is_no_evidence_and_without_any_the_account_is_not_enabled() {
    let one = |number: u64, status: Value, expires_at: Value| {
        json!({"objectId": id(number), "name": format!("s{number}"), "roleId": id(90), "status": "ACTIVE", "authConfigList": [
            {"authType": "API_KEY", "apiKeyConfig": {"status": status, "expiresAt": expires_at}}]})
    };
    let console = at("2026-11-26T00:00:00Z")
        .list(
            PATH,
            [
                one(1, json!("ACTIVE"), json!("2026-12-10T00:00:00Z")),
                one(2, json!("ACTIVE"), json!("2026-12-10T00:00:01Z")),
                one(3, json!("ACTIVE"), json!("2026-11-25T23:59:59Z")),
                one(4, json!("EXPIRED"), json!(null)),
                one(5, json!("SUSPENDED"), json!(null)),
                one(6, json!("EXPIRING"), json!(null)),
            ],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    for (number, enabled, expected) in [
        (1, Some(true), &["console_role", "credential_expires_soon"][..]),
        (2, Some(true), &["console_role"]),
        (3, Some(false), &["console_role", "expired_but_bound", "privileged_but_disabled"]),
        (4, Some(false), &["console_role", "expired_but_bound", "privileged_but_disabled"]),
        (5, Some(true), &["console_role"]),
        (6, Some(true), &["console_role", "credential_never_expires"]),
    ] {
        let account = scanned.account(&id(number));
        assert_eq!((account.enabled, codes(&account.reasons).as_slice()), (enabled, expected), "{number}");
    }
}

#[tokio::test]
async fn a_service_account_of_a_provider_reaches_several_organisations_unless_it_is_known_to_reach_one() {
    let one = |number: u64, more: Value| {
        let mut row = json!({"objectId": id(number), "name": format!("s{number}"), "status": "ACTIVE"});
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    let console = Content::default()
        .list(
            PATH,
            [
                one(1, json!({"orgCount": 4, "providerId": id(8)})),
                one(2, json!({"providerId": id(8)})),
                one(3, json!({"orgCount": 1, "providerId": id(8)})),
                one(4, json!({"orgCount": 0, "providerId": id(0)})),
                one(5, json!({"orgCount": "many", "providerId": null})),
                one(6, json!({"orgCount": "3", "providerId": id(8)})),
            ],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let sentence = |number: u64| {
        let reasons = &scanned.account(&id(number)).reasons;
        reasons
            .iter()
            .find(|reason| reason.code == "reaches_several_organizations")
            .map(|reason| reason.message.as_str())
    };
    assert_eq!(sentence(1), Some("reaches 4 organisations"));
    assert_eq!(sentence(2), Some("belongs to a provider: how many organisations it reaches is not known"));
    assert_eq!(sentence(6), Some("reaches 3 organisations"), "as text, too");
    assert_eq!([3, 4, 5].map(sentence), [None; 3]);
}

#[tokio::test]
async fn an_account_expires_with_the_last_of_its_credentials_that_can_be_used() {
    let one = |number: u64, configs: Value| {
        let configs: Vec<Value> = configs
            .as_array()
            .unwrap()
            .iter()
            .map(|config| json!({"authType": "API_KEY", "apiKeyConfig": config}))
            .collect();
        json!({"objectId": id(number), "name": format!("s{number}"), "status": "Active", "expiresAt": "2026-01-01T00:00:00Z",
            "authConfigList": configs})
    };
    let (soon, later) = ("2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z");
    let console = at("2026-03-01T00:00:00Z")
        .list(
            PATH,
            [
                one(1, json!([{"expiresAt": later}, {"expiresAt": soon}])),
                one(2, json!([{"expiresAt": soon}, {"expiresAt": null}])),
                one(3, json!([{"expiresAt": soon}, {"expiresAt": null, "status": "expired"}])),
                one(4, json!([{}])),
                one(5, json!([{"expiresAt": "2026-01-01T00:00:00Z"}])),
            ],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let found = [1, 2, 3, 4, 5].map(|number| {
        let account = scanned.account(&id(number));
        (account.password.as_ref().unwrap().expires_at.map(|end| end.to_string()), account.enabled)
    });
    let end = |text: &str| Some(text.to_owned());
    let row = "2026-01-01T00:00:00Z";
    assert_eq!(
        found,
        [
            (end(later), Some(true)),
            (None, Some(true)),
            (end(soon), Some(true)),
            (end(row), Some(true)),
            (end(row), Some(false)),
        ]
    );
}
