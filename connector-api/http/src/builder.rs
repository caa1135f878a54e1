//! The builder of a client.

use std::sync::Arc;

use connector_api::{ConnectorError, SystemConfig};
use url::Url;

use super::address;
use super::auth::Auth;
use super::call::Service;
use super::client::HttpClient;
use super::options::ClientOptions;
use super::target::Target;

/// Collects the parts of a client until it is built.
#[derive(Debug)]
pub struct ClientBuilder {
    target: Arc<dyn Target>,
    services: Vec<(Service, Url)>,
    options: ClientOptions,
}

impl HttpClient {
    /// Starts a client for the target at the system's host name and port, over HTTPS, or over HTTP on loopback.
    ///
    /// # Errors
    /// Returns `invalid_config` or `insecure_endpoint` for a host name that cannot be used.
    pub fn builder(config: &SystemConfig, target: impl Target) -> Result<ClientBuilder, ConnectorError> {
        let url = address::origin("hostname", &config.hostname, config.port, target.words())?;
        Ok(ClientBuilder::new(url, target))
    }
}

impl ClientBuilder {
    /// Starts a client for the target whose main service is at `url`, which was made by [`origin`](address::origin).
    pub fn new(url: Url, target: impl Target) -> Self {
        let services = vec![(Service::MAIN, url)];
        Self { target: Arc::new(target), services, options: ClientOptions::default() }
    }

    /// Adds another service of the target, at a URL made by [`origin`](address::origin).
    pub fn service(mut self, service: Service, url: Url) -> Self {
        self.services.push((service, url));
        self
    }

    /// Sets the base path of the main service, such as `/scim/v2`.
    pub fn base_path(mut self, path: &str) -> Self {
        for (_, url) in self.services.iter_mut().filter(|(service, _)| *service == Service::MAIN) {
            url.set_path(path);
        }
        self
    }

    /// Sets the client's limits.
    pub fn options(mut self, options: ClientOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the maximum number of attempts at one request, including the first. Other options are not changed.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.options.retry.attempts = attempts;
        self
    }

    /// Builds the client, which authenticates with `auth`.
    ///
    /// # Errors
    /// Returns `invalid_config` or `insecure_endpoint` for a proxy or a file of certificates that cannot be used.
    pub fn build(self, auth: Auth) -> Result<HttpClient, ConnectorError> {
        HttpClient::new(self.target, self.services, auth, self.options)
    }
}
