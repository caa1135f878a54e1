//! A limit of requests a second that can change at run time.

use std::num::NonZeroU32;
use std::sync::{PoisonError, RwLock};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Lets through so many requests a second, a fifth of a second's worth at once.
#[derive(Debug)]
pub(crate) struct RateLimit(RwLock<Option<DefaultDirectRateLimiter>>);

impl RateLimit {
    pub(crate) fn new(per_second: Option<u32>) -> Self {
        Self(RwLock::new(limiter(per_second)))
    }

    pub(crate) fn set(&self, per_second: Option<u32>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = limiter(per_second);
    }

    pub(crate) fn admits(&self) -> bool {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            Some(limiter) => limiter.check().is_ok(),
            None => true,
        }
    }
}

fn limiter(per_second: Option<u32>) -> Option<DefaultDirectRateLimiter> {
    let rate = NonZeroU32::new(per_second?).unwrap_or(NonZeroU32::MIN);
    let burst = NonZeroU32::new(rate.get() / 5).unwrap_or(NonZeroU32::MIN);
    Some(RateLimiter::direct(Quota::per_second(rate).allow_burst(burst)))
}
