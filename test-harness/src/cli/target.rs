//! `SYSTEM…`: which system a command is about, and its key.

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

/// The variable by which systemd names the folder of a service's credentials.
const CREDENTIALS_VARIABLE: &str = "CREDENTIALS_DIRECTORY";

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

/// Reads an edition's name.
pub(super) fn edition_parser() -> impl TypedValueParser<Value = Edition> {
    PossibleValuesParser::new(["community", "pro", "enterprise"]).try_map(|name| name.parse::<Edition>())
}

/// A system that a command can work with.
pub(super) struct Target {
    /// What its connector says of itself.
    pub(super) descriptor: Descriptor,
    /// Its configuration.
    pub(super) config: SystemConfig,
    /// The edition of the host.
    pub(super) edition: Edition,
    /// The files that its configuration came from, each with the option or attribute that names it.
    pub(super) files: Vec<(String, PathBuf)>,
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
        let credentials = env::var_os(CREDENTIALS_VARIABLE).map(PathBuf::from);
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
        for setting in &self.settings {
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

    /// The files that the configuration comes from: those of the options, and whatever an attribute names.
    fn files(&self, config: &SystemConfig) -> Vec<(String, PathBuf)> {
        let options = [("--system", &self.system), ("--password-file", &self.password_file)];
        let options = options.into_iter().filter_map(|(name, path)| Some((name.to_owned(), path.clone()?)));
        let named = config.attributes.iter().filter_map(|(name, value)| {
            let path = Path::new(value.as_str()?);
            path.is_file().then(|| (format!("the file of {name}"), path.to_owned()))
        });
        options.chain(named).collect()
    }

    /// The credential: a password file goes before the variable, and that before the system file.
    fn credential(&self, stored: Credential, descriptor: &Descriptor) -> Result<Credential, ConnectorError> {
        let secret = match (&self.password_file, password_variable()?) {
            (Some(path), _) => secret::read_secret(path)?,
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
        Ok(text) => {
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            let secret = SecretString::from(text.trim_end_matches(['\n', '\r']));
            secret::check(&secret, &format!("the variable {PASSWORD_VARIABLE}"))?;
            Ok(Some(secret))
        }
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(ConnectorError::invalid_config(
            format!("the variable {PASSWORD_VARIABLE} is not UTF-8 text"),
            "set it to the key as it was shown to you",
        )),
    }
}
