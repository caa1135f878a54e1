//! Evidence of accounts: whose sign-in counts, which roles and groups give what.

use crate::evidence::{member, sentence, sudo};
use crate::support::console::{Content, id};
use crate::support::replay::NOW;
use crate::support::{codes, scan};
use connector_api::Severity;
use serde_json::{Value, json};

#[tokio::test]
async fn of_who_cannot_sign_in_it_is_not_said_how_somebody_could() {
    let risky = json!({"sudo": true, "mfa": {"configured": false, "exclusion": true}, "password_never_expires": true});
    let user = |number: u64, more: Value| {
        let mut user = json!({"_id": id(number), "username": format!("u{number}"), "activated": true});
        for fields in [&risky, &more] {
            user.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        }
        user
    };
    let administrator = |number: u64, suspended: bool| {
        json!({"_id": id(number), "email": format!("a{number}@x.example"), "roleName": "Manager", "suspended": suspended,
            "totpEnrolled": false, "apiKeySet": true, "apiKeyHash": {"createdAt": "2020-01-02T00:00:00Z", "expireAt": null}})
    };
    let console = Content::default()
        .at(NOW.parse().unwrap())
        .log([
            json!({"timestamp": "2026-08-01T00:00:00Z", "service": "directory", "event_type": "user_update"}),
            json!({"timestamp": "2026-11-20T00:00:00Z", "service": "sso", "event_type": "sso_auth",
                "sso_token_success": true, "initiated_by": {"type": "user", "id": id(9)}}),
        ])
        .list(
            "/api/systemusers",
            [user(1, json!({})), user(2, json!({"suspended": true})), user(3, json!({"activated": false}))],
        )
        .list("/api/users", [administrator(20, false), administrator(21, true)])
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let of = |number: u64| codes(&scanned.account(&id(number)).reasons);
    assert_eq!(
        of(1),
        [
            "privileged_without_mfa",
            "privileged_mfa_exempt",
            "global_sudo",
            "privileged_password_never_expires",
            "privileged_never_logged_in"
        ]
    );
    for number in [2, 3] {
        assert_eq!(of(number), ["global_sudo", "privileged_but_disabled"], "{number}");
    }
    assert_eq!(
        of(20),
        [
            "privileged_without_mfa",
            "console_role",
            "api_key_never_expires",
            "stale_api_key",
            "privileged_never_logged_in"
        ]
    );
    assert_eq!(of(21), ["console_role", "privileged_but_disabled"]);
}

#[tokio::test]
async fn a_role_that_changes_nothing_is_less_grave_than_one_that_does() {
    let administrator = |number: u64, roles: Value| json!({"_id": id(number), "email": format!("a{number}@x.example"), "totpEnrolled": true, "roleNames": roles});
    let console = Content::default()
        .list("/api/systemusers", [json!({"_id": id(1), "username": "ada"})])
        .list(
            "/api/users",
            [
                administrator(20, json!(["Read Only"])),
                administrator(21, json!(["Read Only", "Help Desk"])),
                administrator(22, json!([])),
            ],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let severities: Vec<_> = [20, 21, 22].map(|number| scanned.account(&id(number)).severity().unwrap()).into();
    assert_eq!(severities, [Severity::Low, Severity::High, Severity::High]);
    assert_eq!(scanned.group("Read Only").severity(), Some(Severity::Low));
}

#[tokio::test]
async fn the_strongest_way_to_a_group_counts_and_the_nearest_names_it() {
    let members = |number: u64| format!("/api/v2/usergroups/{}/members", id(number));
    let group = |number: u64, name: &str, attributes| json!({"id": id(number), "name": name, "attributes": attributes});
    let console = Content::default()
        .list("/api/systemusers", [1, 2].map(|number| json!({"_id": id(number), "username": format!("u{number}")})))
        .list(
            "/api/v2/usergroups",
            [group(30, "Plain", json!(null)), group(31, "Strong", sudo(false)), group(32, "Roots", json!(null))],
        )
        .list(&members(30), [member("user", 1)])
        .list(&members(31), [member("user", 1), member("user", 2)])
        .list(&members(32), [member("user_group", 30), member("user_group", 31), member("user", 2)])
        .list("/api/systems", [json!({"_id": id(40), "hostname": "h"})])
        .edges(
            &format!("/api/v2/systems/{}/associations?targets=user_group", id(40)),
            "user_group",
            [(id(32).as_str(), json!(null))],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    for (user, nearest) in [(1, "is in \"Roots\" through \"Plain\""), (2, "is in \"Roots\"")] {
        let reasons = &scanned.account(&id(user)).reasons;
        assert_eq!(
            sentence(reasons, "sudo_on_systems"),
            "is in \"Roots\" through \"Strong\": its members are administrators on 1 device"
        );
        let named = format!("{nearest}: its name contains \"root\"");
        assert!(reasons.iter().any(|reason| reason.message == named), "{reasons:?}");
        let grant = scanned.grants().find(|grant| crate::grants::principal_id(grant) == id(user)).unwrap();
        assert_eq!(grant.access, crate::support::SUDO);
    }
}

#[tokio::test]
async fn what_is_over_or_empty_is_no_evidence() {
    let exempt = |until: &str| json!({"configured": true, "exclusion": true, "exclusionUntil": until});
    let user =
        |number: u64, mfa| json!({"_id": id(number), "username": format!("u{number}"), "sudo": true, "mfa": mfa});
    let console = Content::default()
        .list(
            "/api/systemusers",
            [
                user(1, exempt("2020-01-01T00:00:00Z")),
                user(2, exempt("2999-01-01T00:00:00Z")),
                json!({"_id": id(3), "username": "u3", "suspended": true}),
            ],
        )
        .list("/api/v2/systemgroups", [json!({"id": id(45), "name": "Empty"})])
        .edges(
            &format!("/api/v2/systemgroups/{}/associations?targets=user", id(45)),
            "user",
            [(id(3).as_str(), json!(null))],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let has = |number: u64, code: &str| codes(&scanned.account(&id(number)).reasons).contains(&code);
    assert!(!has(1, "privileged_mfa_exempt") && has(2, "privileged_mfa_exempt"));
    assert!(!has(3, "disabled_but_bound"), "it reaches nothing");
}

#[tokio::test]
async fn who_is_not_enabled_yet_is_not_disabled_and_who_was_suspended_is() {
    let user = |number: u64, activated: bool, suspended: bool, state: &str| {
        json!({"_id": id(number), "username": format!("u{number}"), "activated": activated, "suspended": suspended,
            "state": state})
    };
    let console = Content::default()
        .list(
            "/api/systemusers",
            [
                user(1, false, false, "ACTIVATED"),
                user(2, false, false, "STAGED"),
                user(3, true, true, "SUSPENDED"),
                json!({"_id": id(4), "username": "u4", "state": "SUSPENDED"}),
                json!({"_id": id(5), "username": "u5", "suspended": true}),
                json!({"_id": id(6), "username": "u6", "activated": false}),
            ],
        )
        .list("/api/v2/usergroups", [json!({"id": id(30), "name": "Everybody"})])
        .list(&format!("/api/v2/usergroups/{}/members", id(30)), (1..7).map(|number| member("user", number)))
        .list("/api/applications", [json!({"_id": id(50), "displayLabel": "Pay"})])
        .edges(
            &format!("/api/v2/applications/{}/associations?targets=user_group", id(50)),
            "user_group",
            [(id(30).as_str(), json!(null))],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    for (number, expected) in [(1, false), (2, false), (3, true), (4, true), (5, true), (6, false)] {
        let account = scanned.account(&id(number));
        assert_eq!(account.enabled, Some(false), "{number}");
        let expected: &[&str] = if expected { &["disabled_but_bound"] } else { &[] };
        assert_eq!(codes(&account.reasons), expected, "{number}");
    }
}

#[tokio::test]
async fn an_empty_link_to_an_administrator_is_none() {
    let user = |number: u64, admin: Value| json!({"_id": id(number), "username": format!("u{number}"), "admin": admin});
    let console = Content::default()
        .list(
            "/api/systemusers",
            [
                user(1, json!({})),
                user(2, json!({"id": "", "roleName": null, "roleNames": []})),
                user(3, json!({"roleName": "Manager"})),
            ],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let admins: Vec<_> = scanned.accounts().map(|account| (account.admin, codes(&account.reasons))).collect();
    let none = (Some(false), vec![]);
    assert_eq!(admins, [none.clone(), none, (Some(true), vec!["console_administrator"])]);
}
