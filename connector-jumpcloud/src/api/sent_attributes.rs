//! The attributes that JumpCloud sends to an application when a user signs in, such as a role: what the application grants
//! depends on them. They are in the application's `config`, of which nothing else is kept: it may contain private keys.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{lenient, secrets};

/// The attributes in an application's `config`, which is an object or its JSON as text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SentAttributes {
    /// Sent with the same value for every user.
    pub(crate) constant_attributes: Vec<SentAttribute>,
    /// Sent with the value of a user's field.
    pub(crate) database_attributes: Vec<SentAttribute>,
}

/// One attribute: its name, and its value or the field that it is taken from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SentAttribute {
    pub(crate) name: String,
    /// Absent if it may be a secret. The texts of a list are separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
}

impl<'de> Deserialize<'de> for SentAttributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let config = object(Value::deserialize(deserializer)?).unwrap_or_default();
        let sent = |name: &str| config.get(name).map(attributes).unwrap_or_default();
        Ok(Self { constant_attributes: sent("constantAttributes"), database_attributes: sent("databaseAttributes") })
    }
}

/// For `#[serde(deserialize_with)]` on a list of attributes.
pub(crate) fn de_sent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SentAttribute>, D::Error> {
    Value::deserialize(deserializer).map(|value| attributes(&value))
}

/// An object, also as JSON in a text.
fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object),
        Value::String(text) => serde_json::from_str(&text).ok(),
        _ => None,
    }
}

/// The attributes in a list, or in the `value` of an object; either may be JSON in a text.
fn attributes(value: &Value) -> Vec<SentAttribute> {
    match value {
        Value::Array(elements) => elements.iter().filter_map(attribute).collect(),
        Value::Object(object) => match object.get("value") {
            Some(list @ (Value::Array(_) | Value::String(_))) => attributes(list),
            _ => Vec::new(),
        },
        Value::String(text) => match serde_json::from_str(text) {
            Ok(list @ Value::Array(_)) => attributes(&list),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn attribute(element: &Value) -> Option<SentAttribute> {
    let name = lenient::text(element.get("name")?.clone()).filter(|name| !is_key(name))?;
    let is_secret = secrets::may_be(&name);
    let value = element.get("value").cloned().and_then(text).filter(|value| !is_secret && !is_key(value));
    Some(SentAttribute { name, value })
}

/// A text, or those of a list.
fn text(value: Value) -> Option<String> {
    let Value::Array(elements) = value else { return lenient::text(value) };
    let texts: Vec<String> = elements.into_iter().filter_map(lenient::text).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

/// Whether a text may contain a private key in a usual format: PEM, OpenPGP, PuTTY, or PEM in Base64, whose label is not
/// readable.
fn is_key(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    upper.contains("PRIVATE KEY") || upper.contains("PUTTY-USER-KEY-FILE") || text.contains("LS0tLS1CRUdJTi")
}

/// Whether a value contains a private key anywhere.
pub(super) fn holds_key(value: &Value) -> bool {
    match value {
        Value::String(text) => is_key(text),
        Value::Array(elements) => elements.iter().any(holds_key),
        Value::Object(fields) => fields.iter().any(|(name, value)| is_key(name) || holds_key(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn sent(config: Value) -> Value {
        serde_json::to_value(serde_json::from_value::<SentAttributes>(config).unwrap()).unwrap()
    }

    #[test]
    fn names_and_values_are_kept_in_every_shape_and_nothing_else() {
        let role =
            json!({"name": "role", "value": "arn:aws:iam::1:role/admin", "visible": true, "x": {"y": "hunter2"}});
        let kept = json!([{"name": "role", "value": "arn:aws:iam::1:role/admin"}]);
        for constant in [
            json!({"type": "keyValuePairs", "value": [role], "label": "hunter2"}),
            json!([role]),
            json!({"value": json!([role]).to_string()}),
        ] {
            let config = json!({"constantAttributes": constant, "idpPrivateKey": {"value": "hunter2"}});
            let expected = json!({"constantAttributes": kept, "databaseAttributes": []});
            assert_eq!(sent(config.clone()), expected, "{config}");
            assert_eq!(sent(json!(config.to_string())), expected, "as text");
            assert_eq!(sent(expected.clone()), expected, "through a checkpoint");
        }
        let numbers = json!({"databaseAttributes": {"value": [{"name": 7, "value": true}, {"value": "x"}, null, "y"]}});
        assert_eq!(sent(numbers)["databaseAttributes"], json!([{"name": "7", "value": "true"}]));
        let list = json!({"constantAttributes": [{"name": "roles", "value": ["arn:1", null, "arn:2"]}, {"name": "x", "value": []}]});
        let kept = json!([{"name": "roles", "value": "arn:1, arn:2"}, {"name": "x"}]);
        assert_eq!(sent(list)["constantAttributes"], kept);
        for odd in [json!(null), json!("[REDACTED]"), json!(7), json!([]), json!({"constantAttributes": {"value": {}}})]
        {
            assert_eq!(sent(odd), json!({"constantAttributes": [], "databaseAttributes": []}));
        }
    }

    #[test]
    fn what_may_be_a_secret_loses_its_value() {
        let list = json!([
            {"name": "Client-Secret", "value": "hunter2"}, {"name": "api_key", "value": "hunter2"},
            {"name": "pem", "value": "-----BEGIN RSA PRIVATE KEY-----\nhunter2"},
            {"name": "-----BEGIN PRIVATE KEY-----hunter2", "value": "x"},
            {"name": "pgp", "value": "-----BEGIN PGP PRIVATE KEY BLOCK-----\nhunter2"},
            {"name": "base64", "value": "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t"},
            {"name": "ppk", "value": ["PuTTY-User-Key-File-3: ssh-ed25519", "hunter2"]},
            {"name": "db_pwd", "value": "hunter2"}, {"name": "Pass-Phrase", "value": "hunter2"},
            {"name": "AWS Access Key", "value": "hunter2"}, {"name": "PRIVKEY", "value": "hunter2"},
            {"name": "credentials", "value": "hunter2"},
        ]);
        let kept = sent(json!({"constantAttributes": list}))["constantAttributes"].clone();
        let names = kept.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap());
        assert_eq!(
            names.collect::<Vec<_>>(),
            [
                "Client-Secret",
                "api_key",
                "pem",
                "pgp",
                "base64",
                "ppk",
                "db_pwd",
                "Pass-Phrase",
                "AWS Access Key",
                "PRIVKEY",
                "credentials"
            ]
        );
        assert!(kept.as_array().unwrap().iter().all(|one| one.get("value").is_none()), "{kept}");
        assert!(holds_key(&json!({"a": [{"b": "-----BEGIN PRIVATE KEY-----"}]})) && !holds_key(&json!({"a": ["b"]})));
    }
}
