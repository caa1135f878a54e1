//! How a client is made.

use std::sync::Arc;

use connector_api::{ConnectorError, SystemConfig};
use url::Url;

use super::address;
use super::auth::Auth;
use super::call::Service;
use super::client::HttpClient;
use super::options::ClientOptions;
use super::target::Target;

/// What a client is made of, until it is built.
#[derive(Debug)]
pub struct ClientBuilder {
    target: Arc<dyn Target>,
    services: Vec<(Service, Url)>,
    options: ClientOptions,
}

impl HttpClient {
    /// Starts a client of the target at the system's host name and port, over HTTPS; on loopback over HTTP, too.
    ///
    /// # Errors
    /// `invalid_config` or `insecure_endpoint` for a host name that cannot be used.
    pub fn builder(config: &SystemConfig, target: impl Target) -> Result<ClientBuilder, ConnectorError> {
        let url = address::origin("hostname", &config.hostname, config.port, target.words())?;
        Ok(ClientBuilder::new(url, target))
    }
}

impl ClientBuilder {
    /// Starts a client of the target whose main service is at `url`, as [`origin`](address::origin) gave it.
    pub fn new(url: Url, target: impl Target) -> Self {
        let services = vec![(Service::MAIN, url)];
        Self { target: Arc::new(target), services, options: ClientOptions::default() }
    }

    /// One more service of the target's, at an URL that [`origin`](address::origin) gave.
    pub fn service(mut self, service: Service, url: Url) -> Self {
        self.services.push((service, url));
        self
    }

    /// The path below which the main service answers: `/scim/v2`.
    pub fn base_path(mut self, path: &str) -> Self {
        for (_, url) in self.services.iter_mut().filter(|(service, _)| *service == Service::MAIN) {
            url.set_path(path);
        }
        self
    }

    /// The bounds within which it works.
    pub fn options(mut self, options: ClientOptions) -> Self {
        self.options = options;
        self
    }

    /// How often one request is tried in all, the first time included; the rest of the options stays as it is.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.options.retry.attempts = attempts;
        self
    }

    /// The client, which signs in with `auth`.
    ///
    /// # Errors
    /// `invalid_config` or `insecure_endpoint` for a proxy or a file of certificates that cannot be used.
    pub fn build(self, auth: Auth) -> Result<HttpClient, ConnectorError> {
        HttpClient::new(self.target, self.services, auth, self.options)
    }
}
