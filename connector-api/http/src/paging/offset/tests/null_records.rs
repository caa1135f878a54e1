//! Lists of edges with records that are counted but not returned.

use super::support::NULL;
use super::*;
use crate::seeds::seeds;

/// How null records appear: left out of the page, or as null elements.
const FORMS: [bool; 2] = [true, false];

/// Serves an honest list in which the rows that `is_null` names are counted but not returned.
fn with_nulls(
    left_out: bool,
    is_null: impl Fn(u64) -> bool + Send + 'static,
) -> impl FnMut(&mut Target, u64, u64) -> Reported + Send + 'static {
    move |target, skip, limit| {
        let (total, rows) = target.honest(skip, limit);
        let rows = rows.into_iter().map(|row| if is_null(row) { NULL } else { row });
        (total, rows.filter(|row| !(left_out && *row == NULL)).collect())
    }
}

#[tokio::test]
async fn null_records_among_edges_are_passed_by_and_noted() {
    for left_out in FORMS {
        for nulls in [vec![250], vec![0, 1, 2], vec![98, 99, 100, 101], (180..260).collect::<Vec<u64>>(), vec![500]] {
            let is_null = nulls.clone();
            let outcome = read_edges(530, with_nulls(left_out, move |row| is_null.contains(&row))).await;
            let given: BTreeSet<u64> = all(530).into_iter().filter(|row| !nulls.contains(row)).collect();
            assert_eq!(outcome.whole(), given, "left out: {left_out}, {nulls:?}");
            assert_eq!(outcome.stats.notes, [format!("/list: 530 counted, {} given", given.len())]);
            assert_eq!(outcome.gap, None, "left out: {left_out}, {nulls:?}");
            assert_eq!(outcome.stats.duplicates, 0);
        }
    }
}

/// `CASES=1000 cargo test -p connector-http null_records` draws more lists.
#[tokio::test]
async fn null_records_may_stand_anywhere() {
    for seed in seeds(60) {
        let mut dice = fastrand::Rng::with_seed(seed);
        let (limit, share, left_out) = (dice.u64(2..6), dice.f64(), dice.bool());
        let nulls: BTreeSet<u64> = (0..dice.u64(1..25)).filter(|_| dice.f64() < share).collect();
        let count = nulls.last().map_or(1, |last| last + 1).max(dice.u64(1..25));
        let given: BTreeSet<u64> = all(count).difference(&nulls).copied().collect();
        let listing = list(limit).of_edges();
        let outcome = read_listing(listing, None, count, with_nulls(left_out, move |row| nulls.contains(&row))).await;
        assert_eq!(outcome.result, Ok(()), "seed {seed}");
        assert_eq!(outcome.whole(), given, "seed {seed}");
    }
}

#[tokio::test]
async fn every_tenth_record_may_be_null() {
    for left_out in FORMS {
        let outcome = read_edges(2000, with_nulls(left_out, |row| row % 10 == 3)).await;
        assert_eq!(outcome.whole(), all(2000).into_iter().filter(|row| row % 10 != 3).collect());
    }
}

#[tokio::test]
async fn a_window_of_null_records_alone_is_a_gap_that_the_caller_must_confirm() {
    for left_out in FORMS {
        for (from, to, gap) in [
            (0, 530, Gap::Window),
            (0, 250, Gap::Window),
            (120, 420, Gap::Window),
            (300, 530, Gap::Window),
            (529, 530, Gap::Tail),
        ] {
            let outcome = read_edges(530, with_nulls(left_out, move |row| (from..to).contains(&row))).await;
            let given: BTreeSet<u64> = all(530).into_iter().filter(|row| !(from..to).contains(row)).collect();
            assert_eq!(outcome.whole(), given, "left out: {left_out}, {from}..{to}");
            assert!(outcome.gap == Some(gap) || !left_out, "left out: {left_out}, {from}..{to}: {:?}", outcome.gap);
        }
    }
}

#[tokio::test]
async fn a_list_of_edges_that_is_cut_off_is_a_gap_that_the_caller_must_confirm() {
    for shown in [0, 50, 100, 200, 250] {
        let outcome = read_edges(500, move |target, skip, limit| {
            let (total, rows) = target.honest(skip, limit);
            (total, rows.into_iter().filter(|row| *row < shown).collect())
        })
        .await;
        assert_eq!(outcome.whole(), all(shown));
        assert_eq!(outcome.gap, Some(Gap::Window), "{shown} shown");
    }
}

#[tokio::test]
async fn edges_whose_total_is_never_reached_are_a_gap_that_the_caller_must_confirm() {
    for (count, gap) in [(0, Gap::Window), (80, Gap::Tail), (100, Gap::Window), (250, Gap::Tail)] {
        let more = |target: &mut Target, skip, limit| (Some(target.rows.len() as u64 + 5), target.window(skip, limit));
        let outcome = read_edges(count, more).await;
        assert_eq!(outcome.whole(), all(count));
        assert_eq!(outcome.gap, Some(gap), "{count} rows");
        assert!(outcome.requests < 12, "{} requests", outcome.requests);
    }
    let outcome = read_edges(80, |target, skip, limit| (Some(4_000_000_000), target.window(skip, limit))).await;
    outcome.assert_inconsistent();
    assert!(outcome.requests < 1_200, "{} requests", outcome.requests);
}

#[tokio::test]
async fn null_records_that_are_others_in_each_pass_are_named_or_all_rows_come() {
    for seed in 0..20 {
        let mut dice = fastrand::Rng::with_seed(seed);
        let outcome = read_edges(350, move |target, skip, limit| {
            let (total, rows) = target.honest(skip, limit);
            (total, rows.into_iter().filter(|_| dice.u8(..) < 220).collect())
        })
        .await;
        match outcome.result {
            // Two passes that agree must have had every row: which ones they drop is random for each request.
            Ok(()) => assert_eq!(outcome.whole(), all(350), "seed {seed}"),
            Err(_) => outcome.assert_inconsistent(),
        }
    }
}

#[tokio::test]
async fn null_records_in_any_other_listing_break_it() {
    let missing = read(530, with_nulls(true, |row| row == 250)).await;
    missing.assert_inconsistent();
}

#[tokio::test]
async fn null_records_in_a_list_that_changes_lose_no_row_that_stays() {
    for left_out in FORMS {
        let gone = Arc::new(Mutex::new(BTreeSet::new()));
        let dead = Arc::clone(&gone);
        let mut serve = with_nulls(left_out, |row| row % 50 == 7);
        let outcome = read_edges(600, move |target, skip, limit| {
            let answer = serve(target, skip, limit);
            if target.asked % 3 == 1 && target.asked < 12 {
                let victim = (target.asked as usize * 7919) % target.rows.len();
                dead.lock().unwrap().insert(target.rows.remove(victim));
            }
            answer
        })
        .await;
        if outcome.result.is_ok() {
            let rows = outcome.whole();
            let gone = gone.lock().unwrap();
            let missing = all(600).difference(&rows).filter(|row| *row % 50 != 7 && !gone.contains(row)).count();
            assert_eq!(missing, 0, "left out: {left_out}");
        } else {
            outcome.assert_inconsistent();
        }
    }
}

#[tokio::test]
async fn a_window_of_known_rows_alone_is_no_window_of_null_records() {
    // 99 rows are inserted in front, so that the second window shows the first page again; then the first 202 are
    // removed and others are added at the end. What follows cannot be linked to the first page, and the number of rows
    // lies between the totals.
    let mut first_pass = true;
    let outcome = read_edges(1000, move |target, skip, limit| {
        first_pass &= target.asked == 0 || skip > 0;
        match (first_pass, skip) {
            (true, 0) => {}
            (true, 99) => return (Some(1099), (0..100).collect()),
            _ => target.rows = (202..1000).chain(5000..5302).collect(),
        }
        target.honest(skip, limit)
    })
    .await;
    let missing: Vec<u64> = (202..1000).filter(|row| !outcome.whole().contains(row)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
