//! Requests for pages, some of them made before the page is needed.

use std::pin::pin;
use std::time::Duration;

use connector_api::ConnectorError;
use tokio::sync::watch;
use tokio::time::timeout;

use super::listing::{Offsets, stride};
use super::{Identified, LONGEST, PageReader, inconsistent};
use crate::call::{Answer, Call};
use crate::client::HttpClient;
use crate::concurrency::Urgency;
use crate::paging::page::Page;
use crate::task::Task;

/// A page is late after this time, for example because it was refused and retried a second later. Then more pages are
/// prefetched, and more again each time it elapses, up to [`LATEST`] times the usual number.
const LATE: Duration = Duration::from_millis(500);
const LATEST: usize = 4;

/// Pages that are requested before any of them is needed, the first one included: they are held until then.
const EARLY: usize = 40;
/// Those of them that are opened before they are needed.
const OPENED: u64 = 8;

/// A page, or the request for it.
pub(super) enum Source<T> {
    Asked(Task<Page<T>>),
    Here(Page<T>),
}

impl<T: Identified + Send + 'static> PageReader<T> {
    /// Returns the page with the next rows, from the prefetched ones if possible.
    pub(super) async fn take(&mut self) -> Result<(u64, Page<T>), ConnectorError> {
        let (next, limit) = (self.pass.next, self.listing.limit);
        if let Some(opened) = &self.opened {
            opened.send_replace(next + OPENED * limit);
        }
        while self.ahead.front().is_some_and(|(at, _)| *at > 0 && at + limit <= next + 1) {
            self.ahead.pop_front();
        }
        let (skip, source) = match self.ahead.front() {
            Some((at, _)) if *at <= next => self.ahead.pop_front().unwrap_or_else(|| (next, self.ask(next))),
            _ => (next, self.ask(next)),
        };
        let mut page = pin!(source.page());
        let some = self.usual();
        let mut most = some;
        loop {
            self.ask_ahead(skip, most, Self::ask);
            if let Ok(page) = timeout(LATE, &mut page).await {
                return Ok((skip, page?));
            }
            most = (most + some).min(LATEST * some);
        }
    }

    /// Prefetches some pages after a first page that [`total`](Self::total) read, before their rows are needed. Requests of
    /// other lists go first, so this uses permits that would be idle. The pages stay as they arrived until they are needed.
    pub fn prefetch(&mut self) {
        let first = match self.ahead.front() {
            Some((0, Source::Here(first))) if first.length() == self.listing.limit => first,
            _ => return,
        };
        self.pass.promised = first.total.unwrap_or(0);
        let (opened, _) = watch::channel(0);
        self.ask_ahead(0, self.usual().min(EARLY), |reader, skip| reader.ask_early(skip, opened.subscribe()));
        self.opened = Some(opened);
    }

    /// Requests the page at `skip`.
    pub(super) fn ask(&self, skip: u64) -> Source<T> {
        let (client, meter, call, read) = (self.client.clone(), self.meter.clone(), self.call(skip), self.reading());
        let pass = self.pass.number;
        Source::Asked(Task::spawn(async move {
            let page = client.fetch(&meter, &call, read).await?;
            bounded(page, pass, &call, &client)
        }))
    }

    /// Requests the page at `skip` when a permit would be idle, and opens it when it is needed.
    fn ask_early(&self, skip: u64, mut opened: watch::Receiver<u64>) -> Source<T> {
        let (client, meter, call, read) = (self.client.clone(), self.meter.clone(), self.call(skip), self.reading());
        let pass = self.pass.number;
        let early = call.clone().urgency(Urgency::Early);
        Source::Asked(Task::spawn(async move {
            let sealed = client.fetch_sealed(&meter, &early).await?;
            // It fails only if the reader is gone, and then nobody waits for this task.
            _ = opened.wait_for(|upto| skip <= *upto).await;
            let page = match client.open(sealed, &meter, &call).map(|answer| read(&answer)) {
                Ok(Ok(page)) => page,
                // Requested again, because a body that cannot be read may be one by accident.
                _ => client.fetch(&meter, &call, read).await?,
            };
            bounded(page, pass, &call, &client)
        }))
    }

    fn call(&self, skip: u64) -> Call {
        let Offsets { skip: parameter, first, .. } = self.listing.offsets;
        self.listing.call.clone().query(parameter, (first + skip).to_string())
    }

    fn reading(&self) -> impl Fn(&Answer) -> Result<Page<T>, serde_json::Error> + Send + Sync + use<T> {
        let page = self.listing.offsets.page;
        move |answer| Page::read(answer, &page)
    }

    /// Returns how many pages to prefetch if none is late.
    fn usual(&self) -> usize {
        if self.listing.in_turn { 0 } else { self.client.ahead() }
    }

    /// Returns how far the next page starts after this one.
    fn stride(&self) -> u64 {
        if self.pass.on_trust { self.listing.limit } else { stride(self.listing.limit) }
    }

    /// Prefetches pages after `skip` up to the promised total, at most `most` at a time.
    fn ask_ahead(&mut self, skip: u64, most: usize, ask: impl Fn(&Self, u64) -> Source<T>) {
        let stride = self.stride();
        let mut next = self.ahead.back().map_or(skip, |(at, _)| (*at).max(skip)) + stride;
        while self.ahead.len() < most && next < self.pass.promised {
            let page = ask(self, next);
            self.ahead.push_back((next, page));
            next += stride;
        }
    }
}

/// Refuses a total beyond the longest list, so whatever is computed from totals stays small.
fn bounded<T>(page: Page<T>, pass: u8, call: &Call, client: &HttpClient) -> Result<Page<T>, ConnectorError> {
    match page.total {
        Some(total) if total > LONGEST => {
            let why = format!("its total is {total}, and at most {LONGEST} rows can be read");
            Err(inconsistent(&call.path, pass, &why, client.words()))
        }
        _ => Ok(page),
    }
}

impl<T> Source<T> {
    pub(super) async fn page(self) -> Result<Page<T>, ConnectorError> {
        match self {
            Self::Here(page) => Ok(page),
            Self::Asked(task) => task.result().await,
        }
    }
}
