//! What the simulator was asked.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// Requests so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestLog {
    /// How many there were.
    pub total: u64,
    /// How many each endpoint took, by its name in [`Fault::help`](super::Fault::help); paths that name no
    /// endpoint stand under `unknown`.
    pub by_endpoint: BTreeMap<String, u64>,
    /// How many ended with each status; 0 stands for a connection that was reset.
    pub by_status: BTreeMap<u16, u64>,
    /// The most that were in progress at one time.
    pub most_at_once: u64,
    /// Bytes of bodies, as they went over the wire; endless bodies are not counted.
    pub bytes: u64,
}

impl RequestLog {
    /// How many requests an endpoint took.
    pub fn of(&self, endpoint: &str) -> u64 {
        self.by_endpoint.get(endpoint).copied().unwrap_or_default()
    }

    /// How many requests ended with a status.
    pub fn with_status(&self, status: u16) -> u64 {
        self.by_status.get(&status).copied().unwrap_or_default()
    }
}

/// A request as it was received, without its headers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedRequest {
    /// The method, such as `GET`.
    pub method: String,
    /// The path and the query.
    pub path: String,
    /// The body; empty if there is none.
    pub body: String,
}

/// The requests that were received, if they are recorded.
#[derive(Debug, Default)]
pub(crate) struct Recording(Option<Mutex<Vec<RecordedRequest>>>);

impl Recording {
    pub(crate) fn new(is_wanted: bool) -> Self {
        Self(is_wanted.then(Mutex::default))
    }

    pub(crate) fn add(&self, request: impl FnOnce() -> RecordedRequest) {
        if let Some(requests) = &self.0 {
            requests.lock().unwrap_or_else(PoisonError::into_inner).push(request());
        }
    }

    pub(crate) fn snapshot(&self) -> Vec<RecordedRequest> {
        let snapshot = |requests: &Mutex<Vec<_>>| requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.0.as_ref().map(snapshot).unwrap_or_default()
    }
}

/// Keeps the log.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<(RequestLog, u64)>);

impl Log {
    pub(crate) fn snapshot(&self) -> RequestLog {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Notes a request that begins; it is in progress until the guard goes.
    pub(crate) fn begin(&self) -> InProgress<'_> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.1 += 1;
        log.0.most_at_once = log.0.most_at_once.max(log.1);
        InProgress(self)
    }

    /// Notes how a request ended.
    pub(crate) fn note(&self, endpoint: &str, status: u16, bytes: u64) {
        let log = &mut self.0.lock().unwrap_or_else(PoisonError::into_inner).0;
        log.total += 1;
        log.bytes += bytes;
        match log.by_endpoint.get_mut(endpoint) {
            Some(count) => *count += 1,
            None => {
                log.by_endpoint.insert(endpoint.to_owned(), 1);
            }
        }
        *log.by_status.entry(status).or_default() += 1;
    }
}

/// A request in progress.
pub(crate) struct InProgress<'a>(&'a Log);

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).1 -= 1;
    }
}
