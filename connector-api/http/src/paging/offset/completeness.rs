//! The end of a pass: whether the list is complete, must be read again, or cannot be read consistently.

use connector_api::ConnectorError;

use super::listing::Order;
use super::pass::Pass;
use super::{Identified, PASSES, PageReader, TotalsWitness, inconsistent};
use crate::paging::seen_ids::SeenIds;
use crate::text::grouped;

impl<T: Identified + Send + 'static> PageReader<T> {
    /// Handles a last page that ends short: decides whether the list is complete.
    pub(super) fn close(&mut self) -> Result<(), ConnectorError> {
        let rows = self.pass.length();
        let path = &self.listing.call.path;
        // In an order by name, a row may move to where nobody reads any more, without a shift at any border. Then only
        // a total that never changes vouches for the rows.
        let by_name = self.listing.order == Order::Name;
        let vouched = self.pass.totals.is_some_and(|(low, high)| {
            if by_name { low == rows && high == rows } else { (low..=high).contains(&rows) }
        });
        match self.pass.totals {
            Some((low, high)) if rows < low => {
                if !(self.listing.nulls && self.pass.is_alike(self.before)) {
                    return self.again(&format!(
                        "{} rows were returned, but its total is {}",
                        grouped(rows),
                        grouped(low)
                    ));
                }
                self.refute();
                // This note replaces those on why it was read again.
                self.stats.notes.clear();
                self.stats.notes.push(format!("{path}: {} counted, {} given", grouped(high), grouped(rows)));
            }
            // The chain is broken, and null records do not explain it.
            _ if self.pass.gap.is_some() && !self.pass.is_alike(self.before) => {
                return self.again("the pages around a window without new rows cannot be linked");
            }
            _ if !vouched && (self.pass.shifted || by_name) && (self.pass.number == 1 || self.pass.fresh > 0) => {
                return self.again("the list may have shifted, and no total shows whether a row was lost");
            }
            Some((_, high)) if rows > high => {
                self.stats.notes.push(format!(
                    "{path}: {} rows were returned, but its total is {}",
                    grouped(rows),
                    grouped(high)
                ));
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

    pub(super) fn finish(&mut self) {
        self.finished = true;
        self.ahead.clear();
        if self.pass.gap.is_none() {
            self.seen = SeenIds::default();
        }
    }

    /// Starts the list over, because of `why`.
    pub(super) fn again(&mut self, why: &str) -> Result<(), ConnectorError> {
        self.refute();
        if self.pass.number >= PASSES {
            return Err(self.inconsistent(why));
        }
        tracing::info!(path = self.listing.call.path, why, "reading a list again");
        self.stats.notes.push(format!("{} was read again: {why}", self.listing.call.path));
        self.ahead.clear();
        self.before = Some(self.pass.outcome());
        self.pass = Pass::begin(self.pass.number + 1);
        Ok(())
    }

    /// Records that something is odd: from now on, no total of the kind is trusted.
    pub(super) fn refute(&self) {
        self.witness.iter().for_each(TotalsWitness::refute);
    }

    pub(super) fn inconsistent(&self, why: &str) -> ConnectorError {
        inconsistent(&self.listing.call.path, self.pass.number, why, self.client.words())
    }
}
