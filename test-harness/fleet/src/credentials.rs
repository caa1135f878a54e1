//! How the name of a credential becomes its key: that stands in a file of each worker, never in the database.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use connector_api::{ConnectorError, Credential, ErrorCode, Retry};
use connector_host::{nearest, secret, stored_system, text_file};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// How long a command may take to print a key.
const COMMAND: Duration = Duration::from_secs(30);
/// No key is longer.
const LONGEST: u64 = 64 * 1024;
/// What stands for the name of the credential.
const NAME: &str = "{name}";

/// The credentials that a worker can use, by their names.
///
/// In TOML, one table each:
///
/// ```toml
/// [acme]                                  # a name, or the beginning of names with * at its end
/// file = "/etc/orbisid/keys/acme"         # only its owner should be able to read it
///
/// ["customer-*"]
/// command = ["/usr/lib/orbisid/vault", "{name}"]
/// username = "orbisid"                    # where a connector needs one
/// ```
///
/// A key is in a `file`, in a `variable` of the environment, or a `command` prints it. In the first and the last, `{name}` stands
/// for the name. A command reads a JSON object with the fields `credential`, `system` and `hostname` from its standard input. It
/// gets thirty seconds.
#[derive(Debug, Clone, Default)]
pub struct Credentials(BTreeMap<String, Entry>);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: Option<PathBuf>,
    variable: Option<String>,
    command: Option<Vec<String>>,
    username: Option<String>,
}

impl Credentials {
    /// Reads the file at `path`. Also returns warnings of key files that others can read.
    ///
    /// # Errors
    /// `invalid_config`, which never repeats a value.
    pub fn read(path: &Path) -> Result<(Self, Vec<ConnectorError>), ConnectorError> {
        let text = text_file::read(path, "file of credentials")?;
        let credentials = Self::parse(text.expose_secret())
            .map_err(|error| error.context(format_args!("the file of credentials {}", path.display())))?;
        let folder = text_file::credentials_folder();
        let files = credentials.0.values().filter_map(|entry| entry.file.as_ref());
        let warnings = files.filter_map(|file| text_file::readable_by_others(file, "key file", folder.as_deref()));
        let warnings = warnings.collect();
        Ok((credentials, warnings))
    }

    fn parse(text: &str) -> Result<Self, ConnectorError> {
        let entries: BTreeMap<String, Entry> = toml::from_str(text).map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            // The message may quote a value, which may be a key in the wrong place.
            ConnectorError::invalid_config(
                format!("line {line} is not understood"),
                "write a table for each credential, such as [acme], with file, variable or command",
            )
        })?;
        for (name, entry) in &entries {
            let sources = [entry.file.is_some(), entry.variable.is_some(), entry.command.is_some()];
            let has_one = sources.iter().filter(|is_set| **is_set).count() == 1;
            if !has_one || entry.command.as_ref().is_some_and(Vec::is_empty) {
                return Err(ConnectorError::invalid_config(
                    format!("[{name}] must have one of file, variable and command"),
                    "correct the file",
                ));
            }
            check_name(name.strip_suffix('*').unwrap_or(name))?;
        }
        Ok(Self(entries))
    }

    /// Returns a credential with its key, for a system.
    ///
    /// # Errors
    /// `invalid_config` if nothing says where the key is, or if it cannot be read; `timeout` if a command does not end.
    pub async fn resolve(&self, name: &str, system: &str, hostname: &str) -> Result<Credential, ConnectorError> {
        check_name(name)?;
        let entry = self.entry(name).ok_or_else(|| self.unknown(name))?;
        let place = format!("the credential {name}");
        let secret = match (&entry.file, &entry.variable, &entry.command) {
            (Some(file), _, _) => {
                let file = PathBuf::from(file.to_string_lossy().replace(NAME, name));
                let read = tokio::task::spawn_blocking(move || secret::read_secret(&file)).await;
                read.map_err(|_| ConnectorError::internal("reading a key crashed"))?
            }
            (_, Some(variable), _) => stored_system::read_variable(variable),
            (_, _, Some(command)) => {
                let request = json!({ "credential": name, "system": system, "hostname": hostname }).to_string();
                let command: Vec<String> = command.iter().map(|word| word.replace(NAME, name)).collect();
                printed(&command, request).await
            }
            (None, None, None) => Err(ConnectorError::internal("a credential has no source")),
        };
        let credential = Credential::from_secret(secret.map_err(|error| error.context(&place))?);
        Ok(entry.username.iter().cloned().fold(credential, Credential::with_username))
    }

    /// The table of a name, or else the one with the longest beginning of it.
    fn entry(&self, name: &str) -> Option<&Entry> {
        let begins = |pattern: &str| pattern.strip_suffix('*').is_some_and(|beginning| name.starts_with(beginning));
        let beginnings = self.0.iter().filter(|(pattern, _)| begins(pattern));
        self.0.get(name).or_else(|| beginnings.max_by_key(|(pattern, _)| pattern.len()).map(|(_, entry)| entry))
    }

    fn unknown(&self, name: &str) -> ConnectorError {
        let known = self.0.keys().map(String::as_str);
        let remedy = match nearest(name, known) {
            Some(near) => format!("did you mean [{near}]? Each worker has a file of credentials"),
            None => format!("add a table [{name}] to the file of credentials of each worker"),
        };
        ConnectorError::invalid_config(format!("this worker does not know the credential {name}"), remedy)
    }
}

/// Refuses a name that could lead elsewhere in a path, or be taken for something else.
///
/// # Errors
/// `invalid_config`.
pub(crate) fn check_name(name: &str) -> Result<(), ConnectorError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.chars().all(is_plain) && !name.starts_with(['.', '-']) && name.len() <= 100 {
        return Ok(());
    }
    // It is not repeated: it may be a key in the wrong place.
    Err(ConnectorError::invalid_config(
        "the name of a credential has other characters than letters, digits, - _ and . or is too long",
        "name a credential, such as acme, and write where its key is into the file of credentials of the workers",
    ))
}

/// Runs a command, and returns what it prints. Neither that nor its complaints are repeated.
async fn printed(command: &[String], request: String) -> Result<SecretString, ConnectorError> {
    let failed = |why: String| {
        ConnectorError::invalid_config(
            format!("the command for the key {why}"),
            "run the command by hand, as the user of the worker",
        )
    };
    let (program, arguments) = command.split_first().ok_or_else(|| failed("is empty".to_owned()))?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("does not start: {}", error.kind())))?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let work = async {
        if let Some(mut input) = input {
            // A command that does not read it has its reasons.
            let _ = input.write_all(request.as_bytes()).await;
        }
        let mut text = Vec::new();
        if let Some(output) = output {
            output.take(LONGEST + 1).read_to_end(&mut text).await?;
        }
        // One that prints on would never end.
        if text.len() as u64 > LONGEST {
            child.start_kill()?;
        }
        Ok::<_, std::io::Error>((child.wait().await?, text))
    };
    let (status, text) = match tokio::time::timeout(COMMAND, work).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(error)) => return Err(failed(format!("failed: {}", error.kind()))),
        Err(_) => {
            let message = format!("the command for the key did not end within {} s", COMMAND.as_secs());
            let remedy = "run the command by hand, as the user of the worker";
            return Err(ConnectorError::new(ErrorCode::Timeout, message, remedy).with_retry(Retry::Later));
        }
    };
    let secret = String::from_utf8(text).map(SecretString::from);
    let secret = secret.map_err(|_| failed("printed something else than UTF-8 text".to_owned()))?;
    if !status.success() {
        // The vault may be back later.
        return Err(failed(format!("failed: {status}")).with_retry(Retry::Later));
    }
    let secret = SecretString::from(secret.expose_secret().trim_end_matches(['\n', '\r']));
    secret::check(&secret, "what the command for the key printed")?;
    if secret.expose_secret().is_empty() {
        return Err(failed("printed nothing".to_owned()));
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const KEY: &str = "5f3ac2hunter2";

    async fn resolved(text: &str, name: &str) -> Result<String, ConnectorError> {
        let credential = Credentials::parse(text)?.resolve(name, "hq", "console").await?;
        Ok(credential.secret().expose_secret().to_owned())
    }

    #[tokio::test]
    async fn a_key_is_in_a_file_or_printed_by_a_command_which_learns_for_what() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("acme"), format!("{KEY}\n")).unwrap();
        let file = format!("['*']\nfile = '{}/{{name}}'\n", folder.path().display());
        assert_eq!(resolved(&file, "acme").await.unwrap(), KEY);
        let command = "['customer-*']\ncommand = ['sh', '-c', 'cat; echo \"-$0\"', '{name}']\nusername = 'ada'\n";
        let printed = resolved(command, "customer-7").await.unwrap();
        assert_eq!(printed, r#"{"credential":"customer-7","system":"hq","hostname":"console"}-customer-7"#);
        let credential = Credentials::parse(command).unwrap().resolve("customer-7", "hq", "console").await.unwrap();
        assert_eq!(credential.username.as_deref(), Some("ada"));
    }

    #[tokio::test]
    async fn the_longest_beginning_counts_and_a_whole_name_before_all() {
        let text =
            "['*']\ncommand = ['echo', 'all']\n['a*']\ncommand = ['echo', 'a']\n[ab]\ncommand = ['echo', 'ab']\n";
        for (name, key) in [("ab", "ab"), ("abc", "a"), ("b", "all")] {
            assert_eq!(resolved(text, name).await.unwrap(), key);
        }
    }

    #[tokio::test]
    async fn what_cannot_be_resolved_says_why_and_shows_no_key() {
        for (text, name, why) in [
            ("[acme]\nvariable = 'NO_SUCH_VARIABLE_IS_SET'", "acme", "NO_SUCH_VARIABLE_IS_SET is not set"),
            ("[acme]\nfile = '/nowhere'", "acme", "does not exist"),
            ("[acme]\ncommand = ['/nowhere']", "acme", "does not start"),
            (
                "[acme]\ncommand = ['sh', '-c', 'echo 5f3ac2hunter2; echo 5f3ac2hunter2 >&2; exit 3']",
                "acme",
                "exit status: 3",
            ),
            ("[acme]\ncommand = ['echo', 'key: 5f3ac2hunter2']", "acme", "`key` before"),
            ("[acme]\ncommand = ['true']", "acme", "printed nothing"),
            ("[acme]\ncommand = ['yes']", "acme", "failed"),
            ("[acme]\ncommand = ['true']", "acne", "does not know the credential acne"),
            ("[acme]\ncommand = ['true']", "../acme", "other characters"),
            ("[acme]\nfile = 'a'\nvariable = 'b'", "acme", "one of file, variable and command"),
            ("[acme]\npassword = '5f3ac2hunter2'", "acme", "line 2"),
            ("acme = '5f3ac2hunter2'", "acme", "line 1"),
        ] {
            let error = resolved(text, name).await.unwrap_err();
            assert!(error.message.contains(why), "{text}: {error}");
            assert!(!format!("{error:?}").contains(KEY), "{error:?}");
        }
    }
}
