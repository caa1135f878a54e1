//! How to reach the server of a store.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use connector_api::ConnectorError;
use connector_api::secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::{failure, without_tls};
use crate::location::{Kind, Location};
use crate::{password_file, tls};

/// How long the server may take to accept a connection, unless the URL says otherwise.
const CONNECT: Duration = Duration::from_secs(10);

/// How to reach the PostgreSQL server of a store, for whoever keeps tables of their own in its database: the same rules for TLS,
/// passwords and time-outs.
pub struct Server {
    config: Config,
    authorities: Option<PathBuf>,
}

impl Server {
    /// What every session begins with: the isolation that locks are made for, whatever the default of the role or the database
    /// is; and the server notices within two minutes that this machine has vanished, so that what it reserved is free again.
    pub const SESSION: &str = "set default_transaction_isolation = 'read committed'; set tcp_keepalives_idle = 60; \
        set tcp_keepalives_interval = 10; set tcp_keepalives_count = 6";

    /// Returns the server of a store, or `None` if the store is a file.
    ///
    /// # Errors
    /// `invalid_config` if the URL is malformed, or if the file of `PGPASSFILE` cannot be used.
    pub fn of(location: &Location) -> Result<Option<Self>, ConnectorError> {
        match location.kind() {
            Kind::Postgres { url, .. } => Self::of_url(url).map(Some),
            Kind::Sqlite(_) => Ok(None),
        }
    }

    pub(super) fn of_url(url: &SecretString) -> Result<Self, ConnectorError> {
        // The cause is not repeated: it may quote a part of the URL, and so a password.
        let known = tls::of_url(url);
        let mut config: Config = known.url.expose_secret().parse().map_err(|_| {
            ConnectorError::invalid_config(
                "the URL of the store is malformed",
                "use postgres://USER@HOST:PORT/DATABASE, with %XX for special characters",
            )
        })?;
        if !known.names_mode && !is_local(&config) {
            // Otherwise anybody on the way could say that the server has no TLS, and then ask for the password.
            config.ssl_mode(SslMode::Require);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_application_name().is_none() {
            config.application_name("connector-store");
        }
        if config.get_password().is_none()
            && let Some(password) = password_file::find(&config)?
        {
            config.password(password.expose_secret());
        }
        Ok(Self { config, authorities: known.authorities })
    }

    /// Returns the client library's settings, which contain the password.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns TLS that trusts the authorities of the URL, or those of the system.
    ///
    /// # Errors
    /// `invalid_config` if the file with the authorities cannot be used.
    pub fn tls(&self) -> Result<MakeRustlsConnect, ConnectorError> {
        tls::connector(self.authorities.as_deref())
    }

    /// Returns what a failure of the server, or of the connection to it, means for the operator. The server's details are left out:
    /// they may quote rows.
    pub fn failure(error: &tokio_postgres::Error) -> ConnectorError {
        without_tls(error).unwrap_or_else(|| failure(error))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

/// Whether all hosts are this machine.
fn is_local(config: &Config) -> bool {
    let names = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    });
    names && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}
