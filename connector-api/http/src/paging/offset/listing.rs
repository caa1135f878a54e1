//! What to list, in which order, and at what cost.

use super::totals_witness::{MOST_PAGES, TotalsWitness};
use crate::call::Call;
use crate::paging::page::PageShape;

/// The order of a target's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// By id, which never changes: a row never moves to the front of the list.
    Id,
    /// By name, which may repeat and change.
    Name,
    /// The target's own order.
    Unsorted,
}

/// How a target takes and returns windows of a list. Start from [`Offsets::of`] and set what differs.
#[derive(Debug, Clone, Copy)]
pub struct Offsets {
    /// The parameter for the start of a window.
    pub skip: &'static str,
    /// The parameter for the number of rows.
    pub limit: &'static str,
    /// The parameter for the field to sort by.
    pub sort: &'static str,
    /// The value of `skip` for the first row: 0, or 1 if rows are counted from one.
    pub first: u64,
    /// The shape of a page.
    pub page: PageShape,
}

impl Offsets {
    /// Creates windows by `offset`, counted from zero, and `limit`, sorted by `sort`.
    pub const fn of(page: PageShape) -> Self {
        Self { skip: "offset", limit: "limit", sort: "sort", first: 0, page }
    }
}

/// A list that is read by offset.
#[derive(Debug, Clone)]
pub struct Listing {
    pub(super) call: Call,
    pub(super) offsets: Offsets,
    pub(super) limit: u64,
    pub(super) order: Order,
    /// Whether the target may count records that it does not return.
    pub(super) nulls: bool,
    /// Whether no page is requested before it is needed.
    pub(super) in_turn: bool,
}

impl Listing {
    /// Describes a list in pages of `limit` rows, in the target's own order. `limit` must not exceed what the target
    /// allows; a target may return fewer.
    pub fn new(offsets: Offsets, call: Call, limit: u64) -> Self {
        let call = call.query(offsets.limit, limit.to_string());
        Self { call, offsets, limit, order: Order::Unsorted, nulls: false, in_turn: false }
    }

    /// Sorts by the field that is the id. Ids never change, so prefer this order.
    pub fn by_id(mut self, field: &'static str) -> Self {
        self.call = self.call.sorted(self.offsets.sort, field);
        self.order = Order::Id;
        self
    }

    /// Sorts by a field that can repeat and change, such as a name.
    pub fn by_name(mut self, field: &'static str) -> Self {
        self.call = self.call.sorted(self.offsets.sort, field);
        self.order = Order::Name;
        self
    }

    /// Marks a list of edges, in which null records may take the place of edges that are not returned.
    pub fn of_edges(mut self) -> Self {
        self.nulls = true;
        self
    }

    /// Requests one page after another. For pages so large that several of them would take too much memory.
    pub fn in_turn(mut self) -> Self {
        self.in_turn = true;
        self
    }

    /// Returns the number of requests for a list of `rows` rows. Each page has `limit - 1` new rows, and the last
    /// one must end short.
    pub fn requests(rows: u64, limit: u64) -> u64 {
        if rows < limit { 1 } else { ((rows - limit) / stride(limit)).saturating_add(2) }
    }

    /// Returns the number of requests for many lists of one kind, given their lengths. Most of those that consist of a
    /// few full pages end by their totals.
    pub fn requests_of_many(lengths: &[u64], limit: u64) -> u64 {
        let full = lengths.iter().filter(|rows| is_full_pages(**rows, limit)).count() as u64;
        let requests = lengths.iter().map(|rows| Self::requests(*rows, limit)).fold(0, u64::saturating_add);
        requests.saturating_sub(TotalsWitness::believed(full))
    }

    /// Returns whether a list of `rows` rows consists of a few full pages, and so needs one or two requests more than
    /// it has pages.
    pub(super) fn is_full_pages(&self, rows: u64) -> bool {
        is_full_pages(rows, self.limit)
    }
}

fn is_full_pages(rows: u64, limit: u64) -> bool {
    rows > 0 && rows.is_multiple_of(limit) && rows / limit <= MOST_PAGES
}

/// Returns how many rows lie between the starts of two consecutive pages.
pub(super) fn stride(limit: u64) -> u64 {
    limit.max(2) - 1
}
