//! The bounds within which a client works.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::address;
use super::concurrency::Concurrency;
use super::retry::RetryPolicy;

/// The bounds within which a client works. The default suits most targets.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Longest time to wait for a connection.
    pub connect_timeout: Duration,
    /// Longest silence while an answer comes.
    pub read_timeout: Duration,
    /// Longest time for one attempt, body included.
    pub request_timeout: Duration,
    /// Attempts at one request, and the waits between them. No time-out is longer than its time budget.
    pub retry: RetryPolicy,
    /// Requests in flight at the same time.
    pub concurrency: Concurrency,
    /// The most requests per second; without it, the pace follows what the target serves.
    pub requests_per_second: Option<f64>,
    /// The largest body that is accepted, in bytes, after decompression.
    pub largest_body: usize,
    /// A file of certificates in PEM form to trust in addition to the platform's own.
    pub ca_bundle: Option<PathBuf>,
    /// The URL of the operator's proxy, which may hold a password. Without it, the environment's holds.
    pub proxy: Option<SecretString>,
}

/// Time-outs of 10 s to connect, 30 s of silence and 120 s in all; as many requests at a time and a pace as suit the target; bodies
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
    /// The same for a question that somebody waits for, such as a connection test: at most two attempts and 8 s a request. A
    /// target that never answers takes so long for each, and a connection test has 20 s: stop at the first that fails, with
    /// [`Check::skipped`](connector_api::Check::skipped) for the others, or ask side by side.
    pub fn brisk(mut self) -> Self {
        self.retry = RetryPolicy {
            attempts: self.retry.attempts.min(2),
            time_budget: self.retry.time_budget.min(Duration::from_secs(8)),
            first_wait: Duration::from_millis(300),
            longest_wait: Duration::from_secs(2),
        };
        self
    }

    /// How long one attempt may take.
    pub(super) fn longest_request(&self) -> Duration {
        self.request_timeout.min(self.retry.time_budget)
    }

    /// The password in the proxy's URL, so that it never shows.
    pub(super) fn proxy_password(&self) -> Option<SecretString> {
        let proxy = address::parse(self.proxy.as_ref()?.expose_secret(), "http").ok()?;
        proxy.password().map(|password| password.to_owned().into())
    }
}
