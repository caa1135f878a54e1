//! Lists of full pages, many of which end by their totals.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::support::Server;
use super::*;

#[tokio::test]
async fn full_pages_end_by_their_totals_once_enough_were_proven() {
    let witness = TotalsWitness::default();
    let server = Server::start(|target: &mut Target, skip, limit| target.honest(skip, limit)).await;
    let mut requests = 0;
    for list in 0..200 {
        let count = [100, 200, 300][list % 3];
        let outcome = server.read(listing().of_edges(), Some(&witness), count).await;
        assert_eq!(outcome.whole(), all(count));
        requests += outcome.requests;
    }
    let counts: Vec<u64> = (0..200).map(|list| [100, 200, 300][list % 3]).collect();
    assert_eq!(requests, Listing::requests_of_many(&counts, 100));
    assert!(witness.holds());
}

#[tokio::test]
async fn totals_do_not_hold_where_one_was_seen_to_be_wrong() {
    let witness = TotalsWitness::default();
    let total = Arc::new(AtomicU64::new(150));
    let reported = Arc::clone(&total);
    let serve = move |target: &mut Target, skip, limit| (Some(reported.load(Relaxed)), target.window(skip, limit));
    let server = Server::start(serve).await;
    let mut on_trust = 0;
    for list in 0..120 {
        if list == 100 {
            // From now on, a list of a page and a half claims a total of one page.
            total.store(100, Relaxed);
        }
        let outcome = server.read(listing().of_edges(), Some(&witness), 150).await;
        on_trust += u64::from(outcome.on_trust);
    }
    assert_eq!((on_trust, witness.holds()), (0, false));
}
