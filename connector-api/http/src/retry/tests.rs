//! The loop obeys each verdict, with the time paused.
#![allow(clippy::unwrap_used)]

use std::cell::{Cell, RefCell};

use connector_api::ErrorCode;

use super::*;
use crate::concurrency::{Concurrency, Urgency};
use crate::verdict::Next::{Fail, RenewToken, Retry, SlowDown, Stop, WithoutSort};

const SECOND: Duration = Duration::from_secs(1);
const AGAIN: Next = Retry { after: None, attempts: None };

fn policy() -> RetryPolicy {
    RetryPolicy { attempts: 7, time_budget: 300 * SECOND, first_wait: SECOND / 2, longest_wait: 30 * SECOND }
}

fn attempts() -> Attempts {
    Attempts::new(policy(), Pace::new(Concurrency::Fixed(4), None))
}

/// The result of a request whose attempts have these verdicts; the attempt after the last one succeeds.
struct Made {
    result: Result<(), ConnectorError>,
    sent: usize,
    took: Duration,
}

async fn make(attempts: &Attempts, verdicts: impl IntoIterator<Item = Next>) -> Made {
    let verdicts = RefCell::new(verdicts.into_iter());
    let (meter, began) = (Meter::default(), Instant::now());
    let attempt = || {
        let next = verdicts.borrow_mut().next();
        let error = ConnectorError::new(ErrorCode::ServerError, "it failed", "do something");
        async move { next.map_or(Ok(()), |next| Err(Verdict { error, next })) }
    };
    let result = attempts.make("/x", Urgency::Needed, &meter, attempt).await;
    Made { result, sent: meter.read().requests as usize, took: began.elapsed() }
}

#[tokio::test(start_paused = true)]
async fn what_would_fail_the_same_way_is_not_sent_again() {
    let made = make(&attempts(), [Fail]).await;
    assert_eq!((made.sent, made.took), (1, Duration::ZERO));
    assert_eq!(made.result.unwrap_err().message, "it failed");
}

#[tokio::test(start_paused = true)]
async fn attempts_that_count_end_with_the_policys_number_or_the_verdicts() {
    let made = make(&attempts(), [AGAIN; 100]).await;
    assert_eq!(made.sent, 7);
    assert!(made.result.unwrap_err().message.starts_with("it failed (given up after 7 attempts in "));
    assert_eq!(make(&attempts(), [Retry { after: None, attempts: Some(2) }; 100]).await.sent, 2);
    assert_eq!(make(&attempts(), [Retry { after: None, attempts: Some(9) }; 100]).await.sent, 7);
    assert_eq!(make(&attempts(), [AGAIN; 6]).await.result, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn attempts_that_slow_down_do_not_count() {
    let attempts =
        || Attempts::new(RetryPolicy { longest_wait: SECOND, ..policy() }, Pace::new(Concurrency::Fixed(4), None));
    let made = make(&attempts(), [SlowDown { after: None }; 40]).await;
    assert_eq!((made.result, made.sent), (Ok(()), 41));
    let mixed = [SlowDown { after: None }, AGAIN].into_iter().cycle().take(12);
    assert_eq!(make(&attempts(), mixed).await.result, Ok(()), "six of these count");
}

#[tokio::test(start_paused = true)]
async fn only_what_slows_down_slows_all_requests() {
    for (next, slowed) in [(AGAIN, false), (SlowDown { after: Some(SECOND) }, true)] {
        let attempts =
            Attempts::new(RetryPolicy { attempts: 1000, ..policy() }, Pace::new(Concurrency::Fixed(4), None));
        for _ in 0..10 {
            assert_eq!(make(&attempts, [next]).await.result, Ok(()));
        }
        let mut paced = Duration::ZERO;
        for _ in 0..20 {
            paced += make(&attempts, []).await.took;
        }
        assert_eq!(paced > SECOND, slowed, "{next:?}: {paced:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_was_asked_for_is_kept_to_and_not_much_exceeded() {
    for next in [SlowDown { after: Some(20 * SECOND) }, Retry { after: Some(20 * SECOND), attempts: None }] {
        let made = make(&attempts(), [next]).await;
        assert!(made.result.is_ok() && (20 * SECOND..22 * SECOND).contains(&made.took), "{:?}", made.took);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_longer_than_a_request_may_take_ends_it_at_once_and_both_times_are_named() {
    for (seconds, spoken) in [(86_400, "24 h"), (3 * 365 * 86_400, "1095 days"), (u64::MAX, "days")] {
        let made = make(&attempts(), [SlowDown { after: Some(Duration::from_secs(seconds)) }]).await;
        assert_eq!((made.sent, made.took), (1, Duration::ZERO));
        let error = made.result.unwrap_err();
        assert!(error.message.contains(spoken) && error.message.contains("the 300 s"), "{error:?}");
        assert!(error.remedy.starts_with("scan again in ") && !error.message.contains("slow"), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_serves_nothing_any_more_is_left_in_time() {
    let made = make(&attempts(), [SlowDown { after: Some(10 * SECOND) }; 100]).await;
    let error = made.result.unwrap_err();
    assert!(error.message.contains("no request was served any more"), "{error:?}");
    assert!(made.took < 120 * SECOND, "{:?}", made.took);
    let made = make(&attempts(), [Retry { after: Some(200 * SECOND), attempts: None }; 100]).await;
    assert!(made.result.unwrap_err().message.contains("no time is left"));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_once_and_the_repeat_is_made_at_once() {
    let made = make(&attempts(), [RenewToken]).await;
    assert_eq!((made.result, made.sent, made.took), (Ok(()), 2, Duration::ZERO));
    let made = make(&attempts(), [RenewToken, RenewToken]).await;
    assert!(made.result.is_err() && made.sent == 2);
}

#[tokio::test(start_paused = true)]
async fn without_the_order_that_is_refused_the_request_is_repeated_at_once() {
    let made = make(&attempts(), [WithoutSort, AGAIN]).await;
    assert_eq!((made.result, made.sent), (Ok(()), 3));
    assert_eq!(make(&attempts(), [WithoutSort]).await.took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn behind_a_stop_nothing_is_sent_any_more() {
    let attempts = attempts();
    assert_eq!(make(&attempts, [Stop]).await.sent, 1);
    let made = make(&attempts, []).await;
    assert_eq!((made.result.unwrap_err().message.as_str(), made.sent), ("it failed", 0));
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_requests_that_wait_to_try_again() {
    let attempts = attempts();
    let waiting = make(&attempts, [Retry { after: Some(20 * SECOND), attempts: None }]);
    let stopping = async {
        sleep(SECOND).await;
        make(&attempts, [Stop]).await
    };
    let (waiting, _) = tokio::join!(waiting, stopping);
    assert!(waiting.result.is_err() && waiting.sent == 1);
}

#[test]
fn waits_double_up_to_the_longest() {
    let policy = RetryPolicy { first_wait: SECOND, longest_wait: 5 * SECOND, ..policy() };
    let seconds: Vec<_> = policy.waits().take(5).map(|wait| wait.as_secs()).collect();
    assert_eq!(seconds, [1, 2, 4, 5, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_success_ends_the_idle_time_and_without_a_request_there_is_none() {
    let (budget, began) = (RetryBudget::new(), Instant::now());
    tokio::time::advance(SECOND).await;
    assert_eq!(budget.idle_since(began), SECOND);
    budget.earn();
    assert_eq!(budget.idle_since(began), Duration::ZERO);
    tokio::time::advance(100 * SECOND).await;
    assert_eq!(budget.idle_since(Instant::now()), Duration::ZERO);
}

#[test]
fn an_outage_empties_the_budget_and_successes_fill_it() {
    let budget = RetryBudget::new();
    let spent = (0..1000).filter(|_| budget.spend()).count();
    assert_eq!(spent, 100);
    budget.earn();
    assert!(budget.spend() && !budget.spend());
}

/// A gateway that blocks the address as soon as a burst of `burst` requests is in flight, and answers after `latency`.
async fn scan_until_blocked(
    concurrency: Concurrency,
    burst: usize,
    latency: Duration,
) -> (usize, usize, Vec<ErrorCode>) {
    let attempts = Attempts::new(policy(), Pace::new(concurrency, None));
    let (in_flight, sent, heard) = (Cell::new(0_usize), Cell::new(0_usize), Cell::new(None));
    let blocked = Cell::new(false);
    let attempt = || async {
        sent.set(sent.get() + 1);
        in_flight.set(in_flight.get() + 1);
        blocked.set(blocked.get() || in_flight.get() > burst);
        let is_blocked = blocked.get();
        sleep(latency).await;
        in_flight.set(in_flight.get() - 1);
        if !is_blocked {
            return Ok(());
        }
        heard.set(heard.get().or(Some(sent.get())));
        let error = ConnectorError::new(ErrorCode::AddressBlocked, "blocked", "wait");
        Err(Verdict { error, next: Stop })
    };
    let meter = Meter::default();
    let made =
        futures_util::future::join_all((0..500).map(|_| attempts.make("/x", Urgency::Needed, &meter, attempt))).await;
    let codes = made.into_iter().filter_map(|made| made.err().map(|error| error.code)).collect();
    (heard.get().unwrap_or(0), sent.get(), codes)
}

#[tokio::test(start_paused = true)]
async fn after_a_gateway_said_that_it_blocks_the_address_nothing_is_sent_whatever_was_in_flight() {
    for concurrency in [Concurrency::Automatic, Concurrency::Fixed(16), Concurrency::Fixed(64)] {
        let (when_heard, sent, codes) = scan_until_blocked(concurrency, 12, SECOND / 10).await;
        assert_eq!(sent, when_heard, "{concurrency:?}: nothing after the first answer that said so");
        assert!(sent <= 500 - codes.len() + concurrency.most(), "{concurrency:?}: {sent}");
        assert!(codes.len() > 400 && codes.iter().all(|code| *code == ErrorCode::AddressBlocked), "{codes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_request_keeps_its_permit_unless_fewer_may_be_in_flight_by_then() {
    let attempts = Attempts::new(policy(), Pace::new(Concurrency::Automatic, None));
    let (in_flight, most, healthy) = (Cell::new(0_usize), Cell::new(0_usize), Cell::new(false));
    let attempt = || async {
        in_flight.set(in_flight.get() + 1);
        most.set(most.get().max(in_flight.get()));
        sleep(SECOND / 20).await;
        in_flight.set(in_flight.get() - 1);
        let error = ConnectorError::new(ErrorCode::ServerError, "it failed", "do something");
        if healthy.get() { Ok(()) } else { Err(Verdict { error, next: AGAIN }) }
    };
    let meter = Meter::default();
    let requests =
        futures_util::future::join_all((0..30).map(|_| attempts.make("/x", Urgency::Needed, &meter, attempt)));
    let outage = async {
        sleep(2 * SECOND).await;
        most.set(0);
        sleep(2 * SECOND).await;
        healthy.set(true);
        most.get()
    };
    let (made, later) = futures_util::join!(requests, outage);
    assert!(made.iter().any(Result::is_ok), "{made:?}");
    // Retries wait at random, so there may be none for two seconds.
    assert!(later <= 2, "{later} at once while everything fails");
}
