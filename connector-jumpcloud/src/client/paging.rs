//! Reading a whole listing, page by page, while the target changes under it.
//!
//! A page is a window (`skip`, `limit`) on a live list. Between two pages a deletion moves later rows one place to the
//! front, so that the next page starts one row too late and a row is lost; an insertion doubles one. Totals do not
//! tell: one deletion and one insertion leave them as they were.
//!
//! So each page starts on the last row of the page before it. When the two pages share that row, the list did not
//! shift at that border, whatever happened elsewhere: the pages are *linked*. When they are not, the reader asks for
//! windows further to the front until one links up. A chain of linked pages from the first row to a page that ends
//! short misses no row that was there throughout.
//!
//! Neither a short page nor a total ends a listing by itself. When both agree, that is the end. Where there is no
//! total, or one that the page itself refutes, the end is looked at twice: once from the last row, once from behind it.
//! A listing in no order of ids that shifted must besides bring nothing new when it is read once more, unless a total
//! vouches for it.
//!
//! A listing that cannot be linked, or falls short of its totals, is read again as a whole, and rows that came before
//! are dropped. After [`PASSES`] it is an `inconsistent_listing`.

use std::collections::{HashMap, HashSet, VecDeque};
use std::pin::pin;
use std::time::Duration;

use connector_api::{ConnectorError, ErrorCode, Retry};
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::seen::Seen;
use super::{Call, Client, Meter, Page};
use crate::api::Id;

/// How often a listing is read before it is called inconsistent.
const PASSES: u8 = 4;
/// How often in a row a page may bring nothing new, or a border be mended, within one pass.
const PATIENCE: u32 = 5;
/// No listing may be longer: a target that never ends must not fill the memory.
const LONGEST: u64 = 5_000_000;

/// A listing whose pages are all so many times shorter than asked for may grow with each request, and have no end. Where
/// less than twice as many rows are asked for, it is half of these.
const SHORTEST: u64 = 20;
/// So late is a page that was refused and is asked for again a second later. Then more are asked for ahead, and again
/// after the same time, up to so many times as many.
const LATE: Duration = Duration::from_millis(500);
const LATEST: usize = 4;

/// Something that a listing lists.
pub(crate) trait Identified {
    /// What tells it from the others in the same listing.
    fn id(&self) -> &Id;
}

/// What is to be listed.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    call: Call,
    limit: u64,
}

impl Listing {
    /// A listing in pages of `limit` rows, at most 100.
    pub(crate) fn new(call: Call, limit: u64) -> Self {
        Self { call: call.query("limit", limit.to_string()), limit }
    }

    /// The same listing sorted by id, as JumpCloud advises wherever the endpoint sorts.
    pub(crate) fn sorted(mut self) -> Self {
        self.call = self.call.query("sort", "_id");
        self
    }

    /// The requests that a listing of `rows` rows takes: each page brings `limit - 1` new rows, and the last one must
    /// end short.
    pub(crate) fn requests(rows: u64, limit: u64) -> u64 {
        if rows < limit { 1 } else { 1 + (rows - limit).div_euclid(stride(limit)) + 1 }
    }
}

/// How far one page starts behind the one before.
fn stride(limit: u64) -> u64 {
    limit.max(2) - 1
}

/// Reads a listing's rows, each once, in the listing's order. Pages ahead are asked for side by side.
pub(crate) struct PageReader<T> {
    client: Client,
    meter: Meter,
    listing: Listing,
    ahead: VecDeque<(u64, Source<T>)>,
    /// In which pass a row came last.
    seen: Seen,
    pass: Pass,
    /// Rows that came more than once in one pass, beside those by which pages are linked.
    duplicates: u64,
    notes: Vec<String>,
    /// Requests that the first page's promise made likely.
    planned: Option<u64>,
    finished: bool,
}

/// How the reading of a listing went, beside its rows.
#[derive(Debug, Default)]
pub(crate) struct Course {
    /// Requests that the first page's promise made likely.
    pub(crate) planned: Option<u64>,
    /// Rows dropped since they came twice.
    pub(crate) duplicates: u64,
    /// What was odd.
    pub(crate) notes: Vec<String>,
}

/// One reading from the first row to the last.
#[derive(Debug, Default)]
struct Pass {
    number: u8,
    /// Where the next page starts.
    next: u64,
    /// Rows that the last page promised in all.
    promised: u64,
    /// The smallest and the largest promise.
    totals: Option<(u64, u64)>,
    /// The rows of the last page.
    tail: Vec<Id>,
    /// Pages taken so far.
    pages: u64,
    /// Different rows so far.
    rows: u64,
    /// Of these, rows that no earlier pass brought.
    fresh: u64,
    /// How many times more than once a row stands in a single page.
    repeated: HashMap<Id, u64>,
    /// Pages in a row that brought nothing.
    idle: u32,
    /// A page had to be linked by other than its first row, and the ids are in no order that makes this safe.
    shifted: bool,
    /// The next page is a look behind the last row, where nothing should be.
    behind: bool,
}

enum Source<T> {
    Asked(Asked<T>),
    Here(Page<T>),
}

/// A request under way, given up when nobody waits for it any more.
struct Asked<T>(JoinHandle<Result<Page<T>, ConnectorError>>);

impl<T> Drop for Asked<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T: DeserializeOwned + Identified + Send + 'static> PageReader<T> {
    pub(crate) fn new(client: &Client, meter: &Meter, listing: Listing) -> Self {
        Self {
            client: client.clone(),
            meter: meter.clone(),
            listing,
            ahead: VecDeque::new(),
            seen: Seen::default(),
            pass: Pass { number: 1, ..Pass::default() },
            duplicates: 0,
            notes: Vec::new(),
            planned: None,
            finished: false,
        }
    }

    /// Reads the first page, if it is not here yet, and tells the rows that it promises in all; none where it is empty.
    ///
    /// # Errors
    /// Whatever the request ends with.
    pub(crate) async fn total(&mut self) -> Result<Option<u64>, ConnectorError> {
        if self.ahead.is_empty() && self.pass.tail.is_empty() && !self.finished {
            let page = self.ask(0).page().await?;
            let total = page.total.or_else(|| page.rows.is_empty().then_some(0));
            self.ahead.push_back((0, Source::Here(page)));
            return Ok(total);
        }
        Ok(match self.ahead.front() {
            Some((_, Source::Here(page))) => page.total,
            _ => self.pass.totals.map(|(_, high)| high),
        })
    }

    /// The next rows that did not come before; `None` after the last.
    ///
    /// # Errors
    /// Whatever a request ends with, or `inconsistent_listing`.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<T>>, ConnectorError> {
        while !self.finished {
            let (skip, page) = self.take().await?;
            let behind = std::mem::take(&mut self.pass.behind);
            let rows = if behind && page.rows.is_empty() {
                self.close().map(|()| Vec::new())?
            } else if skip == 0 || self.links(&page) {
                self.accept(skip, page)?
            } else {
                self.bridge(skip, page).await?
            };
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }

    /// How the reading went so far.
    pub(crate) fn course(&self) -> Course {
        Course { planned: self.planned, duplicates: self.duplicates, notes: self.notes.clone() }
    }

    /// The page with the next rows, from those asked for ahead if one of them has them.
    async fn take(&mut self) -> Result<(u64, Page<T>), ConnectorError> {
        let (next, limit) = (self.pass.next, self.listing.limit);
        while self.ahead.front().is_some_and(|(at, _)| *at > 0 && at + limit <= next + 1) {
            self.ahead.pop_front();
        }
        let (skip, source) = match self.ahead.front() {
            Some((at, _)) if *at <= next => self.ahead.pop_front().unwrap_or_else(|| (next, self.ask(next))),
            _ => (next, self.ask(next)),
        };
        let mut page = pin!(source.page());
        let some = self.client.ahead();
        let mut most = some;
        loop {
            self.ask_ahead(skip, most);
            if let Ok(page) = timeout(LATE, &mut page).await {
                return Ok((skip, page?));
            }
            most = (most + some).min(LATEST * some);
        }
    }

    fn ask(&self, skip: u64) -> Source<T> {
        let (client, meter) = (self.client.clone(), self.meter.clone());
        let call = self.listing.call.clone().query("skip", skip.to_string());
        Source::Asked(Asked(tokio::spawn(async move { client.fetch(&meter, &call, Page::read).await })))
    }

    /// Asks for pages behind `skip` as far as rows are promised, up to `most` at a time.
    fn ask_ahead(&mut self, skip: u64, most: usize) {
        let stride = stride(self.listing.limit);
        let mut next = self.ahead.back().map_or(skip, |(at, _)| (*at).max(skip)) + stride;
        while self.ahead.len() < most && next < self.pass.promised {
            let page = self.ask(next);
            self.ahead.push_back((next, page));
            next += stride;
        }
    }

    /// Whether the page goes on where the last one ended.
    fn links(&mut self, page: &Page<T>) -> bool {
        let Self { pass, seen, .. } = self;
        let Some(last) = pass.tail.last() else { return false };
        if page.rows.first().is_some_and(|row| row.id() == last) {
            return true;
        }
        // The list shifted. Rows of the last page, in the same order, tell where the page goes on.
        let places: HashMap<&Id, usize> = pass.tail.iter().enumerate().rev().map(|(at, id)| (id, at)).collect();
        let shared: Vec<usize> = page.rows.iter().filter_map(|row| places.get(row.id()).copied()).collect();
        if shared.is_empty() || !shared.is_sorted() {
            return false;
        }
        if pass.tail.is_sorted() && page.rows.is_sorted_by(|a, b| a.id() <= b.id()) {
            return true;
        }
        // In no order of ids, a list that is shuffled looks much the same: a new row before a known one betrays it.
        let known = |row: &T| seen.pass(row.id()) == Some(pass.number);
        pass.shifted = true;
        page.rows.is_sorted_by_key(|row| !known(row))
    }

    /// Takes a page that links up, and decides what comes next.
    fn accept(&mut self, skip: u64, page: Page<T>) -> Result<Vec<T>, ConnectorError> {
        let limit = self.listing.limit;
        let length = page.rows.len() as u64;
        let end = skip + length;
        // A total that is smaller than what the page itself shows is none.
        let total = page.total.filter(|total| end <= *total || length == 0);
        let before = self.pass.rows;
        let ends_alike = self.pass.tail.last() == page.rows.last().map(Identified::id);
        let fresh = self.keep(page);
        self.pass.next = if length == 0 { skip } else { end - 1 };
        self.pass.idle = if self.pass.rows > before { 0 } else { self.pass.idle + 1 };
        self.pass.pages += 1;
        let promised = self.pass.totals.map(|(_, high)| high);
        let most = Listing::requests(promised.unwrap_or_default().max(self.pass.rows), limit);
        let endless = promised.is_some_and(|promised| self.pass.rows > 2 * promised + 10_000)
            || self.pass.pages > (limit / 2).clamp(1, SHORTEST) * most + 500;
        if endless || self.pass.rows > LONGEST {
            return Err(self.inconsistent("the target goes on listing beyond what it promised"));
        }
        match total {
            Some(total) if length != limit && end >= total => self.close()?,
            None if length != limit && self.pass.idle > 0 && ends_alike => {
                self.pass.next = end;
                self.pass.behind = true;
                self.ahead.clear();
            }
            _ => {}
        }
        if !self.finished && self.pass.idle >= PATIENCE {
            self.again("the target repeats pages, or promises more rows than it gives")?;
        }
        Ok(fresh)
    }

    /// Enters a page's rows; what comes back is new.
    fn keep(&mut self, page: Page<T>) -> Vec<T> {
        if let Some(total) = page.total {
            self.planned.get_or_insert_with(|| Listing::requests(total, self.listing.limit));
            let (low, high) = self.pass.totals.unwrap_or((total, total));
            self.pass.totals = Some((low.min(total), high.max(total)));
        }
        self.pass.promised = page.total.unwrap_or(0).min(LONGEST);
        let ids: Vec<Id> = page.rows.iter().map(|row| row.id().clone()).collect();
        let tail = &self.pass.tail;
        let link = if ids.first().is_some_and(|id| Some(id) == tail.last()) {
            Some(0)
        } else {
            let tail: HashSet<&Id> = tail.iter().collect();
            ids.iter().rposition(|id| tail.contains(id))
        };
        self.note_repeated(&ids);
        let mut fresh = Vec::with_capacity(page.rows.len());
        for (at, row) in page.rows.into_iter().enumerate() {
            match self.seen.insert(row.id(), self.pass.number) {
                Some(pass) if pass == self.pass.number => {
                    self.duplicates += u64::from(link.is_none_or(|link| at > link));
                }
                Some(_) => self.pass.rows += 1,
                None => {
                    self.pass.rows += 1;
                    self.pass.fresh += 1;
                    fresh.push(row);
                }
            }
        }
        if !ids.is_empty() {
            self.pass.tail = ids;
        }
        fresh
    }

    /// Notes rows that stand in one page more than once: the listing itself has them so often.
    fn note_repeated(&mut self, ids: &[Id]) {
        if ids.is_sorted_by(|a, b| a < b) {
            return;
        }
        let mut ids: Vec<&Id> = ids.iter().collect();
        ids.sort_unstable();
        for same in ids.chunk_by(|a, b| a == b).filter(|same| same.len() > 1) {
            let more = self.pass.repeated.entry(same[0].clone()).or_default();
            *more = (*more).max(same.len() as u64 - 1);
        }
    }

    /// Mends a border at which the list has shifted: asks for windows further to the front until one links up. The
    /// page that did not is looked at again behind it.
    async fn bridge(&mut self, skip: u64, page: Page<T>) -> Result<Vec<T>, ConnectorError> {
        self.pass.idle += 1;
        let mut back = self.listing.limit.div_ceil(2);
        for _ in 0..PATIENCE {
            if self.pass.idle > PATIENCE {
                break;
            }
            let start = skip.saturating_sub(back);
            let window = self.ask(start).page().await?;
            if start == 0 || self.links(&window) {
                tracing::debug!(path = self.listing.call.path, skip, start, "a listing shifted; linked again");
                if !page.rows.is_empty() {
                    self.ahead.push_front((skip, Source::Here(page)));
                }
                return self.accept(start, window);
            }
            back *= 2;
        }
        self.again("its order changes faster than it can be read").map(|()| Vec::new())
    }

    /// The last page ended short: is the listing whole?
    fn close(&mut self) -> Result<(), ConnectorError> {
        let rows = self.pass.rows + self.pass.repeated.values().sum::<u64>();
        let path = &self.listing.call.path;
        let vouched = self.pass.totals.is_some_and(|(low, high)| (low..=high).contains(&rows));
        match self.pass.totals {
            Some((low, _)) if rows < low => return self.again(&format!("{rows} rows came where it counts {low}")),
            _ if !vouched && self.pass.shifted && (self.pass.number == 1 || self.pass.fresh > 0) => {
                return self.again("it shifted, and no total shows whether anything was lost");
            }
            Some((_, high)) if rows > high => {
                self.notes.push(format!("{path}: {rows} rows came where it counts {high}"))
            }
            _ => {}
        }
        self.finished = true;
        self.ahead.clear();
        self.seen = Seen::default();
        Ok(())
    }

    /// Starts the listing over, since `why`.
    fn again(&mut self, why: &str) -> Result<(), ConnectorError> {
        if self.pass.number >= PASSES {
            return Err(self.inconsistent(why));
        }
        tracing::info!(path = self.listing.call.path, why, "reading a listing again");
        self.notes.push(format!("{} was read again: {why}", self.listing.call.path));
        self.ahead.clear();
        self.pass = Pass { number: self.pass.number + 1, ..Pass::default() };
        Ok(())
    }

    fn inconsistent(&self, why: &str) -> ConnectorError {
        ConnectorError::new(
            ErrorCode::InconsistentListing,
            format!("{} could not be read as a whole ({} passes): {why}", self.listing.call.path, self.pass.number),
            "scan again at a quieter time; when it lasts, report it to JumpCloud",
        )
        .with_retry(Retry::Later)
    }
}

impl<T> Source<T> {
    async fn page(self) -> Result<Page<T>, ConnectorError> {
        match self {
            Self::Here(page) => Ok(page),
            Self::Asked(mut asked) => match (&mut asked.0).await {
                Ok(page) => page,
                Err(error) => Err(ConnectorError::internal(format!("a request's task ended: {error}"))),
            },
        }
    }
}

#[cfg(test)]
mod tests;
