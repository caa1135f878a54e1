//! The junction of two pages: whether they link, and how a broken junction is mended.

use std::collections::HashMap;

use connector_api::ConnectorError;

use super::listing::Order;
use super::prefetch::Source;
use super::{Identified, PATIENCE, PageReader, TotalsWitness};
use crate::paging::page::Page;

/// The minimum number of rows in ascending order of ids that is not a coincidence, if no order was requested.
const ORDERLY: u64 = 7;

impl<T: Identified + Send + 'static> PageReader<T> {
    /// Returns whether the page, whose window starts at `skip`, continues where the last one ended.
    pub(super) fn links(&mut self, skip: u64, page: &Page<T>) -> bool {
        let Self { client, pass, seen, listing, witness, .. } = self;
        let Some(last) = pass.tail.last() else { return false };
        if page.rows.first().is_some_and(|row| row.id() == last) {
            return true;
        }
        // A window that starts before the last row begins with the end of the previous page.
        let slack = pass.next.saturating_sub(skip) + if listing.nulls { pass.vacant } else { 0 };
        let early = page.rows.iter().take(slack as usize + 1).position(|row| row.id() == last);
        if early.is_some_and(|at| {
            at < pass.tail.len() && {
                let known = &pass.tail[pass.tail.len() - 1 - at..];
                page.rows.iter().zip(known).all(|(row, id)| row.id() == id)
            }
        }) {
            return true;
        }
        // The list shifted. Rows of the last page, in the same order, show where this page continues.
        witness.iter().for_each(TotalsWitness::refute);
        let places: HashMap<&T::Id, usize> = pass.tail.iter().enumerate().rev().map(|(at, id)| (id, at)).collect();
        let shared: Vec<usize> = page.rows.iter().filter_map(|row| places.get(row.id()).copied()).collect();
        if shared.is_empty() || !shared.is_sorted() {
            return false;
        }
        let order = if client.sorts(&listing.call) { listing.order } else { Order::Unsorted };
        let orderly = match order {
            Order::Id => pass.tail.is_sorted(),
            Order::Name => false,
            Order::Unsorted => !pass.descends && pass.rows >= ORDERLY,
        };
        if orderly && page.rows.is_sorted_by(|a, b| a.id() <= b.id()) {
            return true;
        }
        // Without an order of ids, a shuffled list looks much the same, but has a new row before a known one.
        let known = |row: &T| seen.pass(row.id()) == Some(pass.number);
        pass.shifted = true;
        page.rows.is_sorted_by_key(|row| !known(row))
    }

    /// Mends a border at which the list has shifted: requests windows further to the front until one links up. The page
    /// that did not link is examined again after it.
    pub(super) async fn bridge(&mut self, skip: u64, page: Page<T>) -> Result<Vec<T>, ConnectorError> {
        self.pass.idle += 1;
        let mut back = self.listing.limit.div_ceil(2);
        for _ in 0..PATIENCE {
            if self.pass.idle > PATIENCE {
                break;
            }
            let start = skip.saturating_sub(back);
            let window = self.ask(start).page().await?;
            if start == 0 || self.links(start, &window) {
                tracing::debug!(path = self.listing.call.path, skip, start, "a list shifted; linked again");
                if !page.rows.is_empty() {
                    self.ahead.push_front((skip, Source::Here(page)));
                }
                return self.accept(start, window);
            }
            back *= 2;
        }
        self.again("its order changes faster than it can be read").map(|()| Vec::new())
    }
}
