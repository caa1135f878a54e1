//! The attempts of one request: how many, and how far apart. The verdict decides what each one means.

use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use connector_api::{ConnectorError, ErrorCode};
use tokio::time::{Instant, sleep};

use super::concurrency::Urgency;
use super::meter::Meter;
use super::pace::Pace;
use super::text::spoken;
use super::verdict::{Next, Verdict};

/// If no request of a scan was served for this long, a target that rate-limits is assumed not to serve any.
const LONGEST_REFUSAL: Duration = Duration::from_secs(75);

/// The limits of retries.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// The maximum number of attempts at one request, including the first. Attempts whose verdict is to slow down do
    /// not count.
    pub attempts: u32,
    /// The maximum duration of one request, over all attempts and waits.
    pub time_budget: Duration,
    /// The upper bound of the first wait; it doubles with each attempt.
    pub first_wait: Duration,
    /// The maximum wait that the back-off chooses itself.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 7,
            time_budget: Duration::from_secs(300),
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// Returns the upper bounds of the waits between attempts, without end. The actual wait is random between zero and
    /// the bound (full jitter), so that requests that failed together are not retried together.
    pub(crate) fn waits(&self) -> impl Iterator<Item = Duration> + use<> {
        ExponentialBuilder::new()
            .with_min_delay(self.first_wait)
            .with_max_delay(self.longest_wait)
            .without_max_times()
            .build()
    }
}

/// Returns a random wait between zero and `bound`.
fn full_jitter(bound: Duration) -> Duration {
    bound.mul_f64(fastrand::f64())
}

/// The retry budget of all requests of a scan: each success earns a retry, each retry costs one. In an outage nothing
/// succeeds, so retries soon stop. A request that was refused because of the rate is no sign of an outage and costs
/// nothing: the pace keeps such refusals rare.
#[derive(Debug)]
struct RetryBudget(Mutex<Budget>);

#[derive(Debug)]
struct Budget {
    left: f64,
    /// When a request last succeeded, or when the scan began.
    succeeded: Instant,
}

impl RetryBudget {
    const FULL: f64 = 100.0;

    fn new() -> Self {
        Self(Mutex::new(Budget { left: Self::FULL, succeeded: Instant::now() }))
    }

    fn earn(&self) {
        let mut budget = self.lock();
        budget.left = (budget.left + 1.0).min(Self::FULL);
        budget.succeeded = Instant::now();
    }

    /// Spends one retry, and returns whether the budget allowed it.
    fn spend(&self) -> bool {
        let mut budget = self.lock();
        let affordable = budget.left >= 1.0;
        if affordable {
            budget.left -= 1.0;
        }
        affordable
    }

    /// Returns how long no request of the scan has succeeded, counted from `began` at the earliest: before that,
    /// perhaps no request was made.
    fn idle_since(&self, began: Instant) -> Duration {
        self.lock().succeeded.max(began).elapsed()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Budget> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The state shared by the attempts of all requests of a scan.
#[derive(Debug)]
pub(crate) struct Attempts {
    policy: RetryPolicy,
    pace: Pace,
    budget: RetryBudget,
    /// The reason why nothing is sent any more.
    stopped: OnceLock<ConnectorError>,
}

impl Attempts {
    pub(crate) fn new(policy: RetryPolicy, pace: Pace) -> Self {
        Self { policy, pace, budget: RetryBudget::new(), stopped: OnceLock::new() }
    }

    /// Makes attempts at the request `what` until one succeeds, or its verdict or the policy ends it.
    ///
    /// # Errors
    /// Returns the error of the last verdict, with the number of attempts and what ended them.
    pub(crate) async fn make<T, F>(
        &self,
        what: &str,
        urgency: Urgency,
        meter: &Meter,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, ConnectorError>
    where
        F: Future<Output = Result<T, Verdict>>,
    {
        let Self { policy, pace, budget, stopped } = self;
        let mut permit = pace.permit(urgency).await;
        let began = Instant::now();
        let mut waits = policy.waits();
        let (mut sent, mut counted) = (0_u32, 0_u32);
        let mut renewed = false;
        loop {
            let slot = pace.slot().await;
            if let Some(error) = stopped.get() {
                return Err(error.clone());
            }
            sent += 1;
            meter.request();
            let Verdict { error, next } = match attempt().await {
                Ok(value) => {
                    budget.earn();
                    pace.served(what, slot);
                    return Ok(value);
                }
                Err(verdict) => verdict,
            };
            let given_up = |why: &str| given_up(&error, why, sent, began.elapsed());
            let (after, slower) = match next {
                Next::Stop => return Err(stopped.get_or_init(|| error.clone()).clone()),
                Next::Fail => return Err(given_up("given up")),
                Next::RenewToken if renewed => return Err(given_up("given up")),
                Next::RenewToken => {
                    renewed = true;
                    meter.retry(Duration::ZERO);
                    continue;
                }
                Next::WithoutSort => {
                    meter.retry(Duration::ZERO);
                    continue;
                }
                Next::Retry { after, attempts } => {
                    pace.failed(slot);
                    counted += 1;
                    if counted >= attempts.map_or(policy.attempts, |most| most.min(policy.attempts)) {
                        return Err(given_up("given up"));
                    }
                    (after, false)
                }
                Next::SlowDown { after } => {
                    pace.refused(slot);
                    meter.refusal();
                    (after, true)
                }
            };
            if let Some(asked) = after.filter(|asked| *asked > policy.time_budget) {
                return Err(too_long(error, asked, policy.time_budget));
            }
            let jitter = full_jitter(waits.next().unwrap_or(policy.longest_wait));
            // Waits a little longer than requested, so that requests with the same waiting time are not retried at the
            // same instant; and at least the back-off, since the requested time may be zero.
            let wait = after.map_or(jitter, |after| (after + full_jitter(policy.first_wait)).max(jitter));
            if began.elapsed() + wait > policy.time_budget {
                return Err(given_up("no time is left for another attempt"));
            }
            if slower && budget.idle_since(began) > LONGEST_REFUSAL {
                return Err(given_up("no request was served any more"));
            }
            // A target that rate-limits is not failing: its retries are bounded by time alone.
            if !slower && !budget.spend() {
                return Err(given_up("too many requests fail, so this one was not retried"));
            }
            tracing::debug!(what, sent, wait_ms = wait.as_millis() as u64, %error, "trying again");
            meter.retry(wait);
            if slower {
                // Other requests may go meanwhile; the pace limits them.
                drop(permit);
                sleep(wait).await;
                permit = pace.permit_again().await;
            } else {
                sleep(wait).await;
                permit = pace.renew(permit).await;
            }
        }
    }
}

/// Returns the error of a request that is given up, with what was tried.
fn given_up(error: &ConnectorError, why: &str, sent: u32, took: Duration) -> ConnectorError {
    let mut error = error.clone();
    if sent > 1 {
        error.message = format!("{} ({why} after {sent} attempts in {:.1} s)", error.message, took.as_secs_f32());
    }
    error
}

/// Returns the error of a request that would have to wait longer than it may take.
fn too_long(error: ConnectorError, asked: Duration, budget: Duration) -> ConnectorError {
    let message = format!(
        "{}; it asked to wait {}, more than the {} s that a request may take",
        error.message,
        spoken(asked),
        budget.as_secs()
    );
    let mut remedy = format!("scan again in {}", spoken(asked));
    if error.code == ErrorCode::RateLimited {
        remedy = format!("{remedy}; {}", error.remedy);
    }
    error.with_message(message).with_remedy(remedy)
}

#[cfg(test)]
mod tests;
