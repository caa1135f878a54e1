//! Where a store is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use connector_api::ConnectorError;
use connector_api::secrecy::SecretString;
use url::Url;

/// Where a store is: `sqlite:FILE` or `postgres://HOST/DATABASE`. Neither `Debug` nor `Display` show a password.
#[derive(Clone)]
pub struct Location(Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    Sqlite(PathBuf),
    Postgres {
        /// With its password, if it has one.
        #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "only its backend connects"))]
        url: SecretString,
        /// Without.
        shown: String,
        has_password: bool,
    },
}

const EXPECTED: &str = "use sqlite:FILE or postgres://USER@HOST/DATABASE";

impl Location {
    /// Creates the location of an SQLite file.
    pub fn sqlite(path: impl AsRef<Path>) -> Self {
        Self(Kind::Sqlite(path.as_ref().to_owned()))
    }

    /// Returns the files of a store in a file, which nothing else may write: the file first.
    pub fn files(&self) -> Vec<PathBuf> {
        let Kind::Sqlite(path) = &self.0 else { return Vec::new() };
        let with = |end: &str| {
            let mut name = path.clone().into_os_string();
            name.push(end);
            PathBuf::from(name)
        };
        vec![path.clone(), with("-wal"), with("-shm"), with("-journal")]
    }

    /// Returns whether the URL has a password, which does not belong on a command line.
    pub fn has_password(&self) -> bool {
        matches!(self.0, Kind::Postgres { has_password: true, .. })
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }
}

impl FromStr for Location {
    type Err = ConnectorError;

    /// Parses a URL. An error does not repeat it: it may contain a password.
    fn from_str(url: &str) -> Result<Self, ConnectorError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path {
                "" => Err(ConnectorError::invalid_config("the URL of the store names no file", EXPECTED)),
                path => Ok(Self::sqlite(path)),
            };
        }
        let is_postgres = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
        if !is_postgres {
            return Err(ConnectorError::invalid_config("the store is not the URL of one", EXPECTED));
        }
        // Programs differ in where a password with one of these ends, and what is taken for the host or path would be shown.
        let rest = url.split_once("//").map_or(url, |(_, rest)| rest);
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        if rest.contains('#') || rest[end..].contains('@') || rest[..end].matches('@').count() > 1 {
            return Err(ConnectorError::invalid_config(
                "the URL of the store has a #, or an @ that does not end the user",
                "write %40 for @, %23 for #, %2F for / and %3F for ?",
            ));
        }
        let mut parsed = Url::parse(url)
            .map_err(|error| ConnectorError::invalid_config(format!("the URL of the store: {error}"), EXPECTED))?;
        let is_server = |name: &str| matches!(name, "host" | "hostaddr");
        let mut servers = parsed.query_pairs().filter(|(name, _)| is_server(name)).map(|(_, value)| value.into_owned());
        if parsed.host_str().is_none_or(str::is_empty) && servers.all(|server| server.is_empty()) {
            return Err(ConnectorError::invalid_config(
                "the URL of the store names no server",
                "use postgres://USER@HOST/DATABASE, with localhost for this machine",
            ));
        }
        // Parameters can hold a password as well.
        let in_query = parsed.query_pairs().any(|(name, _)| name.contains("password"));
        let has_password = parsed.password().is_some() || in_query;
        // Only a URL without a host cannot have its password removed, and then it has none.
        let _ = parsed.set_password(None);
        parsed.set_query(None);
        Ok(Self(Kind::Postgres { url: url.to_owned().into(), shown: parsed.into(), has_password }))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Kind::Postgres { shown, .. } => f.write_str(shown),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_password_is_found_wherever_it_stands_and_is_never_shown() {
        for url in ["postgres://ada:hunter2@db/kept", "postgresql://db/kept?user=ada&password=hunter2"] {
            let location: Location = url.parse().unwrap();
            assert!(location.has_password(), "{location}");
            assert!(!format!("{location} {location:?}").contains("hunter2"), "{location:?}");
        }
        let location: Location = "postgres://ada@db:5433/kept".parse().unwrap();
        assert!(!location.has_password());
        assert_eq!(location.to_string(), "postgres://ada@db:5433/kept");
    }

    #[test]
    fn a_password_that_ends_elsewhere_for_another_program_is_refused_and_not_repeated() {
        for password in ["12#hunter2", "12/hunter2", "12?hunter2", "12@hunter2"] {
            let error = format!("postgres://ada:{password}@db/kept").parse::<Location>().unwrap_err();
            assert!(error.remedy.contains("%40"), "{error:?}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        "postgres://ada:12%23%2F%3F%40@db/kept?options=-c%20a%3Db".parse::<Location>().unwrap();
    }

    #[test]
    fn what_is_no_url_of_a_store_is_refused_and_not_repeated() {
        for url in ["hunter2", "mysql://hunter2@db", "sqlite:", "postgres://a:hunter2@[", "/var/hunter2.db"] {
            let error = url.parse::<Location>().unwrap_err();
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        for url in ["postgres://", "postgresql:///kept", "postgres:///kept?user=ada&host="] {
            let error = url.parse::<Location>().unwrap_err();
            assert!(
                error.message.ends_with("names no server") && error.remedy.contains("localhost"),
                "{url}: {error:?}"
            );
        }
        "postgres:///kept?host=/run/postgresql".parse::<Location>().unwrap();
        assert_eq!("sqlite:/var/kept.db".parse::<Location>().unwrap().to_string(), "sqlite:/var/kept.db");
        assert_eq!("sqlite:kept.db".parse::<Location>().unwrap().to_string(), "sqlite:kept.db");
    }
}
