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
    for one in truth.service_accounts() {
        let account = scanned.account(&one.id);
        assert_eq!((&account.kind, account.account_type), (&AccountKind::SERVICE_ACCOUNT, Some(AccountType::NonHuman)));
        assert_eq!(account.display_name.as_deref(), Some(one.name.as_str()));
        let status = account.state.as_deref().unwrap();
        assert_eq!(account.enabled, Some(status != "EXPIRED"), "{}", one.name);
        let expires = account.password.as_ref().unwrap().expires_at.unwrap();
        assert_eq!(expires.as_millisecond(), one.expires_at.as_millisecond(), "{}", one.name);
        let role = scanned.memberships().find(|row| row.account_external_id == one.id).unwrap();
        assert_eq!((role.group_type.as_str(), role.group_external_id.clone()), (ROLE, one.role_id()));
        assert_eq!((role.group_name.as_str(), &role.username), (one.role, &account.username));
    }
    let severity = |index| scanned.account(&truth.service_account(index).id).severity();
    assert_eq!(severity(cast::ADMINISTRATOR), Some(Severity::High));
    assert_eq!(severity(cast::READ_ONLY), Some(Severity::Low));
    let expired = scanned.account(&truth.service_account(cast::EXPIRED).id);
    assert_eq!(codes(&expired.reasons), ["console_role", "privileged_but_disabled"]);
    let names: BTreeSet<&str> = scanned.accounts().map(|account| account.username.as_str()).collect();
    assert_eq!(names.len(), scanned.accounts().count(), "two have one name on the target");
}

#[tokio::test]
async fn a_role_that_one_row_does_not_name_has_the_name_that_another_gives() {
    let one = |number: u64, role: u64, name: Value| json!({"objectId": id(number), "name": format!("job {number}"), "roleId": id(role), "roleName": name});
    let rows = [one(1, 7, Value::Null), one(2, 7, json!("Read Only")), one(3, 8, Value::Null)];
    let console = Content::default().list(PATH, rows).serve().await;
    let scanned = scan(console.system()).await;
    let roles: Vec<_> = scanned.groups().map(|group| (group.name.as_str(), group.member_count)).collect();
    assert_eq!(roles, [("Read Only", Some(2)), (&*id(8), Some(1))]);
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
