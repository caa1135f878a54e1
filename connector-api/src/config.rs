//! The configuration of one system.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::descriptor::Descriptor;
use crate::error::ConnectorError;

/// The configuration of one target system as the host stores it: the fields of its form.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct SystemConfig {
    /// The operator's name for the system.
    #[serde(default)]
    pub name: String,
    /// The OS Type of the connector.
    pub os_type: String,
    /// The host name of the target.
    pub hostname: String,
    /// The port; absent for the connector's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The credential. Serialised without its secret.
    #[serde(default)]
    pub credential: Credential,
    /// The attributes, which the connector's own schema describes. One that is `null` counts as not set.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
}

impl SystemConfig {
    /// Creates a configuration with a host and a credential; everything else has its default.
    pub fn new(os_type: impl Into<String>, hostname: impl Into<String>, credential: Credential) -> Self {
        Self {
            name: String::new(),
            os_type: os_type.into(),
            hostname: hostname.into(),
            port: None,
            credential,
            attributes: Map::new(),
        }
    }

    /// Sets the operator's name for the system.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds one attribute.
    #[must_use]
    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// Reads the attributes into the connector's own type, from which its schema is generated.
    ///
    /// # Errors
    /// Returns `invalid_config` for attributes that do not fit the type.
    pub fn options<T: DeserializeOwned>(&self) -> Result<T, ConnectorError> {
        // The cause is left out, since it may quote a secret. Validation against the schema has reported it in more
        // detail.
        serde_path_to_error::deserialize(Value::Object(self.set_attributes())).map_err(|error| {
            let message = match error.path().to_string().as_str() {
                "." => "the attributes do not have the form that the connector's schema describes".to_owned(),
                path => format!("attributes.{path}: does not have the form that the connector's schema describes"),
            };
            ConnectorError::invalid_config(message, "correct the system's attributes")
        })
    }

    /// Returns the attributes that are set. A host may store `null` for one that is not. A whole number is an integer
    /// however it is written: to JSON Schema, 90.0 is one, to Rust's types it is not.
    pub fn set_attributes(&self) -> Map<String, Value> {
        let set = self.attributes.iter().filter(|(_, value)| !value.is_null());
        set.map(|(name, value)| (name.clone(), with_integers(value.clone()))).collect()
    }

    /// Returns a digest of every setting that decides what a scan reads. It binds a checkpoint to its configuration.
    ///
    /// An attribute that is not set counts as its default. Left out are secrets (the credential's, and attributes that
    /// the schema marks as `writeOnly`) and attributes that only [tune](Descriptor::tuning) the requests.
    pub fn fingerprint(&self, descriptor: &Descriptor) -> Fingerprint {
        let properties = &descriptor.config_schema.as_value()["properties"];
        let defaults = properties.as_object().into_iter().flatten();
        let defaults = defaults.map(|(name, property)| (name.clone(), with_integers(property["default"].clone())));
        let mut attributes: Map<String, Value> = defaults.collect();
        attributes.extend(self.set_attributes());
        attributes.retain(|name, _| properties[name]["writeOnly"] != true && !descriptor.tuning.contains(name));

        // Host names ignore case, and a trailing dot only names the root.
        let hostname = self.hostname.trim().trim_end_matches('.').to_lowercase();
        let own = [
            ("hostname", Value::from(hostname)),
            ("port", self.port.unwrap_or(descriptor.default_port).into()),
            ("credential.username", self.credential.username.clone().into()),
        ];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        let digest = |value: Value| {
            let digest = Sha256::digest(sorted(value).to_string());
            digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
        };
        Fingerprint(own.chain(attributes).map(|(name, value)| (name, digest(value))).collect())
    }
}

/// Shows the attributes without their values, since one may be a secret.
impl fmt::Debug for SystemConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemConfig")
            .field("name", &self.name)
            .field("os_type", &self.os_type)
            .field("hostname", &self.hostname)
            .field("port", &self.port)
            .field("credential", &self.credential)
            .field("attributes", &self.attributes.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// A digest of each setting that decides what a scan reads, by the setting's name. Holds no secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fingerprint(BTreeMap<String, String>);

impl Fingerprint {
    /// Returns the names of the settings that differ.
    pub fn differences<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        let names: BTreeSet<&str> = self.0.keys().chain(other.0.keys()).map(String::as_str).collect();
        names.into_iter().filter(|name| self.0.get(*name) != other.0.get(*name)).collect()
    }
}

/// A credential for a target. `Debug` and serialisation never show the password.
#[derive(Clone, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    /// The user name or client id, for targets that use one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password, key or client secret. Zeroed in memory when dropped.
    #[serde(skip_serializing)]
    #[schemars(with = "Option<String>", extend("writeOnly" = true, "format" = "password"))]
    password: SecretString,
}

impl Credential {
    /// Creates a credential that is only a secret, such as an API key.
    pub fn from_secret(password: impl Into<SecretString>) -> Self {
        Self { username: None, password: password.into() }
    }

    /// Sets the user name or client id.
    #[must_use]
    pub fn with_username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self
    }

    /// Returns the secret, for the code that signs in with it.
    pub fn secret(&self) -> &SecretString {
        &self.password
    }

    pub(crate) fn password(&self) -> &str {
        self.password.expose_secret()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("username", &self.username)
            .field("password", &if self.password().is_empty() { "(empty)" } else { "(secret)" })
            .finish()
    }
}

impl<'de> Deserialize<'de> for Credential {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Plain {
            #[serde(default)]
            username: Option<String>,
            #[serde(default)]
            password: Option<String>,
        }
        let plain = Plain::deserialize(deserializer)?;
        Ok(Self { username: plain.username, password: plain.password.unwrap_or_default().into() })
    }
}

/// Writes every whole number as an integer, unless it is too large for a float to hold exactly.
fn with_integers(value: Value) -> Value {
    const EXACT: f64 = (1_u64 << 53) as f64;
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(whole) if number.is_f64() && whole.fract() == 0.0 && whole.abs() <= EXACT => (whole as i64).into(),
            _ => Value::Number(number),
        },
        Value::Array(items) => Value::Array(items.into_iter().map(with_integers).collect()),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, with_integers(value))).collect(),
        other => other,
    }
}

/// Sorts the keys of every object, so that equal values print the same.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use schemars::Schema;

    use super::*;

    #[test]
    fn a_credential_never_shows_its_secret() {
        let credential: Credential = serde_json::from_str(r#"{"password":"hunter2"}"#).unwrap();
        assert!(!format!("{credential:?}").contains("hunter2"));
        assert!(!serde_json::to_string(&credential).unwrap().contains("hunter2"));
    }

    fn described(schema: Schema) -> Descriptor {
        let tuning = vec!["pace".to_owned()];
        Descriptor { default_port: 443, tuning, config_schema: schema, ..Descriptor::default() }
    }

    #[test]
    fn the_fingerprint_ignores_secrets_tuning_spelling_and_what_is_set_to_its_default() {
        let descriptor = described(schemars::json_schema!({
            "properties": {"a": {}, "b": {"default": 2}, "pace": {"default": 1}, "token": {"writeOnly": true}}
        }));
        let system = |hostname, secret| SystemConfig::new("X", hostname, Credential::from_secret(secret));
        let one =
            system("host.example", "a").with_attribute("b", 2).with_attribute("a", 1).with_attribute("token", "x");
        let other = system("HOST.example.", "z").with_attribute("a", 1).with_attribute("pace", 5);
        let other = SystemConfig { port: Some(443), ..other };
        assert_eq!(one.fingerprint(&descriptor), other.fingerprint(&descriptor));
    }

    #[test]
    fn an_attribute_that_is_null_counts_as_not_set() {
        let descriptor = described(schemars::json_schema!({"properties": {"a": {}, "b": {"default": 2}}}));
        let bare = SystemConfig::new("X", "h", Credential::default());
        let nulls = bare.clone().with_attribute("a", Value::Null).with_attribute("b", Value::Null);
        assert_eq!(nulls.fingerprint(&descriptor), bare.fingerprint(&descriptor));
        let options: BTreeMap<String, u8> = nulls.with_attribute("c", 3).options().unwrap();
        assert_eq!(options, BTreeMap::from([("c".to_owned(), 3)]));
    }

    #[test]
    fn a_whole_number_is_an_integer_however_it_is_written() {
        let system = |days: Value| {
            let system = SystemConfig::new("X", "h", Credential::default());
            system.with_attribute("days", days.clone()).with_attribute("inner", serde_json::json!({"list": [days]}))
        };
        let set = system(90.0.into()).set_attributes();
        assert_eq!(Value::Object(set).to_string(), r#"{"days":90,"inner":{"list":[90]}}"#);
        let descriptor = described(schemars::json_schema!({"properties": {"days": {"default": 90.0}}}));
        assert_eq!(system(90.0.into()).fingerprint(&descriptor), system(90.into()).fingerprint(&descriptor));
        for kept in [serde_json::json!(2.5), serde_json::json!(1e300), serde_json::json!(u64::MAX)] {
            assert_eq!(system(kept.clone()).set_attributes()["days"], kept);
        }
    }

    #[test]
    fn an_attribute_that_does_not_fit_is_named_without_its_value() {
        #[derive(Debug, Deserialize)]
        struct Options {
            #[expect(dead_code, reason = "only read")]
            days: u8,
        }
        let system = SystemConfig::new("X", "h", Credential::default());
        let error = system.clone().with_attribute("days", "hunter2").options::<Options>().unwrap_err();
        assert!(error.message.starts_with("attributes.days: ") && !error.message.contains("hunter2"), "{error}");
        let error = system.options::<Options>().unwrap_err();
        assert!(error.message.starts_with("the attributes do not have"), "{error}");
    }

    #[test]
    fn fingerprints_name_the_settings_in_which_they_differ() {
        let descriptor = described(schemars::json_schema!({"properties": {"a": {}, "b": {"default": 2}}}));
        let system = |hostname| SystemConfig::new("X", hostname, Credential::default());
        let one = system("h").fingerprint(&descriptor);
        let other = SystemConfig { port: Some(444), ..system("i").with_attribute("b", 3) }.fingerprint(&descriptor);
        assert_eq!(one.differences(&other), ["b", "hostname", "port"]);
        assert!(one.differences(&one).is_empty());
        assert!(!serde_json::to_string(&other).unwrap().contains("444"), "values are not shown");
    }

    #[test]
    fn a_configuration_is_printed_without_the_values_of_attributes() {
        let config = SystemConfig::new("X", "h", Credential::default()).with_attribute("token", "hunter2");
        assert!(format!("{config:?}").contains("token") && !format!("{config:?}").contains("hunter2"));
    }
}
