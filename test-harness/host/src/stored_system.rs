//! A system as it is stored: its settings, and where its secrets come from. The secrets themselves are not part of it.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;

use connector_api::secrecy::{ExposeSecret, SecretString};
use connector_api::{ConnectorError, Credential, SystemConfig};
use serde::{Deserialize, Serialize};

use crate::secret;

/// The path of the credential's secret, as in [`Problem::path`](connector_api::Problem::path).
pub const PASSWORD: &str = "credential.password";

/// Secrets by the paths of their settings: `credential.password`, or `attributes.` with a name.
pub type Secrets = BTreeMap<String, SecretString>;

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum SecretSource {
    /// Somebody entered it in a form: it is in the memory of the program that asked, and nowhere else.
    Entered,
    /// A file that contains only the secret: a regular one that is its owner's alone.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
}

/// A system without its secrets.
#[derive(Debug, Clone)]
pub struct StoredSystem {
    /// The settings.
    pub config: SystemConfig,
    /// Where each secret that is set comes from, by the path of its setting.
    pub secrets: BTreeMap<String, SecretSource>,
}

impl SecretSource {
    /// Reads the secret. `path` is that of its setting.
    ///
    /// # Errors
    /// `invalid_config` if it cannot be read, or was entered and is not in `entered`.
    pub fn read(&self, path: &str, entered: Option<&SecretString>) -> Result<SecretString, ConnectorError> {
        match self {
            Self::Entered => entered.cloned().ok_or_else(|| {
                ConnectorError::invalid_config(
                    format!("{path}: it was entered in a form, and the program that knew it has ended"),
                    "enter it again, or name a file or a variable to read it from",
                )
            }),
            Self::File(file) => secret::read_private_secret(file).map_err(|error| error.context(path)),
            Self::Variable(name) => read_variable(name).map_err(|error| error.context(path)),
        }
    }
}

/// How a variable is called that a form may name.
pub const VARIABLE_NAMES: &str = "it begins with ORBISID_ or contains KEY, SECRET, TOKEN, PASSWORD or CREDENTIAL";

/// Refuses a variable that somebody names in a form and whose name does not say that it holds a secret: a form could send whatever
/// is in the environment of this program to any host.
///
/// # Errors
/// `invalid_config`, with the names that are allowed.
pub fn check_variable(name: &str) -> Result<(), ConnectorError> {
    let upper = name.to_ascii_uppercase();
    let says_so = ["KEY", "SECRET", "TOKEN", "PASSWORD", "CREDENTIAL"].iter().any(|word| upper.contains(word));
    if says_so || upper.starts_with("ORBISID_") {
        return Ok(());
    }
    Err(ConnectorError::invalid_config(
        format!("the name of the variable {name} does not say that it holds a secret"),
        format!("choose one whose name does: {VARIABLE_NAMES}"),
    ))
}

/// Reads a secret from a variable of the environment. A byte order mark at the start and line ends at the end are not part
/// of it.
///
/// # Errors
/// `invalid_config` if the variable is not set, or contains something else than a secret.
pub fn read_variable(name: &str) -> Result<SecretString, ConnectorError> {
    let value = env::var_os(name).filter(|value| !value.is_empty()).ok_or_else(|| {
        ConnectorError::invalid_config(
            format!("the variable {name} is not set"),
            "set it in the environment in which this program starts, and start it again",
        )
    })?;
    let text = value.into_string().map_err(|_| {
        ConnectorError::invalid_config(
            format!("the variable {name} is not UTF-8 text"),
            "set it to the key exactly as it was displayed",
        )
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let secret = SecretString::from(text.trim_end_matches(['\n', '\r']));
    secret::check(&secret, &format!("the variable {name}"))?;
    Ok(secret)
}

impl StoredSystem {
    /// Refuses a secret that is in two places, or of a setting that can have none.
    pub(crate) fn check_secrets(&self) -> Result<(), ConnectorError> {
        for path in self.secrets.keys() {
            let is_set = match path.strip_prefix("attributes.") {
                Some(name) => self.config.attributes.contains_key(name),
                None if path == PASSWORD => !self.config.credential.secret().expose_secret().is_empty(),
                // The path is not repeated: it may be a secret in the wrong place.
                None => {
                    return Err(ConnectorError::invalid_config(
                        "secrets: a name is not that of a setting",
                        "use `credential.password`, or `attributes.` with the name of an attribute",
                    ));
                }
            };
            if is_set {
                return Err(ConnectorError::invalid_config(
                    format!("{path}: it is set, and `secrets` names another place for it"),
                    "keep only one of them",
                ));
            }
        }
        Ok(())
    }

    /// Returns the settings with their secrets. Those that were entered are in `entered`.
    ///
    /// # Errors
    /// `invalid_config` for the first secret that cannot be read.
    pub fn resolve(&self, entered: &Secrets) -> Result<SystemConfig, ConnectorError> {
        let mut config = self.config.clone();
        for (path, source) in &self.secrets {
            let secret = source.read(path, entered.get(path))?;
            set(&mut config, path, secret);
        }
        Ok(config)
    }
}

/// Puts a secret into its setting.
pub fn set(config: &mut SystemConfig, path: &str, secret: SecretString) {
    match path.strip_prefix("attributes.") {
        Some(name) => {
            config.attributes.insert(name.to_owned(), secret.expose_secret().into());
        }
        None => {
            let username = config.credential.username.take();
            config.credential = username.into_iter().fold(Credential::from_secret(secret), Credential::with_username);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    fn stored(path: &str, source: SecretSource) -> StoredSystem {
        let credential = Credential::default().with_username("id");
        StoredSystem {
            config: SystemConfig::new("X", "h", credential),
            secrets: BTreeMap::from([(path.to_owned(), source)]),
        }
    }

    #[test]
    fn a_secret_comes_from_where_the_system_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        fs::write(&file, "hunter2\n").unwrap();
        #[cfg(unix)]
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let config = stored(PASSWORD, SecretSource::File(file)).resolve(&Secrets::new()).unwrap();
        assert_eq!(config.credential.secret().expose_secret(), "hunter2");
        assert_eq!(config.credential.username.as_deref(), Some("id"));
        let entered = Secrets::from([("attributes.proxy".to_owned(), "hunter3".into())]);
        let config = stored("attributes.proxy", SecretSource::Entered).resolve(&entered).unwrap();
        assert_eq!(config.attributes["proxy"], "hunter3");
    }

    #[test]
    fn a_variable_that_a_form_names_says_that_it_holds_a_secret() {
        for name in ["ORBISID_HQ", "orbisid_x", "HQ_API_KEY", "hqToken", "DB_PASSWORD", "x_secret", "Credentials"] {
            check_variable(name).unwrap();
        }
        for name in ["HOME", "PATH", "HQ_PROXY", "MY_ORBISID_", "ORBISID"] {
            let error = check_variable(name).unwrap_err();
            assert!(error.message.contains(name) && error.remedy.contains(VARIABLE_NAMES), "{error:?}");
        }
    }

    #[test]
    fn a_secret_that_is_nowhere_is_named_with_what_to_do() {
        let error = stored(PASSWORD, SecretSource::Entered).resolve(&Secrets::new()).unwrap_err();
        assert!(error.message.starts_with("credential.password: ") && error.remedy.contains("enter it again"));
        let variable = SecretSource::Variable("NO_SUCH_VARIABLE_IS_SET".into());
        let error = stored(PASSWORD, variable).resolve(&Secrets::new()).unwrap_err();
        assert!(error.message.contains("NO_SUCH_VARIABLE_IS_SET is not set"), "{error}");
    }
}
