//! `SYSTEM…`: which system a command is about, and its key.

use std::env::{self, VarError};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use connector_api::secrecy::{ExposeSecret, SecretString};
use connector_api::{Connector, ConnectorError, Credential, Descriptor, Edition, Registry, SystemConfig};
use serde_json::Value;

use super::simulate;
use crate::host::system;
use crate::simulator::{Simulator, SimulatorOptions};

/// The OS Type of a system that does not name one.
pub(super) const DEFAULT_OS_TYPE: &str = "JumpCloud";

/// The variable that may hold the key.
const PASSWORD_VARIABLE: &str = "ORBISID_CREDENTIAL_PASSWORD";

/// Which system.
#[derive(Debug, Args)]
#[command(next_help_heading = "System")]
pub(super) struct TargetArguments {
    /// Start a simulated organisation in this process and use it
    #[arg(long, conflicts_with_all = ["system", "hostname", "port"])]
    demo: bool,
    /// A file with the system's fields: name, osType, hostname, port, credential, attributes (JSON, or TOML when it
    /// ends in .toml)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["hostname", "port"])]
    system: Option<PathBuf>,
    /// The host name, such as console.jumpcloud.com; for a loopback address a URL such as http://127.0.0.1:8080
    #[arg(long, value_name = "HOST")]
    hostname: Option<String>,
    /// The port [default: the connector's]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// An attribute of the connector, such as jumpcloudOrgId=5f1…; `harness describe` lists them
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<Setting>,
    /// The connector [default: JumpCloud]
    #[arg(long, value_name = "TYPE", conflicts_with = "demo")]
    os_type: Option<String>,
    /// The edition of the host
    #[arg(long, value_parser = edition_parser(), ignore_case = true, default_value = "enterprise")]
    edition: Edition,
    /// The credential's user name or client id, for those that have one
    #[arg(long, value_name = "NAME", conflicts_with = "demo")]
    username: Option<String>,
    /// A file that holds the key or password and nothing else [default: the variable ORBISID_CREDENTIAL_PASSWORD]
    #[arg(long, value_name = "FILE", conflicts_with = "demo")]
    password_file: Option<PathBuf>,
}

/// `KEY=VALUE`. Its text is not shown in errors.
#[derive(Clone)]
struct Setting {
    key: String,
    value: String,
}

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}=…", self.key)
    }
}

impl FromStr for Setting {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE")?;
        if key.is_empty() {
            return Err("the key before `=` is missing");
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

/// Reads an edition's name.
pub(super) fn edition_parser() -> impl TypedValueParser<Value = Edition> {
    PossibleValuesParser::new(["community", "pro", "enterprise"]).try_map(|name| name.parse::<Edition>())
}

/// A system that a command can work with.
pub(super) struct Target {
    /// Its configuration.
    pub(super) config: SystemConfig,
    /// The edition of the host.
    pub(super) edition: Edition,
    /// The simulator behind it, which ends with it.
    _simulator: Option<Simulator>,
}

impl Target {
    /// Makes the connector.
    pub(super) fn connect(&self, registry: &Registry) -> Result<Box<dyn Connector>, ConnectorError> {
        registry.connect(self.config.clone(), self.edition)
    }
}

impl TargetArguments {
    /// Finds the system's configuration and key, and checks the edition.
    pub(super) async fn resolve(&self, registry: &Registry) -> Result<Target, ConnectorError> {
        let os_type = self.os_type.as_deref().unwrap_or(DEFAULT_OS_TYPE);
        let simulator = if self.demo { Some(simulate::start(SimulatorOptions::default()).await?) } else { None };
        let mut config = match (&simulator, &self.system, &self.hostname) {
            (Some(simulator), ..) => {
                let key = Credential::from_secret(simulator.api_key());
                SystemConfig { name: "demo".to_owned(), ..SystemConfig::new(os_type, simulator.url(), key) }
            }
            (None, Some(path), _) => system::read_system(path, os_type)?,
            (None, None, Some(hostname)) => SystemConfig::new(os_type, hostname, Credential::default()),
            (None, None, None) => {
                return Err(ConnectorError::invalid_config(
                    "no system is named",
                    "use --demo for a simulated one, or --system FILE, or --hostname HOST",
                ));
            }
        };
        if let Some(os_type) = &self.os_type {
            config.os_type.clone_from(os_type);
        }
        config.port = self.port.or(config.port);
        let descriptor = registry.descriptor(&config.os_type)?;
        descriptor.check_edition(self.edition)?;
        if config.name.is_empty() {
            config.name.clone_from(&config.hostname);
        }
        if simulator.is_none() {
            config.credential = self.credential(config.credential, descriptor)?;
        }
        for Setting { key, value } in &self.settings {
            config.attributes.insert(key.clone(), attribute(descriptor.config_schema.as_value(), key, value));
        }
        Ok(Target { config, edition: self.edition, _simulator: simulator })
    }

    /// The credential: a password file goes before the variable, and that before the system file.
    fn credential(&self, stored: Credential, descriptor: &Descriptor) -> Result<Credential, ConnectorError> {
        let secret = match (&self.password_file, password_variable()?) {
            (Some(path), _) => system::read_secret(path)?,
            (None, Some(secret)) => secret,
            (None, None) => stored.secret().clone(),
        };
        let password = &descriptor.credential.password;
        if password.required && secret.expose_secret().is_empty() {
            return Err(ConnectorError::invalid_config(
                format!("the {} is missing", password.meaning),
                format!("name a file that holds it with --password-file, or set the variable {PASSWORD_VARIABLE}"),
            ));
        }
        let username = self.username.clone().or(stored.username);
        Ok(username.into_iter().fold(Credential::from_secret(secret), Credential::with_username))
    }
}

fn password_variable() -> Result<Option<SecretString>, ConnectorError> {
    match env::var(PASSWORD_VARIABLE) {
        Ok(secret) if secret.is_empty() => Ok(None),
        Ok(secret) => Ok(Some(secret.into())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(ConnectorError::invalid_config(
            format!("the variable {PASSWORD_VARIABLE} is not UTF-8 text"),
            "set it to the key as it was shown to you",
        )),
    }
}

/// The value of an attribute as its schema wants it: text stays text, anything else is read as JSON.
fn attribute(schema: &Value, key: &str, text: &str) -> Value {
    let plain = || Value::from(text);
    if is_text(schema, &schema["properties"][key], 4) {
        return plain();
    }
    serde_json::from_str(text).unwrap_or_else(|_| plain())
}

/// Whether a property takes text. `depth` bounds references.
fn is_text(schema: &Value, property: &Value, depth: u8) -> bool {
    let any = |list: &Value, is: &dyn Fn(&Value) -> bool| list.as_array().is_some_and(|items| items.iter().any(is));
    if let Some(name) = property["$ref"].as_str().and_then(|path| path.strip_prefix('#'))
        && depth > 0
    {
        return schema.pointer(name).is_some_and(|target| is_text(schema, target, depth - 1));
    }
    property["type"] == "string"
        || any(&property["type"], &|name| name == "string")
        || property["const"].is_string()
        || any(&property["enum"], &Value::is_string)
        || depth > 0
            && ["anyOf", "oneOf"].iter().any(|name| any(&property[*name], &|choice| is_text(schema, choice, depth - 1)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_schema_decides_whether_a_value_is_text() {
        let schema = json!({
            "properties": {
                "org": {"type": ["string", "null"]},
                "size": {"type": "integer"},
                "on": {"type": "boolean"},
                "patterns": {"type": "array", "items": {"type": "string"}},
                "mode": {"$ref": "#/$defs/Mode"},
            },
            "$defs": {"Mode": {"oneOf": [{"const": "auto"}, {"const": "v2"}]}},
        });
        for (key, text, value) in [
            ("org", "123", json!("123")),
            ("size", "5", json!(5)),
            ("size", "five", json!("five")),
            ("on", "true", json!(true)),
            ("patterns", r#"["a","b"]"#, json!(["a", "b"])),
            ("mode", "auto", json!("auto")),
            ("unknown", "x=y", json!("x=y")),
        ] {
            assert_eq!(attribute(&schema, key, text), value, "{key}");
        }
    }

    #[test]
    fn a_setting_splits_at_the_first_equals_sign_and_does_not_show_its_value() {
        let setting: Setting = "proxy=http://h?a=b".parse().unwrap_or_else(|why| panic!("{why}"));
        assert_eq!((setting.key.as_str(), setting.value.as_str()), ("proxy", "http://h?a=b"));
        assert_eq!(format!("{setting:?}"), "proxy=…");
    }
}
