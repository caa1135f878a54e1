//! The limit on requests in flight: as many as the operator says, or as many as pay.
//!
//! *Automatic* begins with a low limit and doubles it as long as that pays: when the requests in flight grow by a factor,
//! and the latency does not, throughput grows by that factor. Where a target queues, the latency grows with the requests in
//! flight and throughput stays: then the step is taken back. Later, smaller steps are tried now and then: up, or down when
//! the latency is no longer what it was. A step up after which more requests fail is taken back; otherwise a large share of
//! failures halves the limit.
//!
//! Once the target limits the *rate*, which the [pace](super::pace) finds, latency shows nothing any more: permits are held
//! while requests wait for their slot. Then the limit is 16 at most, failures still halve it, and it recovers from them.
//!
//! Latencies are compared for each kind of request by itself, since one list is slower than another and a scan reads one
//! after the other.

mod limit;
mod settings;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use limit::Limit;
use settings::CONCURRENCY;

/// The limit on requests in flight.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Concurrency {
    /// As many as the target serves without getting slower, at most 32.
    #[default]
    Automatic,
    /// This many: at least one, and at most 1,024.
    Fixed(usize),
}

impl Concurrency {
    /// The highest limit that [`Automatic`](Self::Automatic) chooses.
    pub(crate) const MOST: usize = CONCURRENCY.most;

    /// The most requests that may be in flight.
    pub const fn most(self) -> usize {
        match self {
            Self::Automatic => Self::MOST,
            Self::Fixed(0) => 1,
            Self::Fixed(requests) if requests > CONCURRENCY.most_fixed => CONCURRENCY.most_fixed,
            Self::Fixed(requests) => requests,
        }
    }
}

/// As operators set it: 0 is automatic.
impl From<u8> for Concurrency {
    fn from(requests: u8) -> Self {
        if requests == 0 { Self::Automatic } else { Self::Fixed(requests.into()) }
    }
}

/// How urgently a request needs a permit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Something waits for it, or soon will.
    #[default]
    Needed,
    /// It is made early, to use a permit that would be idle.
    Early,
}

/// The permits to be in flight.
#[derive(Debug)]
pub(crate) struct Permits {
    semaphore: Semaphore,
    /// Requests without a permit queue here, so that only one of them at a time waits for the permits.
    entrance: tokio::sync::Mutex<()>,
    /// Early requests queue here, so that only one of them at a time is in the queue of the others.
    early: tokio::sync::Mutex<()>,
    /// Requests that wait for a permit.
    waiting: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// `None` where it is fixed.
    limit: Option<Limit>,
    /// Permits that are in use and are not given back, since the limit fell.
    surplus: usize,
}

/// A permit to be in flight; it is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    permit: Option<SemaphorePermit<'a>>,
    permits: &'a Permits,
}

impl Permits {
    pub(crate) fn new(concurrency: Concurrency) -> Self {
        let (first, limit) = match concurrency {
            Concurrency::Automatic => (CONCURRENCY.first, Some(Limit::new(Instant::now()))),
            fixed @ Concurrency::Fixed(_) => (fixed.most(), None),
        };
        Self {
            semaphore: Semaphore::new(first),
            entrance: tokio::sync::Mutex::default(),
            early: tokio::sync::Mutex::default(),
            waiting: AtomicUsize::new(0),
            state: Mutex::new(State { limit, surplus: 0 }),
        }
    }

    /// Waits for a permit. Dropping the permit returns it.
    pub(crate) async fn acquire(&self, urgency: Urgency) -> Option<Permit<'_>> {
        let _waiting = Waiting::begin(&self.waiting);
        let _early = match urgency {
            Urgency::Needed => None,
            Urgency::Early => Some(self.early.lock().await),
        };
        let _entrance = self.entrance.lock().await;
        self.take().await
    }

    /// Waits for a permit for a request that passed its own on. It goes before requests that never had one, since more
    /// may depend on it by now.
    pub(crate) async fn acquire_again(&self) -> Option<Permit<'_>> {
        let _waiting = Waiting::begin(&self.waiting);
        self.take().await
    }

    /// Keeps the permit of a request that is sent again, unless the limit fell below those in use: then the permit is
    /// given back, and the request waits for another one.
    pub(crate) async fn renew<'a>(&'a self, permit: Option<Permit<'a>>) -> Option<Permit<'a>> {
        if permit.is_some() && self.lock().surplus == 0 {
            return permit;
        }
        drop(permit);
        self.acquire_again().await
    }

    async fn take(&self) -> Option<Permit<'_>> {
        let permit = self.semaphore.acquire().await.ok()?;
        Some(Permit { permit: Some(permit), permits: self })
    }

    /// The request to `path` that went out at `sent` was served.
    pub(crate) fn served(&self, path: &str, sent: Instant) {
        let full = self.waiting.load(Relaxed) > 0;
        self.adjust(|limit| limit.served(path, sent, Instant::now(), full));
    }

    /// The request that went out at `sent` failed, not for its rate.
    pub(crate) fn failed(&self, sent: Instant) {
        self.adjust(|limit| limit.failed(sent, Instant::now()));
    }

    /// The target limits the rate.
    pub(crate) fn rate_is_limited(&self) {
        self.adjust(|limit| limit.limit_rate(Instant::now()));
    }

    fn adjust(&self, event: impl FnOnce(&mut Limit)) {
        let mut state = self.lock();
        let Some(limit) = &mut state.limit else { return };
        let before = limit.requests();
        event(limit);
        let after = limit.requests();
        if after == before {
            return;
        }
        tracing::debug!(before, after, "changed the concurrency limit");
        if after > before {
            let more = after - before;
            let kept = more.min(state.surplus);
            state.surplus -= kept;
            self.semaphore.add_permits(more - kept);
        } else {
            let fewer = before - after;
            state.surplus += fewer - self.semaphore.forget_permits(fewer);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        // Under the lock to its end: the limit must not fall between the look at the surplus and the return.
        let mut state = self.permits.lock();
        let Some(permit) = self.permit.take() else { return };
        if state.surplus > 0 {
            state.surplus -= 1;
            permit.forget();
        } else {
            drop(permit);
        }
    }
}

/// A request that waits for a permit, as long as it waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests;
