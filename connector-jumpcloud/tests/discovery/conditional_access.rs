//! Conditional access: policies, and how the sign-ins of users and administrators are protected.

use std::collections::BTreeSet;

use crate::support::console::{Console, Content, id};
use crate::support::{Scanned, codes, scan, simulated, small, start, try_scan_as};
use connector_api::{
    Connector, NodeKind, NodeRef, Outcome, Policy, PolicyEffect, Record, ScanRequest, Section, SectionStatus, Severity,
    SignIn, SignInKind, SignInResult, SignInTarget,
};
use connector_jumpcloud::JumpCloud;
use jiff::Timestamp;
use jumpcloud_simulator::SimulatorOptions;
use jumpcloud_simulator::organization::{AuthnEffect, SignInTruth, cast_of_groups, cast_of_users};
use serde_json::{Value, json};

mod console;
mod not_whole;

const PATH: &str = "/api/v2/authn/policies";
const IP_LISTS: &str = "/api/v2/iplists";
const PROVIDERS: &str = "/api/v2/identity-providers";
const NOW: &str = "2026-11-26T00:00:00Z";

fn policies(scanned: &Scanned) -> Vec<&Policy> {
    let records = scanned.records.iter();
    records.filter_map(|record| if let Record::Policy(policy) = record { Some(&**policy) } else { None }).collect()
}

#[track_caller]
fn portal<'s>(scanned: &'s Scanned, id: &str) -> &'s SignIn {
    let protection = scanned.account(id).protection.as_ref();
    protection.and_then(|protection| protection.portal.as_ref()).unwrap_or_else(|| panic!("{id} has no result"))
}

fn word(truth: SignInTruth) -> SignInResult {
    match truth {
        SignInTruth::SecondFactor => SignInResult::SECOND_FACTOR,
        SignInTruth::Denied => SignInResult::DENIED,
        SignInTruth::Open => SignInResult::OPEN,
        SignInTruth::Depends => SignInResult::DEPENDS,
        SignInTruth::NotKnown => SignInResult::NOT_KNOWN,
    }
}

#[tokio::test]
async fn every_policy_and_every_result_is_what_the_console_holds() {
    for seed in [1, 2_718] {
        let simulator = start(SimulatorOptions { events: Some(0), seed, ..small() }).await;
        let truth = simulator.organization();
        let scanned = scan(simulated(&simulator)).await;
        assert_eq!(scanned.status(Section::CONDITIONAL_ACCESS), &SectionStatus::Complete);
        let requests = simulator.requests();
        assert_eq!(["authn.policies", "iplists", "identity-providers"].map(|class| requests.of(class)), [1, 1, 1]);
        let rows = policies(&scanned);
        assert_eq!(rows.len(), truth.authn_policies().count());
        for (row, one) in rows.iter().zip(truth.authn_policies()) {
            assert_eq!((&row.external_id, row.name.as_str()), (&one.id(), one.name));
            assert_eq!((row.enabled, row.monitor_only), (Some(!one.disabled), Some(one.monitor_only)), "{}", one.name);
            assert_eq!((row.position, row.subjects.everyone), (Some(one.index + 1), one.everyone), "{}", one.name);
            let effect = match one.effect {
                AuthnEffect::Allow => PolicyEffect::ALLOW,
                AuthnEffect::AllowWithFactor => PolicyEffect::REQUIRE_SECOND_FACTOR,
                AuthnEffect::Deny => PolicyEffect::DENY,
            };
            assert_eq!(row.effect, effect, "{}", one.name);
            assert_eq!(row.conditions.is_some(), one.condition.is_some(), "{}", one.name);
            let excluded: Vec<String> = one.excluded_groups.iter().map(|group| truth.user_group(*group).id).collect();
            let found: Vec<&str> = row.subjects.excluded.iter().map(|node| node.external_id.as_str()).collect();
            assert_eq!(found, excluded, "{}", one.name);
            assert_eq!(row.subjects.excluded_by.len(), usize::from(one.spares_ldap_binding), "{}", one.name);
        }
        let mut seen = BTreeSet::new();
        for user in truth.users() {
            let (found, expected) = (portal(&scanned, &user.id), truth.portal_sign_in(&user));
            assert_eq!(found.result, word(expected), "seed {seed}, {}: {found:?}", user.username);
            seen.insert(expected);
        }
        assert_eq!(seen.len(), 5, "each result has an example: {seen:?}");
        // The organisation requires a second factor of all administrators.
        let consoles = scanned.accounts().filter_map(|account| account.protection.as_ref()?.console.as_ref());
        let protected = consoles.filter(|console| console.result == SignInResult::SECOND_FACTOR).count();
        assert_eq!(protected, truth.administrators().count());
        let scanned = scan(simulated(&simulator).with_attribute("includeOrganization", false)).await;
        for administrator in truth.administrators() {
            let console = scanned.account(&administrator.id).protection.as_ref().unwrap().console.as_ref().unwrap();
            let expected = match truth.console_sign_in(&administrator) {
                SignInTruth::SecondFactor => SignInResult::SECOND_FACTOR,
                // Whether the organisation requires one is not read.
                _ => SignInResult::NOT_KNOWN,
            };
            assert_eq!(console.result, expected, "{}: {console:?}", administrator.email);
            if console.result == SignInResult::NOT_KNOWN && console.policies.is_empty() {
                let reason = "not by its own setting; whether the organisation requires a second factor is not known";
                assert_eq!(console.reason, reason, "its own setting is known");
            }
        }
    }
}

#[tokio::test]
async fn the_stories_of_the_demo_say_what_decides() {
    let simulator = start(SimulatorOptions { events: Some(0), ..small() }).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator)).await;
    let reason = |user| portal(&scanned, &truth.user(user).id).reason.as_str();
    assert_eq!(
        reason(cast_of_users::ON_CALL_ENGINEER),
        "the policies \"Production needs a second factor\", \"No second factor on call\" disagree, and which one counts is not known"
    );
    assert_eq!(
        reason(cast_of_users::ADMIN_WITHOUT_MFA),
        "by the policy \"Domain administrators always give a second factor\""
    );
    assert_eq!(reason(cast_of_users::SUSPENDED_BUT_BOUND), "by the policy \"Left the company, or in quarantine\"");
    assert_eq!(reason(cast_of_users::HEAD_OF_IT), "by its own setting", "excluded through the break-glass group");
    let finance = policies(&scanned).into_iter().find(|policy| policy.name.starts_with("Finance")).unwrap();
    let words = "on a device that is not managed or on a device that is not encrypted or not from DE or CH";
    assert_eq!(finance.conditions.as_deref(), Some(words));
    let application = NodeRef::new(NodeKind::Resource, "application", &truth.application(9).id);
    assert_eq!(finance.targets.included, [SignInTarget::one(SignInKind::APPLICATION, application)]);
    let all = policies(&scanned).into_iter().find(|policy| policy.name.starts_with("Applications")).unwrap();
    assert_eq!(all.targets.included, [SignInTarget::all(SignInKind::APPLICATION)]);
    let excluded: Vec<_> = all.targets.excluded.iter().map(|node| node.external_id.clone()).collect();
    assert_eq!(excluded, [7, 19].map(|index| truth.application(index).id));
    let contractors = policies(&scanned)[0];
    assert_eq!(
        contractors.conditions.as_deref(),
        Some("not from an address in \"Offices\" (198.51.100.0/24, 203.0.113.7)")
    );
    let groups: Vec<_> = contractors.subjects.included.iter().map(|node| node.external_id.clone()).collect();
    let expected = [cast_of_groups::CONTRACTORS, cast_of_groups::HELP_DESK].map(|group| truth.user_group(group).id);
    assert_eq!(groups, expected);
}

/// Users 1 to 5: 1 is privileged and needs no second factor, 2 needs one, 3 is exempt, of 4 nothing is known, 5 is in
/// group 30, and privileged by it. Administrators 20 and 21.
fn organization() -> Content {
    let user = |number: u64, more: Value| {
        let mut user = json!({"_id": id(number), "username": format!("u{number}"), "activated": true,
            "mfa": {"configured": true}, "sudo": number < 3});
        user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        user
    };
    let until = json!({"configured": true, "exclusion": true, "exclusionUntil": "2026-12-24T00:00:00Z"});
    Content::default()
        .at(NOW.parse::<Timestamp>().unwrap())
        .list(
            "/api/systemusers",
            [
                user(1, json!({"enable_user_portal_multifactor": false})),
                user(2, json!({"enable_user_portal_multifactor": true})),
                user(3, json!({"enable_user_portal_multifactor": true, "mfa": until})),
                user(4, json!({"ldap_binding_user": true})),
                user(5, json!({"enable_user_portal_multifactor": false})),
            ],
        )
        .list(
            "/api/users",
            [
                json!({"_id": id(20), "email": "a@x.example", "roleName": "Manager", "enableMultiFactor": true}),
                json!({"_id": id(21), "email": "b@x.example", "roleName": "Manager", "enableMultiFactor": false}),
            ],
        )
        .list(
            "/api/v2/usergroups",
            [
                json!({"id": id(30), "name": "DB Admins", "attributes": null}),
                json!({"id": id(31), "name": "Everybody", "attributes": null}),
            ],
        )
        .list(&format!("/api/v2/usergroups/{}/members", id(30)), [json!({"to": {"id": id(5), "type": "user"}})])
        .list(&format!("/api/v2/usergroups/{}/members", id(31)), [json!({"to": {"id": id(30), "type": "user_group"}})])
}

fn policy(number: u64, effect: Value, more: Value) -> Value {
    let mut policy = json!({"id": id(number), "name": format!("P{number}"), "type": "user_portal", "effect": effect,
        "targets": {"resources": [{"type": "user_portal"}], "users": {"inclusions": ["ALL"]}}});
    policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    policy
}

fn factor() -> Value {
    json!({"action": "allow", "obligations": {"mfa": {"required": true}}})
}

async fn with(policies: impl IntoIterator<Item = Value>) -> Scanned {
    let console: Console = organization().list(PATH, policies).serve().await;
    scan(console.system()).await
}

/// The results of users 1 to 5.
fn results(scanned: &Scanned) -> [&str; 5] {
    [1, 2, 3, 4, 5].map(|number| portal(scanned, &id(number)).result.as_str())
}

#[tokio::test]
async fn without_a_policy_the_own_setting_decides_and_what_is_open_is_a_risk_of_the_privileged() {
    let scanned = with([]).await;
    assert_eq!(results(&scanned), ["open", "secondFactor", "open", "notKnown", "open"]);
    assert_eq!(portal(&scanned, &id(3)).reason, "because it is exempt until 2026-12-24");
    let reasons = &scanned.account(&id(1)).reasons;
    let open = reasons.iter().find(|reason| reason.code == "privileged_sign_in_without_mfa").unwrap();
    assert_eq!(open.message, "signs in to the user portal without a second factor, by its own setting");
    assert_eq!(open.severity, Severity::Medium, "one above that of the privilege");
    assert!(open.sections.contains(&Section::CONDITIONAL_ACCESS) && open.sections.contains(&Section::USERS));
    for number in [2, 3, 4] {
        assert!(!codes(&scanned.account(&id(number)).reasons).contains(&"privileged_sign_in_without_mfa"), "{number}");
    }
    assert!(codes(&scanned.account(&id(5)).reasons).contains(&"privileged_sign_in_without_mfa"));
}

#[tokio::test]
async fn a_policy_decides_for_those_it_applies_to() {
    let group = |inclusions: Value, exclusions: Value| {
        json!({"targets": {"resources": [{"type": "user_portal"}],
        "users": {"inclusions": []}, "userGroups": {"inclusions": inclusions, "exclusions": exclusions}}})
    };
    let untouched = ["open", "secondFactor", "open", "notKnown", "open"];
    for (what, policies, expected) in [
        (
            "everybody",
            vec![policy(1, factor(), json!({}))],
            ["secondFactor", "secondFactor", "notKnown", "secondFactor", "secondFactor"],
        ),
        (
            "all in lower case",
            vec![policy(1, json!({"action": "deny"}), json!({"targets": {"users": {"inclusions": ["all"]}}}))],
            ["denied"; 5],
        ),
        ("switched off", vec![policy(1, factor(), json!({"disabled": true}))], untouched),
        ("only watching", vec![policy(1, factor(), json!({"monitorOnly": true}))], untouched),
        (
            "neither by null",
            vec![policy(1, json!({"action": "deny"}), json!({"monitorOnly": null, "disabled": null}))],
            ["denied"; 5],
        ),
        (
            "a group",
            vec![policy(1, factor(), group(json!([id(30)]), json!([])))],
            ["open", "secondFactor", "open", "notKnown", "secondFactor"],
        ),
        (
            "a group with groups in it",
            vec![policy(1, factor(), group(json!([id(31)]), json!([])))],
            ["open", "secondFactor", "open", "notKnown", "secondFactor"],
        ),
        ("excluded by such a group", vec![policy(1, factor(), group(json!([id(30)]), json!([id(31)])))], untouched),
        ("a group that is gone", vec![policy(1, factor(), group(json!([id(39)]), json!([])))], untouched),
        (
            "a user",
            vec![policy(1, factor(), json!({"targets": {"users": {"inclusions": [id(1)]}}}))],
            ["secondFactor", "secondFactor", "open", "notKnown", "open"],
        ),
        ("nobody", vec![policy(1, factor(), group(json!([]), json!([])))], untouched),
        (
            "for something else",
            vec![policy(
                1,
                factor(),
                json!({"type": "application", "targets": {"resources": [{"type": "application"}], "users": {"inclusions": ["ALL"]}}}),
            )],
            untouched,
        ),
        (
            "refused and allowed",
            vec![policy(1, json!({"action": "allow"}), json!({})), policy(2, json!({"action": "deny"}), json!({}))],
            ["denied"; 5],
        ),
        (
            "with and without",
            vec![policy(1, json!({"action": "allow"}), json!({})), policy(2, factor(), json!({}))],
            ["notKnown"; 5],
        ),
        (
            "on a condition",
            vec![policy(1, factor(), json!({"conditions": {"deviceManaged": false}}))],
            ["depends", "secondFactor", "depends", "notKnown", "depends"],
        ),
        (
            "by a field",
            vec![policy(
                1,
                json!({"action": "deny"}),
                json!({"targets": {"userAttributes": {"inclusions": [{"field": "ldap_binding_user", "operator": "EQ", "value": true}]}}}),
            )],
            ["notKnown", "notKnown", "notKnown", "denied", "notKnown"],
        ),
    ] {
        assert_eq!(results(&with(policies).await), expected, "{what}");
    }
}

#[tokio::test]
async fn ids_in_policies_are_those_of_rows_in_any_case() {
    let users = json!({"inclusions": [id(0xab).to_uppercase()]});
    let targets = json!({"targets": {"resources": [{"type": "user_portal"}], "users": users}});
    let user = json!({"_id": id(0xab), "username": "u", "enable_user_portal_multifactor": true});
    let content = organization().list("/api/systemusers", [user]);
    let console = content.list(PATH, [policy(1, json!({"action": "deny"}), targets)]).serve().await;
    assert_eq!(portal(&scan(console.system()).await, &id(0xab)).result, SignInResult::DENIED);
}

#[tokio::test]
async fn what_depends_on_a_condition_names_an_exemption() {
    let scanned = with([policy(1, factor(), json!({"conditions": {"deviceManaged": false}}))]).await;
    let expected = "depends on the conditions of the policy \"P1\"; the account is exempt from its own second factor until 2026-12-24";
    assert_eq!(portal(&scanned, &id(3)).reason, expected);
}

#[tokio::test]
async fn filters_do_not_decide_alone_in_the_row_of_a_policy_whose_named_users_are_gone() {
    let filters = json!({"inclusions": [{"field": "ldap_binding_user", "operator": "EQ", "value": true}]});
    let targets = json!({"resources": [{"type": "user_portal"}], "users": {"inclusions": [id(99)]},
        "userAttributes": filters});
    let scanned = with([policy(1, factor(), json!({"targets": targets}))]).await;
    let (_, row) = policies_by_name(&scanned)[0];
    let subjects = &row.subjects;
    assert!(subjects.included.is_empty() && subjects.more_included, "{subjects:?}");
}

#[tokio::test]
async fn what_cannot_be_read_is_never_open_or_protected() {
    let targets = |targets: Value| json!({ "targets": targets });
    let everybody = json!({"inclusions": ["ALL"]});
    for more in [
        json!({"effect": {"action": "isolate"}}),
        json!({"effect": {"action": "unknown"}}),
        json!({"effect": null}),
        json!({"effect": {"action": "requireSecondFactor"}}),
        json!({"effect": {"action": "allow", "obligations": {"mfa": {"required": "perhaps"}}}}),
        json!({"effect": {"action": "allow", "obligations": {"passkey": {"required": true}}}}),
        json!({"effect": {"action": "allow", "obligations": {"userVerification": {"requirement": "required"}}}}),
        json!({"effect": {"action": "allow", "obligations": [7]}}),
        json!({"disabled": "perhaps", "effect": {"action": "deny"}}),
        json!({"monitorOnly": {"since": 7}, "effect": {"action": "deny"}}),
        json!({"type": "device_login", "targets": {"users": everybody}, "effect": {"action": "deny"}}),
        json!({"type": null, "targets": {"users": everybody}, "effect": {"action": "deny"}}),
        json!({"targets": null, "effect": {"action": "deny"}}),
        json!({"targets": {"resources": "all", "users": everybody}, "effect": {"action": "deny"}}),
        json!({"targets": {"resources": [{"type": "portal"}], "users": everybody}, "effect": {"action": "deny"}}),
        json!({"conditions": {"riskScore": 7}, "effect": {"action": "quarantine"}}),
        targets(json!({"users": {"inclusions": ["CONTRACTORS"]}})),
        targets(json!({"users": {"inclusions": "ALL"}})),
        targets(json!({"users": {"inclusions": [7]}})),
        targets(json!({"userGroups": {"exclusions": [id(39)]}})),
        targets(json!({"roles": {"inclusions": ["x"]}, "users": everybody})),
        targets(json!({"users": everybody, "userGroups": {"exclusions": "none"}})),
        targets(
            json!({"users": everybody, "userAttributes": {"exclusions": [{"field": "ldap_binding_user", "operator": "GT", "value": 1}]}}),
        ),
        targets(
            json!({"users": everybody, "userAttributes": {"exclusions": [{"field": "shoeSize", "operator": "EQ", "value": 1}]}}),
        ),
        targets(json!({"users": everybody, "userAttributes": {"exclusions": ["x"]}})),
    ] {
        let scanned = with([policy(1, json!({"action": "deny"}), more.clone())]).await;
        let found = portal(&scanned, &id(1));
        assert_eq!((found.result.as_str(), found.policies.as_slice()), ("notKnown", [id(1)].as_slice()), "{more}");
        assert!(found.reason.contains("\"P1\""), "{more}: {found:?}");
        assert!(!codes(&scanned.account(&id(1)).reasons).contains(&"privileged_sign_in_without_mfa"), "{more}");
        assert_eq!(scanned.summary.outcome, Outcome::Complete, "{more}");
    }
}

#[tokio::test]
async fn hostile_values_are_kept_as_text_and_break_nothing() {
    let odd = "x\" or \u{202e}\n=1+1";
    let policies = [
        json!({"id": id(1), "name": odd, "type": odd, "effect": odd, "targets": odd, "conditions": odd}),
        json!({"id": id(2), "name": 7, "targets": {"resources": [7, null, {}], "excludedApplications": ["../x"],
            "users": [], "userGroups": 7}, "conditions": {"not": {"not": {"ipAddressIn": ["../x", odd]}}}}),
    ];
    let console = organization().list(PATH, policies).list(IP_LISTS, [json!({"id": id(9), "ips": 7})]).serve().await;
    let scanned = scan(console.system()).await;
    let rows = policies_by_name(&scanned);
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[1].0, rows[1].1.targets.included[0].kind.as_str()), ("7", "notKnown"));
    let words = rows[1].1.conditions.as_deref().unwrap();
    assert!(words.starts_with("not not from an address in ../x or \"x\\\" or"), "{words}");
    assert!(results(&scanned).iter().all(|result| *result == "notKnown"));
}

fn policies_by_name(scanned: &Scanned) -> Vec<(&str, &Policy)> {
    policies(scanned).into_iter().map(|policy| (policy.name.as_str(), policy)).collect()
}
