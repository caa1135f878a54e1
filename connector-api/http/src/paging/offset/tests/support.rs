//! A list that changes or lies, served over a real socket, and what a reader reads of it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::task::JoinHandle;

use super::super::*;
use crate::auth::Auth;
use crate::builder::ClientBuilder;
use crate::call::Call;
use crate::concurrency::Concurrency;
use crate::options::ClientOptions;
use crate::paging::page::PageShape;
use crate::retry::RetryPolicy;

#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) id: u64,
}

/// A row, or a null record in its place.
#[derive(Deserialize)]
pub(super) struct Wire(Option<Row>);

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

/// A response: the reported total, and the numbers of the rows.
pub(super) type Reported = (Option<u64>, Vec<u64>);

/// The list on the target, and how it is served.
pub(super) struct Target {
    pub(super) rows: Vec<u64>,
    pub(super) asked: u64,
}

impl Target {
    pub(super) fn honest(&self, skip: u64, limit: u64) -> Reported {
        (Some(self.rows.len() as u64), self.window(skip, limit))
    }

    pub(super) fn window(&self, skip: u64, limit: u64) -> Vec<u64> {
        self.rows.iter().skip(skip as usize).take(limit as usize).copied().collect()
    }
}

/// What a reader read of a listing.
pub(super) struct Outcome {
    pub(super) result: Result<(), ErrorCode>,
    pub(super) rows: Vec<u64>,
    pub(super) requests: u64,
    pub(super) stats: ListingStats,
    pub(super) gap: Option<Gap>,
    pub(super) on_trust: bool,
}

impl Outcome {
    /// Returns the rows of a listing that ended well, each once.
    #[track_caller]
    pub(super) fn whole(&self) -> BTreeSet<u64> {
        assert_eq!(self.result, Ok(()), "{:?}", self.stats);
        let rows: BTreeSet<u64> = self.rows.iter().copied().collect();
        assert_eq!(rows.len(), self.rows.len(), "rows were given twice");
        rows
    }

    /// Asserts that all rows below `count` were read, or that the listing failed as inconsistent.
    #[track_caller]
    pub(super) fn assert_whole_or_named(&self, count: u64) {
        match self.result {
            Ok(()) => assert_eq!(self.whole(), all(count)),
            Err(_) => self.assert_inconsistent(),
        }
    }

    #[track_caller]
    pub(super) fn assert_inconsistent(&self) {
        assert_eq!(self.result, Err(ErrorCode::InconsistentListing), "{} rows", self.rows.len());
    }
}

/// The number that represents a null record.
pub(super) const NULL: u64 = u64::MAX;

/// The number that represents a record that is not JSON.
pub(super) const BROKEN: u64 = u64::MAX - 1;

/// Reads a list of the numbers below `count` in pages of 100, as `serve` returns them.
pub(super) async fn read(count: u64, serve: impl FnMut(&mut Target, u64, u64) -> Reported + Send + 'static) -> Outcome {
    read_listing(listing(), None, count, serve).await
}

/// Reads the same as a list of edges, which may contain null records.
pub(super) async fn read_edges(
    count: u64,
    serve: impl FnMut(&mut Target, u64, u64) -> Reported + Send + 'static,
) -> Outcome {
    read_listing(listing().of_edges(), None, count, serve).await
}

pub(super) async fn read_listing(
    listing: Listing,
    witness: Option<&TotalsWitness>,
    count: u64,
    serve: impl FnMut(&mut Target, u64, u64) -> Reported + Send + 'static,
) -> Outcome {
    let server = Server::start(serve).await;
    server.read(listing, witness, count).await
}

/// A server of one list after the other, and a client of it.
pub(super) struct Server<S> {
    target: Arc<Mutex<(Target, S)>>,
    client: HttpClient,
    serving: JoinHandle<()>,
}

impl<S: FnMut(&mut Target, u64, u64) -> Reported + Send + 'static> Server<S> {
    pub(super) async fn start(serve: S) -> Self {
        let target = Arc::new(Mutex::new((Target { rows: Vec::new(), asked: 0 }, serve)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = client(&listener.local_addr().unwrap().to_string());
        let shared = Arc::clone(&target);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let target = Arc::clone(&shared);
                let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    let answer = respond(&mut target.lock().unwrap(), request.uri().query().unwrap_or_default());
                    async move { Ok::<_, std::convert::Infallible>(answer) }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { target, client, serving }
    }

    /// A reader of a list of the numbers below `count`.
    pub(super) fn reader(&self, listing: Listing, count: u64) -> PageReader<Row> {
        self.target.lock().unwrap().0 = Target { rows: (0..count).collect(), asked: 0 };
        PageReader::new(&self.client, &Meter::default(), listing)
    }

    /// Reads a list of the numbers below `count`.
    pub(super) async fn read(&self, listing: Listing, witness: Option<&TotalsWitness>, count: u64) -> Outcome {
        let mut reader = self.reader(listing, count);
        if let Some(witness) = witness {
            reader = reader.watched(witness);
        }
        self.read_all(reader).await
    }

    /// Reads all rows of a reader.
    pub(super) async fn read_all(&self, mut reader: PageReader<Row>) -> Outcome {
        let mut rows = Vec::new();
        let result = loop {
            match reader.next().await {
                Ok(Some(more)) => rows.extend(more.iter().map(|row| row.id)),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.code),
            }
        };
        let requests = self.target.lock().unwrap().0.asked;
        Outcome { result, rows, requests, stats: reader.stats(), gap: reader.gap(), on_trust: reader.on_trust() }
    }
}

impl<S> Drop for Server<S> {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn respond(
    (target, serve): &mut (Target, impl FnMut(&mut Target, u64, u64) -> Reported),
    query: &str,
) -> hyper::Response<Full<Bytes>> {
    let number =
        |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap_or("0").parse::<u64>().unwrap();
    let (total, rows) = serve(target, number("skip="), number("limit="));
    target.asked += 1;
    let row = |row: &u64| match *row {
        NULL => "null".to_owned(),
        BROKEN => "{".to_owned(),
        row => format!(r#"{{"id":{row}}}"#),
    };
    let rows: Vec<String> = rows.iter().map(row).collect();
    let mut answer = hyper::Response::new(Full::new(Bytes::from(format!("[{}]", rows.join(",")))));
    if let Some(total) = total {
        answer.headers_mut().insert("x-total-count", total.into());
    }
    answer
}

pub(super) fn listing() -> Listing {
    list(100)
}

pub(super) fn list(limit: u64) -> Listing {
    let page = PageShape { total_header: Some("x-total-count"), ..PageShape::ARRAY };
    let offsets = Offsets { skip: "skip", ..Offsets::of(page) };
    Listing::new(offsets, Call::get("/list"), limit)
}

pub(super) fn client(address: &str) -> HttpClient {
    let second = Duration::from_secs(1);
    let options = ClientOptions {
        concurrency: Concurrency::Fixed(4),
        request_timeout: 10 * second,
        retry: RetryPolicy { attempts: 1, time_budget: 10 * second, first_wait: second, longest_wait: second },
        ..ClientOptions::default()
    };
    let url = format!("http://{address}").parse().unwrap();
    ClientBuilder::new(url, Words::DEFAULT).options(options).build(Auth::bearer("key".into()).unwrap()).unwrap()
}

pub(super) fn all(count: u64) -> BTreeSet<u64> {
    (0..count).collect()
}
