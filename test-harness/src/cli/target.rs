//! `SYSTEM…`: the system that a command works with, and its key.

use std::env::{self, VarError};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use connector_api::secrecy::{ExposeSecret, SecretString};
use connector_api::{Connector, ConnectorError, Credential, Descriptor, Edition, Registry, SystemConfig};

use super::setting::Setting;
use super::{print, simulate};
use connector_host::{secret, system_file, text_file};
use jumpcloud_simulator::{Simulator, SimulatorOptions};

/// The OS Type of a system that does not name one.
pub(super) const DEFAULT_OS_TYPE: &str = "JumpCloud";

/// The variable that may hold the key.
pub(super) const PASSWORD_VARIABLE: &str = "ORBISID_CREDENTIAL_PASSWORD";

/// Which system.
#[derive(Debug, Args)]
#[command(next_help_heading = "System")]
pub(super) struct TargetArguments {
    /// Use a simulated organisation, started in this process
    #[arg(long, conflicts_with_all = ["system", "hostname", "port"])]
    demo: bool,
    /// System file with name, osType, hostname, port, credential and attributes; TOML if its name ends in .toml, otherwise
    /// JSON
    #[arg(long, value_name = "FILE", conflicts_with_all = ["hostname", "port"])]
    system: Option<PathBuf>,
    /// Host name, such as console.jumpcloud.com; a URL such as http://127.0.0.1:8080 only for a loopback address
    #[arg(long, value_name = "HOST")]
    hostname: Option<String>,
    /// Port [default: the connector's default port]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Set an attribute, such as jumpcloudOrgId=5f1…; can be repeated. `harness describe` lists the attributes
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<Setting>,
    /// OS Type of the connector [default: JumpCloud]
    #[arg(long, value_name = "TYPE", conflicts_with = "demo")]
    os_type: Option<String>,
    /// Edition of the host
    #[arg(long, value_parser = edition_parser(), ignore_case = true, default_value = "enterprise")]
    edition: Edition,
    /// User name or client id of the credential, if it has one
    #[arg(long, value_name = "NAME", conflicts_with = "demo")]
    username: Option<String>,
    /// File that contains only the key or password [default: the environment variable ORBISID_CREDENTIAL_PASSWORD]
    #[arg(long, value_name = "FILE", conflicts_with = "demo")]
    password_file: Option<PathBuf>,
}

/// Reads an edition's name.
pub(super) fn edition_parser() -> impl TypedValueParser<Value = Edition> {
    PossibleValuesParser::new(["community", "pro", "enterprise"]).try_map(|name| name.parse::<Edition>())
}

/// A system that a command can work with.
pub(super) struct Target {
    /// The descriptor of its connector.
    pub(super) descriptor: Descriptor,
    /// Its configuration.
    pub(super) config: SystemConfig,
    /// The edition of the host.
    pub(super) edition: Edition,
    /// The files that its configuration was read from, each with the option or attribute that names it.
    pub(super) files: Vec<(String, PathBuf)>,
    /// The simulator of `--demo`; it stops when this is dropped.
    _simulator: Option<Simulator>,
}

impl Target {
    /// Makes the connector.
    pub(super) fn connect(&self, registry: &Registry) -> Result<Box<dyn Connector>, ConnectorError> {
        registry.connect(self.config.clone(), self.edition)
    }
}

impl TargetArguments {
    /// Whether the system is a simulated one.
    pub(super) fn is_demo(&self) -> bool {
        self.demo
    }

    /// Finds the system's configuration and key, and checks the edition.
    pub(super) async fn resolve(&self, registry: &Registry) -> Result<Target, ConnectorError> {
        let os_type = self.os_type.as_deref().unwrap_or(DEFAULT_OS_TYPE);
        let simulator = if self.demo { Some(simulate::start(SimulatorOptions::default()).await?) } else { None };
        let credentials = text_file::credentials_folder();
        let credentials = credentials.as_deref();
        let mut warnings = Vec::new();
        let mut config = match (&simulator, &self.system, &self.hostname) {
            (Some(simulator), ..) => {
                let key = Credential::from_secret(simulator.api_key());
                SystemConfig::new(os_type, simulator.url(), key).with_name("demo")
            }
            (None, Some(path), _) => {
                let config = system_file::read_system(path, os_type)?;
                if !config.credential.secret().expose_secret().is_empty() {
                    warnings.extend(text_file::readable_by_others(path, "system file", credentials));
                }
                config
            }
            (None, None, Some(hostname)) => SystemConfig::new(os_type, hostname, Credential::default()),
            (None, None, None) => {
                return Err(ConnectorError::invalid_config(
                    "no system was given",
                    "use --demo for a simulated system, --system FILE or --hostname HOST",
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
        for (at, setting) in self.settings.iter().enumerate() {
            if self.settings[..at].iter().any(|earlier| earlier.key == setting.key) {
                return Err(ConnectorError::invalid_config(
                    format!("attributes.{}: is set more than once", setting.key),
                    format!("write --set {}=… once", setting.key),
                ));
            }
            let value = setting.read(descriptor.config_schema.as_value())?;
            config.attributes.insert(setting.key.clone(), value);
        }
        if let Some(path) = &self.password_file {
            warnings.extend(text_file::readable_by_others(path, "password file", credentials));
        }
        warnings.iter().for_each(print::warning);
        let (files, descriptor) = (self.files(&config), descriptor.clone());
        Ok(Target { descriptor, files, config, edition: self.edition, _simulator: simulator })
    }

    /// The files that the configuration is read from: those of the options, and those that attributes name.
    fn files(&self, config: &SystemConfig) -> Vec<(String, PathBuf)> {
        let options = [("--system", &self.system), ("--password-file", &self.password_file)];
        let options = options.into_iter().filter_map(|(name, path)| Some((name.to_owned(), path.clone()?)));
        let named = config.attributes.iter().filter_map(|(name, value)| {
            let path = Path::new(value.as_str()?);
            path.is_file().then(|| (format!("the file of {name}"), path.to_owned()))
        });
        options.chain(named).collect()
    }

    /// The credential: from the password file, else from the variable, else from the system file.
    fn credential(&self, stored: Credential, descriptor: &Descriptor) -> Result<Credential, ConnectorError> {
        let secret = match (&self.password_file, password_variable()?) {
            (Some(path), _) => secret::read_secret(path)?,
            (None, Some(secret)) => secret,
            (None, None) => stored.secret().clone(),
        };
        let password = &descriptor.credential.password;
        if password.required && secret.expose_secret().is_empty() {
            return Err(ConnectorError::invalid_config(
                format!("the credential is missing: {}", password.meaning),
                format!("save it in a file and use --password-file FILE, or set the variable {PASSWORD_VARIABLE}"),
            ));
        }
        let username = self.username.clone().or(stored.username);
        Ok(username.into_iter().fold(Credential::from_secret(secret), Credential::with_username))
    }
}

fn password_variable() -> Result<Option<SecretString>, ConnectorError> {
    match env::var(PASSWORD_VARIABLE) {
        Ok(secret) if secret.is_empty() => Ok(None),
        Ok(text) => {
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            let secret = SecretString::from(text.trim_end_matches(['\n', '\r']));
            secret::check(&secret, &format!("the variable {PASSWORD_VARIABLE}"))?;
            Ok(Some(secret))
        }
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(ConnectorError::invalid_config(
            format!("the variable {PASSWORD_VARIABLE} is not UTF-8 text"),
            "set it to the key exactly as it was displayed",
        )),
    }
}
