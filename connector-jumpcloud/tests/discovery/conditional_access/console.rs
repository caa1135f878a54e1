//! Policies of the administrators' console.

use super::*;

#[tokio::test]
async fn a_policy_of_the_console_decides_for_administrators() {
    let console = |users: Value| json!({"type": "admin_portal", "targets": {"resources": [{"type": "admin_portal"}], "users": {"inclusions": users}}});
    for (what, policies, expected) in [
        // Whether the organisation requires a factor of all of them is not read.
        ("none", vec![], ["secondFactor", "notKnown"]),
        ("all", vec![policy(1, factor(), console(json!(["ALL"])))], ["secondFactor", "secondFactor"]),
        ("none needed", vec![policy(1, json!({"action": "allow"}), console(json!(["ALL"])))], ["open", "open"]),
        (
            "one of them",
            vec![policy(1, json!({"action": "deny"}), console(json!([id(21)])))],
            ["secondFactor", "denied"],
        ),
        ("users", vec![policy(1, json!({"action": "deny"}), console(json!([id(1)])))], ["notKnown", "notKnown"]),
    ] {
        let scanned = with(policies).await;
        let found = [20, 21].map(|number| {
            let protection = scanned.account(&id(number)).protection.as_ref().unwrap();
            assert_eq!(protection.portal, None);
            protection.console.as_ref().unwrap().result.as_str()
        });
        assert_eq!(found, expected, "{what}");
        let open = codes(&scanned.account(&id(20)).reasons).contains(&"privileged_sign_in_without_mfa");
        assert_eq!(open, what == "none needed");
    }
}

#[tokio::test]
async fn a_policy_names_administrators_as_such_and_none_of_them_is_lost() {
    let users = json!({"inclusions": [id(1), id(21), id(9)], "exclusions": [id(20)]});
    let targets = json!({"resources": [{"type": "admin_portal"}], "users": users});
    let deny = || [policy(1, json!({"action": "deny"}), json!({"type": "admin_portal", "targets": targets}))];
    let node = |node_type: &str, number| NodeRef::new(NodeKind::Account, node_type, id(number));
    let scanned = with(deny()).await;
    let subjects = &policies(&scanned)[0].subjects;
    assert_eq!(subjects.included, [node("user", 1), node("administrator", 21)]);
    assert_eq!(subjects.excluded, [node("administrator", 20)]);
    assert_eq!(scanned.summary.section(Section::CONDITIONAL_ACCESS).unwrap().dangling, 1);
    // Who is not read may be an administrator.
    let console = organization().list(PATH, deny()).serve().await;
    let request = ScanRequest::default().leaving_out([Section::ADMINISTRATORS]);
    let without = try_scan_as(request, console.system()).await.unwrap();
    let subjects = &policies(&without)[0].subjects;
    assert_eq!(subjects.included, [node("user", 1), node("administrator", 21), node("administrator", 9)]);
    assert_eq!(subjects.excluded, [node("administrator", 20)]);
}

#[tokio::test]
async fn a_sign_in_to_the_console_without_a_second_factor_depends_on_the_organisations_settings() {
    let console = json!({"type": "admin_portal", "targets": {"resources": [{"type": "admin_portal"}], "users": {"inclusions": ["ALL"]}}});
    let allow = || vec![policy(1, json!({"action": "allow"}), console.clone())];
    for (policies, required, open) in
        [(vec![], false, true), (vec![], true, false), (allow(), false, true), (allow(), true, false)]
    {
        let settings = json!({"_id": id(90), "settings": {"requireAdminMFA": required}});
        let content = organization().list(PATH, policies).list("/api/organizations", [json!({"_id": id(90)})]);
        let console = content.answer(&format!("/api/organizations/{}", id(90)), 200, settings).serve().await;
        let scanned = scan(console.system()).await;
        assert_eq!(scanned.status(Section::ORGANIZATION), &SectionStatus::Complete);
        let reasons = &scanned.account(&id(21)).reasons;
        let found = reasons.iter().find(|reason| reason.code == "privileged_sign_in_without_mfa");
        assert_eq!(found.is_some(), open, "{required}");
        assert!(found.is_none_or(|reason| reason.sections.contains(&Section::ORGANIZATION)), "{found:?}");
    }
}

#[tokio::test]
async fn a_policy_that_requires_nothing_leaves_open_what_the_organisation_requires() {
    let allow = json!({"type": "admin_portal", "targets": {"resources": [{"type": "admin_portal"}], "users": {"inclusions": ["ALL"]}}});
    let console = organization()
        .list(PATH, [policy(1, json!({"action": "allow"}), allow)])
        .list("/api/organizations", [json!({"_id": id(90), "displayName": "X"})])
        .answer(
            &format!("/api/organizations/{}", id(90)),
            200,
            json!({"_id": id(90), "settings": {"requireAdminMFA": true}}),
        )
        .serve()
        .await;
    let scanned = scan(console.system()).await;
    let protection = scanned.account(&id(21)).protection.as_ref().unwrap();
    let found = protection.console.as_ref().unwrap();
    assert_eq!(found.result, SignInResult::NOT_KNOWN, "{found:?}");
    assert!(found.reason.ends_with("but by the organisation"), "{found:?}");
}
