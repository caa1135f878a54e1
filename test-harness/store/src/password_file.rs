//! Passwords of PostgreSQL servers, as its own programs find them: in the file of `PGPASSFILE`, or in `~/.pgpass`.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use connector_api::ConnectorError;
use connector_api::secrecy::SecretString;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// Finds the password for a server, database and user.
///
/// # Errors
/// `invalid_config` if the file of `PGPASSFILE` cannot be read, or if others can read it.
pub(crate) fn find(config: &Config) -> Result<Option<SecretString>, ConnectorError> {
    let named = env::var_os("PGPASSFILE").map(PathBuf::from);
    let usual = || env::home_dir().map(|home| home.join(".pgpass"));
    let Some(path) = named.clone().or_else(usual) else { return Ok(None) };
    let text = match fs::read_to_string(&path) {
        Ok(text) => SecretString::from(text),
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(ConnectorError::invalid_config(
                format!("the password file {} cannot be read: {}", path.display(), error.kind()),
                "correct the path in PGPASSFILE, or remove the variable",
            ));
        }
    };
    check_private(&path)?;
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.as_str(),
        _ => "localhost",
    };
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let user = config.get_user().unwrap_or_default();
    let database = config.get_dbname().unwrap_or(user);
    Ok(password(connector_api::secrecy::ExposeSecret::expose_secret(&text), [host, &port, database, user]))
}

/// Refuses a file that other users can read.
fn check_private(path: &Path) -> Result<(), ConnectorError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
        if mode & 0o077 != 0 {
            return Err(ConnectorError::invalid_config(
                format!("other users can read the password file {}", path.display()),
                format!("run: chmod 600 {}", path.display()),
            ));
        }
    }
    Ok(())
}

/// The password of the first line that fits.
fn password(text: &str, wanted: [&str; 4]) -> Option<SecretString> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut rest = line;
        for wanted in wanted {
            let (field, after) = field(rest)?;
            if field != "*" && field != wanted {
                return None;
            }
            rest = after;
        }
        // The password ends at a colon as well, unless it is escaped.
        Some(field(rest).map_or_else(|| unescaped(rest), |(password, _)| password).into())
    })
}

/// A field and what follows its colon.
fn field(line: &str) -> Option<(String, &str)> {
    let mut escaped = false;
    for (at, letter) in line.char_indices() {
        match letter {
            ':' if !escaped => return Some((unescaped(&line[..at]), &line[at + 1..])),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

fn unescaped(field: &str) -> String {
    let mut letters = field.chars();
    let mut plain = String::new();
    while let Some(letter) = letters.next() {
        plain.push(if letter == '\\' { letters.next().unwrap_or(letter) } else { letter });
    }
    plain
}

#[cfg(test)]
mod tests {
    use connector_api::secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let text = "# hosts\ndb:5433:*:ada:other\n*:5432:kept:ada:pa\\:ss\\\\word\n*:*:*:*:last\n";
        let found = |wanted| password(text, wanted).map(|password| password.expose_secret().to_owned());
        assert_eq!(found(["db", "5432", "kept", "ada"]).as_deref(), Some("pa:ss\\word"));
        assert_eq!(found(["db", "5433", "kept", "ada"]).as_deref(), Some("other"));
        assert_eq!(found(["db", "5432", "kept", "eve"]).as_deref(), Some("last"));
        assert!(password("db:5432:kept:ada\n", ["db", "5432", "kept", "ada"]).is_none());
    }
}
