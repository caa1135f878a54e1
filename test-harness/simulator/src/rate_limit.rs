//! A limit of requests per second that can be changed at run time.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::options::Counting;

const SECOND: Duration = Duration::from_secs(1);

/// Admits N requests per second.
#[derive(Debug)]
pub(crate) struct RateLimit {
    counting: Counting,
    limiter: RwLock<Option<Limiter>>,
}

#[derive(Debug)]
enum Limiter {
    Bucket(DefaultDirectRateLimiter),
    EachSecond { most: u32, began: Instant, served: Mutex<(u64, u32)> },
    LastSecond { most: u32, served: Mutex<VecDeque<Instant>> },
}

impl RateLimit {
    pub(crate) fn new(per_second: Option<u32>, counting: Counting) -> Self {
        Self { counting, limiter: RwLock::new(per_second.map(|most| Limiter::new(most, counting))) }
    }

    pub(crate) fn set(&self, per_second: Option<u32>) {
        let limiter = per_second.map(|most| Limiter::new(most, self.counting));
        *self.limiter.write().unwrap_or_else(PoisonError::into_inner) = limiter;
    }

    pub(crate) fn admits(&self) -> bool {
        let limiter = self.limiter.read().unwrap_or_else(PoisonError::into_inner);
        limiter.as_ref().is_none_or(|limiter| limiter.admits(Instant::now()))
    }
}

impl Limiter {
    fn new(most: u32, counting: Counting) -> Self {
        match counting {
            Counting::Bucket => {
                let rate = NonZeroU32::new(most).unwrap_or(NonZeroU32::MIN);
                let burst = NonZeroU32::new(most / 5).unwrap_or(NonZeroU32::MIN);
                Self::Bucket(RateLimiter::direct(Quota::per_second(rate).allow_burst(burst)))
            }
            Counting::EachSecond => Self::EachSecond { most, began: Instant::now(), served: Mutex::default() },
            Counting::LastSecond => Self::LastSecond { most, served: Mutex::default() },
        }
    }

    fn admits(&self, now: Instant) -> bool {
        match self {
            Self::Bucket(limiter) => limiter.check().is_ok(),
            Self::EachSecond { most, began, served } => {
                let (mut served, second) = (lock(served), now.saturating_duration_since(*began).as_secs());
                if served.0 != second {
                    *served = (second, 0);
                }
                let admits = served.1 < *most;
                served.1 += u32::from(admits);
                admits
            }
            Self::LastSecond { most, served } => {
                let mut served = lock(served);
                while served.front().is_some_and(|first| now.saturating_duration_since(*first) >= SECOND) {
                    served.pop_front();
                }
                let admits = served.len() < *most as usize;
                if admits {
                    served.push_back(now);
                }
                admits
            }
        }
    }
}

fn lock<T>(counted: &Mutex<T>) -> MutexGuard<'_, T> {
    counted.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of ten requests at each of these times are served, at ten per second.
    fn served(counting: Counting, milliseconds: &[u64]) -> Vec<usize> {
        let limiter = Limiter::new(10, counting);
        let began = Instant::now();
        let at = |after: &u64| began + Duration::from_millis(*after + 1);
        milliseconds.iter().map(|after| (0..10).filter(|_| limiter.admits(at(after))).count()).collect()
    }

    #[test]
    fn each_second_is_counted_anew_and_the_last_one_back_from_each_request() {
        assert_eq!(served(Counting::EachSecond, &[900, 950, 1_050, 1_950, 2_050]), [10, 0, 10, 0, 10]);
        assert_eq!(served(Counting::LastSecond, &[900, 950, 1_050, 1_950, 2_050, 2_950]), [10, 0, 0, 10, 0, 10]);
    }
}
