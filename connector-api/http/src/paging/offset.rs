//! Reading a whole listing, page by page, while the target changes under it.
//!
//! A page is a window (`skip`, `limit`) on a live list. Between two pages a deletion moves later rows one place to the
//! front, so that the next page starts one row too late and a row is lost; an insertion doubles one. Totals do not
//! show it: one deletion and one insertion leave them as they were.
//!
//! So each page starts on the last row of the page before it. When the two pages share that row, the list did not
//! shift at that border, whatever happened elsewhere: the pages are *linked*. When they are not, the reader asks for
//! windows further to the front until one links up. A chain of linked pages from the first row to a page that ends
//! short misses no row that was there throughout.
//!
//! Neither a short page nor a total ends a listing by itself. When both agree, that is the end. Where there is no
//! total, or one that the page itself refutes, the end is looked at twice: once from the last row, once from behind it.
//! A listing in no order of ids that shifted must in addition bring nothing new when it is read once more, unless a total
//! vouches for it. An order by name counts as none: names can repeat and change, so a row can move from behind a border to
//! the front. Such a listing is read once more whenever its total changed, too.
//!
//! A listing that cannot be linked, or falls short of its totals, is read again as a whole, and rows that were read
//! before are dropped. After [`PASSES`] it is an `inconsistent_listing`.
//!
//! # Null records
//! Lists of edges ([`Listing::of_edges`]) hold records that the target counts and does not give out: a page is shorter
//! than its window, or has an empty element. The place of a row in its window is then known only to lie between two
//! bounds, of which the lower one is the number of elements before it in its page. The next window starts there, so it
//! still holds the last row, and the chain of linked pages still leads from the first row to the last window that the total
//! promises: a row that is given out at all is in one of them. What is missing is then either null or withheld, the same in
//! every pass. So such a list is whole, with a note of both numbers, when two passes in a row bring the same rows and the
//! same total. One thing this cannot show: whether a window without any row that the total promises there holds null records
//! alone, or is cut off. A window of nothing but null elements, after its first row at most, cannot be linked to the next one
//! either. [`PageReader::gap`] says that there was one such, and the caller must hold the list against another view of the
//! same edges. A window without a new row that no null record explains breaks the chain: then, too, two passes must bring
//! the same.
//!
//! # Full pages
//! A list that ends with a full page needs one request more than it has pages, to see that nothing is behind, and one of
//! several full pages another, for the shared rows. Where hundreds of lists of one kind are of just such a size, most of
//! them end by their totals, as long as [`TotalsWitness`] sees every total proven that it has proven, and nothing odd in any.

mod junction;
mod listing;
mod pass;
mod prefetch;
mod totals_witness;

use std::collections::{HashSet, VecDeque};

use connector_api::{ConnectorError, ErrorCode, Retry};

use super::page::Page;
use super::row::{Identified, RowId};
use super::seen_ids::SeenIds;
use crate::client::HttpClient;
use crate::meter::Meter;
use crate::words::Words;

pub use listing::{Listing, Offsets};
pub use pass::Gap;
pub use totals_witness::TotalsWitness;

use listing::{Order, stride};
use pass::{Outcome, Pass};
use prefetch::Source;

/// How often a listing is read before it is called inconsistent.
const PASSES: u8 = 4;
/// How often in a row a page may bring nothing new, or a border be mended, within one pass.
const PATIENCE: u32 = 5;
/// No listing may be longer: a target that never ends must not fill the memory.
pub(crate) const LONGEST: u64 = 5_000_000;
/// How many windows without a row may be passed over in one pass: a total may promise anything.
const MOST_PASSED_OVER: u64 = 1000;

/// A listing whose pages are all this many times shorter than asked for may grow with each request, and have no end. Where
/// less than twice as many rows are asked for, it is half of these.
const SHORTEST: u64 = 20;

/// Reads a listing's rows, each once, in the listing's order. Pages ahead are requested side by side.
pub struct PageReader<T: Identified> {
    client: HttpClient,
    meter: Meter,
    listing: Listing,
    witness: Option<TotalsWitness>,
    ahead: VecDeque<(u64, Source<T>)>,
    /// Which pass brought a row last.
    seen: SeenIds<T::Id>,
    pass: Pass<T::Id>,
    /// What the pass before brought.
    before: Option<Outcome>,
    stats: ListingStats,
    finished: bool,
}

/// How the reading of a listing went, in addition to its rows.
#[derive(Debug, Default, Clone)]
pub struct ListingStats {
    /// Requests that the first page's promise made likely.
    pub planned: Option<u64>,
    /// Rows dropped since they were given twice, other than those by which pages are linked.
    pub duplicates: u64,
    /// What was odd.
    pub notes: Vec<String>,
}

impl<T: Identified + Send + 'static> PageReader<T> {
    /// A reader of a listing, whose requests are counted by `meter`.
    pub fn new(client: &HttpClient, meter: &Meter, listing: Listing) -> Self {
        Self {
            client: client.clone(),
            meter: meter.clone(),
            listing,
            witness: None,
            ahead: VecDeque::new(),
            seen: SeenIds::default(),
            pass: Pass::begin(1),
            before: None,
            stats: ListingStats::default(),
            finished: false,
        }
    }

    /// The same reader of one among many lists of a kind, whose totals a witness watches.
    pub fn watched(mut self, witness: &TotalsWitness) -> Self {
        self.witness = Some(witness.clone());
        self
    }

    /// Reads the first page, if it is not here yet; how many rows it promises in all, or holds where it promises less.
    ///
    /// # Errors
    /// Whatever the request ends with.
    pub async fn total(&mut self) -> Result<Option<u64>, ConnectorError> {
        if self.ahead.is_empty() && self.pass.tail.is_empty() && !self.finished {
            let page = self.ask(0).page().await?;
            let here = page.rows.len() as u64;
            let total = page.total.map(|total| total.max(here)).or_else(|| page.rows.is_empty().then_some(0));
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
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, ConnectorError> {
        while !self.finished {
            let (skip, page) = self.take().await?;
            let behind = std::mem::take(&mut self.pass.behind);
            let loose = std::mem::take(&mut self.pass.loose);
            let rows = if behind && page.length() == 0 {
                self.close().map(|()| Vec::new())?
            } else if skip == 0 || loose || self.pass.on_trust || self.links(skip, &page) {
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
    pub fn stats(&self) -> ListingStats {
        self.stats.clone()
    }

    /// Where a list that was read to its end gives no row although its total promises some.
    pub fn gap(&self) -> Option<Gap> {
        self.pass.gap
    }

    /// Whether the end rests on the total alone.
    pub fn on_trust(&self) -> bool {
        self.pass.on_trust
    }

    /// Whether a row was given; asked of a list with a gap.
    pub fn brought(&self, id: &T::Id) -> bool {
        self.seen.pass(id).is_some()
    }

    /// Takes a page that links up, and decides what comes next.
    fn accept(&mut self, skip: u64, page: Page<T>) -> Result<Vec<T>, ConnectorError> {
        let limit = self.listing.limit;
        let (length, rows) = (page.length(), page.rows.len() as u64);
        let (end, last) = (skip + length, skip + page.before_last);
        // A total that is smaller than what the page itself shows is none.
        let total = page.total.filter(|total| end <= *total || length == 0);
        if total.is_none() {
            self.refute();
        }
        let (before, nulls) = (self.pass.rows, page.nulls);
        let ends_alike = self.pass.tail.last() == page.rows.last().map(Identified::id);
        let fresh = self.keep(page);
        self.pass.vacant = limit.saturating_sub(rows);
        self.pass.next = last;
        let brought = self.pass.rows > before;
        if brought {
            self.pass.covered = skip + limit;
        }
        self.pass.idle = if brought { 0 } else { self.pass.idle + 1 };
        self.pass.pages += 1;
        let promised = self.pass.totals.map(|(_, high)| high);
        let most = Listing::requests(promised.unwrap_or_default().max(self.pass.rows), limit);
        let endless = promised.is_some_and(|promised| self.pass.rows > 2 * promised + 10_000)
            || self.pass.pages > (limit / 2).clamp(1, SHORTEST) * most + 500;
        if endless || self.pass.rows > LONGEST {
            return Err(self.inconsistent("the target goes on listing beyond what it promised"));
        }
        if skip == 0 && self.pass.number == 1 && length == limit && rows == limit {
            self.pass.on_trust = total.is_some_and(|total| self.listing.is_full_pages(total))
                && self.witness.as_ref().is_some_and(TotalsWitness::vouches);
        }
        match total {
            _ if self.pass.on_trust => self.trust(skip, length, total)?,
            Some(total) if length != limit && end >= total => self.close()?,
            Some(total) if self.listing.nulls && !brought && end < total => {
                let tail = self.pass.covered >= total;
                self.pass.gap = self.pass.gap.max(Some(if tail { Gap::Tail } else { Gap::Window }));
                if skip + limit >= total { self.close()? } else { self.pass_over(skip + stride(limit))? }
            }
            // Nothing but null records, or nothing else behind a row that the window begins with: the same window would come
            // again and again.
            _ if nulls > 0 && (rows == 0 || (last == skip && length == limit)) => {
                self.pass.gap = Some(Gap::Window);
                self.pass_over(end)?;
            }
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

    /// Goes on at `next`, behind a window that held no row that is new.
    fn pass_over(&mut self, next: u64) -> Result<(), ConnectorError> {
        self.pass.passed_over += 1;
        if self.pass.passed_over > MOST_PASSED_OVER {
            return Err(self.inconsistent("the target promises far more rows than it gives"));
        }
        self.pass.next = next;
        self.pass.idle = 0;
        self.pass.loose = true;
        self.pass.tail.clear();
        Ok(())
    }

    /// Takes a full page of a list whose total is taken at its word.
    fn trust(&mut self, skip: u64, length: u64, total: Option<u64>) -> Result<(), ConnectorError> {
        self.pass.next = skip + length;
        let steady = self.pass.totals.is_some_and(|(low, high)| low == high && Some(high) == total);
        if !steady || self.pass.rows != self.pass.next || length != self.listing.limit {
            self.refute();
            return self.again("it changed while it was read");
        }
        if Some(self.pass.next) == total {
            self.finish();
        }
        Ok(())
    }

    /// Enters a page's rows; what comes back is new.
    fn keep(&mut self, page: Page<T>) -> Vec<T> {
        if let Some(total) = page.total {
            self.stats.planned.get_or_insert_with(|| Listing::requests(total, self.listing.limit));
            let (low, high) = self.pass.totals.unwrap_or((total, total));
            self.pass.totals = Some((low.min(total), high.max(total)));
        }
        self.pass.promised = page.total.unwrap_or(0).min(LONGEST);
        let ids: Vec<T::Id> = page.rows.iter().map(|row| row.id().clone()).collect();
        let tail = &self.pass.tail;
        let link = if ids.first().is_some_and(|id| Some(id) == tail.last()) {
            Some(0)
        } else {
            let tail: HashSet<&T::Id> = tail.iter().collect();
            ids.iter().rposition(|id| tail.contains(id))
        };
        self.pass.note_repeated(&ids);
        self.pass.note_order(&ids);
        let mut fresh = Vec::with_capacity(page.rows.len());
        for (at, row) in page.rows.into_iter().enumerate() {
            match self.seen.insert(row.id(), self.pass.number) {
                Some(pass) if pass == self.pass.number => {
                    self.stats.duplicates += u64::from(link.is_none_or(|link| at > link));
                }
                Some(pass) => {
                    self.pass.rows += 1;
                    self.pass.kept += u64::from(pass + 1 == self.pass.number);
                }
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

    /// The last page ended short: is the listing whole?
    fn close(&mut self) -> Result<(), ConnectorError> {
        let rows = self.pass.length();
        let path = &self.listing.call.path;
        // In an order by name a row may move to where nobody looks any more without a shift at any border: then only a
        // total that is the same throughout vouches for the rows.
        let by_name = self.listing.order == Order::Name;
        let vouched = self.pass.totals.is_some_and(|(low, high)| {
            if by_name { low == rows && high == rows } else { (low..=high).contains(&rows) }
        });
        match self.pass.totals {
            Some((low, high)) if rows < low => {
                if !(self.listing.nulls && self.pass.is_alike(self.before)) {
                    return self.again(&format!("{rows} rows were given where it counts {low}"));
                }
                self.refute();
                // What made it be read again is said better now.
                self.stats.notes.clear();
                self.stats.notes.push(format!("{path}: {high} counted, {rows} given"));
            }
            // The chain is broken, and not by null records.
            _ if self.pass.gap.is_some() && !self.pass.is_alike(self.before) => {
                return self.again("a window without a new row stands between others, which cannot be linked");
            }
            _ if !vouched && (self.pass.shifted || by_name) && (self.pass.number == 1 || self.pass.fresh > 0) => {
                return self.again("it may have shifted, and no total shows whether anything was lost");
            }
            Some((_, high)) if rows > high => {
                self.stats.notes.push(format!("{path}: {rows} rows were given where it counts {high}"));
            }
            Some((low, high)) if low == high && self.pass.number == 1 && self.listing.is_full_pages(rows) => {
                self.witness.iter().for_each(TotalsWitness::prove);
            }
            _ => {}
        }
        self.pass.gap = self.pass.gap.filter(|_| self.pass.totals.is_none_or(|(low, _)| rows < low));
        self.finish();
        Ok(())
    }

    fn finish(&mut self) {
        self.finished = true;
        self.ahead.clear();
        if self.pass.gap.is_none() {
            self.seen = SeenIds::default();
        }
    }

    /// Starts the listing over, since `why`.
    fn again(&mut self, why: &str) -> Result<(), ConnectorError> {
        self.refute();
        if self.pass.number >= PASSES {
            return Err(self.inconsistent(why));
        }
        tracing::info!(path = self.listing.call.path, why, "reading a listing again");
        self.stats.notes.push(format!("{} was read again: {why}", self.listing.call.path));
        self.ahead.clear();
        self.before = Some(self.pass.outcome());
        self.pass = Pass::begin(self.pass.number + 1);
        Ok(())
    }

    /// Something is odd: no total of the kind is taken at its word from now on.
    fn refute(&self) {
        self.witness.iter().for_each(TotalsWitness::refute);
    }

    fn inconsistent(&self, why: &str) -> ConnectorError {
        inconsistent(&self.listing.call.path, self.pass.number, why, self.client.words())
    }
}

/// A list that cannot be read as one consistent whole, after N passes.
pub fn inconsistent(path: &str, passes: u8, why: &str, words: &Words) -> ConnectorError {
    ConnectorError::new(
        ErrorCode::InconsistentListing,
        format!("{path} could not be read as a whole ({passes} passes): {why}"),
        format!("scan again at a quieter time; when it lasts, report it to {}", words.vendor),
    )
    .with_retry(Retry::Later)
}

#[cfg(test)]
mod tests;
