//! The limits of a client.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::address;
use super::concurrency::Concurrency;
use super::retry::RetryPolicy;

/// The limits of a client. The defaults suit most targets.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// The maximum time to establish a connection.
    pub connect_timeout: Duration,
    /// The maximum silence while a response arrives.
    pub read_timeout: Duration,
    /// The maximum duration of one attempt, body included.
    pub request_timeout: Duration,
    /// Attempts and back-off. Time-outs are capped at its time budget.
    pub retry: RetryPolicy,
    /// The maximum number of requests in flight.
    pub concurrency: Concurrency,
    /// The maximum number of requests per second. Without it, only the pace limits the rate: it follows what the target
    /// serves.
    pub requests_per_second: Option<f64>,
    /// The maximum size of a body in bytes, after decompression.
    pub largest_body: usize,
    /// A PEM file of certificates to trust in addition to the platform's.
    pub ca_bundle: Option<PathBuf>,
    /// The URL of the operator's proxy, which may contain a password. Without it, the environment's proxy is used.
    pub proxy: Option<SecretString>,
}

/// Time-outs: 10 s to connect, 30 s of silence, 120 s per attempt. Automatic concurrency, without a fixed rate. Bodies
/// of up to 64 MiB.
impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(120),
            retry: RetryPolicy::default(),
            concurrency: Concurrency::Automatic,
            requests_per_second: None,
            largest_body: 64 * 1024 * 1024,
            ca_bundle: None,
            proxy: None,
        }
    }
}

impl ClientOptions {
    /// Shortens the limits for interactive use, such as a connection test: at most two attempts and 8 s per request.
    ///
    /// Each request to a target that never responds takes those 8 s, and a connection test has 20 s. So stop at the
    /// first failure and report the other checks as [`Check::skipped`](connector_api::Check::skipped), or make them
    /// concurrently.
    pub fn brisk(mut self) -> Self {
        self.retry = RetryPolicy {
            attempts: self.retry.attempts.min(2),
            time_budget: self.retry.time_budget.min(Duration::from_secs(8)),
            first_wait: Duration::from_millis(300),
            longest_wait: Duration::from_secs(2),
        };
        self
    }

    /// Returns the maximum duration of one attempt.
    pub(super) fn longest_request(&self) -> Duration {
        self.request_timeout.min(self.retry.time_budget)
    }

    /// Returns the password in the proxy's URL, so that it can be scrubbed.
    pub(super) fn proxy_password(&self) -> Option<SecretString> {
        let proxy = address::parse(self.proxy.as_ref()?.expose_secret(), "http").ok()?;
        proxy.password().map(|password| password.to_owned().into())
    }
}
