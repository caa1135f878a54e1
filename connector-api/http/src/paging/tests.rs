//! Listings that change, lie or never end, served over a real socket.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;

use super::*;
use crate::auth::Auth;
use crate::builder::ClientBuilder;
use crate::call::Call;
use crate::options::ClientOptions;
use crate::page::PageShape;
use crate::retry::RetryPolicy;

mod full_pages;
mod null_records;

#[derive(Debug, Deserialize)]
struct Row {
    id: u64,
}

/// A row, or a null record in its place.
#[derive(Deserialize)]
struct Wire(Option<Row>);

impl From<Wire> for Option<Row> {
    fn from(Wire(row): Wire) -> Self {
        row
    }
}

impl Identified for Row {
    type Wire = Wire;
    type Id = u64;

    fn id(&self) -> &u64 {
        &self.id
    }
}

/// What a target answers: the total that it tells, and rows by their numbers.
type Told = (Option<u64>, Vec<u64>);

/// The list on the target, and how it is served.
struct Target {
    rows: Vec<u64>,
    asked: u64,
}

impl Target {
    fn honest(&self, skip: u64, limit: u64) -> Told {
        (Some(self.rows.len() as u64), self.window(skip, limit))
    }

    fn window(&self, skip: u64, limit: u64) -> Vec<u64> {
        self.rows.iter().skip(skip as usize).take(limit as usize).copied().collect()
    }
}

/// What a reader made of a listing.
struct Outcome {
    result: Result<(), ErrorCode>,
    rows: Vec<u64>,
    requests: u64,
    stats: ListingStats,
    gap: Option<Gap>,
    on_trust: bool,
}

impl Outcome {
    /// The rows, when the listing ended well; each came once.
    #[track_caller]
    fn whole(&self) -> BTreeSet<u64> {
        assert_eq!(self.result, Ok(()), "{:?}", self.stats);
        let rows: BTreeSet<u64> = self.rows.iter().copied().collect();
        assert_eq!(rows.len(), self.rows.len(), "rows came twice");
        rows
    }

    /// All rows below `count`, or an error that says that they are not all.
    #[track_caller]
    fn assert_whole_or_named(&self, count: u64) {
        match self.result {
            Ok(()) => assert_eq!(self.whole(), all(count)),
            Err(_) => self.assert_inconsistent(),
        }
    }

    #[track_caller]
    fn assert_inconsistent(&self) {
        assert_eq!(self.result, Err(ErrorCode::InconsistentListing), "{} rows", self.rows.len());
    }
}

/// The number that stands for a null record.
const NULL: u64 = u64::MAX;

/// Reads a list of the numbers below `count` in pages of 100, as `serve` answers them.
async fn read(count: u64, serve: impl FnMut(&mut Target, u64, u64) -> Told + Send + 'static) -> Outcome {
    read_listing(listing(), None, count, serve).await
}

/// The same of a list of edges, which may hold null records.
async fn read_edges(count: u64, serve: impl FnMut(&mut Target, u64, u64) -> Told + Send + 'static) -> Outcome {
    read_listing(listing().of_edges(), None, count, serve).await
}

async fn read_listing(
    listing: Listing,
    witness: Option<&Witness>,
    count: u64,
    serve: impl FnMut(&mut Target, u64, u64) -> Told + Send + 'static,
) -> Outcome {
    let target = Arc::new(Mutex::new((Target { rows: (0..count).collect(), asked: 0 }, serve)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = Arc::clone(&target);
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let serving = Arc::clone(&serving);
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let query = request.uri().query().unwrap_or_default().to_owned();
                let number = |name: &str| {
                    query.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap_or("0").parse::<u64>().unwrap()
                };
                let mut locked = serving.lock().unwrap();
                let (target, serve) = &mut *locked;
                let (total, rows) = serve(target, number("skip="), number("limit="));
                target.asked += 1;
                let row = |row: &u64| if *row == NULL { "null".to_owned() } else { format!(r#"{{"id":{row}}}"#) };
                let rows: Vec<String> = rows.iter().map(row).collect();
                let mut answer = hyper::Response::new(Full::new(Bytes::from(format!("[{}]", rows.join(",")))));
                if let Some(total) = total {
                    answer.headers_mut().insert("x-total-count", total.into());
                }
                async move { Ok::<_, std::convert::Infallible>(answer) }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    let mut reader = PageReader::<Row>::new(&client(&address.to_string()), &Meter::default(), listing);
    if let Some(witness) = witness {
        reader = reader.watched(witness);
    }
    let mut rows = Vec::new();
    let result = loop {
        match reader.next().await {
            Ok(Some(more)) => rows.extend(more.iter().map(|row| row.id)),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error.code),
        }
    };
    server.abort();
    let requests = target.lock().unwrap().0.asked;
    Outcome { result, rows, requests, stats: reader.stats(), gap: reader.gap(), on_trust: reader.on_trust() }
}

fn listing() -> Listing {
    list(100)
}

fn list(limit: u64) -> Listing {
    let page = PageShape { total_header: Some("x-total-count"), ..PageShape::ARRAY };
    let offsets = Offsets { skip: "skip", limit: "limit", sort: "sort", first: 0, page };
    Listing::new(offsets, Call::get("/list"), limit)
}

fn client(address: &str) -> HttpClient {
    let second = Duration::from_secs(1);
    let options = ClientOptions {
        concurrency: 4,
        request_timeout: 10 * second,
        retry: RetryPolicy { attempts: 1, time_budget: 10 * second, first_wait: second, longest_wait: second },
        ..ClientOptions::default()
    };
    let url = format!("http://{address}").parse().unwrap();
    ClientBuilder::new(url, Words::DEFAULT).options(options).build(Auth::bearer("key".into()).unwrap()).unwrap()
}

fn all(count: u64) -> BTreeSet<u64> {
    (0..count).collect()
}

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
            let told = target.honest(skip, limit);
            dead.lock().unwrap().insert(target.rows.remove(victim));
            (told.0.filter(|_| totals), told.1)
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
        let told = target.honest(skip, limit);
        let victim = (target.asked as usize * 31) % target.rows.len();
        dead.lock().unwrap().insert(target.rows.remove(victim));
        target.rows.push(1_000_000 + target.asked);
        told
    })
    .await;
    let rows = outcome.whole();
    let gone = gone.lock().unwrap();
    assert_eq!(all(1000).difference(&rows).filter(|row| !gone.contains(row)).count(), 0);
}

#[tokio::test]
async fn an_insertion_before_a_border_doubles_no_row() {
    let outcome = read(1000, |target, skip, limit| {
        let told = target.honest(skip, limit);
        // In the order of ids, between rows that are there: the numbers of rows are even then.
        if target.asked == 0 {
            target.rows = target.rows.iter().map(|row| row * 2).collect();
            return (told.0, target.window(skip, limit));
        }
        let at = (target.asked as usize * 13) % target.rows.len();
        let new = target.rows[at] | 1;
        if target.rows.get(at + 1) != Some(&new) {
            target.rows.insert(at + 1, new);
        }
        told
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
                let told = target.honest(skip, limit);
                (told.0.filter(|_| totals), told.1)
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
        let told = target.honest(skip, limit);
        if target.asked == 0 {
            let moved = target.rows.remove(150);
            target.rows.insert(3, moved);
            target.rows.remove(50);
        }
        told
    })
    .await;
    let missing: Vec<u64> = all(300).difference(&outcome.whole()).copied().filter(|row| *row != 50).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
