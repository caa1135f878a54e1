//! The underlying HTTP clients: TLS, proxy, time-outs.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use connector_api::ConnectorError;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::RootCertStore;
use url::Url;

use super::address::is_loopback;
use super::body;
use super::certificates;
use super::options::ClientOptions;
use super::proxy::Proxies;
use super::unanswered::DnsError;
use super::words::Words;

/// Two clients, chosen by the address of each request. So plain HTTP never leaves this machine, even if a target has
/// addresses on both sides.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    /// For addresses on this machine.
    loopback: reqwest::Client,
    /// For all others: HTTPS only.
    remote: reqwest::Client,
}

impl Transport {
    /// Returns the client for requests to `url`.
    pub(super) fn to(&self, url: &Url) -> &reqwest::Client {
        if is_loopback(url) { &self.loopback } else { &self.remote }
    }
}

impl ClientOptions {
    /// Builds the HTTP clients for a target.
    ///
    /// # Errors
    /// Returns `invalid_config` for a certificate file that cannot be read, or a proxy that the client does not accept.
    pub(super) fn transport(&self, proxies: &Proxies, words: &Words) -> Result<Transport, ConnectorError> {
        let tls = self.tls(words)?;
        let build = |builder: reqwest::ClientBuilder| {
            let built = builder.build();
            built.map_err(|error| ConnectorError::internal(format!("the HTTP client could not be built: {error}")))
        };
        let loopback = proxies.apply_on_loopback(self.client(tls.clone(), words), words)?;
        let remote = proxies.apply(self.client(tls, words), words)?.https_only(true);
        Ok(Transport { loopback: build(loopback)?, remote: build(remote)? })
    }

    /// Returns what both clients have in common.
    fn client(&self, tls: rustls::ClientConfig, words: &Words) -> reqwest::ClientBuilder {
        let longest = self.retry.time_budget;
        reqwest::Client::builder()
            .user_agent(words.user_agent)
            .default_headers(body::accepted())
            .no_gzip()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .dns_resolver(SystemResolver::default())
            .tls_backend_preconfigured(tls)
            .connect_timeout(self.connect_timeout.min(longest))
            .read_timeout(self.read_timeout.min(longest))
            .pool_max_idle_per_host(self.concurrency.most())
            .http1_only()
    }

    /// Configures TLS 1.2 or newer. Trusts the platform's roots, or Mozilla's if the platform has none, and the
    /// operator's file.
    fn tls(&self, words: &Words) -> Result<rustls::ClientConfig, ConnectorError> {
        let mut roots = RootCertStore::empty();
        let (accepted, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if accepted == 0 {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        if let Some(path) = &self.ca_bundle {
            let problem = |why: String| {
                ConnectorError::invalid_config(
                    format!("attributes.{}: {why}", words.ca_bundle.unwrap_or("caBundle")),
                    "set it to a readable file of PEM certificates",
                )
            };
            let (accepted, _) = roots.add_parsable_certificates(certificates::read(path).map_err(problem)?);
            if accepted == 0 {
                return Err(problem(format!("{} contains no certificate", path.display())));
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ConnectorError::internal(format!("TLS could not be set up: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // With HTTP/2, all requests would share one connection. A lost packet would delay all of them, and every
        // attempt would use a dead connection again, since a time-out only ends the request.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// The system's resolver. It marks its failures with their own type, and remembers which names it resolved before.
#[derive(Default)]
struct SystemResolver(Arc<Mutex<HashSet<String>>>);

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolved = Arc::clone(&self.0);
        Box::pin(async move {
            let lock = || resolved.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let name = name.as_str();
            match tokio::net::lookup_host((name, 0)).await {
                Ok(addresses) => {
                    let addresses: Vec<SocketAddr> = addresses.collect();
                    lock().insert(name.to_owned());
                    Ok(Box::new(addresses.into_iter()) as Addrs)
                }
                Err(error) => {
                    let known = lock().contains(name);
                    Err(Box::new(DnsError { name: name.to_owned(), known, error }) as Box<_>)
                }
            }
        })
    }
}
