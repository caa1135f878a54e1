//! Evidence of privilege: each code in an organisation made for it, and the stories of the demo organisation.

use std::collections::BTreeSet;

use crate::support::console::{Console, Content, id};
use crate::support::replay::NOW;
use crate::support::{Scanned, codes, scan, simulated, start};
use connector_api::{Account, AccountType, Connector, Reason, Record, Severity};
use connector_jumpcloud::JumpCloud;
use jiff::{SignedDuration, Timestamp};
use jumpcloud_simulator::SimulatorOptions;
use jumpcloud_simulator::organization::{Kind, Node, cast_of_groups, cast_of_users};
use serde_json::{Value, json};

pub fn sudo(without_password: bool) -> Value {
    json!({"sudo": {"enabled": true, "withoutPassword": without_password}})
}

pub fn member(kind: &str, number: u64) -> Value {
    json!({"to": {"id": id(number), "type": kind}})
}

/// Users 1 to 11, administrator 20, service accounts 61 and 62, groups 30 to 35, devices 40 and 41.
async fn organization() -> Console {
    organization_at(NOW.parse().unwrap()).await
}

async fn organization_at(now: Timestamp) -> Console {
    let user = |number: u64, more: Value| {
        let mut user = json!({"_id": id(number), "username": format!("u{number}"), "activated": true, "suspended": false,
            "admin": null, "mfa": {"configured": true}});
        user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        user
    };
    let group =
        |number: u64, name: &str, attributes: Value| json!({"id": id(number), "name": name, "attributes": attributes});
    let members = |number: u64| format!("/api/v2/usergroups/{}/members", id(number));
    Content::default()
        .at(now)
        .log([
            json!({"timestamp": "2026-08-01T00:00:00Z", "service": "directory", "event_type": "user_update"}),
            json!({"timestamp": "2026-11-20T00:00:00Z", "service": "sso", "event_type": "sso_auth",
                "sso_token_success": true, "initiated_by": {"type": "user", "id": id(2)}}),
        ])
        .list("/api/systemusers", [
            user(1, json!({"sudo": true, "mfa": {"configured": false}, "enable_user_portal_multifactor": false})),
            user(2, json!({"sudo": true, "passwordless_sudo": true, "password_never_expires": true,
                "ssh_keys": [{"name": "new", "create_date": "2026-11-20T00:00:00Z"}, {"create_date": "2024-02-01T00:00:00Z"}]})),
            user(3, json!({"admin": {"id": id(20), "roleName": "Manager"}, "mfa": {"configured": true, "exclusion": true}})),
            user(4, json!({})),
            user(5, json!({"suspended": true})),
            user(6, json!({})),
            user(7, json!({})),
            user(8, json!({})),
            user(9, json!({"suspended": true})),
            user(10, json!({})),
            user(11, json!({})),
        ])
        .list("/api/users", [json!({"_id": id(20), "email": "a@x.example", "roleName": "Manager", "apiKeySet": true,
            "apiKeyHash": {"createdAt": "2026-08-18T00:00:00Z", "expireAt": null}, "totpEnrolled": true})])
        .list("/api/v2/roles", [json!({"id": id(90), "name": "Deploy", "scopes": ["users", "groups", "systems", "associations",
            "applications", "commands", "directories"]})])
        .list("/api/v2/service-accounts", [
            json!({"objectId": id(61), "name": "ci", "roleId": id(90), "status": "ACTIVE", "orgCount": 3, "authConfigList": [
                {"authType": "CLIENT_SECRET", "clientSecretConfig": {"clientId": "sa_1", "createdAt": "2026-08-18T00:00:00Z", "expiresAt": null}},
                {"authType": "API_KEY", "apiKeyConfig": {"apiKeyPrefix": "jcs_1", "expiresAt": "2026-12-01T00:00:00Z"}},
            ]}),
            json!({"objectId": id(62), "name": "old", "roleId": id(90), "status": "EXPIRED", "expiresAt": "2026-11-01T00:00:00Z"}),
        ])
        .list("/api/v2/approvalflowrequest", [
            json!({"id": "r1", "requestor": id(10), "status": "APPROVED", "resourceType": "device", "resourceId": id(41),
                "devicePermissionLevel": "ADMIN", "expirationDate": "2026-12-01T00:00:00Z"}),
            json!({"id": "r2", "requestor": id(11), "status": "APPROVED", "resourceType": "user_group", "resourceId": id(30),
                "expirationDate": "2026-12-02T00:00:00Z"}),
        ])
        .list("/api/v2/usergroups", [
            group(30, "DB Admins", json!(null)),
            group(31, "Ops", sudo(false)),
            group(32, "Root-less", sudo(true)),
            group(33, "Linux", json!({"posixGroups": [{"id": 27, "name": "wheel"}, {"id": 1, "name": "games"}]})),
            group(34, "On call", json!(null)),
            group(35, "Everybody", json!(null)),
        ])
        .list(&members(30), [member("user", 6), member("user", 11)])
        .list(&members(31), [member("user_group", 34)])
        .list(&members(33), [member("user", 7)])
        .list(&members(34), [member("user", 8)])
        .list(&members(35), [member("user", 5), member("user", 9)])
        .list("/api/systems", [40, 41].map(|number| json!({"_id": id(number), "hostname": format!("h{number}"),
            "allowSshRootLogin": number == 40, "allowMultiFactorAuthentication": number != 41,
            "userMetrics": [{"userName": "root", "admin": number == 40, "managed": false},
                {"userName": "u4", "admin": true, "managed": true}]})))
        .list("/api/v2/directories", [json!({"id": id(60), "type": "office_365", "name": "M365",
            "oAuthStatus": {"expiry": {"seconds": "1"}, "error": "invalid_grant", "errorMessage": "expired"}})])
        .list("/api/radiusservers", [json!({"_id": id(61), "name": "Wi-Fi", "userPasswordEnabled": false,
            "userCertEnabled": true, "sharedSecret": "hunter2"})])
        .list("/api/applications", [json!({"_id": id(50), "displayLabel": "Pay"})])
        .edges(&format!("/api/v2/systems/{}/associations?targets=user", id(40)), "user", [
            (id(4).as_str(), sudo(false)),
            (id(5).as_str(), sudo(false)),
        ])
        .edges(&format!("/api/v2/systems/{}/associations?targets=user", id(41)), "user", [(id(4).as_str(), json!(null))])
        .edges(&format!("/api/v2/systems/{}/associations?targets=user_group", id(40)), "user_group", [(id(31).as_str(), json!(null))])
        .edges(&format!("/api/v2/systems/{}/associations?targets=user_group", id(41)), "user_group", [(id(31).as_str(), json!(null)), (id(32).as_str(), json!(null))])
        .edges(&format!("/api/v2/applications/{}/associations?targets=user_group", id(50)), "user_group", [(id(35).as_str(), json!(null))])
        .serve()
        .await
}

#[track_caller]
pub fn sentence<'a>(reasons: &'a [Reason], code: &str) -> &'a str {
    let found = reasons.iter().find(|reason| reason.code == code);
    &found.unwrap_or_else(|| panic!("no {code} in {reasons:?}")).message
}

#[tokio::test]
async fn every_code_occurs_and_says_what_is_so() {
    let console = organization().await;
    let scanned = scan(console.system()).await;
    let user = |number: u64| scanned.account(&id(number)).reasons.as_slice();
    let group = |name: &str| scanned.group(name).reasons.as_slice();
    let thing = |number: u64| {
        let id = id(number);
        scanned.resources().find(|resource| resource.external_id == id).unwrap().reasons.as_slice()
    };
    for (reasons, code, message) in [
        (
            user(1),
            "global_sudo",
            "becomes administrator on every device it is bound to, but it is bound to no device at present",
        ),
        (user(1), "privileged_without_mfa", "has no second factor set up"),
        (
            user(1),
            "privileged_sign_in_without_mfa",
            "signs in to the user portal without a second factor, by its own setting",
        ),
        (user(1), "privileged_never_logged_in", "has no login in the look-back window"),
        (
            user(2),
            "global_sudo_without_password",
            "becomes administrator on every device it is bound to, without a password, but it is bound to no device at present",
        ),
        (user(2), "privileged_password_never_expires", "has a password that never expires"),
        (user(3), "console_administrator", "is linked to a console administrator with the role \"Manager\""),
        (user(3), "privileged_mfa_exempt", "is exempt from the second factor"),
        (user(4), "sudo_on_systems", "is administrator on 1 device by direct binding"),
        (user(5), "disabled_but_bound", "is suspended, but still bound to devices, applications or directories"),
        (user(5), "privileged_but_disabled", "is not enabled"),
        (user(6), "privileged_group", "is in \"DB Admins\": its name contains \"admin\""),
        (
            user(7),
            "privileged_group",
            "is in \"Linux\": its members are in the POSIX group wheel, but it is bound to no device at present",
        ),
        (user(8), "sudo_on_systems", "is in \"Ops\" through \"On call\": its members are administrators on 2 devices"),
        (user(9), "disabled_but_bound", "is suspended, but still bound to devices, applications or directories"),
        (
            user(4),
            "local_administrator_not_granted",
            "administers 1 device by its local account, although nothing in JumpCloud gives the right there",
        ),
        (user(2), "stale_ssh_key", "has 2 SSH keys, the oldest of 2024-02-01"),
        (scanned.named("root@h40").reasons.as_slice(), "ssh_root_login", "may sign in to the device \"h40\" by SSH"),
        (thing(40), "ssh_root_login", "lets root sign in by SSH"),
        (thing(41), "device_without_mfa", "lets users sign in without a second factor"),
        (
            thing(60),
            "provisioning_broken",
            "JumpCloud cannot change its accounts any more: the authorisation failed with \"invalid_grant\"",
        ),
        (
            thing(61),
            "radius_by_certificate_alone",
            "lets users in by a certificate alone, without a password or a second factor",
        ),
        (
            scanned.named("root@h40").reasons.as_slice(),
            "local_administrator",
            "administers the device \"h40\"; JumpCloud does not manage the account",
        ),
        (user(20), "console_role", "has the role \"Manager\" in the JumpCloud console"),
        (user(20), "stale_api_key", "has had the same API key since 2026-08-18"),
        (user(20), "api_key_never_expires", "has an API key that never expires, created on 2026-08-18"),
        (user(10), "temporary_administrator", "is administrator on the device \"h41\" until 2026-12-01"),
        (user(11), "temporary_privileged_group", "is in \"DB Admins\": its name contains \"admin\", until 2026-12-02"),
        (user(61), "console_role", "has the role \"Deploy\" in the JumpCloud console: may change everything"),
        (user(61), "broad_role", "may change everything by the role \"Deploy\""),
        (user(61), "credential_never_expires", "has a client secret that never expires, created on 2026-08-18"),
        (user(61), "credential_expires_soon", "has an API key that expires on 2026-12-01"),
        (user(61), "reaches_several_organizations", "reaches 3 organisations"),
        (user(62), "expired_but_bound", "has expired on 2026-11-01, but still has the role \"Deploy\""),
        (group("DB Admins"), "group_name", "its name contains \"admin\""),
        (group("Ops"), "group_sudo", "its members become administrators on its devices"),
        (group("Ops"), "sudo_on_systems", "its members are administrators on 2 devices"),
        (
            group("Root-less"),
            "group_sudo_without_password",
            "its members become administrators on its devices, without a password",
        ),
        (
            group("Root-less"),
            "sudo_on_systems_without_password",
            "its members are administrators without a password on 1 device",
        ),
        (
            group("Linux"),
            "posix_admin_group",
            "its members are in the POSIX group wheel, but it is bound to no device at present",
        ),
        (
            group("On call"),
            "sudo_on_systems",
            "its members are in \"Ops\": its members are administrators on 2 devices",
        ),
    ] {
        assert_eq!(sentence(reasons, code), message);
    }
    let all: BTreeSet<&str> = scanned
        .accounts()
        .flat_map(|account| &account.reasons)
        .chain(scanned.groups().flat_map(|group| &group.reasons))
        .chain(scanned.resources().flat_map(|resource| &resource.reasons))
        .map(|reason| reason.code.as_str())
        .collect();
    let descriptor = JumpCloud::describe();
    let listed: BTreeSet<&str> = descriptor.evidence.iter().map(|row| row.code.as_str()).collect();
    assert_eq!(all, listed, "each code that the descriptor lists, and no other");
    assert_eq!(codes(user(9)), ["disabled_but_bound"], "what has no privilege is not called privileged");
    assert!(scanned.group("Everybody").reasons.is_empty() && !scanned.group("Everybody").privileged);
    assert!(scanned.group("On call").privileged, "a group within a privileged one is privileged");
}

#[tokio::test]
async fn a_reason_says_the_same_tomorrow_unless_a_fact_changes() {
    let reasons = |scanned: &Scanned| -> Vec<(String, Vec<Reason>)> {
        scanned.accounts().map(|account| (account.username.clone(), account.reasons.clone())).collect()
    };
    let today: Timestamp = NOW.parse().unwrap();
    let first = scan(organization_at(today).await.system()).await;
    let second = scan(organization_at(today + SignedDuration::from_hours(24)).await.system()).await;
    assert_eq!(reasons(&first), reasons(&second));
    let since = |scanned: &Scanned| scanned.account(&id(1)).last_login.as_ref().unwrap().since.unwrap();
    assert!(since(&first) < since(&second), "the date that moves stands in a field of its own");
}

#[tokio::test]
async fn evidence_that_rests_on_devices_stays_with_a_host_that_leaves_them_out() {
    let console = Content::default()
        .list("/api/systemusers", [json!({"_id": id(1), "username": "u1", "activated": true, "suspended": true})])
        .list("/api/systems", [json!({"_id": id(40), "hostname": "h40"})])
        .edges(
            &format!("/api/v2/systems/{}/associations?targets=user", id(40)),
            "user",
            [(id(1).as_str(), json!(null))],
        )
        .serve()
        .await;
    let whole = scan(console.system()).await;
    assert_eq!(codes(&whole.account(&id(1)).reasons), ["disabled_but_bound"]);
    let without = scan(console.system().with_attribute("includeSystems", false)).await;
    assert_eq!(codes(&without.account(&id(1)).reasons), Vec::<&str>::new());
    let plan = without.summary.replacement(&JumpCloud::describe());
    let after = plan.apply(whole.records, without.records).unwrap();
    let Record::Account(account) = &after[0] else { panic!("{after:?}") };
    assert_eq!(codes(&account.reasons), ["disabled_but_bound"]);
}

#[tokio::test]
async fn every_reason_has_its_severity_and_remedy_and_the_most_severe_comes_first() {
    let scanned = scan(organization().await.system()).await;
    let of = |reasons: &[Reason]| -> Vec<(String, Severity)> {
        assert!(reasons.iter().all(|reason| !reason.remedy.is_empty()), "{reasons:?}");
        reasons.iter().map(|reason| (reason.code.clone(), reason.severity)).collect()
    };
    let user = |number: u64| of(&scanned.account(&id(number)).reasons);
    let expected = |codes: &[(&str, Severity)]| -> Vec<(String, Severity)> {
        codes.iter().map(|(code, severity)| ((*code).to_owned(), *severity)).collect()
    };
    use Severity::{Critical, High, Info, Low, Medium};
    // One that raises: the second factor is missing of an administrator with a password.
    assert_eq!(
        user(1),
        expected(&[
            ("privileged_without_mfa", Medium),
            ("privileged_sign_in_without_mfa", Medium),
            ("global_sudo", Low),
            ("privileged_never_logged_in", Low),
        ])
    );
    assert_eq!(user(3)[..2], expected(&[("privileged_mfa_exempt", Critical), ("console_administrator", High)]));
    assert_eq!(
        user(5),
        expected(&[("sudo_on_systems", Medium), ("disabled_but_bound", Low), ("privileged_but_disabled", Info)])
    );
    assert_eq!(user(6)[..1], expected(&[("privileged_group", Low)]), "a name alone");
    assert_eq!(user(7)[..1], expected(&[("privileged_group", Low)]), "as severe as what the group gives");
    assert_eq!(scanned.account(&id(9)).severity(), None, "a risk alone is no privilege");
    assert_eq!(scanned.account(&id(3)).severity(), Some(Critical));
    let named = scanned.account(&id(6)).reasons[0].setting.clone().unwrap();
    assert_eq!((named.name.as_str(), named.value.as_str()), ("privilegedGroupPatterns", "admin"));
}

#[tokio::test]
async fn the_patterns_of_privileged_names_are_the_operators() {
    let console = organization().await;
    let privileged = |scanned: &Scanned| -> Vec<String> {
        let named = scanned.groups().filter(|group| codes(&group.reasons).contains(&"group_name"));
        named.map(|group| group.name.clone()).collect()
    };
    assert_eq!(privileged(&scan(console.system()).await), ["DB Admins", "Root-less"]);
    let named = console.system().with_attribute("privilegedGroupPatterns", json!(["EVERY", "call"]));
    assert_eq!(privileged(&scan(named).await), ["On call", "Everybody"]);
    let twice = console.system().with_attribute("privilegedGroupPatterns", json!(["EVERY", "body", "x"]));
    let scanned = scan(twice).await;
    let messages: Vec<_> = scanned.group("Everybody").reasons.iter().map(|reason| reason.message.as_str()).collect();
    assert_eq!(messages, ["its name contains \"EVERY\"", "its name contains \"body\""], "one for each pattern");
    let none = console.system().with_attribute("privilegedGroupPatterns", json!([]));
    assert!(privileged(&scan(none).await).is_empty());
}

#[tokio::test]
async fn the_type_of_an_account_is_reported_only_on_evidence() {
    let console = Content::default()
        .list(
            "/api/systemusers",
            [
                json!({"_id": id(1), "username": "svc-backup", "description": "service account"}),
                json!({"_id": id(2), "username": "ada", "employeeIdentifier": "E1"}),
                json!({"_id": id(3), "username": "bind", "ldap_binding_user": true, "employeeIdentifier": "E2"}),
                json!({"_id": id(4), "username": "samba", "samba_service_user": "true"}),
                json!({"_id": id(5), "username": "eve", "employeeIdentifier": "", "ldap_binding_user": false}),
            ],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let types: Vec<_> = scanned.accounts().map(|account: &Account| account.account_type).collect();
    let (human, other) = (Some(AccountType::Human), Some(AccountType::NonHuman));
    assert_eq!(types, [None, human, other, other, None]);
}

#[tokio::test]
async fn how_members_get_into_a_dynamic_group_is_kept() {
    let simulator = start(SimulatorOptions { groups: 60, events: Some(0), ..Default::default() }).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator)).await;
    let dynamic: Vec<_> = truth.user_groups().filter(|group| group.query.is_some()).collect();
    assert!(dynamic.len() > 5);
    for group in dynamic {
        let row = scanned.group(&group.name);
        assert_eq!(row.membership_method.as_deref(), Some(group.membership_method));
        let rule: serde_json::Value = serde_json::from_str(&group.query.unwrap()).unwrap();
        assert_eq!(row.attributes.get("memberQuery").unwrap()["filters"][0], rule);
    }
}

#[tokio::test]
async fn the_stories_of_the_demo_organisation_show() {
    let simulator = start(SimulatorOptions::default()).await;
    let truth = simulator.organization();
    let scanned = scan(simulated(&simulator)).await;
    let of = |index| &scanned.account(&truth.id(Node::new(Kind::User, index))).reasons;
    let engineer = sentence(of(cast_of_users::ON_CALL_ENGINEER), "sudo_on_systems_without_password");
    assert!(engineer.starts_with("is in \"Production Root\" through \"SRE On-Call\": "), "{engineer}");
    sentence(of(cast_of_users::ADMIN_WITHOUT_MFA), "privileged_without_mfa");
    sentence(of(cast_of_users::SUSPENDED_BUT_BOUND), "disabled_but_bound");
    sentence(of(cast_of_users::SUSPENDED_BUT_BOUND), "sudo_on_systems");
    sentence(of(cast_of_users::DBA_NEVER_LOGGED_IN), "privileged_never_logged_in");
    sentence(of(cast_of_users::BACKUP_SERVICE), "global_sudo_without_password");
    sentence(of(cast_of_users::BACKUP_SERVICE), "privileged_password_never_expires");
    sentence(of(cast_of_users::HEAD_OF_IT), "console_administrator");
    let group = |index| scanned.group(&truth.user_group(index).name);
    assert!(codes(&group(cast_of_groups::DOMAIN_ADMINS).reasons).contains(&"group_name"));
    assert!(codes(&group(cast_of_groups::PRODUCTION_ROOT).reasons).contains(&"group_sudo_without_password"));
    assert!(group(cast_of_groups::SRE_ON_CALL).privileged);
}

#[tokio::test]
async fn which_ssh_key_is_the_oldest_is_said_only_if_all_have_a_date() {
    let user = |number: u64, keys: Value| json!({"_id": id(number), "username": format!("u{number}"), "sudo": true, "activated": true, "ssh_keys": keys});
    let (old, older) = (json!({"create_date": "2024-02-01T00:00:00Z"}), json!({"create_date": "2023-02-01T00:00:00Z"}));
    let (_console, scanned) = Content::default()
        .at(NOW.parse().unwrap())
        .list(
            "/api/systemusers",
            [user(1, json!([old])), user(2, json!([old, older])), user(3, json!([old, {"name": "undated"}, older]))],
        )
        .scanned()
        .await;
    for (number, expected) in [
        (1, "has had the same SSH key since 2024-02-01"),
        (2, "has 2 SSH keys, the oldest of 2023-02-01"),
        (3, "has 3 SSH keys, one of 2023-02-01"),
    ] {
        assert_eq!(sentence(&scanned.account(&id(number)).reasons, "stale_ssh_key"), expected);
    }
}
