//! The cost of a section's requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counters of one section, shared by all of its requests.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU64,
    retries: AtomicU64,
    refusals: AtomicU64,
    wait_ms: AtomicU64,
    bytes: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// Requests; each attempt counts.
    pub requests: u64,
    /// Attempts after a first one.
    pub retries: u64,
    /// Attempts that the target refused because of their rate.
    pub refusals: u64,
    /// Back-off between attempts, in milliseconds.
    pub wait_ms: u64,
    /// Decompressed bodies of responses, in bytes.
    pub bytes: u64,
}

impl Meter {
    pub(crate) fn request(&self) {
        self.0.requests.fetch_add(1, Relaxed);
    }

    pub(crate) fn retry(&self, wait: Duration) {
        self.0.retries.fetch_add(1, Relaxed);
        self.0.wait_ms.fetch_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX), Relaxed);
    }

    pub(crate) fn refusal(&self) {
        self.0.refusals.fetch_add(1, Relaxed);
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// Returns the counts so far.
    pub fn read(&self) -> Reading {
        Reading {
            requests: self.0.requests.load(Relaxed),
            retries: self.0.retries.load(Relaxed),
            refusals: self.0.refusals.load(Relaxed),
            wait_ms: self.0.wait_ms.load(Relaxed),
            bytes: self.0.bytes.load(Relaxed),
        }
    }
}
