#![allow(clippy::unwrap_used)]
use serde_json::json;

use super::*;

fn read(fields: Value) -> Account {
    let mut fields = fields;
    fields["_id"] = json!("5f0000000000000000000001");
    let draft: Draft = serde_json::from_str(&fields.to_string()).unwrap();
    let name = draft.name().to_owned();
    *draft.into_account(&name)
}

#[test]
fn enabled_needs_every_known_fact_to_agree() {
    for (fields, enabled) in [
        (json!({}), None),
        (json!({"activated": true}), Some(true)),
        (json!({"activated": true, "suspended": false, "state": "ACTIVATED"}), Some(true)),
        (json!({"activated": true, "suspended": true}), Some(false)),
        (json!({"activated": false, "state": "ACTIVATED"}), Some(false)),
        (json!({"state": "STAGED"}), Some(false)),
        (json!({"state": "SUSPENDED", "activated": true}), Some(false)),
        (json!({"state": null, "activated": "true"}), Some(true)),
    ] {
        assert_eq!(read(fields.clone()).enabled, enabled, "{fields}");
    }
}

#[test]
fn fields_without_a_name_of_their_own_reach_the_attributes_as_they_came() {
    let account = read(json!({
        "username": "ada", "unix_uid": 5005, "brandNew": {"x": [1]}, "mfa": {"configured": true, "exclusionDays": 3},
        "jobTitle": null, "attributes": [{"name": "badge", "value": "7"}],
    }));
    let expected = r#"{"attributes":[{"name":"badge","value":"7"}],"brandNew":{"x":[1]},"mfa":{"configured":true,"exclusionDays":3},"unix_uid":5005}"#;
    assert_eq!(account.attributes.as_json(), expected);
}

#[test]
fn a_second_factor_counts_from_any_of_its_signs() {
    let configured = |fields| read(fields).mfa.and_then(|mfa| mfa.configured);
    assert_eq!(configured(json!({})), None);
    assert_eq!(configured(json!({"mfa": {"configured": false}, "totp_enabled": false})), Some(false));
    assert_eq!(configured(json!({"totp_enabled": true})), Some(true));
    assert_eq!(configured(json!({"mfaEnrollment": {"overallStatus": "ENROLLED"}})), Some(true));
    assert_eq!(configured(json!({"mfaEnrollment": {"overallStatus": "PENDING_ACTIVATION"}})), Some(false));
    let by_sms = read(json!({"mfaEnrollment": {"overallStatus": "IN_ENROLLMENT", "smsStatus": "ENROLLED"}})).mfa;
    let by_sms = by_sms.unwrap_or_default();
    assert_eq!((by_sms.configured, by_sms.factors), (Some(true), vec!["sms".to_owned()]));
}

#[test]
fn wrong_types_never_break_a_user() {
    let account = read(json!({
        "username": 7, "email": [], "activated": {}, "created": "long ago", "mfa": "yes", "sudo": 1, "admin": {"id": "x"},
    }));
    assert_eq!(account.username, "5f0000000000000000000001");
    assert_eq!(account.created_at, None);
    assert_eq!(account.attributes.get("created"), Some(json!("long ago")));
    assert_eq!(account.attributes.get("username"), Some(json!(7)));
    assert_eq!(account.admin, Some(true));
    assert_eq!(read(json!({"username": ""})).attributes.get("username"), Some(json!("")));
}

#[test]
fn not_linked_to_an_administrator_is_known_only_if_reported() {
    assert_eq!(read(json!({"admin": null})).admin, Some(false));
    for nobody in [json!({}), json!({"id": "", "roleName": ""}), json!({"id": null}), json!({"roleNames": []})] {
        assert_eq!(read(json!({"admin": nobody})).admin, Some(false), "{nobody}");
    }
    for somebody in [json!({"id": "a1"}), json!({"roleName": "Manager"})] {
        assert_eq!(read(json!({"admin": somebody})).admin, Some(true), "{somebody}");
    }
    assert_eq!(read(json!({})).admin, None);
}

#[test]
fn type_is_reported_only_on_evidence() {
    assert_eq!(read(json!({"username": "svc-backup"})).account_type, None);
    assert_eq!(read(json!({"ldap_binding_user": true})).account_type, Some(AccountType::NonHuman));
    assert_eq!(read(json!({"employeeIdentifier": "E7"})).account_type, Some(AccountType::Human));
}
