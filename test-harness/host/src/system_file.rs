//! Reads a stored system, JSON or TOML, with the fields of [`SystemConfig`].

use std::path::Path;

use connector_api::secrecy::ExposeSecret;
use connector_api::{ConnectorError, Credential, SystemConfig};

use crate::nearest;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::stored_system::{PASSWORD, SecretSource, Secrets, StoredSystem};
use super::{secret, text_file};

pub use super::secret::read_secret;

/// Reads the system file at `path`. A name ending in `.toml` is read as TOML, any other as JSON.
///
/// A file without `osType` is for `default_os_type`. `secrets` says of each secret which file or variable it is read from.
/// The credential's is left empty if somebody entered it in a form, since other places may have it.
///
/// # Errors
/// `invalid_config` if the file cannot be read, or for the first field that is unknown or of the wrong type. The error never
/// repeats a value, since it may be a secret in the wrong place.
pub fn read_system(path: &Path, default_os_type: &str) -> Result<SystemConfig, ConnectorError> {
    let (mut stored, _) = read_stored(path, default_os_type)?;
    if stored.secrets.get(PASSWORD) == Some(&SecretSource::Entered) {
        stored.secrets.remove(PASSWORD);
    }
    stored.resolve(&Secrets::new()).map_err(|error| error.context(format_args!("the system file {}", path.display())))
}

/// Reads the system file at `path` without the secrets that are elsewhere. Returns whether it has one in itself.
///
/// # Errors
/// As for [`read_system`], but for those secrets.
pub fn read_stored(path: &Path, default_os_type: &str) -> Result<(StoredSystem, bool), ConnectorError> {
    let text = text_file::read(path, "system file")?;
    let text = text.expose_secret();
    let is_toml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    let parsed = if is_toml { parse_toml(text) } else { parse_json(text) };
    let value = parsed.map_err(|why| {
        ConnectorError::invalid_config(
            format!("the system file {} is not {}: {why}", path.display(), if is_toml { "TOML" } else { "JSON" }),
            "correct the file; a name ending in .toml is read as TOML, any other name as JSON",
        )
    })?;
    let place = format!("the system file {}", path.display());
    let finite = if is_toml { check_finite(text) } else { Ok(()) };
    let system = finite.and_then(|()| system_from(value, default_os_type)).map_err(|error| error.context(&place))?;
    secret::check(system.config.credential.secret(), &format!("credential.password of {place}"))?;
    let holds_secret = !system.config.credential.secret().expose_secret().is_empty();
    Ok((system, holds_secret))
}

/// Returns a system as the JSON of a system file.
///
/// # Errors
/// `internal` if it has no JSON.
pub fn to_json(stored: &StoredSystem) -> Result<String, ConnectorError> {
    let json = serde_json::to_value(&stored.config).and_then(|mut value| {
        if !stored.secrets.is_empty() {
            value["secrets"] = serde_json::to_value(&stored.secrets)?;
        }
        serde_json::to_string_pretty(&value)
    });
    let json =
        json.map_err(|error| ConnectorError::internal("a system cannot be stored as JSON").with_source(error))?;
    Ok(json + "\n")
}

fn parse_json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// The error of the TOML crate would quote the line, which may contain a secret.
fn parse_toml(text: &str) -> Result<Value, String> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        format!("{} at line {}", error.message(), before.matches('\n').count() + 1)
    })
}

/// Refuses `nan` and `inf`, which TOML has and JSON has not: they would count as not set.
fn check_finite(text: &str) -> Result<(), ConnectorError> {
    fn find(value: &toml::Value) -> Option<String> {
        let below = |name: String, value| find(value).map(|rest| format!("{name}{rest}"));
        match value {
            toml::Value::Float(number) => (!number.is_finite()).then(String::new),
            toml::Value::Table(table) => table.iter().find_map(|(name, value)| below(format!(".{name}"), value)),
            toml::Value::Array(items) => items.iter().enumerate().find_map(|(at, item)| below(format!("[{at}]"), item)),
            _ => None,
        }
    }
    // A file that is not TOML has been refused before.
    let found = toml::from_str::<toml::Table>(text).ok().and_then(|table| find(&table.into()));
    match found {
        Some(path) => Err(wrong(format!("{}: must be a finite number", path.trim_start_matches('.')))),
        None => Ok(()),
    }
}

fn system_from(value: Value, default_os_type: &str) -> Result<StoredSystem, ConnectorError> {
    let mut fields = Fields::of("", value)?;
    let mut credential = Fields::of("credential.", fields.take("credential", "an object")?.unwrap_or_default())?;
    let os_type: String = fields.take("osType", "a string")?.unwrap_or_else(|| default_os_type.to_owned());
    let hostname: String = fields.take("hostname", "a string")?.unwrap_or_default();
    let username: Option<String> = credential.take("username", "a string")?;
    let password: Option<String> = credential.take("password", "a string")?;
    credential.end(&["username", "password"])?;
    let secret = Credential::from_secret(password.unwrap_or_default());
    let credential = username.into_iter().fold(secret, Credential::with_username);
    let mut system = SystemConfig::new(os_type, hostname, credential);
    system.name = fields.take("name", "a string")?.unwrap_or_default();
    system.port = fields.take("port", "a whole number from 1 to 65535")?;
    system.attributes = fields.take("attributes", "an object")?.unwrap_or_default();
    let secrets =
        fields.take("secrets", "an object whose values are {\"file\": …}, {\"variable\": …} or \"entered\"")?;
    fields.end(&["name", "osType", "hostname", "port", "credential", "attributes", "secrets"])?;
    let stored = StoredSystem { config: system, secrets: secrets.unwrap_or_default() };
    stored.check_secrets()?;
    Ok(stored)
}

/// The fields of one object that have not been read yet.
struct Fields {
    place: &'static str,
    left: Map<String, Value>,
}

impl Fields {
    fn of(place: &'static str, value: Value) -> Result<Self, ConnectorError> {
        match value {
            Value::Object(left) => Ok(Self { place, left }),
            Value::Null if !place.is_empty() => Ok(Self { place, left: Map::new() }),
            _ => Err(wrong(format!(
                "{}must be an object",
                place.strip_suffix('.').map_or_else(String::new, |name| format!("{name}: "))
            ))),
        }
    }

    fn take<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Result<Option<T>, ConnectorError> {
        match self.left.shift_remove(name) {
            None | Some(Value::Null) => Ok(None),
            // The error of serde would repeat the value.
            Some(value) => serde_json::from_value(value)
                .map(Some)
                .map_err(|_| wrong(format!("{}{name}: must be {expected}", self.place))),
        }
    }

    fn end(self, known: &[&str]) -> Result<(), ConnectorError> {
        let Some(name) = self.left.keys().next() else { return Ok(()) };
        let remedy = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{}{near}`?", self.place),
            None => format!("use only: {}", known.join(", ")),
        };
        Err(ConnectorError::invalid_config(format!("{}{name}: unknown field", self.place), remedy))
    }
}

fn wrong(message: String) -> ConnectorError {
    ConnectorError::invalid_config(message, "correct the file")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    fn read(name: &str, text: &str) -> Result<SystemConfig, ConnectorError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        read_system(&path, "JumpCloud")
    }

    #[test]
    fn json_and_toml_say_the_same() {
        let json = r#"{"name":"HQ","hostname":"console.jumpcloud.com","port":443,
            "credential":{"username":"id","password":"hunter2"},"attributes":{"jumpcloudOrgId":"x"}}"#;
        let toml = "name = 'HQ'\nhostname = 'console.jumpcloud.com'\nport = 443\n[credential]\nusername = 'id'\n\
            password = 'hunter2'\n[attributes]\njumpcloudOrgId = 'x'\n";
        for system in [read("s.json", json).unwrap(), read("s.toml", toml).unwrap()] {
            assert_eq!((system.os_type.as_str(), system.name.as_str(), system.port), ("JumpCloud", "HQ", Some(443)));
            assert_eq!(system.credential.username.as_deref(), Some("id"));
            assert_eq!(system.credential.secret().expose_secret(), "hunter2");
            assert_eq!(system.attributes["jumpcloudOrgId"], "x");
        }
    }

    #[test]
    fn an_unknown_field_is_refused_with_the_nearest_name() {
        let error = read("s.json", r#"{"hostname":"h","credential":{"passwort":"hunter2"}}"#).unwrap_err();
        assert!(error.message.ends_with("credential.passwort: unknown field"), "{error}");
        assert_eq!(error.remedy, "did you mean `credential.password`?");
        let error = read("s.toml", "host = 'h'").unwrap_err();
        assert_eq!(error.remedy, "did you mean `hostname`?");
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_repeated() {
        for (name, text) in [
            ("s.json", r#"{"credential":"hunter2"}"#),
            ("s.json", r#"{"port":"hunter2"}"#),
            ("s.json", r#"["hunter2"]"#),
            ("s.json", r#"{"credential":{"password":hunter2}}"#),
            ("s.toml", "[credential]\npassword = hunter2"),
            ("s.toml", "credential = ['hunter2']"),
            ("s.toml", "hunter2"),
        ] {
            let error = read(name, text).unwrap_err();
            assert_eq!(error.code, connector_api::ErrorCode::InvalidConfig);
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn a_number_that_is_not_finite_is_refused_with_its_place() {
        for (value, place) in [
            ("nan", "attributes.requestsPerSecond"),
            ("-inf", "attributes.requestsPerSecond"),
            ("[1.5, inf]", "attributes.requestsPerSecond[1]"),
            ("{a = [{b = nan}]}", "attributes.requestsPerSecond.a[0].b"),
        ] {
            let error =
                read("s.toml", &format!("hostname = 'h'\n[attributes]\nrequestsPerSecond = {value}")).unwrap_err();
            assert_eq!(error.code, connector_api::ErrorCode::InvalidConfig);
            assert!(error.message.ends_with(&format!("{place}: must be a finite number")), "{error}");
        }
        assert!(read("s.toml", "hostname = 'h'\n[attributes]\nrequestsPerSecond = 2.5").is_ok());
        for value in ["NaN", "Infinity", "1e999"] {
            let json = format!(r#"{{"hostname":"h","attributes":{{"requestsPerSecond":{value}}}}}"#);
            assert!(read("s.json", &json).is_err(), "{value}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_system_file() {
        for (name, text) in [("s.json", "\u{feff}{\"hostname\":\"h\"}"), ("s.toml", "\u{feff}hostname = 'h'")] {
            assert_eq!(read(name, text).unwrap().hostname, "h");
        }
    }

    #[test]
    fn what_is_not_part_of_a_password_is_refused_by_the_same_rules_as_in_a_file_of_its_own() {
        let error = read("s.toml", "hostname = 'h'\n[credential]\npassword = 'x-api-key: hunter2'").unwrap_err();
        assert!(error.message.starts_with("credential.password of the system file"), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
