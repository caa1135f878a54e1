//! Lists of full pages, many of which end by their totals.

use super::*;

#[tokio::test]
async fn full_pages_end_by_their_totals_once_enough_were_proven() {
    let witness = TotalsWitness::default();
    let mut requests = 0;
    for list in 0..200 {
        let count = [100, 200, 300][list % 3];
        let honest = |target: &mut Target, skip, limit| target.honest(skip, limit);
        let outcome = read_listing(listing().of_edges(), Some(&witness), count, honest).await;
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
    let mut on_trust = 0;
    for list in 0..120 {
        // From the hundredth on, a list of a page and a half claims a total of one page.
        let outcome = read_listing(listing().of_edges(), Some(&witness), 150, move |target, skip, limit| {
            (Some(if list < 100 { 150 } else { 100 }), target.window(skip, limit))
        })
        .await;
        on_trust += u64::from(outcome.on_trust);
    }
    assert_eq!((on_trust, witness.holds()), (0, false));
}
