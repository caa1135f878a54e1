//! Listings that change, lie or never end, served over a real socket.
#![allow(clippy::unwrap_used)]

mod full_pages;
mod null_records;
mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use super::*;
use support::{BROKEN, Reported, Server, Target, all, list, listing, read, read_edges, read_listing};

#[tokio::test]
async fn a_quiet_listing_of_any_length_is_read_whole_at_the_planned_cost() {
    for count in [0, 1, 2, 99, 100, 101, 198, 199, 200, 201, 1000] {
        let outcome = read(count, |target, skip, limit| target.honest(skip, limit)).await;
        assert_eq!(outcome.whole(), all(count));
        assert_eq!(outcome.requests, Listing::requests(count, 100), "{count} rows");
        assert_eq!((outcome.stats.duplicates, outcome.stats.notes.len()), (0, 0), "{count} rows");
    }
}

#[tokio::test]
async fn pages_that_are_read_in_turn_are_never_requested_ahead() {
    for (listing, is_ahead) in [(listing(), true), (listing().in_turn(), false)] {
        let start = || Server::start(|target: &mut Target, skip, limit| target.honest(skip, limit));
        let server = start().await;
        let mut reader = server.reader(listing.clone(), 1000);
        for _ in 0..2 {
            assert!(reader.next().await.unwrap().is_some());
        }
        assert_eq!(!reader.ahead.is_empty(), is_ahead);
        let server = start().await;
        let outcome = server.read(listing, None, 1000).await;
        assert_eq!((outcome.whole(), outcome.requests), (all(1000), Listing::requests(1000, 100)));
    }
}

#[tokio::test]
async fn pages_requested_early_are_read_whole_at_the_planned_cost() {
    for count in [0, 1, 99, 100, 101, 198, 250, 1000, 3000] {
        let server = Server::start(|target, skip, limit| target.honest(skip, limit)).await;
        let mut reader = server.reader(listing(), count);
        assert_eq!(reader.total().await, Ok(Some(count)));
        reader.prefetch();
        let outcome = server.read_all(reader).await;
        assert_eq!(outcome.whole(), all(count));
        assert_eq!(outcome.requests, Listing::requests(count, 100), "{count} rows");
    }
}

#[tokio::test]
async fn a_deletion_among_pages_requested_early_loses_no_row_that_stays() {
    for at in 1..12 {
        let serve = move |target: &mut Target, skip, limit| {
            if target.asked == at {
                target.rows.remove(5);
            }
            target.honest(skip, limit)
        };
        let server = Server::start(serve).await;
        let mut reader = server.reader(listing(), 1000);
        reader.total().await.unwrap();
        reader.prefetch();
        let mut read = server.read_all(reader).await.whole();
        read.insert(5);
        assert_eq!(read, all(1000), "deleted at request {at}");
    }
}

#[tokio::test]
async fn a_page_requested_early_that_cannot_be_read_is_requested_again() {
    let serve = |target: &mut Target, skip, limit| match target.asked {
        3 => (Some(1000), vec![BROKEN]),
        _ => target.honest(skip, limit),
    };
    let server = Server::start(serve).await;
    let mut reader = server.reader(listing(), 1000);
    reader.total().await.unwrap();
    reader.prefetch();
    let outcome = server.read_all(reader).await;
    assert_eq!(outcome.whole(), all(1000));
    assert_eq!(outcome.requests, Listing::requests(1000, 100) + 1);
}

#[tokio::test]
async fn without_totals_the_end_is_looked_at_twice() {
    for count in [0, 1, 2, 99, 100, 101, 199, 200, 1000] {
        let outcome = read(count, |target, skip, limit| (None, target.window(skip, limit))).await;
        assert_eq!(outcome.whole(), all(count));
        assert!(outcome.requests <= Listing::requests(count, 100) + 2, "{count} rows, {} requests", outcome.requests);
    }
}

#[tokio::test]
async fn a_deletion_before_a_border_loses_no_row() {
    for after in 1..6 {
        let outcome = read(500, move |target, skip, limit| {
            if target.asked == after {
                target.rows.remove(10);
            }
            target.honest(skip, limit)
        })
        .await;
        let missing: Vec<u64> = all(500).difference(&outcome.whole()).copied().collect();
        assert!(missing.is_empty() || missing == [10], "after {after}: {missing:?}");
    }
}

#[tokio::test]
async fn a_deletion_with_every_request_loses_no_row_that_stays() {
    for totals in [true, false] {
        let gone = Arc::new(Mutex::new(BTreeSet::new()));
        let dead = Arc::clone(&gone);
        let outcome = read(1000, move |target, skip, limit| {
            let victim = (target.asked as usize * 7919) % target.rows.len();
            let reported = target.honest(skip, limit);
            dead.lock().unwrap().insert(target.rows.remove(victim));
            (reported.0.filter(|_| totals), reported.1)
        })
        .await;
        let rows = outcome.whole();
        let gone = gone.lock().unwrap();
        assert_eq!(all(1000).difference(&rows).filter(|row| !gone.contains(row)).count(), 0);
    }
}

#[tokio::test]
async fn insertions_and_deletions_that_keep_the_total_lose_no_row_that_stays() {
    let gone = Arc::new(Mutex::new(BTreeSet::new()));
    let dead = Arc::clone(&gone);
    let outcome = read(1000, move |target, skip, limit| {
        let reported = target.honest(skip, limit);
        let victim = (target.asked as usize * 31) % target.rows.len();
        dead.lock().unwrap().insert(target.rows.remove(victim));
        target.rows.push(1_000_000 + target.asked);
        reported
    })
    .await;
    let rows = outcome.whole();
    let gone = gone.lock().unwrap();
    assert_eq!(all(1000).difference(&rows).filter(|row| !gone.contains(row)).count(), 0);
}

#[tokio::test]
async fn an_insertion_before_a_border_doubles_no_row() {
    let outcome = read(1000, |target, skip, limit| {
        let reported = target.honest(skip, limit);
        // Between existing rows in the order of ids; that is why the numbers of rows are even.
        if target.asked == 0 {
            target.rows = target.rows.iter().map(|row| row * 2).collect();
            return (reported.0, target.window(skip, limit));
        }
        let at = (target.asked as usize * 13) % target.rows.len();
        let new = target.rows[at] | 1;
        if target.rows.get(at + 1) != Some(&new) {
            target.rows.insert(at + 1, new);
        }
        reported
    })
    .await;
    let stayed: BTreeSet<u64> = all(1000).iter().map(|row| row * 2).collect();
    assert!(stayed.is_subset(&outcome.whole()));
}

#[tokio::test]
async fn a_short_page_in_the_middle_is_not_the_end() {
    for totals in [true, false] {
        let outcome = read(450, move |target, skip, limit| {
            let (total, mut rows) = target.honest(skip, limit);
            if target.asked == 1 {
                rows.truncate(30);
            }
            (total.filter(|_| totals), rows)
        })
        .await;
        assert_eq!(outcome.whole(), all(450), "totals: {totals}");
    }
}

#[tokio::test]
async fn an_empty_page_before_the_end_is_not_the_end() {
    for totals in [true, false] {
        for empty in 1..4 {
            let outcome = read(450, move |target, skip, limit| {
                let (total, rows) = target.honest(skip, limit);
                (total.filter(|_| totals), if target.asked == empty { Vec::new() } else { rows })
            })
            .await;
            assert_eq!(outcome.whole(), all(450), "totals: {totals}, page {empty}");
        }
    }
}

#[tokio::test]
async fn a_target_that_caps_pages_at_50_is_read_whole() {
    for total in [Some(0), None, Some(-200)] {
        let outcome = read(430, move |target, skip, _| {
            let count = target.rows.len() as i64;
            (total.map(|by| (count + by) as u64), target.window(skip, 50))
        })
        .await;
        assert_eq!(outcome.whole(), all(430), "{total:?}");
    }
}

#[tokio::test]
async fn half_pages_to_the_last_are_read_whole_or_named() {
    for (count, totals) in [(100, true), (100, false), (2, false), (437, true), (437, false)] {
        let outcome = read(count, move |target, skip, limit| {
            let (total, mut rows) = target.honest(skip, limit);
            rows.truncate(rows.len().div_ceil(2));
            (total.filter(|_| totals), rows)
        })
        .await;
        outcome.assert_whole_or_named(count);
    }
}

#[tokio::test]
async fn a_total_that_is_too_small_ends_nothing() {
    for count in [80, 250, 300] {
        let outcome = read(count, |target, skip, limit| (Some(7), target.window(skip, limit))).await;
        assert_eq!(outcome.whole(), all(count));
    }
}

#[tokio::test]
async fn a_total_that_is_never_reached_is_named() {
    for count in [0, 80, 100, 250] {
        let outcome =
            read(count, |target, skip, limit| (Some(target.rows.len() as u64 + 5), target.window(skip, limit))).await;
        outcome.assert_inconsistent();
        assert!(outcome.requests < 100, "{} requests", outcome.requests);
    }
}

#[tokio::test]
async fn a_total_beyond_the_longest_list_is_named_at_once() {
    for total in [LONGEST + 1, 1 << 63, u64::MAX] {
        let outcome = read(3, move |target, skip, limit| (Some(total), target.window(skip, limit))).await;
        outcome.assert_inconsistent();
        assert_eq!(outcome.requests, 1);
        let outcome = read_edges(3, move |target, skip, limit| (Some(total), target.window(skip, limit))).await;
        outcome.assert_inconsistent();
    }
}

#[test]
fn no_length_of_a_list_is_too_large_to_estimate_its_requests() {
    for limit in [1, 2, 100, u64::MAX] {
        assert!(Listing::requests(u64::MAX, limit) > 0);
        assert!(Listing::requests_of_many(&[u64::MAX; 3], limit) >= Listing::requests(u64::MAX, limit));
    }
}

#[tokio::test]
async fn a_total_that_moves_is_read_whole_or_named() {
    let growing = |asked: u64| 250 + asked;
    let falling = |asked: u64| 250 + u64::from(asked < 2);
    let swaying = |asked: u64| 240 + (asked * 3) % 20;
    for total in [growing, falling, swaying] {
        let outcome =
            read(250, move |target, skip, limit| (Some(total(target.asked)), target.window(skip, limit))).await;
        outcome.assert_whole_or_named(250);
    }
}

#[tokio::test]
async fn a_target_that_ignores_skip_is_named_however_it_hides_it() {
    for (count, page, totals) in
        [(250, 100, true), (250, 100, false), (250, 50, true), (250, 50, false), (80, 40, false), (100, 100, false)]
    {
        let outcome = read(count, move |target, _, _| (Some(count).filter(|_| totals), target.window(0, page))).await;
        outcome.assert_inconsistent();
        assert!(outcome.requests < 150, "{} requests", outcome.requests);
    }
}

#[tokio::test]
async fn a_target_that_ignores_limit_and_skip_but_gives_everything_is_read_whole() {
    let outcome = read(250, |target, _, _| (Some(250), target.rows.clone())).await;
    assert_eq!(outcome.whole(), all(250));
}

#[tokio::test]
async fn a_page_that_comes_again_is_passed_over_or_named() {
    let outcome = read(450, |target, skip, limit| {
        let skip = if target.asked == 2 { skip.saturating_sub(limit) } else { skip };
        target.honest(skip, limit)
    })
    .await;
    assert_eq!(outcome.whole(), all(450));
    let outcome = read(450, |target, skip, limit| target.honest(skip.min(150), limit)).await;
    outcome.assert_inconsistent();
}

#[tokio::test]
async fn rows_that_the_target_itself_lists_twice_come_once() {
    let outcome = read(400, |target, skip, limit| {
        if target.asked == 0 {
            target.rows = target.rows.iter().flat_map(|row| vec![*row; if row % 10 == 9 { 2 } else { 1 }]).collect();
        }
        target.honest(skip, limit)
    })
    .await;
    assert_eq!(outcome.whole(), all(400));
    assert!(outcome.stats.duplicates > 30, "{:?}", outcome.stats);
}

#[tokio::test]
async fn a_listing_that_never_ends_is_named() {
    let outcome = read(0, |_, skip, limit| (Some(100), (skip..skip + limit).collect())).await;
    outcome.assert_inconsistent();
    assert!(outcome.rows.len() < 15_000);
}

#[tokio::test]
async fn a_listing_shuffled_with_every_request_never_passes_for_whole_when_it_is_not() {
    for seed in 0..10 {
        for totals in [true, false] {
            let mut dice = fastrand::Rng::with_seed(seed);
            let outcome = read(150 + seed, move |target, skip, limit| {
                if target.asked == 0 {
                    dice.shuffle(&mut target.rows);
                }
                let by = dice.usize(..target.rows.len());
                target.rows.rotate_left(by);
                let reported = target.honest(skip, limit);
                (reported.0.filter(|_| totals), reported.1)
            })
            .await;
            outcome.assert_whole_or_named(150 + seed);
        }
    }
}

#[tokio::test]
async fn an_order_by_name_is_no_order_of_ids() {
    // A row moves from behind the border to the front, and another leaves: the total stays within its bounds.
    let outcome = read_listing(listing().by_name("name"), None, 300, |target, skip, limit| {
        let reported = target.honest(skip, limit);
        if target.asked == 0 {
            let moved = target.rows.remove(150);
            target.rows.insert(3, moved);
            target.rows.remove(50);
        }
        reported
    })
    .await;
    let missing: Vec<u64> = all(300).difference(&outcome.whole()).copied().filter(|row| *row != 50).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
