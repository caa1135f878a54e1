//! Reading a complete list, page by page, while the target changes under it.
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
//! Neither a short page nor a total ends a list by itself. When both agree, that is the end. Where there is no
//! total, or one that the page itself refutes, the end is looked at twice: once from the last row, once from behind it.
//! A list in no order of ids that shifted must in addition bring nothing new when it is read once more, unless a total
//! vouches for it. An order by name counts as none: names can repeat and change, so a row can move from behind a border to
//! the front. Such a list is read once more whenever its total changed, too.
//!
//! A list that cannot be linked, or falls short of its totals, is read again from the start, and rows that were read
//! before are dropped. After [`PASSES`] it is an `inconsistent_listing`.
//!
//! # Null records
//! Lists of edges ([`Listing::of_edges`]) contain records that the target counts but does not return: a page is shorter
//! than its window, or has a null element. The position of a row in its window is then only known to lie between two
//! bounds; the lower one is the number of elements before it in its page. The next window starts there, so it still
//! contains the last row. The chain of linked pages still leads from the first row to the last window that the total
//! promises, so every row that is returned at all is in one of them. What is missing is then either null or withheld,
//! the same in every pass. So such a list is complete, with a note of both numbers, when two passes in a row return the
//! same rows and the same total.
//!
//! One thing this cannot show: whether a window without any row, where the total promises rows, contains only null
//! records or is cut off. A window with nothing but null elements, after its first row at most, cannot be linked to the
//! next one either. [`PageReader::gap`] reports such a window, and the caller must compare the list with another view
//! of the same edges. A window without a new row that no null record explains breaks the chain: then, too, two passes
//! must return the same.
//!
//! # Full pages
//! A list that ends with a full page needs one request more than it has pages, to see that nothing follows. One of
//! several full pages needs another, for the shared rows. If hundreds of lists of one kind have just such a size, most
//! of them end by their totals, as long as the [`TotalsWitness`] of the kind has found every total that it proved to be
//! right, and nothing odd in any list.

mod completeness;
mod junction;
mod listing;
mod pass;
mod prefetch;
mod totals_witness;

use std::collections::{HashSet, VecDeque};

use connector_api::{ConnectorError, ErrorCode, Retry};
use tokio::sync::watch;

use super::page::Page;
use super::row::{Identified, RowId};
use super::seen_ids::SeenIds;
use crate::client::HttpClient;
use crate::meter::Meter;
use crate::words::Words;

pub use listing::{Listing, Offsets};
pub use pass::Gap;
pub use totals_witness::TotalsWitness;

use listing::stride;
use pass::{Outcome, Pass};
use prefetch::Source;

/// How often a list is read before it is reported as inconsistent.
const PASSES: u8 = 4;
/// How often in a row, within one pass, a page may have nothing new or a border may be mended.
const PATIENCE: u32 = 5;
/// The maximum number of rows in a list: a target that never ends must not fill the memory.
pub(crate) const LONGEST: u64 = 5_000_000;
/// The maximum number of windows without a row that are skipped in one pass: a total may promise anything.
const MOST_PASSED_OVER: u64 = 1000;

/// The factor by which pages may be shorter than requested, at most half the requested rows. A target whose pages are
/// shorter still may grow with each request and have no end.
const SHORTEST: u64 = 20;

/// Reads a list's rows, each once, in the list's order. Prefetches pages concurrently.
pub struct PageReader<T: Identified> {
    client: HttpClient,
    meter: Meter,
    listing: Listing,
    witness: Option<TotalsWitness>,
    ahead: VecDeque<(u64, Source<T>)>,
    /// The offset up to which pages that were requested early are opened.
    opened: Option<watch::Sender<u64>>,
    /// The pass in which each row was last read.
    seen: SeenIds<T::Id>,
    pass: Pass<T::Id>,
    /// The outcome of the previous pass.
    before: Option<Outcome>,
    stats: ListingStats,
    finished: bool,
}

/// Statistics of reading a list.
#[derive(Debug, Default, Clone)]
pub struct ListingStats {
    /// The number of requests expected from the first page's total.
    pub planned: Option<u64>,
    /// Rows dropped as duplicates, other than those that link pages.
    pub duplicates: u64,
    /// Notes on anything odd.
    pub notes: Vec<String>,
}

impl<T: Identified + Send + 'static> PageReader<T> {
    /// Creates a reader of a list; `meter` counts its requests.
    pub fn new(client: &HttpClient, meter: &Meter, listing: Listing) -> Self {
        Self {
            client: client.clone(),
            meter: meter.clone(),
            listing,
            witness: None,
            ahead: VecDeque::new(),
            opened: None,
            seen: SeenIds::default(),
            pass: Pass::begin(1),
            before: None,
            stats: ListingStats::default(),
            finished: false,
        }
    }

    /// Adds the witness for the totals of all lists of this kind.
    pub fn watched(mut self, witness: &TotalsWitness) -> Self {
        self.witness = Some(witness.clone());
        self
    }

    /// Reads the first page, unless it has been read, and returns the total. The total is at least the number of rows
    /// in the page.
    ///
    /// # Errors
    /// Returns the error of the request, or `inconsistent_listing` for a total beyond the longest list that can be read.
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

    /// Returns the next new rows, or `None` after the last.
    ///
    /// # Errors
    /// Returns the error of a request, or `inconsistent_listing`.
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

    /// Returns the statistics so far.
    pub fn stats(&self) -> ListingStats {
        self.stats.clone()
    }

    /// Returns where rows that its total counts are missing from a list that was read to its end.
    pub fn gap(&self) -> Option<Gap> {
        self.pass.gap
    }

    /// Returns whether nothing is odd in a list that was read to its end: one pass was enough, no record is null, and its
    /// total never changed and is the number of its rows.
    pub fn is_consistent(&self) -> bool {
        let Pass { number, nulls, gap, totals, .. } = &self.pass;
        *number == 1
            && *nulls == 0
            && gap.is_none()
            && totals.is_none_or(|(low, high)| low == high && high == self.pass.length())
    }

    /// Returns whether the end of the list rests on its total alone.
    pub fn on_trust(&self) -> bool {
        self.pass.on_trust
    }

    /// Returns whether a row was read; valid for a list with a gap.
    pub fn brought(&self, id: &T::Id) -> bool {
        self.seen.pass(id).is_some()
    }

    /// Takes a linked page and decides what follows.
    fn accept(&mut self, skip: u64, page: Page<T>) -> Result<Vec<T>, ConnectorError> {
        let limit = self.listing.limit;
        let (length, rows) = (page.length(), page.rows.len() as u64);
        let (end, last) = (skip + length, skip + page.before_last);
        // A total smaller than what the page itself shows is ignored.
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
            return Err(self.inconsistent("the listing does not end"));
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
            // Only null records, or nothing else after the first row of the window: the same window would come again
            // and again.
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
            self.again("the target repeats pages, or returns fewer rows than its total")?;
        }
        Ok(fresh)
    }

    /// Continues at `next`, after a window without a new row.
    fn pass_over(&mut self, next: u64) -> Result<(), ConnectorError> {
        self.pass.passed_over += 1;
        if self.pass.passed_over > MOST_PASSED_OVER {
            return Err(self.inconsistent("the target returns far fewer rows than its total"));
        }
        self.pass.next = next;
        self.pass.idle = 0;
        self.pass.loose = true;
        self.pass.tail.clear();
        Ok(())
    }

    /// Takes a full page of a list whose total is trusted.
    fn trust(&mut self, skip: u64, length: u64, total: Option<u64>) -> Result<(), ConnectorError> {
        self.pass.next = skip + length;
        let steady = self.pass.totals.is_some_and(|(low, high)| low == high && Some(high) == total);
        if !steady || self.pass.rows != self.pass.next || length != self.listing.limit {
            self.refute();
            return self.again("the list changed while it was read");
        }
        if Some(self.pass.next) == total {
            self.finish();
        }
        Ok(())
    }

    /// Records a page's rows and returns the new ones.
    fn keep(&mut self, page: Page<T>) -> Vec<T> {
        if let Some(total) = page.total {
            self.stats.planned.get_or_insert_with(|| Listing::requests(total, self.listing.limit));
            let (low, high) = self.pass.totals.unwrap_or((total, total));
            self.pass.totals = Some((low.min(total), high.max(total)));
        }
        self.pass.promised = page.total.unwrap_or(0);
        self.pass.nulls += page.nulls;
        let ids: Vec<T::Id> = page.rows.iter().map(|row| row.id().clone()).collect();
        let tail = &self.pass.tail;
        let link = if ids.first().is_some_and(|id| Some(id) == tail.last()) {
            Some(0)
        } else {
            let tail: HashSet<&T::Id> = tail.iter().collect();
            ids.iter().rposition(|id| tail.contains(id))
        };
        self.pass.note_order(&ids);
        let mut repeats = false;
        let mut fresh = Vec::with_capacity(page.rows.len());
        for (at, row) in page.rows.into_iter().enumerate() {
            match self.seen.insert(row.id(), self.pass.number) {
                Some(pass) if pass == self.pass.number => {
                    repeats |= at > 0;
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
        // The second of two equal rows was seen in this pass.
        if repeats {
            self.pass.note_repeated(&ids);
        }
        if !ids.is_empty() {
            self.pass.tail = ids;
        }
        fresh
    }
}

/// Returns the error of a list that cannot be read as one consistent whole, after `passes` passes.
pub fn inconsistent(path: &str, passes: u8, why: &str, words: &Words) -> ConnectorError {
    ConnectorError::new(
        ErrorCode::InconsistentListing,
        format!(
            "{path} could not be read completely and consistently ({passes} {}): {why}",
            if passes == 1 { "pass" } else { "passes" }
        ),
        format!("scan again at a quieter time; if the problem persists, report it to {}", words.vendor),
    )
    .with_retry(Retry::Later)
}

#[cfg(test)]
mod tests;
