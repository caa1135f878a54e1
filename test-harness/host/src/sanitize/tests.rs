#![allow(clippy::unwrap_used)]
use connector_api::{Access, AccessLevel, ReasonKind, Severity};
use serde_json::json;

use super::*;

fn descriptor() -> Descriptor {
    let mut descriptor = Descriptor::new("Toy", "Toy", "1");
    descriptor.accesses = vec![Access::of_word(AccessLevel::Administer, "sudo")];
    descriptor.emits = vec!["TOY_GROUP".to_owned()];
    let row = connector_api::EvidenceRow::new("named", ReasonKind::Privilege, [Severity::High]);
    descriptor.evidence = vec![row.explained("", "Rename it", "")];
    descriptor
}

fn sanitized(row: &Value) -> Value {
    let sanitizer = Sanitizer::new(&SecretString::from("secret"), &descriptor());
    serde_json::to_value(sanitizer.record(&serde_json::from_value(row.clone()).unwrap()).unwrap()).unwrap()
}

#[test]
fn words_of_the_product_stay_only_in_their_fields() {
    let row = json!({"record": "account", "externalId": "user", "kind": "user", "username": "administrator", "state": "Astrid",
        "enabled": false, "lastLoginAt": "2026-11-26T00:00:00Z",
        "reasons": [{"code": "named", "kind": "privilege", "severity": "high", "message": "is Astrid", "remedy": "Rename it",
            "subject": "TOY_GROUP"},
            {"code": "Astrid", "kind": "risk", "severity": "low", "message": "Rename it", "remedy": "Ask Astrid"}],
        "attributes": {"username": "Astrid", "Astrid": true, "id": 12345, "at": "2026-11-26T00:00:00Z"}});
    let after = sanitized(&row);
    for kept in
        ["/record", "/kind", "/enabled", "/lastLoginAt", "/reasons/0/code", "/reasons/0/remedy", "/reasons/1/kind"]
    {
        assert_eq!(after.pointer(kept), row.pointer(kept), "{kept}");
    }
    for gone in [
        "/externalId",
        "/username",
        "/state",
        "/reasons/0/message",
        "/reasons/0/subject",
        "/reasons/1/message",
        "/reasons/1/remedy",
        "/reasons/1/code",
        "/attributes/username",
    ] {
        let (after, row) = (after.pointer(gone).unwrap(), row.pointer(gone).unwrap());
        assert!(after.is_string() && after != row, "{gone}: {after}");
    }
    assert!(!after.to_string().contains("Astrid") && !after.to_string().contains("12345"), "{after}");
    assert!(after["attributes"].as_object().unwrap().values().any(|value| value == "2026-11-26T00:00:00Z"));
}

#[test]
fn what_referred_to_each_other_still_does() {
    let account = sanitized(&json!({"record": "account", "externalId": "4711", "kind": "user", "username": "ada"}));
    let membership =
        sanitized(&json!({"record": "membership", "username": "ada", "accountExternalId": "4711", "groupName": "g",
        "groupType": "TOY_GROUP", "groupExternalId": "4712", "direct": true}));
    let binding = sanitized(
        &json!({"record": "binding", "from": {"kind": "account", "type": "user", "externalId": "4711"},
        "to": {"kind": "group", "type": "TOY_GROUP", "externalId": "4712"}, "access": {"level": "administer", "word": "sudo"}}),
    );
    assert_eq!(account["externalId"], membership["accountExternalId"]);
    assert_eq!(account["username"], membership["username"]);
    assert_eq!(binding["from"]["externalId"], account["externalId"]);
    assert_eq!(binding["to"]["externalId"], membership["groupExternalId"]);
    assert_eq!((&binding["to"]["type"], &binding["access"]["word"]), (&json!("TOY_GROUP"), &json!("sudo")));
    assert_ne!(membership["groupName"], "g");
}

#[test]
fn rows_of_a_connector_that_is_not_known_have_a_form_too() {
    let sanitizer = Sanitizer::new(&SecretString::from("secret"), &Descriptor::default());
    let row = json!({"record": "account", "externalId": "1", "kind": "wizard", "username": "ada", "reasons": [
        {"code": "spells", "kind": "risk", "severity": "low", "message": "casts", "remedy": "ask Ada", "sections": ["users", "spellBooks"],
        "detailsFrom": ["spellBooks"]}]});
    let after = serde_json::to_value(sanitizer.record(&serde_json::from_value(row).unwrap()).unwrap()).unwrap();
    let reason = &after["reasons"][0];
    assert_eq!((&reason["sections"][0], &reason["sections"][1]), (&json!("users"), &reason["detailsFrom"][0]));
    let text = after.to_string();
    assert!(["spell", "wizard", "Ada", "casts"].iter().all(|word| !text.contains(word)), "{text}");
}

#[test]
fn a_time_stays_unless_it_has_more_to_say() {
    for (text, stays) in [
        ("2026-11-26T00:00:00Z", true),
        ("2026-11-26T00:00:00.5+01:00", true),
        ("2026-11-26T00:00:00+01:00[Europe/Berlin]", false),
        ("2026-11-26T00:00:00Z[u-ca=maria]", false),
        ("20261126000000000000", false),
    ] {
        let row = json!({"record": "account", "externalId": "1", "kind": "user", "username": "a", "attributes": {"created": text}});
        let after = sanitized(&row);
        let kept = after["attributes"].as_object().unwrap().values().any(|value| value == text);
        assert_eq!(kept, stays, "{text}: {after}");
    }
}
