//! What evidence says of a group's power and of its name.

use crate::evidence::{member, sentence, sudo};
use crate::support::console::{Content, id};
use crate::support::{Scanned, scan};
use connector_api::Severity;
use serde_json::json;

#[tokio::test]
async fn power_over_no_device_is_less_grave_and_power_over_unknown_devices_is_not() {
    let group = |number: u64, name: &str, attributes| json!({"id": id(number), "name": name, "attributes": attributes});
    let posix = json!({"posixGroups": [{"id": 27, "name": "wheel"}]});
    let member_of = |number: u64| format!("/api/v2/usergroups/{}/members", id(number));
    let console = Content::default()
        .list(
            "/api/systemusers",
            [(1, true), (2, false)].map(|(number, passwordless)| {
                json!({"_id": id(number), "username": format!("u{number}"), "sudo": true, "passwordless_sudo": passwordless})
            }),
        )
        .list(
            "/api/v2/usergroups",
            [
                group(30, "Idle", sudo(true)),
                group(31, "Idle with password", sudo(false)),
                group(32, "Idle wheel", posix.clone()),
                group(33, "Below", posix),
                group(34, "Above", json!(null)),
            ],
        )
        .list(&member_of(34), [member("user_group", 33)])
        .list(&member_of(30), [member("user", 1)])
        .list("/api/systems", [json!({"_id": id(40), "hostname": "h"})])
        .edges(
            &format!("/api/v2/systems/{}/associations?targets=user_group", id(40)),
            "user_group",
            [(id(34).as_str(), json!(null))],
        )
        .serve()
        .await;
    let known = scan(console.system()).await;
    let unknown = scan(console.system().with_attribute("includeGrants", false)).await;
    let of = |scanned: &Scanned, on: &str, code: &str| {
        let reasons = match on.strip_prefix('u') {
            Some(number) => &scanned.account(&id(number.parse().unwrap())).reasons,
            None => &scanned.group(on).reasons,
        };
        let found = reasons.iter().find(|reason| reason.code == code);
        let found = found.unwrap_or_else(|| panic!("no {code} on {on} in {reasons:?}"));
        (found.severity, found.message.clone())
    };
    use Severity::{High, Low, Medium};
    let become_so = "its members become administrators on its devices";
    let everywhere = "becomes administrator on every device it is bound to";
    let none = ", but it is bound to no device at present";
    let how_many = ": number not known";
    let wheel = "its members are in the POSIX group wheel";
    for (on, code, sentence, (of_none, after_none), (of_unknown, after_unknown)) in [
        ("Idle", "group_sudo_without_password", format!("{become_so}, without a password"), (Medium, none), (High, "")),
        ("Idle with password", "group_sudo", become_so.to_owned(), (Low, none), (Medium, "")),
        ("Idle wheel", "posix_admin_group", wheel.to_owned(), (Low, none), (Medium, "")),
        // The group above it has a device.
        ("Below", "posix_admin_group", wheel.to_owned(), (Medium, ""), (Medium, "")),
        (
            "u1",
            "global_sudo_without_password",
            format!("{everywhere}, without a password"),
            (Medium, none),
            (High, how_many),
        ),
        ("u2", "global_sudo", everywhere.to_owned(), (Low, none), (Medium, how_many)),
        (
            "u1",
            "privileged_group",
            format!("is in \"Idle\": {become_so}, without a password"),
            (Medium, none),
            (High, ""),
        ),
    ] {
        assert_eq!(of(&known, on, code), (of_none, format!("{sentence}{after_none}")));
        assert_eq!(of(&unknown, on, code), (of_unknown, format!("{sentence}{after_unknown}")));
    }
}

#[tokio::test]
async fn a_name_cannot_be_taken_for_the_sentence_around_it() {
    let name = "sudo\": its name; 3 more";
    let members = format!("/api/v2/usergroups/{}/members", id(30));
    let console = Content::default()
        .list("/api/systemusers", [json!({"_id": id(1), "username": "ada"})])
        .list("/api/v2/usergroups", [json!({"id": id(30), "name": name})])
        .list(&members, [member("user", 1)])
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    assert_eq!(
        sentence(&scanned.account(&id(1)).reasons, "privileged_group"),
        "is in \"sudo\\\": its name; 3 more\": its name contains \"sudo\""
    );
}

#[tokio::test]
async fn groups_that_are_members_of_each_other_share_what_either_gives() {
    let group = |number: u64, name: &str, attributes| json!({"id": id(number), "name": name, "attributes": attributes});
    let members = |number: u64| format!("/api/v2/usergroups/{}/members", id(number));
    let console = Content::default()
        .list("/api/systemusers", [json!({"_id": id(1), "username": "ada"})])
        .list("/api/v2/usergroups", [group(30, "Crew", json!(null)), group(31, "Elevated", sudo(false))])
        .list(&members(30), [member("user", 1), member("user_group", 31)])
        .list(&members(31), [member("user_group", 30)])
        .list("/api/systems", [json!({"_id": id(40), "hostname": "h"})])
        .edges(
            &format!("/api/v2/systems/{}/associations?targets=user_group", id(40)),
            "user_group",
            [(id(30).as_str(), json!(null))],
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let grant = scanned.grants().find(|grant| crate::grants::principal_id(grant) == id(1)).unwrap();
    let paths: Vec<_> = grant
        .via
        .iter()
        .map(|path| (&*path.access.word, path.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>()))
        .collect();
    assert_eq!(grant.access, crate::support::SUDO);
    assert_eq!(paths, [("login", vec!["Crew"]), ("sudo", vec!["Crew", "Elevated", "Crew"])]);
    let on = "its members are administrators on 1 device";
    for (reasons, expected) in [
        (&scanned.account(&id(1)).reasons, format!("is in \"Crew\": {on}")),
        (&scanned.group("Crew").reasons, on.to_owned()),
        (&scanned.group("Elevated").reasons, format!("its members are in \"Crew\": {on}")),
    ] {
        assert_eq!(sentence(reasons, "sudo_on_systems"), expected);
    }
}
