//! The organisation's own settings, and what they decide about accounts.

use crate::support::console::{Console, Content, id};
use crate::support::{Scanned, codes, connect, scan, simulated, small, start};
use connector_api::{
    AccountKind, Connector, Credential, Outcome, Record, ScanRequest, Section, SectionStatus, SystemConfig,
};
use connector_jumpcloud::JumpCloud;
use jumpcloud_simulator::{Behaviour, Simulator, SimulatorOptions};
use serde_json::{Value, json};

const LIST: &str = "/api/organizations";
const POLICIES: &str = "/api/v2/passwordpolicies";

fn one() -> String {
    format!("{LIST}/{}", id(1))
}

/// A console of one organisation with these settings, two administrators and a user with these fields.
fn content(settings: &Value, user: &Value) -> Content {
    let administrator = |number: u64, required: bool| json!({"_id": id(number), "email": format!("a{number}@x.example"), "enableMultiFactor": required});
    let mut user = user.clone();
    user["_id"] = id(9).into();
    user["username"] = "ada".into();
    Content::default()
        .list(LIST, [json!({"_id": id(1), "displayName": "Acme"})])
        .answer(&one(), 200, json!({"_id": id(1), "displayName": "Acme", "settings": settings}))
        .answer(POLICIES, 405, json!({"message": "Method Not Allowed"}))
        .list("/api/users", [administrator(2, true), administrator(3, false)])
        .list("/api/systemusers", [user])
}

async fn scanned(settings: &Value) -> Scanned {
    scan(content(settings, &json!({})).serve().await.system()).await
}

/// Whether a second factor is required of each of the two administrators.
fn required(scanned: &Scanned) -> [Option<bool>; 2] {
    [2, 3].map(|number| scanned.account(&id(number)).mfa.as_ref().and_then(|mfa| mfa.required))
}

fn notes(scanned: &Scanned) -> Vec<String> {
    scanned.summary.section(Section::ORGANIZATION).unwrap().notes.clone()
}

fn without(section: Section) -> ScanRequest {
    ScanRequest::default().leaving_out([section])
}

#[tokio::test]
async fn the_settings_are_those_that_the_console_has() {
    let behaviour = Behaviour::observed().with("password-policies=listed").unwrap();
    let simulator = start(SimulatorOptions { behaviour, ..small() }).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator)).await;
    let report = scanned.summary.section(Section::ORGANIZATION).unwrap();
    assert_eq!((&report.status, report.requests), (&SectionStatus::Complete, 3));
    let facts = &scanned.summary.facts;
    assert_eq!(facts["organizationId"], json!(truth.organization_id()));
    assert_eq!(facts.get("organizationName").and_then(Value::as_str), truth.listed_name().as_deref());
    assert_eq!(facts["requireAdminMfa"], json!(truth.requires_admin_mfa()));
    assert_eq!(
        facts["features"],
        json!({"directoryInsights": true, "directoryInsightsPremium": true, "systemInsights": true})
    );
    let policies = truth.password_policies();
    assert_eq!(facts["passwordPolicy"]["minLength"], json!(policies[0].min_length));
    let listed = facts["passwordPolicies"].as_array().unwrap();
    assert_eq!(listed.len(), policies.len());
    for (fact, policy) in listed.iter().zip(&policies) {
        let groups: Vec<&str> =
            fact["groups"].as_array().unwrap().iter().filter_map(|group| group["id"].as_str()).collect();
        assert_eq!((fact["name"].as_str(), fact["default"].as_bool()), (Some(policy.name), Some(policy.default)));
        assert_eq!(groups, policy.groups);
        let days = fact["rules"].get("passwordExpirationInDays").and_then(Value::as_u64);
        assert_eq!(days, policy.expires_in_days, "a rule that is off is left out");
    }
    for administrator in truth.administrators() {
        let mfa = scanned.account(&administrator.id).mfa.clone().unwrap();
        assert_eq!(mfa.required, Some(true), "{}: the organisation requires it", administrator.email);
    }
}

#[tokio::test]
async fn an_administrator_needs_a_second_factor_if_the_organisation_or_its_own_flag_says_so() {
    for (settings, expected) in [
        (json!({"requireAdminMFA": true}), [Some(true), Some(true)]),
        (json!({"requireAdminMFA": "true"}), [Some(true), Some(true)]),
        (json!({"requireAdminMFA": false}), [Some(true), Some(false)]),
        // What the organisation requires is not known, so a flag that is off says nothing.
        (json!({"requireAdminMFA": null}), [Some(true), None]),
        (json!({}), [Some(true), None]),
        (json!("none"), [Some(true), None]),
        (json!(null), [Some(true), None]),
    ] {
        let scanned = scanned(&settings).await;
        assert_eq!(scanned.summary.outcome, Outcome::Complete, "{settings}");
        assert_eq!(required(&scanned), expected, "{settings}");
    }
}

#[tokio::test]
async fn a_host_keeps_what_the_organisation_required_when_its_settings_were_not_read() {
    let none: [Value; 0] = [];
    let content = content(&json!({"requireAdminMFA": true}), &json!({})).list("/api/v2/authn/policies", none);
    let console = content.serve().await;
    let results = |scanned: &Scanned| {
        [2, 3].map(|number| {
            let protection = scanned.account(&id(number)).protection.as_ref().unwrap();
            protection.console.as_ref().unwrap().result.as_str().to_owned()
        })
    };
    let known = scan(console.system()).await;
    assert_eq!(results(&known), ["secondFactor"; 2]);
    let later = crate::support::try_scan_as(without(Section::ORGANIZATION), console.system()).await.unwrap();
    assert_eq!(later.status(Section::ORGANIZATION), &SectionStatus::Skipped);
    assert_eq!(required(&later), [Some(true), None], "nothing is claimed that is not known");
    assert_eq!(results(&later), ["secondFactor", "notKnown"]);
    let plan = later.summary.replacement(&JumpCloud::describe());
    let rows = plan.apply(known.records.clone(), later.records.clone()).unwrap();
    let of_host = Scanned { records: rows, ..later };
    assert_eq!(required(&of_host), [Some(true), Some(true)]);
    assert_eq!(results(&of_host), ["secondFactor"; 2], "it follows from the organisation's setting as well");
}

#[tokio::test]
async fn the_organisation_is_the_named_one_else_the_only_one_and_never_a_guess() {
    let several = || content(&json!({}), &json!({})).list(LIST, [1, 2].map(|number| json!({"_id": id(number)})));
    let console = several().serve().await;
    let guess = scan(console.system()).await;
    assert_eq!(
        (guess.summary.outcome, guess.status(Section::ORGANIZATION)),
        (Outcome::Complete, &SectionStatus::Skipped)
    );
    assert!(notes(&guess)[0].contains("jumpcloudOrgId"), "{:?}", notes(&guess));
    assert!(!console.asked().iter().any(|asked| asked.path == one()));
    let console = several().serve().await;
    let named = scan(console.system().with_attribute("jumpcloudOrgId", id(1))).await;
    assert_eq!(named.status(Section::ORGANIZATION), &SectionStatus::Complete);
    let asked = console.asked();
    assert!(!asked.iter().any(|asked| asked.path == LIST), "the list is not needed");
    let one = asked.iter().find(|asked| asked.path == one()).unwrap();
    assert!(!one.headers.contains_key("x-org-id"), "a provider's key gets 403 with this header");
}

#[tokio::test]
async fn where_the_list_is_refused_a_users_row_names_the_organisation() {
    let refused = json!({"message": "Forbidden"});
    let of_user = |user: Value| content(&json!({"requireAdminMFA": true}), &user).answer(LIST, 403, refused.clone());
    let named = scan(of_user(json!({"organization": id(1)})).serve().await.system()).await;
    assert_eq!(named.status(Section::ORGANIZATION), &SectionStatus::Complete);
    assert_eq!(required(&named), [Some(true), Some(true)]);
    let unnamed = scan(of_user(json!({})).serve().await.system()).await;
    assert_eq!(unnamed.status(Section::ORGANIZATION), &SectionStatus::Skipped);
    assert!(notes(&unnamed)[0].contains("jumpcloudOrgId"), "{:?}", notes(&unnamed));
}

#[tokio::test]
async fn a_role_without_the_scope_leaves_the_settings_unavailable_and_says_how_to_leave_them_out() {
    let console = content(&json!({}), &json!({})).answer(&one(), 403, json!({"message": "Forbidden"})).serve().await;
    let scanned = scan(console.system()).await;
    let error = scanned.unavailable(Section::ORGANIZATION);
    for words in ["organizations.readonly", "includeOrganization"] {
        assert!(error.remedy.contains(words), "{}", error.remedy);
    }
    let left_out = scan(console.system().with_attribute("includeOrganization", false)).await;
    assert_eq!(left_out.status(Section::ORGANIZATION), &SectionStatus::Skipped);
}

fn as_service_account(simulator: &Simulator) -> SystemConfig {
    let (client, secret) = simulator.oauth_client();
    let mut system = simulated(simulator)
        .with_attribute("jumpcloudAuthentication", "serviceAccount")
        .with_attribute("jumpcloudTokenUrl", format!("{}/oauth2/token", simulator.url()));
    let mut credential = Credential::from_secret(secret.to_owned());
    credential.username = Some(client.to_owned());
    system.credential = credential;
    system
}

#[tokio::test]
async fn a_service_account_that_may_not_see_the_settings_is_no_fault_and_only_a_note() {
    for answer in ["unauthorized", "forbidden"] {
        let behaviour = Behaviour::observed().with(&format!("service-accounts={answer}")).unwrap();
        let simulator = start(SimulatorOptions { behaviour, ..small() }).await;
        let scanned = scan(as_service_account(&simulator)).await;
        assert_eq!(scanned.summary.outcome, Outcome::Complete, "{answer}");
        assert_eq!(scanned.status(Section::ORGANIZATION), &SectionStatus::Skipped, "{answer}");
        assert!(notes(&scanned)[0].contains("service account"), "{:?}", notes(&scanned));
        assert_eq!(simulator.requests().of("oauth.token"), 1, "the token is good");
    }
    let behaviour = Behaviour::observed().with("service-accounts=served").unwrap();
    let simulator = start(SimulatorOptions { behaviour, ..small() }).await;
    assert_eq!(scan(as_service_account(&simulator)).await.status(Section::ORGANIZATION), &SectionStatus::Complete);
}

#[tokio::test]
async fn a_console_that_does_not_serve_the_settings_ends_the_section_as_skipped() {
    for status in [404, 405] {
        let console = content(&json!({}), &json!({})).answer(&one(), status, json!({"message": "Not Found"}));
        let scanned = scan(console.serve().await.system()).await;
        assert_eq!(scanned.summary.outcome, Outcome::Complete, "{status}");
        assert_eq!(
            (scanned.status(Section::ORGANIZATION), notes(&scanned)),
            (&SectionStatus::Skipped, vec!["not set up here".to_owned()])
        );
    }
}

#[tokio::test]
async fn the_answer_must_be_the_organisation_that_was_asked_for() {
    let console = content(&json!({}), &json!({})).answer(
        &one(),
        200,
        json!({"_id": id(7), "settings": {"requireAdminMFA": true}}),
    );
    let scanned = scan(console.serve().await.system()).await;
    let SectionStatus::Incomplete { error } = scanned.status(Section::ORGANIZATION) else { panic!("{scanned:?}") };
    assert!(error.message.contains(&id(7)), "{error}");
    assert_eq!(required(&scanned), [Some(true), None]);
}

/// A policy in whose rules the maximum age is on or off.
fn policy(number: u64, expires: bool) -> Value {
    json!({"objectId": id(number), "policy": {"name": "P", "enablePasswordExpirationInDays": expires, "passwordExpirationInDays": 30}})
}

#[tokio::test]
async fn a_password_never_expires_only_if_no_policy_has_a_maximum_age_and_the_user_says_nothing() {
    let rules = |expires: bool| json!({"passwordPolicy": {"enablePasswordExpirationInDays": expires}});
    let nothing = json!({"sudo": true});
    let never = Some(true);
    let listed = |policies: Vec<Value>| (200, json!(policies));
    let not_served = (405, json!({"message": "Method Not Allowed"}));
    let pci = json!({"passwordCompliance": "pci3", "passwordPolicy": {"enablePasswordExpirationInDays": false}});
    for (settings, (status, policies), user, expected) in [
        (rules(false), listed(vec![policy(5, false)]), nothing.clone(), never),
        (rules(false), listed(vec![]), nothing.clone(), never),
        (rules(false), listed(vec![policy(5, false), policy(6, true)]), nothing.clone(), None),
        (rules(true), listed(vec![]), nothing.clone(), None),
        // Whether a group has a policy of its own is not known.
        (rules(false), not_served.clone(), nothing.clone(), None),
        // These rules are not in force.
        (pci, listed(vec![]), nothing.clone(), None),
        (rules(false), listed(vec![]), json!({"sudo": true, "password_never_expires": false}), Some(false)),
        (rules(false), listed(vec![]), json!({"sudo": true, "password_expiration_date": "2027-01-01T00:00:00Z"}), None),
        (rules(false), listed(vec![]), json!({"sudo": true, "external_source_type": "AD"}), None),
    ] {
        let context = format!("{settings} {policies} {user}");
        let console = content(&settings, &user).answer(POLICIES, status, policies).serve().await;
        let scanned = scan(console.system()).await;
        let account = scanned.account(&id(9));
        let found = account.password.as_ref().and_then(|password| password.never_expires);
        assert_eq!(found, expected, "{context}");
        let reason = account.reasons.iter().find(|reason| reason.code == "privileged_password_never_expires");
        assert_eq!(reason.is_some(), expected == never, "{context}: {:?}", codes(&account.reasons));
        if let Some(reason) = reason {
            assert!(reason.sections.contains(&Section::ORGANIZATION), "{reason:?}");
        }
    }
}

#[tokio::test]
async fn a_user_that_says_so_itself_has_evidence_that_does_not_depend_on_the_settings() {
    let user = json!({"sudo": true, "password_never_expires": true});
    let scanned = scan(content(&json!({}), &user).serve().await.system()).await;
    let account = scanned.account(&id(9));
    let reason = account.reasons.iter().find(|reason| reason.code == "privileged_password_never_expires").unwrap();
    assert!(!reason.sections.contains(&Section::ORGANIZATION), "{reason:?}");
}

#[tokio::test]
async fn settings_of_any_shape_are_no_error_and_names_are_clean() {
    let hostile = [
        json!({"passwordPolicy": [], "features": [1], "requireAdminMFA": {}}),
        json!({"passwordPolicy": {"minLength": -1, "maxHistory": 1.5, "needsSymbolic": "yes", "enableMinLength": 7}}),
        json!({"features": {"systemInsights": null, "directoryInsights": {"enabled": []}}}),
    ];
    for settings in hostile {
        let scanned = scanned(&settings).await;
        assert_eq!(scanned.summary.outcome, Outcome::Complete, "{settings}");
        assert_eq!(required(&scanned), [Some(true), None], "{settings}");
    }
    let name = "Ac\u{202e}me\n\u{1b}[31m";
    let policies =
        json!([{"objectId": id(5), "policy": {"name": name}, "groups": [{"groupId": id(6), "name": name}, 7, null]}, ]);
    let console = content(&json!({}), &json!({}))
        .answer(&one(), 200, json!({"_id": id(1), "displayName": name}))
        .answer(POLICIES, 200, policies);
    let facts = scan(console.serve().await.system()).await.summary.facts;
    let text = serde_json::to_string(&facts).unwrap();
    assert!(!text.contains('\u{202e}') && !text.contains("\\u001b") && !text.contains("\\n"), "{text}");
    assert_eq!(facts["passwordPolicies"][0]["groups"].as_array().unwrap().len(), 1, "{text}");
}

#[tokio::test]
async fn password_policies_that_are_not_shown_leave_the_settings_complete_and_a_failure_does_not() {
    for (status, noted) in [(404, false), (405, false), (403, true)] {
        let console =
            content(&json!({"requireAdminMFA": true}), &json!({})).answer(POLICIES, status, json!({"message": "no"}));
        let (_, scanned) = console.scanned().await;
        assert_eq!(scanned.status(Section::ORGANIZATION), &SectionStatus::Complete, "{status}");
        assert_eq!(required(&scanned), [Some(true), Some(true)], "{status}");
        assert_eq!(!notes(&scanned).is_empty(), noted, "{status}: {:?}", notes(&scanned));
    }
    let console = content(&json!({"requireAdminMFA": true}), &json!({}));
    let (_, scanned) = console.answer(POLICIES, 500, json!({"message": "no"})).scanned().await;
    let status = scanned.status(Section::ORGANIZATION);
    assert!(matches!(status, SectionStatus::Incomplete { .. }), "{status:?}: what was listed before stays");
}

#[tokio::test]
async fn the_section_has_no_rows_of_its_own_and_is_planned() {
    let console: Console = content(&json!({}), &json!({})).serve().await;
    let plan = connect(console.system()).unwrap().plan(&ScanRequest::default()).await.unwrap().unwrap();
    let line = plan.sections.iter().find(|line| line.section == Section::ORGANIZATION).unwrap();
    assert_eq!(line.requests, 3);
    let scanned = scan(console.system()).await;
    let descriptor = JumpCloud::describe();
    assert!(scanned.records.iter().all(|row: &Record| descriptor.owner(row) != Some(Section::ORGANIZATION)));
    assert!(scanned.accounts().any(|account| account.kind == AccountKind::ADMINISTRATOR));
}
