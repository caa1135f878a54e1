//! What was refused, is gone, or is not set up.

use super::*;

#[tokio::test]
async fn an_identity_provider_leaves_open_who_signs_in_by_it() {
    let provider = json!({"identityProviders": [{"id": id(70), "name": "Okta"}], "totalCount": 1});
    for (answer, expected) in [
        ((200, provider), "notKnown"),
        ((200, json!({"identityProviders": [], "totalCount": 0})), "secondFactor"),
        ((200, json!({"totalCount": 0})), "secondFactor"),
        ((200, json!({"totalCount": 1})), "notKnown"),
        ((200, json!({"identityProviders": [null]})), "notKnown"),
        ((200, json!({"identityProviders": [], "totalCount": 5})), "notKnown"),
        ((404, json!({"message": "Not Found"})), "secondFactor"),
    ] {
        let content = organization().list(PATH, [policy(1, factor(), json!({}))]);
        let console = content.answer(PROVIDERS, answer.0, answer.1.clone()).serve().await;
        let scanned = scan(console.system()).await;
        assert_eq!(portal(&scanned, &id(2)).result.as_str(), expected, "{answer:?}");
        let report = scanned.summary.section(Section::CONDITIONAL_ACCESS).unwrap();
        assert_eq!(
            (&report.status, report.notes.len()),
            (&SectionStatus::Complete, usize::from(expected == "notKnown"))
        );
    }
}

#[tokio::test]
async fn a_sign_in_that_was_open_stays_so_when_identity_providers_are_refused_later() {
    let none: [Value; 0] = [];
    let console = organization().list(PATH, none.clone()).serve().await;
    let known = scan(console.system()).await;
    let content = organization().list(PATH, none).answer(PROVIDERS, 403, json!({"message": "Forbidden"}));
    let later = scan(content.serve().await.system()).await;
    let status = later.status(Section::CONDITIONAL_ACCESS);
    assert!(matches!(status, SectionStatus::Incomplete { .. }), "{status:?}");
    assert!(later.accounts().all(|account| account.protection.is_none()));
    let plan = later.summary.replacement(&JumpCloud::describe());
    let rows = plan.apply(known.records.clone(), later.records.clone()).unwrap();
    let of_host = Scanned { records: rows, ..later };
    assert_eq!(portal(&of_host, &id(1)).result, SignInResult::OPEN);
    assert!(codes(&of_host.account(&id(1)).reasons).contains(&"privileged_sign_in_without_mfa"));
}

#[tokio::test]
async fn a_reference_to_what_is_gone_is_counted_and_left_out() {
    let targets = json!({"resources": [{"type": "application", "id": id(50)}], "excludedApplications": [],
        "users": {"inclusions": [id(1), id(9)]}, "userGroups": {"exclusions": [id(30), id(39)]}});
    let gone = policy(1, factor(), json!({"type": "application", "targets": targets}));
    let scanned = with([gone.clone()]).await;
    let row = policies(&scanned)[0];
    assert_eq!(row.subjects.included.iter().map(|node| &node.external_id).collect::<Vec<_>>(), [&id(1)]);
    assert_eq!(row.subjects.excluded.iter().map(|node| &node.external_id).collect::<Vec<_>>(), [&id(30)]);
    assert!(row.targets.included.is_empty(), "it is for no application, not for all");
    assert_eq!(scanned.summary.section(Section::CONDITIONAL_ACCESS).unwrap().dangling, 3);
    let console = organization().list(PATH, [gone]).serve().await;
    let without = scan(console.system().with_attribute("includeApplications", false)).await;
    assert_eq!(policies(&without)[0].targets.included.len(), 1, "what was not read may exist");
}

#[tokio::test]
async fn a_role_without_the_scope_leaves_conditional_access_unavailable_and_claims_nothing() {
    let forbidden = json!({"message": "Forbidden"});
    let console = organization().answer(PATH, 403, forbidden.clone()).serve().await;
    let scanned = scan(console.system()).await;
    let error = scanned.unavailable(Section::CONDITIONAL_ACCESS);
    for words in ["authn.readonly", "includeConditionalAccess"] {
        assert!(error.remedy.contains(words), "{}", error.remedy);
    }
    let switched_off = scan(console.system().with_attribute("includeConditionalAccess", false)).await;
    assert_eq!(switched_off.status(Section::CONDITIONAL_ACCESS), &SectionStatus::Skipped);
    let content = organization().list(PATH, [policy(1, factor(), json!({}))]);
    let half = content.answer(IP_LISTS, 403, forbidden).serve().await;
    let half = scan(half.system()).await;
    assert!(matches!(half.status(Section::CONDITIONAL_ACCESS), SectionStatus::Incomplete { .. }));
    for scanned in [&scanned, &switched_off, &half] {
        assert!(scanned.accounts().all(|account| account.protection.is_none()));
        let claims = |code: &&str| *code == "privileged_sign_in_without_mfa";
        assert!(!scanned.accounts().any(|account| codes(&account.reasons).iter().any(claims)));
    }
}

#[tokio::test]
async fn an_organisation_that_has_not_set_the_feature_up_ends_the_section_as_skipped_and_says_so() {
    for status in [402, 404, 405] {
        let console = organization().answer(PATH, status, json!({"message": "Not Found"})).serve().await;
        let scanned = scan(console.system()).await;
        let report = scanned.summary.section(Section::CONDITIONAL_ACCESS).unwrap();
        assert_eq!((&report.status, report.notes.concat().as_str()), (&SectionStatus::Skipped, "not set up here"));
        assert_eq!((scanned.summary.outcome, report.requests), (Outcome::Complete, 1), "{status}");
        assert!(scanned.accounts().all(|account| account.protection.is_none()));
    }
    for status in [402, 404] {
        let content = organization().list(PATH, [policy(1, factor(), json!({}))]);
        let console = content.answer(IP_LISTS, status, json!({"message": "Not Found"})).serve().await;
        assert_eq!(scan(console.system()).await.status(Section::CONDITIONAL_ACCESS), &SectionStatus::Complete);
    }
}
