#![doc = include_str!("../README.md")]

pub mod behaviour;
mod faults;
mod log;
mod options;
pub mod organization;
mod rate_limit;
mod server;
mod tls;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use behaviour::{Behaviour, BehaviourError, GroupFilter, GroupRows, NullEdges, NullForm, Places, V2Errors, V2Sort};
pub use faults::{Drift, Effect, Fault, FaultError, RetryAfter, Scope, TotalFault};
pub use log::{RecordedRequest, RequestLog};
pub use options::{Counting, GroupSizes, SimulatorOptions, TlsMode, UsersEndpoint};
pub use organization::Organization;
pub use tls::TlsError;

use server::{Secrets, Service};

/// A running simulator. It stops when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    ca_pem: Option<String>,
    service: Arc<Service>,
    task: JoinHandle<()>,
}

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// It cannot listen.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// It cannot set up TLS.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] TlsError),
}

impl Simulator {
    /// Starts a simulator.
    pub async fn start(options: SimulatorOptions) -> Result<Self, SimulatorError> {
        let tls = options.tls.map(|mode| tls::Tls::new(mode, options.http2)).transpose()?;
        let (acceptor, ca_pem) = tls.map(|tls| (tls.acceptor, tls.ca_pem)).unzip();
        let address = options.listen;
        let failed = |source| SimulatorError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let organizations = (0..options.organizations.max(1)).map(|index| Organization::new(&options, index));
        let service = Arc::new(Service {
            organizations: organizations.map(Arc::new).collect(),
            secrets: Secrets::new(options.seed, options.api_key, options.token_lifetime),
            faults: faults::Faults::new(options.seed, options.faults),
            rate_limit: rate_limit::RateLimit::new(options.rate_limit, options.counting),
            retry_after: options.retry_after,
            log: log::Log::default(),
            recording: log::Recording::new(options.record),
            latency: options.latency,
            gzip: options.gzip,
            users_endpoint: options.users_endpoint,
            behaviour: options.behaviour,
            forbidden: options.forbidden,
        });
        let task = tokio::spawn(server::serve(listener, acceptor, Arc::clone(&service)));
        Ok(Self { address, ca_pem, service, task })
    }

    /// Where it listens, as a URL without a path.
    pub fn url(&self) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The certificate that clients must trust, as PEM, if the simulator uses TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The key that it accepts in `x-api-key`.
    pub fn api_key(&self) -> &str {
        self.service.secrets.api_key.expose_secret()
    }

    /// The client id and secret with which `POST /oauth2/token` issues access tokens.
    pub fn oauth_client(&self) -> (&str, &str) {
        (&self.service.secrets.client_id, self.service.secrets.client_secret.expose_secret())
    }

    /// The truth about the first organisation.
    pub fn organization(&self) -> Arc<Organization> {
        Arc::clone(&self.service.organizations[0])
    }

    /// The truth about all organisations.
    pub fn organizations(&self) -> &[Arc<Organization>] {
        &self.service.organizations
    }

    /// The requests received so far.
    pub fn requests(&self) -> RequestLog {
        self.service.log.snapshot()
    }

    /// The admitted requests so far, in the order of their arrival; none unless
    /// [`record`](SimulatorOptions::record) is set. They can be made again.
    pub fn recorded(&self) -> Vec<RecordedRequest> {
        self.service.recording.snapshot()
    }

    /// Changes the limit of requests per second.
    pub fn set_rate_limit(&self, per_second: Option<u32>) {
        self.service.rate_limit.set(per_second);
    }

    /// Stops, and waits until it has stopped.
    pub async fn shutdown(mut self) {
        self.task.abort();
        // The only error is the cancellation just asked for.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.task.abort();
    }
}
