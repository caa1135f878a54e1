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
